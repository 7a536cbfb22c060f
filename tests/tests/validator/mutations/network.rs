//! Corruptions of machines and transfers against each other.

use super::{Corrupt, cluster, pick, where_};
use crate::expect;
use runtime::cluster::{MemorySpec, NetworkModel};
use runtime::trace::{CopyRecord, Trace};
use runtime::validator::{Direction, Party, Violation as V};
use runtime::{Cluster, MemoryId, Ns};
use windtunnel_tests::cases::Dice;

type Found = Option<super::Expected>;

pub const ALL: &[(&str, &str, Corrupt)] = &[
    ("capacity lowered", "MemoryExceeded", capacity),
    ("momentary buffer too large", "MemoryExceeded", momentary),
    ("transfer to a memory out of reach", "NoRoute", out_of_reach),
    ("transfer finished before started", "StampsOutOfOrder", backwards),
    ("transfer shortened below link speed", "TransferTooFast", shortened),
    ("bandwidth lowered", "TransferTooFast", bandwidth),
    ("two transfers squeezed into one window", "ChannelExceeded", squeezed),
    ("staggered transfers squeezed into one window", "ChannelExceeded", staggered),
    ("limit of arriving transfers lowered", "TooManyCopies", copies_in),
    ("limit of leaving transfers lowered", "TooManyCopies", copies_out),
];

fn capacity(trace: &mut Trace, dice: &mut Dice) -> Found {
    let memories = 0..trace.header.cluster.memories.len() as u32;
    let at = pick(dice, memories)?;
    let here: Vec<_> = trace.buffers.iter().filter(|b| b.memory.0 == at).collect();
    // What is there while a buffer is allocated and not yet released.
    let there = |t: Ns| {
        let alive = here.iter().filter(|b| b.allocated_ns <= t && t < b.released_ns);
        alive.map(|b| b.bytes).sum::<u64>()
    };
    let peak = here.iter().map(|b| there(b.allocated_ns)).max().filter(|p| *p > 1)?;
    trace.header.cluster.memories[at as usize].capacity_bytes = Some(peak - 1);
    expect!(V::MemoryExceeded { memory, .. } if memory.0 == at)
}

fn momentary(trace: &mut Trace, dice: &mut Dice) -> Found {
    let bounded = |b: &_| memory(trace, b).capacity_bytes.is_some();
    let at = pick(dice, where_(&trace.buffers, |b| b.object.is_some() && bounded(&b.memory)))?;
    let mut record = trace.buffers[at];
    record.released_ns = record.allocated_ns;
    record.instance.0 += 1_000_000;
    record.bytes = memory(trace, &record.memory).capacity_bytes? + 1;
    trace.buffers.push(record);
    expect!(V::MemoryExceeded { memory, at_ns, .. }
        if *memory == record.memory && *at_ns == record.allocated_ns)
}

fn memory<'t>(trace: &'t Trace, memory: &MemoryId) -> &'t MemorySpec {
    &trace.header.cluster.memories[memory.index()]
}

fn out_of_reach(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.copies.len())?;
    let memories = &mut trace.header.cluster.memories;
    let island = MemoryId::from_index(memories.len());
    memories.push(MemorySpec { name: "island".into(), ..Default::default() });
    trace.copies[at].target = island;
    expect!(V::NoRoute { to, .. } if *to == island)
}

fn backwards(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.copies, |c| c.finished_ns > 0))?;
    let record = &mut trace.copies[at];
    record.started_ns = record.finished_ns + 1;
    let id = record.copy;
    expect!(V::StampsOutOfOrder { of: Party::Copy(c), later: "finished", .. } if *c == id)
}

/// How long a transfer takes alone.
fn alone_ns(machine: &Cluster, c: &CopyRecord) -> Ns {
    machine.transfer_ns(c.source, c.target, c.bytes)
}

fn shortened(trace: &mut Trace, dice: &mut Dice) -> Found {
    let machine = cluster(trace);
    let at = pick(dice, where_(&trace.copies, |c| alone_ns(&machine, c) > 4))?;
    let record = &mut trace.copies[at];
    record.started_ns = record.finished_ns - alone_ns(&machine, record) + 2;
    let id = record.copy;
    expect!(V::TransferTooFast { copy, .. } if *copy == id)
}

