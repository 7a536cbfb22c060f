//! Every byte that is sent arrives, and no channel carries more than it can.

use crate::driver::{Arrival, run_watched};
use proptest::prelude::*;

const NS_PER_S: f64 = 1e9;

fn arrivals(channels: u32) -> impl Strategy<Value = Vec<Arrival>> {
    let bytes = prop_oneof![0_u64..10, 0_u64..1_000_000, 0_u64..100_000_000];
    // Few different instants, so that several flows start at one.
    let start = (0_u64..20).prop_map(|i| i * 1_000_003);
    let route = prop::collection::vec(0..channels, 0..5);
    let arrival = (start, bytes, route, 1_u32..4)
        .prop_map(|(start_ns, bytes, route, weight)| Arrival { start_ns, bytes, route, weight });
    prop::collection::vec(arrival, 1..60)
}

fn scenario() -> impl Strategy<Value = (Vec<f64>, Vec<Arrival>)> {
    (1_u32..10).prop_flat_map(|channels| {
        let capacity = (1_u32..100).prop_map(|m| f64::from(m) * 1e7);
        (prop::collection::vec(capacity, channels as usize), arrivals(channels))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_delivered_are_bytes_sent((capacities, arrivals) in scenario()) {
        let mut delivered = vec![0.0; arrivals.len()];
        let mut fastest = vec![0.0_f64; arrivals.len()];
        let mut fullest: f64 = 0.0;
        let ends = run_watched(&capacities, &arrivals, |network, running, step_ns| {
            let mut load = vec![0.0; capacities.len()];
            for &(i, flow) in running {
                let rate = network.rate_bytes_per_s(flow);
                delivered[i] += rate * step_ns as f64 / NS_PER_S;
                fastest[i] = fastest[i].max(rate);
                for &channel in &arrivals[i].route {
                    load[channel as usize] += rate;
                }
            }
            for (load, capacity) in load.iter().zip(&capacities) {
                fullest = fullest.max(load / capacity);
            }
        });
        prop_assert!(fullest <= 1.0 + 1e-12, "a channel carries {fullest} of its capacity");
        for (i, arrival) in arrivals.iter().enumerate() {
            if arrival.bytes == 0 || arrival.route.is_empty() {
                prop_assert_eq!(ends[i], arrival.start_ns);
                continue;
            }
            // A flow ends at the next whole nanosecond after its last byte, never before.
            let bytes = arrival.bytes as f64;
            let rounding = 1e-12 * bytes + 1e-6;
            prop_assert!(delivered[i] >= bytes - rounding, "{i}: {} of {bytes}", delivered[i]);
            let one_ns = fastest[i] / NS_PER_S;
            prop_assert!(delivered[i] <= bytes + one_ns + rounding, "{i}: {}", delivered[i]);
        }
    }
}
