//! The planners: a problem in, a schedule and what is proved of it out.

use crate::decode::timetable_of;
use crate::instance::Instance;
use crate::local::{Local, improve};
use crate::optimise::{OptimiseError, Settings, optimise};
use crate::plan::Plan;
use crate::solver::{Interrupt, SolverError};
use runtime::bounds::plans_bound_runs;
use runtime::cluster::Capacity;
use runtime::partial_schedule::Policy;
use runtime::planner::{EffortUnit, PlanFailure, Progress};
use runtime::registry::Clock;
use runtime::{Ns, Planner, Problem, Schedule};
use schedulers::instance::{Instance as Flat, Placement};
use schedulers::stream::Stream;
use schedulers::{cpop::Cpop, etf::Etf, heft::Heft, peft::Peft};
use std::time::{Duration, Instant};

/// Tasks up to which all list schedulers are tried for a start, not HEFT alone.
const MANY_STARTS: usize = 2000;

/// What happens when the solver fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The best schedule so far is used.
    Heuristic,
    /// Planning fails, and with it the run.
    Fail,
}

/// Plans with the whole model where the problem is small, window by window otherwise.
pub struct Milp {
    /// Of the whole model; its limits.
    pub whole: Settings,
    /// Tasks up to which the whole model is tried; 0 = never.
    pub most_tasks: usize,
    /// Of windows: before the whole model they shorten the start, instead of it they are the
    /// search.
    pub local: Local,
    /// Windows before the whole model.
    pub polish: u64,
    /// Of a window's model.
    pub window: Settings,
    /// Wall limit of a call.
    pub wall: Option<Duration>,
    /// What happens when the solver fails.
    pub on_failure: OnFailure,
    /// A schedule that ends later is of no use.
    pub deadline_ns: Option<Ns>,
    /// Seed of the choice of windows.
    pub seed: u64,
    /// For the report.
    pub clock: Option<Clock>,
    /// Of the last call.
    pub progress: Option<Progress>,
    /// The last plan: where the next one may start from.
    pub last: Schedule,
}

impl Planner for Milp {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        if self.wall == Some(Duration::ZERO) {
            return Err(PlanFailure(SolverError::ZeroLimit("wall").to_string()));
        }
        let mut progress = Progress::new(EffortUnit::Nodes);
        let plan = self.search(problem, &mut progress);
        if let Ok(schedule) = &plan {
            self.last = schedule.clone();
        }
        let late = self.deadline_ns.zip(progress.bound_ns()).filter(|(d, b)| b > d);
        self.progress = Some(progress);
        if let Some((deadline_ns, bound_ns)) = late {
            return Err(PlanFailure(format!(
                "no schedule meets the deadline: it is {deadline_ns} ns, and none ends before \
                 {bound_ns} ns"
            )));
        }
        plan
    }

    fn take_progress(&mut self) -> Option<Progress> {
        self.progress.take()
    }
}

impl Milp {
    fn search(
        &self,
        problem: &Problem<'_>,
        progress: &mut Progress,
    ) -> Result<Schedule, PlanFailure> {
        let started = Instant::now();
        let first_ns = self.clock.as_ref().map(|c| c());
        let wall_ns = || Some(self.clock.as_ref()?().saturating_sub(first_ns?));
        let flat = Flat::new(problem)?;
        let start = best_of_heuristics(problem)?;
        if flat.is_empty() || flat.has_gangs() || shares_capacity(problem) {
            progress.found(0, start.makespan_ns(), wall_ns());
            return Ok(start);
        }
        let (order, placed) = flat.placements(&start).expect("list schedulers place every task");
        let mut plan = Plan::new(&flat, &order, placed);
        if let Some(last) = self.remembered(&flat)
            && last.makespan_ns() < plan.makespan_ns()
        {
            plan = last;
        }
        progress.found(0, plan.makespan_ns(), wall_ns());
        progress.bounds_runs = plans_bound_runs(problem);
        let interrupt = problem.stop_flag().map(Interrupt::from_flag);
        let searched = self.improve(&mut plan, started, interrupt, progress, &wall_ns);
        match (searched, self.on_failure) {
            (Err(error), OnFailure::Fail) => Err(PlanFailure(error.to_string())),
            _ => Ok(flat.schedule(problem, plan.placed())),
        }
    }

