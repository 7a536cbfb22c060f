//! The links between memories, for times in which transfers wait for each other.
//!
//! A transfer begins at one instant on all links of its route and takes each for its bytes over
//! that link's bandwidth (edge scheduling: O. Sinnen and L. A. Sousa, "Communication contention in
//! task scheduling", IEEE TPDS 16(6), 2005); under a one-port network it takes the ports of both
//! memories for as long as it lasts. Links that are shared fairly carry as many bytes in that time.

use super::reads::Reads;
use crate::instance::{Instance, NONE};
use runtime::cluster::{NetworkModel, bytes_ns};
use runtime::{ChannelId, MemoryId, Ns, Problem};
use std::collections::BTreeMap;

/// What a transfer takes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub line: u32,
    /// Which bandwidth it has; [`NONE`]: it is taken for as long as the transfer lasts.
    class: u32,
}

/// Which transfers exclude each other where links say nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusive {
    /// Those between the same two memories, in either direction.
    Pairs,
    /// Those that leave one memory, and those that arrive in one.
    Ports,
}

/// Lines, routes over them and data that exist already.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routes {
    /// Number of lines.
    pub(super) lines: usize,
    /// Memories that transfers go to: those of the instance, which come first among sources.
    memories: usize,
    /// Latency and class of bandwidth, by source and memory.
    pairs: Vec<(Ns, u32)>,
    /// The parts of a pair are `parts[starts[pair] .. starts[pair + 1]]`.
    starts: Vec<u32>,
    parts: Vec<Part>,
    bytes_per_s: Vec<f64>,
    /// By product and class: how long it takes; empty where that would be too large a table.
    size_ns: Vec<Ns>,
    /// What is sent.
    pub(super) reads: Reads,
}

/// Most entries of the table of times: 32 MiB.
const MAX_TIMES: usize = 1 << 22;

impl Routes {
    /// Those of a problem's cluster; `None` where transfers never wait for each other.
    pub fn of(problem: &Problem<'_>, instance: &Instance) -> Option<Self> {
        let cluster = problem.cluster;
        let memories = instance.memory_count();
        if cluster.network() == NetworkModel::ContentionFree || memories < 2 {
            return None;
        }
        let reads = Reads::of(problem, instance, true);
        let ports = reads.sources.len() as u32;
        let mut routes = Self { memories, reads, ..Self::default() };
        let mut route: Vec<ChannelId> = Vec::new();
        routes.join(problem, instance, |(from, source), (to, target), parts| {
            if cluster.network() == NetworkModel::OnePort {
                parts.extend([(from, None), (ports + to, None)]);
                return;
            }
            route.clear();
            cluster.route(source, target, &mut route);
            let speed = |channel: &ChannelId| cluster.channels()[channel.index()].bytes_per_s;
            parts.extend(route.iter().map(|channel| (channel.0, Some(speed(channel)))));
        });
        Some(routes)
    }

    /// Transfers that exclude each other whatever links there are, for what tasks write alone.
    pub fn exclusive(problem: &Problem<'_>, instance: &Instance, exclusive: Exclusive) -> Self {
        let memories = instance.memory_count();
        let reads = Reads::of(problem, instance, false);
        let mut routes = Self { memories, reads, ..Self::default() };
        let count = memories as u32;
        routes.join(problem, instance, |(from, _), (to, _), parts| match exclusive {
            Exclusive::Pairs => parts.push((from.min(to) * count + from.max(to), None)),
            Exclusive::Ports => parts.extend([(from, None), (count + to, None)]),
        });
        routes
    }

    /// Fills in what joins sources and memories: `parts_of` gives the lines of a transfer, with
    /// their bandwidths.
    fn join(
        &mut self,
        problem: &Problem<'_>,
        instance: &Instance,
        mut parts_of: impl FnMut((u32, MemoryId), (u32, MemoryId), &mut Vec<(u32, Option<f64>)>),
    ) {
        let mut classes: BTreeMap<u64, u32> = BTreeMap::new();
        let mut class_of = |bytes_per_s: f64| {
            *classes.entry(bytes_per_s.to_bits()).or_insert_with(|| {
                self.bytes_per_s.push(bytes_per_s);
                self.bytes_per_s.len() as u32 - 1
            })
        };
        let mut parts = Vec::new();
        self.starts.push(0);
        for (at, &source) in (0..).zip(&self.reads.sources) {
            for to in 0..self.memories as u32 {
                let target = instance.memory(to);
                let bytes_per_s = problem.cluster.bandwidth_bytes_per_s(source, target);
                let latency_ns = problem.cluster.latency_ns(source, target);
                self.pairs.push((latency_ns, class_of(bytes_per_s)));
                if source != target {
                    parts_of((at, source), (to, target), &mut parts);
                }
                self.parts.extend(parts.drain(..).map(|(line, bytes_per_s)| {
                    self.lines = self.lines.max(line as usize + 1);
                    Part { line, class: bytes_per_s.map_or(NONE, &mut class_of) }
                }));
                self.starts.push(self.parts.len() as u32);
            }
        }
        let sizes_bytes = &self.reads.sizes_bytes;
        if sizes_bytes.len().saturating_mul(self.bytes_per_s.len()) <= MAX_TIMES {
            let each = sizes_bytes.iter().flat_map(|bytes| {
                self.bytes_per_s.iter().map(|bytes_per_s| bytes_ns(*bytes, *bytes_per_s))
            });
            self.size_ns.extend(each);
        }
    }

    /// Most lines of a route.
    pub(super) fn longest(&self) -> usize {
        self.starts.windows(2).map(|pair| (pair[1] - pair[0]) as usize).max().unwrap_or(0)
    }

    #[inline]
    fn class_ns(&self, class: u32, product: u32) -> Ns {
        let at = product as usize * self.bytes_per_s.len() + class as usize;
        match self.size_ns.get(at) {
            Some(ns) => *ns,
            None => {
                bytes_ns(self.reads.sizes_bytes[product as usize], self.bytes_per_s[class as usize])
            }
        }
    }

    /// How long a product takes on the way of a pair (source times memories, plus memory), and the
    /// lines that it takes.
    #[inline]
    pub(super) fn transfer(&self, pair: u32, product: u32) -> (Ns, &[Part]) {
        let (latency_ns, class) = self.pairs[pair as usize];
        let (from, to) = (self.starts[pair as usize], self.starts[pair as usize + 1]);
        let whole_ns = latency_ns + self.class_ns(class, product);
        (whole_ns, &self.parts[from as usize..to as usize])
    }

    /// How long a product takes a line; `None`: as long as the transfer lasts.
    #[inline]
    pub(super) fn occupied_ns(&self, part: Part, product: u32) -> Option<Ns> {
        (part.class != NONE).then(|| self.class_ns(part.class, product))
    }
}
