//! Buffers of GPUs' memories, of which the arena keeps the books only, and host memory that goes to
//! and fro between them and the rest of the machine.

use super::{Arena, Block, Conflict, Loan, Right};
use gpu::{HostMemory, Pinner};
use runtime::{BufferId, MemoryId};
use std::any::Any;
use std::sync::Arc;

/// Blocks of main memory are pinned from this size on; smaller ones may share pages with others,
/// and are copied by way of staging.
const PINNED_FROM_BYTES: usize = 256 << 10;

/// The right to use a buffer on a GPU.
#[derive(Debug)]
#[must_use = "a loan that is not given back keeps its buffer for ever"]
pub(crate) struct DeviceLoan {
    pub buffer: BufferId,
    pub bytes: u64,
    right: Right,
}

/// A block that is pinned, so that GPUs reach it by themselves.
pub(super) struct Pin(Arc<dyn Pinner>);

impl Pin {
    /// Pins a block, if it is large enough and the system lets it.
    pub fn set(block: &mut Block, pinner: Option<&Arc<dyn Pinner>>) {
        let Some(pinner) = pinner.filter(|_| block.bytes >= PINNED_FROM_BYTES) else { return };
        // SAFETY: the block owns its memory, and unpins it before it frees it.
        if unsafe { pinner.pin(block.start.as_ptr(), block.bytes) } {
            block.pin = Some(Self(Arc::clone(pinner)));
        }
    }

    /// Takes it back.
    ///
    /// # Safety
    /// `start` is that of the block that it was set on, which is not lent.
    pub unsafe fn take_back(self, start: *mut u8) {
        // SAFETY: it was pinned by this pinner, and nobody uses a block that is not lent.
        unsafe { self.0.unpin(start) };
    }
}

/// A loan on its way to or from a GPU.
pub(crate) struct Lent(pub Loan);

// SAFETY: a loan's region stays allocated, initialised and where it is while the loan lives (the
// arena leaks it rather), and the ledger keeps others from accesses that conflict.
unsafe impl HostMemory for Lent {
    fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self.0.bytes_mut()
    }

    fn is_pinned(&self) -> bool {
        self.0.is_pinned
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Host memory of a transfer's own.
pub(crate) struct Own {
    block: Block,
    bytes: usize,
}

impl Own {
    /// Zeroed memory, aligned as buffers are; `None` when the system has none.
    pub fn new(bytes: usize) -> Option<Self> {
        Some(Self { block: Block::new(bytes)?, bytes })
    }
}

// SAFETY: a block owns its allocation, which does not move with it; it is initialised.
unsafe impl HostMemory for Own {
    fn bytes(&self) -> &[u8] {
        &self.block.bytes()[..self.bytes]
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.block.bytes_mut()[..self.bytes]
    }

    fn is_pinned(&self) -> bool {
        self.block.pin.is_some()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl Arena {
    /// Keeps only the books of a memory: its buffers are a GPU's.
    pub fn put_on_device(&mut self, memory: MemoryId) {
        self.devices[memory.index()] = true;
    }

    /// Pins blocks of main memory that are made from now on.
    pub fn pin_with(&mut self, pinner: Option<Arc<dyn Pinner>>) {
        self.pinner = pinner;
    }

    /// Whether a buffer lies on a GPU.
    pub fn is_on_device(&self, buffer: BufferId) -> bool {
        let slot = &self.slots[buffer.index()];
        self.devices[slot.memory.index()] && slot.block.is_none()
    }

    /// Lends a buffer on a GPU.
    ///
    /// # Errors
    /// As [`Arena::lend`].
    pub fn lend_device(&mut self, buffer: BufferId, right: Right) -> Result<DeviceLoan, Conflict> {
        let slot = &mut self.slots[buffer.index()];
        assert!(slot.is_live, "buffer {buffer} is lent and was not allocated");
        match slot.ledger.lend(right) {
            true => Ok(DeviceLoan { buffer, bytes: slot.bytes as u64, right }),
            false => Err(Conflict { buffer }),
        }
    }

    /// Takes a loan of a buffer on a GPU back.
    pub fn give_back_device(&mut self, loan: &DeviceLoan) {
        let slot = &mut self.slots[loan.buffer.index()];
        assert!(!slot.ledger.is_free(), "buffer {} was not lent", loan.buffer);
        slot.ledger.take_back(loan.right);
    }

    /// Puts the content of a buffer on a GPU into main memory, where [`Arena::bytes`] finds it.
    pub fn bring_home(&mut self, buffer: BufferId, content: Own) {
        let slot = &mut self.slots[buffer.index()];
        assert!(slot.is_live && slot.ledger.is_free(), "buffer {buffer} is not there to be read");
        slot.block = Some(content.block);
    }
}
