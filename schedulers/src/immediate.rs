//! Immediate mode: every task is placed the moment it is ready (the term is that of Maheswaran et
//! al., 1999). What remains of such a scheduler is a rule that picks a device.

use crate::candidates::Candidates;
use crate::desk::{Desk, Job};
use runtime::{Decisions, DeviceId, Event, Scheduler, TaskId, View};

/// Picks devices for ready tasks.
pub trait Immediate: Send {
    /// The device that the task is placed on, one of the candidates; `None` when there is none.
    fn choose(&mut self, candidates: &Candidates<'_>) -> Option<DeviceId>;

    /// The task's priority on that device; larger runs earlier.
    fn priority(&self, _task: TaskId) -> i64 {
        0
    }

    /// Takes note of an event before tasks are placed because of it.
    fn observe(&mut self, _event: &Event, _view: &View<'_>) {}
}

/// Makes a rule a scheduler.
pub struct Immediately<R> {
    rule: R,
    desk: Desk,
    jobs: Vec<Job>,
}

impl<R: Immediate> Immediately<R> {
    /// A scheduler that follows `rule`.
    pub fn new(rule: R) -> Self {
        Self { rule, desk: Desk::default(), jobs: Vec::new() }
    }

    fn place(&mut self, task: TaskId, view: &View<'_>, out: &mut Decisions) {
        match self.rule.choose(&self.desk.candidates(view, task)) {
            Some(device) => out.place_with_priority(task, device, self.rule.priority(task)),
            None => self.desk.defer(task),
        }
    }
}

impl<R: Immediate> Scheduler for Immediately<R> {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let mut jobs = std::mem::take(&mut self.jobs);
        for event in events {
            self.rule.observe(event, view);
            self.desk.note(event, view, |job| jobs.push(job));
            for job in jobs.drain(..) {
                match job {
                    Job::Task(task) => self.place(task, view, out),
                    Job::Gang(gang) => {
                        self.desk.place_gang(gang, view, |c| self.rule.choose(c), out);
                    }
                }
            }
        }
        self.jobs = jobs;
    }
}
