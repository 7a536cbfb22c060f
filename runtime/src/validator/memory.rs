//! Memory: capacities, and whether scratch is accounted for.

use super::Violation;
use super::facts::Facts;
use crate::{MemoryId, Ns};

pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    capacity(facts, out);
    scratch(facts, out);
}

/// What changes in one memory at one instant.
#[derive(Clone, Copy, Default)]
struct Change {
    released: u64,
    allocated: u64,
    /// The largest buffer that lived for that instant only.
    momentary: u64,
}

/// The bytes of a memory's buffers never exceed its capacity. Within one instant the executive may
/// release and allocate in any order, which the records do not tell; what is there after the last
/// of them is a state that existed, and so is any momentary buffer beside all that stayed.
fn capacity(facts: &Facts, out: &mut Vec<Violation>) {
    let capacity = |m: MemoryId| facts.cluster.memory(m).capacity_bytes;
    let mut changes: Vec<(MemoryId, Ns, Change)> = Vec::new();
    for b in facts.trace.buffers.iter().filter(|b| capacity(b.memory).is_some()) {
        let zero = Change::default();
        if b.allocated_ns == b.released_ns {
            let momentary = b.bytes;
            changes.push((b.memory, b.allocated_ns, Change { momentary, ..zero }));
        } else {
            let (allocated, released) = (b.bytes, b.bytes);
            changes.push((b.memory, b.allocated_ns, Change { allocated, ..zero }));
            changes.push((b.memory, b.released_ns, Change { released, ..zero }));
        }
    }
    changes.sort_unstable_by_key(|c| (c.0, c.1));
    for of_memory in changes.chunk_by(|a, b| a.0 == b.0) {
        let memory = of_memory[0].0;
        let Some(capacity_bytes) = capacity(memory) else { continue };
        // Signed, since the records of a corrupted trace need not balance.
        let mut used = 0i128;
        let mut was_over = false;
        for at_instant in of_memory.chunk_by(|a, b| a.1 == b.1) {
            let at_ns = at_instant[0].1;
            let sum = |part: fn(&Change) -> u64| -> i128 {
                at_instant.iter().map(|c| i128::from(part(&c.2))).sum()
            };
            used -= sum(|c| c.released);
            let momentary = at_instant.iter().map(|c| c.2.momentary).max().unwrap_or(0);
            let peak = used + i128::from(momentary);
            used += sum(|c| c.allocated);
            let peak = peak.max(used);
            let is_over = peak > i128::from(capacity_bytes);
            if is_over && !was_over {
                let used_bytes = u64::try_from(peak).unwrap_or(u64::MAX);
                out.push(Violation::MemoryExceeded { memory, at_ns, used_bytes, capacity_bytes });
            }
            was_over = is_over;
        }
    }
}

/// Scratch is allocated with a task's reservation and released with its end.
fn scratch(facts: &Facts, out: &mut Vec<Violation>) {
    type Life = (MemoryId, u64, Ns, Ns);
    let graph = &facts.trace.graph;
    let with_scratch = facts.trace.tasks.iter().filter(|t| graph.task(t.task).scratch_bytes > 0);
    let mut expected: Vec<Life> = with_scratch
        .map(|t| {
            let bytes = graph.task(t.task).scratch_bytes;
            (facts.memory(t), bytes, t.reserved_ns, t.finished_ns)
        })
        .collect();
    let records = facts.trace.buffers.iter().filter(|b| b.object.is_none());
    let mut recorded: Vec<Life> =
        records.map(|b| (b.memory, b.bytes, b.allocated_ns, b.released_ns)).collect();
    for lost in &facts.trace.losses.attempts {
        let bytes = graph.task(lost.task).scratch_bytes;
        if bytes > 0 {
            let memory = facts.cluster.memory_of(lost.device);
            expected.push((memory, bytes, lost.reserved_ns, lost.ended_ns));
        }
    }
    expected.sort_unstable();
    recorded.sort_unstable();
    let (mut expected, mut recorded) = (expected.as_slice(), recorded.as_slice());
    let run = |lives: &[Life], life: Life| lives.iter().take_while(|l| **l == life).count();
    while let Some(&life) = expected.iter().take(1).chain(recorded.iter().take(1)).min() {
        let (in_expected, in_recorded) = (run(expected, life), run(recorded, life));
        (expected, recorded) = (&expected[in_expected..], &recorded[in_recorded..]);
        if in_expected != in_recorded {
            let (memory, bytes, from_ns, to_ns) = life;
            out.push(Violation::ScratchMismatch {
                memory,
                bytes,
                from_ns,
                to_ns,
                recorded: in_recorded as u32,
                expected: in_expected as u32,
            });
        }
    }
}
