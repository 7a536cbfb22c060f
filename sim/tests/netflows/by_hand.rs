//! Small cases worked out by hand.

use crate::driver::{Arrival, run};
use sim::network::MaxMin;

const GB: u64 = 1_000_000_000;

#[test]
fn a_flow_alone_runs_at_the_narrowest_channel() {
    let mut network = MaxMin::new(&[3e9, 1e9, 2e9]);
    let flow = network.start(7, 5 * GB, &[0, 1, 2]);
    assert_eq!(network.rate_bytes_per_s(flow), 1e9);
    assert_eq!(network.next_completion(), Some((5 * GB + 7, flow)));
}

#[test]
fn two_flows_on_one_channel_share_it_while_both_run() {
    // 0 to 0.5 s the first alone; to 1.5 s half each; then the second alone.
    let arrivals = [Arrival::new(0, GB, &[0]), Arrival::new(GB / 2, GB, &[0])];
    assert_eq!(run(&[1e9], &arrivals), [3 * GB / 2, 2 * GB]);
}

#[test]
fn a_long_route_gets_what_the_tightest_channel_leaves() {
    // Three flows on channel 1 get a third each; channel 0 gives its other flow the rest.
    let mut network = MaxMin::new(&[1e9, 1e9]);
    let long = network.start(0, GB, &[0, 1]);
    let left = network.start(0, GB, &[0]);
    let right = [network.start(0, GB, &[1]), network.start(0, GB, &[1])];
    let third = 1e9 / 3.0;
    assert_eq!(network.rate_bytes_per_s(long), third);
    assert_eq!(network.rate_bytes_per_s(left), 1e9 - third);
    assert_eq!(right.map(|flow| network.rate_bytes_per_s(flow)), [third; 2]);
}

#[test]
fn a_change_passes_on_through_channels_that_it_does_not_cross() {
    // Capacities 1, 2, 4, 8 GB/s; neighbours share: 0-1, 1-2, 2-3, and one flow on channel 0 alone.
    let mut network = MaxMin::new(&[1e9, 2e9, 4e9, 8e9]);
    let first = network.start(0, 10 * GB, &[0]);
    let chain = [[0, 1], [1, 2], [2, 3]].map(|route| network.start(0, 10 * GB, &route));
    assert_eq!(chain.map(|flow| network.rate_bytes_per_s(flow)), [0.5e9, 1.5e9, 2.5e9]);
    network.cancel(0, first);
    assert_eq!(chain.map(|flow| network.rate_bytes_per_s(flow)), [1e9, 1e9, 3e9]);
}

#[test]
fn weights_divide_a_channel() {
    let mut network = MaxMin::new(&[1e9]);
    let light = network.start_weighted(0, GB, &[0], 1);
    let heavy = network.start_weighted(0, 3 * GB, &[0], 3);
    assert_eq!(network.rate_bytes_per_s(light), 0.25e9);
    assert_eq!(network.rate_bytes_per_s(heavy), 0.75e9);
    assert_eq!(network.next_completion(), Some((4 * GB, light)));
    network.finish(4 * GB, light);
    assert_eq!(network.next_completion(), Some((4 * GB, heavy)));
}

#[test]
fn half_duplex_is_one_channel_for_both_directions() {
    let there_and_back = |channels: [u32; 2]| channels.map(|c| Arrival::new(0, GB, &[c]));
    assert_eq!(run(&[1e9, 1e9], &there_and_back([0, 1])), [GB, GB]);
    assert_eq!(run(&[1e9], &there_and_back([0, 0])), [2 * GB, 2 * GB]);
}

#[test]
fn a_channel_that_is_crossed_twice_carries_the_flow_twice() {
    let mut network = MaxMin::new(&[1e9, 1e9]);
    let twice = network.start(0, GB, &[0, 1, 0]);
    assert_eq!(network.rate_bytes_per_s(twice), 0.5e9);
    let once = network.start(0, GB, &[0]);
    assert_eq!(network.rate_bytes_per_s(twice), 1e9 / 3.0);
    assert_eq!(network.rate_bytes_per_s(once), 1e9 / 3.0);
}

#[test]
fn flows_that_end_together_come_in_the_order_of_their_start() {
    let mut network = MaxMin::new(&[1e9, 1e9]);
    let flows = [[0], [1], [1], [0]].map(|route| network.start(0, GB, &route));
    for flow in flows {
        assert_eq!(network.next_completion(), Some((2 * GB, flow)));
        network.finish(2 * GB, flow);
    }
    assert_eq!(network.next_completion(), None);
}

