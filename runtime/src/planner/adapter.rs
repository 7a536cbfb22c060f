//! Every planner is a scheduler.

use super::order::checked_order;
use super::{Planner, Schedule};
use crate::scheduler::{Decisions, Event, LaneOrder, Options, Scheduler, View};

/// Runs a planner's schedule: every task on its lane, in the planned order. Plans anew, from what
/// is left, whenever the graph grows.
pub struct Planned<P> {
    planner: P,
}

impl<P: Planner> Planned<P> {
    /// A scheduler that follows `planner`.
    pub fn new(planner: P) -> Self {
        Self { planner }
    }

    fn place_all(&self, schedule: &Schedule, order: &[usize], out: &mut Decisions) {
        for (at, &i) in order.iter().enumerate() {
            let a = &schedule.assignments[i];
            out.place_on(a.task, a.device, a.lane, -(at as i64));
        }
    }
}

impl<P: Planner> Scheduler for Planned<P> {
    fn options(&self) -> Options {
        Options { lane_order: LaneOrder::Strict, ..Options::default() }
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        if !events.iter().any(|e| matches!(e, Event::GraphGrew { .. })) {
            return;
        }
        let problem = view.problem();
        let schedule = match self.planner.plan(&problem) {
            Ok(schedule) => schedule,
            Err(failure) => return out.give_up(failure.to_string()),
        };
        match checked_order(&problem, &schedule) {
            Ok(order) => self.place_all(&schedule, &order, out),
            Err(error) => out.give_up(error.to_string()),
        }
    }
}
