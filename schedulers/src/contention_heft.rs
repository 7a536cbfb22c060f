//! HEFT that counts with full links.
//!
//! O. Sinnen and L. A. Sousa, "Communication contention in task scheduling", IEEE Transactions on
//! Parallel and Distributed Systems 16(6), 2005: list scheduling in which every transfer is itself
//! scheduled on the links of its route, so that a processor whose data would have to queue looks as
//! late as it is. Order of tasks and choice of processors are those of [`Heft`](crate::heft).
//!
//! *Complexity*: HEFT's, times the links of a route and the inputs of a task.

use crate::heft::{INSERTION, policy};
use crate::order::Order;
use crate::ranks;
use runtime::partial_schedule::Policy;
use runtime::planner::PlanFailure;
use runtime::registry::SchedulerInfo;
use runtime::{PartialSchedule, Planned, Planner, Problem, Schedule};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "contention-heft",
    summary: "HEFT that books every transfer on the links of its route",
    paper: "Sinnen and Sousa, IEEE TPDS 16(6), 2005",
    parameters: &[INSERTION],
    build: |parameters, _| Box::new(Planned::new(ContentionHeft { policy: policy(parameters) })),
};

/// See the module's documentation.
pub struct ContentionHeft {
    /// Whether gaps between tasks are filled; gaps between transfers always are.
    pub policy: Policy,
}

impl Planner for ContentionHeft {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let order = Order::new(problem)?;
        let keys = ranks::keys(&ranks::upward(problem, &order));
        let partial = PartialSchedule::with_links(problem);
        crate::heft::place_all(problem, &order, &keys, partial, self.policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heft::Heft;
    use crate::testing::{costs, topcuoglu};
    use runtime::cluster::{DeviceSpec, LinkSpec, MemorySpec, NetworkModel, SwitchSpec};
    use runtime::graph::{Mode, ObjectSpec, TaskGraph, TaskSpec};
    use runtime::{Cluster, ClusterSpec, Cost, Costs};

    #[test]
    fn without_contention_it_is_heft() {
        let (graph, cluster) = topcuoglu();
        assert_eq!(cluster.network(), NetworkModel::ContentionFree);
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let policy = Policy::Insertion;
        let plan = ContentionHeft { policy }.plan(&problem).unwrap();
        assert_eq!(plan, Heft { policy }.plan(&problem).unwrap());
    }

    /// Nodes of one lane on a switch: a unit of work, or a byte over a link, takes a nanosecond.
    fn star(nodes: usize) -> Cluster {
        let name = |i: usize| format!("m{i}");
        let memory = |i| MemorySpec { name: name(i), ..MemorySpec::default() };
        let device = |i| DeviceSpec {
            name: format!("d{i}"),
            class: "cpu".into(),
            memory: name(i),
            lanes: 1,
            speed: 1e9,
            ..DeviceSpec::default()
        };
        let link = |i| LinkSpec {
            name: format!("l{i}"),
            a: name(i),
            b: "switch".into(),
            bytes_per_s: 1e9,
            ..LinkSpec::default()
        };
        let spec = ClusterSpec {
            name: "star".into(),
            memories: (0..nodes).map(memory).collect(),
            devices: (0..nodes).map(device).collect(),
            switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
            links: (0..nodes).map(link).collect(),
            homes: vec![name(0)],
            ..ClusterSpec::default()
        };
        Cluster::new(spec).unwrap()
    }

    #[test]
    fn tasks_stay_where_their_data_are_while_the_link_is_full() {
        let mut graph = TaskGraph::new("readers");
        let kernel = graph.kernel("read");
        for _ in 0..8 {
            let spec = ObjectSpec { bytes: 1_000, initial: true, ..ObjectSpec::default() };
            let data = graph.add_object(spec).unwrap();
            let (accesses, cost) = (&[(data, Mode::Read)][..], Cost::Work(1_000.0));
            graph.submit(TaskSpec { accesses, cost, ..TaskSpec::new(kernel) }).unwrap();
        }
        let cluster = star(3);
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let plan = ContentionHeft { policy: Policy::Insertion }.plan(&problem).unwrap();
        // The home's link sends one object a microsecond: what arrives at 1, 2 and 3 us runs
        // elsewhere, the rest one after the other at home. Others would take over from 4 us on.
        assert_eq!(plan.makespan_ns(), 5_000);
        let at_home = plan.assignments.iter().filter(|a| a.device.0 == 0).count();
        assert_eq!(at_home, 5);
        // Each transfer alone would let three nodes share the work.
        let blind = Heft { policy: Policy::Insertion }.plan(&problem).unwrap();
        assert!(blind.assignments.iter().filter(|a| a.device.0 == 0).count() < 5);
    }
}
