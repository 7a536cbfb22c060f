//! Carrying out the scheduler's decisions.

use super::store::{Content, NONE};
use super::{Command, Commands, Failure, State};
use crate::graph::{Mode, of_capacity};
use crate::scheduler::{Decision, Event, Refusal, Stage};
use crate::trace::CopyReason;
use crate::{DeviceId, LaneId, MemoryId, ObjectId, TaskId};
use std::cmp::Reverse;

impl State {
    /// Carries one decision out.
    pub fn decide(&mut self, decision: &Decision, out: &mut Commands) -> Result<(), Refusal> {
        match *decision {
            Decision::Place { task, device, lane, priority } => {
                self.check_place(task, device, lane)?;
                self.place(task, device, lane, priority, out);
                Ok(())
            }
            Decision::Prefetch { object, memory } => self.prefetch(object, memory, out),
            Decision::Drop { object, memory } => self.drop_copy(object, memory, out),
            Decision::Wake { at_ns } => {
                let at_ns = at_ns.max(self.now_ns);
                self.timers.push(Reverse(at_ns));
                out.push(Command::Wake { at_ns });
                Ok(())
            }
            // The executive starts studies itself.
            Decision::PlanApart => Err(Refusal::CannotPlan),
            Decision::GiveUp { ref reason } => {
                self.fail(Failure::GaveUp { reason: reason.clone() });
                Ok(())
            }
        }
    }

    fn check_place(
        &self,
        task: TaskId,
        device: DeviceId,
        lane: Option<LaneId>,
    ) -> Result<(), Refusal> {
        let state = self.tasks.get(task.index()).ok_or(Refusal::UnknownTask(task))?;
        if device.index() >= self.devices.len() {
            return Err(Refusal::UnknownDevice(device));
        }
        if matches!(state.stage, Stage::Running | Stage::Finished) || state.is_locked {
            return Err(Refusal::AlreadyIssued);
        }
        if self.devices[device.index()].is_lost {
            return Err(Refusal::DeviceLost(device));
        }
        let cores = self.graph.task(task).cores;
        let lanes = self.cluster.device(device).lanes;
        if self.estimates.duration_ns(task, device).is_none() || cores > lanes {
            return Err(Refusal::CannotRun);
        }
        match lane {
            Some(lane) => {
                let first = self.cluster.first_lane(device).0;
                if lane.0 < first || lane.0 + cores > first + lanes {
                    return Err(Refusal::WrongLane(lane));
                }
            }
            None if self.is_strict() => return Err(Refusal::LaneRequired),
            None => {}
        }
        let memory = self.cluster.memory_of(device);
        if let Some(capacity_bytes) = self.memories[memory.index()].capacity_bytes {
            let needed_bytes = self.graph.working_set_bytes(task);
            if needed_bytes > capacity_bytes {
                return Err(Refusal::TooLarge { needed_bytes, capacity_bytes });
            }
        }
        for access in self.graph.accesses(task).iter().filter(|a| a.mode == Mode::Racy) {
            let object = &self.objects[access.object.index()];
            let others = object.racy_users - u32::from(state.device != NONE);
            if others > 0 && object.racy_memory != memory.0 {
                return Err(Refusal::RacyElsewhere(access.object));
            }
        }
        Ok(())
    }

