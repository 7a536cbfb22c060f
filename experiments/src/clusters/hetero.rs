//! A processor with accelerators that have finite memories of their own.

use super::parts::{SPEED, Wire, capacity, count, memory, number, quantity};
use super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, MemoryKind};
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "hetero",
    summary: "one node: cores of class cpu, and accelerators of class gpu with finite memories",
    source: "",
    category: Category::Node,
    parameters: &[
        count("cores", "cores of the processor", 8, 4096),
        ParameterInfo {
            name: "accelerators",
            summary: "accelerators",
            kind: Kind::Int { default: 2, min: 0, max: 256 },
        },
        SPEED,
        number("speedup", "speed of an accelerator over that of a core", 20.0, 1e-3, 1e6),
        quantity("memory", "of each accelerator", "16 GiB", Dimension::Size),
        quantity(
            "bandwidth",
            "of each accelerator's link, per direction",
            "16 GB/s",
            Dimension::Rate,
        ),
        quantity("latency", "of each accelerator's link", "10 us", Dimension::Time),
    ],
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let device = |name: &str, class: &str, memory: &str, lanes, speed| DeviceSpec {
        name: name.to_owned(),
        class: class.to_owned(),
        memory: memory.to_owned(),
        lanes,
        speed,
        ..DeviceSpec::default()
    };
    let (cores, speed) = (parameters.int("cores") as u32, parameters.float("speed"));
    let mut spec = ClusterSpec {
        name: "hetero".to_owned(),
        memories: vec![memory("ram".to_owned(), None)],
        devices: vec![device("cpu", "cpu", "ram", cores, speed)],
        ..ClusterSpec::default()
    };
    for gpu in 0..parameters.int("accelerators") {
        let name = format!("gpu{gpu}");
        let mut hbm = memory(name.clone(), capacity(parameters, "memory"));
        hbm.kind = MemoryKind::Hbm;
        spec.memories.push(hbm);
        spec.devices.push(device(&name, "gpu", &name, 1, speed * parameters.float("speedup")));
        Wire::of(parameters, "bandwidth", "latency").join(&mut spec, "ram", &name);
    }
    Ok(spec)
}
