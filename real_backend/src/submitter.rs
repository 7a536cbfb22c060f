//! Submitting tasks to a run from outside.

use crate::crew::Turn;
use crate::worker::Shared;
use runtime::{Input, TaskGraph};
use std::sync::Arc;

/// A way into a run that was begun by [`start`](crate::start). Every thread may have one, kernels
/// included; programs and schedulers may not, which are called while a submission waits.
#[derive(Clone)]
pub struct Submitter {
    shared: Arc<Shared>,
}

impl Submitter {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Has `add` add to the graph and lets the run go on with it; `None` when the run has ended.
    /// Objects that later submissions may use must be held.
    ///
    /// # Panics
    /// When `add` does, with its panic; the run then ends.
    pub fn submit<R>(&self, add: impl FnOnce(&mut TaskGraph) -> R) -> Option<R> {
        self.turn(|turn| {
            let crew = &self.shared.crew;
            self.shared.lock().submit(crew, turn, add)
        })
    }

    /// Says that nobody will submit anything more, so that the run ends with its last task; of no
    /// effect when it was said before.
    pub fn close(&self) {
        self.turn(|turn| {
            let crew = &self.shared.crew;
            let mut core = self.shared.lock();
            if core.is_open() {
                core.step(crew, crew.clock.now_ns(), Input::Closed, turn);
            }
        });
    }

    fn turn<R>(&self, body: impl FnOnce(&mut Turn) -> R) -> R {
        /// Wakes whom the turn had something for, after a panic too.
        struct Delivered<'a>(&'a Shared, Turn);
        impl Drop for Delivered<'_> {
            fn drop(&mut self) {
                self.0.end_turn(&mut self.1);
            }
        }
        // The first step is the start's.
        self.shared.crew.clock.wait_for_start();
        let mut turn = Delivered(&self.shared, Turn::default());
        body(&mut turn.1)
    }
}

impl std::fmt::Debug for Submitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitter").finish_non_exhaustive()
    }
}
