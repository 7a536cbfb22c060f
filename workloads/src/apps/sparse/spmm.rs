//! A sparse matrix times a dense one of a few columns: graph features, several right-hand sides;
//! with one column the product of a matrix and a vector.

use super::blocks::Blocks;
use super::matrix::{DEGREE, MATRIX, ROWS, Sparse};
use crate::apps::dense::{Cut, probe};
use crate::apps::{App, CheckError, Verdict, judge, result};
use crate::kernels::sparse;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_edges};
use crate::registry::{check_tasks, conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Cost, ObjectId, TaskGraph, TaskSpec};
use std::borrow::Cow;
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "spmm",
    family: Family::Application,
    summary: "product of a sparse matrix in blocks of rows and a dense one in panels of columns; \
              work is counted in floating-point operations",
    source: "Saad, Iterative Methods for Sparse Linear Systems, section 3.4",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 6] = [
    MATRIX,
    ROWS,
    DEGREE,
    count("block", "rows of a block, at most those of the matrix", 2048, 1, 16_777_216),
    count("columns", "columns of the dense matrix; 1 for a vector", 64, 1, 65_536),
    count("panel", "columns of a panel, at most those of the matrix", 16, 1, 65_536),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [block, columns, panel] =
        ["block", "columns", "panel"].map(|name| parameters.int(name) as usize);
    let matrix = Sparse::new(INFO.name, parameters, seed)?;
    if block > matrix.rows() {
        return Err(conflict("block", block, format!("at most rows = {}", matrix.rows())));
    }
    if panel > columns {
        return Err(conflict("panel", panel, format!("at most columns = {columns}")));
    }
    let blocks = Blocks::new(matrix, block);
    let product = Product { blocks, panels: Cut { length: columns, tile: panel }, seed };
    let panels = product.panels.count() as f64;
    check_tasks(INFO.name, product.blocks.count() as f64 * panels)?;
    check_edges(INFO.name, product.blocks.edges() as f64 * panels)?;
    check_bytes(INFO.name, 16.0 * product.blocks.cut.length as f64 * columns as f64)?;
    let graph = product.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(product)) })
}

/// The kernels, matrices and check of one product.
struct Product {
    blocks: Blocks,
    /// How columns are cut.
    panels: Cut,
    seed: u64,
}

impl Product {
    /// Panel by panel the blocks of X, after the matrix; then those of the product.
    fn dense(&self, is_result: bool, block: usize, panel: usize) -> ObjectId {
        let matrices = usize::from(is_result) * self.panels.count() + panel;
        ObjectId::from_index((1 + matrices) * self.blocks.count() + block)
    }

    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let blocks = self.blocks.count();
        (0..self.panels.count()).flat_map(move |panel| (0..blocks).map(move |i| (i, panel)))
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        self.blocks.add_to(&mut graph)?;
        for (is_result, letter) in [(false, "X"), (true, "Y")] {
            for (i, panel) in self.places() {
                let object = graph.add_object(ObjectSpec {
                    name: &format!("{letter}[{i},{panel}]"),
                    bytes: 8 * (self.blocks.cut.size(i) * self.panels.size(panel)) as u64,
                    home: i as u32,
                    initial: !is_result,
                    keep: is_result,
                    held: false,
                })?;
                debug_assert_eq!(object, self.dense(is_result, i, panel));
            }
        }
        let kernel = graph.kernel("spmm");
        for (i, panel) in self.places() {
            let (rows, entries) = (self.blocks.cut.size(i), self.blocks.entries(i));
            let width = self.panels.size(panel);
            let x = |block| self.dense(false, block, panel);
            graph.submit(TaskSpec {
                name: &format!("spmm({i},{panel})"),
                shape: [rows as u32, entries as u32, width as u32, 0],
                cost: Cost::Work(sparse::spmm_flops(entries as f64, width as f64)),
                accesses: &self.blocks.accesses(i, x, self.dense(true, i, panel)),
                ..TaskSpec::new(kernel)
            })?;
        }
        Ok(graph)
    }

    /// A block of X: uniform in [-1/2, 1/2).
    fn fill_dense(&self, i: usize, panel: usize, numbers: &mut [f64]) {
        let index = self.dense(false, i, panel).0.into();
        let mut stream = Stream::nth(self.seed, "dense matrix", index);
        numbers.fill_with(|| stream.unit() - 0.5);
    }

    /// Adds a dense matrix, lent block by block, times a vector.
    fn apply<'a>(
        &self,
        mut lend: impl FnMut(usize, usize) -> Cow<'a, [f64]>,
        from: &[f64],
        to: &mut [f64],
    ) {
        for (i, panel) in self.places() {
            let (block, width) = (lend(i, panel), self.panels.size(panel));
            let from = &from[self.panels.range(panel)];
            for (y, row) in to[self.blocks.cut.range(i)].iter_mut().zip(block.chunks_exact(width)) {
                *y += row.iter().zip(from).map(|(a, b)| a * b).sum::<f64>();
            }
        }
    }
}

impl Inputs for Product {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let (group, i) =
            (object.index() / self.blocks.count(), object.index() % self.blocks.count());
        match group {
            0 => self.blocks.fill(i, bytes),
            _ => {
                let numbers = as_mut_slice(bytes).expect("buffers are aligned and of that size");
                self.fill_dense(i, group - 1, numbers);
            }
        }
    }
}

impl App for Product {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        sparse::add_to(&mut kernels);
        kernels
    }

    /// Forward error `|Y - A X|` over `(terms + columns) eps |A| |X|` in the norm of largest row
    /// sums, estimated from below by what the difference does to vectors of signs; `terms` are
    /// those of the longest row.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let read = |(i, panel)| {
            let (object, rows) = (self.dense(true, i, panel), self.blocks.cut.size(i));
            let bytes = result(results, object, 8 * rows * self.panels.size(panel))?;
            as_slice::<f64>(bytes).map_err(|source| CheckError::Unreadable { object, source })
        };
        let found: Vec<&[f64]> = self.places().map(read).collect::<Result<_, _>>()?;
        let given = |i: usize, panel: usize| {
            let mut block = vec![0.0; self.blocks.cut.size(i) * self.panels.size(panel)];
            self.fill_dense(i, panel, &mut block);
            block
        };
        let rows = self.blocks.cut.length;
        let mut pairs = Vec::new();
        for probe in probe::signs("sparse probe", self.seed, self.panels.length) {
            let (mut image, mut product) = (vec![0.0; rows], vec![0.0; rows]);
            self.apply(|i, panel| given(i, panel).into(), &probe, &mut image);
            let lend = |i, panel| Cow::Borrowed(found[panel * self.blocks.count() + i]);
            self.apply(lend, &probe, &mut product);
            pairs.push((self.blocks.matrix.apply(&image), product));
        }
        let longest = self.blocks.matrix.longest_row();
        // A row has its length less one on the diagonal, plus one, and ones elsewhere; rows of X
        // have a mean of a quarter in each column.
        let norm = 2.0 * longest as f64 * self.panels.length as f64 / 4.0;
        let terms = (longest + self.panels.length) as f64;
        let difference = probe::largest_difference(pairs.iter().map(|(a, b)| (&a[..], &b[..])));
        let ratio = difference / (norm * terms * f64::EPSILON);
        judge("forward error over terms and columns times the machine epsilon", ratio, 30.0)
    }
}
