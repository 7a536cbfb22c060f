//! What the threads of a run share without a lock: mailboxes, the clock, the word to stop.

use crate::buffers::Loan;
use crate::clock::Clock;
use runtime::kernel::Kernel;
use runtime::{Ns, TaskId};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// No lane, no body.
pub(crate) const NONE: u32 = u32::MAX;

/// Looks at an empty mailbox before its owner goes to sleep: about as long as waking up takes.
const SPINS: u32 = 400;

/// A task on its way to a worker. Jobs are reused: passing one on swaps it with an empty one.
pub(crate) struct Job {
    pub task: TaskId,
    /// Index of its body, or [`NONE`].
    pub body: u32,
    pub cores: u32,
    pub shape: [u32; 4],
    pub params: Vec<i64>,
    /// One per access.
    pub loans: Vec<Loan>,
    pub scratch_bytes: u64,
    /// How long it lasts without a body.
    pub duration_ns: Ns,
}

impl Default for Job {
    fn default() -> Self {
        Self {
            task: TaskId(NONE),
            body: NONE,
            cores: 1,
            shape: [0; 4],
            params: Vec::new(),
            loans: Vec::new(),
            scratch_bytes: 0,
            duration_ns: 0,
        }
    }
}

/// Where a worker finds its next task. Aligned so that two workers' flags share no cache line.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Mailbox {
    /// Whether there is a job in it.
    is_full: AtomicU32,
    job: Mutex<Job>,
    owner: OnceLock<Thread>,
}

impl Mailbox {
    /// The job to fill in before [`Mailbox::post`].
    pub fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets its owner find the job.
    fn post(&self) {
        self.is_full.store(1, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(owner) = self.owner.get() {
            owner.unpark();
        }
    }
}

/// A worker's, or the service's, own part of a turn at the executive.
#[derive(Default)]
pub(crate) struct Turn {
    /// The worker's lane; `None` for the service and at the start.
    pub lane: Option<u32>,
    /// The job that it brings back, then the one that it takes along.
    pub job: Job,
    /// Whether it takes one along.
    pub has_job: bool,
    /// Lanes whose mailboxes were filled.
    pub filled: Vec<u32>,
    /// Whether there is something new for the service.
    pub is_service_asked: bool,
    /// Whether the run is over and drained.
    pub is_over: bool,
}

/// See the module's documentation.
pub(crate) struct Crew {
    pub clock: Clock,
    pub mailboxes: Vec<Mailbox>,
    pub bodies: Vec<Arc<dyn Kernel>>,
    pub service: OnceLock<Thread>,
    pub stop: AtomicBool,
    over: Mutex<bool>,
    over_rings: Condvar,
}

impl Crew {
    pub fn new(lanes: usize, bodies: Vec<Arc<dyn Kernel>>) -> Self {
        Self {
            clock: Clock::default(),
            mailboxes: (0..lanes).map(|_| Mailbox::default()).collect(),
            bodies,
            service: OnceLock::new(),
            stop: AtomicBool::new(false),
            over: Mutex::new(false),
            over_rings: Condvar::new(),
        }
    }

    /// Makes the calling thread the owner of a mailbox.
    pub fn own(&self, lane: u32) {
        let owner = &self.mailboxes[lane as usize].owner;
        owner.set(std::thread::current()).expect("a lane has one worker");
    }

    /// Waits until there is a job in the mailbox and takes it; `false` when the run stops.
    pub fn wait(&self, lane: u32, job: &mut Job) -> bool {
        let mailbox = &self.mailboxes[lane as usize];
        let mut spins = 0;
        while mailbox.is_full.load(Ordering::Acquire) == 0 {
            if self.stop.load(Ordering::Acquire) {
                return false;
            }
            if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                std::thread::park();
            }
        }
        mailbox.is_full.store(0, Ordering::Relaxed);
        std::mem::swap(&mut *mailbox.job(), job);
        true
    }

    /// After a turn, without the lock: wakes whom the turn had something for.
    pub fn deliver(&self, turn: &mut Turn) {
        turn.filled.drain(..).for_each(|lane| self.mailboxes[lane as usize].post());
        if std::mem::take(&mut turn.is_service_asked)
            && let Some(service) = self.service.get()
        {
            service.unpark();
        }
        if std::mem::take(&mut turn.is_over) {
            *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.over_rings.notify_all();
        }
    }

    /// Waits for the end of the run; whether it came in time.
    pub fn wait_for_end(&self, until: Instant) -> bool {
        let left: Duration = until.saturating_duration_since(Instant::now());
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.over_rings.wait_timeout_while(over, left, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sends everybody home.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.mailboxes.iter().for_each(Mailbox::wake);
        if let Some(service) = self.service.get() {
            service.unpark();
        }
    }
}
