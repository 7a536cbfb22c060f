//! Adaptive large neighbourhood search, with window search for large graphs.
//!
//! S. Ropke and D. Pisinger, "An adaptive large neighborhood search heuristic for the pickup and
//! delivery problem with time windows", Transportation Science 40(4), 2006. A set of tasks is
//! chosen, the rest of the schedule stands, and the set is annealed within it for a while: at
//! random, along a longest path, from one lane, or a *window*, the tasks next to each other in the
//! order. How to choose is drawn by how well each way has done so far.
//!
//! With windows alone it is window search: what comes before the window is frozen, and a move that
//! delays what comes after is seen at its border, so that a move costs as much as its window
//! whatever the size of the graph.

use super::annealing::accept;
use super::evaluator::Evaluator;
use super::moves::{critical_path, random_lane, random_node, random_position};
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::{Incumbent, Run};
use crate::stream::Stream;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "alns",
    summary: "adaptive large neighbourhood search: anneals one set of tasks at a time",
    paper: "Ropke and Pisinger, Transportation Science 40(4), 2006",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "choose",
            summary: "how sets are chosen: in every way, by success, or windows of the order alone",
            kind: Kind::Choice { default: "adaptive", options: &["adaptive", "window"] },
        },
        ParameterInfo {
            name: "size",
            summary: "tasks in a set, at most",
            kind: Kind::Int { default: 60, min: 2, max: 1_000_000 },
        },
        ParameterInfo {
            name: "moves",
            summary: "moves tried per task of a set",
            kind: Kind::Int { default: 20, min: 1, max: 1_000_000 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(Alns {
        is_window: parameters.text("choose") == "window",
        size: parameters.int("size").unsigned_abs() as usize,
        moves: parameters.int("moves").unsigned_abs(),
        score: [1.0; WAYS],
        path: Vec::new(),
        set: Vec::new(),
    })
}

/// See the module's documentation.
pub struct Alns {
    is_window: bool,
    size: usize,
    moves: u64,
    score: [f64; WAYS],
    path: Vec<u32>,
    set: Vec<u32>,
}

/// Ways to choose a set.
const WAYS: usize = 4;
const WINDOW: usize = 3;
/// How fast scores forget.
const FORGET: f64 = 0.1;
/// First and last temperature of a set, as parts of the mean duration of a task.
const HOT: f64 = 0.05;
const COLD: f64 = 0.002;

impl Alns {
    fn way(&self, stream: &mut Stream) -> usize {
        if self.is_window {
            return WINDOW;
        }
        let mut left = stream.unit() * self.score.iter().sum::<f64>();
        for (way, score) in self.score.iter().enumerate() {
            left -= score;
            if left < 0.0 {
                return way;
            }
        }
        WINDOW
    }

    fn choose(&mut self, way: usize, evaluator: &Evaluator<'_>, stream: &mut Stream) {
        let instance = evaluator.instance();
        self.set.clear();
        let size = self.size.min(instance.len());
        match way {
            0 => self.set.extend((0..size).map(|_| random_node(instance, stream))),
            1 => {
                critical_path(evaluator, &mut self.path);
                let path = self.path.len() as u32;
                let on = |stream: &mut Stream| self.path[stream.index(path) as usize];
                self.set.extend((0..size).map(|_| on(stream)));
            }
            2 => {
                let lane = evaluator.lanes()[random_node(instance, stream) as usize];
                let nodes = 0..instance.len() as u32;
                let here = nodes.filter(|n| evaluator.lanes()[*n as usize] == lane);
                self.set.extend(here.take(size));
            }
            _ => {
                let order = evaluator.order();
                let units = size.min(order.len());
                let from = stream.index((order.len() - units + 1) as u32) as usize;
                let window = order[from..from + units].iter();
                self.set.extend(window.flat_map(|unit| instance.unit(*unit)));
            }
        }
    }

    /// Anneals the set within the rest.
    fn anneal(&self, run: &mut Run, evaluator: &mut Evaluator<'_>, mean_ns: f64) {
        let instance = evaluator.instance();
        let steps = self.moves * self.set.len() as u64;
        let reach = self.set.len() as u32;
        let weight = 1.0 / instance.len() as f64;
        for at in 0..steps {
            if at.is_multiple_of(16) && run.is_over(evaluator) {
                return;
            }
            let phase = at as f64 / steps as f64;
            let temperature = mean_ns * HOT * libm::pow(COLD / HOT, phase);
            let node = self.set[run.stream.index(self.set.len() as u32) as usize];
            let unit = instance.unit_of(node);
            let position = random_position(evaluator, unit, reach, &mut run.stream);
            let lane = random_lane(evaluator, node, &mut run.stream);
            accept(run, evaluator, temperature, weight, |evaluator, _| {
                evaluator.relocate(unit, position, node, lane);
            });
        }
    }
}

impl Search for Alns {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let nodes = 0..instance.len() as u32;
        let mean_ns =
            nodes.map(|n| instance.least_ns(n) as f64).sum::<f64>() / instance.len() as f64;
        let mut here = Incumbent::of(evaluator);
        while !run.is_over(evaluator) {
            let way = self.way(&mut run.stream);
            self.choose(way, evaluator, &mut run.stream);
            if self.set.is_empty() {
                continue;
            }
            let before = evaluator.score();
            self.anneal(run, evaluator, mean_ns);
            let after = evaluator.score();
            let gained =
                match (after.makespan_ns < before.makespan_ns, after.sum_ns < before.sum_ns) {
                    (true, _) => 5.0,
                    (false, true) if after.makespan_ns == before.makespan_ns => 1.0,
                    _ => 0.05,
                };
            if after.makespan_ns > before.makespan_ns {
                evaluator.set(&here.order, &here.lanes);
            } else {
                here.copy(evaluator);
            }
            self.score[way] = (1.0 - FORGET) * self.score[way] + FORGET * gained;
        }
    }
}
