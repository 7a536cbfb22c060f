//! Graph families of scheduling studies: structure and costs, no kernels.
//!
//! A family draws a sketch: who comes after whom, and relative weights. The sketch and the cost
//! model that all families share (task time, spread, CCR, device classes) make the graph. In
//! [`layered`] every edge is an object of its own; elsewhere a task writes one object that all its
//! children read, and a task without children writes none. [`collective`] and [`starpu_cholesky`]
//! are not drawn: all of them follows from their parameters.

pub mod collective;
pub mod fft;
pub mod fork_join;
pub mod gauss;
pub mod layered;
mod model;
pub mod simple;
mod sketch;
pub mod starpu_cholesky;
pub mod stencil;
pub mod trees;
