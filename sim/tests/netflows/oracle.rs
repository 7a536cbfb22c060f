//! Flow sets with the finish times that two independent solvers agree on.

use crate::driver::{Arrival, run};
use serde_json::Value;
use std::path::Path;

const NS_PER_S: f64 = 1e9;

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} is a text"))
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} is a number"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is a list"))
}

/// Route and latency (s) from one host to another.
fn route(set: &Value, from: &str, to: &str) -> (Vec<u32>, f64) {
    let is_it = |r: &&Value| text(r, "src") == from && text(r, "dst") == to;
    let route = list(set, "routes").iter().find(is_it).expect("a route for each pair");
    let links = list(set, "links");
    let named = list(route, "links").iter().map(|name| {
        links.iter().position(|link| link["id"] == *name).expect("a link of that name")
    });
    let channels: Vec<u32> = named.map(|i| i as u32).collect();
    let latency = channels.iter().map(|&i| number(&links[i as usize], "latency")).sum();
    (channels, latency)
}

/// The latency of a route passes before its flow starts, using no bandwidth.
fn arrival(set: &Value, flow: &Value) -> Arrival {
    let (channels, latency) = route(set, text(flow, "src"), text(flow, "dst"));
    let start_ns = (number(flow, "start") + latency) * NS_PER_S;
    Arrival::new(start_ns.round() as u64, number(flow, "bytes") as u64, &channels)
}

fn check(set: &Value) -> f64 {
    let name = text(set, "name");
    let capacities: Vec<f64> = list(set, "links").iter().map(|l| number(l, "bandwidth")).collect();
    let flows = list(set, "flows");
    let arrivals: Vec<Arrival> = flows.iter().map(|flow| arrival(set, flow)).collect();
    assert!(!arrivals.is_empty(), "{name} has no flows");
    let mut worst: f64 = 0.0;
    for (flow, end_ns) in flows.iter().zip(run(&capacities, &arrivals)) {
        let id = text(flow, "id");
        let expected = number(&set["finish_fluid"], id);
        let error = (end_ns as f64 / NS_PER_S - expected).abs() / expected;
        assert!(error < 1e-6, "{name}, {id}: ends at {end_ns} ns, expected {expected} s");
        worst = worst.max(error);
    }
    worst
}

#[test]
#[allow(clippy::print_stdout, reason = "says that it skipped, and how close it came")]
fn reproduces_the_finish_times_of_other_solvers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oracles/netflows");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no shared data at {}", folder.display());
        return;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no flow sets in {}", folder.display());
    for path in paths {
        let json = std::fs::read_to_string(&path).expect("a readable file");
        let worst = check(&serde_json::from_str(&json).expect("valid JSON"));
        println!("{}: worst relative error {worst:.1e}", path.display());
    }
}
