//! Dense linear algebra on tiles of `f64`, stored by column without gaps: the four kernels of a
//! lower Cholesky factorisation, by `faer`, on the calling thread alone.
//!
//! Shapes follow BLAS and LAPACK: (m, n, k), unused ones 0. Costs are floating-point operations as
//! LAPACK counts them (LAPACK Working Note 41).

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Auto, MatMut, MatRef, Par};
use runtime::kernel::{KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet};

/// Adds `potrf`, `trsm`, `syrk` and `gemm`.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("potrf", potrf);
    kernels.insert("trsm", trsm);
    kernels.insert("syrk", syrk);
    kernels.insert("gemm", gemm);
}

/// Floating-point operations of [`potrf`] of order `n`.
pub fn potrf_flops(n: f64) -> f64 {
    n * n * n / 3.0 + n * n / 2.0 + n / 6.0
}

/// Floating-point operations of [`trsm`] on `m` by `n`.
pub fn trsm_flops(m: f64, n: f64) -> f64 {
    m * n * n
}

/// Floating-point operations of [`syrk`] of order `n` with `k` columns.
pub fn syrk_flops(n: f64, k: f64) -> f64 {
    k * n * (n + 1.0)
}

/// Floating-point operations of [`gemm`].
pub fn gemm_flops(m: f64, n: f64, k: f64) -> f64 {
    2.0 * m * n * k
}

/// `A = L L^T`, the lower triangle of A overwritten by L. Shape (n); A: n by n, read-write.
pub fn potrf(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let n = args.shape[0] as usize;
    let [a] = args.buffers_exactly()?;
    let a = tile_mut(a, "A", n, n)?;
    let parameters = <LltParams as Auto<f64>>::auto().into();
    let mut scratch = MemBuffer::new(cholesky_in_place_scratch::<f64>(n, Par::Seq, parameters));
    let stack = MemStack::new(&mut scratch);
    let factored = cholesky_in_place(a, LltRegularization::default(), Par::Seq, stack, parameters);
    match factored {
        Ok(_) => Ok(None),
        Err(LltError::NonPositivePivot { index }) => {
            let message = format!("the matrix is not positive definite: pivot {index} of a tile");
            Err(KernelError::Data(message))
        }
    }
}

/// `B = B L^-T`. Shape (m, n); L: n by n, lower, read; B: m by n, read-write.
pub fn trsm(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, ..] = args.shape.map(|s| s as usize);
    let [l, b] = args.buffers_exactly()?;
    let (l, b) = (tile(l, "L", n, n)?, tile_mut(b, "B", m, n)?);
    solve_lower_triangular_in_place(l, b.transpose_mut(), Par::Seq);
    Ok(None)
}

/// `C = C - A A^T` in the lower triangle. Shape (n, k); A: n by k, read; C: n by n, read-write.
pub fn syrk(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [n, k, ..] = args.shape.map(|s| s as usize);
    let [a, c] = args.buffers_exactly()?;
    let (a, c) = (tile(a, "A", n, k)?, tile_mut(c, "C", n, n)?);
    let (lower, full) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    let right = a.transpose();
    triangular::matmul(c, lower, Accum::Add, a, full, right, full, -1.0, Par::Seq);
    Ok(None)
}

/// `C = C - A B^T`. Shape (m, n, k); A: m by k, read; B: n by k, read; C: m by n, read-write.
pub fn gemm(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, k, _] = args.shape.map(|s| s as usize);
    let [a, b, c] = args.buffers_exactly()?;
    let (a, b) = (tile(a, "A", m, k)?, tile(b, "B", n, k)?);
    matmul(tile_mut(c, "C", m, n)?, Accum::Add, a, b.transpose(), -1.0, Par::Seq);
    Ok(None)
}

fn tile<'a>(
    buffer: &'a KernelBuffer<'_>,
    what: &'static str,
    rows: usize,
    columns: usize,
) -> Result<MatRef<'a, f64>, KernelError> {
    let elements = buffer.as_slice::<f64>()?;
    check_size(what, elements.len(), rows, columns)?;
    Ok(MatRef::from_column_major_slice(elements, rows, columns))
}

fn tile_mut<'a>(
    buffer: &'a mut KernelBuffer<'_>,
    what: &'static str,
    rows: usize,
    columns: usize,
) -> Result<MatMut<'a, f64>, KernelError> {
    let elements = buffer.as_mut_slice::<f64>()?;
    check_size(what, elements.len(), rows, columns)?;
    Ok(MatMut::from_column_major_slice_mut(elements, rows, columns))
}

fn check_size(
    what: &'static str,
    given: usize,
    rows: usize,
    columns: usize,
) -> Result<(), KernelError> {
    let expected = rows * columns;
    if given == expected { Ok(()) } else { Err(KernelError::Size { what, expected, given }) }
}
