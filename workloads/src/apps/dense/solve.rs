//! Triangular solve `L X = B` on tiles: forward substitution with many right-hand sides.

use super::distribution::{self, Distribution};
use super::probe;
use super::submit::{Call, Role, add_tile};
use super::tiles::Cut;
use crate::apps::{App, CheckError, Verdict, judge};
use crate::kernels::dense;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::GraphError;
use runtime::kernel::{Inputs, KernelSet, as_mut_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "triangular-solve",
    family: Family::Application,
    summary: "tiled solution of a lower triangular system of f64 with many right-hand sides; work \
              is counted in floating-point operations",
    source: "Golub and Van Loan, Matrix Computations, section 3.1",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 6] = [
    count("n", "order of the triangle", 1536, 1, 1_000_000),
    count("columns", "right-hand sides", 512, 1, 1_000_000),
    count("tile", "order of a tile, at most n", 256, 1, 16_384),
    distribution::DISTRIBUTION,
    distribution::GRID_ROWS,
    distribution::GRID_COLUMNS,
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [n, columns, tile] = ["n", "columns", "tile"].map(|name| parameters.int(name) as usize);
    if tile > n {
        return Err(conflict("tile", tile, format!("at most n = {n}")));
    }
    let (side, sides) = (Cut { length: n, tile }, Cut { length: columns, tile });
    let solve = Solve { side, sides, seed };
    let (t, s) = (side.count() as f64, sides.count() as f64);
    check_tasks(INFO.name, s * t * (t + 1.0) / 2.0)?;
    check_bytes(INFO.name, 8.0 * n as f64 * (n as f64 + columns as f64))?;
    let graph = solve.graph(&Distribution::new(parameters))?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(solve)) })
}

/// The matrices of one system.
struct Solve {
    /// Rows of all matrices, columns of L.
    side: Cut,
    /// Columns of B.
    sides: Cut,
    seed: u64,
}

impl Solve {
    /// Tiles of L by row, then those of B.
    fn triangle(&self, i: usize, j: usize) -> ObjectId {
        ObjectId::from_index(i * (i + 1) / 2 + j)
    }

    fn right(&self, i: usize, j: usize) -> ObjectId {
        let first = self.triangle(self.side.count(), 0).index();
        ObjectId::from_index(first + i * self.sides.count() + j)
    }

