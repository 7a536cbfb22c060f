//! The executive's data: flat arrays by task, object, device, lane and memory.

use super::engines::CopyQueue;
use super::growth::Feasibility;
use super::links::Links;
use super::loss::LossState;
use super::queue::TaskQueue;
use super::record::Recorder;
use super::stall::Failure;
use super::store::{Content, List, NONE, Store};
use super::{Command, Commands};
use crate::scheduler::{Event, LaneOrder, Options, Stage};
use crate::{Cluster, Costs, GangId, MemoryId, Ns, ObjectId, TaskGraph, TaskId};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::sync::Arc;

pub(crate) struct State {
    pub graph: TaskGraph,
    pub cluster: Arc<Cluster>,
    pub estimates: Costs,
    pub options: Options,
    /// Tasks that a strict lane is given besides the one that it runs.
    pub issue_ahead: usize,
    pub now_ns: Ns,
    /// When everything was done.
    pub end_ns: Option<Ns>,
    pub finished: usize,
    pub(super) initial_tasks: usize,
    /// Results that are not at home yet.
    pub(super) pending_results: usize,
    pub events: Vec<Event>,
    pub failure: Option<Failure>,
    pub(crate) tasks: Vec<TaskState>,
    pub(crate) objects: Vec<ObjectState>,
    pub(crate) lanes: Vec<LaneState>,
    pub(crate) devices: Vec<DeviceState>,
    pub(crate) memories: Vec<MemoryState>,
    pub(super) gangs: Vec<GangState>,
    /// Gangs whose members are all runnable, in that order.
    pub(super) gang_queue: VecDeque<u32>,
    pub(super) store: Store,
    pub(super) copies: Vec<CopyState>,
    pub(super) free_copies: Vec<u32>,
    pub(super) copies_issued: u32,
    /// Tasks and transfers that were issued and have not ended.
    pub under_way: u32,
    pub(super) copy_queue: CopyQueue,
    pub(super) copy_requests: u32,
    pub(super) placements: u32,
    pub(super) uses: u64,
    /// Devices on which something may be able to start.
    pub(super) dirty_devices: Vec<u32>,
    /// Memories in which something may be reserved.
    pub(super) dirty_memories: Vec<u32>,
    /// Whether any memory has a capacity, so that memory must be asked for.
    pub(super) is_bounded: bool,
    /// A request waits for room in another memory than its task's.
    pub(super) is_waiting_elsewhere: bool,
    /// Reused by requests.
    pub(super) needs: Vec<(MemoryId, u64)>,
    pub(super) held: Vec<u32>,
    pub(super) lock_waiters: Vec<VecDeque<(u32, u32)>>,
    pub(super) timers: BinaryHeap<Reverse<Ns>>,
    /// Accessing tasks per object in submission order, for next-use eviction.
    pub(super) users: Vec<VecDeque<TaskId>>,
    pub(super) recorder: Recorder,
    /// What failures left to be done.
    pub(super) losses: LossState,
    pub(super) links: Links,
}

pub(crate) struct TaskState {
    /// Incoming edges whose tail has not finished.
    pub waiting: u32,
    /// Inputs that are on their way.
    pub missing: u32,
    pub device: u32,
    /// The lane asked for.
    pub lane: u32,
    pub priority: i64,
    /// Placement number; entries in queues that carry another one are stale.
    pub placement: u32,
    pub stage: Stage,
    /// It has its exclusive objects.
    pub is_locked: bool,
    /// It is in the queue of an exclusive object.
    pub is_lock_waiting: bool,
    /// The scheduler was told that it is ready, and it is up to the scheduler to place it.
    pub is_announced: bool,
    /// It finished before: its outcome has been acted upon.
    pub has_grown: bool,
    /// Its gang has started, and it has to run again: by itself.
    pub is_detached: bool,
    /// How often it was issued, and how often that failed.
    pub attempts: u32,
    pub failures: u32,
}

pub(crate) struct ObjectState {
    /// Its buffers.
    pub(super) copies: List,
    /// Writes so far.
    pub version: u32,
    /// Accesses that have not ended.
    pub uses_left: u32,
    /// The task that has exclusive access.
    pub locked_by: u32,
    /// Index into the lock queues.
    pub lock_queue: u32,
    /// Placed tasks that use it racily, and in which memory.
    pub racy_users: u32,
    pub racy_memory: u32,
    /// Whether its home has set its bytes aside.
    pub is_home_charged: bool,
    /// Whether it is initial or was written.
    pub exists: bool,
    pub is_dead: bool,
}

#[derive(Default)]
pub(crate) struct LaneState {
    pub running: Option<TaskId>,
    /// Tasks that were issued to run after it, in this order.
    pub ahead: VecDeque<TaskId>,
    /// Under strict order: the task that keeps its turn, whatever is placed before it, since it
    /// has memory or exclusive objects that others may wait for.
    pub turn: Option<TaskId>,
    /// Estimated end of what was issued.
    pub until_ns: Ns,
    pub queue: TaskQueue,
}

