//! A planner that thinks apart from the run, and a scheduler for the meantime.

use super::{Planner, Progress, Schedule, SharedPlanner};
use crate::scheduler::{
    Decision, Decisions, Event, LaneOrder, Options, Refusal, Scheduler, Stage, View,
};
use crate::{DeviceId, TaskId};

/// Follows a planner's schedules as they come, and a fallback until then.
///
/// The planner works on a snapshot, elsewhere ([`Decisions::plan_apart`]): no lane waits for it,
/// however long it takes. Ready tasks that no plan knows yet are placed by the fallback. When a
/// plan arrives, everything that was not issued is placed as the plan says, by device and in the
/// order of its starts; lanes stay free to run what is runnable, since the plan was made for a
/// moment that has passed. A plan that fails or is refused changes nothing.
///
/// It plans when the graph grows and, with `replan_after`, whenever so many more tasks have
/// finished; never while it is planning already.
pub struct PlannedApart {
    planner: SharedPlanner,
    fallback: Box<dyn Scheduler>,
    replan_after: Option<u32>,
    /// Tasks finished since the last snapshot.
    finished: u32,
    is_planning: bool,
    is_plan_wanted: bool,
    /// By task: whether a plan knows it.
    is_known: Vec<bool>,
    plans: Vec<Progress>,
    /// What the fallback is told and answers; reused.
    told: Vec<Event>,
    answer: Decisions,
}

impl PlannedApart {
    /// `fallback` must not ask for strict lane order or for a plan of its own.
    pub fn new(
        planner: impl Planner + 'static,
        fallback: Box<dyn Scheduler>,
        replan_after: Option<u32>,
    ) -> Self {
        Self {
            planner: SharedPlanner::new(planner),
            fallback,
            replan_after,
            finished: 0,
            is_planning: false,
            is_plan_wanted: false,
            is_known: Vec::new(),
            plans: Vec::new(),
            told: Vec::new(),
            answer: Decisions::default(),
        }
    }

    /// Notes an event; whether the fallback is to be told of it.
    fn note(&mut self, event: &Event, view: &View<'_>, out: &mut Decisions) -> bool {
        match *event {
            Event::GraphGrew { .. } => {
                self.is_plan_wanted = true;
                self.is_known.resize(view.graph().len(), false);
            }
            Event::Finished { .. } => {
                self.finished += 1;
                self.is_plan_wanted |= self.replan_after.is_some_and(|n| self.finished >= n);
            }
            Event::Ready { task } => return !self.is_known[task.index()],
            Event::DeviceLost { .. } | Event::DeviceJoined { .. } | Event::LinkChanged { .. } => {
                self.is_plan_wanted = true
            }
            Event::AttemptLost { task, .. } | Event::Redone { task } => {
                // The plan meant another moment: the fallback places it when it is ready.
                self.is_known[task.index()] = false;
            }
            Event::Planned { ref plan } => {
                self.is_planning = false;
                self.plans.extend(self.planner.with(|planner| planner.take_progress()));
                if let Ok(schedule) = plan {
                    self.follow(schedule, view, out);
                }
                return false;
            }
            // What the plan says cannot be done: the fallback decides, if it has not before.
            Event::Refused { decision: Decision::Place { task, .. }, ref reason } => {
                let is_known = self.is_known.get(task.index()).copied().unwrap_or(false);
                if is_known && *reason != Refusal::AlreadyIssued {
                    self.is_known[task.index()] = false;
                    if view.stage(task) == Stage::Ready {
                        self.told.push(Event::Ready { task });
                    }
                }
                return !is_known;
            }
            Event::Refused { decision: Decision::PlanApart, .. } => return false,
            _ => {}
        }
        true
    }

    /// Places all that was not issued yet.
    fn follow(&mut self, schedule: &Schedule, view: &View<'_>, out: &mut Decisions) {
        let is_open = |task: TaskId| view.stage(task) < Stage::Running;
        let mut order: Vec<(u64, TaskId, DeviceId)> = schedule
            .assignments
            .iter()
            .filter(|a| a.task.index() < self.is_known.len() && is_open(a.task))
            .map(|a| (a.start_ns, a.task, a.device))
            .collect();
        // Submission order decides between equal starts; it is topological.
        order.sort_unstable();
        for (at, (_, task, device)) in order.into_iter().enumerate() {
            self.is_known[task.index()] = true;
            out.place_with_priority(task, device, -(at as i64));
        }
    }

    fn ask_fallback(&mut self, view: &View<'_>, out: &mut Decisions) {
        let told = std::mem::take(&mut self.told);
        if !told.is_empty() {
            self.fallback.decide(&told, view, &mut self.answer);
            let mut list = self.answer.take();
            list.drain(..).for_each(|decision| out.push(decision));
            self.answer.put_back(list);
        }
        self.told = told;
        self.told.clear();
    }
}

impl Scheduler for PlannedApart {
    fn options(&self) -> Options {
        Options { lane_order: LaneOrder::Runnable, ..self.fallback.options() }
    }

    fn plans(&self) -> &[Progress] {
        &self.plans
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if self.note(event, view, out) {
                self.told.push(event.clone());
            }
        }
        self.ask_fallback(view, out);
        let is_left = view.finished() < view.graph().len();
        if self.is_plan_wanted && !self.is_planning && is_left {
            self.is_plan_wanted = false;
            self.is_planning = true;
            self.finished = 0;
            out.plan_apart(&self.planner);
        }
    }
}
