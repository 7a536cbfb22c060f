//! Problems of the classic model from plain numbers, and the files with proved optima.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use runtime::graph::{Mode, ObjectSpec};
use runtime::{Cluster, Costs, TaskGraph, TaskSpec};
use serde::Deserialize;
use std::path::PathBuf;

/// An instance of the shared files, or one made here in the same shape.
#[derive(Clone, Debug, Deserialize)]
pub struct File {
    /// Semantics, see the files' own description.
    pub timing: String,
    /// Processors.
    pub processors: usize,
    /// In any order.
    pub tasks: Vec<Task>,
    /// Dependencies.
    pub edges: Vec<Edge>,
    /// Between processors.
    pub links: Links,
    /// Per processor, where memory counts.
    #[serde(default)]
    pub memory_capacity: Option<Vec<u64>>,
    /// Proved.
    pub optimal_makespan: u64,
    /// One optimal schedule.
    #[serde(default)]
    pub schedule: Vec<Slot>,
}

/// Where and when a task runs.
#[derive(Clone, Debug, Deserialize)]
pub struct Slot {
    /// The task.
    pub task: usize,
    /// The processor.
    pub processor: usize,
    /// Its start.
    pub start: u64,
}

/// A task.
#[derive(Clone, Debug, Deserialize)]
pub struct Task {
    /// By processor.
    pub cost: Vec<u64>,
    /// What it holds, where memory counts.
    #[serde(default)]
    pub memory: u64,
}

/// A dependency.
#[derive(Clone, Debug, Deserialize)]
pub struct Edge {
    /// The earlier task.
    pub src: usize,
    /// The later task.
    pub dst: usize,
    /// Units of data.
    pub data: u64,
}

/// Links of all pairs.
#[derive(Clone, Debug, Deserialize)]
pub struct Links {
    /// Units of data per unit of time.
    pub bandwidth: Vec<Vec<u64>>,
    /// Units of time.
    pub latency: Vec<Vec<u64>>,
}

/// A graph on a machine; a unit of time is a nanosecond.
pub struct Case {
    /// The graph, tasks renumbered topologically.
    pub graph: TaskGraph,
    /// The machine.
    pub cluster: Cluster,
    /// As the graph says.
    pub costs: Costs,
}

impl File {
    /// As a problem.
    pub fn case(&self) -> Case {
        let graph = self.graph();
        let cluster = Cluster::new(self.cluster()).expect("the spec is fine");
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
        Case { graph, cluster, costs }
    }

    /// The file's number of each task of the graph: a topological order, the first in the file
    /// first.
    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = Vec::new();
        while order.len() < self.tasks.len() {
            let is_next = |t: &usize| {
                !order.contains(t)
                    && self.edges.iter().all(|e| e.dst != *t || order.contains(&e.src))
            };
            order.push((0..self.tasks.len()).find(is_next).expect("the graph has no cycle"));
        }
        order
    }

    fn graph(&self) -> TaskGraph {
        let mut graph = TaskGraph::new("case");
        let kernel = graph.kernel("task");
        let columns: Vec<String> = (0..self.processors).map(|p| format!("p{p}")).collect();
        graph.set_columns(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        let mut object = |e: &Edge| {
            let spec = ObjectSpec { bytes: e.data, ..ObjectSpec::default() };
            graph.add_object(spec).expect("it is fine")
        };
        let objects: Vec<_> = self.edges.iter().map(&mut object).collect();
        for task in self.order() {
            let edges = || self.edges.iter().zip(&objects);
            let written = edges().filter(|(e, _)| e.src == task).map(|(_, o)| (*o, Mode::Write));
            let read = edges().filter(|(e, _)| e.dst == task).map(|(_, o)| (*o, Mode::Read));
            let accesses: Vec<_> = written.chain(read).collect();
            let cost = graph.add_cost_row(&self.tasks[task].cost).expect("a column each");
            let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(spec).expect("the graph is fine");
        }
        graph
    }

    fn cluster(&self) -> ClusterSpec {
        let all = 0..self.processors;
        let pairs = all.clone().flat_map(|b| (0..b).map(move |a| (a, b)));
        ClusterSpec {
            name: "classic".into(),
            memories: all
                .clone()
                .map(|i| MemorySpec { name: format!("m{i}"), ..MemorySpec::default() })
                .collect(),
            devices: all
                .map(|i| DeviceSpec {
                    name: format!("p{i}"),
                    class: format!("p{i}"),
                    memory: format!("m{i}"),
                    lanes: 1,
                    speed: 1.0,
                    ..DeviceSpec::default()
                })
                .collect(),
            links: pairs
                .map(|(a, b)| LinkSpec {
                    name: format!("{a}-{b}"),
                    a: format!("m{a}"),
                    b: format!("m{b}"),
                    bytes_per_s: self.links.bandwidth[a][b] as f64 * 1e9,
                    latency_ns: self.links.latency[a][b],
                    ..LinkSpec::default()
                })
                .collect(),
            network: NetworkModel::ContentionFree,
            ..ClusterSpec::default()
        }
    }
}

/// The files with proved optima of one timing, by name; empty, and a line that says so, where they
/// are not there.
pub fn optimal(timing: &str) -> Vec<(String, File)> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oracles/optimal");
    if !folder.is_dir() {
        println!("skipped: no shared data (oracles/optimal)");
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let json = paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json"));
    json.map(|path| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let file: File = serde_json::from_str(&text).expect("the format is known");
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), file)
    })
    .filter(|(_, file)| file.timing == timing)
    .collect()
}
