//! What a real run takes and gives.

use crate::buffers::{Arena, DiskFault};
use gpu::{GpuError, GpuKernelSet, Gpus};
use runtime::cluster::MemoryKind;
use runtime::executive::{Failure, Feasibility, Program, Stall, Thinking};
use runtime::kernel::{Inputs, KernelSet};
use runtime::replay::CommandDigest;
use runtime::trace::Trace;
use runtime::{BufferId, Cluster, Costs, LinkModel, Ns, ObjectId, Scheduler, TaskGraph};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A run on this machine.
pub struct RunSpec {
    /// What to run.
    pub graph: TaskGraph,
    /// Where: one worker thread per lane, one arena or file per memory. Memories must be main
    /// memory or disks, and devices compute in main memory, unless the cluster is emulated.
    pub cluster: Arc<Cluster>,
    /// How long tasks last that have no body in `kernels`; in an emulated run how long all do.
    pub truth: Costs,
    /// Durations that the scheduler is shown.
    pub estimates: Costs,
    /// Who decides.
    pub scheduler: Box<dyn Scheduler>,
    /// What deciding costs, besides the time that really passes. See
    /// [`measured_thinking`](crate::measured_thinking), and the crate's documentation on how
    /// thinking is served.
    pub thinking: Thinking,
    /// Lets the graph grow.
    pub program: Option<Box<dyn Program>>,
    /// Bodies of kernels; tasks of other kernels run as `synthetic`.
    pub kernels: KernelSet,
    /// Content of initial objects; zeroes without.
    pub inputs: Option<Box<dyn Inputs>>,
    /// Whether to keep a trace.
    pub tracing: bool,
    /// Whether to measure what workers spend besides their tasks, at some looks at the clock for
    /// each.
    pub is_profiled: bool,
    /// Tasks that strict lanes are given besides the one that they run, see
    /// [`Executive::issue_ahead`](runtime::Executive::issue_ahead); none in
    /// emulated runs and in those with GPUs.
    pub issue_ahead: u32,
    /// Goes into the trace's header.
    pub scheduler_name: String,
    /// Goes into the trace's header; a real run draws nothing from it.
    pub seed: u64,
    /// Cores to use, by the system's number: lane `i` is pinned to entry `i`, round-robin. Empty
    /// = all cores that this process may use.
    pub cores: Vec<u32>,
    /// Bytes that buffers may take of this machine; `None` = what is available at the start.
    pub memory_limit_bytes: Option<u64>,
    /// The run is given up after this long, planning included.
    pub timeout: Duration,
    /// Where the files of disk memories lie while the run lasts; `None` = the system's folder for
    /// temporary files.
    pub disk_folder: Option<PathBuf>,
    /// Emulates the cluster on this host, whatever it is: its links as this model paces them. See
    /// the crate's documentation.
    pub emulation: Option<Box<dyn LinkModel>>,
    /// GPUs for the cluster's memories of kind `hbm`, in order; without them such a cluster can
    /// only be emulated.
    pub gpus: Option<GpuSpec>,
}

/// GPUs of a run.
pub struct GpuSpec {
    /// The devices, real or fake.
    pub gpus: Box<dyn Gpus>,
    /// Bodies of kernels there; tasks of kernels that have none anywhere run as `synthetic`.
    pub kernels: GpuKernelSet,
    /// Whether main memory is page-locked, in blocks of 256 KiB and more, so that GPUs copy from
    /// and to it by themselves. Otherwise all copies go by way of staging.
    pub pins: bool,
}

impl GpuSpec {
    /// With the kernels that come with this program, and page-locked memory.
    pub fn new(gpus: Box<dyn Gpus>) -> Self {
        Self { gpus, kernels: gpu::library(), pins: true }
    }
}

