//! All schedulers, by name. The command line, the YAML schema, the documentation and the report
//! take what they say about schedulers from here.

use crate::search::{alns, annealing, beam, brkga, genetic, grasp, iterated_greedy, nsga};
use crate::search::{portfolio, restart, swarm, tabu, tree_search};
use crate::{
    contention_heft, cpop, dmda, etf, exact, first_fit, heft, mct, min_min, owner_computes, peft,
    random, round_robin, work_stealing,
};
use runtime::registry::SchedulerInfo;

/// One line per scheduler.
static ALL: &[SchedulerInfo] = &[
    heft::INFO,
    contention_heft::INFO,
    cpop::INFO,
    peft::INFO,
    etf::INFO,
    annealing::INFO,
    tabu::INFO,
    iterated_greedy::INFO,
    genetic::INFO,
    brkga::INFO,
    alns::INFO,
    beam::INFO,
    nsga::INFO,
    portfolio::INFO,
    grasp::INFO,
    swarm::INFO,
    tree_search::INFO,
    restart::INFO,
    exact::INFO,
    min_min::INFO,
    mct::INFO,
    owner_computes::INFO,
    dmda::INFO,
    work_stealing::INFO,
    first_fit::INFO,
    random::INFO,
    round_robin::INFO,
];

/// All schedulers, planners first.
pub fn all() -> &'static [SchedulerInfo] {
    ALL
}

/// The scheduler of a name.
pub fn find(name: &str) -> Option<&'static SchedulerInfo> {
    ALL.iter().find(|s| s.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_entry_builds_with_its_defaults() {
        for (at, info) in all().iter().enumerate() {
            assert!(all()[..at].iter().all(|other| other.name != info.name), "{}", info.name);
            assert!(!info.summary.is_empty() && !info.summary.ends_with('.'), "{}", info.name);
            assert!(info.parameters(&[]).is_ok());
            info.build_default(1);
            assert!(std::ptr::eq(find(info.name).expect("it is listed"), info));
        }
        assert!(find("no such scheduler").is_none());
    }
}
