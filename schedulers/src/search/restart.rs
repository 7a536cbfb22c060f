//! Random restart: the search that every other one is compared with.
//!
//! Random priorities, decoded so that each task goes where it ends first; the best is kept. There
//! is no paper: it is what is left of a search when nothing is learnt.

use super::decode::Decoder;
use super::evaluator::Evaluator;
use super::planner::{
    CHECK, CONTENTION, EVALUATIONS, MEMORY, PLANNING, REPLAN_AFTER, Search, SearchPlanner,
    TIME_LIMIT,
};
use super::run::Run;
use runtime::registry::{Parameters, SchedulerInfo};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "random-restart",
    summary: "the best of many schedules of random priorities, each task where it ends first",
    paper: "none: the baseline of searches",
    parameters: &[EVALUATIONS, TIME_LIMIT, CHECK, CONTENTION, MEMORY, PLANNING, REPLAN_AFTER],
    build: |parameters, context| {
        SearchPlanner::boxed(&INFO, search(parameters), parameters, context)
    },
};

/// The search of parameters.
pub(super) fn search(_: &Parameters) -> Box<dyn Search> {
    Box::new(Restart)
}

/// See the module's documentation.
pub struct Restart;

impl Search for Restart {
    fn search(&mut self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let instance = evaluator.instance();
        let mut decoder = Decoder::new(instance);
        let mut priority = vec![0; instance.unit_count()];
        while !run.is_over(evaluator) {
            priority.iter_mut().for_each(|key| *key = run.stream.bits());
            match decoder.decode(&priority) {
                Some(_) => {
                    evaluator.set(&decoder.order, &decoder.lanes);
                    run.offer(evaluator);
                }
                None => evaluator.charge(1),
            }
        }
    }
}
