//! This machine with its GPUs, as a cluster.

use crate::machine::{Machine, host_cluster};
use gpu::Facts;
use runtime::Ns;
use runtime::cluster::{Capacity, ClusterSpec, DeviceSpec, LinkSpec, MemoryKind, MemorySpec};

/// What a cluster file says of GPUs besides what the devices tell themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GpuShape {
    /// Streams per GPU, each a lane.
    pub streams: u32,
    /// Units of work per second of a whole GPU.
    pub speed: f64,
    /// Memory of each that runs may use; `None` = what is free.
    pub capacity_bytes: Option<u64>,
    /// Bandwidth between the host and each GPU, per direction.
    pub bytes_per_s: f64,
    /// Latency of a copy.
    pub latency_ns: Ns,
    /// Copies that are under way in each direction at once: two keep an engine busy, the second
    /// behind the first.
    pub copies: u32,
}

impl Default for GpuShape {
    /// Eight streams on PCI Express 5.0 x16, of which copies reach some 50 GB/s.
    fn default() -> Self {
        Self {
            streams: 8,
            speed: 1e13,
            capacity_bytes: None,
            bytes_per_s: 50e9,
            latency_ns: 5_000,
            copies: 2,
        }
    }
}

/// The host with so many workers, and a memory `hbm0` with a device `gpu0` of class `gpu` for every
/// GPU, linked to the host. Objects are at home in the host's memory.
pub fn gpu_cluster(
    machine: &Machine,
    workers: u32,
    speed: f64,
    gpus: &[Facts],
    shape: &GpuShape,
) -> ClusterSpec {
    let mut cluster = host_cluster(machine, workers, speed);
    if workers == 0 {
        cluster.devices.clear();
    }
    let host = cluster.memories[0].name.clone();
    if let Some(first) = gpus.first() {
        cluster.name = format!("{}, {} x {}", cluster.name, gpus.len(), first.name);
    }
    cluster.homes = vec![host.clone()];
    for (at, facts) in gpus.iter().enumerate() {
        let memory = format!("hbm{at}");
        // Handles and workspaces of libraries take their part of what is free.
        let free_bytes = facts.free_bytes - facts.free_bytes / 16;
        cluster.memories.push(MemorySpec {
            name: memory.clone(),
            kind: MemoryKind::Hbm,
            capacity_bytes: Some(shape.capacity_bytes.unwrap_or(free_bytes)),
            copies_in: Some(shape.copies),
            copies_out: Some(shape.copies),
        });
        cluster.links.push(LinkSpec {
            name: format!("pcie{at}"),
            a: host.clone(),
            b: memory.clone(),
            bytes_per_s: shape.bytes_per_s,
            latency_ns: shape.latency_ns,
            ..LinkSpec::default()
        });
        cluster.devices.push(DeviceSpec {
            name: format!("gpu{at}"),
            class: "gpu".to_owned(),
            memory,
            lanes: shape.streams,
            speed: shape.speed,
            capacity: Capacity::Shared,
            ..DeviceSpec::default()
        });
    }
    cluster
}
