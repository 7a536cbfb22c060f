//! Parallel merge sort: blocks are sorted where they are, then merged two by two.
//!
//! Sorted runs become fresh objects; the last one is the result.

use super::{App, CheckError, Verdict, judge, result};
use crate::kernels::sort;
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_tasks};
use crate::registry::{conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "merge-sort",
    family: Family::Application,
    summary: "parallel merge sort of random 64-bit numbers; work is counted in element \
              operations: n log2 n to sort a block, one per element to merge",
    source: "von Neumann 1945, as told by Knuth, The Art of Computer Programming 3",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 2] = [
    count("n", "numbers to sort", 2_000_000, 1, 4_000_000_000),
    count("block", "numbers that one task sorts, at most n", 65_536, 1, 4_000_000_000),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let (n, block) = (parameters.int("n") as usize, parameters.int("block") as usize);
    if block > n {
        return Err(conflict("block", block, format!("at most n = {n}")));
    }
    check_tasks(INFO.name, 2.0 * n.div_ceil(block) as f64 - 1.0)?;
    let (graph, sorted) = graph(n, block)?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(MergeSort { n, block, seed, sorted })) })
}

/// A sorted run.
#[derive(Clone, Copy)]
struct Run {
    object: ObjectId,
    length: usize,
    home: u32,
}

/// The graph and its result. Block `i` is object `i`, at home `i`.
fn graph(n: usize, block: usize) -> Result<(TaskGraph, ObjectId), GraphError> {
    let mut graph = TaskGraph::new(INFO.name);
    let mut runs = Vec::new();
    for i in 0..n.div_ceil(block) {
        let (length, home) = (block.min(n - i * block), i as u32);
        let object = graph.add_object(ObjectSpec {
            name: &format!("block {i}"),
            bytes: 8 * length as u64,
            home,
            initial: true,
            ..Default::default()
        })?;
        runs.push(Run { object, length, home });
    }
    let (sort, merge) = (graph.kernel("sort"), graph.kernel("merge"));
    for run in &runs {
        graph.submit(TaskSpec {
            shape: [run.length as u32, 0, 0, 0],
            cost: Cost::Work(sort::sort_work(run.length as f64)),
            accesses: &[(run.object, Mode::ReadWrite)],
            ..TaskSpec::new(sort)
        })?;
    }
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        for pair in runs.chunks(2) {
            let &[a, b] = pair else {
                merged.push(pair[0]);
                continue;
            };
            let length = a.length + b.length;
            let bytes = 8 * length as u64;
            let object =
                graph.add_object(ObjectSpec { bytes, home: a.home, ..Default::default() })?;
            graph.submit(TaskSpec {
                shape: [a.length as u32, b.length as u32, 0, 0],
                cost: Cost::Work(sort::merge_work(length as f64)),
                accesses: &[(a.object, Mode::Read), (b.object, Mode::Read), (object, Mode::Write)],
                ..TaskSpec::new(merge)
            })?;
            merged.push(Run { object, length, home: a.home });
        }
        runs = merged;
    }
    graph.keep(runs[0].object);
    Ok((graph, runs[0].object))
}

/// The kernels, numbers and check of one sort.
struct MergeSort {
    n: usize,
    block: usize,
    seed: u64,
    sorted: ObjectId,
}

impl MergeSort {
    fn fill_block(&self, block: usize, numbers: &mut [u64]) {
        let mut stream = Stream::nth(self.seed, "numbers to sort", block as u64);
        numbers.fill_with(|| stream.bits());
    }
}

impl Inputs for MergeSort {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let numbers = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.fill_block(object.index(), numbers);
    }
}

impl App for MergeSort {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        sort::add_to(&mut kernels);
        kernels
    }

    /// Compares with a sort of the same numbers by the standard library.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let object = self.sorted;
        let bytes = result(results, object, 8 * self.n)?;
        let sorted =
            as_slice::<u64>(bytes).map_err(|source| CheckError::Unreadable { object, source })?;
        let mut expected = vec![0; self.n];
        for (i, block) in expected.chunks_mut(self.block).enumerate() {
            self.fill_block(i, block);
        }
        expected.sort_unstable();
        let misplaced = sorted.iter().zip(&expected).filter(|(a, b)| a != b).count();
        judge("numbers out of place", misplaced as f64, 0.0)
    }
}