#[derive(Default)]
pub(crate) struct DeviceState {
    pub queue: TaskQueue,
    pub idle_lanes: u32,
    /// Estimated work placed and not issued, times cores.
    pub load_ns: Ns,
    pub queued: u32,
    pub is_dirty: bool,
    pub is_lost: bool,
}

pub(crate) struct MemoryState {
    pub capacity_bytes: Option<u64>,
    pub used_bytes: u64,
    /// Bytes that will be free when write-backs under way are done.
    pub evicting_bytes: u64,
    pub evictable: BTreeSet<(u64, u32)>,
    /// Tasks that wait for memory, in the order of their requests.
    pub queue: VecDeque<(u32, u32)>,
    /// Placement number of the last request that the scheduler was told is refused.
    pub pressure_told: u32,
    pub copies_in: u32,
    pub copies_out: u32,
    pub is_dirty: bool,
}

#[derive(Clone, Default)]
pub(super) struct GangState {
    pub members: Vec<TaskId>,
    pub runnable: u32,
}

pub(super) struct CopyState {
    pub object: ObjectId,
    pub from: u32,
    pub to: u32,
    pub reason: crate::trace::CopyReason,
    pub priority: i64,
    /// Number of the request, by which entries in queues recognise it.
    pub request: u32,
    pub requested_ns: Ns,
    pub issued_ns: Ns,
    pub id: u32,
}

impl State {
    pub fn new(
        graph: TaskGraph,
        cluster: Arc<Cluster>,
        estimates: Costs,
        options: Options,
        tracing: bool,
    ) -> Result<Self, Feasibility> {
        let mut state = Self {
            issue_ahead: 0,
            now_ns: 0,
            end_ns: None,
            finished: 0,
            initial_tasks: graph.len(),
            pending_results: 0,
            events: Vec::new(),
            failure: None,
            tasks: Vec::with_capacity(graph.len()),
            objects: Vec::with_capacity(graph.object_count()),
            lanes: (0..cluster.lane_count()).map(|_| LaneState::default()).collect(),
            devices: (cluster.device_ids())
                .map(|d| DeviceState {
                    idle_lanes: cluster.device(d).lanes,
                    ..DeviceState::default()
                })
                .collect(),
            memories: (cluster.memory_ids())
                .map(|m| MemoryState {
                    capacity_bytes: cluster.memory(m).capacity_bytes,
                    used_bytes: 0,
                    evicting_bytes: 0,
                    evictable: BTreeSet::new(),
                    queue: VecDeque::new(),
                    pressure_told: 0,
                    copies_in: 0,
                    copies_out: 0,
                    is_dirty: false,
                })
                .collect(),
            gangs: vec![GangState::default(); graph.gang_count()],
            gang_queue: VecDeque::new(),
            store: Store::new(cluster.memory_count()),
            copies: Vec::new(),
            free_copies: Vec::new(),
            copies_issued: 0,
            under_way: 0,
            copy_queue: CopyQueue::default(),
            copy_requests: 0,
            placements: 0,
            uses: 0,
            dirty_devices: Vec::new(),
            dirty_memories: Vec::new(),
            is_bounded: cluster.memory_ids().any(|m| cluster.memory(m).capacity_bytes.is_some()),
            is_waiting_elsewhere: false,
            needs: Vec::new(),
            held: Vec::new(),
            lock_waiters: Vec::new(),
            timers: BinaryHeap::new(),
            users: Vec::new(),
            recorder: Recorder::new(tracing),
            losses: LossState::default(),
            links: Links::default(),
            graph,
            cluster,
            estimates,
            options,
        };
        state.add_new();
        state.check_homes()?;
        state.check_working_sets(0)?;
        Ok(state)
    }

    /// States of tasks and objects that the graph has and the state has not.
    pub(super) fn add_new(&mut self) {
        let graph = &self.graph;
        for object in self.objects.len()..graph.object_count() {
            let initial = graph.object(ObjectId::from_index(object)).initial;
            self.objects.push(ObjectState {
                copies: List::EMPTY,
                version: 0,
                uses_left: 0,
                locked_by: NONE,
                lock_queue: NONE,
                racy_users: 0,
                racy_memory: NONE,
                is_home_charged: false,
                exists: initial,
                is_dead: false,
            });
        }
        self.gangs.resize(graph.gang_count(), GangState::default());
        let by_next_use = self.options.eviction == crate::scheduler::Eviction::NextUse;
        if by_next_use {
            self.users.resize(graph.object_count(), VecDeque::new());
        }
        for task in graph.task_ids().skip(self.tasks.len()) {
            let done = |e: &crate::graph::Edge| {
                self.tasks.get(e.from.index()).is_some_and(|t| t.stage == Stage::Finished)
            };
            let waiting = graph.incoming(task).iter().filter(|e| !done(e)).count() as u32;
            for access in graph.accesses(task) {
                self.objects[access.object.index()].uses_left += 1;
                if by_next_use {
                    self.users[access.object.index()].push_back(task);
                }
            }
            if let Some(gang) = graph.task(task).gang {
                self.gangs[gang.index()].members.push(task);
            }
            self.tasks.push(TaskState {
                waiting,
                missing: 0,
                device: NONE,
                lane: NONE,
                priority: 0,
                placement: 0,
                stage: Stage::Waiting,
                is_locked: false,
                is_lock_waiting: false,
                is_announced: false,
                has_grown: false,
                is_detached: false,
                attempts: 0,
                failures: 0,
            });
            self.recorder.add_task();
        }
    }

