//! The four kernels of a lower Cholesky factorisation.

use super::{tile, tile_mut};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::factor::{
    LltError, LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
};
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Auto, Par};
use runtime::kernel::{KernelArgs, KernelError, KernelResult, KernelSet};

/// Adds `potrf`, `trsm`, `syrk`, `gemm`, `syrk_first` and `gemm_first`.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("potrf", potrf);
    kernels.insert("trsm", trsm);
    kernels.insert("syrk", syrk);
    kernels.insert("gemm", gemm);
    kernels.insert("syrk_first", syrk_first);
    kernels.insert("gemm_first", gemm_first);
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

/// `C = -A A^T` in the lower triangle, 0 above. As [`syrk`], with C write.
pub fn syrk_first(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [_, c] = args.buffers_exactly()?;
    c.as_mut_slice::<f64>()?.fill(0.0);
    syrk(args)
}

/// `C = C - A B^T`. Shape (m, n, k); A: m by k, read; B: n by k, read; C: m by n, read-write.
pub fn gemm(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    product(args, Accum::Add)
}

/// `C = -A B^T`. As [`gemm`], with C write.
pub fn gemm_first(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    product(args, Accum::Replace)
}

fn product(args: &mut KernelArgs<'_, '_>, accum: Accum) -> KernelResult {
    let [m, n, k, _] = args.shape.map(|s| s as usize);
    let [a, b, c] = args.buffers_exactly()?;
    let (a, b) = (tile(a, "A", m, k)?, tile(b, "B", n, k)?);
    matmul(tile_mut(c, "C", m, n)?, accum, a, b.transpose(), -1.0, Par::Seq);
    Ok(None)
}
