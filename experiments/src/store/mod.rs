//! The run directory on disk: opened or resumed for writing, read back for reports.
//!
//! A finished cell is one line in `records.jsonl`, appended and flushed; a killed run loses at most
//! the line it was writing, and the next run drops such a torn line and goes on. When all cells are
//! there, the lines are put into the plan's order, so that equal experiments leave equal files.

mod lines;
mod read;
mod whole;
mod write;

pub use read::{Run, load, read_calibration, read_trace_file};
pub use whole::write_whole;
pub use write::{RunDir, write_trace_file};

use std::io;
use std::path::{Path, PathBuf};

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No room is left.
    #[error(
        "{path}: the disk is full; what finished before is kept, and the same command goes on \
         once there is room"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A folder with something else in it.
    #[error("{path} is not empty and not a run directory; name another one with --out")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// A run directory of another experiment.
    #[error(
        "{path} holds the results of another experiment ({found}); name another directory with \
         --out, or give --fresh to delete what is there"
    )]
    OtherExperiment {
        /// The folder.
        path: PathBuf,
        /// Name of the experiment in it.
        found: String,
    },
    /// Written by a newer program.
    #[error("{path} has version {found}; this program reads up to {known}")]
    Newer {
        /// The manifest.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version of this program.
        known: u32,
    },
    /// A line or file that cannot be read.
    #[error("{path}, line {line}: {message}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Another process writes there.
    #[error("{path} is being written by another windtunnel; wait for it, or name another --out")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl StoreError {
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Io { path, source },
        }
    }
}

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records.jsonl";
const WALLS: &str = "wall.jsonl";
const TRACES: &str = "traces";
/// What is known of the durations of workloads on this machine.
const CALIBRATION: &str = "calibration.json";
const LOCK: &str = ".lock";

/// What reports write into a run directory.
const REPORTS: [&str; 4] = ["report.html", "report.json", "leaderboard.csv", "leaderboard.md"];
