//! The transfers of a schedule on lines that each takes for itself: which of the readers of some
//! data in a memory has them sent, when they begin and when they arrive, and how to take all of
//! that back.
//!
//! One object to one memory is one transfer. It is made for its first reader there in the order of
//! the schedule, its *owner*; the readers after it find it sent. Who owns what follows from order
//! and lanes alone, so a change of the schedule concerns the owners of few transfers.

use super::reads::{Reads, Wait};
use super::routes::Routes;
use crate::instance::{Instance, NONE};
use runtime::Ns;

/// A transfer as it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Service {
    /// Its owner.
    pub wait: u32,
    /// Source and memory, as [`Routes`] numbers them.
    pub pair: u32,
    pub leaves_ns: Ns,
    pub begins_ns: Ns,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(super) struct Transfers {
    routes: Routes,
    memories: usize,
    /// By product and memory: the wait that has it sent, [`NONE`] where nothing is sent.
    owner: Vec<u32>,
    /// By product and memory: when it arrives, where it is sent.
    arrives_ns: Vec<Ns>,
    /// By node, from its first wait on: its transfers in the order in which they were made.
    services: Vec<Service>,
    served: Vec<u32>,
    /// By line.
    pub free_ns: Vec<Ns>,
    /// What was there before the change.
    old_owners: Vec<(u32, u32)>,
    old_arrivals: Vec<(u32, Ns)>,
    old_nodes: Vec<(u32, u32)>,
    old_services: Vec<Service>,
    /// Lines that a unit took, with what they were before.
    taken: Vec<(u32, Ns)>,
    waiting: Vec<(Ns, u32)>,
    /// By node: the change that moved it last.
    moved_in: Vec<u64>,
    change: u64,
}

/// Where the schedule of [`Transfers`] stands.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub instance: &'a Instance,
    /// By node.
    pub memory: &'a [u32],
    /// By unit.
    pub position: &'a [u32],
}

impl Places<'_> {
    #[inline]
    pub fn position_of(&self, node: u32) -> u32 {
        self.position[self.instance.unit_of(node) as usize]
    }
}

impl Transfers {
    /// Without owners yet. Linear in what is read, and products times memories.
    pub fn new(instance: &Instance, routes: Routes) -> Self {
        let keys = routes.reads.products() * instance.memory_count();
        let waits = routes.reads.waits.len();
        Self {
            memories: instance.memory_count(),
            owner: vec![NONE; keys],
            arrives_ns: vec![0; keys],
            services: vec![Service::default(); waits],
            served: vec![0; instance.len()],
            free_ns: vec![0; routes.lines],
            old_owners: Vec::with_capacity(4096),
            old_arrivals: Vec::with_capacity(4096),
            old_nodes: Vec::with_capacity(instance.len()),
            old_services: Vec::with_capacity(waits),
            taken: Vec::with_capacity(64 * routes.longest()),
            waiting: Vec::with_capacity(64),
            moved_in: vec![0; instance.len()],
            change: 0,
            routes,
        }
    }

    #[inline]
    fn reads(&self) -> &Reads {
        &self.routes.reads
    }

    #[inline]
    fn first_wait(&self, node: u32) -> usize {
        self.reads().waits_of(node).start
    }

    #[inline]
    fn users(&self, product: u32) -> &[u32] {
        self.reads().users(product..product + 1)
    }

    #[inline]
    fn key(&self, product: u32, memory: u32) -> usize {
        product as usize * self.memories + memory as usize
    }

    /// Number of waits.
    pub fn wait_count(&self) -> usize {
        self.reads().waits.len()
    }

    /// A wait by its number.
    #[inline]
    pub fn wait(&self, wait: u32) -> &Wait {
        &self.reads().waits[wait as usize]
    }

    /// The transfers that a node has made, in their order.
    #[inline]
    pub fn services(&self, node: u32) -> &[Service] {
        let from = self.first_wait(node);
        &self.services[from..from + self.served[node as usize] as usize]
    }

    /// The owners of the transfers of what a node writes.
    #[inline]
    pub fn sent_from<'s>(&'s self, node: u32, memory: &'s [u32]) -> impl Iterator<Item = u32> + 's {
        let users = self.reads().users(self.reads().products_of(node));
        users.iter().copied().filter(move |user| {
            let wait = self.wait(*user);
            self.owner[self.key(wait.product, memory[wait.node as usize])] == *user
        })
    }

    /// How long a service lasts, and for each of its lines how long it takes it.
    #[inline]
    pub fn lines_of(&self, service: &Service) -> (Ns, impl Iterator<Item = (u32, Ns)>) {
        let product = self.reads().waits[service.wait as usize].product;
        let (whole_ns, parts) = self.routes.transfer(service.pair, product);
        let lines = parts.iter().map(move |part| {
            (part.line, self.routes.occupied_ns(*part, product).unwrap_or(whole_ns))
        });
        (whole_ns, lines)
    }

