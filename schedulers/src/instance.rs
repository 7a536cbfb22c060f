//! A problem as flat arrays, for planners that look at very many schedules.
//!
//! An [`Instance`] is what is left to plan, renumbered: *nodes* are the tasks in a topological
//! order with the tasks of a gang side by side; *units* are what starts together (a gang, or a task
//! by itself); *lanes* are those of the cluster, by their ids; *memories* are those that devices
//! compute in; *kinds* are sets of devices that are alike for every task. What is fixed already
//! appears as times from which data and lanes are there.
//!
//! The model of time is that of [`runtime::PartialSchedule`]: contention-free, an arrival is the
//! producer's end plus latency plus bytes over bandwidth, nothing within a memory. The makespan is
//! the latest end of a planned task; bringing kept results home is not part of it. A device whose
//! lanes share one capacity counts as its first lane alone: its tasks run one after the other here,
//! which is never better than what they really do.
//!
//! Building one is linear in tasks x kinds, edges, and distinct sizes x distinct routes.

mod bound;
mod build;
mod decode;

pub use decode::Placement;

use runtime::planner::PlanFailure;
use runtime::{DeviceId, LaneId, MemoryId, Ns, ObjectId, TaskId};

/// "There is none".
pub const NONE: u32 = u32::MAX;

/// Why a problem has no instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// The tasks of a gang wait for each other.
    #[error(transparent)]
    Order(#[from] PlanFailure),
    /// No device can take a task.
    #[error(
        "no device can take task {task:?}: it needs {cores} cores and {bytes} bytes at once, and \
         the memory of what it shares racily"
    )]
    Nowhere {
        /// The task's name.
        task: String,
        /// Lanes that it needs.
        cores: u32,
        /// Its working set.
        bytes: u64,
    },
    /// The tables would be too large.
    #[error("tables of {entries} entries are needed, at most {limit} are made")]
    TooLarge {
        /// How many numbers.
        entries: u64,
        /// How many there may be.
        limit: u64,
    },
    /// A schedule could end after what 62 bits count.
    #[error("one task after the other could take longer than 2^62 ns")]
    TooLong,
}

impl From<InstanceError> for PlanFailure {
    fn from(error: InstanceError) -> Self {
        PlanFailure(error.to_string())
    }
}

/// A dependency between planned tasks: one per pair, the largest object that flows along it being
/// the one that arrives last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arc {
    /// The other end: the predecessor in [`Instance::preds`], the successor in [`Instance::succs`].
    pub node: u32,
    /// Where the transfer times of its bytes begin, see [`Instance::arc_ns`].
    row: u32,
}

/// An object that flows from one planned task to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The producer.
    pub from: u32,
    /// What flows. Flows of one producer and object to one memory are one transfer.
    pub object: ObjectId,
    /// How much.
    pub bytes: u64,
    row: u32,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Instance {
    now_ns: Ns,
    tasks: Vec<TaskId>,
    /// By task.
    node_of: Vec<u32>,
    /// Unit `u` is nodes `unit_starts[u] .. unit_starts[u + 1]`.
    unit_starts: Vec<u32>,
    unit_of: Vec<u32>,
    cores: Vec<u32>,
    working_set_bytes: Vec<u64>,
    output_bytes: Vec<u64>,
    racy_group: Vec<u32>,
    racy_groups: u32,

    lane_free_ns: Vec<Ns>,
    lane_device: Vec<u32>,
    lane_memory: Vec<u32>,
    lane_kind: Vec<u32>,
    /// Lanes of its device from a lane on, itself included; 0 where no task may begin.
    lanes_left: Vec<u32>,
    device_first_lane: Vec<u32>,
    memories: Vec<MemoryId>,
    capacity_bytes: Vec<Option<u64>>,
    kinds: u32,

    /// By node and kind; [`Ns::MAX`] where it cannot run.
    duration_ns: Vec<Ns>,
    /// By row and memory; row 0 is for tasks that wait for no data that exist already.
    release_ns: Vec<Ns>,
    release_row: Vec<u32>,

    pred_starts: Vec<u32>,
    preds: Vec<Arc>,
    succ_starts: Vec<u32>,
    succs: Vec<Arc>,
    flow_starts: Vec<u32>,
    flows: Vec<Flow>,
    /// By memory and memory: which class of routes; class 0 is within a memory.
    route_class: Vec<u32>,
    /// By row and class of routes; row 0 is for dependencies without data.
    transfer_ns: Vec<Ns>,
}

