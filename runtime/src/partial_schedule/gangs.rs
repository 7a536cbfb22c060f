//! Placing a gang: all its tasks start at one instant, on lanes of their own.

use super::{PartialSchedule, Policy, Slot, window_start_ns};
use crate::planner::{PlanFailure, Problem};
use crate::{LaneId, Ns, TaskId};

/// What the tasks of a gang that were placed so far take at once.
struct Taken {
    /// By lane.
    lanes: Vec<bool>,
    /// By memory.
    bytes: Vec<u64>,
}

impl PartialSchedule<'_> {
    /// Places the tasks of a gang after everything else on their lanes: one after the other each
    /// takes the place where it alone would finish first among lanes that the gang has not taken
    /// yet, in a memory that can hold it beside the others, and all then start when the last of
    /// them could.
    ///
    /// # Errors
    /// [`PlanFailure`] when the machine has no lanes for all of them at once; the schedule is then
    /// not to be used any further.
    pub fn place_gang(&mut self, members: &[TaskId]) -> Result<(), PlanFailure> {
        let Problem { graph, cluster, .. } = *self.problem;
        let mut taken = Taken {
            lanes: vec![false; cluster.lane_count()],
            bytes: vec![0; cluster.memory_count()],
        };
        let mut slots = Vec::with_capacity(members.len());
        for &member in members {
            let slot = self.free_slot(member, &taken).ok_or_else(|| self.too_wide(member))?;
            let cores = graph.task(member).cores as usize;
            taken.lanes[slot.lane.index()..][..cores].fill(true);
            taken.bytes[cluster.memory_of(slot.device).index()] += graph.working_set_bytes(member);
            slots.push(slot);
        }
        let start_ns = slots.iter().map(|s| s.start_ns).max().unwrap_or(0);
        for (&member, slot) in members.iter().zip(slots) {
            let duration_ns = slot.finish_ns - slot.start_ns;
            let finish_ns = start_ns.saturating_add(duration_ns);
            // On its lane and for what follows it, a task of no duration takes an instant: others
            // could not come right before or after it on one lane and the other way on another.
            let until_ns = finish_ns.max(start_ns.saturating_add(1));
            self.place_until(member, Slot { start_ns, finish_ns, ..slot }, until_ns);
        }
        Ok(())
    }

    /// The place of earliest finish after everything else, with what is not taken.
    fn free_slot(&mut self, task: TaskId, taken: &Taken) -> Option<Slot> {
        let needs = self.take_needs(task);
        let cluster = self.problem.cluster;
        let cores = needs.cores as usize;
        let mut best: Option<Slot> = None;
        for device in cluster.device_ids() {
            let Some((ready_ns, duration_ns)) = self.ready_and_duration_ns(&needs, device) else {
                continue;
            };
            let memory = cluster.memory_of(device);
            let capacity_bytes = cluster.memory(memory).capacity_bytes.unwrap_or(u64::MAX);
            if taken.bytes[memory.index()].saturating_add(needs.bytes) > capacity_bytes {
                continue;
            }
            let first = cluster.first_lane(device).index();
            let end = first + cluster.device(device).lanes as usize;
            for lane in first..=end - cores {
                if taken.lanes[lane..lane + cores].contains(&true) {
                    continue;
                }
                let window = &self.lanes[lane..lane + cores];
                let policy = Policy::Append;
                let start_ns = window_start_ns(window, ready_ns, duration_ns, policy, Ns::MAX);
                let finish_ns: Ns = start_ns.saturating_add(duration_ns);
                if best.is_none_or(|b| finish_ns < b.finish_ns) {
                    let lane = LaneId::from_index(lane);
                    best = Some(Slot { device, lane, start_ns, finish_ns });
                }
            }
        }
        self.needs = needs;
        best
    }

    fn too_wide(&self, member: TaskId) -> PlanFailure {
        let graph = self.problem.graph;
        PlanFailure(format!(
            "the gang of task {:?} needs more lanes or memory at once than the cluster has for it",
            graph.task_name(member),
        ))
    }
}
