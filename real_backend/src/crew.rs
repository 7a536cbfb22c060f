//! What the threads of a run share without a lock: mailboxes, the clock, the word to stop.

use crate::buffers::Loan;
use crate::clock::Clock;
use crate::pace::Pace;
use runtime::kernel::Kernel;
use runtime::{Input, Ns, TaskId};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// No lane, no body.
pub(crate) const NONE: u32 = u32::MAX;

/// How long a worker looks at its empty mailbox before it sleeps: some times as long as being
/// woken takes, so that only a real lack of work is slept through.
const MAIL_SPIN: Duration = Duration::from_micros(30);

/// How long a worker looks at the taken lock before it sleeps: longer than any step but a
/// planner's.
const LOCK_SPIN: Duration = Duration::from_micros(100);

/// Looks between glances at the clock.
const SPINS: u32 = 64;

/// Spins until `look`, which is told how often it looked, sees what it looks for, or until the
/// time is over; whether it saw it.
fn spin(limit: Duration, mut look: impl FnMut(u32) -> bool) -> bool {
    let mut begun = None;
    loop {
        for at in 0..SPINS {
            if look(at) {
                return true;
            }
            std::hint::spin_loop();
        }
        let begun = *begun.get_or_insert_with(Instant::now);
        if begun.elapsed() >= limit {
            return false;
        }
    }
}

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
    /// How long it lasts without a body, or in an emulated run.
    pub duration_ns: Ns,
    /// In an emulated run: when it may start.
    pub begins_ns: Ns,
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
            begins_ns: 0,
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
    /// Whether there is a slip that nobody has taken.
    has_slip: AtomicU32,
    slip: Mutex<Slip>,
}

/// A task's end, left by a worker that found the executive taken, for whoever has it.
pub(crate) struct Slip {
    /// The job that it brings back.
    pub job: Job,
    pub at_ns: Ns,
    pub input: Input,
}

impl Default for Slip {
    fn default() -> Self {
        Self { job: Job::default(), at_ns: 0, input: Input::Start }
    }
}

impl Mailbox {
    /// The job to fill in before [`Mailbox::post`].
    pub fn job(&self) -> MutexGuard<'_, Job> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the slip, if there is one.
    pub fn take_slip(&self) -> Option<MutexGuard<'_, Slip>> {
        let has_slip = self.has_slip.load(Ordering::Acquire) != 0;
        has_slip.then(|| {
            self.has_slip.store(0, Ordering::Relaxed);
            self.slip.lock().unwrap_or_else(PoisonError::into_inner)
        })
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
    /// Transfers for the movers.
    pub new_copies: usize,
    /// Whether there is something new for the service.
    pub is_service_asked: bool,
    /// Whether there are orders for the GPUs' pilot.
    pub is_pilot_asked: bool,
    /// Whether the run is over and drained.
    pub is_over: bool,
}

/// A thread that carries transfers out.
#[derive(Default)]
pub(crate) struct Mover {
    pub thread: OnceLock<Thread>,
    /// Whether it looks for transfers, or sleeps because it found none.
    pub is_idle: AtomicBool,
}

/// See the module's documentation.
pub(crate) struct Crew {
    pub clock: Clock,
    pub mailboxes: Vec<Mailbox>,
    pub bodies: Vec<Arc<dyn Kernel>>,
    /// More lanes than cores: spinning would keep others from working.
    pub is_crowded: bool,
    pub movers: Vec<Mover>,
    /// Present when the run is emulated.
    pub pace: Option<Pace>,
    /// At least as many as there are slips that nobody has taken.
    slips: AtomicU32,
    pub service: OnceLock<Thread>,
    /// The thread that drives GPUs.
    pub pilot: OnceLock<Thread>,
    /// Whether the pilot has orders to take.
    pub has_orders: AtomicBool,
    /// What the pilot says at its end.
    pub pilot_notes: Mutex<Vec<String>>,
    pub stop: AtomicBool,
    over: Mutex<bool>,
    over_rings: Condvar,
}

/// How many there are.
#[derive(Clone, Copy, Default)]
pub(crate) struct CrewSizes {
    pub lanes: usize,
    pub movers: usize,
    /// More lanes than cores.
    pub is_crowded: bool,
}

