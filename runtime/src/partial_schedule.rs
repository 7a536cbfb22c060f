//! A schedule under construction: the type that list schedulers share.
//!
//! It knows when each lane is busy and where placed tasks end, and answers "when could this task
//! start there?". Communication is estimated contention-free, as in the classic publications, or
//! with transfers that wait for each other on their links ([`PartialSchedule::with_links`]). A
//! place it offers is one that the executive will accept: the task's working set fits the memory,
//! and tasks that share an object racily share a memory.

mod gangs;
mod links;
mod racy;
mod shared;
mod timeline;

use crate::planner::{Assignment, PlanFailure, Problem, Schedule};
use crate::{DeviceId, LaneId, Ns, TaskId};
use links::Links;
use racy::Racy;
use shared::Shared;
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
    racy: Racy,
    shared: Shared,
    /// Where transfers wait for each other.
    links: Option<Links>,
    has_capacities: bool,
    /// Reused from task to task.
    needs: Needs,
}

/// What there is to know about a task before it is placed.
#[derive(Clone, Debug, Default)]
struct Needs {
    cores: u32,
    /// See [`Task::occupancy_ppm`](crate::graph::Task::occupancy_ppm).
    occupancy_ppm: u32,
    /// When all inputs could be there, by memory.
    ready_ns: Vec<Ns>,
    /// How long it takes, by group of devices; `Ns::MAX` where it cannot run.
    duration_ns: Vec<Ns>,
    /// Working set, where there are capacities.
    bytes: u64,
    /// The group of objects that it shares racily.
    racy: Option<u32>,
}

/// What a task takes of a device while it runs.
#[derive(Clone, Copy)]
struct Takes {
    cores: u32,
    occupancy_ppm: u32,
}

impl Needs {
    fn takes(&self) -> Takes {
        Takes { cores: self.cores, occupancy_ppm: self.occupancy_ppm }
    }
}

impl<'a> PartialSchedule<'a> {
    /// Nothing placed but what the problem fixes.
    pub fn new(problem: &'a Problem<'a>) -> Self {
        let Problem { graph, cluster, .. } = *problem;
        let lanes = (0..cluster.lane_count()).map(LaneId::from_index);
        let fixed = |t: TaskId| problem.fixed(t).map(|f| (f.device, f.finish_ns));
        Self {
            problem,
            lanes: lanes.map(|l| Timeline::new(problem.lane_free_ns(l))).collect(),
            placed: graph.task_ids().map(fixed).collect(),
            assignments: Vec::with_capacity(problem.tasks.len()),
            racy: Racy::new(problem, |task, device| can_run(problem, task, device)),
            shared: Shared::new(problem),
            links: None,
            has_capacities: cluster
                .memory_ids()
                .any(|m| cluster.memory(m).capacity_bytes.is_some()),
            needs: Needs::default(),
        }
    }

    /// As [`PartialSchedule::new`], but every transfer takes the links of its route for itself, as
    /// the cluster's network has it: links under max-min sharing, ports under one-port. Costs, per
    /// task, inputs times memories times the length of routes.
    pub fn with_links(problem: &'a Problem<'a>) -> Self {
        let links = Links::new(problem.graph, problem.cluster, problem.now_ns);
        Self { links: Some(links), ..Self::new(problem) }
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
        let needs = self.take_needs(task);
        let ready_ns = needs.ready_ns[self.problem.cluster.memory_of(device).index()];
        self.needs = needs;
        ready_ns
    }

    /// Calls `each` with every device that can run the task, the instant at which its inputs could
    /// all be there, and its duration.
    pub fn each_data_ready(&mut self, task: TaskId, mut each: impl FnMut(DeviceId, Ns, Ns)) {
        let needs = self.take_needs(task);
        for device in self.problem.cluster.device_ids() {
            if let Some((ready_ns, duration_ns)) = self.ready_and_duration_ns(&needs, device) {
                each(device, ready_ns, duration_ns);
            }
        }
        self.needs = needs;
    }

