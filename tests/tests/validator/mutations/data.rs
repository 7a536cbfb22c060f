//! Corruptions of buffers, versions, transfers' ends and results.

use super::{Corrupt, attempt, buffer, buffer_mut, cluster, lasts, pick, users, uses, where_};
use crate::expect;
use runtime::graph::Mode;
use runtime::trace::{CopyReason, CopyRecord, InstanceId, TaskRecord, Trace};
use runtime::validator::{Party, Violation as V};
use runtime::{MemoryId, Ns, ObjectId};
use windtunnel_tests::cases::Dice;

type Found = Option<super::Expected>;

pub const ALL: &[(&str, &str, Corrupt)] = &[
    ("buffer of which nothing is known", "UnknownBuffer", unknown_buffer),
    ("transfer from a buffer of which nothing is known", "UnknownBuffer", unknown_source),
    ("buffer recorded twice", "BufferRepeated", buffer_repeated),
    ("buffer released before it was allocated", "BufferBackwards", buffer_backwards),
    ("buffer of another size", "WrongBufferSize", wrong_size),
    ("buffer of another object", "WrongBuffer", wrong_buffer),
    ("buffer released too early", "BufferNotHeld", released_early),
    ("buffer allocated too late", "BufferNotHeld", allocated_late),
    ("needed transfer removed", "InputMissing", copy_removed),
    ("transfer arrives after the start", "InputMissing", copy_late),
    ("input replaced by a stale one", "InputStale", stale_input),
    ("one of two exclusive updates lost", "InputStale", lost_update),
    ("transfer into a buffer that is read", "InputOverwritten", overwritten),
    ("two transfers into one buffer at once", "BufferWrittenTwice", written_twice),
    ("transfer of another size", "CopyMismatch", copy_size),
    ("transfer to another memory", "CopyMismatch", copy_memory),
    ("transfer from a released buffer", "SourceNotHeld", released_source),
    ("transfer into a buffer not yet allocated", "TargetNotHeld", absent_target),
    ("transfer of nothing", "SourceMissing", empty_source),
    ("transfer of an old version", "SourceStale", stale_source),
    ("written while it is copied", "SourceOverwritten", source_overwritten),
    ("scratch not recorded", "ScratchMismatch", scratch),
    ("result not brought home", "ResultNotHome", result_lost),
    ("result released at home", "ResultNotHome", result_released),
    ("makespan too long", "WrongMakespan", makespan_long),
    ("makespan too short", "WrongMakespan", makespan_short),
];

/// Slots of `task_buffers` that are in use, with their users.
fn slots(trace: &Trace) -> Vec<(usize, TaskRecord)> {
    let mut slots = Vec::new();
    for t in &trace.tasks {
        let first = t.first_buffer as usize;
        slots.extend((0..trace.buffers_of(t).len()).map(|slot| (first + slot, *t)));
    }
    slots
}

fn unknown_buffer(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (slot, t) = pick(dice, slots(trace))?;
    trace.task_buffers[slot] = InstanceId(1_000_000);
    expect!(V::UnknownBuffer { by: Party::Task(task), instance: 1_000_000 } if *task == t.task)
}

fn unknown_source(trace: &mut Trace, dice: &mut Dice) -> Found {
    let from = trace.copies[pick(dice, 0..trace.copies.len())?].from;
    trace.buffers.retain(|b| b.object.is_none() || b.instance != from);
    expect!(V::UnknownBuffer { by: Party::Copy(_), instance } if *instance == from.0)
}

fn objects_buffer(trace: &Trace, dice: &mut Dice) -> Option<usize> {
    pick(dice, where_(&trace.buffers, |b| b.object.is_some()))
}

fn buffer_repeated(trace: &mut Trace, dice: &mut Dice) -> Found {
    let again = trace.buffers[objects_buffer(trace, dice)?];
    trace.buffers.push(again);
    expect!(V::BufferRepeated { instance } if *instance == again.instance.0)
}

fn buffer_backwards(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = objects_buffer(trace, dice)?;
    let record = &mut trace.buffers[at];
    (record.allocated_ns, record.released_ns) = (record.allocated_ns + 1, record.allocated_ns);
    let id = record.instance;
    expect!(V::BufferBackwards { instance, .. } if *instance == id.0)
}

