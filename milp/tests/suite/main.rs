//! The solver, the models and the planners, from outside.

#![expect(clippy::print_stdout, reason = "says what was skipped, and how much was compared")]

mod bound;
#[path = "../../../schedulers/tests/suite/checker.rs"]
mod checker;
mod families;
mod import;
mod optimal;
mod planner;
mod solver;
