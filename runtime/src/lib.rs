//! The part of Windtunnel that simulation and reality share.
//!
//! Read in this order:
//! 1. [`graph`]: tasks, data objects and the dependencies that follow from accesses;
//! 2. [`cluster`]: memories, devices, lanes and links; [`cost`]: how long a task takes where;
//! 3. [`scheduler`]: the [`Scheduler`] trait, what it is told, shown and may decide;
//!    [`planner`]: the smaller [`Planner`] trait and the adapter that makes it a scheduler;
//! 4. [`executive`]: the state machine that turns decisions and completions into commands;
//!    [`kernel`]: what a real run executes; [`LinkModel`]: what paces an emulated one;
//! 5. [`trace`]: what a run leaves behind; [`validator`]: the independent judge of it; [`replay`]:
//!    its input log, stepped through again;
//! 6. [`bounds`]: lower bounds that every makespan is compared with.
//!
//! What is absent: no clock, no thread, no file, no random number. Drivers (crates `sim` and
//! `real_backend`) feed the executive and carry out its commands.

pub mod bounds;
pub mod cluster;
pub mod cost;
pub mod executive;
pub mod graph;
mod ids;
pub mod kernel;
mod links;
pub mod partial_schedule;
pub mod planner;
pub mod registry;
pub mod replay;
pub mod scheduler;
pub mod trace;
pub mod validator;

pub use cluster::{Cluster, ClusterSpec};
pub use cost::{Cost, Costs};
pub use executive::{Command, Commands, Executive, Input};
pub use graph::{Mode, TaskGraph, TaskSpec};
pub use ids::*;
pub use kernel::{Inputs, Kernel, KernelArgs, KernelBuffer, KernelSet};
pub use links::LinkModel;
pub use partial_schedule::PartialSchedule;
pub use planner::{Evaluator, Planned, Planner, Problem, Progress, Schedule};
pub use scheduler::{Decision, Decisions, Event, Scheduler, View};
pub use trace::Trace;
