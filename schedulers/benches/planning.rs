//! Planning time of list schedulers: layered graphs of 1 000 to 100 000 tasks (as wide as they are
//! deep, one to three parents, one object per edge) on 16 nodes of 8 cores and on 256 devices.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, SwitchSpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::partial_schedule::Policy;
use runtime::{Cluster, Cost, Costs, Planner, Problem, TaskGraph, TaskId, TaskSpec};
use schedulers::heft::Heft;
use schedulers::peft::Peft;
use std::hint::black_box;

/// Numbers that look random and are the same everywhere (SplitMix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// A layered graph: tasks of 1 to 19 ms, objects of up to 2 MB.
fn layered(tasks: u32) -> TaskGraph {
    let width = f64::from(tasks).sqrt() as u32;
    let mut draws = Draws(1);
    let mut edges: Vec<Vec<(u32, u64)>> = Vec::new();
    for task in 0..tasks {
        let first = (task / width).checked_sub(1).map(|layer| layer * width);
        let parents = first.map_or(0, |_| 1 + draws.below(3));
        let mut from: Vec<(u32, u64)> = (0..parents)
            .map(|_| {
                (first.unwrap_or(0) + draws.below(width.into()) as u32, draws.below(2_000_000))
            })
            .collect();
        from.sort_unstable();
        from.dedup_by_key(|e| e.0);
        edges.push(from);
    }
    let mut graph = TaskGraph::new("layered");
    let kernel = graph.kernel("task");
    let mut outputs = vec![Vec::new(); tasks as usize];
    for from in &mut edges {
        for (parent, bytes) in from {
            let spec = ObjectSpec { bytes: *bytes, ..ObjectSpec::default() };
            let object = graph.add_object(spec).expect("it is fine");
            outputs[*parent as usize].push(object);
            *bytes = object.0.into();
        }
    }
    for (task, from) in edges.iter().enumerate() {
        let read = from.iter().map(|e| (runtime::ObjectId(e.1 as u32), Mode::Read));
        let written = outputs[task].iter().map(|o| (*o, Mode::Write));
        let accesses: Vec<_> = written.chain(read).collect();
        let cost = Cost::Work(1.0 + draws.below(18_000) as f64 / 1e3);
        let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
        assert_eq!(graph.submit(spec), Ok(TaskId(task as u32)));
    }
    graph
}

/// Nodes around a switch; speeds of 1 000 to 2 000 units a second in four classes.
fn cluster(nodes: u32, lanes: u32) -> Cluster {
    Cluster::new(ClusterSpec {
        name: format!("{nodes}x{lanes}"),
        memories: (0..nodes)
            .map(|i| MemorySpec { name: format!("m{i}"), ..MemorySpec::default() })
            .collect(),
        devices: (0..nodes)
            .map(|i| DeviceSpec {
                name: format!("d{i}"),
                class: format!("class{}", i % 4),
                memory: format!("m{i}"),
                lanes,
                speed: 1000.0 + 333.0 * f64::from(i % 4),
                ..DeviceSpec::default()
            })
            .collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..nodes)
            .map(|i| LinkSpec {
                name: format!("up{i}"),
                a: format!("m{i}"),
                b: "switch".into(),
                bytes_per_s: 1.25e9,
                latency_ns: 10_000,
                ..LinkSpec::default()
            })
            .collect(),
        ..ClusterSpec::default()
    })
    .expect("the spec is fine")
}

fn planning(criterion: &mut Criterion) {
    let machines = [("16x8", cluster(16, 8)), ("256x1", cluster(256, 1))];
    for (machine, cluster) in &machines {
        let mut group = criterion.benchmark_group(format!("plan/{machine}"));
        group.sample_size(10);
        for tasks in [1_000, 10_000, 100_000] {
            let graph = layered(tasks);
            let costs = Costs::resolve(&graph, cluster, None).expect("it runs everywhere");
            let problem = Problem::fresh(&graph, cluster, &costs);
            let policy = Policy::Insertion;
            let planners: [(&str, Box<dyn Planner>); 2] =
                [("heft", Box::new(Heft { policy })), ("peft", Box::new(Peft { policy }))];
            group.throughput(Throughput::Elements(tasks.into()));
            for (name, mut planner) in planners {
                group.bench_function(BenchmarkId::new(name, tasks), |bencher| {
                    bencher.iter(|| black_box(planner.plan(&problem)).expect("there is a plan"));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, planning);
criterion_main!(benches);
