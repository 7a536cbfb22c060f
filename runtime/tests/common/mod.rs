//! What the tests of the executive and of the validator share: a minimal virtual-time driver that
//! checks every command, graphs and machines at random, and simple schedulers.
//!
//! The driver knows no contention: a transfer lasts `Cluster::transfer_ns`, a task its cost. It
//! moves real values through the buffers, so a run also proves that every task met the data that
//! a sequential run in submission order would have shown it.

#![allow(dead_code)] // Each test binary uses a part of it.

pub mod machines;
pub mod programs;
pub mod schedulers;
pub mod trouble;
mod values;

use runtime::executive::{Failure, Outcome, Setup, Stall};
use runtime::trace::{InputRecord, Trace, TraceHeader};
use runtime::{
    BufferId, Command, Commands, Executive, Input, LaneId, MemoryId, Mode, Ns, ObjectId, TaskId,
};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use trouble::Trouble;
use values::Values;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    Failed(Failure),
    Stalled(Stall),
}

/// A finished run.
pub struct Run {
    pub end: End,
    pub log: Vec<Commands>,
    pub trace: Trace,
}

/// A buffer that exists, and who uses it.
#[derive(Clone, Debug)]
struct Slot {
    object: ObjectId,
    memory: MemoryId,
    bytes: u64,
    value: u64,
    readers: u32,
    writers: u32,
    racers: u32,
}

/// Something under way; the order of its variants is the order of events at one instant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Copy { copy: runtime::CopyId, from: BufferId, to: BufferId, value: u64, started_ns: Ns },
    Task { task: TaskId, lane: LaneId, lanes: u32, buffers: Vec<BufferId>, started_ns: Ns },
    Decided,
    Planned { at: usize },
    Timer,
    Start,
    Trouble { what: Trouble },
}

struct Driver {
    exec: Executive,
    now_ns: Ns,
    sequence: u64,
    heap: BinaryHeap<Reverse<(Ns, u8, u64, Pending)>>,
    slots: Vec<Option<Slot>>,
    lanes: Vec<Option<TaskId>>,
    copying: Vec<bool>,
    used_bytes: Vec<u64>,
    done: Vec<bool>,
    /// What was to come of things that were abandoned, by sequence number.
    abandoned: BTreeSet<u64>,
    /// By task and by transfer: the sequence number of its end.
    ends: [Vec<u64>; 2],
    is_troubled: bool,
    plans: Vec<Result<runtime::Schedule, String>>,
    values: Values,
    log: Vec<Commands>,
}

/// Runs to the end and checks everything that a driver can see.
pub fn run(setup: Setup) -> Run {
    run_troubled(setup, &[])
}

/// As [`run`], with devices that go and come back and attempts that fail.
pub fn run_troubled(setup: Setup, troubles: &[(Ns, Trouble)]) -> Run {
    let spec = setup.cluster.spec().clone();
    let exec = Executive::new(setup).expect("the machine can run the graph");
    let mut driver = Driver::new(exec);
    driver.push(0, Pending::Start);
    driver.is_troubled = !troubles.is_empty();
    for &(at_ns, what) in troubles {
        driver.push(at_ns, Pending::Trouble { what });
    }
    while let Some(Reverse((now_ns, _, sequence, pending))) = driver.heap.pop() {
        let is_late = driver.exec.is_done() && matches!(pending, Pending::Trouble { .. });
        if driver.abandoned.remove(&sequence) || is_late {
            continue;
        }
        driver.now_ns = now_ns;
        let Some(input) = driver.complete(pending) else { continue };
        let mut out = Commands::default();
        driver.exec.step(now_ns, input, &mut out);
        out.as_slice().iter().for_each(|c| driver.carry_out(c, out.buffers()));
        driver.check_accounts();
        driver.log.push(out);
        assert!(driver.log.len() < 1_000_000, "the run does not end");
        if driver.exec.failure().is_some() {
            break;
        }
    }
    let end = match (driver.exec.failure(), driver.exec.is_done()) {
        (Some(failure), _) => End::Failed(failure.clone()),
        (None, true) => End::Done,
        (None, false) => End::Stalled(driver.exec.stall()),
    };
    if end == End::Done {
        driver.check_end();
    }
    let header = TraceHeader { cluster: spec, ..TraceHeader::default() };
    Run { end, log: driver.log, trace: driver.exec.into_trace(header) }
}

/// Steps a fresh executive through a recorded input log.
pub fn replay(setup: Setup, inputs: &[InputRecord]) -> Vec<Commands> {
    let mut exec = Executive::new(setup).expect("the machine can run the graph");
    let step = |record: &InputRecord| {
        let mut out = Commands::default();
        exec.step(record.at_ns, record.input.clone(), &mut out);
        out
    };
    inputs.iter().map(step).collect()
}

