//! Word count by map and reduce over a synthetic text.
//!
//! Each mapper reads a chunk of text and writes one list of counts per reducer; each reducer adds
//! up its lists. Combiners add up the lists of a few mappers beside each other first, so that less
//! has to travel. Lists have room for all words of the vocabulary that fall to their reducer.

use super::text::Text;
use super::{App, CheckError, Verdict, judge, result};
use crate::kernels::words;
use crate::registry::{Family, Workload, WorkloadError, WorkloadInfo, check_bytes, check_edges};
use crate::registry::{conflict, count};
use runtime::graph::{GraphError, ObjectSpec};
use runtime::kernel::{Inputs, KernelSet, as_slice};
use runtime::registry::{Dimension, Kind, ParameterInfo, Parameters};
use runtime::{Cost, KernelId, Mode, ObjectId, TaskGraph, TaskSpec};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The registry's entry.
pub const INFO: WorkloadInfo = WorkloadInfo {
    name: "word-count",
    family: Family::Application,
    summary: "map-reduce word count of a synthetic text with Zipf's frequencies; work is counted \
              in element operations: bytes scanned, and n log2 n for words and counts sorted",
    source: "Dean and Ghemawat 2004",
    parameters: &PARAMETERS,
    build,
};

const PARAMETERS: [ParameterInfo; 6] = [
    count("chunks", "chunks of text, one mapper each", 16, 1, 100_000),
    ParameterInfo {
        name: "chunk",
        summary: "size of a chunk, at most 1 GiB",
        kind: Kind::Quantity { default: "1 MiB", dimension: Dimension::Size },
    },
    count("reducers", "reducers, each for a share of the words", 4, 1, 1000),
    count(
        "combine",
        "mappers whose lists a combiner adds up first; 1 = no combiners",
        1,
        1,
        100_000,
    ),
    count("vocabulary", "different words", 10_000, 1, 1_000_000),
    ParameterInfo {
        name: "exponent",
        summary: "the r-th word has a frequency of r^-exponent; 0 = all alike",
        kind: Kind::Float { default: 1.0, min: 0.0, max: 4.0 },
    },
];

/// Largest chunk: sizes are 32-bit numbers in a task's shape.
const MAX_CHUNK_BYTES: u64 = 1 << 30;

fn build(parameters: &Parameters, seed: u64) -> Result<Workload, WorkloadError> {
    let chunk_bytes = parameters.quantity("chunk", Dimension::Size).unwrap_or(u64::MAX);
    if !(1..=MAX_CHUNK_BYTES).contains(&chunk_bytes) {
        return Err(conflict("chunk", parameters.text("chunk"), "a size from 1 B to 1 GiB"));
    }
    let [chunks, reducers, vocabulary, combine] =
        ["chunks", "reducers", "vocabulary", "combine"].map(|name| parameters.int(name) as usize);
    check_edges(INFO.name, 2.0 * chunks as f64 * reducers as f64)?;
    // Every word has room in one list of every chunk, and in one of every combiner.
    check_bytes(INFO.name, chunks as f64 * (48.0 * vocabulary as f64 + chunk_bytes as f64))?;
    let text = Text::new(vocabulary, parameters.float("exponent"), seed);
    let count = WordCount::new(text, (chunks, combine), chunk_bytes as usize, reducers);
    let graph = count.graph()?;
    Ok(Workload { graph, program: None, app: Some(Arc::new(count)) })
}

/// The kernels, text and check of one count.
struct WordCount {
    text: Text,
    chunks: usize,
    /// Mappers of a combiner; 1 = there are none.
    combine: usize,
    chunk_bytes: usize,
    /// Most entries in a list of each reducer.
    room: Vec<usize>,
    /// Words to expect in a chunk.
    expected_words: f64,
}

impl WordCount {
    fn new(
        text: Text,
        (chunks, combine): (usize, usize),
        chunk_bytes: usize,
        reducers: usize,
    ) -> Self {
        let lengths = text.words().iter().map(|word| word.len() as f64 + 1.0);
        let mean_bytes: f64 = lengths.zip(text.shares()).map(|(l, s)| l * s).sum();
        let expected_words = chunk_bytes as f64 / mean_bytes;
        let mut room = vec![0; reducers];
        for word in text.words() {
            room[Self::reducer(word, reducers)] += 1;
        }
        Self { text, chunks, combine, chunk_bytes, room, expected_words }
    }

    fn reducer(word: &[u8], reducers: usize) -> usize {
        words::partition(words::key(word).expect("invented words are short"), reducers)
    }

    /// Entries to expect in a list of each reducer that counts so many chunks.
    fn expected_entries(&self, chunks: usize) -> Vec<f64> {
        let mut expected = vec![0.0; self.room.len()];
        let drawn = self.expected_words * chunks as f64;
        for (word, share) in self.text.words().iter().zip(self.text.shares()) {
            // The chance that at least one of the words drawn is this one.
            expected[Self::reducer(word, self.room.len())] -=
                libm::expm1(drawn * libm::log1p(-share));
        }
        expected
    }

    /// Chunks are the first objects, then come the sums, then the lists.
    fn sum(&self, reducer: usize) -> ObjectId {
        ObjectId::from_index(self.chunks + reducer)
    }

    fn list(&self, chunk: usize, reducer: usize) -> ObjectId {
        ObjectId::from_index(self.chunks + self.room.len() * (1 + chunk) + reducer)
    }

    fn combiners(&self) -> usize {
        self.chunks.div_ceil(self.combine)
    }

    /// Lists of combiners come last.
    fn combined(&self, combiner: usize, reducer: usize) -> ObjectId {
        self.list(self.chunks + combiner, reducer)
    }

