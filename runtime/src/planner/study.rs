//! Planning apart from the run: a planner works on a snapshot while lanes go on.

use super::{Fixed, Planner, Problem, Schedule};
use crate::{Cluster, Costs, MemoryId, Ns, ObjectId, TaskGraph, TaskId};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A planner that a scheduler and its studies share.
#[derive(Clone)]
pub struct SharedPlanner(Arc<Mutex<dyn Planner>>);

impl SharedPlanner {
    /// Shares a planner.
    pub fn new(planner: impl Planner + 'static) -> Self {
        Self(Arc::new(Mutex::new(planner)))
    }

    /// Does something with the planner; waits for a study that is under way. A planner that
    /// panicked before is used as it is.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut dyn Planner) -> R) -> R {
        use_it(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for SharedPlanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedPlanner")
    }
}

/// A [`Problem`] that owns what it is about.
#[derive(Clone, Debug)]
struct Snapshot {
    graph: TaskGraph,
    cluster: Arc<Cluster>,
    costs: Costs,
    now_ns: Ns,
    tasks: Vec<TaskId>,
    fixed: Vec<Option<Fixed>>,
    lane_free_ns: Vec<Ns>,
    racy: Vec<(ObjectId, MemoryId)>,
}

impl Snapshot {
    fn new(problem: Problem<'_>, cluster: Arc<Cluster>) -> Self {
        Self {
            graph: problem.closed_graph().unwrap_or_else(|| problem.graph.clone()),
            cluster,
            costs: problem.costs.clone(),
            now_ns: problem.now_ns,
            tasks: problem.tasks,
            fixed: problem.fixed,
            lane_free_ns: problem.lane_free_ns,
            racy: problem.racy,
        }
    }
}

/// A problem with the planner that is to solve it, for a driver to carry out wherever it likes;
/// see [`Command::Plan`](crate::Command::Plan).
#[derive(Debug)]
pub struct Study {
    planner: SharedPlanner,
    snapshot: Snapshot,
    is_stopped: Arc<AtomicBool>,
}

/// Asks a study to end soon: its planner is to answer with the best it has.
#[derive(Clone, Debug)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Study {
    pub(crate) fn new(planner: SharedPlanner, problem: Problem<'_>, cluster: Arc<Cluster>) -> Self {
        let snapshot = Snapshot::new(problem, cluster);
        Self { planner, snapshot, is_stopped: Arc::default() }
    }

    /// For whoever wants the study to end before its time.
    pub fn stop_flag(&self) -> StopFlag {
        StopFlag(Arc::clone(&self.is_stopped))
    }

    /// Plans; what there is to say to [`Input::Planned`](crate::Input::Planned).
    ///
    /// # Errors
    /// The planner's failure, for people.
    pub fn plan(self) -> Result<Schedule, String> {
        let Snapshot { graph, cluster, costs, now_ns, tasks, fixed, lane_free_ns, racy } =
            self.snapshot;
        let problem = Problem {
            graph: &graph,
            cluster: &cluster,
            costs: &costs,
            now_ns,
            tasks,
            fixed,
            lane_free_ns,
            racy,
            order: Vec::new(),
            has_gaps: false,
            is_stopped: Some(self.is_stopped),
        };
        self.planner.with(|planner| planner.plan(&problem)).map_err(|failure| failure.to_string())
    }
}
