//! The graph's types: flat arrays, integer ids, no hashing.

use super::infer::Tracks;
use super::labels::Labels;
use crate::cost::Cost;
use crate::{GangId, KernelId, Ns, ObjectId, TaskId};
use serde::{Deserialize, Serialize};

/// All of a device's capacity, in millionths.
pub const FULL_PPM: u32 = 1_000_000;

/// What a task takes of a shared capacity: nanoseconds of all of it.
pub fn of_capacity(duration_ns: Ns, occupancy_ppm: u32) -> Ns {
    let work = u128::from(duration_ns) * u128::from(occupancy_ppm);
    Ns::try_from(work / u128::from(FULL_PPM)).unwrap_or(Ns::MAX)
}

/// How a task uses an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Reads the current version.
    Read,
    /// Produces a new version without looking at the old one.
    Write,
    /// Changes the object in place.
    ReadWrite,
    /// Changes it in place, mutually exclusive with but unordered among the other
    /// commutative accesses of the same run of them.
    Commutative,
    /// Adds to it with an associative and commutative operation, in any order.
    Reduce,
    /// Reads and changes it with neither order nor exclusion (hogwild).
    Racy,
}

impl Mode {
    /// Whether the task needs the object's content before it starts.
    pub fn reads(self) -> bool {
        self != Mode::Write
    }

    /// Whether the task leaves a new version behind.
    pub fn writes(self) -> bool {
        self != Mode::Read
    }

    /// Whether consecutive accesses of this mode are unordered among themselves.
    pub fn is_group(self) -> bool {
        matches!(self, Mode::Commutative | Mode::Reduce | Mode::Racy)
    }

    /// Whether the task excludes others of its group while it runs.
    ///
    /// A reduction is carried out as exclusive accumulation into the object itself.
    pub fn is_exclusive(self) -> bool {
        matches!(self, Mode::Commutative | Mode::Reduce)
    }
}

/// One declared access of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What is accessed.
    pub object: ObjectId,
    /// How.
    pub mode: Mode,
    /// Writes of the object that precede this access in submission order; a member of a group
    /// counts those before its group.
    pub version: u32,
}

/// A data object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Size.
    pub bytes: u64,
    /// Index into the cluster's home memories (modulo their number): where initial data lies,
    /// where evicted data goes and where kept results are brought.
    pub home: u32,
    /// Whether it exists, at home, before the run.
    pub initial: bool,
    /// Whether it is a result: bringing it home is part of the run.
    pub keep: bool,
    /// Whether tasks that use it may still be submitted; it lives on until
    /// [`TaskGraph::release`].
    pub held: bool,
}

/// What [`TaskGraph::add_object`] takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObjectSpec<'a> {
    /// Shown to people; may be empty.
    pub name: &'a str,
    /// See [`Object::bytes`].
    pub bytes: u64,
    /// See [`Object::home`].
    pub home: u32,
    /// See [`Object::initial`].
    pub initial: bool,
    /// See [`Object::keep`].
    pub keep: bool,
    /// See [`Object::held`].
    pub held: bool,
}

/// A task: a kernel with its shape and parameters, and what it accesses.
#[derive(Clone, Debug)]
pub struct Task {
    /// What it runs.
    pub kernel: KernelId,
    /// Sizes that its cost depends on, as the kernel defines them; unused ones are 0.
    pub shape: [u32; 4],
    /// How long it takes.
    pub cost: Cost,
    /// Lanes of one device that it takes at once.
    pub cores: u32,
    /// Memory it needs while it runs, besides its objects.
    pub scratch_bytes: u64,
    /// The most it can use of a device whose lanes share one capacity, in millionths; its duration
    /// is that with all of it.
    pub occupancy_ppm: u32,
    /// The gang that it starts with.
    pub gang: Option<GangId>,
    pub(super) accesses: (u32, u32),
    pub(super) params: (u32, u32),
    /// Incoming edges are `edges[start..end]`.
    pub(super) edges: (u32, u32),
    pub(super) first_successor: u32,
    pub(super) last_successor: u32,
}

