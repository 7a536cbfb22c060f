//! A scheduler that is watched: what its thinking takes of the processor, and whether its time is
//! up. What it decides is passed on unchanged.

use runtime::scheduler::{Eviction, Options};
use runtime::{Decisions, Event, Ns, Progress, Scheduler, View};
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What was measured, shared with the watched scheduler.
#[derive(Debug, Default)]
pub struct Watch {
    planning_ns: AtomicU64,
    longest_call_ns: AtomicU64,
    calls: AtomicU64,
    is_late: AtomicBool,
    plans: Mutex<Vec<Progress>>,
}

impl Watch {
    /// Processor time inside the scheduler, all calls together.
    pub fn planning_ns(&self) -> Ns {
        self.planning_ns.load(Ordering::Relaxed)
    }

    /// The longest single call.
    pub fn longest_call_ns(&self) -> Ns {
        self.longest_call_ns.load(Ordering::Relaxed)
    }

    /// How often it was called.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether it was ended because its time was up.
    pub fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }

    /// The scheduler's reports of its plans.
    pub fn take_plans(&self) -> Vec<Progress> {
        std::mem::take(&mut self.plans.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// See the module's documentation.
pub struct Watched {
    scheduler: Box<dyn Scheduler>,
    watch: Arc<Watch>,
    eviction: Option<Eviction>,
    decision_interval_ns: Option<Ns>,
    deadline: Option<Instant>,
    /// Reports of plans that were passed on.
    plans: usize,
}

impl Watched {
    /// Watches `scheduler`; `eviction` and `decision_interval_ns` overrule its own choice, and
    /// after `deadline` it gives up.
    pub fn new(
        scheduler: Box<dyn Scheduler>,
        watch: &Arc<Watch>,
        eviction: Option<Eviction>,
        decision_interval_ns: Option<Ns>,
        deadline: Option<Instant>,
    ) -> Self {
        let watch = Arc::clone(watch);
        Self { scheduler, watch, eviction, decision_interval_ns, deadline, plans: 0 }
    }
}

impl Scheduler for Watched {
    fn options(&self) -> Options {
        let options = self.scheduler.options();
        Options {
            eviction: self.eviction.unwrap_or(options.eviction),
            decision_interval_ns: self.decision_interval_ns.unwrap_or(options.decision_interval_ns),
            ..options
        }
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let before_ns = thread_ns();
        self.scheduler.decide(events, view, out);
        let ns = thread_ns().saturating_sub(before_ns);
        self.watch.planning_ns.fetch_add(ns, Ordering::Relaxed);
        self.watch.longest_call_ns.fetch_max(ns, Ordering::Relaxed);
        self.watch.calls.fetch_add(1, Ordering::Relaxed);
        let plans = self.scheduler.plans();
        if plans.len() > self.plans {
            let mut all = self.watch.plans.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend_from_slice(&plans[self.plans..]);
            self.plans = plans.len();
        }
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.watch.is_late.store(true, Ordering::Relaxed);
            out.give_up("its time was up");
        }
    }
}

/// Processor time of the calling thread.
pub fn thread_ns() -> Ns {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as Ns * 1_000_000_000 + time.tv_nsec as Ns
}
