//! One fake GPU: streams of operations, blocks of memory.

use super::POISON;
use crate::twin::{self, Memory};
use crate::{
    Arg, BlockId, Call, Done, GpuError, GpuId, HostBox, Op, Refused, Span, StreamId, Ticket,
};
use runtime::Ns;
use std::collections::VecDeque;

/// What an operation does at its end.
enum Work {
    CopyIn(HostBox, Span),
    CopyOut(Span, HostBox),
    CopyPeer(Span, Span),
    Zero(Span),
    Launch(Vec<Call>),
}

/// An operation, from its submission until it is polled.
pub(super) struct Slot {
    work: Option<Work>,
    after: Vec<Ticket>,
    submitted_ns: Ns,
    duration_ns: Ns,
    started_ns: Option<Ns>,
    /// Set at its end.
    done: Option<Result<Done, Refused>>,
    will_fault: Option<String>,
}

impl Slot {
    pub fn new(
        op: Op<'_>,
        after: &[Ticket],
        submitted_ns: Ns,
        duration_ns: Ns,
        will_fault: Option<String>,
    ) -> Self {
        let work = match op {
            Op::CopyIn { from, to } => Work::CopyIn(from, to),
            Op::CopyOut { from, to } => Work::CopyOut(from, to),
            Op::CopyPeer { from, to } => Work::CopyPeer(from, to),
            Op::Zero { span } => Work::Zero(span),
            Op::Launch { calls } => Work::Launch(calls.to_vec()),
        };
        let (work, after) = (Some(work), after.to_vec());
        Self { work, after, submitted_ns, duration_ns, started_ns: None, done: None, will_fault }
    }

    /// Device memory that it touches, and whether it writes it.
    fn spans(&self) -> Vec<(Span, bool)> {
        match &self.work {
            None => Vec::new(),
            Some(Work::CopyIn(_, span) | Work::Zero(span)) => vec![(*span, true)],
            Some(Work::CopyOut(span, _)) => vec![(*span, false)],
            Some(Work::CopyPeer(from, to)) => vec![(*from, false), (*to, true)],
            Some(Work::Launch(calls)) => calls.iter().flat_map(Call::spans).collect(),
        }
    }

    fn until_ns(&self) -> Option<Ns> {
        let started_ns = self.started_ns.filter(|_| self.done.is_none())?;
        Some(started_ns + self.duration_ns)
    }
}

/// How long kernels ask to last.
pub(super) fn asked_ns(calls: &[Call]) -> Ns {
    let asked = calls.iter().map(|call| match call {
        Call::Kernel { name: "spin", args, .. } => match args.as_slice() {
            [Arg::U64(ns)] => *ns,
            _ => 0,
        },
        _ => 0,
    });
    asked.sum()
}

struct Stream {
    /// Slots of operations that are not over, in order.
    queue: VecDeque<u32>,
    /// When the last one that is over ended.
    idle_ns: Ns,
}

/// A block's memory, in words, so that it is aligned.
struct Block {
    words: Vec<u64>,
    bytes: u64,
}

/// See the module's documentation.
pub(super) struct Device {
    gpu: GpuId,
    streams: Vec<Stream>,
    slots: Vec<(u32, Option<Slot>)>,
    blocks: Blocks,
    live_bytes: u64,
    capacity_bytes: u64,
    lost: Option<String>,
}

struct Blocks(Vec<Option<Block>>);

impl Memory for Blocks {
    fn read(&self, span: Span) -> &[u8] {
        let block = self.0[span.block.index as usize].as_ref().expect("the block is allocated");
        let bytes: &[u8] = bytemuck::cast_slice(&block.words);
        &bytes[span.offset as usize..][..span.bytes as usize]
    }

    fn write(&mut self, span: Span) -> &mut [u8] {
        let block = self.0[span.block.index as usize].as_mut().expect("the block is allocated");
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut block.words);
        &mut bytes[span.offset as usize..][..span.bytes as usize]
    }
}

impl Device {
    pub fn new(gpu: GpuId, capacity_bytes: u64) -> Self {
        let (streams, slots, blocks) = (Vec::new(), Vec::new(), Blocks(Vec::new()));
        Self { gpu, streams, slots, blocks, live_bytes: 0, capacity_bytes, lost: None }
    }

