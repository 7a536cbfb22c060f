//! GPUs without hardware: streams, device memory, copies and kernels (their twins), on a clock of
//! their own, with faults on demand.
//!
//! Durations are drawn from a seeded stream, so that operations of different streams end in any
//! order. What real hardware would get wrong in silence is found here: memory is poisoned when it
//! is allocated, two operations that touch the same bytes at the same time, one of them writing,
//! fault the device, and memory that is freed under an operation is a panic.
//!
//! Nothing runs by itself: operations are carried out when the caller submits or polls, up to what
//! the time allows.

mod device;
mod faults;

use crate::{
    BlockId, Done, Duty, Facts, GpuError, GpuId, Gpus, HostBox, Op, Pinner, Priority, Refused,
    StreamId, Ticket,
};
use device::{Device, Slot};
pub use faults::Fault;
use rand_pcg::Pcg64;
use runtime::Ns;
use std::sync::Arc;
use std::time::Instant;

/// Byte that fresh device memory is filled with.
pub const POISON: u8 = 0xA5;

/// What fake GPUs are like.
#[derive(Clone, Debug)]
pub struct FakeSpec {
    /// How many.
    pub gpus: u32,
    /// Memory of each.
    pub memory_bytes: u64,
    /// What durations are drawn from.
    pub seed: u64,
    /// An operation lasts this long at least.
    pub shortest_ns: Ns,
    /// An operation lasts this long at most, besides the time of its bytes.
    pub longest_ns: Ns,
    /// Bandwidth of copies.
    pub bytes_per_s: f64,
    /// How much faster than the host's the clock runs, in millionths.
    pub drift_ppm: i64,
    /// What the clock showed when the device was made.
    pub clock_ns: Ns,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

impl Default for FakeSpec {
    /// One GPU of 1 GiB whose operations last 5 to 200 microseconds.
    fn default() -> Self {
        Self {
            gpus: 1,
            memory_bytes: 1 << 30,
            seed: 1,
            shortest_ns: 5_000,
            longest_ns: 200_000,
            bytes_per_s: 20e9,
            drift_ppm: 40,
            clock_ns: 7_000_000_000,
            faults: Vec::new(),
        }
    }
}

/// Fake GPUs.
pub struct FakeGpus {
    spec: FakeSpec,
    facts: Vec<Facts>,
    devices: Vec<Device>,
    random: Pcg64,
    epoch: Instant,
}

impl FakeGpus {
    /// Makes them.
    ///
    /// # Errors
    /// When the spec's faults say that there are none.
    pub fn new(spec: FakeSpec) -> Result<Self, GpuError> {
        faults::probe(&spec.faults)?;
        let facts = Facts {
            name: "fake GPU".to_owned(),
            memory_bytes: spec.memory_bytes,
            free_bytes: spec.memory_bytes,
            processors: 8,
            capability: 90,
            driver: 13_000,
            is_fake: true,
        };
        let devices = (0..spec.gpus).map(|gpu| Device::new(GpuId(gpu), spec.memory_bytes));
        Ok(Self {
            facts: vec![facts; spec.gpus as usize],
            devices: devices.collect(),
            random: Pcg64::new(spec.seed.into(), 0xF4E),
            epoch: Instant::now(),
            spec,
        })
    }

    /// The device's clock.
    fn now_ns(&self) -> Ns {
        let host_ns = self.epoch.elapsed().as_nanos() as i128;
        let drift = host_ns * i128::from(self.spec.drift_ppm) / 1_000_000;
        self.spec.clock_ns + (host_ns + drift) as Ns
    }

    fn device(&mut self, gpu: GpuId) -> &mut Device {
        &mut self.devices[gpu.0 as usize]
    }

    /// How long an operation over so many bytes lasts.
    fn duration_ns(&mut self, bytes: u64) -> Ns {
        use rand::Rng;
        let width = self.spec.longest_ns.saturating_sub(self.spec.shortest_ns) + 1;
        let drawn_ns = self.spec.shortest_ns + self.random.next_u64() % width;
        drawn_ns + (bytes as f64 * 1e9 / self.spec.bytes_per_s) as Ns
    }

