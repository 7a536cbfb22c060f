//! What is learned from a conflict: the first unique implication point (Marques-Silva and
//! Sakallah, 1999), on bounds of integers (Ohrimenko, Stuckey and Codish, 2009).

use super::nogoods::Nogood;
use super::solver::{Solver, Variable};
use super::trail::{Literal, Reason};

/// Literals by key, at most one each.
pub struct Learner {
    /// By key: the value needed; `i64::MIN` = none.
    needed: Vec<i64>,
    /// By key: whether the present level made it hold.
    is_present: Vec<bool>,
    keys: Vec<u32>,
    /// Of the present level.
    count: usize,
    literals: Vec<Literal>,
    /// Variables met on the way.
    pub met: Vec<u32>,
}

const NOT_NEEDED: i64 = i64::MIN;

/// What was learned.
pub struct Lesson {
    /// The one to be ruled out first, then one of the highest level below.
    pub literals: Vec<Literal>,
    /// Where to go back to.
    pub level: u32,
    pub spread: u32,
}

impl Learner {
    /// For so many keys.
    pub fn new(keys: usize) -> Self {
        Self {
            needed: vec![NOT_NEEDED; keys],
            is_present: vec![false; keys],
            keys: Vec::new(),
            count: 0,
            literals: Vec::new(),
            met: Vec::new(),
        }
    }

    /// Learns from the solver's conflict; `None` when it needs no decision at all.
    pub fn learn(&mut self, solver: &mut Solver<'_>) -> Option<Lesson> {
        let conflict = std::mem::take(&mut solver.conflict);
        let level =
            |l: &Literal| solver.trail.cause(*l).map_or(0, |at| solver.trail.entry(at).level);
        let present = conflict.iter().map(level).max().unwrap_or(0);
        if present == 0 {
            return None;
        }
        solver.undo_to(present);
        self.clear();
        self.met.clear();
        conflict.iter().for_each(|l| self.need(solver, *l, present));
        solver.conflict = conflict;
        let mut at = solver.trail.len();
        let decisive = loop {
            at -= 1;
            let entry = *solver.trail.entry(at);
            let value = self.needed[entry.key as usize];
            if value <= entry.old {
                continue;
            }
            let literal = Literal { key: entry.key, value };
            if self.count == 1 && !is_ruled_out(solver, literal, at) {
                break literal;
            }
            self.drop(entry.key);
            let mut literals = std::mem::take(&mut self.literals);
            literals.clear();
            solver.explain(literal, entry.reason, at, &mut literals);
            literals.iter().for_each(|l| self.need(solver, *l, present));
            self.literals = literals;
            if self.count == 0 {
                solver.conflict = self.needed();
                return self.learn(solver);
            }
        };
        Some(self.lesson(solver, decisive))
    }

    /// All literals needed now.
    fn needed(&self) -> Vec<Literal> {
        let value = |key: u32| self.needed[key as usize];
        let keys = self.keys.iter().copied().filter(|key| value(*key) != NOT_NEEDED);
        keys.map(|key| Literal { key, value: value(key) }).collect()
    }

    fn clear(&mut self) {
        for key in self.keys.drain(..) {
            self.needed[key as usize] = NOT_NEEDED;
            self.is_present[key as usize] = false;
        }
        self.count = 0;
    }

    fn drop(&mut self, key: u32) {
        self.needed[key as usize] = NOT_NEEDED;
        self.count -= usize::from(std::mem::take(&mut self.is_present[key as usize]));
    }

    fn need(&mut self, solver: &Solver<'_>, literal: Literal, present: u32) {
        let key = literal.key as usize;
        if self.needed[key] >= literal.value {
            return;
        }
        let Some(cause) = solver.trail.cause(literal) else { return };
        let level = solver.trail.entry(cause).level;
        if level == 0 {
            return;
        }
        self.met.push(literal.variable() as u32);
        if self.needed[key] == NOT_NEEDED {
            self.keys.push(literal.key);
        }
        self.needed[key] = literal.value;
        if level == present && !std::mem::replace(&mut self.is_present[key], true) {
            self.count += 1;
        }
    }

    /// The needed literals without those that follow from others.
    fn lesson(&mut self, solver: &Solver<'_>, decisive: Literal) -> Lesson {
        self.keys.sort_unstable();
        self.keys.dedup();
        let mut others: Vec<(u32, Literal)> = Vec::new();
        for &key in &self.keys {
            let value = self.needed[key as usize];
            if value == NOT_NEEDED || key == decisive.key {
                continue;
            }
            let literal = Literal { key, value };
            let Some(cause) = solver.trail.cause(literal) else { continue };
            let entry = solver.trail.entry(cause);
            if entry.reason != Reason::None && self.follows(solver, literal, entry.reason, cause) {
                continue;
            }
            others.push((entry.level, literal));
        }
        others.sort_by_key(|(level, literal)| (std::cmp::Reverse(*level), literal.key));
        let level = others.first().map_or(0, |o| o.0);
        let mut levels: Vec<u32> = others.iter().map(|o| o.0).collect();
        levels.dedup();
        let literals = std::iter::once(decisive).chain(others.iter().map(|o| o.1)).collect();
        Lesson { literals, level, spread: 1 + levels.len() as u32 }
    }

    /// Whether all literals from which this one follows are needed anyway.
    fn follows(&self, solver: &Solver<'_>, literal: Literal, reason: Reason, at: usize) -> bool {
        let mut literals = Vec::new();
        solver.explain(literal, reason, at, &mut literals);
        literals.iter().all(|l| {
            self.needed[l.key as usize] >= l.value
                || solver.trail.cause(*l).is_none_or(|c| solver.trail.entry(c).level == 0)
        })
    }
}

/// Whether a bound of a start was ruled out before the change `at` made it hold all the same: to
/// rule it out once more would teach nothing.
fn is_ruled_out(solver: &Solver<'_>, literal: Literal, at: usize) -> bool {
    let Variable::Start(i, p) = solver.variable(literal.variable()) else { return false };
    let held = |l: Literal| solver.trail.before(l.key as usize, at) >= l.value;
    held(literal.negated()) && held(solver.is_on(i as usize, p as usize))
}

impl Solver<'_> {
    /// Goes back and rules out what was learned; 0 = the makespan cannot be that short.
    pub fn apply(&mut self, lesson: Lesson) -> Result<(), super::solver::Conflict> {
        self.undo_to(lesson.level);
        let first = lesson.literals[0];
        if lesson.literals.len() == 1 {
            return self.set_not(first, Reason::None);
        }
        let nogood = Nogood { literals: lesson.literals, spread: lesson.spread, activity: 0.0 };
        let at = self.nogoods.add(nogood);
        self.set_not(first, Reason::Nogood(at))
    }
}
