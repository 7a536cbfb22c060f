//! Reservations: a task, or a gang, gets its whole working set at once or not at all.
//!
//! Working sets are asked for when all predecessors have finished. Requests of one memory are
//! granted in the order in which they were made; the first that is refused blocks later ones. A
//! gang asks in all of its memories at once and is granted when it is first in all of them. What
//! is reserved belongs to tasks that can finish, so at last everything unreserved can be evicted
//! and the oldest request fits: see the proof in ARCHITECTURE.md.

use super::engines::Side;
use super::store::{Content, NONE};
use super::{Commands, State};
use crate::graph::Access;
use crate::scheduler::{Event, Stage};
use crate::trace::CopyReason;
use crate::{DeviceId, GangId, MemoryId, ObjectId, TaskId};

impl State {
    /// The memory of the device that a task was placed on.
    #[inline]
    pub(super) fn memory_of(&self, task: TaskId) -> MemoryId {
        self.cluster.memory_of(DeviceId(self.tasks[task.index()].device))
    }

    /// Asks for a ready and placed task's working set.
    pub(super) fn request_memory(&mut self, task: TaskId, out: &mut Commands) {
        if !self.is_bounded {
            return self.reserve(task, out);
        }
        let gang = self.gang_of(task);
        let may_ask = match gang {
            None => self.may_ask(task),
            Some(gang) => self.members(gang).iter().all(|m| self.may_ask(*m)),
        };
        if !may_ask {
            // Asked again when its turn comes.
            let memory = self.memory_of(task);
            return self.prefetch_inputs(task, memory, out);
        }
        match gang {
            None => self.ask(task),
            Some(gang) => self.members(gang).iter().for_each(|m| self.ask(*m)),
        }
    }

    fn members(&self, gang: GangId) -> Vec<TaskId> {
        self.gangs[gang.index()].members.clone()
    }

    /// Whether a task could run once it had its memory. Under strict order, later tasks of a lane
    /// must not hold memory that earlier ones need.
    fn may_ask(&mut self, task: TaskId) -> bool {
        let state = &self.tasks[task.index()];
        let is_placed = state.stage == Stage::Ready && state.device != NONE;
        is_placed && (!self.is_strict() || self.is_lane_head(task))
    }

    fn ask(&mut self, task: TaskId) {
        self.keep_turn(task);
        let memory = self.memory_of(task);
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Reserving;
        let entry = (task.0, state.placement);
        self.memories[memory.index()].queue.push_back(entry);
        self.mark_memory(memory);
    }

    /// Grants requests in order until one is refused.
    pub(super) fn serve_memory(&mut self, memory: MemoryId, out: &mut Commands) {
        while let Some(task) = self.first_request(memory) {
            let is_granted = match self.gang_of(task) {
                None => self.grant(&[task], out),
                Some(gang) => {
                    let members = self.members(gang);
                    self.are_first(gang, &members) && self.grant(&members, out)
                }
            };
            if !is_granted {
                return;
            }
        }
    }

    /// The task whose request is the oldest one of a memory.
    fn first_request(&mut self, memory: MemoryId) -> Option<TaskId> {
        let queue = &mut self.memories[memory.index()].queue;
        while let Some(&(task, placement)) = queue.front() {
            let state = &self.tasks[task as usize];
            if state.placement == placement && state.stage == Stage::Reserving {
                return Some(TaskId(task));
            }
            queue.pop_front();
        }
        None
    }

    /// Whether a gang's requests are the oldest ones of all their memories.
    fn are_first(&mut self, gang: GangId, members: &[TaskId]) -> bool {
        members.iter().all(|m| {
            let first = self.first_request(self.memory_of(*m));
            first.is_some_and(|f| self.gang_of(f) == Some(gang))
        })
    }

