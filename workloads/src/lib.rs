//! What is to be run: task graphs from generators, some with real kernels, and readers of recorded
//! graphs.
//!
//! Map: [`registry`] names the generators; [`apps`] compute something ([`kernels`] holds the
//! bodies of their tasks) and check it; [`families`] are the graphs of scheduling studies;
//! [`import`] reads graphs from files.
//!
//! What is absent: drivers, threads and clocks. An app is functions over slices, a graph is data.

pub mod apps;
pub mod families;
pub mod import;
pub mod kernels;
pub mod random;
pub mod registry;

pub use apps::App;
pub use registry::{Workload, WorkloadError, WorkloadInfo};
