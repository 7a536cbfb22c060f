//! Makespans of HEFT, CPOP and PEFT by their papers' definitions, computed by others.

use crate::checker::check;
use crate::import::{Plain, PlainCost, files, processors};
use crate::lists;
use runtime::{Costs, Problem};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct File {
    tasks: Vec<Task>,
    edges: Vec<Edge>,
    nodes: Vec<Node>,
    links: Vec<Link>,
    makespan_by_paper: BTreeMap<String, f64>,
    optimal_makespan: Option<f64>,
}

#[derive(Deserialize)]
struct Task {
    id: String,
    cost: f64,
}

#[derive(Deserialize)]
struct Edge {
    src: String,
    dst: String,
    size: f64,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    speed: f64,
}

#[derive(Deserialize)]
struct Link {
    a: String,
    b: String,
    bandwidth: f64,
}

#[test]
fn makespans_are_those_of_the_papers() {
    let files = files("oracles/list_scheduling", ".json");
    for (name, text) in &files {
        let file: File = serde_json::from_str(text).expect("the format is known");
        compare(name, &file);
    }
    println!("{} instances", files.len());
}

fn compare(name: &str, file: &File) {
    let task = |id: &str| file.tasks.iter().position(|t| t.id == id).expect("the task is there");
    let node = |id: &str| file.nodes.iter().position(|n| n.id == id).expect("the node is there");
    // A unit of time is a second; as many bytes are a unit of size as numbers of 2^53 allow.
    let largest = file.edges.iter().map(|e| e.size).fold(1.0, f64::max);
    let bytes_per_unit = libm::floor(1e15 / largest).min(1e12);
    let bytes = |size: f64| Some(libm::round(size * bytes_per_unit) as u64);
    let plain = Plain {
        costs: file.tasks.iter().map(|t| PlainCost::Work(t.cost)).collect(),
        edges: file.edges.iter().map(|e| (task(&e.src), task(&e.dst), bytes(e.size))).collect(),
    };
    let speeds: Vec<f64> = file.nodes.iter().map(|n| n.speed).collect();
    let link = |l: &Link| (node(&l.a), node(&l.b), l.bandwidth * bytes_per_unit, 0);
    let cluster = processors(&speeds, &file.links.iter().map(link).collect::<Vec<_>>());
    let graph = plain.graph(speeds.len());
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    for (planner, mut plan) in lists() {
        let plan = plan.plan(&problem).expect("there is a plan");
        check(&graph, &cluster, &costs, &plan).unwrap_or_else(|e| panic!("{name}, {planner}: {e}"));
        let makespan = plan.makespan_ns() as f64 / 1e9;
        if let Some(expected) = file.makespan_by_paper.get(&planner.to_uppercase()) {
            let error = (makespan - expected).abs() / expected;
            assert!(error < 1e-6, "{name}: {planner} gives {makespan}, by the paper {expected}");
        }
        if let Some(info) = schedulers::find(planner) {
            let (graph, cluster) = (graph.clone(), Arc::new(cluster.clone()));
            let spec = sim::SimSpec::new(graph, cluster, costs.clone(), info.build_default(1));
            let simulated = sim::run(spec).expect("it finishes");
            assert_eq!(
                simulated.makespan_ns,
                plan.makespan_ns(),
                "{name}: {planner} in simulation"
            );
        }
        if let Some(optimum) = file.optimal_makespan {
            assert!(makespan >= optimum * (1.0 - 1e-9), "{name}: {planner} is below {optimum}");
        }
    }
}
