//! Tiled QR factorisation with Householder reflectors: a flat tree (Buttari, Langou, Kurzak and
//! Dongarra, Parallel Computing 35(1), 2009) or a binary one (communication-avoiding QR: Demmel,
//! Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34(1), 2012; with one column of tiles it is
//! TSQR).
//!
//! A triangle R is an object apart from the tile whose reflectors made it, so that passing it down
//! a column does not wait for those who read the reflectors.

use super::distribution::{self, Distribution};
use super::probe::{self, multiply};
use super::submit::{Call, Role, add_tile};
use super::tiles::Cut;
use crate::apps::{App, CheckError, Verdict, judge};
use crate::kernels::dense::{self, Below};
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{conflict, count};
use faer::{MatMut, MatRef};
use runtime::graph::GraphError;
use runtime::kernel::{Inputs, KernelSet, as_mut_slice};
use runtime::registry::{Kind, ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "qr",
    family: Family::Application,
    summary: "tiled QR factorisation of a random matrix of f64 along a flat or a binary tree; work \
              is counted in floating-point operations",
    source: "Buttari, Langou, Kurzak and Dongarra 2009; Demmel, Grigori, Hoemmen and Langou 2012",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 8] = [
    count("m", "rows, at least n", 1536, 1, 10_000_000),
    count("n", "columns", 1024, 1, 1_000_000),
    count("tile", "order of a tile, at most m", 256, 1, 16_384),
    count("inner", "columns of a block of reflectors, cut to the columns of a tile", 32, 1, 1024),
    ParameterInfo {
        name: "tree",
        summary: "how the tiles of a column are brought together: one after the other into the \
                  first, or two by two",
        kind: Kind::Choice { default: "flat", options: &["flat", "binary"] },
    },
    distribution::DISTRIBUTION,
    distribution::GRID_ROWS,
    distribution::GRID_COLUMNS,
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [m, n, tile, inner] = ["m", "n", "tile", "inner"].map(|name| parameters.int(name) as usize);
    if n > m {
        return Err(conflict("n", n, format!("at most m = {m}")));
    }
    if tile > m {
        return Err(conflict("tile", tile, format!("at most m = {m}")));
    }
    let matrix =
        Matrix { rows: Cut { length: m, tile }, columns: Cut { length: n, tile }, inner, seed };
    let (t, s) = (matrix.rows.count() as f64, matrix.columns.count() as f64);
    check_tasks(INFO.name, 2.0 * t * s * (s + 1.0))?;
    check_bytes(INFO.name, 8.0 * n as f64 * (4.0 * m as f64 + inner as f64 * t * 2.0))?;
    let (graph, homes) = (TaskGraph::new(INFO.name), Distribution::new(parameters));
    let mut draft = Draft { matrix, homes, graph, steps: Vec::new(), triangles: Vec::new() };
    draft.submit(parameters.text("tree") == "binary")?;
    let Draft { graph, steps, triangles, .. } = draft;
    let app = Qr { matrix, steps, triangles };
    Ok(Workload { graph, program: None, app: Some(Arc::new(app)) })
}

/// The kernels, matrix and check of one factorisation.
struct Qr {
    matrix: Matrix,
    /// What Q^T is made of, first to last.
    steps: Vec<Step>,
    /// The diagonal tiles of R.
    triangles: Vec<ObjectId>,
}

#[derive(Clone, Copy)]
struct Matrix {
    rows: Cut,
    columns: Cut,
    inner: usize,
    seed: u64,
}

/// Some of the reflectors.
struct Step {
    column: usize,
    /// The tile row whose triangle is the upper one of a pair; the tile's own otherwise.
    top: usize,
    /// The tile row whose reflectors these are.
    row: usize,
    /// What they were made of, for a pair.
    below: Option<Below>,
    reflectors: ObjectId,
    /// Rows of the object that holds them.
    height: usize,
    factors: ObjectId,
}

