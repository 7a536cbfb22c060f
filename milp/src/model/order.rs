//! Order on lanes: the two formulations.

use super::Model;
use super::rows::Terms;
use crate::instance::{Instance, NEVER};
use crate::solver::{Column, Kind};
use crate::windows::Windows;

/// Lanes on which two tasks can both be, with the columns that put each there.
struct Meeting {
    first: Vec<Column>,
    second: Vec<Column>,
    /// Whether the first may come before the second there, and the other way round.
    orders: (bool, bool),
}

/// Calls `each` with every pair of tasks that no dependency orders and that can meet on a lane.
fn each_pair(
    model: &mut Model,
    instance: &Instance,
    windows: &Windows,
    mut each: impl FnMut(&mut Model, (usize, usize), &[Meeting]),
) {
    let reach = Reach::new(instance);
    for second in 0..instance.len() {
        for first in (0..second).filter(|f| !reach.precedes(*f, second)) {
            let meetings = meetings(model, instance, windows, first, second);
            if !meetings.is_empty() {
                each(model, (first, second), &meetings);
            }
        }
    }
}

fn meetings(
    model: &Model,
    instance: &Instance,
    windows: &Windows,
    first: usize,
    second: usize,
) -> Vec<Meeting> {
    let lanes = 0..instance.lanes.len();
    let starts = |task: usize, lane: usize| {
        let from = (lane + 1).saturating_sub(instance.cores[task]);
        (from..=lane).filter(move |l| model.place[instance.at(task, *l)].is_some())
    };
    let meeting = |lane: usize| {
        let a = model.covers(instance, first, lane);
        let b = model.covers(instance, second, lane);
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let may = |before: usize, after: usize| {
            starts(before, lane).any(|l| {
                starts(after, lane).any(|m| windows.may_precede(instance, (before, l), (after, m)))
            })
        };
        let orders = (may(first, second), may(second, first));
        Some(Meeting { first: a, second: b, orders })
    };
    lanes.filter_map(meeting).collect()
}

/// One order binary per pair, disjunctive rows per lane.
pub(super) fn assignment(model: &mut Model, instance: &Instance, windows: &Windows) {
    each_pair(model, instance, windows, |model, pair, meetings| {
        let needs_choice = meetings.iter().any(|m| m.orders.0 && m.orders.1);
        let forward = meetings.iter().any(|m| m.orders.0);
        let backward = meetings.iter().any(|m| m.orders.1);
        // 1 = the first task comes first.
        let first_comes_first = match (needs_choice, forward, backward) {
            (false, false, false) => None,
            (false, true, false) => Some(model.program.column(0.0, 1.0, 1.0, Kind::Integer)),
            (false, false, true) => Some(model.program.column(0.0, 0.0, 0.0, Kind::Integer)),
            _ => Some(model.program.binary()),
        };
        model.before.extend(first_comes_first.map(|c| (c, pair.0, pair.1)));
        for meeting in meetings {
            match (meeting.orders, first_comes_first) {
                ((false, false), _) | (_, None) => apart(model, meeting),
                (orders, Some(choice)) => {
                    disjunction(model, instance, windows, pair, meeting, orders, choice);
                }
            }
        }
    });
}

/// The two tasks are not both on the lane.
fn apart(model: &mut Model, meeting: &Meeting) {
    let columns = meeting.first.iter().chain(&meeting.second);
    let terms: Terms = columns.map(|c| (*c, 1.0)).collect();
    model.program.at_most(1.0, &terms);
}

