//! GRASP, greedy randomised adaptive search.
//!
//! T. A. Feo and M. G. C. Resende, "Greedy randomized adaptive search procedures", Journal of
//! Global Optimization 6(2), 1995. Each round builds a schedule by ranks with some randomness, each
//! task on one of the lanes where it ends nearly first, and improves it by a descent.

use super::annealing::step;
use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use crate::instance::Instance;
use crate::stream::Stream;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "grasp",
    summary: "greedy randomised schedules, each improved by a descent",
    paper: "Feo and Resende, Journal of Global Optimization 6(2), 1995",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "spread",
            summary: "by how much of its duration a task may end later than it could",
            kind: Kind::Float { default: 0.3, min: 0.0, max: 100.0 },
        },
        ParameterInfo {
            name: "descent",
            summary: "moves tried to improve a schedule, per task",
            kind: Kind::Int { default: 100, min: 0, max: 100_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Grasp {
        spread: parameters.float("spread"),
        descent: parameters.int("descent").unsigned_abs(),
    })
}

/// See the module's documentation.
pub struct Grasp {
    spread: f64,
    descent: u64,
}

/// Ranks by the shortest durations, as keys with as much randomness as is asked for.
fn random_ranks(
    instance: &Instance,
    tail_ns: &[Ns],
    part: f64,
    stream: &mut Stream,
    out: &mut [u64],
) {
    for unit in 0..instance.unit_count() as u32 {
        let rank_ns = instance.unit(unit).map(|n| tail_ns[n as usize]).max().unwrap_or(0);
        let factor = 1.0 + part * (stream.unit() - 0.5);
        out[unit as usize] = (rank_ns as f64 * factor) as u64;
    }
}

impl Search for Grasp {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let tail_ns = instance.ranks_ns();
        let mut decoder = Decoder::new(instance);
        let mut priority = vec![0; instance.unit_count()];
        let weight = 0.1 / instance.len() as f64;
        while !run.is_over(evaluator) {
            random_ranks(instance, &tail_ns, self.spread, &mut run.stream, &mut priority);
            let (spread, stream) = (self.spread, &mut run.stream);
            let made = decoder.decode_with(&priority, |node, lane, finish_ns| {
                let late = instance.duration_ns(node, lane) as f64 * spread * stream.unit();
                finish_ns + late as Ns
            });
            if made.is_none() {
                evaluator.charge(1);
                continue;
            }
            evaluator.set(&decoder.order, &decoder.lanes);
            run.offer(evaluator);
            for _ in 0..self.descent * instance.len() as u64 {
                if run.is_over(evaluator) {
                    return;
                }
                step(run, evaluator, 0.0, weight, 50);
            }
        }
    }
}
