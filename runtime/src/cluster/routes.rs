//! Routes between memories: fewest links, then least latency, then the links that fewest routes
//! found before use, then the links listed first.
//!
//! Routes are found memory by memory, all from one memory at once. Counting uses spreads them over
//! links of equal worth, as the routing of InfiniBand networks does (T. Hoefler, T. Schneider and
//! A. Lumsdaine, Optimized routing for large-scale InfiniBand networks, Hot Interconnects 2009): in
//! a fat tree the memories below a switch leave by different uplinks.

use super::{ClusterError, ClusterSpec, Duplex, LinkState};
use crate::{ChannelId, LinkId, MemoryId, Ns};

/// Memories for which a table of routes is kept.
const MAX_MEMORIES: usize = 4096;

/// One direction of a link, both directions of a half-duplex link, or the inside of a switch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// The link; `None` for a switch.
    pub link: Option<LinkId>,
    /// Its bandwidth.
    pub bytes_per_s: f64,
}

/// A route in two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub latency_ns: Ns,
    pub bytes_per_s: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Routes {
    channels: Vec<Channel>,
    /// By vertex: the channel that everything passing through shares.
    inside: Vec<Option<ChannelId>>,
    memories: usize,
    vertices: usize,
    /// By source memory and vertex: the channel by which the route arrives, and whence.
    arrives: Vec<(u32, u32)>,
    /// By source and destination memory; bandwidth 0 = no route.
    pairs: Vec<Pair>,
    /// Alike: links that were lost leave no way. Empty where they leave all.
    cut: Vec<bool>,
}

/// What remains of the bandwidth of a link that carries nothing, for estimates.
const NEXT_TO_NOTHING: f64 = 1e-6;

struct Hop {
    to: usize,
    channel: usize,
    latency_ns: Ns,
    bytes_per_s: f64,
}

/// What the search from one memory leaves for the next: arrays to use again, and uses counted.
struct Search {
    /// By vertex: links from the source; `usize::MAX` = not reached.
    level: Vec<usize>,
    /// By vertex: the route to it, where it was reached.
    reached: Vec<Pair>,
    /// Vertices in the order in which they were reached, the source first.
    order: Vec<usize>,
    /// By vertex: memories whose routes pass through it or end there.
    beyond: Vec<u64>,
    /// By channel: routes that use it.
    uses: Vec<u64>,
}

impl Search {
    fn new(vertices: usize, channels: usize) -> Self {
        Self {
            level: vec![usize::MAX; vertices],
            reached: vec![Pair { latency_ns: Ns::MAX, bytes_per_s: 0.0 }; vertices],
            order: Vec::with_capacity(vertices),
            beyond: vec![0; vertices],
            uses: vec![0; channels],
        }
    }

    /// Counts the routes of a finished search; `arrives` is by vertex.
    fn count_uses(&mut self, arrives: &[(u32, u32)], memories: usize) {
        self.order.iter().for_each(|&v| self.beyond[v] = u64::from(v < memories));
        for &vertex in self.order[1..].iter().rev() {
            let (channel, previous) = arrives[vertex];
            self.uses[channel as usize] += self.beyond[vertex];
            self.beyond[previous as usize] += self.beyond[vertex];
        }
    }
}

impl Routes {
    pub fn new(spec: &ClusterSpec) -> Result<Self, ClusterError> {
        Self::over(spec, &[], None)
    }

    /// As these are, with links in such states. Routes without a lost link stay the same; a pair
    /// without a way keeps its figures, at next to no bandwidth.
    pub fn with_links(&self, spec: &ClusterSpec, links: &[LinkState]) -> Self {
        let mut routes = Self::over(spec, links, Some(self)).expect("the spec was checked before");
        let mut cut = vec![false; routes.pairs.len()];
        for (at, (pair, before)) in routes.pairs.iter_mut().zip(&self.pairs).enumerate() {
            if pair.bytes_per_s <= 0.0 && before.bytes_per_s > 0.0 {
                cut[at] = true;
                let is_new = !self.cut.get(at).is_some_and(|was| *was);
                let left = if is_new { NEXT_TO_NOTHING } else { 1.0 };
                *pair = Pair { bytes_per_s: before.bytes_per_s * left, ..*before };
            }
        }
        if cut.contains(&true) {
            routes.cut = cut;
        }
        routes
    }

