//! LU factorisation with partial pivoting, a column of tiles at a time, and triangular solves.

use super::{check_size, tile, tile_mut};
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{
    PartialPivLuParams, lu_in_place, lu_in_place_scratch,
};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_unit_lower_triangular_in_place,
};
use faer::{Auto, MatMut, Par};
use runtime::kernel::{
    KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet, as_mut_slice,
};

/// Adds `lu_panel`, `lu_row`, `lu_swap` and `solve`.
pub fn add_lu_to(kernels: &mut KernelSet) {
    kernels.insert("lu_panel", lu_panel);
    kernels.insert("lu_row", lu_row);
    kernels.insert("lu_swap", lu_swap);
    kernels.insert("solve", solve);
}

/// Floating-point operations of [`lu_panel`] on `m` by `n`, m at least n.
pub fn lu_panel_flops(m: f64, n: f64) -> f64 {
    m * n * n - n * n * n / 3.0 - n * n / 2.0 + 5.0 * n / 6.0
}

/// Scratch memory of [`lu_panel`].
pub fn lu_panel_scratch_bytes(m: usize, n: usize) -> usize {
    8 * (m * n + m)
}

/// Floating-point operations of [`lu_row`]: `m` numbers in each of `n` columns are moved, and a
/// system of order `k` is solved.
pub fn lu_row_flops(m: f64, n: f64, k: f64) -> f64 {
    m * n + k * k * n
}

/// Scratch memory of [`lu_row`] and [`lu_swap`].
pub fn lu_swap_scratch_bytes(m: usize) -> usize {
    8 * m
}

/// Floating-point operations of [`solve`] with `n` right-hand sides of order `k`.
pub fn solve_flops(k: f64, n: f64) -> f64 {
    k * k * n
}

/// `P A = L U`, A overwritten by L below the diagonal and U. Shape (m, n); the tiles of a column,
/// top to bottom, m rows in all: read-write; the permutation: write. Row i of P A is row p(i) of A.
pub fn lu_panel(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, ..] = args.shape.map(|s| s as usize);
    let (pivots, tiles) = last_buffer(args.buffers)?;
    let pivots = pivots.as_mut_slice::<u64>()?;
    check_size("the permutation", pivots.len(), m)?;
    let (panel, inverse) = args.scratch.split_at_mut_checked(8 * m * n).ok_or_else(|| {
        KernelError::Size { what: "the scratch memory", expected: m * n, given: 0 }
    })?;
    let (panel, inverse) = (as_mut_slice::<f64>(panel)?, as_mut_slice::<u64>(inverse)?);
    check_size("the scratch memory", inverse.len(), m)?;
    Column::new(tiles, m, n)?.gather(tiles, panel)?;
    let matrix = MatMut::from_column_major_slice_mut(panel, m, n);
    let parameters = <PartialPivLuParams as Auto<f64>>::auto().into();
    let mut stack = MemBuffer::new(lu_in_place_scratch::<u64, f64>(m, n, Par::Seq, parameters));
    let stack = MemStack::new(&mut stack);
    lu_in_place(matrix, pivots, inverse, Par::Seq, stack, parameters);
    // Neither zero nor not a number.
    let is_pivot = |i: usize| panel[i * m + i].abs() > 0.0;
    let bad = (0..n.min(m)).find(|i| !is_pivot(*i));
    if let Some(index) = bad {
        return Err(KernelError::Data(format!(
            "the matrix is singular: pivot {index} of a column"
        )));
    }
    Column::new(tiles, m, n)?.scatter(panel, tiles)?;
    Ok(None)
}

/// Exchanges rows of a column of tiles, then solves `L X = B` for its first tile, L unit lower.
/// Shape (m, n, k); the tiles, m rows and n columns in all, the first one k by n: read-write; L:
/// k by k, read; the permutation: read.
pub fn lu_row(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, k, _] = args.shape.map(|s| s as usize);
    let (pivots, others) = last_buffer(args.buffers)?;
    let (l, tiles) = last_buffer(others)?;
    exchange(tiles, pivots, args.scratch, m, n)?;
    let first = tiles.first_mut().ok_or(KernelError::BufferCount { expected: 3, given: 2 })?;
    let (l, b) = (tile(l, "L", k, k)?, tile_mut(first, "B", k, n)?);
    solve_unit_lower_triangular_in_place(l, b, Par::Seq);
    Ok(None)
}

