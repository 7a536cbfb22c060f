//! A schedule under construction: the type that list schedulers share.
//!
//! It knows when each lane is busy and where placed tasks end, and answers "when could this task
//! start there?". Communication is estimated contention-free, as in the classic publications. A
//! place it offers is one that the executive will accept: the task's working set fits the memory,
//! and tasks that share an object racily share a memory.

mod gangs;
mod timeline;

use crate::graph::Mode;
use crate::planner::{Assignment, PlanFailure, Problem, Schedule};
use crate::{DeviceId, LaneId, MemoryId, Ns, TaskId};
use timeline::Timeline;

/// Whether a task may fill a gap between tasks placed earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The earliest gap that is long enough.
    Insertion,
    /// After everything placed on the lane.
    Append,
}

/// A place for a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The device.
    pub device: DeviceId,
    /// The first lane of as many consecutive ones as the task has cores.
    pub lane: LaneId,
    /// Start.
    pub start_ns: Ns,
    /// End.
    pub finish_ns: Ns,
}

/// A schedule under construction.
#[derive(Clone, Debug)]
pub struct PartialSchedule<'a> {
    problem: &'a Problem<'a>,
    lanes: Vec<Timeline>,
    placed: Vec<Option<(DeviceId, Ns)>>,
    assignments: Vec<Assignment>,
    /// Where tasks share an object racily, by object; empty when no task does.
    racy: Vec<Option<MemoryId>>,
    has_capacities: bool,
    /// Reused from task to task.
    inputs: Inputs,
}

/// Where a task's inputs come from, and when they could leave.
#[derive(Clone, Debug, Default)]
struct Inputs {
    /// No earlier than this anywhere: the latest end of a predecessor.
    floor_ns: Ns,
    /// Each input's departure, memory and bytes.
    flows: Vec<(Ns, MemoryId, u64)>,
}

impl<'a> PartialSchedule<'a> {
    /// Nothing placed but what the problem fixes.
    pub fn new(problem: &'a Problem<'a>) -> Self {
        let Problem { graph, cluster, .. } = *problem;
        let lanes = (0..cluster.lane_count()).map(LaneId::from_index);
        let fixed = |t: TaskId| problem.fixed(t).map(|f| (f.device, f.finish_ns));
        let is_racy = |t: &TaskId| graph.accesses(*t).iter().any(|a| a.mode == Mode::Racy);
        let racy = match problem.tasks.iter().any(is_racy) {
            true => graph.object_ids().map(|o| problem.racy_memory(o)).collect(),
            false => Vec::new(),
        };
        Self {
            problem,
            lanes: lanes.map(|l| Timeline::new(problem.lane_free_ns(l))).collect(),
            placed: graph.task_ids().map(fixed).collect(),
            assignments: Vec::with_capacity(problem.tasks.len()),
            racy,
            has_capacities: cluster
                .memory_ids()
                .any(|m| cluster.memory(m).capacity_bytes.is_some()),
            inputs: Inputs::default(),
        }
    }

    /// The problem.
    pub fn problem(&self) -> &'a Problem<'a> {
        self.problem
    }

    /// Where a task was placed and when it ends.
    #[inline]
    pub fn placed(&self, task: TaskId) -> Option<(DeviceId, Ns)> {
        self.placed[task.index()]
    }

    /// When the last task placed on a lane ends.
    #[inline]
    pub fn lane_end_ns(&self, lane: LaneId) -> Ns {
        self.lanes[lane.index()].end_ns()
    }

    /// When `cores` consecutive lanes of a device are idle for good; `Ns::MAX` when it has fewer.
    pub fn idle_from_ns(&self, device: DeviceId, cores: u32) -> Ns {
        let first = self.problem.cluster.first_lane(device).index();
        let count = self.problem.cluster.device(device).lanes as usize;
        let windows = self.lanes[first..first + count].windows(cores as usize);
        let ends = windows.map(|w| w.iter().map(Timeline::end_ns).max().unwrap_or(0));
        ends.min().unwrap_or(Ns::MAX)
    }

