//! CPOP, Critical Path on a Processor.
//!
//! H. Topcuoglu, S. Hariri and M.-Y. Wu, "Performance-effective and low-complexity task scheduling
//! for heterogeneous computing", IEEE Transactions on Parallel and Distributed Systems 13(3), 2002.
//!
//! Among ready tasks the one with the largest sum of upward and downward rank is placed next: where
//! it finishes first or, on the critical path, on the device on which that path takes the least
//! time. The path follows from the entry task of largest priority one successor of largest priority
//! at a time. *Insertion*: the earliest gap that is long enough, as in the paper; without it only
//! after everything else. *Ties*: between priorities, which are equal within a 2^40th of the
//! largest, the first task in Kahn's order; between devices the first. *Complexity*: O(e p) for `e`
//! edges and `p` devices, plus the search for gaps.
//!
//! Beyond the paper: the path's processor is a device with all of its lanes. A task of the path
//! that it cannot run, and a gang, are placed as if they were not on the path; the device chosen
//! runs as many tasks of the path as possible.

use crate::heft::{INSERTION, policy};
use crate::order::Order;
use crate::ranks;
use crate::ready::Ready;
use runtime::partial_schedule::Policy;
use runtime::planner::PlanFailure;
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, PartialSchedule, Planned, Planner, Problem, Schedule, TaskId};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "cpop",
    summary: "list scheduling with the whole critical path on one device",
    paper: "Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002",
    parameters: &[INSERTION],
    build: |parameters, _| Box::new(Planned::new(Cpop { policy: policy(parameters) })),
};

/// See the module's documentation.
pub struct Cpop {
    /// Whether gaps are filled.
    pub policy: Policy,
}

impl Planner for Cpop {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let order = Order::new(problem)?;
        let mut priorities = ranks::upward(problem, &order);
        let downward = ranks::downward(problem, &order);
        priorities.iter_mut().zip(&downward).for_each(|(up, down)| *up += down);
        let keys = ranks::keys(&priorities);
        let path = critical_path(problem, &order, &keys);
        let Some(device) = path_device(problem, &path) else { return Ok(Schedule::default()) };
        let mut is_critical = vec![false; problem.graph.len()];
        path.iter().for_each(|t| is_critical[t.index()] = true);
        let mut partial = PartialSchedule::new(problem);
        let mut ready = Ready::new(problem, &order, &keys);
        while let Some(unit) = ready.pop() {
            if let [task] = unit {
                let on_path = is_critical[task.index()].then_some(device);
                let slot = match on_path.and_then(|d| partial.slot(*task, d, self.policy)) {
                    Some(slot) => slot,
                    None => partial.earliest_finish(*task, self.policy)?,
                };
                partial.place(*task, slot);
            } else {
                partial.place_gang(unit)?;
            }
            ready.placed(unit);
        }
        Ok(partial.into_schedule())
    }
}

/// One path of largest priority from an entry to an exit; empty without tasks.
fn critical_path(problem: &Problem<'_>, order: &Order, keys: &[u64]) -> Vec<TaskId> {
    let largest = |tasks: &mut dyn Iterator<Item = TaskId>| {
        tasks.max_by_key(|t| (keys[t.index()], std::cmp::Reverse(order.position(*t))))
    };
    let graph = problem.graph;
    let is_entry = |t: &TaskId| !graph.incoming(*t).iter().any(|e| problem.is_planned(e.from));
    let mut path = Vec::new();
    let mut next = largest(&mut order.tasks().iter().copied().filter(is_entry));
    while let Some(task) = next {
        path.push(task);
        next = largest(&mut graph.outgoing(task).map(|e| e.to));
    }
    path
}

/// The device that can run most of the path, in the least time; the first one of those.
fn path_device(problem: &Problem<'_>, path: &[TaskId]) -> Option<DeviceId> {
    let cost = |device: DeviceId| {
        let lanes = problem.cluster.device(device).lanes;
        let wide_enough = path.iter().filter(|t| problem.graph.task(**t).cores <= lanes);
        let durations = wide_enough.filter_map(|t| problem.costs.duration_ns(*t, device));
        let (tasks, sum_ns) = durations.fold((0, 0u128), |(n, ns), d| (n + 1, ns + u128::from(d)));
        (std::cmp::Reverse(tasks), sum_ns)
    };
    problem.cluster.device_ids().filter(|_| !path.is_empty()).min_by_key(|d| cost(*d))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costs, topcuoglu};

    #[test]
    fn schedule_of_the_paper() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let schedule = Cpop { policy: Policy::Insertion }.plan(&problem).unwrap();
        assert_eq!(schedule.makespan_ns(), 86);
    }

    #[test]
    fn priorities_and_critical_path_of_the_paper() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let order = Order::new(&problem).unwrap();
        let downward = ranks::downward(&problem, &order);
        // Table 3 of the paper, rank_d.
        let printed = [0.0, 31.0, 25.0, 22.0, 24.0, 27.0, 62.333, 66.667, 63.667, 93.333];
        for (rank, printed) in downward.iter().zip(printed) {
            assert!((rank - printed).abs() < 5e-4, "{rank} is not {printed}");
        }
        let upward = ranks::upward(&problem, &order);
        let sums: Vec<f64> = upward.iter().zip(&downward).map(|(u, d)| u + d).collect();
        let path = critical_path(&problem, &order, &ranks::keys(&sums));
        assert_eq!(path, [TaskId(0), TaskId(1), TaskId(8), TaskId(9)]);
        assert_eq!(path_device(&problem, &path), Some(DeviceId(1)), "54 against 66 and 63");
    }
}
