//! Tiled Cholesky factorisation of a symmetric positive definite matrix, as in Buttari, Langou,
//! Kurzak and Dongarra (Parallel Computing 35(1), 2009).
//!
//! The lower triangle is a grid of tiles, each factored in place. Right- and left-looking are the
//! same tasks and dependencies, submitted in another order: updates as soon as a column is
//! factored, or just before their own column is. With several layers (2.5D; Solomonik and Demmel,
//! Euro-Par 2011) the updates of step k are summed in layer k mod `layers`, and the sums of a tile
//! are added to it before it is factored.

use super::distribution::{self, Distribution};
use super::probe::{self, multiply, multiply_transposed};
use super::submit::{Call, Role, add_tile};
use super::tiles::Cut;
use crate::apps::{App, CheckError, Verdict, judge};
use crate::kernels::dense;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::GraphError;
use runtime::kernel::{Inputs, KernelSet, as_mut_slice};
use runtime::registry::{Kind, ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
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

const PARAMETERS: [ParameterInfo; 7] = [
    count("n", "order of the matrix", 2048, 1, 1_000_000),
    count("tile", "order of a tile, at most n", 256, 1, 16_384),
    ParameterInfo {
        name: "variant",
        summary: "in which order tasks are submitted: updates at once, or as late as possible",
        kind: Kind::Choice {
            default: "right-looking",
            options: &["right-looking", "left-looking"],
        },
    },
    distribution::DISTRIBUTION,
    distribution::GRID_ROWS,
    distribution::GRID_COLUMNS,
    distribution::LAYERS,
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [n, tile, layers] = ["n", "tile", "layers"].map(|name| parameters.int(name) as usize);
    if tile > n {
        return Err(conflict("tile", tile, format!("at most n = {n}")));
    }
    let matrix = Matrix { side: Cut { length: n, tile }, seed };
    let t = matrix.count() as f64;
    let updates = (t - 1.0) * t * (t + 1.0) / 6.0;
    let sums = (layers as f64 - 1.0) * t * (t + 1.0) / 2.0;
    check_tasks(INFO.name, updates + t * (t + 1.0) / 2.0 + sums)?;
    check_bytes(INFO.name, 8.0 * layers as f64 * (n as f64) * (n as f64))?;
    let homes = Distribution::new(parameters);
    let mut draft = Draft {
        matrix,
        homes,
        sums: vec![Vec::new(); layers - 1],
        graph: TaskGraph::new(INFO.name),
    };
    draft.submit(parameters.text("variant") == "left-looking")?;
    Ok(Workload { graph: draft.graph, program: None, app: Some(Arc::new(Cholesky { matrix })) })
}

/// The kernels, matrix and check of one factorisation.
struct Cholesky {
    matrix: Matrix,
}

#[derive(Clone, Copy)]
struct Matrix {
    side: Cut,
    seed: u64,
}

impl Matrix {
    /// Tiles per side.
    fn count(&self) -> usize {
        self.side.count()
    }

    /// Order of the diagonal tile `i`.
    fn order(&self, i: usize) -> usize {
        self.side.size(i)
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

    /// Tile (i, j) of the matrix: uniform in [-1/2, 1/2), with n more on the diagonal, which makes
    /// the symmetric matrix diagonally dominant and so positive definite.
    fn fill(&self, i: usize, j: usize, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "cholesky matrix", self.object(i, j).0.into());
        let rows = self.order(i);
        for (at, element) in tile.iter_mut().enumerate() {
            *element = stream.unit() - 0.5;
            let (row, column) = (at % rows, at / rows);
            if i == j && row == column {
                *element += self.side.length as f64;
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

/// A graph in the making.
struct Draft {
    matrix: Matrix,
    homes: Distribution,
    /// Sums of the layers after the first, by layer and tile, those that there are.
    sums: Vec<Vec<Option<ObjectId>>>,
    graph: TaskGraph,
}

impl Draft {
    fn submit(&mut self, is_left_looking: bool) -> Result<(), GraphError> {
        let count = self.matrix.count();
        for (i, j) in self.matrix.tiles() {
            let size = (self.matrix.order(i), self.matrix.order(j));
            let home = self.homes.home((i, j), (count, count));
            let name = format!("A[{i},{j}]");
            let object = add_tile(&mut self.graph, &name, size, home, Role::Updated)?;
            debug_assert_eq!(object, self.matrix.object(i, j));
        }
        let tiles = count * (count + 1) / 2;
        self.sums.iter_mut().for_each(|layer| layer.resize(tiles, None));
        for column in 0..count {
            if is_left_looking {
                (0..column).try_for_each(|k| self.update_column(column, k))?;
            }
            self.factor_column(column)?;
            if !is_left_looking {
                (column + 1..count).try_for_each(|j| self.update_column(j, column))?;
            }
        }
        Ok(())
    }

    fn call(
        &mut self,
        kernel: &str,
        at: &[usize],
        shape: &[usize],
        flops: f64,
        accesses: &[(ObjectId, Mode)],
    ) -> Result<(), GraphError> {
        Call { kernel, at, shape, flops, scratch_bytes: 0, accesses }.submit(&mut self.graph)
    }

    /// Factors column `k`, whose updates have all been submitted.
    fn factor_column(&mut self, k: usize) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite};
        (k..self.matrix.count()).try_for_each(|i| self.add_sums(i, k))?;
        let (matrix, width) = (self.matrix, self.matrix.order(k));
        let (corner, n) = (matrix.object(k, k), width as f64);
        self.call("potrf", &[k], &[width], dense::potrf_flops(n), &[(corner, ReadWrite)])?;
        for i in k + 1..matrix.count() {
            let rows = matrix.order(i);
            let accesses = [(corner, Read), (matrix.object(i, k), ReadWrite)];
            let flops = dense::trsm_flops(rows as f64, n);
            self.call("trsm", &[i, k], &[rows, width], flops, &accesses)?;
        }
        Ok(())
    }

    /// Adds the sums of all layers to a tile.
    fn add_sums(&mut self, i: usize, j: usize) -> Result<(), GraphError> {
        let (tile, shape) =
            (self.matrix.object(i, j), [self.matrix.order(i), self.matrix.order(j)]);
        for layer in 0..self.sums.len() {
            if let Some(sum) = self.sums[layer][tile.index()] {
                let accesses = [(sum, Mode::Read), (tile, Mode::ReadWrite)];
                let flops = (shape[0] * shape[1]) as f64;
                self.call("add", &[i, j, layer + 1], &shape, flops, &accesses)?;
            }
        }
        Ok(())
    }

    /// Subtracts from column `j` what column `k` contributes.
    fn update_column(&mut self, j: usize, k: usize) -> Result<(), GraphError> {
        use Mode::Read;
        let (matrix, depth) = (self.matrix, self.matrix.order(k));
        let (left, columns) = (matrix.object(j, k), matrix.order(j));
        let (target, mode) = self.target(j, j, k)?;
        let kernel = if mode == Mode::Write { "syrk_first" } else { "syrk" };
        let flops = dense::syrk_flops(columns as f64, depth as f64);
        self.call(kernel, &[j, k], &[columns, depth], flops, &[(left, Read), (target, mode)])?;
        for i in j + 1..matrix.count() {
            let rows = matrix.order(i);
            let (target, mode) = self.target(i, j, k)?;
            let kernel = if mode == Mode::Write { "gemm_first" } else { "gemm" };
            let flops = dense::gemm_flops(rows as f64, columns as f64, depth as f64);
            let accesses = [(matrix.object(i, k), Read), (left, Read), (target, mode)];
            self.call(kernel, &[i, j, k], &[rows, columns, depth], flops, &accesses)?;
        }
        Ok(())
    }

    /// Where step `k` subtracts from for tile (i, j), and whether it is the first to.
    fn target(&mut self, i: usize, j: usize, k: usize) -> Result<(ObjectId, Mode), GraphError> {
        let (tile, layer) = (self.matrix.object(i, j), k % (self.sums.len() + 1));
        if layer == 0 {
            return Ok((tile, Mode::ReadWrite));
        }
        if let Some(sum) = self.sums[layer - 1][tile.index()] {
            return Ok((sum, Mode::ReadWrite));
        }
        let (count, size) = (self.matrix.count(), (self.matrix.order(i), self.matrix.order(j)));
        let home = self.homes.home_in(layer, (i, j), (count, count));
        let name = format!("A{layer}[{i},{j}]");
        let sum = add_tile(&mut self.graph, &name, size, home, Role::Temporary)?;
        self.sums[layer - 1][tile.index()] = Some(sum);
        Ok((sum, Mode::Write))
    }
}

/// The check.
impl Matrix {
    /// See [`Cholesky::check`]; `factor` holds the tiles of L.
    fn backward_error(&self, factor: &[&[f64]]) -> f64 {
        let n = self.side.length;
        let probes = probe::signs("cholesky probe", self.seed, n);
        let (images, norm) = self.apply_matrix(&probes);
        let products: Vec<Vec<f64>> = (probes.iter())
            .map(|probe| self.apply_factor(factor, &self.apply_transpose(factor, probe)))
            .collect();
        let pairs = images.iter().zip(&products).map(|(a, b)| (&a[..], &b[..]));
        probe::largest_difference(pairs) / (norm * n as f64 * f64::EPSILON)
    }

    /// The rows of the matrix that tiles of row `i` lie in.
    fn rows(&self, i: usize) -> std::ops::Range<usize> {
        self.side.range(i)
    }

    /// The matrix, made again tile by tile, times each vector, and its largest row sum.
    fn apply_matrix(&self, vectors: &[Vec<f64>]) -> (Vec<Vec<f64>>, f64) {
        let mut images = vec![vec![0.0; self.side.length]; vectors.len()];
        let mut row_sums = vec![0.0; self.side.length];
        let ones = vec![1.0; self.side.length];
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
        let mut to = vec![0.0; self.side.length];
        for (i, j) in self.tiles() {
            let tile = self.lower(factor, i, j);
            multiply(&tile, &from[self.rows(j)], &mut to[self.rows(i)]);
        }
        to
    }

    fn apply_transpose(&self, factor: &[&[f64]], from: &[f64]) -> Vec<f64> {
        let mut to = vec![0.0; self.side.length];
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

impl Cholesky {
    /// The tiles of L, by object.
    fn read_factor<'a>(
        &self,
        results: &[(ObjectId, &'a [u8])],
    ) -> Result<Vec<&'a [f64]>, CheckError> {
        let read = |(i, j)| {
            let size = (self.matrix.order(i), self.matrix.order(j));
            probe::read_tile(results, self.matrix.object(i, j), size)
        };
        self.matrix.tiles().map(read).collect()
    }
}

impl Inputs for Cholesky {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let (i, j) = self.matrix.place(object);
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.matrix.fill(i, j, tile);
    }
}

impl App for Cholesky {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_to(&mut kernels);
        dense::add_multiply_to(&mut kernels);
        kernels
    }

    /// Backward error `|A - L L^T|` over `n eps |A|` in the norm of largest row sums, estimated
    /// from below by what the difference does to vectors of signs; LAPACK's own tests allow 30.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let factor = self.read_factor(results)?;
        let ratio = self.matrix.backward_error(&factor);
        judge("backward error over n times the machine epsilon", ratio, 30.0)
    }
}
