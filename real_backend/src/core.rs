//! What the threads of a run share under the lock: the executive, the buffers, and what is under
//! way.
//!
//! Whoever brings a completion takes a *turn*: it locks, gives back what it had on loan, steps the
//! executive and carries the commands out. Its own next task it takes along; jobs for others are
//! written into their mailboxes under the lock, and their owners woken after it.

mod commands;
mod copies;
mod devices;

use crate::buffers::{Arena, Backing, DiskFault};
use crate::clock::Clock;
use crate::crew::{Crew, Job, Slip, Turn};
use crate::planning::Planning;
pub(crate) use copies::CopyJob;
use copies::Links;
pub(crate) use devices::{Desk, Landing, Order, TaskOrder};
use gpu::{GpuError, GpuId, Pinner};
use runtime::executive::{Failure, Stall};
use runtime::kernel::{Inputs, KernelSet};
use runtime::replay::CommandDigest;
use runtime::{
    BufferId, Commands, Costs, Executive, Input, LinkModel, MemoryId, Ns, ObjectId, TaskGraph,
};
use std::any::Any;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Instant;

/// Why a run ends.
pub(crate) enum Ending {
    Done,
    Failed(Failure),
    Stalled(Stall),
    TimedOut,
    Exhausted {
        object: ObjectId,
        bytes: u64,
        used_bytes: u64,
    },
    Conflict {
        what: String,
        buffer: BufferId,
    },
    Disk {
        verb: &'static str,
        object: ObjectId,
        memory: MemoryId,
        fault: DiskFault,
    },
    /// A GPU failed, other than under a task.
    Gpu {
        /// What was being done.
        doing: String,
        error: GpuError,
    },
    /// A submission panicked; the panic is its caller's.
    Abandoned,
    /// The scheduler or the program panicked, or this crate did.
    Panicked(Box<dyn Any + Send>),
}

/// See the module's documentation.
pub(crate) struct Core {
    /// `None` once the run has been given up while threads were still out.
    pub executive: Option<Executive>,
    pub arena: Arena,
    pub digest: CommandDigest,
    pub ending: Option<Ending>,
    /// Transfers that wait for a mover.
    copies: VecDeque<CopyJob>,
    /// Present when there are GPUs.
    pub desk: Option<Desk>,
    /// What holds transfers back in an emulated run.
    links: Option<Links>,
    /// When the scheduler is to be rung.
    pub timers: BinaryHeap<Reverse<Ns>>,
    /// When the thinking under way is over.
    pub thinking_until_ns: Option<Ns>,
    /// The plan that is made apart from the run.
    pub planning: Planning,
    commands: Commands,
    truth: Costs,
    kernels: KernelSet,
    /// By kernel id: index of the body, or `NONE`.
    body_of: Vec<u32>,
    inputs: Option<Box<dyn Inputs>>,
    /// Initial objects that got their content.
    is_filled: Vec<bool>,
    /// By first lane: when its last task ended, for the executive.
    lane_ends_ns: Vec<Ns>,
    /// Jobs that came back, to be used again.
    #[expect(clippy::vec_box, reason = "jobs travel between threads, a pointer each")]
    spare_jobs: Vec<Box<Job>>,
    /// The time of the last step.
    now_ns: Ns,
    running: usize,
    copying: usize,
    /// How long the first step took.
    pub planning_ns: Option<Ns>,
    /// A panic passed through the executive: it is not to be stepped any more.
    is_broken: bool,
}

/// What a [`Core`] is made of.
pub(crate) struct Parts {
    pub executive: Executive,
    pub truth: Costs,
    pub kernels: KernelSet,
    pub inputs: Option<Box<dyn Inputs>>,
    pub limit_bytes: u64,
    /// Memories that are files.
    pub disks: Vec<(MemoryId, Backing)>,
    /// The network, when the cluster is emulated.
    pub links: Option<Box<dyn LinkModel>>,
    /// Memories that are GPUs', and what their pilot brings.
    pub devices: Option<Devices>,
}

/// What the core must know of GPUs.
pub(crate) struct Devices {
    /// By memory.
    pub gpu_of: Vec<Option<GpuId>>,
    /// Kernels with a body for GPUs, sorted.
    pub names: Vec<String>,
    /// What lets GPUs reach main memory by themselves.
    pub pinner: Option<Arc<dyn Pinner>>,
}

