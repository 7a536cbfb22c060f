//! YAML experiments: a grid of runs, their store, the report, and the `windtunnel` command.
//!
//! Map, in the order in which an experiment passes through it:
//! 1. [`spec`]: the file as it is written; [`mistake`]: everything that is wrong with it, at once;
//! 2. [`plan`]: what it means: names looked up in the [`registry`] ([`clusters`] holds the
//!    presets), units applied, axes expanded into cells;
//! 3. [`runner`]: cells are run, simulations in parallel and real runs one at a time; [`metrics`]:
//!    what a trace says in numbers;
//! 4. [`store`]: the run directory on disk; [`record`]: what it holds; [`mod@compare`]: two of them
//!    side by side; [`report`]: the page, a function of the directory.
//!
//! [`machine`] measures the computer that this runs on, [`gpu_check`] its GPUs. [`cli`] is the
//! command line around all of it; [`chrome`] writes traces for Perfetto, [`draw`] draws clusters.

pub mod chrome;
pub mod cli;
pub mod clusters;
pub mod compare;
pub mod costs;
pub mod draw;
pub mod gpu_check;
pub mod machine;
pub mod metrics;
pub mod mistake;
pub mod plan;
pub mod record;
pub mod registry;
pub mod report;
pub mod runner;
pub mod shown;
pub mod spec;
pub mod store;
