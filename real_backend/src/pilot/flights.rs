//! Operations under way: what was submitted, and what it lands as.

use super::Pilot;
use crate::buffers::{DeviceLoan, End, Lent, Own};
use crate::core::{CopyJob, Landing, TaskOrder};
use crate::crew::NONE;
use gpu::{
    Arg, Args, Call, Done, GpuArgs, GpuError, HostBox, HostMemory, Op, Refused, Span, StreamId,
    Ticket,
};
use runtime::{BufferId, CopyId, Ns};

/// An operation under way.
pub(super) struct Flight {
    pub ticket: Ticket,
    submitted_ns: Ns,
    cargo: Cargo,
}

/// Whose it is.
enum Cargo {
    Task(Box<TaskOrder>),
    Copy(Halfway),
    Fill(BufferId),
}

/// A transfer under way. An end whose memory the operation holds is `None`.
struct Halfway {
    copy: CopyId,
    from: Option<End>,
    to: Option<End>,
    /// When it began on a disk.
    began_ns: Option<Ns>,
}

/// Why a task cannot run whose buffers could not be made; the run ends with a better reason.
const UNMADE: &str = "its buffers could not be made";

/// Multiprocessors hold two blocks of this many threads.
const SYNTHETIC_THREADS: u32 = 1024;

/// Lasts as long as the task, and takes as much of the device.
fn synthetic(order: &TaskOrder, processors: u32) -> Call {
    let blocks = u64::from(order.occupancy_ppm) * u64::from(2 * processors);
    let (grid, threads) = (blocks.div_ceil(1_000_000).max(1) as u32, SYNTHETIC_THREADS);
    let args = Args::new(&[Arg::U64(order.duration_ns)]);
    Call::Kernel { name: "spin", grid, threads, args }
}

impl Pilot {
    /// Starts a task; what lands at once if it cannot.
    pub(super) fn start_task(&mut self, order: Box<TaskOrder>, now_ns: Ns) -> Option<Landing> {
        let failed = |order, message| {
            let (started_ns, ended_ns, result) = (now_ns, now_ns, Err(message));
            Some(Landing::Task { order, started_ns, ended_ns, result })
        };
        if let Some(kernel) = &order.stranger {
            let message = format!(
                "kernel {kernel:?} has a body for CPUs and none for GPUs; say in a cost file that \
                 it cannot run on devices of this class, or bind a body for it"
            );
            return failed(order, message);
        }
        let Some(stream) = self.lanes[order.lane.index()] else {
            return failed(order, "its lane is no stream".to_owned());
        };
        self.spans.clear();
        self.after.clear();
        for loan in &order.loans {
            let Some(held) = self.store.get(loan.buffer) else {
                return failed(order, UNMADE.to_owned());
            };
            self.spans.push(Span { block: held.block, offset: 0, bytes: loan.bytes });
            self.after.extend(held.filling);
        }
        self.calls.clear();
        if order.body == NONE {
            let processors = self.gpus.facts()[stream.gpu.0 as usize].processors;
            self.calls.push(synthetic(&order, processors));
        } else {
            let (shape, params) = (order.shape, order.params.as_slice());
            let args = GpuArgs { shape, params, spans: &self.spans };
            let body = &self.bodies[order.body as usize];
            if let Err(error) = body.calls(&args, &mut self.calls) {
                return failed(order, error.to_string());
            }
        }
        match self.gpus.submit(stream, Op::Launch { calls: &self.calls }, &self.after) {
            Ok(ticket) => {
                let cargo = Cargo::Task(order);
                self.flights.push(Flight { ticket, submitted_ns: now_ns, cargo });
                None
            }
            Err(refused) => failed(order, refused.error.to_string()),
        }
    }

    /// Starts the copy of a buffer's first content.
    pub(super) fn start_fill(&mut self, buffer: BufferId, own: Own, now_ns: Ns) -> Option<Landing> {
        let (block, bytes) = (self.store.get(buffer)?.block, own.bytes().len() as u64);
        let stream = self.ports[block.gpu.0 as usize].inward;
        let to = Span { block, offset: 0, bytes };
        match self.gpus.submit(stream, Op::CopyIn { from: Box::new(own), to }, &[]) {
            Ok(ticket) => {
                self.store.set_filling(buffer, Some(ticket));
                let cargo = Cargo::Fill(buffer);
                self.flights.push(Flight { ticket, submitted_ns: now_ns, cargo });
                None
            }
            Err(refused) => Some(Landing::Trouble {
                doing: "filling a buffer".to_owned(),
                error: refused.error,
                job: None,
            }),
        }
    }

    /// The span of a buffer, and its fill that is under way.
    fn span(&self, loan: &DeviceLoan) -> (Span, Option<Ticket>) {
        let held = self.store.get(loan.buffer).expect("it was looked for");
        (Span { block: held.block, offset: 0, bytes: loan.bytes }, held.filling)
    }

    /// Whether a transfer's buffers on GPUs could be made.
    fn are_made(&self, job: &CopyJob) -> bool {
        [&job.from, &job.to].into_iter().all(|end| match end {
            End::Device(loan) => self.store.get(loan.buffer).is_some(),
            _ => true,
        })
    }

