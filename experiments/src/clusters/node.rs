//! One machine with accelerators: sockets with memories of their own, a tree of PCIe switches, and
//! what joins the accelerators beside it (nothing, a link per pair, a switch).

use super::parts::{SPEED, Wire, capacity, count, empty, joined, memory, number, quantity, switch};
use super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, MemoryKind, Power};
use runtime::registry::{Dimension, ParameterInfo, Parameters};

pub(super) const PCIE_TREE: ClusterInfo = ClusterInfo {
    name: "pcie-tree",
    summary: "one node: sockets with memories of their own (NUMA), under each a tree of PCIe \
              switches with accelerators of class gpu",
    source: "default rates: PCI Express 3.0 x16 is 8 GT/s x 16 lanes x 128/130 bits = 15.75 GB/s \
             per direction (PCI-SIG)",
    category: Category::Node,
    parameters: &{
        const ALL: [ParameterInfo; 12] = joined(
            [
                count("sockets", "sockets, every pair joined", 2, 8),
                count("switches", "PCIe switches per socket", 2, 16),
                count("accelerators", "accelerators per PCIe switch", 2, 16),
                quantity("numa", "between two sockets, per direction", "20 GB/s", Dimension::Rate),
                quantity("numa_latency", "between two sockets", "200 ns", Dimension::Time),
            ],
            SHARED,
        );
        ALL
    },
    is_random: false,
    build: |parameters, _| {
        let mut shape = shape(parameters);
        shape.sockets = parameters.int("sockets");
        shape.switches = parameters.int("switches");
        shape.accelerators = parameters.int("accelerators");
        shape.numa = Wire::of(parameters, "numa", "numa_latency");
        Ok(shape.alone("pcie-tree"))
    },
};

pub(super) const NVLINK_MESH: ClusterInfo = ClusterInfo {
    name: "nvlink-mesh",
    summary: "one node: a socket with accelerators of class gpu on PCIe links, and a link for \
              every pair of accelerators",
    source: "default rate: two third-generation NVLinks of 25 GB/s per direction would be 50 GB/s; \
             the four-GPU HGX A100 board joins each pair by four, 100 GB/s (NVIDIA A100 Tensor \
             Core GPU Architecture, 2020)",
    category: Category::Node,
    parameters: &{
        const ALL: [ParameterInfo; 10] = joined(
            [
                count("accelerators", "accelerators", 4, 64),
                quantity("nvlink", "of each pair, per direction", "100 GB/s", Dimension::Rate),
                quantity("nvlink_latency", "of each pair", "2 us", Dimension::Time),
            ],
            SHARED,
        );
        ALL
    },
    is_random: false,
    build: |parameters, _| {
        let mut shape = shape(parameters);
        shape.accelerators = parameters.int("accelerators");
        shape.peers = Peers::Mesh(Wire::of(parameters, "nvlink", "nvlink_latency"));
        Ok(shape.alone("nvlink-mesh"))
    },
};

pub(super) const NVSWITCH: ClusterInfo = ClusterInfo {
    name: "nvswitch",
    summary: "one node: a socket with accelerators of class gpu on PCIe links, and a switch that \
              joins the accelerators",
    source: "default rate: twelve third-generation NVLinks per GPU, 300 GB/s per direction \
             (NVIDIA A100 Tensor Core GPU Architecture, 2020)",
    category: Category::Node,
    parameters: &{
        const ALL: [ParameterInfo; 10] = joined(
            [
                count("accelerators", "accelerators", 8, 256),
                quantity(
                    "nvlink",
                    "of each accelerator to the switch, per direction",
                    "300 GB/s",
                    Dimension::Rate,
                ),
                quantity("nvlink_latency", "accelerator to switch", "1 us", Dimension::Time),
            ],
            SHARED,
        );
        ALL
    },
    is_random: false,
    build: |parameters, _| {
        let mut shape = shape(parameters);
        shape.accelerators = parameters.int("accelerators");
        shape.peers = Peers::Switch(Wire::of(parameters, "nvlink", "nvlink_latency"));
        Ok(shape.alone("nvswitch"))
    },
};

/// What the single nodes have in common.
const SHARED: [ParameterInfo; 7] = [
    count("cores", "cores per socket", 8, 4096),
    SPEED,
    number("speedup", "speed of an accelerator over that of a core", 20.0, 1e-3, 1e6),
    quantity("memory", "of each accelerator", "16 GiB", Dimension::Size),
    quantity("host_memory", "of each socket", "unlimited", Dimension::Size),
    quantity("pcie", "of each PCIe link, per direction", "15.75 GB/s", Dimension::Rate),
    quantity("pcie_latency", "of each PCIe link", "5 us", Dimension::Time),
];

