//! Buffers and what is in them: every input present in the right version for the whole run, every
//! transfer from a buffer that holds something and stays.

use super::Violation;
use super::facts::Facts;
use super::fills::{Fill, Fills, Look, Need};
use super::violation::{Party, Versions};
use crate::graph::Mode;
use crate::trace::{BufferRecord, CopyRecord, TaskRecord};
use crate::{Ns, ObjectId};

/// Checks all buffers and their uses; returns the fills, for the results.
pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) -> Fills {
    buffers(facts, out);
    facts.trace.tasks.iter().for_each(|t| task_buffers(facts, t, out));
    let (mut fills, needs) = Fills::new(facts);
    let mut ends = WriteEnds::new(facts);
    let mut copies: Vec<&CopyRecord> = facts.trace.copies.iter().collect();
    // Ids count issues: what a transfer reads arrived by transfers that were issued before it.
    copies.sort_by_key(|c| (c.issued_ns, c.copy));
    for copy in &copies {
        carry(facts, &mut fills, &mut ends, copy, out);
    }
    for copy in &copies {
        source_stays(facts, &fills, copy, out);
    }
    for (object, need) in &needs {
        input(facts, &fills, *object, need, out);
    }
    written_once(facts, &fills, out);
    fills
}

fn buffers(facts: &Facts, out: &mut Vec<Violation>) {
    for pair in facts.instances().windows(2).filter(|w| w[0].0 == w[1].0) {
        out.push(Violation::BufferRepeated { instance: pair[0].0 });
    }
    for &BufferRecord { instance, object, bytes, allocated_ns, released_ns, .. } in
        &facts.trace.buffers
    {
        let instance = instance.0;
        if released_ns < allocated_ns {
            out.push(Violation::BufferBackwards { instance, allocated_ns, released_ns });
        }
        let Some(object) = object else { continue };
        let expected_bytes = facts.trace.graph.object(object).bytes;
        if bytes != expected_bytes {
            out.push(Violation::WrongBufferSize { instance, object, bytes, expected_bytes });
        }
    }
}

/// A task's buffers are of its objects, in its memory, and there while it runs.
fn task_buffers(facts: &Facts, record: &TaskRecord, out: &mut Vec<Violation>) {
    let &TaskRecord { task, started_ns: start_ns, finished_ns: end_ns, .. } = record;
    let memory = facts.memory(record);
    for (slot, access) in facts.trace.graph.accesses(task).iter().enumerate() {
        let instance = facts.instance_of(record, slot as u32);
        let object = access.object;
        let Some(rank) = facts.rank(instance) else {
            out.push(Violation::UnknownBuffer { by: Party::Task(task), instance: instance.0 });
            continue;
        };
        let instance = instance.0;
        let buffer = facts.buffer(rank);
        if buffer.object != Some(object) || buffer.memory != memory {
            let (found_object, found_memory) = (buffer.object, buffer.memory);
            out.push(Violation::WrongBuffer {
                task,
                object,
                memory,
                instance,
                found_object,
                found_memory,
            });
        }
        if !is_held(facts, buffer, start_ns, end_ns) {
            let &BufferRecord { allocated_ns, released_ns, .. } = buffer;
            out.push(Violation::BufferNotHeld {
                task,
                object,
                instance,
                start_ns,
                end_ns,
                allocated_ns,
                released_ns,
            });
        }
    }
}

fn is_held(facts: &Facts, buffer: &BufferRecord, start_ns: Ns, end_ns: Ns) -> bool {
    !facts.is_after(buffer.allocated_ns, start_ns) && !facts.is_after(end_ns, buffer.released_ns)
}

/// The versions that each object came to have: when, and how many writes then counted, sorted.
struct WriteEnds {
    by_object: Vec<Option<Vec<(Ns, u32)>>>,
}

impl WriteEnds {
    fn new(facts: &Facts) -> Self {
        Self { by_object: vec![None; facts.trace.graph.object_count()] }
    }

    /// Writes of an object that certainly counted before an instant.
    fn before(&mut self, facts: &Facts, object: ObjectId, at_ns: Ns) -> u32 {
        let ends = self.by_object[object.index()].get_or_insert_with(|| Self::of(facts, object));
        let at = ends.partition_point(|(ns, _)| ns.saturating_add(facts.slack_ns) < at_ns);
        let certain = at.checked_sub(1).map_or(0, |last| ends[last].1);
        // What was taken back at this very instant may have been so before.
        let perhaps = ends[at..].iter().take_while(|e| e.0 <= at_ns.saturating_add(facts.slack_ns));
        perhaps.map(|e| e.1).fold(certain, u32::min)
    }

    fn of(facts: &Facts, object: ObjectId) -> Vec<(Ns, u32)> {
        let writers = facts.uses(object).iter().filter(|u| u.mode.writes());
        let mut ends: Vec<(u32, u32)> = (writers)
            .flat_map(|u| facts.attempts_of(u.task).iter().map(|at| (*at, u.version)))
            .collect();
        ends.sort_unstable_by_key(|(at, _)| (facts.record(*at).finished_ns, *at));
        let mut rollbacks = facts.rollbacks(object).iter().peekable();
        let (mut version, mut list) = (0, Vec::with_capacity(ends.len()));
        for (at, before) in ends {
            while let Some(back) = rollbacks.next_if(|r| r.tasks <= at) {
                version = back.version;
                list.push((back.at_ns, version));
            }
            version = version.max(before) + 1;
            list.push((facts.record(at).finished_ns, version));
        }
        list.extend(rollbacks.map(|back| (back.at_ns, back.version)));
        list
    }
}