    /// When all inputs of `task` could be in the memory of `device`. Predecessors that are not
    /// placed yet are left out.
    pub fn data_ready_ns(&mut self, task: TaskId, device: DeviceId) -> Ns {
        let inputs = self.take_inputs(task);
        let ready_ns = self.arrival_ns(&inputs, device);
        self.inputs = inputs;
        ready_ns
    }

    /// Calls `each` with every device that can run the task and the instant at which its inputs
    /// could all be there.
    pub fn each_data_ready(&mut self, task: TaskId, mut each: impl FnMut(DeviceId, Ns)) {
        let inputs = self.take_inputs(task);
        for device in self.problem.cluster.device_ids() {
            if self.duration_ns(task, device).is_some() {
                each(device, self.arrival_ns(&inputs, device));
            }
        }
        self.inputs = inputs;
    }

    fn take_inputs(&mut self, task: TaskId) -> Inputs {
        let mut inputs = std::mem::take(&mut self.inputs);
        inputs.flows.clear();
        let Problem { graph, cluster, now_ns, .. } = *self.problem;
        inputs.floor_ns = now_ns;
        for edge in graph.incoming(task) {
            let Some((from, finish_ns)) = self.placed[edge.from.index()] else { continue };
            inputs.floor_ns = inputs.floor_ns.max(finish_ns);
            if let Some(object) = edge.object {
                let bytes = graph.object(object).bytes;
                inputs.flows.push((finish_ns, cluster.memory_of(from), bytes));
            }
        }
        for access in graph.accesses(task) {
            if access.mode.reads() && access.version == 0 {
                let object = graph.object(access.object);
                inputs.flows.push((now_ns, cluster.home(object.home), object.bytes));
            }
        }
        inputs
    }

    fn arrival_ns(&self, inputs: &Inputs, device: DeviceId) -> Ns {
        let cluster = self.problem.cluster;
        let memory = cluster.memory_of(device);
        inputs.flows.iter().fold(inputs.floor_ns, |latest_ns, &(leaves_ns, from, bytes)| {
            let transfer_ns = cluster.transfer_ns(from, memory, bytes);
            latest_ns.max(leaves_ns.saturating_add(transfer_ns))
        })
    }

    /// How long the task takes on a device; `None` where it cannot be placed.
    fn duration_ns(&self, task: TaskId, device: DeviceId) -> Option<Ns> {
        let Problem { graph, cluster, costs, .. } = *self.problem;
        let duration_ns = costs.duration_ns(task, device)?;
        let is_wide_enough = graph.task(task).cores <= cluster.device(device).lanes;
        (is_wide_enough && self.is_memory_fine(task, device)).then_some(duration_ns)
    }

    /// Whether the task's working set fits, and what it shares racily is not elsewhere.
    fn is_memory_fine(&self, task: TaskId, device: DeviceId) -> bool {
        let Problem { graph, cluster, .. } = *self.problem;
        let memory = cluster.memory_of(device);
        if self.has_capacities
            && let Some(capacity_bytes) = cluster.memory(memory).capacity_bytes
            && graph.working_set_bytes(task) > capacity_bytes
        {
            return false;
        }
        self.racy.is_empty() || {
            let mut shared = graph.accesses(task).iter().filter(|a| a.mode == Mode::Racy);
            shared.all(|a| self.racy[a.object.index()].is_none_or(|m| m == memory))
        }
    }

    /// The earliest place for a task on a device, the first lane winning ties; `None` where it
    /// cannot run.
    pub fn slot(&mut self, task: TaskId, device: DeviceId, policy: Policy) -> Option<Slot> {
        let duration_ns = self.duration_ns(task, device)?;
        let ready_ns = self.data_ready_ns(task, device);
        Some(self.slot_from(task, device, policy, ready_ns, duration_ns))
    }

    /// Calls `each` with the earliest place on every device that can run the task, in order.
    pub fn each_slot(&mut self, task: TaskId, policy: Policy, mut each: impl FnMut(Slot)) {
        let inputs = self.take_inputs(task);
        for device in self.problem.cluster.device_ids() {
            if let Some(duration_ns) = self.duration_ns(task, device) {
                let ready_ns = self.arrival_ns(&inputs, device);
                each(self.slot_from(task, device, policy, ready_ns, duration_ns));
            }
        }
        self.inputs = inputs;
    }

