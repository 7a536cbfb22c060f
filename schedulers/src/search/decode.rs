//! Earliest-finish decoding: from priorities to an order with lanes.
//!
//! Of the units whose predecessors are placed, the one of highest priority comes next; each of its
//! nodes goes where it ends first after everything placed so far. Linear in arcs times memories
//! and nodes times lanes, and without allocation once a decoder was used.

use crate::instance::{Instance, NONE};
use runtime::Ns;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A decoder with its work space.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    instance: &'a Instance,
    free_ns: Vec<Ns>,
    finish_ns: Vec<Ns>,
    ready_ns: Vec<Ns>,
    waiting: Vec<u32>,
    /// By racy group: its memory, once a node of it is placed.
    racy_memory: Vec<u32>,
    ready: BinaryHeap<(u64, Reverse<u32>)>,
    /// Units in the order in which they were placed.
    pub order: Vec<u32>,
    /// The first lane of every node.
    pub lanes: Vec<u32>,
}

impl<'a> Decoder<'a> {
    /// A decoder.
    pub fn new(instance: &'a Instance) -> Self {
        Self {
            instance,
            free_ns: vec![0; instance.lane_count()],
            finish_ns: vec![0; instance.len()],
            ready_ns: vec![0; instance.memory_count()],
            waiting: vec![0; instance.unit_count()],
            racy_memory: vec![NONE; instance.racy_groups() as usize],
            ready: BinaryHeap::with_capacity(instance.unit_count()),
            order: Vec::with_capacity(instance.unit_count()),
            lanes: vec![NONE; instance.len()],
        }
    }

    /// Forgets everything placed.
    pub fn clear(&mut self) {
        for (lane, free_ns) in (0..).zip(&mut self.free_ns) {
            *free_ns = self.instance.lane_free_ns(lane);
        }
        self.racy_memory.fill(NONE);
        self.order.clear();
        self.lanes.fill(NONE);
        self.ready.clear();
        self.waiting.fill(0);
        for node in 0..self.instance.len() as u32 {
            let unit = self.instance.unit_of(node) as usize;
            self.waiting[unit] += self.instance.preds(node).len() as u32;
        }
    }

    /// Decodes priorities of units; larger ones come first, ties in the order of the instance.
    /// Returns the makespan, or `None` where a gang finds no lanes at once.
    pub fn decode(&mut self, priority: &[u64]) -> Option<Ns> {
        self.decode_with(priority, |_, _, finish_ns| finish_ns)
    }

    /// As [`Decoder::decode`]; each node goes where `rate(node, lane, finish)` is least.
    pub fn decode_with(
        &mut self,
        priority: &[u64],
        mut rate: impl FnMut(u32, u32, Ns) -> Ns,
    ) -> Option<Ns> {
        self.clear();
        for unit in 0..self.instance.unit_count() as u32 {
            if self.is_ready(unit) {
                self.ready.push((priority[unit as usize], Reverse(unit)));
            }
        }
        let mut makespan_ns = 0;
        while let Some((_, Reverse(unit))) = self.ready.pop() {
            makespan_ns = makespan_ns.max(self.place(unit, &mut rate)?);
            self.release(unit, priority);
        }
        Some(makespan_ns)
    }

    /// Whether a unit waits for nothing.
    pub fn is_ready(&self, unit: u32) -> bool {
        self.waiting[unit as usize] == 0
    }

    /// Calls `each` with every lane where a node could go next, and its end there.
    pub fn each_end(&mut self, node: u32, mut each: impl FnMut(u32, Ns)) {
        let none = node..node;
        self.best(node, none, &mut |_, lane, finish_ns| {
            each(lane, finish_ns);
            finish_ns
        });
    }

    /// Places a unit whose predecessors are placed; each of its nodes goes where `rate` is least.
    /// Returns its last end, or `None` where a gang finds no lanes at once.
    pub fn place_next(
        &mut self,
        unit: u32,
        mut rate: impl FnMut(u32, u32, Ns) -> Ns,
    ) -> Option<Ns> {
        self.place(unit, &mut rate)
    }

    fn release(&mut self, unit: u32, priority: &[u64]) {
        for node in self.instance.unit(unit) {
            for arc in self.instance.succs(node) {
                let next = self.instance.unit_of(arc.node);
                self.waiting[next as usize] -= 1;
                if self.waiting[next as usize] == 0 {
                    self.ready.push((priority[next as usize], Reverse(next)));
                }
            }
        }
    }

