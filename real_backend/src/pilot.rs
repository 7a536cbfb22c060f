//! The pilot: one thread that drives all GPUs of a run.
//!
//! Lanes of a GPU are its streams, one each; transfers have streams of their own, one for each
//! direction. The pilot takes the core's orders in the order of the commands and puts them on
//! streams; it polls the operations under way, however many streams there are, and brings what has
//! ended to the executive, all of a round under one lock; the answer's orders it carries out at
//! once, so that a task that follows another on the same device costs no hand-over. With nothing
//! under way it sleeps; with nothing happening it looks less and less often.
//!
//! The executive issues a command when what it depends on has ended, so that orders wait for
//! nothing but a buffer's first content; the store has streams wait for that by its ticket.

mod clocks;
mod flights;
mod store;

use crate::core::{Ending, Landing, Order};
use crate::crew::Turn;
use crate::spec::{GpuSpec, RunError};
use crate::worker::Shared;
use clocks::DeviceClock;
use flights::Flight;
use gpu::{
    Call, Duty, GpuError, GpuId, GpuKernel, Gpus, HostBox, Priority, Span, StreamId, Ticket,
};
use runtime::cluster::MemoryKind;
use runtime::{Cluster, Ns};
use rustix::thread::set_current_timer_slack;
use std::num::NonZeroU64;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long the pilot looks without a pause after something happened: as long as kernels of a
/// common size last, whose ends should be seen at once.
const SPIN: Duration = Duration::from_micros(500);

/// Longest pause between looks while operations are under way.
const LONGEST_PAUSE: Duration = Duration::from_micros(100);

/// Streams of transfers.
struct Ports {
    inward: StreamId,
    outward: StreamId,
    peer: StreamId,
}

/// See the module's documentation.
pub(crate) struct Pilot {
    gpus: Box<dyn Gpus>,
    /// Bodies by name, in the order of [`GpuKernelSet::names`](gpu::GpuKernelSet::names).
    bodies: Vec<Arc<dyn GpuKernel>>,
    /// By lane.
    lanes: Vec<Option<StreamId>>,
    /// By GPU.
    ports: Vec<Ports>,
    clocks: Vec<Option<DeviceClock>>,
    store: store::Store,
    flights: Vec<Flight>,
    /// Orders that wait for the start, or for another GPU.
    later: Vec<Order>,
    /// Page-locked memory that is free.
    staged: Vec<HostBox>,
    /// The system gave no page-locked memory.
    is_unpinned: bool,
    /// When the pilot was made; device clocks are aligned with this.
    epoch: Instant,
    /// The run's clock less the time since the epoch.
    shift_ns: i64,
    calls: Vec<Call>,
    spans: Vec<Span>,
    after: Vec<Ticket>,
}

/// The GPU of every memory: memories of kind `hbm`, in order.
pub(crate) fn gpu_of(cluster: &Cluster) -> Vec<Option<GpuId>> {
    let mut next = 0;
    let kinds = cluster.memory_ids().map(|id| cluster.memory(id).kind);
    let numbered = kinds.map(|kind| {
        (kind == MemoryKind::Hbm).then(|| {
            next += 1;
            GpuId(next - 1)
        })
    });
    numbered.collect()
}

impl Pilot {
    /// Makes streams for a cluster's devices, and checks that its memories fit.
    pub fn new(spec: GpuSpec, cluster: &Cluster) -> Result<Self, RunError> {
        let GpuSpec { mut gpus, kernels, .. } = spec;
        let gpu_of = gpu_of(cluster);
        let mut limits_bytes = Vec::new();
        for (memory, gpu) in cluster.memory_ids().zip(&gpu_of) {
            let Some(gpu) = gpu else { continue };
            let plain = cluster.memory(memory);
            let Some(facts) = gpus.facts().get(gpu.0 as usize) else {
                let found = gpus.facts().len();
                return Err(RunError::TooFewGpus { memory: plain.name.clone(), found });
            };
            let free_bytes = facts.free_bytes;
            let limit_bytes = plain.capacity_bytes.unwrap_or(free_bytes);
            if limit_bytes > free_bytes {
                let memory = plain.name.clone();
                return Err(RunError::GpuTooSmall {
                    memory,
                    capacity_bytes: limit_bytes,
                    free_bytes,
                });
            }
            limits_bytes.push(free_bytes);
        }
        let made = |stream: Result<StreamId, GpuError>| {
            stream.map_err(|error| RunError::NoStream { error })
        };
        let mut lanes = vec![None; cluster.lane_count()];
        for device in cluster.device_ids() {
            let Some(gpu) = gpu_of[cluster.memory_of(device).index()] else { continue };
            for lane in cluster.lanes(device) {
                lanes[lane.index()] =
                    Some(made(gpus.stream(gpu, Priority::Normal, Duty::Kernels))?);
            }
        }
        let mut ports = Vec::new();
        for gpu in (0..limits_bytes.len() as u32).map(GpuId) {
            // Copies go first: kernels wait for them.
            let mut port = || made(gpus.stream(gpu, Priority::High, Duty::Copies));
            ports.push(Ports { inward: port()?, outward: port()?, peer: port()? });
        }
        let names: Vec<&str> = kernels.names().collect();
        let bodies = names.into_iter().filter_map(|name| kernels.get(name).cloned()).collect();
        Ok(Self {
            bodies,
            lanes,
            clocks: ports.iter().map(|_| None).collect(),
            ports,
            store: store::Store::new(&limits_bytes),
            flights: Vec::new(),
            later: Vec::new(),
            staged: Vec::new(),
            is_unpinned: false,
            epoch: Instant::now(),
            shift_ns: 0,
            calls: Vec::new(),
            spans: Vec::new(),
            after: Vec::new(),
            gpus,
        })
    }

