//! Which times to compute beyond the contention-free model, for an order with lanes: transfers that
//! exclude each other, memories that fill up.
//!
//! *Transfers*: each takes the lines of its route for itself for latency plus bytes over bandwidth
//! (see [`Routes`]). They are served in the order of the units that wait for them, those of one
//! unit by the end of their producers. One object to one memory is one transfer.
//!
//! *Memories*: what exceeds a capacity is a penalty, so that a search can pass through such
//! schedules and comes out of them. Times are those of a run in which everything fits: neither
//! evictions nor tasks that wait for room are computed.

use super::reads::Reads;
use super::routes::Routes;
use crate::instance::Instance;
use runtime::Problem;

/// What capacities limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Nothing but working sets.
    #[default]
    Unlimited,
    /// The sum of what all nodes of a memory hold.
    Resident,
    /// What nodes hold at one instant, each from its start until the last of its successors has
    /// ended.
    Buffers,
    /// What tasks need at one instant: what a task writes from its start until its last reader is
    /// done, a copy elsewhere from the start of its first reader there to the end of the last, and
    /// what nodes hold while they run (scratch). A task that changes data in place needs no second
    /// copy. Needs [`Model::reads`].
    Copies,
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
    /// For [`Memory::Copies`].
    pub reads: Reads,
}

/// Most copies that are told apart: about 200 MiB.
const MAX_COPIES: usize = 1 << 22;

impl Model {
    /// What tasks need of memories, where some memory could not hold all data at once; as it is
    /// where none is that small, or where there are too many data and memories to tell copies
    /// apart.
    pub fn within_capacities(self, problem: &Problem<'_>, instance: &Instance) -> Self {
        let graph = problem.graph;
        let all_bytes = graph
            .object_ids()
            .fold(0u64, |sum, object| sum.saturating_add(graph.object(object).bytes));
        let memories = 0..instance.memory_count() as u32;
        let mut capacities = memories.filter_map(|m| instance.capacity_bytes(m));
        if !capacities.any(|capacity_bytes| capacity_bytes < all_bytes) {
            return self;
        }
        let reads = Reads::of(problem, instance, true);
        if reads.products().saturating_mul(instance.memory_count()) > MAX_COPIES {
            return self;
        }
        let nodes = 0..instance.len() as u32;
        let scratch_bytes = |n: u32| graph.task(instance.task(n)).scratch_bytes;
        Self {
            memory: Memory::Copies,
            held_bytes: nodes.map(scratch_bytes).collect(),
            reads,
            ..self
        }
    }
}
