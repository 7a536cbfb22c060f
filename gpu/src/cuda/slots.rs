//! One GPU: its streams, its blocks and the operations under way.

use super::code::Functions;
use super::context::{self, Context, Pinned};
use super::libraries::{BLAS_WORKSPACE_BYTES, Handles};
use crate::call::MAX_ARGS;
use crate::probe::Library;
use crate::{
    Arg, BlockId, Call, Done, Duty, GpuError, GpuId, HostBox, HostMemory, Op, Priority, Refused,
    Span, Ticket,
};
use cudarc::driver::{result, sys};
use runtime::Ns;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// Words of page-locked memory for what factorisations say, one per operation under way.
const WORDS: usize = 4096;

struct Stream {
    raw: sys::CUstream,
    handles: Handles,
    /// cuBLAS's.
    scratch: sys::CUdeviceptr,
    /// Workspace of factorisations, which grows.
    workspace: (sys::CUdeviceptr, u64),
    /// Where factorisations say how it went.
    info: sys::CUdeviceptr,
    /// Allocations that this stream has waited for.
    seen: u64,
}

// SAFETY: as for `Gpu`, whose part it is but for the time between two of them.
unsafe impl Send for Stream {}

/// Streams with their handles and workspaces, of GPUs that were opened before: making handles takes
/// longer than many a run.
static PARKED: Mutex<Vec<(GpuId, Priority, Duty, Stream)>> = Mutex::new(Vec::new());

/// The kernels, by GPU: contexts live as long as the process, and so do their modules.
static LOADED: Mutex<Vec<(GpuId, Arc<Functions>)>> = Mutex::new(Vec::new());

struct Block {
    address: sys::CUdeviceptr,
    bytes: u64,
}

/// An operation under way.
struct Slot {
    generation: u32,
    start: sys::CUevent,
    end: sys::CUevent,
    /// Which base event was the newest at its submission.
    base: usize,
    host: Option<HostBox>,
    has_info: bool,
    is_open: bool,
}

/// See the module's documentation.
pub struct Gpu {
    id: GpuId,
    pub context: Context,
    missing: Vec<Library>,
    /// The stream of allocations and clock readings.
    house: sys::CUstream,
    /// Recorded after the newest allocation.
    fresh: sys::CUevent,
    allocations: u64,
    streams: Vec<(Priority, Duty, Stream)>,
    blocks: Vec<Option<Block>>,
    vacant_blocks: Vec<u32>,
    live_bytes: u64,
    slots: Vec<Slot>,
    vacant_slots: Vec<u32>,
    /// Events with known times, on this clock.
    bases: Vec<(sys::CUevent, f64)>,
    words: Pinned,
    functions: Option<Arc<Functions>>,
    lost: Option<String>,
}

// SAFETY: streams and events are handles of the context, which any thread may use that has it
// current; every method makes it so first.
unsafe impl Send for Gpu {}

fn says(call: &'static str) -> impl Fn(result::DriverError) -> GpuError {
    move |e| GpuError::Call { call, why: context::words(e) }
}

fn event() -> Result<sys::CUevent, GpuError> {
    // With timing.
    result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT).map_err(says("cuEventCreate"))
}

impl Gpu {
    pub fn new(id: GpuId, context: Context, missing: Vec<Library>) -> Result<Self, GpuError> {
        context.bind()?;
        let kind = result::stream::StreamKind::NonBlocking;
        let house = result::stream::create(kind).map_err(says("cuStreamCreate"))?;
        let (fresh, base) = (event()?, event()?);
        // SAFETY: both were just made in this context.
        unsafe {
            result::event::record(base, house).map_err(says("cuEventRecord"))?;
            result::event::synchronize(base).map_err(says("cuEventSynchronize"))?;
        }
        Ok(Self {
            id,
            words: Pinned::new(&context, 8 * WORDS as u64)?,
            context,
            missing,
            house,
            fresh,
            allocations: 0,
            streams: Vec::new(),
            blocks: Vec::new(),
            vacant_blocks: Vec::new(),
            live_bytes: 0,
            slots: Vec::new(),
            vacant_slots: Vec::new(),
            bases: vec![(base, 0.0)],
            functions: None,
            lost: None,
        })
    }

