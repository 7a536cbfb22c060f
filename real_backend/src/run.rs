//! A run from its start to its end.

use crate::core::{Core, Devices, Ending, Parts};
use crate::crew::{Crew, CrewSizes, Profile};
use crate::disks::{self, Disks};
use crate::machine::Machine;
use crate::mover::carry;
use crate::pace::Pace;
use crate::pilot::{self, Pilot};
use crate::service::serve;
use crate::spec::{DiskError, RunError, RunOutput, RunSpec};
use crate::submitter::Submitter;
use crate::worker::{Seat, Shared, work};
use gpu::GpuId;
use runtime::executive::Setup;
use runtime::kernel::Kernel;
use runtime::trace::{Trace, TraceHeader, World};
use runtime::{BufferId, Cluster, DeviceId, Executive, LaneId, ObjectId};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long threads may take to come back after a run was given up.
const GRACE: Duration = Duration::from_secs(1);

/// Runs a graph on this machine: one pinned worker per lane, real buffers, real kernels.
///
/// # Errors
/// [`RunError`] when the run cannot begin, fails, stalls or takes too long.
///
/// # Panics
/// When the scheduler, the program or the inputs panic, with their panic.
pub fn run(spec: RunSpec) -> Result<RunOutput, RunError> {
    begin(spec, false)?.join()
}

/// Begins a run that tasks are submitted to while it goes on. It ends after
/// [`Submitter::close`], when all of them have ended.
///
/// # Errors
/// [`RunError`] when the run cannot begin.
pub fn start(spec: RunSpec) -> Result<Running, RunError> {
    begin(spec, true)
}

/// A run under way.
pub struct Running {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    header: TraceHeader,
    notes: Vec<String>,
    until: Instant,
    limits: Limits,
}

impl Running {
    /// A way to submit tasks to it.
    pub fn submitter(&self) -> Submitter {
        Submitter::new(Arc::clone(&self.shared))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`RunError`] when it fails, stalls or takes too long.
    ///
    /// # Panics
    /// When the scheduler, the program or the inputs panicked, with their panic.
    pub fn join(self) -> Result<RunOutput, RunError> {
        let Self { shared, threads, mut header, mut notes, until, limits } = self;
        if !shared.crew.wait_for_end(until) {
            return give_up(&shared, &threads, header, &limits);
        }
        shared.crew.stop();
        threads.into_iter().for_each(|thread| _ = thread.join());
        let mut late: Vec<String> = shared.crew.pace.iter().flat_map(Pace::notes).collect();
        let pilot = &shared.crew.pilot_notes;
        late.append(&mut pilot.lock().unwrap_or_else(PoisonError::into_inner));
        header.provenance.extend(late.iter().map(|n| as_provenance(n)));
        notes.extend(late);
        conclude(&shared, header, notes, &limits)
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("header", &self.header).finish_non_exhaustive()
    }
}