    /// Fills the task's needs in; they are to be put back after use.
    fn take_needs(&mut self, task: TaskId) -> Needs {
        let Problem { graph, cluster, costs, now_ns, .. } = *self.problem;
        let mut needs = std::mem::take(&mut self.needs);
        needs.cores = graph.task(task).cores;
        needs.occupancy_ppm = graph.task(task).occupancy_ppm;
        needs.bytes = if self.has_capacities { graph.working_set_bytes(task) } else { 0 };
        needs.racy = self.racy.group(graph, task);
        costs.durations_by_group_ns(task, &mut needs.duration_ns);
        let placed = graph.incoming(task).iter().filter_map(|e| self.placed[e.from.index()]);
        let floor_ns = placed.map(|p| p.1).fold(now_ns, Ns::max);
        needs.ready_ns.clear();
        needs.ready_ns.resize(cluster.memory_count(), floor_ns);
        match self.links.take() {
            None => self.arrive_alone(task, &mut needs.ready_ns),
            Some(mut links) => {
                self.name_inputs(task, &mut links);
                for device in cluster.device_ids() {
                    let memory = cluster.memory_of(device);
                    let ready_ns = &mut needs.ready_ns[memory.index()];
                    // Devices of one memory come in a row.
                    if device.0 == 0 || cluster.memory_of(DeviceId(device.0 - 1)) != memory {
                        *ready_ns = (*ready_ns).max(links.ready_ns(cluster, memory));
                    }
                }
                self.links = Some(links);
            }
        }
        needs
    }

    /// When inputs could be in each memory if every transfer had its route to itself.
    fn arrive_alone(&self, task: TaskId, ready_ns: &mut [Ns]) {
        let Problem { graph, cluster, now_ns, .. } = *self.problem;
        for edge in graph.incoming(task) {
            if let Some(object) = edge.object
                && let Some((from, finish_ns)) = self.placed[edge.from.index()]
            {
                let (from, bytes) = (cluster.memory_of(from), graph.object(object).bytes);
                cluster.arrive_everywhere(from, finish_ns, bytes, ready_ns);
            }
        }
        for access in graph.accesses(task) {
            if access.mode.reads() && access.version == 0 {
                let object = graph.object(access.object);
                let home = cluster.home(object.home);
                cluster.arrive_everywhere(home, now_ns, object.bytes, ready_ns);
            }
        }
    }

    /// Tells the links what a task waits for.
    fn name_inputs(&self, task: TaskId, links: &mut Links) {
        let Problem { graph, cluster, now_ns, .. } = *self.problem;
        links.begin();
        for edge in graph.incoming(task) {
            if let Some(object) = edge.object
                && let Some((device, finish_ns)) = self.placed[edge.from.index()]
            {
                let (from, bytes) = (cluster.memory_of(device), graph.object(object).bytes);
                links.wait(object, bytes, Some(edge.from), from, finish_ns);
            }
        }
        for access in graph.accesses(task) {
            if access.mode.reads() && access.version == 0 {
                let object = graph.object(access.object);
                let home = cluster.home(object.home);
                links.wait(access.object, object.bytes, None, home, now_ns);
            }
        }
        links.sort();
    }

    /// When a task's inputs could be on a device, and how long it takes there; `None` where it
    /// cannot be placed.
    #[inline]
    fn ready_and_duration_ns(&self, needs: &Needs, device: DeviceId) -> Option<(Ns, Ns)> {
        let Problem { cluster, costs, .. } = *self.problem;
        let duration_ns = needs.duration_ns[costs.group_of(device)];
        let memory = cluster.memory_of(device);
        let is_fine = duration_ns != Ns::MAX
            && needs.cores <= cluster.lanes(device).len() as u32
            && needs.racy.is_none_or(|group| self.racy.allows(group, memory))
            && (!self.has_capacities
                || cluster.memory(memory).capacity_bytes.is_none_or(|c| needs.bytes <= c));
        is_fine.then(|| (needs.ready_ns[memory.index()], duration_ns))
    }

    /// The earliest place for a task on a device, the first lane winning ties; `None` where it
    /// cannot run.
    pub fn slot(&mut self, task: TaskId, device: DeviceId, policy: Policy) -> Option<Slot> {
        let needs = self.take_needs(task);
        let found = self.ready_and_duration_ns(&needs, device);
        let takes = needs.takes();
        self.needs = needs;
        found.map(|(ready_ns, duration_ns)| {
            self.slot_from(takes, device, policy, ready_ns, duration_ns, Ns::MAX)
        })
    }

    /// Calls `each` with the earliest place on every device that can run the task, in order.
    pub fn each_slot(&mut self, task: TaskId, policy: Policy, mut each: impl FnMut(Slot)) {
        let needs = self.take_needs(task);
        for device in self.problem.cluster.device_ids() {
            if let Some((ready_ns, duration_ns)) = self.ready_and_duration_ns(&needs, device) {
                each(self.slot_from(needs.takes(), device, policy, ready_ns, duration_ns, Ns::MAX));
            }
        }
        self.needs = needs;
    }

