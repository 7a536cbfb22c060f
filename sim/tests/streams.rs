//! Devices whose lanes share one capacity, as the streams of a GPU do.

use runtime::cluster::{Capacity, DeviceSpec, MemorySpec};
use runtime::{Cluster, ClusterSpec, Cost, Costs, Ns, TaskGraph, TaskSpec, validator};
use sim::{SimOutput, SimSpec};
use std::sync::Arc;

const MS: Ns = 1_000_000;

fn gpu(streams: u32, issue_ns: Ns) -> Arc<Cluster> {
    let spec = ClusterSpec {
        memories: vec![MemorySpec { name: "hbm".into(), ..Default::default() }],
        devices: vec![DeviceSpec {
            name: "gpu".into(),
            class: "gpu".into(),
            memory: "hbm".into(),
            lanes: streams,
            speed: 1.0,
            capacity: Capacity::Shared,
            issue_ns,
            power: None,
        }],
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// Independent kernels of `(milliseconds, millionths)`.
fn run(cluster: &Arc<Cluster>, kernels: &[(u32, u32)], scheduler: &str) -> SimOutput {
    let mut graph = TaskGraph::new("kernels");
    let kernel = graph.kernel("kernel");
    for &(ms, occupancy_ppm) in kernels {
        let cost = Cost::Work(f64::from(ms) * 1e-3);
        graph.submit(TaskSpec { cost, occupancy_ppm, ..TaskSpec::new(kernel) }).unwrap();
    }
    let costs = Costs::resolve(&graph, cluster, None).unwrap();
    let scheduler = schedulers::find(scheduler).unwrap().build_default(1);
    let output = sim::run(SimSpec::new(graph, Arc::clone(cluster), costs, scheduler)).unwrap();
    assert!(validator::validate(&output.trace).is_empty());
    output
}

/// Starts and ends in microseconds, by task.
fn times_us(output: &SimOutput) -> Vec<(Ns, Ns)> {
    let mut tasks = output.trace.tasks.clone();
    tasks.sort_by_key(|t| t.task);
    tasks.iter().map(|t| (t.started_ns / 1000, t.finished_ns / 1000)).collect()
}

#[test]
fn kernels_take_what_is_left() {
    let gpu = gpu(4, 0);
    let halves = run(&gpu, &[(6, 500_000), (6, 500_000)], "first-fit");
    assert_eq!(times_us(&halves), [(0, 6000), (0, 6000)]);
    let wholes = run(&gpu, &[(6, 1_000_000), (6, 1_000_000)], "first-fit");
    assert_eq!(times_us(&wholes), [(0, 6000), (6000, 12000)]);
    let quarters = run(&gpu, &[(6, 750_000), (6, 750_000)], "first-fit");
    assert_eq!(times_us(&quarters), [(0, 6000), (0, 10000)]);
}

#[test]
fn a_launch_takes_its_latency() {
    let output = run(&gpu(2, 10_000), &[(1, 1_000_000), (1, 1_000_000)], "first-fit");
    assert_eq!(times_us(&output), [(10, 1010), (1010, 2010)]);
}

#[test]
fn many_small_kernels_fill_as_many_streams_as_there_are() {
    let kernels = [(1, 100_000); 40];
    let makespans: Vec<Ns> = [1, 2, 5, 10, 20]
        .map(|streams| run(&gpu(streams, 0), &kernels, "first-fit").makespan_ns / MS)
        .to_vec();
    // Ten tenths are all of the device.
    assert_eq!(makespans, [40, 20, 8, 4, 4]);
}

#[test]
fn plans_do_not_take_streams_for_devices() {
    let gpu = gpu(4, 0);
    for scheduler in ["heft", "peft", "cpop", "etf"] {
        let output = run(&gpu, &[(3, 1_000_000); 6], scheduler);
        assert_eq!(output.makespan_ns, 18 * MS, "{scheduler}");
        let output = run(&gpu, &[(3, 500_000); 6], scheduler);
        assert_eq!(output.makespan_ns, 9 * MS, "{scheduler}");
    }
}

#[test]
fn online_schedulers_see_that_a_gpu_is_busy() {
    // A CPU half as fast as the GPU: of three whole kernels one belongs there, although the GPU
    // has four streams.
    let mut spec = gpu(4, 0).spec().clone();
    spec.memories.push(MemorySpec { name: "ram".into(), ..Default::default() });
    spec.devices.push(DeviceSpec {
        name: "cpu".into(),
        class: "cpu".into(),
        memory: "ram".into(),
        lanes: 1,
        speed: 0.5,
        ..Default::default()
    });
    spec.links.push(runtime::cluster::LinkSpec {
        name: "pcie".into(),
        a: "hbm".into(),
        b: "ram".into(),
        bytes_per_s: 1e9,
        ..Default::default()
    });
    let both = Arc::new(Cluster::new(spec).unwrap());
    for scheduler in ["mct", "dmda", "min-min", "heft"] {
        let output = run(&both, &[(10, 1_000_000); 3], scheduler);
        // Min-min collects what is ready for some microseconds.
        let late_ns = output.makespan_ns - 20 * MS;
        assert!(late_ns <= 20_000, "{scheduler}: {late_ns} ns late");
    }
}
