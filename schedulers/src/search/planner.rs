//! From a problem to a schedule by any search.
//!
//! The search begins with the best of some list schedules and, when a plan is made anew, of the
//! plan before; it ends with the best schedule found, or with the one it began with when the
//! injected evaluator says that this is better after all.

use super::evaluator::Evaluator;
use super::run::{Budget, Incumbent, Run};
use crate::heft::Heft;
use crate::instance::{Instance, NONE, Placement};
use crate::peft::Peft;
use crate::stream::Stream;
use runtime::partial_schedule::Policy;
use runtime::planner::{PlanFailure, PlannedApart, Progress};
use runtime::registry::{BuildContext, Dimension, Kind, ParameterInfo, Parameters, SchedulerInfo};
use runtime::{DeviceId, LaneId, Ns, Planned, Planner, Problem, Schedule, Scheduler, TaskId};

/// Looks for better schedules than the evaluator holds, until the budget is spent.
pub trait Search: Send {
    /// Offers what it finds to `run`; the evaluator may be left with any schedule.
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>);
}

/// How many schedules to evaluate: a budget that gives the same result on every machine.
pub(crate) const EVALUATIONS: ParameterInfo = ParameterInfo {
    name: "evaluations",
    summary: "schedules to evaluate at most, per plan; 0 for 5 000, fewer above 400 tasks: 2 million \
              over the number of tasks",
    kind: Kind::Int { default: 0, min: 0, max: 1_000_000_000_000 },
};

/// A limit in time: with it, results depend on the machine.
pub(crate) const TIME_LIMIT: ParameterInfo = ParameterInfo {
    name: "time-limit",
    summary: "time to take at most, per plan; where it ends a search, results vary",
    kind: Kind::Quantity { default: "1 h", dimension: Dimension::Time },
};

/// Whether the simulator has the last word.
pub(crate) const CHECK: ParameterInfo = ParameterInfo {
    name: "check",
    summary: "whether the result is simulated, with contention, and given up where the list \
              schedule that the search began with is better",
    kind: Kind::Bool { default: true },
};

/// How the plan comes into the run.
pub(crate) const PLANNING: ParameterInfo = ParameterInfo {
    name: "planning",
    summary: "at once, with all lanes waiting, to be followed strictly; or apart, on a snapshot, \
              with MCT placing tasks in the meantime",
    kind: Kind::Choice { default: "at-once", options: &["at-once", "apart"] },
};

/// Planning anew.
pub(crate) const REPLAN_AFTER: ParameterInfo = ParameterInfo {
    name: "replan-after",
    summary: "when planning apart: finished tasks after which to plan anew; 0 for never",
    kind: Kind::Int { default: 0, min: 0, max: 1_000_000_000 },
};

/// What 0 evaluations stand for: a fraction of a second.
fn default_evaluations(tasks: usize) -> u64 {
    (2_000_000 / tasks.max(1) as u64).clamp(20, 5_000)
}

/// A planner that searches.
pub struct SearchPlanner {
    name: &'static str,
    search: Box<dyn Search>,
    budget: Budget,
    checks: bool,
    context: BuildContext,
    plans: u64,
    /// Tasks of the plan before in their order, with places.
    before: Vec<(TaskId, DeviceId, LaneId)>,
    progress: Option<Progress>,
}

impl SearchPlanner {
    /// A planner of the parameters that all searches share.
    pub fn new(
        name: &'static str,
        search: Box<dyn Search>,
        parameters: &Parameters,
        context: &BuildContext,
    ) -> Self {
        let budget = Budget {
            evaluations: parameters.int("evaluations").unsigned_abs(),
            time_ns: parameters.quantity("time-limit", Dimension::Time),
        };
        Self {
            name,
            search,
            budget,
            checks: parameters.bool("check"),
            context: context.clone(),
            plans: 0,
            before: Vec::new(),
            progress: None,
        }
    }

    /// As [`SearchPlanner::new`], as a scheduler.
    pub(super) fn boxed(
        info: &SchedulerInfo,
        search: Box<dyn Search>,
        parameters: &Parameters,
        context: &BuildContext,
    ) -> Box<dyn Scheduler> {
        let planner = Self::new(info.name, search, parameters, context);
        if parameters.text("planning") == "at-once" {
            return Box::new(Planned::new(planner));
        }
        let fallback = crate::mct::INFO.build_default(context.seed);
        let after = u32::try_from(parameters.int("replan-after")).unwrap_or(u32::MAX);
        Box::new(PlannedApart::new(planner, fallback, Some(after).filter(|n| *n > 0)))
    }

    /// What is left of the plan before, new tasks appended where they end first.
    fn resumed(&self, instance: &Instance) -> Option<Start> {
        let mut start = Start {
            order: Vec::with_capacity(instance.unit_count()),
            lanes: vec![NONE; instance.len()],
        };
        let mut is_placed = vec![false; instance.unit_count()];
        for &(task, _, lane) in &self.before {
            let Some(node) = instance.node_of(task) else { continue };
            start.lanes[node as usize] = instance.counted(lane.0);
            let unit = instance.unit_of(node);
            if !std::mem::replace(&mut is_placed[unit as usize], true) {
                start.order.push(unit);
            }
        }
        // A graph that grew has gangs and racy groups of old and new tasks at worst.
        let is_simple = !instance.has_gangs() && instance.racy_groups() == 0;
        if start.order.is_empty() || !is_simple {
            return None;
        }
        super::decode::append_rest(instance, &mut start.order, &mut start.lanes);
        let fits = (0..).zip(&start.lanes).all(|(node, lane)| instance.can_run(node, *lane));
        fits.then_some(start)
    }