    /// The place of earliest finish on any device, the first device winning ties.
    ///
    /// # Errors
    /// [`PlanFailure`] when no device can take the task.
    pub fn earliest_finish(&mut self, task: TaskId, policy: Policy) -> Result<Slot, PlanFailure> {
        let inputs = self.take_inputs(task);
        let mut best: Option<Slot> = None;
        for device in self.problem.cluster.device_ids() {
            let Some(duration_ns) = self.duration_ns(task, device) else { continue };
            let finish_ns = best.map_or(Ns::MAX, |b| b.finish_ns);
            if best.is_some() && inputs.floor_ns.saturating_add(duration_ns) >= finish_ns {
                continue;
            }
            let ready_ns = self.arrival_ns(&inputs, device);
            if best.is_some() && ready_ns.saturating_add(duration_ns) >= finish_ns {
                continue;
            }
            let slot = self.slot_from(task, device, policy, ready_ns, duration_ns);
            if best.is_none_or(|b| slot.finish_ns < b.finish_ns) {
                best = Some(slot);
            }
        }
        self.inputs = inputs;
        best.ok_or_else(|| self.nowhere(task))
    }

    /// The failure that no device can take a task.
    pub fn nowhere(&self, task: TaskId) -> PlanFailure {
        let graph = self.problem.graph;
        PlanFailure(format!(
            "no device can take task {:?}: it needs {} cores and {} bytes at once, and the memory \
             of what it shares racily",
            graph.task_name(task),
            graph.task(task).cores,
            graph.working_set_bytes(task),
        ))
    }

    fn slot_from(
        &self,
        task: TaskId,
        device: DeviceId,
        policy: Policy,
        ready_ns: Ns,
        duration_ns: Ns,
    ) -> Slot {
        let cores = self.problem.graph.task(task).cores;
        let first = self.problem.cluster.first_lane(device).0;
        let end = first + self.problem.cluster.device(device).lanes;
        let mut best = (Ns::MAX, first);
        for lane in first..=end - cores {
            let window = &self.lanes[lane as usize..(lane + cores) as usize];
            let start_ns = window_start_ns(window, ready_ns, duration_ns, policy);
            if start_ns < best.0 {
                best = (start_ns, lane);
                if start_ns == ready_ns {
                    break;
                }
            }
        }
        let (start_ns, lane) = best;
        let finish_ns = start_ns.saturating_add(duration_ns);
        Slot { device, lane: LaneId(lane), start_ns, finish_ns }
    }

    /// Places a task.
    pub fn place(&mut self, task: TaskId, slot: Slot) {
        let Slot { device, lane, start_ns, finish_ns } = slot;
        let Problem { graph, cluster, .. } = *self.problem;
        for lane in lane.0..lane.0 + graph.task(task).cores {
            self.lanes[lane as usize].occupy(start_ns, finish_ns);
        }
        if !self.racy.is_empty() {
            for access in graph.accesses(task).iter().filter(|a| a.mode == Mode::Racy) {
                self.racy[access.object.index()] = Some(cluster.memory_of(device));
            }
        }
        self.placed[task.index()] = Some((device, finish_ns));
        self.assignments.push(Assignment { task, device, lane, start_ns, finish_ns });
    }

    /// The finished schedule.
    pub fn into_schedule(self) -> Schedule {
        Schedule { assignments: self.assignments }
    }
}

/// The earliest instant from `ready_ns` on at which all lanes of a window are idle together.
#[inline]
fn window_start_ns(window: &[Timeline], ready_ns: Ns, duration_ns: Ns, policy: Policy) -> Ns {
    let lane_start_ns = |lane: &Timeline, from_ns: Ns| match policy {
        Policy::Insertion => lane.earliest_ns(from_ns, duration_ns),
        Policy::Append => lane.end_ns().max(from_ns),
    };
    if let [lane] = window {
        return lane_start_ns(lane, ready_ns);
    }
    let mut start_ns = ready_ns;
    loop {
        let latest = window.iter().map(|lane| lane_start_ns(lane, start_ns)).max();
        match latest {
            Some(ns) if ns > start_ns => start_ns = ns,
            _ => return start_ns,
        }
    }
}

#[cfg(test)]
mod tests;