    fn place(
        &mut self,
        task: TaskId,
        device: DeviceId,
        lane: Option<LaneId>,
        priority: i64,
        out: &mut Commands,
    ) {
        if self.tasks[task.index()].device != NONE {
            self.unplace(task, out);
        }
        self.placements += 1;
        let placement = self.placements;
        let state = &mut self.tasks[task.index()];
        state.device = device.0;
        state.lane = lane.map_or(NONE, |l| l.0);
        state.priority = priority;
        state.placement = placement;
        let stage = state.stage;
        self.add_load(task, device);
        let memory = self.cluster.memory_of(device);
        self.recorder.placed(task, self.now_ns);
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode == Mode::Racy {
                let object = &mut self.objects[access.object.index()];
                object.racy_users += 1;
                object.racy_memory = memory.0;
            }
        }
        if let Some(lane) = lane.filter(|_| self.is_strict()) {
            let cores = self.graph.task(task).cores;
            for lane in lane.0..lane.0 + cores {
                let entry = (priority, Reverse(placement), task.0);
                self.lanes[lane as usize].queue.push(entry);
            }
            self.mark_device(device.0);
        }
        if stage == Stage::Ready {
            self.request_memory(task, out);
        } else {
            self.prefetch_inputs(task, memory, out);
        }
    }

    /// Takes a placement back: memory, queues and racy claims. Copies under way are left to
    /// arrive, queued ones are cancelled; entries in lane queues become stale by their placement
    /// number.
    pub(super) fn unplace(&mut self, task: TaskId, out: &mut Commands) {
        self.retreat_together(task, out);
        self.retreat(task, out);
        let state = &mut self.tasks[task.index()];
        let device = DeviceId(state.device);
        state.device = NONE;
        state.lane = NONE;
        // A number that no entry carries.
        state.placement = 0;
        self.remove_load(task, device);
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode == Mode::Racy {
                self.objects[access.object.index()].racy_users -= 1;
            }
        }
        let state = &mut self.tasks[task.index()];
        // Its entry in the queue of an exclusive object carries the old placement and will not
        // wake it; it may queue again.
        state.is_lock_waiting = false;
        self.mark_device(device.0);
    }

    fn add_load(&mut self, task: TaskId, device: DeviceId) {
        let work_ns = self.load_ns(task, device);
        let state = &mut self.devices[device.index()];
        state.load_ns += work_ns;
        state.queued += 1;
    }

    pub(super) fn remove_load(&mut self, task: TaskId, device: DeviceId) {
        let work_ns = self.load_ns(task, device);
        let state = &mut self.devices[device.index()];
        state.load_ns -= work_ns;
        state.queued -= 1;
    }

    fn load_ns(&self, task: TaskId, device: DeviceId) -> u64 {
        let duration_ns = self.estimates.duration_ns(task, device).unwrap_or(0);
        let task = self.graph.task(task);
        match self.cluster.is_shared(device) {
            true => of_capacity(duration_ns, task.occupancy_ppm),
            false => duration_ns.saturating_mul(u64::from(task.cores)),
        }
    }

    /// A task's predecessors have finished.
    pub(super) fn ready(&mut self, task: TaskId, out: &mut Commands) {
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Ready;
        let is_placed = state.device != NONE;
        let is_news = !std::mem::replace(&mut state.is_announced, true);
        self.recorder.ready(task, self.now_ns);
        if is_news {
            self.events.push(Event::Ready { task });
        }
        if is_placed {
            self.request_memory(task, out);
        }
    }

    fn prefetch(
        &mut self,
        object: ObjectId,
        memory: MemoryId,
        out: &mut Commands,
    ) -> Result<(), Refusal> {
        if memory.index() >= self.memories.len() {
            return Err(Refusal::UnknownMemory(memory));
        }
        if self.is_gone(memory) {
            return Err(Refusal::CannotPrefetch);
        }
        let state = self.objects.get(object.index()).ok_or(Refusal::UnknownObject(object))?;
        if !state.exists || state.is_dead || state.locked_by != NONE || state.racy_users > 0 {
            return Err(Refusal::CannotPrefetch);
        }
        let is_valid = |b: u32| self.store.get(b).content == Content::Valid;
        if !self.store.iter(state.copies).any(is_valid) {
            return Err(Refusal::CannotPrefetch);
        }
        if let Some(found) = self.store.find(state.copies, memory)
            && self.store.get(found).content == Content::Empty
        {
            // Reserved by a task that writes it, and that the old version must not overwrite.
            return Err(Refusal::CannotPrefetch);
        }
        match self.push_copy(object, memory, 0, CopyReason::Prefetch, out) {
            true => Ok(()),
            false => Err(Refusal::CannotPrefetch),
        }
    }

    fn drop_copy(
        &mut self,
        object: ObjectId,
        memory: MemoryId,
        out: &mut Commands,
    ) -> Result<(), Refusal> {
        if memory.index() >= self.memories.len() {
            return Err(Refusal::UnknownMemory(memory));
        }
        let state = self.objects.get(object.index()).ok_or(Refusal::UnknownObject(object))?;
        let found = self.store.find(state.copies, memory).ok_or(Refusal::CannotDrop)?;
        let buffer = self.store.get(found);
        let is_free = buffer.pins == 0 && buffer.content == Content::Valid;
        // Its place at home is set aside for the object as long as it lives, and results stay.
        let is_home = self.cluster.home(self.graph.object(object).home) == memory;
        if !is_free || is_home || !self.is_elsewhere(found) {
            return Err(Refusal::CannotDrop);
        }
        self.release(found, out);
        Ok(())
    }
}
