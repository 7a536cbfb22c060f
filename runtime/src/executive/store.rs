//! Which memory holds what: a slab of buffers, linked per object.
//!
//! Between two writes an object has one current version, because anti-dependencies order writers
//! after readers. So a buffer either holds the current version (`Valid`), is being filled with it
//! (`Incoming`), or holds nothing of use (`Empty`).
//!
//! Most objects have few copies, which are found by walking their list. An object with many (data
//! that everybody reads) gets a table by memory.

use crate::{BufferId, MemoryId, Ns, ObjectId};

pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    Incoming,
    Valid,
}

/// One buffer.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub object: ObjectId,
    pub memory: MemoryId,
    pub content: Content,
    /// The object was rewritten while this buffer was being filled: what arrives is old.
    pub is_stale: bool,
    /// The result is to be here; somebody counts on its arrival.
    pub is_result: bool,
    /// The transfer that fills it, while `Incoming`.
    pub copy: u32,
    /// It is being written back to be evicted.
    pub is_evicting: bool,
    /// Whether its bytes count against its memory (the home slot is charged with the object).
    pub is_charged: bool,
    /// Reserved by tasks, or an end of a transfer.
    pub pins: u32,
    /// Transfers that read it.
    pub outgoing: u32,
    /// Tasks that may write it from now on: no transfer reads it, and none fills it but theirs.
    pub writers: u32,
    /// Tasks that wait for its content, or to write it, for the last transfer that reads it: a
    /// list in [`Store::waiters`].
    pub waiters: u32,
    /// How often it was pinned.
    pub uses: u32,
    /// Key in its memory's set of evictable buffers; `None` = not in it.
    pub eviction_key: Option<u64>,
    /// Next and previous buffer of the same object.
    pub next: u32,
    previous: u32,
    /// This life, for the trace.
    pub instance: u32,
    pub allocated_ns: Ns,
}

/// The buffers of one object.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub first: u32,
    count: u32,
    /// Index into [`Store::tables`].
    table: u32,
}

impl List {
    pub const EMPTY: Self = Self { first: NONE, count: 0, table: NONE };

    #[inline]
    pub fn is_empty(self) -> bool {
        self.first == NONE
    }
}

/// Copies above which an object gets a table, and below which it loses it.
const MANY: u32 = 32;
const FEW: u32 = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    buffers: Vec<Buffer>,
    free: Vec<u32>,
    /// Buffers by memory; free tables are all `NONE`.
    tables: Vec<Vec<u32>>,
    free_tables: Vec<u32>,
    memories: usize,
    waiters: Vec<(u32, u32, u32)>,
    free_waiters: Vec<u32>,
    instances: u32,
}

impl Store {
    #[inline]
    pub fn get(&self, buffer: u32) -> &Buffer {
        &self.buffers[buffer as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, buffer: u32) -> &mut Buffer {
        &mut self.buffers[buffer as usize]
    }

    /// An empty store for so many memories.
    pub fn new(memories: usize) -> Self {
        Self { memories, ..Self::default() }
    }

    /// A new buffer, linked in front of its object's list.
    pub fn add(&mut self, object: ObjectId, memory: MemoryId, list: &mut List, now_ns: Ns) -> u32 {
        let buffer = Buffer {
            object,
            memory,
            content: Content::Empty,
            is_stale: false,
            is_result: false,
            copy: NONE,
            is_evicting: false,
            is_charged: false,
            pins: 0,
            outgoing: 0,
            writers: 0,
            waiters: NONE,
            uses: 0,
            eviction_key: None,
            next: list.first,
            previous: NONE,
            instance: self.instances,
            allocated_ns: now_ns,
        };
        self.instances += 1;
        let at = match self.free.pop() {
            Some(at) => {
                self.buffers[at as usize] = buffer;
                at
            }
            None => {
                self.buffers.push(buffer);
                u32::try_from(self.buffers.len() - 1).expect("more than 2^32 buffers")
            }
        };
        if list.first != NONE {
            self.get_mut(list.first).previous = at;
        }
        list.first = at;
        list.count += 1;
        if list.table != NONE {
            self.tables[list.table as usize][memory.index()] = at;
        } else if list.count > MANY {
            self.make_table(list);
        }
        at
    }

    /// Unlinks a buffer from its object's list and frees its slot.
    pub fn remove(&mut self, buffer: u32, list: &mut List) {
        let Buffer { next, previous, memory, .. } = *self.get(buffer);
        match previous {
            NONE => list.first = next,
            _ => self.get_mut(previous).next = next,
        }
        if next != NONE {
            self.get_mut(next).previous = previous;
        }
        list.count -= 1;
        if list.table != NONE {
            self.tables[list.table as usize][memory.index()] = NONE;
            if list.count < FEW {
                self.drop_table(list);
            }
        }
        self.free.push(buffer);
    }

    fn make_table(&mut self, list: &mut List) {
        list.table = self.free_tables.pop().unwrap_or_else(|| {
            self.tables.push(vec![NONE; self.memories]);
            self.tables.len() as u32 - 1
        });
        let mut at = list.first;
        while at != NONE {
            let Buffer { memory, next, .. } = self.buffers[at as usize];
            self.tables[list.table as usize][memory.index()] = at;
            at = next;
        }
    }

    fn drop_table(&mut self, list: &mut List) {
        let mut at = list.first;
        while at != NONE {
            let Buffer { memory, next, .. } = self.buffers[at as usize];
            self.tables[list.table as usize][memory.index()] = NONE;
            at = next;
        }
        self.free_tables.push(list.table);
        list.table = NONE;
    }

    /// The object's one buffer in a memory.
    #[inline]
    pub fn find(&self, list: List, memory: MemoryId) -> Option<u32> {
        if list.table != NONE {
            let at = self.tables[list.table as usize][memory.index()];
            return (at != NONE).then_some(at);
        }
        let mut at = list.first;
        while at != NONE {
            let buffer = self.get(at);
            if buffer.memory == memory {
                return Some(at);
            }
            at = buffer.next;
        }
        None
    }

    /// All buffers of a list.
    pub fn iter(&self, list: List) -> impl Iterator<Item = u32> + '_ {
        let mut at = list.first;
        std::iter::from_fn(move || {
            let found = at;
            (found != NONE).then(|| {
                at = self.get(found).next;
                found
            })
        })
    }

