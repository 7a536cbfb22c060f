//! Ant colony optimisation, as a MAX-MIN ant system.
//!
//! T. Stützle and H. H. Hoos, "MAX-MIN ant system", Future Generation Computer Systems 16(8), 2000.
//! Pheromone lies on pairs of a node and a lane; an ant places tasks by slightly random ranks, and
//! rates a lane by when the task would end there and by its pheromone. The best ant of a round, or
//! the best so far, leaves more of it; everywhere it evaporates.

use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::grasp::random_ranks;
use super::planner::{CHECK, EVALUATIONS, Search, SearchPlanner, TIME_LIMIT};
use super::run::Run;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "ants",
    summary: "a MAX-MIN ant system with pheromone on pairs of task and lane",
    paper: "Stützle and Hoos, Future Generation Computer Systems 16(8), 2000",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        ParameterInfo {
            name: "ants",
            summary: "schedules per round",
            kind: Kind::Int { default: 10, min: 1, max: 100_000 },
        },
        ParameterInfo {
            name: "evaporation",
            summary: "part of the pheromone that is lost in each round",
            kind: Kind::Float { default: 0.05, min: 0.0, max: 1.0 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Ants {
        ants: parameters.int("ants").unsigned_abs(),
        evaporation: parameters.float("evaporation"),
    })
}

/// See the module's documentation.
pub struct Ants {
    ants: u64,
    evaporation: f64,
}

/// Pheromone is between this and 1.
const LEAST: f64 = 0.05;
/// A lane without pheromone looks as if the task ended so many of its durations later.
const PULL: f64 = 2.0;

impl Search for Ants {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let lanes = instance.lane_count();
        let ranks_ns = instance.ranks_ns();
        let mut decoder = Decoder::new(instance);
        let mut priority = vec![0; instance.unit_count()];
        let mut pheromone = vec![1.0; instance.len() * lanes];
        let mut best = run.incumbent().clone();
        let mut round = 0u64;
        while !run.is_over(evaluator) {
            round += 1;
            best.makespan_ns = Ns::MAX;
            for _ in 0..self.ants {
                if run.is_over(evaluator) {
                    return;
                }
                random_ranks(instance, &ranks_ns, 0.3, &mut run.stream, &mut priority);
                let stream = &mut run.stream;
                let made = decoder.decode_with(&priority, |node, lane, finish_ns| {
                    let trail = pheromone[node as usize * lanes + lane as usize];
                    let lacks = PULL * (1.0 - trail) + 0.3 * stream.unit();
                    finish_ns + (instance.duration_ns(node, lane) as f64 * lacks) as Ns
                });
                if made.is_none() {
                    evaluator.charge(1);
                    continue;
                }
                evaluator.set(&decoder.order, &decoder.lanes);
                run.offer(evaluator);
                if evaluator.score().makespan_ns < best.makespan_ns {
                    best.copy(evaluator);
                }
            }
            for trail in &mut pheromone {
                *trail = (*trail * (1.0 - self.evaporation)).max(LEAST);
            }
            let leader = if round.is_multiple_of(3) { run.incumbent() } else { &best };
            for (node, lane) in leader.lanes.iter().enumerate() {
                let trail = &mut pheromone[node * lanes + *lane as usize];
                *trail = (*trail + 2.0 * self.evaporation).min(1.0);
            }
        }
    }
}
