//! The loop: next completion, one step of the executive, its commands.

use crate::disturbance::{Disturbance, Troubles};
use crate::links::LinkTroubles;
use crate::noise::Noise;
use crate::queue::{Class, Queue};
use crate::shared::SharedDevice;
use crate::transfers::Transfers;
use runtime::executive::{Failure, Feasibility, Outcome, Program, Setup, Stall, Thinking};
use runtime::trace::{Trace, TraceHeader};
use runtime::{
    Cluster, Command, Commands, CopyId, Costs, DeviceId, Executive, Input, LaneId, Ns, Schedule,
    Scheduler, TaskGraph, TaskId,
};
use std::collections::VecDeque;
use std::sync::Arc;

/// Supplies what kernels return, in the place of kernels.
pub trait OutcomeModel: Send {
    /// What the task returns; must be a function of the task, not of the order of calls.
    fn outcome(&mut self, task: TaskId, graph: &TaskGraph) -> Outcome;
}

/// Graphs that are submitted while the run goes on, one after another.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// All of them, side by side in the order of their arrival (see
    /// [`TaskGraph::absorb`](runtime::TaskGraph::absorb)); it begins with the graph that the run
    /// begins with. The run's costs are those of its tasks.
    pub whole: Arc<TaskGraph>,
    /// In the order of time.
    pub parts: Vec<Arrival>,
}

/// A graph that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When.
    pub at_ns: Ns,
    /// How many tasks it has.
    pub tasks: usize,
    /// How many objects.
    pub objects: usize,
}

/// A simulation to run.
pub struct SimSpec {
    /// What to run.
    pub graph: TaskGraph,
    /// Where.
    pub cluster: Arc<Cluster>,
    /// Durations, before noise.
    pub truth: Costs,
    /// Durations that the scheduler is shown.
    pub estimates: Costs,
    /// Who decides.
    pub scheduler: Box<dyn Scheduler>,
    /// What deciding costs.
    pub thinking: Thinking,
    /// Lets the graph grow.
    pub program: Option<Box<dyn Program>>,
    /// What else is submitted while the run goes on.
    pub arrivals: Option<Arrivals>,
    /// What kernels return; nothing without.
    pub outcomes: Option<Box<dyn OutcomeModel>>,
    /// Disturbs the truth.
    pub noise: Noise,
    /// Fails attempts, slows devices down, takes them away.
    pub disturbance: Disturbance,
    /// Seed of all disturbance.
    pub seed: u64,
    /// Whether to keep a trace.
    pub tracing: bool,
    /// Tasks that strict lanes are given besides the one that they run, see
    /// [`Executive::issue_ahead`].
    pub issue_ahead: u32,
    /// Goes into the trace's header.
    pub scheduler_name: String,
}

impl SimSpec {
    /// Durations known exactly, thinking free, no disturbance, with a trace.
    pub fn new(
        graph: TaskGraph,
        cluster: Arc<Cluster>,
        costs: Costs,
        scheduler: Box<dyn Scheduler>,
    ) -> Self {
        Self {
            graph,
            cluster,
            truth: costs.clone(),
            estimates: costs,
            scheduler,
            thinking: Thinking::Free,
            program: None,
            arrivals: None,
            outcomes: None,
            noise: Noise::None,
            disturbance: Disturbance::default(),
            seed: 0,
            tracing: true,
            issue_ahead: 0,
            scheduler_name: String::new(),
        }
    }
}

/// A finished simulation.
#[derive(Debug)]
pub struct SimOutput {
    /// When everything, results at home included, was done.
    pub makespan_ns: Ns,
    /// Steps of the executive.
    pub steps: u64,
    /// A digest of all commands with their times: equal digests, equal runs.
    pub digest: u64,
    /// What happened; without tracing it holds the graph alone.
    pub trace: Trace,
}