fn shape(parameters: &Parameters) -> Shape {
    let speed = parameters.float("speed");
    Shape {
        sockets: 1,
        cores: parameters.int("cores"),
        core_speed: speed,
        socket_bytes: capacity(parameters, "host_memory"),
        numa: Wire { bytes_per_s: f64::MAX, latency_ns: 0, power: None },
        switches: 0,
        pcie: Wire::of(parameters, "pcie", "pcie_latency"),
        accelerators: 1,
        class: "gpu",
        speed: speed * parameters.float("speedup"),
        bytes: capacity(parameters, "memory"),
        peers: Peers::Host,
        socket_power: None,
        accelerator_power: None,
    }
}

/// What joins accelerators beside PCIe.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peers {
    /// Nothing.
    Host,
    /// A link per pair.
    Mesh(Wire),
    /// A switch.
    Switch(Wire),
}

/// A node's parts.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub sockets: i64,
    /// Per socket.
    pub cores: i64,
    /// Of a core.
    pub core_speed: f64,
    /// Memory of each socket.
    pub socket_bytes: Option<u64>,
    /// Between two sockets.
    pub numa: Wire,
    /// PCIe switches per socket; 0: accelerators are linked to the socket itself.
    pub switches: i64,
    /// Every PCIe link.
    pub pcie: Wire,
    /// Per PCIe switch, or per socket where there are none.
    pub accelerators: i64,
    /// Class of the accelerators.
    pub class: &'static str,
    /// Of an accelerator.
    pub speed: f64,
    /// Memory of an accelerator.
    pub bytes: Option<u64>,
    pub peers: Peers,
    /// Of each socket, its memory included.
    pub socket_power: Option<Power>,
    /// Of each accelerator, its memory included.
    pub accelerator_power: Option<Power>,
}

impl Shape {
    /// A cluster of this node alone.
    pub fn alone(&self, name: &str) -> ClusterSpec {
        let mut spec = empty(name);
        self.add(&mut spec, "");
        spec
    }

    /// Adds the node; `prefix` begins all of its names.
    pub fn add(&self, spec: &mut ClusterSpec, prefix: &str) {
        let device = |name: &str, class: &str, memory: &str, lanes, speed, power| DeviceSpec {
            name: name.to_owned(),
            class: class.to_owned(),
            memory: memory.to_owned(),
            lanes,
            speed,
            power,
            ..DeviceSpec::default()
        };
        let sockets: Vec<String> = (0..self.sockets).map(|s| self.socket(prefix, s)).collect();
        for (s, ram) in sockets.iter().enumerate() {
            let cpu = if self.sockets == 1 { "cpu".to_owned() } else { format!("cpu{s}") };
            spec.memories.push(memory(ram.clone(), self.socket_bytes));
            let cpu = format!("{prefix}{cpu}");
            let (cores, speed) = (self.cores as u32, self.core_speed);
            spec.devices.push(device(&cpu, "cpu", ram, cores, speed, self.socket_power));
            sockets[..s].iter().for_each(|other| self.numa.join(spec, other, ram));
        }
        let mut names = Vec::new();
        for above in self.attachments(spec, prefix, &sockets) {
            for _ in 0..self.accelerators {
                let name = format!("{prefix}{}{}", self.class, names.len());
                let mut hbm = memory(name.clone(), self.bytes);
                hbm.kind = MemoryKind::Hbm;
                spec.memories.push(hbm);
                let power = self.accelerator_power;
                spec.devices.push(device(&name, self.class, &name, 1, self.speed, power));
                self.pcie.join(spec, &above, &name);
                names.push(name);
            }
        }
        match self.peers {
            Peers::Host => {}
            Peers::Mesh(wire) => {
                for (i, a) in names.iter().enumerate() {
                    names[i + 1..].iter().for_each(|b| wire.join(spec, a, b));
                }
            }
            Peers::Switch(wire) => {
                let center = format!("{prefix}nvswitch");
                spec.switches.push(switch(center.clone()));
                names.iter().for_each(|name| wire.join(spec, name, &center));
            }
        }
    }

    /// What accelerators are linked to, with the PCIe switches added.
    fn attachments(&self, spec: &mut ClusterSpec, prefix: &str, sockets: &[String]) -> Vec<String> {
        if self.switches == 0 {
            return sockets.to_vec();
        }
        let mut all = Vec::new();
        for ram in sockets {
            for _ in 0..self.switches {
                let name = pcie_switch(prefix, all.len() as i64);
                spec.switches.push(switch(name.clone()));
                self.pcie.join(spec, ram, &name);
                all.push(name);
            }
        }
        all
    }

    fn socket(&self, prefix: &str, socket: i64) -> String {
        match self.sockets {
            1 => format!("{prefix}ram"),
            _ => format!("{prefix}numa{socket}"),
        }
    }
}

/// Name of a node's PCIe switch.
pub(super) fn pcie_switch(prefix: &str, index: i64) -> String {
    format!("{prefix}pcie{index}")
}
