//! The trait that both the real devices and the fake one implement.

use crate::{Call, GpuError, HostMemory};
use runtime::Ns;
use std::sync::Arc;

/// A GPU of this process, numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GpuId(pub u32);

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamId {
    /// Whose.
    pub gpu: GpuId,
    /// Numbered from 0 on each GPU.
    pub index: u32,
}

/// Device memory that was allocated. Ids of freed blocks are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockId {
    /// Whose.
    pub gpu: GpuId,
    /// Numbered from 0 on each GPU.
    pub index: u32,
}

/// Part of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Of which block.
    pub block: BlockId,
    /// Where it begins.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
}

impl Span {
    /// A part of this span.
    ///
    /// # Panics
    /// When it is not inside.
    pub fn part(self, offset: u64, bytes: u64) -> Self {
        assert!(offset + bytes <= self.bytes, "{bytes} bytes at {offset} of {}", self.bytes);
        Self { offset: self.offset + offset, bytes, ..self }
    }

    /// Whether two spans share bytes.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.block == other.block
            && self.offset < other.offset + other.bytes
            && other.offset < self.offset + self.bytes
    }
}

/// An operation under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// On which GPU.
    pub gpu: GpuId,
    /// Used again after the operation was polled to its end.
    pub index: u32,
    /// Tells operations of one index apart.
    pub generation: u32,
}

/// Which streams go first when a GPU cannot run all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// After all others.
    Low,
    /// As it comes.
    #[default]
    Normal,
    /// Before all others.
    High,
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Launches: it has handles and workspaces of the libraries.
    Kernels,
    /// Copies alone.
    Copies,
}

/// Host memory that was handed over.
pub type HostBox = Box<dyn HostMemory>;

/// Something to be done on a stream.
pub enum Op<'a> {
    /// Host to device, of equal length. Host memory that is not pinned makes the call itself wait.
    CopyIn {
        /// From.
        from: HostBox,
        /// To.
        to: Span,
    },
    /// Device to host, of equal length.
    CopyOut {
        /// From.
        from: Span,
        /// To.
        to: HostBox,
    },
    /// Device to device, on a stream of the target's.
    CopyPeer {
        /// From.
        from: Span,
        /// To.
        to: Span,
    },
    /// Zeroes.
    Zero {
        /// What.
        span: Span,
    },
    /// Calls, in order, as one operation.
    Launch {
        /// Which.
        calls: &'a [Call],
    },
}

/// An operation that is over. Times are on the device's clock (see [`Gpus::clock_ns`]).
pub struct Done {
    /// When it began.
    pub started_ns: Ns,
    /// When it ended.
    pub ended_ns: Ns,
    /// The host memory of a copy.
    pub host: Option<HostBox>,
    /// What a factorisation says: 0 when all is well, i > 0 when the leading minor of order i is
    /// not positive definite.
    pub info: i64,
}

/// An operation that could not be carried out; it has no effect that may be relied on.
pub struct Refused {
    /// Why.
    pub error: GpuError,
    /// The host memory of a copy; `None` when the device may still reach it (the memory is then
    /// never freed).
    pub host: Option<HostBox>,
}

impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl From<GpuError> for Refused {
    fn from(error: GpuError) -> Self {
        Self { error, host: None }
    }
}

/// What is known of a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// As its maker calls it.
    pub name: String,
    /// Memory in all.
    pub memory_bytes: u64,
    /// Of it free at the start.
    pub free_bytes: u64,
    /// Multiprocessors.
    pub processors: u32,
    /// Compute capability, as 90 for 9.0.
    pub capability: u32,
    /// Version of the driver, as 13000.
    pub driver: u32,
    /// Whether nothing but this process knows it.
    pub is_fake: bool,
}

/// Makes host memory reachable for devices.
pub trait Pinner: Send + Sync {
    /// Locks the pages of a region; whether that worked.
    ///
    /// # Safety
    /// The region must be allocated and stay so until [`Pinner::unpin`] was called with it, if this
    /// returns `true`.
    unsafe fn pin(&self, start: *mut u8, bytes: usize) -> bool;

    /// Takes [`Pinner::pin`] back.
    ///
    /// # Safety
    /// The region must have been pinned by this pinner, and no operation may use it any more.
    unsafe fn unpin(&self, start: *mut u8);
}

/// All GPUs of a process, used by one thread at a time.
///
/// When a GPU faults, everything on it is lost: operations on it end, and new ones are refused,
/// with [`GpuError::Faulted`]. Other GPUs and the host go on.
pub trait Gpus: Send {
    /// What there is, by id.
    fn facts(&self) -> &[Facts];

    /// Makes a stream.
    ///
    /// # Errors
    /// When the device refuses.
    fn stream(&mut self, gpu: GpuId, priority: Priority, duty: Duty) -> Result<StreamId, GpuError>;

    /// Takes device memory, with undefined content; operations that are submitted later may use it
    /// on any stream.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`].
    fn allocate(&mut self, gpu: GpuId, bytes: u64) -> Result<BlockId, GpuError>;

    /// Gives device memory back. All operations on it must have been polled to their end.
    fn free(&mut self, block: BlockId);

    /// Host memory that is pinned.
    ///
    /// # Errors
    /// When the system has none.
    fn pinned(&mut self, bytes: u64) -> Result<HostBox, GpuError>;

    /// What pins memory of others, where that can be done.
    fn pinner(&self) -> Option<Arc<dyn Pinner>>;

    /// Puts an operation at the end of a stream, to begin after the operations `after`, which may
    /// be on other streams of the same GPU and whose tickets must not have been polled to their
    /// end.
    ///
    /// # Errors
    /// [`Refused`] with the host memory, if there was any.
    fn submit(&mut self, stream: StreamId, op: Op<'_>, after: &[Ticket])
    -> Result<Ticket, Refused>;

    /// Whether an operation is over. The ticket is used up by an answer other than `Ok(None)`.
    ///
    /// # Errors
    /// [`Refused`] when it failed on the device.
    fn poll(&mut self, ticket: Ticket) -> Result<Option<Done>, Refused>;

    /// The device's clock now. It is read by way of an idle stream, which takes some microseconds;
    /// it runs apart from the host's, and need not start at 0.
    ///
    /// # Errors
    /// When the device has faulted.
    fn clock_ns(&mut self, gpu: GpuId) -> Result<Ns, GpuError>;
}
