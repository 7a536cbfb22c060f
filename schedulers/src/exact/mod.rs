//! Schedules with proofs: a search for the shortest makespan that says how far from it it is.
//!
//! ```text
//! model      the problem in flat tables: tasks, processors, transfers, heads and tails
//! trail      bounds of variables, the changes they went through
//! solver     the variables of a model; propagate, load: what follows from what
//! explain    why it follows; learn: what a dead end teaches; nogoods: what was learned
//! rows       windows of time in which the work of all tasks must fit
//! search     decisions, restarts, which makespan to ask for next
//! ```
//!
//! The search decides which processor a task runs on and which of two tasks comes first there, as
//! in the disjunctive branch and bound of the job shop (Carlier and Pinson, Management Science
//! 35(2), 1989), and learns from every dead end as lazy clause generation does (Ohrimenko, Stuckey
//! and Codish, Constraints 14(3), 2009). Starts are conditional on processors, so transfers bound
//! them for each processor apart. Work in windows of time is bounded as a linear program over
//! unrelated processors would, by its dual weights, and excludes processors by reduced cost. Asking
//! first for half of the gap raises the lower bound as well as it lowers the makespan.
//!
//! *Proofs* hold for what plans mean: contention-free transfers, no duplication, memory as a limit
//! of each task alone; bringing kept results home counts. *Limits*: dead ends, so that the answer
//! is the same everywhere; optionally wall time. What the search does not know (gangs, several
//! cores, accesses that exclude each other) and what is too large gets the best heuristic
//! schedule, as does a problem whose limit ends before anything shorter is found.

mod explain;
mod learn;
mod load;
mod model;
mod nogoods;
mod propagate;
mod rows;
mod search;
mod solver;
mod trail;

pub use model::Unsupported;
pub use search::{Limits, Step};

use crate::{cpop::Cpop, etf::Etf, heft::Heft, peft::Peft};
use model::Model;
use runtime::bounds::{lower_bound, plans_bound_runs};
use runtime::partial_schedule::Policy::{Append, Insertion};
use runtime::planner::{Assignment, EffortUnit, PlanFailure, Progress};
use runtime::registry::{Clock, Dimension, Kind, ParameterInfo, SchedulerInfo};
use runtime::{LaneId, Ns, Planned, Planner, Problem, Schedule};
use search::{Found, World};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "exact",
    summary: "search for the shortest makespan, with a proof or a gap",
    paper: "Carlier and Pinson, Management Science 35(2), 1989; Ohrimenko, Stuckey and Codish, \
            Constraints 14(3), 2009",
    parameters: &[
        ParameterInfo {
            name: "conflicts",
            summary: "dead ends of the search after which the best schedule so far is taken",
            kind: Kind::Int { default: 1_000, min: 1, max: 1_000_000_000_000 },
        },
        ParameterInfo {
            name: "time",
            summary: "wall time after which it is taken, 0 = none; results then depend on the machine",
            kind: Kind::Quantity { default: "0 s", dimension: Dimension::Time },
        },
        ParameterInfo {
            name: "tasks",
            summary: "larger problems are left to the heuristics",
            kind: Kind::Int { default: 200, min: 1, max: 5_000 },
        },
    ],
    build: |parameters, context| {
        let whole = |name| u64::try_from(parameters.int(name)).unwrap_or(0);
        let time_ns = parameters.quantity("time", Dimension::Time).filter(|ns| *ns > 0);
        let limits = Limits { conflicts: whole("conflicts"), time_ns };
        let exact = Exact::new(limits).with_tasks(whole("tasks") as usize);
        Box::new(Planned::new(exact.with_clock(context.clock.clone())))
    },
};

/// See the module's documentation.
pub struct Exact {
    limits: Limits,
    tasks: usize,
    clock: Option<Clock>,
    progress: Option<Progress>,
}

/// A schedule with what is known about it.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The best schedule found.
    pub schedule: Schedule,
    /// Its end, kept results at home.
    pub makespan_ns: Ns,
    /// No schedule ends earlier.
    pub bound_ns: Ns,
    /// Dead ends met.
    pub conflicts: u64,
    /// Every improvement of makespan and bound.
    pub steps: Vec<Step>,
    /// Why there was no search; the schedule is a heuristic's then.
    pub unsupported: Option<Unsupported>,
}

impl Solution {
    /// Whether the search has shown that no schedule ends earlier.
    pub fn is_proved(&self) -> bool {
        self.unsupported.is_none() && self.bound_ns >= self.makespan_ns
    }

    /// As every planner reports it; effort is counted in dead ends.
    fn progress(&self) -> Progress {
        let mut progress = Progress::new(EffortUnit::Nodes);
        for step in &self.steps {
            progress.found(step.conflicts, step.makespan as Ns, step.wall_ns);
            progress.bounded(step.conflicts, step.bound as Ns);
        }
        if self.steps.is_empty() {
            progress.found(0, self.makespan_ns, None);
            progress.bounded(0, self.bound_ns);
        }
        progress.effort = self.conflicts;
        progress.is_proved = self.is_proved();
        progress
    }