fn begin(spec: RunSpec, is_open: bool) -> Result<Running, RunError> {
    let is_emulated = spec.emulation.is_some();
    let gpu_spec = spec.gpus.filter(|_| !is_emulated);
    let gpu_of = match gpu_spec {
        Some(_) => pilot::gpu_of(&spec.cluster),
        None => vec![None; spec.cluster.memory_count()],
    };
    check_capacities(&spec.cluster, &gpu_of)?;
    let folder = spec.disk_folder.unwrap_or_else(std::env::temp_dir);
    let disks = match is_emulated {
        true => Disks::default(),
        false => disks::make(&spec.cluster, &folder, gpu_spec.is_some())?,
    };
    let until = Instant::now().checked_add(spec.timeout);
    let machine = Machine::detect();
    let limit_bytes = spec.memory_limit_bytes.or(machine.available_bytes).unwrap_or(u64::MAX);
    let cores = if spec.cores.is_empty() { &machine.cores } else { &spec.cores };
    let seats = seats(&spec.cluster, if is_emulated { &[] } else { cores }, &gpu_of);
    let is_crowded = is_emulated || seats.len() > distinct(cores);
    // Emulated workers sleep until the model says that a task ends: nothing hurries them, and a
    // start that is put right by some microseconds would make a task shorter than its model. The
    // pilot of GPUs starts what it is given at once.
    let has_gpus = gpu_of.iter().any(Option::is_some);
    let issue_ahead = if is_emulated || has_gpus { 0 } else { spec.issue_ahead };
    let mut notes = Vec::new();
    let mut header = TraceHeader {
        world: if is_emulated { World::Emulated } else { World::Measured },
        scheduler: spec.scheduler_name,
        seed: spec.seed,
        cluster: spec.cluster.spec().clone(),
        issue_ahead,
        provenance: machine.provenance(),
        retry: Default::default(),
    };
    match is_emulated {
        true => header.provenance.push(("emulated".to_owned(), emulated(&spec.cluster, cores))),
        false => notes.extend(crowd_note(seats.len(), cores, is_crowded)),
    }
    if !disks.files.is_empty() {
        header.provenance.push(("disks".to_owned(), format!("files in {}", folder.display())));
        if !disks.is_direct {
            notes.push("disks were reached through the system's cache".to_owned());
        }
    }
    let (mut devices, mut pilot) = (None, None);
    if let Some(gpu_spec) = gpu_spec {
        for facts in gpu_spec.gpus.facts().iter().take(gpu_of.iter().flatten().count()) {
            header.provenance.push(("gpu".to_owned(), gpu_facts(facts)));
        }
        let names = gpu_spec.kernels.names().map(str::to_owned).collect();
        let pinner = gpu_spec.pins.then(|| gpu_spec.gpus.pinner()).flatten();
        devices = Some(Devices { gpu_of, names, pinner });
        pilot = Some(Pilot::new(gpu_spec, &spec.cluster)?);
    }
    let names: Vec<&str> = spec.kernels.names().collect();
    let bodies: Vec<Arc<dyn Kernel>> =
        names.into_iter().filter_map(|name| spec.kernels.get(name).cloned()).collect();
    let movers = movers(&spec.cluster, disks.files.len(), is_emulated);
    let sizes = CrewSizes { lanes: spec.cluster.lane_count(), movers, is_crowded };
    let mut crew = Crew::new(sizes, is_emulated.then(Pace::default), bodies);
    crew.may_put_off = movers == 0 && spec.program.is_none() && !is_open;
    crew.profile = spec.is_profiled.then(Profile::default);
    let mut executive = Executive::new(Setup {
        graph: spec.graph,
        cluster: spec.cluster,
        estimates: spec.estimates,
        scheduler: spec.scheduler,
        thinking: spec.thinking,
        program: spec.program,
        tracing: spec.tracing,
    })?;
    executive.issue_ahead(issue_ahead);
    if is_open {
        executive.open();
    }
    let core = Core::new(Parts {
        executive,
        truth: spec.truth,
        kernels: spec.kernels,
        inputs: spec.inputs,
        limit_bytes,
        disks: disks.files,
        links: spec.emulation,
        devices,
    });
    let shared = Arc::new(Shared { crew, core: core.into() });
    let mut threads = Vec::with_capacity(seats.len() + movers + 1);
    notes.extend(start_threads(&shared, seats, pilot, &mut threads)?);
    header.provenance.extend(notes.iter().map(|n| as_provenance(n)));
    let until = until.unwrap_or_else(|| Instant::now() + Duration::from_secs(u32::MAX.into()));
    let limits = Limits { limit_bytes, timeout: spec.timeout };
    Ok(Running { shared, threads, header, notes, until, limits })
}

fn as_provenance(note: &str) -> (String, String) {
    ("note".to_owned(), note.to_owned())
}

/// What errors tell about the limits of a run.
struct Limits {
    limit_bytes: u64,
    timeout: Duration,
}

/// What a trace tells of a GPU.
fn gpu_facts(facts: &gpu::Facts) -> String {
    let gpu::Facts { name, memory_bytes, processors, capability, driver, .. } = facts;
    format!(
        "{name}, {memory_bytes} bytes, {processors} multiprocessors of {}.{}, CUDA driver {}.{}",
        capability / 10,
        capability % 10,
        driver / 1000,
        driver % 1000 / 10
    )
}

/// Lanes of CPUs have a core each; those of GPUs may share their device.
fn check_capacities(cluster: &Cluster, gpu_of: &[Option<GpuId>]) -> Result<(), RunError> {
    let is_cpu = |d: &DeviceId| gpu_of[cluster.memory_of(*d).index()].is_none();
    match cluster.device_ids().filter(is_cpu).find(|d| cluster.is_shared(*d)) {
        Some(d) => Err(RunError::SharedCapacity { device: cluster.device(d).name.clone() }),
        None => Ok(()),
    }
}

