//! Sparse linear algebra: products, conjugate gradients and a factorisation, on matrices whose rows
//! and blocks are of unlike sizes.

mod blocks;
pub mod cholesky;
mod dissection;
pub mod gradients;
mod matrix;
pub mod spmm;