    /// How much shorter a schedule could be at most, relative to this one.
    pub fn gap(&self) -> f64 {
        let open_ns = self.makespan_ns.saturating_sub(self.bound_ns);
        open_ns as f64 / self.makespan_ns.max(1) as f64
    }
}

impl Exact {
    /// Within limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, tasks: 200, clock: None, progress: None }
    }

    /// Problems of more tasks are left to the heuristics; 200 if nothing is said.
    pub fn with_tasks(self, tasks: usize) -> Self {
        Self { tasks, ..self }
    }

    /// With a clock for the limit of time and for reports.
    pub fn with_clock(self, clock: Option<Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Searches. Always ends with a schedule if the heuristics find one.
    ///
    /// # Errors
    /// [`PlanFailure`] when no heuristic finds a schedule.
    pub fn solve(&self, problem: &Problem<'_>) -> Result<Solution, PlanFailure> {
        let schedule = heuristic(problem)?;
        let makespan_ns = schedule.makespan_ns();
        let model = match Model::new(problem, self.tasks) {
            Ok(model) => model,
            Err(unsupported) => {
                let Problem { graph, cluster, costs, .. } = *problem;
                // The rest of a run is not shorter than nothing.
                let is_whole = problem.tasks.len() == graph.len();
                let bound = is_whole.then(|| lower_bound(graph, cluster, costs).makespan_ns);
                return Ok(Solution {
                    schedule,
                    makespan_ns,
                    // What a plan cannot know, a result on its way home, it does not count.
                    bound_ns: bound.unwrap_or(0).min(makespan_ns),
                    conflicts: 0,
                    steps: Vec::new(),
                    unsupported: Some(unsupported),
                });
            }
        };
        let bound = model.bound();
        let (rows, bound) = rows::rows(&model, bound);
        let best = model.found(&schedule);
        let is_stopped = || problem.is_stopped();
        let world = World { clock: self.clock.as_ref(), is_stopped: &is_stopped };
        let outcome = search::search(&model, rows, best, bound, self.limits, &world);
        Ok(Solution {
            schedule: model.schedule(problem, &outcome.best),
            makespan_ns: outcome.best.makespan as Ns,
            bound_ns: outcome.bound as Ns,
            conflicts: outcome.conflicts,
            steps: outcome.steps,
            unsupported: None,
        })
    }
}

impl Planner for Exact {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let solution = self.solve(problem)?;
        let is_searched = solution.unsupported.is_none();
        let bounds_runs = is_searched && plans_bound_runs(problem);
        self.progress = Some(Progress { bounds_runs, ..solution.progress() });
        Ok(solution.schedule)
    }

    fn take_progress(&mut self) -> Option<Progress> {
        self.progress.take()
    }
}

/// The shortest of the list schedulers' plans, the first of equal ones.
fn heuristic(problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
    let planners: [Box<dyn Planner>; 5] = [
        Box::new(Heft { policy: Insertion }),
        Box::new(Peft { policy: Insertion }),
        Box::new(Cpop { policy: Insertion }),
        Box::new(Heft { policy: Append }),
        Box::new(Etf),
    ];
    let mut plans = planners.into_iter().map(|mut p| p.plan(problem));
    let first = plans.next().expect("there are planners")?;
    let shorter = |best: Schedule, plan: Schedule| match plan.makespan_ns() < best.makespan_ns() {
        true => plan,
        false => best,
    };
    Ok(plans.filter_map(Result::ok).fold(first, shorter))
}

impl Model {
    /// The longest path, with transfers.
    fn bound(&self) -> i64 {
        let through = |i: usize| {
            let row = i * self.m..(i + 1) * self.m;
            let cells = row.filter(|at| self.duration[*at] != model::NEVER);
            cells.map(|at| self.head[at] + self.duration[at] + self.tail[at]).min().unwrap_or(0)
        };
        (0..self.n).map(through).max().unwrap_or(0)
    }

    /// A plan in the model's numbering.
    fn found(&self, schedule: &Schedule) -> Found {
        let mut stays = vec![(0, 0); self.n];
        let mut makespan = 0;
        for a in &schedule.assignments {
            let i = self.tasks.binary_search(&a.task).expect("the plan holds the problem's tasks");
            let at = i * self.m + a.lane.index();
            stays[i] = (a.lane.index(), a.start_ns as i64);
            makespan = makespan.max(a.finish_ns as i64 + self.home[at]);
        }
        Found { stays, makespan }
    }

    fn schedule(&self, problem: &Problem<'_>, found: &Found) -> Schedule {
        let assignment = |(i, (p, start)): (usize, &(usize, i64))| {
            let lane = LaneId::from_index(*p);
            Assignment {
                task: self.tasks[i],
                device: problem.cluster.device_of(lane),
                lane,
                start_ns: *start as Ns,
                finish_ns: (start + self.duration[i * self.m + p]) as Ns,
            }
        };
        Schedule { assignments: found.stays.iter().enumerate().map(assignment).collect() }
    }
}
