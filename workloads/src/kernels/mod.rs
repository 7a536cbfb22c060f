//! Bodies of tasks, over plain slices.

pub mod dense;
