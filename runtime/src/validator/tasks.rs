//! Each task by itself: one attempt, stamps in order, the right lanes, lanes and gangs in turn.

use super::Violation;
use super::facts::Facts;
use super::violation::Party;
use crate::cost::Cost;
use crate::trace::TaskRecord;
use crate::{DeviceId, GangId, LaneId, Ns, TaskId};
use std::collections::BTreeSet;

pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    attempts(facts, out);
    for record in &facts.trace.tasks {
        stamps(facts, record, out);
        place(facts, record, out);
    }
    lanes(facts, out);
    gangs(facts, out);
}

/// One finished attempt each, unless what an attempt wrote was taken back before the next one.
fn attempts(facts: &Facts, out: &mut Vec<Violation>) {
    for task in facts.trace.graph.task_ids() {
        let attempts = facts.attempts_of(task);
        if attempts.is_empty() {
            out.push(Violation::TaskMissing { task });
        }
        for pair in attempts.windows(2).filter(|pair| !is_undone(facts, task, pair[0], pair[1])) {
            let (first, second) = (facts.record(pair[0]), facts.record(pair[1]));
            let (first_ns, second_ns) = (first.finished_ns, second.finished_ns);
            out.push(Violation::TaskRepeated { task, first_ns, second_ns });
        }
    }
}

/// Whether something that the first of two attempts wrote was taken back between them.
fn is_undone(facts: &Facts, task: TaskId, first: u32, second: u32) -> bool {
    facts.trace.graph.accesses(task).iter().filter(|a| a.mode.writes()).any(|a| {
        let between = |at: u32| first < at && at <= second;
        let rollbacks = facts.rollbacks(a.object).iter();
        rollbacks.filter(|r| between(r.tasks)).any(|r| r.version <= a.version)
    })
}

fn stamps(facts: &Facts, t: &TaskRecord, out: &mut Vec<Violation>) {
    let life = [
        ("ready", t.ready_ns),
        ("placed", t.placed_ns),
        ("reserved", t.reserved_ns),
        ("supplied", t.data_ns),
        ("locked", t.locked_ns),
        ("issued", t.issued_ns),
        ("started", t.started_ns),
        ("finished", t.finished_ns),
    ];
    // It may have been placed before it was ready.
    super::in_order(facts, Party::Task(t.task), &[life[0], life[2]], out);
    super::in_order(facts, Party::Task(t.task), &life[1..], out);
}

fn place(facts: &Facts, t: &TaskRecord, out: &mut Vec<Violation>) {
    let &TaskRecord { task, device, lane, lanes, .. } = t;
    let own = facts.cluster.lanes(device);
    let first = facts.cluster.first_lane(device).0;
    let end = first + own.len() as u32;
    if lane.0 < first || lane.0 + lanes > end {
        out.push(Violation::LaneOfOtherDevice { task, device, lane, lanes });
    }
    let cores = facts.trace.graph.task(task).cores;
    if lanes != cores {
        out.push(Violation::WrongLaneCount { task, lanes, cores });
    }
    if !can_run(facts, task, device) {
        out.push(Violation::CannotRunThere { task, device });
    }
}

/// Whether the task's costs have an entry for the device, by its name or else by its class.
fn can_run(facts: &Facts, task: TaskId, device: DeviceId) -> bool {
    let graph = &facts.trace.graph;
    let Cost::Table(row) = graph.task(task).cost else { return true };
    let spec = facts.cluster.device(device);
    let column = |name: &str| graph.columns().iter().position(|c| c == name);
    let column = column(&spec.name).or_else(|| column(&spec.class));
    column.is_some_and(|c| graph.cost_row(row)[c] != Ns::MAX)
}

/// No lane runs two tasks at once: in the order of their ends, none starts before the end of the
/// one before it. Sorting makes this `n log n` in tasks times lanes.
fn lanes(facts: &Facts, out: &mut Vec<Violation>) {
    let mut runs: Vec<(LaneId, Ns, Ns, TaskId)> = Vec::with_capacity(facts.trace.tasks.len());
    for t in &facts.trace.tasks {
        let lanes = (t.lane.0..t.lane.0 + t.lanes).map(LaneId);
        runs.extend(lanes.map(|lane| (lane, t.finished_ns, t.started_ns, t.task)));
    }
    for t in &facts.trace.losses.attempts {
        let lanes = (t.lane.0..t.lane.0 + t.lanes).map(LaneId);
        runs.extend(lanes.map(|lane| (lane, t.ended_ns, t.issued_ns, t.task)));
    }
    runs.sort_unstable();
    for pair in runs.windows(2).filter(|w| w[0].0 == w[1].0) {
        let (lane, first_end_ns, _, first) = pair[0];
        let (_, _, second_start_ns, second) = pair[1];
        if facts.is_after(first_end_ns, second_start_ns) {
            out.push(Violation::LaneDoubleBooked {
                lane,
                first,
                first_end_ns,
                second,
                second_start_ns,
            });
        }
    }
}

/// Members of a gang are issued at one instant, but for those that run again by themselves. In
/// simulation they start together too, but for
/// the issue latency of their devices and 1 ns; on hardware their threads wake when they wake.
fn gangs(facts: &Facts, out: &mut Vec<Violation>) {
    let losses = &facts.trace.losses.attempts;
    let is_lost: BTreeSet<TaskId> = losses.iter().map(|t| t.task).collect();
    let member = |t: &TaskRecord| facts.trace.graph.task(t.task).gang.map(|g| (g, *t));
    let first = facts.trace.graph.task_ids().filter_map(|t| facts.attempt(t));
    let mut members: Vec<(GangId, TaskRecord)> =
        first.filter(|t| !is_lost.contains(&t.task)).filter_map(member).collect();
    members.sort_by_key(|m| (m.0, m.1.task));
    let issued = |t: &TaskRecord| t.issued_ns;
    let started =
        |t: &TaskRecord| t.started_ns.saturating_sub(facts.cluster.device(t.device).issue_ns);
    for gang in members.chunk_by(|a, b| a.0 == b.0) {
        together(facts, gang, "issued", issued, 0, out);
        if facts.is_simulated {
            together(facts, gang, "started", started, 1, out);
        }
    }
}

fn together(
    facts: &Facts,
    gang: &[(GangId, TaskRecord)],
    stage: &'static str,
    stamp: impl Fn(&TaskRecord) -> Ns,
    within_ns: Ns,
    out: &mut Vec<Violation>,
) {
    let first = gang.iter().min_by_key(|m| stamp(&m.1));
    let last = gang.iter().max_by_key(|m| stamp(&m.1));
    if let (Some((gang, first)), Some((_, last))) = (first, last) {
        let (first_ns, second_ns) = (stamp(first), stamp(last));
        if facts.is_after(second_ns, first_ns.saturating_add(within_ns)) {
            let (first, second) = (first.task, last.task);
            let gang = *gang;
            out.push(Violation::GangApart { gang, stage, first, first_ns, second, second_ns });
        }
    }
}
