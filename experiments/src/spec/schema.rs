//! The JSON Schema of experiment files, for editors: the spec's types, with the names and
//! parameters of the registries filled in.

use super::{ArrivalsText, ClusterText, Spec};
use runtime::registry::{Dimension, Kind, ParameterInfo, Value as Given};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// Something of a registry, as far as a schema describes it.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// Its name in files.
    pub name: &'a str,
    /// One sentence.
    pub summary: &'a str,
    /// Its parameters.
    pub parameters: &'a [ParameterInfo],
}

/// What the registries hold.
#[derive(Clone, Debug, Default)]
pub struct Registered<'a> {
    /// Workloads.
    pub workloads: Vec<Described<'a>>,
    /// Clusters.
    pub clusters: Vec<Described<'a>>,
    /// Schedulers.
    pub schedulers: Vec<Described<'a>>,
}

macro_rules! reference {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                let _ = generator.subschema_for::<ClusterText>();
                let _ = generator.subschema_for::<ArrivalsText>();
                json_schema!({ "$ref": concat!("#/$defs/", stringify!($name)) })
            }
        }
    };
}

reference!(
    /// Stands for the list of workloads.
    Workloads
);
reference!(
    /// Stands for the list of clusters.
    Clusters
);
reference!(
    /// Stands for the list of schedulers.
    Schedulers
);
reference!(
    /// Stands for the axes.
    AxesOf
);
reference!(
    /// Stands for the seeds.
    SeedsOf
);

/// The schema, with what is registered.
pub fn experiment_schema(registered: &Registered<'_>) -> Value {
    let mut root = schemars::schema_for!(Spec).to_value();
    root["title"] = json!("Windtunnel experiment");
    let defs =
        root.as_object_mut().and_then(|r| r.entry("$defs").or_insert(json!({})).as_object_mut());
    if let Some(defs) = defs {
        let of = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
        let file = [("file", "A task graph, a workflow or a trace, by its path.")];
        let workload_files = [file[0], ("trace", "A recorded run, by its path.")];
        defs.insert(
            "Workloads".into(),
            entries(&registered.workloads, &workload_files, Some(("arrivals", of("Arrivals")))),
        );
        let cluster_file = [("file", "A cluster file, by its path.")];
        defs.insert(
            "Clusters".into(),
            entries(&registered.clusters, &cluster_file, Some(("inline", of("Cluster")))),
        );
        defs.insert("Schedulers".into(), entries(&registered.schedulers, &[], None));
        defs.insert("AxesOf".into(), axes(registered));
        defs.insert("SeedsOf".into(), seeds());
    }
    root
}

/// A list of names, of single-key maps of a name and its parameters, or `all`.
fn entries(items: &[Described<'_>], paths: &[(&str, &str)], whole: Option<(&str, Value)>) -> Value {
    let names: Vec<Value> =
        items.iter().map(|i| json!({ "const": i.name, "description": i.summary })).collect();
    let mut properties = Map::new();
    for item in items {
        properties.insert(item.name.to_owned(), parameters(item));
    }
    for (key, description) in paths {
        let path = json!({ "type": "string", "description": description });
        properties.insert((*key).to_owned(), path);
    }
    if let Some((key, schema)) = whole {
        properties.insert(key.to_owned(), schema);
    }
    let entry = json!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": false,
        "properties": properties,
    });
    let item = json!({ "anyOf": [{ "oneOf": names }, entry] });
    json!({ "anyOf": [{ "const": "all" }, { "type": "array", "items": item }] })
}

fn parameters(item: &Described<'_>) -> Value {
    let mut properties = Map::new();
    for info in item.parameters {
        let mut one = kind(&info.kind);
        let many = json!({ "type": "array", "minItems": 1, "items": one });
        if let Some(one) = one.as_object_mut() {
            one.remove("default");
        }
        let schema = json!({
            "description": info.summary,
            "default": given(&info.kind.default_value()),
            "anyOf": [one, many],
        });
        properties.insert(info.name.to_owned(), schema);
    }
    json!({
        "description": item.summary,
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    })
}

fn given(value: &Given) -> Value {
    serde_json::to_value(value).unwrap_or(Value::Null)
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::Bool { .. } => json!({ "type": "boolean" }),
        Kind::Int { min, max, .. } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Kind::Float { min, max, .. } => {
            let mut schema = json!({ "type": "number" });
            for (key, bound) in [("minimum", min), ("maximum", max)] {
                if bound.is_finite() {
                    schema[key] = json!(bound);
                }
            }
            schema
        }
        Kind::Choice { options, .. } => json!({ "enum": options }),
        Kind::Quantity { dimension, .. } => {
            let mut generator = SchemaGenerator::default();
            match dimension {
                Dimension::Size => super::Size::json_schema(&mut generator).to_value(),
                Dimension::Time => super::Time::json_schema(&mut generator).to_value(),
                Dimension::Rate => super::Rate::json_schema(&mut generator).to_value(),
                Dimension::Power => super::Watts::json_schema(&mut generator).to_value(),
            }
        }
    }
}

fn axes(registered: &Registered<'_>) -> Value {
    let values = |schema: Value| json!({ "anyOf": [schema, { "type": "array", "items": schema }] });
    let mut properties = Map::new();
    for axis in crate::plan::AXES {
        let mut schema = values(json!({ "type": ["number", "string"] }));
        schema["description"] = json!(axis.summary);
        properties.insert(axis.name.to_owned(), schema);
    }
    let groups = [
        ("workload", &registered.workloads),
        ("cluster", &registered.clusters),
        ("scheduler", &registered.schedulers),
    ];
    for (prefix, items) in groups {
        for info in items.iter().flat_map(|i| i.parameters) {
            let key = format!("{prefix}.{}", info.name);
            let scalar = json!({ "type": ["number", "string", "boolean"] });
            let mut schema = values(scalar);
            schema["description"] = json!(info.summary);
            properties.entry(key).or_insert(schema);
        }
    }
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn seeds() -> Value {
    let seed = json!({ "type": "integer", "minimum": 0 });
    json!({ "anyOf": [
        { "type": "integer", "minimum": 1, "description": "How many seeds, from 1." },
        { "type": "array", "minItems": 1, "uniqueItems": true, "items": seed },
    ] })
}
