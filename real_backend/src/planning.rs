//! Plans that are made apart from the run: each on a thread of its own that belongs to no core, so
//! no lane waits for one, however long it takes.

use crate::core::Core;
use crate::crew::{Crew, Turn};
use crate::worker::Shared;
use runtime::planner::{StopFlag, Study};
use runtime::{Input, Ns, Schedule};
use std::sync::Arc;

/// Planners may recurse.
const STACK_BYTES: usize = 16 << 20;

/// The plan that is being made, if any.
#[derive(Default)]
pub(crate) struct Planning {
    /// It waits for its thread.
    study: Option<Study>,
    /// It has one, or is to have one.
    stop: Option<StopFlag>,
}

impl Planning {
    /// Notes a study for [`start`].
    pub fn ask(&mut self, study: Option<Study>) {
        self.stop = study.as_ref().map(Study::stop_flag);
        self.study = study;
    }

    /// Whether a plan is to come.
    pub fn is_under_way(&self) -> bool {
        self.stop.is_some()
    }

    /// Asks the planner to end soon: nobody will read its plan.
    pub fn stop(&mut self) {
        self.study = None;
        if let Some(stop) = self.stop.take() {
            stop.stop();
        }
    }

    /// The study that waits for its thread.
    pub fn take(&mut self) -> Option<Study> {
        self.study.take()
    }
}

impl Core {
    /// A planner's thread brings its plan; one that comes after the end is dropped.
    fn planned(&mut self, crew: &Crew, at_ns: Ns, plan: Result<Schedule, String>, turn: &mut Turn) {
        if self.ending.is_none() && self.planning.is_under_way() {
            self.planning = Planning::default();
            self.step(crew, at_ns, Input::Planned { plan }, turn);
        }
    }
}

/// Starts a study on a thread of its own.
pub(crate) fn start(shared: &Arc<Shared>, study: Study) {
    let theirs = Arc::clone(shared);
    let body = move || theirs.guarded(|| bring(&theirs, study.plan()));
    let builder = std::thread::Builder::new().name("planner".to_owned()).stack_size(STACK_BYTES);
    if let Err(error) = builder.spawn(body) {
        bring(shared, Err(format!("the planner has no thread: {error}")));
    }
}

fn bring(shared: &Shared, plan: Result<Schedule, String>) {
    let crew = &shared.crew;
    let mut turn = Turn::default();
    shared.lock().planned(crew, crew.clock.now_ns(), plan, &mut turn);
    shared.end_turn(&mut turn);
}
