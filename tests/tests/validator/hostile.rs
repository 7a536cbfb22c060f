//! Records of any content: the validator may find anything, and does not panic.

use crate::machines::simulated;
use runtime::trace::Trace;
use runtime::validator::{Options, validate, validate_with};
use windtunnel_tests::cases::Dice;

/// A number that is small, in the middle, or at the end of its range.
fn odd(dice: &mut Dice) -> u64 {
    match dice.below(5) {
        0 => dice.below(40),
        1 => dice.below(100_000),
        2 => 1 << dice.below(64),
        3 => u64::MAX - dice.below(3),
        _ => u64::from(u32::MAX) - dice.below(3),
    }
}

fn spoil(trace: &mut Trace, dice: &mut Dice) {
    let value = odd(dice);
    let number = value as u32;
    if let Some(at) = super::mutations::pick(dice, 0..trace.tasks.len()) {
        let t = &mut trace.tasks[at];
        match dice.below(12) {
            0 => t.started_ns = value,
            1 => t.finished_ns = value,
            2 => t.ready_ns = value,
            3 => t.placed_ns = value,
            4 => t.reserved_ns = value,
            5 => t.issued_ns = value,
            6 => t.lane.0 = number,
            7 => t.lanes = number,
            8 => t.first_buffer = number,
            9 => t.device.0 = number,
            _ => t.task.0 = number,
        }
    }
    if let Some(at) = super::mutations::pick(dice, 0..trace.copies.len()) {
        let c = &mut trace.copies[at];
        match dice.below(10) {
            0 => c.bytes = value,
            1 => c.started_ns = value,
            2 => c.finished_ns = value,
            3 => c.issued_ns = value,
            4 => c.from.0 = number,
            5 => c.to.0 = number,
            6 => c.source.0 = number,
            7 => c.object.0 = number,
            _ => c.copy.0 = number,
        }
    }
    if let Some(at) = super::mutations::pick(dice, 0..trace.buffers.len()) {
        let b = &mut trace.buffers[at];
        match dice.below(6) {
            0 => b.bytes = value,
            1 => b.allocated_ns = value,
            2 => b.released_ns = value,
            3 => b.instance.0 = number,
            4 => b.memory.0 = number,
            _ => b.object = None,
        }
    }
    if let Some(at) = super::mutations::pick(dice, 0..trace.task_buffers.len()) {
        trace.task_buffers[at].0 = number;
    }
    if dice.once_in(4) {
        let link = dice.below(trace.header.cluster.links.len() as u64) as usize;
        let link = &mut trace.header.cluster.links[link];
        (link.bytes_per_s, link.latency_ns) = (1e-300 * value as f64, value);
    }
}

#[test]
fn whatever_the_records_it_does_not_panic() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed, 7);
        let info = schedulers::find(["heft", "mct", "first-fit"][seed as usize % 3]);
        let valid = simulated(info.expect("it is registered"), seed, 40);
        for times in 1..8 {
            let mut trace = valid.clone();
            (0..times).for_each(|_| spoil(&mut trace, &mut dice));
            let slack_ns = odd(&mut dice);
            // Spoiled at more than one place there is always something wrong with it.
            assert!(times < 4 || !validate(&trace).is_empty(), "seed {seed}");
            validate_with(&trace, Options { slack_ns });
        }
    }
}
