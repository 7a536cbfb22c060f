//! What the caller must not do is caught where it is done.

use sim::network::MaxMin;

fn one_channel() -> MaxMin {
    MaxMin::new(&[1e9])
}

#[test]
#[should_panic(expected = "capacity is finite and above zero, not 0 bytes/s")]
fn a_channel_without_capacity() {
    MaxMin::new(&[1e9, 0.0]);
}

#[test]
#[should_panic(expected = "capacity is finite and above zero, not NaN bytes/s")]
fn a_channel_of_unknown_capacity() {
    MaxMin::new(&[f64::NAN]);
}

#[test]
#[should_panic(expected = "weight 0")]
fn a_flow_without_weight() {
    one_channel().start_weighted(0, 1, &[0], 0);
}

#[test]
#[should_panic(expected = "time runs backwards: 4 ns after 5 ns")]
fn time_that_runs_backwards() {
    let mut network = one_channel();
    network.start(5, 1, &[0]);
    network.start(4, 1, &[0]);
}

#[test]
#[should_panic(expected = "was not taken off")]
fn a_flow_that_is_forgotten() {
    let mut network = one_channel();
    network.start(0, 10, &[0]);
    network.start(11, 1, &[0]);
}

#[test]
#[should_panic(expected = "does not end by 9 ns")]
fn an_end_too_early() {
    let mut network = one_channel();
    let flow = network.start(0, 10, &[0]);
    network.finish(9, flow);
}

#[test]
#[should_panic(expected = "is not the next to end")]
fn an_end_out_of_order() {
    let mut network = one_channel();
    network.start(0, 10, &[0]);
    let second = network.start(0, 20, &[0]);
    network.finish(20, second);
}

#[test]
#[should_panic(expected = "has ended already")]
fn an_end_that_comes_twice() {
    let mut network = one_channel();
    let flow = network.start(0, 10, &[0]);
    network.finish(10, flow);
    network.finish(10, flow);
}

#[test]
#[should_panic(expected = "has ended already")]
fn a_cancellation_after_the_end() {
    let mut network = one_channel();
    let flow = network.start(0, 10, &[0]);
    network.finish(10, flow);
    network.cancel(10, flow);
}
