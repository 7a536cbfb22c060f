//! Devices that were away: nothing ran on them then, and nothing lay in memories that all devices
//! had left, homes apart.

use super::Violation;
use super::facts::Facts;
use crate::trace::Outage;
use crate::{DeviceId, MemoryId, Ns, TaskId};

pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    let losses = &facts.trace.losses;
    if losses.outages.is_empty() {
        return;
    }
    for t in &facts.trace.tasks {
        ran(facts, t.task, t.device, (t.started_ns, t.finished_ns), out);
    }
    for t in &losses.attempts {
        ran(facts, t.task, t.device, (t.issued_ns, t.ended_ns), out);
    }
    for memory in facts.cluster.memory_ids() {
        held(facts, memory, out);
    }
}

fn ran(
    facts: &Facts,
    task: TaskId,
    device: DeviceId,
    (start_ns, end_ns): (Ns, Ns),
    out: &mut Vec<Violation>,
) {
    let outages = facts.trace.losses.outages.iter().filter(|o| o.device == device);
    let inside = |o: &&Outage| start_ns < o.until_ns && o.from_ns < end_ns;
    if let Some(outage) = outages.clone().find(inside) {
        let lost_ns = outage.from_ns;
        out.push(Violation::RanWhileAway { task, device, start_ns, end_ns, lost_ns });
    }
}

/// Intervals in which all devices of a memory were away: where as many outages overlap as there
/// are devices.
fn gone(facts: &Facts, memory: MemoryId) -> Vec<(Ns, Ns)> {
    let is_here = |d: DeviceId| facts.cluster.memory_of(d) == memory;
    let devices = facts.cluster.device_ids().filter(|d| is_here(*d)).count();
    let outages = facts.trace.losses.outages.iter().filter(|o| is_here(o.device));
    let outages = outages.filter(|o| o.from_ns < o.until_ns);
    // At one instant who comes back does so before the next one goes.
    let mut turns: Vec<(Ns, bool)> =
        outages.flat_map(|o| [(o.from_ns, true), (o.until_ns, false)]).collect();
    turns.sort_unstable();
    let (mut away, mut since, mut list) = (0, None, Vec::new());
    for (at_ns, leaves) in turns {
        away = if leaves { away + 1 } else { usize::saturating_sub(away, 1) };
        match since {
            None if away == devices => since = Some(at_ns),
            Some(from_ns) if away < devices => {
                list.push((from_ns, at_ns));
                since = None;
            }
            _ => {}
        }
    }
    list
}

fn held(facts: &Facts, memory: MemoryId, out: &mut Vec<Violation>) {
    if facts.cluster.is_home(memory) {
        return;
    }
    let gone = gone(facts, memory);
    if gone.is_empty() {
        return;
    }
    for b in facts.trace.buffers.iter().filter(|b| b.memory == memory) {
        // The first interval that ends after the buffer came.
        let at = gone.partition_point(|g| g.1 <= b.allocated_ns);
        let Some(&(lost_ns, back_ns)) = gone.get(at) else { continue };
        if lost_ns < b.released_ns {
            let (instance, allocated_ns, released_ns) =
                (b.instance.0, b.allocated_ns, b.released_ns);
            out.push(Violation::HeldWhileAway {
                instance,
                memory,
                allocated_ns,
                released_ns,
                lost_ns,
                back_ns,
            });
        }
    }
}
