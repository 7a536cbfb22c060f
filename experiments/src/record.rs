//! What a run directory holds, and what every report is a function of.
//!
//! ```text
//! DIR/manifest.json   what was to be run: format version, spec, digest, versions (Manifest)
//! DIR/records.jsonl   one line per finished cell, the same bytes for the same seed (Record)
//! DIR/wall.jsonl      one line per finished cell: what depends on the machine (Wall)
//! DIR/traces/ID.jsonl.gz   the cell's trace, where the experiment keeps traces
//! DIR/report.html, leaderboard.{csv,md}, report.json   functions of the above
//! ```

use runtime::bounds::BoundKind;
use runtime::{Ns, Progress};
use serde::{Deserialize, Serialize};

/// Version of the run directory.
pub const FORMAT_VERSION: u32 = 1;

/// What was to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT_VERSION`] of the writer.
    pub windtunnel_run: u32,
    /// The experiment's name.
    pub name: String,
    /// Digest of the resolved experiment; a directory belongs to one experiment.
    pub spec_digest: String,
    /// The YAML as it was read.
    pub spec_text: String,
    /// Path of the YAML as given, for replay commands.
    pub spec_path: String,
    /// Number of cells.
    pub cells: usize,
    /// Versions, commit, host, processor: label and value.
    pub provenance: Vec<(String, String)>,
    /// Names of the axes that vary, in order.
    pub axes: Vec<String>,
    /// Name of the workload's family for each workload label.
    pub families: Vec<(String, String)>,
    /// Shape of each workload, by label.
    pub workloads: Vec<(String, runtime::graph::GraphSummary)>,
}

/// Which cell of the grid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CellKey {
    /// The workload's label.
    pub workload: String,
    /// The cluster's label.
    pub cluster: String,
    /// The scheduler's label: its name, and parameters that differ from their defaults.
    pub scheduler: String,
    /// `sim`, `cpu` or `emulated`.
    pub backend: String,
    /// Values of the experiment's axes, in the manifest's order.
    pub axes: Vec<String>,
    /// The seed.
    pub seed: u64,
    /// Repetition, from 0; more than one only for real runs.
    pub repetition: u32,
}

/// A finished cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Short digest of the key; names the trace file.
    pub id: String,
    /// Which cell.
    pub key: CellKey,
    /// What came out.
    pub outcome: Result<Metrics, CellError>,
    /// The command that runs this cell alone.
    pub replay: String,
}

/// Why a cell failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellError {
    /// What kind: `invalid`, `stalled`, `out-of-memory`, `failed`, `infeasible`, `panicked`,
    /// `timed-out`, `wrong-result`.
    pub kind: String,
    /// For people.
    pub message: String,
}

/// What a run was like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// From submission to the last kept result at home.
    pub makespan_ns: Ns,
    /// A lower bound on any schedule's makespan, on the durations drawn or measured.
    pub bound_ns: Ns,
    /// Which bound.
    pub bound: Option<BoundKind>,
    /// Tasks run.
    pub tasks: usize,
    /// Digest of the whole trace, in hexadecimal.
    pub digest: String,
    /// Where the lanes' time went; the sum is makespan x lanes.
    pub time: TimeShares,
    /// Bytes over all transfers.
    pub bytes_moved: u64,
    /// Transfers.
    pub transfers: u64,
    /// Of these, write-backs of evicted copies.
    pub write_backs: u64,
    /// Most bytes allocated at once, by memory.
    pub peak_bytes: Vec<u64>,
    /// Charged thinking time.
    pub thinking_ns: Ns,
    /// Decisions made, and of these refused.
    pub decisions: u64,
    /// Refused decisions.
    pub refused: u64,
    /// Sum of the transfers' durations.
    #[serde(default)]
    pub transfer_ns: Ns,
    /// Durations by kernel: those of most time first, the last one for all others where there are
    /// more than [`MAX_KERNELS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<KernelTime>,
    /// What planning took and found, one report per plan of a scheduler that searches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Progress>,
    /// What went wrong; absent where nothing did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub losses: Option<LossMetrics>,
    /// What it took in energy; absent where the cluster states no powers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<EnergyMetrics>,
    /// How the graphs of the run fared; absent where all was there from the begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<ArrivalMetrics>,
}