impl Matrix {
    /// Tiles are numbered by row.
    fn object(&self, i: usize, j: usize) -> ObjectId {
        ObjectId::from_index(i * self.columns.count() + j)
    }

    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.columns.count();
        (0..self.rows.count()).flat_map(move |i| (0..columns).map(move |j| (i, j)))
    }

    fn tile_size(&self, (i, j): (usize, usize)) -> (usize, usize) {
        (self.rows.size(i), self.columns.size(j))
    }

    /// Rows of the triangle that tile (i, k) has.
    fn triangle_rows(&self, i: usize, k: usize) -> usize {
        self.rows.size(i).min(self.columns.size(k))
    }

    /// Rows and columns of the factors of some reflectors.
    fn factors_size(&self, reflectors: usize) -> (usize, usize) {
        (self.inner.min(reflectors), reflectors)
    }

    /// A tile of the matrix: uniform in [-1/2, 1/2).
    fn fill_tile(&self, object: ObjectId, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "qr matrix", object.0.into());
        tile.iter_mut().for_each(|element| *element = stream.unit() - 0.5);
    }
}

/// A graph in the making.
struct Draft {
    matrix: Matrix,
    homes: Distribution,
    graph: TaskGraph,
    steps: Vec<Step>,
    triangles: Vec<ObjectId>,
}

impl Draft {
    fn submit(&mut self, is_binary: bool) -> Result<(), GraphError> {
        for (i, j) in self.matrix.tiles() {
            let size = self.matrix.tile_size((i, j));
            let object = self.add("A", (i, j), size, Role::Updated)?;
            debug_assert_eq!(object, self.matrix.object(i, j));
        }
        for k in 0..self.matrix.columns.count() {
            let triangle = if is_binary { self.submit_binary(k) } else { self.submit_flat(k) }?;
            self.triangles.push(triangle);
        }
        Ok(())
    }

    /// An object of tile (i, j), at home with it.
    fn add(
        &mut self,
        letter: &str,
        (i, j): (usize, usize),
        size: (usize, usize),
        role: Role,
    ) -> Result<ObjectId, GraphError> {
        let counts = (self.matrix.rows.count(), self.matrix.columns.count());
        let home = self.homes.home((i, j), counts);
        add_tile(&mut self.graph, &format!("{letter}[{i},{j}]"), size, home, role)
    }

    /// Column `k`: its first triangle takes in one tile after the other.
    fn submit_flat(&mut self, k: usize) -> Result<ObjectId, GraphError> {
        let triangle = self.factor_tile(k, k)?;
        for i in k + 1..self.matrix.rows.count() {
            let tile = self.matrix.object(i, k);
            self.factor_pair(k, (k, triangle), (i, tile), Below::Full)?;
        }
        Ok(triangle)
    }

    /// Column `k`: each tile becomes a triangle, then triangles are merged two by two.
    fn submit_binary(&mut self, k: usize) -> Result<ObjectId, GraphError> {
        let rows = k..self.matrix.rows.count();
        let triangles =
            rows.clone().map(|i| self.factor_tile(i, k)).collect::<Result<Vec<_>, _>>()?;
        let mut distance = 1;
        while distance < rows.len() {
            for top in rows.clone().step_by(2 * distance) {
                let row = top + distance;
                if row < rows.end {
                    let (upper, lower) = ((top, triangles[top - k]), (row, triangles[row - k]));
                    self.factor_pair(k, upper, lower, Below::Triangle)?;
                }
            }
            distance *= 2;
        }
        Ok(triangles[0])
    }