/// Exchanges rows of a column of tiles. Shape (m, n); the tiles: read-write; the permutation: read.
pub fn lu_swap(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [m, n, ..] = args.shape.map(|s| s as usize);
    let (pivots, tiles) = last_buffer(args.buffers)?;
    exchange(tiles, pivots, args.scratch, m, n)?;
    Ok(None)
}

/// `B = L^-1 B`. Shape (k, n); L: k by k, lower, read; B: k by n, read-write.
pub fn solve(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    let [k, n, ..] = args.shape.map(|s| s as usize);
    let [l, b] = args.buffers_exactly()?;
    solve_lower_triangular_in_place(tile(l, "L", k, k)?, tile_mut(b, "B", k, n)?, Par::Seq);
    Ok(None)
}

type Buffers<'a, 'b> = &'a mut [KernelBuffer<'b>];

fn last_buffer<'a, 'b>(
    buffers: Buffers<'a, 'b>,
) -> Result<(&'a mut KernelBuffer<'b>, Buffers<'a, 'b>), KernelError> {
    buffers.split_last_mut().ok_or(KernelError::BufferCount { expected: 2, given: 0 })
}

fn exchange(
    tiles: &mut [KernelBuffer<'_>],
    pivots: &KernelBuffer<'_>,
    scratch: &mut [u8],
    m: usize,
    n: usize,
) -> Result<(), KernelError> {
    let (pivots, scratch) = (pivots.as_slice::<u64>()?, as_mut_slice::<f64>(scratch)?);
    check_size("the permutation", pivots.len(), m)?;
    check_size("the scratch memory", scratch.len(), m)?;
    if pivots.iter().any(|p| *p >= m as u64) {
        return Err(KernelError::Data("the permutation names a row that is not there".into()));
    }
    let column = Column::new(tiles, m, n)?;
    for j in 0..n {
        column.each(tiles, |rows, part| {
            let height = part.len() / n;
            scratch[rows].copy_from_slice(&part[j * height..(j + 1) * height]);
        })?;
        column.each(tiles, |rows, part| {
            let height = part.len() / n;
            let targets = part[j * height..(j + 1) * height].iter_mut();
            targets.zip(&pivots[rows]).for_each(|(x, from)| *x = scratch[*from as usize]);
        })?;
    }
    Ok(())
}

/// A column of tiles of `n` columns each.
struct Column {
    n: usize,
}

impl Column {
    fn new(tiles: &[KernelBuffer<'_>], m: usize, n: usize) -> Result<Self, KernelError> {
        let mut elements = 0;
        for tile in tiles {
            elements += tile.as_slice::<f64>()?.len();
        }
        check_size("the column of tiles", elements, m * n)?;
        Ok(Self { n })
    }

    /// Calls `visit` with the rows of each tile and its numbers.
    fn each(
        &self,
        tiles: &mut [KernelBuffer<'_>],
        mut visit: impl FnMut(std::ops::Range<usize>, &mut [f64]),
    ) -> Result<(), KernelError> {
        let mut first = 0;
        for tile in tiles {
            let part = tile.as_mut_slice::<f64>()?;
            let rows = first..first + part.len() / self.n;
            first = rows.end;
            visit(rows, part);
        }
        Ok(())
    }

    /// Copies the tiles into one matrix.
    fn gather(&self, tiles: &mut [KernelBuffer<'_>], whole: &mut [f64]) -> Result<(), KernelError> {
        let m = whole.len() / self.n;
        self.each(tiles, |rows, part| {
            let columns = part.chunks_exact(rows.len()).zip(whole.chunks_exact_mut(m));
            columns.for_each(|(from, to)| to[rows.clone()].copy_from_slice(from));
        })
    }

    /// Copies one matrix into the tiles.
    fn scatter(&self, whole: &[f64], tiles: &mut [KernelBuffer<'_>]) -> Result<(), KernelError> {
        let m = whole.len() / self.n;
        self.each(tiles, |rows, part| {
            let columns = part.chunks_exact_mut(rows.len()).zip(whole.chunks_exact(m));
            columns.for_each(|(to, from)| to.copy_from_slice(&from[rows.clone()]));
        })
    }
}
