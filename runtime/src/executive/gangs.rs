//! Gangs: tasks that start at one instant.

use super::store::NONE;
use super::{Commands, State};
use crate::scheduler::Stage;
use crate::{DeviceId, LaneId, TaskId};
use std::cmp::Reverse;

impl State {
    /// A member has its inputs; the last one makes the gang complete.
    pub(super) fn join_gang(&mut self, task: TaskId, gang: u32) {
        let state = &mut self.gangs[gang as usize];
        state.runnable += 1;
        if state.runnable as usize == state.members.len() {
            self.gang_queue.push_back(gang);
        }
        let device = self.tasks[task.index()].device;
        self.mark_device(device);
    }

    /// A runnable member is placed anew: its gang is not complete any more.
    pub(super) fn leave_gang_queue(&mut self, task: TaskId, stage: Stage) {
        let Some(gang) = self.gang_of(task).filter(|_| stage == Stage::Runnable) else {
            return;
        };
        self.gangs[gang.index()].runnable -= 1;
        self.gang_queue.retain(|g| *g != gang.0);
    }

    /// Starts complete gangs, first come first served; whether the first one that cannot start
    /// has a claim on this device, on which nothing else starts until then. Under strict order
    /// the lanes' order decides and there are no claims.
    pub(super) fn start_gangs(&mut self, device: DeviceId, out: &mut Commands) -> bool {
        let mut at = 0;
        while let Some(&gang) = self.gang_queue.get(at) {
            let members = std::mem::take(&mut self.gangs[gang as usize].members);
            let lanes = self.gang_lanes(&members);
            let is_here = members.iter().any(|m| self.tasks[m.index()].device == device.0);
            if let Some(lanes) = &lanes {
                self.gang_queue.remove(at);
                for (&member, &lane) in members.iter().zip(lanes) {
                    self.start_task(member, lane, out);
                }
            }
            self.gangs[gang as usize].members = members;
            match (lanes, self.is_strict()) {
                (Some(_), _) => {}
                (None, true) => at += 1,
                (None, false) => return is_here,
            }
        }
        false
    }

    /// Idle lanes for all members, under strict order those where it is their turn.
    fn gang_lanes(&mut self, members: &[TaskId]) -> Option<Vec<LaneId>> {
        if !self.is_strict() {
            return self.fit(members, |l| self.lanes[l as usize].running.is_none());
        }
        // Strict lanes are named; this finds out whose turn it is.
        let is_first = |state: &mut Self, m: TaskId| {
            let first = state.tasks[m.index()].lane;
            let lanes = first..first + state.graph.task(m).cores;
            lanes
                .map(LaneId)
                .all(|l| state.lanes[l.index()].running.is_none() && state.lane_head(l) == Some(m))
        };
        let all = members.iter().all(|m| is_first(self, *m));
        all.then(|| members.iter().map(|m| LaneId(self.tasks[m.index()].lane)).collect())
    }

    /// Whether the lanes that a placed gang's members ask for are enough for all of them at once.
    pub(super) fn gang_fits(&self, members: &[TaskId]) -> bool {
        self.fit(members, |_| true).is_some()
    }

    /// Lanes for all members, none used twice. Those with least choice come first: members that
    /// name a lane, then larger ones.
    fn fit(&self, members: &[TaskId], is_free: impl Fn(u32) -> bool) -> Option<Vec<LaneId>> {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|&at| {
            let has_lane = self.tasks[members[at].index()].lane != NONE;
            (!has_lane, Reverse(self.graph.task(members[at]).cores))
        });
        let mut taken: Vec<u32> = Vec::new();
        let mut lanes = vec![LaneId(0); members.len()];
        for at in order {
            let member = members[at];
            let state = &self.tasks[member.index()];
            let cores = self.graph.task(member).cores;
            let first = self.cluster.first_lane(DeviceId(state.device)).0;
            let end = first + self.cluster.device(DeviceId(state.device)).lanes;
            let mut candidates = match state.lane {
                NONE => first..end + 1 - cores,
                lane => lane..lane + 1,
            };
            let found =
                candidates.find(|&l| (l..l + cores).all(|l| !taken.contains(&l) && is_free(l)))?;
            taken.extend(found..found + cores);
            lanes[at] = LaneId(found);
        }
        Some(lanes)
    }
}
