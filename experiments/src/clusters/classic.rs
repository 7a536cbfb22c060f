//! The machine of the classic publications: single processors, fully connected, contention-free.

use super::{ClusterInfo, count, full_duplex, latency_ns, memory, number, quantity, rate};
use rand::Rng;
use rand_pcg::Pcg64;
use runtime::ClusterSpec;
use runtime::cluster::{DeviceSpec, NetworkModel};
use runtime::registry::{Dimension, Kind, ParameterInfo, Parameters};

pub(super) const INFO: ClusterInfo = ClusterInfo {
    name: "classic",
    summary: "fully connected processors without contention; their speeds are drawn from the seed",
    parameters: &[
        count("processors", "processors", 4, 256),
        number("speed", "mean speed in units of work per second", 1e9, 1e-3, 1e18),
        number("spread", "speeds are uniform within this share of the mean", 0.5, 0.0, 0.99),
        quantity("bandwidth", "between any two processors", "10 GB/s", Dimension::Rate),
        quantity("latency", "between any two processors", "0 ns", Dimension::Time),
        ParameterInfo {
            name: "classes",
            summary: "k: processors are of class class0 to class{k-1} in turn, for workloads with \
                      durations per class; 0: all are of class cpu",
            kind: Kind::Int { default: 0, min: 0, max: 64 },
        },
    ],
    is_random: true,
    build,
};

/// Separates this stream of random numbers from those of other purposes.
const STREAM: u128 = 0x636c_6173_7369_6321;

fn build(parameters: &Parameters, seed: u64) -> ClusterSpec {
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
            class: match parameters.int("classes") {
                0 => "cpu".to_owned(),
                classes => format!("class{}", i % classes),
            },
            memory: name(i),
            lanes: 1,
            speed: mean * (1.0 + spread * (2.0 * unit - 1.0)),
            ..DeviceSpec::default()
        });
    }
    let (bandwidth, latency) = (rate(parameters, "bandwidth"), latency_ns(parameters, "latency"));
    for a in 0..count {
        for b in a + 1..count {
            spec.links.push(full_duplex(&name(a), &name(b), bandwidth, latency));
        }
    }
    spec
}