impl Driver {
    fn new(exec: Executive) -> Self {
        let cluster = exec.cluster();
        Self {
            now_ns: 0,
            sequence: 0,
            heap: BinaryHeap::new(),
            slots: Vec::new(),
            lanes: vec![None; cluster.lane_count()],
            copying: Vec::new(),
            used_bytes: vec![0; cluster.memory_count()],
            done: Vec::new(),
            abandoned: BTreeSet::new(),
            ends: [Vec::new(), Vec::new()],
            is_troubled: false,
            plans: Vec::new(),
            values: Values::default(),
            log: Vec::new(),
            exec,
        }
    }

    fn push(&mut self, at_ns: Ns, pending: Pending) {
        let class = match pending {
            Pending::Copy { .. } => 0,
            Pending::Task { .. } => 1,
            Pending::Decided | Pending::Planned { .. } => 2,
            Pending::Timer | Pending::Start | Pending::Trouble { .. } => 3,
        };
        self.sequence += 1;
        self.heap.push(Reverse((at_ns, class, self.sequence, pending)));
    }

    fn slot(&mut self, buffer: BufferId) -> &mut Slot {
        let slot = self.slots.get_mut(buffer.index()).and_then(Option::as_mut);
        slot.unwrap_or_else(|| panic!("{buffer} is used and not allocated"))
    }

    fn complete(&mut self, pending: Pending) -> Option<Input> {
        Some(match pending {
            Pending::Trouble { what } => return self.trouble(what),
            Pending::Start => Input::Start,
            Pending::Decided => Input::Decided,
            Pending::Planned { at } => Input::Planned { plan: self.plans[at].clone() },
            Pending::Timer => Input::Timer,
            Pending::Copy { copy, from, to, value, started_ns } => {
                self.copying[copy.index()] = false;
                self.slot(from).readers -= 1;
                let to = self.slot(to);
                to.writers -= 1;
                to.value = value;
                Input::Copied { copy, started_ns }
            }
            Pending::Task { task, lane, lanes, buffers, started_ns } => {
                self.end_task(task, lane, lanes, &buffers);
                let outcome: Outcome = None;
                Input::Finished { task, started_ns, outcome }
            }
        })
    }

    fn end_task(&mut self, task: TaskId, lane: LaneId, lanes: u32, buffers: &[BufferId]) {
        (lane.0..lane.0 + lanes).for_each(|l| self.lanes[l as usize] = None);
        let memory = self.exec.cluster().memory_of(self.exec.cluster().device_of(lane));
        self.used_bytes[memory.index()] -= self.exec.graph().task(task).scratch_bytes;
        let accesses = self.exec.graph().accesses(task).to_vec();
        let inputs: Vec<u64> = buffers.iter().map(|b| self.slot(*b).value).collect();
        let outputs = values::outputs(task, &accesses, &inputs);
        for ((access, &buffer), value) in accesses.iter().zip(buffers).zip(outputs) {
            let slot = self.slot(buffer);
            match access.mode {
                Mode::Read => slot.readers -= 1,
                Mode::Racy => slot.racers -= 1,
                _ => slot.writers -= 1,
            }
            slot.value = value;
        }
        self.done[task.index()] = true;
    }

    fn carry_out(&mut self, command: &Command, buffers: &[BufferId]) {
        match *command {
            Command::Allocate { buffer, object, memory, bytes } => {
                self.allocate(buffer, object, memory, bytes);
            }
            Command::Release { buffer } => {
                let slot = self.slot(buffer).clone();
                assert_eq!((slot.readers, slot.writers, slot.racers), (0, 0, 0), "{slot:?}");
                self.used_bytes[slot.memory.index()] -= slot.bytes;
                self.slots[buffer.index()] = None;
            }
            Command::Copy { copy, object, from, to, source, target, bytes } => {
                self.copying.resize(self.copying.len().max(copy.index() + 1), false);
                assert!(!std::mem::replace(&mut self.copying[copy.index()], true));
                assert_ne!(source, target);
                let is_same = |s: &Slot, m| (s.object, s.memory, s.bytes) == (object, m, bytes);
                let s = self.slot(from);
                assert!(is_same(s, source) && s.writers == 0 && s.racers == 0, "copy out of {s:?}");
                s.readers += 1;
                let value = s.value;
                let t = self.slot(to);
                assert!(is_same(t, target), "copy into {t:?}");
                assert_eq!((t.readers, t.writers, t.racers), (0, 0, 0), "copy into {t:?}");
                t.writers += 1;
                let started_ns = self.now_ns;
                let end_ns = started_ns + self.exec.cluster().transfer_ns(source, target, bytes);
                self.note_end(1, copy.index());
                self.push(end_ns, Pending::Copy { copy, from, to, value, started_ns });
            }
            Command::Run { task, device, lane, lanes, first_buffer } => {
                let count = self.exec.graph().accesses(task).len();
                let buffers = buffers[first_buffer as usize..][..count].to_vec();
                self.start_task(task, device, lane, lanes, &buffers);
                let duration_ns = self.exec.view().costs().duration_ns(task, device);
                let end_ns = self.now_ns + duration_ns.expect("the device can run the task");
                let started_ns = self.now_ns;
                self.note_end(0, task.index());
                self.push(end_ns, Pending::Task { task, lane, lanes, buffers, started_ns });
            }
            Command::Think { thinking_ns } => {
                self.push(self.now_ns + thinking_ns, Pending::Decided);
            }
            Command::Plan => {
                let study = self.exec.take_study().expect("a plan was asked for");
                let (plan, thinking_ns) = self.exec.charged(study);
                self.plans.push(plan);
                let at = self.plans.len() - 1;
                self.push(self.now_ns + thinking_ns, Pending::Planned { at });
            }
            Command::Wake { at_ns } => self.push(at_ns, Pending::Timer),
            Command::Abandon { task, .. } => self.abandon(0, task.index()),
            Command::AbandonCopy { copy } => self.abandon(1, copy.index()),
            Command::Restore { buffer, object } => {
                let value = Values::initial(object);
                self.slot(buffer).value = value;
            }
        }
    }