    /// Starts a transfer, or its half on the device's side; gives it back when it has to wait.
    pub(super) fn start_copy(
        &mut self,
        job: CopyJob,
        now_ns: Ns,
    ) -> Result<Option<Landing>, CopyJob> {
        if job.from.bytes() == 0 || !self.are_made(&job) {
            // The run is ending for want of memory, if so.
            let job = CopyJob { started_ns: now_ns, ..job };
            return Ok(Some(Landing::Copy { job, ended_ns: now_ns }));
        }
        if let (End::Device(from), End::Device(_)) = (&job.from, &job.to)
            && self.span(from).1.is_some()
        {
            // Streams of one GPU cannot wait for another's.
            return Err(job);
        }
        let CopyJob { copy, from, to, started_ns, passing } = job;
        let began_ns = passing.is_some().then_some(started_ns);
        let put = match (from, to) {
            (End::Device(from), End::Device(to)) => {
                let ((source, _), (target, _)) = (self.span(&from), self.span(&to));
                let stream = self.ports[target.block.gpu.0 as usize].peer;
                let ticket =
                    self.gpus.submit(stream, Op::CopyPeer { from: source, to: target }, &[]);
                (ticket, Some(End::Device(from)), Some(End::Device(to)))
            }
            (from, End::Device(to)) => {
                let (target, _) = self.span(&to);
                let stream = self.ports[target.block.gpu.0 as usize].inward;
                let (host, from) = self.host_to_read(from, passing);
                let ticket = self.gpus.submit(stream, Op::CopyIn { from: host, to: target }, &[]);
                (ticket, from, Some(End::Device(to)))
            }
            (End::Device(from), to) => {
                let (source, filling) = self.span(&from);
                let stream = self.ports[source.block.gpu.0 as usize].outward;
                let after = filling.as_slice();
                let (host, to) = self.host_to_write(to, source.bytes);
                let ticket =
                    self.gpus.submit(stream, Op::CopyOut { from: source, to: host }, after);
                (ticket, Some(End::Device(from)), to)
            }
            _ => unreachable!("transfer {copy} is the movers'"),
        };
        let (ticket, from, to) = put;
        let half = Halfway { copy, from, to, began_ns };
        Ok(match ticket {
            Ok(ticket) => {
                let cargo = Cargo::Copy(half);
                self.flights.push(Flight { ticket, submitted_ns: now_ns, cargo });
                None
            }
            Err(refused) => Some(self.copy_refused(half, refused, now_ns)),
        })
    }

    /// Host memory that the device can read, and the end if the operation does not hold it.
    fn host_to_read(&mut self, from: End, passing: Option<Own>) -> (HostBox, Option<End>) {
        match (from, passing) {
            (from, Some(own)) => (Box::new(own), Some(from)),
            (End::Memory(loan), None) if loan.is_pinned() => (Box::new(Lent(loan)), None),
            (End::Memory(loan), None) => match self.staging(loan.bytes().len()) {
                Some(mut host) => {
                    host.bytes_mut()[..loan.bytes().len()].copy_from_slice(loan.bytes());
                    (host, Some(End::Memory(loan)))
                }
                // The call will wait for the copy.
                None => (Box::new(Lent(loan)), None),
            },
            (End::Disk(_) | End::Device(_), None) => unreachable!("movers have brought the bytes"),
        }
    }

    /// Host memory that the device can write, and the end if the operation does not hold it.
    fn host_to_write(&mut self, to: End, bytes: u64) -> (HostBox, Option<End>) {
        match to {
            End::Memory(loan) if loan.is_pinned() => (Box::new(Lent(loan)), None),
            End::Memory(loan) => match self.staging(bytes as usize) {
                Some(host) => (host, Some(End::Memory(loan))),
                None => (Box::new(Lent(loan)), None),
            },
            to => {
                let own = Own::new(bytes as usize).expect("there is memory to pass a buffer on");
                (Box::new(own), Some(to))
            }
        }
    }

    /// Looks whether an operation is over; what it lands as.
    pub(super) fn poll(&mut self, at: usize, now_ns: Ns) -> Option<Landing> {
        let ticket = self.flights[at].ticket;
        match self.gpus.poll(ticket) {
            Ok(None) => None,
            Ok(Some(done)) => {
                let flight = self.flights.swap_remove(at);
                Some(self.land(flight, done, now_ns))
            }
            Err(refused) => {
                let flight = self.flights.swap_remove(at);
                Some(match flight.cargo {
                    Cargo::Task(order) => {
                        let (started_ns, result) = (now_ns, Err(refused.error.to_string()));
                        Landing::Task { order, started_ns, ended_ns: now_ns, result }
                    }
                    Cargo::Copy(half) => self.copy_refused(half, refused, now_ns),
                    Cargo::Fill(_) => Landing::Trouble {
                        doing: "filling a buffer".to_owned(),
                        error: refused.error,
                        job: None,
                    },
                })
            }
        }
    }

