//! Conjugate gradients (Hestenes and Stiefel, 1952) on blocks of rows.
//!
//! Every iteration multiplies the matrix with the direction, block by block, and meets twice in a
//! sum over all blocks: many short tasks between barriers, bound by memory rather than arithmetic.

use super::blocks::Blocks;
use super::matrix::{DEGREE, MATRIX, ROWS, Sparse};
use crate::apps::{App, CheckError, Verdict, judge, result};
use crate::kernels::sparse;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_edges, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "conjugate-gradients",
    family: Family::Application,
    summary: "conjugate gradients on a sparse matrix of f64 in blocks of rows; work is counted in \
              floating-point operations",
    source: "Hestenes and Stiefel 1952",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 5] = [
    MATRIX,
    ROWS,
    DEGREE,
    count("block", "rows of a block, at most those of the matrix", 4096, 1, 16_777_216),
    count("iterations", "iterations, from zero", 10, 1, 100_000),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [block, iterations] = ["block", "iterations"].map(|name| parameters.int(name) as usize);
    let matrix = Sparse::new(INFO.name, parameters, seed)?;
    if block > matrix.rows() {
        return Err(conflict("block", block, format!("at most rows = {}", matrix.rows())));
    }
    let blocks = Blocks::new(matrix, block);
    check_tasks(INFO.name, (4.0 * blocks.count() as f64 + 2.0) * iterations as f64)?;
    check_edges(
        INFO.name,
        (blocks.edges() as f64 + 9.0 * blocks.count() as f64) * iterations as f64,
    )?;
    let gradients = Gradients { blocks, iterations, seed };
    let graph = gradients.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(gradients)) })
}

/// What there is one of per block, in the order of the objects, after the matrix.
#[derive(Clone, Copy)]
enum Vector {
    /// The solution so far, from 0.
    Solution = 1,
    /// What it leaves of the right-hand side.
    Residual,
    Direction,
    /// The matrix times the direction.
    Image,
    /// Sums of products, one number each.
    Partial,
}

/// The kernels, matrix and check of some iterations.
struct Gradients {
    blocks: Blocks,
    iterations: usize,
    seed: u64,
}

impl Gradients {
    fn object(&self, vector: Vector, block: usize) -> ObjectId {
        ObjectId::from_index(vector as usize * self.blocks.count() + block)
    }

    /// The squared length of the residual, and the last beta.
    fn state(&self) -> ObjectId {
        ObjectId::from_index(6 * self.blocks.count())
    }

    /// How long a step is.
    fn alpha(&self) -> ObjectId {
        ObjectId::from_index(6 * self.blocks.count() + 1)
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        self.add_objects(&mut graph)?;
        for i in 0..self.blocks.count() {
            self.submit_dot(&mut graph, i, Vector::Residual, Vector::Residual)?;
        }
        self.submit_sum(&mut graph, "cg_beta")?;
        for iteration in 0..self.iterations {
            self.submit_iteration(&mut graph, iteration + 1 == self.iterations)?;
        }
        Ok(graph)
    }

    fn add_objects(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        use Vector::{Direction, Image, Partial, Residual, Solution};
        self.blocks.add_to(graph)?;
        let groups = [(Solution, "x"), (Residual, "r"), (Direction, "p"), (Image, "q")];
        for (vector, letter) in groups.into_iter().chain([(Partial, "s")]) {
            for i in 0..self.blocks.count() {
                let bytes = match vector {
                    Partial => 8,
                    _ => 8 * self.blocks.cut.size(i) as u64,
                };
                let object = graph.add_object(ObjectSpec {
                    name: &format!("{letter}[{i}]"),
                    bytes,
                    home: i as u32,
                    initial: matches!(vector, Solution | Residual | Direction),
                    keep: matches!(vector, Solution),
                    held: false,
                })?;
                debug_assert_eq!(object, self.object(vector, i));
            }
        }
        let scalars = ObjectSpec { home: 0, ..ObjectSpec::default() };
        graph.add_object(ObjectSpec { name: "rho, beta", bytes: 16, initial: true, ..scalars })?;
        graph.add_object(ObjectSpec { name: "alpha", bytes: 8, ..scalars })?;
        Ok(())
    }

