//! Graphs and clusters of unit tests.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{Cluster, Costs, ObjectId, TaskGraph, TaskId, TaskSpec};

/// Costs as the graph says.
pub fn costs(graph: &TaskGraph, cluster: &Cluster) -> Costs {
    Costs::resolve(graph, cluster, None).expect("every task runs somewhere")
}

/// One-lane nodes of some speeds, joined pairwise without contention at `bytes_per_ns`.
pub fn nodes(speeds: &[f64], bytes_per_ns: f64) -> Cluster {
    Cluster::new(spec(speeds, 1, bytes_per_ns)).expect("the spec is fine")
}

/// Nodes of speed 1 with several lanes.
pub fn nodes_with_lanes(count: usize, lanes: u32) -> Cluster {
    Cluster::new(spec(&vec![1.0; count], lanes, 1.0)).expect("the spec is fine")
}

fn spec(speeds: &[f64], lanes: u32, bytes_per_ns: f64) -> ClusterSpec {
    let nodes = 0..speeds.len();
    let memory = |i| MemorySpec { name: format!("m{i}"), ..MemorySpec::default() };
    let device = |i: usize| DeviceSpec {
        name: format!("p{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes,
        speed: speeds[i],
        ..DeviceSpec::default()
    };
    let pairs = nodes.clone().flat_map(|b| (0..b).map(move |a| (a, b)));
    let link = |(a, b)| LinkSpec {
        name: format!("m{a}-m{b}"),
        a: format!("m{a}"),
        b: format!("m{b}"),
        bytes_per_s: bytes_per_ns * 1e9,
        ..LinkSpec::default()
    };
    ClusterSpec {
        name: "test".into(),
        memories: nodes.clone().map(memory).collect(),
        devices: nodes.clone().map(device).collect(),
        links: pairs.map(link).collect(),
        network: NetworkModel::ContentionFree,
        ..ClusterSpec::default()
    }
}

/// Tasks with a duration on each of three processors, and edges with their communication; one
/// unit is one nanosecond.
fn published(costs: &[[u64; 3]], edges: &[(u32, u32, u64)]) -> (TaskGraph, Cluster) {
    let mut graph = TaskGraph::new("published");
    let kernel = graph.kernel("task");
    graph.set_columns(&["p0", "p1", "p2"]);
    let mut object = |&(_, _, bytes): &(u32, u32, u64)| {
        graph.add_object(ObjectSpec { bytes, ..ObjectSpec::default() }).expect("it is fine")
    };
    let objects: Vec<ObjectId> = edges.iter().map(&mut object).collect();
    for (task, row) in (1..).zip(costs) {
        let out = edges.iter().zip(&objects).filter(|(e, _)| e.0 == task);
        let written = out.map(|(_, o)| (*o, Mode::Write));
        let into = edges.iter().zip(&objects).filter(|(e, _)| e.1 == task);
        let accesses: Vec<_> = written.chain(into.map(|(_, o)| (*o, Mode::Read))).collect();
        let cost = graph.add_cost_row(row).expect("three columns");
        let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
        assert_eq!(graph.submit(spec), Ok(TaskId(task - 1)));
    }
    (graph, nodes(&[1.0; 3], 1.0))
}

/// Figure 2 of Topcuoglu, Hariri and Wu (2002).
pub fn topcuoglu() -> (TaskGraph, Cluster) {
    let costs = [
        [14, 16, 9],
        [13, 19, 18],
        [11, 13, 19],
        [13, 8, 17],
        [12, 13, 10],
        [13, 16, 9],
        [7, 15, 11],
        [5, 11, 14],
        [18, 12, 20],
        [21, 7, 16],
    ];
    let edges = [
        (1, 2, 18),
        (1, 3, 12),
        (1, 4, 9),
        (1, 5, 11),
        (1, 6, 14),
        (2, 8, 19),
        (2, 9, 16),
        (3, 7, 23),
        (4, 8, 27),
        (4, 9, 23),
        (5, 9, 13),
        (6, 8, 15),
        (7, 10, 17),
        (8, 10, 11),
        (9, 10, 13),
    ];
    published(&costs, &edges)
}

/// Figure 1 of Arabnejad and Barbosa (2014).
pub fn arabnejad() -> (TaskGraph, Cluster) {
    let costs = [
        [22, 21, 36],
        [22, 18, 18],
        [32, 27, 43],
        [7, 10, 4],
        [29, 27, 35],
        [26, 17, 24],
        [14, 25, 30],
        [29, 23, 36],
        [15, 21, 8],
        [13, 16, 33],
    ];
    let edges = [
        (1, 2, 17),
        (1, 3, 31),
        (1, 4, 29),
        (1, 5, 13),
        (1, 6, 7),
        (2, 8, 3),
        (2, 9, 30),
        (3, 7, 16),
        (4, 8, 11),
        (4, 9, 7),
        (5, 9, 57),
        (6, 8, 5),
        (7, 10, 9),
        (8, 10, 42),
        (9, 10, 7),
    ];
    published(&costs, &edges)
}
