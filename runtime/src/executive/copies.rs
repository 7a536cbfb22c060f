//! Moving data: requests, sources, engines, arrivals, and the death of objects.

use super::state::CopyState;
use super::store::{self, Content, NONE};
use super::{Command, Commands, State};
use crate::scheduler::{Event, Stage};
use crate::trace::CopyReason;
use crate::{CopyId, MemoryId, Ns, ObjectId, TaskId};
use std::cmp::Reverse;

impl State {
    /// Asks for the inputs of a placed task that exist already.
    pub(super) fn prefetch_inputs(&mut self, task: TaskId, memory: MemoryId, out: &mut Commands) {
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
        let head = self.objects[object.index()].head;
        if let Some(found) = self.store.find(head, memory) {
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
            self.copy_queue.insert((Reverse(priority), self.copy_requests, at));
        }
    }

    /// Issues a transfer from the source of earliest arrival, if engines are free.
    fn issue_copy(&mut self, at: u32, out: &mut Commands) -> bool {
        let CopyState { object, to, .. } = self.copies[at as usize];
        let target = self.store.get(to).memory;
        if self.store.get(to).outgoing > 0 {
            // A transfer of the last version still reads the buffer.
            return false;
        }
        let limit = self.cluster.memory(target).copies_in;
        if limit.is_some_and(|l| self.memories[target.index()].copies_in >= l) {
            return false;
        }
        let Some(from) = self.best_source(object, target) else { return false };
        let source = self.store.get(from).memory;
        self.pin_source(from);
        self.memories[target.index()].copies_in += 1;
        self.memories[source.index()].copies_out += 1;
        let id = self.copies_issued;
        self.copies_issued += 1;
        self.under_way += 1;
        let copy = &mut self.copies[at as usize];
        copy.from = from;
        copy.issued_ns = self.now_ns;
        copy.id = id;
        let (from, to) = (store::id(from), store::id(to));
        let bytes = self.graph.object(object).bytes;
        let copy = CopyId(at);
        out.push(Command::Copy { copy, object, from, to, source, target, bytes });
        true
    }

    /// A source stays where it is while it is read, without ending an eviction of it.
    fn pin_source(&mut self, from: u32) {
        let b = self.store.get_mut(from);
        b.pins += 1;
        b.outgoing += 1;
        if let Some(key) = b.eviction_key.take() {
            let memory = b.memory;
            self.memories[memory.index()].evictable.remove(&(key, from));
        }
    }

    /// The valid copy from which a transfer alone on its route would arrive first, among those
    /// whose engines are free; the lower memory id wins ties.
    fn best_source(&self, object: ObjectId, target: MemoryId) -> Option<u32> {
        let bytes = self.graph.object(object).bytes;
        let mut best: Option<(Ns, MemoryId, u32)> = None;
        for buffer in self.store.iter(self.objects[object.index()].head) {
            let b = self.store.get(buffer);
            if b.content != Content::Valid || b.writers > 0 {
                continue;
            }
            let limit = self.cluster.memory(b.memory).copies_out;
            if limit.is_some_and(|l| self.memories[b.memory.index()].copies_out >= l) {
                continue;
            }
            let key = (self.cluster.transfer_ns(b.memory, target, bytes), b.memory, buffer);
            if best.is_none_or(|b| key < b) {
                best = Some(key);
            }
        }
        best.map(|b| b.2)
    }

    /// A transfer ended.
    pub fn copied(&mut self, copy: CopyId, started_ns: Ns, out: &mut Commands) {
        let CopyState { object, from, to, .. } = self.copies[copy.index()];
        let (source, target) = (self.store.get(from).memory, self.store.get(to).memory);
        self.under_way -= 1;
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
        self.free_copies.push(copy.0);
        if self.options.copy_events {
            self.events.push(Event::CopyArrived { object, memory: target });
        }
        self.arrive(to, out);
        self.left(from);
        self.unpin(from, out);
        self.unpin(to, out);
        self.drop_evicted(object, out);
        self.bury(object, out);
        self.serve_copy_queue(out);
    }

    /// A buffer was filled. What is old by now is fetched anew if anybody waits for it.
    fn arrive(&mut self, to: u32, out: &mut Commands) {
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
        if std::mem::take(&mut b.is_result) {
            self.pending_results -= 1;
        }
        self.wake_waiters(to);
    }

    /// Whether a copy of the object waits to be released until its home has the content.
    fn is_evicted_to(&self, object: ObjectId, memory: MemoryId) -> bool {
        let state = &self.objects[object.index()];
        let waits = |b: u32| {
            let b = self.store.get(b);
            b.is_evicting && b.content == Content::Valid
        };
        memory == self.cluster.home(self.graph.object(object).home)
            && !state.is_dead
            && self.store.iter(state.head).any(waits)
    }

