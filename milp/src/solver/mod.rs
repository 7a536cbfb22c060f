//! The solver: a [`Program`] and its [`Limits`] in, an [`Outcome`] out.
//!
//! It is HiGHS, on one thread by default. Dual bound, gap, nodes and the incumbents over time are
//! reported; a solve can be ended by a node or iteration limit (deterministic), a wall limit (not)
//! or from another thread ([`Interrupt`]). All `unsafe` code of the crate stands in `highs.rs` and
//! `ffi.rs`.

mod ffi;
mod highs;
mod program;

pub use program::{Column, Kind, Program};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Ends a solve from elsewhere: clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// The interrupt that a flag of someone else's is.
    pub fn from_flag(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Asks every solve that holds a clone to end; it returns the best solution it has.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a solve may go on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Nodes of the branch-and-bound tree; `None` = no limit. Deterministic.
    pub nodes: Option<u64>,
    /// Iterations of the simplex method in all LPs of the tree; `None` = no limit. Deterministic,
    /// and closer to time than nodes are: the root alone may take thousands. Sub-programs of the
    /// solver's heuristics count when they end.
    pub iterations: Option<u64>,
    /// Wall time; `None` = no limit. Not deterministic.
    pub wall: Option<Duration>,
    /// Relative gap between incumbent and bound at which to stop, at least 0.
    pub gap: f64,
    /// Threads of the solver, at least 1.
    pub threads: u32,
    /// Seed of the solver's own random choices.
    pub seed: u32,
    /// Ends the solve when raised.
    pub interrupt: Interrupt,
}

impl Default for Limits {
    /// No limit, gap 0, one thread, seed 0.
    fn default() -> Self {
        let interrupt = Interrupt::new();
        Self { nodes: None, iterations: None, wall: None, gap: 0.0, threads: 1, seed: 0, interrupt }
    }
}

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The solution is optimal within the gap asked for.
    Optimal,
    /// There is no solution.
    Infeasible,
    /// A limit was reached.
    Limit,
    /// It was interrupted.
    Interrupted,
}

/// A solution that was the best so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Improvement {
    /// Since the start of the solve.
    pub at: Duration,
    /// Nodes so far.
    pub nodes: u64,
    /// Its objective.
    pub objective: f64,
    /// The dual bound at that instant.
    pub bound: f64,
}

/// What a solve found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The best solution's values, by column.
    pub solution: Option<Vec<f64>>,
    /// Objective of the solution; infinite without one.
    pub objective: f64,
    /// No solution is below this; infinite when there is none at all.
    pub bound: f64,
    /// Nodes.
    pub nodes: u64,
    /// The incumbents in order.
    pub improvements: Vec<Improvement>,
    /// Wall time of the solve.
    pub wall: Duration,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SolverError {
    /// A wall or node limit of zero would say nothing.
    #[error("a {0} limit of zero leaves the solver no time: leave the limit out or raise it")]
    ZeroLimit(&'static str),
    /// The gap is negative or not a number.
    #[error("the gap must be a number from 0 on")]
    BadGap,
    /// The start has another length than the program has columns.
    #[error("the start has {given} values, the program has {columns} columns")]
    BadStart {
        /// Values given.
        given: usize,
        /// Columns.
        columns: usize,
    },
    /// More columns, rows or coefficients than the solver can count.
    #[error(
        "the program has {columns} columns, {rows} rows and {nonzeros} coefficients; the solver counts to {}",
        i32::MAX
    )]
    TooLarge {
        /// Columns.
        columns: usize,
        /// Rows.
        rows: usize,
        /// Coefficients.
        nonzeros: usize,
    },
    /// The library that was linked is another version than the one declared.
    #[error("HiGHS {}.{} was linked, not 1.15: run scripts/ensure-tools", .found.0, .found.1)]
    Version {
        /// Major and minor version.
        found: (i32, i32),
    },
    /// The solver refused an option, the program or the start.
    #[error("HiGHS refused {0}")]
    Refused(&'static str),
    /// The objective has no least value.
    #[error("the program is unbounded: its objective has no least value")]
    Unbounded,
    /// The solver gave up by itself.
    #[error("HiGHS ended with model status {0}")]
    Failed(i32),
}

/// Minimises a program.
///
/// `start` is a full solution to begin with: it gives an incumbent, seldom a faster proof.
///
/// # Errors
/// [`SolverError`]; reaching a limit is not one.
pub fn solve(
    program: &Program,
    limits: &Limits,
    start: Option<&[f64]>,
) -> Result<Outcome, SolverError> {
    check(program, limits, start)?;
    if limits.threads <= 1 {
        return highs::solve(program, limits, start);
    }
    // The solver keeps a pool of workers per calling thread, of the size of its first solve: a
    // thread of our own takes its pool along when it ends.
    std::thread::scope(|scope| {
        let solving = scope.spawn(|| highs::solve(program, limits, start));
        solving.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn check(program: &Program, limits: &Limits, start: Option<&[f64]>) -> Result<(), SolverError> {
    if limits.nodes == Some(0) {
        return Err(SolverError::ZeroLimit("node"));
    }
    if limits.iterations == Some(0) {
        return Err(SolverError::ZeroLimit("iteration"));
    }
    if limits.wall == Some(Duration::ZERO) {
        return Err(SolverError::ZeroLimit("wall"));
    }
    if !limits.gap.is_finite() || limits.gap < 0.0 {
        return Err(SolverError::BadGap);
    }
    let (columns, rows, nonzeros) = (program.columns(), program.rows(), program.nonzeros());
    if columns.max(rows).max(nonzeros) > i32::MAX as usize {
        return Err(SolverError::TooLarge { columns, rows, nonzeros });
    }
    match start {
        Some(start) if start.len() != columns => {
            Err(SolverError::BadStart { given: start.len(), columns })
        }
        _ => Ok(()),
    }
}
