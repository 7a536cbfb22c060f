//! Planners: a problem in, a schedule out. One adapter makes every planner a scheduler.

mod adapter;
mod apart;
mod evaluator;
mod order;
mod progress;
mod study;

pub use adapter::Planned;
pub use apart::PlannedApart;
pub use evaluator::{EvaluationError, Evaluator, Times};
pub use order::PlanError;
pub use progress::{EffortUnit, Progress, Step};
pub use study::{SharedPlanner, StopFlag, Study};

use crate::{Cluster, Costs, DeviceId, LaneId, MemoryId, Ns, ObjectId, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Computes a schedule for all tasks of a problem.
pub trait Planner: Send {
    /// The schedule; it must hold every task of [`Problem::tasks`] once.
    ///
    /// # Errors
    /// [`PlanFailure`] when there is none or it cannot be found; the run then ends with its text.
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure>;

    /// The report of the last call of [`Planner::plan`], where the planner searches; asked for once
    /// after each call.
    fn take_progress(&mut self) -> Option<Progress> {
        None
    }
}

impl<P: Planner + ?Sized> Planner for Box<P> {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        (**self).plan(problem)
    }

    fn take_progress(&mut self) -> Option<Progress> {
        (**self).take_progress()
    }
}

/// Why a planner has no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanFailure(pub String);

/// What is to be planned: always a residual problem, a fresh run being the special case.
#[derive(Clone, Debug)]
pub struct Problem<'a> {
    /// The whole known graph.
    pub graph: &'a TaskGraph,
    /// The machine.
    pub cluster: &'a Cluster,
    /// Estimated durations.
    pub costs: &'a Costs,
    /// The instant from which to plan.
    pub now_ns: Ns,
    /// Tasks to plan, in submission order (a topological order).
    pub tasks: Vec<TaskId>,
    fixed: Vec<Option<Fixed>>,
    lane_free_ns: Vec<Ns>,
    racy: Vec<(ObjectId, MemoryId)>,
    order: Vec<(TaskId, TaskId)>,
    /// Whether tasks that are fixed may come after tasks that are not.
    has_gaps: bool,
    is_stopped: Option<Arc<AtomicBool>>,
}

/// A task that is not to be planned: it has finished, runs or is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Where it is.
    pub device: DeviceId,
    /// Its end, an estimate while it runs.
    pub finish_ns: Ns,
}

impl<'a> Problem<'a> {
    /// All tasks, an empty machine, time 0.
    pub fn fresh(graph: &'a TaskGraph, cluster: &'a Cluster, costs: &'a Costs) -> Self {
        Self {
            graph,
            cluster,
            costs,
            now_ns: 0,
            tasks: graph.task_ids().collect(),
            fixed: Vec::new(),
            lane_free_ns: Vec::new(),
            racy: Vec::new(),
            order: Vec::new(),
            has_gaps: false,
            is_stopped: None,
        }
    }

    /// The rest of a run at `now_ns`: `fixed` per task, when each lane is free, and the objects
    /// that are in racy use with their memories, in the order of their ids.
    pub fn residual(
        fresh: Self,
        now_ns: Ns,
        fixed: Vec<Option<Fixed>>,
        lane_free_ns: Vec<Ns>,
        racy: Vec<(ObjectId, MemoryId)>,
    ) -> Self {
        let tasks = fresh.graph.task_ids().filter(|t| fixed[t.index()].is_none()).collect();
        Self { now_ns, tasks, fixed, lane_free_ns, racy, ..fresh }
    }

    /// With an order among tasks besides the graph's edges, the first of a pair before the second:
    /// what a recovery leaves. Planners need not know it, a plan is followed as far as it agrees.
    pub(crate) fn with_order(self, order: Vec<(TaskId, TaskId)>, has_gaps: bool) -> Self {
        Self { order, has_gaps, ..self }
    }

    /// The graph that planners are to see instead, if finished tasks come after tasks that run
    /// again: for planners whoever is fixed waits for nobody.
    pub(crate) fn closed_graph(&self) -> Option<TaskGraph> {
        self.has_gaps.then(|| self.graph.without_edges_into(|task| !self.is_planned(task)))
    }

    /// The problem with another graph of the same tasks.
    pub(crate) fn on(self, graph: &'a TaskGraph) -> Self {
        Self { graph, has_gaps: false, ..self }
    }

    /// Whether the planner is to stop and answer with the best it has: planners that may take long
    /// look at it now and then.
    #[inline]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// The flag behind [`Problem::is_stopped`], for planners that hand it on.
    pub fn stop_flag(&self) -> Option<Arc<AtomicBool>> {
        self.is_stopped.clone()
    }

    /// What is fixed of a task.
    #[inline]
    pub fn fixed(&self, task: TaskId) -> Option<Fixed> {
        self.fixed.get(task.index()).copied().flatten()
    }

    /// Whether the task is to be planned.
    #[inline]
    pub fn is_planned(&self, task: TaskId) -> bool {
        self.fixed(task).is_none()
    }

    /// Whether some device can run a task as things stand: others may be away.
    pub fn can_run(&self, task: TaskId) -> bool {
        let cores = self.graph.task(task).cores;
        self.cluster.device_ids().any(|d| {
            self.cluster.device(d).lanes >= cores && self.costs.duration_ns(task, d).is_some()
        })
    }

    /// The memory that an object must stay in because tasks use it racily there.
    pub fn racy_memory(&self, object: ObjectId) -> Option<MemoryId> {
        let found = self.racy.binary_search_by_key(&object, |r| r.0);
        found.ok().map(|at| self.racy[at].1)
    }

    /// When a lane is free of what is fixed.
    #[inline]
    pub fn lane_free_ns(&self, lane: LaneId) -> Ns {
        self.lane_free_ns.get(lane.index()).map_or(self.now_ns, |ns| (*ns).max(self.now_ns))
    }
}

/// Where and when a task is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The task.
    pub task: TaskId,
    /// The device.
    pub device: DeviceId,
    /// The first lane of as many consecutive ones as the task has cores.
    pub lane: LaneId,
    /// Planned start.
    pub start_ns: Ns,
    /// Planned end.
    pub finish_ns: Ns,
}

/// A plan: each task once, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// One per task.
    pub assignments: Vec<Assignment>,
}

impl Schedule {
    /// The latest planned end.
    pub fn makespan_ns(&self) -> Ns {
        self.assignments.iter().map(|a| a.finish_ns).max().unwrap_or(0)
    }
}
