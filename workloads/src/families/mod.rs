//! Graph families of scheduling studies: structure and costs, no kernels.
//!
//! A family draws a [`sketch::Sketch`] (who comes after whom, relative weights); the sketch and
//! the [`model::CostModel`] that all families share make the graph.

pub mod layered;
mod model;
mod sketch;
