//! A slice of a TPU v4 pod.
//!
//! Per chip (N. Jouppi et al., TPU v4: an optically reconfigurable supercomputer for machine
//! learning with hardware support for embeddings, ISCA 2023): 275 TFLOP/s bf16, 32 GiB HBM at 1.2
//! TB/s, six links of 50 GB/s per direction to the neighbours on a 3D torus; four chips per host;
//! 90 W idle and at most 192 W, measured.
//! Google Cloud's documentation of TPU v4: a dimension that is a multiple of 4 wraps around, a
//! shorter one does not; a host has 407 GB. Assumed: PCIe 3.0 x16 (15.75 GB/s) between host and
//! chip, 120 cores of 72 GFLOP/s (f32) per host, 1 us per link of the torus;
//! the powers of hosts and links are illustrative.

use super::super::direct::{named, neighbours, places};
use super::super::parts::{MAX_NODES, Wire, count, empty, memory, quantity, refused, watts};
use super::super::{Category, ClusterInfo};
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, MemoryKind};
use runtime::registry::{Dimension, ParameterError, Parameters};

pub(in super::super) const INFO: ClusterInfo = ClusterInfo {
    name: "tpu-v4",
    summary: "a slice of a TPU v4 pod: chips on a 3D torus, a host per four chips; speeds are \
              bf16 on chips, f32 on hosts",
    source: "Jouppi et al., ISCA 2023; Google Cloud TPU v4 documentation; latencies and the \
             hosts' links are round figures, powers of hosts and links illustrative",
    category: Category::Machine,
    parameters: &[
        count("x", "chips along x: 1, 2 or a multiple of 4", 4, 64),
        count("y", "chips along y", 4, 64),
        count("z", "chips along z", 4, 64),
        quantity("latency", "of each link between chips", "1 us", Dimension::Time),
        quantity("copy_latency", "between host and chip", "5 us", Dimension::Time),
    ],
    is_random: false,
    build,
};

/// Chips per host; they are neighbours along z.
const CHIPS_PER_HOST: usize = 4;

fn build(parameters: &Parameters, _: u64) -> Result<ClusterSpec, ParameterError> {
    let mut sizes = [0; 3];
    for (size, name) in sizes.iter_mut().zip(["x", "y", "z"]) {
        *size = parameters.int(name);
        if *size > 2 && *size % 4 != 0 {
            let (below, above) = (*size / 4 * 4, *size / 4 * 4 + 4);
            let below = if below == 0 { 2 } else { below };
            let expected = format!("1, 2 or a multiple of 4; the nearest are {below} and {above}");
            return Err(refused(name, *size, expected));
        }
    }
    let chips: i64 = sizes.iter().product();
    // Each four of them come with the memory of a host.
    if chips + chips / 4 + 1 > MAX_NODES {
        let expected = format!("at most {} chips in all", MAX_NODES / 5 * 4);
        return Err(refused("z", format!("{} ({chips} chips)", sizes[2]), expected));
    }
    let wire = |bytes_per_s, latency, power| Wire {
        bytes_per_s,
        power,
        ..Wire::of_latency(parameters, latency)
    };
    let ici = wire(50e9, "latency", watts(2, 4));
    let pcie = wire(15.75e9, "copy_latency", watts(1, 4));
    let device = |name: String, class: &str, lanes, speed, power| DeviceSpec {
        memory: name.clone(),
        name,
        class: class.to_owned(),
        lanes,
        speed,
        power,
        ..DeviceSpec::default()
    };
    let mut spec = empty("tpu-v4");
    let places = places(&sizes);
    for host in 0..places.len().div_ceil(CHIPS_PER_HOST) {
        spec.memories.push(memory(format!("host{host}"), Some(407_000_000_000)));
        spec.devices.push(device(format!("host{host}"), "cpu", 120, 72e9, watts(150, 500)));
    }
    for place in &places {
        let mut hbm = memory(named("tpu", place), Some(32 << 30));
        hbm.kind = MemoryKind::Hbm;
        spec.devices.push(device(hbm.name.clone(), "tpu", 1, 275e12, watts(90, 192)));
        spec.memories.push(hbm);
    }
    for (chip, place) in places.iter().enumerate() {
        for next in neighbours(place, &sizes, |d| sizes[d] % 4 == 0) {
            ici.join(&mut spec, &named("tpu", place), &named("tpu", &next));
        }
        pcie.join(&mut spec, &format!("host{}", chip / CHIPS_PER_HOST), &named("tpu", place));
    }
    Ok(spec)
}
