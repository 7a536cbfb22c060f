//! NVIDIA HGX boards of eight H100 or H200 in a server of two Xeons, alone and as a cluster.
//!
//! Per GPU (NVIDIA H100 and H200 Tensor Core GPU data sheets, SXM, dense rates): 67 TFLOP/s f64
//! (tensor cores), 67 f32, 494.5 tf32, 989.5 bf16, 1979 fp8; 80 GB HBM3 or 141 GB HBM3e; 18
//! fourth-generation NVLinks, 900 GB/s both ways together, to NVSwitches; PCIe 5.0 x16, 32 GT/s x
//! 16 x 128/130 = 63 GB/s per direction. Server as DGX H100 (NVIDIA DGX H100 data sheet): two Xeon
//! Platinum 8480C of 56 cores, 2 TB of memory, eight 400 Gbit/s adapters, which share PCIe switches
//! with the GPUs. A core at its base clock of 2.0 GHz does 32 f64 operations a cycle with AVX-512,
//! 64 f32, 1024 bf16 with AMX (Intel Architecture Optimization Reference Manual); tf32 is counted
//! as f32 and fp8 as bf16 there. Between sockets: 4 UPI links x 16 GT/s x 2 bytes.
//! Thermal design powers: 700 W a GPU, 350 W a processor.

use super::super::node::{Peers, Shape, pcie_switch};
use super::super::parts::{Wire, count, empty, number, quantity, rate, refused, switch, watts};
use super::super::{Category, ClusterInfo};
use super::{PRECISION, Peaks};
use runtime::ClusterSpec;
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters};

const SOURCE: &str = "NVIDIA H100, H200 and DGX H100 data sheets; Intel Xeon Platinum 8480C; \
                      latencies are round figures, idle and link powers illustrative";

pub(in super::super) const NODE: ClusterInfo = ClusterInfo {
    name: "hgx",
    summary: "a server with eight H100 or H200 on an NVSwitch board",
    source: SOURCE,
    category: Category::Machine,
    parameters: &[GPU, PRECISION, COPY_LATENCY],
    is_random: false,
    build: |parameters, _| Ok(server(parameters).alone("hgx")),
};

pub(in super::super) const CLUSTER: ClusterInfo = ClusterInfo {
    name: "hgx-cluster",
    summary: "such servers on a two-level fat tree: adapter i of each joins leaf switch i of its \
              unit of up to 32 servers (rails), leaves join all spines",
    source: "NVIDIA DGX SuperPOD reference architecture (DGX H100); NVIDIA Quantum-2 QM9700: 64 \
             ports of 400 Gbit/s; and as hgx",
    category: Category::Machine,
    parameters: &[
        count("nodes", "servers", 4, 256),
        GPU,
        PRECISION,
        COPY_LATENCY,
        quantity("network", "of each adapter, per direction", "400 Gbit/s", Dimension::Rate),
        quantity("network_latency", "of each link of the fat tree", "600 ns", Dimension::Time),
        count("spines", "spine switches; a leaf's uplinks to one of them are one link", 4, 32),
        number(
            "oversubscription",
            "bandwidth of a leaf's servers over that of its uplinks",
            1.0,
            0.1,
            100.0,
        ),
    ],
    is_random: false,
    build: cluster,
};

const GPU: ParameterInfo = ParameterInfo {
    name: "gpu",
    summary: "which GPU",
    kind: Kind::Choice { default: "h100", options: &["h100", "h200"] },
};

const COPY_LATENCY: ParameterInfo =
    quantity("copy_latency", "of each PCIe link", "2 us", Dimension::Time);

/// Servers that share leaf switches: half of a leaf's 64 ports lead down.
const UNIT: i64 = 32;
/// GPUs of a server, each with an adapter.
const GPUS: i64 = 8;

const GPU_PEAKS: Peaks =
    Peaks { f64: 67e12, f32: 67e12, tf32: 494.5e12, bf16: 989.5e12, fp8: 1979e12 };
const CORE_PEAKS: Peaks = Peaks { f64: 64e9, f32: 128e9, tf32: 128e9, bf16: 2048e9, fp8: 2048e9 };

fn server(parameters: &Parameters) -> Shape {
    let bytes = if parameters.text("gpu") == "h200" { 141e9 } else { 80e9 };
    let pcie_latency_ns = parameters.quantity("copy_latency", Dimension::Time).unwrap_or(0);
    Shape {
        sockets: 2,
        cores: 56,
        core_speed: CORE_PEAKS.of(parameters),
        socket_bytes: Some(1 << 40),
        numa: Wire { bytes_per_s: 128e9, latency_ns: 200, power: watts(2, 6) },
        switches: 2,
        pcie: Wire { bytes_per_s: 63e9, latency_ns: pcie_latency_ns, power: watts(2, 8) },
        accelerators: 2,
        class: "gpu",
        speed: GPU_PEAKS.of(parameters),
        bytes: Some(bytes as u64),
        peers: Peers::Switch(Wire { bytes_per_s: 450e9, latency_ns: 1_000, power: watts(8, 20) }),
        socket_power: watts(90, 350),
        accelerator_power: watts(75, 700),
    }
}

fn cluster(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let (nodes, spines) = (parameters.int("nodes"), parameters.int("spines"));
    let adapter =
        Wire { power: watts(20, 30), ..Wire::of(parameters, "network", "network_latency") };
    let share = UNIT.min(nodes) as f64 / (spines as f64 * parameters.float("oversubscription"));
    let uplink = Wire { bytes_per_s: rate(parameters, "network") * share, ..adapter };
    if uplink.bytes_per_s < 1.0 {
        let expected = "a rate that leaves each uplink at least 1 B/s";
        return Err(refused("network", parameters.text("network"), expected));
    }
    let mut spec = empty("hgx-cluster");
    let (spine, leaf) = (|i| format!("spine{i}"), |unit, rail| format!("leaf{unit}.{rail}"));
    (0..spines).for_each(|i| spec.switches.push(switch(spine(i))));
    for unit in 0..nodes.div_euclid(UNIT) + i64::from(nodes % UNIT > 0) {
        for rail in 0..GPUS {
            let name = leaf(unit, rail);
            spec.switches.push(switch(name.clone()));
            (0..spines).for_each(|i| uplink.join(&mut spec, &name, &spine(i)));
        }
    }
    let server = server(parameters);
    for node in 0..nodes {
        let prefix = format!("node{node}/");
        server.add(&mut spec, &prefix);
        for rail in 0..GPUS {
            let above = leaf(node / UNIT, rail);
            adapter.join(&mut spec, &pcie_switch(&prefix, rail / server.accelerators), &above);
        }
    }
    Ok(spec)
}
