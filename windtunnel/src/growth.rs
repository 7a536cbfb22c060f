//! What a flow that is carried out does when its tasks finish.

use crate::Flow;
use crate::board::Board;
use runtime::executive::{Outcome, Program};
use runtime::{TaskGraph, TaskId};
use sim::OutcomeModel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A flow that is carried out, without its graph, which is the executive's meanwhile.
#[derive(Clone)]
pub(crate) struct Growth {
    flow: Arc<Mutex<Flow>>,
    board: Option<Arc<Board>>,
}

impl Growth {
    /// Takes the graph out of a flow.
    pub fn new(mut flow: Flow, board: Option<Arc<Board>>) -> (Self, TaskGraph) {
        let graph = std::mem::replace(&mut flow.graph, TaskGraph::new(""));
        (Self { flow: Arc::new(Mutex::new(flow)), board }, graph)
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `body` with the flow and its graph together.
    pub fn with<R>(&self, graph: &mut TaskGraph, body: impl FnOnce(&mut Flow) -> R) -> R {
        /// Puts the graph back, after a panic too.
        struct Lent<'a>(&'a mut Flow, &'a mut TaskGraph);
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                std::mem::swap(&mut self.0.graph, self.1);
            }
        }
        let mut flow = self.lock();
        std::mem::swap(&mut flow.graph, graph);
        let lent = Lent(&mut flow, graph);
        let result = body(lent.0);
        lent.0.let_go();
        result
    }
}

impl Program for Growth {
    fn on_finished(&mut self, task: TaskId, outcome: &Outcome, graph: &mut TaskGraph) {
        let then = self.lock().continuations.remove(&task);
        if let Some(then) = then {
            let values = outcome.as_deref().unwrap_or_default();
            self.with(graph, |flow| {
                if let Err(error) = then(values, flow) {
                    flow.failure.get_or_insert(error.to_string());
                }
            });
        }
        if let Some(board) = &self.board {
            board.finished(task, outcome);
        }
    }

    fn failure(&mut self) -> Option<String> {
        self.lock().failure.take()
    }
}

impl OutcomeModel for Growth {
    fn outcome(&mut self, task: TaskId, _: &TaskGraph) -> Outcome {
        self.lock().expected.get(&task).cloned()
    }
}
