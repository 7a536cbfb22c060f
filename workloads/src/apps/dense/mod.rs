//! Dense linear algebra on matrices of `f64` that are cut into tiles, each an object.
//!
//! The apps share how a matrix is cut (`tiles`), where its tiles are at home (`distribution`), how
//! tasks are submitted (`submit`) and how a result is judged without a second computation of it
//! (`probe`).

pub mod cholesky;
mod distribution;
pub mod gemm;
pub mod lu;
pub(super) mod probe;
pub mod qr;
pub mod solve;
mod submit;
mod tiles;

pub(super) use submit::{Call, Role, add_tile};
pub(super) use tiles::Cut;
