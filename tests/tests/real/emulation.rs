//! Sixteen devices in four nodes, on however many cores there are.

use crate::support::{OwnerComputes, cholesky, factor, in_core_factor, spec};
use real_backend::RunSpec;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, SwitchSpec};
use runtime::trace::CopyReason;
use runtime::{Cluster, Scheduler, validator};
use sim::Wire;
use std::sync::Arc;

const DEVICES: usize = 16;
const NODES: usize = 4;
/// A tile of 32 x 32.
const TILE_BYTES: u64 = 8 * 32 * 32;

/// Devices with a memory each, four at the switch of a node, the nodes around one switch. Every
/// memory is home to the tiles of its place in a grid of 4 x 4.
fn machine() -> Arc<Cluster> {
    let link = |name: String, a: String, b: &str, bytes_per_s, latency_ns| LinkSpec {
        name,
        a,
        b: b.to_owned(),
        bytes_per_s,
        latency_ns,
        ..Default::default()
    };
    let node = |n: usize| format!("node{n}");
    let memory = |i: usize| format!("m{i}");
    let inner =
        (0..DEVICES).map(|i| link(format!("bus{i}"), memory(i), &node(i % NODES), 500e6, 5_000));
    let outer = (0..NODES).map(|n| link(format!("net{n}"), node(n), "switch", 100e6, 20_000));
    let spec = ClusterSpec {
        name: "four nodes".into(),
        memories: (0..DEVICES)
            .map(|i| MemorySpec {
                name: memory(i),
                // Its own tiles and the working set of a task, and little more.
                capacity_bytes: Some(9 * TILE_BYTES),
                copies_in: Some(2),
                ..Default::default()
            })
            .collect(),
        devices: (0..DEVICES)
            .map(|i| DeviceSpec {
                name: format!("d{i}"),
                class: "cpu".into(),
                memory: memory(i),
                lanes: 1,
                // A gemm of 32 x 32 takes half a millisecond or, on every other one, a quarter.
                speed: 131e6 * (1 + i % 2) as f64,
                issue_ns: 10_000,
                ..Default::default()
            })
            .collect(),
        switches: (0..NODES)
            .map(node)
            .chain(["switch".to_owned()])
            .map(|name| SwitchSpec { name, bytes_per_s: None })
            .collect(),
        links: inner.chain(outer).collect(),
        homes: (0..DEVICES).map(memory).collect(),
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

#[test]
fn a_factorisation_is_the_same_on_sixteen_devices_as_on_one_core() {
    let workload = cholesky(256, 32, 4);
    let (cluster, expected) = (machine(), in_core_factor(&workload));
    let by_name = |name: &str| schedulers::find(name).unwrap().build_default(1);
    let all: [(&str, Box<dyn Scheduler>); 4] = [
        ("owner computes", Box::new(OwnerComputes)),
        ("heft", by_name("heft")),
        ("mct", by_name("mct")),
        ("random", by_name("random")),
    ];
    for (name, scheduler) in all {
        let emulation = Some(Box::new(Wire::new(Arc::clone(&cluster))) as Box<_>);
        let spec = RunSpec { emulation, ..spec(&workload, &cluster, scheduler) };
        let truth = spec.truth.clone();
        let output = real_backend::run(spec).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(validator::validate(&output.trace), [], "{name}");
        let found = factor(workload.app.as_ref().unwrap().as_ref(), &output);
        assert!(found == expected, "{name}: other bits than in core");
        for task in &output.trace.tasks {
            let modelled_ns = truth.duration_ns(task.task, task.device).unwrap();
            assert!(task.finished_ns - task.started_ns >= modelled_ns, "{name}: {task:?}");
        }
        let results = output.trace.copies.iter().filter(|c| c.reason == CopyReason::Result);
        if name == "owner computes" {
            assert_eq!(results.count(), 0, "everything is computed at home");
            assert!(!output.trace.copies.is_empty());
        } else {
            assert!(results.count() > 0, "{name}: results come home");
        }
    }
}
