//! Stepping a recorded input log through a fresh executive and the same scheduler: the executive
//! being deterministic, it must give the same commands again.

mod digest;

pub use digest::CommandDigest;

use crate::cluster::ClusterError;
use crate::cost::CostError;
use crate::executive::{Feasibility, Setup, Thinking};
use crate::graph::GraphError;
use crate::trace::{InputRecord, Trace};
use crate::{
    Cluster, Command, Commands, Costs, Executive, Input, Ns, ObjectId, Scheduler, TaskGraph,
};
use std::sync::Arc;

/// What a replay found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// To be compared with the digest that the driver took of the recorded run.
    pub digest: CommandDigest,
    /// To be compared with [`Trace::makespan_ns`].
    pub makespan_ns: Ns,
    /// Whether everything was done at the end of the log.
    pub is_done: bool,
    /// To be compared with [`Trace::digest`] of the recorded run; `None` when the replay was set up
    /// without tracing.
    pub trace_digest: Option<u64>,
}

/// Why a log cannot be stepped through.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The trace does not hold the graph that the run began with.
    #[error(
        "the graph grew from {initial} to {tasks} tasks while it ran: replay it with the graph \
         and the program that it began with"
    )]
    Grown {
        /// Tasks at the start.
        initial: usize,
        /// Tasks at the end.
        tasks: usize,
    },
    /// The trace's cluster is not one.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The trace's tasks have no costs on its cluster.
    #[error(transparent)]
    Costs(#[from] CostError),
    /// The run cannot begin.
    #[error(transparent)]
    Infeasible(#[from] Feasibility),
    /// The trace's graph did not begin like the one that it is replayed with.
    #[error("what was submitted while the run went on does not fit the graph it began with: {0}")]
    Regrowth(#[from] GraphError),
    /// The log goes back in time.
    #[error("input {step} of the log is stamped {at_ns} ns, the one before it {before_ns} ns")]
    Disordered {
        /// Position in the log.
        step: usize,
        /// Its time.
        at_ns: Ns,
        /// The time before.
        before_ns: Ns,
    },
    /// The log lets something end before it started.
    #[error("input {step} of the log ends at {at_ns} ns what started at {started_ns} ns")]
    Backwards {
        /// Position in the log.
        step: usize,
        /// Its end.
        at_ns: Ns,
        /// Its start.
        started_ns: Ns,
    },
    /// The log ends something that the replay did not begin.
    #[error("the replay has parted from the log: input {step} is the end of {what}, not under way")]
    Parted {
        /// Position in the log.
        step: usize,
        /// The task or transfer.
        what: String,
    },
}

/// Replays a run whose graph did not grow, whose scheduler was shown the tasks' own costs and
/// whose objects were not held.
///
/// # Errors
/// [`ReplayError`], which is a difference too.
pub fn replay_inputs(
    trace: &Trace,
    scheduler: Box<dyn Scheduler>,
) -> Result<Replayed, ReplayError> {
    let (initial, tasks) = (trace.initial_tasks, trace.graph.len());
    if initial != tasks {
        return Err(ReplayError::Grown { initial, tasks });
    }
    let graph = trace.graph.clone();
    let cluster = Arc::new(Cluster::new(trace.header.cluster.clone())?);
    let estimates = Costs::resolve(&graph, &cluster, None)?;
    let thinking = Thinking::Free;
    let program = None;
    replay_setup(
        trace,
        Setup { graph, cluster, estimates, scheduler, thinking, program, tracing: false },
    )
}

/// Replays any run from what it began with, its program included; what was submitted from outside
/// ([`Input::Submitted`]) is taken from the trace, and the objects of the graph must be held as
/// they were. How thinking is charged is taken from the trace.
///
/// # Errors
/// [`ReplayError`], which is a difference too.
pub fn replay_setup(trace: &Trace, setup: Setup) -> Result<Replayed, ReplayError> {
    let thinking = trace.thoughts.iter().map(|t| t.thinking_ns).collect();
    let setup = Setup { thinking: Thinking::Recorded(thinking), ..setup };
    let is_traced = setup.tracing;
    let mut executive = Executive::new(setup)?;
    let spec = executive.cluster().spec();
    let (devices, links) = (spec.devices.len(), spec.links.len());
    executive.issue_ahead(trace.header.issue_ahead);
    let is_closed = |r: &InputRecord| matches!(r.input, Input::Closed);
    if trace.inputs.iter().any(is_closed) {
        executive.open();
    }
    // What was let go later was held when it came.
    let mut held: Vec<ObjectId> =
        trace.inputs.iter().flat_map(|r| r.input.released()).copied().collect();
    held.sort_unstable();
    executive.set_retry(trace.header.retry);
    let mut commands = Commands::default();
    let mut digest = CommandDigest::default();
    let mut under_way = UnderWay::default();
    let mut before_ns = 0;
    for (step, record) in trace.inputs.iter().enumerate() {
        let at_ns = record.at_ns;
        if at_ns < before_ns {
            return Err(ReplayError::Disordered { step, at_ns, before_ns });
        }
        before_ns = at_ns;
        if let Input::Finished { started_ns, .. }
        | Input::AttemptFailed { started_ns, .. }
        | Input::Copied { started_ns, .. } = record.input
            && started_ns > at_ns
        {
            return Err(ReplayError::Backwards { step, at_ns, started_ns });
        }
        under_way.end(step, &record.input, (devices, links))?;
        commands.clear();
        match record.input {
            Input::Submitted { tasks, objects, .. } => {
                let counts = (tasks as usize, objects as usize);
                let add = |graph: &mut TaskGraph| {
                    graph.regrow(&trace.graph, counts, &held)?;
                    let released = record.input.released().iter();
                    released.for_each(|o| graph.release(*o));
                    Ok::<(), GraphError>(())
                };
                executive.submit(at_ns, &mut commands, add)?;
            }
            _ => executive.step(at_ns, record.input.clone(), &mut commands),
        }
        digest.step(&commands);
        under_way.begin(&commands);
    }
    let (makespan_ns, is_done) = (executive.makespan_ns(), executive.is_done());
    let trace_digest = is_traced.then(|| executive.into_trace(trace.header.clone()).digest());
    Ok(Replayed { digest, makespan_ns, is_done, trace_digest })
}

/// Tasks and transfers that were begun and have not ended, by id. The executive trusts its driver
/// in this, a log is not to be trusted.
#[derive(Default)]
struct UnderWay {
    tasks: Vec<bool>,
    copies: Vec<bool>,
}

impl UnderWay {
    fn begin(&mut self, commands: &Commands) {
        for command in commands.as_slice() {
            let (list, at, begins) = match command {
                Command::Run { task, .. } => (&mut self.tasks, task.index(), true),
                Command::Copy { copy, .. } => (&mut self.copies, copy.index(), true),
                Command::Abandon { task, .. } => (&mut self.tasks, task.index(), false),
                Command::AbandonCopy { copy } => (&mut self.copies, copy.index(), false),
                _ => continue,
            };
            if at >= list.len() {
                list.resize(at + 1, false);
            }
            list[at] = begins;
        }
    }

    fn end(
        &mut self,
        step: usize,
        input: &Input,
        (devices, links): (usize, usize),
    ) -> Result<(), ReplayError> {
        let (list, at, what): (_, _, &dyn std::fmt::Display) = match input {
            Input::Finished { task, .. }
            | Input::Failed { task, .. }
            | Input::AttemptFailed { task, .. } => (&mut self.tasks, task.index(), task),
            Input::Copied { copy, .. } => (&mut self.copies, copy.index(), copy),
            Input::DeviceLost { device } | Input::DeviceJoined { device } => {
                return match device.index() < devices {
                    true => Ok(()),
                    false => Err(ReplayError::Parted { step, what: device.to_string() }),
                };
            }
            Input::LinkChanged { link, .. } => {
                return match link.index() < links {
                    true => Ok(()),
                    false => Err(ReplayError::Parted { step, what: link.to_string() }),
                };
            }
            Input::Start
            | Input::Timer
            | Input::Decided
            | Input::Planned { .. }
            | Input::Submitted { .. }
            | Input::Closed => return Ok(()),
        };
        match list.get_mut(at).map(std::mem::take) {
            Some(true) => Ok(()),
            _ => Err(ReplayError::Parted { step, what: what.to_string() }),
        }
    }
}
