//! Times beyond the contention-free model, for an order with lanes: transfers that exclude each
//! other, memories that fill up.
//!
//! *Transfers*: each takes the lines of its route for itself for latency plus bytes over bandwidth
//! (see [`Routes`]). They are served in the order of the units that wait for them, those of one
//! unit by the end of their producers. One object to one memory is one transfer.
//!
//! *Memories*: each node holds bytes in its memory. With [`Memory::Resident`] it does so for
//! ever; with [`Memory::Buffers`] from its start until the last of its successors has ended. What
//! exceeds a capacity is a penalty, so that a search can pass through such schedules and comes out
//! of them. That is computed anew for each schedule: linear in arcs, and nodes times those that are
//! held at once.

use super::routes::Routes;
use crate::instance::Instance;
use runtime::Ns;

/// What capacities limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Nothing but working sets.
    #[default]
    Unlimited,
    /// The sum of what all nodes of a memory hold.
    Resident,
    /// What is held at one instant.
    Buffers,
}

/// Which times to compute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// What transfers take for themselves; `None`: they never wait for each other.
    pub routes: Option<Routes>,
    /// Memories.
    pub memory: Memory,
    /// By node: what it holds; the bytes that it writes when empty.
    pub held_bytes: Vec<u64>,
    /// By memory; the instance's when empty.
    pub capacity_bytes: Vec<Option<u64>>,
}

/// What memories hold, with work space.
#[derive(Clone, Debug)]
pub(super) struct Held {
    memory: Memory,
    held_bytes: Vec<u64>,
    capacity_bytes: Vec<Option<u64>>,
    /// By memory: nodes by start.
    held: Vec<Vec<(Ns, Ns, u64)>>,
    live: Vec<(Ns, u64)>,
}

impl Held {
    pub fn new(instance: &Instance, model: Model) -> Self {
        let Model { memory, mut held_bytes, mut capacity_bytes, .. } = model;
        if held_bytes.is_empty() {
            held_bytes = (0..instance.len() as u32).map(|n| instance.output_bytes(n)).collect();
        }
        let memories = instance.memory_count();
        if capacity_bytes.is_empty() {
            capacity_bytes = (0..memories as u32).map(|m| instance.capacity_bytes(m)).collect();
        }
        Self {
            memory,
            held_bytes,
            capacity_bytes,
            held: (0..memories).map(|_| Vec::with_capacity(instance.len())).collect(),
            live: Vec::with_capacity(instance.len()),
        }
    }

    /// Bytes above the capacities, all memories together, for starts and ends of nodes.
    pub fn excess_bytes(
        &mut self,
        instance: &Instance,
        lanes: &[u32],
        times_ns: impl Fn(u32) -> (Ns, Ns),
    ) -> u64 {
        let is_timed = match self.memory {
            Memory::Unlimited => return 0,
            Memory::Resident => false,
            Memory::Buffers => true,
        };
        self.held.iter_mut().for_each(Vec::clear);
        for node in 0..instance.len() as u32 {
            let memory = instance.memory_of(lanes[node as usize]) as usize;
            if self.capacity_bytes[memory].is_none() {
                continue;
            }
            let bytes = self.held_bytes[node as usize];
            let (start_ns, finish_ns) = times_ns(node);
            let mut until_ns = if is_timed { finish_ns } else { Ns::MAX };
            if is_timed {
                let ends = instance.succs(node).iter().map(|a| times_ns(a.node).1);
                until_ns = ends.fold(until_ns, Ns::max);
            }
            self.held[memory].push((start_ns, until_ns, bytes));
        }
        let mut excess_bytes = 0;
        for memory in 0..self.held.len() {
            let Some(capacity_bytes) = self.capacity_bytes[memory] else { continue };
            let peak_bytes = match is_timed {
                true => self.peak_bytes(memory),
                false => self.held[memory].iter().map(|h| h.2).sum(),
            };
            excess_bytes += peak_bytes.saturating_sub(capacity_bytes);
        }
        excess_bytes
    }

    /// Most bytes of a memory that are held at one instant; the greatest is reached at a start.
    fn peak_bytes(&mut self, memory: usize) -> u64 {
        let held = &mut self.held[memory];
        // Nearly in order already: nodes are numbered topologically.
        held.sort_unstable_by_key(|h| h.0);
        self.live.clear();
        let (mut bytes, mut peak_bytes) = (0u64, 0u64);
        let mut earliest_ns = Ns::MAX;
        for &(start_ns, until_ns, held) in held.iter() {
            if earliest_ns <= start_ns {
                earliest_ns = Ns::MAX;
                self.live.retain(|(until_ns, held)| {
                    let stays = *until_ns > start_ns;
                    if stays {
                        earliest_ns = earliest_ns.min(*until_ns);
                    } else {
                        bytes -= held;
                    }
                    stays
                });
            }
            if until_ns > start_ns {
                self.live.push((until_ns, held));
                earliest_ns = earliest_ns.min(until_ns);
                bytes += held;
                peak_bytes = peak_bytes.max(bytes);
            }
        }
        peak_bytes
    }

    /// Capacities in all.
    pub fn capacity_bytes(&self) -> u64 {
        let limited = self.capacity_bytes.iter().flatten();
        limited.fold(0u64, |sum, c| sum.saturating_add(*c))
    }
}
