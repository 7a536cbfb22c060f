//! Bytes allocated in each memory over time.

use runtime::{Ns, Trace};

/// The bytes allocated in each memory after every instant at which they change; the first entry
/// of each memory is at 0. What is released at an instant makes room for what is allocated then.
pub fn timelines(trace: &Trace) -> Vec<Vec<(Ns, u64)>> {
    let mut changes: Vec<Vec<(Ns, bool, u64)>> =
        vec![Vec::new(); trace.header.cluster.memories.len()];
    for buffer in trace.buffers.iter().filter(|b| b.bytes > 0) {
        if buffer.allocated_ns < buffer.released_ns {
            let of = &mut changes[buffer.memory.index()];
            of.push((buffer.allocated_ns, true, buffer.bytes));
            of.push((buffer.released_ns, false, buffer.bytes));
        }
    }
    changes.into_iter().map(timeline).collect()
}

fn timeline(mut changes: Vec<(Ns, bool, u64)>) -> Vec<(Ns, u64)> {
    changes.sort_unstable();
    let mut line = vec![(0, 0)];
    let mut bytes: u64 = 0;
    for (at_ns, is_allocated, size) in changes {
        if at_ns == Ns::MAX {
            break;
        }
        bytes = if is_allocated { bytes.saturating_add(size) } else { bytes.saturating_sub(size) };
        match line.last_mut() {
            Some(last) if last.0 == at_ns => last.1 = bytes,
            _ => line.push((at_ns, bytes)),
        }
    }
    line
}

/// The most bytes allocated at once, by memory.
pub fn peaks(timelines: &[Vec<(Ns, u64)>]) -> Vec<u64> {
    let peak = |line: &Vec<(Ns, u64)>| line.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
    timelines.iter().map(peak).collect()
}
