//! The search: decisions, restarts, makespans that are asked for.

use super::learn::Learner;
use super::load::Row;
use super::model::Model;
use super::solver::{MAKESPAN, Solver, Variable};
use super::trail::{Literal, Reason};
use runtime::Ns;
use runtime::registry::Clock;

/// When to stop without a proof.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Conflicts: dead ends of the search. The same everywhere and always.
    pub conflicts: u64,
    /// Planning time, where there is a clock; `None` = as long as it takes.
    pub time_ns: Option<Ns>,
}

/// A schedule in the model's numbering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// By task: processor and start.
    pub stays: Vec<(usize, i64)>,
    /// When everything has ended and is at home.
    pub makespan: i64,
}

/// A step on the way: what was known when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Conflicts so far.
    pub conflicts: u64,
    /// The best makespan.
    pub makespan: i64,
    /// No schedule is shorter.
    pub bound: i64,
    /// Since the search began, where there is a clock.
    pub wall_ns: Option<Ns>,
}

/// What the search may ask of the world.
pub struct World<'a> {
    /// Time, if there is any.
    pub clock: Option<&'a Clock>,
    /// Whether to stop with what there is.
    pub is_stopped: &'a dyn Fn() -> bool,
}

/// What the search came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The best schedule, the one given if none is shorter.
    pub best: Found,
    /// No schedule is shorter.
    pub bound: i64,
    /// Conflicts in all.
    pub conflicts: u64,
    /// Every improvement of either.
    pub steps: Vec<Step>,
}

/// Conflicts of the shortest run between restarts.
const RESTART: u64 = 100;
/// Learned nogoods after which the worse half is forgotten, and by how much that grows each time.
const NOGOODS: usize = 6_000;
const NOGOODS_MORE: usize = 600;
/// Conflicts spent on the first makespan that is asked for, and by how much that grows.
const PROBE: u64 = 1_000;

/// Searches for a schedule shorter than `best`, knowing that none is shorter than `bound`.
pub fn search(
    model: &Model,
    rows: Vec<Row>,
    best: Found,
    bound: i64,
    limits: Limits,
    world: &World<'_>,
) -> Outcome {
    let first =
        Step { conflicts: 0, makespan: best.makespan, bound, wall_ns: world.clock.map(|_| 0) };
    let outcome = Outcome { best, bound, conflicts: 0, steps: vec![first] };
    if outcome.bound >= outcome.best.makespan {
        return outcome;
    }
    let mut solver = Solver::new(model, outcome.best.makespan - 1);
    rows.into_iter().for_each(|row| solver.add_row(row));
    let variables = solver.len();
    let mut search = Search {
        learner: Learner::new(2 * variables),
        activity: vec![0.0; variables],
        bump: 1.0,
        hint: vec![0; variables],
        branched: (0..variables).filter(|x| is_branched(&solver, *x)).collect(),
        nogood_bump: 1.0,
        max_nogoods: NOGOODS,
        solver,
        outcome,
        limits,
        begin_ns: world.clock.map(|now| now()),
        world,
    };
    search.follow_best();
    search.run();
    search.outcome
}

fn is_branched(solver: &Solver<'_>, x: usize) -> bool {
    matches!(solver.variable(x), Variable::On(..) | Variable::Order(_))
}

struct Search<'a> {
    solver: Solver<'a>,
    learner: Learner,
    /// By variable: how often it was met in conflicts lately (Moskewicz et al., 2001).
    activity: Vec<f64>,
    bump: f64,
    /// By variable: its value in the best schedule.
    hint: Vec<i64>,
    branched: Vec<usize>,
    nogood_bump: f32,
    max_nogoods: usize,
    outcome: Outcome,
    limits: Limits,
    begin_ns: Option<Ns>,
    world: &'a World<'a>,
}

/// How a run between two restarts ended.
enum Run {
    /// No schedule is as short as was asked for.
    Refuted,
    Found,
    /// The conflicts are used up.
    Undecided,
    Stopped,
}