/// What [`TaskGraph::submit`] takes.
#[derive(Clone, Copy, Debug)]
pub struct TaskSpec<'a> {
    /// Shown to people; may be empty.
    pub name: &'a str,
    /// See [`Task::kernel`].
    pub kernel: KernelId,
    /// See [`Task::shape`].
    pub shape: [u32; 4],
    /// Small plain parameters handed to the kernel.
    pub params: &'a [i64],
    /// See [`Task::cost`].
    pub cost: Cost,
    /// See [`Task::cores`].
    pub cores: u32,
    /// See [`Task::scratch_bytes`].
    pub scratch_bytes: u64,
    /// See [`Task::occupancy_ppm`].
    pub occupancy_ppm: u32,
    /// See [`Task::gang`].
    pub gang: Option<GangId>,
    /// Objects and how they are used; an object named twice is accessed in the joined mode.
    pub accesses: &'a [(ObjectId, Mode)],
    /// Control edges: tasks that must have finished, whatever they access.
    pub after: &'a [TaskId],
}

impl Task {
    /// Where the list of its outgoing edges begins, for [`TaskGraph::edge_at`].
    #[inline]
    pub(crate) fn first_successor(&self) -> u32 {
        self.first_successor
    }
}

impl TaskSpec<'_> {
    /// A one-core task of `kernel` that costs nothing and accesses nothing.
    pub fn new(kernel: KernelId) -> Self {
        Self {
            name: "",
            kernel,
            shape: [0; 4],
            params: &[],
            cost: Cost::Work(0.0),
            cores: 1,
            scratch_bytes: 0,
            occupancy_ppm: FULL_PPM,
            gang: None,
            accesses: &[],
            after: &[],
        }
    }
}

/// A dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Must finish first.
    pub from: TaskId,
    /// Starts after it.
    pub to: TaskId,
    /// The object that `from` writes and `to` reads; `None` for control, WAR and WAW edges.
    pub object: Option<ObjectId>,
    pub(super) next_successor: u32,
}

/// A graph of tasks over data objects. It may grow while it runs; nothing is ever removed.
#[derive(Clone, Debug)]
pub struct TaskGraph {
    pub(super) name: String,
    pub(super) kernels: Vec<String>,
    pub(super) tasks: Vec<Task>,
    pub(super) task_names: Labels,
    pub(super) objects: Vec<Object>,
    pub(super) object_names: Labels,
    pub(super) accesses: Vec<Access>,
    pub(super) params: Vec<i64>,
    pub(super) edges: Vec<Edge>,
    pub(super) gangs: u32,
    pub(super) columns: Vec<String>,
    pub(super) tables: Vec<Ns>,
    pub(super) tracks: Tracks,
    pub(super) released: Vec<ObjectId>,
}

/// "No next edge".
pub(super) const END: u32 = u32::MAX;

