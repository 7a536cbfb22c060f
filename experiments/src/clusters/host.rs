//! The machine that this program runs on.

use super::parts::{SPEED, Wire, capacity, count, number, quantity};
use super::{Category, ClusterInfo};
use real_backend::{GpuShape, Machine};
use runtime::ClusterSpec;
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "host",
    summary: "this machine: one memory, one device with a lane per core that may be used",
    source: "",
    category: Category::Machine,
    parameters: &[
        ParameterInfo {
            name: "cores",
            summary: "lanes; 0 = as many as there are cores",
            kind: Kind::Int { default: 0, min: 0, max: 4096 },
        },
        SPEED,
    ],
    is_random: false,
    build,
};

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let machine = Machine::detect();
    let lanes = match parameters.int("cores") {
        0 => machine.cores.len() as u32,
        cores => cores as u32,
    };
    Ok(real_backend::host_cluster(&machine, lanes, parameters.float("speed")))
}

pub(super) const WITH_GPUS: ClusterInfo = ClusterInfo {
    name: "gpu-host",
    summary: "this machine with its GPUs, a lane per stream; without any, as if it had some",
    source: "default rate: PCI Express 5.0 x16, 63 GB/s per direction, of which copies reach 50",
    category: Category::Machine,
    parameters: &[
        ParameterInfo {
            name: "cores",
            summary: "lanes of the CPU; 0 = none, everything runs on GPUs",
            kind: Kind::Int { default: 1, min: 0, max: 4096 },
        },
        SPEED,
        count("gpus", "GPUs, at most as many as there are if there are any", 1, 64),
        count("streams", "lanes of each GPU", 8, 128),
        number("gpu_speed", "units of work per second of a whole GPU", 1e13, 1e-3, 1e18),
        quantity("memory", "of each GPU; unlimited = what is free", "unlimited", Dimension::Size),
        quantity("bandwidth", "to each GPU, per direction", "50 GB/s", Dimension::Rate),
        quantity("latency", "of a copy", "5 us", Dimension::Time),
    ],
    is_random: false,
    build: with_gpus,
};

fn with_gpus(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let machine = Machine::detect();
    let gpus = parameters.int("gpus") as usize;
    let mut facts = gpu::probe::look().0.unwrap_or_default();
    if facts.is_empty() {
        let free_bytes = 16 << 30;
        facts = vec![gpu::Facts { name: "GPU".to_owned(), free_bytes, ..Default::default() }; gpus];
    }
    facts.truncate(gpus);
    let wire = Wire::of(parameters, "bandwidth", "latency");
    let shape = GpuShape {
        streams: parameters.int("streams") as u32,
        speed: parameters.float("gpu_speed"),
        capacity_bytes: capacity(parameters, "memory"),
        bytes_per_s: wire.bytes_per_s,
        latency_ns: wire.latency_ns,
        ..GpuShape::default()
    };
    let (cores, speed) = (parameters.int("cores") as u32, parameters.float("speed"));
    Ok(real_backend::gpu_cluster(&machine, cores, speed, &facts, &shape))
}
