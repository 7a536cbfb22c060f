//! A graph under construction: what every reader fills, in the order of its file, and what is then
//! sorted and submitted.

use super::error::{ImportError, Place};
use super::order;
use runtime::graph::{Mode, ObjectSpec, PlainGraph, TaskGraph, TaskSpec};
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
    pub gang: Option<GangId>,
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
pub(super) struct Draft<'a> {
    /// Holds kernels, cost columns and rows; tasks and objects are added by [`Draft::build`].
    pub graph: TaskGraph,
    pub objects: Vec<ObjectSpec<'a>>,
    pub tasks: Vec<DraftTask<'a>>,
    /// (task, object, mode), in the order of the file.
    pub accesses: Vec<(u32, u32, Mode)>,
    /// Control edges: (from, to).
    pub control: Vec<(u32, u32)>,
    pub sharing: Sharing,
}

impl<'a> Draft<'a> {
    /// An empty graph with its kernels, cost columns and number of gangs.
    pub fn new(name: &str, kernels: &[&str], columns: &[&str], gangs: u32) -> Self {
        let plain = PlainGraph {
            name: name.to_owned(),
            kernels: kernels.iter().map(|k| (*k).to_owned()).collect(),
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            gangs,
            ..PlainGraph::default()
        };
        let graph = TaskGraph::from_plain(&plain).expect("nothing in it that could be wrong");
        Self {
            graph,
            objects: Vec::new(),
            tasks: Vec::new(),
            accesses: Vec::new(),
            control: Vec::new(),
            sharing: Sharing::AsListed,
        }
    }

    /// A topological order of the tasks: Kahn's, with a first-in first-out queue that is seeded and
    /// expanded in the order of the file.
    ///
    /// # Errors
    /// The tasks of a cycle, each waiting for the one before it.
    pub fn sort(&self) -> Result<Vec<u32>, Vec<u32>> {
        let mut edges = self.control.clone();
        order::data_edges(self, &mut edges);
        order::kahn(self.tasks.len(), &edges)
    }

    /// The sorted order, or the cycle as an error for people.
    pub fn sort_or_fail(&self, place_of: impl Fn(usize) -> Place) -> Result<Vec<u32>, ImportError> {
        self.sort().map_err(|cycle| ImportError::Cycle {
            place: place_of(cycle[0] as usize),
            cycle: cycle.iter().map(|t| self.tasks[*t as usize].name.to_owned()).collect(),
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
        for (position, object) in self.objects.iter().enumerate() {
            let name =
                if is_default_name(object.name, "object", position) { "" } else { object.name };
            let object = ObjectSpec { name, ..*object };
            self.graph.add_object(object).expect("objects are never refused");
        }
        let count = self.tasks.len();
        let accesses =
            order::group(count, self.accesses.iter().map(|a| (a.0, (ObjectId(a.1), a.2))));
        let control = order::group(count, self.control.iter().map(|c| (c.1, c.0)));
        let mut position_of = vec![u32::MAX; count];
        let mut after = Vec::new();
        for (position, &at) in order.iter().enumerate() {
            let task = &self.tasks[at as usize];
            position_of[at as usize] = position as u32;
            after.clear();
            after.extend(control.of(at).iter().map(|from| TaskId(position_of[*from as usize])));
            let kernel = self.graph.kernel_name(task.kernel);
            let spec = TaskSpec {
                name: if is_default_name(task.name, kernel, position) { "" } else { task.name },
                kernel: task.kernel,
                shape: task.shape,
                params: task.params,
                cost: task.cost,
                cores: task.cores,
                scratch_bytes: task.scratch_bytes,
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

    /// Sums over all objects, edges and working sets must fit 64 bits everywhere.
    fn check_sums(&self, file: &str) -> Result<(), ImportError> {
        let objects: u128 = self.objects.iter().map(|o| u128::from(o.bytes)).sum();
        let scratch: u128 = self.tasks.iter().map(|t| u128::from(t.scratch_bytes)).sum();
        let size_of = |a: &(u32, u32, Mode)| u128::from(self.objects[a.1 as usize].bytes);
        let accesses: u128 = self.accesses.iter().map(size_of).sum();
        let bytes = objects + scratch + accesses;
        match bytes < 1 << 63 {
            true => Ok(()),
            false => Err(ImportError::TooLarge { file: file.to_owned(), bytes }),
        }
    }
}

/// Whether the graph would call the task so anyway.
fn is_default_name(name: &str, kernel: &str, position: usize) -> bool {
    let number = name.strip_prefix(kernel).and_then(|rest| rest.strip_prefix('#'));
    // No sign, no leading zero: only the very same text is the default.
    number.is_some_and(|n| {
        !n.starts_with(['+', '0']) && n.parse() == Ok(position) || n == "0" && position == 0
    })
}
