//! Dense linear algebra on tiles of `f64`, stored by column without gaps, by `faer`, on the calling
//! thread alone.
//!
//! Shapes follow BLAS and LAPACK: (m, n, k), unused ones 0. Costs are floating-point operations as
//! LAPACK counts them (LAPACK Working Note 41); a kernel that only moves numbers counts one for
//! each.

mod cholesky;
mod lu;
mod multiply;
mod qr;

pub use cholesky::{add_to, gemm, gemm_first, gemm_flops, potrf, potrf_flops};
pub use cholesky::{syrk, syrk_first, syrk_flops, trsm, trsm_flops};
pub use lu::{add_lu_to, lu_panel, lu_panel_flops, lu_panel_scratch_bytes, lu_row, lu_row_flops};
pub use lu::{lu_swap, lu_swap_scratch_bytes, solve, solve_flops};
pub use multiply::{add, add_multiply_to, copy, multiply, multiply_add, multiply_subtract};
pub(crate) use qr::{Below, apply_pair, apply_tile};
pub use qr::{add_qr_to, geqrt, geqrt_flops, pair_scratch_bytes, pair_update_scratch_bytes};
pub use qr::{tsmqr, tsmqr_flops, tsqrt, tsqrt_flops, ttmqr, ttmqr_flops, ttqrt, ttqrt_flops};
pub use qr::{unmqr, unmqr_flops};

use super::check_size;
use faer::{MatMut, MatRef};
use runtime::kernel::{KernelBuffer, KernelError};

fn tile<'a>(
    buffer: &'a KernelBuffer<'_>,
    what: &'static str,
    rows: usize,
    columns: usize,
) -> Result<MatRef<'a, f64>, KernelError> {
    let elements = buffer.as_slice::<f64>()?;
    check_size(what, elements.len(), rows * columns)?;
    Ok(MatRef::from_column_major_slice(elements, rows, columns))
}

fn tile_mut<'a>(
    buffer: &'a mut KernelBuffer<'_>,
    what: &'static str,
    rows: usize,
    columns: usize,
) -> Result<MatMut<'a, f64>, KernelError> {
    let elements = buffer.as_mut_slice::<f64>()?;
    check_size(what, elements.len(), rows * columns)?;
    Ok(MatMut::from_column_major_slice_mut(elements, rows, columns))
}
