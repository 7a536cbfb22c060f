//! A graph under construction: what every reader fills, in the order of its file, and what is then
//! sorted and submitted.

use super::error::{ImportError, Place};
use super::names::Names;
use super::order;
use runtime::graph::{FULL_PPM, Mode, ObjectSpec, PlainGraph, TaskGraph, TaskSpec};
use runtime::{Cost, GangId, KernelId, ObjectId, TaskId};

/// A task as its file lists it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DraftTask<'a> {
    pub name: &'a str,
    pub kernel: KernelId,
    pub shape: [u32; 4],
    pub params: &'a [i64],
    pub cost: Cost,
    pub cores: u32,
    pub scratch_bytes: u64,
    pub occupancy_ppm: u32,
    pub gang: Option<GangId>,
}

impl<'a> DraftTask<'a> {
    /// A one-core task without data.
    pub fn new(name: &'a str, kernel: u32, work: f64) -> Self {
        Self {
            name,
            kernel: KernelId(kernel),
            shape: [0; 4],
            params: &[],
            cost: Cost::Work(work),
            cores: 1,
            scratch_bytes: 0,
            occupancy_ppm: FULL_PPM,
            gang: None,
        }
    }
}

/// The tasks of a file, in its order; large files make them one by one from something smaller.
pub(super) trait TaskList {
    fn len(&self) -> usize;
    fn get(&self, at: usize) -> DraftTask<'_>;
}

impl TaskList for Vec<DraftTask<'_>> {
    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn get(&self, at: usize) -> DraftTask<'_> {
        self[at]
    }
}

/// A dependency along which data flows: an object that one task writes and one reads, named after
/// the two.
#[derive(Clone, Copy, Debug)]
pub(super) struct DraftEdge {
    pub from: u32,
    pub to: u32,
    pub bytes: u64,
}

/// In which order several writers of one object use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    /// In the order in which the file lists the tasks.
    AsListed,
    /// As the other dependencies happen to sort them: the file's order means nothing.
    AsSorted,
}

/// Flat lists; tasks and objects are named by their positions in the file.
#[derive(Debug)]
pub(super) struct Draft<'a, T> {
    /// Holds kernels, cost columns and rows; tasks and objects are added by [`Draft::build`].
    pub graph: TaskGraph,
    pub tasks: T,
    pub objects: Vec<ObjectSpec<'a>>,
    /// (task, object, mode), in the order of the file.
    pub accesses: Vec<(u32, u32, Mode)>,
    /// Objects behind `objects`, one each.
    pub edges: Vec<DraftEdge>,
    /// Control edges: (from, to).
    pub control: Vec<(u32, u32)>,
    pub sharing: Sharing,
}

impl<'a, T: TaskList> Draft<'a, T> {
    /// Tasks without data; `graph` has the kernels, gangs and cost columns that they name.
    pub fn new(graph: TaskGraph, tasks: T) -> Self {
        Self {
            graph,
            tasks,
            objects: Vec::new(),
            accesses: Vec::new(),
            edges: Vec::new(),
            control: Vec::new(),
            sharing: Sharing::AsListed,
        }
    }

    /// A topological order of the tasks: Kahn's, with a first-in first-out queue that is seeded and
    /// expanded in the order of the file.
    ///
    /// # Errors
    /// The cycle, when there is no such order.
    pub fn sort(&self, place_of: impl Fn(usize) -> Place) -> Result<Vec<u32>, ImportError> {
        let mut edges = Vec::with_capacity(self.control.len() + self.edges.len());
        edges.extend_from_slice(&self.control);
        edges.extend(self.edges.iter().map(|edge| (edge.from, edge.to)));
        order::data_edges(self, &mut edges);
        order::kahn(self.tasks.len(), &edges).map_err(|cycle| ImportError::Cycle {
            place: place_of(cycle[0] as usize),
            cycle: cycle.iter().map(|t| self.tasks.get(*t as usize).name.to_owned()).collect(),
        })
    }