    /// Factors tile (i, k) and updates its row; returns its triangle.
    fn factor_tile(&mut self, i: usize, k: usize) -> Result<ObjectId, GraphError> {
        use Mode::{Read, ReadWrite, Write};
        let (matrix, tile) = (self.matrix, self.matrix.object(i, k));
        let ((m, n), size) = (matrix.tile_size((i, k)), matrix.triangle_rows(i, k));
        let triangle = self.add("R", (i, k), (size, n), Role::Result)?;
        let factors = self.add("S", (i, k), matrix.factors_size(size), Role::Result)?;
        let call = Call {
            kernel: "geqrt",
            at: &[i, k],
            shape: &[m, n, matrix.inner],
            flops: dense::geqrt_flops(m as f64, n as f64),
            scratch_bytes: 0,
            accesses: &[(tile, ReadWrite), (triangle, Write), (factors, Write)],
        };
        call.submit(&mut self.graph)?;
        for j in k + 1..matrix.columns.count() {
            let columns = matrix.columns.size(j);
            let call = Call {
                kernel: "unmqr",
                at: &[i, j, k],
                shape: &[m, columns, n, matrix.inner],
                flops: dense::unmqr_flops(m as f64, columns as f64, size as f64),
                scratch_bytes: 0,
                accesses: &[(tile, Read), (factors, Read), (matrix.object(i, j), ReadWrite)],
            };
            call.submit(&mut self.graph)?;
        }
        let (reflectors, height) = (tile, m);
        self.steps.push(Step {
            column: k,
            top: i,
            row: i,
            below: None,
            reflectors,
            height,
            factors,
        });
        Ok(triangle)
    }

    /// Merges what is in row `lower` into the triangle of row `upper`, and updates both rows.
    fn factor_pair(
        &mut self,
        k: usize,
        (top, triangle): (usize, ObjectId),
        (row, reflectors): (usize, ObjectId),
        below: Below,
    ) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite, Write};
        let (matrix, n) = (self.matrix, self.matrix.columns.size(k));
        let (factor, update, letter, height) = match below {
            Below::Full => ("tsqrt", "tsmqr", "T", matrix.rows.size(row)),
            Below::Triangle => ("ttqrt", "ttmqr", "U", matrix.triangle_rows(row, k)),
        };
        let factors = self.add(letter, (row, k), matrix.factors_size(n), Role::Result)?;
        let work = |columns: Option<usize>| {
            let (m, n) = (height as f64, n as f64);
            match (columns.map(|c| c as f64), below) {
                (None, Below::Full) => dense::tsqrt_flops(m, n),
                (None, Below::Triangle) => dense::ttqrt_flops(m, n),
                (Some(columns), Below::Full) => dense::tsmqr_flops(m, columns, n),
                (Some(columns), Below::Triangle) => dense::ttmqr_flops(m, columns, n),
            }
        };
        let call = Call {
            kernel: factor,
            at: &[top, row, k],
            shape: &[height, n, matrix.inner],
            flops: work(None),
            scratch_bytes: dense::pair_scratch_bytes(height, n, matrix.inner),
            accesses: &[(triangle, ReadWrite), (reflectors, ReadWrite), (factors, Write)],
        };
        call.submit(&mut self.graph)?;
        for j in k + 1..matrix.columns.count() {
            let columns = matrix.columns.size(j);
            let call = Call {
                kernel: update,
                at: &[top, row, j, k],
                shape: &[height, columns, n, matrix.inner],
                flops: work(Some(columns)),
                scratch_bytes: dense::pair_update_scratch_bytes(n, columns, matrix.inner),
                accesses: &[
                    (reflectors, Read),
                    (factors, Read),
                    (matrix.object(row, j), ReadWrite),
                    (matrix.object(top, j), ReadWrite),
                ],
            };
            call.submit(&mut self.graph)?;
        }
        let below = Some(below);
        self.steps.push(Step { column: k, top, row, below, reflectors, height, factors });
        Ok(())
    }
}

/// The check.
impl Qr {
    /// The matrix times each vector, of absolute values if asked for.
    fn apply_matrix(&self, absolute: bool, from: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let matrix = self.matrix;
        let mut to = vec![vec![0.0; matrix.rows.length]; from.len()];
        let lend = |i, j, tile: &mut Vec<f64>| {
            matrix.fill_tile(matrix.object(i, j), tile);
            if absolute {
                tile.iter_mut().for_each(|element| *element = element.abs());
            }
        };
        probe::apply((matrix.rows, matrix.columns), matrix.tiles(), lend, from, &mut to);
        to
    }

