//! Conflicts of many tasks at once: a processor's tasks do not fit between their earliest starts
//! and latest ends; the work of all does not fit the machine.

use super::solver::{Conflict, MAKESPAN, Solver};
use super::trail::Literal;

/// Weighted work that must fit between a head and a tail: the sum of `weight` over tasks and their
/// processors is at most `capacity * (makespan - outside)`.
#[derive(Clone, Debug)]
pub struct Row {
    /// By task and processor.
    pub weight: Vec<i64>,
    /// Per nanosecond.
    pub capacity: i64,
    /// Head and tail.
    pub outside: i64,
}

/// A task on a processor, as far as its window goes.
struct Stay {
    task: usize,
    earliest: i64,
    deadline: i64,
    duration: i64,
}

impl Solver<'_> {
    fn stay(&self, task: usize, p: usize) -> Stay {
        let start = self.start(task, p);
        let duration = self.model.duration[task * self.model.m + p];
        Stay {
            task,
            earliest: self.trail.low(start),
            deadline: self.trail.high(start) + duration,
            duration,
        }
    }

    /// The tasks that run on `p` fit into their windows, and none that does not fit is added.
    pub(super) fn crowd(&mut self, p: usize) -> Result<(), Conflict> {
        let tasks = 0..self.model.n;
        let is_there = |i: &usize| self.trail.is_true(self.on(*i, p));
        let mut there: Vec<Stay> =
            tasks.clone().filter(is_there).map(|i| self.stay(i, p)).collect();
        let is_open = |i: &usize| self.may(*i, p) && !is_there(i);
        let mut open: Vec<Stay> = tasks.filter(is_open).map(|i| self.stay(i, p)).collect();
        there.sort_by_key(|s| (-s.earliest, s.task));
        let mut deadlines: Vec<i64> = there.iter().map(|s| s.deadline).collect();
        deadlines.sort_unstable();
        deadlines.dedup();
        for deadline in deadlines {
            let mut work = 0;
            for at in 0..there.len() {
                if there[at].deadline > deadline {
                    continue;
                }
                work += there[at].duration;
                let earliest = there[at].earliest;
                let room = deadline - earliest - work;
                if room < 0 {
                    let literals = self.crowded(p, &there[..=at], earliest, deadline, -room);
                    return self.clash(&literals);
                }
                let is_over = |s: &Stay| {
                    s.duration > room && s.earliest >= earliest && s.deadline <= deadline
                };
                while let Some(found) = open.iter().position(is_over) {
                    let extra = open.swap_remove(found);
                    let excess = extra.duration - room;
                    let mut literals = self.crowded(p, &there[..=at], earliest, deadline, excess);
                    let start = self.start(extra.task, p);
                    literals.push(Literal::at_least(start, earliest - (excess - 1)));
                    literals.push(Literal::at_most(start, deadline - extra.duration));
                    let reason = self.trail.store(&literals);
                    self.set(self.is_off(extra.task, p), reason)?;
                }
            }
        }
        Ok(())
    }

    /// The windows of the tasks that must lie between two instants, with `excess` to spare.
    fn crowded(
        &self,
        p: usize,
        there: &[Stay],
        earliest: i64,
        deadline: i64,
        excess: i64,
    ) -> Vec<Literal> {
        let mut literals = Vec::with_capacity(3 * there.len());
        for stay in there.iter().filter(|s| s.deadline <= deadline) {
            let start = self.start(stay.task, p);
            literals.push(self.is_on(stay.task, p));
            literals.push(Literal::at_least(start, earliest - (excess - 1)));
            literals.push(Literal::at_most(start, deadline - stay.duration));
        }
        literals
    }

    /// The work of all fits the machine.
    pub(super) fn load(&mut self) -> Result<(), Conflict> {
        (0..self.rows.len()).try_for_each(|row| self.load_row(row))
    }

    fn load_row(&mut self, row: usize) -> Result<(), Conflict> {
        let (n, m) = (self.model.n, self.model.m);
        let limit = self.limit(row);
        let least = |s: &Self, i: usize| {
            let able = (0..m).filter(|p| s.may(i, *p));
            able.map(|p| s.rows[row].weight[i * m + p]).min().unwrap_or(0)
        };
        let sum: i64 = (0..n).map(|i| least(self, i)).sum();
        if sum > limit {
            let literals = self.loaded(row, usize::MAX, sum - limit - 1);
            return self.clash(&literals);
        }
        for i in 0..n {
            let own = least(self, i);
            for p in 0..m {
                let excess = sum - own + self.rows[row].weight[i * m + p] - limit;
                if excess > 0 && self.may(i, p) {
                    let literals = self.loaded(row, i, excess - 1);
                    let reason = self.trail.store(&literals);
                    self.set(self.is_off(i, p), reason)?;
                }
            }
        }
        Ok(())
    }

    fn limit(&self, row: usize) -> i64 {
        let row = &self.rows[row];
        row.capacity * (self.trail.high(MAKESPAN) - row.outside)
    }

    /// Why the tasks other than `but` count as much as they do; `spare` of it need no reason.
    fn loaded(&self, row: usize, but: usize, mut spare: i64) -> Vec<Literal> {
        let m = self.model.m;
        let Row { weight, capacity, .. } = &self.rows[row];
        let mut literals = Vec::new();
        for i in (0..self.model.n).filter(|i| *i != but) {
            let row = &weight[i * m..][..m];
            let able = |p: &usize| self.model.is_able(i, *p);
            let least = (0..m).filter(able).map(|p| row[p]).min().unwrap_or(0);
            let may = (0..m).filter(|p| self.may(i, *p));
            let own = may.map(|p| row[p]).min().unwrap_or(0);
            if own - least <= spare {
                spare -= own - least;
                continue;
            }
            // Processors not much cheaper need no reason either.
            let mut cheaper: Vec<usize> = (0..m).filter(able).filter(|p| row[*p] < own).collect();
            cheaper.sort_by_key(|p| (row[*p], *p));
            let needed = own - spare;
            let mut kept = own;
            for p in cheaper {
                if row[p] < needed {
                    literals.push(self.is_off(i, p));
                } else {
                    kept = kept.min(row[p]);
                }
            }
            spare -= own - kept;
        }
        let high = self.trail.high(MAKESPAN);
        literals.push(Literal::at_most(MAKESPAN, high + spare / capacity.max(&1)));
        literals
    }

    /// Adds a row; it is looked at with the next propagation.
    pub fn add_row(&mut self, row: Row) {
        self.rows.push(row);
        self.rows_stale = true;
    }
}
