//! What can be wrong with a submission.

use crate::{ObjectId, TaskId};

/// A task or object that the graph refuses.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// An access names an object that was never added.
    #[error("task {task:?} accesses object {object}, but only {known} objects exist")]
    UnknownObject {
        /// The submitted task's name.
        task: String,
        /// What it named.
        object: ObjectId,
        /// Objects in the graph.
        known: usize,
    },
    /// A control edge names a task that was not submitted before.
    #[error("task {task:?} comes after {after}, but only {known} tasks were submitted before it")]
    UnknownTask {
        /// The submitted task's name.
        task: String,
        /// What it named.
        after: TaskId,
        /// Tasks in the graph.
        known: usize,
    },
    /// One task accesses one object in two modes that cannot be joined.
    #[error("task {task:?} accesses {object} both as {first:?} and as {second:?}")]
    MixedModes {
        /// The submitted task's name.
        task: String,
        /// What it named twice.
        object: String,
        /// The first mode.
        first: super::Mode,
        /// The second mode.
        second: super::Mode,
    },
    /// A read of an object that is neither initial nor written before.
    #[error(
        "task {task:?} reads {object}, which no earlier task writes and which is not initial data"
    )]
    ReadBeforeWrite {
        /// The submitted task's name.
        task: String,
        /// What it reads.
        object: String,
    },
    /// A cost that is negative, infinite or not a number.
    #[error("task {task:?} costs {cost}; expected a finite number of at least 0")]
    BadCost {
        /// The submitted task's name.
        task: String,
        /// What was given.
        cost: f64,
    },
    /// A cost row with the wrong number of columns.
    #[error("a cost table row has {got} entries for {expected} columns")]
    BadRow {
        /// Entries given.
        got: usize,
        /// Columns of the graph.
        expected: usize,
    },
    /// A task that takes no lane.
    #[error("task {task:?} asks for 0 cores; expected at least 1")]
    NoCores {
        /// The submitted task's name.
        task: String,
    },
    /// A task that uses nothing of a device, or more than all.
    #[error("task {task:?} occupies {ppm} millionths of a device; expected from 1 to 1000000")]
    BadOccupancy {
        /// The submitted task's name.
        task: String,
        /// What was given.
        ppm: u32,
    },
    /// A gang member with exclusive accesses: members could wait for each other.
    #[error("task {task:?} is in a gang and accesses {object} exclusively; gangs may not")]
    ExclusiveInGang {
        /// The submitted task's name.
        task: String,
        /// The object.
        object: String,
    },
    /// A gang that was not created by this graph.
    #[error("task {task:?} joins an unknown gang")]
    UnknownGang {
        /// The submitted task's name.
        task: String,
    },
}
