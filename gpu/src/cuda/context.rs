//! Contexts, page-locked memory, and the driver's words.

use crate::{Facts, GpuError, HostMemory, Pinner};
use cudarc::driver::{result, sys};
use std::any::Any;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// What the driver says of an error.
pub fn words(error: result::DriverError) -> String {
    let name = error.error_name().map(|name| name.to_string_lossy().into_owned());
    let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
    match (name, text) {
        (Ok(name), Ok(text)) => format!("{name}, {text}"),
        _ => format!("error {}", error.0 as u32),
    }
}

/// The driver's version, as 13000.
pub fn driver_version() -> Result<u32, GpuError> {
    let mut version = 0;
    // SAFETY: the library is there; the pointer is to a local.
    let answer = unsafe { sys::cuDriverGetVersion(&mut version) }.result();
    answer.map_err(|e| GpuError::Absent { why: words(e) })?;
    Ok(version as u32)
}

/// The primary context of a GPU; it is retained once and never released, since the process uses
/// its GPUs to the end.
#[derive(Clone)]
pub struct Context {
    raw: sys::CUcontext,
    device: sys::CUdevice,
    pub facts: Facts,
}

// SAFETY: contexts may be made current on any thread, and on several.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Context {
    pub fn open(ordinal: i32, driver: u32) -> Result<Self, GpuError> {
        let call = |call, e| GpuError::Call { call, why: words(e) };
        let device = result::device::get(ordinal).map_err(|e| call("cuDeviceGet", e))?;
        // SAFETY: the device was just found.
        let raw = unsafe { result::primary_ctx::retain(device) };
        let raw = raw.map_err(|e| call("cuDevicePrimaryCtxRetain", e))?;
        let mut context = Self { raw, device, facts: Facts::default() };
        context.bind()?;
        use sys::CUdevice_attribute as A;
        let (free, all) = result::mem_get_info().map_err(|e| call("cuMemGetInfo", e))?;
        let [major, minor, processors] = [
            A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            A::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            A::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
        ]
        // SAFETY: the device was found.
        .map(|a| unsafe { result::device::get_attribute(device, a) }.unwrap_or(0) as u32);
        context.facts = Facts {
            name: result::device::get_name(device).map_err(|e| call("cuDeviceGetName", e))?,
            memory_bytes: all as u64,
            free_bytes: free as u64,
            processors,
            capability: 10 * major + minor,
            driver,
            is_fake: false,
        };
        context.keep_freed_memory()?;
        context.facts.free_bytes += context.pooled_bytes()?;
        Ok(context)
    }

    /// Makes it the calling thread's.
    pub fn bind(&self) -> Result<(), GpuError> {
        // SAFETY: the context is retained for the life of the process.
        let bound = unsafe { result::ctx::set_current(self.raw) };
        bound.map_err(|e| GpuError::Call { call: "cuCtxSetCurrent", why: words(e) })
    }

    pub fn raw(&self) -> sys::CUcontext {
        self.raw
    }

    fn pool(&self) -> Result<sys::CUmemoryPool, GpuError> {
        // SAFETY: the device was found.
        let pool = unsafe { result::device::get_default_mem_pool(self.device) };
        pool.map_err(|e| GpuError::Call { call: "cuDeviceGetDefaultMemPool", why: words(e) })
    }

    /// Memory that the pool holds and nobody uses: an earlier opening has left it.
    fn pooled_bytes(&self) -> Result<u64, GpuError> {
        use sys::CUmemPool_attribute as A;
        let pool = self.pool()?;
        let ask = |attribute| {
            let mut bytes = 0u64;
            // SAFETY: the attributes are of this type.
            let asked = unsafe {
                result::mem_pool::get_attribute(pool, attribute, (&raw mut bytes).cast())
            };
            asked
                .map(|_| bytes)
                .map_err(|e| GpuError::Call { call: "cuMemPoolGetAttribute", why: words(e) })
        };
        let reserved_bytes = ask(A::CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT)?;
        Ok(reserved_bytes.saturating_sub(ask(A::CU_MEMPOOL_ATTR_USED_MEM_CURRENT)?))
    }

    /// The pool must not give memory back to the system at every synchronisation.
    fn keep_freed_memory(&self) -> Result<(), GpuError> {
        let mut all = u64::MAX;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        let pool = self.pool()?;
        // SAFETY: the attribute is of this type; the value is copied.
        let set =
            unsafe { result::mem_pool::set_attribute(pool, attribute, (&raw mut all).cast()) };
        set.map_err(|e| GpuError::Call { call: "cuMemPoolSetAttribute", why: words(e) })
    }

    /// Gives freed memory back to the device, so that it can be had in other sizes.
    pub fn trim(&self) -> Result<(), GpuError> {
        // SAFETY: the pool is the device's own.
        let trimmed = unsafe { result::mem_pool::trim_to(self.pool()?, 0) };
        trimmed.map_err(|e| GpuError::Call { call: "cuMemPoolTrimTo", why: words(e) })
    }
}

