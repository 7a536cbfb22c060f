//! The runtime alone: how fast a graph is submitted (dependencies inferred), an executive steps
//! under a driver that costs next to nothing, and the validator judges.
//!
//! The program: 100 000 tasks, each reading two of 512 objects and updating a third.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use runtime::cluster::{DeviceSpec, MemorySpec};
use runtime::executive::{Setup, Thinking};
use runtime::graph::ObjectSpec;
use runtime::trace::TraceHeader;
use runtime::{
    Cluster, ClusterSpec, Command, Commands, Cost, Costs, Decisions, DeviceId, Event, Executive,
    Input, Mode, Ns, Scheduler, TaskGraph, TaskId, TaskSpec, Trace, View, validator,
};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

const TASKS: u64 = 100_000;
const OBJECTS: usize = 512;

fn submit() -> TaskGraph {
    let mut graph = TaskGraph::new("accesses");
    let kernel = graph.kernel("work");
    let spec = ObjectSpec { bytes: 1 << 20, initial: true, ..Default::default() };
    let add = |graph: &mut TaskGraph| graph.add_object(spec).expect("no limits");
    let objects: Vec<_> = (0..OBJECTS).map(|_| add(&mut graph)).collect();
    // Steps that share no factor with the number of objects visit all of them.
    let object = |i: u64, step: u64| objects[(i * step) as usize % OBJECTS];
    for i in 0..TASKS {
        let (a, b) = (object(i, 7), object(i + 1, 11));
        let updated = object(i + 2, 13);
        let mut accesses = vec![(updated, Mode::ReadWrite)];
        accesses.extend([a].into_iter().filter(|o| *o != updated).map(|o| (o, Mode::Read)));
        accesses
            .extend([b].into_iter().filter(|o| *o != updated && *o != a).map(|o| (o, Mode::Read)));
        let cost = Cost::Work(1.0 + (i % 17) as f64);
        let spec = TaskSpec { accesses: &accesses, cost, ..TaskSpec::new(kernel) };
        graph.submit(spec).expect("well formed");
    }
    graph
}

fn machine() -> Arc<Cluster> {
    Arc::new(
        Cluster::new(ClusterSpec {
            name: "one node".into(),
            memories: vec![MemorySpec { name: "ram".into(), ..Default::default() }],
            devices: vec![DeviceSpec {
                name: "cpu".into(),
                class: "cpu".into(),
                memory: "ram".into(),
                lanes: 16,
                speed: 1e6,
                ..Default::default()
            }],
            ..Default::default()
        })
        .expect("a machine"),
    )
}

/// Places what is ready on the only device.
struct Only;

impl Scheduler for Only {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(0));
            }
        }
    }
}

fn executive(graph: &TaskGraph, cluster: &Arc<Cluster>, tracing: bool) -> (Executive, Costs) {
    let costs = Costs::resolve(graph, cluster, None).expect("the device runs every task");
    let setup = Setup {
        graph: graph.clone(),
        cluster: Arc::clone(cluster),
        estimates: costs.clone(),
        scheduler: Box::new(Only),
        thinking: Thinking::Free,
        program: None,
        tracing,
    };
    (Executive::new(setup).expect("everything fits"), costs)
}

/// The least driver: a heap of ends.
fn drive((mut executive, costs): (Executive, Costs)) -> Executive {
    let mut ends: BinaryHeap<Reverse<(Ns, TaskId, Ns)>> = BinaryHeap::new();
    let mut commands = Commands::default();
    executive.step(0, Input::Start, &mut commands);
    let mut now_ns = 0;
    loop {
        for command in commands.as_slice() {
            if let Command::Run { task, device, .. } = *command {
                let duration_ns = costs.duration_ns(task, device).expect("it was placed there");
                ends.push(Reverse((now_ns + duration_ns, task, now_ns)));
            }
        }
        commands.clear();
        let Some(Reverse((end_ns, task, started_ns))) = ends.pop() else { break };
        now_ns = end_ns;
        let input = Input::Finished { task, started_ns, outcome: None };
        executive.step(now_ns, input, &mut commands);
    }
    assert!(executive.is_done(), "nothing is left to run");
    executive
}

fn trace(graph: &TaskGraph, cluster: &Arc<Cluster>) -> Trace {
    let header = TraceHeader { cluster: cluster.spec().clone(), ..TraceHeader::default() };
    drive(executive(graph, cluster, true)).into_trace(header)
}

fn runtime(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("runtime");
    group.sample_size(10).throughput(Throughput::Elements(TASKS));
    group.bench_function("submit 100 000 tasks of three accesses", |b| b.iter(submit));
    let (graph, cluster) = (submit(), machine());
    for (name, tracing) in [("step, no trace", false), ("step, traced", true)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || executive(&graph, &cluster, tracing),
                drive,
                BatchSize::PerIteration,
            );
        });
    }
    let trace = trace(&graph, &cluster);
    group.bench_function("validate", |bencher| {
        bencher.iter(|| assert!(validator::validate(&trace).is_empty()));
    });
    group.finish();
}

criterion_group!(benches, runtime);
criterion_main!(benches);