impl Core {
    pub fn new(parts: Parts) -> Self {
        let cluster = parts.executive.cluster();
        let (memories, lanes) = (cluster.memory_count(), cluster.lane_count());
        let mut arena = Arena::new(memories, parts.limit_bytes);
        for (memory, backing) in parts.disks {
            arena.put_on_disk(memory, backing);
        }
        let mut desk = None;
        if let Some(devices) = parts.devices {
            let ids = parts.executive.cluster().memory_ids();
            ids.zip(&devices.gpu_of)
                .filter(|(_, gpu)| gpu.is_some())
                .for_each(|(id, _)| arena.put_on_device(id));
            arena.pin_with(devices.pinner);
            desk = Some(Desk::new(devices.gpu_of, devices.names));
        }
        commands::warm(&mut arena, &parts.executive);
        Self {
            executive: Some(parts.executive),
            arena,
            digest: CommandDigest::default(),
            ending: None,
            copies: VecDeque::new(),
            desk,
            links: parts.links.map(Links::new),
            timers: BinaryHeap::new(),
            thinking_until_ns: None,
            planning: Planning::default(),
            commands: Commands::default(),
            truth: parts.truth,
            kernels: parts.kernels,
            body_of: Vec::new(),
            inputs: parts.inputs,
            is_filled: Vec::new(),
            lane_ends_ns: vec![0; lanes],
            spare_jobs: Vec::new(),
            now_ns: 0,
            running: 0,
            copying: 0,
            planning_ns: None,
            is_broken: false,
        }
    }

    /// A worker brings the end of a task. What others, or it itself before, have left is served
    /// too.
    pub fn task_ended(&mut self, crew: &Crew, slip: Slip, turn: &mut Turn) {
        if crew.may_have_slips() {
            self.serve_slips(crew, turn);
        }
        if let Some(lane) = turn.lane {
            // They come before those that this turn adds.
            crew.collect(lane, &mut turn.jobs);
        }
        self.serve(crew, slip, turn);
        if crew.may_have_slips() {
            self.serve_slips(crew, turn);
        }
    }

    /// Serves the ends that workers have left because the lock was taken.
    pub fn serve_slips(&mut self, crew: &Crew, turn: &mut Turn) {
        if let Some(lane) = turn.lane {
            // They come before those that this turn adds.
            crew.collect(lane, &mut turn.jobs);
        }
        crew.each_slip(turn, |slip, turn| self.serve(crew, slip, turn));
    }

    fn serve(&mut self, crew: &Crew, slip: Slip, turn: &mut Turn) {
        let Slip { mut job, at_ns, mut input } = slip;
        job.loans.drain(..).for_each(|loan| self.arena.give_back(loan));
        self.running -= 1;
        // It may have begun while the end of the one before it was still to be served, which may
        // have been put off.
        let lane = job.lane as usize;
        if let Input::Finished { started_ns, .. } = &mut input {
            *started_ns = (*started_ns).max(self.lane_ends_ns[lane]);
        }
        self.spare_jobs.push(job);
        self.step(crew, at_ns, input, turn);
        self.lane_ends_ns[lane] = self.now_ns;
    }

    /// Steps the executive, as long as its scheduler's answers are due at once, and carries the
    /// commands out. Tasks that end after the run has failed are still recorded.
    pub fn step(&mut self, crew: &Crew, at_ns: Ns, input: Input, turn: &mut Turn) {
        if !self.is_broken && self.executive.is_some() {
            let steps = AssertUnwindSafe(|| self.unguarded_steps(crew, at_ns, input, turn));
            if let Err(payload) = catch_unwind(steps) {
                self.is_broken = true;
                self.end(Ending::Panicked(payload));
            }
        }
        self.check_end(turn);
    }

    fn unguarded_steps(&mut self, crew: &Crew, at_ns: Ns, input: Input, turn: &mut Turn) {
        self.unguarded_step(crew, at_ns, input, turn);
        while let Some(now_ns) = self.due_thought(&crew.clock) {
            self.unguarded_step(crew, now_ns, Input::Decided, turn);
        }
    }

    fn unguarded_step(&mut self, crew: &Crew, at_ns: Ns, input: Input, turn: &mut Turn) {
        self.advance(crew, at_ns, turn, |executive, now_ns, out| {
            executive.step(now_ns, input, out);
        });
    }