impl Search<'_> {
    fn run(&mut self) {
        if self.solver.begin().is_err() {
            self.outcome.bound = self.outcome.best.makespan;
            return self.note();
        }
        let (mut budget, mut share) = (PROBE, 2);
        loop {
            let (low, high) = (self.outcome.bound, self.outcome.best.makespan - 1);
            if low > high {
                return;
            }
            // First half way between what is known, then nearer and nearer to the best.
            let asked = high - (high - low) / share;
            match self.ask(asked, budget) {
                Run::Refuted => share = 2,
                Run::Found => share = 2,
                Run::Undecided if asked == high || share > 64 => {
                    budget *= 2;
                    share = 2;
                }
                Run::Undecided => share *= 4,
                Run::Stopped => return,
            }
        }
    }

    fn note(&mut self) {
        let Outcome { best, bound, conflicts, .. } = &self.outcome;
        let (makespan, bound) = (best.makespan, *bound);
        let step = Step { conflicts: *conflicts, makespan, bound, wall_ns: self.elapsed_ns() };
        self.outcome.steps.push(step);
    }

    /// Looks for a schedule of makespan `asked` or shorter.
    fn ask(&mut self, asked: i64, budget: u64) -> Run {
        let end = self.outcome.conflicts.saturating_add(budget);
        let mut turn = 0;
        while self.outcome.conflicts < end {
            turn += 1;
            let conflicts = (RESTART * luby(turn)).min(end - self.outcome.conflicts);
            match self.descend(asked, conflicts) {
                Run::Undecided => self.solver.undo_to(0),
                decided => return decided,
            }
            if self.solver.nogoods.all.len() > self.max_nogoods {
                self.solver.nogoods.reduce();
                self.max_nogoods += NOGOODS_MORE;
            }
        }
        Run::Undecided
    }

    /// From the root down until something is decided or so many conflicts were met.
    fn descend(&mut self, asked: i64, conflicts: u64) -> Run {
        let end = self.outcome.conflicts + conflicts;
        loop {
            if self.solver.propagate().is_err() {
                self.outcome.conflicts += 1;
                if !self.learn() {
                    self.outcome.bound = self.outcome.best.makespan;
                    self.note();
                    return Run::Refuted;
                }
                if self.is_over() {
                    self.solver.undo_to(0);
                    return Run::Stopped;
                }
                continue;
            }
            // A bound on the makespan that holds without decisions.
            if self.solver.trail.level() == 0 {
                let low = self.solver.trail.low(MAKESPAN);
                if low > self.outcome.bound {
                    self.outcome.bound = low;
                    self.note();
                }
                if low > asked {
                    return Run::Refuted;
                }
            }
            if self.outcome.conflicts >= end {
                return Run::Undecided;
            }
            let decision = match self.solver.trail.high(MAKESPAN) > asked {
                true => Some(Literal::at_most(MAKESPAN, asked)),
                false => self.choose(),
            };
            let Some(decision) = decision else {
                self.accept();
                return Run::Found;
            };
            self.solver.trail.push_level();
            self.solver.trail.raise(decision, Reason::None);
        }
    }

    /// Learns from the conflict and goes back; `false` when there is nothing to go back to.
    fn learn(&mut self) -> bool {
        loop {
            let Some(lesson) = self.learner.learn(&mut self.solver) else { return false };
            self.reward();
            let is_alone = lesson.literals.len() == 1;
            let applied = self.solver.apply(lesson);
            if !is_alone && let Some(last) = self.solver.nogoods.all.last_mut() {
                last.activity = self.nogood_bump;
            }
            // What was learned may contradict a processor that is out: one more conflict.
            if applied.is_ok() {
                return true;
            }
        }
    }

    /// Lets what was met in the last conflict weigh more than what was met before.
    fn reward(&mut self) {
        for x in &self.learner.met {
            self.activity[*x as usize] += self.bump;
        }
        self.bump /= 0.95;
        if self.bump > 1e100 {
            self.activity.iter_mut().for_each(|a| *a *= 1e-100);
            self.bump *= 1e-100;
        }
        self.nogood_bump *= 1.001;
        if self.nogood_bump > 1e20 {
            self.solver.nogoods.all.iter_mut().for_each(|n| n.activity *= 1e-20);
            self.nogood_bump *= 1e-20;
        }
    }

    fn elapsed_ns(&self) -> Option<Ns> {
        let now_ns = self.world.clock.map(|now| now());
        now_ns.zip(self.begin_ns).map(|(now, begin)| now.saturating_sub(begin))
    }

    fn is_over(&self) -> bool {
        let is_late = || {
            let spent = self.limits.time_ns.zip(self.elapsed_ns());
            spent.is_some_and(|(limit_ns, elapsed_ns)| elapsed_ns >= limit_ns)
        };
        self.outcome.conflicts >= self.limits.conflicts
            || self.outcome.conflicts.is_multiple_of(16) && ((self.world.is_stopped)() || is_late())
    }

    /// The next decision: the open choice that was met most in conflicts lately, as in the best
    /// schedule. `None` when starting everything as early as possible is a schedule.
    fn choose(&self) -> Option<Literal> {
        let solver = &self.solver;
        let mut best: Option<(f64, usize)> = None;
        for &x in &self.branched {
            if solver.trail.low(x) == solver.trail.high(x) {
                continue;
            }
            if best.is_none_or(|b| self.activity[x] > b.0) && self.is_open(x) {
                best = Some((self.activity[x], x));
            }
        }
        let (_, x) = best?;
        Some(match solver.variable(x) {
            Variable::On(i, _) => solver.is_on(i as usize, self.processor(i as usize)),
            _ if self.hint[x] == 1 => Literal::at_least(x, 1),
            _ => Literal::at_most(x, 0),
        })
    }

    /// Whether a choice matters: an order does for tasks that would overlap.
    fn is_open(&self, x: usize) -> bool {
        let solver = &self.solver;
        let Variable::Order(pair) = solver.variable(x) else { return true };
        let (i, j) = solver.pairs[pair as usize];
        let (i, j) = (i as usize, j as usize);
        let m = solver.model.m;
        let Some(p) = solver.processor(i) else { return false };
        if !solver.trail.is_true(solver.on(j, p)) {
            return false;
        }
        let (a, b) = (solver.trail.low(solver.start(i, p)), solver.trail.low(solver.start(j, p)));
        let (da, db) = (solver.model.duration[i * m + p], solver.model.duration[j * m + p]);
        a < b + db && b < a + da
    }

    /// The processor that the best schedule gives a task, or the one where it ends first.
    fn processor(&self, i: usize) -> usize {
        let solver = &self.solver;
        let may = (0..solver.model.m).filter(|p| solver.may(i, *p));
        let key = |p: &usize| {
            let is_hinted = self.hint[solver.on(i, *p)] == 1;
            let end = solver.trail.low(solver.start(i, *p))
                + solver.model.duration[i * solver.model.m + p];
            (!is_hinted, end, *p)
        };
        may.min_by_key(key).expect("every task has a processor left")
    }

    /// Takes the earliest starts as the best schedule and asks for shorter ones from now on.
    fn accept(&mut self) {
        let model = self.solver.model;
        let mut makespan = 0;
        let mut stays = Vec::with_capacity(model.n);
        for i in 0..model.n {
            let p = self.solver.processor(i).expect("every task is placed");
            let start = self.solver.trail.low(self.solver.start(i, p));
            let cell = i * model.m + p;
            makespan = makespan.max(start + model.duration[cell] + model.home[cell]);
            stays.push((p, start));
        }
        debug_assert!(makespan < self.outcome.best.makespan, "shorter ones were asked for");
        self.outcome.best = Found { stays, makespan };
        self.note();
        self.follow_best();
        self.solver.undo_to(0);
        let shorter = Literal::at_most(MAKESPAN, makespan - 1);
        if self.solver.set(shorter, Reason::None).is_err() {
            self.outcome.bound = makespan;
            self.note();
        }
    }

    fn follow_best(&mut self) {
        let solver = &self.solver;
        let stays = &self.outcome.best.stays;
        for (i, (p, _)) in stays.iter().enumerate() {
            for q in 0..solver.model.m {
                self.hint[solver.on(i, q)] = i64::from(q == *p);
            }
        }
        for (pair, (i, j)) in solver.pairs.iter().enumerate() {
            let key = |i: u32| (stays[i as usize].1, i);
            self.hint[solver.order(pair)] = i64::from(key(*i) < key(*j));
        }
    }
}

/// The sequence of Luby, Sinclair and Zuckerman (1993): 1 1 2 1 1 2 4 and so on; from 1.
fn luby(turn: u64) -> u64 {
    let mut turn = turn;
    loop {
        let bits = u64::BITS - turn.leading_zeros();
        if turn == (1 << bits) - 1 {
            return 1 << (bits - 1);
        }
        turn -= (1 << (bits - 1)) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::luby;

    #[test]
    fn the_sequence_of_restarts() {
        let first: Vec<u64> = (1..=15).map(luby).collect();
        assert_eq!(first, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }
}
