//! Real memory behind the executive's buffers, lent to tasks and transfers: the one module with
//! `unsafe` in it.
//!
//! # Why it is sound
//! - A [`Block`] owns its allocation. All of its bytes are initialised when it is made (zeroed)
//!   and stay so; it starts at a multiple of [`BUFFER_ALIGN_BYTES`] and is a whole number of
//!   [`BUFFER_ALIGN_BYTES`] long.
//! - Memory is reached through a [`Loan`] only, or through [`Arena::bytes`] while nothing is lent.
//!   The arena's ledger counts the loans of every buffer: any number of readers, or one writer, or
//!   any number of racers, never two of these kinds at once. What would break this is refused with
//!   a [`Conflict`], in release builds too, so soundness does not rest on the executive.
//! - A loan cannot be copied, and its slices borrow from it: they end before it is given back.
//! - A buffer with loans cannot be released (that panics), and blocks are freed by releases and by
//!   the arena's end alone. An arena that ends while loans are out leaks the lent blocks. So a
//!   loan's memory outlives the loan, even when a kernel never returns.
//! - Racers get atomics; nobody has plain references to the same bytes at that time.
//! - Buffers on disks and GPUs have no memory that could be lent; see `extents` and `devices`.
//! - Lending and giving back take `&mut Arena`: whoever shares an arena between threads does so
//!   under a lock, whose order also orders the accesses to the memory itself.

mod classes;
mod devices;
mod extents;

use crate::disks::{PAGE_BYTES, Pages};
use classes::class_of;
use devices::Pin;
pub(crate) use devices::{DeviceLoan, Lent, Own};
pub use extents::DiskFault;
pub(crate) use extents::{Backing, End};
use extents::{Disk, Extent};
use gpu::Pinner;
use runtime::kernel::{BUFFER_ALIGN_BYTES, KernelBuffer};
use runtime::{BufferId, MemoryId, Mode, ObjectId};
use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// An aligned allocation; see the module's documentation.
struct Block {
    /// What the allocator returned.
    base: NonNull<u8>,
    /// The first multiple of the alignment in it.
    start: NonNull<u8>,
    bytes: usize,
    /// Present while GPUs reach it by themselves.
    pin: Option<Pin>,
}

// SAFETY: a block owns its allocation, and nothing in it belongs to a thread.
unsafe impl Send for Block {}

impl Block {
    /// Zeroed memory, untouched where the system hands out zeroed pages; `None` when it has none.
    fn new(bytes: usize) -> Option<Self> {
        let layout = Self::layout(bytes)?;
        // SAFETY: the layout's size is not 0, since it includes the room for alignment.
        let base = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        let address = base.addr().get();
        let pad = address.next_multiple_of(BUFFER_ALIGN_BYTES) - address;
        // SAFETY: `pad` is less than the alignment, by which the allocation exceeds `bytes`.
        let start = unsafe { base.add(pad) };
        Some(Self { base, start, bytes, pin: None })
    }

    /// All of it, of a block that is not lent: those that are lie in slots.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: the block owns its memory, all of which is initialised, and is borrowed mutably
        // for as long as the slice lives.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// All of it, of a block that is not lent.
    fn bytes(&self) -> &[u8] {
        // SAFETY: as above, and borrowed for as long as the slice lives.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// More than `bytes`, so that an aligned part of that size is inside. Asking the allocator for
    /// the alignment itself would make it touch every page to zero it.
    fn layout(bytes: usize) -> Option<Layout> {
        let size = bytes.checked_add(BUFFER_ALIGN_BYTES)?;
        Layout::from_size_align(size, align_of::<AtomicU64>()).ok()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(pin) = self.pin.take() {
            // SAFETY: the pin was set on this block; blocks that are lent are never dropped.
            unsafe { pin.take_back(self.start.as_ptr()) };
        }
        let layout = Self::layout(self.bytes).expect("the block was made with it");
        // SAFETY: `base` was allocated with this layout and is freed once, here.
        unsafe { std::alloc::dealloc(self.base.as_ptr(), layout) };
    }
}

/// What a loan allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    Read,
    Write,
    Race,
}

