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
