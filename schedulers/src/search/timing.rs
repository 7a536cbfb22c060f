//! Times beyond the contention-free model, for an order with lanes: transfers that exclude each
//! other, memories that fill up.
//!
//! *Transfers*: each takes its route for itself for latency plus bytes over bandwidth. They are
//! served in the order of the units that wait for them, those of one unit by the end of their
//! producers. With [`Network::ExclusiveLinks`] a pair of memories has one line for both directions;
//! with [`Network::OnePort`] each memory sends to one and receives from one at a time; with
//! [`Network::Routes`] it takes every link of its route, and initial data are sent too. One object
//! to one memory is one transfer.
//!
//! *Memories*: each node holds bytes in its memory. With [`Memory::Resident`] it does so for
//! ever; with [`Memory::Buffers`] from its start until the last of its successors has ended. What
//! exceeds a capacity is a penalty, so that a search can pass through such schedules and comes out
//! of them.
//!
//! All of it is computed anew for each schedule: linear in arcs, and nodes times those that are
//! held at once.

use super::routes::Routes;
use crate::instance::{Flow, Instance};
use runtime::Ns;

/// Which transfers exclude each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// None.
    #[default]
    ContentionFree,
    /// Those between the same two memories.
    ExclusiveLinks,
    /// Those that leave one memory, and those that arrive in one.
    OnePort,
    /// Those with a link of their routes in common, as [`Model::routes`] has them.
    Routes,
}

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
    /// Transfers.
    pub network: Network,
    /// Memories.
    pub memory: Memory,
    /// By node: what it holds; the bytes that it writes when empty.
    pub held_bytes: Vec<u64>,
    /// By memory; the instance's when empty.
    pub capacity_bytes: Vec<Option<u64>>,
    /// For [`Network::Routes`].
    pub routes: Routes,
}

/// Times by a model, with work space.
#[derive(Clone, Debug)]
pub(super) struct Timing {
    model: Model,
    free_ns: Vec<Ns>,
    finish_ns: Vec<Ns>,
    start_ns: Vec<Ns>,
    /// By memory and memory, or by memory sending, then by memory receiving.
    line_free_ns: Vec<Ns>,
    /// How many products nodes write; those given are numbered from here.
    written_products: u32,
    /// By node and flow to it: which product (producer and object) that is.
    product: Vec<u32>,
    first_flow: Vec<u32>,
    /// By product and memory: in which evaluation it arrived there, and when.
    arrival: Vec<(u32, Ns)>,
    evaluation: u32,
    waits: Vec<(Ns, u32)>,
    /// By memory: nodes by start.
    held: Vec<Vec<(Ns, Ns, u64)>>,
    live: Vec<(Ns, u64)>,
}

impl Timing {
    pub fn new(instance: &Instance, mut model: Model) -> Self {
        let nodes = 0..instance.len() as u32;
        if model.held_bytes.is_empty() {
            model.held_bytes = nodes.clone().map(|n| instance.output_bytes(n)).collect();
        }
        let memories = instance.memory_count();
        if model.capacity_bytes.is_empty() {
            let all = 0..memories as u32;
            model.capacity_bytes = all.map(|m| instance.capacity_bytes(m)).collect();
        }
        let mut products: Vec<_> = nodes
            .clone()
            .flat_map(|n| instance.flows(n).iter().map(|f| (f.from, f.object)))
            .collect();
        products.sort_unstable();
        products.dedup();
        let mut first_flow = vec![0];
        let mut product = Vec::new();
        for node in nodes {
            for flow in instance.flows(node) {
                let key = (flow.from, flow.object);
                product.push(products.partition_point(|p| *p < key) as u32);
            }
            first_flow.push(product.len() as u32);
        }
        let lines = match model.network {
            Network::ContentionFree => 0,
            Network::ExclusiveLinks => memories * memories,
            Network::OnePort => 2 * memories,
            Network::Routes => model.routes.lines,
        };
        // Given data come after what nodes write.
        let all_products = products.len() + model.routes.given_products;
        let arrivals = if lines > 0 { all_products * memories } else { 0 };
        Self {
            model,
            free_ns: vec![0; instance.lane_count()],
            finish_ns: vec![0; instance.len()],
            start_ns: vec![0; instance.len()],
            line_free_ns: vec![0; lines],
            written_products: products.len() as u32,
            product,
            first_flow,
            arrival: vec![(0, 0); arrivals],
            evaluation: 0,
            waits: Vec::with_capacity(64),
            held: (0..memories).map(|_| Vec::with_capacity(instance.len())).collect(),
            live: Vec::with_capacity(instance.len()),
        }
    }

    /// Whether times differ from the contention-free ones.
    pub fn has_network(&self) -> bool {
        self.model.network != Network::ContentionFree
    }

    /// Start and end of a node as computed last.
    pub fn times_ns(&self, node: u32) -> (Ns, Ns) {
        (self.start_ns[node as usize], self.finish_ns[node as usize])
    }

    /// The makespan with exclusive transfers.
    pub fn decode(&mut self, instance: &Instance, order: &[u32], lanes: &[u32]) -> Ns {
        for (lane, free_ns) in (0..).zip(&mut self.free_ns) {
            *free_ns = instance.lane_free_ns(lane);
        }
        self.line_free_ns.fill(0);
        self.evaluation += 1;
        let mut makespan_ns = 0;
        for &unit in order {
            let mut start_ns = 0;
            for node in instance.unit(unit) {
                let lane = lanes[node as usize];
                let end = lane + instance.cores(node);
                let free_ns = &self.free_ns[lane as usize..end as usize];
                start_ns = free_ns.iter().copied().fold(start_ns, Ns::max);
                start_ns = start_ns.max(self.arrive(instance, node, lanes));
            }
            for node in instance.unit(unit) {
                let lane = lanes[node as usize];
                let end = lane + instance.cores(node);
                let finish_ns = start_ns + instance.duration_ns(node, lane);
                self.start_ns[node as usize] = start_ns;
                self.finish_ns[node as usize] = finish_ns;
                self.free_ns[lane as usize..end as usize].fill(finish_ns);
                makespan_ns = makespan_ns.max(finish_ns);
            }
        }
        makespan_ns
    }

