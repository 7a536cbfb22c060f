//! From structure to graph.

use super::model::CostModel;
use crate::random::Stream;
use crate::registry::{Workload, WorkloadError, check_bytes};
use runtime::graph::ObjectSpec;
use runtime::{Cost, KernelId, Mode, Ns, ObjectId, TaskGraph, TaskSpec};

/// Tasks in topological order with their parents and relative weights.
pub(super) struct Sketch {
    workload: &'static str,
    kernels: Vec<&'static str>,
    tasks: Vec<SketchTask>,
    /// Parents of task `i` are `parents[starts[i]..starts[i + 1]]`.
    starts: Vec<u32>,
    parents: Vec<u32>,
}

#[derive(Clone, Copy)]
struct SketchTask {
    kernel: u8,
    work: f32,
    data: f32,
}

/// What a task is like, relative to others of its sketch.
#[derive(Clone, Copy)]
pub(super) struct Weight {
    /// Duration.
    pub work: f64,
    /// Size of what it sends.
    pub data: f64,
}

/// How data flows along the edges of a sketch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Every edge is an object of its own.
    PerEdge,
    /// A task writes one object that all its children read.
    PerTask,
}

/// All alike.
pub(super) const UNIT: Weight = Weight { work: 1.0, data: 1.0 };

impl Sketch {
    /// An empty sketch of a workload with these kernels.
    pub fn new(workload: &'static str, kernels: &[&'static str]) -> Self {
        Self {
            workload,
            kernels: kernels.to_vec(),
            tasks: Vec::new(),
            starts: vec![0],
            parents: Vec::new(),
        }
    }

    /// Adds a task of the sketch's kernel number `kernel` after its parents, each named once.
    pub fn task(
        &mut self,
        kernel: u8,
        weight: Weight,
        parents: impl IntoIterator<Item = u32>,
    ) -> u32 {
        let id = self.tasks.len() as u32;
        self.tasks.push(SketchTask { kernel, work: weight.work as f32, data: weight.data as f32 });
        self.parents.extend(parents);
        debug_assert!(self.parents[self.starts[id as usize] as usize..].iter().all(|p| *p < id));
        self.starts.push(self.parents.len() as u32);
        id
    }

    /// Number of tasks so far.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    fn parents_of(&self, task: usize) -> std::ops::Range<usize> {
        self.starts[task] as usize..self.starts[task + 1] as usize
    }

    /// The graph, with durations and sizes drawn.
    ///
    /// Sizes are scaled so that the graph's own ratio of mean transfer time (over all edges) to
    /// mean execution time is `ccr`, but for rounding to whole bytes.
    pub fn finish(
        self,
        model: &CostModel,
        flow: Flow,
        seed: u64,
    ) -> Result<Workload, WorkloadError> {
        let mut graph = TaskGraph::new(self.workload);
        let kernels: Vec<KernelId> = self.kernels.iter().map(|k| graph.kernel(k)).collect();
        let (costs, mean_s) = self.draw_costs(&mut graph, model, seed)?;
        let objects = Objects::new(&self, flow);
        self.add_objects(&mut graph, &objects, model, mean_s, seed)?;
        let mut accesses = Vec::new();
        for (task, &cost) in costs.iter().enumerate() {
            accesses.clear();
            let reads = &objects.of_edge[self.parents_of(task)];
            accesses.extend(reads.iter().map(|o| (ObjectId(*o), Mode::Read)));
            accesses.extend(objects.written(task).map(|o| (ObjectId(o), Mode::Write)));
            let kernel = kernels[usize::from(self.tasks[task].kernel)];
            graph.submit(TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) })?;
        }
        Ok(Workload { graph, program: None, app: None })
    }

    /// The cost of every task and the mean duration.
    fn draw_costs(
        &self,
        graph: &mut TaskGraph,
        model: &CostModel,
        seed: u64,
    ) -> Result<(Vec<Cost>, f64), WorkloadError> {
        let mut stream = Stream::new(seed, "task durations");
        let mut classes = Stream::new(seed, "class durations");
        let names: Vec<String> = (0..model.classes).map(|c| format!("class{c}")).collect();
        graph.set_columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let weights: f64 = self.tasks.iter().map(|t| f64::from(t.work)).sum();
        let unit_s = if weights > 0.0 { model.task_s * self.len() as f64 / weights } else { 0.0 };
        let (mut costs, mut sum_s) = (Vec::with_capacity(self.len()), 0.0);
        let mut row = vec![0; model.classes];
        for task in &self.tasks {
            let duration_s = unit_s * f64::from(task.work) * stream.factor(model.task_spread);
            if model.classes == 0 {
                sum_s += duration_s;
                costs.push(Cost::Work(duration_s * model.speed));
                continue;
            }
            for entry in &mut row {
                let class_s = duration_s * classes.factor(model.class_range / 2.0);
                *entry = (class_s * 1e9).round() as Ns;
                sum_s += class_s / model.classes as f64;
            }
            costs.push(graph.add_cost_row(&row)?);
        }
        Ok((costs, sum_s / self.len().max(1) as f64))
    }

    fn add_objects(
        &self,
        graph: &mut TaskGraph,
        objects: &Objects,
        model: &CostModel,
        mean_s: f64,
        seed: u64,
    ) -> Result<(), WorkloadError> {
        let mut stream = Stream::new(seed, "data sizes");
        let mut sizes = vec![0.0; objects.count()];
        for (task, info) in self.tasks.iter().enumerate() {
            for object in objects.written(task) {
                sizes[object as usize] = f64::from(info.data) * stream.factor(model.data_spread);
            }
        }
        let sum: f64 = objects.of_edge.iter().map(|o| sizes[*o as usize]).sum();
        let mean_bytes = model.ccr * mean_s * model.bytes_per_s;
        let scale = if sum > 0.0 { mean_bytes * objects.of_edge.len() as f64 / sum } else { 0.0 };
        check_bytes(self.workload, sizes.iter().sum::<f64>() * scale)?;
        for size in sizes {
            let bytes = (size * scale).round() as u64;
            graph.add_object(ObjectSpec { bytes, ..Default::default() })?;
        }
        Ok(())
    }
}

/// Which object each edge carries. Objects are numbered by the task that writes them.
struct Objects {
    /// Task `i` writes objects `first[i]..first[i + 1]`.
    first: Vec<u32>,
    of_edge: Vec<u32>,
}

impl Objects {
    fn new(sketch: &Sketch, flow: Flow) -> Self {
        let mut first = vec![0u32; sketch.len() + 1];
        for &parent in &sketch.parents {
            let count = &mut first[parent as usize + 1];
            *count = if flow == Flow::PerEdge { *count + 1 } else { 1 };
        }
        for task in 0..sketch.len() {
            first[task + 1] += first[task];
        }
        let mut next = first.clone();
        let of_edge = (sketch.parents.iter())
            .map(|&parent| {
                let object = next[parent as usize];
                next[parent as usize] += u32::from(flow == Flow::PerEdge);
                object
            })
            .collect();
        Self { first, of_edge }
    }

    fn count(&self) -> usize {
        *self.first.last().expect("one more entry than tasks") as usize
    }

    fn written(&self, task: usize) -> std::ops::Range<u32> {
        self.first[task]..self.first[task + 1]
    }
}