    /// Makes the context current, unless the device is lost.
    fn enter(&self) -> Result<(), GpuError> {
        match &self.lost {
            Some(why) => Err(GpuError::Faulted { gpu: self.id, why: why.clone() }),
            None => self.context.bind(),
        }
    }

    pub fn add_stream(&mut self, priority: Priority, duty: Duty) -> Result<u32, GpuError> {
        self.enter()?;
        let has_compiler = !self.missing.contains(&crate::probe::LIBRARIES[2]);
        if duty == Duty::Kernels && self.functions.is_none() && has_compiler {
            self.functions = Some(self.load()?);
        }
        if let Some(stream) = self.parked(priority, duty) {
            self.streams.push((priority, duty, stream));
            return Ok(self.streams.len() as u32 - 1);
        }
        let (least, most) =
            result::stream::get_priority_range().map_err(says("cuCtxGetStreamPriorityRange"))?;
        let level = match priority {
            Priority::Low => least,
            Priority::Normal => (least + most) / 2,
            Priority::High => most,
        };
        let kind = result::stream::StreamKind::NonBlocking;
        let raw = result::stream::create_with_priority(kind, level);
        let raw = raw.map_err(says("cuStreamCreateWithPriority"))?;
        let mut stream = Stream {
            raw,
            handles: Handles::default(),
            scratch: 0,
            workspace: (0, 0),
            info: 0,
            seen: 0,
        };
        if duty == Duty::Kernels {
            (stream.scratch, stream.info) = (self.take(BLAS_WORKSPACE_BYTES)?, self.take(8)?);
            stream.handles = Handles::new(&self.context, raw, stream.scratch, &self.missing)?;
        }
        self.streams.push((priority, duty, stream));
        Ok(self.streams.len() as u32 - 1)
    }

    /// A stream of that kind that an earlier opening has left.
    fn parked(&self, priority: Priority, duty: Duty) -> Option<Stream> {
        let mut parked = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (self.id, priority, duty);
        let at =
            parked.iter().position(|(gpu, priority, duty, _)| (*gpu, *priority, *duty) == kind)?;
        let (.., mut stream) = parked.swap_remove(at);
        stream.seen = 0;
        Some(stream)
    }

