//! The machine of the classic publications: single processors, fully connected, contention-free.

use super::parts::{CLASSES, Wire, class, count, memory, number, quantity};
use super::{Category, ClusterInfo};
use rand::Rng;
use rand_pcg::Pcg64;
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, NetworkModel};
use runtime::registry::{Dimension, ParameterError, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "classic",
    summary: "fully connected processors without contention; their speeds are drawn from the seed",
    source: "",
    category: Category::Topology,
    parameters: &[
        count("processors", "processors", 4, 256),
        number("speed", "mean speed in units of work per second", 1e9, 1e-3, 1e18),
        number("spread", "speeds are uniform within this share of the mean", 0.5, 0.0, 0.99),
        quantity("bandwidth", "between any two processors", "10 GB/s", Dimension::Rate),
        quantity("latency", "between any two processors", "0 ns", Dimension::Time),
        CLASSES,
    ],
    is_random: true,
    build,
};

/// Separates this stream of random numbers from those of other purposes.
const STREAM: u128 = 0x636c_6173_7369_6321;

fn build(parameters: &Parameters, seed: u64) -> Result<ClusterSpec, ParameterError> {
    let mut random = Pcg64::new(u128::from(seed), STREAM);
    // The first number of neighbouring seeds is alike.
    random.next_u64();
    let (mean, spread) = (parameters.float("speed"), parameters.float("spread"));
    let mut spec = ClusterSpec {
        name: "classic".to_owned(),
        network: NetworkModel::ContentionFree,
        ..ClusterSpec::default()
    };
    let count = parameters.int("processors");
    let name = |i: i64| format!("p{i}");
    for i in 0..count {
        let unit = (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        spec.memories.push(memory(name(i), None));
        spec.devices.push(DeviceSpec {
            name: name(i),
            class: class(parameters, i as usize),
            memory: name(i),
            lanes: 1,
            speed: mean * (1.0 + spread * (2.0 * unit - 1.0)),
            ..DeviceSpec::default()
        });
    }
    let wire = Wire::of(parameters, "bandwidth", "latency");
    for a in 0..count {
        (a + 1..count).for_each(|b| wire.join(&mut spec, &name(a), &name(b)));
    }
    Ok(spec)
}
