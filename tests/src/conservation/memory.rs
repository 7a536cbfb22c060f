//! No memory holds more than its capacity at any instant.

use super::Breach;
use runtime::trace::Trace;
use runtime::{MemoryId, Ns};

pub(super) fn check(trace: &Trace, out: &mut Vec<Breach>) {
    for (at, memory) in trace.header.cluster.memories.iter().enumerate() {
        if let Some(capacity_bytes) = memory.capacity_bytes {
            of_memory(trace, MemoryId(at as u32), capacity_bytes, out);
        }
    }
}

fn of_memory(trace: &Trace, memory: MemoryId, capacity_bytes: u64, out: &mut Vec<Breach>) {
    // What is released at an instant makes room for what is allocated then.
    let mut changes: Vec<(Ns, i128)> = Vec::new();
    for b in trace.buffers.iter().filter(|b| b.memory == memory) {
        changes.push((b.allocated_ns, b.bytes.into()));
        changes.push((b.released_ns, -i128::from(b.bytes)));
    }
    changes.sort_unstable();
    let mut used = 0;
    for (at, &(at_ns, change)) in changes.iter().enumerate() {
        used += change;
        let is_last = changes.get(at + 1).is_none_or(|next| next.0 > at_ns);
        if is_last && used > capacity_bytes.into() {
            let used_bytes = u64::try_from(used).unwrap_or(u64::MAX);
            return out.push(Breach::MemoryOverfull { memory, at_ns, used_bytes, capacity_bytes });
        }
    }
}