impl TaskGraph {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kernels: Vec::new(),
            tasks: Vec::new(),
            task_names: Labels::default(),
            objects: Vec::new(),
            object_names: Labels::default(),
            accesses: Vec::new(),
            params: Vec::new(),
            edges: Vec::new(),
            gangs: 0,
            columns: Vec::new(),
            tables: Vec::new(),
            tracks: Tracks::default(),
            released: Vec::new(),
        }
    }

    /// Shown to people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Renames the graph.
    pub fn set_name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is no task.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// All task ids, in submission order, which is a topological order.
    pub fn task_ids(&self) -> impl DoubleEndedIterator<Item = TaskId> + ExactSizeIterator + use<> {
        (0..self.tasks.len() as u32).map(TaskId)
    }

    /// All object ids.
    pub fn object_ids(&self) -> impl ExactSizeIterator<Item = ObjectId> + use<> {
        (0..self.objects.len() as u32).map(ObjectId)
    }

    /// A task.
    #[inline]
    pub fn task(&self, task: TaskId) -> &Task {
        &self.tasks[task.index()]
    }

    /// An object.
    #[inline]
    pub fn object(&self, object: ObjectId) -> &Object {
        &self.objects[object.index()]
    }

    /// Number of objects.
    pub fn object_count(&self) -> usize {
        self.objects.len()
    }

    /// A task's accesses, one per object.
    #[inline]
    pub fn accesses(&self, task: TaskId) -> &[Access] {
        let (start, end) = self.task(task).accesses;
        &self.accesses[start as usize..end as usize]
    }

    /// A task's parameters.
    pub fn params(&self, task: TaskId) -> &[i64] {
        let (start, end) = self.task(task).params;
        &self.params[start as usize..end as usize]
    }

    /// A task's incoming edges, sorted by predecessor; a pair of tasks has one per object that
    /// flows between them.
    #[inline]
    pub fn incoming(&self, task: TaskId) -> &[Edge] {
        let (start, end) = self.task(task).edges;
        &self.edges[start as usize..end as usize]
    }

    /// A task's outgoing edges, in submission order of their ends.
    #[inline]
    pub fn outgoing(&self, task: TaskId) -> Outgoing<'_> {
        Outgoing { edges: &self.edges, next: self.task(task).first_successor }
    }

    /// The edge at a position in a list of successors, and the next position.
    #[inline]
    pub(crate) fn edge_at(&self, at: u32) -> Option<(Edge, u32)> {
        let edge = self.edges.get(at as usize)?;
        Some((*edge, edge.next_successor))
    }

    /// The graph without the edges that lead into some tasks: what is left for planners where
    /// finished tasks come after tasks that run again.
    pub(crate) fn without_edges_into(&self, is_cut: impl Fn(TaskId) -> bool) -> Self {
        let mut graph = self.clone();
        for at in 0..graph.tasks.len() {
            let task = &mut graph.tasks[at];
            (task.first_successor, task.last_successor) = (END, END);
            if is_cut(TaskId::from_index(at)) {
                task.edges = (0, 0);
            }
        }
        for to in 0..graph.tasks.len() {
            let (start, end) = graph.tasks[to].edges;
            for at in start..end {
                let edge = &mut graph.edges[at as usize];
                edge.next_successor = END;
                let from = &mut graph.tasks[edge.from.index()];
                let last = std::mem::replace(&mut from.last_successor, at);
                match last {
                    END => from.first_successor = at,
                    last => graph.edges[last as usize].next_successor = at,
                }
            }
        }
        graph
    }

    /// Tasks that must finish before `task`, each once, in order.
    pub fn predecessors(&self, task: TaskId) -> impl Iterator<Item = TaskId> + '_ {
        let edges = self.incoming(task);
        // Edges of one task are sorted by predecessor.
        let is_first = |i: &usize| *i == 0 || edges[*i - 1].from != edges[*i].from;
        (0..edges.len()).filter(is_first).map(|i| edges[i].from)
    }

    /// Bytes that flow along an edge.
    #[inline]
    pub fn edge_bytes(&self, edge: &Edge) -> u64 {
        edge.object.map_or(0, |o| self.object(o).bytes)
    }

    /// Number of edges.
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// The id of kernel `name`, interned on first use.
    pub fn kernel(&mut self, name: &str) -> KernelId {
        let known = self.kernels.iter().position(|k| k == name);
        let index = known.unwrap_or_else(|| {
            self.kernels.push(name.to_owned());
            self.kernels.len() - 1
        });
        KernelId::from_index(index)
    }

    /// The name of a kernel.
    pub fn kernel_name(&self, kernel: KernelId) -> &str {
        &self.kernels[kernel.index()]
    }

    /// All kernel names, by id.
    pub fn kernel_names(&self) -> &[String] {
        &self.kernels
    }

    /// The task's name, or `kernel#number`.
    pub fn task_name(&self, task: TaskId) -> String {
        match self.task_names.get(task.index()) {
            "" => format!("{}#{}", self.kernel_name(self.task(task).kernel), task.0),
            name => name.to_owned(),
        }
    }

    /// The object's name, or `object#number`.
    pub fn object_name(&self, object: ObjectId) -> String {
        match self.object_names.get(object.index()) {
            "" => format!("object#{}", object.0),
            name => name.to_owned(),
        }
    }

    /// Names of the devices or device classes that the columns of cost tables stand for.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Row `row` of the cost tables, one duration per column; `Ns::MAX` = cannot run there.
    pub fn cost_row(&self, row: u32) -> &[Ns] {
        let width = self.columns.len();
        &self.tables[row as usize * width..][..width]
    }

    /// Bytes a task needs in its memory at once: its objects and its scratch.
    pub fn working_set_bytes(&self, task: TaskId) -> u64 {
        let objects: u64 = self.accesses(task).iter().map(|a| self.object(a.object).bytes).sum();
        objects + self.task(task).scratch_bytes
    }
}

/// See [`TaskGraph::outgoing`].
#[derive(Clone)]
pub struct Outgoing<'a> {
    edges: &'a [Edge],
    next: u32,
}

impl<'a> Iterator for Outgoing<'a> {
    type Item = &'a Edge;

    #[inline]
    fn next(&mut self) -> Option<&'a Edge> {
        if self.next == END {
            return None;
        }
        let edge = &self.edges[self.next as usize];
        self.next = edge.next_successor;
        Some(edge)
    }
}
