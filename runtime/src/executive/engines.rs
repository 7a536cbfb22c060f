//! Copy engines: which of the transfers that wait is issued next.
//!
//! A transfer that cannot be issued waits in one queue per pair of its target and a source that
//! has the content, so that an engine that becomes free looks only at those that it could serve.
//! Within a memory the order is that of priorities, then of requests. Entries are taken out when
//! they are met and are no longer true: the transfer was issued or cancelled, or the source lost
//! the content.

use super::state::CopyState;
use super::store::{self, Content, NONE};
use super::{Command, Commands, State};
use crate::trace::CopyReason;
use crate::{CopyId, MemoryId, Ns, ObjectId};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A transfer that waits: priority, request number, position.
type Entry = (Reverse<i64>, u32, u32);

/// Transfers that wait.
#[derive(Default)]
pub(super) struct CopyQueue {
    /// By target and source.
    pairs: BTreeMap<(u32, u32), BTreeSet<Entry>>,
    /// The same pairs as source and target.
    by_source: BTreeSet<(u32, u32)>,
    /// How many transfers wait.
    waiting: u32,
}

impl CopyQueue {
    fn add(&mut self, target: MemoryId, source: MemoryId, entry: Entry) {
        self.pairs.entry((target.0, source.0)).or_default().insert(entry);
        self.by_source.insert((source.0, target.0));
    }

    fn remove(&mut self, pair: (u32, u32), entry: &Entry) {
        if let Some(entries) = self.pairs.get_mut(&pair) {
            entries.remove(entry);
            if entries.is_empty() {
                self.pairs.remove(&pair);
                self.by_source.remove(&(pair.1, pair.0));
            }
        }
    }

    /// Pairs (target, source) of which a memory is one.
    fn pairs_of(&self, memory: MemoryId) -> impl Iterator<Item = (u32, u32)> + '_ {
        let all = (memory.0, 0)..=(memory.0, u32::MAX);
        let as_target = self.pairs.range(all.clone()).map(|p| *p.0);
        as_target.chain(self.by_source.range(all).map(|&(source, target)| (target, source)))
    }
}

/// Whether an entry can be issued.
enum Look {
    Yes,
    NotNow,
    Never,
}

