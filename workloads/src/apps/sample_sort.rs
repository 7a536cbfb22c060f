//! Parallel sample sort: a few numbers of every block say where the buckets part, blocks are dealt
//! out to them, buckets are sorted.
//!
//! One barrier and one exchange of everything with everything, where merge sort has a tree. How
//! large the buckets come out depends on the numbers; the generator makes these, takes the sample
//! and counts, so that objects have the sizes that the run will fill.

use super::{App, CheckError, Verdict, judge, result};
use crate::kernels::{sample, sort};
use crate::random::Stream;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_edges};
use crate::registry::{conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_mut_slice, as_slice};
use runtime::registry::{ParameterInfo, Parameters};
use runtime::{Cost, Mode, ObjectId, TaskGraph, TaskSpec};
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "sample-sort",
    family: Family::Application,
    summary: "parallel sample sort of random 64-bit numbers: blocks are dealt out to buckets of \
              unlike sizes; work is counted in element operations",
    source: "Frazer and McKellar 1970",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 4] = [
    count("n", "numbers to sort", 2_000_000, 1, 500_000_000),
    count("block", "numbers of a block, at most n", 131_072, 1, 500_000_000),
    count("buckets", "buckets, each sorted by one task", 16, 1, 100_000),
    count("sample", "numbers of a block in the sample, at most those of a block", 32, 1, 1_000_000),
];

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let [n, block, buckets, sample] =
        ["n", "block", "buckets", "sample"].map(|name| parameters.int(name) as usize);
    if block > n {
        return Err(conflict("block", block, format!("at most n = {n}")));
    }
    if sample > block {
        return Err(conflict("sample", sample, format!("at most block = {block}")));
    }
    check_edges(INFO.name, 2.0 * n.div_ceil(block) as f64 * (buckets as f64 + 2.0))?;
    let sorted = SampleSort::new(n, block, buckets, sample, seed);
    let graph = sorted.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(sorted)) })
}

/// The kernels, numbers and check of one sort.
struct SampleSort {
    n: usize,
    block: usize,
    /// Numbers of a block in the sample; fewer of a last block that has fewer.
    sample: usize,
    seed: u64,
    /// By block and bucket, how many numbers of the one fall to the other.
    counts: Vec<Vec<usize>>,
}

impl SampleSort {
    fn new(n: usize, block: usize, buckets: usize, sample: usize, seed: u64) -> Self {
        let mut sort = Self { n, block, sample, seed, counts: Vec::new() };
        let mut numbers = Vec::new();
        let mut gathered = Vec::new();
        for i in 0..sort.blocks() {
            sort.fill_block(i, &mut numbers);
            let from = gathered.len();
            gathered.resize(from + sort.sampled(i), 0);
            sample::take(&numbers, &mut gathered[from..]);
        }
        let mut splitters = vec![0; buckets - 1];
        sample::split(&mut gathered, &mut splitters);
        let counted = |i| {
            let mut counts = vec![0; buckets];
            sort.fill_block(i, &mut numbers);
            numbers.iter().for_each(|x| counts[sample::bucket(&splitters, *x)] += 1);
            counts
        };
        sort.counts = (0..sort.blocks()).map(counted).collect();
        sort
    }

    fn blocks(&self) -> usize {
        self.n.div_ceil(self.block)
    }

    fn length(&self, block: usize) -> usize {
        self.block.min(self.n - block * self.block)
    }

    fn sampled(&self, block: usize) -> usize {
        self.sample.min(self.length(block))
    }

    fn buckets(&self) -> usize {
        self.counts[0].len()
    }

    fn bucket_length(&self, bucket: usize) -> usize {
        self.counts.iter().map(|counts| counts[bucket]).sum()
    }

    /// Blocks are the first objects, then come the buckets, then one sample per block.
    fn bucket(&self, bucket: usize) -> ObjectId {
        ObjectId::from_index(self.blocks() + bucket)
    }

    fn sample(&self, block: usize) -> ObjectId {
        ObjectId::from_index(self.blocks() + self.buckets() + block)
    }

    fn splitters(&self) -> ObjectId {
        self.sample(self.blocks())
    }

    /// What a block has for a bucket, after all else.
    fn piece(&self, block: usize, bucket: usize) -> ObjectId {
        let first = self.splitters().index() + 1;
        ObjectId::from_index(first + block * self.buckets() + bucket)
    }

    fn fill_block(&self, block: usize, numbers: &mut Vec<u64>) {
        numbers.resize(self.length(block), 0);
        self.fill_slice(block, numbers);
    }