impl Right {
    /// What a task's access needs.
    pub fn of(mode: Mode) -> Self {
        match mode {
            Mode::Read => Self::Read,
            Mode::Racy => Self::Race,
            Mode::Write | Mode::ReadWrite | Mode::Commutative | Mode::Reduce => Self::Write,
        }
    }
}

/// A loan was refused: somebody has the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub buffer: BufferId,
}

/// Loans of one buffer.
#[derive(Clone, Copy, Debug, Default)]
struct Ledger {
    readers: u32,
    racers: u32,
    writers: u32,
}

impl Ledger {
    fn is_free(&self) -> bool {
        self.readers + self.racers + self.writers == 0
    }

    /// Counts a loan; whether it may be.
    fn lend(&mut self, right: Right) -> bool {
        let (own, others) = match right {
            Right::Read => (&mut self.readers, self.racers + self.writers),
            Right::Race => (&mut self.racers, self.readers + self.writers),
            Right::Write => {
                let all = self.readers + self.racers + self.writers;
                (&mut self.writers, all)
            }
        };
        *own += u32::from(others == 0);
        others == 0
    }

    fn take_back(&mut self, right: Right) {
        match right {
            Right::Read => self.readers -= 1,
            Right::Race => self.racers -= 1,
            Right::Write => self.writers -= 1,
        }
    }
}

/// One buffer id.
struct Slot {
    block: Option<Block>,
    /// Present when it lies on a disk.
    extent: Option<Extent>,
    object: ObjectId,
    memory: MemoryId,
    bytes: usize,
    is_live: bool,
    ledger: Ledger,
}

impl Slot {
    fn vacant() -> Self {
        Self {
            block: None,
            extent: None,
            object: ObjectId(u32::MAX),
            memory: MemoryId(u32::MAX),
            bytes: 0,
            is_live: false,
            ledger: Ledger::default(),
        }
    }
}

/// Access to a buffer for as long as a task runs or a transfer lasts.
#[derive(Debug)]
#[must_use = "a loan that is not given back keeps its buffer for ever"]
pub(crate) struct Loan {
    start: NonNull<u8>,
    bytes: usize,
    buffer: BufferId,
    right: Right,
    is_pinned: bool,
}

// SAFETY: the memory outlives the loan, and the ledger keeps others from accesses that conflict.
unsafe impl Send for Loan {}

impl Loan {
    /// The lent bytes, as kernels are given them.
    pub fn buffer(&mut self) -> KernelBuffer<'_> {
        let (start, bytes) = (self.start, self.bytes);
        match self.right {
            Right::Read => KernelBuffer::Read(self.bytes()),
            Right::Write => KernelBuffer::Write(self.bytes_mut()),
            Right::Race => {
                let words = bytes.div_ceil(size_of::<AtomicU64>());
                // SAFETY: blocks are aligned to 64 bytes, a whole number of words long and
                // initialised; every loan of this buffer is a racer's, so all accesses to the
                // bytes are atomic ones of this size.
                let words = unsafe { std::slice::from_raw_parts(start.cast().as_ptr(), words) };
                KernelBuffer::Racy(words)
            }
        }
    }

    /// Whether GPUs reach it by themselves.
    pub fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// The lent bytes of a reader or writer.
    pub fn bytes(&self) -> &[u8] {
        assert_ne!(self.right, Right::Race, "racers have no plain bytes");
        // SAFETY: the block is initialised and at least this long; all loans of it are readers'
        // or this is the only one, and its mutable slice borrows from `self` too.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// The lent bytes of a writer.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        assert_eq!(self.right, Right::Write, "only writers write");
        // SAFETY: the block is initialised and at least this long; this is its only loan, and
        // the slice borrows from `self` mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

/// There is no memory left, or no more is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted {
    /// Bytes in use by live buffers.
    pub used_bytes: u64,
}

/// All buffers of a run, by id, and freed blocks that wait for a buffer of their size.
pub(crate) struct Arena {
    slots: Vec<Slot>,
    /// By memory and size class.
    vacant: Vec<Vec<Vec<Block>>>,
    /// By memory: those that are no main memory.
    disks: Vec<Option<Disk>>,
    /// By memory: those of GPUs.
    devices: Vec<bool>,
    /// What lets GPUs reach blocks of main memory.
    pinner: Option<Arc<dyn Pinner>>,
    /// Where content passes between disks and main memory outside of transfers.
    pages: Pages,
    /// Bytes of live buffers' blocks.
    live_bytes: u64,
    vacant_bytes: u64,
    limit_bytes: u64,
}

