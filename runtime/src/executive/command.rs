//! What goes into the executive and what comes out.

use crate::cluster::LinkState;
use crate::planner::Schedule;
use crate::{BufferId, CopyId, DeviceId, LaneId, LinkId, MemoryId, Ns, ObjectId, TaskId};
use serde::{Deserialize, Serialize};

/// What a kernel returned: small integers, mostly nothing.
pub type Outcome = Option<Box<[i64]>>;

/// Something that happened in the driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The run begins.
    Start,
    /// A task ended, now.
    Finished {
        /// The task.
        task: TaskId,
        /// When it started.
        started_ns: Ns,
        /// What it returned.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Outcome,
    },
    /// A transfer ended, now.
    Copied {
        /// The transfer.
        copy: CopyId,
        /// When it started.
        started_ns: Ns,
    },
    /// An instant asked for by [`Command::Wake`] has come.
    Timer,
    /// The thinking announced by [`Command::Think`] is over.
    Decided,
    /// The plan asked for by [`Command::Plan`] is there.
    Planned {
        /// What [`Study::plan`](crate::planner::Study::plan) returned.
        plan: Result<Schedule, String>,
    },
    /// Somebody outside submitted something; a driver gives it by
    /// [`Executive::submit`](crate::Executive::submit), and what it was is in the trace's graph.
    Submitted {
        /// How many tasks.
        tasks: u32,
        /// How many objects.
        objects: u32,
        /// Objects that no further task will use.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        released: Vec<ObjectId>,
    },
    /// Nobody outside will submit anything any more.
    Closed,
    /// An attempt at a task came to nothing, now; it is tried again, as [`Retry`] says.
    ///
    /// [`Retry`]: super::Retry
    AttemptFailed {
        /// The task.
        task: TaskId,
        /// When it started.
        started_ns: Ns,
    },
    /// A device is gone, with what it runs and, if it was the last one of a memory that is no home,
    /// with what that memory holds. Nothing comes from it any more.
    DeviceLost {
        /// The device.
        device: DeviceId,
    },
    /// A device that was lost is there again, idle and with empty memory.
    DeviceJoined {
        /// The device.
        device: DeviceId,
    },
    /// A link carries more or less from now on, or is lost for good: transfers over it are sent
    /// anew by other ways.
    LinkChanged {
        /// The link.
        link: LinkId,
        /// What it carries.
        state: LinkState,
    },
    /// A kernel failed; the run ends.
    Failed {
        /// The task.
        task: TaskId,
        /// Why, for people.
        message: String,
    },
}

impl Input {
    /// Objects that a submission let go.
    pub fn released(&self) -> &[ObjectId] {
        match self {
            Self::Submitted { released, .. } => released,
            _ => &[],
        }
    }
}

/// Something for the driver to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Make a buffer for a copy of an object; its content is undefined. At the very start, home
    /// buffers of initial objects are made with their content.
    Allocate {
        /// Which; ids are reused after their release.
        buffer: BufferId,
        /// What it will hold.
        object: ObjectId,
        /// Where.
        memory: MemoryId,
        /// Size.
        bytes: u64,
    },
    /// Free a buffer.
    Release {
        /// Which.
        buffer: BufferId,
    },
    /// Copy a buffer to a buffer in another memory; answer with [`Input::Copied`].
    Copy {
        /// The transfer.
        copy: CopyId,
        /// What.
        object: ObjectId,
        /// From.
        from: BufferId,
        /// To.
        to: BufferId,
        /// From where.
        source: MemoryId,
        /// To where.
        target: MemoryId,
        /// How much.
        bytes: u64,
    },
    /// Run a task on idle lanes; answer with [`Input::Finished`] or [`Input::Failed`].
    Run {
        /// The task.
        task: TaskId,
        /// Where.
        device: DeviceId,
        /// The first lane; the others follow it.
        lane: LaneId,
        /// How many lanes.
        lanes: u32,
        /// Its buffers are [`Commands::buffers`]`[first_buffer ..]`, one per access.
        first_buffer: u32,
    },
    /// The scheduler thinks; answer with [`Input::Decided`] after that time.
    Think {
        /// How long.
        thinking_ns: Ns,
    },
    /// Take the study from the executive ([`Executive::take_study`](crate::Executive::take_study)),
    /// carry it out apart from everything else and answer with [`Input::Planned`].
    Plan,
    /// Answer with [`Input::Timer`] at that instant.
    Wake {
        /// When.
        at_ns: Ns,
    },
    /// Forget a task that runs: nothing is to be heard of this attempt. Only after a loss or a
    /// failure.
    Abandon {
        /// The task.
        task: TaskId,
        /// Where.
        device: DeviceId,
        /// The first of its lanes.
        lane: LaneId,
    },
    /// Forget a transfer that is under way. Only after a loss or a failure.
    AbandonCopy {
        /// The transfer.
        copy: CopyId,
    },
    /// Give a home buffer the initial content of its object once more. Only after a loss or a
    /// failure.
    Restore {
        /// Which.
        buffer: BufferId,
        /// Whose content.
        object: ObjectId,
    },
}

/// The commands of one step, and the buffers they name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    list: Vec<Command>,
    buffers: Vec<BufferId>,
}

impl Commands {
    /// The commands, in order.
    pub fn as_slice(&self) -> &[Command] {
        &self.list
    }

    /// Buffers of the tasks to run.
    pub fn buffers(&self) -> &[BufferId] {
        &self.buffers
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.buffers.clear();
    }

    #[inline]
    pub(super) fn push(&mut self, command: Command) {
        self.list.push(command);
    }

    #[inline]
    pub(super) fn push_buffers(&mut self, buffers: impl Iterator<Item = BufferId>) -> u32 {
        let first = self.buffers.len() as u32;
        self.buffers.extend(buffers);
        first
    }
}