    /// A transfer read its source to the end: whoever is to write it need wait no longer.
    fn left(&mut self, from: u32) {
        let b = self.store.get_mut(from);
        b.outgoing -= 1;
        if b.outgoing == 0 && b.content != Content::Incoming {
            self.wake_waiters(from);
        }
    }

    fn wake_waiters(&mut self, buffer: u32) {
        while let Some((task, placement)) = self.store.take_waiter(buffer) {
            self.input_arrived(TaskId(task), placement);
        }
    }

    /// Releases copies that were being evicted and whose content has arrived elsewhere by now.
    fn drop_evicted(&mut self, object: ObjectId, out: &mut Commands) {
        let mut at = self.objects[object.index()].head;
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

    /// Issues queued transfers whose engines are free, in order.
    pub(super) fn serve_copy_queue(&mut self, out: &mut Commands) {
        if self.copy_queue.is_empty() {
            return;
        }
        let queued: Vec<_> = self.copy_queue.iter().copied().collect();
        for entry in queued {
            if self.issue_copy(entry.2, out) {
                self.copy_queue.remove(&entry);
            }
        }
    }

    /// A task wrote an object: all other copies are old.
    pub(super) fn publish(&mut self, object: ObjectId, written: u32, out: &mut Commands) {
        self.objects[object.index()].version += 1;
        self.objects[object.index()].exists = true;
        self.store.get_mut(written).content = Content::Valid;
        let mut at = self.objects[object.index()].head;
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
    }

    /// Queued transfers of an object that nobody waits for any more never start.
    fn drop_queued_copies(&mut self, object: ObjectId, out: &mut Commands) {
        if self.copy_queue.is_empty() {
            return;
        }
        let useless = |e: &&(Reverse<i64>, u32, u32)| {
            let copy = &self.copies[e.2 as usize];
            let to = self.store.get(copy.to);
            copy.object == object && to.waiters == NONE && !to.is_result
        };
        let useless: Vec<_> = self.copy_queue.iter().filter(useless).copied().collect();
        useless.into_iter().for_each(|entry| self.cancel(entry, out));
    }

    /// Takes back a transfer that has not started.
    fn cancel(&mut self, entry: (Reverse<i64>, u32, u32), out: &mut Commands) {
        self.copy_queue.remove(&entry);
        let to = self.copies[entry.2 as usize].to;
        self.free_copies.push(entry.2);
        self.store.get_mut(to).content = Content::Empty;
        self.unpin(to, out);
    }

    /// Takes back the queued transfer into a buffer that was asked for as a task's input and that
    /// no task waits for any more.
    pub(super) fn cancel_unwanted(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get(buffer);
        if b.content != Content::Incoming || b.waiters != NONE || b.is_result {
            return;
        }
        let at = b.copy;
        let copy = &self.copies[at as usize];
        let is_queued_input = copy.from == NONE && copy.reason == CopyReason::Input;
        if !is_queued_input || self.is_evicted_to(b.object, b.memory) {
            return;
        }
        if let Some(&entry) = self.copy_queue.iter().find(|e| e.2 == at) {
            self.cancel(entry, out);
        }
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
        while let Some(&entry) =
            self.copy_queue.iter().find(|e| self.copies[e.2 as usize].object == object)
        {
            debug_assert_eq!(self.store.get(self.copies[entry.2 as usize].to).waiters, NONE);
            self.cancel(entry, out);
        }
        self.bury(object, out);
    }

    fn bring_home(&mut self, object: ObjectId, out: &mut Commands) {
        let home = self.cluster.home(self.graph.object(object).home);
        let head = self.objects[object.index()].head;
        let found = self.store.find(head, home);
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
        self.store.get_mut(buffer).is_result = true;
        self.fill(buffer, i64::MAX, CopyReason::Result, out);
    }

    /// Releases all unpinned buffers of a dead object, and its home's bytes with the last one.
    pub(super) fn bury(&mut self, object: ObjectId, out: &mut Commands) {
        if !self.objects[object.index()].is_dead {
            return;
        }
        let mut at = self.objects[object.index()].head;
        while at != NONE {
            let next = self.store.get(at).next;
            if self.store.get(at).pins == 0 {
                self.release(at, out);
            }
            at = next;
        }
        let state = &mut self.objects[object.index()];
        if state.head == NONE && std::mem::take(&mut state.is_home_charged) {
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
            if state.uses_left > 0 || state.is_dead || state.head == NONE {
                continue;
            }
            match self.graph.object(object).keep {
                true => self.bring_home(object, out),
                false => self.die(object, out),
            }
        }
    }
}