    /// Places a unit; returns its last end.
    fn place(&mut self, unit: u32, rate: &mut impl FnMut(u32, u32, Ns) -> Ns) -> Option<Ns> {
        self.order.push(unit);
        let members = self.instance.unit(unit);
        let mut start_ns = 0;
        for node in members.clone() {
            let (lane, node_start_ns) = self.best(node, members.start..node, rate)?;
            self.lanes[node as usize] = lane;
            if let Some(group) = self.instance.racy_group(node) {
                self.racy_memory[group as usize] = self.instance.memory_of(lane);
            }
            start_ns = start_ns.max(node_start_ns);
        }
        let mut last_ns = 0;
        for node in members {
            let lane = self.lanes[node as usize];
            let finish_ns = start_ns + self.instance.duration_ns(node, lane);
            self.finish_ns[node as usize] = finish_ns;
            let end = lane + self.instance.cores(node);
            self.free_ns[lane as usize..end as usize].fill(finish_ns);
            last_ns = last_ns.max(finish_ns);
        }
        Some(last_ns)
    }

    /// The best lane of a node, and its start there; `taken` are nodes that start with it.
    fn best(
        &mut self,
        node: u32,
        taken: std::ops::Range<u32>,
        rate: &mut impl FnMut(u32, u32, Ns) -> Ns,
    ) -> Option<(u32, Ns)> {
        self.set_ready(node);
        let instance = self.instance;
        let racy = instance.racy_group(node).map_or(NONE, |g| self.racy_memory[g as usize]);
        let mut best: Option<(Ns, u32, Ns)> = None;
        for lane in 0..instance.lane_count() as u32 {
            let memory = instance.memory_of(lane);
            let fits = instance.can_run(node, lane)
                && (racy == NONE || racy == memory)
                && (taken.is_empty() || self.fits_beside(node, lane, taken.clone()));
            if !fits {
                continue;
            }
            let lanes = &self.free_ns[lane as usize..(lane + instance.cores(node)) as usize];
            let start_ns = lanes.iter().copied().fold(self.ready_ns[memory as usize], Ns::max);
            let rated = rate(node, lane, start_ns + instance.duration_ns(node, lane));
            if best.is_none_or(|b| rated < b.0) {
                best = Some((rated, lane, start_ns));
            }
        }
        best.map(|(_, lane, start_ns)| (lane, start_ns))
    }

    fn fits_beside(&self, node: u32, lane: u32, taken: std::ops::Range<u32>) -> bool {
        let instance = self.instance;
        let memory = instance.memory_of(lane);
        let mut bytes = instance.working_set_bytes(node);
        for other in taken {
            let at = self.lanes[other as usize];
            if lane < at + instance.cores(other) && at < lane + instance.cores(node) {
                return false;
            }
            if instance.memory_of(at) == memory {
                bytes = bytes.saturating_add(instance.working_set_bytes(other));
            }
        }
        instance.capacity_bytes(memory).is_none_or(|c| bytes <= c)
    }

    /// When the data of a node are in each memory.
    fn set_ready(&mut self, node: u32) {
        for memory in 0..self.ready_ns.len() as u32 {
            self.ready_ns[memory as usize] = self.instance.release_ns(node, memory);
        }
        for arc in self.instance.preds(node) {
            let from = self.instance.memory_of(self.lanes[arc.node as usize]);
            let finish_ns = self.finish_ns[arc.node as usize];
            for (to, ready_ns) in (0..).zip(&mut self.ready_ns) {
                *ready_ns = (*ready_ns).max(finish_ns + self.instance.arc_ns(*arc, from, to));
            }
        }
    }
}

/// Appends the units that an order lacks, where they end first. Units in the order must not depend
/// on those that it lacks, and there must be neither gangs nor racy groups.
pub(super) fn append_rest(instance: &Instance, order: &mut Vec<u32>, lanes: &mut [u32]) {
    let mut decoder = Decoder::new(instance);
    decoder.clear();
    let known: Vec<u32> = std::mem::take(order);
    let mut is_known = vec![false; instance.unit_count()];
    known.iter().for_each(|u| is_known[*u as usize] = true);
    let rest = (0..instance.unit_count() as u32).filter(|u| !is_known[*u as usize]);
    for unit in known.iter().copied().chain(rest) {
        let node = instance.unit(unit).start;
        let fixed = lanes[node as usize];
        let mut rate = |_: u32, lane: u32, finish_ns: Ns| match fixed {
            NONE => finish_ns,
            _ => Ns::from(lane != fixed),
        };
        // Every node has a lane where it can run.
        decoder.place(unit, &mut rate);
    }
    lanes.copy_from_slice(&decoder.lanes);
    order.extend_from_slice(&decoder.order);
}