    fn improve(
        &self,
        plan: &mut Plan<'_>,
        started: Instant,
        interrupt: Option<Interrupt>,
        progress: &mut Progress,
        wall_ns: &dyn Fn() -> Option<Ns>,
    ) -> Result<(), OptimiseError> {
        let interrupt = interrupt.unwrap_or_default();
        let mut window = self.window.clone();
        window.limits.interrupt = interrupt.clone();
        let mut stream = Stream::new(self.seed, "milp windows");
        let is_small = plan.flat.len() <= self.most_tasks;
        let left = || self.wall.map(|w| w.saturating_sub(started.elapsed()));
        let may_go_on = || !interrupt.is_raised() && left() != Some(Duration::ZERO);
        let windows = if is_small { self.polish } else { self.local.windows };
        let local = Local { windows, ..self.local.clone() };
        let mut nodes = 0;
        improve(plan, &local, &window, &mut stream, |effort, makespan_ns| {
            nodes = effort.nodes;
            progress.found(nodes, makespan_ns, wall_ns());
            may_go_on()
        })?;
        progress.effort = nodes;
        if !is_small || !may_go_on() {
            return Ok(());
        }
        let mut settings = self.whole.clone();
        settings.limits.interrupt = interrupt.clone();
        settings.limits.wall = left();
        match solve_whole(plan, &settings, progress, wall_ns) {
            // Windows need less.
            Err(OptimiseError::TooLarge(_)) => {
                let before = progress.effort;
                improve(plan, &self.local, &window, &mut stream, |effort, makespan_ns| {
                    progress.effort = before + effort.nodes;
                    progress.found(progress.effort, makespan_ns, wall_ns());
                    may_go_on()
                })
                .map(|_| ())
            }
            other => other,
        }
    }

    /// The last plan, if it knows every task that is left and its order still holds.
    fn remembered<'a>(&self, flat: &'a Flat) -> Option<Plan<'a>> {
        let assignments = &self.last.assignments;
        let left = assignments.iter().filter(|a| flat.node_of(a.task).is_some());
        let last = Schedule { assignments: left.copied().collect() };
        let (order, placed) = flat.placements(&last)?;
        let runs = |(node, p): (u32, &Placement)| flat.can_run(node, p.lane);
        (0..).zip(&placed).all(runs).then(|| Plan::new(flat, &order, placed))
    }
}

/// The whole model, from the plan so far.
fn solve_whole(
    plan: &mut Plan<'_>,
    settings: &Settings,
    progress: &mut Progress,
    wall_ns: &dyn Fn() -> Option<Ns>,
) -> Result<(), OptimiseError> {
    let flat = plan.flat;
    let instance = Instance::new(flat).expect("gangs were sorted out");
    let known = timetable_of(&instance, plan.placed());
    let found = optimise(&instance, &known, 0, settings)?;
    let before = progress.effort;
    progress.effort += found.nodes;
    for incumbent in &found.incumbents {
        progress.bounded(before + incumbent.nodes, flat.now_ns() + incumbent.bound_ns);
    }
    if let Some(better) = found.better {
        let (order, placed) = better.placements(&instance, flat);
        *plan = Plan::new(flat, &order, placed);
        let nodes = found.incumbents.last().map_or(found.nodes, |i| i.nodes);
        progress.found(before + nodes, plan.makespan_ns(), wall_ns());
    }
    progress.bounded(progress.effort, flat.now_ns() + found.bound_ns);
    progress.is_proved = flat.now_ns() + found.bound_ns >= plan.makespan_ns();
    Ok(())
}

/// Whether several lanes of a device share its capacity, which the models do not know: they would
/// count streams as devices.
fn shares_capacity(problem: &Problem<'_>) -> bool {
    let devices = problem.cluster.device_ids().map(|d| problem.cluster.device(d));
    devices.into_iter().any(|d| d.lanes > 1 && d.capacity == Capacity::Shared)
}

/// The shortest schedule of the list schedulers, the first of equals.
fn best_of_heuristics(problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
    let mut best = Heft { policy: Policy::Insertion }.plan(problem)?;
    if problem.tasks.len() > MANY_STARTS {
        return Ok(best);
    }
    let others: [Box<dyn Planner>; 3] = [
        Box::new(Peft { policy: Policy::Insertion }),
        Box::new(Cpop { policy: Policy::Insertion }),
        Box::new(Etf),
    ];
    for mut other in others {
        let schedule = other.plan(problem)?;
        if schedule.makespan_ns() < best.makespan_ns() {
            best = schedule;
        }
    }
    Ok(best)
}
