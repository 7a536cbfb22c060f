//! Moving data: requests, sources, engines, arrivals, and the death of objects.

use super::engines::Side;
use super::state::CopyState;
use super::store::{Content, NONE};
use super::{Commands, State};
use crate::scheduler::{Event, Stage};
use crate::trace::CopyReason;
use crate::{CopyId, MemoryId, Ns, ObjectId, TaskId};

impl State {
    /// Asks for the inputs of a placed task that exist already.
    pub(super) fn prefetch_inputs(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) {
        if self.memories.len() == 1 {
            // What exists is there.
            return;
        }
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            self.prefetch_input(task, access.object, memory, out);
        }
    }

    /// Asks for one input, if it has the version that the task is to meet.
    pub(super) fn prefetch_input(
        &mut self,
        task: TaskId,
        object: ObjectId,
        memory: MemoryId,
        out: &mut Commands,
    ) {
        let access = self.graph.accesses(task).iter().find(|a| a.object == object);
        let Some(access) = access else { return };
        let state = &self.objects[object.index()];
        let is_there = state.exists && state.version == access.version;
        if is_there && access.mode.reads() && !access.mode.is_group() {
            let priority = self.tasks[task.index()].priority;
            self.push_copy(object, memory, priority, CopyReason::Input, out);
        }
    }

    /// Copies an object to a memory where it is not yet, if there is room without eviction;
    /// whether it is there or on its way now.
    pub(super) fn push_copy(
        &mut self,
        object: ObjectId,
        memory: MemoryId,
        priority: i64,
        reason: CopyReason,
        out: &mut Commands,
    ) -> bool {
        let list = self.objects[object.index()].copies;
        if let Some(found) = self.store.find(list, memory) {
            let buffer = self.store.get(found);
            if buffer.content == Content::Empty && buffer.writers == 0 {
                self.fill(found, priority, reason, out);
            }
            return true;
        }
        let state = &self.memories[memory.index()];
        if let Some(capacity) = state.capacity_bytes {
            let plain = self.graph.object(object);
            let is_free = self.objects[object.index()].is_home_charged
                && self.cluster.home(plain.home) == memory;
            let bytes = if is_free { 0 } else { plain.bytes };
            let has_room = state.used_bytes.saturating_add(bytes) <= capacity;
            if !state.queue.is_empty() || !has_room {
                return false;
            }
        }
        let buffer = self.allocate(object, memory, out);
        self.fill(buffer, priority, reason, out);
        true
    }

    /// Starts or queues the transfer that fills an empty buffer; joins one under way.
    pub(super) fn fill(
        &mut self,
        buffer: u32,
        priority: i64,
        reason: CopyReason,
        out: &mut Commands,
    ) {
        if self.store.get(buffer).content == Content::Incoming {
            return;
        }
        self.pin(buffer);
        self.copy_requests += 1;
        let copy = CopyState {
            object: self.store.get(buffer).object,
            from: NONE,
            to: buffer,
            reason,
            priority,
            request: self.copy_requests,
            requested_ns: self.now_ns,
            issued_ns: 0,
            id: NONE,
        };
        let at = match self.free_copies.pop() {
            Some(at) => {
                self.copies[at as usize] = copy;
                at
            }
            None => {
                self.copies.push(copy);
                self.copies.len() as u32 - 1
            }
        };
        let b = self.store.get_mut(buffer);
        b.content = Content::Incoming;
        b.copy = at;
        if !self.issue_copy(at, out) {
            self.queue_copy(at);
        }
    }

    /// A transfer ended.
    pub fn copied(&mut self, copy: CopyId, started_ns: Ns, out: &mut Commands) {
        let CopyState { object, from, to, .. } = self.copies[copy.index()];
        let (source, target) = (self.store.get(from).memory, self.store.get(to).memory);
        self.under_way -= 1;
        // Where an engine was free already, nothing waited for it.
        let frees = [(source, Side::Source), (target, Side::Target)]
            .map(|(memory, side)| (!self.has_engine(memory, side)).then_some((memory, side)));
        self.memories[source.index()].copies_out -= 1;
        self.memories[target.index()].copies_in -= 1;
        self.recorder.copied(
            &self.copies[copy.index()],
            self.store.get(from),
            self.store.get(to),
            self.graph.object(object).bytes,
            started_ns,
            self.now_ns,
        );
        self.copies[copy.index()].request = NONE;
        self.free_copies.push(copy.0);
        if self.options.copy_events {
            self.events.push(Event::CopyArrived { object, memory: target });
        }
        self.arrive(to, out);
        self.left(from);
        let is_filled_next = self.queued_copy(from).is_some();
        self.unpin(from, out);
        self.unpin(to, out);
        if self.is_bounded {
            self.drop_evicted(object, out);
        }
        self.bury(object, out);
        for (memory, side) in frees.into_iter().flatten() {
            self.serve_copy_queue(memory, side, out);
        }
        if is_filled_next {
            self.serve_copy_queue(source, Side::Target, out);
        }
    }

    /// A buffer was filled. What is old by now is fetched anew if anybody waits for it.
    pub(super) fn arrive(&mut self, to: u32, out: &mut Commands) {
        let b = self.store.get_mut(to);
        if std::mem::take(&mut b.is_stale) {
            b.content = Content::Empty;
            let (object, memory) = (b.object, b.memory);
            if b.is_result {
                self.fill(to, i64::MAX, CopyReason::Result, out);
            } else if b.waiters != NONE {
                self.fill(to, i64::MAX, CopyReason::Input, out);
            } else if self.is_evicted_to(object, memory) {
                self.fill(to, i64::MAX, CopyReason::WriteBack, out);
            }
            return;
        }
        b.content = Content::Valid;
        let object = b.object;
        if std::mem::take(&mut b.is_result) {
            self.pending_results -= 1;
        }
        self.wake_waiters(to);
        self.add_source(object, to, out);
    }

    /// Whether a copy of the object waits to be released until its home has the content.
    pub(super) fn is_evicted_to(&self, object: ObjectId, memory: MemoryId) -> bool {
        let state = &self.objects[object.index()];
        let waits = |b: u32| {
            let b = self.store.get(b);
            b.is_evicting && b.content == Content::Valid
        };
        memory == self.cluster.home(self.graph.object(object).home)
            && !state.is_dead
            && self.store.iter(state.copies).any(waits)
    }

    /// A transfer read its source to the end: whoever is to write it need wait no longer.
    pub(super) fn left(&mut self, from: u32) {
        let b = self.store.get_mut(from);
        b.outgoing -= 1;
        if b.outgoing == 0 && b.content != Content::Incoming {
            self.wake_waiters(from);
        }
    }

    pub(super) fn wake_waiters(&mut self, buffer: u32) {
        while let Some((task, placement)) = self.store.take_waiter(buffer) {
            self.input_arrived(TaskId(task), placement);
        }
    }

    /// Releases copies that were being evicted and whose content has arrived elsewhere by now.
    fn drop_evicted(&mut self, object: ObjectId, out: &mut Commands) {
        let mut at = self.objects[object.index()].copies.first;
        while at != NONE {
            let b = self.store.get(at);
            let next = b.next;
            if b.is_evicting && b.pins == 0 && self.is_elsewhere(at) {
                self.release(at, out);
            }
            at = next;
        }
    }

    fn input_arrived(&mut self, task: TaskId, placement: u32) {
        let state = &mut self.tasks[task.index()];
        if state.placement != placement || state.stage != Stage::Fetching {
            return;
        }
        state.missing -= 1;
        if state.missing == 0 {
            self.runnable(task);
        }
    }

    /// A task wrote an object: all other copies are old.
    ///
    /// `before` is the number of writes that come before it at least: some of them may not have
    /// been
    /// made again in a recovery, since nobody needs them.
    pub(super) fn publish(
        &mut self,
        object: ObjectId,
        before: u32,
        written: u32,
        out: &mut Commands,
    ) {
        let state = &mut self.objects[object.index()];
        state.version = state.version.max(before) + 1;
        state.exists = true;
        self.store.get_mut(written).content = Content::Valid;
        let mut at = self.objects[object.index()].copies.first;
        while at != NONE {
            let b = self.store.get_mut(at);
            let next = b.next;
            if at != written {
                match b.content {
                    Content::Incoming => {
                        b.is_stale = self.copies[b.copy as usize].from != NONE;
                    }
                    _ => b.content = Content::Empty,
                }
                if b.pins == 0 {
                    self.release(at, out);
                }
            }
            at = next;
        }
        self.drop_queued_copies(object, out);
        self.add_source(object, written, out);
    }

    /// Ends one use of an object; after the last one it dies, or goes home as a result.
    pub(super) fn end_use(&mut self, object: ObjectId, out: &mut Commands) {
        let state = &mut self.objects[object.index()];
        state.uses_left -= 1;
        if state.uses_left > 0 || self.graph.object(object).held {
            return;
        }
        if self.graph.object(object).keep {
            self.bring_home(object, out);
        } else {
            self.die(object, out);
        }
    }

    fn die(&mut self, object: ObjectId, out: &mut Commands) {
        self.objects[object.index()].is_dead = true;
        self.drop_queued_copies(object, out);
        self.bury(object, out);
    }

    fn bring_home(&mut self, object: ObjectId, out: &mut Commands) {
        let home = self.cluster.home(self.graph.object(object).home);
        let list = self.objects[object.index()].copies;
        let found = self.store.find(list, home);
        let is_coming = |b: u32| {
            let b = self.store.get(b);
            b.content == Content::Valid || b.is_result
        };
        if found.is_some_and(is_coming) {
            return;
        }
        self.charge_home(object);
        let buffer = match found {
            Some(buffer) => buffer,
            None => self.allocate(object, home, out),
        };
        self.pending_results += 1;
        self.end_ns = None;
        self.store.get_mut(buffer).is_result = true;
        self.fill(buffer, i64::MAX, CopyReason::Result, out);
    }

    /// Releases all unpinned buffers of a dead object, and its home's bytes with the last one.
    pub(super) fn bury(&mut self, object: ObjectId, out: &mut Commands) {
        if !self.objects[object.index()].is_dead {
            return;
        }
        let mut at = self.objects[object.index()].copies.first;
        while at != NONE {
            let next = self.store.get(at).next;
            if self.store.get(at).pins == 0 {
                self.release(at, out);
            }
            at = next;
        }
        let state = &mut self.objects[object.index()];
        if state.copies.is_empty() && std::mem::take(&mut state.is_home_charged) {
            let plain = self.graph.object(object);
            let home = self.cluster.home(plain.home);
            self.memories[home.index()].used_bytes -= plain.bytes;
            self.mark_memory(home);
        }
    }

    /// Objects that the program no longer holds die, or go home, if nobody uses them.
    pub(super) fn drop_released(&mut self, out: &mut Commands) {
        for object in self.graph.take_released() {
            let state = &self.objects[object.index()];
            // Without a buffer it was never written, or stayed outside the run.
            if state.uses_left > 0 || state.is_dead || state.copies.is_empty() {
                continue;
            }
            match self.graph.object(object).keep {
                true => self.bring_home(object, out),
                false => self.die(object, out),
            }
        }
    }
}
