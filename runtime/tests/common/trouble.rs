//! Devices that go and come back, attempts that fail, and a scheduler that bears it.

use super::programs::Random;
use super::{Driver, Pending};
use runtime::scheduler::{LaneOrder, Options, Stage};
use runtime::{Decisions, DeviceId, Event, Input, Mode, Scheduler, TaskId, View};
use std::cmp::Reverse;

/// Something that goes wrong, or right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    Lose(DeviceId),
    Join(DeviceId),
    /// One of the tasks that run fails, by its number among them.
    Fail(u32),
}

impl Driver {
    pub(super) fn trouble(&mut self, what: Trouble) -> Option<Input> {
        Some(match what {
            Trouble::Lose(device) => Input::DeviceLost { device },
            Trouble::Join(device) => Input::DeviceJoined { device },
            Trouble::Fail(number) => {
                let mut running: Vec<TaskId> = self.lanes.iter().flatten().copied().collect();
                running.sort_unstable();
                running.dedup();
                let task = *running.get(number as usize % running.len().max(1))?;
                let started_ns = self.start_of(task);
                self.abandon(0, task.index());
                Input::AttemptFailed { task, started_ns }
            }
        })
    }

    fn start_of(&self, task: TaskId) -> u64 {
        let sequence = self.ends[0][task.index()];
        let found = self.heap.iter().find(|Reverse(e)| e.2 == sequence);
        let Some(Reverse((.., Pending::Task { started_ns, .. }))) = found else {
            panic!("{task} does not run")
        };
        *started_ns
    }

    /// The next end that is pushed is that of a task (0) or a transfer (1).
    pub(super) fn note_end(&mut self, kind: usize, at: usize) {
        let ends = &mut self.ends[kind];
        ends.resize(ends.len().max(at + 1), u64::MAX);
        ends[at] = self.sequence + 1;
    }

    /// Something under way never ends. What it was writing is garbage.
    pub(super) fn abandon(&mut self, kind: usize, at: usize) {
        let sequence = self.ends[kind][at];
        let found = self.heap.iter().find(|Reverse(e)| e.2 == sequence);
        let Reverse((.., pending)) = found.expect("it is under way").clone();
        assert!(self.abandoned.insert(sequence), "abandoned twice");
        match pending {
            Pending::Copy { copy, from, to, .. } => {
                self.copying[copy.index()] = false;
                self.slot(from).readers -= 1;
                let garbage = self.values.garbage();
                let to = self.slot(to);
                to.writers -= 1;
                to.value = garbage;
            }
            Pending::Task { task, lane, lanes, buffers, .. } => {
                (lane.0..lane.0 + lanes).for_each(|l| self.lanes[l as usize] = None);
                let memory = self.exec.cluster().memory_of(self.exec.cluster().device_of(lane));
                self.used_bytes[memory.index()] -= self.exec.graph().task(task).scratch_bytes;
                for (at, &buffer) in buffers.iter().enumerate() {
                    let mode = self.exec.graph().accesses(task)[at].mode;
                    let garbage = self.values.garbage();
                    let slot = self.slot(buffer);
                    match mode {
                        Mode::Read => slot.readers -= 1,
                        // Updates in part are tolerated, and none was made.
                        Mode::Racy => slot.racers -= 1,
                        _ => {
                            slot.writers -= 1;
                            slot.value = garbage;
                        }
                    }
                }
            }
            other => panic!("{other:?} was abandoned"),
        }
    }
}

/// Places ready tasks at random on devices that are there, sooner or later.
pub struct Patient {
    options: Options,
    random: Random,
    open: Vec<TaskId>,
}

impl Patient {
    pub fn new(seed: u64, options: Options) -> Self {
        Self { options, random: Random::new(seed, "patient"), open: Vec::new() }
    }

    fn place(&mut self, task: TaskId, view: &View<'_>, out: &mut Decisions) -> bool {
        let (graph, cluster) = (view.graph(), view.cluster());
        let cores = graph.task(task).cores;
        let memory = graph.accesses(task).iter().filter(|a| a.mode == Mode::Racy);
        let memories: Vec<_> = memory.filter_map(|a| view.racy_memory(a.object)).collect();
        if graph.task(task).gang.is_some() {
            let Some((device, lane)) = super::schedulers::ruled(view, task) else { return false };
            let is_there = view.costs().duration_ns(task, device).is_some();
            if is_there {
                out.place_on(task, device, lane, -i64::from(task.0));
            }
            return is_there;
        }
        let able: Vec<DeviceId> = (cluster.device_ids())
            .filter(|d| cluster.device(*d).lanes >= cores)
            .filter(|d| view.costs().duration_ns(task, *d).is_some())
            .filter(|d| memories.iter().all(|m| *m == cluster.memory_of(*d)))
            .collect();
        if able.is_empty() {
            return false;
        }
        let device = able[self.random.below(able.len() as u32) as usize];
        let lanes = cluster.device(device).lanes + 1 - cores;
        let lane = cluster.first_lane(device).0 + self.random.below(lanes);
        match self.options.lane_order {
            LaneOrder::Strict => {
                out.place_on(task, device, runtime::LaneId(lane), -i64::from(task.0));
            }
            LaneOrder::Runnable => out.place(task, device),
        }
        true
    }
}

impl Scheduler for Patient {
    fn options(&self) -> Options {
        self.options
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            match *event {
                Event::Ready { task } => self.open.push(task),
                Event::Refused { decision: runtime::Decision::Place { task, .. }, .. } => {
                    self.open.push(task);
                }
                _ => {}
            }
        }
        self.open.sort_unstable();
        self.open.dedup();
        for task in std::mem::take(&mut self.open) {
            let is_open = view.stage(task) < Stage::Running && view.placement(task).is_none();
            // One at a time: the next one may have to follow where this one goes.
            if is_open && (!out.is_empty() || !self.place(task, view, out)) {
                self.open.push(task);
            }
        }
        if !out.is_empty() && !self.open.is_empty() {
            out.wake(view.now_ns());
        }
    }
}

/// Outages and failures of a run, all devices being there again at last.
pub fn troubles(seed: u64, devices: usize, count: u32, horizon_ns: u32) -> Vec<(u64, Trouble)> {
    let mut random = Random::new(seed, "trouble");
    let mut list = Vec::new();
    for _ in 0..count {
        let at_ns = u64::from(random.below(horizon_ns));
        if random.chance(1, 3) {
            list.push((at_ns, Trouble::Fail(random.below(100))));
            continue;
        }
        let device = DeviceId(random.below(devices as u32));
        let back_ns = at_ns + 1 + u64::from(random.below(horizon_ns / 2 + 1));
        list.push((at_ns, Trouble::Lose(device)));
        list.push((back_ns, Trouble::Join(device)));
    }
    list.sort_unstable();
    // An outage that ends within another one of the same device ends that too; what matters is
    // that the last word is that it is there.
    let end_ns = u64::from(horizon_ns) * 2;
    list.extend((0..devices).map(|d| (end_ns, Trouble::Join(DeviceId::from_index(d)))));
    list
}
