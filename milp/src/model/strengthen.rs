//! Rows that no integer solution needs and every relaxation wants: load and symmetry.

use super::Model;
use super::rows::Terms;
use crate::instance::Instance;
use crate::windows::Windows;
use runtime::Ns;

/// Heads and tails tried per lane: their product bounds the load rows of a lane.
const THRESHOLDS: usize = 8;

/// What runs on a lane between an instant `h` and the makespan less `t` fits there, for several
/// `h` and `t`: `h + sum of overlaps + t <= makespan`.
///
/// A task's overlap is what of it must lie in that window if it is on the lane, started as early or
/// as late as it may be (energetic reasoning; with `h = t = 0` it is the load of the lane,
/// E. Fernandez and B. Bussell, IEEE TC 1973, for the windowed load). Only windows that exist
/// whatever runs where are of use: `h + t` up to the lower bound of the makespan.
pub(super) fn load(model: &mut Model, instance: &Instance, windows: &Windows) {
    let least_makespan = model.program.bounds(model.makespan).0;
    for lane in 0..instance.lanes.len() {
        let there: Vec<usize> =
            (0..instance.len()).filter(|t| !model.covers(instance, *t, lane).is_empty()).collect();
        let heads = |t: &usize| start_lanes(model, instance, *t, lane).map(|a| windows.head_ns[a]);
        let tails = |t: &usize| start_lanes(model, instance, *t, lane).map(|a| windows.tail_ns[a]);
        let heads = spread(there.iter().flat_map(heads).collect());
        let tails = spread(there.iter().flat_map(tails).collect());
        let mut last: Option<(f64, Terms)> = None;
        for &head_ns in &heads {
            for &tail_ns in &tails {
                let least = model.units(head_ns) + model.units(tail_ns);
                if least > least_makespan {
                    continue;
                }
                let terms = overlaps(model, instance, windows, lane, &there, head_ns, tail_ns);
                // The same tasks with a smaller constant say less.
                if terms.len() < 2 || last.as_ref().is_some_and(|l| l.1 == terms && l.0 >= least) {
                    continue;
                }
                model.program.at_least(least, &terms);
                last = Some((least, terms));
            }
        }
    }
}

/// Places of the arrays by task and lane at which a task would cover a lane.
fn start_lanes(
    model: &Model,
    instance: &Instance,
    task: usize,
    lane: usize,
) -> impl Iterator<Item = usize> {
    let first = (lane + 1).saturating_sub(instance.cores[task]);
    let all = (first..=lane).map(|l| instance.at(task, l));
    all.filter(|at| model.place[*at].is_some()).collect::<Vec<_>>().into_iter()
}

/// At most [`THRESHOLDS`] of the values, evenly spread in rank, the least included.
fn spread(mut values: Vec<Ns>) -> Vec<Ns> {
    values.sort_unstable();
    values.dedup();
    let count = values.len();
    match count <= THRESHOLDS {
        true => values,
        false => (0..THRESHOLDS).map(|i| values[i * (count - 1) / (THRESHOLDS - 1)]).collect(),
    }
}

/// The makespan less the overlaps with the window, as terms.
fn overlaps(
    model: &Model,
    instance: &Instance,
    windows: &Windows,
    lane: usize,
    there: &[usize],
    head_ns: Ns,
    tail_ns: Ns,
) -> Terms {
    let mut terms = vec![(model.makespan, 1.0)];
    for &task in there {
        for at in start_lanes(model, instance, task, lane) {
            let duration_ns = instance.duration_ns[at];
            let early_ns = head_ns.saturating_sub(windows.head_ns[at]);
            let late_ns = tail_ns.saturating_sub(windows.tail_ns[at]);
            // Cut at both ends a task would fill the window, whose length is not known: nothing.
            let overlap_ns = match early_ns > 0 && late_ns > 0 {
                true => 0,
                false => duration_ns.saturating_sub(early_ns.max(late_ns)),
            };
            if overlap_ns > 0 {
                let column = model.place[at].expect("it is open");
                terms.push((column, -model.units(overlap_ns)));
            }
        }
    }
    terms
}

/// Of lanes that can be exchanged the first is used first: a task may go to the next one only if an
/// earlier task (in number) is on the one before.
pub(super) fn symmetry(model: &mut Model, instance: &Instance) {
    if instance.cores.iter().any(|c| *c > 1) {
        return;
    }
    for class in twins(instance) {
        for pair in class.windows(2) {
            for task in 0..instance.len() {
                let Some(column) = model.place[instance.at(task, pair[1])] else { continue };
                let earlier = (0..task).filter_map(|t| model.place[instance.at(t, pair[0])]);
                let mut terms: Terms = earlier.map(|c| (c, -1.0)).collect();
                terms.push((column, 1.0));
                model.program.at_most(0.0, &terms);
            }
        }
    }
}

/// Classes of two or more lanes any two of which can be exchanged without changing the instance.
fn twins(instance: &Instance) -> Vec<Vec<usize>> {
    let mut classes: Vec<Vec<usize>> = Vec::new();
    for lane in 0..instance.lanes.len() {
        match classes.iter_mut().find(|c| are_twins(instance, c[0], lane)) {
            Some(class) => class.push(lane),
            None => classes.push(vec![lane]),
        }
    }
    classes.retain(|c| c.len() > 1);
    classes
}

fn are_twins(instance: &Instance, a: usize, b: usize) -> bool {
    let rows =
        [&instance.duration_ns, &instance.release_ns, &instance.tail_ns, &instance.deadline_ns];
    let tasks = 0..instance.len();
    let same =
        |row: &Vec<Ns>| tasks.clone().all(|t| row[instance.at(t, a)] == row[instance.at(t, b)]);
    rows.into_iter().all(same)
        && memories_match(instance, instance.memory_of[a], instance.memory_of[b])
}

/// Whether data travel to and from both memories alike, and each holds nothing but its one lane
/// (or they are the same).
fn memories_match(instance: &Instance, a: usize, b: usize) -> bool {
    if a == b {
        return true;
    }
    let alone = |m: usize| instance.memory_of.iter().filter(|o| **o == m).count() == 1;
    let capacity = |m: usize| instance.capacity_bytes.get(m);
    let size = instance.memories;
    let alike = |table: &Vec<Ns>| {
        let others = (0..size).filter(|m| *m != a && *m != b);
        let mut pairs = others.map(|m| {
            (table[a * size + m], table[b * size + m], table[m * size + a], table[m * size + b])
        });
        table[a * size + b] == table[b * size + a]
            && table[a * size + a] == table[b * size + b]
            && pairs.all(|(from_a, from_b, to_a, to_b)| from_a == from_b && to_a == to_b)
    };
    alone(a)
        && alone(b)
        && capacity(a) == capacity(b)
        && instance.together.is_empty()
        && instance.delays_ns.iter().all(alike)
}
