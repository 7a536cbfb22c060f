//! Tiled LU factorisation with partial pivoting, right-looking, as ScaLAPACK does it (Choi et al.,
//! Scientific Programming 5(3), 1996): a panel is a column of tiles and one task.
//!
//! Step k factors column k from the diagonal down; every column to the right exchanges its rows,
//! solves for its tile of row k and is updated; columns to the left exchange rows too, so that what
//! is left behind is L and U of the permuted matrix.

use super::distribution::{self, Distribution};
use super::probe::{self, multiply};
use super::submit::{Call, Role, add_tile};
use super::tiles::Cut;
use crate::apps::{App, CheckError, Verdict, judge, result};
use crate::kernels::dense;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use crate::registry::{check_edges, conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "lu",
    family: Family::Application,
    summary: "tiled LU factorisation of a random matrix of f64 with partial pivoting; work is \
              counted in floating-point operations",
    source: "Choi, Dongarra, Ostrouchov, Petitet, Walker and Whaley 1996",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 5] = [
    count("n", "order of the matrix", 1536, 1, 1_000_000),
    count("tile", "order of a tile, at most n", 192, 1, 16_384),
    distribution::DISTRIBUTION,
    distribution::GRID_ROWS,
    distribution::GRID_COLUMNS,
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [n, tile] = ["n", "tile"].map(|name| parameters.int(name) as usize);
    if tile > n {
        return Err(conflict("tile", tile, format!("at most n = {n}")));
    }
    let lu = Lu { side: Cut { length: n, tile }, seed };
    let t = lu.side.count() as f64;
    check_tasks(INFO.name, t * (t + 1.0) * (2.0 * t + 1.0) / 6.0 + t * t)?;
    // Panels and exchanges access whole columns.
    check_edges(INFO.name, 2.0 * t * t * t)?;
    check_bytes(INFO.name, 8.0 * (n as f64) * (n as f64 + t))?;
    let graph = lu.graph(&Distribution::new(parameters))?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(lu)) })
}

/// The matrix of one factorisation.
#[derive(Clone, Copy)]
struct Lu {
    side: Cut,
    seed: u64,
}

impl Lu {
    /// Tiles are numbered by row.
    fn object(&self, i: usize, j: usize) -> ObjectId {
        ObjectId::from_index(i * self.side.count() + j)
    }

    /// The permutation of step `k`, of the rows from the diagonal down.
    fn pivots(&self, k: usize) -> ObjectId {
        ObjectId::from_index(self.side.count() * self.side.count() + k)
    }

    /// Rows from the top of tile row `k` down.
    fn rows_from(&self, k: usize) -> usize {
        self.side.length - self.side.range(k).start
    }

    fn tiles(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.side.count();
        (0..count).flat_map(move |i| (0..count).map(move |j| (i, j)))
    }

    fn tile_size(&self, (i, j): (usize, usize)) -> (usize, usize) {
        (self.side.size(i), self.side.size(j))
    }

    fn graph(&self, homes: &Distribution) -> Result<TaskGraph, GraphError> {
        let (mut graph, count) = (TaskGraph::new(INFO.name), self.side.count());
        for (i, j) in self.tiles() {
            let (size, home) = (self.tile_size((i, j)), homes.home((i, j), (count, count)));
            let object = add_tile(&mut graph, &format!("A[{i},{j}]"), size, home, Role::Updated)?;
            debug_assert_eq!(object, self.object(i, j));
        }
        for k in 0..count {
            let object = graph.add_object(ObjectSpec {
                name: &format!("p[{k}]"),
                bytes: (size_of::<u64>() * self.rows_from(k)) as u64,
                home: homes.home((k, k), (count, count)),
                keep: true,
                ..ObjectSpec::default()
            })?;
            debug_assert_eq!(object, self.pivots(k));
        }
        for k in 0..count {
            self.submit_step(&mut graph, k)?;
        }
        Ok(graph)
    }

