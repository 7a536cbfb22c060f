//! The JSON Schema of experiment files: current, a schema, and in agreement with the reader.

mod cli_support;

use cli_support::{Bench, root};
use experiments::registry::Registry;
use experiments::spec::experiment_schema;
use serde_json::Value;

fn schema() -> Value {
    experiment_schema(&Registry::new(&[]).registered())
}

#[test]
fn the_committed_schemas_are_current() {
    check_current("docs/experiment.schema.json", &schema());
    check_current("docs/costs.schema.json", &experiments::costs::schema());
}

fn check_current(file: &str, schema: &Value) {
    let path = root().join(file);
    let expected = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "{file} is not current; write it anew with \
         `UPDATE_SCHEMA=1 cargo test -p windtunnel-tests --test cli_schema`"
    );
}

/// YAML to JSON through the reader's own parser is not public; the experiments' own reader and the
/// schema are held against the same files instead, written in JSON, which is YAML too.
#[test]
fn schema_and_reader_agree() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let bench = Bench::new();
    let whole = r#"{"workloads": ["layered"], "clusters": ["star"], "schedulers": ["heft"]"#;
    let cases = [
        ("", true),
        (r#", "seeds": 3"#, true),
        (r#", "seeds": [1, 2]"#, true),
        (r#", "seeds": -1"#, false),
        (r#", "noise": {"sigma": 0.1}"#, true),
        (r#", "noise": {"sigma": "much"}"#, false),
        (r#", "vary": {"noise": [0, 0.1], "workload.ccr": [0.5, 2]}"#, true),
        (r#", "vary": {"noize": [0]}"#, false),
        (r#", "thinking": {"fixed": "5 us"}"#, true),
        (r#", "thinking": "measured""#, true),
        (r#", "thinking": {"fixed": 5}"#, false),
        (r#", "backends": ["sim"], "repetitions": 2, "keep_traces": "none""#, true),
        (r#", "backends": ["gpu"]"#, false),
        (r#", "also": [{"schedulers": [{"mct": {}}], "clusters": ["hetero"]}]"#, true),
        (
            r#", "also": [{"workloads": [{"arrivals": {"of": ["chain", {"layered": {"tasks": 9}}],
                "weights": [1, 2], "poisson": {"count": 2, "interval": 0.5}}}]}]"#,
            true,
        ),
        (
            r#", "also": [{"workloads": [{"arrivals": {"of": ["chain"],
                "burst": {"count": 2, "interval": "1 ms"}}}]}]"#,
            false,
        ),
        (r#", "timeout": "5 s", "eviction": "next-use", "network": "max-min""#, true),
        (r#", "timeout": "5 parsecs""#, false),
        (r#", "colour": "red""#, false),
    ];
    for (rest, is_fine) in cases {
        let text = format!("{whole}{rest}}}");
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), is_fine, "schema: {text}");
        bench.write("case.yaml", &text);
        let answer = bench.run(&["check", "case.yaml"]);
        assert_eq!(answer.code, if is_fine { 0 } else { 2 }, "{text}: {answer:?}");
    }
}

/// Cost models: the reader takes what the schema allows, and refuses what it does not.
#[test]
fn schema_and_reader_of_cost_models_agree() {
    let validator = jsonschema::validator_for(&experiments::costs::schema()).unwrap();
    let bench = Bench::new();
    let row = r#""kernel": "task", "class": "cpu", "mean_ns": 5e6"#;
    let roof = r#"{"class": "cpu", "peaks": {"f64": 1e9}, "bytes_per_s": 1e10"#;
    let cases = [
        (String::new(), true),
        (r#", "unmeasured": "impossible""#.to_owned(), true),
        (r#", "unmeasured": "perhaps""#.to_owned(), false),
        (format!(r#", "measured": [{{{row}, "bytes": 8}}]"#), true),
        (format!(r#", "measured": [{{{row}, "shape": [1, 0, 0, 0], "count": 3}}]"#), true),
        (format!(r#", "measured": [{{{row}, "work": 1.5, "deviation_ns": 0}}]"#), true),
        (format!(r#", "measured": [{{{row}}}]"#), false),
        (format!(r#", "measured": [{{{row}, "bytes": -1}}]"#), false),
        (format!(r#", "measured": [{{{row}, "shape": [1, 2]}}]"#), false),
        (format!(r#", "measured": [{{{row}, "bytes": 8, "count": 0}}]"#), false),
        (format!(r#", "measured": [{{{row}, "bites": 8}}]"#), false),
        (format!(r#", "roofline": {{"precision": "f64", "classes": [{roof}}}]}}"#), true),
        (
            format!(
                r#", "roofline": {{"precision": "f64", "precisions": {{"a": "f32"}},
                "classes": [{roof}, "array": 128, "efficiency": [[1e6, 0.5], [1e9, 1]]}}]}}"#
            ),
            true,
        ),
        (format!(r#", "roofline": {{"classes": [{roof}}}]}}"#), false),
        (
            format!(
                r#", "roofline": {{"precision": "f64", "classes": [{roof},
                "efficiency": [[1e6, 2]]}}]}}"#
            ),
            false,
        ),
        (r#", "colour": "red""#.to_owned(), false),
    ];
    let run = ["schedule", "--workload", "layered:{tasks: 5}", "--cluster", "star"];
    let costs = ["--scheduler", "mct", "--costs", "costs.yaml"];
    for (rest, is_fine) in cases {
        let text = format!(r#"{{"windtunnel_cost_model": 1, "name": "m"{rest}}}"#);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(validator.is_valid(&value), is_fine, "schema: {text}");
        bench.write("costs.yaml", &text);
        let answer = bench.run(&[run.as_slice(), &costs].concat());
        assert_eq!(answer.code, if is_fine { 0 } else { 2 }, "{text}: {answer:?}");
    }
}

#[test]
fn the_command_prints_the_schema_with_a_programs_own_schedulers() {
    let printed: Value = serde_json::from_str(&Bench::new().fine(&["schema"]).out).unwrap();
    let text = printed["$defs"]["Schedulers"].to_string();
    assert!(text.contains("\"dawdles\"") && text.contains("\"heft\""), "{text}");
}
