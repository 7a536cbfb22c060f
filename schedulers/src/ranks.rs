//! Ranks: how long a path through a task is, on average durations and communication.
//!
//! Upward and downward ranks are those of Topcuoglu, Hariri and Wu, "Performance-effective and
//! low-complexity task scheduling for heterogeneous computing", IEEE TPDS 13(3), 2002: the mean
//! duration is over the processors that can run the task, the mean communication over the pairs of
//! different processors. A processor is a lane here. The tasks of a gang share their largest rank,
//! since they start together.

use crate::order::Order;
use runtime::Problem;
use runtime::cluster::MeanTransfer;
use runtime::graph::Edge;

/// Length of the longest path from each task to an exit, the task included, in nanoseconds; by
/// task. Linear in tasks and edges.
pub fn upward(problem: &Problem<'_>, order: &Order) -> Vec<f64> {
    upward_with(problem, order, problem.cluster.mean_transfer())
}

/// As [`upward`] without communication: the static level.
pub fn static_level(problem: &Problem<'_>, order: &Order) -> Vec<f64> {
    upward_with(problem, order, MeanTransfer { latency_ns: 0.0, ns_per_byte: 0.0 })
}

fn upward_with(problem: &Problem<'_>, order: &Order, mean: MeanTransfer) -> Vec<f64> {
    let graph = problem.graph;
    let mut ranks: Vec<f64> = vec![0.0; graph.len()];
    for &task in order.tasks().iter().rev() {
        let through = |e: &Edge| mean_ns(problem, &mean, e) + ranks[e.to.index()];
        let rest_ns = graph.outgoing(task).map(through).fold(0.0, f64::max);
        ranks[task.index()] = problem.costs.mean_ns(task) + rest_ns;
        share(problem, order, task, &mut ranks);
    }
    ranks
}

/// Length of the longest path from an entry to each task, the task excluded, in nanoseconds; by
/// task. Linear in tasks and edges.
pub fn downward(problem: &Problem<'_>, order: &Order) -> Vec<f64> {
    let graph = problem.graph;
    let mean = problem.cluster.mean_transfer();
    let mut ranks: Vec<f64> = vec![0.0; graph.len()];
    for &leader in order.tasks().iter().filter(|t| order.units().leads(graph, **t)) {
        for task in order.units().of(graph, &leader) {
            let planned = graph.incoming(*task).iter().filter(|e| problem.is_planned(e.from));
            let through = |e: &Edge| {
                let before = e.from;
                ranks[before.index()] + problem.costs.mean_ns(before) + mean_ns(problem, &mean, e)
            };
            ranks[task.index()] = planned.map(through).fold(0.0, f64::max);
        }
        share(problem, order, leader, &mut ranks);
    }
    ranks
}

/// Gives the largest rank of a gang to all of its tasks, when its leader was reached.
fn share(problem: &Problem<'_>, order: &Order, task: runtime::TaskId, ranks: &mut [f64]) {
    let members = order.units().of(problem.graph, &task);
    if members.len() > 1 && members[0] == task {
        let largest = members.iter().map(|m| ranks[m.index()]).fold(0.0, f64::max);
        members.iter().for_each(|m| ranks[m.index()] = largest);
    }
}

/// Mean communication along an edge; nothing where no data flow.
pub fn mean_ns(problem: &Problem<'_>, mean: &MeanTransfer, edge: &Edge) -> f64 {
    edge.object.map_or(0.0, |o| mean.ns(problem.graph.object(o).bytes))
}

/// Ranks as integers to compare. Equal sums that were added in different orders differ in their
/// last digits, so ranks are rounded down to a 2^40th of the largest; the offset keeps simple
/// fractions away from the steps.
pub fn keys(ranks: &[f64]) -> Vec<u64> {
    let largest = ranks.iter().copied().fold(0.0, f64::max);
    let scale = if largest > 0.0 { (1u64 << 40) as f64 / largest } else { 0.0 };
    ranks.iter().map(|rank| (rank * scale + 0.381_966) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sums_have_equal_keys_and_larger_ranks_larger_ones() {
        let ranks = [0.1 + 0.2, 0.3, 0.3 + 1e-9, 1000.0, 0.0];
        assert_ne!(ranks[0], ranks[1]);
        let keys = keys(&ranks);
        assert_eq!(keys[0], keys[1]);
        assert!(keys[2] > keys[1] && keys[3] > keys[2] && keys[4] == 0);
    }
}