    /// Makes the transfers that a node waits for; returns when all its data are there.
    fn arrive(&mut self, instance: &Instance, node: u32, lanes: &[u32]) -> Ns {
        let to = instance.memory_of(lanes[node as usize]);
        let mut ready_ns = instance.release_ns(node, to);
        for arc in instance.preds(node) {
            ready_ns = ready_ns.max(self.finish_ns[arc.node as usize]);
        }
        let flows = instance.flows(node);
        self.waits.clear();
        for (at, flow) in (0..).zip(flows) {
            if instance.memory_of(lanes[flow.from as usize]) != to {
                self.waits.push((self.finish_ns[flow.from as usize], at));
            }
        }
        if self.model.network == Network::Routes {
            for (at, given) in (flows.len() as u32..).zip(self.model.routes.given(node)) {
                if given.source != to {
                    self.waits.push((given.leaves_ns, at));
                }
            }
        }
        if self.waits.len() > 1 {
            self.waits.sort_unstable();
        }
        for at in 0..self.waits.len() {
            let (leaves_ns, wait) = self.waits[at];
            let arrives_ns = match flows.get(wait as usize) {
                Some(flow) => self.send_flow(instance, node, wait, *flow, leaves_ns, (lanes, to)),
                None => self.send_given(instance, node, wait as usize - flows.len(), to),
            };
            ready_ns = ready_ns.max(arrives_ns);
        }
        ready_ns
    }

    /// Sends what a node before has written, if it is not sent there already.
    fn send_flow(
        &mut self,
        instance: &Instance,
        node: u32,
        at: u32,
        flow: Flow,
        leaves_ns: Ns,
        (lanes, to): (&[u32], u32),
    ) -> Ns {
        let product = self.product[self.first_flow[node as usize] as usize + at as usize];
        let known = product as usize * instance.memory_count() + to as usize;
        if self.arrival[known].0 != self.evaluation {
            let from = instance.memory_of(lanes[flow.from as usize]);
            let arrives_ns = self.transfer(instance, leaves_ns, from, to, flow);
            self.arrival[known] = (self.evaluation, arrives_ns);
        }
        self.arrival[known].1
    }

    /// Sends what was there before, if it is not sent there already.
    fn send_given(&mut self, instance: &Instance, node: u32, at: usize, to: u32) -> Ns {
        let given = self.model.routes.given(node)[at];
        let product = self.written_products + given.product;
        let known = product as usize * instance.memory_count() + to as usize;
        if self.arrival[known].0 != self.evaluation {
            let lines = &mut self.line_free_ns;
            let pair = (given.source, to);
            let arrives_ns = self.model.routes.send(lines, pair, given.leaves_ns, given.bytes);
            self.arrival[known] = (self.evaluation, arrives_ns);
        }
        self.arrival[known].1
    }

    fn transfer(
        &mut self,
        instance: &Instance,
        leaves_ns: Ns,
        from: u32,
        to: u32,
        flow: Flow,
    ) -> Ns {
        if self.model.network == Network::Routes {
            let lines = &mut self.line_free_ns;
            return self.model.routes.send(lines, (from, to), leaves_ns, flow.bytes);
        }
        let memories = instance.memory_count();
        let (from_line, to_line) = match self.model.network {
            Network::OnePort => (from as usize, memories + to as usize),
            _ => {
                let line = from.min(to) as usize * memories + from.max(to) as usize;
                (line, line)
            }
        };
        let free_ns = self.line_free_ns[from_line].max(self.line_free_ns[to_line]);
        let arrives_ns = leaves_ns.max(free_ns) + instance.flow_ns(flow, from, to);
        self.line_free_ns[from_line] = arrives_ns;
        self.line_free_ns[to_line] = arrives_ns;
        arrives_ns
    }

    /// Bytes above the capacities, all memories together, for starts and ends of nodes.
    pub fn excess_bytes(
        &mut self,
        instance: &Instance,
        lanes: &[u32],
        times_ns: impl Fn(&Self, u32) -> (Ns, Ns),
    ) -> u64 {
        let is_timed = match self.model.memory {
            Memory::Unlimited => return 0,
            Memory::Resident => false,
            Memory::Buffers => true,
        };
        self.held.iter_mut().for_each(Vec::clear);
        for node in 0..instance.len() as u32 {
            let memory = instance.memory_of(lanes[node as usize]) as usize;
            if self.model.capacity_bytes[memory].is_none() {
                continue;
            }
            let bytes = self.model.held_bytes[node as usize];
            let (start_ns, finish_ns) = times_ns(self, node);
            let mut until_ns = if is_timed { finish_ns } else { Ns::MAX };
            if is_timed {
                let ends = instance.succs(node).iter().map(|a| times_ns(self, a.node).1);
                until_ns = ends.fold(until_ns, Ns::max);
            }
            self.held[memory].push((start_ns, until_ns, bytes));
        }
        let mut excess_bytes = 0;
        for memory in 0..self.held.len() {
            let Some(capacity_bytes) = self.model.capacity_bytes[memory] else { continue };
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
        let limited = self.model.capacity_bytes.iter().flatten();
        limited.fold(0u64, |sum, c| sum.saturating_add(*c))
    }
}
