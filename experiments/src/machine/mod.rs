//! Measures this machine, for clusters and cost models that predict it.
//!
//! Map: `robust` has the statistics; `copies` measures copies in main memory, `disk` a file,
//! `learn` whatever workload it is given, `kernels` those that ship, `overhead` what the runtime
//! costs per task, `noise` how steady the machine is; `files` writes what was found.
//!
//! Everything is a median with its deviation (scaled median absolute deviation) and the number of
//! measurements: on a machine that does other things too, means say little.

mod copies;
mod disk;
mod files;
mod kernels;
mod learn;
mod noise;
mod overhead;
mod robust;

pub use files::{COSTS_VERSION, CostFile, CostFileError, cluster_text, read_costs, write_costs};
pub use learn::{LearnError, Learnt, Patience};
pub use robust::{Line, Sample};

use real_backend::{Machine, RunError};
use runtime::Ns;
use runtime::cost::History;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How thoroughly to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Seconds: few sizes, few repetitions.
    Quick,
    /// A minute or so.
    Full,
}

/// Times of one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BySize {
    /// The size.
    pub bytes: u64,
    /// Times in nanoseconds.
    pub ns: Sample,
}

impl BySize {
    /// Bandwidth at the median time.
    pub fn bytes_per_s(&self) -> f64 {
        self.bytes as f64 * 1e9 / self.ns.median.max(1.0)
    }
}

/// What a disk does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiskSpeed {
    /// Whether it was reached past the system's cache.
    pub is_direct: bool,
    /// Reads.
    pub reads: Vec<BySize>,
    /// Writes.
    pub writes: Vec<BySize>,
    /// Time of a read against its bytes: nanoseconds and nanoseconds per byte.
    pub read_line: Line,
    /// The same of writes.
    pub write_line: Line,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// The machine, for people: label and value.
    pub provenance: Vec<(String, String)>,
    /// Reasons to trust the numbers less.
    pub warnings: Vec<String>,
    /// Copies in main memory by one core.
    pub copies: Vec<BySize>,
    /// The disk; `None` where no file can be made.
    pub disk: Option<DiskSpeed>,
    /// What the runtime takes of a lane per empty task.
    pub overhead_ns: Sample,
    /// What it takes of a lane before each task of the workloads, whose kernels leave caches cold.
    pub issue_ns: Ns,
    /// Durations of kernels.
    pub history: History,
    /// Tasks that lasted so long that they were left out of it, and all tasks.
    pub outliers: (usize, usize),
    /// Work per second and core in the kernel `gemm` at its largest tile.
    pub speed: f64,
}

/// Why measuring ended.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// A workload could not be measured.
    #[error("{what}: {source}")]
    Kernels {
        /// The workload.
        what: &'static str,
        /// Why.
        source: LearnError,
    },
    /// A real run failed.
    #[error("{what}: {source}")]
    Run {
        /// What was run.
        what: &'static str,
        /// Why.
        source: RunError,
    },
}

/// Measures; `folder` is where the disk's file lies meanwhile. `tell` hears what is being done.
///
/// # Errors
/// [`MeasureError`] when a real run fails.
pub fn measure(
    effort: Effort,
    folder: &Path,
    mut tell: impl FnMut(&str),
) -> Result<Findings, MeasureError> {
    let machine = Machine::detect();
    let mut warnings = noise::load_warning(machine.cores.len());
    tell("how steady the machine is");
    warnings.extend(noise::warning(effort));
    tell("copies in main memory");
    let copies = copies::measure(effort);
    tell("the disk");
    let disk = match disk::measure(effort, folder) {
        Ok(disk) => Some(disk),
        Err(error) => {
            warnings.push(format!("no disk was measured: {}: {error}", folder.display()));
            None
        }
    };
    tell("the runtime's overhead");
    let overhead_ns = overhead::measure(effort, &machine)?;
    tell("kernels");
    let learnt = kernels::measure(effort, &machine)?;
    let issue_ns = learnt.issue_ns();
    let Learnt { history, outliers, .. } = learnt;
    let speed = kernels::speed(&history);
    Ok(Findings {
        provenance: crate::runner::provenance(),
        warnings,
        copies,
        disk,
        overhead_ns,
        issue_ns,
        history,
        outliers,
        speed,
    })
}
