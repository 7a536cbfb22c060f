//! Cholesky factorisation of a sparse matrix: dense kernels on the blocks that nested dissection
//! leaves, as supernodal solvers do (Ng and Peyton, SIAM Journal on Scientific Computing 14(5),
//! 1993). Leaves are many, small and independent; the blocks of the last separator are few, large
//! and one after the other.

use super::dissection::Dissection;
use super::matrix::{ROWS, Sparse, points};
use crate::apps::dense::{Call, Role, add_tile, probe};
use crate::apps::{App, CheckError, Verdict, judge};
use crate::kernels::dense;
use crate::registry::count;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_tasks};
use runtime::graph::GraphError;
use runtime::kernel::{Inputs, KernelSet, as_mut_slice};
use runtime::registry::{Kind, ParameterInfo, Parameters};
use runtime::{Mode, ObjectId, TaskGraph};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "sparse-cholesky",
    family: Family::Application,
    summary: "Cholesky factorisation of a sparse matrix of f64, ordered by nested dissection, on \
              blocks of unlike sizes; work is counted in floating-point operations",
    source: "George 1973; Ng and Peyton 1993",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 4] = [
    ParameterInfo {
        name: "matrix",
        summary: "Laplacian of a square or cubic grid, plus one on the diagonal",
        kind: Kind::Choice { default: "laplacian-3d", options: &["laplacian-2d", "laplacian-3d"] },
    },
    ParameterInfo { kind: Kind::Int { default: 8000, min: 1, max: 16_777_216 }, ..ROWS },
    count("leaf", "most unknowns of a part that is not dissected further", 128, 1, 16_384),
    count("tile", "most rows or columns of a block", 160, 1, 16_384),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [rows, leaf, tile] = ["rows", "leaf", "tile"].map(|name| parameters.int(name) as usize);
    let dimensions = if parameters.text("matrix") == "laplacian-3d" { 3 } else { 2 };
    let points = points(rows, dimensions);
    let matrix = Sparse::grid(points, dimensions);
    let order = Dissection::new(&matrix, points, dimensions, leaf, tile);
    let factor = Factor::new(matrix, order, seed);
    let below = || factor.order.below.iter().map(|rows| rows.len() as f64);
    check_tasks(INFO.name, below().map(|b| (b + 1.0) * (b + 2.0) / 2.0).sum())?;
    let numbers = factor.blocks().map(|(i, j)| (factor.length(i) * factor.length(j)) as f64);
    check_bytes(INFO.name, 8.0 * numbers.sum::<f64>())?;
    let graph = factor.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(factor)) })
}

/// The kernels, matrix and check of one factorisation. Blocks of the factor are objects, column by
/// column, from the diagonal down.
struct Factor {
    matrix: Sparse,
    order: Dissection,
    /// By block of columns, its first object; one more at the end.
    starts: Vec<usize>,
    seed: u64,
}

impl Factor {
    fn new(matrix: Sparse, order: Dissection, seed: u64) -> Self {
        let mut starts = vec![0];
        for below in &order.below {
            starts.push(starts[starts.len() - 1] + 1 + below.len());
        }
        Self { matrix, order, starts, seed }
    }

    /// Unknowns of a block.
    fn length(&self, block: usize) -> usize {
        self.order.blocks[block].len()
    }

    /// The block in row `i` of column `j`, which there must be.
    fn object(&self, i: usize, j: usize) -> ObjectId {
        let below = || self.order.below[j].binary_search(&(i as u32)).expect("it is in the factor");
        ObjectId::from_index(self.starts[j] + if i == j { 0 } else { 1 + below() })
    }