    fn land(&mut self, flight: Flight, done: Done, now_ns: Ns) -> Landing {
        let Flight { ticket, submitted_ns, cargo } = flight;
        // What is certain bounds what the clocks say: nothing begins before it is submitted or ends
        // after it was seen to have ended.
        let clock = &self.clocks[ticket.gpu.0 as usize];
        let time = |device_ns| match &clock {
            Some(clock) => self.run_ns(clock.host_ns(device_ns)).clamp(submitted_ns, now_ns),
            None => now_ns,
        };
        let (started_ns, ended_ns) = (time(done.started_ns), time(done.ended_ns));
        let ended_ns = ended_ns.max(started_ns);
        match cargo {
            Cargo::Task(order) => {
                let result = match done.info {
                    0 => Ok(None),
                    info => Err(gpu::bind::info_message(info)),
                };
                Landing::Task { order, started_ns, ended_ns, result }
            }
            Cargo::Fill(buffer) => {
                self.store.set_filling(buffer, None);
                Landing::Filled
            }
            Cargo::Copy(half) => self.land_copy(half, done.host, (started_ns, ended_ns)),
        }
    }

    fn land_copy(&mut self, half: Halfway, host: Option<HostBox>, times: (Ns, Ns)) -> Landing {
        let Halfway { copy, mut from, mut to, began_ns } = half;
        let mut passing = None;
        if let Some(host) = host {
            let is_outward = matches!(from, Some(End::Device(_)));
            match unload(host) {
                Load::Lent(lent) if is_outward => to = Some(End::Memory(lent.0)),
                Load::Lent(lent) => from = Some(End::Memory(lent.0)),
                Load::Own(own) => passing = Some(own),
                Load::Staging(staged) => {
                    if is_outward && let Some(End::Memory(loan)) = &mut to {
                        let bytes = loan.bytes().len();
                        loan.bytes_mut().copy_from_slice(&staged.bytes()[..bytes]);
                    }
                    self.staged.push(staged);
                }
            }
        }
        let (Some(from), Some(to)) = (from, to) else {
            unreachable!("an operation gives back what it holds")
        };
        let started_ns = began_ns.unwrap_or(times.0);
        let is_half = matches!((&from, &to), (End::Device(_), End::Disk(_)));
        let job = CopyJob { copy, from, to, started_ns, passing };
        if is_half { Landing::Half { job } } else { Landing::Copy { job, ended_ns: times.1 } }
    }

    /// A transfer that failed; its ends come back unless the device may still reach them.
    fn copy_refused(&mut self, half: Halfway, refused: Refused, now_ns: Ns) -> Landing {
        let Refused { error, host } = refused;
        let doing = format!("transfer {}", half.copy);
        let is_complete = host.is_some() || (half.from.is_some() && half.to.is_some());
        if !is_complete {
            return Landing::Trouble { doing, error, job: None };
        }
        match self.land_copy(half, host, (now_ns, now_ns)) {
            Landing::Copy { job, .. } | Landing::Half { job } => {
                Landing::Trouble { doing, error, job: Some(job) }
            }
            other => other,
        }
    }

    /// Page-locked memory for a copy, kept for the next one; `None` when the system has none.
    fn staging(&mut self, bytes: usize) -> Option<HostBox> {
        let fits = |host: &HostBox| host.bytes().len() >= bytes;
        if let Some(at) = self.staged.iter().position(fits) {
            return Some(self.staged.swap_remove(at));
        }
        let size = bytes.next_power_of_two().max(4096);
        let host = self.gpus.pinned(size as u64);
        self.is_unpinned |= host.is_err();
        host.ok()
    }

    /// Copies a buffer to the host and waits for it.
    pub(super) fn bring(&mut self, buffer: BufferId, bytes: usize) -> Result<Own, GpuError> {
        let own = Own::new(bytes).ok_or(GpuError::NoPinned { bytes: bytes as u64 })?;
        if bytes == 0 {
            return Ok(own);
        }
        let held = self.store.get(buffer).expect("results were made");
        let from = Span { block: held.block, offset: 0, bytes: bytes as u64 };
        let stream: StreamId = self.ports[held.block.gpu.0 as usize].outward;
        let op = Op::CopyOut { from, to: Box::new(own) };
        let ticket = self.gpus.submit(stream, op, &[]).map_err(|r| r.error)?;
        loop {
            if let Some(done) = self.gpus.poll(ticket).map_err(|r| r.error)? {
                match done.host.map(unload) {
                    Some(Load::Own(own)) => return Ok(own),
                    _ => unreachable!("an operation gives back what it holds"),
                }
            }
            std::thread::yield_now();
        }
    }
}

/// What host memory was.
enum Load {
    Lent(Lent),
    Own(Own),
    Staging(HostBox),
}

fn unload(host: HostBox) -> Load {
    if !host.as_any().is::<Lent>() && !host.as_any().is::<Own>() {
        return Load::Staging(host);
    }
    match host.into_any().downcast::<Lent>() {
        Ok(lent) => Load::Lent(*lent),
        Err(other) => match other.downcast::<Own>() {
            Ok(own) => Load::Own(*own),
            Err(_) => unreachable!("ours is lent or own"),
        },
    }
}
