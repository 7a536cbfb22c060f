//! Simulated annealing, the default search.
//!
//! S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi, "Optimization by simulated annealing", Science
//! 220, 1983. The threshold of a move is drawn before its evaluation, so that a move that cannot
//! pass is given up early.
//!
//! Beyond the makespan, which is flat where a graph is wide, the mean end of all tasks counts with
//! a weight that is annealed away. The temperature is a part of the first makespan that shrinks
//! with the number of tasks, as one task counts for less then. *Ties*: a move to an equally good
//! schedule is made. *Complexity*: that of the evaluations.

use super::evaluator::Evaluator;
use super::moves::random_change;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use crate::stream::Stream;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "annealing",
    summary: "simulated annealing from the best list schedule",
    paper: "Kirkpatrick, Gelatt and Vecchi, Science 220, 1983",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "hot",
            summary: "first temperature, as a part of the first makespan; for more than 30 tasks \
                      times (30 / tasks)^1.5",
            kind: Kind::Float { default: 0.05, min: 1e-9, max: 10.0 },
        },
        ParameterInfo {
            name: "cooling",
            summary: "last temperature, as a part of the first",
            kind: Kind::Float { default: 0.02, min: 1e-9, max: 1.0 },
        },
        ParameterInfo {
            name: "mean-weight",
            summary: "weight of the mean end beside the makespan, at first; it falls to 0; for less \
                      than 1000 tasks it is in proportion to them",
            kind: Kind::Float { default: 3.0, min: 0.0, max: 1000.0 },
        },
        ParameterInfo {
            name: "cycles",
            summary: "how often to heat up again, from the best schedule; once in 300 tasks less",
            kind: Kind::Int { default: 4, min: 1, max: 1_000_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Annealing {
        hot: parameters.float("hot"),
        cooling: parameters.float("cooling"),
        mean_weight: parameters.float("mean-weight"),
        cycles: parameters.int("cycles").unsigned_abs() as u32,
    })
}

/// See the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// First temperature as a part of the first makespan, for up to 30 tasks.
    pub hot: f64,
    /// Last temperature as a part of the first.
    pub cooling: f64,
    /// Weight of the mean end at the begin; it falls to 0 linearly.
    pub mean_weight: f64,
    /// How often to begin anew from the best schedule, for few tasks.
    pub cycles: u32,
}

impl Default for Annealing {
    fn default() -> Self {
        Self { hot: 0.05, cooling: 0.02, mean_weight: 3.0, cycles: 4 }
    }
}

/// Moves between two changes of temperature.
const STEP: u32 = 64;

impl Search for Annealing {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let nodes = evaluator.instance().len() as f64;
        let scale = run.incumbent().makespan_ns as f64;
        let hot = scale * self.hot * libm::pow((30.0 / nodes).min(1.0), 1.5);
        // Many tasks need all the time that there is for one descent.
        let cycles = (f64::from(self.cycles) - libm::floor(nodes / 300.0)).max(1.0);
        let begin = run.spent(evaluator.evaluations());
        let mut cycle = 0.0;
        loop {
            let spent = run.spent(evaluator.evaluations());
            if spent >= 1.0 {
                return;
            }
            let at = (spent - begin) / (1.0 - begin) * cycles;
            if libm::floor(at) > cycle {
                cycle = libm::floor(at);
                let best = run.incumbent().clone();
                evaluator.set(&best.order, &best.lanes);
            }
            let phase = at - cycle;
            let temperature = hot * libm::pow(self.cooling, phase);
            // With few tasks every one counts for the makespan.
            let weight = self.mean_weight * (nodes / 1000.0).min(1.0) * (1.0 - phase) / nodes;
            let reach = reach(evaluator, phase);
            for _ in 0..STEP {
                step(run, evaluator, temperature, weight, reach);
            }
        }
    }
}

/// One move; returns whether it was made.
pub(super) fn step(
    run: &mut Run,
    evaluator: &mut Evaluator<'_>,
    temperature: f64,
    weight: f64,
    reach: u32,
) -> bool {
    accept(run, evaluator, temperature, weight, |evaluator, stream| {
        random_change(evaluator, reach, stream);
    })
}

/// Makes random changes whatever they lead to, while there is budget.
pub(super) fn shake(run: &mut Run, evaluator: &mut Evaluator<'_>, mut changes: usize) {
    /// Changes for one evaluation.
    const AT_ONCE: usize = 16;
    while changes > 0 && !run.is_over(evaluator) {
        let now = changes.min(AT_ONCE);
        (0..now).for_each(|_| random_change(evaluator, 50, &mut run.stream));
        evaluator.evaluate(Ns::MAX);
        evaluator.commit();
        changes -= now;
    }
}

/// Makes a change and takes it back unless it is accepted; returns whether it was.
pub(super) fn accept(
    run: &mut Run,
    evaluator: &mut Evaluator<'_>,
    temperature: f64,
    weight: f64,
    change: impl FnOnce(&mut Evaluator<'_>, &mut Stream),
) -> bool {
    let score = evaluator.score();
    let here = score.makespan_ns as f64 + weight * score.sum_ns as f64;
    let limit = here - temperature * libm::log(1.0 - run.stream.unit());
    change(evaluator, &mut run.stream);
    // A makespan that only a much earlier mean end could make good is not computed.
    let most = limit - weight * score.sum_ns as f64 + temperature;
    let score = evaluator.evaluate(most as u64);
    let there = score.map(|s| s.makespan_ns as f64 + weight * s.sum_ns as f64);
    let is_made = there.is_some_and(|there| there <= limit);
    if is_made {
        evaluator.commit();
        run.offer(evaluator);
    } else {
        evaluator.undo();
    }
    is_made
}

/// How far units are moved in the order: far at first, near at last.
fn reach(evaluator: &Evaluator<'_>, phase: f64) -> u32 {
    let units = evaluator.instance().unit_count() as f64;
    let (most, least) = (200.0f64.min(units), 30.0f64.min(units));
    (most * libm::pow(least / most, phase)) as u32
}
