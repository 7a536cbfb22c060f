//! Small clusters, all of main memory.

use real_backend::RunSpec;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
use runtime::{Cluster, Costs, Scheduler, TaskGraph};
use std::sync::Arc;
use std::time::Duration;

/// One memory and device per entry, with so many lanes; every memory linked to the first, which is
/// home of all objects.
pub fn star(lanes: &[u32], capacity_bytes: Option<u64>) -> Arc<Cluster> {
    let name = |kind: &str, i: usize| format!("{kind}{i}");
    let memory = |i: usize| MemorySpec {
        name: name("m", i),
        capacity_bytes: capacity_bytes.filter(|_| i > 0),
        ..Default::default()
    };
    let device = |(i, lanes): (usize, &u32)| DeviceSpec {
        name: name("d", i),
        class: "cpu".into(),
        memory: name("m", i),
        lanes: *lanes,
        speed: 1.0,
        ..Default::default()
    };
    let link = |i: usize| LinkSpec {
        name: name("n", i),
        a: name("m", 0),
        b: name("m", i),
        bytes_per_s: 1e10,
        ..Default::default()
    };
    let spec = ClusterSpec {
        name: format!("star of {lanes:?} lanes"),
        memories: (0..lanes.len()).map(memory).collect(),
        devices: lanes.iter().enumerate().map(device).collect(),
        links: (1..lanes.len()).map(link).collect(),
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).expect("a valid cluster"))
}

/// One memory, one device.
pub fn host(lanes: u32) -> Arc<Cluster> {
    star(&[lanes], None)
}

/// A run that is given up after a minute.
pub fn spec(
    graph: TaskGraph,
    cluster: Arc<Cluster>,
    scheduler: impl Scheduler + 'static,
) -> RunSpec {
    let costs = Costs::resolve(&graph, &cluster, None).expect("every task runs somewhere");
    let timeout = Duration::from_secs(60);
    RunSpec { timeout, ..RunSpec::new(graph, cluster, costs, Box::new(scheduler)) }
}
