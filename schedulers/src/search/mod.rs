//! Searching for good schedules.
//!
//! Read in this order: [`evaluator`] computes what a change of a schedule does, [`moves`] makes
//! changes, [`run`] keeps budget and best schedule, [`mod@planner`] makes a planner of any search;
//! [`decode`] makes schedules of priorities, [`timing`] has times beyond the contention-free model,
//! [`routes`] the links that transfers wait for.
//! Then any search, [`annealing`] first.
//!
//! All of them plan what is left of a run as well as a whole one, and go on from their last plan
//! when the graph grows. The same seed and number of evaluations give the same schedule.

pub mod alns;
pub mod annealing;
pub mod beam;
pub mod brkga;
pub mod decode;
pub mod evaluator;
mod gathered;
pub mod genetic;
pub mod grasp;
mod held;
pub mod iterated_greedy;
mod levels;
pub mod moves;
pub mod nsga;
pub mod planner;
pub mod portfolio;
pub mod reads;
pub mod restart;
pub mod routes;
pub mod run;
mod sequence;
pub mod swarm;
pub mod tabu;
pub mod timing;
mod transfers;
pub mod tree_search;

use planner::{Search, SearchPlanner};
use runtime::registry::{BuildContext, ParameterError, Parameters, SchedulerInfo, Value};

/// A registry entry and how its search is made.
type Entry = (&'static SchedulerInfo, fn(&Parameters) -> Box<dyn Search>);

/// All searches.
static ALL: &[Entry] = &[
    (&annealing::INFO, annealing::search),
    (&tabu::INFO, tabu::search),
    (&iterated_greedy::INFO, iterated_greedy::search),
    (&genetic::INFO, genetic::search),
    (&brkga::INFO, brkga::search),
    (&alns::INFO, alns::search),
    (&beam::INFO, beam::search),
    (&nsga::INFO, nsga::search),
    (&portfolio::INFO, portfolio::search),
    (&grasp::INFO, grasp::search),
    (&swarm::INFO, swarm::search),
    (&tree_search::INFO, tree_search::search),
    (&restart::INFO, restart::search),
];

/// Names of all searches.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(info, _)| info.name)
}

/// The planner of a search's name and parameters, for use within other planners; `None` where
/// there is no such search.
///
/// # Errors
/// [`ParameterError`] of the parameters.
pub fn planner(
    name: &str,
    given: &[(String, Value)],
    context: &BuildContext,
) -> Option<Result<SearchPlanner, ParameterError>> {
    let (info, search) = ALL.iter().find(|(info, _)| info.name == name)?;
    let made = info
        .parameters(given)
        .map(|parameters| SearchPlanner::new(info.name, search(&parameters), &parameters, context));
    Some(made)
}