impl RunSpec {
    /// Durations as the scheduler is shown them, thinking free, no bodies, with a trace, and an
    /// hour's time.
    pub fn new(
        graph: TaskGraph,
        cluster: Arc<Cluster>,
        costs: Costs,
        scheduler: Box<dyn Scheduler>,
    ) -> Self {
        Self {
            graph,
            cluster,
            truth: costs.clone(),
            estimates: costs,
            scheduler,
            thinking: Thinking::Free,
            program: None,
            kernels: KernelSet::default(),
            inputs: None,
            tracing: true,
            is_profiled: false,
            issue_ahead: 0,
            scheduler_name: String::new(),
            seed: 0,
            cores: Vec::new(),
            memory_limit_bytes: None,
            timeout: Duration::from_secs(3600),
            disk_folder: None,
            emulation: None,
            gpus: None,
        }
    }
}

/// A finished run.
pub struct RunOutput {
    /// When everything, results at home included, was done.
    pub makespan_ns: Ns,
    /// What happened; without tracing it holds the graph alone.
    pub trace: Trace,
    /// All commands in short; [`replay_inputs`](runtime::replay::replay_inputs) must find the same.
    pub digest: CommandDigest,
    /// Wall time of the scheduler's first call, in which static planners plan.
    pub planning_ns: Ns,
    /// What workers spent besides their tasks, if it was profiled.
    pub spent: Option<Spent>,
    /// What a reader of the result must know: lanes that shared cores, say.
    pub notes: Vec<String>,
    pub(crate) arena: Arena,
    /// Results with their buffers at home, by object.
    pub(crate) results: Vec<(ObjectId, BufferId)>,
}

/// What the workers spent besides their tasks, all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// They had the lock around the executive.
    pub stepping_ns: Ns,
    /// They had nothing to run.
    pub idle_ns: Ns,
}

impl RunOutput {
    /// Brings results that lie on a disk into main memory, where
    /// [`object_bytes`](Self::object_bytes) finds them.
    ///
    /// # Errors
    /// [`DiskError`] for the first one that cannot be read.
    pub fn read_results(&mut self) -> Result<(), DiskError> {
        for &(object, buffer) in &self.results {
            let (_, memory) = self.arena.whose(buffer);
            self.arena.bring_in(buffer).map_err(|fault| DiskError {
                verb: "read from",
                object: self.trace.graph.object_name(object),
                memory: self.trace.header.cluster.memories[memory.index()].name.clone(),
                fault,
            })?;
        }
        Ok(())
    }

    /// The content of a result; `None` for an object that is not marked `keep` or that nothing
    /// ever used, and for one on a disk before [`read_results`](Self::read_results).
    pub fn object_bytes(&self, object: ObjectId) -> Option<&[u8]> {
        let at = self.results.binary_search_by_key(&object, |r| r.0).ok()?;
        self.arena.bytes(self.results[at].1)
    }
}

impl std::fmt::Debug for RunOutput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunOutput")
            .field("makespan_ns", &self.makespan_ns)
            .field("digest", &self.digest)
            .field("planning_ns", &self.planning_ns)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// A disk memory failed.
#[derive(Debug, thiserror::Error)]
#[error("{object:?} could not be {verb} {memory:?}: {fault}")]
pub struct DiskError {
    /// What was tried.
    pub verb: &'static str,
    /// What was to be read or written.
    pub object: String,
    /// The memory.
    pub memory: String,
    /// Why.
    pub fault: DiskFault,
}

