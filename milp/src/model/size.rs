//! How large a model would be, before it is built.

use super::Formulation;
use super::order::Reach;
use crate::instance::Instance;
use crate::windows::Windows;

/// Bytes of the solver per coefficient: the matrix by rows and by columns, in presolve, in the LP
/// and its factors, in cuts. Measured at 300 to 700 on models of this crate.
const BYTES_PER_NONZERO: u64 = 800;

/// An estimate of a model's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u64,
    /// Whole columns.
    pub integers: u64,
    /// Rows.
    pub rows: u64,
    /// Coefficients.
    pub nonzeros: u64,
    /// Memory that the solver is likely to need.
    pub bytes: u64,
}

/// A model that would need more memory than it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the model would have {} columns ({} of them whole), {} rows and {} coefficients, about {} MB \
     in the solver; it may have {} MB",
    .size.columns, .size.integers, .size.rows, .size.nonzeros, .size.bytes / 1_000_000,
    .budget_bytes / 1_000_000
)]
pub struct TooLarge {
    /// What it would have.
    pub size: Size,
    /// What it may have.
    pub budget_bytes: u64,
}

impl Size {
    /// An upper estimate of the model of an instance. Cost: pairs of tasks × lanes.
    pub fn estimate(instance: &Instance, windows: &Windows, formulation: Formulation) -> Self {
        let (tasks, lanes) = (instance.len() as u64, instance.lanes.len() as u64);
        let places = windows.open.iter().filter(|open| **open).count() as u64;
        let pairs = Reach::new(instance).pairs(instance);
        let cores = instance.cores.iter().copied().max().unwrap_or(1) as u64;
        let row = 2 * places / tasks.max(1) + 2 * cores + 3;
        let (choices, order_rows) = match formulation {
            Formulation::Assignment => (pairs, 2 * pairs * lanes),
            Formulation::Sigma => (2 * pairs, (3 + lanes) * pairs),
        };
        let edge_rows = instance.edges.len() as u64 * instance.memories as u64;
        let rows = 4 * tasks + edge_rows + order_rows + 64 * lanes + places;
        let per_order = match formulation {
            Formulation::Assignment => row,
            Formulation::Sigma => 2 * cores + 3,
        };
        let nonzeros = (4 * tasks + edge_rows) * row
            + order_rows * per_order
            + 64 * lanes * (tasks + 1)
            + lanes * tasks * tasks / 4;
        let columns = 1 + tasks + places + choices;
        let bytes = nonzeros * BYTES_PER_NONZERO;
        Self { columns, integers: places + choices, rows, nonzeros, bytes }
    }

    /// Refuses what needs more than `budget_bytes`.
    ///
    /// # Errors
    /// [`TooLarge`], with the numbers.
    pub fn check(self, budget_bytes: u64) -> Result<(), TooLarge> {
        match self.bytes > budget_bytes {
            true => Err(TooLarge { size: self, budget_bytes }),
            false => Ok(()),
        }
    }
}
