//! Searching for good schedules.
//!
//! Read in this order: [`evaluator`] computes what a change of a schedule does, [`moves`] makes
//! changes, [`run`] keeps budget and best schedule; then any search, [`annealing`] first.

pub mod annealing;
pub mod evaluator;
pub mod moves;
pub mod run;
mod sequence;
