//! Lower bounds on the makespan, which every schedule is compared with.
//!
//! | bound | argument | also with duplication |
//! |---|---|---|
//! | [`BoundKind::CriticalPath`] | longest path, transfers free | yes |
//! | [`BoundKind::TransferPath`] | longest path with the transfers that it cannot avoid | no |
//! | [`BoundKind::Area`] | all work over all lanes | yes |
//! | [`BoundKind::Assignment`] | the same by linear programming duality, for unlike devices | yes |
//! | [`BoundKind::WindowedLoad`] | work that must fall between two instants | yes |
//! | [`BoundKind::DataMovement`] | initial data leaves its home, or its readers work there | yes |
//! | [`BoundKind::MemoryArea`] | bytes held while tasks run, over all capacity | yes |
//!
//! A path with transfers fixes one device per task and so assumes one attempt each; all others
//! charge a task once, wherever and however often it runs. All hold on the durations given: with
//! noise the drawn durations are to be used. [`Transfers::Free`] leaves out whatever rests on the
//! cluster's bandwidths and latencies, for runs on hardware, whose links are what they are.
//!
//! The linear program of Lenstra, Shmoys and Tardos (1990) that spreads unlike tasks over unlike
//! devices is not solved: any weighting of the devices gives a valid bound, the best weighting
//! gives the program's value, and a few hundred steps of ascent come close (`load.rs`).

mod load;
mod memory;
mod path;
mod plans;
mod transfers;

pub use load::DeviceWeights;
pub use plans::plans_bound_runs;
pub use transfers::Transfers;

use crate::{Cluster, Costs, Ns, TaskGraph, TaskId};
use path::Path;
use serde::{Deserialize, Serialize};

/// A bound with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Which argument gives it.
    pub kind: BoundKind,
    /// No schedule ends earlier.
    pub makespan_ns: Ns,
}

/// The argument behind a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoundKind {
    /// The longest path, every task on its fastest device, transfers free.
    CriticalPath,
    /// The longest path; each task pays the transfers that its inputs and its output need at
    /// least, wherever it runs.
    TransferPath,
    /// All work, every task where it is cheapest, spread evenly over all lanes.
    Area,
    /// All work spread over unlike devices as well as it could be if tasks were divisible.
    Assignment,
    /// Work that must be done between two instants, whatever the order (Fernandez and Bussell,
    /// 1973), on all lanes or on those of one kind.
    WindowedLoad,
    /// Bytes that must leave a home memory, against work that must be done there instead.
    DataMovement,
    /// A graph alone, from when it arrives; the bound by which it needs so long is another one.
    Arrival,
    /// Bytes that tasks hold while they run, over the capacity of all memories. A plan, which
    /// leaves it to the run when a task gets its memory, may seem shorter.
    MemoryArea,
    /// What a planner has proved of the problem, by search: no plan is shorter, and no run is
    /// shorter than every plan ([`plans_bound_runs`]).
    Proved,
}

impl std::fmt::Display for BoundKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CriticalPath => "critical path",
            Self::TransferPath => "critical path with transfers",
            Self::Area => "area",
            Self::Assignment => "assignment",
            Self::WindowedLoad => "windowed load",
            Self::DataMovement => "data movement",
            Self::Arrival => "an arrival and its graph alone",
            Self::MemoryArea => "memory area",
            Self::Proved => "proved by search",
        })
    }
}

/// The longest path with every task on its fastest device. Linear in tasks and edges.
pub fn critical_path(graph: &TaskGraph, costs: &Costs) -> Bound {
    let mut finish_ns = vec![0; graph.len()];
    for task in graph.task_ids() {
        let start_ns = graph.incoming(task).iter().map(|e| finish_ns[e.from.index()]).max();
        finish_ns[task.index()] = start_ns.unwrap_or(0) + costs.min_ns(task);
    }
    let makespan_ns = finish_ns.into_iter().max().unwrap_or(0);
    Bound { kind: BoundKind::CriticalPath, makespan_ns }
}

