//! What the models read: a residual problem, flat and renumbered, in nanoseconds from its instant.
//!
//! Tasks are numbered in submission order, which is topological; *lanes* are single cores, and a
//! task of several cores names the first of its consecutive ones. What is fixed outside (finished
//! and running tasks, lanes that are busy, a frozen rest of the plan) appears as a release before
//! which a task cannot start on a lane and as a tail that must follow its end there.
//! Communication is contention-free, as [`runtime::PartialSchedule`] estimates it.

use runtime::graph::Mode;
use runtime::{LaneId, Ns, Problem, TaskId};

/// A duration where a task cannot run.
pub const NEVER: Ns = Ns::MAX;

/// A dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The earlier task.
    pub from: usize,
    /// The later one.
    pub to: usize,
    /// Which table of [`Instance::delays_ns`] says how long its data travel.
    pub delay: usize,
}

/// See the module's documentation. Arrays "by task and lane" hold a row of lanes per task.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// The tasks.
    pub tasks: Vec<TaskId>,
    /// The lanes.
    pub lanes: Vec<LaneId>,
    /// Memory of each lane, numbered from 0.
    pub memory_of: Vec<usize>,
    /// Memories.
    pub memories: usize,
    /// By task and lane; [`NEVER`] where it cannot start.
    pub duration_ns: Vec<Ns>,
    /// Lanes that a task takes.
    pub cores: Vec<usize>,
    /// By task and lane: the earliest start.
    pub release_ns: Vec<Ns>,
    /// By task and lane: what must still pass after the task's end.
    pub tail_ns: Vec<Ns>,
    /// By task and lane: the latest end; [`Ns::MAX`] = none.
    pub deadline_ns: Vec<Ns>,
    /// Sorted by `to`, then `from`.
    pub edges: Vec<Edge>,
    /// Tables of travel times by memory of the earlier and of the later task; table 0 is zero.
    pub delays_ns: Vec<Vec<Ns>>,
    /// Groups of tasks that must share a memory.
    pub together: Vec<Vec<usize>>,
    /// Bytes that a task keeps in its memory for the whole plan; empty = not limited.
    pub resident_bytes: Vec<u64>,
    /// By memory; `None` = unlimited. Read with [`Instance::resident_bytes`].
    pub capacity_bytes: Vec<Option<u64>>,
}

/// Why a problem cannot be put into a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// Gangs are not modelled.
    #[error("task {0:?} belongs to a gang, which the MILP does not model")]
    Gang(String),
    /// A task that fits nowhere.
    #[error("task {task:?} fits nowhere: it needs {cores} cores and {bytes} bytes at once")]
    FitsNowhere {
        /// Its name.
        task: String,
        /// Cores.
        cores: u32,
        /// Its working set.
        bytes: u64,
    },
}

impl Instance {
    /// All tasks of a problem on all lanes.
    ///
    /// # Errors
    /// [`InstanceError`]. Linear in tasks × lanes and edges × memories².
    pub fn new(problem: &Problem<'_>) -> Result<Self, InstanceError> {
        let Problem { graph, cluster, .. } = *problem;
        let lanes: Vec<LaneId> = (0..cluster.lane_count()).map(LaneId::from_index).collect();
        let memory = |l: &LaneId| cluster.memory_of(cluster.device_of(*l)).index();
        let mut instance = Self {
            tasks: problem.tasks.clone(),
            memory_of: lanes.iter().map(memory).collect(),
            lanes,
            memories: cluster.memory_count(),
            delays_ns: vec![vec![0; cluster.memory_count().pow(2)]],
            ..Self::default()
        };
        let mut number = vec![usize::MAX; graph.len()];
        for (at, task) in problem.tasks.iter().enumerate() {
            number[task.index()] = at;
        }
        let mut delay_of: Vec<(u64, usize)> = Vec::new();
        for (at, &task) in problem.tasks.iter().enumerate() {
            if graph.task(task).gang.is_some() {
                return Err(InstanceError::Gang(graph.task_name(task)));
            }
            instance.add_row(problem, task)?;
            for edge in graph.incoming(task) {
                let from = number[edge.from.index()];
                if from != usize::MAX {
                    let bytes = edge.object.map(|o| graph.object(o).bytes);
                    let delay = instance.delay_table(problem, bytes, &mut delay_of);
                    instance.edges.push(Edge { from, to: at, delay });
                }
            }
        }
        instance.edges.sort_by_key(|e| (e.to, e.from, e.delay));
        instance.edges.dedup();
        instance.link_racy(problem);
        Ok(instance)
    }

