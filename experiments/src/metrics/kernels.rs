//! How long the tasks of each kernel took.

use crate::record::{KernelTime, MAX_KERNELS};
use runtime::Trace;

/// Durations by kernel, those of most time first; see [`MAX_KERNELS`].
pub fn times(trace: &Trace) -> Vec<KernelTime> {
    let names = trace.graph.kernel_names();
    let mut sums = vec![(0u64, 0u64); names.len()];
    for task in &trace.tasks {
        let (tasks, ns) = &mut sums[trace.graph.task(task.task).kernel.index()];
        *tasks += 1;
        *ns += task.finished_ns.saturating_sub(task.started_ns);
    }
    let mut all: Vec<KernelTime> = (names.iter().zip(sums))
        .filter(|(_, (tasks, _))| *tasks > 0)
        .map(|(name, (tasks, ns))| KernelTime { kernel: name.clone(), tasks, ns })
        .collect();
    all.sort_by(|a, b| b.ns.cmp(&a.ns).then_with(|| a.kernel.cmp(&b.kernel)));
    if all.len() > MAX_KERNELS {
        let rest = all.split_off(MAX_KERNELS - 1);
        let (tasks, ns) = rest.iter().fold((0, 0), |sum, k| (sum.0 + k.tasks, sum.1 + k.ns));
        all.push(KernelTime { kernel: String::new(), tasks, ns });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::graph::{TaskGraph, TaskSpec};
    use runtime::{Cluster, Cost, Costs};
    use std::sync::Arc;

    fn run(kernels: usize) -> Trace {
        let mut graph = TaskGraph::new("kernels");
        for i in 0..kernels {
            let kernel = graph.kernel(&format!("k{i:02}"));
            for _ in 0..2 {
                let cost = Cost::Work((i + 1) as f64);
                graph.submit(TaskSpec { cost, ..TaskSpec::new(kernel) }).unwrap();
            }
        }
        let machine = real_backend::Machine::default();
        let cluster = Arc::new(Cluster::new(real_backend::host_cluster(&machine, 1, 1e9)).unwrap());
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let scheduler = schedulers::find("mct").unwrap().build_default(1);
        sim::run(sim::SimSpec::new(graph, cluster, costs, scheduler)).unwrap().trace
    }

    #[test]
    fn kernels_come_by_their_time_and_the_rest_together() {
        let times = times(&run(3));
        let names: Vec<&str> = times.iter().map(|k| k.kernel.as_str()).collect();
        assert_eq!(names, ["k02", "k01", "k00"]);
        assert_eq!((times[0].tasks, times[0].ns), (2, 6));
        let many = super::times(&run(MAX_KERNELS + 6));
        assert_eq!(many.len(), MAX_KERNELS);
        let rest = many.last().unwrap();
        // The seven shortest kernels: twice 1 + .. + 7.
        assert_eq!((rest.kernel.as_str(), rest.tasks, rest.ns), ("", 14, 56));
    }
}
