//! Tiled Cholesky factorisation of a symmetric positive definite matrix, right-looking, as in
//! Buttari, Langou, Kurzak and Dongarra (2009).
//!
//! The lower triangle is a grid of tiles, each an object that is factored in place; tiles of the
//! last row are smaller where the tile size does not divide the order. Home indices are
//! two-dimensional block cyclic.

use super::{App, CheckError, Verdict, judge, result};
use crate::kernels::dense;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};
use std::borrow::Cow;
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "cholesky",
    family: Family::Application,
    summary: "tiled Cholesky factorisation of a random positive definite matrix of f64; work is \
              counted in floating-point operations",
    source: "Buttari, Langou, Kurzak and Dongarra 2009",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 4] = [
    count("n", "order of the matrix", 2048, 1, 1_000_000),
    count("tile", "order of a tile, at most n", 256, 1, 16_384),
    count("grid_rows", "tile (i, j) is at home (i mod grid_rows, j mod grid_columns)", 1, 1, 1024),
    count("grid_columns", "see grid_rows", 1, 1, 1024),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let (n, tile) = (parameters.int("n") as usize, parameters.int("tile") as usize);
    if tile > n {
        return Err(conflict("tile", tile, format!("at most n = {n}")));
    }
    let tiling = Tiling { n, tile, seed };
    let t = tiling.count() as f64;
    check_tasks(INFO.name, t * (t + 1.0) * (t + 2.0) / 6.0)?;
    check_bytes(INFO.name, 8.0 * (n as f64) * (n as f64))?;
    let grid = (parameters.int("grid_rows") as usize, parameters.int("grid_columns") as usize);
    let graph = tiling.graph(grid)?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(Cholesky { tiling })) })
}

/// The kernels, matrix and check of one factorisation.
struct Cholesky {
    tiling: Tiling,
}

#[derive(Clone, Copy)]
struct Tiling {
    n: usize,
    tile: usize,
    seed: u64,
}

impl Tiling {
    /// Tiles per side.
    fn count(&self) -> usize {
        self.n.div_ceil(self.tile)
    }

    /// Order of the diagonal tile `i`.
    fn order(&self, i: usize) -> usize {
        self.tile.min(self.n - i * self.tile)
    }

    /// Tiles of the lower triangle are numbered by row.
    fn object(&self, i: usize, j: usize) -> ObjectId {
        ObjectId::from_index(i * (i + 1) / 2 + j)
    }

    /// Row and column of the tile that is object `object`.
    fn place(&self, object: ObjectId) -> (usize, usize) {
        let mut i = 0;
        while self.object(i + 1, 0) <= object {
            i += 1;
        }
        (i, object.index() - self.object(i, 0).index())
    }

    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.count()).flat_map(|i| (0..=i).map(move |j| (i, j)))
    }

    fn graph(&self, grid: (usize, usize)) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        for (i, j) in self.tiles() {
            let object = graph.add_object(ObjectSpec {
                name: &format!("A[{i},{j}]"),
                bytes: (8 * self.order(i) * self.order(j)) as u64,
                home: (i % grid.0 * grid.1 + j % grid.1) as u32,
                initial: true,
                keep: true,
                held: false,
            })?;
            debug_assert_eq!(object, self.object(i, j));
        }
        for k in 0..self.count() {
            self.submit_column(&mut graph, k)?;
        }
        Ok(graph)
    }

    /// Factors column `k` and updates all columns right of it.
    fn submit_column(&self, graph: &mut TaskGraph, k: usize) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite};
        let t = self.count();
        let tile = |i, j| self.object(i, j);
        let mut submit = |kernel: &str, place: &[usize], order: &[usize], flops, accesses: &[_]| {
            let places: Vec<String> = place.iter().map(usize::to_string).collect();
            let mut shape = [0; 4];
            order.iter().zip(&mut shape).for_each(|(n, s)| *s = *n as u32);
            let kernel_id = graph.kernel(kernel);
            graph.submit(TaskSpec {
                name: &format!("{kernel}({})", places.join(",")),
                shape,
                cost: Cost::Work(flops),
                accesses,
                ..TaskSpec::new(kernel_id)
            })
        };
        let width = self.order(k);
        let n = width as f64;
        submit("potrf", &[k], &[width], dense::potrf_flops(n), &[(tile(k, k), ReadWrite)])?;
        for i in k + 1..t {
            let (rows, accesses) = (self.order(i), [(tile(k, k), Read), (tile(i, k), ReadWrite)]);
            submit("trsm", &[i, k], &[rows, width], dense::trsm_flops(rows as f64, n), &accesses)?;
        }
        for j in k + 1..t {
            let (columns, left) = (self.order(j), tile(j, k));
            let flops = dense::syrk_flops(columns as f64, n);
            let accesses = [(left, Read), (tile(j, j), ReadWrite)];
            submit("syrk", &[j, k], &[columns, width], flops, &accesses)?;
            for i in j + 1..t {
                let rows = self.order(i);
                let flops = dense::gemm_flops(rows as f64, columns as f64, n);
                let accesses = [(tile(i, k), Read), (left, Read), (tile(i, j), ReadWrite)];
                submit("gemm", &[i, j, k], &[rows, columns, width], flops, &accesses)?;
            }
        }
        Ok(())
    }

    /// Tile (i, j) of the matrix: uniform in [-1/2, 1/2), with n more on the diagonal, which makes
    /// the symmetric matrix diagonally dominant and so positive definite.
    fn fill(&self, i: usize, j: usize, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "cholesky matrix", self.object(i, j).0.into());
        let rows = self.order(i);
        for (at, element) in tile.iter_mut().enumerate() {
            *element = stream.unit() - 0.5;
            let (row, column) = (at % rows, at / rows);
            if i == j && row == column {
                *element += self.n as f64;
            }
        }
        if i == j {
            for column in 0..rows {
                for row in 0..column {
                    tile[column * rows + row] = tile[row * rows + column];
                }
            }
        }
    }
}

