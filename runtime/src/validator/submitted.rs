//! What was submitted while the run went on: nothing of it happens before.

use super::Violation;
use super::facts::Facts;
use crate::executive::Input;
use crate::{Ns, TaskId};

/// Nothing is said of a run whose graph grew in other ways too: its tasks are not numbered in the
/// order of the submissions alone.
pub(super) fn check(facts: &Facts, out: &mut Vec<Violation>) {
    let Some(since_ns) = submitted_ns(facts) else { return };
    let mut early = |task: TaskId, what: &'static str, at_ns: Ns| {
        let submitted_ns = since_ns[task.index()];
        if facts.is_after(submitted_ns, at_ns) {
            out.push(Violation::BeforeSubmission { task, what, at_ns, submitted_ns });
        }
    };
    for t in &facts.trace.tasks {
        early(t.task, "ready", t.ready_ns);
        early(t.task, "placed", t.placed_ns);
        early(t.task, "started", t.started_ns);
    }
    for a in &facts.trace.losses.attempts {
        early(a.task, "issued", a.issued_ns);
    }
}

/// By task, when it was submitted; `None` where nothing was, or where that cannot be told.
fn submitted_ns(facts: &Facts) -> Option<Vec<Ns>> {
    let trace = facts.trace;
    let mut since_ns = vec![0; trace.initial_tasks.min(trace.graph.len())];
    for record in &trace.inputs {
        if let Input::Submitted { tasks, .. } = record.input {
            let count = since_ns.len().saturating_add(tasks as usize).min(trace.graph.len() + 1);
            since_ns.resize(count, record.at_ns);
        }
    }
    let is_all = since_ns.len() == trace.graph.len() && trace.initial_tasks < trace.graph.len();
    is_all.then_some(since_ns)
}
