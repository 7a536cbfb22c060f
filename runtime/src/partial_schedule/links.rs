//! Transfers of a schedule under construction that wait for each other: each takes the links of its
//! route for itself, in the order in which tasks are placed, and fills gaps between earlier ones.
//!
//! Edge scheduling of O. Sinnen and L. A. Sousa, "Communication contention in task scheduling",
//! IEEE Transactions on Parallel and Distributed Systems 16(6), 2005, with routes cut through: a
//! transfer begins at one instant on all its links and takes each for its bytes over that link's
//! bandwidth. Links that are shared fairly carry as many bytes in the same time, but finish the
//! first transfer later; a plan made so is an estimate of such a network, and exact for none.

use super::timeline::Timeline;
use crate::cluster::{Cluster, NetworkModel};
use crate::graph::TaskGraph;
use crate::{ChannelId, MemoryId, Ns, ObjectId, TaskId};

/// Who wrote the version of an object that arrives, where, and when.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    producer: Option<TaskId>,
    memory: MemoryId,
    at_ns: Ns,
}

/// An input that is elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wait {
    /// When it can leave.
    leaves_ns: Ns,
    object: ObjectId,
    producer: Option<TaskId>,
    from: MemoryId,
    bytes: u64,
}

/// What transfers exclude each other from: a channel, or one direction of a memory's port.
#[derive(Clone, Copy, Debug)]
struct Part {
    line: u32,
    takes_ns: Ns,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub(super) struct Links {
    network: NetworkModel,
    memories: u32,
    lines: Vec<Timeline>,
    /// By object.
    arrivals: Vec<Vec<Arrival>>,
    /// Inputs of the task that is looked at, by the instant when they can leave.
    waits: Vec<Wait>,
    /// Work space.
    route: Vec<ChannelId>,
    parts: Vec<Part>,
    /// Line, begin and end of what is only looked at.
    tentative: Vec<(u32, Ns, Ns)>,
}

impl Links {
    /// All links idle from `now_ns` on.
    pub fn new(graph: &TaskGraph, cluster: &Cluster, now_ns: Ns) -> Self {
        let memories = cluster.memory_count() as u32;
        let lines = match cluster.network() {
            NetworkModel::ContentionFree => 0,
            NetworkModel::MaxMin => cluster.channels().len(),
            NetworkModel::OnePort => 2 * memories as usize,
        };
        Self {
            network: cluster.network(),
            memories,
            lines: vec![Timeline::new(now_ns); lines],
            arrivals: vec![Vec::new(); graph.object_count()],
            waits: Vec::new(),
            route: Vec::new(),
            parts: Vec::new(),
            tentative: Vec::new(),
        }
    }

    /// Forgets the task that was looked at.
    pub fn begin(&mut self) {
        self.waits.clear();
    }

    /// An input of the task that is looked at: written by `producer`, or initial.
    pub fn wait(
        &mut self,
        object: ObjectId,
        bytes: u64,
        producer: Option<TaskId>,
        from: MemoryId,
        leaves_ns: Ns,
    ) {
        self.waits.push(Wait { leaves_ns, object, producer, from, bytes });
    }

    /// All inputs are named: those that can leave first are sent first.
    pub fn sort(&mut self) {
        self.waits.sort_unstable();
    }

    /// When all inputs could be in a memory, if the task were placed there.
    pub fn ready_ns(&mut self, cluster: &Cluster, to: MemoryId) -> Ns {
        self.tentative.clear();
        let mut ready_ns = 0;
        for at in 0..self.waits.len() {
            let wait = self.waits[at];
            ready_ns = ready_ns.max(match self.known(&wait, to) {
                Some(at_ns) => at_ns,
                None => {
                    let (begins_ns, arrives_ns) = self.book(cluster, &wait, to);
                    let parts = self.parts.iter();
                    let ends = parts.map(|p| (p.line, begins_ns, begins_ns + p.takes_ns));
                    self.tentative.extend(ends);
                    arrives_ns
                }
            });
        }
        ready_ns
    }

    /// Books the transfers of the task that is looked at.
    pub fn commit(&mut self, cluster: &Cluster, to: MemoryId) {
        self.tentative.clear();
        for at in 0..self.waits.len() {
            let wait = self.waits[at];
            if self.known(&wait, to).is_some() {
                continue;
            }
            let (begins_ns, at_ns) = self.book(cluster, &wait, to);
            for part in self.parts.iter().filter(|p| p.takes_ns > 0) {
                self.lines[part.line as usize].occupy(begins_ns, begins_ns + part.takes_ns);
            }
            let arrival = Arrival { producer: wait.producer, memory: to, at_ns };
            self.arrivals[wait.object.index()].push(arrival);
        }
    }

    /// When an input arrives that needs no transfer of its own.
    fn known(&self, wait: &Wait, to: MemoryId) -> Option<Ns> {
        if wait.from == to {
            return Some(wait.leaves_ns);
        }
        let mut arrivals = self.arrivals[wait.object.index()].iter();
        let found = arrivals.find(|a| a.memory == to && a.producer == wait.producer);
        found.map(|a| a.at_ns)
    }

    /// The earliest instant at which all of a transfer's lines are free for it, and its arrival;
    /// the lines are left in `parts`.
    fn book(&mut self, cluster: &Cluster, wait: &Wait, to: MemoryId) -> (Ns, Ns) {
        self.find_parts(cluster, wait, to);
        let mut begins_ns = wait.leaves_ns;
        loop {
            let before_ns = begins_ns;
            for part in &self.parts {
                let line = &self.lines[part.line as usize];
                begins_ns = line.earliest_ns(begins_ns, part.takes_ns, Ns::MAX);
                let clash = |t: &&(u32, Ns, Ns)| {
                    let end_ns = begins_ns.saturating_add(part.takes_ns);
                    t.0 == part.line && t.1 < end_ns && begins_ns < t.2
                };
                if let Some((.., end_ns)) = self.tentative.iter().find(clash) {
                    begins_ns = *end_ns;
                }
            }
            if begins_ns == before_ns {
                let transfer_ns = cluster.transfer_ns(wait.from, to, wait.bytes);
                return (begins_ns, begins_ns.saturating_add(transfer_ns));
            }
        }
    }

    fn find_parts(&mut self, cluster: &Cluster, wait: &Wait, to: MemoryId) {
        self.parts.clear();
        match self.network {
            NetworkModel::ContentionFree => {}
            NetworkModel::MaxMin => {
                self.route.clear();
                cluster.route(wait.from, to, &mut self.route);
                for channel in &self.route {
                    let bytes_per_s = cluster.channels()[channel.index()].bytes_per_s;
                    let takes_ns = crate::cluster::bytes_ns(wait.bytes, bytes_per_s);
                    self.parts.push(Part { line: channel.0, takes_ns });
                }
            }
            NetworkModel::OnePort => {
                let takes_ns = cluster.transfer_ns(wait.from, to, wait.bytes);
                self.parts.push(Part { line: wait.from.0, takes_ns });
                self.parts.push(Part { line: self.memories + to.0, takes_ns });
            }
        }
    }
}