    /// Adds a task, at its placement number, to those that wait for a buffer's content.
    pub fn wait(&mut self, buffer: u32, task: u32, placement: u32) {
        let next = self.get(buffer).waiters;
        let node = (task, placement, next);
        let at = match self.free_waiters.pop() {
            Some(at) => {
                self.waiters[at as usize] = node;
                at
            }
            None => {
                self.waiters.push(node);
                self.waiters.len() as u32 - 1
            }
        };
        self.get_mut(buffer).waiters = at;
    }

    /// Takes a task out of those that wait.
    pub fn stop_waiting(&mut self, buffer: u32, task: u32) {
        let mut before = NONE;
        let mut at = self.get(buffer).waiters;
        while at != NONE {
            let (waiter, _, next) = self.waiters[at as usize];
            if waiter != task {
                before = at;
            } else {
                match before {
                    NONE => self.get_mut(buffer).waiters = next,
                    _ => self.waiters[before as usize].2 = next,
                }
                self.free_waiters.push(at);
            }
            at = next;
        }
    }

    /// Takes the tasks that wait out, last come first.
    pub fn take_waiter(&mut self, buffer: u32) -> Option<(u32, u32)> {
        let at = self.get(buffer).waiters;
        if at == NONE {
            return None;
        }
        let (task, placement, next) = self.waiters[at as usize];
        self.free_waiters.push(at);
        self.get_mut(buffer).waiters = next;
        Some((task, placement))
    }
}

/// The id that commands use.
#[inline]
pub(super) fn id(buffer: u32) -> BufferId {
    BufferId(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_found_whether_they_are_few_or_many() {
        let mut store = Store::new(100);
        let mut lists = [List::EMPTY; 3];
        let mut expected = vec![[None; 100]; 3];
        let mut state = 7u64;
        let mut dice = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % n
        };
        for round in 0..20_000 {
            let (object, memory) = (dice(3), dice(100));
            // Tides: mostly filled for a while, then mostly emptied.
            let fills = dice(10) < if round % 1000 < 500 { 9 } else { 1 };
            let (list, found) = (&mut lists[object], &mut expected[object][memory]);
            let memory = MemoryId::from_index(memory);
            match *found {
                None if fills => {
                    *found = Some(store.add(ObjectId::from_index(object), memory, list, 0));
                }
                Some(buffer) if !fills => {
                    store.remove(buffer, list);
                    *found = None;
                }
                _ => {}
            }
            assert_eq!(store.find(*list, memory), expected[object][memory.index()]);
            let mut listed: Vec<u32> = store.iter(lists[object]).collect();
            let mut all: Vec<u32> = expected[object].iter().flatten().copied().collect();
            listed.sort_unstable();
            all.sort_unstable();
            assert_eq!(listed, all);
        }
        assert!(store.tables.len() <= 3 && !store.tables.is_empty(), "tables are used again");
    }
}