    fn allocate(&mut self, buffer: BufferId, object: ObjectId, memory: MemoryId, bytes: u64) {
        let plain = self.exec.graph().object(object);
        assert_eq!(bytes, plain.bytes);
        let is_home = self.exec.cluster().home(plain.home) == memory;
        let value = self.values.of_new_buffer(object, plain.initial && is_home);
        let index = buffer.index();
        self.slots.resize(self.slots.len().max(index + 1), None);
        assert!(self.slots[index].is_none(), "{buffer} is allocated twice");
        let mut others = self.slots.iter().flatten();
        assert!(!others.any(|s| s.object == object && s.memory == memory), "two of {object}");
        let slot = Slot { object, memory, bytes, value, readers: 0, writers: 0, racers: 0 };
        self.slots[index] = Some(slot);
        self.used_bytes[memory.index()] += bytes;
    }

    fn start_task(
        &mut self,
        task: TaskId,
        device: runtime::DeviceId,
        lane: LaneId,
        lanes: u32,
        buffers: &[BufferId],
    ) {
        let graph = self.exec.graph();
        self.done.resize(graph.len(), false);
        assert!(self.is_troubled || !self.done[task.index()], "{task} runs twice");
        assert!(graph.predecessors(task).all(|p| self.done[p.index()]), "{task} runs too early");
        assert_eq!(lanes, graph.task(task).cores);
        let memory = self.exec.cluster().memory_of(device);
        self.used_bytes[memory.index()] += graph.task(task).scratch_bytes;
        for l in lane.0..lane.0 + lanes {
            assert_eq!(self.exec.cluster().device_of(LaneId(l)), device);
            let before = self.lanes[l as usize].replace(task);
            assert_eq!(before, None, "lane {l} runs two tasks");
        }
        let accesses = self.exec.graph().accesses(task).to_vec();
        for (access, &buffer) in accesses.iter().zip(buffers) {
            let slot = self.slot(buffer);
            assert_eq!((slot.object, slot.memory), (access.object, memory));
            let what = format!("{task} takes {slot:?} as {:?}", access.mode);
            assert_eq!(slot.writers, 0, "{what}");
            match access.mode {
                Mode::Read => slot.readers += 1,
                Mode::Racy => slot.racers += 1,
                _ => slot.writers += 1,
            }
            let is_alone = slot.readers + slot.racers + slot.writers == 1;
            match access.mode {
                Mode::Read => assert_eq!(slot.racers, 0, "{what}"),
                Mode::Racy => assert_eq!(slot.readers, 0, "{what}"),
                _ => assert!(is_alone, "{what}"),
            }
        }
    }

    /// The executive accounts for at least what there is, and nothing exceeds a capacity.
    fn check_accounts(&self) {
        for memory in self.exec.cluster().memory_ids() {
            let used_bytes = self.used_bytes[memory.index()];
            if let Some(capacity) = self.exec.cluster().memory(memory).capacity_bytes {
                let free = self.exec.view().free_bytes(memory).expect("a bounded memory");
                assert!(used_bytes + free <= capacity, "{memory}: {used_bytes} used, {free} free");
            }
        }
    }

    /// Results are at home with the values of a sequential run, and nothing else is left.
    fn check_end(&self) {
        let (graph, cluster) = (self.exec.graph(), self.exec.cluster());
        let expected = Values::sequential(graph);
        for object in graph.object_ids() {
            let plain = graph.object(object);
            let home = cluster.home(plain.home);
            let is_used =
                graph.task_ids().any(|t| graph.accesses(t).iter().any(|a| a.object == object));
            let copies = || self.slots.iter().flatten().filter(|s| s.object == object);
            if plain.keep && is_used {
                let value = copies().find(|s| s.memory == home).map(|s| s.value);
                assert_eq!(value, Some(expected[object.index()]), "result {object} at home");
            } else if !plain.held && !plain.keep {
                assert_eq!(copies().count(), 0, "dead {object} has buffers");
            }
        }
        for memory in cluster.memory_ids() {
            if let Some(capacity) = cluster.memory(memory).capacity_bytes {
                let free = self.exec.view().free_bytes(memory);
                assert_eq!(free, Some(capacity - self.used_bytes[memory.index()]), "{memory}");
            }
        }
    }
}