impl Crew {
    pub fn new(sizes: CrewSizes, pace: Option<Pace>, bodies: Vec<Arc<dyn Kernel>>) -> Self {
        let CrewSizes { lanes, movers, is_crowded } = sizes;
        Self {
            clock: Clock::default(),
            mailboxes: (0..lanes).map(|_| Mailbox::default()).collect(),
            bodies,
            is_crowded,
            movers: (0..movers).map(|_| Mover::default()).collect(),
            pace,
            slips: AtomicU32::new(0),
            service: OnceLock::new(),
            pilot: OnceLock::new(),
            has_orders: AtomicBool::new(false),
            pilot_notes: Mutex::default(),
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
        let limit = if self.is_crowded { Duration::ZERO } else { MAIL_SPIN };
        let is_called = |_| {
            let is_full = mailbox.is_full.load(Ordering::Acquire) != 0;
            is_full || self.stop.load(Ordering::Relaxed)
        };
        if !spin(limit, is_called) {
            while !is_called(0) {
                std::thread::park();
            }
        }
        if mailbox.is_full.load(Ordering::Acquire) == 0 {
            return false;
        }
        mailbox.is_full.store(0, Ordering::Relaxed);
        std::mem::swap(&mut *mailbox.job(), job);
        true
    }

    /// Leaves the end of the turn's job for whoever has the executive.
    pub fn leave_slip(&self, lane: u32, at_ns: Ns, input: Input, turn: &mut Turn) {
        let mailbox = &self.mailboxes[lane as usize];
        {
            let mut slip = mailbox.slip.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut slip.job, &mut turn.job);
            slip.at_ns = at_ns;
            slip.input = input;
        }
        // Counted before it can be taken, so that the count is never below the slips there are:
        // otherwise a worker might not find its own.
        self.slips.fetch_add(1, Ordering::Relaxed);
        mailbox.has_slip.store(1, Ordering::Release);
    }

    /// Whether the lane's slip was taken, by another or by `try_it`, which is called now and then;
    /// `false` when the time for spinning is over.
    pub fn is_slip_taken(&self, lane: u32, mut try_it: impl FnMut() -> bool) -> bool {
        let has_slip = &self.mailboxes[lane as usize].has_slip;
        // Every attempt at the lock costs its holder a cache miss.
        let look = |at| has_slip.load(Ordering::Acquire) == 0 || (at % 16 == 0 && try_it());
        spin(LOCK_SPIN, look)
    }

    /// Calls `serve` with every slip that is there. The caller has the executive.
    pub fn each_slip(&self, mut serve: impl FnMut(&mut Slip)) {
        if self.slips.load(Ordering::Relaxed) == 0 {
            return;
        }
        for mailbox in &self.mailboxes {
            if let Some(mut slip) = mailbox.take_slip() {
                self.slips.fetch_sub(1, Ordering::Relaxed);
                serve(&mut slip);
            }
        }
    }

    /// Sleeps until that instant, or until the run stops. The calling thread has no mail to wait
    /// for.
    pub fn sleep_until(&self, until_ns: Ns) {
        while !self.stop.load(Ordering::Acquire) {
            let left_ns = until_ns.saturating_sub(self.clock.now_ns());
            if left_ns == 0 {
                return;
            }
            std::thread::park_timeout(Duration::from_nanos(left_ns));
        }
    }

    /// A transfer of an emulated run was there at `done_ns` and was to be there at `due_ns`.
    pub fn note_transfer(&self, done_ns: Ns, due_ns: Ns) {
        if let Some(pace) = &self.pace {
            pace.transfers.note(done_ns, due_ns);
        }
    }

    /// Wakes so many movers, if as many sleep. Who is not asleep looks for transfers again before
    /// it sleeps.
    pub fn wake_movers(&self, count: usize) {
        let idle = self.movers.iter().filter(|m| m.is_idle.swap(false, Ordering::SeqCst));
        idle.take(count).filter_map(|m| m.thread.get()).for_each(Thread::unpark);
    }

    /// After a turn, without the lock: wakes whom the turn had something for.
    pub fn deliver(&self, turn: &mut Turn) {
        turn.filled.drain(..).for_each(|lane| self.mailboxes[lane as usize].post());
        let new_copies = std::mem::take(&mut turn.new_copies);
        if new_copies > 0 {
            self.wake_movers(new_copies);
        }
        if std::mem::take(&mut turn.is_service_asked)
            && let Some(service) = self.service.get()
        {
            service.unpark();
        }
        if std::mem::take(&mut turn.is_pilot_asked) {
            self.call_pilot();
        }
        if std::mem::take(&mut turn.is_over) {
            *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.over_rings.notify_all();
        }
    }

    /// Lets the pilot look for orders.
    pub fn call_pilot(&self) {
        self.has_orders.store(true, Ordering::Release);
        if let Some(pilot) = self.pilot.get() {
            pilot.unpark();
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
        self.movers.iter().filter_map(|m| m.thread.get()).for_each(Thread::unpark);
        for thread in [&self.service, &self.pilot] {
            thread.get().into_iter().for_each(Thread::unpark);
        }
    }
}
