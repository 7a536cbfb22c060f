//! A whole plan that is improved piece by piece: order per lane, starts, tails.

use runtime::Ns;
use schedulers::instance::{Instance as Flat, NONE, Placement};

/// A plan of a problem without gangs. Starts follow from lanes and the order on them: everything
/// is as early as that allows.
#[derive(Clone)]
pub struct Plan<'a> {
    pub(crate) flat: &'a Flat,
    /// First lane and start, by node.
    pub(crate) placed: Vec<Placement>,
    /// What each lane runs, in order.
    pub(crate) sequences: Vec<Vec<u32>>,
    /// By node: from its start to the end of the last task that waits for it.
    pub(crate) rest_ns: Vec<Ns>,
    /// Nodes in an order that respects dependencies and lanes.
    pub(crate) order: Vec<u32>,
    /// When the last task ends.
    pub(crate) makespan_ns: Ns,
    slot: Vec<u32>,
    /// By slot (one per node and lane it takes): what comes before and after it there.
    before: Vec<u32>,
    after: Vec<u32>,
}

impl<'a> Plan<'a> {
    /// The plan of placements; of tasks with one start the first in `order` comes first on a lane.
    pub fn new(flat: &'a Flat, order: &[u32], placed: Vec<Placement>) -> Self {
        let mut sequences = vec![Vec::new(); flat.lane_count()];
        for &node in order {
            let first = placed[node as usize].lane;
            for lane in first..first + flat.cores(node) {
                sequences[lane as usize].push(node);
            }
        }
        let mut slot = vec![0];
        for node in 0..flat.len() as u32 {
            slot.push(slot[node as usize] + flat.cores(node));
        }
        let slots = slot[flat.len()] as usize;
        let mut plan = Self {
            flat,
            placed,
            sequences,
            rest_ns: vec![0; flat.len()],
            order: Vec::with_capacity(flat.len()),
            makespan_ns: 0,
            slot,
            before: vec![NONE; slots],
            after: vec![NONE; slots],
        };
        plan.time();
        plan
    }

    /// First lanes and starts, by node.
    pub fn placed(&self) -> &[Placement] {
        &self.placed
    }

    /// When the last task ends.
    pub fn makespan_ns(&self) -> Ns {
        self.makespan_ns
    }

    /// When a node ends.
    #[inline]
    pub(crate) fn end_ns(&self, node: u32) -> Ns {
        let Placement { lane, start_ns } = self.placed[node as usize];
        start_ns + self.flat.duration_ns(node, lane)
    }

    /// The memory a node is in.
    #[inline]
    pub(crate) fn memory_of(&self, node: u32) -> u32 {
        self.flat.memory_of(self.placed[node as usize].lane)
    }

    /// What runs before a node on its lanes.
    pub(crate) fn before(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.slots(node).map(|s| self.before[s]).filter(|n| *n != NONE)
    }

    /// What runs after a node on its lanes.
    pub(crate) fn after(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        self.slots(node).map(|s| self.after[s]).filter(|n| *n != NONE)
    }

    fn slots(&self, node: u32) -> std::ops::Range<usize> {
        self.slot[node as usize] as usize..self.slot[node as usize + 1] as usize
    }

    /// Computes all times from lanes and sequences; linear in nodes and edges. Returns whether the
    /// sequences agree with the dependencies: if not, the plan is as before.
    pub(crate) fn time(&mut self) -> bool {
        self.link();
        let flat = self.flat;
        let mut waiting: Vec<u32> = (0..flat.len() as u32)
            .map(|n| (flat.preds(n).len() + self.before(n).count()) as u32)
            .collect();
        let mut order: Vec<u32> =
            (0..flat.len() as u32).filter(|n| waiting[*n as usize] == 0).collect();
        let mut next = 0;
        while next < order.len() {
            let node = order[next];
            next += 1;
            let followers = flat.succs(node).iter().map(|a| a.node).chain(self.after(node));
            for to in followers {
                waiting[to as usize] -= 1;
                if waiting[to as usize] == 0 {
                    order.push(to);
                }
            }
        }
        if order.len() < flat.len() {
            return false;
        }
        self.order = order;
        self.set_starts();
        self.set_rests();
        true
    }

    fn link(&mut self) {
        self.before.fill(NONE);
        self.after.fill(NONE);
        for (lane, sequence) in self.sequences.iter().enumerate() {
            let slot = |node: u32| {
                let first = self.placed[node as usize].lane;
                (self.slot[node as usize] + lane as u32 - first) as usize
            };
            for pair in sequence.windows(2) {
                self.after[slot(pair[0])] = pair[1];
                self.before[slot(pair[1])] = pair[0];
            }
        }
    }

    fn set_starts(&mut self) {
        self.makespan_ns = 0;
        for at in 0..self.order.len() {
            let node = self.order[at];
            let lane = self.placed[node as usize].lane;
            let lanes = lane..lane + self.flat.cores(node);
            let free_ns = lanes.map(|l| self.flat.lane_free_ns(l)).max().unwrap_or(0);
            let ready_ns = self.flat.ready_ns(node, self.flat.memory_of(lane), &self.placed);
            let idle_ns = self.before(node).map(|b| self.end_ns(b)).max().unwrap_or(0);
            self.placed[node as usize].start_ns = free_ns.max(ready_ns).max(idle_ns);
            self.makespan_ns = self.makespan_ns.max(self.end_ns(node));
        }
    }

    fn set_rests(&mut self) {
        for &node in self.order.iter().rev() {
            let lane = self.placed[node as usize].lane;
            let memory = self.flat.memory_of(lane);
            let follows = self.flat.succs(node).iter().map(|arc| {
                self.flat.arc_ns(*arc, memory, self.memory_of(arc.node))
                    + self.rest_ns[arc.node as usize]
            });
            let here = self.after(node).map(|a| self.rest_ns[a as usize]);
            let follows_ns = follows.chain(here).max().unwrap_or(0);
            self.rest_ns[node as usize] = self.flat.duration_ns(node, lane) + follows_ns;
        }
    }
}