/// Why a simulation has no result.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// It cannot begin.
    #[error(transparent)]
    Infeasible(#[from] Feasibility),
    /// It ended early.
    #[error("{failure}")]
    Failed {
        /// Why.
        failure: Failure,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// Nothing can happen any more.
    #[error("{stall}")]
    Stalled {
        /// Why.
        stall: Stall,
        /// What happened until then.
        trace: Box<Trace>,
    },
}

/// What a lane runs.
#[derive(Clone, Copy)]
struct Running {
    task: TaskId,
    started_ns: Ns,
    /// How long it is to last, or until it fails.
    lasts_ns: Ns,
    /// Its event in the queue; one that carries another number is of an attempt that was given up.
    sequence: u32,
    fails: bool,
}

/// Devices that go and come in a row, or links that change while nothing is under way, with
/// nothing else happening, after which nothing else ever will.
const MAX_IDLE_TURNS: u32 = 10_000;

/// What runs on a lane that runs nothing.
const NOBODY: TaskId = TaskId(u32::MAX);

const NOTHING: Running =
    Running { task: NOBODY, started_ns: 0, lasts_ns: 0, sequence: u32::MAX, fails: false };

struct World {
    cluster: Arc<Cluster>,
    truth: Costs,
    noise: Noise,
    seed: u64,
    outcomes: Option<Box<dyn OutcomeModel>>,
    queue: Queue,
    transfers: Transfers,
    troubles: Troubles,
    links: LinkTroubles,
    /// By first lane.
    running: Vec<Running>,
    /// By lane: what it is to run next, and when that may start.
    ahead: Vec<VecDeque<(TaskId, Ns)>>,
    /// By device.
    shared: Vec<Option<SharedDevice>>,
    /// The plan that is under way.
    plan: Option<Result<Schedule, String>>,
    arrivals: Vec<Arrival>,
    digest: runtime::trace::Digest,
}

/// Runs a simulation to its end.
///
/// # Errors
/// [`SimError`] when the run cannot begin, is given up, or stalls.
pub fn run(spec: SimSpec) -> Result<SimOutput, SimError> {
    // What is issued ahead and lost would be lost for nothing.
    let issue_ahead = if spec.disturbance.is_any() { 0 } else { spec.issue_ahead };
    let header = TraceHeader {
        scheduler: spec.scheduler_name,
        seed: spec.seed,
        cluster: spec.cluster.spec().clone(),
        issue_ahead,
        retry: spec.disturbance.retry,
        ..TraceHeader::default()
    };
    let mut world = World {
        transfers: Transfers::new(&spec.cluster),
        links: LinkTroubles::new(
            &spec.disturbance.links,
            spec.seed,
            spec.cluster.spec().links.len(),
        ),
        troubles: Troubles::new(spec.disturbance, spec.seed, spec.cluster.device_count()),
        running: vec![NOTHING; spec.cluster.lane_count()],
        ahead: vec![VecDeque::new(); spec.cluster.lane_count()],
        shared: (spec.cluster.device_ids())
            .map(|d| spec.cluster.is_shared(d).then(SharedDevice::default))
            .collect(),
        cluster: Arc::clone(&spec.cluster),
        truth: spec.truth,
        noise: spec.noise,
        seed: spec.seed,
        outcomes: spec.outcomes,
        queue: Queue::default(),
        plan: None,
        arrivals: Vec::new(),
        digest: runtime::trace::Digest::default(),
    };
    let mut executive = Executive::new(Setup {
        graph: spec.graph,
        cluster: spec.cluster,
        estimates: spec.estimates,
        scheduler: spec.scheduler,
        thinking: spec.thinking,
        program: spec.program,
        tracing: spec.tracing,
    })?;
    executive.issue_ahead(issue_ahead);
    executive.set_retry(header.retry);
    for (event, at_ns) in world.links.first_turns() {
        world.queue.push(at_ns, Class::Link, event);
    }
    for (device, at_ns) in world.troubles.first_outages() {
        world.queue.push(at_ns, Class::Device, device);
    }
    let whole = spec.arrivals.map(|arrivals| {
        executive.open();
        world.expect(&arrivals.parts);
        arrivals.whole
    });
    let mut commands = Commands::default();
    executive.step(0, Input::Start, &mut commands);
    let (mut steps, mut idle_turns, mut idle_changes) = (1, 0, 0);
    world.carry_out(0, &commands);
    world.study(0, &mut executive);
    while executive.failure().is_none()
        && !executive.is_done()
        && let Some((now_ns, input)) = world.next(executive.graph())
    {
        let Some(input) = input else { continue };
        match input {
            Input::DeviceLost { .. } | Input::DeviceJoined { .. } => idle_turns += 1,
            Input::LinkChanged { .. } => idle_changes += 1,
            Input::Finished { .. }
            | Input::Copied { .. }
            | Input::AttemptFailed { .. }
            | Input::Submitted { .. }
            | Input::Closed => (idle_turns, idle_changes) = (0, 0),
            // The scheduler may think about every turn.
            _ => {}
        }
        if idle_turns > MAX_IDLE_TURNS && !executive.is_open() {
            break;
        }
        if idle_changes > MAX_IDLE_TURNS && !executive.is_open() {
            // What is under way comes to its end, however slowly.
            if !world.is_busy() {
                break;
            }
            idle_changes = 0;
        }
        commands.clear();
        let is_link = matches!(input, Input::LinkChanged { .. });
        match &whole {
            Some(whole) => step(&mut executive, now_ns, input, whole, &mut commands),
            None => executive.step(now_ns, input, &mut commands),
        }
        steps += 1;
        if is_link {
            // Routes may have changed.
            world.cluster = Arc::clone(executive.cluster());
        }
        if executive.failure().is_none() {
            world.follow_growth(executive.graph());
        }
        world.carry_out(now_ns, &commands);
        world.study(now_ns, &mut executive);
    }
    let digest = world.digest.value();
    if let Some(failure) = executive.failure().cloned() {
        let trace = Box::new(executive.into_trace(header));
        return Err(SimError::Failed { failure, trace });
    }
    if !executive.is_done() {
        let stall = match idle_turns > MAX_IDLE_TURNS {
            true => Stall::Outlasted { turns: idle_turns },
            false => executive.stall(),
        };
        return Err(SimError::Stalled { stall, trace: Box::new(executive.into_trace(header)) });
    }
    let makespan_ns = executive.makespan_ns();
    Ok(SimOutput { makespan_ns, steps, digest, trace: executive.into_trace(header) })
}

/// Takes an input of a run in which parts of `whole` arrive.
fn step(
    executive: &mut Executive,
    now_ns: Ns,
    input: Input,
    whole: &TaskGraph,
    out: &mut Commands,
) {
    match input {
        Input::Submitted { tasks, objects, .. } => {
            let counts = (tasks as usize, objects as usize);
            let added = executive.submit(now_ns, out, |graph| graph.regrow(whole, counts, &[]));
            added.expect("what arrives was made by submission, after what the run began with");
        }
        _ => executive.step(now_ns, input, out),
    }
}

impl World {
    /// Whether a task runs or a transfer is under way.
    fn is_busy(&self) -> bool {
        self.running.iter().any(|r| r.task != NOBODY) || self.transfers.is_any()
    }

    /// The next event and the input that it is; no input where it concerns the network alone.
    fn next(&mut self, graph: &TaskGraph) -> Option<(Ns, Option<Input>)> {
        let first = self.queue.peek();
        let event_ns = first.map_or(Ns::MAX, |e| e.at_ns);
        // Arrivals come before everything else of their instant, but for devices and links.
        let is_early = first.is_some_and(|e| e.class <= Class::Link);
        let by_ns = if is_early { event_ns.saturating_sub(1) } else { event_ns };
        if let Some((at_ns, flow)) = self.transfers.next_end_by(by_ns) {
            let copy = self.transfers.end(at_ns, flow);
            return Some((at_ns, Some(self.copied(copy))));
        }
        let event = self.queue.pop()?;
        let input = match event.class {
            Class::Device => Some(self.turn(event.index)),
            Class::Link => self.turn_link(event.at_ns, event.index),
            Class::Copy => {
                let copy = CopyId(event.index);
                let (now_ns, sequence) = (event.at_ns, event.sequence);
                let arrived = self.transfers.ring(&self.cluster, now_ns, copy, sequence);
                arrived.then(|| self.copied(copy))
            }
            Class::Task => match self.ended(event.at_ns, event.index, event.sequence) {
                None => None,
                Some(Running { task, started_ns, fails, .. }) => {
                    self.go_on(event.at_ns, LaneId(event.index));
                    match fails {
                        true => Some(Input::AttemptFailed { task, started_ns }),
                        false => {
                            let outcome =
                                self.outcomes.as_mut().and_then(|o| o.outcome(task, graph));
                            Some(Input::Finished { task, started_ns, outcome })
                        }
                    }
                }
            },
            Class::Launch => {
                self.launch(event.at_ns, LaneId(event.index), event.sequence, graph);
                None
            }
            Class::Arrival => Some(match self.arrivals.get(event.index as usize) {
                Some(part) => {
                    let (tasks, objects) = (part.tasks as u32, part.objects as u32);
                    Input::Submitted { tasks, objects, released: Vec::new() }
                }
                None => Input::Closed,
            }),
            Class::Decided => Some(Input::Decided),
            Class::Planned => self.plan.take().map(|plan| Input::Planned { plan }),
            Class::Timer => Some(Input::Timer),
        };
        Some((event.at_ns, input))
    }

    /// Has graphs arrive, and says after the last one that none will any more.
    fn expect(&mut self, parts: &[Arrival]) {
        self.arrivals = parts.to_vec();
        for (part, index) in parts.iter().zip(0..) {
            self.queue.push(part.at_ns, Class::Arrival, index);
        }
        let last_ns = parts.iter().map(|p| p.at_ns).max().unwrap_or(0);
        self.queue.push(last_ns, Class::Arrival, parts.len() as u32);
    }

    /// A device goes or comes back.
    fn turn(&mut self, device: u32) -> Input {
        let (is_lost, next_ns) = self.troubles.turn(device);
        if let Some(at_ns) = next_ns {
            self.queue.push(at_ns, Class::Device, device);
        }
        let device = DeviceId(device);
        match is_lost {
            true => Input::DeviceLost { device },
            false => Input::DeviceJoined { device },
        }
    }

    /// A link carries more or less from now on; `None` where it does not.
    fn turn_link(&mut self, now_ns: Ns, event: u32) -> Option<Input> {
        let (link, state, next_ns) = self.links.turn(event);
        if let Some(at_ns) = next_ns {
            self.queue.push(at_ns, Class::Link, event);
        }
        let (cluster, queue) = (&self.cluster, &mut self.queue);
        let state = state?;
        self.transfers.change_link(cluster, queue, now_ns, link, state.factor_ppm);
        Some(Input::LinkChanged { link, state })
    }

    /// The task of a lane that ends now; `None` where it has come to share its device otherwise
    /// since the event was made, or was given up.
    fn ended(&mut self, now_ns: Ns, lane: u32, sequence: u32) -> Option<Running> {
        let running = self.running[lane as usize];
        let device = self.cluster.device_of(LaneId(lane));
        let Some(shared) = &mut self.shared[device.index()] else {
            return (running.sequence == sequence).then_some(running);
        };
        if shared.end_ns(lane) != Some(now_ns) {
            return None;
        }
        let queue = &mut self.queue;
        let changed = |lane, end_ns| {
            queue.push(end_ns, Class::Task, lane);
        };
        Some(Running { started_ns: shared.end(now_ns, lane, changed), ..running })
    }

    /// A lane begins what it was given besides the task that ended now.
    fn go_on(&mut self, now_ns: Ns, lane: LaneId) {
        self.running[lane.index()] = NOTHING;
        if let Some((task, may_start_ns)) = self.ahead[lane.index()].pop_front() {
            self.begin(task, lane, may_start_ns.max(now_ns));
        }
    }

    /// A task starts on an idle lane, at an instant that has come or will. Returns its end, as
    /// long as nobody shares its device.
    fn begin(&mut self, task: TaskId, lane: LaneId, started_ns: Ns) -> Ns {
        let device = self.cluster.device_of(lane);
        let (lasts_ns, fails) = self.lasts_ns(started_ns, task, device);
        let end_ns = started_ns.saturating_add(lasts_ns);
        let sequence = match self.shared[device.index()] {
            Some(_) => self.queue.push(started_ns, Class::Launch, lane.0),
            None => self.queue.push(end_ns, Class::Task, lane.0),
        };
        self.running[lane.index()] = Running { task, started_ns, lasts_ns, sequence, fails };
        end_ns
    }

    /// A task begins to share its device.
    fn launch(&mut self, now_ns: Ns, lane: LaneId, sequence: u32, graph: &TaskGraph) {
        let running = self.running[lane.index()];
        if running.sequence != sequence {
            return;
        }
        let device = self.cluster.device_of(lane);
        let occupancy_ppm = graph.task(running.task).occupancy_ppm;
        let Some(shared) = &mut self.shared[device.index()] else { return };
        let queue = &mut self.queue;
        shared.launch(now_ns, lane.0, running.lasts_ns, occupancy_ppm, |lane, end_ns| {
            queue.push(end_ns, Class::Task, lane);
        });
    }

    fn copied(&self, copy: CopyId) -> Input {
        Input::Copied { copy, started_ns: self.transfers.started_ns(copy) }
    }

    /// Prices tasks that were submitted by the last step.
    fn follow_growth(&mut self, graph: &TaskGraph) {
        if graph.len() > self.truth.len() {
            let extended = self.truth.extend(graph, &self.cluster, None);
            extended.expect("the executive has resolved the same tasks on the same cluster");
        }
    }

    fn carry_out(&mut self, now_ns: Ns, commands: &Commands) {
        for command in commands.as_slice() {
            match *command {
                Command::Run { task, device, lane, .. } => self.start(now_ns, task, device, lane),
                Command::Copy { copy, object, source, target, bytes, .. } => {
                    let ends = (source, target);
                    let (cluster, queue) = (&self.cluster, &mut self.queue);
                    self.transfers.issue(cluster, queue, now_ns, copy, ends, bytes);
                    let ends = u64::from(source.0) << 32 | u64::from(target.0);
                    self.digest.add(&[now_ns, u64::from(object.0), ends]);
                }
                Command::Think { thinking_ns } => {
                    let at_ns = now_ns.saturating_add(thinking_ns);
                    self.queue.push(at_ns, Class::Decided, 0);
                }
                Command::Wake { at_ns } => {
                    self.queue.push(at_ns.max(now_ns), Class::Timer, 0);
                }
                Command::Abandon { task, device, lane } => {
                    self.abandon(now_ns, task, device, lane);
                }
                Command::AbandonCopy { copy } => self.transfers.abandon(now_ns, copy),
                // Buffers are the executive's own accounts here; studies are taken after the step.
                Command::Allocate { .. }
                | Command::Release { .. }
                | Command::Restore { .. }
                | Command::Plan => {}
            }
        }
    }

    fn start(&mut self, now_ns: Ns, task: TaskId, device: DeviceId, lane: LaneId) {
        let started_ns = now_ns.saturating_add(self.cluster.device(device).issue_ns);
        let end_ns = match self.running[lane.index()].task {
            NOBODY => self.begin(task, lane, started_ns),
            _ => {
                self.ahead[lane.index()].push_back((task, started_ns));
                0
            }
        };
        self.digest.add(&[now_ns, u64::from(task.0) << 32 | u64::from(lane.0), end_ns]);
    }

    fn abandon(&mut self, now_ns: Ns, task: TaskId, device: DeviceId, lane: LaneId) {
        if self.running[lane.index()].task != task {
            return self.ahead[lane.index()].retain(|a| a.0 != task);
        }
        if let Some(shared) = &mut self.shared[device.index()]
            && shared.end_ns(lane.0).is_some()
        {
            let queue = &mut self.queue;
            shared.end(now_ns, lane.0, |lane, end_ns| {
                queue.push(end_ns, Class::Task, lane);
            });
        }
        self.go_on(now_ns, lane);
    }

    /// Makes a plan that was asked for; it is known once its thinking is charged.
    fn study(&mut self, now_ns: Ns, executive: &mut Executive) {
        if let Some(study) = executive.take_study() {
            let (plan, thinking_ns) = executive.charged(study);
            self.plan = Some(plan);
            self.queue.push(now_ns.saturating_add(thinking_ns), Class::Planned, 0);
        }
    }

    /// How long an attempt lasts that starts now, and whether it fails then.
    fn lasts_ns(&mut self, started_ns: Ns, task: TaskId, device: DeviceId) -> (Ns, bool) {
        let duration_ns = self.truth.duration_ns(task, device).unwrap_or(0);
        if !self.troubles.is_any {
            return (self.noise.apply(duration_ns, self.seed, task, device, 0), false);
        }
        let attempt = self.troubles.attempt(task);
        let duration_ns = self.noise.apply(duration_ns, self.seed, task, device, attempt);
        let fails_ns = self.troubles.fails_ns(task, device, attempt, duration_ns);
        let lasts_ns = fails_ns.unwrap_or(duration_ns);
        (self.troubles.slowed_ns(device, started_ns, lasts_ns), fails_ns.is_some())
    }
}
