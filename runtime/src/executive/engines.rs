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
    /// Pairs with their first entry, by target and by source: `(target, first, source)` and
    /// `(source, first, target)`.
    by_target: BTreeSet<(u32, Entry, u32)>,
    by_source: BTreeSet<(u32, Entry, u32)>,
    /// How many transfers wait.
    waiting: u32,
}

impl CopyQueue {
    fn add(&mut self, (target, source): (MemoryId, MemoryId), entry: Entry) {
        let entries = self.pairs.entry((target.0, source.0)).or_default();
        let before = entries.first().copied();
        entries.insert(entry);
        if before.is_none_or(|b| entry < b) {
            self.index((target.0, source.0), before, Some(entry));
        }
    }

    fn remove(&mut self, pair: (u32, u32), entry: Entry) {
        let Some(entries) = self.pairs.get_mut(&pair) else { return };
        let before = entries.first().copied();
        entries.remove(&entry);
        let after = entries.first().copied();
        if after.is_none() {
            self.pairs.remove(&pair);
        }
        self.index(pair, before, after);
    }

    /// The first entry of a pair is another one.
    fn index(&mut self, (target, source): (u32, u32), before: Option<Entry>, after: Option<Entry>) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.by_target.remove(&(target, before, source));
            self.by_source.remove(&(source, before, target));
        }
        if let Some(after) = after {
            self.by_target.insert((target, after, source));
            self.by_source.insert((source, after, target));
        }
    }

    /// Among the pairs of a memory, the next one in the order of their first entries: that entry
    /// and the pair.
    fn next_pair(&self, memory: u32, side: Side, after: Cursor) -> Option<(Cursor, (u32, u32))> {
        let begin = match after {
            None => Bound::Included((memory, (Reverse(i64::MAX), 0, 0), 0)),
            Some((entry, other)) => Bound::Excluded((memory, entry, other)),
        };
        let index = match side {
            Side::Target => &self.by_target,
            Side::Source => &self.by_source,
        };
        let &(found, entry, other) = index.range((begin, Bound::Unbounded)).next()?;
        let pair = match side {
            Side::Target => (memory, other),
            Side::Source => (other, memory),
        };
        (found == memory).then_some((Some((entry, other)), pair))
    }
}

/// A position among the pairs of a memory; `None` = before the first one.
type Cursor = Option<(Entry, u32)>;

/// Which end of transfers a memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Target,
    Source,
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
        self.fail_if_cut(object, target);
        if self.store.get(to).outgoing > 0 {
            // A transfer of the last version still reads the buffer.
            return false;
        }
        if !self.has_engine(target, Side::Target) {
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
            if !self.has_engine(b.memory, Side::Source) || self.cluster.is_cut(b.memory, target) {
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
                self.copy_queue.add((target, b.memory), (Reverse(priority), request, at));
            }
        }
    }

    /// A buffer has the content now: transfers of the object that wait may come from it.
    pub(super) fn add_source(&mut self, object: ObjectId, buffer: u32, out: &mut Commands) {
        if self.copy_queue.waiting == 0 {
            return;
        }
        let source = self.store.get(buffer).memory;
        let mut any = false;
        for other in self.store.iter(self.objects[object.index()].copies) {
            if let Some(at) = self.queued_copy(other) {
                let CopyState { priority, request, .. } = self.copies[at as usize];
                let target = self.store.get(other).memory;
                self.copy_queue.add((target, source), (Reverse(priority), request, at));
                any = true;
            }
        }
        if any {
            self.serve_copy_queue(source, Side::Source, out);
        }
    }

    /// The transfer that is to fill a buffer, if it waits.
    pub(super) fn queued_copy(&self, buffer: u32) -> Option<u32> {
        let b = self.store.get(buffer);
        let waits = b.content == Content::Incoming && self.copies[b.copy as usize].from == NONE;
        waits.then_some(b.copy)
    }

    /// Issues transfers into, or out of, a memory whose engines are free, in order.
    pub(super) fn serve_copy_queue(&mut self, memory: MemoryId, side: Side, out: &mut Commands) {
        while self.copy_queue.waiting > 0 {
            let Some((_, _, at)) = self.first_of(memory, side) else { return };
            if !self.issue_copy(at, out) {
                debug_assert!(false, "it was looked at just now");
                return;
            }
            self.copy_queue.waiting -= 1;
        }
    }

    /// The first transfer into, or out of, a memory that can be issued now.
    fn first_of(&mut self, memory: MemoryId, side: Side) -> Option<Entry> {
        if !self.has_engine(memory, side) {
            return None;
        }
        let (mut best, mut cursor) = (None, None);
        while let Some((next, pair)) = self.copy_queue.next_pair(memory.0, side, cursor) {
            if best.is_some_and(|b| next.is_some_and(|(first, _)| b < first)) {
                break;
            }
            best = best.into_iter().chain(self.first_in(pair)).min();
            cursor = next;
        }
        best
    }

    /// The first transfer of a pair that can be issued now.
    fn first_in(&mut self, pair: (u32, u32)) -> Option<Entry> {
        let (target, source) = (MemoryId(pair.0), MemoryId(pair.1));
        let has_engines =
            self.has_engine(target, Side::Target) && self.has_engine(source, Side::Source);
        if !has_engines || self.cluster.is_cut(source, target) {
            return None;
        }
        let mut after = Bound::Unbounded;
        loop {
            let entries = self.copy_queue.pairs.get(&pair)?;
            let entry = *entries.range((after, Bound::Unbounded)).next()?;
            match self.look(entry, source) {
                Look::Yes => return Some(entry),
                Look::NotNow => after = Bound::Excluded(entry),
                Look::Never => self.copy_queue.remove(pair, entry),
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

    /// Whether a memory can take part in one more transfer.
    pub(super) fn has_engine(&self, memory: MemoryId, side: Side) -> bool {
        let state = &self.memories[memory.index()];
        let (limit, busy) = match side {
            Side::Target => (self.cluster.copies_in(memory), state.copies_in),
            Side::Source => (self.cluster.copies_out(memory), state.copies_out),
        };
        limit.is_none_or(|l| busy < l)
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
    pub(super) fn cancel(&mut self, buffer: u32, out: &mut Commands) {
        let b = self.store.get_mut(buffer);
        b.content = Content::Empty;
        self.copies[b.copy as usize].request = NONE;
        self.free_copies.push(b.copy);
        self.copy_queue.waiting -= 1;
        self.unpin(buffer, out);
    }
}
