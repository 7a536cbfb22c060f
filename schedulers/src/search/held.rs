//! What memories hold in a schedule, and how much of that is beyond their capacities, kept up to
//! date as times and places change.

use super::levels::Levels;
use super::reads::{Reads, Wait};
use super::timing::{Memory, Model};
use crate::instance::{Instance, NONE};
use runtime::Ns;

/// The times of a schedule.
#[derive(Clone, Copy)]
pub(super) struct Times<'t> {
    pub instance: &'t Instance,
    /// By node.
    pub memory: &'t [u32],
    pub duration_ns: &'t [Ns],
    /// By node at least.
    pub finish_ns: &'t [Ns],
}

impl Times<'_> {
    #[inline]
    fn finish_ns(&self, node: u32) -> Ns {
        self.finish_ns[node as usize]
    }

    #[inline]
    fn start_ns(&self, node: u32) -> Ns {
        self.finish_ns[node as usize] - self.duration_ns[node as usize]
    }
}

/// Where something is held, and from when until when; in memory [`NONE`] where it is not.
type Interval = (u32, Ns, Ns);
const NOWHERE: Interval = (NONE, 0, 0);

/// See the module's documentation. What is held is numbered: by node, or, where copies are counted,
/// by product and memory, then by node.
#[derive(Clone, Debug)]
pub(super) struct Held {
    model: Model,
    memories: usize,
    /// Numbers of copies; those of nodes follow.
    copies: usize,
    levels: Levels,
    interval: Vec<Interval>,
    /// In which update it was looked at last.
    seen: Vec<u64>,
    update: u64,
    /// What was held before the change.
    before: Vec<(u32, Interval)>,
}

impl Held {
    pub fn new(instance: &Instance, mut model: Model) -> Self {
        if model.held_bytes.is_empty() {
            let nodes = 0..instance.len() as u32;
            model.held_bytes = nodes.map(|n| instance.output_bytes(n)).collect();
        }
        let memories = instance.memory_count();
        if model.capacity_bytes.is_empty() {
            let all = 0..memories as u32;
            model.capacity_bytes = all.map(|m| instance.capacity_bytes(m)).collect();
        }
        let copies = match model.memory {
            Memory::Copies => model.reads.products() * memories,
            _ => 0,
        };
        let numbers = copies + instance.len();
        let at_once = instance.len() + model.reads.waits.len();
        Self {
            model,
            memories,
            copies,
            levels: Levels::new(memories, numbers, at_once),
            interval: vec![NOWHERE; numbers],
            seen: vec![0; numbers],
            update: 0,
            before: Vec::with_capacity(4 * at_once),
        }
    }

    /// Takes a whole schedule over.
    pub fn set(&mut self, times: Times<'_>) {
        let nodes = 0..times.instance.len() as u32;
        let end_ns = nodes.clone().map(|n| times.finish_ns(n)).max().unwrap_or(0);
        self.levels.clear(end_ns);
        self.interval.fill(NOWHERE);
        self.update += 1;
        for node in nodes {
            self.touch(times, node);
        }
        self.before.clear();
    }

    /// Takes a change over: nodes that end at other times, and nodes that were moved, with their
    /// memories before.
    pub fn change(
        &mut self,
        times: Times<'_>,
        changed: impl Iterator<Item = u32>,
        placed: impl Iterator<Item = (u32, u32)>,
    ) {
        self.update += 1;
        for node in changed {
            self.touch(times, node);
        }
        for (node, memory) in placed {
            self.touch(times, node);
            if self.model.memory == Memory::Copies && memory != times.memory[node as usize] {
                for product in self.model.reads.products_of(node) {
                    self.look_at_copy(times, product, memory);
                }
                for at in self.model.reads.waits_of(node) {
                    let product = self.model.reads.waits[at].product;
                    self.look_at_copy(times, product, memory);
                }
            }
        }
    }

    /// Keeps the change.
    pub fn keep(&mut self) {
        self.before.clear();
    }

    /// Takes the change back.
    pub fn undo(&mut self) {
        while let Some((number, interval)) = self.before.pop() {
            self.put(number, interval);
        }
    }

    /// Bytes above the capacities, all memories together.
    pub fn excess_bytes(&mut self) -> u64 {
        let mut excess_bytes = 0;
        for memory in 0..self.memories as u32 {
            if let Some(capacity_bytes) = self.model.capacity_bytes[memory as usize] {
                excess_bytes += self.levels.excess_bytes(memory, capacity_bytes);
            }
        }
        excess_bytes
    }

    /// Capacities in all.
    pub fn capacity_bytes(&self) -> u64 {
        let limited = self.model.capacity_bytes.iter().flatten();
        limited.fold(0u64, |sum, c| sum.saturating_add(*c))
    }

    /// Looks at all that depends on when a node runs.
    fn touch(&mut self, times: Times<'_>, node: u32) {
        match self.model.memory {
            Memory::Unlimited => {}
            Memory::Resident => self.look_at_node(times, node),
            Memory::Buffers => {
                self.look_at_node(times, node);
                for arc in times.instance.preds(node) {
                    self.look_at_node(times, arc.node);
                }
            }
            Memory::Copies => self.touch_copies(times, node),
        }
    }

