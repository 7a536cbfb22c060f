//! Load rows between tasks: what must run after one task and before another fits between them.
//!
//! The load rows of [`super::strengthen`] compare with the makespan; these compare with the start
//! of a task, so that a relaxation adds up what has to happen before a join and after it.

use super::Model;
use super::order::Reach;
use super::rows::Terms;
use crate::instance::{Edge, Instance};
use crate::windows::Windows;
use runtime::Ns;

/// Rows at most; a model of thirty tasks on four lanes has about a thousand.
const MOST_ROWS: usize = 4000;

/// Heads tried per task and lane.
const HEADS: usize = 3;

/// For tasks `b` and lanes: `start(b) >= end(a) + durations of what comes between a and b there`,
/// and the same with a head in the place of `end(a)`; mirrored with tails for what follows a task.
pub(super) fn load_between(model: &mut Model, instance: &Instance, windows: &Windows) {
    let reach = Reach::new(instance);
    let first_row = model.program.rows();
    for task in 0..instance.len() {
        let before: Vec<usize> = (0..task).filter(|a| reach.precedes(*a, task)).collect();
        let after: Vec<usize> =
            (task + 1..instance.len()).filter(|b| reach.precedes(task, *b)).collect();
        from_heads(model, instance, windows, task, &before);
        to_tails(model, instance, windows, task, &after);
        let mut seen: Vec<Vec<usize>> = Vec::new();
        for &from in before.iter().rev() {
            if model.program.rows() - first_row > MOST_ROWS {
                return;
            }
            let between: Vec<usize> =
                before.iter().copied().filter(|t| reach.precedes(from, *t)).collect();
            if between.len() < 2 || seen.contains(&between) {
                continue;
            }
            for lane in 0..instance.lanes.len() {
                let mut terms = vec![(model.start[task], 1.0)];
                model.end(instance, from, -1.0, &mut terms);
                add_load(model, instance, lane, &between, &mut terms);
                model.program.at_least(0.0, &terms);
                with_travel(model, instance, (from, task), lane, &between, &terms);
            }
            seen.push(between);
        }
    }
}

/// The row of a lane between a fork and its join, once for each task between them: if that task is
/// there and the fork is in another memory, the least travel from the fork comes first; if the join
/// is in another memory, the least travel to it comes last.
fn with_travel(
    model: &mut Model,
    instance: &Instance,
    (fork, join): (usize, usize),
    lane: usize,
    between: &[usize],
    row: &Terms,
) {
    let edge =
        |from: usize, to: usize| instance.edges.iter().find(|e| (e.from, e.to) == (from, to));
    let into: Option<Vec<&Edge>> = between.iter().map(|t| edge(fork, *t)).collect();
    let out: Option<Vec<&Edge>> = between.iter().map(|t| edge(*t, join)).collect();
    let here = instance.memory_of[lane];
    let others = || (0..instance.memories).filter(|m| *m != here);
    let least = |edges: &Option<Vec<&Edge>>, delay: &dyn Fn(&Edge, usize) -> Ns| {
        let all = edges.iter().flatten().flat_map(|e| others().map(|m| delay(e, m)));
        all.min().unwrap_or(0)
    };
    let into_ns = least(&into, &|e, m| instance.delay_ns(e, m, here));
    let out_ns = least(&out, &|e, m| instance.delay_ns(e, here, m));
    if into_ns + out_ns == 0 {
        return;
    }
    let placed_here = |model: &Model, task: usize, units: f64| -> Terms {
        let places = model.places(instance, task).into_iter();
        places.filter(|(l, _)| instance.memory_of[*l] == here).map(|(_, c)| (c, units)).collect()
    };
    for &task in between {
        let there = model.covers(instance, task, lane);
        if there.is_empty() {
            continue;
        }
        let mut terms = row.clone();
        let (into, out) = (model.units(into_ns), model.units(out_ns));
        terms.extend(there.into_iter().map(|c| (c, -into - out)));
        terms.extend(placed_here(model, fork, into));
        terms.extend(placed_here(model, join, out));
        model.program.at_least(0.0, &terms);
    }
}

/// `start(task) >= h + durations on the lane of those before it that cannot start before h`.
fn from_heads(
    model: &mut Model,
    instance: &Instance,
    windows: &Windows,
    task: usize,
    before: &[usize],
) {
    for (head_ns, late) in thresholds(before, |t| windows.earliest_start_ns(t)) {
        for lane in 0..instance.lanes.len() {
            let mut terms = vec![(model.start[task], 1.0)];
            add_load(model, instance, lane, &late, &mut terms);
            let least = model.units(head_ns);
            model.program.at_least(least, &terms);
        }
    }
}

/// `makespan >= end(task) + durations on the lane of those after it with a tail of at least t + t`.
fn to_tails(
    model: &mut Model,
    instance: &Instance,
    windows: &Windows,
    task: usize,
    after: &[usize],
) {
    let least_tail_ns = |t: usize| {
        let tails = windows.lanes_of(t).map(|l| windows.tail_ns[instance.at(t, l)]);
        tails.min().unwrap_or(0)
    };
    for (tail_ns, early) in thresholds(after, least_tail_ns) {
        for lane in 0..instance.lanes.len() {
            let mut terms = vec![(model.makespan, 1.0)];
            model.end(instance, task, -1.0, &mut terms);
            add_load(model, instance, lane, &early, &mut terms);
            let least = model.units(tail_ns);
            model.program.at_least(least, &terms);
        }
    }
}

/// A few thresholds and the tasks whose value reaches each: two at least, none twice.
///
/// A threshold is the least value of its tasks, so the row holds on lanes with none of them too:
/// the task waits for all of them.
fn thresholds(tasks: &[usize], value: impl Fn(usize) -> Ns) -> Vec<(Ns, Vec<usize>)> {
    let mut values: Vec<Ns> = tasks.iter().map(|t| value(*t)).collect();
    values.sort_unstable();
    values.dedup();
    let step = values.len().div_ceil(HEADS).max(1);
    let chosen = values.into_iter().step_by(step);
    let reaching = |ns: Ns| tasks.iter().copied().filter(|t| value(*t) >= ns).collect::<Vec<_>>();
    chosen.map(|ns| (ns, reaching(ns))).filter(|(_, tasks)| tasks.len() > 1).collect()
}

/// Subtracts the durations of those of `tasks` that are on a lane.
fn add_load(model: &Model, instance: &Instance, lane: usize, tasks: &[usize], terms: &mut Terms) {
    for &task in tasks {
        let first = (lane + 1).saturating_sub(instance.cores[task]);
        for at in (first..=lane).map(|l| instance.at(task, l)) {
            if let Some(column) = model.place[at] {
                terms.push((column, -model.units(instance.duration_ns[at])));
            }
        }
    }
}
