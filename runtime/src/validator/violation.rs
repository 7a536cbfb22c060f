//! What can be wrong with a run.

use crate::cluster::ClusterError;
use crate::{ChannelId, CopyId, DeviceId, GangId, LaneId, LinkId, MemoryId, Ns, ObjectId, TaskId};
use std::fmt;

/// Who put content into a buffer, or used one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// A task.
    Task(TaskId),
    /// A transfer.
    Copy(CopyId),
    /// Nobody: it is an object's initial content.
    Initial,
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Task(task) => write!(f, "task {task}"),
            Party::Copy(copy) => write!(f, "transfer {copy}"),
            Party::Initial => f.write_str("the initial data"),
        }
    }
}

/// A way through a memory's copy engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Arriving.
    In,
    /// Leaving.
    Out,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::In => "into",
            Direction::Out => "out of",
        })
    }
}

/// Versions that a buffer may have held at an instant: a count of the writes in it. Both ends are
/// equal unless things without duration happened at that very instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Fewest writes.
    pub least: u32,
    /// Most writes.
    pub most: u32,
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least == self.most {
            true => write!(f, "version {}", self.least),
            false => write!(f, "a version from {} to {}", self.least, self.most),
        }
    }
}

/// Something that a run must never do, or that its records cannot mean.
///
/// Instants and durations are in nanoseconds. A *version* of an object is the number of writes
/// that it has seen; `instance` is an [`InstanceId`](crate::trace::InstanceId) as a number.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The messages say what the fields are.
pub enum Violation {
    /// The trace's cluster is not one.
    #[error("the trace's cluster cannot be used: {0}")]
    UnusableCluster(ClusterError),
    /// A record names something that is not there; nothing else was checked.
    #[error("{record} record {position} names {names} {id}, but there are only {known}")]
    Dangling { record: &'static str, position: usize, names: &'static str, id: u64, known: u64 },

