//! The solver, the models and the planners, from outside.

#![expect(clippy::print_stdout, reason = "says what was skipped, and how much was compared")]

mod families;
mod import;
mod optimal;
mod solver;
