//! Reservations and eviction.
//!
//! A task reserves its whole working set at once or not at all, when its predecessors have
//! finished. Reservations of one memory are granted in the order of their requests; the first
//! that is refused blocks later ones. What is reserved belongs to tasks that can finish, so at
//! last everything unreserved is evictable and the head of the queue fits: see the proof in
//! ARCHITECTURE.md.

use super::store::{self, Content, NONE};
use super::{Command, Commands, State};
use crate::scheduler::{Event, Eviction, Stage};
use crate::trace::CopyReason;
use crate::{MemoryId, ObjectId, TaskId};

impl State {
    /// Asks for a ready and placed task's working set.
    pub(super) fn request_memory(&mut self, task: TaskId, out: &mut Commands) {
        let device = crate::DeviceId(self.tasks[task.index()].device);
        let memory = self.cluster.memory_of(device);
        if self.memories[memory.index()].capacity_bytes.is_none() {
            return self.reserve(task, memory, out);
        }
        if self.is_strict() && !self.is_lane_head(task) {
            // Later tasks of a strict lane must not hold memory that earlier ones need. Asked
            // again when it becomes the head.
            return self.prefetch_inputs(task, memory, out);
        }
        self.keep_turn(task);
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Reserving;
        let entry = (task.0, state.placement);
        let queue = &mut self.memories[memory.index()].queue;
        queue.push_back(entry);
        if queue.len() == 1 {
            self.mark_memory(memory);
        }
    }

    /// Grants requests in order until one is refused.
    pub(super) fn serve_memory(&mut self, memory: MemoryId, out: &mut Commands) {
        while let Some(&(task, placement)) = self.memories[memory.index()].queue.front() {
            let state = &self.tasks[task as usize];
            let is_stale = state.placement != placement || state.stage != Stage::Reserving;
            if is_stale || self.make_room(TaskId(task), memory, out) {
                self.memories[memory.index()].queue.pop_front();
                if !is_stale {
                    self.reserve(TaskId(task), memory, out);
                }
            } else {
                return;
            }
        }
    }

