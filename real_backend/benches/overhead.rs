//! What a task costs besides its kernel: 100 000 empty tasks on two workers.
//!
//! `static` follows a plan made before the clock starts, `online` asks the scheduler at every
//! completion. Reported times are of whole runs: divide by 100 000 for the overhead per task.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use real_backend::{RunSpec, run};
use runtime::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
use runtime::graph::ObjectSpec;
use runtime::kernel::{KernelArgs, KernelSet};
use runtime::planner::{Assignment, PlanFailure};
use runtime::{
    Cluster, Costs, Decisions, DeviceId, Event, LaneId, Mode, Planned, Planner, Problem, Schedule,
    Scheduler, TaskGraph, TaskSpec, View,
};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const TASKS: usize = 100_000;
const WORKERS: u32 = 2;

/// Places every ready task on the only device.
struct Online;

impl Scheduler for Online {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(0));
            }
        }
    }
}

/// Deals tasks out to the lanes in turn.
struct Dealt;

impl Planner for Dealt {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let deal = |(at, &task): (usize, &_)| {
            let (device, lane) = (DeviceId(0), LaneId(at as u32 % WORKERS));
            Assignment { task, device, lane, start_ns: at as u64, finish_ns: at as u64 + 1 }
        };
        Ok(Schedule { assignments: problem.tasks.iter().enumerate().map(deal).collect() })
    }
}

fn cluster() -> Arc<Cluster> {
    let memory = MemorySpec { name: "host".into(), ..Default::default() };
    let device = DeviceSpec {
        name: "cpu".into(),
        class: "cpu".into(),
        memory: "host".into(),
        lanes: WORKERS,
        speed: 1.0,
        ..Default::default()
    };
    let (memories, devices) = (vec![memory], vec![device]);
    Arc::new(Cluster::new(ClusterSpec { memories, devices, ..Default::default() }).unwrap())
}

/// A graph whose tasks access these objects out of as many as `objects`.
fn graph(objects: u32, mut accesses: impl FnMut(u32) -> Vec<(u32, Mode)>) -> TaskGraph {
    let mut graph = TaskGraph::new("bench");
    let kernel = graph.kernel("empty");
    let spec = ObjectSpec { bytes: 64, initial: true, ..Default::default() };
    let objects: Vec<_> = (0..objects).map(|_| graph.add_object(spec).unwrap()).collect();
    for task in 0..TASKS as u32 {
        let accesses: Vec<_> =
            accesses(task).into_iter().map(|(o, mode)| (objects[o as usize], mode)).collect();
        graph.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
    }
    graph
}

/// Every task reads two objects of 1000 and changes a third, all at random.
fn random_dag() -> TaskGraph {
    let mut state = 1u64;
    graph(1000, |_| {
        let mut object = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as u32 % 1000
        };
        let (a, b, c) = (object(), object(), object());
        vec![(a, Mode::Read), (b, Mode::Read), (c, Mode::ReadWrite)]
    })
}

fn overhead(criterion: &mut Criterion) {
    let graphs = [
        ("independent", graph(0, |_| Vec::new())),
        ("chain", graph(1, |_| vec![(0, Mode::ReadWrite)])),
        ("random", random_dag()),
    ];
    let mut kernels = KernelSet::default();
    kernels.insert("empty", |args: &mut KernelArgs<'_, '_>| {
        black_box(args.buffers.len());
        Ok(None)
    });
    let cluster = cluster();
    for (name, is_static) in [("static", true), ("online", false)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(TASKS as u64)).sample_size(10);
        group.warm_up_time(Duration::from_millis(500));
        for (shape, graph) in &graphs {
            group.bench_function(BenchmarkId::from_parameter(shape), |bencher| {
                // The makespan: setting a run up and taking its trace down is not overhead of
                // tasks.
                bencher.iter_custom(|runs| {
                    let makespan_ns = (0..runs).map(|_| {
                        let costs = Costs::resolve(graph, &cluster, None).unwrap();
                        let scheduler: Box<dyn Scheduler> = match is_static {
                            true => Box::new(Planned::new(Dealt)),
                            false => Box::new(Online),
                        };
                        let kernels = kernels.clone();
                        let spec = RunSpec::new(graph.clone(), cluster.clone(), costs, scheduler);
                        run(RunSpec { kernels, ..spec }).unwrap().makespan_ns
                    });
                    Duration::from_nanos(makespan_ns.sum())
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, overhead);
criterion_main!(benches);