    fn triangle_tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        (0..self.side.count()).flat_map(|i| (0..=i).map(move |j| (i, j)))
    }

    fn right_tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let columns = self.sides.count();
        (0..self.side.count()).flat_map(move |i| (0..columns).map(move |j| (i, j)))
    }

    fn graph(&self, homes: &Distribution) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        let (rows, columns) = (self.side.count(), self.sides.count());
        for (i, j) in self.triangle_tiles() {
            let size = (self.side.size(i), self.side.size(j));
            let home = homes.home((i, j), (rows, rows));
            let object = add_tile(&mut graph, &format!("L[{i},{j}]"), size, home, Role::Input)?;
            debug_assert_eq!(object, self.triangle(i, j));
        }
        for (i, j) in self.right_tiles() {
            let size = (self.side.size(i), self.sides.size(j));
            let home = homes.home((i, j), (rows, columns));
            let object = add_tile(&mut graph, &format!("B[{i},{j}]"), size, home, Role::Updated)?;
            debug_assert_eq!(object, self.right(i, j));
        }
        for k in 0..rows {
            for j in 0..columns {
                self.submit_solve(&mut graph, k, j)?;
                (k + 1..rows).try_for_each(|i| self.submit_update(&mut graph, i, j, k))?;
            }
        }
        Ok(graph)
    }

    fn submit_solve(&self, graph: &mut TaskGraph, k: usize, j: usize) -> Result<(), GraphError> {
        let (order, columns) = (self.side.size(k), self.sides.size(j));
        let call = Call {
            kernel: "solve",
            at: &[k, j],
            shape: &[order, columns],
            flops: dense::solve_flops(order as f64, columns as f64),
            scratch_bytes: 0,
            accesses: &[(self.triangle(k, k), Mode::Read), (self.right(k, j), Mode::ReadWrite)],
        };
        call.submit(graph)
    }

    fn submit_update(
        &self,
        graph: &mut TaskGraph,
        i: usize,
        j: usize,
        k: usize,
    ) -> Result<(), GraphError> {
        let shape = [self.side.size(i), self.sides.size(j), self.side.size(k)];
        let [m, n, depth] = shape.map(|s| s as f64);
        let call = Call {
            kernel: "multiply_subtract",
            at: &[i, j, k],
            shape: &shape,
            flops: dense::gemm_flops(m, n, depth),
            scratch_bytes: 0,
            accesses: &[
                (self.triangle(i, k), Mode::Read),
                (self.right(k, j), Mode::Read),
                (self.right(i, j), Mode::ReadWrite),
            ],
        };
        call.submit(graph)
    }

    /// A tile: uniform in [-1/2, 1/2); on the diagonal of L n more, and zeros above it.
    fn fill_tile(&self, object: ObjectId, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "triangular matrices", object.0.into());
        tile.iter_mut().for_each(|element| *element = stream.unit() - 0.5);
        let diagonal = (0..self.side.count()).find(|k| self.triangle(*k, *k) == object);
        if let Some(order) = diagonal.map(|k| self.side.size(k)) {
            for j in 0..order {
                tile[j * order..j * order + j].fill(0.0);
                tile[j * order + j] += self.side.length as f64;
            }
        }
    }

    /// L, or absolute values of it, times each vector.
    fn apply_triangle(&self, absolute: bool, from: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut to = vec![vec![0.0; self.side.length]; from.len()];
        let lend = |i, j, tile: &mut Vec<f64>| {
            self.fill_tile(self.triangle(i, j), tile);
            if absolute {
                tile.iter_mut().for_each(|element| *element = element.abs());
            }
        };
        probe::apply((self.side, self.side), self.triangle_tiles(), lend, from, &mut to);
        to
    }
}

impl Inputs for Solve {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.fill_tile(object, tile);
    }
}

impl App for Solve {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_multiply_to(&mut kernels);
        dense::add_lu_to(&mut kernels);
        kernels
    }

    /// Residual `|B - L X|` over `(n + columns) eps |L| |X|` in the norm of largest row sums,
    /// estimated from below by what it does to vectors of signs.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let size = |(i, j)| (self.side.size(i), self.sides.size(j));
        let read = |at: (usize, usize)| probe::read_tile(results, self.right(at.0, at.1), size(at));
        let solution: Vec<&[f64]> = self.right_tiles().map(read).collect::<Result<_, _>>()?;
        let (cuts, columns) = ((self.side, self.sides), self.sides.count());
        let apply = |from: &[Vec<f64>], lend: &dyn Fn(usize, usize, &mut Vec<f64>)| {
            let mut to = vec![vec![0.0; self.side.length]; from.len()];
            probe::apply(cuts, self.right_tiles(), lend, from, &mut to);
            to
        };
        let solved = |i: usize, j: usize, tile: &mut Vec<f64>| {
            tile.copy_from_slice(solution[i * columns + j]);
        };
        let solved_absolute = |i: usize, j: usize, tile: &mut Vec<f64>| {
            solved(i, j, tile);
            tile.iter_mut().for_each(|element| *element = element.abs());
        };
        let given = |i, j, tile: &mut Vec<f64>| self.fill_tile(self.right(i, j), tile);
        let probes = probe::signs("triangular probe", self.seed, self.sides.length);
        let found = self.apply_triangle(false, &apply(&probes, &solved));
        let expected = apply(&probes, &given);
        let ones = vec![vec![1.0; self.sides.length]];
        let norm = self.apply_triangle(true, &apply(&ones, &solved_absolute));
        let norm = norm[0].iter().copied().fold(0.0, f64::max);
        let pairs = found.iter().zip(&expected).map(|(a, b)| (&a[..], &b[..]));
        let terms = (self.side.length + self.sides.length) as f64;
        let ratio = probe::largest_difference(pairs) / (norm * terms * f64::EPSILON);
        judge("residual over n + columns times the machine epsilon", ratio, 30.0)
    }
}