    /// Sets the object's bytes aside in its home memory, once; a buffer there lives in them.
    pub(super) fn charge_home(&mut self, object: ObjectId) {
        let state = &mut self.objects[object.index()];
        if std::mem::replace(&mut state.is_home_charged, true) {
            return;
        }
        let plain = self.graph.object(object);
        let home = self.cluster.home(plain.home);
        if let Some(buffer) = self.store.find(state.copies, home)
            && std::mem::take(&mut self.store.get_mut(buffer).is_charged)
        {
            return;
        }
        self.memories[home.index()].used_bytes += plain.bytes;
    }

    /// A new buffer for an object; its bytes are charged unless it is the home slot.
    pub(super) fn allocate(
        &mut self,
        object: ObjectId,
        memory: MemoryId,
        out: &mut Commands,
    ) -> u32 {
        let plain = self.graph.object(object);
        let bytes = plain.bytes;
        let is_home = self.cluster.home(plain.home) == memory;
        let state = &mut self.objects[object.index()];
        let buffer = self.store.add(object, memory, &mut state.copies, self.now_ns);
        if !(is_home && state.is_home_charged) {
            self.store.get_mut(buffer).is_charged = true;
            self.memories[memory.index()].used_bytes += bytes;
        }
        out.push(Command::Allocate { buffer: super::store::id(buffer), object, memory, bytes });
        buffer
    }

    pub fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
    }

    pub fn is_done(&self) -> bool {
        self.finished == self.tasks.len() && self.pending_results == 0
    }

    pub fn note_end(&mut self) {
        if self.end_ns.is_none() && self.is_done() {
            self.end_ns = Some(self.now_ns);
        }
    }

    /// Gives the scheduler's events' memory back for reuse.
    pub fn put_events_back(&mut self, mut events: Vec<Event>) {
        if self.events.is_empty() {
            events.clear();
            self.events = events;
        }
    }

    /// Takes out the timers that have come; whether there was one.
    pub fn ring_timers(&mut self) -> bool {
        let mut rang = false;
        while self.timers.peek().is_some_and(|t| t.0 <= self.now_ns) {
            self.timers.pop();
            rang = true;
        }
        rang
    }

    /// Reserves what can be reserved and starts what can be started.
    pub fn progress(&mut self, out: &mut Commands) {
        if self.failure.is_some() {
            return;
        }
        while !self.dirty_memories.is_empty() || !self.dirty_devices.is_empty() {
            while let Some(memory) = self.dirty_memories.pop() {
                self.memories[memory as usize].is_dirty = false;
                self.serve_memory(MemoryId(memory), out);
            }
            if let Some(device) = self.dirty_devices.pop() {
                self.devices[device as usize].is_dirty = false;
                self.dispatch(crate::DeviceId(device), out);
            }
        }
    }

    #[inline]
    pub(super) fn mark_device(&mut self, device: u32) {
        if !std::mem::replace(&mut self.devices[device as usize].is_dirty, true) {
            self.dirty_devices.push(device);
        }
    }

    #[inline]
    pub(super) fn mark_memory(&mut self, memory: MemoryId) {
        if std::mem::take(&mut self.is_waiting_elsewhere) {
            self.cluster.memory_ids().for_each(|m| self.mark_memory(m));
        }
        let state = &mut self.memories[memory.index()];
        if self.is_bounded && !std::mem::replace(&mut state.is_dirty, true) {
            self.dirty_memories.push(memory.0);
        }
    }

    /// Whether a memory holds an object's current version.
    pub(crate) fn holds(&self, object: ObjectId, memory: MemoryId) -> bool {
        let found = self.store.find(self.objects[object.index()].copies, memory);
        found.is_some_and(|b| self.store.get(b).content == Content::Valid)
    }

    /// How long the object's nearest copy would take to a memory; 0 for one that does not exist.
    pub(crate) fn nearest_ns(&self, object: ObjectId, memory: MemoryId) -> Ns {
        let bytes = self.graph.object(object).bytes;
        let copies = self.store.iter(self.objects[object.index()].copies);
        let valid = copies.map(|b| self.store.get(b)).filter(|b| b.content == Content::Valid);
        valid.map(|b| self.cluster.transfer_ns(b.memory, memory, bytes)).min().unwrap_or(0)
    }

    /// The gang that a task starts with.
    #[inline]
    pub(super) fn gang_of(&self, task: TaskId) -> Option<GangId> {
        self.graph.task(task).gang.filter(|_| !self.tasks[task.index()].is_detached)
    }

    pub(super) fn is_strict(&self) -> bool {
        self.options.lane_order == LaneOrder::Strict
    }
}
