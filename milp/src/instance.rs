//! What the models read: some tasks of a residual problem on some of its lanes, in nanoseconds from
//! its instant.
//!
//! Tasks are numbered topologically; *lanes* are single cores; a task of several cores names the
//! first of its consecutive ones. What is fixed outside (finished and running tasks, lanes that are
//! busy, a frozen rest of the plan) appears as a release before which a task cannot start on a lane
//! and as a tail that must follow its end there. Communication is contention-free, as in
//! [`schedulers::instance`], from which all times come.

use runtime::Ns;
use schedulers::instance::Instance as Flat;

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
    /// The tasks, by their numbers in the flat instance, increasing.
    pub nodes: Vec<u32>,
    /// The lanes of some devices, by their numbers in the flat instance, increasing.
    pub lanes: Vec<u32>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// Gangs are not modelled.
    #[error("some tasks are gangs, which must start together: the MILP does not model them")]
    Gangs,
}

impl Instance {
    /// All tasks of a problem on all lanes.
    ///
    /// # Errors
    /// [`InstanceError`].
    pub fn new(flat: &Flat) -> Result<Self, InstanceError> {
        if flat.has_gangs() {
            return Err(InstanceError::Gangs);
        }
        let nodes: Vec<u32> = (0..flat.len() as u32).collect();
        let lanes: Vec<u32> = (0..flat.lane_count() as u32).collect();
        Ok(Self::part(flat, &nodes, &lanes))
    }

    /// Some tasks of a problem (in increasing order) on the lanes of some devices, as if there were
    /// no others. Cost: nodes × lanes, and edges × memories².
    pub fn part(flat: &Flat, nodes: &[u32], lanes: &[u32]) -> Self {
        let mut memories: Vec<u32> = lanes.iter().map(|l| flat.memory_of(*l)).collect();
        memories.sort_unstable();
        memories.dedup();
        let memory_of = |l: &u32| memories.partition_point(|m| *m < flat.memory_of(*l));
        let mut instance = Self {
            nodes: nodes.to_vec(),
            lanes: lanes.to_vec(),
            memory_of: lanes.iter().map(memory_of).collect(),
            memories: memories.len(),
            delays_ns: vec![vec![0; memories.len().pow(2)]],
            ..Self::default()
        };
        for (to, &node) in nodes.iter().enumerate() {
            instance.add_row(flat, node);
            for arc in flat.preds(node) {
                let Ok(from) = nodes.binary_search(&arc.node) else { continue };
                let pairs = memories.iter().flat_map(|a| memories.iter().map(move |b| (*a, *b)));
                let table: Vec<Ns> = pairs.map(|(a, b)| flat.arc_ns(*arc, a, b)).collect();
                // Equal sizes often follow each other.
                let known = instance.delays_ns.iter().rev().take(4).position(|t| *t == table);
                let delay = match known {
                    Some(back) => instance.delays_ns.len() - 1 - back,
                    None if table.iter().all(|ns| *ns == 0) => 0,
                    None => {
                        instance.delays_ns.push(table);
                        instance.delays_ns.len() - 1
                    }
                };
                instance.edges.push(Edge { from, to, delay });
            }
        }
        instance.link_racy(flat);
        instance
    }

    /// Durations and releases of one task.
    fn add_row(&mut self, flat: &Flat, node: u32) {
        let cores = flat.cores(node) as usize;
        self.cores.push(cores);
        for (at, &lane) in self.lanes.iter().enumerate() {
            let window = &self.lanes[at..(at + cores).min(self.lanes.len())];
            let is_whole = window.len() == cores && window[cores - 1] == lane + cores as u32 - 1;
            let runs = is_whole && flat.can_run(node, lane);
            let free_ns = window.iter().map(|l| flat.lane_free_ns(*l)).max().unwrap_or(0);
            let ready_ns = flat.release_ns(node, flat.memory_of(lane));
            self.duration_ns.push(if runs { flat.duration_ns(node, lane) } else { NEVER });
            self.release_ns.push(ready_ns.max(free_ns) - flat.now_ns());
            self.tail_ns.push(0);
            self.deadline_ns.push(Ns::MAX);
        }
    }

    /// Tasks that share an object racily share a memory.
    fn link_racy(&mut self, flat: &Flat) {
        let groups = self.nodes.iter().enumerate();
        let mut groups: Vec<(u32, usize)> =
            groups.filter_map(|(at, node)| Some((flat.racy_group(*node)?, at))).collect();
        groups.sort_unstable();
        for group in groups.chunk_by(|a, b| a.0 == b.0).filter(|g| g.len() > 1) {
            self.together.push(group.iter().map(|g| g.1).collect());
        }
    }

    /// Tasks.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
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