/// Why a run has no result. Whatever could be saved of the trace comes with it.
#[derive(thiserror::Error)]
pub enum RunError {
    /// The cluster has a memory that this driver does not have.
    #[error(
        "memory {memory:?} is {kind:?}; a real run on CPU workers has main memory and disks: \
         choose a backend with GPUs"
    )]
    UnsupportedMemory {
        /// Its name.
        memory: String,
        /// What it is.
        kind: MemoryKind,
    },
    /// The cluster has a device whose lanes share one capacity, as cores do not.
    #[error(
        "the lanes of device {device:?} share one capacity; workers have a core each, so such a \
         device can only be simulated"
    )]
    SharedCapacity {
        /// Its name.
        device: String,
    },
    /// The cluster has more GPUs than there are.
    #[error(
        "memory {memory:?} is a GPU's, and this machine has {found}; take it out of the cluster \
         file, or choose `emulated`"
    )]
    TooFewGpus {
        /// The first memory without one.
        memory: String,
        /// GPUs found.
        found: usize,
    },
    /// A GPU has less memory than the cluster file says.
    #[error(
        "memory {memory:?} has {capacity_bytes} bytes in the cluster file and {free_bytes} bytes \
         free on the GPU; lower its capacity, or end what else uses the GPU"
    )]
    GpuTooSmall {
        /// The memory.
        memory: String,
        /// By the file.
        capacity_bytes: u64,
        /// On the device.
        free_bytes: u64,
    },
    /// A GPU gives no stream.
    #[error("no stream could be made: {error}")]
    NoStream {
        /// Why.
        error: GpuError,
    },
    /// A GPU failed, other than under a task.
    #[error("{doing} failed: {error}")]
    Gpu {
        /// What was being done.
        doing: String,
        /// Why.
        error: GpuError,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// A device computes in a disk.
    #[error("device {device:?} computes in {memory:?}, which is a disk")]
    ComputesOnDisk {
        /// Its name.
        device: String,
        /// The disk's.
        memory: String,
    },
    /// No file can be made for a disk memory.
    #[error(
        "memory {memory:?} needs a file in {}, which cannot be made: {source}",
        folder.display()
    )]
    NoDisk {
        /// The memory.
        memory: String,
        /// Where.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A disk memory could not be read or written.
    #[error("{error}")]
    Disk {
        /// What and why.
        error: DiskError,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// It cannot begin.
    #[error(transparent)]
    Infeasible(#[from] Feasibility),
    /// The system gives no thread.
    #[error("no worker thread could be started: {0}")]
    Thread(std::io::Error),
    /// It ended early: a kernel failed or panicked, or the scheduler gave up.
    #[error("{failure}")]
    Failed {
        /// Why.
        failure: Failure,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// A submission from outside panicked; its caller has the panic.
    #[error("a submission panicked")]
    Abandoned {
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// Nothing can happen any more.
    #[error("{stall}")]
    Stalled {
        /// Why.
        stall: Stall,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// It took too long. Threads of kernels that never return are left behind.
    #[error("the run was given up after {limit_ms} ms; running then: {running:?}")]
    TimedOut {
        /// The time it had.
        limit_ms: u128,
        /// Names of the tasks that were running.
        running: Vec<String>,
        /// What happened until then; `None` when the scheduler would not return.
        trace: Option<Box<Trace>>,
    },
    /// The machine has no memory for a buffer.
    #[error(
        "no memory for {object:?}, {bytes} bytes: buffers take {used_bytes} of the \
         {limit_bytes} bytes that they may"
    )]
    OutOfMemory {
        /// What the buffer was for.
        object: String,
        /// Its size.
        bytes: u64,
        /// In use.
        used_bytes: u64,
        /// Allowed.
        limit_bytes: u64,
        /// What happened until then.
        trace: Box<Trace>,
    },
    /// Two tasks were to access one buffer in ways that exclude each other: a bug of the executive.
    #[error("bug: {what} needs buffer {buffer}, which another one holds")]
    Conflict {
        /// The task or transfer.
        what: String,
        /// The buffer.
        buffer: BufferId,
        /// What happened until then.
        trace: Box<Trace>,
    },
}

impl std::fmt::Debug for RunError {
    /// As for people: a trace would fill pages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl RunError {
    /// What happened until the run ended, if it began.
    pub fn trace(&self) -> Option<&Trace> {
        match self {
            Self::UnsupportedMemory { .. }
            | Self::SharedCapacity { .. }
            | Self::ComputesOnDisk { .. }
            | Self::TooFewGpus { .. }
            | Self::GpuTooSmall { .. }
            | Self::NoStream { .. }
            | Self::NoDisk { .. }
            | Self::Infeasible(_)
            | Self::Thread(_) => None,
            Self::TimedOut { trace, .. } => trace.as_deref(),
            Self::Failed { trace, .. }
            | Self::Stalled { trace, .. }
            | Self::Abandoned { trace }
            | Self::OutOfMemory { trace, .. }
            | Self::Disk { trace, .. }
            | Self::Gpu { trace, .. }
            | Self::Conflict { trace, .. } => Some(trace),
        }
    }
}