    /// Reserves the working sets of tasks whose requests are the oldest, if they fit.
    fn grant(&mut self, group: &[TaskId], out: &mut Commands) -> bool {
        if !self.make_room(group, out) {
            return false;
        }
        for &task in group {
            let memory = self.memory_of(task);
            let popped = self.memories[memory.index()].queue.pop_front();
            debug_assert!(popped.is_some_and(|(t, _)| group.contains(&TaskId(t))));
            self.reserve(task, out);
        }
        true
    }

    /// Whether the working sets of a group fit now; starts evictions if they do not.
    fn make_room(&mut self, group: &[TaskId], out: &mut Commands) -> bool {
        // What is there already must not be evicted to make room for the rest.
        let mut held = std::mem::take(&mut self.held);
        self.present(group, &mut held);
        held.iter().for_each(|b| self.pin(*b));
        let mut needs = std::mem::take(&mut self.needs);
        self.lacking(group, &mut needs);
        let mut full = None;
        for &(memory, bytes) in &needs {
            if !self.free_up(memory, bytes, out) {
                full.get_or_insert(memory);
                // Room in any memory may let this request be granted.
                self.is_waiting_elsewhere |= memory != self.memory_of(group[0]);
            }
        }
        self.needs = needs;
        held.drain(..).for_each(|b| self.let_go(b));
        self.held = held;
        if let Some(memory) = full {
            // Told once per request, however often it is tried.
            let request = self.tasks[group[0].index()].placement;
            let told = &mut self.memories[memory.index()].pressure_told;
            if std::mem::replace(told, request) != request {
                self.events.push(Event::MemoryPressure { memory });
            }
        }
        full.is_none()
    }

    /// Appends the buffers that a group of tasks has in its memories already.
    fn present(&self, group: &[TaskId], held: &mut Vec<u32>) {
        for &task in group {
            let memory = self.memory_of(task);
            let list = |a: &Access| self.objects[a.object.index()].copies;
            let accesses = self.graph.accesses(task).iter();
            held.extend(accesses.filter_map(|a| self.store.find(list(a), memory)));
        }
    }

    /// Bytes that a group of tasks lacks, by memory: what is not there of the working sets, and
    /// room at home for what is written elsewhere, so that a dirty copy can always be evicted.
    pub(super) fn lacking(&self, group: &[TaskId], needs: &mut Vec<(MemoryId, u64)>) {
        needs.clear();
        let mut add = |memory: MemoryId, bytes: u64| {
            if self.memories[memory.index()].capacity_bytes.is_none() || bytes == 0 {
                return;
            }
            match needs.iter_mut().find(|n| n.0 == memory) {
                Some(need) => need.1 += bytes,
                None => needs.push((memory, bytes)),
            }
        };
        for (at, &task) in group.iter().enumerate() {
            let memory = self.memory_of(task);
            add(memory, self.graph.task(task).scratch_bytes);
            for access in self.graph.accesses(task) {
                if self.is_shared(&group[..at], memory, access) {
                    continue;
                }
                let plain = self.graph.object(access.object);
                let home = self.cluster.home(plain.home);
                let state = &self.objects[access.object.index()];
                let is_there = self.store.find(state.copies, memory).is_some();
                if !is_there && (home != memory || !state.is_home_charged) {
                    add(memory, plain.bytes);
                }
                if access.mode.writes()
                    && home != memory
                    && !self.has_bytes_at_home(access.object, home)
                {
                    add(home, plain.bytes);
                }
            }
        }
    }

    /// Whether one of `others` has the object of an access in its working set in this memory too.
    fn is_shared(&self, others: &[TaskId], memory: MemoryId, access: &Access) -> bool {
        let has = |t: &TaskId| self.graph.accesses(*t).iter().any(|a| a.object == access.object);
        others.iter().any(|t| self.memory_of(*t) == memory && has(t))
    }

    fn has_bytes_at_home(&self, object: ObjectId, home: MemoryId) -> bool {
        let state = &self.objects[object.index()];
        state.is_home_charged || self.store.find(state.copies, home).is_some()
    }