/// The `i`-th lane of a CPU sits on core `i`, round-robin; nobody is pinned where there are no
/// cores. Streams have no seat.
fn seats(cluster: &Cluster, cores: &[u32], gpu_of: &[Option<GpuId>]) -> Vec<Seat> {
    let is_cpu = |lane: u32| {
        let device = cluster.device_of(LaneId(lane));
        gpu_of[cluster.memory_of(device).index()].is_none()
    };
    let lanes = cluster.lane_count() as u32;
    let mut next = cores.iter().copied().cycle();
    // By lane: a stream's entry is never looked at.
    let of_lane = |lane| if is_cpu(lane) { next.next() } else { cores.first().copied() };
    let cores: Vec<u32> = (0..lanes).filter_map(of_lane).collect();
    let seats = (0..lanes).filter(|lane| is_cpu(*lane));
    seats.map(|lane| Seat { lane, cores: cores.clone() }).collect()
}

fn distinct(cores: &[u32]) -> usize {
    let mut cores = cores.to_vec();
    cores.sort_unstable();
    cores.dedup();
    cores.len()
}

fn crowd_note(lanes: usize, cores: &[u32], is_crowded: bool) -> Option<String> {
    let cores = distinct(cores);
    let note = || format!("{lanes} lanes share {cores} cores: durations are not those of a core");
    is_crowded.then(note)
}

/// What stands for what.
fn emulated(cluster: &Cluster, cores: &[u32]) -> String {
    let (devices, memories) = (cluster.device_count(), cluster.memory_count());
    let (lanes, cores) = (cluster.lane_count(), distinct(cores));
    format!("{devices} devices with {lanes} lanes over {memories} memories, on {cores} cores")
}

/// Threads for transfers: none where there is nothing to transfer. Main memory is not copied
/// faster by more than one; an emulated network carries several transfers at once; disks have as
/// many requests under way as their copy engines allow.
fn movers(cluster: &Cluster, disks: usize, is_emulated: bool) -> usize {
    match (cluster.memory_count(), disks, is_emulated) {
        (1, ..) => 0,
        (_, _, true) => 2,
        (_, 0, false) => 1,
        (_, _, false) => disks::requests(cluster),
    }
}

