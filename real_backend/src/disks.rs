//! Disk memories: a temporary file for each.
//!
//! The files have no names, or lose them at once: whatever ends the run, nothing is left behind.
//! They are read and written past the system's cache where the file system allows it (`O_DIRECT`),
//! so that a budget of main memory is one and times are the disk's; elsewhere through the cache,
//! which the run then notes. Direct requests begin and end at pages, in memory and on the disk: all
//! content passes through [`Pages`], which come on top of the budget: every mover has as many as
//! the largest object takes.

use crate::buffers::Backing;
use crate::spec::RunError;
use runtime::cluster::MemoryKind;
use runtime::{Cluster, MemoryId};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

/// Requests under way where a disk's copy engines have no limit.
const DEFAULT_REQUESTS: usize = 4;
/// Most requests under way: each is a thread.
const MAX_REQUESTS: usize = 16;

/// Files begin requests at multiples of this, and so do extents in them.
pub(crate) const PAGE_BYTES: usize = 4096;

/// The files of a run.
#[derive(Default)]
pub(crate) struct Disks {
    pub files: Vec<(MemoryId, Backing)>,
    /// Whether all of them are reached past the system's cache.
    pub is_direct: bool,
}

/// Memory that begins and ends at pages, grown as needed.
#[derive(Debug, Default)]
pub struct Pages(Vec<u8>);

impl Pages {
    /// The first pages, as many as `bytes` take; their content is whatever it was. `None` when
    /// there is no memory for them.
    pub fn of(&mut self, bytes: usize) -> Option<&mut [u8]> {
        let bytes = bytes.checked_next_multiple_of(PAGE_BYTES)?;
        let needed = bytes.checked_add(PAGE_BYTES)?;
        if self.0.len() < needed {
            // What is in them need not be kept, but is: content may pass from disk to disk.
            self.0.try_reserve_exact(needed - self.0.len()).ok()?;
            self.0.resize(needed, 0);
        }
        let address = self.0.as_ptr().addr();
        let pad = address.next_multiple_of(PAGE_BYTES) - address;
        Some(&mut self.0[pad..pad + bytes])
    }
}

/// A temporary file without a name.
#[derive(Debug)]
pub struct ScratchFile {
    /// The file.
    pub file: File,
    /// Whether it is read and written past the system's cache: every request must then begin and
    /// end at pages, as [`Pages`] do.
    pub is_direct: bool,
}

/// Makes a file in a folder that is gone when it is closed.
///
/// # Errors
/// Those of the system.
pub fn scratch_file(folder: &Path) -> io::Result<ScratchFile> {
    let file = tempfile::tempfile_in(folder)?;
    let flags = fcntl_getfl(&file)?;
    let is_direct = fcntl_setfl(&file, flags | OFlags::DIRECT).is_ok() && can_use_pages(&file);
    if !is_direct {
        fcntl_setfl(&file, flags)?;
    }
    Ok(ScratchFile { file, is_direct })
}

/// Whether pages can be written and read: some file systems take the flag and then refuse.
fn can_use_pages(file: &File) -> bool {
    let mut pages = Pages::default();
    let Some(page) = pages.of(PAGE_BYTES) else { return false };
    file.write_all_at(page, 0).is_ok() && file.read_exact_at(page, 0).is_ok()
}

/// A file for every disk of the cluster, all of whose other memories must be main memory.
pub(crate) fn make(cluster: &Cluster, folder: &Path, has_gpus: bool) -> Result<Disks, RunError> {
    for device in cluster.device_ids() {
        let memory = cluster.memory(cluster.memory_of(device));
        if memory.kind == MemoryKind::Disk {
            let (device, memory) = (cluster.device(device).name.clone(), memory.name.clone());
            return Err(RunError::ComputesOnDisk { device, memory });
        }
    }
    let mut disks: Vec<(MemoryId, Backing)> = Vec::new();
    let mut is_direct = true;
    for id in cluster.memory_ids() {
        let memory = cluster.memory(id);
        match memory.kind {
            MemoryKind::Dram => {}
            MemoryKind::Hbm if has_gpus => {}
            MemoryKind::Disk => {
                let made = scratch_file(folder).map_err(|source| RunError::NoDisk {
                    memory: memory.name.clone(),
                    folder: folder.to_owned(),
                    source,
                })?;
                is_direct &= made.is_direct;
                disks.push((id, Arc::new(made.file)));
            }
            kind => {
                return Err(RunError::UnsupportedMemory { memory: memory.name.clone(), kind });
            }
        }
    }
    Ok(Disks { files: disks, is_direct })
}

/// How many transfers the copy engines of all disks carry at once.
pub(crate) fn requests(cluster: &Cluster) -> usize {
    let disks = cluster.memory_ids().map(|m| cluster.memory(m));
    let disks = disks.filter(|m| m.kind == MemoryKind::Disk);
    let engines = disks.map(|m| match (m.copies_in, m.copies_out) {
        (Some(copies_in), Some(copies_out)) => copies_in as usize + copies_out as usize,
        _ => DEFAULT_REQUESTS,
    });
    engines.sum::<usize>().clamp(1, MAX_REQUESTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_aligned_whole_and_keep_their_content() {
        let mut pages = Pages::default();
        for bytes in [0, 1, PAGE_BYTES, PAGE_BYTES + 1, 100] {
            let lent = pages.of(bytes).unwrap();
            assert_eq!(lent.as_ptr().addr() % PAGE_BYTES, 0);
            assert_eq!(lent.len(), bytes.next_multiple_of(PAGE_BYTES));
        }
        pages.of(50).unwrap()[..3].copy_from_slice(b"abc");
        assert_eq!(&pages.of(50).unwrap()[..3], b"abc");
        assert!(pages.of(usize::MAX - 1).is_none());
    }

    #[test]
    fn a_scratch_file_takes_pages_and_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let ScratchFile { file, .. } = scratch_file(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut pages = Pages::default();
        pages.of(5000).unwrap().fill(9);
        file.write_all_at(pages.of(5000).unwrap(), 8192).unwrap();
        pages.of(5000).unwrap().fill(0);
        file.read_exact_at(pages.of(5000).unwrap(), 8192).unwrap();
        assert!(pages.of(5000).unwrap().iter().all(|b| *b == 9));
        assert!(scratch_file(&folder.path().join("nowhere")).is_err());
    }
}
