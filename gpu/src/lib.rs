//! GPUs as a driver sees them: streams, device memory, asynchronous copies and launches, and the
//! device's own clock.
//!
//! Map: [`Gpus`] is the trait, [`Op`] what is put on a stream and [`Done`] what comes back of it;
//! [`call`] is what a launch consists of (library calls and kernels from `kernels/*.cu`);
//! [`bind`] turns a task into calls ([`GpuKernel`]); [`twin`] carries any call out on the host, so
//! that every kernel has a CPU body and a reference to be compared with; [`fake`] is a device
//! without hardware, with streams, a clock of its own, and faults on demand; `cuda` is the real
//! one, loaded at run time.
//!
//! What is absent: decisions, tasks, objects. `real_backend` binds an executive's commands to
//! this interface, and knows no GPU but through it.
//!
//! # Ownership
//! An operation on a stream runs later, and on hardware by itself. So host memory that it reads or
//! writes is handed over with it ([`HostMemory`]) and comes back when it is over, and device memory
//! is named by [`BlockId`], never by address: no caller can free or touch memory that an operation
//! still uses, and `unsafe` stays in `cuda` and in one contract, that of [`HostMemory`].
//!
//! # Order
//! Operations on one stream run in order. Between streams there is no order but what `after` in
//! [`Gpus::submit`] asks for; nothing here ever waits for a whole device.

pub mod bind;
pub mod call;
#[cfg(feature = "cuda")]
pub mod cuda;
mod device;
mod error;
pub mod fake;
mod host;
pub mod probe;
pub mod sources;
pub mod twin;

pub use bind::{GpuArgs, GpuKernel, GpuKernelSet, library};
pub use call::{Arg, Args, Call, Precision};
pub use device::{
    BlockId, Done, Duty, Facts, GpuId, Gpus, HostBox, Op, Pinner, Priority, Refused, Span,
    StreamId, Ticket,
};
pub use error::GpuError;
pub use host::HostMemory;