    /// Takes what `add` adds to the graph; `None` when the run is ending.
    ///
    /// # Panics
    /// When `add` does, with its panic; the run ends with it.
    pub fn submit<R>(
        &mut self,
        crew: &Crew,
        turn: &mut Turn,
        add: impl FnOnce(&mut TaskGraph) -> R,
    ) -> Option<R> {
        if self.is_broken || self.ending.is_some() {
            return None;
        }
        let at_ns = crew.clock.now_ns();
        let step = AssertUnwindSafe(|| {
            self.advance(crew, at_ns, turn, |executive, now_ns, out| {
                executive.submit(now_ns, out, add)
            })
        });
        let added = catch_unwind(step);
        if added.is_err() {
            self.is_broken = true;
            self.end(Ending::Abandoned);
        }
        self.check_end(turn);
        added.unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// Whether the run goes on and more may be submitted to it.
    pub fn is_open(&self) -> bool {
        self.ending.is_none() && self.executive.as_ref().is_some_and(Executive::is_open)
    }

    /// Has the executive take something and carries out what it answers.
    fn advance<R>(
        &mut self,
        crew: &Crew,
        at_ns: Ns,
        turn: &mut Turn,
        take: impl FnOnce(&mut Executive, Ns, &mut Commands) -> R,
    ) -> Option<R> {
        let executive = self.executive.as_mut()?;
        // Workers read the clock before they wait for the lock: a task's time ends when its
        // kernel does. Another's later end may have been stepped meanwhile.
        self.now_ns = self.now_ns.max(at_ns);
        self.commands.clear();
        let begun = self.planning_ns.is_none().then(Instant::now);
        let taken = take(executive, self.now_ns, &mut self.commands);
        if let Some(begun) = begun {
            self.planning_ns = Some(begun.elapsed().as_nanos() as Ns);
        }
        self.digest.step(&self.commands);
        self.follow_growth();
        self.carry_out(crew, turn);
        Some(taken)
    }

    /// The time, when the thinking under way is over by now.
    fn due_thought(&mut self, clock: &Clock) -> Option<Ns> {
        let until_ns = self.thinking_until_ns?;
        let now_ns = clock.now_ns();
        if until_ns > now_ns {
            return None;
        }
        self.thinking_until_ns = None;
        Some(now_ns)
    }

    /// Hands over what is due: transfers of an emulated run, the end of the scheduler's thinking,
    /// then timers. Returns when to come again, if nothing else happens.
    pub fn ring(&mut self, crew: &Crew, turn: &mut Turn) -> Option<Ns> {
        self.land(crew, turn);
        if let Some(now_ns) = self.due_thought(&crew.clock) {
            self.step(crew, now_ns, Input::Decided, turn);
        }
        let now_ns = crew.clock.now_ns();
        let mut rang = false;
        while self.ending.is_none() && self.timers.peek().is_some_and(|t| t.0 <= now_ns) {
            self.timers.pop();
            rang = true;
        }
        if rang {
            self.step(crew, now_ns, Input::Timer, turn);
        }
        let arrival_ns = self.links.as_mut().and_then(Links::next_ns);
        let timer_ns = self.timers.peek().map(|t| t.0);
        [self.thinking_until_ns, timer_ns, arrival_ns].into_iter().flatten().min()
    }

    /// Prices new tasks and finds the bodies of new kernels.
    fn follow_growth(&mut self) {
        let Some(executive) = self.executive.as_ref() else { return };
        let graph = executive.graph();
        if let Some(desk) = &mut self.desk {
            desk.follow(graph.kernel_names());
        }
        if graph.kernel_names().len() > self.body_of.len() {
            let names: Vec<&str> = self.kernels.names().collect();
            for kernel in &graph.kernel_names()[self.body_of.len()..] {
                let at = names.binary_search(&kernel.as_str());
                self.body_of.push(at.map_or(crate::crew::NONE, |at| at as u32));
            }
        }
        if graph.len() > self.truth.len() && executive.failure().is_none() {
            let extended = self.truth.extend(graph, executive.cluster(), None);
            extended.expect("the executive has resolved the same tasks on the same cluster");
        }
    }

    /// Ends the run, unless it is ending already: what was issued and has not begun is dropped.
    pub fn end(&mut self, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(ending);
        self.planning.stop();
        self.drop_copies();
    }

    /// Notes whether the run has come to an end, and whether everything is back.
    fn check_end(&mut self, turn: &mut Turn) {
        if self.ending.is_none()
            && let Some(ending) = self.natural_ending()
        {
            self.end(ending);
        }
        turn.is_over |= self.ending.is_some() && self.running == 0 && self.copying == 0;
    }

    fn natural_ending(&self) -> Option<Ending> {
        let executive = self.executive.as_ref()?;
        if let Some(failure) = executive.failure() {
            return Some(Ending::Failed(failure.clone()));
        }
        if executive.is_done() {
            return Some(Ending::Done);
        }
        let is_thinking = self.thinking_until_ns.is_some() || self.planning.is_under_way();
        if executive.is_idle() {
            return None;
        }
        let is_quiet = self.running + self.copying == 0 && self.timers.is_empty() && !is_thinking;
        if !is_quiet {
            return None;
        }
        Some(Ending::Stalled(executive.stall()))
    }
}
