//! Workloads that compute something: a graph, kernels for its tasks, data to start from and a
//! check of what comes out.
//!
//! An app is plain functions over slices. It never sees a driver: whoever runs the graph fills the
//! initial objects with [`Inputs::fill`], runs [`App::kernels`] over buffers and shows the kept
//! objects to [`App::check`].

pub mod dense;
pub mod merge_sort;
pub mod sample_sort;
pub mod sparse;
mod text;
pub mod word_count;

use runtime::kernel::{Inputs, KernelError};
use runtime::{KernelSet, ObjectId};

/// What turns a graph into a computation.
pub trait App: Inputs {
    /// A body for every kernel of the graph.
    fn kernels(&self) -> KernelSet;

    /// Judges the kept objects after a run, given all of them in order of id, each aligned to
    /// [`BUFFER_ALIGN_BYTES`](runtime::kernel::BUFFER_ALIGN_BYTES).
    ///
    /// # Errors
    /// [`CheckError`] when the result is wrong or incomplete.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError>;
}

/// A result that passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// What was measured, for people.
    pub what: &'static str,
    /// How much of it there is.
    pub value: f64,
    /// How much of it is allowed.
    pub limit: f64,
}

/// A result that did not pass.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// A kept object is not among the results.
    #[error("result {object} is missing")]
    Missing {
        /// Which.
        object: ObjectId,
    },
    /// A result of the wrong size.
    #[error("result {object} has {given} bytes; expected {expected}")]
    Size {
        /// Which.
        object: ObjectId,
        /// What it has.
        given: usize,
        /// What it should have.
        expected: usize,
    },
    /// A result that cannot be read.
    #[error("result {object}: {source}")]
    Unreadable {
        /// Which.
        object: ObjectId,
        /// Why.
        source: KernelError,
    },
    /// The wrong numbers.
    #[error("{what}: {value}; at most {limit} is allowed")]
    Wrong {
        /// What was measured.
        what: &'static str,
        /// How much of it there is; may be not a number.
        value: f64,
        /// How much of it is allowed.
        limit: f64,
    },
}

/// Passes what is within its limit.
fn judge(what: &'static str, value: f64, limit: f64) -> Result<Verdict, CheckError> {
    match value <= limit {
        true => Ok(Verdict { what, value, limit }),
        false => Err(CheckError::Wrong { what, value, limit }),
    }
}

/// The bytes of one result.
fn result<'a>(
    results: &[(ObjectId, &'a [u8])],
    object: ObjectId,
    expected: usize,
) -> Result<&'a [u8], CheckError> {
    let at = results.binary_search_by_key(&object, |r| r.0);
    let bytes = at.map(|at| results[at].1).map_err(|_| CheckError::Missing { object })?;
    match bytes.len() == expected {
        true => Ok(bytes),
        false => Err(CheckError::Size { object, given: bytes.len(), expected }),
    }
}
