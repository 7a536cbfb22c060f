//! Lower bounds on the durations that were drawn or measured.

use runtime::bounds::{Bound, BoundKind, lower_bound, lower_bound_of_work};
use runtime::{Cluster, Costs, Ns, Progress, TaskGraph, TaskId, Trace};
use sim::Noise;

/// A bound that holds for every schedule of a simulated cell.
///
/// With noise, a task's duration is drawn for each device apart and is a function of seed, task
/// and device, so all schedulers of a cell meet the same draws: each task counts on each group of
/// like devices with its shortest draw on any of them that can run it, in any of the `attempts`
/// that
/// there may be. Takes time in tasks times devices times attempts when there is noise. `graph` is
/// the graph grown to its end; tasks that `truth` does not
/// cover yet are resolved here. `None` when one of them can run nowhere.
pub fn drawn_bound(
    graph: &TaskGraph,
    cluster: &Cluster,
    truth: &Costs,
    noise: &Noise,
    seed: u64,
    attempts: u32,
) -> Option<Bound> {
    drawn_bound_of_part(graph, cluster, truth, noise, seed, (attempts, 0))
}

/// As [`drawn_bound`], for a graph whose tasks have other numbers in the run, from `first_task` on.
pub fn drawn_bound_of_part(
    graph: &TaskGraph,
    cluster: &Cluster,
    truth: &Costs,
    noise: &Noise,
    seed: u64,
    (attempts, first_task): (u32, u32),
) -> Option<Bound> {
    let mut costs = truth.clone();
    if costs.len() < graph.len() {
        costs.extend(graph, cluster, None).ok()?;
    }
    if *noise != Noise::None {
        let mut shortest_ns = Vec::new();
        for task in graph.task_ids() {
            let (cores, number) = (graph.task(task).cores, TaskId(task.0 + first_task));
            shortest_ns.clear();
            shortest_ns.resize(costs.group_count(), Ns::MAX);
            for device in cluster.device_ids().filter(|d| cluster.device(*d).lanes >= cores) {
                if let Some(duration_ns) = costs.duration_ns(task, device) {
                    let draw = |attempt| noise.apply(duration_ns, seed, number, device, attempt);
                    let drawn_ns = (0..attempts.max(1)).map(draw).min().unwrap_or(duration_ns);
                    let least_ns = &mut shortest_ns[costs.group_of(device)];
                    *least_ns = drawn_ns.min(*least_ns);
                }
            }
            costs.map_task(task, |device, _| shortest_ns[truth.group_of(device)]);
        }
    }
    Some(lower_bound(graph, cluster, &costs))
}

/// The better one of a bound and what planners have proved of a whole run before it began, where
/// what they were told are the durations drawn.
pub fn proved_bound(bound: Option<Bound>, plans: &[Progress]) -> Option<Bound> {
    let proved = plans.iter().filter(|p| p.bounds_runs).filter_map(Progress::bound_ns).max();
    let proved = proved.map(|makespan_ns| Bound { kind: BoundKind::Proved, makespan_ns });
    match (bound, proved) {
        (Some(bound), Some(proved)) if proved.makespan_ns <= bound.makespan_ns => Some(bound),
        (bound, proved) => proved.or(bound),
    }
}

/// A bound from a trace alone, for real runs, whose durations are known only where a task ran.
///
/// Each task counts with its measured duration on devices like the one that it ran on: of the same
/// class, speed and stated cost. Elsewhere it counts with the measured duration scaled by the ratio
/// of the task's own costs, as the graph states them, rounded down; and with 0 where these say
/// nothing. Transfers are taken as free: links are not measured. So the bound holds for every
/// schedule of a machine on which a repeated run of a task on a like device takes as long, and on
/// which unlike devices differ by the stated ratios. `None` when the costs cannot be resolved or a
/// task did not finish.
pub fn measured_bound(trace: &Trace) -> Option<Bound> {
    let cluster = Cluster::new(trace.header.cluster.clone()).ok()?;
    let stated = Costs::resolve(&trace.graph, &cluster, None).ok()?;
    let mut costs = stated.clone();
    let mut is_covered = vec![false; trace.graph.len()];
    for record in &trace.tasks {
        let measured_ns = record.finished_ns.saturating_sub(record.started_ns);
        let used = cluster.device(record.device);
        let used_ns = stated.duration_ns(record.task, record.device);
        is_covered[record.task.index()] = true;
        costs.map_task(record.task, |device, stated_ns| {
            let other = cluster.device(device);
            let is_like = other.class == used.class && other.speed == used.speed;
            if is_like && used_ns == Some(stated_ns) {
                return measured_ns;
            }
            match used_ns {
                None | Some(0) => 0,
                Some(used_ns) => {
                    let product = u128::from(measured_ns) * u128::from(stated_ns);
                    Ns::try_from(product / u128::from(used_ns)).unwrap_or(Ns::MAX)
                }
            }
        });
    }
    is_covered.iter().all(|c| *c).then(|| lower_bound_of_work(&trace.graph, &cluster, &costs))
}