    fn load(&self) -> Result<Arc<Functions>, GpuError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, functions)) = loaded.iter().find(|(gpu, _)| *gpu == self.id) {
            return Ok(Arc::clone(functions));
        }
        let functions = Arc::new(Functions::load(&self.context)?);
        loaded.push((self.id, Arc::clone(&functions)));
        Ok(functions)
    }

    fn lane(&self, stream: u32) -> &Stream {
        &self.streams[stream as usize].2
    }

    /// Device memory, in the order of the house stream.
    fn take(&mut self, bytes: u64) -> Result<sys::CUdeviceptr, GpuError> {
        let size = bytes.max(1) as usize;
        // SAFETY: the stream is the context's.
        let mut address = unsafe { result::malloc_async(self.house, size) };
        if address.is_err() {
            // Freed memory may be there in pieces, or its release still under way.
            // SAFETY: as above.
            unsafe { result::stream::synchronize(self.house) }
                .map_err(says("cuStreamSynchronize"))?;
            self.context.trim()?;
            // SAFETY: as above.
            address = unsafe { result::malloc_async(self.house, size) };
        }
        let (gpu, live_bytes) = (self.id, self.live_bytes);
        let address = address.map_err(|e| match e.0 {
            sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                GpuError::OutOfMemory { gpu, bytes, live_bytes, idle_bytes: 0 }
            }
            _ => says("cuMemAllocAsync")(e),
        })?;
        // SAFETY: both are the context's.
        unsafe { result::event::record(self.fresh, self.house) }.map_err(says("cuEventRecord"))?;
        self.allocations += 1;
        self.live_bytes += bytes;
        Ok(address)
    }

    pub fn allocate(&mut self, bytes: u64) -> Result<BlockId, GpuError> {
        self.enter()?;
        let block = Some(Block { address: self.take(bytes)?, bytes });
        let index = match self.vacant_blocks.pop() {
            Some(at) => {
                self.blocks[at as usize] = block;
                at
            }
            None => {
                self.blocks.push(block);
                self.blocks.len() as u32 - 1
            }
        };
        Ok(BlockId { gpu: self.id, index })
    }

    pub fn free(&mut self, block: BlockId) {
        let Some(freed) = self.blocks[block.index as usize].take() else { return };
        self.vacant_blocks.push(block.index);
        self.live_bytes -= freed.bytes;
        if self.enter().is_ok() {
            // SAFETY: all operations on it are over, says the caller, and it is freed once.
            _ = unsafe { result::free_async(freed.address, self.house) };
        }
    }

    /// The address of a span.
    ///
    /// # Panics
    /// When it is not inside its live block.
    pub fn address(&self, span: Span) -> sys::CUdeviceptr {
        let block = self.blocks[span.block.index as usize].as_ref().expect("the block is live");
        assert!(span.offset + span.bytes <= block.bytes, "{span:?} of {} bytes", block.bytes);
        block.address + span.offset
    }

    /// A slot whose start event is recorded, after what the operation waits for.
    fn open(&mut self, stream: u32, after: &[Ticket]) -> Result<u32, GpuError> {
        self.enter()?;
        let at = match self.vacant_slots.pop() {
            Some(at) => at,
            None => {
                if self.slots.len() == WORDS {
                    let why = format!("{WORDS} operations are under way");
                    return Err(GpuError::Call { call: "submit", why });
                }
                let (start, end) = (event()?, event()?);
                let slot = Slot {
                    generation: 0,
                    start,
                    end,
                    base: 0,
                    host: None,
                    has_info: false,
                    is_open: false,
                };
                self.slots.push(slot);
                self.slots.len() as u32 - 1
            }
        };
        let lane = &mut self.streams[stream as usize].2;
        if lane.seen < self.allocations {
            // SAFETY: event and stream are the context's.
            unsafe { result::stream::wait_event(lane.raw, self.fresh, wait_flags()) }
                .map_err(says("cuStreamWaitEvent"))?;
            lane.seen = self.allocations;
        }
        for ticket in after {
            let other = &self.slots[ticket.index as usize];
            if other.is_open && other.generation == ticket.generation {
                // SAFETY: as above.
                unsafe { result::stream::wait_event(lane.raw, other.end, wait_flags()) }
                    .map_err(says("cuStreamWaitEvent"))?;
            }
        }
        let base = self.bases.len() - 1;
        let slot = &mut self.slots[at as usize];
        slot.generation = slot.generation.wrapping_add(1);
        (slot.base, slot.has_info, slot.is_open) = (base, false, true);
        // SAFETY: as above.
        unsafe { result::event::record(slot.start, lane.raw) }.map_err(says("cuEventRecord"))?;
        Ok(at)
    }

    /// Records the end, whatever came of the operation: what was put on the stream runs.
    fn close(
        &mut self,
        at: u32,
        stream: u32,
        put: Result<(), GpuError>,
    ) -> Result<Ticket, Refused> {
        let raw = self.lane(stream).raw;
        let slot = &mut self.slots[at as usize];
        // SAFETY: event and stream are the context's.
        let recorded = unsafe { result::event::record(slot.end, raw) };
        let recorded = recorded.map_err(says("cuEventRecord"));
        match put.and(recorded) {
            Ok(()) => Ok(Ticket { gpu: self.id, index: at, generation: slot.generation }),
            Err(error) => {
                // Host memory stays in the slot, and the slot out of use: the device may have
                // begun.
                slot.is_open = false;
                std::mem::forget(slot.host.take());
                Err(Refused { error: self.judge(error), host: None })
            }
        }
    }

    /// Whether an error is the end of the device.
    fn judge(&mut self, error: GpuError) -> GpuError {
        const ENDS: [&str; 5] = ["ILLEGAL", "LAUNCH_FAILED", "ECC", "HARDWARE", "MISALIGNED"];
        match error {
            GpuError::Call { why, .. } if ENDS.iter().any(|end| why.contains(end)) => {
                self.lost = Some(why.clone());
                GpuError::Faulted { gpu: self.id, why }
            }
            other => other,
        }
    }

    pub fn submit(&mut self, stream: u32, op: Op<'_>, after: &[Ticket]) -> Result<Ticket, Refused> {
        let at = match self.open(stream, after) {
            Ok(at) => at,
            Err(error) => {
                let host = match op {
                    Op::CopyIn { from: host, .. } | Op::CopyOut { to: host, .. } => Some(host),
                    _ => None,
                };
                return Err(Refused { error, host });
            }
        };
        let raw = self.lane(stream).raw;
        let put = match op {
            Op::CopyIn { from, to } => {
                let to = (self.address(to), to.bytes as usize);
                let from = self.slots[at as usize].host.insert(from);
                // SAFETY: the slot keeps the host memory until the end; the span is in its block.
                unsafe { result::memcpy_htod_async(to.0, &from.bytes()[..to.1], raw) }
                    .map_err(says("cuMemcpyHtoDAsync"))
            }
            Op::CopyOut { from, to } => {
                let from = (self.address(from), from.bytes as usize);
                let to = self.slots[at as usize].host.insert(to);
                // SAFETY: as above.
                unsafe { result::memcpy_dtoh_async(&mut to.bytes_mut()[..from.1], from.0, raw) }
                    .map_err(says("cuMemcpyDtoHAsync"))
            }
            Op::CopyPeer { from, to } => {
                let (from, bytes) = (self.address(from), to.bytes as usize);
                let to = self.address(to);
                // SAFETY: both spans are in their blocks.
                unsafe { result::memcpy_dtod_async(to, from, bytes, raw) }
                    .map_err(says("cuMemcpyDtoDAsync"))
            }
            Op::Zero { span } => {
                let address = self.address(span);
                // SAFETY: the span is in its block.
                unsafe { result::memset_d8_async(address, 0, span.bytes as usize, raw) }
                    .map_err(says("cuMemsetD8Async"))
            }
            Op::Launch { calls } => calls.iter().try_for_each(|call| self.call(at, stream, call)),
        };
        self.close(at, stream, put)
    }

    /// A copy from another GPU.
    pub fn submit_peer(
        &mut self,
        stream: u32,
        (source, from): (Context, sys::CUdeviceptr),
        to: Span,
        after: &[Ticket],
    ) -> Result<Ticket, Refused> {
        let at = self.open(stream, after)?;
        let raw = self.lane(stream).raw;
        let (address, bytes) = (self.address(to), to.bytes as usize);
        let (mine, theirs) = (self.context.raw(), source.raw());
        // SAFETY: both spans are in their blocks; the caller keeps them allocated.
        let put = unsafe { result::memcpy_peer_async(mine, address, theirs, from, bytes, raw) };
        self.close(at, stream, put.map_err(says("cuMemcpyPeerAsync")))
    }

    fn call(&mut self, slot: u32, stream: u32, call: &Call) -> Result<(), GpuError> {
        match *call {
            Call::Kernel { name, grid, threads, args } => {
                self.launch(stream, name, (grid, threads), args.as_slice())
            }
            Call::Potrf { precision, n, a } => {
                let address = self.address(a);
                let lane = self.lane(stream);
                let needed = lane.handles.potrf_workspace(precision, n)?;
                if lane.workspace.1 < needed {
                    // The old one may still be in use on the stream, and is small: it is kept.
                    let workspace = (self.take(needed)?, needed);
                    let raw = self.lane(stream).raw;
                    // SAFETY: event and stream are the context's.
                    unsafe { result::stream::wait_event(raw, self.fresh, wait_flags()) }
                        .map_err(says("cuStreamWaitEvent"))?;
                    self.streams[stream as usize].2.workspace = workspace;
                }
                let lane = self.lane(stream);
                lane.handles.potrf((precision, n), address, lane.workspace, lane.info)?;
                self.read_info(slot, stream)
            }
            Call::Zero { span } => {
                let (address, raw) = (self.address(span), self.lane(stream).raw);
                // SAFETY: the span is in its block.
                unsafe { result::memset_d8_async(address, 0, span.bytes as usize, raw) }
                    .map_err(says("cuMemsetD8Async"))
            }
            Call::Copy { from, to } => {
                let (source, bytes) = (self.address(from), to.bytes as usize);
                let (target, raw) = (self.address(to), self.lane(stream).raw);
                // SAFETY: both spans are in their blocks.
                unsafe { result::memcpy_dtod_async(target, source, bytes, raw) }
                    .map_err(says("cuMemcpyDtoDAsync"))
            }
            _ => {
                let mut at = [0; 3];
                for (to, (span, _)) in at.iter_mut().zip(call.spans()) {
                    *to = self.address(span);
                }
                self.lane(stream).handles.blas(call, at)
            }
        }
    }

    /// Brings what a factorisation says to the host, behind it.
    fn read_info(&mut self, slot: u32, stream: u32) -> Result<(), GpuError> {
        let (info, raw) = (self.lane(stream).info, self.lane(stream).raw);
        let at = 8 * slot as usize;
        let word = &mut self.words.bytes_mut()[at..at + 4];
        // SAFETY: the words live as long as the device, and this one is the slot's alone.
        unsafe { result::memcpy_dtoh_async(word, info, raw) }.map_err(says("cuMemcpyDtoHAsync"))?;
        self.slots[slot as usize].has_info = true;
        Ok(())
    }

    fn launch(
        &mut self,
        stream: u32,
        name: &'static str,
        (grid, threads): (u32, u32),
        args: &[Arg],
    ) -> Result<(), GpuError> {
        let functions = self.functions.as_ref();
        let functions = functions.ok_or_else(|| crate::probe::LIBRARIES[2].missing())?;
        let function = functions.get(name);
        let function = function.ok_or_else(|| GpuError::NoKernel { name: name.to_owned() })?;
        let mut values = [0u64; MAX_ARGS];
        for (value, arg) in values.iter_mut().zip(args) {
            // The low bytes come first: what is shorter than a word is read from its beginning.
            *value = match *arg {
                Arg::Read(span) | Arg::Write(span) => self.address(span),
                Arg::U32(x) => x.into(),
                Arg::U64(x) => x,
                Arg::F32(x) => x.to_bits().into(),
                Arg::F64(x) => x.to_bits(),
            };
        }
        let mut pointers: [*mut c_void; MAX_ARGS] =
            std::array::from_fn(|at| (&raw mut values[at]).cast());
        let raw = self.lane(stream).raw;
        let (grid, block) = ((grid, 1, 1), (threads, 1, 1));
        // SAFETY: the arguments are as many and as wide as the kernel's (`bind` makes them, `twin`
        // takes the same list apart); they are copied during the call.
        unsafe { result::launch_kernel(function, grid, block, 0, raw, &mut pointers) }
            .map_err(says("cuLaunchKernel"))
    }

    pub fn poll(&mut self, ticket: Ticket) -> Result<Option<Done>, Refused> {
        self.enter()?;
        let slot = &self.slots[ticket.index as usize];
        assert_eq!(slot.generation, ticket.generation, "a ticket is used up by its end");
        // SAFETY: the event is the context's.
        if let Err(error) = unsafe { result::event::query(slot.end) } {
            if error.0 == sys::CUresult::CUDA_ERROR_NOT_READY {
                return Ok(None);
            }
            // Errors that come up asynchronously are the end of the context.
            let why = context::words(error);
            self.lost = Some(why.clone());
            self.forget_hosts();
            return Err(GpuError::Faulted { gpu: self.id, why }.into());
        }
        let times = self
            .time_of(slot.base, slot.start)
            .and_then(|started_ns| Ok((started_ns, self.time_of(slot.base, slot.end)?)));
        let (started_ns, ended_ns) = times?;
        let at = 8 * ticket.index as usize;
        let word: [u8; 4] = self.words.bytes()[at..at + 4].try_into().expect("four bytes");
        let slot = &mut self.slots[ticket.index as usize];
        let info = if slot.has_info { i32::from_ne_bytes(word).into() } else { 0 };
        slot.is_open = false;
        self.vacant_slots.push(ticket.index);
        Ok(Some(Done { started_ns, ended_ns, host: slot.host.take(), info }))
    }

    /// The device is lost: what it may still reach is never freed.
    fn forget_hosts(&mut self) {
        self.slots.iter_mut().for_each(|slot| std::mem::forget(slot.host.take()));
    }

    fn time_of(&self, base: usize, event: sys::CUevent) -> Result<Ns, GpuError> {
        let (base, base_ns) = self.bases[base];
        // SAFETY: both events are the context's, made with timing, and have passed.
        let ms = unsafe { result::event::elapsed(base, event) };
        let ms = ms.map_err(says("cuEventElapsedTime"))?;
        Ok((base_ns + f64::from(ms) * 1e6).max(0.0) as Ns)
    }

    /// Reads the clock by an event, which becomes the base of later times: a single-precision
    /// number of milliseconds is exact to a microsecond for ten seconds only.
    pub fn clock_ns(&mut self) -> Result<Ns, GpuError> {
        self.enter()?;
        let now = event()?;
        // SAFETY: event and stream are the context's.
        unsafe {
            result::event::record(now, self.house).map_err(says("cuEventRecord"))?;
            result::event::synchronize(now).map_err(says("cuEventSynchronize"))?;
        }
        let (base, base_ns) = self.bases[self.bases.len() - 1];
        // SAFETY: both have passed.
        let ms = unsafe { result::event::elapsed(base, now) };
        let ms = ms.map_err(says("cuEventElapsedTime"))?;
        let now_ns = base_ns + f64::from(ms) * 1e6;
        self.bases.push((now, now_ns));
        Ok(now_ns.max(0.0) as Ns)
    }
}

