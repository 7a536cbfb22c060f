//! What each buffer held when.
//!
//! A *fill* is an interval in which a buffer gets content: a task that writes it, a transfer into
//! it, or the making of initial data. Tasks' fills have versions by submission order, those of a
//! group by the order in which its members ran; a transfer's fill has the version of its source.
//!
//! A buffer holds a fill's version from the fill's end to the begin of the next one. Instants are
//! whole nanoseconds, so things without duration may happen at one instant in an order that the
//! records do not tell; then a buffer may hold any of the versions of that instant.

use super::facts::{Facts, Use};
use super::violation::{Party, Versions};
use crate::graph::Mode;
use crate::trace::{CopyRecord, TaskRecord};
use crate::{Ns, ObjectId};

/// The version of what is of no use.
const SPOILT: u32 = u32::MAX;

/// See the module's documentation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    /// Rank of the buffer.
    pub rank: u32,
    pub start_ns: Ns,
    pub end_ns: Ns,
    pub versions: Versions,
    pub by: Party,
    /// It does not exclude others of its kind.
    pub is_racy: bool,
}

impl Fill {
    /// In a buffer, what ends later comes later; at one instant what is newer comes later, and what
    /// is of no use comes first.
    pub fn key(&self) -> (u32, Ns, u32, Ns) {
        (self.rank, self.end_ns, self.versions.most.wrapping_add(1), self.start_ns)
    }
}

/// What a use needs to find in its buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub at: Use,
    /// Position of the attempt.
    pub attempt: u32,
    pub versions: Versions,
}

/// When and how somebody looks into a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub at_ns: Ns,
    /// It takes no time, and so may happen between two fills of its instant.
    pub is_momentary: bool,
    /// What is newer than this came after the look if it came at that instant: submission order
    /// says so.
    pub newest: u32,
}

/// All fills, by buffer, each buffer's in the order of their ends.
pub(super) struct Fills {
    /// By tasks and initial data.
    written: Vec<Fill>,
    first_written: Vec<u32>,
    /// By transfers, in slots per buffer, used up to `end_copied`.
    copied: Vec<Fill>,
    first_copied: Vec<u32>,
    end_copied: Vec<u32>,
    slack_ns: Ns,
}

impl Fills {
    /// Fills by tasks and initial data; and, by object, what its users need. Transfers' fills are
    /// added in the order in which the transfers were issued.
    pub fn new(facts: &Facts) -> (Self, Vec<(ObjectId, Need)>) {
        let mut written = Vec::new();
        let mut needs = Vec::new();
        initial(facts, &mut written);
        spoilt(facts, &mut written);
        for object in facts.trace.graph.object_ids() {
            for phase in facts.uses(object).chunk_by(|a, b| a.phase == b.phase) {
                phase_fills(facts, object, phase, &mut written, &mut needs);
            }
        }
        written.sort_unstable_by_key(Fill::key);
        let ranks = facts.instances().len();
        let first_written = firsts(ranks, written.iter().map(|f| f.rank as usize));
        let into = facts.trace.copies.iter().filter_map(|c| facts.rank(c.to));
        let first_copied = firsts(ranks, into);
        let blank = Fill {
            rank: 0,
            start_ns: 0,
            end_ns: 0,
            versions: Versions { least: 0, most: 0 },
            by: Party::Initial,
            is_racy: false,
        };
        let fills = Self {
            written,
            first_written,
            copied: vec![blank; first_copied[ranks] as usize],
            end_copied: first_copied[..ranks].to_vec(),
            first_copied,
            slack_ns: facts.slack_ns,
        };
        (fills, needs)
    }

    /// Adds a transfer's fill.
    pub fn add_copy(&mut self, rank: usize, copy: &CopyRecord, versions: Versions) {
        let fill = Fill {
            rank: rank as u32,
            start_ns: copy.started_ns,
            end_ns: copy.finished_ns,
            versions,
            by: Party::Copy(copy.copy),
            is_racy: false,
        };
        let (first, mut at) = (self.first_copied[rank] as usize, self.end_copied[rank] as usize);
        self.end_copied[rank] += 1;
        // In a valid run transfers into one buffer end in the order of their starts.
        while at > first && self.copied[at - 1].key() > fill.key() {
            self.copied[at] = self.copied[at - 1];
            at -= 1;
        }
        self.copied[at] = fill;
    }

