//! A memetic genetic algorithm.
//!
//! P. Moscato, "On evolution, search, optimization, genetic algorithms and martial arts", Caltech
//! Concurrent Computation Program, report 826, 1989; crossover of topological orders as in
//! L. Wang, H. J. Siegel, V. P. Roychowdhury and A. A. Maciejewski, "Task matching and scheduling
//! in heterogeneous computing environments using a genetic-algorithm-based approach", JPDC 47(1),
//! 1997: a child takes the first part of one parent's order and the rest in the order of the other,
//! and each lane from either. Every child is improved by a short descent and takes the place of the
//! worst.

use super::annealing::{shake, step};
use super::evaluator::Evaluator;
use super::moves::blocks;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::{Incumbent, Run};
use crate::stream::Stream;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "genetic",
    summary: "a genetic algorithm whose children are improved by a short descent",
    paper: "Moscato, Caltech report 826, 1989; Wang et al., JPDC 47(1), 1997",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "population",
            summary: "schedules kept",
            kind: Kind::Int { default: 12, min: 2, max: 10_000 },
        },
        ParameterInfo {
            name: "descent",
            summary: "moves tried to improve a child, per task",
            kind: Kind::Int { default: 20, min: 0, max: 10_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Genetic {
        population: parameters.int("population").unsigned_abs() as usize,
        descent: parameters.int("descent").unsigned_abs(),
    })
}

/// See the module's documentation.
pub struct Genetic {
    population: usize,
    descent: u64,
}

/// The first part of `a`, then the rest in the order of `b`: respects what both respect.
pub(super) fn cross_orders(a: &[u32], b: &[u32], cut: usize, out: &mut Vec<u32>) {
    let mut is_taken = vec![false; a.len()];
    out.clear();
    out.extend_from_slice(&a[..cut]);
    a[..cut].iter().for_each(|u| is_taken[*u as usize] = true);
    out.extend(b.iter().copied().filter(|u| !is_taken[*u as usize]));
}

/// Each block's lanes from one of the two.
pub(super) fn cross_lanes(
    block: &[u32],
    a: &[u32],
    b: &[u32],
    stream: &mut Stream,
    out: &mut Vec<u32>,
) {
    let from_a: Vec<bool> = block.iter().map(|_| stream.index(2) == 0).collect();
    let lanes = block.iter().zip(a.iter().zip(b));
    out.clear();
    out.extend(lanes.map(|(block, (a, b))| if from_a[*block as usize] { *a } else { *b }));
}

impl Genetic {
    /// Improves what the evaluator holds.
    fn improve(&self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let nodes = evaluator.instance().len() as u64;
        let weight = 0.1 / nodes as f64;
        for _ in 0..self.descent * nodes {
            if run.is_over(evaluator) {
                return;
            }
            step(run, evaluator, 0.0, weight, 50);
        }
        run.offer(evaluator);
    }
}

impl Search for Genetic {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let block = blocks(instance);
        let first = run.incumbent().clone();
        let mut population: Vec<Incumbent> = Vec::with_capacity(self.population);
        while population.len() < self.population && !run.is_over(evaluator) {
            evaluator.set(&first.order, &first.lanes);
            shake(run, evaluator, population.len() * instance.len() / 10);
            self.improve(run, evaluator);
            population.push(Incumbent::of(evaluator));
        }
        let (mut order, mut lanes) = (Vec::new(), Vec::new());
        while population.len() > 1 && !run.is_over(evaluator) {
            let count = population.len() as u32;
            let mut pick = || {
                let (a, b) = (run.stream.index(count) as usize, run.stream.index(count) as usize);
                if population[a].makespan_ns <= population[b].makespan_ns { a } else { b }
            };
            let (a, b) = (pick(), pick());
            let (a, b) = (&population[a], &population[b]);
            let cut = run.stream.index(instance.unit_count() as u32 + 1) as usize;
            cross_orders(&a.order, &b.order, cut, &mut order);
            cross_lanes(&block, &a.lanes, &b.lanes, &mut run.stream, &mut lanes);
            evaluator.set(&order, &lanes);
            shake(run, evaluator, 1 + instance.len() / 50);
            self.improve(run, evaluator);
            let worst = (0..population.len()).max_by_key(|at| population[*at].makespan_ns);
            let makespan_ns = evaluator.score().makespan_ns;
            let is_new = population.iter().all(|i| i.makespan_ns != makespan_ns);
            if let Some(worst) = worst.filter(|w| population[*w].makespan_ns > makespan_ns)
                && (is_new || run.stream.index(4) == 0)
            {
                population[worst].copy(evaluator);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_two_topological_orders_is_one() {
        let (a, b) = ([0, 1, 2, 3, 4, 5], [2, 0, 5, 1, 4, 3]);
        let mut child = Vec::new();
        cross_orders(&a, &b, 2, &mut child);
        assert_eq!(child, [0, 1, 2, 5, 4, 3]);
        // What both respect: 0 before 1, 1 before 4, 2 before 5.
        for (before, after) in [(0, 1), (1, 4), (2, 5)] {
            let at = |u| child.iter().position(|c| *c == u);
            assert!(at(before) < at(after));
        }
    }
}