impl Arena {
    /// An arena with so many memories, which may use so many bytes of the machine in all.
    pub fn new(memories: usize, limit_bytes: u64) -> Self {
        Self {
            slots: Vec::new(),
            vacant: (0..memories).map(|_| Vec::new()).collect(),
            disks: (0..memories).map(|_| None).collect(),
            devices: vec![false; memories],
            pinner: None,
            pages: Pages::default(),
            live_bytes: 0,
            vacant_bytes: 0,
            limit_bytes,
        }
    }

    /// Makes a buffer; whether its content is all zeroes (undefined otherwise).
    ///
    /// # Panics
    /// When the buffer is there already.
    pub fn allocate(
        &mut self,
        buffer: BufferId,
        object: ObjectId,
        memory: MemoryId,
        bytes: u64,
    ) -> Result<bool, Exhausted> {
        let disk = self.disks[memory.index()].as_mut().filter(|_| bytes > 0);
        let extent = disk.map(|disk| disk.take(bytes));
        let (block, is_zero) = match bytes {
            0 => (None, true),
            _ if extent.is_some() || self.devices[memory.index()] => (None, false),
            _ => self.block(memory, bytes).map(|(block, is_zero)| (Some(block), is_zero))?,
        };
        self.live_bytes += block.as_ref().map_or(0, |b| b.bytes as u64);
        let ledger = Ledger::default();
        let bytes = bytes as usize;
        let slot = Slot { block, extent, object, memory, bytes, is_live: true, ledger };
        if buffer.index() >= self.slots.len() {
            self.slots.resize_with(buffer.index() + 1, Slot::vacant);
        }
        let old = std::mem::replace(&mut self.slots[buffer.index()], slot);
        assert!(!old.is_live, "buffer {buffer} is allocated twice");
        Ok(is_zero)
    }

    /// Makes a vacant block for a buffer of `bytes` and touches its pages, so that the system
    /// hands them out now and not while a kernel writes them. Whether it did: of disks, and beyond
    /// half of the limit, it does not.
    pub fn warm(&mut self, memory: MemoryId, bytes: u64) -> bool {
        let class = class_of(bytes);
        let after_bytes = self.vacant_bytes.saturating_add(class.bytes);
        let is_elsewhere = self.disks[memory.index()].is_some() || self.devices[memory.index()];
        if bytes == 0 || after_bytes > self.limit_bytes / 2 || is_elsewhere {
            return false;
        }
        let Some(mut block) = self.fresh(class.bytes) else {
            return false;
        };
        for page in block.bytes_mut().chunks_mut(PAGE_BYTES) {
            page[0] = std::hint::black_box(0);
        }
        self.vacate(memory, block);
        true
    }

    /// A block for `bytes`: a vacant one of the same class, or a new one.
    fn block(&mut self, memory: MemoryId, bytes: u64) -> Result<(Block, bool), Exhausted> {
        let class = class_of(bytes);
        let vacant = self.vacant[memory.index()].get_mut(class.index);
        if let Some(block) = vacant.and_then(Vec::pop) {
            self.vacant_bytes -= class.bytes;
            return Ok((block, false));
        }
        let exhausted = Exhausted { used_bytes: self.live_bytes };
        if self.live_bytes.saturating_add(class.bytes) > self.limit_bytes {
            return Err(exhausted);
        }
        if self.live_bytes + self.vacant_bytes + class.bytes > self.limit_bytes {
            self.vacant.iter_mut().for_each(Vec::clear);
            self.vacant_bytes = 0;
        }
        self.fresh(class.bytes).map(|block| (block, true)).ok_or(exhausted)
    }

    /// A new block, pinned where that is asked for.
    fn fresh(&self, bytes: u64) -> Option<Block> {
        let mut block = Block::new(usize::try_from(bytes).ok()?)?;
        Pin::set(&mut block, self.pinner.as_ref());
        Some(block)
    }