    /// Fills of a buffer by tasks and initial data, by end.
    pub fn written(&self, rank: usize) -> &[Fill] {
        &self.written[self.first_written[rank] as usize..self.first_written[rank + 1] as usize]
    }

    /// Fills of a buffer by transfers so far, by end.
    pub fn copied(&self, rank: usize) -> &[Fill] {
        &self.copied[self.first_copied[rank] as usize..self.end_copied[rank] as usize]
    }

    /// What a buffer may have held when somebody looked; `None` = nothing.
    pub fn content(&self, rank: usize, look: Look) -> Option<Versions> {
        let Look { at_ns, is_momentary, newest } = look;
        let until_ns = at_ns.saturating_add(self.slack_ns);
        let end = |fills: &[Fill]| fills.partition_point(|f| f.end_ns <= until_ns);
        let (written, copied) = (self.written(rank), self.copied(rank));
        let (mut written, mut copied) = (&written[..end(written)], &copied[..end(copied)]);
        let mut found: Option<Versions> = None;
        loop {
            let is_written_later = match (written.last(), copied.last()) {
                (None, None) => return found,
                (w, c) => w.map(Fill::key) >= c.map(Fill::key),
            };
            let from = if is_written_later { &mut written } else { &mut copied };
            let Some((latest, rest)) = from.split_last() else { return found };
            *from = rest;
            let is_tied = is_momentary && latest.start_ns == at_ns;
            let is_within_slack =
                self.slack_ns > 0 && latest.end_ns.saturating_add(self.slack_ns) >= at_ns;
            let is_certain = !is_tied && !is_within_slack;
            let Versions { least, most } = latest.versions;
            if is_certain || least <= newest {
                found = Some(found.map_or(latest.versions, |v| Versions {
                    least: v.least.min(least),
                    most: v.most.max(most),
                }));
            }
            if is_certain {
                return found;
            }
        }
    }

    /// The first fill of a buffer, not racy, that overlaps an interval.
    pub fn overlapping(&self, rank: usize, start_ns: Ns, end_ns: Ns) -> Option<&Fill> {
        let overlap = |fills: &[Fill]| {
            let at = fills.partition_point(|f| f.end_ns <= start_ns.saturating_add(self.slack_ns));
            let overlaps = |f: &Fill| f.start_ns.saturating_add(self.slack_ns) < end_ns;
            let later = fills[at..].iter().take_while(|f| overlaps(f)).position(|f| !f.is_racy);
            later.map(|l| at + l)
        };
        let (written, copied) = (self.written(rank), self.copied(rank));
        overlap(written).map(|at| &written[at]).or_else(|| overlap(copied).map(|at| &copied[at]))
    }
}

/// Where the entries of each of `ranks` buckets begin, and where the last one ends.
fn firsts(ranks: usize, entries: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut first = vec![0u32; ranks + 1];
    entries.for_each(|rank| first[rank + 1] += 1);
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    first
}

/// Initial data is in the first buffer of its object at home, and in those in which it was
/// restored.
fn initial(facts: &Facts, written: &mut Vec<Fill>) {
    let graph = &facts.trace.graph;
    let mut is_made = vec![false; graph.object_count()];
    for rank in 0..facts.instances().len() {
        let buffer = facts.buffer(rank);
        let Some(object) = buffer.object else { continue };
        let plain = graph.object(object);
        if !plain.initial || facts.cluster.home(plain.home) != buffer.memory {
            continue;
        }
        let is_first = !std::mem::replace(&mut is_made[object.index()], true);
        let mut rollbacks = facts.rollbacks(object).iter();
        if !is_first && !rollbacks.any(|r| r.restored && r.at_ns == buffer.allocated_ns) {
            continue;
        }
        written.push(Fill {
            rank: rank as u32,
            start_ns: buffer.allocated_ns,
            end_ns: buffer.allocated_ns,
            versions: Versions { least: 0, most: 0 },
            by: Party::Initial,
            is_racy: false,
        });
    }
}