    /// Durations and releases of one task.
    fn add_row(&mut self, problem: &Problem<'_>, task: TaskId) -> Result<(), InstanceError> {
        let Problem { graph, cluster, costs, now_ns, .. } = *problem;
        let cores = graph.task(task).cores as usize;
        let bytes = graph.working_set_bytes(task);
        let ready_ns = inputs_ready_ns(problem, task);
        let pinned = graph.accesses(task).iter().filter(|a| a.mode == Mode::Racy);
        let pinned: Vec<_> = pinned.filter_map(|a| problem.racy_memory(a.object)).collect();
        let mut is_able = false;
        for at in 0..self.lanes.len() {
            let lane = self.lanes[at];
            let device = cluster.device_of(lane);
            let memory = cluster.memory_of(device);
            let fits = cluster.memory(memory).capacity_bytes.is_none_or(|c| bytes <= c)
                && at + cores <= self.lanes.len()
                && cluster.device_of(self.lanes[at + cores - 1]) == device
                && pinned.iter().all(|m| *m == memory);
            let duration_ns = costs.duration_ns(task, device).filter(|_| fits);
            is_able |= duration_ns.is_some();
            self.duration_ns.push(duration_ns.unwrap_or(NEVER));
            let window = &self.lanes[at..(at + cores).min(self.lanes.len())];
            let free_ns = window.iter().map(|l| problem.lane_free_ns(*l)).max().unwrap_or(now_ns);
            self.release_ns.push(ready_ns[memory.index()].max(free_ns) - now_ns);
            self.tail_ns.push(0);
            self.deadline_ns.push(Ns::MAX);
        }
        self.cores.push(cores);
        let task = || graph.task_name(task);
        match is_able {
            true => Ok(()),
            false => Err(InstanceError::FitsNowhere { task: task(), cores: cores as u32, bytes }),
        }
    }

    /// The table of an object's size; `None` is a dependency without data.
    fn delay_table(
        &mut self,
        problem: &Problem<'_>,
        bytes: Option<u64>,
        known: &mut Vec<(u64, usize)>,
    ) -> usize {
        let Some(bytes) = bytes else { return 0 };
        match known.binary_search_by_key(&bytes, |k| k.0) {
            Ok(at) => known[at].1,
            Err(at) => {
                let mut table = Vec::with_capacity(self.memories.pow(2));
                for from in problem.cluster.memory_ids() {
                    let mut row = vec![0; self.memories];
                    problem.cluster.arrive_everywhere(from, 0, bytes, &mut row);
                    table.append(&mut row);
                }
                self.delays_ns.push(table);
                known.insert(at, (bytes, self.delays_ns.len() - 1));
                self.delays_ns.len() - 1
            }
        }
    }

    /// Tasks that share an object racily share a memory.
    fn link_racy(&mut self, problem: &Problem<'_>) {
        let mut by_object: Vec<(usize, usize)> = Vec::new();
        for (at, task) in self.tasks.iter().enumerate() {
            let racy = problem.graph.accesses(*task).iter().filter(|a| a.mode == Mode::Racy);
            by_object.extend(racy.map(|a| (a.object.index(), at)));
        }
        by_object.sort_unstable();
        for group in by_object.chunk_by(|a, b| a.0 == b.0) {
            if group.len() > 1 {
                self.together.push(group.iter().map(|g| g.1).collect());
            }
        }
    }

    /// Tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Where the arrays by task and lane hold a task on a lane.
    #[inline]
    pub fn at(&self, task: usize, lane: usize) -> usize {
        task * self.lanes.len() + lane
    }

    /// How long data travel along an edge between two memories.
    #[inline]
    pub fn delay_ns(&self, edge: &Edge, from_memory: usize, to_memory: usize) -> Ns {
        self.delays_ns[edge.delay][from_memory * self.memories + to_memory]
    }
}

/// When the inputs that come from outside the plan could be in each memory.
fn inputs_ready_ns(problem: &Problem<'_>, task: TaskId) -> Vec<Ns> {
    let Problem { graph, cluster, now_ns, .. } = *problem;
    let fixed = graph.incoming(task).iter().filter_map(|e| Some((e, problem.fixed(e.from)?)));
    let floor_ns = fixed.clone().map(|(_, f)| f.finish_ns).fold(now_ns, Ns::max);
    let mut ready_ns = vec![floor_ns; cluster.memory_count()];
    for (edge, fixed) in fixed {
        if let Some(object) = edge.object {
            let from = cluster.memory_of(fixed.device);
            let bytes = graph.object(object).bytes;
            cluster.arrive_everywhere(from, fixed.finish_ns, bytes, &mut ready_ns);
        }
    }
    for access in graph.accesses(task).iter().filter(|a| a.mode.reads() && a.version == 0) {
        let object = graph.object(access.object);
        let home = cluster.home(object.home);
        cluster.arrive_everywhere(home, now_ns, object.bytes, &mut ready_ns);
    }
    ready_ns
}