fn wrong_size(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = objects_buffer(trace, dice)?;
    trace.buffers[at].bytes += 1;
    let id = trace.buffers[at].instance;
    expect!(V::WrongBufferSize { instance, .. } if *instance == id.0)
}

fn wrong_buffer(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (slot, t) = pick(dice, slots(trace))?;
    let own = buffer(trace, trace.task_buffers[slot]).object;
    let others = trace.buffers.iter().filter(|b| b.object.is_some() && b.object != own);
    trace.task_buffers[slot] = pick(dice, others)?.instance;
    expect!(V::WrongBuffer { task, object, .. } if *task == t.task && Some(*object) == own)
}

fn released_early(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (slot, t) = pick(dice, slots(trace).into_iter().filter(|s| lasts(&s.1)))?;
    let id = trace.task_buffers[slot];
    buffer_mut(trace, id).released_ns = t.finished_ns - 1;
    expect!(V::BufferNotHeld { task, instance, .. } if *task == t.task && *instance == id.0)
}

fn allocated_late(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (slot, t) = pick(dice, slots(trace))?;
    let id = trace.task_buffers[slot];
    buffer_mut(trace, id).allocated_ns = t.started_ns + 1;
    expect!(V::BufferNotHeld { task, instance, .. } if *task == t.task && *instance == id.0)
}

/// A transfer that alone fills the buffer of a reader, and that reader.
fn only_source(trace: &Trace, dice: &mut Dice) -> Option<(usize, TaskRecord, ObjectId)> {
    let uses = uses(trace);
    let is_only = |c: &CopyRecord| {
        let object = trace.graph.object(c.object);
        let is_home = cluster(trace).home(object.home) == c.target;
        let copies = trace.copies.iter().filter(|o| o.to == c.to).count();
        let writers = uses.iter().filter(|u| u.2 == c.to && u.1.mode.writes()).count();
        copies == 1 && writers == 0 && !(object.initial && is_home)
    };
    let reader = |c: &CopyRecord| uses.iter().find(|u| u.2 == c.to);
    let found = trace.copies.iter().enumerate().filter(|(_, c)| is_only(c));
    let found = found.filter_map(|(at, c)| Some((at, trace.tasks[reader(c)?.0], c.object)));
    pick(dice, found)
}

fn copy_removed(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (at, t, of) = only_source(trace, dice)?;
    trace.copies.remove(at);
    expect!(V::InputMissing { task, object, .. } if *task == t.task && *object == of)
}

fn copy_late(trace: &mut Trace, dice: &mut Dice) -> Found {
    let (at, t, of) = only_source(trace, dice)?;
    trace.copies[at].finished_ns = t.started_ns + 1;
    expect!(V::InputMissing { task, object, .. } if *task == t.task && *object == of)
}

/// A reader gets a buffer that was released before the version was written, kept alive.
fn stale_input(trace: &mut Trace, dice: &mut Dice) -> Found {
    let mut found = Vec::new();
    for (slot, t) in slots(trace) {
        let access = trace.graph.accesses(t.task)[slot - t.first_buffer as usize];
        let memory = buffer(trace, trace.task_buffers[slot]).memory;
        let users = users(trace, access.object);
        let writers = users.iter().filter(|u| u.0 < t.task && u.1.mode.writes());
        let written_ns = writers.map(|u| attempt(trace, u.0).finished_ns).max();
        let older = trace.buffers.iter().filter(|b| {
            let was_filled = trace.copies.iter().any(|c| c.to == b.instance);
            b.object == Some(access.object)
                && b.memory == memory
                && Some(b.released_ns) < written_ns
                && was_filled
        });
        if access.mode == Mode::Read {
            found.extend(older.map(|b| (slot, t, b.instance)));
        }
    }
    let (slot, t, stale) = pick(dice, found)?;
    trace.task_buffers[slot] = stale;
    buffer_mut(trace, stale).released_ns = Ns::MAX;
    expect!(V::InputStale { task, instance, .. } if *task == t.task && *instance == stale.0)
}

