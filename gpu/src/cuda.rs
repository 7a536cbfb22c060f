//! NVIDIA GPUs, by way of libraries that are loaded at run time. All `unsafe` of this crate is in
//! this module's files, but for one contract ([`HostMemory`](crate::HostMemory)).
//!
//! # Why it is sound
//! - Every call of the driver's runs with the GPU's context current on the calling thread
//!   (`Context::bind`); handles of one context are only used with it.
//! - Host memory of a copy lies in the operation's slot until its end event has passed, and is
//!   leaked if the device is lost before. Page-locked memory is freed by its owner's drop.
//! - Device addresses never leave this module; spans are checked against their blocks, and memory
//!   is freed when every operation on it was seen to end.
//!   What a kernel does to *device* memory cannot break the host: a wild address is a fault that
//!   comes back as [`GpuError::Faulted`].
//! - Symbols are looked up on their first call and a missing one is a panic of `cudarc`'s; so the
//!   driver's version and each library are looked at before the first call ([`CudaGpus::open`]).
//!
//! # Order
//! Fresh device memory is taken in the order of one stream, `house`; every other stream waits for
//! that once, by an event, before its next operation. Events of operations are made with timing.

mod code;
mod context;
mod libraries;
mod slots;

use crate::probe::{LIBRARIES, Library};
use crate::{
    BlockId, Done, Duty, Facts, GpuError, GpuId, Gpus, HostBox, Op, Pinner, Priority, Refused,
    StreamId, Ticket,
};
use context::{Context, Pins};
use cudarc::{cublas, cusolver, driver, nvrtc};
use runtime::Ns;
use slots::Gpu;
use std::sync::Arc;

/// Compiles a kernel file with NVRTC, which needs no GPU.
///
/// # Errors
/// [`GpuError::LibraryMissing`], or [`GpuError::CodeRefused`] with the compiler's log.
pub fn compile(source: &crate::sources::Source) -> Result<String, GpuError> {
    let text = code::compile(source)?;
    Ok(text.to_string_lossy().into_owned())
}

/// Libraries that cannot be loaded here.
pub fn missing_libraries() -> Vec<Library> {
    // SAFETY: loading a library runs its initialisers; these are NVIDIA's own.
    let found = unsafe {
        [
            cublas::sys::is_culib_present(),
            cusolver::sys::is_culib_present(),
            nvrtc::sys::is_culib_present(),
        ]
    };
    LIBRARIES.into_iter().zip(found).filter(|(_, found)| !found).map(|(l, _)| l).collect()
}

/// All NVIDIA GPUs that this process sees.
pub struct CudaGpus {
    facts: Vec<Facts>,
    gpus: Vec<Gpu>,
    pins: Arc<Pins>,
}

impl CudaGpus {
    /// Looks for the driver, then for GPUs.
    ///
    /// # Errors
    /// [`GpuError`] when there is no driver, an old one, or no GPU.
    pub fn open() -> Result<Self, GpuError> {
        let absent = |why: &str| GpuError::Absent { why: why.to_owned() };
        // SAFETY: as above.
        if !unsafe { driver::sys::is_culib_present() } {
            return Err(absent("libcuda.so cannot be loaded"));
        }
        let version = context::driver_version()?;
        if version < crate::probe::NEEDED_DRIVER {
            let needed = crate::probe::NEEDED_DRIVER;
            return Err(GpuError::DriverTooOld { found: version, needed });
        }
        driver::result::init().map_err(|e| absent(&context::words(e)))?;
        let count = driver::result::device::get_count();
        let count = count.map_err(|e| absent(&context::words(e)))?;
        if count == 0 {
            return Err(absent("the driver knows no GPU"));
        }
        let missing = missing_libraries();
        let mut gpus = Vec::new();
        for ordinal in 0..count {
            let context = Context::open(ordinal, version)?;
            gpus.push(Gpu::new(GpuId(ordinal as u32), context, missing.clone())?);
        }
        context::let_peers_reach(gpus.iter().map(|g| &g.context));
        let facts = gpus.iter().map(|g| g.context.facts.clone()).collect();
        Ok(Self { facts, gpus, pins: Arc::default() })
    }

    fn gpu(&mut self, gpu: GpuId) -> &mut Gpu {
        &mut self.gpus[gpu.0 as usize]
    }
}

impl Gpus for CudaGpus {
    fn facts(&self) -> &[Facts] {
        &self.facts
    }

    fn stream(&mut self, gpu: GpuId, priority: Priority, duty: Duty) -> Result<StreamId, GpuError> {
        let index = self.gpu(gpu).add_stream(priority, duty)?;
        Ok(StreamId { gpu, index })
    }

    fn allocate(&mut self, gpu: GpuId, bytes: u64) -> Result<BlockId, GpuError> {
        self.gpu(gpu).allocate(bytes)
    }

    fn free(&mut self, block: BlockId) {
        self.gpu(block.gpu).free(block);
    }

    fn pinned(&mut self, bytes: u64) -> Result<HostBox, GpuError> {
        let first = self.gpus.first().expect("there is a GPU");
        Ok(Box::new(context::Pinned::new(&first.context, bytes)?))
    }

    fn pinner(&self) -> Option<Arc<dyn Pinner>> {
        let context = self.gpus.first()?.context.clone();
        self.pins.set(context);
        Some(Arc::clone(&self.pins) as Arc<dyn Pinner>)
    }

    fn submit(
        &mut self,
        stream: StreamId,
        op: Op<'_>,
        after: &[Ticket],
    ) -> Result<Ticket, Refused> {
        if let Op::CopyPeer { from, to } = &op
            && from.block.gpu != to.block.gpu
        {
            let source = &self.gpus[from.block.gpu.0 as usize];
            let there = (source.context.clone(), source.address(*from));
            return self.gpu(stream.gpu).submit_peer(stream.index, there, *to, after);
        }
        self.gpu(stream.gpu).submit(stream.index, op, after)
    }

    fn poll(&mut self, ticket: Ticket) -> Result<Option<Done>, Refused> {
        self.gpu(ticket.gpu).poll(ticket)
    }

    fn clock_ns(&mut self, gpu: GpuId) -> Result<Ns, GpuError> {
        self.gpu(gpu).clock_ns()
    }
}
