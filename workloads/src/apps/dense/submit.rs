//! How tasks on tiles are submitted.

use runtime::graph::{GraphError, ObjectSpec};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};

/// A task on tiles.
pub struct Call<'a> {
    /// Its kernel.
    pub kernel: &'a str,
    /// Where in the matrix it works, for its name.
    pub at: &'a [usize],
    /// Sizes as the kernel defines them, at most four.
    pub shape: &'a [usize],
    /// Its cost in floating-point operations.
    pub flops: f64,
    /// Memory besides its tiles.
    pub scratch_bytes: usize,
    /// What it accesses, in the order of the kernel's buffers.
    pub accesses: &'a [(ObjectId, Mode)],
}

impl Call<'_> {
    /// Adds the task to a graph.
    pub fn submit(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        let places: Vec<String> = self.at.iter().map(usize::to_string).collect();
        let mut shape = [0; 4];
        self.shape.iter().zip(&mut shape).for_each(|(n, s)| *s = *n as u32);
        let kernel = graph.kernel(self.kernel);
        let task = TaskSpec {
            name: &format!("{}({})", self.kernel, places.join(",")),
            shape,
            cost: Cost::Work(self.flops),
            scratch_bytes: self.scratch_bytes as u64,
            accesses: self.accesses,
            ..TaskSpec::new(kernel)
        };
        graph.submit(task).map(|_| ())
    }
}

/// What a tile is to a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is there before the run.
    Input,
    /// It is there before the run, and its content afterwards is a result.
    Updated,
    /// It is computed, and a result.
    Result,
    /// It is computed, and forgotten after its last use.
    Temporary,
}

/// Adds a tile of `rows` by `columns` numbers.
pub fn add_tile(
    graph: &mut TaskGraph,
    name: &str,
    (rows, columns): (usize, usize),
    home: u32,
    role: Role,
) -> Result<ObjectId, GraphError> {
    graph.add_object(ObjectSpec {
        name,
        bytes: (size_of::<f64>() * rows * columns) as u64,
        home,
        initial: matches!(role, Role::Input | Role::Updated),
        keep: matches!(role, Role::Updated | Role::Result),
        held: false,
    })
}
