//! Instances with proved optima: nothing may go below.

use crate::checker::check;
use crate::import::{Plain, PlainCost, files, processors};
use crate::planners;
use runtime::{Costs, Problem, bounds};
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    timing: String,
    processors: usize,
    tasks: Vec<Task>,
    edges: Vec<Edge>,
    links: Links,
    optimal_makespan: u64,
}

#[derive(Deserialize)]
struct Task {
    cost: Vec<u64>,
}

#[derive(Deserialize)]
struct Edge {
    src: usize,
    dst: usize,
    data: u64,
}

#[derive(Deserialize)]
struct Links {
    bandwidth: Vec<Vec<u64>>,
    latency: Vec<Vec<u64>>,
}

#[test]
fn plans_and_bounds_lie_on_their_sides_of_the_optimum() {
    let files = files("oracles/optimal", ".json");
    let mut free = 0;
    for (name, text) in &files {
        let file: File = serde_json::from_str(text).expect("the format is known");
        compare(name, &file);
        free += u32::from(file.timing == "contention-free");
    }
    println!("{} instances, {free} of them without contention", files.len());
}

fn compare(name: &str, file: &File) {
    let plain = Plain {
        costs: file.tasks.iter().map(|t| PlainCost::Table(t.cost.clone())).collect(),
        edges: file.edges.iter().map(|e| (e.src, e.dst, Some(e.data))).collect(),
    };
    // A unit of time is a nanosecond. Pairs are symmetric.
    let pairs = (0..file.processors).flat_map(|b| (0..b).map(move |a| (a, b)));
    let Links { bandwidth, latency } = &file.links;
    let link = |(a, b): (usize, usize)| {
        assert_eq!((bandwidth[a][b], latency[a][b]), (bandwidth[b][a], latency[b][a]), "{name}");
        (a, b, bandwidth[a][b] as f64 * 1e9, latency[a][b])
    };
    let links: Vec<_> = pairs.map(link).collect();
    let cluster = processors(&vec![1.0; file.processors], &links);
    let graph = plain.graph(file.processors);
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
    let bound = bounds::lower_bound(&graph, &cluster, &costs);
    let optimum = file.optimal_makespan;
    assert!(bound.makespan_ns <= optimum, "{name}: {} exceeds {optimum}", bound.kind);
    if file.timing != "contention-free" {
        return;
    }
    let problem = Problem::fresh(&graph, &cluster, &costs);
    for (planner, mut plan) in planners() {
        let plan = plan.plan(&problem).expect("there is a plan");
        check(&graph, &cluster, &costs, &plan).unwrap_or_else(|e| panic!("{name}, {planner}: {e}"));
        let makespan_ns = plan.makespan_ns();
        assert!(makespan_ns >= optimum, "{name}: {planner} gives {makespan_ns}, below {optimum}");
    }
}
