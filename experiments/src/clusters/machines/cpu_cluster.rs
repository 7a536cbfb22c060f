//! Servers of two processors on InfiniBand.
//!
//! Two AMD EPYC 7763 per node (AMD): 64 cores, 2.45 GHz, AVX2 with two fused multiply-adds a cycle:
//! 16 f64 or 32 f32 operations, so 39.2 or 78.4 GFLOP/s a core. Between sockets: xGMI, 4 links x 16
//! lanes x 18 GT/s = 144 GB/s per direction (AMD). InfiniBand HDR: 200 Gbit/s; leaf switches of 40
//! ports (NVIDIA Quantum QM8700), half of them up. Thermal design power of a processor: 280 W.

use super::super::parts::{Wire, count, empty, memory, quantity, switch, watts};
use super::super::{Category, ClusterInfo};
use super::{PRECISION, Peaks};
use runtime::ClusterSpec;
use runtime::cluster::DeviceSpec;
use runtime::registry::{Dimension, ParameterError, Parameters};

pub(in super::super) const INFO: ClusterInfo = ClusterInfo {
    name: "cpu-cluster",
    summary: "nodes of two EPYC 7763 on a two-level fat tree of InfiniBand HDR, 20 nodes to a \
              leaf switch; a device is a socket",
    source: "AMD EPYC 7763 and NVIDIA Quantum QM8700 data sheets; latencies are round \
             figures, idle and link powers illustrative",
    category: Category::Machine,
    parameters: &[
        count("nodes", "nodes", 8, 2048),
        PRECISION,
        quantity("socket_memory", "of each socket", "128 GiB", Dimension::Size),
        quantity("network", "of each node, per direction", "200 Gbit/s", Dimension::Rate),
        quantity("network_latency", "of each link of the network", "500 ns", Dimension::Time),
        count("spines", "spine switches; a leaf's uplinks to one of them are one link", 4, 20),
    ],
    is_random: false,
    build,
};

/// Nodes of a leaf switch.
const NODES_PER_LEAF: i64 = 20;

const CORE_PEAKS: Peaks =
    Peaks { f64: 39.2e9, f32: 78.4e9, tf32: 78.4e9, bf16: 78.4e9, fp8: 78.4e9 };

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let (nodes, spines) = (parameters.int("nodes"), parameters.int("spines"));
    let adapter =
        Wire { power: watts(10, 15), ..Wire::of(parameters, "network", "network_latency") };
    let down = NODES_PER_LEAF.min(nodes) as f64;
    let uplink = Wire { bytes_per_s: adapter.bytes_per_s * down / spines as f64, ..adapter };
    let xgmi = Wire { bytes_per_s: 144e9, latency_ns: 200, power: watts(2, 6) };
    let mut spec = empty("cpu-cluster");
    // The bus of adapter and socket 0 is no bottleneck: the adapter is linked to its memory.
    let leaves = nodes.div_euclid(NODES_PER_LEAF) + i64::from(nodes % NODES_PER_LEAF > 0);
    if leaves > 1 {
        (0..spines).for_each(|s| spec.switches.push(switch(format!("spine{s}"))));
    }
    for leaf in 0..leaves {
        spec.switches.push(switch(format!("leaf{leaf}")));
        if leaves > 1 {
            for s in 0..spines {
                uplink.join(&mut spec, &format!("leaf{leaf}"), &format!("spine{s}"));
            }
        }
    }
    for node in 0..nodes {
        let numa = [0, 1].map(|s| format!("node{node}/numa{s}"));
        for (s, name) in numa.iter().enumerate() {
            let bytes = parameters.quantity("socket_memory", Dimension::Size);
            spec.memories.push(memory(name.clone(), bytes));
            spec.devices.push(DeviceSpec {
                name: format!("node{node}/cpu{s}"),
                class: "cpu".to_owned(),
                memory: name.clone(),
                lanes: 64,
                speed: CORE_PEAKS.of(parameters),
                power: watts(90, 280),
                ..DeviceSpec::default()
            });
        }
        xgmi.join(&mut spec, &numa[0], &numa[1]);
        adapter.join(&mut spec, &numa[0], &format!("leaf{}", node / NODES_PER_LEAF));
    }
    Ok(spec)
}
