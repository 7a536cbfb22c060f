//! Sparse matrices in compressed rows, a block of rows at a time, and the steps of conjugate
//! gradients on blocks of vectors.
//!
//! A block of r rows with z entries is r + 1 + 2 z words: where each row begins among the entries,
//! the column of each entry, its value. A column is the number of a block among those that the task
//! reads, in the upper half of a word, and a row of that block in the lower: so a task reads the
//! blocks that it needs where they lie, and no library's format allows that. Dense blocks are
//! stored by row, so that an entry meets all columns at once.

use super::check_size;
use runtime::kernel::{KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet};

/// Adds `spmm`, `dot`, `square`, `cg_alpha`, `cg_beta`, `cg_step` and `cg_direction`.
pub fn add_to(kernels: &mut KernelSet) {
    kernels.insert("spmm", spmm);
    kernels.insert("dot", dot);
    kernels.insert("square", square);
    kernels.insert("cg_alpha", cg_alpha);
    kernels.insert("cg_beta", cg_beta);
    kernels.insert("cg_step", cg_step);
    kernels.insert("cg_direction", cg_direction);
}

/// Bytes of a block of a matrix.
pub fn block_bytes(rows: usize, entries: usize) -> u64 {
    8 * (rows + 1 + 2 * entries) as u64
}

/// A column as a block of a matrix names it.
pub fn column(block: usize, row: usize) -> u64 {
    (block as u64) << 32 | row as u64
}

/// Floating-point operations of [`spmm`].
pub fn spmm_flops(entries: f64, columns: f64) -> f64 {
    2.0 * entries * columns
}

/// `Y = A X`. Shape (rows, entries, columns); A: read; the blocks of X that it needs: read;
/// Y: rows by columns, write.
pub fn spmm(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [rows, entries, width, _] = args.shape.map(|s| s as usize);
    let given = args.buffers.len();
    let [matrix, blocks @ .., y] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 3, given });
    };
    let (matrix, y) = (matrix.as_slice::<u64>()?, y.as_mut_slice::<f64>()?);
    check_size("the block of the matrix", matrix.len(), rows + 1 + 2 * entries)?;
    check_size("Y", y.len(), rows * width)?;
    let blocks = blocks.iter().map(KernelBuffer::as_slice::<f64>).collect::<Result<Vec<_>, _>>()?;
    let (starts, rest) = matrix.split_at(rows + 1);
    let (columns, values) = rest.split_at(entries);
    for (y, ends) in y.chunks_exact_mut(width.max(1)).zip(starts.windows(2)) {
        let range = ends[0] as usize..ends[1] as usize;
        let (Some(columns), Some(values)) = (columns.get(range.clone()), values.get(range)) else {
            return Err(KernelError::Data("a row lies outside its block".into()));
        };
        y.fill(0.0);
        for (column, value) in columns.iter().zip(values) {
            let first = (column & u64::from(u32::MAX)) as usize * width;
            let block = blocks.get((column >> 32) as usize);
            let Some(x) = block.and_then(|block| block.get(first..first + width)) else {
                return Err(KernelError::Data("a column lies outside of X".into()));
            };
            let value = f64::from_bits(*value);
            y.iter_mut().zip(x).for_each(|(y, x)| *y += value * x);
        }
    }
    Ok(None)
}

/// `s = x . y`. Shape (n); x: read; y: read; s: write. Two operations per number.
pub fn dot(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let n = args.shape[0] as usize;
    let [x, y, s] = args.buffers_exactly()?;
    let (x, y, s) = (x.as_slice::<f64>()?, y.as_slice::<f64>()?, s.as_mut_slice::<f64>()?);
    check_size("x", x.len(), n)?;
    check_size("y", y.len(), n)?;
    check_size("s", s.len(), 1)?;
    s[0] = x.iter().zip(y).map(|(x, y)| x * y).sum();
    Ok(None)
}