    /// Forgets all owners and changes, and takes the first reader of everything in each memory for
    /// its owner. Linear.
    pub fn set(&mut self, places: Places<'_>, order: &[u32]) {
        self.keep();
        self.owner.fill(NONE);
        self.served.fill(0);
        for &unit in order {
            for node in places.instance.unit(unit) {
                let to = places.memory[node as usize];
                for at in self.reads().waits_of(node) {
                    let wait = &self.reads().waits[at];
                    let key = self.key(wait.product, to);
                    if self.owner[key] == NONE && self.reads().source(wait, places.memory) != to {
                        self.owner[key] = at as u32;
                    }
                }
            }
        }
    }

    /// Finds the owners that differ once units were moved: `placed` are nodes with their memories
    /// before. Calls `changed` with every reader that has, or had, a transfer made that was not
    /// made so before.
    pub fn restructure(
        &mut self,
        places: Places<'_>,
        placed: impl Iterator<Item = (u32, u32)> + Clone,
        mut changed: impl FnMut(&Wait),
    ) {
        self.change += 1;
        for (node, _) in placed.clone() {
            for member in places.instance.unit(places.instance.unit_of(node)) {
                self.moved_in[member as usize] = self.change;
            }
        }
        for (node, before) in placed {
            for member in places.instance.unit(places.instance.unit_of(node)) {
                for at in self.reads().waits_of(member) {
                    let here = places.memory[member as usize];
                    self.settle(places, at as u32, here, &mut changed);
                    if member == node && before != here {
                        self.settle(places, at as u32, before, &mut changed);
                    }
                }
            }
            if before != places.memory[node as usize] {
                self.reroute(places, node, &mut changed);
            }
        }
    }

    /// Finds the owner of what a moved node reads in a memory where it is or was.
    #[inline]
    fn settle(
        &mut self,
        places: Places<'_>,
        at: u32,
        memory: u32,
        changed: &mut impl FnMut(&Wait),
    ) {
        let wait = self.reads().waits[at as usize];
        let key = self.key(wait.product, memory);
        let old = self.owner[key];
        let is_known = old != NONE && !self.is_moved(old);
        let new = match self.reads().source(&wait, places.memory) {
            source if source == memory => NONE,
            _ if !is_known => self.first_user(places, wait.product, memory),
            _ if places.memory[wait.node as usize] == memory => self.earlier(places, old, at),
            _ => old,
        };
        self.own(key, new, changed);
    }

    /// Finds the owners of what a node writes that changed its memory.
    fn reroute(&mut self, places: Places<'_>, node: u32, changed: &mut impl FnMut(&Wait)) {
        for product in self.reads().products_of(node) {
            for at in 0..self.users(product).len() {
                let user = self.users(product)[at];
                let memory = places.memory[self.reads().waits[user as usize].node as usize];
                let key = self.key(product, memory);
                let old = self.owner[key];
                if memory == places.memory[node as usize] {
                    self.own(key, NONE, changed);
                } else if old == NONE || self.is_moved(old) {
                    let new = self.first_user(places, product, memory);
                    self.own(key, new, changed);
                    changed(&self.reads().waits[new as usize]);
                } else if old == user {
                    changed(&self.reads().waits[old as usize]);
                }
            }
        }
    }

    #[inline]
    fn is_moved(&self, wait: u32) -> bool {
        self.moved_in[self.reads().waits[wait as usize].node as usize] == self.change
    }

    #[inline]
    fn own(&mut self, key: usize, new: u32, changed: &mut impl FnMut(&Wait)) {
        let old = std::mem::replace(&mut self.owner[key], new);
        if old != new {
            self.old_owners.push((key as u32, old));
            for wait in [old, new].into_iter().filter(|wait| *wait != NONE) {
                changed(&self.reads().waits[wait as usize]);
            }
        }
    }

    /// Which of two waits comes first.
    #[inline]
    fn earlier(&self, places: Places<'_>, a: u32, b: u32) -> u32 {
        let key = |wait: u32| (places.position_of(self.reads().waits[wait as usize].node), wait);
        if key(a) <= key(b) { a } else { b }
    }

    /// The first reader of a product in a memory.
    fn first_user(&self, places: Places<'_>, product: u32, memory: u32) -> u32 {
        let users = self.users(product).iter().copied();
        let here =
            |user: &u32| places.memory[self.reads().waits[*user as usize].node as usize] == memory;
        let key = |user: &u32| (places.position_of(self.reads().waits[*user as usize].node), *user);
        users.filter(here).min_by_key(key).unwrap_or(NONE)
    }

    /// Whether the transfers of a unit begin as they did although lines may be free at other times;
    /// takes the lines as they did if so, and leaves them as they are if not.
    #[inline]
    pub fn repeat(&mut self, nodes: std::ops::Range<u32>) -> bool {
        self.taken.clear();
        for node in nodes {
            let from = self.first_wait(node);
            for at in from..from + self.served[node as usize] as usize {
                let service = self.services[at];
                let product = self.reads().waits[service.wait as usize].product;
                let (whole_ns, parts) = self.routes.transfer(service.pair, product);
                let free_ns = parts.iter().map(|part| self.free_ns[part.line as usize]);
                if free_ns.fold(service.leaves_ns, Ns::max) != service.begins_ns {
                    self.give_back();
                    return false;
                }
                for part in parts {
                    let ns = self.routes.occupied_ns(*part, product).unwrap_or(whole_ns);
                    let free_ns = &mut self.free_ns[part.line as usize];
                    self.taken.push((part.line, *free_ns));
                    *free_ns = service.begins_ns + ns;
                }
            }
        }
        true
    }