    fn peers(from: &mut [Device], a: GpuId, b: GpuId) -> (&mut Device, &mut Device) {
        let (a, b) = (a.0 as usize, b.0 as usize);
        if a < b {
            let (low, high) = from.split_at_mut(b);
            (&mut low[a], &mut high[0])
        } else {
            let (low, high) = from.split_at_mut(a);
            (&mut high[0], &mut low[b])
        }
    }
}

impl Gpus for FakeGpus {
    fn facts(&self) -> &[Facts] {
        &self.facts
    }

    fn stream(&mut self, gpu: GpuId, _: Priority, _: Duty) -> Result<StreamId, GpuError> {
        let device = self.device(gpu);
        device.check()?;
        Ok(StreamId { gpu, index: device.add_stream() })
    }

    fn allocate(&mut self, gpu: GpuId, bytes: u64) -> Result<BlockId, GpuError> {
        let fails = faults::allocation_fails(&mut self.spec.faults, gpu);
        let device = self.device(gpu);
        device.check()?;
        device.allocate(bytes, fails)
    }

    fn free(&mut self, block: BlockId) {
        self.device(block.gpu).free(block);
    }

    fn pinned(&mut self, bytes: u64) -> Result<HostBox, GpuError> {
        if faults::no_pinned(&self.spec.faults) {
            return Err(GpuError::NoPinned { bytes });
        }
        let words: Box<[u64]> = vec![0; bytes.div_ceil(8) as usize].into();
        Ok(Box::new(words))
    }

    fn pinner(&self) -> Option<Arc<dyn Pinner>> {
        None
    }

    fn submit(
        &mut self,
        stream: StreamId,
        op: Op<'_>,
        after: &[Ticket],
    ) -> Result<Ticket, Refused> {
        let now_ns = self.now_ns();
        let gpu = stream.gpu;
        if let Err(error) = self.device(gpu).check() {
            return Err(refused(op, error));
        }
        if let Op::CopyPeer { from, to } = &op
            && faults::no_peers(&self.spec.faults)
        {
            let (from, to) = (from.block.gpu, to.block.gpu);
            return Err(GpuError::PeerRefused { from, to }.into());
        }
        let mut will_fault = None;
        if let Op::Launch { calls } = &op {
            if let Some(error) = faults::launch_refused(&self.spec.faults, calls) {
                return Err(error.into());
            }
            will_fault = faults::launch_faults(&mut self.spec.faults, gpu);
        }
        let bytes = match &op {
            Op::CopyIn { to: span, .. }
            | Op::CopyOut { from: span, .. }
            | Op::CopyPeer { from: span, .. }
            | Op::Zero { span } => span.bytes,
            Op::Launch { .. } => 0,
        };
        let mut duration_ns = self.duration_ns(bytes);
        if let Op::Launch { calls } = &op {
            duration_ns += device::asked_ns(calls);
        }
        self.advance(now_ns);
        let slot = Slot::new(op, after, now_ns, duration_ns, will_fault);
        Ok(self.device(gpu).push(stream, slot))
    }

    fn poll(&mut self, ticket: Ticket) -> Result<Option<Done>, Refused> {
        let now_ns = self.now_ns();
        self.advance(now_ns);
        self.device(ticket.gpu).take(ticket)
    }

    fn clock_ns(&mut self, gpu: GpuId) -> Result<Ns, GpuError> {
        self.device(gpu).check()?;
        Ok(self.now_ns())
    }
}

impl FakeGpus {
    /// Carries out what ends by now, in the order of ends.
    fn advance(&mut self, now_ns: Ns) {
        loop {
            self.devices.iter_mut().for_each(|d| d.start_what_can(now_ns));
            let next = self.devices.iter().enumerate().filter_map(|(at, d)| {
                let (until_ns, stream) = d.next_end()?;
                (until_ns <= now_ns).then_some((until_ns, at, stream))
            });
            let Some((_, at, stream)) = next.min() else { return };
            let gpu = GpuId(at as u32);
            match self.devices[at].peer_copy(stream) {
                Some((from, to)) if from.block.gpu != gpu => {
                    let (target, source) = Self::peers(&mut self.devices, gpu, from.block.gpu);
                    let bytes = source.content(from).to_vec();
                    target.end_peer(stream, to, &bytes);
                }
                _ => self.devices[at].end(stream),
            }
        }
    }
}

fn refused(op: Op<'_>, error: GpuError) -> Refused {
    let host = match op {
        Op::CopyIn { from: host, .. } | Op::CopyOut { to: host, .. } => Some(host),
        _ => None,
    };
    Refused { error, host }
}

#[cfg(test)]
mod tests;
