//! The links between memories, for times in which transfers wait for each other.
//!
//! A transfer begins at one instant on all links of its route and takes each for its bytes over
//! that link's bandwidth (edge scheduling: O. Sinnen and L. A. Sousa, "Communication contention in
//! task scheduling", IEEE TPDS 16(6), 2005); under a one-port network it takes the ports of both
//! memories for as long as it lasts. Links that are shared fairly carry as many bytes in that time.

use crate::instance::Instance;
use runtime::cluster::{NetworkModel, bytes_ns};
use runtime::{ChannelId, MemoryId, Ns, ObjectId, Problem, TaskId};
use std::collections::BTreeMap;

/// What a transfer takes of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Part {
    pub line: u32,
    /// `None`: as long as the transfer lasts.
    pub bytes_per_s: Option<f64>,
}

/// Data that is there before any planned task runs, and a node that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// When it can leave.
    pub leaves_ns: Ns,
    pub bytes: u64,
    /// Where it is, as [`Routes`] numbers memories.
    pub source: u32,
    /// Which data; the same for all who read it.
    pub product: u32,
}

/// Lines, routes over them and data that exist already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routes {
    /// Number of lines.
    pub(super) lines: usize,
    /// Memories that transfers go to: those of the instance, which come first among sources.
    memories: usize,
    /// Latency and bandwidth, by source and memory.
    pairs: Vec<(Ns, f64)>,
    /// The parts of a pair are `parts[starts[pair] .. starts[pair + 1]]`.
    starts: Vec<u32>,
    parts: Vec<Part>,
    /// What node `n` reads is `given[given_starts[n] .. given_starts[n + 1]]`.
    given_starts: Vec<u32>,
    given: Vec<Given>,
    /// Number of different data given.
    pub(super) given_products: usize,
}

impl Routes {
    /// Those of a problem's cluster; `None` where transfers never wait for each other.
    pub fn of(problem: &Problem<'_>, instance: &Instance) -> Option<Self> {
        let cluster = problem.cluster;
        let memories = instance.memory_count();
        if cluster.network() == NetworkModel::ContentionFree || memories < 2 {
            return None;
        }
        let mut routes = Self { memories, ..Self::default() };
        let mut sources: Vec<MemoryId> = (0..memories as u32).map(|m| instance.memory(m)).collect();
        routes.find_given(problem, instance, &mut sources);
        routes.lines = match cluster.network() {
            NetworkModel::OnePort => sources.len() + memories,
            _ => cluster.channels().len(),
        };
        routes.starts.push(0);
        let mut route: Vec<ChannelId> = Vec::new();
        for (at, &source) in (0..).zip(&sources) {
            for to in 0..memories as u32 {
                let target = instance.memory(to);
                let bytes_per_s = cluster.bandwidth_bytes_per_s(source, target);
                routes.pairs.push((cluster.latency_ns(source, target), bytes_per_s));
                if source != target {
                    route.clear();
                    cluster.route(source, target, &mut route);
                    let ports = [at, sources.len() as u32 + to];
                    routes.push_parts(problem, &route, ports);
                }
                routes.starts.push(routes.parts.len() as u32);
            }
        }
        Some(routes)
    }

    fn push_parts(&mut self, problem: &Problem<'_>, route: &[ChannelId], ports: [u32; 2]) {
        let cluster = problem.cluster;
        match cluster.network() {
            NetworkModel::OnePort => {
                self.parts.extend(ports.map(|line| Part { line, bytes_per_s: None }));
            }
            _ => self.parts.extend(route.iter().map(|channel| {
                let bytes_per_s = cluster.channels()[channel.index()].bytes_per_s;
                Part { line: channel.0, bytes_per_s: Some(bytes_per_s) }
            })),
        }
    }

    /// Initial data and what fixed tasks write, with their readers.
    fn find_given(
        &mut self,
        problem: &Problem<'_>,
        instance: &Instance,
        sources: &mut Vec<MemoryId>,
    ) {
        let (graph, cluster) = (problem.graph, problem.cluster);
        let mut products: BTreeMap<(ObjectId, Option<TaskId>), u32> = BTreeMap::new();
        let mut source_of = |memory: MemoryId| {
            let at = sources.iter().position(|m| *m == memory).unwrap_or_else(|| {
                sources.push(memory);
                sources.len() - 1
            });
            at as u32
        };
        self.given_starts.push(0);
        for node in 0..instance.len() as u32 {
            let task = instance.task(node);
            let mut give = |object: ObjectId, writer: Option<TaskId>, memory, leaves_ns| {
                let next = products.len() as u32;
                self.given.push(Given {
                    leaves_ns,
                    bytes: graph.object(object).bytes,
                    source: source_of(memory),
                    product: *products.entry((object, writer)).or_insert(next),
                });
            };
            for edge in graph.incoming(task) {
                if let (Some(object), Some(fixed)) = (edge.object, problem.fixed(edge.from)) {
                    let memory = cluster.memory_of(fixed.device);
                    give(object, Some(edge.from), memory, fixed.finish_ns.max(problem.now_ns));
                }
            }
            for access in graph.accesses(task).iter().filter(|a| a.mode.reads() && a.version == 0) {
                let home = cluster.home(graph.object(access.object).home);
                give(access.object, None, home, problem.now_ns);
            }
            self.given_starts.push(self.given.len() as u32);
        }
        self.given_products = products.len();
    }

    /// What a node reads that is there already.
    #[inline]
    pub(super) fn given(&self, node: u32) -> &[Given] {
        let node = node as usize;
        &self.given[self.given_starts[node] as usize..self.given_starts[node + 1] as usize]
    }

    /// Sends bytes that can leave at an instant when all lines are free; returns when they arrive.
    #[inline]
    pub(super) fn send(
        &self,
        line_free_ns: &mut [Ns],
        (from, to): (u32, u32),
        leaves_ns: Ns,
        bytes: u64,
    ) -> Ns {
        let pair = from as usize * self.memories + to as usize;
        let parts = &self.parts[self.starts[pair] as usize..self.starts[pair + 1] as usize];
        let free_ns = parts.iter().map(|p| line_free_ns[p.line as usize]);
        let begins_ns = free_ns.fold(leaves_ns, Ns::max);
        let (latency_ns, bytes_per_s) = self.pairs[pair];
        let arrives_ns = begins_ns + latency_ns + bytes_ns(bytes, bytes_per_s);
        for part in parts {
            line_free_ns[part.line as usize] = match part.bytes_per_s {
                Some(bytes_per_s) => begins_ns + bytes_ns(bytes, bytes_per_s),
                None => arrives_ns,
            };
        }
        arrives_ns
    }
}
