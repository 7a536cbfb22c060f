//! Rows that every formulation has: one lane per task, windows, dependencies, resident memory.

use super::{Model, gcd};
use crate::instance::{Edge, Instance};
use crate::solver::Column;
use crate::windows::Windows;

/// Terms of a row.
pub(super) type Terms = Vec<(Column, f64)>;

impl Model {
    /// The open lanes of a task with their columns.
    pub(super) fn places(&self, instance: &Instance, task: usize) -> Vec<(usize, Column)> {
        let lanes = 0..instance.lanes.len();
        lanes.filter_map(|l| Some((l, self.place[instance.at(task, l)]?))).collect()
    }

    /// `factor` times the end of a task: its start and its duration where it is.
    pub(super) fn end(&self, instance: &Instance, task: usize, factor: f64, terms: &mut Terms) {
        terms.push((self.start[task], factor));
        for (lane, column) in self.places(instance, task) {
            let units = self.units(instance.duration_ns[instance.at(task, lane)]);
            terms.push((column, factor * units));
        }
    }

    /// The columns that put a task on a lane, whichever lane it starts on.
    pub(super) fn covers(&self, instance: &Instance, task: usize, lane: usize) -> Vec<Column> {
        let first = (lane + 1).saturating_sub(instance.cores[task]);
        (first..=lane).filter_map(|l| self.place[instance.at(task, l)]).collect()
    }
}

/// Each task on one lane, within its window there, before the makespan by its tail; groups that
/// share a memory do.
pub(super) fn assign(model: &mut Model, instance: &Instance, windows: &Windows) {
    for task in 0..instance.len() {
        let places = model.places(instance, task);
        let one: Terms = places.iter().map(|(_, c)| (*c, 1.0)).collect();
        model.program.row(1.0, 1.0, &one);
        // start >= head where it is; start + duration <= latest end where it is.
        let mut after = vec![(model.start[task], 1.0)];
        let mut before = vec![(model.makespan, 1.0)];
        let mut by = vec![(model.start[task], 1.0)];
        model.end(instance, task, -1.0, &mut before);
        for &(lane, column) in &places {
            let at = instance.at(task, lane);
            after.push((column, -model.units(windows.head_ns[at])));
            before.push((column, -model.units(windows.tail_ns[at])));
            if instance.deadline_ns[at] != runtime::Ns::MAX {
                let end_ns = windows.latest_end_ns(instance, task, lane);
                by.push((column, -model.units(end_ns - instance.duration_ns[at])));
            } else {
                let last_ns = windows.limit_ns - instance.duration_ns[at];
                by.push((column, -model.units(last_ns)));
            }
        }
        model.program.at_least(0.0, &after);
        model.program.at_least(0.0, &before);
        if places
            .iter()
            .any(|(l, _)| instance.deadline_ns[instance.at(task, *l)] != runtime::Ns::MAX)
        {
            model.program.at_most(0.0, &by);
        }
    }
    for group in &instance.together {
        for pair in group.windows(2) {
            for memory in 0..instance.memories {
                let in_memory = |task: usize, factor: f64| -> Terms {
                    let places = model.places(instance, task).into_iter();
                    let here = places.filter(|(l, _)| instance.memory_of[*l] == memory);
                    here.map(|(_, c)| (c, factor)).collect()
                };
                let mut terms = in_memory(pair[0], 1.0);
                terms.extend(in_memory(pair[1], -1.0));
                model.program.row(0.0, 0.0, &terms);
            }
        }
    }
}

/// The later task of an edge starts when the data of the earlier one could be there.
///
/// One row per memory `a` of the earlier task: `start(to) >= end(from) + delay(a, where to is) -
/// slack`, where the slack is what the row asks too much when the earlier task is elsewhere. No
/// product of two placements is linearised.
pub(super) fn depend(model: &mut Model, instance: &Instance, windows: &Windows) {
    for edge in &instance.edges {
        let memories_of = |task: usize| {
            let mut all: Vec<usize> =
                windows.lanes_of(task).map(|l| instance.memory_of[l]).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let (from, to) = (memories_of(edge.from), memories_of(edge.to));
        let mut plain = vec![(model.start[edge.to], 1.0)];
        model.end(instance, edge.from, -1.0, &mut plain);
        let delays = |a: usize| to.iter().map(move |b| instance.delay_ns(edge, a, *b));
        if from.iter().all(|a| delays(*a).all(|ns| ns == 0)) {
            model.program.at_least(0.0, &plain);
            continue;
        }
        for &a in &from {
            let mut terms = plain.clone();
            travel(model, instance, edge, a, &to, &mut terms);
            model.program.at_least(0.0, &terms);
        }
    }
}

/// The terms of one row of [`depend`] that say how long the data travel.
fn travel(
    model: &Model,
    instance: &Instance,
    edge: &Edge,
    a: usize,
    to: &[usize],
    terms: &mut Terms,
) {
    for (lane, column) in model.places(instance, edge.to) {
        let delay_ns = instance.delay_ns(edge, a, instance.memory_of[lane]);
        terms.push((column, -model.units(delay_ns)));
    }
    for (lane, column) in model.places(instance, edge.from) {
        let here = instance.memory_of[lane];
        let excess = |b: &usize| {
            let (asked, needed) =
                (instance.delay_ns(edge, a, *b), instance.delay_ns(edge, here, *b));
            model.units(asked) - model.units(needed)
        };
        let slack = to.iter().map(excess).fold(f64::NEG_INFINITY, f64::max);
        terms.push((column, slack));
    }
}

/// What the tasks of a memory keep there fits into it.
pub(super) fn reside(model: &mut Model, instance: &Instance, windows: &Windows) {
    if instance.resident_bytes.is_empty() {
        return;
    }
    for memory in 0..instance.memories {
        let Some(capacity) = instance.capacity_bytes[memory] else { continue };
        let mut terms = Terms::new();
        // Small whole numbers where there is a common divisor for it, else in ten-thousandths of
        // the capacity: bytes would dwarf the other rows.
        let common = instance.resident_bytes.iter().fold(capacity, |all, b| gcd(all, *b)).max(1);
        let unit = match capacity / common <= 1_000_000 {
            true => common as f64,
            false => capacity as f64 / 10_000.0,
        };
        for task in 0..instance.len() {
            let share = instance.resident_bytes[task] as f64 / unit;
            for lane in windows.lanes_of(task).filter(|l| instance.memory_of[*l] == memory) {
                let column = model.place[instance.at(task, lane)];
                terms.extend(column.map(|c| (c, share)));
            }
        }
        model.program.at_most(capacity as f64 / unit, &terms);
    }
}
