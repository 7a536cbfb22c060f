//! Cost-model files: their text and their schema. What is in them is [`runtime::cost::ModelSpec`].

use runtime::cost::{History, Measured, ModelSpec};
use serde_json::{Value, json};
use std::path::Path;

/// The text of a cost-model file (YAML), a line per measurement; `about` goes above it as comments.
pub fn write(spec: &ModelSpec, about: &[String]) -> String {
    let mut text: String =
        about.iter().flat_map(|a| a.lines()).map(|line| format!("# {line}\n")).collect();
    // JSON is YAML: each part is written as JSON on lines of its own.
    let json = |value: Result<Value, serde_json::Error>| {
        value.map_or_else(|_| "null".to_owned(), |v| v.to_string())
    };
    text += "windtunnel_cost_model: 1\n";
    text += &format!("name: {}\n", Value::from(spec.name.as_str()));
    text += &format!("unmeasured: {}\n", json(serde_json::to_value(spec.unmeasured)));
    if let Some(roofline) = &spec.roofline {
        text += &format!("roofline: {}\n", json(serde_json::to_value(roofline)));
    }
    if !spec.measured.is_empty() {
        text += "measured:\n";
    }
    for measured in &spec.measured {
        text += &format!("  - {}\n", row(measured));
    }
    text
}

/// A measurement on a line, in the order in which people look for things.
fn row(measured: &Measured) -> String {
    let name = |name: &str| Value::from(name).to_string();
    let mut parts = vec![
        format!("kernel: {}", name(&measured.kernel)),
        format!("class: {}", name(&measured.class)),
    ];
    parts.extend(measured.bytes.map(|b| format!("bytes: {b}")));
    parts.extend(measured.shape.map(|s| format!("shape: {s:?}")));
    parts.extend(measured.work.map(|w| format!("work: {}", Value::from(w))));
    parts.push(format!("mean_ns: {}", Value::from(measured.mean_ns)));
    parts.push(format!("deviation_ns: {}", Value::from(measured.deviation_ns)));
    parts.push(format!("count: {}", measured.count));
    format!("{{{}}}", parts.join(", "))
}

/// Whether a file is one that `windtunnel calibrate` wrote; no cost model has its key.
pub fn is_calibration(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| is_calibration_text(&text))
}

/// As [`is_calibration`], of the file's text.
pub fn is_calibration_text(text: &str) -> bool {
    // The key is the first one, as `windtunnel calibrate` writes it.
    let inside = text.trim_start().strip_prefix('{');
    inside.is_some_and(|rest| rest.trim_start().starts_with("\"windtunnel_costs\""))
}

/// What a calibration measured, as a cost model: by shape, and by work where that is known.
pub fn from_history(name: &str, history: &History) -> ModelSpec {
    let measured = history.entries().iter().map(|entry| Measured {
        kernel: entry.kernel.clone(),
        class: entry.class.clone(),
        bytes: None,
        shape: Some(entry.shape),
        work: (entry.mean_work > 0.0).then_some(entry.mean_work),
        mean_ns: entry.mean_ns,
        deviation_ns: entry.deviation_ns(),
        count: entry.count,
    });
    let (name, measured) = (name.to_owned(), measured.collect());
    ModelSpec { name, measured, ..ModelSpec::default() }
}

