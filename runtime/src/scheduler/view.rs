//! What a scheduler sees.

use crate::executive::State;
use crate::graph::of_capacity;
use crate::planner::{Fixed, Problem};
use crate::{Cluster, Costs, DeviceId, LaneId, MemoryId, Ns, ObjectId, TaskGraph, TaskId};

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Predecessors have not finished.
    Waiting,
    /// They have.
    Ready,
    /// It was placed and waits for memory.
    Reserving,
    /// It waits for its inputs.
    Fetching,
    /// It waits for a lane or for exclusive objects.
    Runnable,
    /// It was issued.
    Running,
    /// It ended.
    Finished,
}

/// A read-only view of a run at one instant.
#[derive(Clone, Copy)]
pub struct View<'a> {
    state: &'a State,
}

impl<'a> View<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        Self { state }
    }

    /// The time.
    pub fn now_ns(&self) -> Ns {
        self.state.now_ns
    }

    /// The known graph.
    pub fn graph(&self) -> &'a TaskGraph {
        &self.state.graph
    }

    /// The machine.
    pub fn cluster(&self) -> &'a Cluster {
        &self.state.cluster
    }

    /// Estimated durations.
    pub fn costs(&self) -> &'a Costs {
        &self.state.estimates
    }

    /// How far a task is.
    pub fn stage(&self, task: TaskId) -> Stage {
        self.state.tasks[task.index()].stage
    }

    /// Where a task was placed.
    pub fn placement(&self, task: TaskId) -> Option<DeviceId> {
        let device = self.state.tasks[task.index()].device;
        (device != u32::MAX).then_some(DeviceId(device))
    }

    /// Tasks that have finished.
    pub fn finished(&self) -> usize {
        self.state.finished
    }

    /// The task that a lane runs.
    pub fn running(&self, lane: LaneId) -> Option<TaskId> {
        self.state.lanes[lane.index()].running
    }

    /// Lanes of a device that run nothing.
    pub fn idle_lanes(&self, device: DeviceId) -> u32 {
        self.state.devices[device.index()].idle_lanes
    }

    /// Tasks placed on a device and not issued.
    pub fn queued(&self, device: DeviceId) -> u32 {
        self.state.devices[device.index()].queued
    }

    /// Estimated instant at which a device has a free lane for one more task, after everything
    /// placed on it: exact for one lane, the mean load for several, the load by occupancy where
    /// lanes share one capacity. Linear in its lanes.
    pub fn free_at_ns(&self, device: DeviceId) -> Ns {
        let now_ns = self.state.now_ns;
        let lanes = self.state.cluster.lanes(device);
        let is_shared = self.state.cluster.is_shared(device);
        let count = if is_shared { 1 } else { lanes.len() as u64 };
        let (mut sum_ns, mut first_ns) = (0, Ns::MAX);
        for lane in lanes {
            let state = &self.state.lanes[lane.index()];
            let busy_ns = match state.running {
                Some(task) if is_shared => {
                    let left_ns = state.until_ns.saturating_sub(now_ns);
                    of_capacity(left_ns, self.state.graph.task(task).occupancy_ppm)
                }
                Some(_) => state.until_ns.saturating_sub(now_ns),
                None => 0,
            };
            sum_ns += busy_ns;
            first_ns = first_ns.min(busy_ns);
        }
        let load_ns = self.state.devices[device.index()].load_ns;
        let mean_ns = if load_ns == 0 && !is_shared { 0 } else { (sum_ns + load_ns) / count };
        now_ns + mean_ns.max(first_ns)
    }

    /// Whether a memory holds an object's current version.
    pub fn holds(&self, object: ObjectId, memory: MemoryId) -> bool {
        self.state.holds(object, memory)
    }

    /// The memory in which placed tasks use an object racily; others must be placed there too.
    pub fn racy_memory(&self, object: ObjectId) -> Option<MemoryId> {
        let state = &self.state.objects[object.index()];
        (state.racy_users > 0).then_some(MemoryId(state.racy_memory))
    }

    /// Estimated time until all inputs of a task that exist are in the device's memory, if they
    /// were requested now, each alone on its route from the nearest copy.
    pub fn fetch_ns(&self, task: TaskId, device: DeviceId) -> Ns {
        let memory = self.state.cluster.memory_of(device);
        let accesses = self.state.graph.accesses(task).iter();
        let reads = accesses.filter(|a| a.mode.reads());
        reads.map(|a| self.state.nearest_ns(a.object, memory)).max().unwrap_or(0)
    }

    /// Bytes that a task's inputs lack in the device's memory.
    pub fn missing_bytes(&self, task: TaskId, device: DeviceId) -> u64 {
        let memory = self.state.cluster.memory_of(device);
        let accesses = self.state.graph.accesses(task).iter();
        let missing = accesses.filter(|a| a.mode.reads() && !self.holds(a.object, memory));
        missing.map(|a| self.state.graph.object(a.object).bytes).sum()
    }

    /// Free bytes of a memory; `None` = unlimited.
    pub fn free_bytes(&self, memory: MemoryId) -> Option<u64> {
        let state = &self.state.memories[memory.index()];
        state.capacity_bytes.map(|c| c.saturating_sub(state.used_bytes))
    }

    /// What is left to plan: everything not issued yet, from now on.
    pub fn problem(&self) -> Problem<'a> {
        let state = self.state;
        let fresh = Problem::fresh(&state.graph, &state.cluster, &state.estimates);
        if state.now_ns == 0 && state.finished == 0 {
            return fresh;
        }
        let fixed = |t: TaskId| {
            let task = &state.tasks[t.index()];
            let device = DeviceId(task.device);
            match task.stage {
                Stage::Finished => Some(Fixed { device, finish_ns: state.now_ns }),
                Stage::Running => {
                    let until_ns = state.lanes[task.lane as usize].until_ns;
                    Some(Fixed { device, finish_ns: until_ns.max(state.now_ns) })
                }
                _ => None,
            }
        };
        let fixed = state.graph.task_ids().map(fixed).collect();
        let free = |l: &crate::executive::LaneState| match l.running {
            Some(_) => l.until_ns.max(state.now_ns),
            None => state.now_ns,
        };
        let lanes = state.lanes.iter().map(free).collect();
        let racy = |o| self.racy_memory(o).map(|m| (o, m));
        let racy = state.graph.object_ids().filter_map(racy).collect();
        let problem = Problem::residual(fresh, state.now_ns, fixed, lanes, racy);
        problem.with_order(state.order().to_vec(), state.is_recovering())
    }
}
