//! A run directory read back.

use super::lines::read_lines;
use super::{CALIBRATION, MANIFEST, RECORDS, StoreError, TRACES, WALLS};
use crate::record::{FORMAT_VERSION, Manifest, Record, Wall};
use crate::runner::Calibration;
use runtime::trace::{Trace, TraceError, read_trace};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// What a run directory holds, in the order of the cells' keys.
#[derive(Clone, Debug)]
pub struct Run {
    /// Where it lies.
    pub path: PathBuf,
    /// What was to be run.
    pub manifest: Manifest,
    /// Finished cells, each once, sorted by key.
    pub records: Vec<Record>,
    /// By the record's id.
    pub walls: BTreeMap<String, Wall>,
}

impl Run {
    /// The file that holds a cell's trace, if it was kept.
    pub fn trace_path(&self, id: &str) -> Option<PathBuf> {
        Some(trace_path(&self.path, id)).filter(|p| p.is_file())
    }

    /// Cells that are not finished.
    pub fn missing(&self) -> usize {
        self.manifest.cells.saturating_sub(self.records.len())
    }
}

/// Reads a run directory.
///
/// # Errors
/// [`StoreError`] when there is none or it is damaged; a torn last line is not damage.
pub fn load(path: &Path) -> Result<Run, StoreError> {
    let manifest =
        read_manifest(path)?.ok_or_else(|| StoreError::NotARun { path: path.to_owned() })?;
    let mut records = read_records(path)?;
    records.sort_by(|a, b| a.key.cmp(&b.key));
    let walls: Vec<Wall> = read_lines(&path.join(WALLS))?;
    let walls = walls.into_iter().map(|wall| (wall.id.clone(), wall)).collect();
    Ok(Run { path: path.to_owned(), manifest, records, walls })
}

/// The calibration of a run directory; an empty one where there is none.
///
/// # Errors
/// [`StoreError`] when it cannot be read.
pub fn read_calibration(run: &Path) -> Result<Calibration, StoreError> {
    let path = run.join(CALIBRATION);
    match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Calibration::default()),
        Err(error) => Err(StoreError::io(&path, error)),
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| StoreError::Damaged {
            path,
            line: error.line(),
            message: error.to_string(),
        }),
    }
}

/// The records of a directory, of two with one id the later one.
pub(super) fn read_records(path: &Path) -> Result<Vec<Record>, StoreError> {
    let all: Vec<Record> = read_lines(&path.join(RECORDS))?;
    let by_id: BTreeMap<String, Record> = all.into_iter().map(|r| (r.id.clone(), r)).collect();
    Ok(by_id.into_values().collect())
}

/// The manifest, if there is one.
pub(super) fn read_manifest(path: &Path) -> Result<Option<Manifest>, StoreError> {
    let path = path.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(&path, error)),
    };
    let damaged = |error: serde_json::Error| StoreError::Damaged {
        path: path.clone(),
        line: error.line(),
        message: error.to_string(),
    };
    // The version first: a newer manifest may have other fields.
    let value: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
    let version = value.get("windtunnel_run").and_then(serde_json::Value::as_u64);
    if let Some(found) = version.filter(|v| *v > u64::from(FORMAT_VERSION)) {
        return Err(StoreError::Newer { path: path.clone(), found, known: FORMAT_VERSION });
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

pub(super) fn trace_path(run: &Path, id: &str) -> PathBuf {
    run.join(TRACES).join(format!("{id}.jsonl.gz"))
}

/// Reads a trace file, compressed with gzip or not.
///
/// # Errors
/// Any [`TraceError`].
pub fn read_trace_file(path: &Path) -> Result<Trace, TraceError> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = std::io::BufRead::fill_buf(&mut file)?.starts_with(&[0x1f, 0x8b]);
    match is_gzip {
        true => read_trace(&mut BufReader::new(flate2::bufread::MultiGzDecoder::new(file))),
        false => read_trace(&mut file),
    }
}
