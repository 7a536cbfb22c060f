//! A schedule under construction: the type that list schedulers share.
//!
//! It knows when each lane is busy and where placed tasks end, and answers "when could this task
//! start there?". Communication is estimated contention-free, as in the classic publications.

use crate::planner::{Assignment, Problem, Schedule};
use crate::{DeviceId, LaneId, MemoryId, Ns, TaskId};

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
    /// Busy intervals per lane, sorted, disjoint.
    busy: Vec<Vec<(Ns, Ns)>>,
    placed: Vec<Option<(DeviceId, Ns)>>,
    assignments: Vec<Assignment>,
}

impl<'a> PartialSchedule<'a> {
    /// Nothing placed but what the problem fixes.
    pub fn new(problem: &'a Problem<'a>) -> Self {
        let lanes = problem.cluster.lane_count();
        let fixed = |t: TaskId| problem.fixed(t).map(|f| (f.device, f.finish_ns));
        Self {
            problem,
            busy: vec![Vec::new(); lanes],
            placed: problem.graph.task_ids().map(fixed).collect(),
            assignments: Vec::with_capacity(problem.tasks.len()),
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
        let end = self.busy[lane.index()].last().map_or(0, |b| b.1);
        end.max(self.problem.lane_free_ns(lane))
    }

    /// When all inputs of `task` could be in the memory of `device`. Predecessors that are not
    /// placed yet are left out.
    pub fn data_ready_ns(&self, task: TaskId, device: DeviceId) -> Ns {
        let Problem { graph, cluster, now_ns, .. } = *self.problem;
        let memory = cluster.memory_of(device);
        let mut ready_ns = now_ns;
        let mut flows = 0;
        for edge in graph.incoming(task) {
            flows += usize::from(edge.object.is_some());
            if let Some((from, finish_ns)) = self.placed[edge.from.index()] {
                let arrival_ns = match edge.object {
                    Some(object) => {
                        let bytes = graph.object(object).bytes;
                        finish_ns.saturating_add(cluster.transfer_ns(
                            cluster.memory_of(from),
                            memory,
                            bytes,
                        ))
                    }
                    None => finish_ns,
                };
                ready_ns = ready_ns.max(arrival_ns);
            }
        }
        if flows < graph.accesses(task).len() {
            ready_ns = ready_ns.max(self.initial_data_ns(task, memory));
        }
        ready_ns
    }

    /// When the task's initial data could come from home.
    fn initial_data_ns(&self, task: TaskId, memory: MemoryId) -> Ns {
        let Problem { graph, cluster, now_ns, .. } = *self.problem;
        let mut latest_ns = now_ns;
        for access in graph.accesses(task) {
            if access.mode.reads() && access.version == 0 {
                let object = graph.object(access.object);
                let transfer_ns =
                    cluster.transfer_ns(cluster.home(object.home), memory, object.bytes);
                latest_ns = latest_ns.max(now_ns.saturating_add(transfer_ns));
            }
        }
        latest_ns
    }

    /// The earliest place for a task on a device, the first lane winning ties; `None` where it
    /// cannot run.
    pub fn slot(&self, task: TaskId, device: DeviceId, policy: Policy) -> Option<Slot> {
        self.slot_from(task, device, policy, self.data_ready_ns(task, device))
    }

    /// As [`PartialSchedule::slot`], starting no earlier than `ready_ns`.
    pub fn slot_from(
        &self,
        task: TaskId,
        device: DeviceId,
        policy: Policy,
        ready_ns: Ns,
    ) -> Option<Slot> {
        let duration_ns = self.problem.costs.duration_ns(task, device)?;
        let cores = self.problem.graph.task(task).cores as usize;
        let lanes = self.problem.cluster.lanes(device);
        let windows = (lanes.len() + 1).checked_sub(cores)?;
        let mut best: Option<(Ns, LaneId)> = None;
        for lane in lanes.take(windows) {
            let start_ns = match cores {
                1 => self.lane_start_ns(lane, ready_ns, duration_ns, policy),
                _ => self.window_start_ns(lane, cores, ready_ns, duration_ns, policy),
            };
            if best.is_none_or(|(ns, _)| start_ns < ns) {
                best = Some((start_ns, lane));
                if start_ns == ready_ns {
                    break;
                }
            }
        }
        let (start_ns, lane) = best?;
        Some(Slot { device, lane, start_ns, finish_ns: start_ns.saturating_add(duration_ns) })
    }

    /// The device of earliest finish, the first one winning ties.
    ///
    /// # Panics
    /// When no device can run the task, which [`crate::Costs::resolve`] rules out.
    pub fn earliest_finish(&self, task: TaskId, policy: Policy) -> Slot {
        let devices = self.problem.cluster.device_ids();
        let slots = devices.filter_map(|d| self.slot(task, d, policy));
        slots.min_by_key(|s| s.finish_ns).expect("costs are resolved: some device runs the task")
    }

    fn lane_start_ns(&self, lane: LaneId, ready_ns: Ns, duration_ns: Ns, policy: Policy) -> Ns {
        let earliest_ns = ready_ns.max(self.problem.lane_free_ns(lane));
        let busy = &self.busy[lane.index()];
        let end_ns = busy.last().map_or(0, |b| b.1);
        if policy == Policy::Append || end_ns <= earliest_ns {
            return earliest_ns.max(end_ns);
        }
        // The first busy interval that ends after the earliest start; gaps before it are useless.
        let first = busy.partition_point(|b| b.1 <= earliest_ns);
        let mut start_ns = earliest_ns;
        for &(from, to) in &busy[first..] {
            if start_ns.saturating_add(duration_ns) <= from {
                return start_ns;
            }
            start_ns = start_ns.max(to);
        }
        start_ns
    }

    /// The earliest instant at which `cores` consecutive lanes are free together.
    fn window_start_ns(
        &self,
        first: LaneId,
        cores: usize,
        ready_ns: Ns,
        duration_ns: Ns,
        policy: Policy,
    ) -> Ns {
        let lanes = first.0..first.0 + cores as u32;
        let mut start_ns = ready_ns;
        loop {
            let each = lanes.clone().map(LaneId);
            let latest = each.map(|l| self.lane_start_ns(l, start_ns, duration_ns, policy)).max();
            match latest {
                Some(ns) if ns > start_ns => start_ns = ns,
                _ => return start_ns,
            }
        }
    }

    /// Places a task.
    pub fn place(&mut self, task: TaskId, slot: Slot) {
        let Slot { device, lane, start_ns, finish_ns } = slot;
        let cores = self.problem.graph.task(task).cores;
        for lane in lane.0..lane.0 + cores {
            let busy = &mut self.busy[lane as usize];
            // A task of no duration blocks nobody.
            if start_ns < finish_ns {
                let at = busy.partition_point(|b| b.1 <= start_ns);
                debug_assert!(busy.get(at).is_none_or(|next| finish_ns <= next.0));
                busy.insert(at, (start_ns, finish_ns));
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

#[cfg(test)]
mod tests;
