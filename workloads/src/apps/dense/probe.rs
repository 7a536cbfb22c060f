//! Judging a product or factorisation by what it does to a few vectors of signs: the cost is that
//! of a few matrix-vector products, and no second computation of the result is needed (Freivalds,
//! 1977).

use super::tiles::Cut;
use crate::apps::{CheckError, result};
use crate::random::Stream;
use runtime::ObjectId;
use runtime::kernel::as_slice;

/// How many vectors an error is estimated with.
pub const PROBES: u64 = 4;

/// The vectors for one app and seed.
pub fn signs(purpose: &str, seed: u64, length: usize) -> Vec<Vec<f64>> {
    let vector = |probe| {
        let mut stream = Stream::nth(seed, purpose, probe);
        (0..length).map(|_| if stream.bits() >> 63 == 0 { 1.0 } else { -1.0 }).collect()
    };
    (0..PROBES).map(vector).collect()
}

/// Largest difference between vectors that should be the same; not a number if one of them is not.
pub fn largest_difference<'a>(pairs: impl IntoIterator<Item = (&'a [f64], &'a [f64])>) -> f64 {
    let differences =
        pairs.into_iter().flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b).abs()));
    // In the total order something that is not a number is the largest.
    differences.max_by(f64::total_cmp).unwrap_or(0.0)
}

/// Adds a tile times a vector.
pub fn multiply(tile: &[f64], from: &[f64], to: &mut [f64]) {
    for (column, x) in tile.chunks_exact(to.len()).zip(from) {
        to.iter_mut().zip(column).for_each(|(y, a)| *y += a * x);
    }
}

/// Adds a transposed tile times a vector.
pub fn multiply_transposed(tile: &[f64], from: &[f64], to: &mut [f64]) {
    for (column, y) in tile.chunks_exact(from.len()).zip(to) {
        *y += column.iter().zip(from).map(|(a, x)| a * x).sum::<f64>();
    }
}

/// Adds a matrix, lent tile by tile, times each vector.
pub fn apply(
    (rows, columns): (Cut, Cut),
    tiles: impl IntoIterator<Item = (usize, usize)>,
    mut lend: impl FnMut(usize, usize, &mut Vec<f64>),
    from: &[Vec<f64>],
    to: &mut [Vec<f64>],
) {
    let mut tile = Vec::new();
    for (i, j) in tiles {
        tile.resize(rows.size(i) * columns.size(j), 0.0);
        lend(i, j, &mut tile);
        for (from, to) in from.iter().zip(to.iter_mut()) {
            multiply(&tile, &from[columns.range(j)], &mut to[rows.range(i)]);
        }
    }
}

/// The numbers of a kept tile.
pub fn read_tile<'a>(
    results: &[(ObjectId, &'a [u8])],
    object: ObjectId,
    (rows, columns): (usize, usize),
) -> Result<&'a [f64], CheckError> {
    let bytes = result(results, object, size_of::<f64>() * rows * columns)?;
    as_slice(bytes).map_err(|source| CheckError::Unreadable { object, source })
}