    /// A task has no finished attempt.
    #[error("task {task} never finished")]
    TaskMissing { task: TaskId },
    /// A task has more than one finished attempt, and nothing that it wrote was taken back.
    #[error("task {task} finished at {first_ns} ns and again at {second_ns} ns")]
    TaskRepeated { task: TaskId, first_ns: Ns, second_ns: Ns },
    /// A task ran on a device that was away.
    #[error(
        "task {task} ran on device {device} from {start_ns} to {end_ns} ns, which was away from \
         {lost_ns} ns on"
    )]
    RanWhileAway { task: TaskId, device: DeviceId, start_ns: Ns, end_ns: Ns, lost_ns: Ns },
    /// A buffer outlived the devices of a memory that is no home.
    #[error(
        "buffer {instance} was in memory {memory} from {allocated_ns} to {released_ns} ns, whose \
         devices were all away from {lost_ns} to {back_ns} ns"
    )]
    HeldWhileAway {
        instance: u32,
        memory: MemoryId,
        allocated_ns: Ns,
        released_ns: Ns,
        lost_ns: Ns,
        back_ns: Ns,
    },
    /// The life of a task or transfer runs backwards.
    #[error(
        "{of} was {earlier} at {earlier_ns} ns, which is after it was {later}, at {later_ns} ns"
    )]
    StampsOutOfOrder {
        of: Party,
        earlier: &'static str,
        earlier_ns: Ns,
        later: &'static str,
        later_ns: Ns,
    },
    /// Something happened to a task that nobody had submitted yet.
    #[error(
        "task {task} was {what} at {at_ns} ns, which is before it was submitted, at {submitted_ns} \
         ns"
    )]
    BeforeSubmission { task: TaskId, what: &'static str, at_ns: Ns, submitted_ns: Ns },
    /// A task ran on lanes of another device.
    #[error(
        "task {task} ran on device {device}, whose lanes do not include {lanes} from {lane} on"
    )]
    LaneOfOtherDevice { task: TaskId, device: DeviceId, lane: LaneId, lanes: u32 },
    /// A task took another number of lanes than it needs cores.
    #[error("task {task} ran on {lanes} lanes and needs {cores}")]
    WrongLaneCount { task: TaskId, lanes: u32, cores: u32 },
    /// The task's costs say that the device cannot run it.
    #[error("task {task} ran on device {device}, which cannot run it")]
    CannotRunThere { task: TaskId, device: DeviceId },
    /// Two tasks at once on one lane.
    #[error(
        "lane {lane} started task {second} at {second_start_ns} ns, while it ran task {first} \
         until {first_end_ns} ns"
    )]
    LaneDoubleBooked {
        lane: LaneId,
        first: TaskId,
        first_end_ns: Ns,
        second: TaskId,
        second_start_ns: Ns,
    },
    /// Members of a gang did not start at one instant.
    #[error(
        "gang {gang} was {stage} in parts: task {first} at {first_ns} ns, task {second} at \
         {second_ns} ns"
    )]
    GangApart {
        gang: GangId,
        stage: &'static str,
        first: TaskId,
        first_ns: Ns,
        second: TaskId,
        second_ns: Ns,
    },

    /// A task started before the writer of an input had finished.
    #[error(
        "task {task} started at {start_ns} ns, before task {writer}, which writes its input \
         {object}, finished at {end_ns} ns"
    )]
    StartedBeforeInput { task: TaskId, start_ns: Ns, writer: TaskId, end_ns: Ns, object: ObjectId },
    /// A task wrote an object while a reader of the version before was running.
    #[error(
        "task {task} began to write {object} at {start_ns} ns, while task {reader} read the \
         version before until {end_ns} ns"
    )]
    WrittenWhileRead { task: TaskId, start_ns: Ns, reader: TaskId, end_ns: Ns, object: ObjectId },
    /// A task wrote an object before the writer of the version before had finished.
    #[error(
        "task {task} began to write {object} at {start_ns} ns, before task {writer}, which writes \
         the version before, finished at {end_ns} ns"
    )]
    WrittenOutOfOrder { task: TaskId, start_ns: Ns, writer: TaskId, end_ns: Ns, object: ObjectId },
    /// A task started before one that it was submitted to start after.
    #[error(
        "task {task} started at {start_ns} ns, before task {after}, which a control edge puts \
         before it, finished at {end_ns} ns"
    )]
    ControlBroken { task: TaskId, start_ns: Ns, after: TaskId, end_ns: Ns },
    /// A task was called ready before its last predecessor had finished.
    #[error(
        "task {task} was called ready at {ready_ns} ns, before its predecessor {predecessor} \
         finished at {end_ns} ns"
    )]
    ReadyTooEarly { task: TaskId, ready_ns: Ns, predecessor: TaskId, end_ns: Ns },
    /// Two tasks with exclusive access to one object at once.
    #[error(
        "tasks {first} and {second} have exclusive access to {object}, but {second} started at \
         {second_start_ns} ns and {first} ran until {first_end_ns} ns"
    )]
    ExclusiveOverlap {
        object: ObjectId,
        first: TaskId,
        first_end_ns: Ns,
        second: TaskId,
        second_start_ns: Ns,
    },
    /// Racy users of one object in two memories at once.
    #[error(
        "task {second} was placed in {second_memory} at {second_placed_ns} ns, while task {first} \
         used {object} racily in {first_memory} until {first_end_ns} ns"
    )]
    RacyApart {
        object: ObjectId,
        first: TaskId,
        first_memory: MemoryId,
        first_end_ns: Ns,
        second: TaskId,
        second_memory: MemoryId,
        second_placed_ns: Ns,
    },

    /// A buffer of which there is no record.
    #[error("{by} uses buffer {instance}, of which there is no record")]
    UnknownBuffer { by: Party, instance: u32 },
    /// Two records of one life of a buffer.
    #[error("buffer {instance} is recorded twice")]
    BufferRepeated { instance: u32 },
    /// A buffer is released before it is allocated.
    #[error(
        "buffer {instance} was allocated at {allocated_ns} ns and released at {released_ns} ns"
    )]
    BufferBackwards { instance: u32, allocated_ns: Ns, released_ns: Ns },
    /// A buffer of another size than its object.
    #[error("buffer {instance} has {bytes} bytes, its object {object} has {expected_bytes}")]
    WrongBufferSize { instance: u32, object: ObjectId, bytes: u64, expected_bytes: u64 },
    /// A task used a buffer of another object or memory.
    #[error(
        "task {task} needs {object} in {memory}, but used buffer {instance}, which holds \
         {found_object:?} in {found_memory}"
    )]
    WrongBuffer {
        task: TaskId,
        object: ObjectId,
        memory: MemoryId,
        instance: u32,
        found_object: Option<ObjectId>,
        found_memory: MemoryId,
    },
    /// A buffer was not there for the whole run of a task.
    #[error(
        "task {task} ran from {start_ns} to {end_ns} ns on buffer {instance} of {object}, which \
         was allocated at {allocated_ns} ns and released at {released_ns} ns"
    )]
    BufferNotHeld {
        task: TaskId,
        object: ObjectId,
        instance: u32,
        start_ns: Ns,
        end_ns: Ns,
        allocated_ns: Ns,
        released_ns: Ns,
    },
    /// A task read a buffer into which nobody had put anything.
    #[error(
        "task {task} started at {start_ns} ns and needs {expected} of {object}, but nothing had \
         arrived in buffer {instance} in {memory}"
    )]
    InputMissing {
        task: TaskId,
        object: ObjectId,
        memory: MemoryId,
        instance: u32,
        start_ns: Ns,
        expected: Versions,
    },
    /// A task read the wrong version.
    #[error(
        "task {task} started at {start_ns} ns and needs {expected} of {object}, but buffer \
         {instance} in {memory} held {found}"
    )]
    InputStale {
        task: TaskId,
        object: ObjectId,
        memory: MemoryId,
        instance: u32,
        start_ns: Ns,
        expected: Versions,
        found: Versions,
    },
    /// A buffer was filled while a task read it.
    #[error(
        "task {task} read buffer {instance} of {object} until {end_ns} ns, but {by} began to \
         write it at {at_ns} ns"
    )]
    InputOverwritten {
        task: TaskId,
        object: ObjectId,
        instance: u32,
        end_ns: Ns,
        by: Party,
        at_ns: Ns,
    },
    /// Two wrote one buffer at once.
    #[error(
        "{second} began to write buffer {instance} of {object} at {second_start_ns} ns, while \
         {first} wrote it until {first_end_ns} ns"
    )]
    BufferWrittenTwice {
        object: ObjectId,
        instance: u32,
        first: Party,
        first_end_ns: Ns,
        second: Party,
        second_start_ns: Ns,
    },

    /// A transfer's record does not agree with those of its buffers.
    #[error("transfer {copy} of {object} does not agree with buffer {instance}: {what}")]
    CopyMismatch { copy: CopyId, object: ObjectId, instance: u32, what: &'static str },
    /// A transfer read a buffer that was not allocated.
    #[error(
        "transfer {copy} read buffer {instance} of {object} from {start_ns} to {end_ns} ns, which \
         was allocated at {allocated_ns} ns and released at {released_ns} ns"
    )]
    SourceNotHeld {
        copy: CopyId,
        object: ObjectId,
        instance: u32,
        start_ns: Ns,
        end_ns: Ns,
        allocated_ns: Ns,
        released_ns: Ns,
    },
    /// A transfer wrote a buffer that was not allocated.
    #[error(
        "transfer {copy} filled buffer {instance} of {object} from {start_ns} to {end_ns} ns, \
         which was allocated at {allocated_ns} ns and released at {released_ns} ns"
    )]
    TargetNotHeld {
        copy: CopyId,
        object: ObjectId,
        instance: u32,
        start_ns: Ns,
        end_ns: Ns,
        allocated_ns: Ns,
        released_ns: Ns,
    },
    /// A transfer read a buffer without content.
    #[error(
        "transfer {copy} started at {start_ns} ns from buffer {instance} of {object}, which held \
         nothing"
    )]
    SourceMissing { copy: CopyId, object: ObjectId, instance: u32, start_ns: Ns },
    /// A transfer was issued of a version that was old already.
    #[error(
        "transfer {copy} of {object} was issued at {issued_ns} ns with {found}, when version \
         {current} was finished"
    )]
    SourceStale { copy: CopyId, object: ObjectId, issued_ns: Ns, found: Versions, current: u32 },
    /// A transfer's source was written while it was read.
    #[error(
        "transfer {copy} read buffer {instance} of {object} until {end_ns} ns, but {by} began to \
         write it at {at_ns} ns"
    )]
    SourceOverwritten {
        copy: CopyId,
        object: ObjectId,
        instance: u32,
        end_ns: Ns,
        by: Party,
        at_ns: Ns,
    },

    /// More in a memory than fits.
    #[error(
        "memory {memory} held {used_bytes} bytes at {at_ns} ns, its capacity is {capacity_bytes}"
    )]
    MemoryExceeded { memory: MemoryId, at_ns: Ns, used_bytes: u64, capacity_bytes: u64 },
    /// The records of scratch memory are not what the tasks declare.
    #[error(
        "{recorded} records of {bytes} scratch bytes in {memory} from {from_ns} to {to_ns} ns, \
         expected {expected}"
    )]
    ScratchMismatch {
        memory: MemoryId,
        bytes: u64,
        from_ns: Ns,
        to_ns: Ns,
        recorded: u32,
        expected: u32,
    },

    /// A transfer where no links lead.
    #[error("transfer {copy} went from {from} to {to}, where no links lead")]
    NoRoute { copy: CopyId, from: MemoryId, to: MemoryId },
    /// A transfer that beats its route alone.
    #[error(
        "transfer {copy} of {bytes} bytes from {from} to {to} lasted {lasted_ns} ns; alone on its \
         route it takes {least_ns} ns"
    )]
    TransferTooFast {
        copy: CopyId,
        from: MemoryId,
        to: MemoryId,
        bytes: u64,
        lasted_ns: Ns,
        least_ns: Ns,
    },
    /// Transfers that together beat a channel that they share.
    #[error(
        "{transfers} transfers wholly between {from_ns} and {to_ns} ns took {bytes} bytes through \
         channel {channel} ({}), which carries {capacity_bytes} bytes in that time",
        link.map_or_else(|| "inside of a switch".to_owned(), |l| format!("link {l}"))
    )]
    ChannelExceeded {
        channel: ChannelId,
        link: Option<LinkId>,
        from_ns: Ns,
        to_ns: Ns,
        transfers: u32,
        bytes: u64,
        capacity_bytes: u64,
    },
    /// More transfers at once than a memory's engines carry.
    #[error(
        "{copies} transfers {direction} memory {memory} at once at {at_ns} ns, at most {limit}"
    )]
    TooManyCopies { memory: MemoryId, direction: Direction, at_ns: Ns, copies: u32, limit: u32 },

    /// A kept result is not at home in its last version.
    #[error(
        "result {object} is to be in {home} in version {expected} at the end; {}",
        found.map_or_else(|| "nothing is there".to_owned(), |v| format!("{v} is there"))
    )]
    ResultNotHome { object: ObjectId, home: MemoryId, expected: u32, found: Option<Versions> },
    /// The makespan is not the end of the last thing that counts.
    #[error(
        "the makespan is recorded as {recorded_ns} ns; the last task or result ended at \
         {expected_ns} ns"
    )]
    WrongMakespan { recorded_ns: Ns, expected_ns: Ns },
}