/// Starts everybody; returns what is to be noted.
fn start_threads(
    shared: &Arc<Shared>,
    seats: Vec<Seat>,
    pilot: Option<Pilot>,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<Vec<String>, RunError> {
    let notes = start_workers(shared, seats, threads)?;
    if let Some(pilot) = pilot {
        let theirs = Arc::clone(shared);
        let body = move || theirs.guarded(|| pilot::fly(&theirs, pilot));
        spawn(shared, threads, "pilot", body)?;
    }
    for at in 0..shared.crew.movers.len() {
        let theirs = Arc::clone(shared);
        spawn(shared, threads, "mover", move || theirs.guarded(|| carry(&theirs, at)))?;
    }
    let theirs = Arc::clone(shared);
    spawn(shared, threads, "service", move || theirs.guarded(|| serve(&theirs)))?;
    Ok(notes)
}

/// Starts the workers and waits until they are at their places.
fn start_workers(
    shared: &Arc<Shared>,
    seats: Vec<Seat>,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<Vec<String>, RunError> {
    let (say, hear) = channel();
    for seat in seats {
        let (theirs, say) = (Arc::clone(shared), say.clone());
        let body = move || {
            theirs.crew.own(seat.lane);
            _ = say.send((seat.lane, seat.pin(1)));
            drop(say);
            theirs.guarded(|| work(&theirs, &seat));
        };
        spawn(shared, threads, "worker", body)?;
    }
    drop(say);
    Ok(pin_notes(&hear))
}

fn spawn(
    shared: &Shared,
    threads: &mut Vec<JoinHandle<()>>,
    name: &str,
    body: impl FnOnce() + Send + 'static,
) -> Result<(), RunError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    match spawned {
        Ok(thread) => threads.push(thread),
        Err(error) => {
            shared.crew.stop();
            threads.drain(..).for_each(|thread| _ = thread.join());
            return Err(RunError::Thread(error));
        }
    }
    Ok(())
}

fn pin_notes(hear: &Receiver<(u32, rustix::io::Result<()>)>) -> Vec<String> {
    let mut failed: Vec<(u32, rustix::io::Errno)> =
        hear.iter().filter_map(|(lane, result)| Some((lane, result.err()?))).collect();
    failed.sort_by_key(|f| f.0);
    let note = |(lane, error)| format!("the worker of lane {lane} is not pinned: {error}");
    failed.into_iter().map(note).collect()
}

/// Takes the result out; all threads are gone.
fn conclude(
    shared: &Shared,
    header: TraceHeader,
    notes: Vec<String>,
    limits: &Limits,
) -> Result<RunOutput, RunError> {
    let mut core = shared.lock();
    let executive = core.executive.take().expect("it is taken once, by the caller of run");
    let ending = core.ending.take().expect("the run is over");
    let name = |object| executive.graph().object_name(object);
    Err(match ending {
        Ending::Done => {
            let makespan_ns = executive.makespan_ns();
            let arena = std::mem::replace(&mut core.arena, crate::buffers::Arena::new(0, 0));
            let results = results(&executive, &arena);
            let (digest, planning_ns) = (core.digest, core.planning_ns.unwrap_or(0));
            let trace = executive.into_trace(header);
            return Ok(RunOutput {
                makespan_ns,
                trace,
                digest,
                planning_ns,
                spent: shared.crew.profile.as_ref().map(Profile::total),
                notes,
                arena,
                results,
            });
        }
        Ending::Failed(failure) => RunError::Failed { failure, trace: saved(executive, header) },
        Ending::Stalled(stall) => RunError::Stalled { stall, trace: saved(executive, header) },
        Ending::Abandoned => RunError::Abandoned { trace: saved(executive, header) },
        Ending::TimedOut => {
            let trace = Some(saved(executive, header));
            timed_out(limits, Vec::new(), trace)
        }
        Ending::Exhausted { object, bytes, used_bytes } => {
            let (object, limit_bytes) = (name(object), limits.limit_bytes);
            let trace = saved(executive, header);
            RunError::OutOfMemory { object, bytes, used_bytes, limit_bytes, trace }
        }
        Ending::Disk { verb, object, memory, fault } => {
            let memory = executive.cluster().memory(memory).name.clone();
            let error = DiskError { verb, object: name(object), memory, fault };
            RunError::Disk { error, trace: saved(executive, header) }
        }
        Ending::Gpu { doing, error } => {
            RunError::Gpu { doing, error, trace: saved(executive, header) }
        }
        Ending::Conflict { what, buffer } => {
            RunError::Conflict { what, buffer, trace: saved(executive, header) }
        }
        Ending::Panicked(payload) => {
            drop(core);
            resume_unwind(payload)
        }
    })
}

fn saved(executive: Executive, header: TraceHeader) -> Box<Trace> {
    Box::new(executive.into_trace(header))
}

fn timed_out(limits: &Limits, running: Vec<String>, trace: Option<Box<Trace>>) -> RunError {
    RunError::TimedOut { limit_ms: limits.timeout.as_millis(), running, trace }
}

/// Kept objects and their buffers at home, by object.
fn results(executive: &Executive, arena: &crate::buffers::Arena) -> Vec<(ObjectId, BufferId)> {
    let (graph, cluster) = (executive.graph(), executive.cluster());
    let mut results: Vec<(ObjectId, BufferId)> = (arena.live())
        .filter(|(_, object, memory)| {
            let plain = graph.object(*object);
            plain.keep && cluster.home(plain.home) == *memory
        })
        .map(|(buffer, object, _)| (object, buffer))
        .collect();
    results.sort_unstable();
    results
}

/// The time is over: stops what can be stopped, waits a little for the rest, and leaves behind
/// threads whose kernels do not return.
fn give_up(
    shared: &Arc<Shared>,
    threads: &[JoinHandle<()>],
    header: TraceHeader,
    limits: &Limits,
) -> Result<RunOutput, RunError> {
    let until = Instant::now() + GRACE;
    let mut core = loop {
        match shared.core.try_lock() {
            Ok(core) => break core,
            Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                shared.crew.stop();
                return Err(timed_out(limits, Vec::new(), None));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    core.end(Ending::TimedOut);
    let running = core.executive.as_ref().map_or_else(Vec::new, running);
    drop(core);
    shared.crew.stop();
    while Instant::now() < until && !threads.iter().all(JoinHandle::is_finished) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let executive = shared.lock().executive.take();
    Err(timed_out(limits, running, executive.map(|e| saved(e, header))))
}

/// Names of the tasks on all lanes.
fn running(executive: &Executive) -> Vec<String> {
    let lanes = (0..executive.cluster().lane_count() as u32).map(LaneId);
    let mut tasks: Vec<_> = lanes.filter_map(|lane| executive.view().running(lane)).collect();
    tasks.dedup();
    tasks.into_iter().map(|task| executive.graph().task_name(task)).collect()
}