    /// Whether it works.
    pub fn check(&self) -> Result<(), GpuError> {
        match &self.lost {
            None => Ok(()),
            Some(why) => Err(GpuError::Faulted { gpu: self.gpu, why: why.clone() }),
        }
    }

    pub fn add_stream(&mut self) -> u32 {
        self.streams.push(Stream { queue: VecDeque::new(), idle_ns: 0 });
        self.streams.len() as u32 - 1
    }

    pub fn allocate(&mut self, bytes: u64, fails: bool) -> Result<BlockId, GpuError> {
        let gpu = self.gpu;
        if fails || self.live_bytes + bytes > self.capacity_bytes {
            let live_bytes = self.live_bytes;
            return Err(GpuError::OutOfMemory { gpu, bytes, live_bytes, idle_bytes: 0 });
        }
        self.live_bytes += bytes;
        let words = vec![u64::from_ne_bytes([POISON; 8]); bytes.div_ceil(8) as usize];
        let block = Some(Block { words, bytes });
        let free = self.blocks.0.iter().position(Option::is_none);
        let index = free.unwrap_or(self.blocks.0.len());
        match free {
            Some(at) => self.blocks.0[at] = block,
            None => self.blocks.0.push(block),
        }
        Ok(BlockId { gpu, index: index as u32 })
    }

    pub fn free(&mut self, block: BlockId) {
        let in_use = self.slots.iter().filter_map(|s| s.1.as_ref()).filter(|s| s.done.is_none());
        for slot in in_use {
            let uses = slot.spans().iter().any(|(span, _)| span.block == block);
            assert!(!uses || self.lost.is_some(), "{block:?} is freed under an operation");
        }
        let block = self.blocks.0[block.index as usize].take().expect("a block is freed once");
        self.live_bytes -= block.bytes;
    }

    pub fn push(&mut self, stream: StreamId, slot: Slot) -> Ticket {
        let at = self.slots.iter().position(|s| s.1.is_none()).unwrap_or(self.slots.len());
        if at == self.slots.len() {
            self.slots.push((0, None));
        }
        self.slots[at].0 += 1;
        self.slots[at].1 = Some(slot);
        self.streams[stream.index as usize].queue.push_back(at as u32);
        Ticket { gpu: self.gpu, index: at as u32, generation: self.slots[at].0 }
    }

    /// Takes what came of an operation that is over.
    pub fn take(&mut self, ticket: Ticket) -> Result<Option<Done>, Refused> {
        let (generation, slot) = &mut self.slots[ticket.index as usize];
        assert_eq!(*generation, ticket.generation, "a ticket is used up by its end");
        let open = slot.as_mut().expect("a ticket is used up by its end");
        if open.done.is_none() {
            return Ok(None);
        }
        let slot = slot.take().expect("it was there");
        slot.done.expect("it is over").map(Some)
    }

    fn slot(&self, at: u32) -> &Slot {
        self.slots[at as usize].1.as_ref().expect("it is queued")
    }

    /// When the operations that another one waits for have ended; `None` before that.
    fn waits_until_ns(&self, after: &[Ticket]) -> Option<Ns> {
        let mut until_ns = 0;
        for ticket in after {
            let (generation, slot) = &self.slots[ticket.index as usize];
            let slot = slot.as_ref().filter(|_| *generation == ticket.generation);
            let done = match slot {
                Some(slot) => slot.done.as_ref()?,
                None => continue,
            };
            if let Ok(done) = done {
                until_ns = until_ns.max(done.ended_ns);
            }
        }
        Some(until_ns)
    }

    /// Starts the first operation of every stream that may.
    pub fn start_what_can(&mut self, now_ns: Ns) {
        for stream in 0..self.streams.len() {
            let Some(&at) = self.streams[stream].queue.front() else { continue };
            let slot = self.slot(at);
            if slot.started_ns.is_some() {
                continue;
            }
            let Some(waited_ns) = self.waits_until_ns(&slot.after) else { continue };
            let idle_ns = self.streams[stream].idle_ns;
            let started_ns = slot.submitted_ns.max(waited_ns).max(idle_ns);
            if started_ns > now_ns {
                continue;
            }
            let slot = self.slots[at as usize].1.as_mut().expect("it is queued");
            slot.started_ns = Some(started_ns);
            self.look_for_races(at);
        }
    }

