//! Buffers of disk memories: extents of a file, reached through files' own calls alone.
//!
//! The ledger counts loans of extents as it counts those of blocks, so a file is read while nobody
//! writes the same extent. Every extent remembers the checksum of what was last written to it;
//! reading it must find the same.

use super::classes::{Class, class_of};
use super::{Arena, Block, Conflict, DeviceLoan, Loan, Right};
use crate::disks::{PAGE_BYTES, Pages};
use runtime::{BufferId, MemoryId};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What extents lie in: a file, or what a test takes for one.
pub(crate) type Backing = Arc<dyn FileExt + Send + Sync>;

/// The file of a disk memory.
pub(super) struct Disk {
    backing: Backing,
    /// Bytes given to extents so far.
    end: u64,
    /// Offsets of free extents, by size class.
    vacant: Vec<Vec<u64>>,
}

/// What a buffer is on a disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    offset: u64,
    /// Of the content; `None` before it was written.
    sum: Option<u32>,
}

/// Why a disk could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskFault {
    /// The system says so: the disk is full, or broken.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What was read is not what was written.
    #[error("{bytes} bytes at {offset} have the checksum {found:08x}; {written:08x} was written")]
    Corrupt {
        /// Place in the file.
        offset: u64,
        /// How much was read.
        bytes: usize,
        /// Of what was read.
        found: u32,
        /// Of what was written.
        written: u32,
    },
    /// The object is larger than what this machine can hold at once to pass it on.
    #[error("there is no memory for {bytes} bytes to pass it on")]
    NoMemory {
        /// Its size.
        bytes: usize,
    },
}

/// Access to an extent for as long as a transfer lasts.
#[must_use = "a loan that is not given back keeps its buffer for ever"]
pub(crate) struct DiskLoan {
    backing: Backing,
    extent: Extent,
    bytes: usize,
    buffer: BufferId,
    right: Right,
}

/// One end of a transfer.
pub(crate) enum End {
    Memory(Loan),
    Disk(DiskLoan),
    Device(DeviceLoan),
}

impl End {
    /// Its size.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Memory(loan) => loan.bytes().len(),
            Self::Disk(loan) => loan.bytes,
            Self::Device(loan) => loan.bytes as usize,
        }
    }
}

impl DiskLoan {
    /// Whose loan it is.
    pub fn buffer(&self) -> BufferId {
        self.buffer
    }

    /// Reads the whole extent; returns the part of `pages` where it is then.
    pub fn read<'p>(&self, pages: &'p mut Pages) -> Result<&'p [u8], DiskFault> {
        self.extent.read(&self.backing, self.bytes, pages)
    }

    /// Writes the whole extent, which lies at the beginning of `pages`.
    pub fn write(&mut self, pages: &mut Pages) -> Result<(), DiskFault> {
        assert_eq!(self.right, Right::Write, "only writers write");
        self.extent.write(&self.backing, self.bytes, pages)
    }

    /// Writes the whole extent, by way of `pages`.
    pub fn write_from(&mut self, from: &[u8], pages: &mut Pages) -> Result<(), DiskFault> {
        let (bytes, none) = (self.bytes, DiskFault::NoMemory { bytes: self.bytes });
        pages.of(bytes).ok_or(none)?[..bytes].copy_from_slice(from);
        self.write(pages)
    }
}

impl Extent {
    fn read<'p>(
        &self,
        backing: &Backing,
        bytes: usize,
        pages: &'p mut Pages,
    ) -> Result<&'p [u8], DiskFault> {
        let whole = pages.of(bytes).ok_or(DiskFault::NoMemory { bytes })?;
        backing.read_exact_at(whole, self.offset)?;
        let content = &whole[..bytes];
        let found = crc32fast::hash(content);
        match self.sum {
            Some(written) if written != found => {
                let offset = self.offset;
                Err(DiskFault::Corrupt { offset, bytes, found, written })
            }
            _ => Ok(content),
        }
    }

    fn write(
        &mut self,
        backing: &Backing,
        bytes: usize,
        pages: &mut Pages,
    ) -> Result<(), DiskFault> {
        let whole = pages.of(bytes).ok_or(DiskFault::NoMemory { bytes })?;
        whole[bytes..].fill(0);
        // Unknown until it has succeeded.
        self.sum = None;
        backing.write_all_at(whole, self.offset)?;
        self.sum = Some(crc32fast::hash(&whole[..bytes]));
        Ok(())
    }
}

impl Disk {
    /// An extent for `bytes`.
    pub fn take(&mut self, bytes: u64) -> Extent {
        let class = class(bytes);
        let vacant = self.vacant.get_mut(class.index).and_then(Vec::pop);
        let offset = vacant.unwrap_or_else(|| {
            let offset = self.end;
            self.end += class.bytes.next_multiple_of(PAGE_BYTES as u64);
            offset
        });
        Extent { offset, sum: None }
    }

