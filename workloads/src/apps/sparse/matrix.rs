//! Generated sparse matrices: Laplacians of grids and of R-MAT graphs (Chakrabarti, Zhan and
//! Faloutsos, SDM 2004), one more on the diagonal, so that they are positive definite.

use crate::random::Stream;
use crate::registry::{WorkloadError, check_edges, count};
use runtime::registry::{Kind, ParameterInfo, Parameters};

/// Which matrix.
pub const MATRIX: ParameterInfo = ParameterInfo {
    name: "matrix",
    summary: "Laplacian, plus one on the diagonal, of a square grid, of a cubic one, or of an \
              R-MAT graph, whose rows are of very unlike lengths",
    kind: Kind::Choice {
        default: "laplacian-2d",
        options: &["laplacian-2d", "laplacian-3d", "rmat"],
    },
};
/// Its size.
pub const ROWS: ParameterInfo = count(
    "rows",
    "most rows of the matrix; a grid has the largest square or cube below, R-MAT the largest \
     power of two",
    40_000,
    1,
    16_777_216,
);
/// Its density, of R-MAT alone.
pub const DEGREE: ParameterInfo =
    count("degree", "edges that are drawn for each vertex of R-MAT", 8, 1, 1024);

/// A symmetric matrix in compressed rows: all of it, as costs and sizes follow from it.
pub struct Sparse {
    /// Where each row begins in `columns`; one more at the end.
    starts: Vec<usize>,
    /// Columns other than the row's own, in order; the values there are -1.
    columns: Vec<u32>,
}

/// Points along each side of a grid of at most so many.
pub fn points(rows: usize, dimensions: u32) -> usize {
    let root = libm::pow(rows as f64, 1.0 / f64::from(dimensions)) as usize;
    // A root that is off by one in the last digit is cut to the number below.
    if (root + 1).pow(dimensions) <= rows { root + 1 } else { root.max(1) }
}

/// Chances of the upper left, upper right and lower left quarter, as in the Graph500 benchmark.
const QUARTERS: [f64; 3] = [0.57, 0.19, 0.19];

impl Sparse {
    /// As the parameters [`MATRIX`], [`ROWS`] and [`DEGREE`] say.
    ///
    /// # Errors
    /// [`WorkloadError::TooLarge`] for too many entries.
    pub fn new(
        workload: &'static str,
        parameters: &Parameters,
        seed: u64,
    ) -> Result<Self, WorkloadError> {
        let rows = parameters.int(ROWS.name) as usize;
        Ok(match parameters.text(MATRIX.name) {
            "rmat" => {
                let degree = parameters.int(DEGREE.name) as usize;
                check_edges(workload, 2.0 * degree as f64 * rows as f64)?;
                Self::rmat(rows.ilog2(), degree, seed)
            }
            "laplacian-3d" => Self::grid(points(rows, 3), 3),
            _ => Self::grid(points(rows, 2), 2),
        })
    }

    /// The Laplacian of a grid of `dimensions` with so many points along each.
    pub fn grid(points: usize, dimensions: u32) -> Self {
        let rows = points.pow(dimensions);
        let mut neighbours = Vec::new();
        let (mut starts, mut columns) = (vec![0], Vec::new());
        for row in 0..rows {
            neighbours.clear();
            for dimension in 0..dimensions {
                let stride = points.pow(dimension);
                let at = row / stride % points;
                neighbours.extend((at > 0).then(|| (row - stride) as u32));
                neighbours.extend((at + 1 < points).then(|| (row + stride) as u32));
            }
            neighbours.sort_unstable();
            columns.extend_from_slice(&neighbours);
            starts.push(columns.len());
        }
        Self { starts, columns }
    }

