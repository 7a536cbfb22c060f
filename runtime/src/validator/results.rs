//! The end of a run: results at home, and when that was.

use super::Violation;
use super::facts::Facts;
use super::fills::{Fill, Fills, Look};
use crate::{MemoryId, Ns, ObjectId};

/// Every kept result that was made, or used, is at home in its last version at the end, and the
/// makespan is when the last task had ended and the last of them was there.
pub(super) fn check(facts: &Facts, fills: &Fills, out: &mut Vec<Violation>) {
    let trace = facts.trace;
    let mut end_ns = trace.tasks.iter().map(|t| t.finished_ns).max().unwrap_or(0);
    let mut is_complete = trace.graph.task_ids().all(|t| facts.attempt(t).is_some());
    let final_homes = final_homes(facts);
    let at_end = Look { at_ns: Ns::MAX, is_momentary: false, newest: u32::MAX };
    for object in trace.graph.object_ids() {
        let plain = trace.graph.object(object);
        // What the program still holds is not finished; what was never used is where it was.
        let expected = facts.writes(object);
        if !plain.keep || plain.held || facts.uses(object).is_empty() {
            continue;
        }
        let home = facts.cluster.home(plain.home);
        let rank = final_homes[object.index()];
        let found = rank.and_then(|r| fills.content(r as usize, at_end));
        let is_there = found.is_some_and(|v| (v.least..=v.most).contains(&expected));
        let back = facts.rollbacks(object).last().map_or(0, |r| r.at_ns);
        let arrived = |r: u32| arrival(fills, r as usize, expected, back);
        match rank.filter(|_| is_there).and_then(arrived) {
            Some(arrived_ns) => end_ns = end_ns.max(arrived_ns),
            None => {
                is_complete = false;
                out.push(Violation::ResultNotHome { object, home, expected, found });
            }
        }
    }
    if is_complete && end_ns.abs_diff(trace.makespan_ns) > facts.slack_ns {
        let (recorded_ns, expected_ns) = (trace.makespan_ns, end_ns);
        out.push(Violation::WrongMakespan { recorded_ns, expected_ns });
    }
}

/// By object: the buffer at home that lived to the end.
fn final_homes(facts: &Facts) -> Vec<Option<u32>> {
    let graph = &facts.trace.graph;
    let mut homes = vec![None; graph.object_count()];
    for rank in 0..facts.instances().len() {
        let buffer = facts.buffer(rank);
        let home = |o: ObjectId| -> MemoryId { facts.cluster.home(graph.object(o).home) };
        if let Some(object) = buffer.object
            && buffer.released_ns == Ns::MAX
            && buffer.memory == home(object)
        {
            homes[object.index()] = Some(rank as u32);
        }
    }
    homes
}

/// When a version first was in a buffer, from an instant on.
fn arrival(fills: &Fills, rank: usize, version: u32, from_ns: Ns) -> Option<Ns> {
    let holds =
        |f: &&Fill| f.end_ns >= from_ns && (f.versions.least..=f.versions.most).contains(&version);
    let fills = fills.written(rank).iter().chain(fills.copied(rank));
    fills.filter(holds).map(|f| f.end_ns).min()
}
