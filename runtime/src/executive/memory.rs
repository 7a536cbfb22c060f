//! Eviction: what may go when a memory is full, and where it goes.

use super::store::{self, Content, NONE};
use super::{Command, Commands, State};
use crate::scheduler::{Eviction, Stage};
use crate::trace::CopyReason;
use crate::{MemoryId, ObjectId};

/// Of a key by frequency: which of equally frequent copies was used last. A run has fewer uses.
const RECENCY_BITS: u32 = 40;

impl State {
    /// Whether `needed` bytes are free; if not, drops and writes back until they will be.
    pub(super) fn free_up(&mut self, memory: MemoryId, needed: u64, out: &mut Commands) -> bool {
        loop {
            let state = &self.memories[memory.index()];
            let Some(capacity) = state.capacity_bytes else { return true };
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
        let list = self.objects[object.index()].copies;
        let target = match self.store.find(list, home) {
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
        let list = self.objects[self.store.get(buffer).object.index()].copies;
        self.store.iter(list).any(|other| {
            let b = self.store.get(other);
            other != buffer && b.content == Content::Valid
        })
    }

    /// Keeps a buffer from being evicted.
    #[inline]
    pub(super) fn pin(&mut self, buffer: u32) {
        let b = self.store.get_mut(buffer);
        b.pins += 1;
        b.uses = b.uses.saturating_add(1);
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
    pub(super) fn let_go(&mut self, buffer: u32) {
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
            Eviction::Lfu => {
                self.uses += 1;
                u64::from(self.store.get(buffer).uses) << RECENCY_BITS
                    | (self.uses & ((1 << RECENCY_BITS) - 1))
            }
            Eviction::NextUse => {
                let users = &mut self.users[object.index()];
                while users.front().is_some_and(|t| self.tasks[t.index()].stage >= Stage::Running) {
                    users.pop_front();
                }
                u64::MAX - users.front().map_or(u64::from(NONE), |t| u64::from(t.0))
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
        self.store.remove(buffer, &mut self.objects[object.index()].copies);
        if is_charged {
            self.memories[memory.index()].used_bytes -= bytes;
        }
        out.push(Command::Release { buffer: store::id(buffer) });
        self.mark_memory(memory);
    }
}
