//! Tasks of ranks.

use crate::registry::WorkloadError;
use runtime::graph::ObjectSpec;
use runtime::{Cost, KernelId, Mode, Ns, ObjectId, TaskGraph, TaskId, TaskSpec};
use std::collections::BTreeMap;

/// A graph whose tasks are bound to ranks.
pub struct Ranks {
    pub graph: TaskGraph,
    /// How many there are.
    pub count: usize,
    reduction_bytes_per_s: f64,
    input: KernelId,
    receive: KernelId,
    reduce: KernelId,
    /// By rank and duration: the row of the cost table that only this rank's devices have.
    rows: BTreeMap<(usize, Ns), Cost>,
}

/// A task of a rank.
pub struct Step<'a> {
    pub rank: usize,
    /// What it holds and is sent.
    pub reads: &'a [ObjectId],
    /// Sizes of what it holds afterwards.
    pub writes: &'a [u64],
    /// Bytes that are reduced; `None` where data is only passed on.
    pub reduced: Option<u64>,
    /// Tasks that end before: messages of this rank or of the sender.
    pub after: &'a [TaskId],
}

impl Ranks {
    /// No task yet.
    pub fn new(name: &str, count: usize, reduction_bytes_per_s: f64) -> Self {
        let mut graph = TaskGraph::new(name);
        let columns: Vec<String> = ["node", "gpu", "p", "class"]
            .iter()
            .flat_map(|stem| (0..count).map(move |rank| format!("{stem}{rank}")))
            .collect();
        graph.set_columns(&columns.iter().map(String::as_str).collect::<Vec<_>>());
        let [input, receive, reduce] = ["input", "receive", "reduce"].map(|k| graph.kernel(k));
        Self { graph, count, reduction_bytes_per_s, input, receive, reduce, rows: BTreeMap::new() }
    }

    /// What a rank begins with: objects of these sizes, there at once.
    pub fn begin(&mut self, rank: usize, sizes: &[u64]) -> Result<Vec<ObjectId>, WorkloadError> {
        let step = Step { rank, reads: &[], writes: sizes, reduced: None, after: &[] };
        Ok(self.submit(self.input, step)?.1)
    }

    /// A message received, and what the rank holds then.
    pub fn step(&mut self, step: Step<'_>) -> Result<(TaskId, Vec<ObjectId>), WorkloadError> {
        let kernel = if step.reduced.is_some() { self.reduce } else { self.receive };
        self.submit(kernel, step)
    }

    fn submit(
        &mut self,
        kernel: KernelId,
        step: Step<'_>,
    ) -> Result<(TaskId, Vec<ObjectId>), WorkloadError> {
        let seconds = step.reduced.unwrap_or(0) as f64 / self.reduction_bytes_per_s;
        let cost = self.row(step.rank, (seconds * 1e9).round() as Ns)?;
        let mut written = Vec::with_capacity(step.writes.len());
        for &bytes in step.writes {
            let object = ObjectSpec { bytes, ..ObjectSpec::default() };
            written.push(self.graph.add_object(object)?);
        }
        let reads = step.reads.iter().map(|o| (*o, Mode::Read));
        let accesses: Vec<_> = reads.chain(written.iter().map(|o| (*o, Mode::Write))).collect();
        let name = format!("rank {}", step.rank);
        let task = self.graph.submit(TaskSpec {
            name: &name,
            cost,
            accesses: &accesses,
            after: step.after,
            ..TaskSpec::new(kernel)
        })?;
        Ok((task, written))
    }

    fn row(&mut self, rank: usize, duration_ns: Ns) -> Result<Cost, WorkloadError> {
        if let Some(cost) = self.rows.get(&(rank, duration_ns)) {
            return Ok(*cost);
        }
        let mut row = vec![Ns::MAX; self.graph.columns().len()];
        row.iter_mut().skip(rank).step_by(self.count).for_each(|ns| *ns = duration_ns);
        let cost = self.graph.add_cost_row(&row)?;
        self.rows.insert((rank, duration_ns), cost);
        Ok(cost)
    }
}
