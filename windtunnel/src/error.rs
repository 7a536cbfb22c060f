//! What can go wrong between a program and its results.

use real_backend::{DiskError, RunError};
use runtime::TaskId;
use runtime::cluster::ClusterError;
use runtime::cost::CostError;
use runtime::graph::GraphError;
use runtime::kernel::KernelError;
use runtime::registry::ParameterError;
use sim::SimError;
use std::sync::Arc;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two kernels of one name.
    #[error("kernel {0:?} was defined before")]
    KernelExists(String),
    /// A kernel that comes too late for the workers to know it.
    #[error("kernel {0:?} is defined while the flow runs; kernels are defined before it starts")]
    LateKernel(String),
    /// A task or object that the graph refuses.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// No scheduler of that name.
    #[error("there is no scheduler {name:?}; there are: {}", known.join(", "))]
    UnknownScheduler {
        /// What was asked for.
        name: String,
        /// All of them.
        known: Vec<&'static str>,
    },
    /// A parameter that the scheduler does not have, or not so.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// The testbed is no cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A task can run nowhere on the testbed.
    #[error(transparent)]
    Costs(#[from] CostError),
    /// The simulation has no result.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// The run has no result.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A result on a disk cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// Data that the run did not bring home.
    #[error("{0:?} is no result of the run: it was not marked as one, or nothing ever wrote it")]
    NotAResult(String),
    /// The content does not fit the type of its handle.
    #[error(transparent)]
    Layout(#[from] KernelError),
    /// The run ended before the task did.
    #[error("the run ended before task {task}: {reason}")]
    Ended {
        /// Which task was waited for.
        task: TaskId,
        /// Why the run ended.
        reason: Arc<str>,
    },
    /// Something was submitted to a run that has ended.
    #[error("the run has ended; `finish` tells why")]
    Over,
}
