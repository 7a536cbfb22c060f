//! What a run leaves behind, the same for both worlds.
//!
//! A trace is self-contained: it holds the graph, the cluster, the input log (which, stepped
//! through a fresh executive and scheduler, yields the same commands) and what happened, as
//! interval records. Every report, chart, check and replay is a function of it.

mod file;

pub use file::{TRACE_VERSION, TraceError, read_trace, write_trace};

use crate::cluster::LinkState;
use crate::executive::{Input, Retry};
use crate::scheduler::Cause;
use crate::{
    ClusterSpec, CopyId, DeviceId, LaneId, LinkId, MemoryId, Ns, ObjectId, TaskGraph, TaskId,
};
use serde::{Deserialize, Serialize};

/// The world that a trace comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum World {
    /// Virtual time.
    #[default]
    Simulated,
    /// Wall time on real hardware.
    Measured,
    /// Wall time on hardware that stands for another machine: data moves and kernels run for real,
    /// and everything is held back until the machine's model says that it ends.
    Emulated,
}

impl World {
    /// One word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Measured => "measured",
            Self::Emulated => "emulated",
        }
    }
}

/// What a trace says about its run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceHeader {
    /// Where it was run.
    pub world: World,
    /// The scheduler's name and parameters.
    pub scheduler: String,
    /// The run's seed.
    pub seed: u64,
    /// The machine.
    pub cluster: ClusterSpec,
    /// Tasks that strict lanes were given besides the one that they ran.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub issue_ahead: u32,
    /// What follows a failed attempt.
    #[serde(default, skip_serializing_if = "Retry::is_default")]
    pub retry: Retry,
    /// Where the run was made, for people: host, processor, versions.
    #[serde(default)]
    pub provenance: Vec<(String, String)>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One life of a buffer; never reused, unlike [`crate::BufferId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub u32);

impl InstanceId {
    /// As an array index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An attempt at a task, with the instants at which it came closer to running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The task.
    pub task: TaskId,
    /// Where it ran.
    pub device: DeviceId,
    /// The first of its lanes.
    pub lane: LaneId,
    /// How many lanes.
    pub lanes: u32,
    /// Its last predecessor had finished.
    pub ready_ns: Ns,
    /// It was placed (for the last time).
    pub placed_ns: Ns,
    /// Its working set was reserved.
    pub reserved_ns: Ns,
    /// Its inputs were in its memory.
    pub data_ns: Ns,
    /// It got its exclusive objects.
    pub locked_ns: Ns,
    /// The command was issued.
    pub issued_ns: Ns,
    /// It started.
    pub started_ns: Ns,
    /// It ended.
    pub finished_ns: Ns,
    /// Its buffers are `task_buffers[first_buffer ..]`, one per access of the task.
    pub first_buffer: u32,
}

/// A transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyRecord {
    /// The transfer.
    pub copy: CopyId,
    /// What was copied.
    pub object: ObjectId,
    /// From which memory.
    pub source: MemoryId,
    /// To which memory.
    pub target: MemoryId,
    /// From which buffer.
    pub from: InstanceId,
    /// To which buffer.
    pub to: InstanceId,
    /// How much.
    pub bytes: u64,
    /// Why.
    pub reason: CopyReason,
    /// Asked for.
    pub requested_ns: Ns,
    /// Given to the driver.
    pub issued_ns: Ns,
    /// Started.
    pub started_ns: Ns,
    /// Ended.
    pub finished_ns: Ns,
}

/// Why something is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyReason {
    /// A placed task needs it.
    Input,
    /// The scheduler asked for it.
    Prefetch,
    /// It is evicted and its home has no current copy.
    WriteBack,
    /// It is a result.
    Result,
}

/// A buffer from allocation to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BufferRecord {
    /// Which life.
    pub instance: InstanceId,
    /// What it held; `None` for a task's scratch.
    pub object: Option<ObjectId>,
    /// Where.
    pub memory: MemoryId,
    /// Size.
    pub bytes: u64,
    /// Begin.
    pub allocated_ns: Ns,
    /// End; `Ns::MAX` when it lived to the end of the run.
    pub released_ns: Ns,
}

/// One call of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThoughtRecord {
    /// When it was asked.
    pub asked_ns: Ns,
    /// What was charged for its thinking.
    pub thinking_ns: Ns,
    /// Decisions in its answer.
    pub decisions: u32,
    /// Of these, refused.
    pub refused: u32,
}

/// What went wrong in a run and what was done about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Attempts that came to nothing.
    pub attempts: Vec<LostAttempt>,
    /// Buffers of these attempts, see [`LostAttempt::first_buffer`].
    pub attempt_buffers: Vec<InstanceId>,
    /// Transfers that were cut off, by a loss or by the end of the run;
    /// [`CopyRecord::finished_ns`] is when, and [`CopyRecord::started_ns`] when they were issued.
    pub copies: Vec<CopyRecord>,
    /// When devices were away.
    pub outages: Vec<Outage>,
    /// Objects that were taken back to an earlier version.
    pub rollbacks: Vec<Rollback>,
    /// Links that carried more or less from some instant on, in that order.
    pub links: Vec<LinkChange>,
}

impl Losses {
    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.outages.is_empty() && self.links.is_empty()
    }
}

/// An attempt at a task that came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostAttempt {
    /// The task.
    pub task: TaskId,
    /// Where it ran.
    pub device: DeviceId,
    /// The first of its lanes.
    pub lane: LaneId,
    /// How many lanes.
    pub lanes: u32,
    /// Its working set was reserved.
    pub reserved_ns: Ns,
    /// The command was issued.
    pub issued_ns: Ns,
    /// It was over.
    pub ended_ns: Ns,
    /// Why.
    pub cause: Cause,
    /// Its buffers are `attempt_buffers[first_buffer ..]`, one per access of the task.
    pub first_buffer: u32,
}

/// An interval in which a device was away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The device.
    pub device: DeviceId,
    /// Lost.
    pub from_ns: Ns,
    /// Joined again; `Ns::MAX` when it did not.
    pub until_ns: Ns,
}

/// A link that carries more or less from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkChange {
    /// The link.
    pub link: LinkId,
    /// When.
    pub at_ns: Ns,
    /// What it carries.
    pub state: LinkState,
}

/// An object that was taken back to an earlier version, from which its writers run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The object.
    pub object: ObjectId,
    /// When.
    pub at_ns: Ns,
    /// Attempts that had finished by then: positions in [`Trace::tasks`] from there on came later.
    pub tasks: u32,
    /// Writes that count after that.
    pub version: u32,
    /// Whether its initial content was brought back to its home.
    pub restored: bool,
}

/// An input of the executive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputRecord {
    /// When it was stepped.
    pub at_ns: Ns,
    /// What.
    pub input: Input,
}

/// Everything that happened in a run. Records are in the order in which they were completed.
#[derive(Clone, Debug)]
pub struct Trace {
    /// What was run where.
    pub header: TraceHeader,
    /// The graph, grown to its end.
    pub graph: TaskGraph,
    /// Tasks that existed when the run started.
    pub initial_tasks: usize,
    /// When everything, results at home included, was done.
    pub makespan_ns: Ns,
    /// Attempts at tasks.
    pub tasks: Vec<TaskRecord>,
    /// Buffers of the attempts, see [`TaskRecord::first_buffer`].
    pub task_buffers: Vec<InstanceId>,
    /// Transfers.
    pub copies: Vec<CopyRecord>,
    /// Buffers.
    pub buffers: Vec<BufferRecord>,
    /// Calls of the scheduler.
    pub thoughts: Vec<ThoughtRecord>,
    /// The input log.
    pub inputs: Vec<InputRecord>,
    /// What went wrong.
    pub losses: Losses,
}

impl Trace {
    /// The buffers of an attempt that came to nothing, one per access of its task.
    pub fn buffers_of_lost(&self, record: &LostAttempt) -> &[InstanceId] {
        let count = self.graph.accesses(record.task).len();
        &self.losses.attempt_buffers[record.first_buffer as usize..][..count]
    }

    /// The buffers of an attempt, one per access of its task, in the order of its accesses.
    pub fn buffers_of(&self, record: &TaskRecord) -> &[InstanceId] {
        let count = self.graph.accesses(record.task).len();
        &self.task_buffers[record.first_buffer as usize..][..count]
    }

    /// A 64-bit FNV-1a digest of everything that happened: equal digests, equal runs.
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        digest.add(&[self.makespan_ns, self.graph.len() as u64]);
        for t in &self.tasks {
            digest.add(&[
                t.task.0.into(),
                t.lane.0.into(),
                t.issued_ns,
                t.started_ns,
                t.finished_ns,
            ]);
        }
        for c in &self.copies {
            let ends = [c.source.0.into(), c.target.0.into()];
            digest.add(&[c.object.0.into(), ends[0], ends[1], c.issued_ns, c.finished_ns]);
        }
        for b in &self.buffers {
            digest.add(&[b.memory.0.into(), b.bytes, b.allocated_ns, b.released_ns]);
        }
        for a in &self.losses.attempts {
            digest.add(&[a.task.0.into(), a.lane.0.into(), a.issued_ns, a.ended_ns]);
        }
        for o in &self.losses.outages {
            digest.add(&[o.device.0.into(), o.from_ns, o.until_ns]);
        }
        for l in &self.losses.links {
            digest.add(&[l.link.0.into(), l.at_ns, l.state.factor_ppm.into()]);
        }
        for t in &self.thoughts {
            digest.add(&[t.asked_ns, t.thinking_ns, t.decisions.into(), t.refused.into()]);
        }
        digest.value()
    }
}

/// FNV-1a over 64-bit words.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds words.
    #[inline]
    pub fn add(&mut self, words: &[u64]) {
        for word in words {
            for byte in word.to_le_bytes() {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }

    /// The digest.
    pub fn value(self) -> u64 {
        self.0
    }
}
