//! Every planner and every online scheduler, on published instances, on random ones, and on shapes
//! that are easy to get wrong.

#![expect(clippy::print_stdout, reason = "says what was skipped, and how much was compared")]

mod checker;
mod classic;
mod counting;
mod exact;
mod exact_bounds;
mod exact_brute;
mod exact_oracles;
mod import;
mod instance;
mod list_scheduling;
mod memory;
mod online;
mod optimal;
mod plans;
mod random;
mod search;
mod shapes;
mod timing;

use runtime::Planner;
use runtime::partial_schedule::Policy::{Append, Insertion};
use runtime::registry::{BuildContext, Value};
use schedulers::exact::{Exact, Limits};
use schedulers::{cpop::Cpop, etf::Etf, heft::Heft, peft::Peft};

/// List schedulers with their options, and all searches with a small budget.
fn planners() -> Vec<(&'static str, Box<dyn Planner>)> {
    planners_with(150)
}

/// The same with so many evaluations.
fn planners_with(evaluations: i64) -> Vec<(&'static str, Box<dyn Planner>)> {
    let search = |name| (name, searching(name, evaluations));
    lists().into_iter().chain(schedulers::search::names().map(search)).collect()
}

/// A search that evaluates so many schedules.
fn searching(name: &str, evaluations: i64) -> Box<dyn Planner> {
    let given = [("evaluations".to_owned(), Value::Int(evaluations))];
    let planner = schedulers::search::planner(name, &given, &BuildContext::new(1));
    Box::new(planner.expect("it is a search").expect("it has that parameter"))
}

/// List schedulers with their options.
fn lists() -> Vec<(&'static str, Box<dyn Planner>)> {
    vec![
        ("heft", Box::new(Heft { policy: Insertion })),
        ("heft without insertion", Box::new(Heft { policy: Append })),
        ("cpop", Box::new(Cpop { policy: Insertion })),
        ("cpop without insertion", Box::new(Cpop { policy: Append })),
        ("peft", Box::new(Peft { policy: Insertion })),
        ("peft without insertion", Box::new(Peft { policy: Append })),
        ("etf", Box::new(Etf)),
        ("exact, briefly", Box::new(Exact::new(Limits { conflicts: 50, time_ns: None }))),
    ]
}

/// How many random instances to try: `PROPTEST_CASES`, or so many.
fn cases(default: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}
