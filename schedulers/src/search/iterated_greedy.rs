//! Iterated greedy.
//!
//! R. Ruiz and T. Stützle, "A simple and effective iterated greedy algorithm for the permutation
//! flowshop scheduling problem", European Journal of Operational Research 177(3), 2007. A few tasks
//! are thrown anywhere, then each is put where it is best; a worse schedule is gone on with as in
//! simulated annealing at one temperature.

use super::evaluator::Evaluator;
use super::moves::{best_place, critical_path, random_lane, random_node, random_position};
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::{Incumbent, Run};
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "iterated-greedy",
    summary: "throws a few tasks out and puts each back where it is best, again and again",
    paper: "Ruiz and Stützle, EJOR 177(3), 2007",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "thrown-out",
            summary: "tasks thrown out at a time",
            kind: Kind::Int { default: 4, min: 1, max: 60 },
        },
        ParameterInfo {
            name: "temperature",
            summary: "of accepting a longer schedule, as a part of the mean duration of a task",
            kind: Kind::Float { default: 0.1, min: 0.0, max: 1000.0 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(IteratedGreedy {
        thrown_out: parameters.int("thrown-out").unsigned_abs() as u32,
        temperature: parameters.float("temperature"),
    })
}

/// See the module's documentation.
pub struct IteratedGreedy {
    thrown_out: u32,
    temperature: f64,
}

/// Lanes tried for a task that is put back, and positions on each.
const TRIES: (u32, u32) = (8, 3);

impl Search for IteratedGreedy {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let nodes = 0..instance.len() as u32;
        let work_ns: f64 = nodes.map(|n| instance.least_ns(n) as f64).sum();
        let temperature = self.temperature * work_ns / instance.len() as f64;
        let mut here = run.incumbent().clone();
        let mut path = Vec::with_capacity(instance.len());
        let mut out = Vec::new();
        while !run.is_over(evaluator) {
            critical_path(evaluator, &mut path);
            out.clear();
            for at in 0..self.thrown_out {
                let node = match at % 2 {
                    0 => path[run.stream.index(path.len() as u32) as usize],
                    _ => random_node(instance, &mut run.stream),
                };
                let lane = random_lane(evaluator, node, &mut run.stream);
                let unit = instance.unit_of(node);
                let position = random_position(evaluator, unit, 50, &mut run.stream);
                evaluator.relocate(unit, position, node, lane);
                out.push(node);
            }
            evaluator.evaluate(Ns::MAX);
            evaluator.commit();
            for &node in &out {
                best_place(evaluator, node, TRIES, &mut run.stream);
            }
            run.offer(evaluator);
            let there_ns = evaluator.score().makespan_ns;
            let allowed =
                here.makespan_ns as f64 - temperature * libm::log(1.0 - run.stream.unit());
            if there_ns as f64 <= allowed {
                here.copy(evaluator);
            } else {
                let Incumbent { order, lanes, .. } = &here;
                evaluator.set(order, lanes);
            }
        }
    }
}