    fn submit(
        &self,
        graph: &mut TaskGraph,
        kernel: &str,
        shape: &[usize],
        flops: f64,
        accesses: &[(ObjectId, Mode)],
    ) -> Result<(), GraphError> {
        let mut sizes = [0; 4];
        shape.iter().zip(&mut sizes).for_each(|(n, s)| *s = *n as u32);
        let kernel = graph.kernel(kernel);
        let cost = Cost::Work(flops);
        graph.submit(TaskSpec { shape: sizes, cost, accesses, ..TaskSpec::new(kernel) })?;
        Ok(())
    }

    fn submit_iteration(&self, graph: &mut TaskGraph, is_last: bool) -> Result<(), GraphError> {
        use Mode::{Read, ReadWrite, Write};
        use Vector::{Direction, Image, Partial, Residual, Solution};
        let count = self.blocks.count();
        for i in 0..count {
            let direction = |block| self.object(Direction, block);
            let accesses = self.blocks.accesses(i, direction, self.object(Image, i));
            let (rows, entries) = (self.blocks.cut.size(i), self.blocks.entries(i));
            let flops = sparse::spmm_flops(entries as f64, 1.0);
            self.submit(graph, "spmm", &[rows, entries, 1], flops, &accesses)?;
        }
        (0..count).try_for_each(|i| self.submit_dot(graph, i, Direction, Image))?;
        self.submit_sum(graph, "cg_alpha")?;
        for i in 0..count {
            let rows = self.blocks.cut.size(i);
            let [x, r, p, q, s] = [Solution, Residual, Direction, Image, Partial]
                .map(|vector| self.object(vector, i));
            let reads = [(self.alpha(), Read), (p, Read), (q, Read)];
            let accesses = [&reads[..], &[(x, ReadWrite), (r, ReadWrite), (s, Write)]].concat();
            self.submit(graph, "cg_step", &[rows], 6.0 * rows as f64, &accesses)?;
        }
        if is_last {
            // Nothing asks for another direction.
            return Ok(());
        }
        self.submit_sum(graph, "cg_beta")?;
        for i in 0..count {
            let rows = self.blocks.cut.size(i);
            let [r, p] = [Residual, Direction].map(|vector| self.object(vector, i));
            let accesses = [(self.state(), Read), (r, Read), (p, ReadWrite)];
            self.submit(graph, "cg_direction", &[rows], 2.0 * rows as f64, &accesses)?;
        }
        Ok(())
    }

    fn submit_dot(
        &self,
        graph: &mut TaskGraph,
        i: usize,
        a: Vector,
        b: Vector,
    ) -> Result<(), GraphError> {
        let rows = self.blocks.cut.size(i);
        let reads = [(self.object(a, i), Mode::Read), (self.object(b, i), Mode::Read)];
        let distinct = if reads[0] == reads[1] { 1 } else { 2 };
        let kernel = if distinct == 1 { "square" } else { "dot" };
        let partial = (self.object(Vector::Partial, i), Mode::Write);
        let accesses = [&reads[..distinct], &[partial]].concat();
        self.submit(graph, kernel, &[rows], 2.0 * rows as f64, &accesses)
    }

    /// Adds the partial sums up.
    fn submit_sum(&self, graph: &mut TaskGraph, kernel: &str) -> Result<(), GraphError> {
        let count = self.blocks.count();
        let partials = (0..count).map(|i| (self.object(Vector::Partial, i), Mode::Read));
        let accesses: Vec<_> = match kernel {
            "cg_beta" => partials.chain([(self.state(), Mode::ReadWrite)]).collect(),
            _ => {
                let rho = std::iter::once((self.state(), Mode::Read));
                rho.chain(partials).chain([(self.alpha(), Mode::Write)]).collect()
            }
        };
        self.submit(graph, kernel, &[count], count as f64, &accesses)
    }