    /// Loses the device when an operation that starts touches what a running one writes.
    fn look_for_races(&mut self, starting: u32) {
        let mine = self.slot(starting).spans();
        let running = self.streams.iter().filter_map(|s| s.queue.front()).copied();
        for at in running.filter(|at| *at != starting) {
            if self.slot(at).started_ns.is_none() {
                continue;
            }
            let theirs = self.slot(at).spans();
            let clash = mine.iter().any(|(a, writes)| {
                theirs.iter().any(|(b, also)| (*writes || *also) && a.overlaps(b))
            });
            if clash {
                return self.lose("two operations race for the same memory".to_owned());
            }
        }
    }

    /// When the next running operation ends, and its stream.
    pub fn next_end(&self) -> Option<(Ns, usize)> {
        let ends = self.streams.iter().enumerate().filter_map(|(at, stream)| {
            let slot = self.slot(*stream.queue.front()?);
            Some((slot.until_ns()?, at))
        });
        ends.min()
    }

    /// The spans of the copy between GPUs at the front of a stream.
    pub fn peer_copy(&self, stream: usize) -> Option<(Span, Span)> {
        let slot = self.slot(*self.streams[stream].queue.front()?);
        match slot.work {
            Some(Work::CopyPeer(from, to)) => Some((from, to)),
            _ => None,
        }
    }

    /// The bytes of a span.
    pub fn content(&self, span: Span) -> &[u8] {
        self.blocks.read(span)
    }

    /// Ends a copy from another GPU.
    pub fn end_peer(&mut self, stream: usize, to: Span, bytes: &[u8]) {
        self.blocks.write(to).copy_from_slice(bytes);
        let at = self.streams[stream].queue[0];
        self.slots[at as usize].1.as_mut().expect("it is queued").work = None;
        self.end(stream);
    }

    /// Ends the first operation of a stream, which runs.
    pub fn end(&mut self, stream: usize) {
        let at = self.streams[stream].queue[0] as usize;
        let slot = self.slots[at].1.as_mut().expect("it is queued");
        if let Some(why) = slot.will_fault.take() {
            return self.lose(why);
        }
        let started_ns = slot.started_ns.expect("it runs");
        let ended_ns = started_ns + slot.duration_ns;
        let work = slot.work.take();
        let carried_out = self.carry_out(work);
        let (host, info) = match carried_out {
            Ok(result) => result,
            Err(why) => return self.lose(why),
        };
        let slot = self.slots[at].1.as_mut().expect("it is queued");
        slot.done = Some(Ok(Done { started_ns, ended_ns, host, info }));
        self.streams[stream].queue.pop_front();
        self.streams[stream].idle_ns = ended_ns;
    }

    fn carry_out(&mut self, work: Option<Work>) -> Result<(Option<HostBox>, i64), String> {
        let mut info = 0;
        let host = match work {
            None => None,
            Some(Work::CopyIn(from, to)) => {
                self.blocks.write(to).copy_from_slice(&from.bytes()[..to.bytes as usize]);
                Some(from)
            }
            Some(Work::CopyOut(from, mut to)) => {
                to.bytes_mut()[..from.bytes as usize].copy_from_slice(self.blocks.read(from));
                Some(to)
            }
            Some(Work::CopyPeer(from, to)) => {
                let bytes = self.blocks.read(from).to_vec();
                self.blocks.write(to).copy_from_slice(&bytes);
                None
            }
            Some(Work::Zero(span)) => {
                self.blocks.write(span).fill(0);
                None
            }
            Some(Work::Launch(calls)) => {
                for call in &calls {
                    let said = twin::run(call, &mut self.blocks)?;
                    if info == 0 {
                        info = said;
                    }
                }
                None
            }
        };
        Ok((host, info))
    }

    /// Ends all operations with the loss of the device.
    fn lose(&mut self, why: String) {
        let error = GpuError::Faulted { gpu: self.gpu, why: why.clone() };
        self.lost = Some(why);
        for (_, slot) in &mut self.slots {
            let Some(slot) = slot.as_mut().filter(|s| s.done.is_none()) else { continue };
            let host = match slot.work.take() {
                Some(Work::CopyIn(host, _) | Work::CopyOut(_, host)) => Some(host),
                _ => None,
            };
            slot.done = Some(Err(Refused { error: error.clone(), host }));
        }
        self.streams.iter_mut().for_each(|s| s.queue.clear());
    }
}