    /// Frees a buffer.
    ///
    /// # Panics
    /// When it is not there, or lent.
    pub fn release(&mut self, buffer: BufferId) {
        let slot = &mut self.slots[buffer.index()];
        assert!(slot.is_live, "buffer {buffer} is released and was not allocated");
        assert!(slot.ledger.is_free(), "buffer {buffer} is released while it is lent");
        slot.is_live = false;
        if let (Some(extent), Some(disk)) =
            (slot.extent.take(), &mut self.disks[slot.memory.index()])
        {
            return disk.put_back(extent, slot.bytes as u64);
        }
        let (memory, Some(block)) = (slot.memory, slot.block.take()) else { return };
        self.live_bytes -= block.bytes as u64;
        self.vacate(memory, block);
    }

    /// Keeps a block that nobody uses for a buffer of its class.
    fn vacate(&mut self, memory: MemoryId, block: Block) {
        let bytes = block.bytes as u64;
        self.vacant_bytes += bytes;
        let class = class_of(bytes);
        debug_assert_eq!(class.bytes, bytes);
        let classes = &mut self.vacant[memory.index()];
        if class.index >= classes.len() {
            classes.resize_with(class.index + 1, Vec::new);
        }
        classes[class.index].push(block);
    }

    /// Lends a buffer.
    ///
    /// # Errors
    /// [`Conflict`] when it is lent already in a way that excludes this one.
    ///
    /// # Panics
    /// When the buffer is not there, or lies on a disk.
    #[inline]
    pub fn lend(&mut self, buffer: BufferId, right: Right) -> Result<Loan, Conflict> {
        let slot = &mut self.slots[buffer.index()];
        assert!(slot.is_live, "buffer {buffer} is lent and was not allocated");
        assert!(slot.extent.is_none(), "buffer {buffer} lies on a disk");
        if !slot.ledger.lend(right) {
            return Err(Conflict { buffer });
        }
        let (start, is_pinned) = match &slot.block {
            Some(block) => (block.start, block.pin.is_some()),
            None => (NonNull::<Aligned>::dangling().cast(), false),
        };
        Ok(Loan { start, bytes: slot.bytes, buffer, right, is_pinned })
    }

    /// Takes a loan back.
    ///
    /// # Panics
    /// When the loan is another arena's.
    #[inline]
    pub fn give_back(&mut self, loan: Loan) {
        let slot = &mut self.slots[loan.buffer.index()];
        let is_ours = slot.block.as_ref().is_none_or(|b| b.start == loan.start);
        assert!(is_ours && !slot.ledger.is_free(), "buffer {} was not lent", loan.buffer);
        slot.ledger.take_back(loan.right);
    }

    /// What a buffer holds, and where.
    pub fn whose(&self, buffer: BufferId) -> (ObjectId, MemoryId) {
        let slot = &self.slots[buffer.index()];
        (slot.object, slot.memory)
    }

    /// A buffer's size.
    pub fn whose_bytes(&self, buffer: BufferId) -> usize {
        self.slots[buffer.index()].bytes
    }

    /// A live buffer's bytes, `None` while it is lent and when it lies on a disk.
    pub fn bytes(&self, buffer: BufferId) -> Option<&[u8]> {
        let slot = self.slots.get(buffer.index()).filter(|s| s.is_live && s.ledger.is_free())?;
        let Some(block) = &slot.block else {
            let is_empty = slot.extent.is_none() && !self.devices[slot.memory.index()];
            return is_empty.then_some(&[]);
        };
        // SAFETY: the block is initialised and at least this long; nothing is lent, and lending
        // takes the arena mutably.
        Some(unsafe { std::slice::from_raw_parts(block.start.as_ptr(), slot.bytes) })
    }

    /// Live buffers with what they hold and where.
    pub fn live(&self) -> impl Iterator<Item = (BufferId, ObjectId, MemoryId)> + '_ {
        let live = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_live);
        live.map(|(at, slot)| (BufferId::from_index(at), slot.object, slot.memory))
    }
}

/// A type with the alignment that empty slices must have too.
#[repr(align(64))]
struct Aligned;

impl Drop for Arena {
    fn drop(&mut self) {
        for slot in self.slots.iter_mut().filter(|slot| !slot.ledger.is_free()) {
            // Whoever has the loan may still use the memory.
            std::mem::forget(slot.block.take());
        }
    }
}

#[cfg(test)]
mod tests;
