//! QR factorisation of tiles with Householder reflectors, in blocks of inner columns (Buttari,
//! Langou, Kurzak and Dongarra, 2009; triangles on triangles as in Bouwmeester, Jacquelin, Langou
//! and Robert, SC 2011).
//!
//! Reflectors of a block are `I - V S^-1 V^T` with S upper triangular, as in `faer`; the tile of
//! factors holds the S of each block side by side.

use super::{check_size, tile, tile_mut};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_transpose_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_transpose_on_the_left_in_place_with_conj as apply_transposed,
};
use faer::linalg::matmul::matmul;
use faer::linalg::qr::no_pivoting::factor::{QrParams, qr_in_place, qr_in_place_scratch};
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::prelude::{Reborrow, ReborrowMut};
use faer::{Accum, Auto, Conj, MatMut, MatRef, Par};
use runtime::kernel::{KernelArgs, KernelError, KernelResult, KernelSet, as_mut_slice};

/// Adds `geqrt`, `unmqr`, `tsqrt`, `tsmqr`, `ttqrt` and `ttmqr`.
pub fn add_qr_to(kernels: &mut KernelSet) {
    kernels.insert("geqrt", geqrt);
    kernels.insert("unmqr", unmqr);
    kernels.insert("tsqrt", tsqrt);
    kernels.insert("tsmqr", tsmqr);
    kernels.insert("ttqrt", ttqrt);
    kernels.insert("ttmqr", ttmqr);
}

/// Floating-point operations of [`geqrt`] on `m` by `n`, to leading order.
pub fn geqrt_flops(m: f64, n: f64) -> f64 {
    let (long, short) = (m.max(n), m.min(n));
    2.0 * short * short * (long - short / 3.0)
}

/// Of [`unmqr`]: `k` reflectors on `m` by `n`.
pub fn unmqr_flops(m: f64, n: f64, k: f64) -> f64 {
    4.0 * m * n * k - 2.0 * n * k * k
}

/// Of [`tsqrt`]: `m` by `n` under a triangle.
pub fn tsqrt_flops(m: f64, n: f64) -> f64 {
    2.0 * m * n * n
}

/// Of [`tsmqr`]: `k` reflectors that reach `m` rows down, on `n` columns.
pub fn tsmqr_flops(m: f64, n: f64, k: f64) -> f64 {
    4.0 * m * n * k
}

/// Of [`ttqrt`]: a triangle of `m` rows, at most `n`, and `n` columns under a triangle.
pub fn ttqrt_flops(m: f64, n: f64) -> f64 {
    4.0 * (n * m * m / 2.0 - m * m * m / 3.0) + 2.0 * m * (n - m) * (n - m)
}

/// Of [`ttmqr`]: the same reflectors on `n` columns.
pub fn ttmqr_flops(m: f64, n: f64, k: f64) -> f64 {
    4.0 * n * (m * k - m * m / 2.0)
}

/// Scratch memory of [`tsqrt`] and [`ttqrt`] with blocks of `inner` columns.
pub fn pair_scratch_bytes(m: usize, n: usize, inner: usize) -> usize {
    let inner = inner.min(n);
    8 * inner * (inner + m + n)
}

/// Scratch memory of [`tsmqr`] and [`ttmqr`]: `k` reflectors on `n` columns.
pub fn pair_update_scratch_bytes(k: usize, n: usize, inner: usize) -> usize {
    8 * inner.min(k) * n
}

/// `A = Q R`. Shape (m, n, inner); A: m by n, read-write, its reflectors below the diagonal
/// afterwards; R: min(m, n) by n, write; the factors: inner by min(m, n), write.
pub fn geqrt(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, inner, _] = args.shape.map(|s| s as usize);
    let size = m.min(n);
    let inner = inner.min(size);
    let [a, r, factors] = args.buffers_exactly()?;
    let mut a = tile_mut(a, "A", m, n)?;
    let (mut r, mut s) = (tile_mut(r, "R", size, n)?, tile_mut(factors, "S", inner, size)?);
    s.fill(0.0);
    factor(a.as_mut(), s.as_mut());
    r.fill(0.0);
    for j in 0..n {
        for i in 0..size.min(j + 1) {
            r[(i, j)] = a[(i, j)];
        }
    }
    Ok(None)
}

