//! Dense linear algebra on tiles of `f64`, stored by column without gaps, by `faer`, on the calling
//! thread alone.
//!
//! Shapes follow BLAS and LAPACK: (m, n, k), unused ones 0. Costs are floating-point operations as
//! LAPACK counts them (LAPACK Working Note 41); a kernel that only moves numbers counts one for
//! each.

mod cholesky;
mod multiply;

pub use cholesky::{add_to, gemm, gemm_first, gemm_flops, potrf, potrf_flops};
pub use cholesky::{syrk, syrk_first, syrk_flops, trsm, trsm_flops};
pub use multiply::{add, add_multiply_to, copy, multiply, multiply_add, multiply_subtract};

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

fn check_size(what: &'static str, given: usize, expected: usize) -> Result<(), KernelError> {
    if given == expected { Ok(()) } else { Err(KernelError::Size { what, expected, given }) }
}
