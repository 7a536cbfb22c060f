//! A portfolio: several searches that share their best schedule.
//!
//! C. P. Gomes and B. Selman, "Algorithm portfolios", Artificial Intelligence 126, 2001. In each
//! round every member searches with its part of the budget, on as many threads as asked for; then
//! all go on from the best schedule found. Members have streams of their own and rounds end by
//! evaluations, so the number of threads changes nothing but the time.

use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::{Budget, Incumbent, Run};
use super::{alns, annealing, genetic, iterated_greedy, tabu};
use crate::stream::Stream;
use runtime::registry::{Kind, ParameterInfo, Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "portfolio",
    summary: "annealing (twice), tabu, iterated greedy, genetic and alns, sharing their best",
    paper: "Gomes and Selman, Artificial Intelligence 126, 2001",
    parameters: &[
        EVALUATIONS,
        TIME_LIMIT,
        CHECK,
        CONTENTION,
        MEMORY,
        PLANNING,
        REPLAN_AFTER,
        ParameterInfo {
            name: "rounds",
            summary: "how often the best schedule is shared",
            kind: Kind::Int { default: 4, min: 1, max: 100_000 },
        },
        ParameterInfo {
            name: "threads",
            summary: "threads to search on; changes the time alone",
            kind: Kind::Int { default: 1, min: 1, max: 1024 },
        },
    ],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(parameters: &Parameters) -> Box<dyn Search> {
    let default = |info: &SchedulerInfo| info.parameters(&[]).expect("defaults are accepted");
    let members = vec![
        annealing::search(&default(&annealing::INFO)),
        tabu::search(&default(&tabu::INFO)),
        annealing::search(&default(&annealing::INFO)),
        iterated_greedy::search(&default(&iterated_greedy::INFO)),
        alns::search(&default(&alns::INFO)),
        genetic::search(&default(&genetic::INFO)),
    ];
    Box::new(Portfolio {
        members,
        rounds: parameters.int("rounds").unsigned_abs(),
        threads: parameters.int("threads").unsigned_abs() as usize,
    })
}

/// See the module's documentation.
pub struct Portfolio {
    members: Vec<Box<dyn Search>>,
    rounds: u64,
    threads: usize,
}

/// What a member brings back from a round.
struct Found {
    incumbent: Incumbent,
    evaluations: u64,
}

/// Lets one member search from a schedule.
fn search_alone(
    member: &mut dyn Search,
    mut evaluator: Evaluator<'_>,
    run: &Run,
    budget: Budget,
    stream: Stream,
) -> Found {
    let before = evaluator.evaluations();
    let budget = Budget { evaluations: before.saturating_add(budget.evaluations), ..budget };
    let mut own = Run::new(&evaluator, run.bound_ns(), budget, stream, run.clock());
    own.stop_at(run.stop_flag());
    member.search(&mut own, &mut evaluator);
    let (incumbent, _) = own.finish(evaluator.evaluations());
    Found { incumbent, evaluations: evaluator.evaluations() - before }
}

/// Lets members search, so many of them on each thread.
fn on_threads(
    members: &mut [Box<dyn Search>],
    per_thread: usize,
    search: &(impl Fn(usize, &mut Box<dyn Search>) -> Found + Sync),
) -> Vec<Found> {
    std::thread::scope(|scope| {
        let chunks = members.chunks_mut(per_thread).enumerate();
        let threads = chunks.map(|(chunk, members)| {
            scope.spawn(move || -> Vec<Found> {
                let all = (chunk * per_thread..).zip(members);
                all.map(|(at, member)| search(at, member)).collect()
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().flat_map(|t| t.join().expect("searches do not panic")).collect()
    })
}

impl Search for Portfolio {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let count = self.members.len() as u64;
        let per_thread = self.members.len().div_ceil(self.threads);
        for round in 0..self.rounds {
            if run.is_over(evaluator) {
                return;
            }
            let best = run.incumbent().clone();
            evaluator.set(&best.order, &best.lanes);
            let left = (self.rounds - round) * count;
            let mut budget = run.part(evaluator.evaluations(), left);
            // Members of one thread share its time; those of others have their own.
            budget.time_ns = budget.time_ns.map(|ns| ns / per_thread as u64 * count);
            let seed = run.stream.bits();
            let (start, shared): (&Evaluator<'_>, &Run) = (evaluator, run);
            let search = |at: usize, member: &mut Box<dyn Search>| {
                let stream = Stream::new(seed ^ at as u64, "portfolio");
                search_alone(member.as_mut(), start.clone(), shared, budget, stream)
            };
            let found: Vec<Found> = match self.threads {
                1 => self.members.iter_mut().enumerate().map(|(at, m)| search(at, m)).collect(),
                _ => on_threads(&mut self.members, per_thread, &search),
            };
            evaluator.charge(found.iter().map(|f| f.evaluations).sum());
            // Of equally good ones the first member's.
            if let Some(best) = found.iter().min_by_key(|f| f.incumbent.makespan_ns) {
                evaluator.set(&best.incumbent.order, &best.incumbent.lanes);
                run.offer(evaluator);
            }
        }
    }
}
