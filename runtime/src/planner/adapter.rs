//! Every planner is a scheduler.

use super::order::checked_order;
use super::{Planner, Progress, Schedule};
use crate::scheduler::{Decision, Decisions, Event, LaneOrder, Options, Refusal, Scheduler, View};

/// Runs a planner's schedule: every task on its lane, in the planned order. Plans anew, from what
/// is left, whenever the graph grows.
///
/// A placement that is refused for another reason than coming too late ends the run: the plan
/// means something that the machine cannot do.
pub struct Planned<P> {
    planner: P,
    plans: Vec<Progress>,
}

impl<P: Planner> Planned<P> {
    /// A scheduler that follows `planner`.
    pub fn new(planner: P) -> Self {
        Self { planner, plans: Vec::new() }
    }

    fn place_all(&self, schedule: &Schedule, order: &[usize], out: &mut Decisions) {
        for (at, &i) in order.iter().enumerate() {
            let a = &schedule.assignments[i];
            out.place_on(a.task, a.device, a.lane, -(at as i64));
        }
    }
}

/// What makes a plan worthless.
fn broken(event: &Event) -> Option<String> {
    match event {
        Event::Refused { reason: Refusal::AlreadyIssued, .. } => None,
        Event::Refused { decision: Decision::Place { task, device, .. }, reason } => {
            Some(format!("the plan's placement of {task} on {device} was refused: {reason}"))
        }
        _ => None,
    }
}

impl<P: Planner> Scheduler for Planned<P> {
    fn options(&self) -> Options {
        Options { lane_order: LaneOrder::Strict, ..Options::default() }
    }

    fn plans(&self) -> &[Progress] {
        &self.plans
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        if let Some(reason) = events.iter().find_map(broken) {
            return out.give_up(reason);
        }
        if !events.iter().any(|e| matches!(e, Event::GraphGrew { .. })) {
            return;
        }
        let problem = view.problem();
        let planned = self.planner.plan(&problem);
        self.plans.extend(self.planner.take_progress());
        let schedule = match planned {
            Ok(schedule) => schedule,
            Err(failure) => return out.give_up(failure.to_string()),
        };
        match checked_order(&problem, &schedule) {
            Ok(order) => self.place_all(&schedule, &order, out),
            Err(error) => out.give_up(error.to_string()),
        }
    }
}
