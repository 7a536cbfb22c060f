//! Every planner is a scheduler.

use super::order::checked_order;
use super::{Planner, Progress, Schedule};
use crate::scheduler::{Decision, Decisions, Event, LaneOrder, Options, Refusal, Scheduler, View};
use crate::{DeviceId, LaneId};

/// Runs a planner's schedule: every task on its lane, in the planned order. Plans anew, from what
/// is left, whenever the graph grows, a device is lost or joins, or finished tasks have to run
/// again. A task whose attempt failed goes where the plan has it. While a task has no device that
/// could run it, no plan is made; the last one goes on as far as it can.
///
/// A placement that is refused for another reason than coming too late or to a device that is lost
/// ends the run: the plan means something that the machine cannot do.
pub struct Planned<P> {
    planner: P,
    plans: Vec<Progress>,
    /// By task: where the last plan with it has it.
    places: Vec<Place>,
    /// Plans made.
    count: u32,
}

#[derive(Clone, Copy)]
struct Place {
    /// Number of the plan; 0 = none.
    plan: u32,
    device: DeviceId,
    lane: LaneId,
    priority: i64,
}

const NOWHERE: Place = Place { plan: 0, device: DeviceId(0), lane: LaneId(0), priority: 0 };

impl<P: Planner> Planned<P> {
    /// A scheduler that follows `planner`.
    pub fn new(planner: P) -> Self {
        Self { planner, plans: Vec::new(), places: Vec::new(), count: 0 }
    }

    fn place_all(&mut self, schedule: &Schedule, order: &[usize], out: &mut Decisions) {
        for (at, &i) in order.iter().enumerate() {
            let a = &schedule.assignments[i];
            let (plan, priority) = (self.count, -(at as i64));
            self.places[a.task.index()] = Place { plan, device: a.device, lane: a.lane, priority };
            out.place_on(a.task, a.device, a.lane, priority);
        }
    }

    fn plan(&mut self, view: &View<'_>, out: &mut Decisions) {
        let problem = view.problem();
        if problem.tasks.iter().any(|t| !problem.can_run(*t)) {
            return;
        }
        let closed = problem.closed_graph();
        let problem = match &closed {
            Some(graph) => problem.on(graph),
            None => problem,
        };
        let planned = self.planner.plan(&problem);
        self.plans.extend(self.planner.take_progress());
        let schedule = match planned {
            Ok(schedule) => schedule,
            Err(failure) => return out.give_up(failure.to_string()),
        };
        self.places.resize(view.graph().len(), NOWHERE);
        self.count += 1;
        match checked_order(&problem, &schedule) {
            Ok(order) => self.place_all(&schedule, &order, out),
            Err(error) => out.give_up(error.to_string()),
        }
    }

    /// Places tasks again whose attempts failed. One that ran when the last plan was made has no
    /// place in it: then it takes a new one.
    fn place_again(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let lost = events.iter().filter_map(|event| match *event {
            Event::AttemptLost { task, .. } => view.placement(task).is_none().then_some(task),
            _ => None,
        });
        for task in lost {
            let Place { plan, device, lane, priority } = self.places[task.index()];
            if plan != self.count {
                *out = Decisions::default();
                return self.plan(view, out);
            }
            out.place_on(task, device, lane, priority);
        }
    }
}

/// What makes a plan worthless.
fn broken(event: &Event) -> Option<String> {
    match event {
        // It runs, or a new plan is due anyway.
        Event::Refused {
            reason: Refusal::AlreadyIssued | Refusal::DeviceLost(_) | Refusal::WaitsAgain(_),
            ..
        } => None,
        Event::Refused { decision: Decision::Place { task, device, .. }, reason } => {
            Some(format!("the plan's placement of {task} on {device} was refused: {reason}"))
        }
        _ => None,
    }
}

/// Whether an event asks for a new plan.
fn is_turn(event: &Event) -> bool {
    matches!(
        event,
        Event::GraphGrew { .. }
            | Event::DeviceLost { .. }
            | Event::DeviceJoined { .. }
            | Event::LinkChanged { .. }
            | Event::Redone { .. }
    )
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
        match events.iter().any(is_turn) {
            true => self.plan(view, out),
            false => self.place_again(events, view, out),
        }
    }
}