/// What attempts that came to nothing and transfers that were cut off left in their buffers: a
/// version that nobody needs. Those of one instant are left out, since the records do not tell
/// whether they were before or after others of it.
fn spoilt(facts: &Facts, written: &mut Vec<Fill>) {
    let mut spoil = |instance, start_ns, end_ns, by| {
        let Some(rank) = facts.rank(instance).filter(|_| start_ns < end_ns) else { return };
        let versions = Versions { least: SPOILT, most: SPOILT };
        let rank = rank as u32;
        written.push(Fill { rank, start_ns, end_ns, versions, by, is_racy: false });
    };
    for lost in &facts.trace.losses.attempts {
        let accesses = facts.trace.graph.accesses(lost.task).iter();
        for (access, &instance) in accesses.zip(facts.trace.buffers_of_lost(lost)) {
            if access.mode.writes() && access.mode != Mode::Racy {
                spoil(instance, lost.issued_ns, lost.ended_ns, Party::Task(lost.task));
            }
        }
    }
    for copy in &facts.trace.losses.copies {
        spoil(copy.to, copy.started_ns, copy.finished_ns, Party::Copy(copy.copy));
    }
}

/// A use by one of the attempts at its task.
#[derive(Clone, Copy)]
struct Run<'t> {
    at: Use,
    attempt: u32,
    record: &'t TaskRecord,
}

/// What the users of one phase leave behind and what they need.
fn phase_fills(
    facts: &Facts,
    object: ObjectId,
    phase: &[Use],
    written: &mut Vec<Fill>,
    needs: &mut Vec<(ObjectId, Need)>,
) {
    let exact = |version| Versions { least: version, most: version };
    let runs = phase.iter().flat_map(|&at| {
        let of = facts.attempts_of(at.task).iter();
        of.map(move |&attempt| Run { at, attempt, record: facts.record(attempt) })
    });
    let mut fill = |run: &Run, version: u32| {
        let Some(rank) = facts.rank(facts.instance_of(run.record, run.at.slot)) else { return };
        written.push(Fill {
            rank: rank as u32,
            start_ns: run.record.started_ns,
            end_ns: run.record.finished_ns,
            versions: exact(version),
            by: Party::Task(run.at.task),
            is_racy: run.at.mode == Mode::Racy,
        });
    };
    let mut need = |&Run { at, attempt, .. }: &Run, versions| {
        needs.push((object, Need { at, attempt, versions }));
    };
    match phase[0].mode {
        Mode::Read => runs.for_each(|run| need(&run, exact(run.at.version))),
        Mode::Write => runs.for_each(|run| fill(&run, run.at.version + 1)),
        Mode::ReadWrite => runs.for_each(|run| {
            need(&run, exact(run.at.version));
            fill(&run, run.at.version + 1);
        }),
        Mode::Commutative | Mode::Reduce => {
            for round in rounds(facts, object, phase[0].version, runs.collect()) {
                for (before, run) in round.iter().enumerate() {
                    let version = run.at.version + before as u32;
                    need(run, exact(version));
                    fill(run, version + 1);
                }
            }
        }
        Mode::Racy => {
            for round in rounds(facts, object, phase[0].version, runs.collect()) {
                racy_fills(facts, &round, &mut fill, &mut need);
            }
        }
    }
}

/// The attempts at the members of a group, in the order of their ends; a new round begins where
/// their object was taken back to where the group found it, or further.
fn rounds<'t>(
    facts: &Facts,
    object: ObjectId,
    version: u32,
    mut runs: Vec<Run<'t>>,
) -> Vec<Vec<Run<'t>>> {
    // Records come in the order of completion, which decides at one instant.
    runs.sort_by_key(|run| (run.record.finished_ns, run.attempt));
    let back = facts.rollbacks(object).iter().filter(|r| r.version <= version);
    let back: Vec<u32> = back.map(|r| r.tasks).collect();
    let round = |run: &Run| back.partition_point(|tasks| *tasks <= run.attempt);
    runs.chunk_by(|a, b| round(a) == round(b)).map(<[Run]>::to_vec).collect()
}

/// A racy user meets the updates of those that ended before it began, and leaves one more than
/// those that ended before it ended. `runs` are in the order of their ends.
fn racy_fills(
    facts: &Facts,
    runs: &[Run],
    fill: &mut dyn FnMut(&Run, u32),
    need: &mut dyn FnMut(&Run, Versions),
) {
    for (before, run) in runs.iter().enumerate() {
        let version = run.at.version;
        let surely_ns = run.record.started_ns.saturating_sub(facts.slack_ns);
        let perhaps_ns = run.record.started_ns.saturating_add(facts.slack_ns);
        let least = runs.partition_point(|o| o.record.finished_ns < surely_ns) as u32;
        let most = runs.partition_point(|o| o.record.finished_ns <= perhaps_ns) as u32;
        need(run, Versions { least: version + least, most: version + most });
        fill(run, version + before as u32 + 1);
    }
}
