//! What can be named in a file or on the command line: workloads with their parameters.

use crate::apps::{self, App};
use crate::families;
use runtime::TaskGraph;
use runtime::executive::Program;
use runtime::graph::GraphError;
use runtime::registry::{Kind, ParameterError, ParameterInfo, Parameters, Value};
use std::sync::Arc;

/// Most tasks that a generator makes; far more than fits a laptop's memory in a simulation.
pub const MAX_TASKS: u64 = 20_000_000;

/// Most edges of a generated graph.
pub const MAX_EDGES: u64 = 100_000_000;

/// Most bytes in all objects of a generated graph, so that no sum of sizes overflows.
pub const MAX_BYTES: u64 = 1 << 60;

/// A workload that can be named.
#[derive(Clone, Copy)]
pub struct WorkloadInfo {
    /// The name in files and on the command line.
    pub name: &'static str,
    /// What kind of workload, for lists and reports.
    pub family: Family,
    /// One sentence.
    pub summary: &'static str,
    /// Where the structure comes from.
    pub source: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
    /// Makes one; the same parameters and seed give the same graph, bit for bit.
    pub build: fn(&Parameters, seed: u64) -> Result<Workload, WorkloadError>,
}

/// What kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Has real kernels, real data and a checked result.
    Application,
    /// Structure and costs only, as used in scheduling studies; drawn from the seed.
    Classic,
    /// Structure and costs only, which follow from the parameters: every seed gives the same.
    Exact,
}

/// A workload, ready to be run.
pub struct Workload {
    /// What to run.
    pub graph: TaskGraph,
    /// Lets the graph grow.
    pub program: Option<Box<dyn Program>>,
    /// Kernels, data and result check; without it, tasks run as synthetic ones.
    pub app: Option<Arc<dyn App>>,
}

/// Why there is no such workload.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WorkloadError {
    /// A parameter that does not exist or does not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Parameters that are fine one by one and ask for too much together.
    #[error("{workload} would have {value:.4e} {what}; at most {limit:.4e} are allowed")]
    TooLarge {
        /// The workload.
        workload: &'static str,
        /// What there would be too much of.
        what: &'static str,
        /// How much.
        value: f64,
        /// How much is allowed.
        limit: f64,
    },
    /// A workload that is to arrive as a whole.
    #[error("{workload} grows while it runs; it cannot be one of several graphs that arrive")]
    Grows {
        /// The workload.
        workload: String,
    },
    /// A task that the graph refuses.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// All workloads, by name.
pub fn all() -> &'static [WorkloadInfo] {
    &[
        apps::dense::cholesky::INFO,
        apps::dense::gemm::INFO,
        apps::dense::lu::INFO,
        apps::dense::qr::INFO,
        apps::dense::solve::INFO,
        apps::sparse::spmm::INFO,
        apps::sparse::gradients::INFO,
        apps::sparse::cholesky::INFO,
        apps::merge_sort::INFO,
        apps::sample_sort::INFO,
        apps::word_count::INFO,
        families::layered::INFO,
        families::fork_join::INFO,
        families::trees::IN_TREE,
        families::trees::OUT_TREE,
        families::gauss::INFO,
        families::fft::INFO,
        families::stencil::INFO,
        families::simple::INDEPENDENT,
        families::simple::CHAIN,
        families::starpu_cholesky::INFO,
        families::collective::INFO,
    ]
}

/// The workload of that name.
pub fn find(name: &str) -> Option<&'static WorkloadInfo> {
    all().iter().find(|info| info.name == name)
}

impl WorkloadInfo {
    /// Checks what was given and fills in the rest.
    ///
    /// # Errors
    /// The first [`ParameterError`].
    pub fn parameters(&self, given: &[(String, Value)]) -> Result<Parameters, ParameterError> {
        Parameters::resolve(self.name, self.parameters, given)
    }

    /// Makes one with the parameters given and defaults for the rest.
    ///
    /// # Errors
    /// Any [`WorkloadError`].
    pub fn make(&self, given: &[(String, Value)], seed: u64) -> Result<Workload, WorkloadError> {
        (self.build)(&self.parameters(given)?, seed)
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Application => "application",
            Self::Classic => "classic",
            Self::Exact => "exact",
        })
    }
}

/// Refuses a number of tasks that is out of proportion, before anything is allocated.
pub(crate) fn check_tasks(workload: &'static str, tasks: f64) -> Result<(), WorkloadError> {
    check_limit(workload, "tasks", tasks, MAX_TASKS)
}

/// Refuses a number of edges that is out of proportion.
pub(crate) fn check_edges(workload: &'static str, edges: f64) -> Result<(), WorkloadError> {
    check_limit(workload, "edges", edges, MAX_EDGES)
}

/// Refuses an amount of data whose sums would overflow.
pub(crate) fn check_bytes(workload: &'static str, bytes: f64) -> Result<(), WorkloadError> {
    check_limit(workload, "bytes of objects", bytes, MAX_BYTES)
}

fn check_limit(
    workload: &'static str,
    what: &'static str,
    value: f64,
    limit: u64,
) -> Result<(), WorkloadError> {
    let limit = limit as f64;
    // Written so that a value that is not a number is refused too.
    if value <= limit {
        Ok(())
    } else {
        Err(WorkloadError::TooLarge { workload, what, value, limit })
    }
}

/// A value that does not fit another parameter's.
pub(crate) fn conflict(
    name: &'static str,
    value: impl ToString,
    expected: impl ToString,
) -> WorkloadError {
    let (value, expected) = (value.to_string(), expected.to_string());
    WorkloadError::Parameter(ParameterError::BadValue { name, value, expected })
}

/// A parameter that is a whole number.
pub(crate) const fn count(
    name: &'static str,
    summary: &'static str,
    default: i64,
    min: i64,
    max: i64,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Int { default, min, max } }
}
