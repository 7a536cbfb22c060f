//! Racks of nodes with a switch each, joined by slower uplinks.

use super::{ClusterInfo, SPEED, capacity, count, full_duplex, latency_ns, memory, quantity, rate};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, SwitchSpec};
use runtime::registry::{Dimension, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "two-tier",
    summary: "racks of equal nodes: a switch per rack, and uplinks to one core switch",
    parameters: &[
        count("racks", "racks", 2, 256),
        count("nodes", "nodes per rack", 4, 256),
        count("cores", "cores per node", 4, 4096),
        SPEED,
        quantity("bandwidth", "of each node's link", "1.25 GB/s", Dimension::Rate),
        quantity("uplink", "bandwidth of each rack's uplink", "1.25 GB/s", Dimension::Rate),
        quantity("latency", "of each link", "10 us", Dimension::Time),
        quantity("memory", "of each node but the first", "unlimited", Dimension::Size),
    ],
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> ClusterSpec {
    let latency = latency_ns(parameters, "latency");
    let switch = |name: String| SwitchSpec { name, bytes_per_s: None };
    let mut spec = ClusterSpec {
        name: "two-tier".to_owned(),
        switches: vec![switch("core".to_owned())],
        ..ClusterSpec::default()
    };
    for rack in 0..parameters.int("racks") {
        let top = format!("rack{rack}");
        spec.switches.push(switch(top.clone()));
        spec.links.push(full_duplex(&top, "core", rate(parameters, "uplink"), latency));
        for node in 0..parameters.int("nodes") {
            let name = format!("rack{rack}-node{node}");
            let is_home = rack == 0 && node == 0;
            let bytes = if is_home { None } else { capacity(parameters, "memory") };
            spec.memories.push(memory(name.clone(), bytes));
            spec.devices.push(DeviceSpec {
                name: name.clone(),
                class: "cpu".to_owned(),
                memory: name.clone(),
                lanes: parameters.int("cores") as u32,
                speed: parameters.float("speed"),
                ..DeviceSpec::default()
            });
            spec.links.push(full_duplex(&name, &top, rate(parameters, "bandwidth"), latency));
        }
    }
    spec
}