    /// R times a vector, with zeros to the length of a column.
    fn apply_triangle(
        &self,
        results: &[(ObjectId, &[u8])],
        from: &[f64],
    ) -> Result<Vec<f64>, CheckError> {
        let matrix = self.matrix;
        let mut to = vec![0.0; matrix.rows.length];
        for (k, triangle) in self.triangles.iter().enumerate() {
            let (own, order) = (matrix.columns.range(k), matrix.columns.size(k));
            let tile = probe::read_tile(results, *triangle, (order, order))?;
            multiply(tile, &from[own.clone()], &mut to[own]);
            for j in k + 1..matrix.columns.count() {
                let size = matrix.tile_size((k, j));
                let tile = probe::read_tile(results, matrix.object(k, j), size)?;
                multiply(tile, &from[matrix.columns.range(j)], &mut to[matrix.rows.range(k)]);
            }
        }
        Ok(to)
    }

    /// Q^T times a vector, in place.
    fn apply_reflectors(
        &self,
        results: &[(ObjectId, &[u8])],
        vector: &mut [f64],
    ) -> Result<(), CheckError> {
        let matrix = self.matrix;
        for step in &self.steps {
            let columns = matrix.columns.size(step.column);
            let size = match step.below {
                None => step.height.min(columns),
                Some(_) => columns,
            };
            let (inner, _) = matrix.factors_size(size);
            let v = probe::read_tile(results, step.reflectors, (step.height, columns))?;
            let v = MatRef::from_column_major_slice(v, step.height, columns);
            let s = probe::read_tile(results, step.factors, (inner, size))?;
            let s = MatRef::from_column_major_slice(s, inner, size);
            let (above, lower) = vector.split_at_mut(matrix.rows.range(step.row).start);
            let lower = &mut lower[..step.height];
            let d = MatMut::from_column_major_slice_mut(lower, step.height, 1);
            let Some(below) = step.below else {
                dense::apply_tile(v, s, d);
                continue;
            };
            let upper = &mut above[matrix.rows.range(step.top)];
            let rows = upper.len();
            let c = MatMut::from_column_major_slice_mut(upper, rows, 1);
            let mut scratch = vec![0.0; inner];
            dense::apply_pair(below, v, s, c, d, &mut scratch)
                .expect("the scratch memory has the right size");
        }
        Ok(())
    }
}

impl Inputs for Qr {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.matrix.fill_tile(object, tile);
    }
}

impl App for Qr {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_qr_to(&mut kernels);
        kernels
    }

    /// The larger of the backward error `|Q^T A - R|` over `m eps |A|`, in the norm of largest row
    /// sums, and of how much Q^T changes the length of vectors, over m eps; both are estimated from
    /// below with vectors of signs.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let (m, n) = (self.matrix.rows.length, self.matrix.columns.length);
        let probes = probe::signs("qr probe", self.matrix.seed, n);
        let norm = self.apply_matrix(true, &[vec![1.0; n]]);
        let norm = norm[0].iter().copied().fold(0.0, f64::max);
        let mut differences = Vec::new();
        for (probe, mut image) in probes.iter().zip(self.apply_matrix(false, &probes)) {
            let triangle = self.apply_triangle(results, probe)?;
            self.apply_reflectors(results, &mut image)?;
            differences.push(probe::largest_difference([(&triangle[..], &image[..])]) / norm);
        }
        for mut vector in probe::signs("qr lengths", self.matrix.seed, m) {
            self.apply_reflectors(results, &mut vector)?;
            let square: f64 = vector.iter().map(|x| x * x).sum();
            differences.push((square / m as f64 - 1.0).abs());
        }
        let worst = differences.into_iter().max_by(f64::total_cmp).unwrap_or(0.0);
        let ratio = worst / (m as f64 * f64::EPSILON);
        judge("backward error or loss of length over m times the machine epsilon", ratio, 30.0)
    }
}