    /// The Laplacian of an R-MAT graph of `2^scale` vertices, with `degree` edges drawn for each;
    /// edges to oneself and repeated ones are left out.
    pub fn rmat(scale: u32, degree: usize, seed: u64) -> Self {
        let rows = 1usize << scale;
        let mut stream = Stream::new(seed, "rmat");
        let mut edges = Vec::with_capacity(2 * degree * rows);
        for _ in 0..degree * rows {
            let (mut from, mut to) = (0u32, 0u32);
            for _ in 0..scale {
                let draw = stream.unit();
                let lower = draw >= QUARTERS[0] + QUARTERS[1];
                let right = (QUARTERS[0]..QUARTERS[0] + QUARTERS[1]).contains(&draw)
                    || draw >= QUARTERS.iter().sum();
                (from, to) = (from << 1 | u32::from(lower), to << 1 | u32::from(right));
            }
            if from != to {
                edges.extend([(from, to), (to, from)]);
            }
        }
        edges.sort_unstable();
        edges.dedup();
        let first = |row| edges.partition_point(|edge| (edge.0 as usize) < row);
        let starts = (0..=rows).map(first).collect();
        Self { starts, columns: edges.into_iter().map(|e| e.1).collect() }
    }

    /// How many there are.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Entries of a range of rows, diagonal included.
    pub fn entries(&self, rows: std::ops::Range<usize>) -> usize {
        self.starts[rows.end] - self.starts[rows.start] + rows.len()
    }

    /// Columns and values of a row, in order of the columns.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let columns = self.neighbours(row);
        let before = columns.partition_point(|c| (*c as usize) < row);
        let other = |c: &u32| (*c as usize, -1.0);
        let own = std::iter::once((row, columns.len() as f64 + 1.0));
        columns[..before].iter().map(other).chain(own).chain(columns[before..].iter().map(other))
    }

    /// Columns of a row other than its own, in order.
    pub fn neighbours(&self, row: usize) -> &[u32] {
        &self.columns[self.starts[row]..self.starts[row + 1]]
    }

    /// Most entries of a row.
    pub fn longest_row(&self) -> usize {
        (0..self.rows()).map(|row| self.entries(row..row + 1)).max().unwrap_or(0)
    }

    /// The matrix times a vector.
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let product = |row| self.row(row).map(|(column, value)| value * x[column]).sum();
        (0..self.rows()).map(product).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_the_largest_below() {
        for (rows, dimensions, expected) in
            [(1, 2, 1), (3, 2, 1), (4, 2, 2), (8, 3, 2), (26, 3, 2), (27, 3, 3), (1000, 3, 10)]
        {
            assert_eq!(points(rows, dimensions), expected, "{rows}");
        }
        assert!((1..300).all(|n: usize| points(n.pow(3), 3) == n && points(n.pow(2), 2) == n));
    }

    #[test]
    fn grids_have_the_stencils_of_their_dimensions() {
        let plane = Sparse::grid(3, 2);
        assert_eq!((plane.rows(), plane.entries(0..9)), (9, 9 + 24));
        let row: Vec<_> = plane.row(4).collect();
        assert_eq!(row, [(1, -1.0), (3, -1.0), (4, 5.0), (5, -1.0), (7, -1.0)]);
        let space = Sparse::grid(3, 3);
        assert_eq!((space.rows(), space.row(13).count(), space.row(0).count()), (27, 7, 4));
    }

    #[test]
    fn all_are_symmetric_with_row_sums_of_one() {
        for matrix in [Sparse::grid(5, 2), Sparse::grid(4, 3), Sparse::rmat(6, 4, 1)] {
            let ones = vec![1.0; matrix.rows()];
            assert!(matrix.apply(&ones).iter().all(|y| *y == 1.0));
            for row in 0..matrix.rows() {
                assert!(matrix.row(row).map(|(c, _)| c).is_sorted_by(|a, b| a < b));
                for (column, value) in matrix.row(row) {
                    assert!(matrix.row(column).any(|back| back == (row, value)));
                }
            }
        }
    }

    #[test]
    fn rmat_is_skewed_and_follows_the_seed() {
        let matrix = Sparse::rmat(10, 8, 1);
        let degree = |row: usize| matrix.starts[row + 1] - matrix.starts[row];
        let (largest, mean) =
            ((0..1024).map(degree).max().unwrap(), matrix.starts[1024] as f64 / 1024.0);
        assert!(largest as f64 > 8.0 * mean, "{largest} against {mean}");
        assert_eq!(matrix.columns, Sparse::rmat(10, 8, 1).columns);
        assert_ne!(matrix.columns, Sparse::rmat(10, 8, 2).columns);
    }
}