    /// Reserves the working set: pins what is there, allocates the rest, fetches what is read.
    fn reserve(&mut self, task: TaskId, out: &mut Commands) {
        let memory = self.memory_of(task);
        self.recorder.reserved(task, self.now_ns);
        self.memories[memory.index()].used_bytes += self.graph.task(task).scratch_bytes;
        let priority = self.tasks[task.index()].priority;
        let placement = self.tasks[task.index()].placement;
        let mut missing = 0;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode.writes() && self.is_bounded {
                self.charge_home_if_away(access.object, memory);
            }
            let list = self.objects[access.object.index()].copies;
            let buffer = match self.store.find(list, memory) {
                Some(buffer) => buffer,
                None => self.allocate(access.object, memory, out),
            };
            self.pin(buffer);
            let content = self.store.get(buffer).content;
            // Exclusive objects are fetched when the task has them to itself; nothing is fetched
            // for a plain write, but what is arriving must not arrive on top of it.
            let is_fetched = access.mode.reads() && !access.mode.is_exclusive();
            let is_lacking = is_fetched && content == Content::Empty;
            if is_lacking {
                self.fill(buffer, priority, CopyReason::Input, out);
            }
            let mut must_wait = content == Content::Incoming || is_lacking;
            if access.mode.writes() && !access.mode.is_exclusive() {
                // All who need the old version have finished: nobody need read it any more.
                let b = self.store.get_mut(buffer);
                b.writers += 1;
                must_wait |= b.outgoing > 0;
            }
            if must_wait {
                self.store.wait(buffer, task.0, placement);
                missing += 1;
            }
        }
        self.tasks[task.index()].missing = missing;
        self.tasks[task.index()].stage = Stage::Fetching;
        if missing == 0 {
            self.runnable(task);
        }
    }

    fn charge_home_if_away(&mut self, object: ObjectId, memory: MemoryId) {
        let home = self.cluster.home(self.graph.object(object).home);
        if home != memory && self.memories[home.index()].capacity_bytes.is_some() {
            self.charge_home(object);
        }
    }

    /// Gives a working set back without having run.
    fn unreserve(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) {
        self.memories[memory.index()].used_bytes -= self.graph.task(task).scratch_bytes;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            let list = self.objects[access.object.index()].copies;
            let buffer = self.store.find(list, memory).expect("the working set is reserved");
            self.store.stop_waiting(buffer, task.0);
            if access.mode.writes() && !access.mode.is_exclusive() {
                self.store.get_mut(buffer).writers -= 1;
            }
            self.cancel_unwanted(buffer, out);
            self.unpin(buffer, out);
        }
        self.serve_copy_queue(memory, Side::Source, out);
        self.mark_memory(memory);
    }

    /// Takes back the request or the reservation of a task that was not issued.
    pub(super) fn retreat(&mut self, task: TaskId, out: &mut Commands) {
        self.lose_turn(task, self.tasks[task.index()].lane);
        let memory = self.memory_of(task);
        let stage = self.tasks[task.index()].stage;
        match stage {
            Stage::Reserving => {
                self.memories[memory.index()].queue.retain(|e| e.0 != task.0);
                self.mark_memory(memory);
            }
            Stage::Fetching | Stage::Runnable => {
                self.leave_gang_queue(task, stage);
                if stage == Stage::Runnable {
                    self.pass_on(task);
                }
                self.unreserve(task, memory, out);
            }
            _ => return,
        }
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Ready;
        state.missing = 0;
        let device = state.device;
        self.mark_device(device);
    }

    /// Takes back the reservations of a gang of which a member is to be placed anew: they are
    /// granted together or not at all.
    pub(super) fn retreat_together(&mut self, task: TaskId, out: &mut Commands) {
        if let Some(gang) = self.gang_of(task).filter(|_| self.is_bounded) {
            for member in self.members(gang) {
                // Nobody has asked for the memory of one that is not placed.
                if self.tasks[member.index()].device != NONE {
                    self.retreat(member, out);
                }
            }
        }
    }
}