impl Instance {
    /// Number of nodes, the tasks to plan.
    #[inline]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is nothing to plan.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Number of units.
    #[inline]
    pub fn unit_count(&self) -> usize {
        self.unit_starts.len() - 1
    }

    /// The nodes of a unit: several for a gang.
    #[inline]
    pub fn unit(&self, unit: u32) -> std::ops::Range<u32> {
        self.unit_starts[unit as usize]..self.unit_starts[unit as usize + 1]
    }

    /// The unit of a node.
    #[inline]
    pub fn unit_of(&self, node: u32) -> u32 {
        self.unit_of[node as usize]
    }

    /// Whether some units have several nodes.
    pub fn has_gangs(&self) -> bool {
        self.unit_count() < self.len()
    }

    /// The task of a node.
    #[inline]
    pub fn task(&self, node: u32) -> TaskId {
        self.tasks[node as usize]
    }

    /// The node of a task; `None` where it is fixed.
    pub fn node_of(&self, task: TaskId) -> Option<u32> {
        self.node_of.get(task.index()).copied().filter(|n| *n != NONE)
    }

    /// The instant from which to plan.
    pub fn now_ns(&self) -> Ns {
        self.now_ns
    }

    /// Lanes that a node takes at once, consecutive ones of one device.
    #[inline]
    pub fn cores(&self, node: u32) -> u32 {
        self.cores[node as usize]
    }

    /// Bytes that a node needs in its memory at once.
    pub fn working_set_bytes(&self, node: u32) -> u64 {
        self.working_set_bytes[node as usize]
    }

    /// Bytes of the objects that a node writes.
    pub fn output_bytes(&self, node: u32) -> u64 {
        self.output_bytes[node as usize]
    }

    /// The group of tasks that must share a memory because of what they access racily, if the node
    /// is in one. A node of a group has a duration only in memories where all of the group has.
    pub fn racy_group(&self, node: u32) -> Option<u32> {
        let group = self.racy_group[node as usize];
        (group != NONE).then_some(group)
    }

    /// Number of such groups.
    pub fn racy_groups(&self) -> u32 {
        self.racy_groups
    }

    /// Number of lanes, those of the cluster.
    #[inline]
    pub fn lane_count(&self) -> usize {
        self.lane_device.len()
    }

    /// Number of devices, those of the cluster.
    pub fn device_count(&self) -> usize {
        self.device_first_lane.len() - 1
    }

    /// The lanes of a device.
    pub fn lanes(&self, device: DeviceId) -> std::ops::Range<u32> {
        let at = device.index();
        self.device_first_lane[at]..self.device_first_lane[at + 1]
    }

    /// The device of a lane.
    #[inline]
    pub fn device_of(&self, lane: u32) -> DeviceId {
        DeviceId(self.lane_device[lane as usize])
    }

    /// The memory of a lane, numbered among those that devices compute in.
    #[inline]
    pub fn memory_of(&self, lane: u32) -> u32 {
        self.lane_memory[lane as usize]
    }

    /// Which devices are alike: lanes of one kind run every task equally long or not at all.
    /// Their memories may differ, and with them transfer times.
    #[inline]
    pub fn kind_of(&self, lane: u32) -> u32 {
        self.lane_kind[lane as usize]
    }

    /// Number of kinds.
    pub fn kinds(&self) -> u32 {
        self.kinds
    }

    /// When a lane is free of what is fixed; never before [`Instance::now_ns`].
    #[inline]
    pub fn lane_free_ns(&self, lane: u32) -> Ns {
        self.lane_free_ns[lane as usize]
    }

