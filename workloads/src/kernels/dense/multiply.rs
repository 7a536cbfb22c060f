//! Products of tiles, and what moves and sums them.

use super::{check_size, tile, tile_mut};
use faer::linalg::matmul::matmul;
use faer::{Accum, Par};
use runtime::kernel::{KernelArgs, KernelResult, KernelSet};

/// Adds `multiply`, `multiply_add`, `multiply_subtract`, `add` and `copy`.
pub fn add_multiply_to(kernels: &mut KernelSet) {
    kernels.insert("multiply", multiply);
    kernels.insert("multiply_add", multiply_add);
    kernels.insert("multiply_subtract", multiply_subtract);
    kernels.insert("add", add);
    kernels.insert("copy", copy);
}

/// `C = A B`. Shape (m, n, k); A: m by k, read; B: k by n, read; C: m by n, write.
pub fn multiply(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    product(args, Accum::Replace, 1.0)
}

/// `C = C + A B`. As [`multiply`], with C read-write.
pub fn multiply_add(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    product(args, Accum::Add, 1.0)
}

/// `C = C - A B`. As [`multiply`], with C read-write.
pub fn multiply_subtract(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    product(args, Accum::Add, -1.0)
}

fn product(args: &mut KernelArgs<'_, '_>, accum: Accum, factor: f64) -> KernelResult {
    let [m, n, k, _] = args.shape.map(|s| s as usize);
    let [a, b, c] = args.buffers_exactly()?;
    let (a, b) = (tile(a, "A", m, k)?, tile(b, "B", k, n)?);
    matmul(tile_mut(c, "C", m, n)?, accum, a, b, factor, Par::Seq);
    Ok(None)
}

/// `C = C + D`. Shape (m, n); D: read; C: read-write.
pub fn add(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, ..] = args.shape.map(|s| s as usize);
    let [d, c] = args.buffers_exactly()?;
    let (d, c) = (d.as_slice::<f64>()?, c.as_mut_slice::<f64>()?);
    check_size("D", d.len(), m * n)?;
    check_size("C", c.len(), m * n)?;
    c.iter_mut().zip(d).for_each(|(c, d)| *c += d);
    Ok(None)
}

/// `D = C`. Shape (m, n); C: read; D: write.
pub fn copy(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, ..] = args.shape.map(|s| s as usize);
    let [c, d] = args.buffers_exactly()?;
    let (c, d) = (c.as_slice::<f64>()?, d.as_mut_slice::<f64>()?);
    check_size("C", c.len(), m * n)?;
    check_size("D", d.len(), m * n)?;
    d.copy_from_slice(c);
    Ok(None)
}