/// `s = x . x`. Shape (n); x: read; s: write. Two operations per number.
pub fn square(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let n = args.shape[0] as usize;
    let [x, s] = args.buffers_exactly()?;
    let (x, s) = (x.as_slice::<f64>()?, s.as_mut_slice::<f64>()?);
    check_size("x", x.len(), n)?;
    check_size("s", s.len(), 1)?;
    s[0] = x.iter().map(|x| x * x).sum();
    Ok(None)
}

/// `alpha = rho / sum of s`. Shape (blocks); (rho, beta): read; each s: read; alpha: write.
pub fn cg_alpha(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let given = args.buffers.len();
    let [rho, parts @ .., alpha] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 3, given });
    };
    let sum = sum(parts)?;
    let (rho, alpha) = (rho.as_slice::<f64>()?, alpha.as_mut_slice::<f64>()?);
    check_size("rho", rho.len(), 2)?;
    check_size("alpha", alpha.len(), 1)?;
    // At the solution both are zero: there is no step to take.
    alpha[0] = if rho[0] == 0.0 { 0.0 } else { rho[0] / sum };
    Ok(None)
}

/// `(rho, beta) = (sum of s, sum of s / rho)`. Shape (blocks); each s: read; (rho, beta):
/// read-write, at first (0, 0), which gives a beta of 0.
pub fn cg_beta(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [parts @ .., state] = &mut *args.buffers else {
        return Err(KernelError::BufferCount { expected: 2, given: 0 });
    };
    let (sum, state) = (sum(parts)?, state.as_mut_slice::<f64>()?);
    check_size("rho and beta", state.len(), 2)?;
    let beta = if state[0] == 0.0 { 0.0 } else { sum / state[0] };
    state.copy_from_slice(&[sum, beta]);
    Ok(None)
}

/// `x = x + alpha p`, `r = r - alpha q`, `s = r . r`. Shape (n); alpha, p, q: read; x, r:
/// read-write; s: write. Six operations per number.
pub fn cg_step(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let n = args.shape[0] as usize;
    let [alpha, p, q, x, r, s] = args.buffers_exactly()?;
    let (alpha, p, q) = (alpha.as_slice::<f64>()?, p.as_slice::<f64>()?, q.as_slice::<f64>()?);
    let (x, r) = (x.as_mut_slice::<f64>()?, r.as_mut_slice::<f64>()?);
    let s = s.as_mut_slice::<f64>()?;
    check_size("alpha", alpha.len(), 1)?;
    check_size("s", s.len(), 1)?;
    for (what, length) in [("p", p.len()), ("q", q.len()), ("x", x.len()), ("r", r.len())] {
        check_size(what, length, n)?;
    }
    x.iter_mut().zip(p).for_each(|(x, p)| *x += alpha[0] * p);
    r.iter_mut().zip(q).for_each(|(r, q)| *r -= alpha[0] * q);
    s[0] = r.iter().map(|r| r * r).sum();
    Ok(None)
}

/// `p = r + beta p`. Shape (n); (rho, beta), r: read; p: read-write. Two operations per number.
pub fn cg_direction(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let n = args.shape[0] as usize;
    let [state, r, p] = args.buffers_exactly()?;
    let (state, r, p) = (state.as_slice::<f64>()?, r.as_slice::<f64>()?, p.as_mut_slice::<f64>()?);
    check_size("rho and beta", state.len(), 2)?;
    check_size("r", r.len(), n)?;
    check_size("p", p.len(), n)?;
    p.iter_mut().zip(r).for_each(|(p, r)| *p = r + state[1] * *p);
    Ok(None)
}

fn sum(parts: &[KernelBuffer<'_>]) -> Result<f64, KernelError> {
    let mut sum = 0.0;
    for part in parts {
        let part = part.as_slice::<f64>()?;
        check_size("s", part.len(), 1)?;
        sum += part[0];
    }
    Ok(sum)
}
