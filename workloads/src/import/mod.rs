//! Task graphs from files: recorded executions, published benchmarks, graphs written by hand.
//!
//! [`read`] recognises the format by content and, where that is not enough, by extension; there is
//! one function per format for texts that are at hand already:
//!
//! | format | what it is | function |
//! |---|---|---|
//! | task-graph file | this project's own: JSON or YAML, for people and other tools | [`task_graph_file::read`] |
//! | trace | this project's record of a run, measured or simulated | [`trace::read`] |
//! | WfFormat 1.2 to 1.5 | recorded workflow executions of WfCommons | [`wfformat::read`] |
//! | STG | the Standard Task Graph set of Tobita and Kasahara | [`stg::read`] |
//! | DOT | Graphviz | [`dot::read`] |
//!
//! Whatever the bytes, a reader answers with a graph or an [`ImportError`] and never panics. Tasks
//! are submitted in Kahn's order with a first-in first-out queue that is seeded and expanded in the
//! order of the file, so that ties are broken alike for every format.
//!
//! ```
//! use workloads::import::{self, Options};
//!
//! let text = "
//! windtunnel_graph: 1
//! tasks:
//!   - { name: a, cost: 2 }
//!   - { name: b, cost: { cpu: 3.5, gpu: 0.5 }, after: [a] }
//! ";
//! let imported = import::task_graph_file::read("two.yaml", text)?;
//! assert_eq!(imported.graph.len(), 2);
//! # Ok::<(), import::ImportError>(())
//! ```

pub mod dot;
mod draft;
mod error;
mod names;
mod numbers;
mod order;
mod recognise;
mod source;
pub mod starpu;
pub mod stg;
mod suggest;
pub mod task_graph_file;
pub mod trace;
pub mod wfformat;

pub use error::{ImportError, Place, Position};
pub use numbers::MAX_BYTES;
pub use trace::TraceCosts;
pub use wfformat::SizeUnit;

use runtime::{ClusterSpec, TaskGraph};
use std::fmt;
use std::path::Path;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// This project's own, see [`task_graph_file`].
    TaskGraphFile,
    /// This project's record of a run, see [`trace`].
    Trace,
    /// WfCommons' recorded workflow executions, see [`wfformat`].
    WfFormat,
    /// The Standard Task Graph set, see [`stg`].
    Stg,
    /// Graphviz, see [`dot`].
    Dot,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TaskGraphFile, Self::Trace, Self::WfFormat, Self::Stg, Self::Dot];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::TaskGraphFile => "task-graph",
            Self::Trace => "trace",
            Self::WfFormat => "wfformat",
            Self::Stg => "stg",
            Self::Dot => "dot",
        }
    }

    /// The names of all formats, for messages.
    fn list() -> String {
        Self::ALL.map(|f| f.to_string()).join(", ")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TaskGraphFile => "task-graph file",
            Self::Trace => "trace",
            Self::WfFormat => "WfFormat file",
            Self::Stg => "STG file",
            Self::Dot => "DOT file",
        })
    }
}

/// How to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format; recognised when `None`.
    pub format: Option<Format>,
    /// What becomes of the durations in a trace.
    pub trace_costs: TraceCosts,
    /// What the file sizes of a WfFormat file count; decided by version and writer when `None`.
    pub file_sizes: Option<SizeUnit>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The graph.
    pub graph: TaskGraph,
    /// The format it was read from.
    pub format: Format,
    /// What the reader had to decide or leave out, in sentences for people.
    pub notes: Vec<String>,
    /// What the file says about the run that it records.
    pub recorded: Recorded,
}

/// The run behind a file; empty for files that record none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recorded {
    /// How long the run took, in seconds.
    pub makespan_s: Option<f64>,
    /// The machines it ran on, where the format has no more than their descriptions.
    pub machines: Vec<RecordedMachine>,
    /// The cluster it ran on, where the format holds all of it.
    pub cluster: Option<ClusterSpec>,
}

/// A machine as a workflow system described it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedMachine {
    /// Its host name.
    pub name: String,
    /// Its cores.
    pub cores: Option<f64>,
    /// The clock of its processor when somebody looked, in MHz. Processors change it all the time:
    /// equal machines of one file often differ twofold here.
    pub clock_mhz: Option<f64>,
    /// Its memory.
    pub memory_bytes: Option<u64>,
    /// How many tasks ran on it.
    pub tasks: usize,
}

/// Reads the task graph in a file, which may be compressed with gzip.
///
/// # Errors
/// Any [`ImportError`].
pub fn read(path: &Path, options: Options) -> Result<Imported, ImportError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ImportError::Io { file, source })?;
    read_bytes(path, bytes, options)
}

/// Reads the task graph in `bytes`, the content of the file at `path` (which need not exist).
///
/// # Errors
/// As [`read`].
pub fn read_bytes(path: &Path, bytes: Vec<u8>, options: Options) -> Result<Imported, ImportError> {
    let file = path.display().to_string();
    let text = recognise::text(&file, bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim_start().is_empty() {
        return Err(ImportError::Empty { file });
    }
    let format = match options.format {
        Some(format) => format,
        None => recognise::format(path, text)
            .map_err(|found| ImportError::Foreign { file: file.clone(), found })?,
    };
    let mut imported = match format {
        Format::TaskGraphFile => task_graph_file::read(&file, text),
        Format::Trace => trace::read(&file, text.as_bytes(), options.trace_costs),
        Format::WfFormat => wfformat::read(&file, text, options.file_sizes),
        Format::Stg => stg::read(&file, text),
        Format::Dot => dot::read(&file, text),
    }?;
    if imported.graph.name().is_empty() {
        // The name without any of its extensions: `run` of `run.jsonl.gz`.
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        imported.graph.set_name(name.split('.').find(|part| !part.is_empty()).unwrap_or("graph"));
    }
    Ok(imported)
}
