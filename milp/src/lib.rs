//! Mixed-integer programming over task graphs.
//!
//! Read in this order: [`instance`] (what the models read), [`windows`] (where and when tasks can
//! still run), [`model`] (rows and columns), [`solver`] (HiGHS), [`optimise`] (all of it together).

pub mod bound;
pub mod decode;
pub mod instance;
pub mod local;
pub mod model;
pub mod optimise;
pub mod plan;
pub mod planner;
pub mod registry;
pub mod solver;
pub mod window;
pub mod windows;

pub use bound::lp_bound;
pub use registry::all;