    /// Number of memories that devices compute in.
    #[inline]
    pub fn memory_count(&self) -> usize {
        self.memories.len()
    }

    /// Which memory of the cluster that is.
    pub fn memory(&self, memory: u32) -> MemoryId {
        self.memories[memory as usize]
    }

    /// Its capacity; `None` = unlimited.
    pub fn capacity_bytes(&self, memory: u32) -> Option<u64> {
        self.capacity_bytes[memory as usize]
    }

    /// How long a node takes from a first lane on; `Ns::MAX` where it cannot run. A task of a gang
    /// takes at least 1 ns, as in [`runtime::PartialSchedule`].
    #[inline]
    pub fn duration_ns(&self, node: u32, lane: u32) -> Ns {
        self.duration_of_kind_ns(node, self.lane_kind[lane as usize])
    }

    /// How long a node takes on lanes of a kind; `Ns::MAX` where it cannot run.
    #[inline]
    pub fn duration_of_kind_ns(&self, node: u32, kind: u32) -> Ns {
        self.duration_ns[node as usize * self.kinds as usize + kind as usize]
    }

    /// Whether a node can run from a first lane on: the device is able, and enough lanes follow.
    #[inline]
    pub fn can_run(&self, node: u32, lane: u32) -> bool {
        self.lanes_left[lane as usize] >= self.cores[node as usize]
            && self.duration_ns(node, lane) != Ns::MAX
    }

    /// When data that exist already, or come from fixed tasks, could all be in a memory; never
    /// before [`Instance::now_ns`] nor before the end of a fixed predecessor.
    #[inline]
    pub fn release_ns(&self, node: u32, memory: u32) -> Ns {
        let row = self.release_row[node as usize] as usize;
        self.release_ns[row * self.memories.len() + memory as usize]
    }

    /// What a node waits for, sorted by node; each predecessor once.
    #[inline]
    pub fn preds(&self, node: u32) -> &[Arc] {
        let (from, to) = (self.pred_starts[node as usize], self.pred_starts[node as usize + 1]);
        &self.preds[from as usize..to as usize]
    }

    /// What waits for a node, sorted by node; each successor once.
    #[inline]
    pub fn succs(&self, node: u32) -> &[Arc] {
        let (from, to) = (self.succ_starts[node as usize], self.succ_starts[node as usize + 1]);
        &self.succs[from as usize..to as usize]
    }

    /// The objects that flow to a node from planned tasks, sorted by producer, then object.
    pub fn flows(&self, node: u32) -> &[Flow] {
        let (from, to) = (self.flow_starts[node as usize], self.flow_starts[node as usize + 1]);
        &self.flows[from as usize..to as usize]
    }

    /// Number of dependencies between planned tasks.
    pub fn arc_count(&self) -> usize {
        self.preds.len()
    }

    /// How long the data of a dependency take from one memory to another; 0 within a memory and
    /// where no data flow.
    #[inline]
    pub fn arc_ns(&self, arc: Arc, from: u32, to: u32) -> Ns {
        self.transfer_of_row_ns(arc.row, from, to)
    }

    /// How long an object takes from one memory to another.
    #[inline]
    pub fn flow_ns(&self, flow: Flow, from: u32, to: u32) -> Ns {
        self.transfer_of_row_ns(flow.row, from, to)
    }

    #[inline]
    fn transfer_of_row_ns(&self, row: u32, from: u32, to: u32) -> Ns {
        let class = self.route_class[from as usize * self.memories.len() + to as usize];
        self.transfer_ns[row as usize + class as usize]
    }

    /// The lane that stands for a lane: the first one of a device whose lanes share a capacity.
    pub fn counted(&self, lane: u32) -> u32 {
        match self.lanes_left[lane as usize] {
            0 => self.device_first_lane[self.lane_device[lane as usize] as usize],
            _ => lane,
        }
    }

    /// The lane as the cluster knows it.
    pub fn lane(&self, lane: u32) -> LaneId {
        LaneId(lane)
    }
}
