//! Task graphs built from data accesses, in submission order (sequential task flow).
//!
//! ```
//! use runtime::graph::{Mode, ObjectSpec, TaskGraph, TaskSpec};
//! use runtime::Cost;
//!
//! let mut graph = TaskGraph::new("two steps");
//! let x = graph.add_object(ObjectSpec { name: "x", bytes: 800, ..Default::default() })?;
//! let produce = graph.kernel("produce");
//! let consume = graph.kernel("consume");
//! let a = graph.submit(TaskSpec {
//!     accesses: &[(x, Mode::Write)], cost: Cost::Work(1e6), ..TaskSpec::new(produce)
//! })?;
//! let b = graph.submit(TaskSpec {
//!     accesses: &[(x, Mode::Read)], cost: Cost::Work(2e6), ..TaskSpec::new(consume)
//! })?;
//! assert_eq!(graph.predecessors(b).collect::<Vec<_>>(), [a]);
//! # Ok::<(), runtime::graph::GraphError>(())
//! ```

mod absorb;
mod analysis;
mod error;
mod infer;
mod labels;
mod model;
mod plain;
mod regrow;
mod submit;

pub use analysis::GraphSummary;
pub use error::GraphError;
pub use model::{
    Access, Edge, FULL_PPM, Mode, Object, ObjectSpec, Task, TaskGraph, TaskSpec, of_capacity,
};
pub use plain::{PlainError, PlainGraph, PlainObject, PlainTask};

#[cfg(test)]
mod tests;
