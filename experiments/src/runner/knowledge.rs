//! How durations differ from what is known of them, and what schedulers are told about those that
//! are not known exactly.

use crate::plan::Settings;
use runtime::cost::CostModel;
use runtime::{Cluster, Costs, Ns, TaskGraph};
use sim::Noise;
use sim::noise::Deviations;
use std::sync::Arc;

/// Tells a user's errors from all other draws.
const ERROR: u64 = 0x7573_6572_2065_7272;

/// The noise that settings ask for; as `model` measured it where they say so, and none where that
/// has nothing to tell.
pub(super) fn noise(
    settings: &Settings,
    graph: &TaskGraph,
    cluster: &Cluster,
    model: Option<&dyn CostModel>,
) -> Noise {
    let Some(factor) = settings.measured_noise else { return settings.noise.clone() };
    let Some(model) = model else { return Noise::None };
    deviations(graph, cluster, model, factor)
}

/// Normal noise with `factor` times the deviations that `model` has, by class of devices.
fn deviations(graph: &TaskGraph, cluster: &Cluster, model: &dyn CostModel, factor: f64) -> Noise {
    let mut classes: Vec<&str> = Vec::new();
    let mut column_of = Vec::with_capacity(cluster.device_count());
    for device in cluster.device_ids() {
        let class = cluster.device(device).class.as_str();
        let known = classes.iter().position(|c| *c == class);
        let column = known.unwrap_or_else(|| {
            classes.push(class);
            classes.len() - 1
        });
        column_of.push(column as u32);
    }
    let of = |task| classes.iter().map(move |class| model.relative_deviation(graph, task, class));
    let rows = graph.task_ids().flat_map(of);
    let rows = rows.map(|deviation| factor * deviation.unwrap_or(0.0));
    Noise::Measured { deviations: Arc::new(Deviations::new(column_of, rows.collect::<Vec<_>>())) }
}

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

    /// Deviates by a tenth on class fast and by a fifth elsewhere; knows kernel a alone.
    struct Deviates;

    impl CostModel for Deviates {
        fn duration_ns(&self, _: &TaskGraph, _: TaskId, _: &str) -> Option<f64> {
            None
        }

        fn relative_deviation(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<f64> {
            let is_known = graph.kernel_name(graph.task(id).kernel) == "a";
            is_known.then_some(if class == "fast" { 0.1 } else { 0.2 })
        }
    }

    #[test]
    fn measured_noise_is_by_kernel_and_class() {
        let (graph, _) = case();
        let device = |class: &str, at: usize| DeviceSpec {
            name: format!("d{at}"),
            class: class.to_owned(),
            memory: "m".to_owned(),
            lanes: 1,
            speed: 1.0,
            ..Default::default()
        };
        let classes = ["slow", "fast", "slow"];
        let cluster = Cluster::new(ClusterSpec {
            memories: vec![MemorySpec { name: "m".to_owned(), ..Default::default() }],
            devices: classes.iter().enumerate().map(|(at, class)| device(class, at)).collect(),
            ..Default::default()
        });
        let noise = deviations(&graph, &cluster.unwrap(), &Deviates, 1.5);
        let Noise::Measured { deviations } = noise else { panic!("{noise:?}") };
        let of = |t| [0, 1, 2].map(|d| deviations.of(TaskId(t), DeviceId(d)));
        let (slow, fast) = (1.5 * 0.2, 1.5 * 0.1);
        assert_eq!([of(0), of(1), of(2)], [[slow, fast, slow], [slow, fast, slow], [0.0; 3]]);
    }

    fn read(text: &str) -> Result<crate::plan::Plan, String> {
        let registry = crate::registry::Registry::new(&[]);
        let head = "workloads: [chain]\nclusters: [star]\nschedulers: [mct]\n";
        let path = std::path::Path::new("x.yaml");
        let plan = crate::plan::Plan::read(&registry, path, &format!("{head}{text}"));
        plan.map_err(|mistakes| mistakes.render(200, false))
    }

    #[test]
    fn noise_as_measured_needs_measurements_and_no_other_noise() {
        let plan = read("noise: {measured: 0.5}\ncosts: measured\n").unwrap();
        assert_eq!(plan.settings[0].measured_noise, Some(0.5));
        let plan = read("noise: {measured: 0}\ncosts: measured\n").unwrap();
        assert_eq!(plan.settings[0].measured_noise, None);
        let text = "noise: {measured: 1}\ncosts: measured\nvary: {noise: [0.1]}\n";
        let settings = &read(text).unwrap().settings[0];
        assert_eq!(
            (settings.measured_noise, &settings.noise),
            (None, &Noise::LogNormal { sigma: 0.1 })
        );
        let cases = [
            ("noise: {measured: 1}\n", "no deviation was measured"),
            ("noise: {measured: -1}\ncosts: measured\n", "at least 0"),
            ("noise: {measured: 1, sigma: 0.1}\ncosts: measured\n", "one of: sigma, normal"),
        ];
        for (text, expected) in cases {
            let mistakes = read(text).unwrap_err();
            assert!(mistakes.contains(expected), "{text}: {mistakes}");
        }
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
