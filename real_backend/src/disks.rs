//! Disk memories: a temporary file for each.
//!
//! The files have no names, or lose them at once: whatever ends the run, nothing is left behind.
//! They are read and written through the system's cache, which may hold more of them in main
//! memory than the cluster's budget says.

use crate::buffers::Backing;
use crate::spec::RunError;
use runtime::cluster::MemoryKind;
use runtime::{Cluster, MemoryId};
use std::path::Path;
use std::sync::Arc;

/// Requests under way where a disk's copy engines have no limit.
const DEFAULT_REQUESTS: usize = 4;
/// Most requests under way: each is a thread.
const MAX_REQUESTS: usize = 16;

/// A file for every disk of the cluster, all of whose other memories must be main memory.
pub(crate) fn make(cluster: &Cluster, folder: &Path) -> Result<Vec<(MemoryId, Backing)>, RunError> {
    for device in cluster.device_ids() {
        let memory = cluster.memory(cluster.memory_of(device));
        if memory.kind == MemoryKind::Disk {
            let (device, memory) = (cluster.device(device).name.clone(), memory.name.clone());
            return Err(RunError::ComputesOnDisk { device, memory });
        }
    }
    let mut disks: Vec<(MemoryId, Backing)> = Vec::new();
    for id in cluster.memory_ids() {
        let memory = cluster.memory(id);
        match memory.kind {
            MemoryKind::Dram => {}
            MemoryKind::Disk => {
                let file = tempfile::tempfile_in(folder).map_err(|source| RunError::NoDisk {
                    memory: memory.name.clone(),
                    folder: folder.to_owned(),
                    source,
                })?;
                disks.push((id, Arc::new(file)));
            }
            kind => {
                return Err(RunError::UnsupportedMemory { memory: memory.name.clone(), kind });
            }
        }
    }
    Ok(disks)
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
