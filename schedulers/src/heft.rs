//! HEFT, Heterogeneous Earliest Finish Time.
//!
//! H. Topcuoglu, S. Hariri and M.-Y. Wu, "Performance-effective and low-complexity task scheduling
//! for heterogeneous computing", IEEE Transactions on Parallel and Distributed Systems 13(3), 2002.
//!
//! Tasks are taken by decreasing upward rank and placed where they finish first. *Insertion*: the
//! earliest gap that is long enough, as in the paper; without it only after everything else.
//! *Ties*: between ranks the first task in Kahn's order, between finish times the first device,
//! then its first lane. *Complexity*: O(e p) for `e` edges and `p` devices, plus the search for
//! gaps.
//!
//! Beyond the paper: a device with several lanes is that many processors of one memory, tasks of
//! several cores take consecutive lanes, a gang is placed when its rank, the largest of its tasks,
//! comes up.

use crate::order::Order;
use crate::ranks;
use runtime::partial_schedule::Policy;
use runtime::planner::PlanFailure;
use runtime::registry::{Kind, ParameterInfo, SchedulerInfo};
use runtime::{PartialSchedule, Planned, Planner, Problem, Schedule};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "heft",
    summary: "list scheduling by upward rank, each task where it finishes first",
    paper: "Topcuoglu, Hariri and Wu, IEEE TPDS 13(3), 2002",
    parameters: &[INSERTION],
    build: |parameters, _| Box::new(Planned::new(Heft { policy: policy(parameters) })),
};

/// Whether tasks may fill gaps; shared with the other planners of this family.
pub(crate) const INSERTION: ParameterInfo = ParameterInfo {
    name: "insertion",
    summary: "whether a task may fill a gap between tasks placed earlier",
    kind: Kind::Bool { default: true },
};

/// What [`INSERTION`] says.
pub(crate) fn policy(parameters: &runtime::registry::Parameters) -> Policy {
    match parameters.bool("insertion") {
        true => Policy::Insertion,
        false => Policy::Append,
    }
}

/// See the module's documentation.
pub struct Heft {
    /// Whether gaps are filled.
    pub policy: Policy,
}

impl Planner for Heft {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let order = Order::new(problem)?;
        let keys = ranks::keys(&ranks::upward(problem, &order));
        place_all(problem, &order, &keys, PartialSchedule::new(problem), self.policy)
    }
}

/// Places all tasks by their keys, each where it finishes first.
pub(crate) fn place_all(
    problem: &Problem<'_>,
    order: &Order,
    keys: &[u64],
    mut partial: PartialSchedule<'_>,
    policy: Policy,
) -> Result<Schedule, PlanFailure> {
    for leader in order.by_key(problem.graph, keys) {
        match order.units().of(problem.graph, &leader) {
            [task] => {
                let slot = partial.earliest_finish(*task, policy)?;
                partial.place(*task, slot);
            }
            gang => partial.place_gang(gang)?,
        }
    }
    Ok(partial.into_schedule())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costs, topcuoglu};

    #[test]
    fn upward_ranks_of_the_paper() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let ranks = ranks::upward(&problem, &Order::new(&problem).unwrap());
        // Table 3 of the paper.
        let printed = [108.0, 77.0, 80.0, 80.0, 69.0, 63.333, 42.667, 35.667, 44.333, 14.667];
        for (rank, printed) in ranks.iter().zip(printed) {
            assert!((rank - printed).abs() < 5e-4, "{rank} is not {printed}");
        }
    }

    #[test]
    fn schedule_of_the_paper() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let schedule = Heft { policy: Policy::Insertion }.plan(&problem).unwrap();
        assert_eq!(schedule.makespan_ns(), 80);
        // Figure 4: which processor runs which task.
        let mut devices = [0; 10];
        schedule.assignments.iter().for_each(|a| devices[a.task.index()] = a.device.0 + 1);
        assert_eq!(devices, [3, 1, 3, 2, 3, 2, 3, 1, 2, 2]);
    }

    #[test]
    fn without_insertion_no_gap_is_filled() {
        let (graph, cluster) = topcuoglu();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let schedule = Heft { policy: Policy::Append }.plan(&problem).unwrap();
        let mut ends = [0; 3];
        for a in &schedule.assignments {
            assert!(a.start_ns >= ends[a.lane.index()]);
            ends[a.lane.index()] = a.finish_ns;
        }
    }
}
