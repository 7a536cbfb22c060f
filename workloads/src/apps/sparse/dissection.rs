//! Nested dissection of a grid (George, SIAM Journal on Numerical Analysis 10(2), 1973): a plane of
//! points is taken out across the longest side and comes last, the two halves do the same.

use super::matrix::Sparse;

/// The unknowns of a matrix in the order of their elimination, in blocks of unlike sizes, and where
/// its factor has entries.
pub struct Dissection {
    /// By block, the unknowns.
    pub blocks: Vec<Vec<u32>>,
    /// By unknown, its block.
    pub block_of: Vec<u32>,
    /// By unknown, its place in the block.
    pub place_of: Vec<u32>,
    /// By block of columns, the blocks of rows below the diagonal with entries of the factor.
    pub below: Vec<Vec<u32>>,
}

/// Part of a grid: first point and points along each dimension.
#[derive(Clone, Copy)]
struct Part {
    low: [usize; 3],
    size: [usize; 3],
}

impl Dissection {
    /// Of a grid with so many points along each of two or three dimensions, down to parts of at
    /// most `leaf` points; blocks have at most `largest`.
    pub fn new(
        matrix: &Sparse,
        points: usize,
        dimensions: u32,
        leaf: usize,
        largest: usize,
    ) -> Self {
        let deep = if dimensions == 3 { points } else { 1 };
        let mut blocks = Vec::new();
        let whole = Part { low: [0; 3], size: [points, points, deep] };
        dissect(whole, leaf, &mut |part| {
            let unknowns: Vec<u32> = part.points(points).collect();
            let pieces = unknowns.len().div_ceil(largest);
            let length = unknowns.len().div_ceil(pieces.max(1));
            blocks.extend(unknowns.chunks(length.max(1)).map(<[u32]>::to_vec));
        });
        let (mut block_of, mut place_of) = (vec![0; matrix.rows()], vec![0; matrix.rows()]);
        for (block, unknowns) in (0..).zip(&blocks) {
            for (place, unknown) in (0..).zip(unknowns) {
                (block_of[*unknown as usize], place_of[*unknown as usize]) = (block, place);
            }
        }
        let below = fill_in(matrix, &blocks, &block_of);
        Self { blocks, block_of, place_of, below }
    }
}

impl Part {
    fn points(self, side: usize) -> impl Iterator<Item = u32> {
        let Part { low: [x, y, z], size: [a, b, c] } = self;
        let rows = (z..z + c).flat_map(move |z| (y..y + b).map(move |y| (z * side + y) * side));
        rows.flat_map(move |row| (x..x + a).map(move |x| (row + x) as u32))
    }
}

/// Shows the parts in the order of their elimination. Depth is logarithmic.
fn dissect(part: Part, leaf: usize, show: &mut impl FnMut(Part)) {
    let axis = (0..3).max_by_key(|axis| (part.size[*axis], 3 - axis)).unwrap_or(0);
    let length = part.size[axis];
    if part.size.iter().product::<usize>() <= leaf || length < 3 {
        return show(part);
    }
    let cut = |from: usize, length: usize| {
        let mut cut = part;
        (cut.low[axis], cut.size[axis]) = (part.low[axis] + from, length);
        cut
    };
    dissect(cut(0, length / 2), leaf, show);
    dissect(cut(length / 2 + 1, length - length / 2 - 1), leaf, show);
    show(cut(length / 2, 1));
}

/// The blocks of a factor: those of the matrix, and what elimination fills in. A block column
/// passes all its blocks but the first on to that one, its parent in the elimination tree (Liu,
/// SIAM Journal on Matrix Analysis and Applications 11(1), 1990).
fn fill_in(matrix: &Sparse, blocks: &[Vec<u32>], block_of: &[u32]) -> Vec<Vec<u32>> {
    let mut below: Vec<Vec<u32>> = vec![Vec::new(); blocks.len()];
    for column in 0..blocks.len() {
        let mut rows = std::mem::take(&mut below[column]);
        for unknown in &blocks[column] {
            let neighbours = matrix.neighbours(*unknown as usize).iter();
            let touched = neighbours.map(|n| block_of[*n as usize]);
            rows.extend(touched.filter(|block| *block as usize > column));
        }
        rows.sort_unstable();
        rows.dedup();
        if let [parent, rest @ ..] = &rows[..] {
            below[*parent as usize].extend_from_slice(rest);
        }
        below[column] = rows;
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_eliminated_once_and_separators_come_last() {
        for (points, dimensions) in [(1, 2), (2, 2), (7, 2), (9, 2), (3, 3), (5, 3)] {
            let matrix = Sparse::grid(points, dimensions);
            let order = Dissection::new(&matrix, points, dimensions, 4, 3);
            let mut all: Vec<u32> = order.blocks.concat();
            assert!(order.blocks.iter().all(|b| (1..=3).contains(&b.len())));
            all.sort_unstable();
            assert!(all.into_iter().eq(0..matrix.rows() as u32));
        }
        let matrix = Sparse::grid(7, 2);
        let order = Dissection::new(&matrix, 7, 2, 4, 100);
        assert_eq!(order.blocks.last().unwrap(), &[3, 10, 17, 24, 31, 38, 45]);
    }

    /// Against elimination, entry by entry, of the pattern.
    #[test]
    fn fill_in_is_what_elimination_fills() {
        for (points, dimensions, leaf, largest) in [(6, 2, 4, 3), (9, 2, 6, 100), (4, 3, 3, 5)] {
            let matrix = Sparse::grid(points, dimensions);
            let order = Dissection::new(&matrix, points, dimensions, leaf, largest);
            let count = order.blocks.len();
            let mut filled = vec![vec![false; count]; count];
            for row in 0..matrix.rows() {
                for other in matrix.neighbours(row) {
                    let (i, j) = (order.block_of[row], order.block_of[*other as usize]);
                    filled[i as usize][j as usize] = true;
                }
            }
            for k in 0..count {
                for i in k + 1..count {
                    for j in k + 1..count {
                        filled[i][j] |= filled[i][k] && filled[k][j];
                    }
                }
            }
            for (k, below) in order.below.iter().enumerate() {
                let expected = (k + 1..count).filter(|i| filled[*i][k]).map(|i| i as u32);
                assert!(expected.eq(below.iter().copied()), "column {k}");
            }
        }
    }
}
