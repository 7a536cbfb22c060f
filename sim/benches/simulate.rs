//! Simulated tasks per second, end to end, and what the scheduler's part of it is.
//!
//! Layered random graphs (width the root of the task count, one to three parents, one object per
//! edge) on stars of 16 and 256 nodes of 8 cores, under max-min sharing and without contention.
//! `WINDTUNNEL_BENCH_MILLION=1` adds a million tasks.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
use runtime::{Cluster, ClusterSpec, Costs, TaskGraph};
use sim::SimSpec;
use std::sync::Arc;

const CORES: u32 = 8;

fn star(nodes: usize, network: NetworkModel) -> Arc<Cluster> {
    let memory = |i| MemorySpec { name: format!("m{i}"), ..Default::default() };
    let device = |i| DeviceSpec {
        name: format!("d{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes: CORES,
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
        name: format!("star of {nodes}"),
        memories: (0..nodes).map(memory).collect(),
        devices: (0..nodes).map(device).collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..nodes).map(link).collect(),
        network,
        homes: Vec::new(),
    };
    Arc::new(Cluster::new(spec).expect("a star is a cluster"))
}

fn layered(tasks: i64) -> TaskGraph {
    let info = workloads::registry::find("layered").expect("it is registered");
    let given = [("tasks".to_owned(), runtime::registry::Value::Int(tasks))];
    let parameters = info.parameters(&given).expect("a valid size");
    (info.build)(&parameters, 1).expect("a valid graph").graph
}

fn spec(graph: &TaskGraph, cluster: &Arc<Cluster>, scheduler: &str, tracing: bool) -> SimSpec {
    let costs = Costs::resolve(graph, cluster, None).expect("every core runs every task");
    let scheduler = schedulers::find(scheduler).expect("it is registered").build_default(1);
    let mut spec = SimSpec::new(graph.clone(), Arc::clone(cluster), costs, scheduler);
    spec.tracing = tracing;
    spec
}

fn simulate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("simulate");
    group.sample_size(10);
    let is_long = std::env::var_os("WINDTUNNEL_BENCH_MILLION").is_some();
    let sizes: &[i64] = if is_long { &[1_000_000] } else { &[1000, 10_000, 100_000] };
    for &tasks in sizes {
        let graph = layered(tasks);
        group.throughput(Throughput::Elements(tasks as u64));
        let cases = [
            ("first-fit", 16, NetworkModel::ContentionFree, false),
            ("first-fit", 16, NetworkModel::MaxMin, false),
            ("first-fit", 16, NetworkModel::MaxMin, true),
            ("first-fit", 256, NetworkModel::MaxMin, false),
            ("mct", 16, NetworkModel::MaxMin, false),
            ("heft", 16, NetworkModel::MaxMin, false),
            ("heft", 256, NetworkModel::MaxMin, false),
        ];
        for (scheduler, nodes, network, tracing) in cases {
            let cluster = star(nodes, network);
            let trace = if tracing { ", traced" } else { "" };
            let id = BenchmarkId::new(format!("{scheduler}, {nodes}x8, {network:?}{trace}"), tasks);
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || spec(&graph, &cluster, scheduler, tracing),
                    |spec| sim::run(spec).expect("it runs to its end"),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group!(benches, simulate);
criterion_main!(benches);
