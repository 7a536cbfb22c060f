//! Where a task may be placed at this moment.

use runtime::graph::Mode;
use runtime::{Cluster, DeviceId, MemoryId, Ns, TaskId, View};

/// The devices that may take one task now.
///
/// It asks what the executive asks of a placement, so that a scheduler that keeps to it is refused
/// only when its own earlier decisions of the same call come in between.
pub struct Candidates<'a> {
    view: View<'a>,
    /// The task.
    pub task: TaskId,
    /// Lanes that it takes at once.
    pub cores: u32,
    needed_bytes: u64,
    is_racy: bool,
    /// Placements that were refused for good.
    banned: &'a [(TaskId, DeviceId)],
    /// What is left to the task's gang; `None` for a task without.
    room: Option<Room>,
}

/// What every device of a machine has, at least.
#[derive(Default)]
pub(crate) struct Common {
    lanes: u32,
    capacity_bytes: u64,
}

impl Common {
    /// Of all devices of a machine.
    pub fn new(cluster: &Cluster) -> Self {
        let lanes = cluster.device_ids().map(|d| cluster.device(d).lanes);
        let memories = cluster.device_ids().map(|d| cluster.memory(cluster.memory_of(d)));
        Self {
            lanes: lanes.min().unwrap_or(0),
            capacity_bytes: memories.filter_map(|m| m.capacity_bytes).min().unwrap_or(u64::MAX),
        }
    }
}

/// What the other tasks of a gang leave of a machine.
pub(crate) struct Room {
    /// Lanes per device.
    pub lanes: Vec<u32>,
    /// Bytes per memory.
    pub bytes: Vec<u64>,
}

impl Room {
    /// The whole machine.
    pub fn new(cluster: &Cluster) -> Self {
        let capacity_bytes = |m| cluster.memory(m).capacity_bytes.unwrap_or(u64::MAX);
        Self {
            lanes: cluster.device_ids().map(|d| cluster.device(d).lanes).collect(),
            bytes: cluster.memory_ids().map(capacity_bytes).collect(),
        }
    }

    /// Takes what a task needs on a device.
    pub fn take(&mut self, view: &View<'_>, task: TaskId, device: DeviceId) {
        let lanes = &mut self.lanes[device.index()];
        *lanes = lanes.saturating_sub(view.graph().task(task).cores);
        let bytes = &mut self.bytes[view.cluster().memory_of(device).index()];
        *bytes = bytes.saturating_sub(view.graph().working_set_bytes(task));
    }

    fn fits(&self, cores: u32, needed_bytes: u64, device: DeviceId, memory: MemoryId) -> bool {
        cores <= self.lanes[device.index()] && needed_bytes <= self.bytes[memory.index()]
    }
}

impl<'a> Candidates<'a> {
    /// The candidates of `task`, but for what is `banned` and for what its gang has no `room` for.
    pub(crate) fn new(
        view: &View<'a>,
        task: TaskId,
        banned: &'a [(TaskId, DeviceId)],
        room: Option<Room>,
    ) -> Self {
        let graph = view.graph();
        Self {
            view: *view,
            task,
            cores: graph.task(task).cores,
            needed_bytes: graph.working_set_bytes(task),
            is_racy: graph.accesses(task).iter().any(|a| a.mode == Mode::Racy),
            banned,
            room,
        }
    }

    /// Takes the room out again.
    pub(crate) fn into_room(self) -> Option<Room> {
        self.room
    }

    /// What is seen of the run.
    #[inline]
    pub fn view(&self) -> View<'a> {
        self.view
    }

    /// Estimated duration on a device; `None` where the task cannot be placed.
    #[inline]
    pub fn duration_ns(&self, device: DeviceId) -> Option<Ns> {
        let duration_ns = self.view.costs().duration_ns(self.task, device)?;
        let cluster = self.view.cluster();
        let memory = cluster.memory_of(device);
        let capacity_bytes = cluster.memory(memory).capacity_bytes;
        let is_fine = self.cores <= cluster.device(device).lanes
            && capacity_bytes.is_none_or(|c| self.needed_bytes <= c)
            && (self.room.as_ref())
                .is_none_or(|r| r.fits(self.cores, self.needed_bytes, device, memory))
            && (self.banned.is_empty() || !self.banned.contains(&(self.task, device)))
            && (!self.is_racy || self.shares_memory(device));
        is_fine.then_some(duration_ns)
    }

    /// Whether what the task uses racily is in racy use in no other memory.
    fn shares_memory(&self, device: DeviceId) -> bool {
        let memory = self.view.cluster().memory_of(device);
        let accesses = self.view.graph().accesses(self.task).iter();
        let mut racy = accesses.filter(|a| a.mode == Mode::Racy);
        racy.all(|a| self.view.racy_memory(a.object).is_none_or(|m| m == memory))
    }

    /// Whether all devices are candidates, found without asking for each; may miss it.
    pub(crate) fn is_everywhere(&self, common: &Common) -> bool {
        self.cores <= common.lanes
            && self.needed_bytes <= common.capacity_bytes
            && self.room.is_none()
            && self.banned.is_empty()
            && !self.is_racy
            && self.view.costs().runs_everywhere(self.task)
    }

    /// All of them with the task's estimated duration there.
    pub fn iter(&self) -> impl Iterator<Item = (DeviceId, Ns)> + '_ {
        let devices = self.view.cluster().device_ids();
        devices.filter_map(|d| self.duration_ns(d).map(|ns| (d, ns)))
    }

    /// The first of them.
    pub fn first(&self) -> Option<DeviceId> {
        self.iter().next().map(|(device, _)| device)
    }
}
