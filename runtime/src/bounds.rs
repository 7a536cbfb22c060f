//! Lower bounds on the makespan, which every schedule is compared with.
//!
//! All of them hold for any schedule without duplication, on the durations given: with noise the
//! drawn durations are to be used.

use crate::{Cluster, Costs, Ns, TaskGraph};
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
    /// All work, every task where it is cheapest, spread evenly over all lanes.
    Area,
}

impl std::fmt::Display for BoundKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CriticalPath => "critical path",
            Self::Area => "area",
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

/// The best of the cheap bounds.
pub fn lower_bound(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Bound {
    let bounds = [critical_path(graph, costs), area(graph, cluster, costs)];
    bounds.into_iter().max_by_key(|b| b.makespan_ns).expect("there are bounds")
}