    /// The run's time, of a time since the epoch.
    fn run_ns(&self, host_ns: Ns) -> Ns {
        host_ns.saturating_add_signed(self.shift_ns)
    }

    /// Carries an order out; what lands at once.
    fn carry_out(&mut self, order: Order, now_ns: Ns) -> Option<Landing> {
        match order {
            Order::Allocate { buffer, gpu, bytes, content } => {
                let Err(error) = self.store.allocate(&mut *self.gpus, gpu, buffer, bytes) else {
                    return content.and_then(|own| self.start_fill(buffer, own, now_ns));
                };
                let doing = format!("making buffer {buffer} of {bytes} bytes");
                Some(Landing::Trouble { doing, error, job: None })
            }
            Order::Release { buffer } => {
                self.store.release(buffer);
                None
            }
            Order::Copy(job) => match self.start_copy(job, now_ns) {
                Ok(landing) => landing,
                Err(job) => {
                    self.later.push(Order::Copy(job));
                    None
                }
            },
            Order::Run(order) => self.start_task(order, now_ns),
        }
    }

    /// Polls everything under way.
    fn poll_all(&mut self, now_ns: impl Fn() -> Ns, landings: &mut Vec<Landing>) {
        self.poll_once(&now_ns, landings);
        if landings.iter().any(|landing| matches!(landing, Landing::Trouble { .. })) {
            // A transfer may be the first to say that a device is lost, after the task that broke
            // it was looked at.
            self.poll_once(now_ns, landings);
        }
    }

    fn poll_once(&mut self, now_ns: impl Fn() -> Ns, landings: &mut Vec<Landing>) {
        let mut at = 0;
        while at < self.flights.len() {
            match self.poll(at, now_ns()) {
                // Another flight has taken its place.
                Some(landing) => landings.push(landing),
                None => at += 1,
            }
        }
    }

    /// What a reader of the trace must know.
    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.clocks.iter().flatten().map(DeviceClock::note).collect();
        if self.is_unpinned {
            notes.push("the system gave no page-locked memory: copies waited".to_owned());
        }
        notes
    }
}

/// The pilot's loop; returns when the run stops.
pub(crate) fn fly(shared: &Shared, mut pilot: Pilot) {
    // Without it sleeps last 50 microseconds longer; if it fails they do.
    _ = set_current_timer_slack(NonZeroU64::new(1));
    let crew = &shared.crew;
    crew.pilot.set(std::thread::current()).expect("a run has one pilot");
    wait_for_start(shared, &mut pilot);
    let (mut landings, mut turn, mut orders) = (Vec::new(), Turn::default(), Vec::new());
    let mut last = Instant::now();
    while !crew.stop.load(Ordering::Acquire) {
        orders.append(&mut pilot.later);
        if crew.has_orders.swap(false, Ordering::AcqRel) {
            take_orders(shared, &mut orders);
        }
        let mut happens = !orders.is_empty();
        for order in orders.drain(..) {
            landings.extend(pilot.carry_out(order, crew.clock.now_ns()));
        }
        pilot.poll_all(|| crew.clock.now_ns(), &mut landings);
        if !landings.is_empty() {
            happens = true;
            land(shared, &mut landings, &mut orders, &mut turn);
        }
        follow_clocks(shared, &mut pilot);
        if happens {
            last = Instant::now();
        }
        if orders.is_empty() {
            rest(shared, &pilot, last);
        }
    }
    finish(shared, &mut pilot);
}

