//! What schedulers are told about durations that are not known exactly.

use runtime::{Costs, Ns, TaskGraph};
use sim::Noise;

/// Tells a user's errors from all other draws.
const ERROR: u64 = 0x7573_6572_2065_7272;

/// The mean over the tasks of a kernel, by group of like devices.
pub(super) fn mean_of_kernel(graph: &TaskGraph, truth: &Costs) -> Costs {
    let groups = truth.group_count();
    let kernels = graph.task_ids().map(|t| graph.task(t).kernel.index() + 1).max().unwrap_or(0);
    let mut sums = vec![(0.0f64, 0u32); kernels * groups];
    let mut by_group = Vec::new();
    for task in graph.task_ids() {
        truth.durations_by_group_ns(task, &mut by_group);
        let kernel = graph.task(task).kernel.index();
        for (group, ns) in by_group.iter().enumerate().filter(|(_, ns)| **ns != Ns::MAX) {
            let sum = &mut sums[kernel * groups + group];
            *sum = (sum.0 + *ns as f64, sum.1 + 1);
        }
    }
    let mut told = truth.clone();
    for task in graph.task_ids() {
        let kernel = graph.task(task).kernel.index();
        told.map_task(task, |device, _| {
            let (sum, count) = sums[kernel * groups + truth.group_of(device)];
            (sum / f64::from(count)).round() as Ns
        });
    }
    told
}

/// The mean over all tasks and devices, for every task on every device that can run it.
pub(super) fn nothing(graph: &TaskGraph, truth: &Costs) -> Costs {
    let sum: f64 = graph.task_ids().map(|t| truth.mean_ns(t)).sum();
    let mean_ns = (sum / graph.len().max(1) as f64).round() as Ns;
    let mut told = truth.clone();
    graph.task_ids().for_each(|t| told.map_task(t, |_, _| mean_ns));
    told
}

/// Off by a lognormal factor, one per task, the same on all devices.
pub(super) fn with_error(graph: &TaskGraph, truth: &Costs, sigma: f64, seed: u64) -> Costs {
    let noise = Noise::LogNormal { sigma };
    let mut told = truth.clone();
    for task in graph.task_ids() {
        let nowhere = runtime::DeviceId(u32::MAX);
        told.map_task(task, |_, ns| noise.apply(ns, seed ^ ERROR, task, nowhere, 0));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
    use runtime::{Cluster, Cost, DeviceId, TaskId, TaskSpec};

    /// Two kernels, three tasks, two devices of speeds 1 and 2.
    fn case() -> (TaskGraph, Costs) {
        let mut graph = TaskGraph::new("g");
        for (kernel, work) in [("a", 1.0), ("a", 3.0), ("b", 5.0)] {
            let kernel = graph.kernel(kernel);
            let cost = Cost::Work(work * 1e-6);
            graph.submit(TaskSpec { cost, ..TaskSpec::new(kernel) }).unwrap();
        }
        let device = |name: &str, speed| DeviceSpec {
            name: name.to_owned(),
            memory: "m".to_owned(),
            lanes: 1,
            speed,
            ..Default::default()
        };
        let cluster = Cluster::new(ClusterSpec {
            memories: vec![MemorySpec { name: "m".to_owned(), ..Default::default() }],
            devices: vec![device("slow", 1.0), device("fast", 2.0)],
            ..Default::default()
        });
        let costs = Costs::resolve(&graph, &cluster.unwrap(), None).unwrap();
        (graph, costs)
    }

    fn all(costs: &Costs) -> Vec<[Option<Ns>; 2]> {
        let on = |t, d| costs.duration_ns(TaskId(t), DeviceId(d));
        (0..3).map(|t| [on(t, 0), on(t, 1)]).collect()
    }

    #[test]
    fn means_are_by_kernel_and_device() {
        let (graph, truth) = case();
        let told = mean_of_kernel(&graph, &truth);
        let (a, b) = ([Some(2000), Some(1000)], [Some(5000), Some(2500)]);
        assert_eq!(all(&told), [a, a, b]);
    }

    #[test]
    fn who_knows_nothing_sees_all_tasks_alike() {
        let (graph, truth) = case();
        let mean = Some((0.75 * (1000.0f64 + 3000.0 + 5000.0) / 3.0).round() as Ns);
        assert_eq!(all(&nothing(&graph, &truth)), [[mean; 2]; 3]);
    }

    #[test]
    fn errors_are_the_same_on_all_devices() {
        let (graph, truth) = case();
        let told = with_error(&graph, &truth, 0.5, 7);
        for (task, (exact, wrong)) in all(&truth).into_iter().zip(all(&told)).enumerate() {
            let factor = |d: usize| wrong[d].unwrap() as f64 / exact[d].unwrap() as f64;
            assert!((factor(0) - factor(1)).abs() < 0.01, "{task}: {exact:?} {wrong:?}");
            assert_ne!(exact, wrong);
        }
        assert_eq!(all(&told), all(&with_error(&graph, &truth, 0.5, 7)));
    }
}