    /// Takes the extent of a buffer of `bytes` back.
    pub fn put_back(&mut self, extent: Extent, bytes: u64) {
        let class = class(bytes);
        if class.index >= self.vacant.len() {
            self.vacant.resize_with(class.index + 1, Vec::new);
        }
        self.vacant[class.index].push(extent.offset);
    }
}

fn class(bytes: u64) -> Class {
    class_of(bytes.max(PAGE_BYTES as u64))
}

impl Arena {
    /// Keeps the buffers of a memory in a file.
    pub fn put_on_disk(&mut self, memory: MemoryId, backing: Backing) {
        self.disks[memory.index()] = Some(Disk { backing, end: 0, vacant: Vec::new() });
    }

    /// Lends a buffer for a transfer, wherever it lies.
    ///
    /// # Errors
    /// As [`Arena::lend`].
    pub fn lend_end(&mut self, buffer: BufferId, right: Right) -> Result<End, Conflict> {
        if self.is_on_device(buffer) {
            return self.lend_device(buffer, right).map(End::Device);
        }
        let slot = &mut self.slots[buffer.index()];
        let Some(extent) = slot.extent else { return self.lend(buffer, right).map(End::Memory) };
        assert!(slot.is_live, "buffer {buffer} is lent and was not allocated");
        if !slot.ledger.lend(right) {
            return Err(Conflict { buffer });
        }
        let disk = self.disks[slot.memory.index()].as_ref().expect("it has extents");
        let backing = Arc::clone(&disk.backing);
        Ok(End::Disk(DiskLoan { backing, extent, bytes: slot.bytes, buffer, right }))
    }

    /// Takes one end of a transfer back.
    ///
    /// # Panics
    /// As [`Arena::give_back`].
    pub fn give_back_end(&mut self, end: End) {
        let loan = match end {
            End::Memory(loan) => return self.give_back(loan),
            End::Device(loan) => return self.give_back_device(&loan),
            End::Disk(loan) => loan,
        };
        let slot = &mut self.slots[loan.buffer.index()];
        assert!(slot.extent.is_some() && !slot.ledger.is_free(), "{} was not lent", loan.buffer);
        if loan.right == Right::Write {
            slot.extent = Some(loan.extent);
        }
        slot.ledger.take_back(loan.right);
    }

    /// Whether a buffer lies on a disk.
    pub fn is_on_disk(&self, buffer: BufferId) -> bool {
        self.slots[buffer.index()].extent.is_some()
    }

    /// Gives a buffer on a disk its first content.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fill_extent(
        &mut self,
        buffer: BufferId,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<(), DiskFault> {
        let slot = &mut self.slots[buffer.index()];
        let (Some(extent), bytes) = (&mut slot.extent, slot.bytes) else { return Ok(()) };
        let disk = self.disks[slot.memory.index()].as_ref().expect("it has extents");
        fill(&mut self.pages.of(bytes).ok_or(DiskFault::NoMemory { bytes })?[..bytes]);
        extent.write(&disk.backing, bytes, &mut self.pages)
    }

    /// Brings a live buffer from its disk into main memory, where [`Arena::bytes`] finds it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bring_in(&mut self, buffer: BufferId) -> Result<(), DiskFault> {
        let slot = &mut self.slots[buffer.index()];
        assert!(slot.is_live && slot.ledger.is_free(), "buffer {buffer} is not there to be read");
        let (Some(extent), bytes) = (slot.extent, slot.bytes) else { return Ok(()) };
        let disk = self.disks[slot.memory.index()].as_mut().expect("it has extents");
        let mut block = Block::new(bytes).ok_or(DiskFault::NoMemory { bytes })?;
        let content = extent.read(&disk.backing, bytes, &mut self.pages)?;
        block.bytes_mut()[..bytes].copy_from_slice(content);
        disk.put_back(extent, bytes as u64);
        slot.extent = None;
        slot.block = Some(block);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::ObjectId;
    use std::io::{Error, ErrorKind, Result};
    use std::sync::Mutex;

    /// A disk that fails as it is told.
    #[derive(Default)]
    struct Faulty {
        content: Mutex<Vec<u8>>,
        /// Bytes after which it is full.
        room: usize,
        /// Most bytes that one call writes.
        step: usize,
        is_unreadable: bool,
        flips: bool,
    }

    impl FileExt for Faulty {
        fn read_at(&self, into: &mut [u8], offset: u64) -> Result<usize> {
            if self.is_unreadable {
                return Err(Error::other("the disk has a scratch"));
            }
            let content = self.content.lock().unwrap();
            let from = content.get(offset as usize..).unwrap_or(&[]);
            // Whole reads would hide that some are short.
            let count = into.len().min(from.len()).min(7000);
            into[..count].copy_from_slice(&from[..count]);
            if self.flips && offset == 0 {
                into[5] ^= 4;
            }
            Ok(count)
        }

