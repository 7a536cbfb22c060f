//! From a problem to a schedule by any search.
//!
//! The search begins with the best of some list schedules, of all tasks in one memory and, when a
//! plan is made anew, of the plan before; it ends with the best schedule found, or with the one it
//! began with when the injected evaluator says that this is better after all. Where links can be
//! full, schedules are compared by times in which transfers wait for each other; where memories
//! can, those whose tasks need more than there is count as longer.

use super::evaluator::Evaluator;
use super::gathered::gathered;
use super::routes::Routes;
use super::run::{Budget, Incumbent, Run};
use super::timing::Model;
use crate::contention_heft::ContentionHeft;
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

/// What schedules are compared by.
pub(crate) const CONTENTION: ParameterInfo = ParameterInfo {
    name: "contention",
    summary: "whether transfers wait for each other on links in the schedules that are compared, \
              unless the network is free of contention",
    kind: Kind::Bool { default: true },
};

/// Whether capacities count.
pub(crate) const MEMORY: ParameterInfo = ParameterInfo {
    name: "memory",
    summary: "whether schedules whose tasks need more than a memory holds are compared as longer \
              ones, where some capacity is below the sum of all data",
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
    has_contention: bool,
    has_memory: bool,
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
            has_contention: parameters.bool("contention"),
            has_memory: parameters.bool("memory"),
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
        // Tasks that run again may come before what the last plan had left.
        let is_known = |node: u32| is_placed[instance.unit_of(node) as usize];
        let mut nodes = (0..instance.len() as u32).filter(|n| is_known(*n));
        let is_closed = nodes.all(|n| instance.preds(n).iter().all(|arc| is_known(arc.node)));
        if start.order.is_empty() || !is_simple || !is_closed {
            return None;
        }
        super::decode::append_rest(instance, &mut start.order, &mut start.lanes);
        let fits = (0..).zip(&start.lanes).all(|(node, lane)| instance.can_run(node, *lane));
        fits.then_some(start)
    }

    /// The list schedules to begin with.
    fn lists(problem: &Problem<'_>, has_contention: bool) -> Result<Vec<Schedule>, PlanFailure> {
        let policy = Policy::Insertion;
        let mut lists = vec![Heft { policy }.plan(problem)?, Peft { policy }.plan(problem)?];
        if has_contention {
            lists.push(ContentionHeft { policy }.plan(problem)?);
        }
        Ok(lists)
    }

    fn remember(&mut self, schedule: &Schedule) {
        let mut order: Vec<&runtime::planner::Assignment> = schedule.assignments.iter().collect();
        order.sort_by_key(|a| (a.start_ns, a.finish_ns, a.task));
        self.before = order.into_iter().map(|a| (a.task, a.device, a.lane)).collect();
    }
}

/// Units in order and lanes of nodes.
#[derive(Clone)]
pub(super) struct Start {
    pub order: Vec<u32>,
    pub lanes: Vec<u32>,
}

impl Start {
    pub fn of(instance: &Instance, schedule: &Schedule) -> Option<Self> {
        let (order, placed) = instance.placements(schedule)?;
        Some(Self { order, lanes: placed.iter().map(|p| p.lane).collect() })
    }

    /// Its placements, not timed yet.
    pub fn placements(&self) -> Vec<Placement> {
        self.lanes.iter().map(|lane| Placement { lane: *lane, start_ns: 0 }).collect()
    }
}

impl Planner for SearchPlanner {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        if self.budget.time_ns == Some(0) {
            return Err(PlanFailure("a time limit of zero leaves no time to search".to_owned()));
        }
        if problem.tasks.is_empty() {
            return Ok(Schedule::default());
        }
        let instance = Instance::new(problem)?;
        let routes = self.has_contention.then(|| Routes::of(problem, &instance)).flatten();
        let has_contention = routes.is_some();
        let lists = Self::lists(problem, has_contention)?;
        let mut starts: Vec<Start> = lists.iter().filter_map(|l| Start::of(&instance, l)).collect();
        starts.extend(starts.first().map(|s| gathered(&instance, s)).unwrap_or_default());
        starts.extend(self.resumed(&instance));
        let mut model = Model { routes, ..Model::default() };
        if self.has_memory {
            model = model.within_capacities(problem, &instance);
        }
        let mut evaluator =
            Evaluator::with_model(&instance, &starts[0].order, &starts[0].lanes, model);
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
        let mut timed = |incumbent: &Incumbent| {
            evaluator.set(&incumbent.order, &incumbent.lanes);
            instance.schedule(problem, &evaluator.placements())
        };
        let mut candidates = vec![timed(&incumbent), timed(&start)];
        // Lists know more of devices whose lanes share a capacity than instances do.
        if problem.cluster.device_ids().any(|d| problem.cluster.is_shared(d)) {
            candidates.extend(lists);
        }
        let chosen = self.chosen(problem, candidates, has_contention);
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
    /// The best one of some schedules: by the evaluator where there is one, or else by what they
    /// promise, or the first one where some promise without contention and others with it.
    fn chosen(
        &self,
        problem: &Problem<'_>,
        mut candidates: Vec<Schedule>,
        has_contention: bool,
    ) -> Schedule {
        candidates.dedup();
        let evaluator = self.context.evaluator.as_ref();
        let evaluator = evaluator.filter(|_| self.checks && candidates.len() > 1);
        let makespan_ns = |s: &Schedule| match evaluator {
            Some(evaluator) => evaluator.evaluate(problem, s).map_or(Ns::MAX, |t| t.makespan_ns),
            None if has_contention => 0,
            None => s.makespan_ns(),
        };
        let best = candidates.iter().enumerate().min_by_key(|(at, s)| (makespan_ns(s), *at));
        let best = best.map_or(0, |(at, _)| at);
        candidates.swap_remove(best)
    }
}
