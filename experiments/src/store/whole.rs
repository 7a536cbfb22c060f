//! Files that are there whole or not at all.

use super::StoreError;
use std::fs::{File, canonicalize, metadata, remove_file, rename};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file beside its place and moves it there, so that a reader never sees a part and an
/// older file stays when the disk is full. What is no plain file, a device or a pipe, is written
/// to as it is; a link is followed.
///
/// # Errors
/// Those of the system.
pub fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), StoreError> {
    // A name that leads nowhere yet is written as it stands.
    let place = canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let is_special = metadata(&place).is_ok_and(|m| !m.is_file());
    let result = if is_special { fill(&place, content) } else { replace(&place, content) };
    result.map_err(|error| StoreError::io(path, error))
}

fn fill(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    content(&mut file)?;
    file.flush()
}

fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let part = part_of(path);
    let written = fill(&part, content).and_then(|()| rename(&part, path));
    if written.is_err() {
        // It may not even have been made.
        _ = remove_file(&part);
    }
    written
}

fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read_to_string, write};

    #[test]
    fn a_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write(&path, "old").unwrap();
        let torn = write_whole(&path, |out| {
            out.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(matches!(torn, Err(StoreError::Full { .. })), "{torn:?}");
        assert_eq!(read_to_string(&path).unwrap(), "old");
        assert!(!part_of(&path).exists());
        write_whole(&path, |out| out.write_all(b"new")).unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_whole(&link, |out| out.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(read_to_string(&file).unwrap(), "new");
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "says that it skipped")]
    fn a_device_stays_one_and_a_full_one_is_told_as_such() {
        let path = Path::new("/dev/full");
        if !path.exists() {
            println!("skipped: this system has no /dev/full");
            return;
        }
        let full = write_whole(path, |out| out.write_all(b"x"));
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
        assert!(!metadata(path).unwrap().is_file());
    }
}