    /// Whether the task's working set fits now; starts evictions if it does not.
    fn make_room(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) -> bool {
        let mut needed = self.graph.task(task).scratch_bytes;
        // What is there already must not be evicted to make room for the rest.
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            let bytes = self.graph.object(access.object).bytes;
            match self.store.find(self.objects[access.object.index()].head, memory) {
                Some(buffer) => self.pin(buffer),
                None if self.is_free_at_home(access.object, memory) => {}
                None => needed += bytes,
            }
        }
        let homes_fit = self.homes_have_room(task, memory);
        let fits = self.free_up(memory, needed, out) && homes_fit;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if let Some(b) = self.store.find(self.objects[access.object.index()].head, memory) {
                self.let_go(b);
            }
        }
        if !fits {
            let already = matches!(
                self.events.last(), Some(Event::MemoryPressure { memory: m }) if *m == memory
            );
            if !already {
                self.events.push(Event::MemoryPressure { memory });
            }
        }
        fits
    }

    /// Whether the object's home slot is in this memory and charged already.
    fn is_free_at_home(&self, object: ObjectId, memory: MemoryId) -> bool {
        let home = self.cluster.home(self.graph.object(object).home);
        home == memory && self.objects[object.index()].is_home_charged
    }

    /// Whether the homes of the objects that the task writes elsewhere can set their bytes aside,
    /// so that a dirty copy can always be evicted.
    fn homes_have_room(&mut self, task: TaskId, memory: MemoryId) -> bool {
        let accesses = self.graph.accesses(task);
        let needs = |a: &crate::graph::Access| {
            let home = self.cluster.home(self.graph.object(a.object).home);
            let is_away = a.mode.writes() && home != memory;
            (is_away && !self.has_bytes_at_home(a.object, home)).then_some(home)
        };
        for home in accesses.iter().filter_map(needs) {
            let Some(capacity) = self.memories[home.index()].capacity_bytes else { continue };
            let same = accesses.iter().filter(|a| needs(a) == Some(home));
            let bytes: u64 = same.map(|a| self.graph.object(a.object).bytes).sum();
            if self.memories[home.index()].used_bytes + bytes > capacity {
                self.is_home_full = true;
                return false;
            }
        }
        true
    }

    fn has_bytes_at_home(&self, object: ObjectId, home: MemoryId) -> bool {
        let state = &self.objects[object.index()];
        state.is_home_charged || self.store.find(state.head, home).is_some()
    }

    /// Whether `needed` bytes are free; if not, drops and writes back until they will be.
    fn free_up(&mut self, memory: MemoryId, needed: u64, out: &mut Commands) -> bool {
        loop {
            let state = &self.memories[memory.index()];
            let capacity = state.capacity_bytes.unwrap_or(u64::MAX);
            if needed <= capacity.saturating_sub(state.used_bytes) {
                return true;
            }
            if needed <= (capacity + state.evicting_bytes).saturating_sub(state.used_bytes) {
                return false;
            }
            let Some((_, buffer)) = self.memories[memory.index()].evictable.pop_first() else {
                return false;
            };
            self.store.get_mut(buffer).eviction_key = None;
            self.evict(buffer, out);
        }
    }

    /// Drops an unpinned copy, writing it back first when it is the only one.
    fn evict(&mut self, buffer: u32, out: &mut Commands) {
        if self.is_elsewhere(buffer) {
            return self.release(buffer, out);
        }
        let (object, memory) = {
            let b = self.store.get_mut(buffer);
            b.is_evicting = true;
            (b.object, b.memory)
        };
        let plain = self.graph.object(object);
        let (bytes, home) = (plain.bytes, self.cluster.home(plain.home));
        debug_assert_ne!(home, memory, "home slots are not evictable");
        self.charge_home(object);
        self.memories[memory.index()].evicting_bytes += bytes;
        let head = self.objects[object.index()].head;
        let target = match self.store.find(head, home) {
            Some(target) if self.is_to_be_overwritten(target) => return self.release(buffer, out),
            Some(target) => target,
            None => self.allocate(object, home, out),
        };
        self.fill(target, i64::MAX, CopyReason::WriteBack, out);
    }

    /// Whether a task has reserved a buffer to write it without having read it: nobody needs the
    /// object's present version any more.
    fn is_to_be_overwritten(&self, buffer: u32) -> bool {
        let b = self.store.get(buffer);
        b.writers > 0 && b.content == Content::Empty
    }

    /// Whether another memory holds the current version too, and keeps it.
    pub(super) fn is_elsewhere(&self, buffer: u32) -> bool {
        let head = self.objects[self.store.get(buffer).object.index()].head;
        self.store.iter(head).any(|other| {
            let b = self.store.get(other);
            other != buffer && b.content == Content::Valid
        })
    }

    /// Reserves the working set: pins what is there, allocates the rest, fetches what is read.
    pub(super) fn reserve(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) {
        self.recorder.reserved(task, self.now_ns);
        self.memories[memory.index()].used_bytes += self.graph.task(task).scratch_bytes;
        let priority = self.tasks[task.index()].priority;
        let placement = self.tasks[task.index()].placement;
        let mut missing = 0;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode.writes() && self.memories.len() > 1 {
                self.charge_home_if_away(access.object, memory);
            }
            let head = self.objects[access.object.index()].head;
            let buffer = match self.store.find(head, memory) {
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
    pub(super) fn unreserve(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) {
        self.memories[memory.index()].used_bytes -= self.graph.task(task).scratch_bytes;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            let head = self.objects[access.object.index()].head;
            let buffer = self.store.find(head, memory).expect("the working set is reserved");
            self.store.stop_waiting(buffer, task.0);
            if access.mode.writes() && !access.mode.is_exclusive() {
                self.store.get_mut(buffer).writers -= 1;
            }
            self.cancel_unwanted(buffer, out);
            self.unpin(buffer, out);
        }
        self.serve_copy_queue(out);
        self.mark_memory(memory);
    }

    /// Keeps a buffer from being evicted.
    #[inline]
    pub(super) fn pin(&mut self, buffer: u32) {
        let b = self.store.get_mut(buffer);
        b.pins += 1;
        if let Some(key) = b.eviction_key.take() {
            let memory = b.memory;
            self.memories[memory.index()].evictable.remove(&(key, buffer));
        }
        if b.is_evicting {
            // Somebody wants it after all; the write-back goes on and does no harm.
            b.is_evicting = false;
            let (object, memory) = (b.object, b.memory);
            self.memories[memory.index()].evicting_bytes -= self.graph.object(object).bytes;
        }
    }

    /// Takes off a pin that was put on for an attempt: nothing has changed, nobody need be told.
    fn let_go(&mut self, buffer: u32) {
        let b = self.store.get_mut(buffer);
        b.pins -= 1;
        if b.pins == 0 {
            let (object, memory) = (b.object, b.memory);
            self.offer_for_eviction(buffer, object, memory);
        }
    }

    /// Takes one pin off.
    pub(super) fn unpin(&mut self, buffer: u32, out: &mut Commands) {
        self.store.get_mut(buffer).pins -= 1;
        self.settle(buffer, out);
    }

    /// What becomes of a buffer that nobody has pinned: without use it is released, an evicted one
    /// goes when another memory has the content, others may be evicted.
    pub(super) fn settle(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get(buffer);
        if b.pins > 0 {
            return;
        }
        let (object, memory, is_evicting) = (b.object, b.memory, b.is_evicting);
        if self.objects[object.index()].is_dead || b.content == Content::Empty {
            return self.release(buffer, out);
        }
        match is_evicting {
            true if self.is_elsewhere(buffer) => self.release(buffer, out),
            true => {}
            false => self.offer_for_eviction(buffer, object, memory),
        }
        self.mark_memory(memory);
    }

    /// Puts an unpinned copy among those that may be evicted.
    fn offer_for_eviction(&mut self, buffer: u32, object: ObjectId, memory: MemoryId) {
        let is_bounded = self.memories[memory.index()].capacity_bytes.is_some();
        let is_home = self.cluster.home(self.graph.object(object).home) == memory;
        if !is_bounded || is_home {
            return;
        }
        let key = match self.options.eviction {
            Eviction::Lru => {
                self.uses += 1;
                self.uses
            }
            Eviction::NextUse => {
                let users = &self.users[object.index()];
                let next = users.iter().find(|t| self.tasks[t.index()].stage < Stage::Running);
                u64::MAX - next.map_or(u64::from(NONE), |t| u64::from(t.0))
            }
        };
        self.store.get_mut(buffer).eviction_key = Some(key);
        self.memories[memory.index()].evictable.insert((key, buffer));
    }

    /// Frees a buffer that nobody has pinned.
    pub(super) fn release(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get_mut(buffer);
        debug_assert!(b.pins == 0 && b.waiters == NONE);
        let (object, memory, is_charged) = (b.object, b.memory, b.is_charged);
        let bytes = self.graph.object(object).bytes;
        if let Some(key) = b.eviction_key.take() {
            self.memories[memory.index()].evictable.remove(&(key, buffer));
        }
        if std::mem::take(&mut b.is_evicting) {
            self.memories[memory.index()].evicting_bytes -= bytes;
        }
        self.recorder.released(self.store.get(buffer), bytes, self.now_ns);
        self.store.remove(buffer, &mut self.objects[object.index()].head);
        if is_charged {
            self.memories[memory.index()].used_bytes -= bytes;
        }
        out.push(Command::Release { buffer: store::id(buffer) });
        self.mark_memory(memory);
    }
}