fn wait_flags() -> sys::CUevent_wait_flags {
    sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT
}

impl Drop for Gpu {
    fn drop(&mut self) {
        if self.enter().is_err() {
            return self.forget_hosts();
        }
        // Nothing may be under way when host memory goes. Streams, handles and modules serve the
        // next opening.
        let idle = self.streams.iter().all(|(.., stream)| {
            // SAFETY: the stream is the context's.
            unsafe { result::stream::synchronize(stream.raw) }.is_ok()
        });
        if !idle {
            return self.forget_hosts();
        }
        for block in self.blocks.iter().flatten() {
            // SAFETY: nothing is under way, and each is freed once.
            _ = unsafe { result::free_async(block.address, self.house) };
        }
        // SAFETY: the stream is the context's.
        _ = unsafe { result::stream::synchronize(self.house) };
        let events = self.slots.iter().flat_map(|s| [s.start, s.end]);
        let events = events.chain(self.bases.iter().map(|b| b.0)).chain([self.fresh]);
        for event in events {
            // SAFETY: nothing waits for it any more.
            _ = unsafe { result::event::destroy(event) };
        }
        // SAFETY: nothing uses it any more.
        _ = unsafe { result::stream::destroy(self.house) };
        let id = self.id;
        let streams = self.streams.drain(..).map(|(priority, duty, s)| (id, priority, duty, s));
        PARKED.lock().unwrap_or_else(PoisonError::into_inner).extend(streams);
    }
}