    fn fill_slice(&self, block: usize, numbers: &mut [u64]) {
        let mut stream = Stream::nth(self.seed, "numbers to sort", block as u64);
        numbers.fill_with(|| stream.bits());
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        self.add_objects(&mut graph)?;
        self.submit_splitting(&mut graph)?;
        let [deal, gather] = ["deal", "sort_bucket"].map(|name| graph.kernel(name));
        let (blocks, buckets) = (self.blocks(), self.buckets());
        for i in 0..blocks {
            let reads = [ObjectId::from_index(i), self.splitters()].map(|o| (o, Mode::Read));
            let pieces = (0..buckets).map(|bucket| (self.piece(i, bucket), Mode::Write));
            graph.submit(TaskSpec {
                shape: [self.length(i) as u32, buckets as u32, 0, 0],
                cost: Cost::Work(sample::deal_work(self.length(i) as f64, buckets as f64)),
                accesses: &reads.into_iter().chain(pieces).collect::<Vec<_>>(),
                ..TaskSpec::new(deal)
            })?;
        }
        for bucket in 0..buckets {
            let length = self.bucket_length(bucket);
            let pieces = (0..blocks).map(|i| (self.piece(i, bucket), Mode::Read));
            graph.submit(TaskSpec {
                shape: [length as u32, blocks as u32, 0, 0],
                cost: Cost::Work(sort::sort_work(length as f64)),
                accesses: &pieces.chain([(self.bucket(bucket), Mode::Write)]).collect::<Vec<_>>(),
                ..TaskSpec::new(gather)
            })?;
        }
        Ok(graph)
    }

    fn add_objects(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        let fresh = ObjectSpec::default();
        for i in 0..self.blocks() {
            let (name, bytes) = (&format!("block {i}"), 8 * self.length(i) as u64);
            graph.add_object(ObjectSpec { name, bytes, home: i as u32, initial: true, ..fresh })?;
        }
        for bucket in 0..self.buckets() {
            let (name, home) = (&format!("bucket {bucket}"), bucket as u32);
            let bytes = 8 * self.bucket_length(bucket) as u64;
            graph.add_object(ObjectSpec { name, bytes, home, keep: true, ..fresh })?;
        }
        for i in 0..self.blocks() {
            let (bytes, home) = (8 * self.sampled(i) as u64, i as u32);
            graph.add_object(ObjectSpec { bytes, home, ..fresh })?;
        }
        let bytes = 8 * (self.buckets() - 1) as u64;
        graph.add_object(ObjectSpec { name: "splitters", bytes, ..fresh })?;
        for (i, counts) in self.counts.iter().enumerate() {
            for count in counts {
                let (bytes, home) = (8 * *count as u64, i as u32);
                graph.add_object(ObjectSpec { bytes, home, ..fresh })?;
            }
        }
        Ok(())
    }

    /// Samples of all blocks, and where the buckets part.
    fn submit_splitting(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        let [take, split] = ["sample", "split"].map(|name| graph.kernel(name));
        let mut gathered = 0;
        for i in 0..self.blocks() {
            gathered += self.sampled(i);
            graph.submit(TaskSpec {
                shape: [self.length(i) as u32, self.sampled(i) as u32, 0, 0],
                cost: Cost::Work(self.sampled(i) as f64),
                accesses: &[(ObjectId::from_index(i), Mode::Read), (self.sample(i), Mode::Write)],
                ..TaskSpec::new(take)
            })?;
        }
        let samples = (0..self.blocks()).map(|i| (self.sample(i), Mode::Read));
        graph.submit(TaskSpec {
            shape: [gathered as u32, self.buckets() as u32, 0, 0],
            cost: Cost::Work(sort::sort_work(gathered as f64)),
            scratch_bytes: 8 * gathered as u64,
            accesses: &samples.chain([(self.splitters(), Mode::Write)]).collect::<Vec<_>>(),
            ..TaskSpec::new(split)
        })?;
        Ok(())
    }
}

impl Inputs for SampleSort {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let numbers = as_mut_slice(bytes).expect("buffers are aligned and have the object's size");
        self.fill_slice(object.index(), numbers);
    }
}

impl App for SampleSort {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        sample::add_to(&mut kernels);
        kernels
    }

    /// Compares with a sort of the same numbers by the standard library.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let mut expected = vec![0; self.n];
        for (i, block) in expected.chunks_mut(self.block).enumerate() {
            self.fill_slice(i, block);
        }
        expected.sort_unstable();
        let (mut misplaced, mut from) = (0, 0);
        for bucket in 0..self.buckets() {
            let (object, length) = (self.bucket(bucket), self.bucket_length(bucket));
            let bytes = result(results, object, 8 * length)?;
            let sorted = as_slice::<u64>(bytes)
                .map_err(|source| CheckError::Unreadable { object, source })?;
            let expected = &expected[from..from + length];
            misplaced += sorted.iter().zip(expected).filter(|(a, b)| a != b).count();
            from += length;
        }
        judge("numbers out of place", misplaced as f64, 0.0)
    }
}