/// How graphs that arrived over time fared; see [`crate::metrics::arrivals`] for the terms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArrivalMetrics {
    /// Mean flow time.
    pub mean_flow_ns: Ns,
    /// Longest flow time.
    pub max_flow_ns: Ns,
    /// Mean slowdown; absent where no graph could be run alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_slowdown: Option<f64>,
    /// Largest slowdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_slowdown: Option<f64>,
    /// Mean stretch; absent where no graph has a lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_stretch: Option<f64>,
    /// Largest stretch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stretch: Option<f64>,
    /// Jain's index of the slowdowns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<f64>,
    /// Graph by graph, in the order of arrival.
    pub graphs: Vec<GraphMetrics>,
}

/// A graph that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GraphMetrics {
    /// The label of its workload.
    pub workload: String,
    /// When it arrived.
    pub arrived_ns: Ns,
    /// From its arrival to its last result.
    pub flow_ns: Ns,
    /// A lower bound on its makespan alone, on the durations drawn; 0 = none is known.
    pub bound_ns: Ns,
    /// Its makespan alone under the same scheduler, undisturbed; absent where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone_ns: Option<Ns>,
}

/// What a run took in energy, over its makespan; only of parts whose power is stated. See
/// [`crate::metrics::energy`] for the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EnergyMetrics {
    /// Joules in all.
    pub energy_j: f64,
    /// Times the makespan, in joule seconds.
    pub energy_delay_js: f64,
    /// Of `energy_j`: what devices and links draw when they do nothing, drawn all the time.
    pub idle_j: f64,
    /// Of `energy_j`: what tasks added.
    pub compute_j: f64,
    /// Of `energy_j`: what transfers added.
    pub transfer_j: f64,
}

/// What went wrong in a run and what was done about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossMetrics {
    /// Times that a device was lost.
    pub outages: u64,
    /// Lane-nanoseconds of devices that were away.
    pub away_ns: Ns,
    /// Attempts that came to nothing.
    pub lost_attempts: u64,
    /// Lane-nanoseconds of these.
    pub lost_ns: Ns,
    /// Tasks that had finished and ran again, each time counted.
    pub redone_tasks: u64,
    /// Lane-nanoseconds of what these had done before.
    pub redone_ns: Ns,
    /// Instants at which lost objects began to be made again.
    pub recoveries: u64,
    /// Transfers that were cut off.
    pub cut_transfers: u64,
    /// Attempts that failed by themselves and were tried again, or ended the run.
    #[serde(default)]
    pub retries: u64,
    /// Of tasks that had finished and ran again: the most in a row that depend on each other.
    #[serde(default)]
    pub lineage_depth: u64,
    /// Times that a link carried another part of its bandwidth from then on.
    #[serde(default)]
    pub link_changes: u64,
}

/// Most kernels of a record.
pub const MAX_KERNELS: usize = 24;

/// The tasks of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelTime {
    /// The kernel's name; empty for all that have no place of their own.
    pub kernel: String,
    /// How many tasks.
    pub tasks: u64,
    /// Sum of their durations.
    pub ns: Ns,
}

/// Lane-nanoseconds by what the lane did or waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeShares {
    /// Ran a task.
    pub compute_ns: Ns,
    /// Its next task waited for inputs to arrive.
    pub data_ns: Ns,
    /// Its next task waited for memory.
    pub memory_ns: Ns,
    /// Its next task's predecessors had not finished.
    pub dependency_ns: Ns,
    /// Its next task waited for an exclusive object.
    pub lock_ns: Ns,
    /// Its next task was ready and not yet placed, or placed and not yet issued.
    pub scheduler_ns: Ns,
    /// Issued and not yet started: latency of the driver.
    pub launch_ns: Ns,
    /// It had no further task.
    pub no_work_ns: Ns,
    /// Ran an attempt that came to nothing.
    #[serde(default)]
    pub lost_ns: Ns,
    /// Its device was away.
    #[serde(default)]
    pub away_ns: Ns,
}

/// What depends on the machine that ran the cell, kept apart from [`Record`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wall {
    /// The record's id.
    pub id: String,
    /// Processor time inside the scheduler, all calls together.
    pub planning_ns: Ns,
    /// Longest single call.
    pub longest_call_ns: Ns,
    /// Calls.
    pub calls: u64,
    /// Wall time of every incumbent, from the begin of its plan, by plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incumbents_ns: Vec<Vec<Ns>>,
    /// Wall time of the whole cell.
    pub cell_ns: Ns,
    /// What a reader of a real run must know: lanes that shared cores, how late this machine was
    /// with what it emulated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