    fn give_back(&mut self) {
        while let Some((line, free_ns)) = self.taken.pop() {
            self.free_ns[line as usize] = free_ns;
        }
    }

    /// Makes the transfers of a node anew, by the ends of those who write; returns when all its
    /// data that are sent are there. Calls `later` with every other reader of data that arrive at
    /// another time than before.
    pub fn serve(
        &mut self,
        node: u32,
        memory: &[u32],
        finish_ns: &[Ns],
        mut later: impl FnMut(u32),
    ) -> Ns {
        let to = memory[node as usize];
        let mut ready_ns = 0;
        self.waiting.clear();
        for at in self.reads().waits_of(node) {
            let wait = &self.reads().waits[at];
            let key = self.key(wait.product, to);
            match self.owner[key] {
                NONE => {}
                owner if owner == at as u32 => {
                    let leaves_ns = match wait.from {
                        NONE => wait.leaves_ns,
                        from => finish_ns[from as usize],
                    };
                    self.waiting.push((leaves_ns, at as u32));
                }
                _ => ready_ns = ready_ns.max(self.arrives_ns[key]),
            }
        }
        if self.waiting.len() > 1 {
            self.waiting.sort_unstable();
        }
        self.remember(node);
        self.served[node as usize] = self.waiting.len() as u32;
        for at in 0..self.waiting.len() {
            let arrives_ns = self.send(node, at, memory, &mut later);
            ready_ns = ready_ns.max(arrives_ns);
        }
        ready_ns
    }

    /// Makes the transfer of a node that comes at a place among its own.
    #[inline]
    fn send(&mut self, node: u32, at: usize, memory: &[u32], later: &mut impl FnMut(u32)) -> Ns {
        let (leaves_ns, number) = self.waiting[at];
        let wait = self.reads().waits[number as usize];
        let to = memory[node as usize];
        let pair = self.reads().source(&wait, memory) * self.memories as u32 + to;
        let (whole_ns, parts) = self.routes.transfer(pair, wait.product);
        let free_ns = parts.iter().map(|part| self.free_ns[part.line as usize]);
        let begins_ns = free_ns.fold(leaves_ns, Ns::max);
        for part in parts {
            let ns = self.routes.occupied_ns(*part, wait.product).unwrap_or(whole_ns);
            self.free_ns[part.line as usize] = begins_ns + ns;
        }
        let slot = self.first_wait(node) + at;
        self.services[slot] = Service { wait: number, pair, leaves_ns, begins_ns };
        let arrives_ns = begins_ns + whole_ns;
        let key = self.key(wait.product, to);
        let before_ns = std::mem::replace(&mut self.arrives_ns[key], arrives_ns);
        if before_ns != arrives_ns {
            self.old_arrivals.push((key as u32, before_ns));
            for user in self.users(wait.product) {
                let reader = self.reads().waits[*user as usize].node;
                if reader != node && memory[reader as usize] == to {
                    later(reader);
                }
            }
        }
        arrives_ns
    }

    /// When what a node reads and has sent, itself or by another reader, arrives, with who writes
    /// it.
    pub fn arrivals<'s>(
        &'s self,
        node: u32,
        memory: &'s [u32],
    ) -> impl Iterator<Item = (u32, Ns)> + 's {
        self.reads().waits[self.reads().waits_of(node)].iter().filter_map(move |wait| {
            let key = self.key(wait.product, memory[node as usize]);
            (self.owner[key] != NONE).then(|| (wait.from, self.arrives_ns[key]))
        })
    }

    #[inline]
    fn remember(&mut self, node: u32) {
        let (from, count) = (self.first_wait(node), self.served[node as usize]);
        self.old_nodes.push((node, count));
        let services = from..from + count as usize;
        self.old_services.extend_from_slice(&self.services[services]);
    }

    /// Keeps the change.
    pub fn keep(&mut self) {
        self.old_owners.clear();
        self.old_arrivals.clear();
        self.old_nodes.clear();
        self.old_services.clear();
    }

    /// Takes the change back.
    pub fn undo(&mut self) {
        while let Some((key, owner)) = self.old_owners.pop() {
            self.owner[key as usize] = owner;
        }
        while let Some((key, arrives_ns)) = self.old_arrivals.pop() {
            self.arrives_ns[key as usize] = arrives_ns;
        }
        while let Some((node, count)) = self.old_nodes.pop() {
            let kept = self.old_services.len() - count as usize;
            let from = self.first_wait(node);
            self.services[from..from + count as usize].copy_from_slice(&self.old_services[kept..]);
            self.old_services.truncate(kept);
            self.served[node as usize] = count;
        }
    }
}
