//! A workstation with graphics cards on PCIe.
//!
//! AMD Ryzen Threadripper PRO 5975WX (AMD): 32 cores, 3.6 GHz, AVX2 with two fused multiply-adds a
//! cycle: 16 f64 or 32 f32 operations. NVIDIA RTX A6000 data sheet: 48 GB GDDR6, 38.7 TFLOP/s f32,
//! 77.4 tf32 and 154.8 bf16 (dense), PCIe 4.0 x16: 16 GT/s x 16 x 128/130 = 31.5 GB/s per
//! direction; f64 runs at 1/32 of f32 (NVIDIA GA102 white paper) and fp8 is counted as bf16.
//! Thermal design powers: 280 W and 300 W.

use super::super::node::{Peers, Shape};
use super::super::parts::{Wire, count, latency_ns, quantity, watts};
use super::super::{Category, ClusterInfo};
use super::{PRECISION, Peaks};
use runtime::registry::Dimension;

pub(in super::super) const INFO: ClusterInfo = ClusterInfo {
    name: "workstation",
    summary: "a Threadripper PRO with RTX A6000 cards, each on PCIe 4.0 x16",
    source: "AMD and NVIDIA data sheets (Threadripper PRO 5975WX, RTX A6000); the latency \
             is a round figure, idle and link powers are illustrative",
    category: Category::Machine,
    parameters: &[
        count("accelerators", "cards", 2, 7),
        PRECISION,
        quantity("host_memory", "main memory", "256 GiB", Dimension::Size),
        quantity("copy_latency", "of each PCIe link", "10 us", Dimension::Time),
    ],
    is_random: false,
    build: |parameters, _| {
        let shape = Shape {
            sockets: 1,
            cores: 32,
            core_speed: CORE_PEAKS.of(parameters),
            socket_bytes: parameters.quantity("host_memory", Dimension::Size),
            numa: Wire { bytes_per_s: f64::MAX, latency_ns: 0, power: None },
            switches: 0,
            pcie: Wire {
                bytes_per_s: 31.5e9,
                latency_ns: latency_ns(parameters, "copy_latency"),
                power: watts(1, 5),
            },
            accelerators: parameters.int("accelerators"),
            class: "gpu",
            speed: CARD_PEAKS.of(parameters),
            bytes: Some(48_000_000_000),
            peers: Peers::Host,
            socket_power: watts(60, 280),
            accelerator_power: watts(25, 300),
        };
        Ok(shape.alone("workstation"))
    },
};

const CORE_PEAKS: Peaks =
    Peaks { f64: 57.6e9, f32: 115.2e9, tf32: 115.2e9, bf16: 115.2e9, fp8: 115.2e9 };
const CARD_PEAKS: Peaks =
    Peaks { f64: 1.21e12, f32: 38.7e12, tf32: 77.4e12, bf16: 154.8e12, fp8: 154.8e12 };