    /// All blocks, in the order of the objects.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize)> {
        let column = |(j, below): (usize, &'_ Vec<u32>)| {
            let below: Vec<usize> = below.iter().map(|i| *i as usize).collect();
            std::iter::once(j).chain(below).map(move |i| (i, j))
        };
        self.order.below.iter().enumerate().flat_map(column)
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        for (i, j) in self.blocks() {
            let size = (self.length(i), self.length(j));
            let object =
                add_tile(&mut graph, &format!("A[{i},{j}]"), size, j as u32, Role::Updated)?;
            debug_assert_eq!(object, self.object(i, j));
        }
        (0..self.order.blocks.len()).try_for_each(|k| self.submit_column(&mut graph, k))?;
        Ok(graph)
    }

    /// Factors column `k` and subtracts what it contributes to others.
    fn submit_column(&self, graph: &mut TaskGraph, k: usize) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite};
        let mut call = |kernel, at: &[usize], flops, accesses: &[(ObjectId, Mode)]| {
            let shape: Vec<usize> = at.iter().map(|block| self.length(*block)).collect();
            Call { kernel, at, shape: &shape, flops, scratch_bytes: 0, accesses }.submit(graph)
        };
        let (corner, width) = (self.object(k, k), self.length(k) as f64);
        call("potrf", &[k], dense::potrf_flops(width), &[(corner, ReadWrite)])?;
        let below: Vec<usize> = self.order.below[k].iter().map(|i| *i as usize).collect();
        for &i in &below {
            let flops = dense::trsm_flops(self.length(i) as f64, width);
            call("trsm", &[i, k], flops, &[(corner, Read), (self.object(i, k), ReadWrite)])?;
        }
        for (at, &j) in below.iter().enumerate() {
            let (right, columns) = (self.object(j, k), self.length(j) as f64);
            let accesses = [(right, Read), (self.object(j, j), ReadWrite)];
            call("syrk", &[j, k], dense::syrk_flops(columns, width), &accesses)?;
            for &i in &below[at + 1..] {
                let flops = dense::gemm_flops(self.length(i) as f64, columns, width);
                let left = (self.object(i, k), Read);
                let accesses = [left, (right, Read), (self.object(i, j), ReadWrite)];
                call("gemm", &[i, j, k], flops, &accesses)?;
            }
        }
        Ok(())
    }

    /// A block of the matrix; most of its numbers are zero.
    fn fill_block(&self, i: usize, j: usize, numbers: &mut [f64]) {
        let rows = self.length(i);
        numbers.fill(0.0);
        for (column, unknown) in self.order.blocks[j].iter().enumerate() {
            for (other, value) in self.matrix.row(*unknown as usize) {
                if self.order.block_of[other] as usize == i {
                    numbers[column * rows + self.order.place_of[other] as usize] = value;
                }
            }
        }
    }

    /// The numbers of a vector that belong to a block.
    fn gather(&self, block: usize, from: &[f64]) -> Vec<f64> {
        self.order.blocks[block].iter().map(|unknown| from[*unknown as usize]).collect()
    }

    fn scatter(&self, block: usize, numbers: &[f64], to: &mut [f64]) {
        for (unknown, number) in self.order.blocks[block].iter().zip(numbers) {
            to[*unknown as usize] += number;
        }
    }

    /// `L L^T` times a vector.
    fn apply_factor(&self, factor: &[Vec<f64>], from: &[f64]) -> Vec<f64> {
        let (mut between, mut to) = (vec![0.0; from.len()], vec![0.0; from.len()]);
        for ((i, j), block) in self.blocks().zip(factor) {
            let mut part = vec![0.0; self.length(j)];
            probe::multiply_transposed(block, &self.gather(i, from), &mut part);
            self.scatter(j, &part, &mut between);
        }
        for ((i, j), block) in self.blocks().zip(factor) {
            let mut part = vec![0.0; self.length(i)];
            probe::multiply(block, &self.gather(j, &between), &mut part);
            self.scatter(i, &part, &mut to);
        }
        to
    }

    /// The blocks of L: above the diagonal the buffers hold what was there before.
    fn read_factor(&self, results: &[(ObjectId, &[u8])]) -> Result<Vec<Vec<f64>>, CheckError> {
        let read = |(i, j)| {
            let size = (self.length(i), self.length(j));
            let mut block = probe::read_tile(results, self.object(i, j), size)?.to_vec();
            if i == j {
                (0..size.0).for_each(|c| block[c * size.0..c * size.0 + c].fill(0.0));
            }
            Ok(block)
        };
        self.blocks().map(read).collect()
    }
}

impl Inputs for Factor {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let j = self.starts.partition_point(|start| *start <= object.index()) - 1;
        let i = match object.index() - self.starts[j] {
            0 => j,
            at => self.order.below[j][at - 1] as usize,
        };
        let numbers = as_mut_slice(bytes).expect("buffers are aligned and of the object's size");
        self.fill_block(i, j, numbers);
    }
}

impl App for Factor {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        dense::add_to(&mut kernels);
        kernels
    }

    /// Backward error `|A - L L^T|` over `terms eps |A|` in the norm of largest row sums, estimated
    /// from below by what the difference does to vectors of signs; `terms` are the most unknowns
    /// that one of them meets in its column.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let factor = self.read_factor(results)?;
        let probes = probe::signs("sparse cholesky probe", self.seed, self.matrix.rows());
        let pair = |probe: &Vec<f64>| (self.matrix.apply(probe), self.apply_factor(&factor, probe));
        let pairs: Vec<_> = probes.iter().map(pair).collect();
        let difference = probe::largest_difference(pairs.iter().map(|(a, b)| (&a[..], &b[..])));
        let tall = |(j, below): (usize, &Vec<u32>)| {
            self.length(j) + below.iter().map(|i| self.length(*i as usize)).sum::<usize>()
        };
        let terms = self.order.below.iter().enumerate().map(tall).max().unwrap_or(1);
        // A row sums up to twice its other entries, and one.
        let norm = 2.0 * self.matrix.longest_row() as f64;
        let ratio = difference / (norm * terms as f64 * f64::EPSILON);
        judge("backward error over terms times the machine epsilon", ratio, 30.0)
    }
}
