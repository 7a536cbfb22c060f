//! First-fit: each ready task, first in first out, on the first device with a free core.
//!
//! One central queue, the simplest thing that keeps a machine busy; StarPU calls it `eager`. It is
//! in common use without a paper of its own.
//!
//! Tasks bind late: one is placed only when enough lanes are free, so nothing is known or guessed
//! about durations or data. *Insertion*: a task that needs several cores and finds too few keeps
//! its devices from younger tasks until it fits; younger ones that can run on none of them pass
//! it. *Ties*: tasks in the order of their readiness, then the first device. *Complexity*: O(1) per
//! task and 64 devices, for each kind of task that waits (same cores, same able devices).

use crate::bits::Devices;
use crate::desk::{Desk, Job};
use crate::kinds::{FreeLanes, Kinds};
use runtime::registry::SchedulerInfo;
use runtime::scheduler::Stage;
use runtime::{Decisions, Event, Scheduler, TaskId, View};
use std::collections::VecDeque;

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "first-fit",
    summary: "each ready task, first in first out, on the first device with a free core",
    paper: "none: in common use as a baseline",
    parameters: &[],
    build: |_, _| Box::new(FirstFit::default()),
};

/// See the module's documentation.
#[derive(Default)]
pub struct FirstFit {
    desk: Desk,
    kinds: Kinds,
    /// Waiting tasks by kind, each with its number in the order of readiness.
    queues: Vec<VecDeque<(u64, TaskId)>>,
    queued: u64,
    free: Option<FreeLanes>,
    /// Reused from call to call.
    blocked: Devices,
    jobs: Vec<Job>,
}

impl FirstFit {
    fn enqueue(&mut self, task: TaskId, view: &View<'_>) {
        let Some((kind, is_new)) = self.kinds.of(&self.desk.candidates(view, task)) else {
            return self.desk.defer(task);
        };
        if is_new {
            self.queues.push(VecDeque::new());
        }
        self.queues[kind].push_back((self.queued, task));
        self.queued += 1;
    }

    /// Places what fits, the oldest first.
    fn serve(&mut self, view: &View<'_>, out: &mut Decisions) {
        let Some(free) = self.free.as_mut() else { return };
        self.blocked.clear();
        // Kinds from `passed` on in the order of their oldest task have not been tried yet.
        let mut passed = 0;
        loop {
            let heads = self.queues.iter().enumerate();
            let heads = heads.filter_map(|(kind, q)| q.front().map(|h| (h.0, kind)));
            let Some((age, kind)) = heads.filter(|h| h.0 >= passed).min() else { return };
            let needs = self.kinds.get(kind);
            if let Some(&(_, task)) = self.queues[kind].front()
                && view.stage(task) != Stage::Ready
            {
                // What it reads is made again: later ones may be what makes it.
                self.queues[kind].pop_front();
                self.desk.defer(task);
                continue;
            }
            match free.first(needs, &self.blocked) {
                Some(device) => {
                    let head = self.queues[kind].pop_front();
                    if let Some((_, task)) = head {
                        // One of a gang that runs by itself now is not counted when it ends.
                        if view.graph().task(task).gang.is_none() {
                            free.take(device, needs.cores);
                        }
                        out.place(task, device);
                    }
                }
                None => {
                    self.blocked.insert_all(&needs.devices);
                    passed = age + 1;
                }
            }
        }
    }
}

impl Scheduler for FirstFit {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        if self.free.is_none() {
            self.blocked = Devices::new(view.cluster().device_count());
        }
        let free = self.free.get_or_insert_with(|| FreeLanes::new(view.cluster()));
        for event in events {
            free.note(event, view);
        }
        let mut jobs = std::mem::take(&mut self.jobs);
        for event in events {
            self.desk.note(event, view, |job| jobs.push(job));
            for job in jobs.drain(..) {
                match job {
                    Job::Task(task) => self.enqueue(task, view),
                    Job::Gang(gang) => self.desk.place_gang(gang, view, |c| c.first(), out),
                }
            }
        }
        self.jobs = jobs;
        self.serve(view, out);
    }
}
