//! Which memory holds what: a slab of buffers, linked per object.
//!
//! Between two writes an object has one current version, because anti-dependencies order writers
//! after readers. So a buffer either holds the current version (`Valid`), is being filled with it
//! (`Incoming`), or holds nothing of use (`Empty`).

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
    /// Key in its memory's set of evictable buffers; `None` = not in it.
    pub eviction_key: Option<u64>,
    /// Next buffer of the same object.
    pub next: u32,
    /// This life, for the trace.
    pub instance: u32,
    pub allocated_ns: Ns,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    buffers: Vec<Buffer>,
    free: Vec<u32>,
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

    /// A new buffer, linked in front of the object's list `head`.
    pub fn add(&mut self, object: ObjectId, memory: MemoryId, head: &mut u32, now_ns: Ns) -> u32 {
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
            eviction_key: None,
            next: *head,
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
        *head = at;
        at
    }

    /// Unlinks a buffer from its object's list and frees its slot.
    pub fn remove(&mut self, buffer: u32, head: &mut u32) {
        let next = self.get(buffer).next;
        if *head == buffer {
            *head = next;
        } else {
            let mut at = *head;
            while self.get(at).next != buffer {
                at = self.get(at).next;
            }
            self.get_mut(at).next = next;
        }
        self.free.push(buffer);
    }

    /// The object's one buffer in a memory; linear in the object's copies.
    #[inline]
    pub fn find(&self, head: u32, memory: MemoryId) -> Option<u32> {
        let mut at = head;
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
    pub fn iter(&self, head: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = head;
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