    fn touch_copies(&mut self, times: Times<'_>, node: u32) {
        self.look_at_node(times, node);
        let here = times.memory[node as usize];
        for product in self.model.reads.products_of(node) {
            self.look_at_copy(times, product, here);
            for at in 0..self.model.reads.users(product..product + 1).len() {
                let user = self.model.reads.users(product..product + 1)[at];
                let reader = self.model.reads.waits[user as usize].node;
                self.look_at_copy(times, product, times.memory[reader as usize]);
            }
        }
        for at in self.model.reads.waits_of(node) {
            let wait = self.model.reads.waits[at];
            self.look_at_copy(times, wait.product, here);
            let source = self.model.reads.source(&wait, times.memory);
            if (source as usize) < self.memories {
                self.look_at_copy(times, wait.product, source);
            }
        }
    }

    /// What a node itself holds.
    #[inline]
    fn look_at_node(&mut self, times: Times<'_>, node: u32) {
        let number = self.copies as u32 + node;
        if std::mem::replace(&mut self.seen[number as usize], self.update) == self.update {
            return;
        }
        let until_ns = match self.model.memory {
            Memory::Resident => Ns::MAX,
            Memory::Buffers => {
                let ends = times.instance.succs(node).iter().map(|a| times.finish_ns(a.node));
                ends.fold(times.finish_ns(node), Ns::max)
            }
            Memory::Copies | Memory::Unlimited => times.finish_ns(node),
        };
        self.move_to(number, (times.memory[node as usize], times.start_ns(node), until_ns));
    }

    /// What a product takes of a memory.
    #[inline]
    fn look_at_copy(&mut self, times: Times<'_>, product: u32, memory: u32) {
        let number = product * self.memories as u32 + memory;
        if std::mem::replace(&mut self.seen[number as usize], self.update) == self.update {
            return;
        }
        if self.model.capacity_bytes[memory as usize].is_some() {
            let (from_ns, until_ns) = needed_ns(&self.model.reads, times, product, memory);
            self.move_to(number, (memory, from_ns, until_ns));
        }
    }

    #[inline]
    fn move_to(&mut self, number: u32, interval: Interval) {
        let (memory, from_ns, until_ns) = interval;
        let is_held = until_ns > from_ns
            && self.bytes(number) > 0
            && self.model.capacity_bytes[memory as usize].is_some();
        let interval = if is_held { interval } else { NOWHERE };
        let before = self.interval[number as usize];
        if before != interval {
            self.before.push((number, before));
            self.put(number, interval);
        }
    }

    fn put(&mut self, number: u32, interval: Interval) {
        let before = std::mem::replace(&mut self.interval[number as usize], interval);
        if before.0 == interval.0 && before.2 != Ns::MAX && interval.2 != Ns::MAX {
            let (was, is) = ((before.1, before.2), (interval.1, interval.2));
            self.levels.shift(number, before.0, was, is);
            return;
        }
        if before.0 != NONE {
            self.levels.remove(number, before.0, (before.1, before.2));
        }
        if interval.0 != NONE {
            let bytes = self.bytes(number);
            self.levels.insert(number, interval.0, (interval.1, interval.2), bytes);
        }
    }

    #[inline]
    fn bytes(&self, number: u32) -> u64 {
        match (number as usize).checked_sub(self.copies) {
            Some(node) => self.model.held_bytes[node],
            None => self.model.reads.sizes_bytes[number as usize / self.memories],
        }
    }
}

/// From when until when tasks need a product in a memory: where it is written or was at first, from
/// then until its last reader anywhere is done with it; elsewhere from the start of its first
/// reader there. A task that changes it in place is done with what it read as soon as it starts.
fn needed_ns(reads: &Reads, times: Times<'_>, product: u32, memory: u32) -> (Ns, Ns) {
    let users = reads.users(product..product + 1).iter().map(|u| &reads.waits[*u as usize]);
    let done_ns = |wait: &Wait| match wait.is_changed {
        true => times.start_ns(wait.node),
        false => times.finish_ns(wait.node),
    };
    let (source, from_ns, until_ns) = match reads.writer(product) {
        Some(writer) => {
            let source = times.memory[writer as usize];
            (source, times.start_ns(writer), times.finish_ns(writer))
        }
        None => {
            let first = users.clone().next();
            let source = first.map_or(NONE, |wait| reads.source(wait, times.memory));
            (source, times.instance.now_ns(), 0)
        }
    };
    if source == memory {
        return (from_ns, users.map(done_ns).fold(until_ns, Ns::max));
    }
    let here = users.filter(|wait| times.memory[wait.node as usize] == memory);
    let first_ns = here.clone().map(|wait| times.start_ns(wait.node)).min();
    (first_ns.unwrap_or(0), here.map(done_ns).max().unwrap_or(0))
}
