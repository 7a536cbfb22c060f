//! The rates after any sequence of changes, against progressive filling from scratch.

use proptest::prelude::*;
use sim::network::{FlowId, MaxMin};

struct Demand {
    route: Vec<u32>,
    weight: f64,
}

/// Progressive filling as the textbook has it: all shares rise together, and where a channel is
/// full the flows on it stop. Slow, and shares nothing with the crate.
fn textbook_rates(capacities: &[f64], demands: &[Demand]) -> Vec<f64> {
    let mut stopped: Vec<Option<f64>> =
        demands.iter().map(|d| d.route.is_empty().then_some(f64::INFINITY)).collect();
    let load = |d: &Demand, channel: usize| {
        d.weight * d.route.iter().filter(|&&c| c as usize == channel).count() as f64
    };
    while stopped.contains(&None) {
        let mut lowest = (f64::INFINITY, usize::MAX);
        for (channel, &capacity) in capacities.iter().enumerate() {
            let (mut used, mut rising) = (0.0, 0.0);
            for (demand, stopped) in demands.iter().zip(&stopped) {
                match (load(demand, channel), stopped) {
                    (0.0, _) => {}
                    (load, Some(share)) => used += load * share,
                    (load, None) => rising += load,
                }
            }
            if rising > 0.0 && (capacity - used) / rising < lowest.0 {
                lowest = ((capacity - used) / rising, channel);
            }
        }
        for (demand, stopped) in demands.iter().zip(&mut stopped) {
            if stopped.is_none() && load(demand, lowest.1) > 0.0 {
                *stopped = Some(lowest.0);
            }
        }
    }
    stopped.iter().zip(demands).map(|(share, d)| share.expect("all stopped") * d.weight).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Start {
        bytes: u64,
        route: Vec<u32>,
        weight: u32,
    },
    Cancel {
        which: usize,
    },
    Finish,
    /// Part of the time to the next completion, in 256ths.
    Wait {
        part: u64,
    },
    /// A channel carries this many eighths of what it did at first.
    Change {
        channel: u32,
        eighths: u32,
    },
    Check,
}

/// Routes over `channels` channels: any lists of up to five, repetitions included; or, as in a
/// star, one channel of the first half and one of the second, so that many flows share a route.
fn route(channels: u32, star: bool) -> BoxedStrategy<Vec<u32>> {
    if star {
        let half = channels / 2;
        (0..half, half..channels).prop_map(|(up, down)| vec![up, down]).boxed()
    } else {
        prop::collection::vec(0..channels, 0..6).boxed()
    }
}

fn steps(channels: u32, star: bool, weight_max: u32) -> impl Strategy<Value = Vec<Step>> {
    let start = (0_u64..1_000_000, route(channels, star), 1..=weight_max)
        .prop_map(|(bytes, route, weight)| Step::Start { bytes, route, weight });
    let step = prop_oneof![
        6 => start,
        3 => any::<usize>().prop_map(|which| Step::Cancel { which }),
        2 => Just(Step::Finish),
        2 => (0_u64..256).prop_map(|part| Step::Wait { part }),
        1 => (0..channels, 0_u32..=8)
            .prop_map(|(channel, eighths)| Step::Change { channel, eighths }),
        3 => Just(Step::Check),
    ];
    prop::collection::vec(step, 1..120)
}

/// Equal capacities make ties; those spread over many magnitudes bring out cancellation.
fn capacities(channels: u32) -> impl Strategy<Value = Vec<f64>> {
    let spread = (1_u32..1000, 0_i32..7).prop_map(|(m, e)| f64::from(m) * 10_f64.powi(e));
    let few = prop_oneof![Just(1e9), Just(2e9)];
    let channels = channels as usize;
    prop_oneof![
        Just(vec![1e9; channels]),
        prop::collection::vec(few, channels),
        prop::collection::vec(spread, channels),
    ]
}

fn scenario() -> impl Strategy<Value = (Vec<f64>, Vec<Step>)> {
    let shape = (1_u32..6, any::<bool>(), prop_oneof![Just(1_u32), Just(5)]);
    shape.prop_flat_map(|(half, star, weight_max)| {
        (capacities(2 * half), steps(2 * half, star, weight_max))
    })
}

fn check(
    network: &mut MaxMin,
    capacities: &[f64],
    running: &[(FlowId, Demand)],
) -> Result<(), TestCaseError> {
    let demands: Vec<Demand> =
        running.iter().map(|(_, d)| Demand { route: d.route.clone(), weight: d.weight }).collect();
    for ((flow, demand), expected) in running.iter().zip(textbook_rates(capacities, &demands)) {
        let rate = network.rate_bytes_per_s(*flow);
        let equal = rate == expected || (rate - expected).abs() <= 1e-9 * expected;
        prop_assert!(equal, "{flow:?} over {:?}: {rate}, textbook {expected}", demand.route);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn rates_equal_those_of_filling_from_scratch((whole, steps) in scenario()) {
        let mut capacities = whole.clone();
        let mut network = MaxMin::new(&capacities);
        let mut running: Vec<(FlowId, Demand)> = Vec::new();
        let mut now_ns = 0;
        for step in steps {
            match step {
                Step::Start { bytes, route, weight } => {
                    let flow = network.start_weighted(now_ns, bytes, &route, weight);
                    prop_assert!(running.iter().all(|(other, _)| *other != flow));
                    let route = if bytes == 0 { Vec::new() } else { route };
                    running.push((flow, Demand { route, weight: f64::from(weight) }));
                }
                Step::Cancel { which } if !running.is_empty() => {
                    let (flow, _) = running.swap_remove(which % running.len());
                    network.cancel(now_ns, flow);
                }
                Step::Cancel { .. } => {}
                Step::Finish => {
                    if let Some((end_ns, flow)) = network.next_completion() {
                        prop_assert!(end_ns >= now_ns);
                        now_ns = end_ns;
                        network.finish(now_ns, flow);
                        let at = running.iter().position(|(other, _)| *other == flow);
                        running.swap_remove(at.expect("a flow that runs"));
                    } else {
                        // All that run stand still.
                        for (flow, _) in &running {
                            prop_assert_eq!(network.rate_bytes_per_s(*flow), 0.0);
                        }
                    }
                }
                Step::Wait { part } => {
                    let end_ns = network.next_completion().map_or(now_ns + 256, |(end, _)| end);
                    now_ns += (end_ns - now_ns) / 256 * part;
                }
                Step::Change { channel, eighths } => {
                    let at = channel as usize;
                    capacities[at] = whole[at] * f64::from(eighths) / 8.0;
                    network.set_capacity(now_ns, channel, capacities[at]);
                }
                Step::Check => check(&mut network, &capacities, &running)?,
            }
        }
        check(&mut network, &capacities, &running)?;
    }
}
