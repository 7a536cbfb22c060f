//! Bodies of tasks, over plain slices.

pub mod dense;
pub mod sample;
pub mod sort;
pub mod sparse;
pub mod words;