fn disjunction(
    model: &mut Model,
    instance: &Instance,
    windows: &Windows,
    (first, second): (usize, usize),
    meeting: &Meeting,
    orders: (bool, bool),
    choice: Column,
) {
    let both = || meeting.first.iter().chain(&meeting.second).copied();
    // choice = 1: start(second) >= end(first) - M (2 - both there) - M (1 - choice)
    for (possible, before, after, sign) in
        [(orders.0, first, second, 1.0), (orders.1, second, first, -1.0)]
    {
        if !possible {
            // Both there means the other order.
            let mut terms: Terms = both().map(|c| (c, 1.0)).collect();
            terms.push((choice, sign));
            model.program.at_most(2.0 + (sign - 1.0) / 2.0, &terms);
            continue;
        }
        let large = large_number(model, instance, windows, before, after);
        if large <= 0.0 {
            continue;
        }
        let mut terms = vec![(model.start[after], 1.0)];
        model.end(instance, before, -1.0, &mut terms);
        terms.extend(both().map(|c| (c, -large)));
        terms.push((choice, -sign * large));
        // 2 M from the two placements, and M for the choice that is made: 1 or 0.
        let constant = 2.0 + (sign + 1.0) / 2.0;
        model.program.at_least(-constant * large, &terms);
    }
}

/// By how much `after` may start before `before` ends, at most, in units.
fn large_number(
    model: &Model,
    instance: &Instance,
    windows: &Windows,
    before: usize,
    after: usize,
) -> f64 {
    let last_end = model.units(windows.last_end_ns(instance, before));
    last_end - model.units(windows.earliest_start_ns(after))
}

/// A binary per ordered pair: the first ends before the second starts.
pub(super) fn sigma(model: &mut Model, instance: &Instance, windows: &Windows) {
    each_pair(model, instance, windows, |model, (first, second), meetings| {
        let mut before = |a: usize, b: usize, possible: bool| {
            if !possible {
                return None;
            }
            let sigma = model.program.binary();
            let large = large_number(model, instance, windows, a, b).max(0.0);
            let mut terms = vec![(model.start[b], 1.0), (sigma, -large)];
            model.end(instance, a, -1.0, &mut terms);
            model.program.at_least(-large, &terms);
            model.before.push((sigma, a, b));
            Some(sigma)
        };
        let forward = before(first, second, meetings.iter().any(|m| m.orders.0));
        let backward = before(second, first, meetings.iter().any(|m| m.orders.1));
        if let (Some(forward), Some(backward)) = (forward, backward) {
            model.program.at_most(1.0, &[(forward, 1.0), (backward, 1.0)]);
        }
        for meeting in meetings {
            let columns = meeting.first.iter().chain(&meeting.second);
            let mut terms: Terms = columns.map(|c| (*c, 1.0)).collect();
            let chosen = [(meeting.orders.0, forward), (meeting.orders.1, backward)];
            for (possible, sigma) in chosen {
                terms.extend(sigma.filter(|_| possible).map(|s| (s, -1.0)));
            }
            model.program.at_most(1.0, &terms);
        }
    });
}

/// Which task comes before which through dependencies.
pub(crate) struct Reach {
    words: usize,
    bits: Vec<u64>,
}

impl Reach {
    /// Cost: edges × tasks / 64.
    pub fn new(instance: &Instance) -> Self {
        let words = instance.len().div_ceil(64);
        // Row of a task: its ancestors.
        let mut bits = vec![0u64; words * instance.len()];
        for edge in &instance.edges {
            let (earlier, later) = bits.split_at_mut(edge.to * words);
            let (from, to) = (&earlier[edge.from * words..][..words], &mut later[..words]);
            to.iter_mut().zip(from).for_each(|(to, from)| *to |= from);
            to[edge.from / 64] |= 1 << (edge.from % 64);
        }
        Self { words, bits }
    }

    /// Whether `first` is an ancestor of `second`.
    #[inline]
    pub fn precedes(&self, first: usize, second: usize) -> bool {
        self.bits[second * self.words + first / 64] >> (first % 64) & 1 == 1
    }

    /// Pairs of tasks that neither precedes the other and that have a lane in common.
    pub fn pairs(&self, instance: &Instance) -> u64 {
        let runs =
            |task: usize, lane: usize| instance.duration_ns[instance.at(task, lane)] != NEVER;
        let meet = |a: usize, b: usize| {
            (0..instance.lanes.len()).any(|l| runs(a, l) && runs(b, l))
                || instance.cores[a] + instance.cores[b] > 2
        };
        let pairs = (0..instance.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        pairs.filter(|(a, b)| !self.precedes(*a, *b) && meet(*a, *b)).count() as u64
    }
}
