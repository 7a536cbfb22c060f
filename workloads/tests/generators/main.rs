//! Generated workloads: structure, costs, kernels, results, and the registry that names them.

mod apps;
mod dense;
mod families;
mod interpreter;
mod kernels;
mod registry;
mod sparse;
