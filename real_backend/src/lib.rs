//! x

mod buffers;
mod clock;
mod core;
mod crew;
mod digest;
mod machine;
mod replay;
mod run;
mod service;
mod spec;
mod synthetic;
mod worker;

pub use clock::measured_thinking;
pub use digest::CommandDigest;
pub use machine::{Machine, NumaNode, host_cluster};
pub use replay::{ReplayError, Replayed, replay_inputs, replay_setup};
pub use run::run;
pub use spec::{RunError, RunOutput, RunSpec};