/// How many vectors the backward error is estimated with.
const PROBES: u64 = 4;

/// The check.
impl Tiling {
    /// See [`Cholesky::check`]; `factor` holds the tiles of L.
    fn backward_error(&self, factor: &[&[f64]]) -> f64 {
        let probes: Vec<Vec<f64>> = (0..PROBES).map(|p| self.signs(p)).collect();
        let (images, norm) = self.apply_matrix(&probes);
        let differences = probes.iter().zip(&images).map(|(probe, image)| {
            let product = self.apply_factor(factor, &self.apply_transpose(factor, probe));
            // In the total order something that is not a number is the largest.
            let each = image.iter().zip(&product).map(|(a, b)| (a - b).abs());
            each.max_by(f64::total_cmp).unwrap_or(0.0)
        });
        let worst = differences.max_by(f64::total_cmp).unwrap_or(0.0);
        worst / (norm * self.n as f64 * f64::EPSILON)
    }

    fn signs(&self, probe: u64) -> Vec<f64> {
        let mut stream = Stream::nth(self.seed, "cholesky probe", probe);
        (0..self.n).map(|_| if stream.bits() >> 63 == 0 { 1.0 } else { -1.0 }).collect()
    }

    /// The rows of the matrix that tiles of row `i` lie in.
    fn rows(&self, i: usize) -> std::ops::Range<usize> {
        i * self.tile..i * self.tile + self.order(i)
    }

    /// The matrix, made again tile by tile, times each vector, and its largest row sum.
    fn apply_matrix(&self, vectors: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
        let mut images = vec![vec![0.0; self.n]; vectors.len()];
        let mut row_sums = vec![0.0; self.n];
        let ones = vec![1.0; self.n];
        let mut tile = Vec::new();
        for (i, j) in self.tiles() {
            tile.resize(self.order(i) * self.order(j), 0.0);
            self.fill(i, j, &mut tile);
            let (rows, columns) = (self.rows(i), self.rows(j));
            let apply = |tile: &[f64], from: &[f64], to: &mut [f64]| {
                multiply(tile, &from[columns.clone()], &mut to[rows.clone()]);
                if i != j {
                    multiply_transposed(tile, &from[rows.clone()], &mut to[columns.clone()]);
                }
            };
            vectors.iter().zip(&mut images).for_each(|(from, to)| apply(&tile, from, to));
            tile.iter_mut().for_each(|element| *element = element.abs());
            apply(&tile, &ones, &mut row_sums);
        }
        (images, row_sums.into_iter().fold(0.0, f64::max))
    }

    fn apply_factor(&self, factor: &[&[f64]], from: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; self.n];
        for (i, j) in self.tiles() {
            let tile = self.lower(factor, i, j);
            multiply(&tile, &from[self.rows(j)], &mut to[self.rows(i)]);
        }
        to
    }

    fn apply_transpose(&self, factor: &[&[f64]], from: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; self.n];
        for (i, j) in self.tiles() {
            let tile = self.lower(factor, i, j);
            multiply_transposed(&tile, &from[self.rows(i)], &mut to[self.rows(j)]);
        }
        to
    }

    /// A tile of L: above the diagonal the buffers hold what was there before.
    fn lower<'a>(&self, factor: &[&'a [f64]], i: usize, j: usize) -> Cow<'a, [f64]> {
        let tile = factor[self.object(i, j).index()];
        if i != j {
            return Cow::Borrowed(tile);
        }
        let rows = self.order(i);
        let kept =
            |(at, element): (usize, &f64)| if at % rows < at / rows { 0.0 } else { *element };
        tile.iter().enumerate().map(kept).collect()
    }
}

/// Adds a tile times a vector.
fn multiply(tile: &[f64], from: &[f64], to: &mut [f64]) {
    for (column, x) in tile.chunks_exact(to.len()).zip(from) {
        to.iter_mut().zip(column).for_each(|(y, a)| *y += a * x);
    }
}

/// Adds a transposed tile times a vector.
fn multiply_transposed(tile: &[f64], from: &[f64], to: &mut [f64]) {
    for (column, y) in tile.chunks_exact(from.len()).zip(to) {
        *y += column.iter().zip(from).map(|(a, x)| a * x).sum::<f64>();
    }
}

impl Cholesky {
    /// The tiles of L, by object.
    fn read_factor<'a>(
        &self,
        results: &[(ObjectId, &'a [u8])],
    ) -> Result<Vec<&'a [f64]>, CheckError> {
        let read = |(i, j)| {
            let object = self.tiling.object(i, j);
            let bytes = result(results, object, 8 * self.tiling.order(i) * self.tiling.order(j))?;
            as_slice(bytes).map_err(|source| CheckError::Unreadable { object, source })
        };
        self.tiling.tiles().map(read).collect()
    }
}

impl Inputs for Cholesky {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let (i, j) = self.tiling.place(object);
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.tiling.fill(i, j, tile);
    }
}

impl App for Cholesky {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_to(&mut kernels);
        kernels
    }

    /// Backward error `|A - L L^T|` over `n eps |A|` in the norm of largest row sums, estimated
    /// from below by what the difference does to vectors of signs; LAPACK's own tests allow 30.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let factor = self.read_factor(results)?;
        let ratio = self.tiling.backward_error(&factor);
        judge("backward error over n times the machine epsilon", ratio, 30.0)
    }
}
