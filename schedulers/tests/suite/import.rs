//! Graphs and machines of the classic model from plain numbers.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{Cluster, Cost, TaskGraph, TaskSpec};
use std::path::PathBuf;

/// Where the shared data lie; `None`, and a line that says so, when they are not there.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no shared data ({folder})");
    None
}

/// The files of a folder whose names end in `suffix`, sorted.
pub fn files(folder: &str, suffix: &str) -> Vec<(String, String)> {
    let Some(path) = shared(folder) else { return Vec::new() };
    let entries = std::fs::read_dir(path).expect("the folder can be read");
    let mut names: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    names.sort();
    let name = |p: &PathBuf| p.file_name().expect("a name").to_string_lossy().into_owned();
    let wanted = names.into_iter().filter(|p| name(p).ends_with(suffix));
    wanted.map(|p| (name(&p), std::fs::read_to_string(&p).expect("it can be read"))).collect()
}

/// A task graph of the classic model.
#[derive(Default)]
pub struct Plain {
    /// Per task.
    pub costs: Vec<PlainCost>,
    /// From, to, bytes, in file order; no object where there are no bytes and `None`.
    pub edges: Vec<(usize, usize, Option<u64>)>,
}

/// A task's cost.
pub enum PlainCost {
    /// Work over speed.
    Work(f64),
    /// A duration per processor `p0`, `p1` and so on; `u64::MAX` where it cannot run.
    Table(Vec<u64>),
}

impl Plain {
    /// Kahn's order with a queue seeded and expanded in file order.
    pub fn order(&self) -> Vec<usize> {
        let n = self.costs.len();
        let mut waiting = vec![0; n];
        self.edges.iter().for_each(|e| waiting[e.1] += 1);
        let mut order: Vec<usize> = (0..n).filter(|t| waiting[*t] == 0).collect();
        let mut next = 0;
        while next < order.len() {
            let from = order[next];
            next += 1;
            for edge in self.edges.iter().filter(|e| e.0 == from) {
                waiting[edge.1] -= 1;
                if waiting[edge.1] == 0 {
                    order.push(edge.1);
                }
            }
        }
        assert_eq!(order.len(), n, "the graph has a cycle");
        order
    }

    /// The graph, its tasks submitted in Kahn's order, each edge an object of its own.
    pub fn graph(&self, processors: usize) -> TaskGraph {
        let mut graph = TaskGraph::new("imported");
        let kernel = graph.kernel("task");
        let columns: Vec<String> = (0..processors).map(|p| format!("p{p}")).collect();
        graph.set_columns(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        let mut object = |bytes: &Option<u64>| {
            let spec = bytes.map(|bytes| ObjectSpec { bytes, ..ObjectSpec::default() });
            spec.map(|s| graph.add_object(s).expect("it is fine"))
        };
        let objects: Vec<_> = self.edges.iter().map(|e| object(&e.2)).collect();
        let mut ids = vec![None; self.costs.len()];
        for task in self.order() {
            let mut accesses = Vec::new();
            let mut after = Vec::new();
            for (edge, object) in self.edges.iter().zip(&objects) {
                match object {
                    Some(object) if edge.0 == task => accesses.push((*object, Mode::Write)),
                    Some(object) if edge.1 == task => accesses.push((*object, Mode::Read)),
                    None if edge.1 == task => after.extend(ids[edge.0]),
                    _ => {}
                }
            }
            let cost = match &self.costs[task] {
                PlainCost::Work(work) => Cost::Work(*work),
                PlainCost::Table(row) => graph.add_cost_row(row).expect("a column each"),
            };
            let spec =
                TaskSpec { cost, accesses: &accesses, after: &after, ..TaskSpec::new(kernel) };
            ids[task] = Some(graph.submit(spec).expect("the graph is fine"));
        }
        graph
    }
}

/// One-lane processors with a memory each, joined by `links`: ends, bandwidth, latency.
pub fn processors(speeds: &[f64], links: &[(usize, usize, f64, u64)]) -> Cluster {
    let all = 0..speeds.len();
    Cluster::new(ClusterSpec {
        name: "classic".into(),
        memories: all
            .clone()
            .map(|i| MemorySpec { name: format!("m{i}"), ..MemorySpec::default() })
            .collect(),
        devices: all
            .map(|i| DeviceSpec {
                name: format!("p{i}"),
                class: "processor".into(),
                memory: format!("m{i}"),
                lanes: 1,
                speed: speeds[i],
                ..DeviceSpec::default()
            })
            .collect(),
        links: (links.iter())
            .map(|&(a, b, bytes_per_s, latency_ns)| LinkSpec {
                name: format!("{a}-{b}"),
                a: format!("m{a}"),
                b: format!("m{b}"),
                bytes_per_s,
                latency_ns,
                ..LinkSpec::default()
            })
            .collect(),
        network: NetworkModel::ContentionFree,
        ..ClusterSpec::default()
    })
    .expect("the spec is fine")
}

/// Identical processors in one memory: no communication.
pub fn identical(count: u32) -> Cluster {
    Cluster::new(ClusterSpec {
        name: "identical".into(),
        memories: vec![MemorySpec { name: "m".into(), ..MemorySpec::default() }],
        devices: vec![DeviceSpec {
            name: "p0".into(),
            class: "processor".into(),
            memory: "m".into(),
            lanes: count,
            speed: 1.0,
            ..DeviceSpec::default()
        }],
        network: NetworkModel::ContentionFree,
        ..ClusterSpec::default()
    })
    .expect("the spec is fine")
}