    /// A block of the right-hand side: uniform in [-1/2, 1/2).
    fn fill_right(&self, block: usize, numbers: &mut [f64]) {
        let mut stream = Stream::nth(self.seed, "right-hand side", block as u64);
        numbers.fill_with(|| stream.unit() - 0.5);
    }

    /// The same iterations on whole vectors.
    fn expected(&self) -> Vec<f64> {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cut = self.blocks.cut;
        let mut r = vec![0.0; cut.length];
        (0..cut.count()).for_each(|i| self.fill_right(i, &mut r[cut.range(i)]));
        let (mut x, mut p, mut rho) = (vec![0.0; cut.length], r.clone(), dot(&r, &r));
        for _ in 0..self.iterations {
            let q = self.blocks.matrix.apply(&p);
            let alpha = if rho == 0.0 { 0.0 } else { rho / dot(&p, &q) };
            x.iter_mut().zip(&p).for_each(|(x, p)| *x += alpha * p);
            r.iter_mut().zip(&q).for_each(|(r, q)| *r -= alpha * q);
            let before = std::mem::replace(&mut rho, dot(&r, &r));
            let beta = if before == 0.0 { 0.0 } else { rho / before };
            p.iter_mut().zip(&r).for_each(|(p, r)| *p = r + beta * *p);
        }
        x
    }
}

impl Inputs for Gradients {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let (group, i) =
            (object.index() / self.blocks.count(), object.index() % self.blocks.count());
        if group == 0 {
            return self.blocks.fill(i, bytes);
        }
        let numbers = as_mut_slice(bytes).expect("buffers are aligned and of the object's size");
        match group == Vector::Residual as usize || group == Vector::Direction as usize {
            true => self.fill_right(i, numbers),
            false => numbers.fill(0.0),
        }
    }
}

impl App for Gradients {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        sparse::add_to(&mut kernels);
        kernels
    }

    /// Compares with the same iterations on whole vectors, whose sums are rounded otherwise.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let expected = self.expected();
        let largest = expected.iter().map(|x| x.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let mut worst = 0.0;
        for i in 0..self.blocks.count() {
            let object = self.object(Vector::Solution, i);
            let bytes = result(results, object, 8 * self.blocks.cut.size(i))?;
            let numbers = as_slice::<f64>(bytes)
                .map_err(|source| CheckError::Unreadable { object, source })?;
            let range = self.blocks.cut.range(i);
            let differences = numbers.iter().zip(&expected[range]).map(|(a, b)| (a - b).abs());
            // In the total order something that is not a number is the largest.
            worst = differences.chain([worst]).max_by(f64::total_cmp).unwrap_or(0.0);
        }
        judge("largest difference over the largest number", worst / largest, 1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference solves the system, so that who agrees with it does.
    #[test]
    fn iterations_converge_to_the_solution() {
        for (name, rows) in [("laplacian-2d", 900), ("laplacian-3d", 1000), ("rmat", 512)] {
            let mut left = Vec::new();
            for iterations in [5, 20, 80] {
                let given = [
                    (MATRIX.name.to_owned(), runtime::registry::Value::Text(name.to_owned())),
                    (ROWS.name.to_owned(), runtime::registry::Value::Int(rows)),
                ];
                let parameters = Parameters::resolve(INFO.name, &PARAMETERS, &given).unwrap();
                let matrix = Sparse::new(INFO.name, &parameters, 1).unwrap();
                let gradients = Gradients { blocks: Blocks::new(matrix, 100), iterations, seed: 1 };
                let found = gradients.blocks.matrix.apply(&gradients.expected());
                let cut = gradients.blocks.cut;
                let mut right = vec![0.0; cut.length];
                (0..cut.count()).for_each(|i| gradients.fill_right(i, &mut right[cut.range(i)]));
                let difference = found.iter().zip(&right).map(|(a, b)| (a - b).abs());
                left.push(difference.fold(0.0, f64::max));
            }
            assert!(left.is_sorted_by(|a, b| b < a), "{name}: {left:?}");
            assert!(left[2] < 1e-8, "{name}: {left:?}");
        }
    }
}
