//! Durations learnt from recorded runs: mean, deviation and count by kernel, shape and device
//! class.
//!
//! A task of a kernel and shape that were seen is predicted by their mean. One of another shape is
//! predicted from its work, at the kernel's mean time per unit of work on that class.

use super::{Cost, CostModel};
use crate::trace::Trace;
use crate::{TaskGraph, TaskId};
use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Sorted by kernel, class and shape, each combination once.
    entries: Vec<Entry>,
}

/// Measurements of one kernel at one shape on one class of devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The kernel's name.
    pub kernel: String,
    /// The class of the devices.
    pub class: String,
    /// The shape.
    pub shape: [u32; 4],
    /// Number of measurements.
    pub count: u64,
    /// Mean duration.
    pub mean_ns: f64,
    /// Sum of squared differences from the mean.
    pub squares_ns2: f64,
    /// Mean work of the tasks measured; 0 = not known.
    pub mean_work: f64,
}

impl Entry {
    /// Standard deviation of the durations; 0 for fewer than two.
    pub fn deviation_ns(&self) -> f64 {
        match self.count {
            0 | 1 => 0.0,
            n => (self.squares_ns2 / (n - 1) as f64).sqrt(),
        }
    }

    /// Welford's update (Technometrics 4(3), 1962).
    fn add(&mut self, duration_ns: f64, work: f64) {
        self.count += 1;
        let delta = duration_ns - self.mean_ns;
        self.mean_ns += delta / self.count as f64;
        self.squares_ns2 += delta * (duration_ns - self.mean_ns);
        self.mean_work += (work - self.mean_work) / self.count as f64;
    }
}

impl History {
    /// Nothing measured.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds every attempt of a trace.
    pub fn learn(&mut self, trace: &Trace) {
        for record in &trace.tasks {
            let class = &trace.header.cluster.devices[record.device.index()].class;
            let task = trace.graph.task(record.task);
            let kernel = trace.graph.kernel_name(task.kernel);
            let at = match self.position(kernel, class, task.shape) {
                Ok(at) => at,
                Err(at) => {
                    let (kernel, class) = (kernel.to_owned(), class.clone());
                    let entry = Entry {
                        kernel,
                        class,
                        shape: task.shape,
                        count: 0,
                        mean_ns: 0.0,
                        squares_ns2: 0.0,
                        mean_work: 0.0,
                    };
                    self.entries.insert(at, entry);
                    at
                }
            };
            let work = if let Cost::Work(work) = task.cost { work } else { 0.0 };
            self.entries[at].add((record.finished_ns - record.started_ns) as f64, work);
        }
    }

    /// What was measured, sorted by kernel, class and shape.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn position(&self, kernel: &str, class: &str, shape: [u32; 4]) -> Result<usize, usize> {
        self.entries.binary_search_by(|e| {
            (e.kernel.as_str(), e.class.as_str(), e.shape).cmp(&(kernel, class, shape))
        })
    }

    /// Mean time per unit of work over all shapes of a kernel on a class.
    fn ns_per_work(&self, kernel: &str, class: &str) -> Option<f64> {
        let same = |e: &&Entry| e.kernel == kernel && e.class == class && e.mean_work > 0.0;
        let (mut ns, mut work) = (0.0, 0.0);
        for entry in self.entries.iter().filter(same) {
            ns += entry.mean_ns * entry.count as f64;
            work += entry.mean_work * entry.count as f64;
        }
        (work > 0.0).then(|| ns / work)
    }
}

