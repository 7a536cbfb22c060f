//! The independent judge of a run: what happened, checked from the trace's records alone.
//!
//! It shares no code with the executive. What it takes from elsewhere is plain data (the graph's
//! tasks, objects and accesses) and the cluster's routes and channels.

use crate::trace::Trace;
use crate::{Ns, TaskId};

/// Something that a run must never do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// A task has no finished attempt.
    #[error("{task} never finished")]
    TaskMissing {
        /// The task.
        task: TaskId,
    },
    /// A task has more than one finished attempt.
    #[error("{task} finished at {first_ns} ns and again at {second_ns} ns")]
    TaskRepeated {
        /// The task.
        task: TaskId,
        /// End of its first recorded attempt.
        first_ns: Ns,
        /// End of the next one.
        second_ns: Ns,
    },
}

/// Everything that is wrong with a run; empty for a valid one.
pub fn validate(trace: &Trace) -> Vec<Violation> {
    let mut finished: Vec<Option<Ns>> = vec![None; trace.graph.len()];
    let mut violations = Vec::new();
    for record in &trace.tasks {
        let task = record.task;
        match finished[task.index()].replace(record.finished_ns) {
            None => {}
            Some(first_ns) => {
                let second_ns = record.finished_ns;
                violations.push(Violation::TaskRepeated { task, first_ns, second_ns });
            }
        }
    }
    for (index, end) in finished.iter().enumerate() {
        if end.is_none() {
            violations.push(Violation::TaskMissing { task: TaskId::from_index(index) });
        }
    }
    violations
}