/// `C = Q^T C` with the reflectors of [`geqrt`]. Shape (m, n, k, inner); V: m by k, read; the
/// factors: inner by min(m, k), read; C: m by n, read-write.
pub fn unmqr(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, k, inner] = args.shape.map(|s| s as usize);
    let size = m.min(k);
    let [v, factors, c] = args.buffers_exactly()?;
    let (v, s) = (tile(v, "V", m, k)?, tile(factors, "S", inner.min(size), size)?);
    apply_tile(v, s, tile_mut(c, "C", m, n)?);
    Ok(None)
}

/// Factors a tile below a triangle: `[R; A] = Q [R'; 0]`. Shape (m, n, inner); R: n by n, upper,
/// read-write; A: m by n, read-write, its reflectors afterwards; the factors: inner by n, write.
pub fn tsqrt(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    factor_pair(args, Below::Full)
}

/// As [`tsqrt`], with A upper triangular or trapezoidal, and its reflectors too.
pub fn ttqrt(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    factor_pair(args, Below::Triangle)
}

/// `[C; D] = Q^T [C; D]` with the reflectors of [`tsqrt`]. Shape (m, n, k, inner); V: m by k, read;
/// the factors: inner by k, read; D: m by n, read-write; C: any rows from k, n columns, read-write.
pub fn tsmqr(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    update_pair(args, Below::Full)
}

/// As [`tsmqr`], with the reflectors of [`ttqrt`].
pub fn ttmqr(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    update_pair(args, Below::Triangle)
}

/// What is below the triangle of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Below {
    /// Any tile.
    Full,
    /// One with zeros below the diagonal.
    Triangle,
}

impl Below {
    /// Rows of the lower tile, of `m`, that reflectors up to column `end` reach.
    fn reach(self, m: usize, end: usize) -> usize {
        match self {
            Self::Full => m,
            Self::Triangle => m.min(end),
        }
    }
}

fn factor(a: MatMut<'_, f64>, s: MatMut<'_, f64>) {
    let parameters = <QrParams as Auto<f64>>::auto().into();
    let (m, n, inner) = (a.nrows(), a.ncols(), s.nrows());
    let scratch = qr_in_place_scratch::<f64>(m, n, inner, Par::Seq, parameters);
    let mut scratch = MemBuffer::new(scratch);
    qr_in_place(a, s, Par::Seq, MemStack::new(&mut scratch), parameters);
}

/// `C = Q^T C` with the reflectors of a tile.
pub(crate) fn apply_tile(v: MatRef<'_, f64>, s: MatRef<'_, f64>, c: MatMut<'_, f64>) {
    let scratch = apply_scratch::<f64>(v.nrows(), s.nrows(), c.ncols());
    let mut scratch = MemBuffer::new(scratch);
    apply_transposed(v, s, Conj::No, c, Par::Seq, MemStack::new(&mut scratch));
}