/// Brings what has ended to the executive, in the order of ends, and takes the answer's orders.
fn land(shared: &Shared, landings: &mut Vec<Landing>, orders: &mut Vec<Order>, turn: &mut Turn) {
    landings.sort_by_key(Landing::at_ns);
    {
        let mut core = shared.lock();
        for landing in landings.drain(..) {
            core.landed(&shared.crew, landing, turn);
        }
        core.serve_slips(&shared.crew, turn);
        if let Some(desk) = &mut core.desk {
            orders.append(&mut desk.orders);
        }
    }
    // The orders are here already.
    turn.is_pilot_asked = false;
    shared.end_turn(turn);
}

fn take_orders(shared: &Shared, orders: &mut Vec<Order>) {
    if let Some(desk) = &mut shared.lock().desk {
        orders.append(&mut desk.orders);
    }
}

/// Before time 0: makes buffers and fills those that have content; keeps everything else.
fn wait_for_start(shared: &Shared, pilot: &mut Pilot) {
    let crew = &shared.crew;
    let (mut landings, mut turn, mut orders) = (Vec::new(), Turn::default(), Vec::new());
    for (at, clock) in pilot.clocks.iter_mut().enumerate() {
        match DeviceClock::new(GpuId(at as u32), pilot.epoch, &mut *pilot.gpus) {
            Ok(read) => *clock = Some(read),
            Err(error) => {
                let doing = "reading a clock".to_owned();
                landings.push(Landing::Trouble { doing, error, job: None });
            }
        }
    }
    while !crew.stop.load(Ordering::Acquire) && !crew.clock.is_started() {
        if crew.has_orders.swap(false, Ordering::AcqRel) {
            take_orders(shared, &mut orders);
        }
        for order in orders.drain(..) {
            match order {
                Order::Allocate { .. } | Order::Release { .. } => {
                    landings.extend(pilot.carry_out(order, 0));
                }
                other => pilot.later.push(other),
            }
        }
        pilot.poll_all(|| 0, &mut landings);
        if !landings.is_empty() {
            land(shared, &mut landings, &mut orders, &mut turn);
        }
        std::thread::park_timeout(LONGEST_PAUSE);
    }
    let since_ns = pilot.epoch.elapsed().as_nanos() as i64;
    pilot.shift_ns = crew.clock.now_ns() as i64 - since_ns;
}

/// Reads the devices' clocks again from time to time.
fn follow_clocks(shared: &Shared, pilot: &mut Pilot) {
    let mut landings = Vec::new();
    for clock in pilot.clocks.iter_mut().flatten() {
        if let Err(error) = clock.follow(&mut *pilot.gpus) {
            // A device that is lost says so by what it ran, too.
            let doing = "reading a clock".to_owned();
            landings.push(Landing::Trouble { doing, error, job: None });
        }
    }
    if !landings.is_empty() {
        pilot.poll_all(|| shared.crew.clock.now_ns(), &mut landings);
        land(shared, &mut landings, &mut pilot.later, &mut Turn::default());
    }
}

/// Pauses: until called when nothing is under way, otherwise the longer the longer nothing happens.
fn rest(shared: &Shared, pilot: &Pilot, last: Instant) {
    let crew = &shared.crew;
    if crew.has_orders.load(Ordering::Acquire) || !pilot.later.is_empty() {
        return;
    }
    if pilot.flights.is_empty() {
        if !crew.stop.load(Ordering::Acquire) {
            std::thread::park();
        }
        return;
    }
    let idle = last.elapsed();
    if idle >= SPIN || crew.is_crowded {
        std::thread::park_timeout((idle / 16).min(LONGEST_PAUSE));
    }
}

/// After the end: brings results home that lie on a GPU, and says what is to be noted.
fn finish(shared: &Shared, pilot: &mut Pilot) {
    let results = shared.lock().results_on_devices();
    for (buffer, object) in results {
        let bytes = shared.lock().arena.whose_bytes(buffer);
        let brought = pilot.bring(buffer, bytes);
        let mut core = shared.lock();
        match brought {
            Ok(own) => core.arena.bring_home(buffer, own),
            Err(error) => {
                let doing = format!("bringing result {object} home");
                core.ending = Some(Ending::Gpu { doing, error });
                break;
            }
        }
    }
    let notes = pilot.notes();
    *shared.crew.pilot_notes.lock().unwrap_or_else(PoisonError::into_inner) = notes;
    pilot.staged.clear();
    pilot.store.trim(&mut *pilot.gpus);
}
