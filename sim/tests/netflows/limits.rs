//! Sizes at both ends: no bytes, one byte, very many bytes, very many flows.

use crate::driver::{Arrival, Random, run};
use sim::network::MaxMin;

#[test]
fn nothing_to_carry_or_to_cross_ends_at_once() {
    let mut network = MaxMin::new(&[1e9]);
    let (busy, empty) = (network.start(5, 1000, &[0]), network.start(5, 0, &[0]));
    let local = network.start(5, 1000, &[]);
    assert_eq!(network.rate_bytes_per_s(busy), 1e9);
    assert_eq!(network.rate_bytes_per_s(empty), f64::INFINITY);
    for flow in [empty, local] {
        assert_eq!(network.next_completion(), Some((5, flow)));
        network.finish(5, flow);
    }
    assert_eq!(network.next_completion(), Some((1005, busy)));
}

#[test]
fn one_byte_takes_at_least_a_nanosecond() {
    assert_eq!(run(&[1e15], &[Arrival::new(0, 1, &[0]), Arrival::new(9, 1, &[0])]), [1, 10]);
}

#[test]
fn a_very_slow_flow_ends_after_all_that_is_known() {
    let mut network = MaxMin::new(&[1e-12, 1e9]);
    network.start(0, u64::MAX, &[0]);
    assert_eq!(network.next_completion(), None);
    let quick = network.start(0, 1000, &[1]);
    assert_eq!(network.next_completion(), Some((1000, quick)));
}

/// A petabyte shares a channel with a thousand small flows over the same route and a thousand over
/// another. The channel is never idle, so that it is done when it has carried the sum.
#[test]
fn a_petabyte_keeps_its_last_bytes() {
    const PB: u64 = 1_000_000_000_000_000;
    let mut arrivals = vec![Arrival::new(0, PB, &[0, 1])];
    let mut random = Random(7);
    for i in 0..1000 {
        arrivals.push(Arrival::new(i * 900_000_000_007, 1 + random.below(1_000_000), &[0, 1]));
        arrivals.push(Arrival::new(i * 900_000_000_007, 1 + random.below(1000), &[0]));
    }
    let bytes: u64 = arrivals.iter().map(|arrival| arrival.bytes).sum();
    let ends = run(&[1e9, 2e9], &arrivals);
    // One nanosecond is lost at most for each flow that ends at a rounded instant.
    assert!((bytes..=bytes + 2001).contains(&ends[0]), "ends at {} ns, not {bytes}", ends[0]);
    for (arrival, &end_ns) in arrivals.iter().zip(&ends).skip(1) {
        // Three flows share the channel at most.
        let duration_ns = end_ns - arrival.start_ns;
        assert!((arrival.bytes..=3 * arrival.bytes + 2).contains(&duration_ns));
    }
}

/// After 990 TB a float resolves an eighth of a byte, which would be 125 ns at this speed.
#[test]
fn a_byte_beside_a_petabyte_lasts_as_long_as_anywhere() {
    let late_ns = 990_000_000_000_000_000;
    let arrivals = [Arrival::new(0, 1_000_000_000_000_000, &[0]), Arrival::new(late_ns, 1, &[0])];
    let end_ns = run(&[1e6], &arrivals)[1];
    assert!((2000..=2001).contains(&(end_ns - late_ns)), "lasts {} ns", end_ns - late_ns);
}

/// Three thousand senders, each with a channel of its own, into one receiver: the sums over so many
/// are rounded more than levels may differ and still be one.
#[test]
fn a_crowded_channel_is_full_but_never_over_full() {
    const SENDERS: u32 = 3000;
    let mut random = Random(11);
    let own = (0..SENDERS).map(|_| 1e5 + random.below(1_000_000) as f64 / 3.0);
    let capacities: Vec<f64> = own.chain([1e9, 5e8]).collect();
    let mut network = MaxMin::new(&capacities);
    let mut running: Vec<_> = (0..SENDERS)
        .map(|i| {
            let route = [i, SENDERS, SENDERS + 1];
            let bytes = 1 + random.below(1_000_000);
            let weight = 1 + random.below(7) as u32;
            network.start_weighted(0, bytes, &route[..2 + i as usize % 2], weight)
        })
        .collect();
    let mut last = f64::INFINITY;
    while let Some((end_ns, flow)) = network.next_completion() {
        network.finish(end_ns, flow);
        let at = running.iter().position(|&other| other == flow).expect("a running flow");
        running.swap_remove(at);
        if running.len().is_multiple_of(50) {
            let load: f64 = running.iter().map(|&flow| network.rate_bytes_per_s(flow)).sum();
            assert!(load <= 1e9 * (1.0 + 1e-11), "{} flows carry {load}", running.len());
            // With fewer flows, nobody's leftover can raise the sum on the receiver's channel.
            assert!(load <= last * (1.0 + 1e-11), "{load} bytes/s after {last}");
            last = load;
        }
    }
    assert!(running.is_empty());
}

/// 32 hosts send 101 equal flows to each other host: 100 192 flows at a time that end together.
#[test]
fn a_hundred_thousand_equal_flows_end_at_one_instant() {
    const HOSTS: u32 = 32;
    let mut network = MaxMin::new(&[1e9; 2 * HOSTS as usize]);
    let mut flows = Vec::new();
    for _ in 0..101 {
        for from in 0..HOSTS {
            for to in (0..HOSTS).filter(|&to| to != from) {
                flows.push(network.start(0, 1_000_000, &[from, HOSTS + to]));
            }
        }
    }
    assert_eq!(flows.len(), 100_192);
    assert_eq!(network.rate_bytes_per_s(flows[77]), 1e9 / 3131.0);
    for &flow in &flows {
        assert_eq!(network.next_completion(), Some((3_131_000_000, flow)));
        network.finish(3_131_000_000, flow);
    }
    assert_eq!(network.next_completion(), None);
}

/// A hundred thousand flows at a time, of random sizes between random hosts. The busiest channel
/// bounds the last end from below; that it cannot stand idle for long bounds it from above.
#[test]
fn a_hundred_thousand_random_flows_all_end() {
    const HOSTS: u64 = 24;
    let mut random = Random(1);
    let mut network = MaxMin::new(&[1e9; 2 * HOSTS as usize]);
    let mut load_bytes = [0; 2 * HOSTS as usize];
    let mut is_running = vec![false; 100_000];
    for _ in 0..is_running.len() {
        let route = random.star_route(HOSTS);
        let bytes = 1000 + random.below(1_000_000);
        let flow = network.start(0, bytes, &route);
        assert!(!std::mem::replace(&mut is_running[flow.0 as usize], true));
        for channel in route {
            load_bytes[channel as usize] += bytes;
        }
    }
    let mut last_ns = 0;
    while let Some((end_ns, flow)) = network.next_completion() {
        assert!(end_ns >= last_ns);
        last_ns = end_ns;
        network.finish(end_ns, flow);
        assert!(std::mem::replace(&mut is_running[flow.0 as usize], false), "{flow:?} ended twice");
    }
    assert!(!is_running.contains(&true));
    let busiest_ns = load_bytes.into_iter().max().expect("a channel");
    assert!((busiest_ns..busiest_ns * 21 / 20).contains(&last_ns), "{last_ns}, {busiest_ns}");
}
