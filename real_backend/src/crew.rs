//! What the threads of a run share without a lock: mailboxes, the clock, the word to stop.

use crate::buffers::Loan;
use crate::clock::Clock;
use crate::pace::Pace;
use crate::spec::Spent;
use runtime::kernel::Kernel;
use runtime::{Input, Ns, TaskId};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// No lane, no body.
pub(crate) const NONE: u32 = u32::MAX;

/// How long a worker looks at its empty mailbox before it sleeps: some times as long as being
/// woken takes, so that only a real lack of work is slept through.
const MAIL_SPIN: Duration = Duration::from_micros(30);

/// Looks between glances at the clock.
const SPINS: u32 = 64;

/// Spins until `look` sees what it looks for, or until the time is over; whether it saw it.
fn spin(limit: Duration, look: impl Fn() -> bool) -> bool {
    let mut begun = None;
    loop {
        for _ in 0..SPINS {
            if look() {
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

/// A task on its way to a worker and back.
pub(crate) struct Job {
    pub task: TaskId,
    /// The first of its lanes.
    pub lane: u32,
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
            lane: NONE,
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

/// Where a worker finds its next tasks and leaves their ends. Aligned so that two workers' flags
/// share no cache line.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Mailbox {
    /// Whether its owner is to look for jobs.
    has_jobs: AtomicBool,
    /// How many jobs are in it.
    job_count: AtomicUsize,
    jobs: Mutex<VecDeque<Box<Job>>>,
    owner: OnceLock<Thread>,
    /// Whether there are slips that nobody has taken.
    has_slips: AtomicBool,
    slips: Mutex<Vec<Slip>>,
}

/// A task's end, left by a worker that found the executive taken, for whoever has it.
pub(crate) struct Slip {
    /// The job that it brings back.
    pub job: Box<Job>,
    pub at_ns: Ns,
    pub input: Input,
}

impl Mailbox {
    /// Adds a job, which its owner finds after [`Mailbox::post`].
    pub fn put(&self, job: Box<Job>) {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.push_back(job);
        self.job_count.store(jobs.len(), Ordering::Relaxed);
    }

    /// Takes all jobs out, in order.
    fn collect(&self, jobs: &mut VecDeque<Box<Job>>) {
        self.has_jobs.store(false, Ordering::Relaxed);
        let mut posted = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.append(&mut posted);
        self.job_count.store(0, Ordering::Relaxed);
    }

    /// Lets its owner find the jobs.
    fn post(&self) {
        self.has_jobs.store(true, Ordering::Release);
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
    /// Jobs of its lane that it takes along, in order.
    pub jobs: VecDeque<Box<Job>>,
    /// Ends of its lane's tasks that it has put off.
    pub put_off: u32,
    /// Slips that are being served.
    pub slips: Vec<Slip>,
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

/// What the workers spend besides their tasks.
#[derive(Default)]
pub(crate) struct Profile {
    pub stepping: Stopwatch,
    pub idle: Stopwatch,
}

impl Profile {
    pub fn total(&self) -> Spent {
        let ns = |watch: &Stopwatch| watch.0.load(Ordering::Relaxed);
        Spent { stepping_ns: ns(&self.stepping), idle_ns: ns(&self.idle) }
    }
}

/// Adds up time of several threads.
#[derive(Default)]
pub(crate) struct Stopwatch(AtomicU64);

impl Stopwatch {
    pub fn add_since(&self, begun: Instant) {
        self.0.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
    }
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
    /// Present when the run is profiled.
    pub profile: Option<Profile>,
    /// Whether there may be slips that nobody has taken.
    has_slips: AtomicBool,
    /// Workers that have nothing to run.
    idle: AtomicUsize,
    /// Whether it is only idle workers that the end of a task can matter to: there are no copies to
    /// be issued and nobody who submits more.
    pub may_put_off: bool,
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
            profile: None,
            has_slips: AtomicBool::new(false),
            idle: AtomicUsize::new(0),
            may_put_off: false,
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

    /// Whether an owner is to look into its mailbox.
    fn is_called(&self, lane: u32) -> bool {
        let mailbox = &self.mailboxes[lane as usize];
        mailbox.has_jobs.load(Ordering::Acquire) || self.stop.load(Ordering::Relaxed)
    }

    /// Whether there is mail, or will be in no time.
    pub fn is_called_soon(&self, lane: u32) -> bool {
        let limit = if self.is_crowded { Duration::ZERO } else { MAIL_SPIN };
        spin(limit, || self.is_called(lane))
    }

    /// Sleeps until there are jobs in the mailbox, if there are none in `jobs`, and takes them;
    /// `false` when the run stops.
    pub fn wait(&self, lane: u32, jobs: &mut VecDeque<Box<Job>>) -> bool {
        let mailbox = &self.mailboxes[lane as usize];
        while jobs.is_empty() {
            while !self.is_called(lane) {
                std::thread::park();
            }
            if !mailbox.has_jobs.load(Ordering::Acquire) {
                return false;
            }
            // There are none if a turn of the owner has taken them under the lock.
            mailbox.collect(jobs);
        }
        true
    }

    /// Takes the jobs in a lane's mailbox, before those of its owner's turn are added. The caller
    /// has the executive, as has everybody who puts jobs there.
    pub fn collect(&self, lane: u32, jobs: &mut VecDeque<Box<Job>>) {
        let mailbox = &self.mailboxes[lane as usize];
        if mailbox.job_count.load(Ordering::Relaxed) > 0 {
            mailbox.collect(jobs);
        }
    }

    /// Leaves the end of a job for whoever has the executive. Then the caller tries for the
    /// executive once more: mostly it gets it, or the one who has it looks for slips afterwards. It
    /// need not while [`Crew::is_nobody_idle`], since who becomes idle looks for slips too, and
    /// sleeps only when there are none.
    pub fn leave_slip(&self, slip: Slip) {
        let mailbox = &self.mailboxes[slip.job.lane as usize];
        mailbox.slips.lock().unwrap_or_else(PoisonError::into_inner).push(slip);
        mailbox.has_slips.store(true, Ordering::Release);
        self.has_slips.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Counts a worker that has nothing to run. It looks for slips afterwards.
    pub fn become_idle(&self) {
        self.idle.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts it no more.
    pub fn become_busy(&self) {
        self.idle.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether all workers have something to run.
    pub fn is_nobody_idle(&self) -> bool {
        self.idle.load(Ordering::SeqCst) == 0
    }

    /// Whether slips were left that the caller, who has just let go of the executive, may have
    /// missed.
    pub fn has_slips(&self) -> bool {
        fence(Ordering::SeqCst);
        self.has_slips.load(Ordering::SeqCst)
    }

    /// A quick look; who has missed something looks again with [`Crew::has_slips`].
    pub fn may_have_slips(&self) -> bool {
        self.has_slips.load(Ordering::Relaxed)
    }

    /// Calls `serve` with every slip that is there. The caller has the executive.
    pub fn each_slip(&self, turn: &mut Turn, mut serve: impl FnMut(Slip, &mut Turn)) {
        if !self.may_have_slips() || !self.has_slips.swap(false, Ordering::SeqCst) {
            return;
        }
        let mut slips = std::mem::take(&mut turn.slips);
        for mailbox in &self.mailboxes {
            if mailbox.has_slips.load(Ordering::Acquire) {
                mailbox.has_slips.store(false, Ordering::Relaxed);
                std::mem::swap(
                    &mut slips,
                    &mut *mailbox.slips.lock().unwrap_or_else(PoisonError::into_inner),
                );
                slips.drain(..).for_each(|slip| serve(slip, turn));
            }
        }
        turn.slips = slips;
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
