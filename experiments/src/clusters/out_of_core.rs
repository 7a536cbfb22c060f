//! This machine with little main memory in front of a disk, where all data is at home.

use super::parts::{SPEED, Wire, capacity, count, memory, quantity};
use super::{Category, ClusterInfo};
use real_backend::Machine;
use runtime::ClusterSpec;
use runtime::cluster::{Duplex, MemoryKind, MemorySpec};
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "out-of-core",
    summary: "this machine with a budget of main memory; data begins and ends on a disk",
    source: "",
    category: Category::Machine,
    parameters: &[
        quantity("budget", "main memory that tasks and their data may take", "64 MiB", SIZE),
        ParameterInfo {
            name: "cores",
            summary: "lanes; 0 = as many as there are cores",
            kind: Kind::Int { default: 0, min: 0, max: 4096 },
        },
        SPEED,
        quantity("bandwidth", "of the disk, reads and writes together", "1 GB/s", Dimension::Rate),
        quantity("latency", "of a request to the disk", "100 us", Dimension::Time),
        count("requests", "most reads, and most writes, under way at once", 2, 64),
    ],
    is_random: false,
    build,
};

const SIZE: Dimension = Dimension::Size;

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let machine = Machine::detect();
    let lanes = match parameters.int("cores") {
        0 => machine.cores.len() as u32,
        cores => cores as u32,
    };
    let requests = Some(parameters.int("requests") as u32);
    let mut spec = real_backend::host_cluster(&machine, lanes, parameters.float("speed"));
    spec.memories[0].capacity_bytes = capacity(parameters, "budget");
    spec.memories.push(MemorySpec {
        kind: MemoryKind::Disk,
        copies_in: requests,
        copies_out: requests,
        ..memory("disk".to_owned(), None)
    });
    Wire::of(parameters, "bandwidth", "latency").join(&mut spec, "host", "disk");
    spec.links.iter_mut().for_each(|link| link.duplex = Duplex::Half);
    spec.homes = vec!["disk".to_owned()];
    Ok(spec)
}
