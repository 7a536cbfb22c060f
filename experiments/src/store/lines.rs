//! Files of JSON lines that may end in the middle of one.

use super::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{File, OpenOptions, read};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// All lines of a file; none when there is no file. A last line without its end is left out.
///
/// # Errors
/// [`StoreError::Damaged`] for any other line that is no `T`.
pub fn read_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, StoreError> {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io(path, error)),
    };
    let whole = &bytes[..whole_length(&bytes)];
    let mut lines = Vec::new();
    for (at, line) in whole.split(|b| *b == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let parsed = serde_json::from_slice(line).map_err(|error| StoreError::Damaged {
            path: path.to_owned(),
            line: at + 1,
            message: error.to_string(),
        })?;
        lines.push(parsed);
    }
    Ok(lines)
}

/// Bytes up to the last line end.
fn whole_length(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1)
}

/// A file that lines are appended to.
#[derive(Debug)]
pub struct Appender {
    path: PathBuf,
    file: File,
}

impl Appender {
    /// Opens a file, cutting off a torn last line.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let fail = |error| StoreError::io(path, error);
        let whole = match read(path) {
            Ok(bytes) => Some((whole_length(&bytes), bytes.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(fail(error)),
        };
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(fail)?;
        if let Some((whole, _)) = whole.filter(|(whole, all)| whole < all) {
            file.set_len(whole as u64).map_err(fail)?;
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends a line in one write.
    ///
    /// # Errors
    /// Those of the system.
    pub fn append(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let mut line =
            serde_json::to_vec(value).map_err(|error| StoreError::io(&self.path, error.into()))?;
        line.push(b'\n');
        let written = self.file.write_all(&line).and_then(|()| self.file.flush());
        written.map_err(|error| StoreError::io(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_last_line_is_dropped_and_the_rest_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, "1\n2\n{\"to").unwrap();
        assert_eq!(read_lines::<u32>(&path).unwrap(), [1, 2]);
        Appender::open(&path).unwrap().append(&3).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n3\n");
    }

    #[test]
    fn a_damaged_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.jsonl");
        std::fs::write(&path, "1\ntwo\n3\n").unwrap();
        let error = read_lines::<u32>(&path).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { line: 2, .. }), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_as_such() {
        let path = Path::new("/dev/full");
        if !path.exists() {
            return;
        }
        let file = OpenOptions::new().append(true).open(path).unwrap();
        let error = Appender { path: path.to_owned(), file }.append(&1).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
    }
}