    /// The place of earliest finish on any device, the first device winning ties.
    ///
    /// # Errors
    /// [`PlanFailure`] when no device can take the task.
    pub fn earliest_finish(&mut self, task: TaskId, policy: Policy) -> Result<Slot, PlanFailure> {
        let needs = self.take_needs(task);
        let mut best: Option<Slot> = None;
        for device in self.problem.cluster.device_ids() {
            let Some((ready_ns, duration_ns)) = self.ready_and_duration_ns(&needs, device) else {
                continue;
            };
            let first_ns = ready_ns.saturating_add(duration_ns);
            if best.is_some_and(|b| first_ns >= b.finish_ns) {
                continue;
            }
            // A later start is of no use.
            let limit_ns = best.map_or(Ns::MAX, |b| b.finish_ns - duration_ns);
            let slot =
                self.slot_from(needs.takes(), device, policy, ready_ns, duration_ns, limit_ns);
            if best.is_none_or(|b| slot.finish_ns < b.finish_ns) {
                best = Some(slot);
            }
        }
        self.needs = needs;
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

    /// The earliest place on a device that is able, or one that starts no earlier than `limit_ns`.
    #[inline]
    fn slot_from(
        &self,
        takes: Takes,
        device: DeviceId,
        policy: Policy,
        ready_ns: Ns,
        duration_ns: Ns,
        limit_ns: Ns,
    ) -> Slot {
        let first = self.problem.cluster.first_lane(device).0;
        let end = first + self.problem.cluster.lanes(device).len() as u32;
        let mut best = (Ns::MAX, first);
        for lane in first..=end - takes.cores {
            let window = &self.lanes[lane as usize..(lane + takes.cores) as usize];
            let limit_ns = limit_ns.min(best.0);
            let mut start_ns = window_start_ns(window, ready_ns, duration_ns, policy, limit_ns);
            // Lanes that share a capacity must find it free too.
            while start_ns < limit_ns {
                let room_ns =
                    self.shared.earliest_ns(device, start_ns, duration_ns, takes.occupancy_ppm);
                if room_ns == start_ns {
                    break;
                }
                start_ns = window_start_ns(window, room_ns, duration_ns, policy, limit_ns);
            }
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
        self.place_until(task, slot, slot.finish_ns);
    }

    /// Places a task; its lanes are busy and what follows it waits until `until_ns`.
    fn place_until(&mut self, task: TaskId, slot: Slot, until_ns: Ns) {
        let Slot { device, lane, start_ns, finish_ns } = slot;
        let Problem { graph, cluster, .. } = *self.problem;
        for lane in lane.0..lane.0 + graph.task(task).cores {
            self.lanes[lane as usize].occupy(start_ns, until_ns);
        }
        if let Some(group) = self.racy.group(graph, task) {
            self.racy.pin(group, cluster.memory_of(device));
        }
        self.shared.occupy(device, start_ns, until_ns, graph.task(task).occupancy_ppm);
        if let Some(mut links) = self.links.take() {
            self.name_inputs(task, &mut links);
            links.commit(cluster, cluster.memory_of(device));
            self.links = Some(links);
        }
        self.placed[task.index()] = Some((device, until_ns));
        self.assignments.push(Assignment { task, device, lane, start_ns, finish_ns });
    }

    /// The finished schedule.
    pub fn into_schedule(self) -> Schedule {
        Schedule { assignments: self.assignments }
    }
}

/// Whether a device could run a task if nothing else were placed.
fn can_run(problem: &Problem<'_>, task: TaskId, device: DeviceId) -> bool {
    let Problem { graph, cluster, costs, .. } = *problem;
    let capacity_bytes = cluster.memory(cluster.memory_of(device)).capacity_bytes;
    costs.duration_ns(task, device).is_some()
        && graph.task(task).cores <= cluster.device(device).lanes
        && capacity_bytes.is_none_or(|c| graph.working_set_bytes(task) <= c)
}

/// The earliest instant from `ready_ns` on at which all lanes of a window are idle together, or
/// some instant from `limit_ns` on.
#[inline]
fn window_start_ns(
    window: &[Timeline],
    ready_ns: Ns,
    duration_ns: Ns,
    policy: Policy,
    limit_ns: Ns,
) -> Ns {
    let lane_start_ns = |lane: &Timeline, from_ns: Ns| match policy {
        Policy::Insertion => lane.earliest_ns(from_ns, duration_ns, limit_ns),
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