/// The JSON Schema of cost-model files, for editors.
pub fn schema() -> Value {
    let positive =
        |what: &str| json!({ "type": "number", "exclusiveMinimum": 0, "description": what });
    let not_negative = |what: &str| json!({ "type": "number", "minimum": 0, "description": what });
    let text = |what: &str| json!({ "type": "string", "description": what });
    let share = json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "CostModel",
        "description": "Durations of kernels by size and class of devices.",
        "type": "object",
        "additionalProperties": false,
        "required": ["windtunnel_cost_model", "name"],
        "properties": {
            "windtunnel_cost_model": { "const": 1, "description": "The version of the format." },
            "name": text("Shown to people."),
            "unmeasured": {
                "enum": ["stated", "impossible"],
                "default": "stated",
                "description": "What becomes of measured kernels on classes of devices where they \
                                were not: they take what they state, or cannot run there.",
            },
            "measured": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["kernel", "class", "mean_ns"],
                    "anyOf": [
                        { "required": ["bytes"] },
                        { "required": ["shape"] },
                        { "required": ["work"] },
                    ],
                    "properties": {
                        "kernel": text("The kernel's name."),
                        "class": text("The class of the devices."),
                        "bytes": {
                            "type": "integer",
                            "minimum": 0,
                            "description": "Bytes of all objects of the task.",
                        },
                        "shape": {
                            "type": "array",
                            "minItems": 4,
                            "maxItems": 4,
                            "items": { "type": "integer", "minimum": 0 },
                            "description": "The task's shape.",
                        },
                        "work": not_negative("The task's work."),
                        "mean_ns": not_negative("Mean duration in nanoseconds."),
                        "deviation_ns": not_negative("Standard deviation in nanoseconds."),
                        "count": {
                            "type": "integer",
                            "minimum": 1,
                            "default": 1,
                            "description": "Number of measurements.",
                        },
                    },
                },
            },
            "roofline": {
                "type": "object",
                "additionalProperties": false,
                "required": ["precision", "classes"],
                "description": "Operations and bytes against peaks, for kernels that were not \
                                measured.",
                "properties": {
                    "precision": text("The numbers of kernels that `precisions` does not name."),
                    "precisions": {
                        "type": "object",
                        "additionalProperties": { "type": "string" },
                        "description": "The numbers of kernels by name.",
                    },
                    "classes": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["class", "peaks", "bytes_per_s"],
                            "properties": {
                                "class": text("The class of the devices."),
                                "peaks": {
                                    "type": "object",
                                    "additionalProperties": positive("Operations per second."),
                                    "description": "Peak of a lane by precision.",
                                },
                                "bytes_per_s": positive("Between memory and a lane."),
                                "overhead_ns": not_negative("On top of every task."),
                                "array": {
                                    "type": "integer",
                                    "minimum": 1,
                                    "description": "Side of a systolic array: shapes are padded \
                                                    to its multiples.",
                                },
                                "efficiency": {
                                    "type": "array",
                                    "items": {
                                        "type": "array",
                                        "prefixItems": [positive("Operations."), share],
                                        "minItems": 2,
                                        "maxItems": 2,
                                    },
                                    "description": "Share of the peak that tasks of so many \
                                                    operations reach, points ascending.",
                                },
                            },
                        },
                    },
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mistake::Source;
    use runtime::cost::{Model, Roof, Roofline};
    use std::collections::BTreeMap;

    fn whole() -> ModelSpec {
        let measured = |bytes, shape, work| Measured {
            kernel: "a \"kernel\"".to_owned(),
            class: "cpu".to_owned(),
            bytes,
            shape,
            work,
            mean_ns: 87_780.2,
            deviation_ns: 0.1,
            count: 3,
        };
        let roof = Roof {
            class: "gpu".to_owned(),
            peaks: BTreeMap::from([("f32".to_owned(), 67e12)]),
            bytes_per_s: 3.35e12,
            overhead_ns: 2000.0,
            efficiency: vec![(1e6, 0.25), (1e9, 1.0)],
            array: Some(128),
        };
        ModelSpec {
            name: "m".to_owned(),
            measured: vec![
                measured(Some(7), None, None),
                measured(None, Some([1, 2, 3, 4]), None),
                measured(None, None, Some(1e300)),
            ],
            roofline: Some(Roofline {
                precision: "f32".to_owned(),
                precisions: BTreeMap::from([("k".to_owned(), "f64".to_owned())]),
                classes: vec![roof],
            }),
            ..ModelSpec::default()
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for spec in [whole(), ModelSpec { name: "none".to_owned(), ..ModelSpec::default() }] {
            let source = Source::new("costs.yaml", &write(&spec, &["two\nlines".to_owned()]));
            let (read, mistakes) = crate::spec::read_as::<ModelSpec>(&source);
            assert!(mistakes.is_empty(), "{}", mistakes.render(100, false));
            assert_eq!(read, Some(spec.clone()));
            assert!(Model::new(spec).is_ok());
        }
    }

    #[test]
    fn calibrations_are_told_from_models() {
        assert!(is_calibration_text("{\n  \"windtunnel_costs\": 1,\n  \"provenance\": []}"));
        assert!(is_calibration_text("{\"windtunnel_costs\": 7}"));
        assert!(!is_calibration_text(&write(&whole(), &[])));
        assert!(!is_calibration_text("{\"windtunnel_cost_model\": 1, \"name\": \"m\"}"));
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        let text =
            "windtunnel_cost_model: 2\nname: m\nmeasured:\n  - {kernel: a, class: b, bytes: x}\n";
        let (_, mistakes) = crate::spec::read_as::<ModelSpec>(&Source::new("costs.yaml", text));
        let told = mistakes.render(100, false);
        assert!(told.contains("costs.yaml:1") && told.contains("version 2"), "{told}");
        assert!(told.contains("costs.yaml:4"), "{told}");
    }
}