    fn graph(&self) -> Result<TaskGraph, GraphError> {
        let mut graph = TaskGraph::new(INFO.name);
        self.add_objects(&mut graph)?;
        let (map, reduce) = (graph.kernel("map"), graph.kernel("reduce"));
        let (reducers, bytes) = (self.room.len(), self.chunk_bytes);
        // Words have at least two letters and a space after them.
        let scratch_bytes = words::map_scratch_bytes(bytes.div_ceil(3));
        let mut accesses = Vec::new();
        for chunk in 0..self.chunks {
            accesses.clear();
            accesses.push((ObjectId::from_index(chunk), Mode::Read));
            accesses.extend((0..reducers).map(|r| (self.list(chunk, r), Mode::Write)));
            graph.submit(TaskSpec {
                shape: [bytes as u32, reducers as u32, 0, 0],
                cost: Cost::Work(words::map_work(bytes as f64, self.expected_words)),
                scratch_bytes,
                accesses: &accesses,
                ..TaskSpec::new(map)
            })?;
        }
        if self.combine == 1 {
            let lists = |reducer| (0..self.chunks).map(move |chunk| self.list(chunk, reducer));
            self.submit_sums(&mut graph, reduce, 1, |r| (lists(r).collect(), self.sum(r)))?;
            return Ok(graph);
        }
        let combine = graph.kernel("combine");
        for combiner in 0..self.combiners() {
            let first = combiner * self.combine;
            let chunks = first..(first + self.combine).min(self.chunks);
            let lists = |r| {
                (
                    chunks.clone().map(|chunk| self.list(chunk, r)).collect(),
                    self.combined(combiner, r),
                )
            };
            self.submit_sums(&mut graph, combine, 1, lists)?;
        }
        let lists = |r| (0..self.combiners()).map(move |combiner| self.combined(combiner, r));
        self.submit_sums(&mut graph, reduce, self.combine, |r| (lists(r).collect(), self.sum(r)))?;
        Ok(graph)
    }

    /// For every reducer a task that adds up lists, each of which counts so many chunks.
    fn submit_sums(
        &self,
        graph: &mut TaskGraph,
        kernel: KernelId,
        chunks: usize,
        lists: impl Fn(usize) -> (Vec<ObjectId>, ObjectId),
    ) -> Result<(), GraphError> {
        let expected = self.expected_entries(chunks);
        for (reducer, (room, expected)) in self.room.iter().zip(expected).enumerate() {
            let (lists, sum) = lists(reducer);
            let reads = lists.iter().map(|list| (*list, Mode::Read));
            let accesses: Vec<_> = reads.chain([(sum, Mode::Write)]).collect();
            graph.submit(TaskSpec {
                shape: [lists.len() as u32, 0, 0, 0],
                cost: Cost::Work(words::reduce_work(expected * lists.len() as f64)),
                scratch_bytes: words::reduce_scratch_bytes(room * lists.len()),
                accesses: &accesses,
                ..TaskSpec::new(kernel)
            })?;
        }
        Ok(())
    }

    fn add_objects(&self, graph: &mut TaskGraph) -> Result<(), GraphError> {
        let fresh = ObjectSpec::default();
        for chunk in 0..self.chunks {
            let (name, bytes) = (&format!("chunk {chunk}"), self.chunk_bytes as u64);
            let home = chunk as u32;
            graph.add_object(ObjectSpec { name, bytes, home, initial: true, ..fresh })?;
        }
        for (reducer, room) in self.room.iter().enumerate() {
            let (name, bytes) = (&format!("counts {reducer}"), words::list_bytes(*room));
            let home = reducer as u32;
            graph.add_object(ObjectSpec { name, bytes, home, keep: true, ..fresh })?;
        }
        let combiners = if self.combine == 1 { 0 } else { self.combiners() };
        let combined = (0..combiners).map(|combiner| combiner * self.combine);
        for chunk in (0..self.chunks).chain(combined) {
            for room in &self.room {
                let (bytes, home) = (words::list_bytes(*room), chunk as u32);
                graph.add_object(ObjectSpec { bytes, home, ..fresh })?;
            }
        }
        Ok(())
    }

    /// The counts, taken while the text is made again, without a look at its letters.
    fn expected(&self) -> BTreeSet<words::Entry> {
        let mut counts = vec![0; self.text.words().len()];
        for chunk in 0..self.chunks {
            for number in self.text.chunk(chunk as u64, self.chunk_bytes) {
                counts[number] += 1;
            }
        }
        let words = self.text.words().iter().zip(counts).filter(|(_, count)| *count > 0);
        let key = |word: &[u8]| words::key(word).expect("invented words are short");
        words.map(|(word, count)| words::entry(key(word), count)).collect()
    }
}

impl Inputs for WordCount {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        self.text.write(object.index() as u64, bytes);
    }
}

impl App for WordCount {
    fn kernels(&self) -> KernelSet {
        let mut kernels = KernelSet::default();
        words::add_to(&mut kernels);
        kernels
    }

    /// Compares with a straightforward count.
    fn check(&self, results: &[(ObjectId, &[u8])]) -> Result<Verdict, CheckError> {
        let (mut found, mut repeated) = (BTreeSet::new(), 0);
        for (reducer, room) in self.room.iter().enumerate() {
            let object = self.sum(reducer);
            let bytes = result(results, object, words::list_bytes(*room) as usize)?;
            let entries = as_slice(bytes).and_then(words::entries);
            for entry in entries.map_err(|source| CheckError::Unreadable { object, source })? {
                repeated += usize::from(!found.insert(*entry));
            }
        }
        let wrong = found.symmetric_difference(&self.expected()).count() + repeated;
        judge("words that are counted wrongly", wrong as f64, 0.0)
    }
}
