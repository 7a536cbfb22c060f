//! NSGA-II: several objectives at once.
//!
//! K. Deb, A. Pratap, S. Agarwal and T. Meyarivan, "A fast and elitist multiobjective genetic
//! algorithm: NSGA-II", IEEE Transactions on Evolutionary Computation 6(2), 2002. The objectives
//! are the makespan, bytes moved between memories, and the sum over memories of most bytes held at
//! once; energy is none, as nothing here knows what tasks and transfers consume. Crossover as in
//! [`super::genetic`], mutation by random moves. Of the last front the plan is the schedule with
//! the least of what is preferred among those that are hardly longer than the shortest.

use super::annealing::shake;
use super::evaluator::Evaluator;
use super::genetic::{cross_lanes, cross_orders};
use super::held::Held;
use super::moves::blocks;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::{Incumbent, Run};
use super::timing::{Memory, Model};
use crate::instance::Instance;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "nsga2",
    summary: "NSGA-II over makespan, bytes moved and bytes held",
    paper: "Deb, Pratap, Agarwal and Meyarivan, IEEE TEC 6(2), 2002",
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
            summary: "members of a generation",
            kind: Kind::Int { default: 40, min: 4, max: 10_000 },
        },
        ParameterInfo {
            name: "prefer",
            summary: "of what the plan is to have least",
            kind: Kind::Choice {
                default: "makespan",
                options: &["makespan", "bytes-moved", "bytes-held"],
            },
        },
        ParameterInfo {
            name: "longer",
            summary: "by which part the plan may be longer than the shortest for that",
            kind: Kind::Float { default: 0.05, min: 0.0, max: 1000.0 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    let prefer = match parameters.text("prefer") {
        "bytes-moved" => 1,
        "bytes-held" => 2,
        _ => 0,
    };
    Box::new(Nsga {
        population: parameters.int("population").unsigned_abs() as usize,
        prefer,
        longer: parameters.float("longer"),
    })
}

/// See the module's documentation.
pub struct Nsga {
    population: usize,
    prefer: usize,
    longer: f64,
}

/// How many.
const OBJECTIVES: usize = 3;
type Costs = [u64; OBJECTIVES];

struct Member {
    schedule: Incumbent,
    costs: Costs,
    rank: usize,
    crowding: f64,
}

/// Computes what a schedule costs besides time.
pub struct Objectives {
    held: Held,
    /// Producer, object, memory and bytes of what moves.
    moved: Vec<(u32, u32, u32, u64)>,
}

impl Objectives {
    /// For an instance.
    pub fn new(instance: &Instance) -> Self {
        // With no capacity at all, everything held is in excess of it.
        let capacity_bytes = vec![Some(0); instance.memory_count()];
        let model = Model { memory: Memory::Buffers, capacity_bytes, ..Model::default() };
        Self { held: Held::new(instance, model), moved: Vec::new() }
    }

    /// Makespan, bytes moved, bytes held.
    pub fn costs(&mut self, evaluator: &Evaluator<'_>) -> [u64; 3] {
        let (instance, lanes) = (evaluator.instance(), evaluator.lanes());
        self.moved.clear();
        for node in 0..instance.len() as u32 {
            let to = instance.memory_of(lanes[node as usize]);
            for flow in instance.flows(node) {
                if instance.memory_of(lanes[flow.from as usize]) != to {
                    self.moved.push((flow.from, flow.object.0, to, flow.bytes));
                }
            }
        }
        self.moved.sort_unstable();
        self.moved.dedup();
        let moved_bytes = self.moved.iter().fold(0u64, |sum, m| sum.saturating_add(m.3));
        self.held.set(evaluator.times());
        let held_bytes = self.held.excess_bytes();
        [evaluator.score().makespan_ns, moved_bytes, held_bytes]
    }
}

/// Whether `a` is nowhere worse than `b` and somewhere better.
fn dominates(a: &Costs, b: &Costs) -> bool {
    a != b && a.iter().zip(b).all(|(a, b)| a <= b)
}

/// The fast non-dominated sort, and the crowding distance within each front.
fn sort(members: &mut [Member]) {
    let mut left: Vec<usize> = (0..members.len()).collect();
    let mut rank = 0;
    while !left.is_empty() {
        let is_beaten = |at: &usize| {
            left.iter().any(|other| dominates(&members[*other].costs, &members[*at].costs))
        };
        let (front, rest): (Vec<usize>, Vec<usize>) = left.iter().partition(|at| !is_beaten(at));
        for at in &front {
            members[*at].rank = rank;
            members[*at].crowding = 0.0;
        }
        crowd(members, front);
        left = rest;
        rank += 1;
    }
    members.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.crowding.total_cmp(&a.crowding)));
}

