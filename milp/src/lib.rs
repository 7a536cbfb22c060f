//! Mixed-integer programming over task graphs.
//!
//! Read in this order: [`instance`] (what the models read), [`windows`] (where and when tasks can
//! still run), [`model`] (rows and columns), [`solver`] (HiGHS), [`optimise`] (all of it together).

pub mod decode;
pub mod instance;
pub mod model;
pub mod optimise;
pub mod solver;
pub mod windows;
