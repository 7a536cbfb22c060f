//! The loop: next completion, one step of the executive, its commands.

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
    /// What kernels return; nothing without.
    pub outcomes: Option<Box<dyn OutcomeModel>>,
    /// Disturbs the truth.
    pub noise: Noise,
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
    /// Durations known exactly, thinking free, no noise, with a trace.
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
            outcomes: None,
            noise: Noise::None,
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

struct World {
    cluster: Arc<Cluster>,
    truth: Costs,
    noise: Noise,
    seed: u64,
    outcomes: Option<Box<dyn OutcomeModel>>,
    queue: Queue,
    transfers: Transfers,
    /// By first lane: the task that runs, and since when.
    running: Vec<(TaskId, Ns)>,
    /// By lane: what it is to run next, and when that may start.
    ahead: Vec<VecDeque<(TaskId, Ns)>>,
    /// By device.
    shared: Vec<Option<SharedDevice>>,
    /// The plan that is under way.
    plan: Option<Result<Schedule, String>>,
    digest: runtime::trace::Digest,
}

/// What runs on a lane that runs nothing.
const IDLE: (TaskId, Ns) = (TaskId(u32::MAX), 0);

/// Runs a simulation to its end.
///
/// # Errors
/// [`SimError`] when the run cannot begin, is given up, or stalls.
pub fn run(spec: SimSpec) -> Result<SimOutput, SimError> {
    let header = TraceHeader {
        scheduler: spec.scheduler_name,
        seed: spec.seed,
        cluster: spec.cluster.spec().clone(),
        issue_ahead: spec.issue_ahead,
        ..TraceHeader::default()
    };
    let mut world = World {
        transfers: Transfers::new(&spec.cluster),
        running: vec![IDLE; spec.cluster.lane_count()],
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
    executive.issue_ahead(spec.issue_ahead);
    let mut commands = Commands::default();
    executive.step(0, Input::Start, &mut commands);
    let mut steps = 1;
    world.carry_out(0, &commands);
    world.study(0, &mut executive);
    while executive.failure().is_none()
        && !executive.is_done()
        && let Some((now_ns, input)) = world.next(executive.graph())
    {
        let Some(input) = input else { continue };
        commands.clear();
        executive.step(now_ns, input, &mut commands);
        steps += 1;
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
        let stall = executive.stall();
        return Err(SimError::Stalled { stall, trace: Box::new(executive.into_trace(header)) });
    }
    let makespan_ns = executive.makespan_ns();
    Ok(SimOutput { makespan_ns, steps, digest, trace: executive.into_trace(header) })
}

impl World {
    /// The next event and the input that it is; no input where it concerns the network alone.
    fn next(&mut self, graph: &TaskGraph) -> Option<(Ns, Option<Input>)> {
        let event_ns = self.queue.peek().map_or(Ns::MAX, |e| e.at_ns);
        // Arrivals come before everything else of their instant.
        if let Some((at_ns, flow)) = self.transfers.next_end_by(event_ns) {
            let copy = self.transfers.end(at_ns, flow);
            return Some((at_ns, Some(self.copied(copy))));
        }
        let event = self.queue.pop()?;
        let input = match event.class {
            Class::Copy => {
                let copy = CopyId(event.index);
                let arrived = self.transfers.ring(&self.cluster, event.at_ns, copy);
                arrived.then(|| self.copied(copy))
            }
            Class::Task => {
                let Some((task, started_ns)) = self.ended(event.at_ns, event.index) else {
                    return Some((event.at_ns, None));
                };
                self.go_on(event.at_ns, LaneId(event.index));
                let outcome = self.outcomes.as_mut().and_then(|o| o.outcome(task, graph));
                Some(Input::Finished { task, started_ns, outcome })
            }
            Class::Launch => {
                self.launch(event.at_ns, LaneId(event.index), graph);
                None
            }
            Class::Decided => Some(Input::Decided),
            Class::Planned => self.plan.take().map(|plan| Input::Planned { plan }),
            Class::Timer => Some(Input::Timer),
        };
        Some((event.at_ns, input))
    }

    /// The task of a lane that ends now, and when it started; `None` where it has come to share
    /// its device otherwise since the event was made.
    fn ended(&mut self, now_ns: Ns, lane: u32) -> Option<(TaskId, Ns)> {
        let (task, started_ns) = self.running[lane as usize];
        let device = self.cluster.device_of(LaneId(lane));
        let Some(shared) = &mut self.shared[device.index()] else {
            return Some((task, started_ns));
        };
        if shared.end_ns(lane) != Some(now_ns) {
            return None;
        }
        let queue = &mut self.queue;
        let changed = |lane, end_ns| queue.push(end_ns, Class::Task, lane);
        Some((task, shared.end(now_ns, lane, changed)))
    }

    /// A lane begins what it was given besides the task that ended now.
    fn go_on(&mut self, now_ns: Ns, lane: LaneId) {
        self.running[lane.index()] = IDLE;
        if let Some((task, may_start_ns)) = self.ahead[lane.index()].pop_front() {
            self.begin(task, lane, may_start_ns.max(now_ns));
        }
    }

    /// A task starts on an idle lane, at an instant that has come or will. Returns its end, as
    /// long as nobody shares its device.
    fn begin(&mut self, task: TaskId, lane: LaneId, started_ns: Ns) -> Ns {
        let device = self.cluster.device_of(lane);
        let end_ns = started_ns.saturating_add(self.duration_ns(task, device));
        self.running[lane.index()] = (task, started_ns);
        match self.shared[device.index()] {
            Some(_) => self.queue.push(started_ns, Class::Launch, lane.0),
            None => self.queue.push(end_ns, Class::Task, lane.0),
        }
        end_ns
    }

    /// A task begins to share its device.
    fn launch(&mut self, now_ns: Ns, lane: LaneId, graph: &TaskGraph) {
        let (task, device) = (self.running[lane.index()].0, self.cluster.device_of(lane));
        let duration_ns = self.duration_ns(task, device);
        let occupancy_ppm = graph.task(task).occupancy_ppm;
        let Some(shared) = &mut self.shared[device.index()] else { return };
        let queue = &mut self.queue;
        shared.launch(now_ns, lane.0, duration_ns, occupancy_ppm, |lane, end_ns| {
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
                Command::Run { task, device, lane, .. } => {
                    let started_ns = now_ns.saturating_add(self.cluster.device(device).issue_ns);
                    let end_ns = match self.running[lane.index()] {
                        IDLE => self.begin(task, lane, started_ns),
                        _ => {
                            self.ahead[lane.index()].push_back((task, started_ns));
                            0
                        }
                    };
                    self.digest.add(&[now_ns, u64::from(task.0) << 32 | u64::from(lane.0), end_ns]);
                }
                Command::Copy { copy, object, source, target, bytes, .. } => {
                    let ends = (source, target);
                    let (cluster, queue) = (&self.cluster, &mut self.queue);
                    self.transfers.issue(cluster, queue, now_ns, copy, ends, bytes);
                    let ends = u64::from(source.0) << 32 | u64::from(target.0);
                    self.digest.add(&[now_ns, u64::from(object.0), ends]);
                }
                Command::Think { thinking_ns } => {
                    self.queue.push(now_ns.saturating_add(thinking_ns), Class::Decided, 0);
                }
                Command::Wake { at_ns } => self.queue.push(at_ns.max(now_ns), Class::Timer, 0),
                // Buffers are the executive's own accounts here; studies are taken after the step.
                Command::Allocate { .. } | Command::Release { .. } | Command::Plan => {}
            }
        }
    }

    /// Makes a plan that was asked for; it is known once its thinking is charged.
    fn study(&mut self, now_ns: Ns, executive: &mut Executive) {
        if let Some(study) = executive.take_study() {
            let (plan, thinking_ns) = executive.charged(study);
            self.plan = Some(plan);
            self.queue.push(now_ns.saturating_add(thinking_ns), Class::Planned, 0);
        }
    }

    fn duration_ns(&self, task: TaskId, device: DeviceId) -> Ns {
        let duration_ns = self.truth.duration_ns(task, device).unwrap_or(0);
        self.noise.apply(duration_ns, self.seed, task, device, 0)
    }
}
