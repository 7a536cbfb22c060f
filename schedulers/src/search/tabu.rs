//! Tabu search.
//!
//! F. Glover, "Tabu search, part I", ORSA Journal on Computing 1(3), 1989. In each step some moves
//! are evaluated, half of them of tasks on a longest path, and the best one is made, even when it
//! makes the schedule longer; a task that was moved stays for a while. *Aspiration*: a move to the
//! best schedule so far is always made. *Ties*: the smaller sum of ends, then the first move drawn.

use super::evaluator::{Evaluator, Score};
use super::moves::{critical_path, random_lane, random_node, random_position};
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "tabu",
    summary: "tabu search from the best list schedule",
    paper: "Glover, ORSA Journal on Computing 1(3), 1989",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "candidates",
            summary: "moves evaluated in each step",
            kind: Kind::Int { default: 20, min: 1, max: 100_000 },
        },
        ParameterInfo {
            name: "tenure",
            summary: "steps for which a task that was moved stays, at least; at most twice as many",
            kind: Kind::Int { default: 8, min: 0, max: 1_000_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Tabu {
        candidates: parameters.int("candidates").unsigned_abs() as u32,
        tenure: parameters.int("tenure").unsigned_abs() as u32,
    })
}

/// See the module's documentation.
pub struct Tabu {
    candidates: u32,
    tenure: u32,
}

/// A move and what it leads to.
#[derive(Clone, Copy)]
struct Candidate {
    node: u32,
    position: u32,
    lane: u32,
    score: Score,
}

impl Tabu {
    fn best(
        &self,
        run: &mut Run,
        evaluator: &mut Evaluator<'_>,
        path: &[u32],
        is_tabu: impl Fn(u32) -> bool,
    ) -> Option<Candidate> {
        let instance = evaluator.instance();
        let reach = (instance.unit_count() as u32).min(100);
        let mut best: Option<Candidate> = None;
        for at in 0..self.candidates {
            let node = match at % 2 {
                0 => path[run.stream.index(path.len() as u32) as usize],
                _ => random_node(instance, &mut run.stream),
            };
            let lane = random_lane(evaluator, node, &mut run.stream);
            let unit = instance.unit_of(node);
            let position = random_position(evaluator, unit, reach, &mut run.stream);
            let most_ns = best.map_or(Ns::MAX / 2, |b| b.score.makespan_ns);
            let limit_ns = match is_tabu(node) {
                true => most_ns.min(run.incumbent().makespan_ns.saturating_sub(1)),
                false => most_ns,
            };
            evaluator.relocate(unit, position, node, lane);
            let score = evaluator.evaluate(limit_ns);
            evaluator.undo();
            let key = |s: &Score| (s.makespan_ns, s.sum_ns);
            if let Some(score) = score
                && best.is_none_or(|b| key(&score) < key(&b.score))
            {
                best = Some(Candidate { node, position, lane, score });
            }
        }
        best
    }
}

impl Search for Tabu {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let mut until = vec![0u64; instance.len()];
        let mut path = Vec::with_capacity(instance.len());
        let mut step = 0;
        while !run.is_over(evaluator) {
            step += 1;
            critical_path(evaluator, &mut path);
            let best = self.best(run, evaluator, &path, |node| until[node as usize] > step);
            let Some(best) = best else { continue };
            evaluator.relocate(instance.unit_of(best.node), best.position, best.node, best.lane);
            evaluator.evaluate(Ns::MAX);
            evaluator.commit();
            run.offer(evaluator);
            let stays = self.tenure + run.stream.index(self.tenure + 1);
            until[best.node as usize] = step + u64::from(stays);
        }
    }
}
