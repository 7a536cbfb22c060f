//! Monte-Carlo tree search.
//!
//! L. Kocsis and C. Szepesvári, "Bandit based Monte-Carlo planning", ECML, 2006. Units are placed
//! in the order of their ranks; an edge of the tree is a lane for the next unit. From the border
//! of the tree on, tasks go nearly where they end first, with some randomness.

use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use runtime::Ns;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "tree-search",
    summary: "Monte-Carlo tree search over lanes for tasks in the order of their ranks",
    paper: "Kocsis and Szepesvári, ECML, 2006",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "explore",
            summary: "weight of lanes that were tried rarely",
            kind: Kind::Float { default: 0.1, min: 0.0, max: 100.0 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    Box::new(TreeSearch { explore: parameters.float("explore") })
}

/// See the module's documentation.
pub struct TreeSearch {
    explore: f64,
}

/// A place in the tree.
#[derive(Default)]
struct Vertex {
    visits: f64,
    /// Sum of rewards, 1 for the best schedule so far.
    reward: f64,
    /// Lane and vertex.
    children: Vec<(u32, u32)>,
    is_expanded: bool,
}

impl TreeSearch {
    fn select(&self, tree: &[Vertex], at: u32) -> Option<(u32, u32)> {
        let visits = tree[at as usize].visits.max(1.0);
        let value = |child: &(u32, u32)| {
            let vertex = &tree[child.1 as usize];
            match vertex.visits > 0.0 {
                true => {
                    let explores = libm::sqrt(libm::log(visits) / vertex.visits);
                    vertex.reward / vertex.visits + self.explore * explores
                }
                false => f64::INFINITY,
            }
        };
        let children = tree[at as usize].children.iter();
        let best = children.map(|c| (value(c), c)).reduce(|a, b| if b.0 > a.0 { b } else { a });
        best.map(|(_, child)| *child)
    }
}

impl Search for TreeSearch {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let ranks_ns = instance.ranks_ns();
        let rank = |u: u32| instance.unit(u).map(|n| ranks_ns[n as usize]).max().unwrap_or(0);
        let ranks: Vec<u64> = (0..instance.unit_count() as u32).map(rank).collect();
        let mut decoder = Decoder::new(instance);
        if decoder.decode(&ranks).is_none() {
            return;
        }
        let order = decoder.order.clone();
        let mut tree = vec![Vertex::default()];
        let mut walked = Vec::new();
        while !run.is_over(evaluator) {
            decoder.clear();
            walked.clear();
            let mut at = Some(0);
            let mut is_whole = true;
            for &unit in &order {
                let node = instance.unit(unit).start;
                let mut chosen = None;
                if let Some(vertex) = at.filter(|_| instance.unit(unit).len() == 1) {
                    walked.push(vertex);
                    if tree[vertex as usize].visits > 0.0 && !tree[vertex as usize].is_expanded {
                        let mut lanes = Vec::new();
                        decoder.each_end(node, |lane, _| lanes.push(lane));
                        let first = tree.len() as u32;
                        tree[vertex as usize].children = lanes.into_iter().zip(first..).collect();
                        tree[vertex as usize].is_expanded = true;
                        let count = tree[vertex as usize].children.len();
                        tree.extend((0..count).map(|_| Vertex::default()));
                    }
                    chosen = self.select(&tree, vertex);
                    at = chosen.map(|c| c.1);
                }
                let stream = &mut run.stream;
                let placed = decoder.place_next(unit, |node, lane, finish_ns| match chosen {
                    Some((own, _)) => Ns::from(lane != own),
                    None => {
                        let late = instance.duration_ns(node, lane) as f64 * 0.3 * stream.unit();
                        finish_ns + late as Ns
                    }
                });
                if placed.is_none() {
                    is_whole = false;
                    break;
                }
            }
            walked.extend(at);
            let mut reward = 0.0;
            if is_whole {
                evaluator.set(&decoder.order, &decoder.lanes);
                run.offer(evaluator);
                let best_ns = run.incumbent().makespan_ns as f64;
                reward = best_ns / evaluator.score().makespan_ns.max(1) as f64;
            } else {
                evaluator.charge(1);
            }
            for vertex in &walked {
                tree[*vertex as usize].visits += 1.0;
                tree[*vertex as usize].reward += reward;
            }
        }
    }
}
