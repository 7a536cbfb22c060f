//! Precedence: what accesses in submission order and control edges forbid.
//!
//! The uses of an object fall into phases (see [`Use::phase`]); a phase of writes waits for the
//! phase before it, a phase of reads for the writes before it. Only the latest end of a phase is
//! looked at, so this is linear in accesses and edges, however large the groups are.

use super::Violation;
use super::facts::{Facts, Use};
use crate::graph::Mode;
use crate::trace::TaskRecord;
use crate::{MemoryId, Ns, ObjectId, TaskId};

pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    for object in facts.trace.graph.object_ids() {
        let phases = facts.uses(object).chunk_by(|a, b| a.phase == b.phase);
        let mut writers: Option<(Ns, TaskId)> = None;
        let mut readers: Option<(Ns, TaskId)> = None;
        for phase in phases {
            let mode = phase[0].mode;
            for record in attempts(facts, phase) {
                after_writer(facts, record, mode, object, writers, out);
                if mode.writes() {
                    after_reader(facts, record, object, readers, out);
                }
            }
            let last = attempts(facts, phase).map(|t| (t.finished_ns, t.task)).max();
            if mode.writes() {
                (writers, readers) = (last, None);
            } else {
                readers = last;
            }
            if mode.is_exclusive() {
                exclusive(facts, object, phase, out);
            }
            if mode == Mode::Racy {
                racy(facts, object, phase, out);
            }
        }
    }
    control(facts, out);
}

/// The first attempts at the tasks of a phase: each came after the first ones of all that go before
/// it. What later attempts meet is a matter of content.
fn attempts<'f>(facts: &'f Facts, phase: &'f [Use]) -> impl Iterator<Item = &'f TaskRecord> {
    phase.iter().filter_map(|u| facts.attempt(u.task))
}

fn after_writer(
    facts: &Facts,
    record: &TaskRecord,
    mode: Mode,
    object: ObjectId,
    last: Option<(Ns, TaskId)>,
    out: &mut Vec<Violation>,
) {
    let Some((end_ns, writer)) = last else { return };
    let &TaskRecord { task, started_ns: start_ns, .. } = record;
    if !facts.is_after(end_ns, start_ns) {
        return ready(facts, record, writer, end_ns, out);
    }
    out.push(match mode.reads() {
        true => Violation::StartedBeforeInput { task, start_ns, writer, end_ns, object },
        false => Violation::WrittenOutOfOrder { task, start_ns, writer, end_ns, object },
    });
}

fn after_reader(
    facts: &Facts,
    record: &TaskRecord,
    object: ObjectId,
    last: Option<(Ns, TaskId)>,
    out: &mut Vec<Violation>,
) {
    let Some((end_ns, reader)) = last else { return };
    let &TaskRecord { task, started_ns: start_ns, .. } = record;
    if !facts.is_after(end_ns, start_ns) {
        return ready(facts, record, reader, end_ns, out);
    }
    out.push(Violation::WrittenWhileRead { task, start_ns, reader, end_ns, object });
}

/// Its start being in order, whether a task was called ready too early.
fn ready(
    facts: &Facts,
    record: &TaskRecord,
    predecessor: TaskId,
    end_ns: Ns,
    out: &mut Vec<Violation>,
) {
    let &TaskRecord { task, ready_ns, .. } = record;
    if facts.is_after(end_ns, ready_ns) {
        out.push(Violation::ReadyTooEarly { task, ready_ns, predecessor, end_ns });
    }
}

/// Commutative and reduce accesses of one object exclude each other.
fn exclusive(facts: &Facts, object: ObjectId, phase: &[Use], out: &mut Vec<Violation>) {
    let positions = phase.iter().flat_map(|u| facts.attempts_of(u.task));
    let runs = positions.map(|at| facts.record(*at));
    let runs = runs.map(|t| (t.finished_ns, t.started_ns, t.task));
    let mut runs: Vec<_> = runs.collect();
    runs.sort_unstable();
    for pair in runs.windows(2) {
        let (first_end_ns, _, first) = pair[0];
        let (_, second_start_ns, second) = pair[1];
        if facts.is_after(first_end_ns, second_start_ns) {
            out.push(Violation::ExclusiveOverlap {
                object,
                first,
                first_end_ns,
                second,
                second_start_ns,
            });
        }
    }
}

/// Racy users of one object are in one memory, from their placement to their end.
fn racy(facts: &Facts, object: ObjectId, phase: &[Use], out: &mut Vec<Violation>) {
    let mut users: Vec<_> = attempts(facts, phase).collect();
    users.sort_by_key(|t| (t.placed_ns, t.finished_ns, t.task));
    // The user that ends last, and the one that ends last in any other memory.
    let mut last: Option<(Ns, TaskId, MemoryId)> = None;
    let mut elsewhere: Option<(Ns, TaskId, MemoryId)> = None;
    for record in users {
        let &TaskRecord { task: second, placed_ns: second_placed_ns, finished_ns, .. } = record;
        let second_memory = facts.memory(record);
        let other = if last.is_some_and(|l| l.2 == second_memory) { elsewhere } else { last };
        if let Some((first_end_ns, first, first_memory)) = other
            && facts.is_after(first_end_ns, second_placed_ns)
        {
            out.push(Violation::RacyApart {
                object,
                first,
                first_memory,
                first_end_ns,
                second,
                second_memory,
                second_placed_ns,
            });
        }
        let this = Some((finished_ns, second, second_memory));
        match last {
            Some(l) if l.2 == second_memory => last = last.max(this),
            _ if this > last => (last, elsewhere) = (this, last),
            _ => elsewhere = elsewhere.max(this),
        }
    }
}

/// Edges of the graph that do not follow from accesses.
fn control(facts: &Facts, out: &mut Vec<Violation>) {
    for record in &facts.trace.tasks {
        let &TaskRecord { task, started_ns: start_ns, .. } = record;
        for edge in facts.trace.graph.incoming(task).iter().filter(|e| e.object.is_none()) {
            let after = edge.from;
            let Some(first) = facts.attempt(after) else { continue };
            let end_ns = first.finished_ns;
            if !facts.is_after(end_ns, start_ns) {
                ready(facts, record, after, end_ns, out);
            } else if !follows(facts, after, task) {
                out.push(Violation::ControlBroken { task, start_ns, after, end_ns });
            }
        }
    }
}

/// Whether accesses alone put `first` before `second`: such an edge has been checked already.
fn follows(facts: &Facts, first: TaskId, second: TaskId) -> bool {
    facts.trace.graph.accesses(second).iter().any(|access| {
        let uses = facts.uses(access.object);
        let found = |task| uses.binary_search_by_key(&task, |u| u.task).ok();
        let phase = |task| found(task).map(|at| uses[at].phase);
        match (phase(first), phase(second)) {
            (Some(a), Some(b)) => a < b,
            _ => false,
        }
    })
}