fn factor_pair(args: &mut KernelArgs<'_, '_>, below: Below) -> KernelResult {
    let [m, n, inner, _] = args.shape.map(|s| s as usize);
    let inner = inner.min(n);
    let scratch = as_mut_slice::<f64>(std::mem::take(&mut args.scratch))?;
    let [r, a, factors] = args.buffers_exactly()?;
    let (mut r, mut a) = (tile_mut(r, "R", n, n)?, tile_mut(a, "A", m, n)?);
    let mut s = tile_mut(factors, "S", inner, n)?;
    s.fill(0.0);
    check_size("the scratch memory", scratch.len(), inner * (inner + m + n))?;
    let (panel, between) = scratch.split_at_mut(inner * (inner + m));
    for j in (0..n).step_by(inner) {
        let width = inner.min(n - j);
        let reach = below.reach(m, j + width);
        let panel = &mut panel[..(width + reach) * width];
        let mut panel = MatMut::from_column_major_slice_mut(panel, width + reach, width);
        panel.rb_mut().subrows_mut(0, width).copy_from(r.rb().submatrix(j, j, width, width));
        panel.rb_mut().subrows_mut(width, reach).copy_from(a.rb().submatrix(0, j, reach, width));
        factor(panel.rb_mut(), s.rb_mut().submatrix_mut(0, j, width, width));
        // The reflectors' upper part is the identity: what is below the diagonal stays zero.
        r.rb_mut()
            .submatrix_mut(j, j, width, width)
            .copy_from_triangular_upper(panel.rb().subrows(0, width));
        a.rb_mut().submatrix_mut(0, j, reach, width).copy_from(panel.rb().subrows(width, reach));
        let right = n - j - width;
        if right > 0 {
            let (v, rest) = a.rb_mut().subrows_mut(0, reach).split_at_col_mut(j + width);
            let v = v.rb().subcols(j, width);
            let upper = r.rb_mut().submatrix_mut(j, j + width, width, right);
            apply_block(v, s.rb().submatrix(0, j, width, width), upper, rest, between);
        }
    }
    Ok(None)
}

fn update_pair(args: &mut KernelArgs<'_, '_>, below: Below) -> KernelResult {
    let [m, n, k, inner] = args.shape.map(|s| s as usize);
    let scratch = as_mut_slice::<f64>(std::mem::take(&mut args.scratch))?;
    let [v, factors, d, c] = args.buffers_exactly()?;
    let (v, s) = (tile(v, "V", m, k)?, tile(factors, "S", inner.min(k), k)?);
    let rows = c.as_slice::<f64>()?.len() / n.max(1);
    if rows < k {
        return Err(KernelError::Size { what: "C", expected: k * n, given: rows * n });
    }
    let (c, d) = (tile_mut(c, "C", rows, n)?, tile_mut(d, "D", m, n)?);
    apply_pair(below, v, s, c, d, scratch)?;
    Ok(None)
}

/// `[C; D] = Q^T [C; D]` with the reflectors of a pair, on the first rows of C.
pub(crate) fn apply_pair(
    below: Below,
    v: MatRef<'_, f64>,
    s: MatRef<'_, f64>,
    mut c: MatMut<'_, f64>,
    mut d: MatMut<'_, f64>,
    scratch: &mut [f64],
) -> Result<(), KernelError> {
    let (k, inner, n) = (v.ncols(), s.nrows(), c.ncols());
    check_size("the scratch memory", scratch.len(), inner * n)?;
    for j in (0..k).step_by(inner) {
        let width = inner.min(k - j);
        let reach = below.reach(v.nrows(), j + width);
        let (v, s) = (v.submatrix(0, j, reach, width), s.submatrix(0, j, width, width));
        let (c, d) = (c.rb_mut().subrows_mut(j, width), d.rb_mut().subrows_mut(0, reach));
        apply_block(v, s, c, d, scratch);
    }
    Ok(())
}

/// `[C; D] -= [I; V] S^-T (C + V^T D)`.
fn apply_block(
    v: MatRef<'_, f64>,
    s: MatRef<'_, f64>,
    mut c: MatMut<'_, f64>,
    d: MatMut<'_, f64>,
    scratch: &mut [f64],
) {
    let (width, n) = (c.nrows(), c.ncols());
    let between = &mut scratch[..width * n];
    let mut between = MatMut::from_column_major_slice_mut(between, width, n);
    between.copy_from(c.rb());
    matmul(between.rb_mut(), Accum::Add, v.transpose(), d.rb(), 1.0, Par::Seq);
    solve_lower_triangular_in_place(s.transpose(), between.rb_mut(), Par::Seq);
    c -= between.rb();
    matmul(d, Accum::Add, v, between.rb(), -1.0, Par::Seq);
}