/// The transfer between two members of a group begins before the first of them has done its work.
fn lost_update(trace: &mut Trace, dice: &mut Dice) -> Found {
    let mut found = Vec::new();
    for (at, access, from) in uses(trace) {
        let t = trace.tasks[at];
        if !access.mode.is_exclusive() || !lasts(&t) {
            continue;
        }
        for (next, other, to) in uses(trace) {
            let is_group = other.object == access.object && other.version == access.version;
            if !is_group || !other.mode.is_exclusive() || from == to {
                continue;
            }
            let next = trace.tasks[next];
            let between = |c: &&CopyRecord| {
                let is_time = c.started_ns >= t.finished_ns && c.finished_ns <= next.started_ns;
                is_time && c.from == from && c.to == to && c.finished_ns > c.started_ns
            };
            let copy = trace.copies.iter().position(|c| between(&c));
            found.extend(copy.map(|copy| (copy, t)));
        }
    }
    let (copy, first) = pick(dice, found)?;
    let c = &mut trace.copies[copy];
    let lasts_ns = c.finished_ns - c.started_ns;
    let start_ns = first.started_ns;
    (c.requested_ns, c.issued_ns, c.started_ns) = (start_ns, start_ns, start_ns);
    c.finished_ns = start_ns + lasts_ns;
    let of = c.object;
    // Whoever comes next meets it.
    expect!(V::InputStale { object, .. } if *object == of)
}

/// Another transfer into the buffer of a reader, in the middle of its run.
fn overwritten(trace: &mut Trace, dice: &mut Dice) -> Found {
    let uses = uses(trace).into_iter();
    let reads = uses.filter(|u| u.1.mode == Mode::Read && lasts(&trace.tasks[u.0]));
    let (at, access, to) = pick(dice, reads)?;
    let t = trace.tasks[at];
    let record = *pick(dice, trace.copies.iter().filter(|c| c.object == access.object))?;
    trace.copies.push(CopyRecord {
        to,
        target: buffer(trace, to).memory,
        started_ns: t.started_ns,
        finished_ns: t.finished_ns,
        ..record
    });
    expect!(V::InputOverwritten { task, instance, .. } if *task == t.task && *instance == to.0)
}

fn written_twice(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.copies, |c| c.finished_ns > c.started_ns))?;
    let again = trace.copies[at];
    trace.copies.push(again);
    expect!(V::BufferWrittenTwice { instance, .. } if *instance == again.to.0)
}

fn copy_size(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.copies.len())?;
    trace.copies[at].bytes += 1;
    let id = trace.copies[at].copy;
    expect!(V::CopyMismatch { copy, .. } if *copy == id)
}

fn copy_memory(trace: &mut Trace, dice: &mut Dice) -> Found {
    let memories = (0..trace.header.cluster.memories.len() as u32).map(MemoryId);
    let at = pick(dice, 0..trace.copies.len())?;
    let target = trace.copies[at].target;
    trace.copies[at].target = pick(dice, memories.filter(|m| *m != target))?;
    let (id, to) = (trace.copies[at].copy, trace.copies[at].to);
    expect!(V::CopyMismatch { copy, instance, .. } if *copy == id && *instance == to.0)
}

/// A transfer that takes time.
fn lasting_copy(trace: &Trace, dice: &mut Dice) -> Option<CopyRecord> {
    pick(dice, trace.copies.iter().filter(|c| c.finished_ns > c.started_ns).copied())
}

fn released_source(trace: &mut Trace, dice: &mut Dice) -> Found {
    let c = lasting_copy(trace, dice)?;
    buffer_mut(trace, c.from).released_ns = c.finished_ns - 1;
    expect!(V::SourceNotHeld { copy, instance, .. } if *copy == c.copy && *instance == c.from.0)
}

fn absent_target(trace: &mut Trace, dice: &mut Dice) -> Found {
    let c = lasting_copy(trace, dice)?;
    buffer_mut(trace, c.to).allocated_ns = c.started_ns + 1;
    expect!(V::TargetNotHeld { copy, instance, .. } if *copy == c.copy && *instance == c.to.0)
}

/// A transfer's source moves to a buffer of the same object that has never had content.
fn empty_source(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.copies.len())?;
    let c = trace.copies[at];
    let empty = InstanceId(3_000_000);
    let own = *buffer(trace, c.from);
    trace.buffers.push(runtime::trace::BufferRecord { instance: empty, ..own });
    trace.copies[at].from = empty;
    expect!(V::SourceMissing { copy, instance: 3_000_000, .. } if *copy == c.copy)
}

