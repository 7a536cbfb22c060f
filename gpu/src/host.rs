//! Host memory on its way to or from a device.

use std::any::Any;

/// Host memory that an asynchronous copy reads or writes, handed over for that time.
///
/// # Safety
/// [`bytes`](Self::bytes) and [`bytes_mut`](Self::bytes_mut) must return the same region each time,
/// which stays where it is, allocated and initialised, while the value lives, also when the value
/// itself is moved or forgotten. Nobody else may write the region while the value lives, nor read
/// it unless the value was made for reading only.
pub unsafe trait HostMemory: Send {
    /// The region.
    fn bytes(&self) -> &[u8];

    /// The region, to be written.
    ///
    /// # Panics
    /// When it was made for reading only.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Whether the device can reach it without staging (page-locked).
    fn is_pinned(&self) -> bool;

    /// What it really is, for its maker.
    fn as_any(&self) -> &dyn Any;

    /// What it really is, for its maker.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

// SAFETY: a boxed slice owns its allocation, which does not move with the box.
unsafe impl HostMemory for Box<[u64]> {
    fn bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(self)
    }

    fn is_pinned(&self) -> bool {
        false
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}
