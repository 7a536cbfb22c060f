//! A graph of which only a part is known ahead: the next tasks in the order of submission.

use runtime::executive::{Outcome, Program};
use runtime::{ObjectId, TaskGraph, TaskId};
use std::sync::Arc;

/// Submits a graph piece by piece, so that never more than so many unfinished tasks are known: what
/// runtimes do that bound the tasks in flight (StarPU's `STARPU_LIMIT_MAX_SUBMITTED_TASKS` and
/// `STARPU_LIMIT_MIN_SUBMITTED_TASKS`). The window is filled up again when half of it has finished.
///
/// The first unfinished task in the order of submission is always known and waits for known tasks
/// only, so a run never starves. Objects live until the last task that uses them is known and has
/// ended. Tasks keep their numbers.
pub struct Window {
    whole: Arc<TaskGraph>,
    tasks: usize,
    known: usize,
    finished: usize,
    /// By task: whether it has finished once; what is made again was known before.
    has_finished: Vec<bool>,
    /// By object: the last task that uses it.
    last_user: Vec<Option<TaskId>>,
}

impl Window {
    /// The graph that a run begins with, and the program that submits the rest of `whole`; `tasks`
    /// is the window, at least 1. Costs of the run are those of the whole graph.
    pub fn new(whole: Arc<TaskGraph>, tasks: usize) -> (TaskGraph, Self) {
        let mut last_user = vec![None; whole.object_count()];
        for task in whole.task_ids() {
            whole.accesses(task).iter().for_each(|a| last_user[a.object.index()] = Some(task));
        }
        let (count, tasks) = (whole.len(), tasks.max(1));
        let known = tasks.min(count);
        let is_later = |o: &ObjectId| last_user[o.index()].is_some_and(|t| t.index() >= known);
        let held: Vec<ObjectId> = whole.object_ids().filter(is_later).collect();
        let mut begin = TaskGraph::new(whole.name());
        let objects = whole.object_count();
        let added = begin.regrow(&whole, (known, objects), &held);
        added.expect("the whole graph was made by submission");
        let (finished, has_finished) = (0, vec![false; count]);
        (begin, Self { whole, tasks, known, finished, has_finished, last_user })
    }

    /// Submits tasks until the window is full, and lets go what no later one uses.
    fn fill(&mut self, graph: &mut TaskGraph) {
        let more = self.tasks - (self.known - self.finished);
        let added = graph.regrow(&self.whole, (more, 0), &[]);
        added.expect("the run began with the whole graph's begin");
        let new = self.known..graph.len();
        self.known = new.end;
        for task in new.map(TaskId::from_index) {
            for access in self.whole.accesses(task) {
                let object = access.object;
                // One that the whole graph holds is not ours to let go.
                let is_last = self.last_user[object.index()] == Some(task);
                if is_last && !self.whole.object(object).held {
                    graph.release(object);
                }
            }
        }
    }
}

impl Program for Window {
    fn on_finished(&mut self, task: TaskId, _: &Outcome, graph: &mut TaskGraph) {
        if std::mem::replace(&mut self.has_finished[task.index()], true) {
            return;
        }
        self.finished += 1;
        let is_half = self.known - self.finished <= self.tasks / 2;
        if is_half && self.known < self.whole.len() {
            self.fill(graph);
        }
    }
}
