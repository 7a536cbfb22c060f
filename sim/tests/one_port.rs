//! The one-port model: a memory sends one transfer and receives one at a time.

use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{
    Cluster, ClusterSpec, Cost, Costs, Decisions, DeviceId, Event, Scheduler, TaskGraph, TaskSpec,
    Trace, View, validator,
};
use sim::SimSpec;
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// Three memories around a switch; 1 MB takes a millisecond, after 0.1 ms of latency.
fn machine(network: NetworkModel) -> Arc<Cluster> {
    let names = ["m0", "m1", "m2"];
    let memory = |name: &str| MemorySpec { name: name.into(), ..Default::default() };
    let device = |name: &str| DeviceSpec {
        name: name.replace('m', "d"),
        class: "cpu".into(),
        memory: name.into(),
        lanes: 4,
        speed: 1.0,
        ..Default::default()
    };
    let link = |name: &str| LinkSpec {
        name: name.replace('m', "l"),
        a: name.into(),
        b: "switch".into(),
        bytes_per_s: 1e9,
        latency_ns: 50_000,
        ..Default::default()
    };
    let spec = ClusterSpec {
        memories: names.iter().map(|n| memory(n)).collect(),
        devices: names.iter().map(|n| device(n)).collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: names.iter().map(|n| link(n)).collect(),
        network,
        homes: names.iter().map(|n| (*n).to_owned()).collect(),
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// Places task `i` on device `self.0[i]`.
struct There(Vec<u32>);

impl Scheduler for There {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(self.0[task.index()]));
            }
        }
    }
}

/// One task per `(home, device)`, each reading a megabyte from that home on that device.
fn transfers(network: NetworkModel, moves: &[(u32, u32)]) -> Trace {
    let mut graph = TaskGraph::new("moves");
    let kernel = graph.kernel("read");
    for &(home, _) in moves {
        let spec = ObjectSpec { bytes: 1_000_000, home, initial: true, ..Default::default() };
        let object = graph.add_object(spec).unwrap();
        let accesses = [(object, Mode::Read)];
        let spec = TaskSpec { cost: Cost::Work(0.0), accesses: &accesses, ..TaskSpec::new(kernel) };
        graph.submit(spec).unwrap();
    }
    let cluster = machine(network);
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let there = There(moves.iter().map(|m| m.1).collect());
    let output = sim::run(SimSpec::new(graph, cluster, costs, Box::new(there))).unwrap();
    assert!(validator::validate(&output.trace).is_empty());
    output.trace
}

/// Starts and ends by object, in tenths of a millisecond.
fn times(trace: &Trace) -> Vec<(u64, u64)> {
    let mut copies = trace.copies.clone();
    copies.sort_by_key(|c| c.object);
    copies.iter().map(|c| (c.started_ns * 10 / MS, c.finished_ns * 10 / MS)).collect()
}

#[test]
fn a_port_serves_one_transfer_after_the_other() {
    // Out of m0 twice; into m2 twice; both ways between m0 and m1.
    let sent = transfers(NetworkModel::OnePort, &[(0, 1), (0, 2)]);
    assert_eq!(times(&sent), [(0, 11), (11, 22)]);
    let received = transfers(NetworkModel::OnePort, &[(0, 2), (1, 2)]);
    assert_eq!(times(&received), [(0, 11), (11, 22)]);
    let crossed = transfers(NetworkModel::OnePort, &[(0, 1), (1, 0)]);
    assert_eq!(times(&crossed), [(0, 11), (0, 11)]);
}

#[test]
fn a_transfer_with_free_ports_overtakes_one_without() {
    let trace = transfers(NetworkModel::OnePort, &[(0, 1), (0, 2), (1, 2)]);
    // m0 is busy sending until 1.1 ms, m1 and m2 are not.
    assert_eq!(times(&trace), [(0, 11), (11, 22), (0, 11)]);
}

#[test]
fn the_other_models_serve_all_at_once() {
    let free = transfers(NetworkModel::ContentionFree, &[(0, 1), (0, 2)]);
    assert_eq!(times(&free), [(0, 11), (0, 11)]);
    // The link out of m0 is shared.
    let shared = transfers(NetworkModel::MaxMin, &[(0, 1), (0, 2)]);
    assert_eq!(times(&shared), [(0, 21), (0, 21)]);
}

#[test]
fn transfers_that_share_a_port_are_a_violation() {
    let mut trace = transfers(NetworkModel::ContentionFree, &[(0, 1), (0, 2)]);
    trace.header.cluster.network = NetworkModel::OnePort;
    let found = validator::validate(&trace);
    assert!(
        found.iter().any(|v| matches!(v, validator::Violation::TooManyCopies { limit: 1, .. })),
        "{found:?}"
    );
}