fn bandwidth(trace: &mut Trace, dice: &mut Dice) -> Found {
    trace.header.cluster.links.iter_mut().for_each(|l| l.bytes_per_s /= 100.0);
    let machine = cluster(trace);
    let is_fast = |c: &CopyRecord| c.finished_ns - c.started_ns + 1 < alone_ns(&machine, c);
    let id = trace.copies[pick(dice, where_(&trace.copies, is_fast))?].copy;
    expect!(V::TransferTooFast { copy, .. } if *copy == id)
}

/// Two transfers of some size by one route that is shared, the first one as if it were alone.
fn two_by_one_route(trace: &mut Trace, dice: &mut Dice) -> Option<(usize, usize, Ns)> {
    let machine = cluster(trace);
    if machine.network() != NetworkModel::MaxMin {
        return None;
    }
    let flows_ns = |c: &CopyRecord| alone_ns(&machine, c) - machine.latency_ns(c.source, c.target);
    let mut pairs = Vec::new();
    for (a, first) in trace.copies.iter().enumerate() {
        for (b, second) in trace.copies.iter().enumerate().skip(a + 1) {
            let is_one_route = first.source == second.source && first.target == second.target;
            if is_one_route && flows_ns(first) > 10 && flows_ns(second) > 10 {
                pairs.push((a, b));
            }
        }
    }
    let (a, b) = pick(dice, pairs)?;
    let lasts_ns = alone_ns(&machine, &trace.copies[a]);
    trace.copies[a].finished_ns = trace.copies[a].started_ns + lasts_ns;
    Some((a, b, flows_ns(&trace.copies[b])))
}

fn start_at(record: &mut CopyRecord, start_ns: Ns, lasts_ns: Ns) {
    (record.requested_ns, record.issued_ns, record.started_ns) = (start_ns, start_ns, start_ns);
    record.finished_ns = start_ns + lasts_ns;
}

fn squeezed(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (a, b, _) = two_by_one_route(trace, dice)?;
    let lasts_ns = alone_ns(&cluster(trace), &trace.copies[b]);
    let start_ns = trace.copies[a].started_ns;
    start_at(&mut trace.copies[b], start_ns, lasts_ns);
    expect!(V::ChannelExceeded { .. })
}

/// The second transfer begins before the first one ends, by more than the slack of both.
fn staggered(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (a, b, flows_ns) = two_by_one_route(trace, dice)?;
    let lasts_ns = alone_ns(&cluster(trace), &trace.copies[b]);
    let latency_ns = lasts_ns - flows_ns;
    let start_ns = (trace.copies[a].finished_ns - 5).checked_sub(latency_ns)?;
    start_at(&mut trace.copies[b], start_ns, lasts_ns);
    expect!(V::ChannelExceeded { .. })
}

/// A memory whose transfers overlap, by one of their ends.
fn crowded(trace: &Trace, dice: &mut Dice, end: fn(&CopyRecord) -> MemoryId) -> Option<MemoryId> {
    let mut found = Vec::new();
    for (a, first) in trace.copies.iter().enumerate() {
        for second in &trace.copies[a + 1..] {
            let overlap =
                first.started_ns < second.finished_ns && second.started_ns < first.finished_ns;
            let last = first.finished_ns > first.started_ns;
            if overlap
                && last
                && second.finished_ns > second.started_ns
                && end(first) == end(second)
            {
                found.push(end(first));
            }
        }
    }
    pick(dice, found)
}

fn copies_in(trace: &mut Trace, dice: &mut Dice) -> Found {
    let of = crowded(trace, dice, |c| c.target)?;
    trace.header.cluster.memories[of.index()].copies_in = Some(1);
    expect!(V::TooManyCopies { memory, direction: Direction::In, limit: 1, .. } if *memory == of)
}

fn copies_out(trace: &mut Trace, dice: &mut Dice) -> Found {
    let of = crowded(trace, dice, |c| c.source)?;
    trace.header.cluster.memories[of.index()].copies_out = Some(1);
    expect!(V::TooManyCopies { memory, direction: Direction::Out, limit: 1, .. } if *memory == of)
}
