//! Who reads what: the data that tasks write and those that are there already, numbered as
//! *products*, with everyone who reads each.

use crate::instance::{Instance, NONE};
use runtime::graph::Mode;
use runtime::{MemoryId, Ns, ObjectId, Problem, TaskId};
use std::collections::BTreeMap;

/// Something that a node reads and that may have to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// What is read.
    pub product: u32,
    /// The reader.
    pub node: u32,
    /// Who writes it; [`NONE`] for what is there already.
    pub from: u32,
    /// Where it is and when it can leave, if it is there already.
    source: u32,
    pub leaves_ns: Ns,
    /// Whether the reader writes it anew, in place.
    pub is_changed: bool,
}

/// See the module's documentation. What nodes write comes first, node by node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reads {
    /// Memories that data can be in: those of the instance, then others.
    pub(super) sources: Vec<MemoryId>,
    /// What node `n` writes is numbered from `product_starts[n]` to `product_starts[n + 1]`.
    product_starts: Vec<u32>,
    /// By product that a node writes: which.
    writers: Vec<u32>,
    pub(super) sizes_bytes: Vec<u64>,
    /// What node `n` reads is `waits[wait_starts[n] .. wait_starts[n + 1]]`.
    wait_starts: Vec<u32>,
    pub(super) waits: Vec<Wait>,
    /// Who reads product `p` is `users[user_starts[p] .. user_starts[p + 1]]`.
    user_starts: Vec<u32>,
    users: Vec<u32>,
}

impl Reads {
    /// Those of a problem; without `has_given`, of what tasks write alone. Sorts.
    pub fn of(problem: &Problem<'_>, instance: &Instance, has_given: bool) -> Self {
        let mut reads = Self {
            sources: (0..instance.memory_count() as u32).map(|m| instance.memory(m)).collect(),
            ..Self::default()
        };
        let mut written = BTreeMap::new();
        for node in 0..instance.len() as u32 {
            reads.product_starts.push(reads.sizes_bytes.len() as u32);
            let accesses = problem.graph.accesses(instance.task(node)).iter();
            for access in accesses.filter(|a| a.mode.writes() && a.mode != Mode::Racy) {
                written.insert((node, access.object), reads.sizes_bytes.len() as u32);
                reads.sizes_bytes.push(problem.graph.object(access.object).bytes);
            }
            // What flows without being written there: reads of what is shared.
            for user in instance.succs(node) {
                let flows = instance.flows(user.node).iter().filter(|f| f.from == node);
                for flow in flows {
                    written.entry((node, flow.object)).or_insert_with(|| {
                        reads.sizes_bytes.push(flow.bytes);
                        reads.sizes_bytes.len() as u32 - 1
                    });
                }
            }
            reads.writers.resize(reads.sizes_bytes.len(), node);
        }
        reads.product_starts.push(reads.sizes_bytes.len() as u32);
        reads.find_waits(problem, instance, &written, has_given);
        reads.find_users();
        reads
    }

    fn find_waits(
        &mut self,
        problem: &Problem<'_>,
        instance: &Instance,
        written: &BTreeMap<(u32, ObjectId), u32>,
        has_given: bool,
    ) {
        let graph = problem.graph;
        let mut given: BTreeMap<(ObjectId, Option<TaskId>), u32> = BTreeMap::new();
        self.wait_starts.push(0);
        for node in 0..instance.len() as u32 {
            let task = instance.task(node);
            let is_changed = |object: ObjectId| {
                let accesses = graph.accesses(task).iter();
                accesses.filter(|a| a.object == object).any(|a| a.mode.writes())
            };
            self.waits.extend(instance.flows(node).iter().map(|flow| Wait {
                product: written[&(flow.from, flow.object)],
                node,
                from: flow.from,
                source: NONE,
                leaves_ns: 0,
                is_changed: is_changed(flow.object),
            }));
            for (object, writer, memory, leaves_ns) in given_to(problem, task) {
                if !has_given {
                    break;
                }
                let product = *given.entry((object, writer)).or_insert_with(|| {
                    self.sizes_bytes.push(graph.object(object).bytes);
                    self.sizes_bytes.len() as u32 - 1
                });
                let source = self.source_of(memory);
                let (from, is_changed) = (NONE, is_changed(object));
                self.waits.push(Wait { product, node, from, source, leaves_ns, is_changed });
            }
            self.wait_starts.push(self.waits.len() as u32);
        }
    }

    fn source_of(&mut self, memory: MemoryId) -> u32 {
        let at = self.sources.iter().position(|m| *m == memory).unwrap_or_else(|| {
            self.sources.push(memory);
            self.sources.len() - 1
        });
        at as u32
    }

    /// Turns waits round.
    fn find_users(&mut self) {
        let products = self.sizes_bytes.len();
        let mut starts = vec![0u32; products + 1];
        self.waits.iter().for_each(|wait| starts[wait.product as usize + 1] += 1);
        for product in 0..products {
            starts[product + 1] += starts[product];
        }
        let mut next = starts.clone();
        self.users = vec![0; self.waits.len()];
        for (at, wait) in (0..).zip(&self.waits) {
            self.users[next[wait.product as usize] as usize] = at;
            next[wait.product as usize] += 1;
        }
        self.user_starts = starts;
    }

    /// Who writes a product; `None` for what is there already.
    #[inline]
    pub(super) fn writer(&self, product: u32) -> Option<u32> {
        self.writers.get(product as usize).copied()
    }

    /// Number of products.
    pub(super) fn products(&self) -> usize {
        self.sizes_bytes.len()
    }

    /// The numbers of what a node waits for.
    #[inline]
    pub(super) fn waits_of(&self, node: u32) -> std::ops::Range<usize> {
        let starts = &self.wait_starts;
        starts[node as usize] as usize..starts[node as usize + 1] as usize
    }

    /// The products that a node writes.
    #[inline]
    pub(super) fn products_of(&self, node: u32) -> std::ops::Range<u32> {
        self.product_starts[node as usize]..self.product_starts[node as usize + 1]
    }

    /// The waits for products.
    #[inline]
    pub(super) fn users(&self, products: std::ops::Range<u32>) -> &[u32] {
        let (from, to) =
            (self.user_starts[products.start as usize], self.user_starts[products.end as usize]);
        &self.users[from as usize..to as usize]
    }

    /// Where what is waited for is, with nodes in these memories.
    #[inline]
    pub(super) fn source(&self, wait: &Wait, memory: &[u32]) -> u32 {
        if wait.from == NONE { wait.source } else { memory[wait.from as usize] }
    }
}

/// What a task reads that fixed tasks write, or that is there from the begin: the object, who
/// wrote it, where it is and when it can leave.
fn given_to<'a>(
    problem: &'a Problem<'_>,
    task: TaskId,
) -> impl Iterator<Item = (ObjectId, Option<TaskId>, MemoryId, Ns)> + 'a {
    let (graph, cluster) = (problem.graph, problem.cluster);
    let of_fixed = graph.incoming(task).iter().filter_map(move |edge| {
        let (object, fixed) = (edge.object?, problem.fixed(edge.from)?);
        let leaves_ns = fixed.finish_ns.max(problem.now_ns);
        Some((object, Some(edge.from), cluster.memory_of(fixed.device), leaves_ns))
    });
    let initial = graph.accesses(task).iter().filter(|a| a.mode.reads() && a.version == 0);
    of_fixed.chain(initial.map(move |access| {
        let home = cluster.home(graph.object(access.object).home);
        (access.object, None, home, problem.now_ns)
    }))
}
