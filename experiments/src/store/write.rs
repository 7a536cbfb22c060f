//! A run directory that is being written.

use super::lines::Appender;
use super::read::{read_manifest, read_records, trace_path};
use super::whole::write_whole;
use super::{CALIBRATION, LOCK, MANIFEST, RECORDS, REPORTS, StoreError, TRACES, WALLS};
use crate::record::{Manifest, Record, Wall};
use crate::runner::Calibration;
use flate2::{Compression, GzBuilder};
use runtime::trace::{Trace, write_trace};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError, create_dir_all, read_dir, remove_dir_all, remove_file};
use std::io;
use std::path::{Path, PathBuf};

/// A run directory, locked against other writers.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    records: Appender,
    walls: Appender,
    /// Held as long as this lives.
    _lock: File,
}

impl RunDir {
    /// Makes a run directory, or opens the one that a killed run left, and returns the cells that
    /// are finished in it. With `is_fresh` what an earlier run left is deleted first.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing that was there has been changed.
    pub fn open(
        path: &Path,
        manifest: &Manifest,
        is_fresh: bool,
    ) -> Result<(Self, Vec<Record>), StoreError> {
        create_dir_all(path).map_err(|error| StoreError::io(path, error))?;
        let found = read_manifest(path);
        let is_run = match &found {
            Ok(found) => found.is_some(),
            // A damaged or newer run is still one: only --fresh may delete it.
            Err(_) if is_fresh => true,
            Err(_) => return Err(found.err().unwrap_or_else(|| not_a_run(path))),
        };
        if !is_run && !is_empty(path)? {
            return Err(not_a_run(path));
        }
        let lock = lock(path)?;
        if is_fresh {
            delete_results(path)?;
        } else if let Ok(Some(found)) = found
            && found.spec_digest != manifest.spec_digest
        {
            return Err(StoreError::OtherExperiment { path: path.to_owned(), found: found.name });
        }
        let finished = read_records(path)?;
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| StoreError::io(path, error.into()))?;
        write_whole(&path.join(MANIFEST), |out| out.write_all(&text))?;
        create_dir_all(path.join(TRACES)).map_err(|error| StoreError::io(path, error))?;
        let dir = Self {
            records: Appender::open(&path.join(RECORDS))?,
            walls: Appender::open(&path.join(WALLS))?,
            path: path.to_owned(),
            _lock: lock,
        };
        Ok((dir, finished))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a finished cell. The record comes last: without it the cell is run again.
    ///
    /// # Errors
    /// Those of the system; [`StoreError::Full`] among them.
    pub fn append(
        &mut self,
        record: &Record,
        wall: &Wall,
        trace: Option<&Trace>,
    ) -> Result<(), StoreError> {
        if let Some(trace) = trace {
            write_trace_file(trace, &trace_path(&self.path, &record.id))?;
        }
        self.walls.append(wall)?;
        self.records.append(record)
    }

    /// Keeps a calibration, for the runs that go on.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write_calibration(&self, calibration: &Calibration) -> Result<(), StoreError> {
        let path = self.path.join(CALIBRATION);
        let bytes =
            serde_json::to_vec(calibration).map_err(|error| StoreError::io(&path, error.into()))?;
        write_whole(&path, |out| out.write_all(&bytes))
    }

    /// Puts the lines of both files into the order of `ids`; lines of other cells are dropped.
    ///
    /// # Errors
    /// Those of the system; the files are then as they were.
    pub fn sort(&mut self, ids: &[String]) -> Result<(), StoreError> {
        let records: BTreeMap<String, Record> =
            read_records(&self.path)?.into_iter().map(|r| (r.id.clone(), r)).collect();
        let walls: Vec<Wall> = super::lines::read_lines(&self.path.join(WALLS))?;
        let walls: BTreeMap<String, Wall> = walls.into_iter().map(|w| (w.id.clone(), w)).collect();
        self.rewrite(RECORDS, ids.iter().filter_map(|id| records.get(id)))?;
        self.rewrite(WALLS, ids.iter().filter_map(|id| walls.get(id)))?;
        self.records = Appender::open(&self.path.join(RECORDS))?;
        self.walls = Appender::open(&self.path.join(WALLS))?;
        Ok(())
    }

    fn rewrite<'a, T: serde::Serialize + 'a>(
        &self,
        name: &str,
        lines: impl Iterator<Item = &'a T>,
    ) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line)
                .map_err(|error| StoreError::io(&path, error.into()))?;
            bytes.push(b'\n');
        }
        write_whole(&path, |out| out.write_all(&bytes))
    }
}

fn not_a_run(path: &Path) -> StoreError {
    StoreError::NotARun { path: path.to_owned() }
}

fn is_empty(path: &Path) -> Result<bool, StoreError> {
    let entries = read_dir(path).map_err(|error| StoreError::io(path, error))?;
    // The lock of a run that was killed before its manifest was written.
    Ok(entries.flatten().all(|entry| entry.file_name() == LOCK))
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = File::create(path.join(LOCK)).map_err(|error| StoreError::io(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        // A file system without locks: two writers are then not told apart.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(file),
        Err(TryLockError::Error(error)) => Err(StoreError::io(path, error)),
    }
}

/// Deletes what runs and reports have written, and nothing else.
fn delete_results(path: &Path) -> Result<(), StoreError> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path, error)),
        _ => Ok(()),
    };
    for name in [RECORDS, WALLS, CALIBRATION, MANIFEST].iter().chain(&REPORTS) {
        gone(remove_file(path.join(name)))?;
    }
    gone(remove_dir_all(path.join(TRACES)))
}

/// Writes a trace; compressed with gzip when the name ends in `.gz`. The same trace gives the same
/// bytes.
///
/// # Errors
/// Those of the system.
pub fn write_trace_file(trace: &Trace, path: &Path) -> Result<(), StoreError> {
    let is_gzip = path.extension().is_some_and(|e| e == "gz");
    write_whole(path, |mut out| match is_gzip {
        false => write_trace(trace, &mut out),
        true => {
            let mut gzip = GzBuilder::new().mtime(0).write(out, Compression::fast());
            write_trace(trace, &mut gzip)?;
            gzip.finish().map(drop)
        }
    })
}