/// Total work over the number of lanes, every task counted at its cheapest.
pub fn area(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Bound {
    // On related machines the lanes' speeds bound better: the sum of work over the sum of speeds.
    let cheapest = |t| u128::from(costs.min_ns(t)) * u128::from(graph.task(t).cores);
    let work_ns: u128 = graph.task_ids().map(cheapest).sum();
    let mut makespan_ns = work_ns.div_ceil(cluster.lane_count() as u128);
    if let Some(related_ns) = related_area(graph, cluster, costs) {
        makespan_ns = makespan_ns.max(related_ns);
    }
    Bound { kind: BoundKind::Area, makespan_ns: makespan_ns as Ns }
}

/// Sum of work over sum of speeds, where every cost is plain work.
fn related_area(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Option<u128> {
    let mut work = 0.0;
    for task in graph.task_ids() {
        work += costs.work(task)? * f64::from(graph.task(task).cores);
    }
    let speed: f64 = (cluster.device_ids())
        .map(|d| cluster.device(d).speed * f64::from(cluster.device(d).lanes))
        .sum();
    // Durations are rounded to nearest: half a nanosecond per task may be missing.
    Some(((work / speed * 1e9).floor() as u128).saturating_sub(graph.len() as u128))
}

/// The best of the cheap bounds; on equal values the one that [`BoundKind`] lists first.
///
/// Near-linear in tasks, edges and kinds of devices.
pub fn lower_bound(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Bound {
    best(&all_bounds(graph, cluster, costs, Transfers::Modelled))
}

/// As [`lower_bound`], from durations and dependencies alone: for runs whose links are not those
/// of the cluster's description.
pub fn lower_bound_of_work(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Bound {
    best(&all_bounds(graph, cluster, costs, Transfers::Free))
}

/// The largest; the first of equal ones.
fn best(bounds: &[Bound]) -> Bound {
    let better = |best: Bound, b: &Bound| if b.makespan_ns > best.makespan_ns { *b } else { best };
    let none = Bound { kind: BoundKind::CriticalPath, makespan_ns: 0 };
    bounds.iter().fold(none, better)
}

/// Every cheap bound, in the order of [`BoundKind`]; those that rest on bandwidths only where
/// `transfers` are modelled.
pub fn all_bounds(
    graph: &TaskGraph,
    cluster: &Cluster,
    costs: &Costs,
    transfers: Transfers,
) -> Vec<Bound> {
    let path = Path::new(graph, cluster, costs, transfers);
    let weights = DeviceWeights::best(graph, cluster, costs);
    let mut bounds = vec![critical_path(graph, costs)];
    if transfers == Transfers::Modelled {
        bounds.push(Bound { kind: BoundKind::TransferPath, makespan_ns: path.length_ns() });
    }
    bounds.push(area(graph, cluster, costs));
    let ns = weights.load_ns(graph, costs);
    bounds.push(Bound { kind: BoundKind::Assignment, makespan_ns: ns });
    let ns = load::windowed_ns(graph, cluster, costs, &path, &weights);
    bounds.push(Bound { kind: BoundKind::WindowedLoad, makespan_ns: ns });
    if transfers == Transfers::Modelled {
        let ns = memory::movement_ns(graph, cluster, costs);
        bounds.push(Bound { kind: BoundKind::DataMovement, makespan_ns: ns });
    }
    let ns = memory::area_ns(graph, cluster, costs, &path);
    bounds.push(Bound { kind: BoundKind::MemoryArea, makespan_ns: ns });
    bounds
}

/// Heads and tails of every task: no schedule starts task `t` before `head_ns[t]`, and at least
/// `tail_ns[t]` passes between its end and the end of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadsAndTails {
    /// By task.
    pub head_ns: Vec<Ns>,
    /// By task.
    pub tail_ns: Vec<Ns>,
}

/// The heads and tails that [`BoundKind::TransferPath`] rests on.
pub fn heads_and_tails(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> HeadsAndTails {
    let path = Path::new(graph, cluster, costs, Transfers::Modelled);
    let tasks = || graph.task_ids();
    HeadsAndTails {
        head_ns: tasks().map(|t| path.head_ns(t)).collect(),
        tail_ns: tasks().map(|t| path.tail_ns(t)).collect(),
    }
}

/// Whether a device can run a task at all: duration, lanes, capacity.
fn can_run(graph: &TaskGraph, cluster: &Cluster, task: TaskId, device: crate::DeviceId) -> bool {
    let capacity_bytes = cluster.memory(cluster.memory_of(device)).capacity_bytes;
    graph.task(task).cores <= cluster.device(device).lanes
        && capacity_bytes.is_none_or(|c| graph.working_set_bytes(task) <= c)
}

#[cfg(test)]
mod tests;