    fn submit_step(&self, graph: &mut TaskGraph, k: usize) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite};
        let (count, rows, width) = (self.side.count(), self.rows_from(k), self.side.size(k));
        self.submit_panel(graph, k)?;
        let mut accesses = Vec::new();
        for j in (k + 1..count).chain(0..k) {
            let columns = self.side.size(j);
            accesses.clear();
            accesses.extend((k..count).map(|i| (self.object(i, j), ReadWrite)));
            let (kernel, shape, flops) = if j > k {
                accesses.push((self.object(k, k), Read));
                let flops = dense::lu_row_flops(rows as f64, columns as f64, width as f64);
                ("lu_row", [rows, columns, width], flops)
            } else {
                ("lu_swap", [rows, columns, 0], (rows * columns) as f64)
            };
            accesses.push((self.pivots(k), Read));
            let scratch_bytes = dense::lu_swap_scratch_bytes(rows);
            let at = &[k, j];
            Call { kernel, at, shape: &shape, flops, scratch_bytes, accesses: &accesses }
                .submit(graph)?;
            for i in if j > k { k + 1..count } else { 0..0 } {
                let shape = [self.side.size(i), columns, width];
                let [m, n, depth] = shape.map(|s| s as f64);
                let call = Call {
                    kernel: "multiply_subtract",
                    at: &[i, j, k],
                    shape: &shape,
                    flops: dense::gemm_flops(m, n, depth),
                    scratch_bytes: 0,
                    accesses: &[
                        (self.object(i, k), Read),
                        (self.object(k, j), Read),
                        (self.object(i, j), ReadWrite),
                    ],
                };
                call.submit(graph)?;
            }
        }
        Ok(())
    }

    fn submit_panel(&self, graph: &mut TaskGraph, k: usize) -> Result<(), GraphError> {
        let (rows, width) = (self.rows_from(k), self.side.size(k));
        let tiles = (k..self.side.count()).map(|i| (self.object(i, k), Mode::ReadWrite));
        let accesses: Vec<_> = tiles.chain([(self.pivots(k), Mode::Write)]).collect();
        let call = Call {
            kernel: "lu_panel",
            at: &[k],
            shape: &[rows, width],
            flops: dense::lu_panel_flops(rows as f64, width as f64),
            scratch_bytes: dense::lu_panel_scratch_bytes(rows, width),
            accesses: &accesses,
        };
        call.submit(graph)
    }

    /// A tile of the matrix: uniform in [-1/2, 1/2).
    fn fill_tile(&self, object: ObjectId, tile: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "lu matrix", object.0.into());
        tile.iter_mut().for_each(|element| *element = stream.unit() - 0.5);
    }

    /// The matrix times each vector, of absolute values if asked for.
    fn apply_matrix(&self, absolute: bool, from: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut to = vec![vec![0.0; self.side.length]; from.len()];
        let lend = |i, j, tile: &mut Vec<f64>| {
            self.fill_tile(self.object(i, j), tile);
            if absolute {
                tile.iter_mut().for_each(|element| *element = element.abs());
            }
        };
        probe::apply((self.side, self.side), self.tiles(), lend, from, &mut to);
        to
    }

    /// One triangle of the result times a vector: U, or L with its ones.
    fn apply_triangle(&self, factor: &[&[f64]], is_upper: bool, from: &[f64]) -> Vec<f64> {
        let mut to = if is_upper { vec![0.0; from.len()] } else { from.to_vec() };
        for (i, j) in self.tiles() {
            let (tile, rows) = (factor[self.object(i, j).index()], self.side.size(i));
            let (x, y) = (&from[self.side.range(j)], &mut to[self.side.range(i)]);
            if i == j {
                let keeps = |at: usize| (at % rows <= at / rows) == is_upper;
                let part = |(at, a): (usize, &f64)| if keeps(at) { *a } else { 0.0 };
                multiply(&tile.iter().enumerate().map(part).collect::<Vec<_>>(), x, y);
            } else if (i < j) == is_upper {
                multiply(tile, x, y);
            }
        }
        to
    }

    /// Exchanges rows of a vector as all steps did.
    fn permute(&self, pivots: &[&[u64]], vector: &mut [f64]) -> Option<()> {
        for (k, pivots) in pivots.iter().enumerate() {
            let part = &mut vector[self.side.range(k).start..];
            let before = part.to_vec();
            for (x, from) in part.iter_mut().zip(*pivots) {
                *x = *before.get(*from as usize)?;
            }
        }
        Some(())
    }
}

impl Inputs for Lu {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let tile = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.fill_tile(object, tile);
    }
}

impl App for Lu {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_multiply_to(&mut kernels);
        dense::add_lu_to(&mut kernels);
        kernels
    }

    /// Backward error `|P A - L U|` over `n eps |A|` in the norm of largest row sums, estimated
    /// from below by what the difference does to vectors of signs; LAPACK's own tests allow 30.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let read = |at: (usize, usize)| {
            probe::read_tile(results, self.object(at.0, at.1), self.tile_size(at))
        };
        let factor: Vec<&[f64]> = self.tiles().map(read).collect::<Result<_, _>>()?;
        let read = |k| {
            let object = self.pivots(k);
            let bytes = result(results, object, size_of::<u64>() * self.rows_from(k))?;
            as_slice(bytes).map_err(|source| CheckError::Unreadable { object, source })
        };
        let pivots: Vec<&[u64]> = (0..self.side.count()).map(read).collect::<Result<_, _>>()?;
        let n = self.side.length;
        let probes = probe::signs("lu probe", self.seed, n);
        let mut expected = self.apply_matrix(false, &probes);
        let what = "backward error over n times the machine epsilon";
        for vector in &mut expected {
            // A row that is not there is as wrong as can be.
            if self.permute(&pivots, vector).is_none() {
                return judge(what, f64::INFINITY, 30.0);
            }
        }
        let product = |x: &Vec<f64>| {
            self.apply_triangle(&factor, false, &self.apply_triangle(&factor, true, x))
        };
        let found: Vec<Vec<f64>> = probes.iter().map(product).collect();
        let norm = self.apply_matrix(true, &[vec![1.0; n]]);
        let norm = norm[0].iter().copied().fold(0.0, f64::max);
        let pairs = found.iter().zip(&expected).map(|(a, b)| (&a[..], &b[..]));
        judge(what, probe::largest_difference(pairs) / (norm * n as f64 * f64::EPSILON), 30.0)
    }
}
