//! Equal nodes around one switch.

use super::{ClusterInfo, SPEED, capacity, count, full_duplex, latency_ns, memory, quantity, rate};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, SwitchSpec};
use runtime::registry::{Dimension, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "star",
    summary: "equal nodes with full-duplex links to one switch; data begins on the first node",
    parameters: &[
        count("nodes", "nodes", 4, 4096),
        count("cores", "cores per node", 4, 4096),
        SPEED,
        quantity("bandwidth", "of each link, per direction", "1.25 GB/s", Dimension::Rate),
        quantity("latency", "of each link", "10 us", Dimension::Time),
        quantity("memory", "of each node but the first", "unlimited", Dimension::Size),
    ],
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> ClusterSpec {
    let mut spec = ClusterSpec {
        name: "star".to_owned(),
        switches: vec![SwitchSpec { name: "switch".to_owned(), bytes_per_s: None }],
        ..ClusterSpec::default()
    };
    for node in 0..parameters.int("nodes") {
        // The first node is the home of all data, which must always fit somewhere.
        let bytes = if node == 0 { None } else { capacity(parameters, "memory") };
        spec.memories.push(memory(format!("node{node}"), bytes));
        spec.devices.push(DeviceSpec {
            name: format!("node{node}"),
            class: "cpu".to_owned(),
            memory: format!("node{node}"),
            lanes: parameters.int("cores") as u32,
            speed: parameters.float("speed"),
            ..DeviceSpec::default()
        });
        let (bandwidth, latency) =
            (rate(parameters, "bandwidth"), latency_ns(parameters, "latency"));
        spec.links.push(full_duplex(&format!("node{node}"), "switch", bandwidth, latency));
    }
    spec
}