/// A transfer happens after the object was written elsewhere.
fn stale_source(trace: &mut Trace, dice: &mut Dice) -> Found {
    let mut found = Vec::new();
    for (at, access, b) in uses(trace) {
        let end_ns = trace.tasks[at].finished_ns;
        let is_before = |c: &&CopyRecord| {
            let from_it = c.from == b || c.to == b;
            c.object == access.object && !from_it && c.finished_ns <= trace.tasks[at].started_ns
        };
        if access.mode.writes() {
            let older = trace.copies.iter().enumerate().filter(|(_, c)| is_before(c));
            found.extend(older.map(|(copy, _)| (copy, end_ns + 1)));
        }
    }
    let (at, start_ns) = pick(dice, found)?;
    let c = &mut trace.copies[at];
    let lasts_ns = c.finished_ns - c.started_ns;
    (c.issued_ns, c.started_ns, c.finished_ns) = (start_ns, start_ns, start_ns + lasts_ns);
    let (id, from, object) = (c.copy, c.from, c.object);
    // Its source must not have been written again, or it would hold something newer.
    let rewritten = uses(trace).iter().any(|u| u.2 == from && u.1.mode.writes());
    let refilled = trace.copies.iter().filter(|c| c.to == from).count() > 1;
    if rewritten || refilled {
        return None;
    }
    buffer_mut(trace, from).released_ns = Ns::MAX;
    expect!(V::SourceStale { copy, object: o, .. } if *copy == id && *o == object)
}

/// A transfer goes on while the next task writes its source in place.
fn source_overwritten(trace: &mut Trace, dice: &mut Dice) -> Found {
    let mut found = Vec::new();
    for (at, access, b) in uses(trace) {
        let t = trace.tasks[at];
        if !access.mode.writes() || access.mode == Mode::Racy || !lasts(&t) {
            continue;
        }
        let from_it = |c: &&CopyRecord| c.from == b && c.finished_ns <= t.started_ns;
        let copies = trace.copies.iter().enumerate().filter(|(_, c)| from_it(c));
        found.extend(copies.map(|(copy, _)| (copy, t)));
    }
    let (at, t) = pick(dice, found)?;
    trace.copies[at].finished_ns = t.started_ns + 1;
    let id = trace.copies[at].copy;
    expect!(V::SourceOverwritten { copy, .. } if *copy == id)
}

fn scratch(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.buffers, |b| b.object.is_none()))?;
    let gone = trace.buffers.remove(at);
    expect!(V::ScratchMismatch { memory, bytes, .. }
        if *memory == gone.memory && *bytes == gone.bytes)
}

fn result_lost(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.copies, |c| c.reason == CopyReason::Result))?;
    let of = trace.copies.remove(at).object;
    expect!(V::ResultNotHome { object, .. } if *object == of)
}

fn result_released(trace: &mut Trace, dice: &mut Dice) -> Found {
    let machine = cluster(trace);
    let is_result = |b: &runtime::trace::BufferRecord| {
        let used = |o: &ObjectId| !users(trace, *o).is_empty();
        b.released_ns == Ns::MAX
            && b.object.filter(used).is_some_and(|o| {
                let plain = trace.graph.object(o);
                plain.keep && machine.home(plain.home) == b.memory
            })
    };
    let at = pick(dice, where_(&trace.buffers, is_result))?;
    trace.buffers[at].released_ns = trace.makespan_ns;
    let of = trace.buffers[at].object?;
    expect!(V::ResultNotHome { object, found: None, .. } if *object == of)
}

fn makespan_long(trace: &mut Trace, _: &mut Dice) -> Found {
    trace.makespan_ns += 1;
    let wrong_ns = trace.makespan_ns;
    expect!(V::WrongMakespan { recorded_ns, .. } if *recorded_ns == wrong_ns)
}

fn makespan_short(trace: &mut Trace, _: &mut Dice) -> Found {
    trace.makespan_ns = trace.makespan_ns.checked_sub(1)?;
    let wrong_ns = trace.makespan_ns;
    expect!(V::WrongMakespan { recorded_ns, .. } if *recorded_ns == wrong_ns)
}