#[test]
fn a_start_at_the_instant_of_an_end_delays_nothing_that_is_due() {
    let mut network = MaxMin::new(&[1e9]);
    let (a, b) = (network.start(0, GB, &[0]), network.start(0, GB, &[0]));
    assert_eq!(network.next_completion(), Some((2 * GB, a)));
    let c = network.start(2 * GB, GB, &[0]);
    assert_eq!(network.next_completion(), Some((2 * GB, a)));
    network.finish(2 * GB, a);
    assert_eq!(network.next_completion(), Some((2 * GB, b)));
    network.finish(2 * GB, b);
    assert_eq!(network.next_completion(), Some((3 * GB, c)));
}

#[test]
fn a_cancelled_flow_leaves_its_share_to_the_others() {
    let mut network = MaxMin::new(&[1e9]);
    let (kept, dropped) = (network.start(0, 2 * GB, &[0]), network.start(0, 2 * GB, &[0]));
    network.cancel(2 * GB, dropped);
    // Half of its bytes went in the first two seconds; the other half takes one.
    assert_eq!(network.next_completion(), Some((3 * GB, kept)));
}

#[test]
fn ends_are_rounded_up() {
    // A third of a second is 333 333 333.3 ns.
    assert_eq!(run(&[3.0], &[Arrival::new(0, 1, &[0])]), [333_333_334]);
    assert_eq!(run(&[4.0], &[Arrival::new(0, 1, &[0])]), [250_000_000]);
}

#[test]
fn a_change_that_is_undone_at_once_leaves_no_trace() {
    let mut network = MaxMin::new(&[1e9, 1e9]);
    let flow = network.start(0, GB, &[0, 1]);
    let other = network.start(GB / 2, GB, &[1]);
    network.cancel(GB / 2, other);
    assert_eq!(network.rate_bytes_per_s(flow), 1e9);
    assert_eq!(network.next_completion(), Some((GB, flow)));
}

#[test]
fn any_number_of_equal_flows_end_together() {
    for count in 1..60 {
        for bytes in (1..20).chain(900..920).chain([GB]) {
            let mut network = MaxMin::new(&[1e9]);
            let flows: Vec<_> = (0..count).map(|_| network.start(0, bytes, &[0])).collect();
            let end_ns = network.next_completion().expect("flows run").0;
            assert!((count * bytes..=count * bytes + 1).contains(&end_ns));
            for flow in flows {
                assert_eq!(network.next_completion(), Some((end_ns, flow)), "{count} x {bytes}");
                network.finish(end_ns, flow);
            }
        }
    }
}

/// One flow over two channels, each shared with one other flow; at one instant one channel gets
/// another flow instead of the old one, and the other channel loses its own. All levels are equal,
/// so that either channel may be the one that holds the long flow, and either may come first.
#[test]
fn a_flow_held_by_two_channels_at_one_level_stays_held_by_the_one_that_is_left() {
    for (replaced, freed) in [(0, 1), (1, 0)] {
        for freed_first in [false, true] {
            let mut network = MaxMin::new(&[1e9, 1e9]);
            let short = [[0], [1]].map(|route| network.start(0, GB, &route));
            let long = network.start(0, GB, &[0, 1]);
            assert_eq!(network.rate_bytes_per_s(long), 0.5e9);
            if freed_first {
                network.cancel(0, short[freed]);
            }
            network.cancel(0, short[replaced]);
            let new = network.start(0, GB, &[replaced as u32]);
            if !freed_first {
                network.cancel(0, short[freed]);
            }
            assert_eq!(network.rate_bytes_per_s(long), 0.5e9);
            assert_eq!(network.rate_bytes_per_s(new), 0.5e9);
        }
    }
}

#[test]
fn a_completion_is_told_only_up_to_the_instant_asked_for() {
    let mut network = MaxMin::new(&[1e9]);
    let flow = network.start(0, GB, &[0]);
    assert_eq!(network.completion_by(0), None);
    assert_eq!(network.completion_by(GB - 1), None);
    assert_eq!(network.completion_by(GB), Some((GB, flow)));
    let other = network.start(GB, 1, &[0]);
    assert_eq!(network.completion_by(GB), Some((GB, flow)));
    network.finish(GB, flow);
    assert_eq!(network.completion_by(GB), None);
    assert_eq!(network.completion_by(u64::MAX), Some((GB + 1, other)));
}