        fn write_at(&self, from: &[u8], offset: u64) -> Result<usize> {
            let mut content = self.content.lock().unwrap();
            let offset = offset as usize;
            let count = from.len().min(self.step).min(self.room.saturating_sub(offset));
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let end = content.len().max(offset + count);
            content.resize(end, 0);
            content[offset..offset + count].copy_from_slice(&from[..count]);
            Ok(count)
        }
    }

    /// One without faults.
    fn sound() -> Faulty {
        Faulty { room: 1 << 20, step: 1000, ..Faulty::default() }
    }

    const DISK: MemoryId = MemoryId(1);

    fn arena(faulty: Faulty) -> Arena {
        let mut arena = Arena::new(2, u64::MAX);
        arena.put_on_disk(DISK, Arc::new(faulty));
        arena
    }

    fn write(arena: &mut Arena, buffer: BufferId, value: u8) -> std::result::Result<(), DiskFault> {
        let End::Disk(mut loan) = arena.lend_end(buffer, Right::Write).unwrap() else {
            panic!("it lies on the disk")
        };
        let result = loan.write_from(&vec![value; loan.bytes], &mut Pages::default());
        arena.give_back_end(End::Disk(loan));
        result
    }

    fn read(arena: &mut Arena, buffer: BufferId) -> std::result::Result<Vec<u8>, DiskFault> {
        let End::Disk(loan) = arena.lend_end(buffer, Right::Read).unwrap() else {
            panic!("it lies on the disk")
        };
        let result = loan.read(&mut Pages::default()).map(<[u8]>::to_vec);
        arena.give_back_end(End::Disk(loan));
        result
    }

    #[test]
    fn short_reads_and_writes_are_completed_and_extents_are_apart_and_used_again() {
        let mut arena = arena(sound());
        let sizes = [1u64, 4096, 5000, 20_000];
        for (at, bytes) in sizes.into_iter().enumerate() {
            let buffer = BufferId(at as u32);
            arena.allocate(buffer, ObjectId(0), DISK, bytes).unwrap();
            write(&mut arena, buffer, at as u8 + 1).unwrap();
        }
        let end = arena.disks[1].as_ref().unwrap().end;
        for round in 0..3 {
            for (at, bytes) in sizes.into_iter().enumerate() {
                let buffer = BufferId(at as u32);
                let value = at as u8 + 1 + 10 * round;
                assert_eq!(read(&mut arena, buffer).unwrap(), vec![value; bytes as usize]);
                arena.release(buffer);
                arena.allocate(buffer, ObjectId(0), DISK, bytes).unwrap();
                write(&mut arena, buffer, value + 10).unwrap();
            }
        }
        assert_eq!(arena.disks[1].as_ref().unwrap().end, end, "no new room was needed");
        arena.bring_in(BufferId(2)).unwrap();
        assert_eq!(arena.bytes(BufferId(2)), Some(&[33; 5000][..]));
        assert_eq!(arena.bytes(BufferId(3)), None, "it is on the disk");
    }

    #[test]
    fn full_disks_unreadable_and_corrupt_extents_are_errors() {
        let outcome = |faulty: Faulty| {
            let mut arena = arena(faulty);
            arena.allocate(BufferId(0), ObjectId(0), DISK, 9000).unwrap();
            let wrote = write(&mut arena, BufferId(0), 7).map_err(|e| e.to_string());
            let read =
                wrote.and_then(|()| read(&mut arena, BufferId(0)).map_err(|e| e.to_string()));
            // Whatever happened, nothing is left on loan.
            arena.release(BufferId(0));
            read.map(|bytes| bytes.len())
        };
        assert_eq!(outcome(sound()), Ok(9000));
        let full = outcome(Faulty { room: 8000, ..sound() }).unwrap_err();
        assert_eq!(full, Error::from(ErrorKind::StorageFull).to_string());
        let broken = outcome(Faulty { is_unreadable: true, ..sound() });
        assert_eq!(broken, Err("the disk has a scratch".to_owned()));
        let corrupt = outcome(Faulty { flips: true, ..sound() }).unwrap_err();
        assert!(corrupt.starts_with("9000 bytes at 0 have the checksum "), "{corrupt}");
    }

    #[test]
    fn an_extent_has_readers_or_one_writer() {
        let mut arena = arena(sound());
        arena.allocate(BufferId(0), ObjectId(0), DISK, 10).unwrap();
        write(&mut arena, BufferId(0), 1).unwrap();
        let readers = [0, 1].map(|_| arena.lend_end(BufferId(0), Right::Read).unwrap());
        assert!(arena.lend_end(BufferId(0), Right::Write).is_err());
        readers.into_iter().for_each(|r| arena.give_back_end(r));
        let writer = arena.lend_end(BufferId(0), Right::Write).unwrap();
        assert!(arena.lend_end(BufferId(0), Right::Read).is_err());
        arena.give_back_end(writer);
    }
}