    /// Whether lost links leave no way from one memory to another.
    #[inline]
    pub fn is_cut(&self, from: MemoryId, to: MemoryId) -> bool {
        !self.cut.is_empty() && self.cut[from.index() * self.memories + to.index()]
    }

    /// Routes over links in these states; all are whole where there are none. Of routes of equal
    /// worth those found `before` are kept.
    ///
    /// They are found again: without the lost links all others have become no better, vertex by
    /// vertex from the source on.
    fn over(
        spec: &ClusterSpec,
        links: &[LinkState],
        before: Option<&Self>,
    ) -> Result<Self, ClusterError> {
        let memories = spec.memories.len();
        if memories > MAX_MEMORIES {
            return Err(ClusterError::TooManyMemories { memories, limit: MAX_MEMORIES });
        }
        let vertices = memories + spec.switches.len();
        let names: Vec<&String> = spec
            .memories
            .iter()
            .map(|m| &m.name)
            .chain(spec.switches.iter().map(|s| &s.name))
            .collect();
        let mut order: Vec<usize> = (0..vertices).collect();
        order.sort_by_key(|i| names[*i]);
        let vertex = |by: &str, name: &String| {
            let found = order.binary_search_by_key(&name, |i| names[*i]);
            found.map(|at| order[at]).map_err(|_| ClusterError::UnknownName {
                by: format!("link {by:?}"),
                name: name.clone(),
                known: names.iter().take(64).map(|n| (*n).clone()).collect(),
            })
        };
        let mut channels = Vec::new();
        let mut hops: Vec<Vec<Hop>> = (0..vertices).map(|_| Vec::new()).collect();
        for (i, link) in spec.links.iter().enumerate() {
            let (a, b) = (vertex(&link.name, &link.a)?, vertex(&link.name, &link.b)?);
            let state = links.get(i).copied().unwrap_or_default();
            let part = f64::from(state.factor_ppm) / 1e6;
            let bytes_per_s = link.bytes_per_s * part.max(NEXT_TO_NOTHING);
            let there = channels.len();
            let channel = Channel { link: Some(LinkId::from_index(i)), bytes_per_s };
            channels.push(channel);
            let latency_ns = link.latency_ns;
            if !state.is_lost {
                hops[a].push(Hop { to: b, channel: there, latency_ns, bytes_per_s });
            }
            let back = match link.duplex {
                Duplex::Simplex => continue,
                Duplex::Half => there,
                Duplex::Full => {
                    channels.push(channel);
                    there + 1
                }
            };
            if !state.is_lost {
                hops[b].push(Hop { to: a, channel: back, latency_ns, bytes_per_s });
            }
        }
        let mut inside = vec![None; vertices];
        for (at, switch) in spec.switches.iter().enumerate() {
            if let Some(bytes_per_s) = switch.bytes_per_s {
                inside[memories + at] = Some(ChannelId::from_index(channels.len()));
                channels.push(Channel { link: None, bytes_per_s });
            }
        }
        let none = Pair { latency_ns: Ns::MAX, bytes_per_s: 0.0 };
        let mut routes = Self {
            channels,
            inside,
            memories,
            vertices,
            arrives: vec![(u32::MAX, u32::MAX); memories * vertices],
            pairs: vec![none; memories * memories],
            cut: Vec::new(),
        };
        let mut search = Search::new(vertices, routes.channels.len());
        for source in 0..memories {
            routes.search_from(source, &hops, &mut search, before);
        }
        Ok(routes)
    }

