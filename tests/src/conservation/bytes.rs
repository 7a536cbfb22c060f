//! What leaves memories arrives in memories: records of transfers, which the executive writes,
//! against arrivals in the input log, which the driver tells, and buffers on both sides.

use super::{Books, Breach};
use runtime::trace::{BufferRecord, CopyRecord, InstanceId, Trace};
use runtime::{Input, Ns};
use std::cmp::Ordering;

pub(super) fn check(trace: &Trace, books: &mut Books, out: &mut Vec<Breach>) {
    let mut buffers: Vec<&BufferRecord> =
        trace.buffers.iter().filter(|b| b.object.is_some()).collect();
    buffers.sort_by_key(|b| b.instance);
    let buffer = |instance: InstanceId| {
        let at = buffers.binary_search_by_key(&instance, |b| b.instance);
        buffers[at.unwrap_or_else(|_| panic!("no record of buffer {}", instance.0))]
    };
    for c in trace.copies.iter().chain(&trace.losses.copies) {
        ends(trace, c, buffer(c.from), buffer(c.to), out);
    }
    books.sent_bytes = trace.copies.iter().map(|c| buffer(c.from).bytes).sum();
    books.received_bytes = arrivals(trace, out).map(|c| buffer(c.to).bytes).sum();
}

/// The buffers of a transfer are where it was, and as large as the object.
fn ends(
    trace: &Trace,
    c: &CopyRecord,
    from: &BufferRecord,
    to: &BufferRecord,
    out: &mut Vec<Breach>,
) {
    let bytes = trace.graph.object(c.object).bytes;
    if [c.bytes, from.bytes, to.bytes] != [bytes; 3] {
        out.push(Breach::BytesDiffer {
            copy: c.copy,
            sent_bytes: c.bytes,
            held_bytes: from.bytes,
            received_bytes: to.bytes,
        });
    }
    if (from.memory, to.memory) != (c.source, c.target) {
        out.push(Breach::Elsewhere {
            copy: c.copy,
            from: c.source,
            to: c.target,
            source_memory: from.memory,
            target_memory: to.memory,
        });
    }
}

/// The record of every arrival of the input log; each has one. The log names transfers by numbers
/// that are given out again, so they are told apart by their instants.
fn arrivals<'t>(trace: &'t Trace, out: &mut Vec<Breach>) -> impl Iterator<Item = &'t CopyRecord> {
    let mut arrived: Vec<(Ns, Ns)> = (trace.inputs.iter())
        .filter_map(|i| match i.input {
            Input::Copied { started_ns, .. } => Some((i.at_ns, started_ns)),
            _ => None,
        })
        .collect();
    arrived.sort_unstable();
    let instants = |c: &&CopyRecord| (c.finished_ns, c.started_ns);
    let mut records: Vec<&CopyRecord> = trace.copies.iter().collect();
    records.sort_by_key(instants);
    let mut all: Vec<(Ns, Ns)> = records.iter().map(instants).chain(arrived.clone()).collect();
    all.sort_unstable();
    all.dedup();
    for of in all {
        let sent = count(&records, |c| instants(&c).cmp(&of));
        let received = count(&arrived, |a| a.cmp(&of));
        if sent != received {
            out.push(Breach::ArrivalsDiffer { at_ns: of.0, started_ns: of.1, sent, received });
        }
    }
    records.into_iter().filter(move |c| arrived.binary_search(&instants(c)).is_ok())
}

/// How many of a sorted list are equal to something.
fn count<T: Copy>(sorted: &[T], compare: impl Fn(T) -> Ordering) -> usize {
    let first = sorted.partition_point(|t| compare(*t) == Ordering::Less);
    sorted[first..].partition_point(|t| compare(*t) == Ordering::Equal)
}