impl State {
    /// Issues a transfer from the source of earliest arrival, if engines are free.
    pub(super) fn issue_copy(&mut self, at: u32, out: &mut Commands) -> bool {
        let CopyState { object, to, .. } = self.copies[at as usize];
        let target = self.store.get(to).memory;
        if self.store.get(to).outgoing > 0 {
            // A transfer of the last version still reads the buffer.
            return false;
        }
        if !self.has_engine_in(target) {
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
        for buffer in self.store.iter(self.objects[object.index()].copies) {
            let b = self.store.get(buffer);
            if b.content != Content::Valid || b.writers > 0 {
                continue;
            }
            if !self.has_engine_out(b.memory) {
                continue;
            }
            let key = (self.cluster.transfer_ns(b.memory, target, bytes), b.memory, buffer);
            if best.is_none_or(|b| key < b) {
                best = Some(key);
            }
        }
        best.map(|b| b.2)
    }

    /// Lets a transfer wait for engines, at every source that it has.
    pub(super) fn queue_copy(&mut self, at: u32) {
        let CopyState { object, to, priority, request, .. } = self.copies[at as usize];
        let target = self.store.get(to).memory;
        self.copy_queue.waiting += 1;
        for buffer in self.store.iter(self.objects[object.index()].copies) {
            let b = self.store.get(buffer);
            if b.content == Content::Valid {
                self.copy_queue.add(target, b.memory, (Reverse(priority), request, at));
            }
        }
    }

    /// A buffer has the content now: transfers of the object that wait may come from it.
    pub(super) fn add_source(&mut self, object: ObjectId, buffer: u32) {
        if self.copy_queue.waiting == 0 {
            return;
        }
        let source = self.store.get(buffer).memory;
        for other in self.store.iter(self.objects[object.index()].copies) {
            if let Some(at) = self.queued_copy(other) {
                let CopyState { priority, request, .. } = self.copies[at as usize];
                let target = self.store.get(other).memory;
                self.copy_queue.add(target, source, (Reverse(priority), request, at));
            }
        }
    }

    /// The transfer that is to fill a buffer, if it waits.
    fn queued_copy(&self, buffer: u32) -> Option<u32> {
        let b = self.store.get(buffer);
        let waits = b.content == Content::Incoming && self.copies[b.copy as usize].from == NONE;
        waits.then_some(b.copy)
    }

    /// Issues transfers into and out of a memory whose engines are free, in order.
    pub(super) fn serve_copy_queue(&mut self, memory: MemoryId, out: &mut Commands) {
        while self.copy_queue.waiting > 0 {
            let pairs: Vec<_> = self.copy_queue.pairs_of(memory).collect();
            let firsts = pairs.into_iter().filter_map(|pair| self.first_in(pair));
            let Some((_, _, at)) = firsts.min() else { return };
            if !self.issue_copy(at, out) {
                debug_assert!(false, "it was looked at just now");
                return;
            }
            self.copy_queue.waiting -= 1;
        }
    }

    /// The first transfer of a pair that can be issued now.
    fn first_in(&mut self, pair: (u32, u32)) -> Option<Entry> {
        let (target, source) = (MemoryId(pair.0), MemoryId(pair.1));
        if !self.has_engine_in(target) || !self.has_engine_out(source) {
            return None;
        }
        let mut after = Bound::Unbounded;
        loop {
            let entries = self.copy_queue.pairs.get(&pair)?;
            let entry = *entries.range((after, Bound::Unbounded)).next()?;
            match self.look(entry, source) {
                Look::Yes => return Some(entry),
                Look::NotNow => after = Bound::Excluded(entry),
                Look::Never => self.copy_queue.remove(pair, &entry),
            }
        }
    }

    fn look(&self, (_, request, at): Entry, source: MemoryId) -> Look {
        let copy = &self.copies[at as usize];
        if copy.request != request || copy.from != NONE {
            return Look::Never;
        }
        let list = self.objects[copy.object.index()].copies;
        match self.store.find(list, source).map(|b| self.store.get(b)) {
            Some(from) if from.content == Content::Valid => {
                let is_free = from.writers == 0 && self.store.get(copy.to).outgoing == 0;
                if is_free { Look::Yes } else { Look::NotNow }
            }
            _ => Look::Never,
        }
    }

    fn has_engine_in(&self, memory: MemoryId) -> bool {
        let limit = self.cluster.memory(memory).copies_in;
        limit.is_none_or(|l| self.memories[memory.index()].copies_in < l)
    }

    fn has_engine_out(&self, memory: MemoryId) -> bool {
        let limit = self.cluster.memory(memory).copies_out;
        limit.is_none_or(|l| self.memories[memory.index()].copies_out < l)
    }

    /// Waiting transfers of an object that nobody counts on any more never start.
    pub(super) fn drop_queued_copies(&mut self, object: ObjectId, out: &mut Commands) {
        if self.copy_queue.waiting == 0 {
            return;
        }
        let useless = |b: &u32| {
            let buffer = self.store.get(*b);
            buffer.waiters == NONE && !buffer.is_result && self.queued_copy(*b).is_some()
        };
        let all = self.store.iter(self.objects[object.index()].copies);
        let useless: Vec<u32> = all.filter(useless).collect();
        useless.into_iter().for_each(|b| self.cancel(b, out));
    }

    /// Takes back the waiting transfer into a buffer that was asked for as a task's input and that
    /// no task waits for any more.
    pub(super) fn cancel_unwanted(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get(buffer);
        if b.waiters != NONE || b.is_result || self.is_evicted_to(b.object, b.memory) {
            return;
        }
        let reason = self.queued_copy(buffer).map(|at| self.copies[at as usize].reason);
        if reason == Some(CopyReason::Input) {
            self.cancel(buffer, out);
        }
    }

    /// Takes back a transfer that has not been issued; its queue entries are recognised by their
    /// request number.
    fn cancel(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get_mut(buffer);
        b.content = Content::Empty;
        self.copies[b.copy as usize].request = NONE;
        self.free_copies.push(b.copy);
        self.copy_queue.waiting -= 1;
        self.unpin(buffer, out);
    }
}