impl CostModel for History {
    fn duration_ns(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<f64> {
        let task = graph.task(id);
        let kernel = graph.kernel_name(task.kernel);
        let work = if let Cost::Work(work) = task.cost { work } else { 0.0 };
        match self.position(kernel, class, task.shape) {
            // Of several works at one shape, each is scaled from the mean.
            Ok(at) if work > 0.0 && self.entries[at].mean_work > 0.0 => {
                Some(self.entries[at].mean_ns * work / self.entries[at].mean_work)
            }
            Ok(at) => Some(self.entries[at].mean_ns),
            Err(_) => self.ns_per_work(kernel, class).map(|rate| rate * work),
        }
    }

    /// That of the kernel and shape; of all shapes of the kernel, weighed by their measurements,
    /// where this one was not measured twice.
    fn relative_deviation(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<f64> {
        let task = graph.task(id);
        let kernel = graph.kernel_name(task.kernel);
        let is_known = |e: &&Entry| e.count > 1 && e.mean_ns > 0.0;
        let own = self.position(kernel, class, task.shape).ok().map(|at| &self.entries[at]);
        if let Some(entry) = own.filter(is_known) {
            return Some(entry.deviation_ns() / entry.mean_ns);
        }
        let same = self.entries.iter().filter(|e| e.kernel == kernel && e.class == class);
        pooled(same.filter(is_known).map(|e| (e.count, e.deviation_ns() / e.mean_ns)))
    }
}

/// The relative deviation of several samples together, given each one's size and own relative
/// deviation; `None` of nothing.
pub(super) fn pooled(samples: impl Iterator<Item = (u64, f64)>) -> Option<f64> {
    let (mut freedom, mut squares) = (0.0, 0.0);
    for (count, deviation) in samples {
        freedom += (count - 1) as f64;
        squares += (count - 1) as f64 * deviation * deviation;
    }
    (freedom > 0.0).then(|| (squares / freedom).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::TaskSpec;
    use crate::trace::{TaskRecord, TraceHeader};
    use crate::{ClusterSpec, DeviceId, LaneId, cluster::DeviceSpec};

    fn graph(tasks: &[(&str, u32, f64)]) -> TaskGraph {
        let mut graph = TaskGraph::new("g");
        for &(kernel, shape, work) in tasks {
            let kernel = graph.kernel(kernel);
            let shape = [shape, 0, 0, 0];
            let cost = Cost::Work(work);
            graph.submit(TaskSpec { shape, cost, ..TaskSpec::new(kernel) }).unwrap();
        }
        graph
    }

    fn trace(graph: TaskGraph, durations_ns: &[u64]) -> Trace {
        let device = DeviceSpec { name: "d".into(), class: "cpu".into(), ..Default::default() };
        let cluster = ClusterSpec { devices: vec![device], ..Default::default() };
        let record = |(task, &duration_ns): (usize, &u64)| TaskRecord {
            task: TaskId(task as u32),
            device: DeviceId(0),
            lane: LaneId(0),
            lanes: 1,
            ready_ns: 0,
            placed_ns: 0,
            reserved_ns: 0,
            data_ns: 0,
            locked_ns: 0,
            issued_ns: 0,
            started_ns: 10,
            finished_ns: 10 + duration_ns,
            first_buffer: 0,
        };
        Trace {
            header: TraceHeader { cluster, ..Default::default() },
            initial_tasks: graph.len(),
            graph,
            makespan_ns: 0,
            tasks: durations_ns.iter().enumerate().map(record).collect(),
            task_buffers: vec![],
            copies: vec![],
            buffers: vec![],
            thoughts: vec![],
            inputs: vec![],
            losses: Default::default(),
        }
    }

    #[test]
    fn means_deviations_and_counts() {
        let graph = graph(&[("a", 1, 1.0), ("a", 1, 1.0), ("a", 1, 1.0), ("b", 1, 1.0)]);
        let mut history = History::new();
        history.learn(&trace(graph, &[10, 20, 30, 7]));
        let [a, b] = history.entries() else { panic!("{history:?}") };
        assert_eq!((a.count, a.mean_ns, a.deviation_ns()), (3, 20.0, 10.0));
        assert_eq!((b.count, b.mean_ns, b.deviation_ns()), (1, 7.0, 0.0));
    }

    #[test]
    fn deviations_are_those_of_the_kernel_at_its_shape_or_of_all_its_shapes() {
        let runs = [("a", 1), ("a", 1), ("a", 2), ("a", 2), ("a", 2), ("a", 3), ("b", 1)];
        let seen = graph(&runs.map(|(kernel, shape)| (kernel, shape, 1.0)));
        let mut history = History::new();
        history.learn(&trace(seen, &[9, 11, 10, 20, 30, 5, 7]));
        let asked = graph(&[("a", 1, 1.0), ("a", 2, 1.0), ("a", 3, 1.0), ("b", 1, 1.0)]);
        let ask = |t| history.relative_deviation(&asked, TaskId(t), "cpu");
        let (first, second) = (2f64.sqrt() / 10.0, 0.5);
        assert_eq!((ask(0), ask(1)), (Some(first), Some(second)));
        let all = ((first * first + 2.0 * second * second) / 3.0).sqrt();
        assert!((ask(2).unwrap() - all).abs() < 1e-12, "measured once, so as all shapes");
        assert_eq!(ask(3), None, "nothing is known of one run");
        assert_eq!(history.relative_deviation(&asked, TaskId(0), "gpu"), None);
    }

    #[test]
    fn other_shapes_are_predicted_from_their_work() {
        let seen = graph(&[("a", 1, 100.0), ("a", 2, 300.0)]);
        let mut history = History::new();
        history.learn(&trace(seen, &[200, 600]));
        let asked = graph(&[("a", 1, 100.0), ("a", 3, 50.0), ("b", 1, 5.0), ("a", 1, 200.0)]);
        let ask = |t, class| history.duration_ns(&asked, TaskId(t), class);
        assert_eq!(ask(0, "cpu"), Some(200.0));
        assert_eq!(ask(1, "cpu"), Some(100.0), "2 ns per unit of work");
        assert_eq!(ask(2, "cpu"), None, "an unknown kernel");
        assert_eq!(ask(0, "gpu"), None, "an unknown class");
        assert_eq!(ask(3, "cpu"), Some(400.0), "twice the work at one shape");
    }
}