    /// Submits everything, tasks in `order`, which must be topological for the control edges.
    ///
    /// # Errors
    /// What the graph refuses, at the place of the task in the file.
    pub fn build(
        mut self,
        order: &[u32],
        file: &str,
        place_of: impl Fn(usize) -> Place,
    ) -> Result<TaskGraph, ImportError> {
        self.check_sums(file)?;
        self.add_objects();
        let count = self.tasks.len();
        let first = self.objects.len() as u32;
        let listed = self.accesses.iter().map(|&(task, object, mode)| (task, (object, mode)));
        let flowing = (first..).zip(&self.edges).flat_map(|(object, edge)| {
            [(edge.from, (object, Mode::Write)), (edge.to, (object, Mode::Read))]
        });
        let accesses = order::group(
            count,
            listed.chain(flowing).map(|(task, (object, mode))| (task, (ObjectId(object), mode))),
        );
        let control = order::group(count, self.control.iter().map(|&(from, to)| (to, from)));
        (self.accesses, self.edges, self.control) = Default::default();
        let mut position_of = vec![u32::MAX; count];
        let mut after = Vec::new();
        for (position, &at) in order.iter().enumerate() {
            let task = self.tasks.get(at as usize);
            position_of[at as usize] = position as u32;
            after.clear();
            after.extend(control.of(at).iter().map(|from| TaskId(position_of[*from as usize])));
            let kernel = self.graph.kernel_name(task.kernel);
            let is_default = is_default_name(task.name, kernel, position);
            let spec = TaskSpec {
                name: if is_default { "" } else { task.name },
                kernel: task.kernel,
                shape: task.shape,
                params: task.params,
                cost: task.cost,
                cores: task.cores,
                scratch_bytes: task.scratch_bytes,
                occupancy_ppm: task.occupancy_ppm,
                gang: task.gang,
                accesses: accesses.of(at),
                after: &after,
            };
            self.graph
                .submit(spec)
                .map_err(|source| ImportError::Graph { place: place_of(at as usize), source })?;
        }
        Ok(self.graph)
    }

    fn add_objects(&mut self) {
        let mut add = |object: ObjectSpec<'_>| {
            self.graph.add_object(object).expect("objects are never refused");
        };
        for (position, object) in self.objects.iter().enumerate() {
            let is_default = is_default_name(object.name, "object", position);
            add(ObjectSpec { name: if is_default { "" } else { object.name }, ..*object });
        }
        let mut name = String::new();
        for edge in &self.edges {
            name.clear();
            name.push_str(self.tasks.get(edge.from as usize).name);
            name.push_str("->");
            name.push_str(self.tasks.get(edge.to as usize).name);
            add(ObjectSpec { name: &name, bytes: edge.bytes, ..ObjectSpec::default() });
        }
    }

    /// Sums over all objects, edges and working sets must fit 64 bits everywhere.
    fn check_sums(&self, file: &str) -> Result<(), ImportError> {
        let objects: u128 = self.objects.iter().map(|o| u128::from(o.bytes)).sum();
        let edges: u128 = self.edges.iter().map(|e| u128::from(e.bytes)).sum();
        let scratch = (0..self.tasks.len()).map(|at| u128::from(self.tasks.get(at).scratch_bytes));
        let size_of = |a: &(u32, u32, Mode)| u128::from(self.objects[a.1 as usize].bytes);
        let accesses: u128 = self.accesses.iter().map(size_of).sum();
        let bytes = objects + 3 * edges + scratch.sum::<u128>() + accesses;
        match bytes < 1 << 63 {
            true => Ok(()),
            false => Err(ImportError::TooLarge { file: file.to_owned(), bytes }),
        }
    }
}

/// A graph without tasks but with kernels, by number.
pub(super) fn with_kernels(name: &str, kernels: &Names<'_>) -> TaskGraph {
    with_names(name, kernels, Vec::new(), 0)
}

/// A graph without tasks but with kernels, columns of cost tables and a number of gangs.
pub(super) fn with_names(
    name: &str,
    kernels: &Names<'_>,
    columns: Vec<String>,
    gangs: usize,
) -> TaskGraph {
    let plain = PlainGraph {
        name: name.to_owned(),
        kernels: kernels.iter().map(str::to_owned).collect(),
        columns,
        gangs: gangs as u32,
        ..PlainGraph::default()
    };
    TaskGraph::from_plain(&plain).expect("nothing in it that could be wrong")
}

/// Whether the graph would call the task or object so anyway.
fn is_default_name(name: &str, kind: &str, position: usize) -> bool {
    let number = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('#'));
    // No sign, no leading zero: only the very same text is the default.
    number.is_some_and(|n| {
        !n.starts_with(['+', '0']) && n.parse() == Ok(position) || n == "0" && position == 0
    })
}