/// A transfer: its record agrees with its buffers, both are there, and its source holds the
/// current version when it is issued. Its target then holds what the source held.
fn carry(
    facts: &Facts,
    fills: &mut Fills,
    ends: &mut WriteEnds,
    record: &CopyRecord,
    out: &mut Vec<Violation>,
) {
    let &CopyRecord { copy, object, started_ns, finished_ns, issued_ns, .. } = record;
    super::in_order(
        facts,
        Party::Copy(copy),
        &[
            ("requested", record.requested_ns),
            ("issued", issued_ns),
            ("started", started_ns),
            ("finished", finished_ns),
        ],
        out,
    );
    let (from, to) = (facts.rank(record.from), facts.rank(record.to));
    agrees(facts, record, out);
    // What went wrong with its source is not blamed on its target's users, too.
    let mut versions = Versions { least: 0, most: u32::MAX };
    if let Some(from) = from {
        let is_momentary = started_ns == finished_ns;
        let look = Look { at_ns: started_ns, is_momentary, newest: u32::MAX };
        match fills.content(from, look) {
            Some(found) => {
                versions = found;
                let current = ends.before(facts, object, issued_ns);
                if found.most < current {
                    out.push(Violation::SourceStale { copy, object, issued_ns, found, current });
                }
            }
            None => {
                let (instance, start_ns) = (record.from.0, started_ns);
                out.push(Violation::SourceMissing { copy, object, instance, start_ns });
            }
        }
    }
    if let Some(to) = to {
        fills.add_copy(to, record, versions);
    }
}

fn agrees(facts: &Facts, record: &CopyRecord, out: &mut Vec<Violation>) {
    let &CopyRecord { copy, object, started_ns: start_ns, finished_ns: end_ns, .. } = record;
    let ends = [(record.from, record.source, true), (record.to, record.target, false)];
    for (instance, memory, is_source) in ends {
        let Some(rank) = facts.rank(instance) else {
            out.push(Violation::UnknownBuffer { by: Party::Copy(copy), instance: instance.0 });
            continue;
        };
        let buffer = facts.buffer(rank);
        let what = match () {
            () if buffer.object != Some(object) => Some("the buffer is of another object"),
            () if buffer.memory != memory => Some("the buffer is in another memory"),
            () if buffer.bytes != record.bytes => Some("the buffer has another size"),
            () => None,
        };
        let instance = instance.0;
        out.extend(what.map(|what| Violation::CopyMismatch { copy, object, instance, what }));
        if is_held(facts, buffer, start_ns, end_ns) {
            continue;
        }
        let &BufferRecord { allocated_ns, released_ns, .. } = buffer;
        out.push(match is_source {
            true => Violation::SourceNotHeld {
                copy,
                object,
                instance,
                start_ns,
                end_ns,
                allocated_ns,
                released_ns,
            },
            false => Violation::TargetNotHeld {
                copy,
                object,
                instance,
                start_ns,
                end_ns,
                allocated_ns,
                released_ns,
            },
        });
    }
}

/// Nobody but racy users writes a buffer while it is copied.
fn source_stays(facts: &Facts, fills: &Fills, record: &CopyRecord, out: &mut Vec<Violation>) {
    let &CopyRecord { copy, object, started_ns, finished_ns: end_ns, .. } = record;
    let Some(rank) = facts.rank(record.from) else { return };
    if let Some(&Fill { by, start_ns: at_ns, .. }) = fills.overlapping(rank, started_ns, end_ns) {
        let instance = record.from.0;
        out.push(Violation::SourceOverwritten { copy, object, instance, end_ns, by, at_ns });
    }
}

/// A task's input is there in the right version when it starts, and a reader's stays.
fn input(facts: &Facts, fills: &Fills, object: ObjectId, need: &Need, out: &mut Vec<Violation>) {
    let record = facts.record(need.attempt);
    let &TaskRecord { task, started_ns: start_ns, finished_ns: end_ns, .. } = record;
    let instance = facts.instance_of(record, need.at.slot);
    let Some(rank) = facts.rank(instance) else { return };
    let (instance, memory, expected) = (instance.0, facts.memory(record), need.versions);
    let look =
        Look { at_ns: start_ns, is_momentary: start_ns == end_ns, newest: need.versions.most };
    match fills.content(rank, look) {
        None => {
            out.push(Violation::InputMissing { task, object, memory, instance, start_ns, expected })
        }
        Some(found) if found.least > expected.most || found.most < expected.least => {
            out.push(Violation::InputStale {
                task,
                object,
                memory,
                instance,
                start_ns,
                expected,
                found,
            });
        }
        Some(_) => {}
    }
    if need.at.mode == Mode::Read
        && let Some(&Fill { by, start_ns: at_ns, .. }) = fills.overlapping(rank, start_ns, end_ns)
    {
        out.push(Violation::InputOverwritten { task, object, instance, end_ns, by, at_ns });
    }
}

/// Nobody begins to write a buffer before the last one has finished, racy users apart.
fn written_once(facts: &Facts, fills: &Fills, out: &mut Vec<Violation>) {
    let mut merged: Vec<Fill> = Vec::new();
    for rank in 0..facts.instances().len() {
        let Some(object) = facts.buffer(rank).object else { continue };
        merged.clear();
        merged.extend_from_slice(fills.written(rank));
        merged.extend_from_slice(fills.copied(rank));
        merged.sort_by_key(Fill::key);
        for pair in merged.windows(2) {
            let [first, second] = [pair[0], pair[1]];
            if !facts.is_after(first.end_ns, second.start_ns) || first.is_racy && second.is_racy {
                continue;
            }
            out.push(Violation::BufferWrittenTwice {
                object,
                instance: facts.buffer(rank).instance.0,
                first: first.by,
                first_end_ns: first.end_ns,
                second: second.by,
                second_start_ns: second.start_ns,
            });
        }
    }
}