    /// The list schedules to begin with.
    fn lists(problem: &Problem<'_>) -> Result<Vec<Schedule>, PlanFailure> {
        let policy = Policy::Insertion;
        let first = Heft { policy }.plan(problem)?;
        Ok(vec![first, Peft { policy }.plan(problem)?])
    }

    fn remember(&mut self, schedule: &Schedule) {
        let mut order: Vec<&runtime::planner::Assignment> = schedule.assignments.iter().collect();
        order.sort_by_key(|a| (a.start_ns, a.finish_ns, a.task));
        self.before = order.into_iter().map(|a| (a.task, a.device, a.lane)).collect();
    }
}

/// Units in order and lanes of nodes.
struct Start {
    order: Vec<u32>,
    lanes: Vec<u32>,
}

impl Start {
    fn of(instance: &Instance, schedule: &Schedule) -> Option<Self> {
        let (order, placed) = instance.placements(schedule)?;
        Some(Self { order, lanes: placed.iter().map(|p| p.lane).collect() })
    }
}

impl Planner for SearchPlanner {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        if self.budget.time_ns == Some(0) {
            return Err(PlanFailure("a time limit of zero leaves no time to search".to_owned()));
        }
        let lists = Self::lists(problem)?;
        if problem.tasks.is_empty() {
            return Ok(Schedule::default());
        }
        let instance = Instance::new(problem)?;
        let mut starts: Vec<Start> = lists.iter().filter_map(|l| Start::of(&instance, l)).collect();
        starts.extend(self.resumed(&instance));
        let mut evaluator = Evaluator::new(&instance, &starts[0].order, &starts[0].lanes);
        let makespan_ns = |s: &Start| evaluator.set(&s.order, &s.lanes).makespan_ns;
        let makespans: Vec<Ns> = starts.iter().map(makespan_ns).collect();
        let best = (0..starts.len()).min_by_key(|at| makespans[*at]).unwrap_or(0);
        evaluator.set(&starts[best].order, &starts[best].lanes);
        let stream = Stream::new(self.context.seed ^ self.plans << 32, self.name);
        let clock = self.context.clock.clone();
        let mut budget = self.budget;
        if budget.evaluations == 0 {
            budget.evaluations = default_evaluations(instance.len());
        }
        // What was evaluated to choose the begin does not count.
        budget.evaluations += evaluator.evaluations();
        let mut run = Run::new(&evaluator, instance.bound_ns(), budget, stream, clock);
        run.stop_at(problem.stop_flag());
        let start = run.incumbent().clone();
        self.search.search(&mut run, &mut evaluator);
        let (incumbent, progress) = run.finish(evaluator.evaluations());
        let found = schedule(&instance, problem, &incumbent);
        let start = schedule(&instance, problem, &start);
        // Lists know more of devices whose lanes share a capacity than instances do.
        let list = lists.into_iter().min_by_key(Schedule::makespan_ns);
        let start = list
            .into_iter()
            .fold(start, |a, b| if b.makespan_ns() < a.makespan_ns() { b } else { a });
        let is_shared = problem.cluster.device_ids().any(|d| problem.cluster.is_shared(d));
        let chosen = match is_shared && start.makespan_ns() < found.makespan_ns() {
            true => start,
            false => self.checked(problem, found, start),
        };
        self.plans += 1;
        self.progress = Some(progress);
        self.remember(&chosen);
        Ok(chosen)
    }

    fn take_progress(&mut self) -> Option<Progress> {
        self.progress.take()
    }
}

impl SearchPlanner {
    /// The better one of two schedules, by the evaluator where there is one.
    fn checked(&self, problem: &Problem<'_>, found: Schedule, start: Schedule) -> Schedule {
        let evaluator = self.context.evaluator.as_ref().filter(|_| self.checks && found != start);
        let Some(evaluator) = evaluator else { return found };
        let simulated_ns = |s: &Schedule| evaluator.evaluate(problem, s).map(|t| t.makespan_ns);
        match (simulated_ns(&found), simulated_ns(&start)) {
            (Ok(found_ns), Ok(start_ns)) if start_ns < found_ns => start,
            (Err(_), Ok(_)) => start,
            _ => found,
        }
    }
}

/// The schedule of an order with lanes.
fn schedule(instance: &Instance, problem: &Problem<'_>, incumbent: &Incumbent) -> Schedule {
    let placed = incumbent.lanes.iter().map(|lane| Placement { lane: *lane, start_ns: 0 });
    let mut placed: Vec<Placement> = placed.collect();
    instance.append(&incumbent.order, &mut placed);
    instance.schedule(problem, &placed)
}