fn crowd(members: &mut [Member], mut front: Vec<usize>) {
    for objective in 0..OBJECTIVES {
        front.sort_by_key(|at| members[*at].costs[objective]);
        let cost = |at: usize| members[at].costs[objective] as f64;
        let (first, last) = (front[0], front[front.len() - 1]);
        let range = (cost(last) - cost(first)).max(1.0);
        let gaps: Vec<f64> = front.windows(3).map(|w| (cost(w[2]) - cost(w[0])) / range).collect();
        for (at, gap) in front[1..].iter().zip(gaps) {
            members[*at].crowding += gap;
        }
        members[first].crowding = f64::INFINITY;
        members[last].crowding = f64::INFINITY;
    }
}

impl Nsga {
    fn member(objectives: &mut Objectives, run: &mut Run, evaluator: &Evaluator<'_>) -> Member {
        run.offer(evaluator);
        let costs = objectives.costs(evaluator);
        Member { schedule: Incumbent::of(evaluator), costs, rank: 0, crowding: 0.0 }
    }

    /// Leaves in the run what is to be the plan.
    fn choose(&self, members: &[Member], run: &mut Run, evaluator: &mut Evaluator<'_>) {
        if self.prefer == 0 {
            return;
        }
        let most = run.incumbent().makespan_ns as f64 * (1.0 + self.longer);
        let short = members.iter().filter(|m| m.costs[0] as f64 <= most);
        if let Some(best) = short.min_by_key(|m| (m.costs[self.prefer], m.costs[0])) {
            evaluator.set(&best.schedule.order, &best.schedule.lanes);
            run.prefer(evaluator);
        }
    }
}

impl Search for Nsga {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let block = blocks(instance);
        let mut objectives = Objectives::new(instance);
        let first = run.incumbent().clone();
        let mut members: Vec<Member> = Vec::new();
        while members.len() < self.population && (members.is_empty() || !run.is_over(evaluator)) {
            evaluator.set(&first.order, &first.lanes);
            shake(run, evaluator, members.len() * instance.len() / 40);
            members.push(Self::member(&mut objectives, run, evaluator));
        }
        sort(&mut members);
        let (mut order, mut lanes) = (Vec::new(), Vec::new());
        while !run.is_over(evaluator) {
            for _ in 0..self.population {
                let mut pick = || {
                    let count = self.population.min(members.len()) as u32;
                    // Sorted: the first of two is the better one.
                    run.stream.index(count).min(run.stream.index(count)) as usize
                };
                let (a, b) = (&members[pick()].schedule, &members[pick()].schedule);
                let cut = run.stream.index(instance.unit_count() as u32 + 1) as usize;
                cross_orders(&a.order, &b.order, cut, &mut order);
                cross_lanes(&block, &a.lanes, &b.lanes, &mut run.stream, &mut lanes);
                evaluator.set(&order, &lanes);
                shake(run, evaluator, 1 + instance.len() / 50);
                members.push(Self::member(&mut objectives, run, evaluator));
            }
            sort(&mut members);
            members.truncate(self.population);
        }
        self.choose(&members, run, evaluator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_and_what_is_crowded() {
        let member =
            |costs: Costs| Member { schedule: Incumbent::default(), costs, rank: 9, crowding: 0.0 };
        let costs = [[5, 5, 0], [1, 9, 0], [2, 8, 0], [9, 1, 0], [6, 6, 0], [9, 9, 0]];
        let mut members: Vec<Member> = costs.into_iter().map(member).collect();
        sort(&mut members);
        let ranks: Vec<(Costs, usize)> = members.iter().map(|m| (m.costs, m.rank)).collect();
        // The ends of the first front come first, then what is least crowded.
        assert_eq!(
            ranks,
            [
                ([1, 9, 0], 0),
                ([9, 1, 0], 0),
                ([5, 5, 0], 0),
                ([2, 8, 0], 0),
                ([6, 6, 0], 1),
                ([9, 9, 0], 2)
            ]
        );
    }
}
