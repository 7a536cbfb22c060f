//! The transfers of a schedule on lines that each takes for itself: which of the readers of some
//! data in a memory has them sent, when they begin and when they arrive, and how to take all of
//! that back.
//!
//! One object to one memory is one transfer. It is made for its first reader there in the order of
//! the schedule, its *owner*; the readers after it find it sent. Who owns what follows from order
//! and lanes alone, so a change of the schedule concerns the owners of few transfers.

use super::routes::Routes;
use crate::instance::{Instance, NONE};
use runtime::Ns;

/// Something that a node reads and that may have to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    /// Producer and object, numbered.
    pub product: u32,
    /// The reader.
    pub node: u32,
    /// Who writes it; [`NONE`] for what is there already.
    pub from: u32,
    /// Where it is and when it can leave, if it is there already.
    source: u32,
    leaves_ns: Ns,
}

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
    /// What node `n` reads is `waits[wait_starts[n] .. wait_starts[n + 1]]`.
    wait_starts: Vec<u32>,
    waits: Vec<Wait>,
    /// Who reads product `p` is `users[user_starts[p] .. user_starts[p + 1]]`.
    user_starts: Vec<u32>,
    users: Vec<u32>,
    /// What node `n` writes is numbered from `product_starts[n]` to `product_starts[n + 1]`.
    product_starts: Vec<u32>,
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
        let nodes = 0..instance.len() as u32;
        let flows = |n: u32| instance.flows(n).iter().map(|f| (f.from, f.object));
        let mut products: Vec<_> = nodes.clone().flat_map(flows).collect();
        products.sort_unstable();
        products.dedup();
        let written = products.len() as u32;
        let product_starts =
            (0..=instance.len() as u32).map(|n| products.partition_point(|p| p.0 < n) as u32);
        let product_starts = product_starts.collect();
        let (mut waits, mut wait_starts) = (Vec::new(), vec![0]);
        for node in nodes {
            for flow in instance.flows(node) {
                let key = (flow.from, flow.object);
                let product = products.partition_point(|p| *p < key) as u32;
                waits.push(Wait { product, node, from: flow.from, source: NONE, leaves_ns: 0 });
            }
            waits.extend(routes.given(node).iter().map(|given| Wait {
                product: written + given.product,
                node,
                from: NONE,
                source: given.source,
                leaves_ns: given.leaves_ns,
            }));
            wait_starts.push(waits.len() as u32);
        }
        let all_products = written as usize + routes.given_products;
        let (users, user_starts) = users(&waits, all_products);
        let memories = instance.memory_count();
        let lines = routes.lines;
        let longest = routes.longest();
        let mut transfers = Self {
            memories,
            wait_starts,
            services: vec![Service::default(); waits.len()],
            old_services: Vec::with_capacity(waits.len()),
            taken: Vec::with_capacity(64 * longest),
            waits,
            users,
            user_starts,
            product_starts,
            owner: vec![NONE; all_products * memories],
            arrives_ns: vec![0; all_products * memories],
            served: vec![0; instance.len()],
            free_ns: vec![0; lines],
            old_owners: Vec::with_capacity(4096),
            old_arrivals: Vec::with_capacity(4096),
            old_nodes: Vec::with_capacity(instance.len()),
            waiting: Vec::with_capacity(64),
            moved_in: vec![0; instance.len()],
            change: 0,
            routes,
        };
        let mut bytes = vec![0; all_products];
        for node in 0..instance.len() as u32 {
            let flows = instance.flows(node).iter().map(|f| f.bytes);
            let given = transfers.routes.given(node).iter().map(|g| g.bytes);
            let waits = transfers.waits(node);
            for (wait, read) in transfers.waits[waits].iter().zip(flows.chain(given)) {
                bytes[wait.product as usize] = read;
            }
        }
        transfers.routes.set_sizes(bytes);
        transfers
    }

    #[inline]
    fn waits(&self, node: u32) -> std::ops::Range<usize> {
        let starts = &self.wait_starts;
        starts[node as usize] as usize..starts[node as usize + 1] as usize
    }

    #[inline]
    fn key(&self, product: u32, memory: u32) -> usize {
        product as usize * self.memories + memory as usize
    }

    #[inline]
    fn source(&self, wait: &Wait, memory: &[u32]) -> u32 {
        if wait.from == NONE { wait.source } else { memory[wait.from as usize] }
    }

    /// Number of waits.
    pub fn wait_count(&self) -> usize {
        self.waits.len()
    }

    /// A wait by its number.
    #[inline]
    pub fn wait(&self, wait: u32) -> &Wait {
        &self.waits[wait as usize]
    }

    /// The transfers that a node has made, in their order.
    #[inline]
    pub fn services(&self, node: u32) -> &[Service] {
        let from = self.wait_starts[node as usize] as usize;
        &self.services[from..from + self.served[node as usize] as usize]
    }

    /// The owners of the transfers of what a node writes.
    #[inline]
    pub fn sent_from<'s>(&'s self, node: u32, memory: &'s [u32]) -> impl Iterator<Item = u32> + 's {
        let starts = &self.product_starts;
        let products = starts[node as usize] as usize..starts[node as usize + 1] as usize;
        let from = self.user_starts[products.start] as usize;
        let users = &self.users[from..self.user_starts[products.end] as usize];
        users.iter().copied().filter(move |user| {
            let wait = &self.waits[*user as usize];
            self.owner[self.key(wait.product, memory[wait.node as usize])] == *user
        })
    }

    /// How long a service lasts, and for each of its lines how long it takes it.
    #[inline]
    pub fn lines_of(&self, service: &Service) -> (Ns, impl Iterator<Item = (u32, Ns)>) {
        let product = self.waits[service.wait as usize].product;
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
                for at in self.waits(node) {
                    let wait = &self.waits[at];
                    let key = self.key(wait.product, to);
                    if self.owner[key] == NONE && self.source(wait, places.memory) != to {
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
                for at in self.waits(member) {
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
        let wait = self.waits[at as usize];
        let key = self.key(wait.product, memory);
        let old = self.owner[key];
        let is_known = old != NONE && !self.is_moved(old);
        let new = match self.source(&wait, places.memory) {
            source if source == memory => NONE,
            _ if !is_known => self.first_user(places, wait.product, memory),
            _ if places.memory[wait.node as usize] == memory => self.earlier(places, old, at),
            _ => old,
        };
        self.own(key, new, changed);
    }

    /// Finds the owners of what a node writes that changed its memory.
    fn reroute(&mut self, places: Places<'_>, node: u32, changed: &mut impl FnMut(&Wait)) {
        let products = self.product_starts[node as usize]..self.product_starts[node as usize + 1];
        for product in products {
            let (from, to) =
                (self.user_starts[product as usize], self.user_starts[product as usize + 1]);
            for at in from..to {
                let user = self.users[at as usize];
                let memory = places.memory[self.waits[user as usize].node as usize];
                let key = self.key(product, memory);
                let old = self.owner[key];
                if memory == places.memory[node as usize] {
                    self.own(key, NONE, changed);
                } else if old == NONE || self.is_moved(old) {
                    let new = self.first_user(places, product, memory);
                    self.own(key, new, changed);
                    changed(&self.waits[new as usize]);
                } else if old == user {
                    changed(&self.waits[old as usize]);
                }
            }
        }
    }

    #[inline]
    fn is_moved(&self, wait: u32) -> bool {
        self.moved_in[self.waits[wait as usize].node as usize] == self.change
    }

    #[inline]
    fn own(&mut self, key: usize, new: u32, changed: &mut impl FnMut(&Wait)) {
        let old = std::mem::replace(&mut self.owner[key], new);
        if old != new {
            self.old_owners.push((key as u32, old));
            for wait in [old, new].into_iter().filter(|wait| *wait != NONE) {
                changed(&self.waits[wait as usize]);
            }
        }
    }

    /// Which of two waits comes first.
    #[inline]
    fn earlier(&self, places: Places<'_>, a: u32, b: u32) -> u32 {
        let key = |wait: u32| (places.position_of(self.waits[wait as usize].node), wait);
        if key(a) <= key(b) { a } else { b }
    }

    /// The first reader of a product in a memory.
    fn first_user(&self, places: Places<'_>, product: u32, memory: u32) -> u32 {
        let (from, to) =
            (self.user_starts[product as usize], self.user_starts[product as usize + 1]);
        let users = self.users[from as usize..to as usize].iter().copied();
        let here = |user: &u32| places.memory[self.waits[*user as usize].node as usize] == memory;
        let key = |user: &u32| (places.position_of(self.waits[*user as usize].node), *user);
        users.filter(here).min_by_key(key).unwrap_or(NONE)
    }

    /// Whether the transfers of a unit begin as they did although lines may be free at other times;
    /// takes the lines as they did if so, and leaves them as they are if not.
    #[inline]
    pub fn repeat(&mut self, nodes: std::ops::Range<u32>) -> bool {
        self.taken.clear();
        for node in nodes {
            let from = self.wait_starts[node as usize] as usize;
            for at in from..from + self.served[node as usize] as usize {
                let service = self.services[at];
                let product = self.waits[service.wait as usize].product;
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
        for at in self.waits(node) {
            let wait = &self.waits[at];
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
        let wait = self.waits[number as usize];
        let to = memory[node as usize];
        let pair = self.source(&wait, memory) * self.memories as u32 + to;
        let (whole_ns, parts) = self.routes.transfer(pair, wait.product);
        let free_ns = parts.iter().map(|part| self.free_ns[part.line as usize]);
        let begins_ns = free_ns.fold(leaves_ns, Ns::max);
        for part in parts {
            let ns = self.routes.occupied_ns(*part, wait.product).unwrap_or(whole_ns);
            self.free_ns[part.line as usize] = begins_ns + ns;
        }
        let slot = self.wait_starts[node as usize] as usize + at;
        self.services[slot] = Service { wait: number, pair, leaves_ns, begins_ns };
        let arrives_ns = begins_ns + whole_ns;
        let key = self.key(wait.product, to);
        let before_ns = std::mem::replace(&mut self.arrives_ns[key], arrives_ns);
        if before_ns != arrives_ns {
            self.old_arrivals.push((key as u32, before_ns));
            let (from, end) = (
                self.user_starts[wait.product as usize] as usize,
                self.user_starts[wait.product as usize + 1] as usize,
            );
            for user in &self.users[from..end] {
                let reader = self.waits[*user as usize].node;
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
        self.waits[self.waits(node)].iter().filter_map(move |wait| {
            let key = self.key(wait.product, memory[node as usize]);
            (self.owner[key] != NONE).then(|| (wait.from, self.arrives_ns[key]))
        })
    }

    #[inline]
    fn remember(&mut self, node: u32) {
        let (from, count) = (self.wait_starts[node as usize], self.served[node as usize]);
        self.old_nodes.push((node, count));
        let services = from as usize..(from + count) as usize;
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
            let from = self.wait_starts[node as usize] as usize;
            self.services[from..from + count as usize].copy_from_slice(&self.old_services[kept..]);
            self.old_services.truncate(kept);
            self.served[node as usize] = count;
        }
    }
}

/// The waits of every product, one product after the other, and where each begins.
fn users(waits: &[Wait], products: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0u32; products + 1];
    waits.iter().for_each(|wait| starts[wait.product as usize + 1] += 1);
    for product in 0..products {
        starts[product + 1] += starts[product];
    }
    let mut next = starts.clone();
    let mut users = vec![0; waits.len()];
    for (at, wait) in (0..).zip(waits) {
        users[next[wait.product as usize] as usize] = at;
        next[wait.product as usize] += 1;
    }
    (users, starts)
}
