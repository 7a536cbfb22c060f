//! The event loop allocates nothing per event: what a run allocates grows like the logarithm of
//! its size, by vectors that double.
//!
//! That holds while memories and copy engines are unlimited. Copies that may be evicted and
//! transfers that wait for an engine are kept in B-trees, which allocate nodes as they grow.

use allocation_counter::measure;
use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::registry::Value;
use runtime::{Cluster, ClusterSpec, Costs};
use sim::SimSpec;
use std::sync::Arc;

fn star(network: NetworkModel) -> Arc<Cluster> {
    let memory = |i| MemorySpec { name: format!("m{i}"), ..Default::default() };
    let device = |i| DeviceSpec {
        name: format!("d{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes: 4,
        speed: 1e9,
        ..Default::default()
    };
    let link = |i| LinkSpec {
        name: format!("l{i}"),
        a: format!("m{i}"),
        b: "switch".into(),
        bytes_per_s: 1.25e9,
        latency_ns: 1000,
        ..Default::default()
    };
    let spec = ClusterSpec {
        memories: (0..8).map(memory).collect(),
        devices: (0..8).map(device).collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..8).map(link).collect(),
        network,
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// Allocations of a whole run, its set-up included, and its steps.
fn allocations(tasks: i64, scheduler: &str, network: NetworkModel) -> (u64, u64) {
    let info = workloads::registry::find("layered").unwrap();
    let given = [("tasks".to_owned(), Value::Int(tasks)), ("width".to_owned(), Value::Int(64))];
    let graph = info.make(&given, 1).unwrap().graph;
    let cluster = star(network);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let scheduler = schedulers::find(scheduler).unwrap().build_default(1);
    let mut spec = SimSpec::new(graph, cluster, costs, scheduler);
    spec.tracing = false;
    let mut steps = 0;
    let counted = measure(|| steps = sim::run(spec).unwrap().steps);
    (counted.count_total, steps)
}

fn check(scheduler: &str) {
    for network in [NetworkModel::ContentionFree, NetworkModel::MaxMin] {
        let (few, steps) = allocations(4_000, scheduler, network);
        let (many, more_steps) = allocations(64_000, scheduler, network);
        let growth = many as i64 - few as i64;
        // Sixteen times the size is four doublings of every vector that grows with it.
        assert!(
            growth < 400,
            "{scheduler}, {network:?}: {few} allocations in {steps} steps, {many} in {more_steps}"
        );
    }
}

#[test]
fn first_fit_runs_allocate_nothing_per_event() {
    check("first-fit");
}

#[test]
fn dmda_runs_allocate_nothing_per_event() {
    check("dmda");
}

#[test]
fn work_stealing_runs_allocate_nothing_per_event() {
    check("work-stealing");
}