/// Lets every GPU reach the memory of every other one, where the hardware can; where it cannot,
/// copies between them are refused when they are asked for.
pub fn let_peers_reach<'a>(contexts: impl Iterator<Item = &'a Context> + Clone) {
    for (at, mine) in contexts.clone().enumerate() {
        for (_, other) in contexts.clone().enumerate().filter(|(o, _)| *o != at) {
            let Ok(pool) = other.pool() else { continue };
            let access = sys::CUmemAccessDesc {
                location: sys::CUmemLocation {
                    type_: sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE,
                    id: mine.device,
                },
                flags: sys::CUmemAccess_flags::CU_MEM_ACCESS_FLAGS_PROT_READWRITE,
            };
            // SAFETY: the description is a local that is read during the call.
            _ = unsafe { sys::cuMemPoolSetAccess(pool, &access, 1) };
        }
    }
}

/// Page-locked memory of its own.
pub struct Pinned {
    start: NonNull<u8>,
    bytes: usize,
    context: Context,
}

// SAFETY: it owns its allocation, which belongs to no thread.
unsafe impl Send for Pinned {}

impl Pinned {
    /// Zeroed memory.
    pub fn new(context: &Context, bytes: u64) -> Result<Self, GpuError> {
        let none = GpuError::NoPinned { bytes };
        context.bind()?;
        let size = usize::try_from(bytes.max(1)).map_err(|_| none.clone())?;
        // SAFETY: portable, so every context reaches it; not write-combined, since it is read.
        let start = unsafe { result::malloc_host(size, sys::CU_MEMHOSTALLOC_PORTABLE) };
        let start = start.ok().and_then(|start| NonNull::new(start.cast::<u8>())).ok_or(none)?;
        // SAFETY: the allocation is `size` long.
        unsafe { start.write_bytes(0, size) };
        Ok(Self { start, bytes: bytes as usize, context: context.clone() })
    }
}

// SAFETY: the allocation is owned, initialised, and stays where it is until the drop.
unsafe impl HostMemory for Pinned {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the allocation is at least this long and initialised.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    fn is_pinned(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.context.bind().is_ok() {
            // SAFETY: it was allocated by `malloc_host` and is freed once. Operations on it hold
            // the value, so none is under way.
            _ = unsafe { result::free_host(self.start.as_ptr().cast()) };
        }
    }
}

/// Pins memory of others.
#[derive(Default)]
pub struct Pins(Mutex<Option<Context>>);

impl Pins {
    pub fn set(&self, context: Context) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context);
    }

    fn is_bound(&self) -> bool {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        context.as_ref().is_some_and(|c| c.bind().is_ok())
    }
}

impl Pinner for Pins {
    unsafe fn pin(&self, start: *mut u8, bytes: usize) -> bool {
        let flags = sys::CU_MEMHOSTREGISTER_PORTABLE;
        // SAFETY: the caller says that the region is allocated.
        self.is_bound()
            && unsafe { sys::cuMemHostRegister_v2(start.cast(), bytes, flags) }.result().is_ok()
    }

    unsafe fn unpin(&self, start: *mut u8) {
        if self.is_bound() {
            // SAFETY: the caller says that it is pinned and not in use.
            _ = unsafe { sys::cuMemHostUnregister(start.cast()) };
        }
    }
}