    /// Breadth-first from one memory; within a level the smaller latency wins, then the channel
    /// that fewer routes use.
    fn search_from(
        &mut self,
        source: usize,
        hops: &[Vec<Hop>],
        search: &mut Search,
        before: Option<&Self>,
    ) {
        search.level.fill(usize::MAX);
        search.order.clear();
        search.order.push(source);
        search.level[source] = 0;
        search.reached[source] = Pair { latency_ns: 0, bytes_per_s: f64::INFINITY };
        let mut next = 0;
        while let Some(&at) = search.order.get(next) {
            next += 1;
            for hop in &hops[at] {
                let latency_ns = search.reached[at].latency_ns.saturating_add(hop.latency_ns);
                let is_new = search.level[hop.to] == usize::MAX;
                let arrives = &mut self.arrives[source * self.vertices + hop.to];
                let is_other = |channel: u32| {
                    before.is_some_and(|b| b.arrives[source * b.vertices + hop.to].0 != channel)
                };
                let worth = |latency_ns: Ns, channel: u32| {
                    (latency_ns, is_other(channel), search.uses[channel as usize])
                };
                let is_better = search.level[hop.to] == search.level[at] + 1
                    && worth(latency_ns, hop.channel as u32)
                        < worth(search.reached[hop.to].latency_ns, arrives.0);
                if !is_new && !is_better {
                    continue;
                }
                if is_new {
                    search.level[hop.to] = search.level[at] + 1;
                    search.order.push(hop.to);
                }
                let inside = self.inside[hop.to].map(|c| self.channels[c.index()].bytes_per_s);
                let hop_bytes_per_s = hop.bytes_per_s.min(inside.unwrap_or(f64::INFINITY));
                let bytes_per_s = search.reached[at].bytes_per_s.min(hop_bytes_per_s);
                search.reached[hop.to] = Pair { latency_ns, bytes_per_s };
                *arrives = (hop.channel as u32, at as u32);
            }
        }
        let row = &mut self.pairs[source * self.memories..][..self.memories];
        for (memory, pair) in row.iter_mut().enumerate() {
            if search.level[memory] != usize::MAX {
                *pair = search.reached[memory];
            }
        }
        let arrives = &self.arrives[source * self.vertices..][..self.vertices];
        search.count_uses(arrives, self.memories);
    }

    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    #[inline]
    pub fn pair(&self, from: MemoryId, to: MemoryId) -> Option<Pair> {
        let pair = self.pairs[from.index() * self.memories + to.index()];
        (pair.bytes_per_s > 0.0).then_some(pair)
    }

    /// The pairs of one source, by destination.
    #[inline]
    pub fn row(&self, from: MemoryId) -> &[Pair] {
        &self.pairs[from.index() * self.memories..][..self.memories]
    }

    pub fn append(&self, from: MemoryId, to: MemoryId, out: &mut Vec<ChannelId>) {
        let start = out.len();
        let mut at = to.index();
        while at != from.index() {
            let (channel, previous) = self.arrives[from.index() * self.vertices + at];
            if channel == u32::MAX {
                out.truncate(start);
                return;
            }
            out.extend(self.inside[at]);
            out.push(ChannelId(channel));
            at = previous as usize;
        }
        out[start..].reverse();
    }

    /// Every device's memory must reach every other device's memory and every home, both ways.
    pub fn check_reachable(
        &self,
        spec: &ClusterSpec,
        memory_of: &[MemoryId],
        homes: &[MemoryId],
    ) -> Result<(), ClusterError> {
        let mut needed: Vec<MemoryId> = memory_of.iter().chain(homes).copied().collect();
        needed.sort();
        needed.dedup();
        for &from in &needed {
            if let Some(&to) = needed.iter().find(|to| self.pair(from, **to).is_none()) {
                let name = |m: MemoryId| spec.memories[m.index()].name.clone();
                return Err(ClusterError::Unreachable { from: name(from), to: name(to) });
            }
        }
        Ok(())
    }
}
