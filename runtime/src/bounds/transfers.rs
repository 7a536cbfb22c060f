//! The least time in which data can get from one kind of memory to another.

use crate::{Cluster, Costs, MemoryId, Ns};

/// Whether bounds may rest on the cluster's latencies and bandwidths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfers {
    /// They hold for the run: it is simulated, or paced to them.
    Modelled,
    /// Transfers may be arbitrarily fast.
    Free,
}

/// Memories up to which the fastest way over other memories is computed for every pair.
const MAX_PAIRS: usize = 64;

/// Groups of devices with lanes, and capacity.
type Name = (Vec<(usize, u32)>, Option<u64>);

/// Memories in kinds that bounds need not tell apart: with devices of the same groups and widths.
pub(super) struct Kinds {
    /// By memory; `None` where nothing computes.
    pub of_memory: Vec<Option<usize>>,
    /// By kind: group of devices and lanes of the widest such device, capacity of the memory.
    pub members: Vec<Vec<(usize, u32)>>,
    /// By kind: the largest capacity.
    pub capacity_bytes: Vec<Option<u64>>,
}

impl Kinds {
    /// Of a machine; one kind that can do what any device can where transfers are free.
    pub fn new(cluster: &Cluster, costs: &Costs, transfers: Transfers) -> Self {
        let mut by_memory: Vec<Vec<(usize, u32)>> = vec![Vec::new(); cluster.memory_count()];
        for device in cluster.device_ids() {
            let at = match transfers {
                Transfers::Modelled => cluster.memory_of(device).index(),
                Transfers::Free => 0,
            };
            let member = (costs.group_of(device), cluster.device(device).lanes);
            match by_memory[at].iter_mut().find(|m| m.0 == member.0) {
                Some(known) => known.1 = known.1.max(member.1),
                None => by_memory[at].push(member),
            }
        }
        let capacity = |m: usize| match transfers {
            Transfers::Modelled => cluster.memory(MemoryId::from_index(m)).capacity_bytes,
            Transfers::Free => None,
        };
        let mut kinds =
            Self { of_memory: Vec::new(), members: Vec::new(), capacity_bytes: Vec::new() };
        // Kinds by what they are made of.
        let mut names: Vec<(Name, usize)> = Vec::new();
        for (memory, mut members) in by_memory.into_iter().enumerate() {
            members.sort_unstable();
            let capacity_bytes = capacity(memory);
            let name = (members.clone(), capacity_bytes);
            let kind = match names.binary_search_by(|n| n.0.cmp(&name)) {
                _ if members.is_empty() => None,
                Ok(at) => Some(names[at].1),
                Err(at) => {
                    let kind = kinds.members.len();
                    names.insert(at, (name, kind));
                    kinds.members.push(members);
                    kinds.capacity_bytes.push(capacity_bytes);
                    Some(kind)
                }
            };
            kinds.of_memory.push(kind);
        }
        kinds
    }

    /// Number of kinds.
    pub fn len(&self) -> usize {
        self.members.len()
    }
}

/// Latency and time per byte, both least possible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Least {
    latency_ns: Ns,
    ns_per_byte: f64,
}

impl Least {
    const NOTHING: Self = Self { latency_ns: 0, ns_per_byte: 0.0 };
    const NEVER: Self = Self { latency_ns: Ns::MAX, ns_per_byte: f64::INFINITY };

    fn min(self, other: Self) -> Self {
        Self {
            latency_ns: self.latency_ns.min(other.latency_ns),
            ns_per_byte: self.ns_per_byte.min(other.ns_per_byte),
        }
    }

    fn then(self, other: Self) -> Self {
        Self {
            latency_ns: self.latency_ns.saturating_add(other.latency_ns),
            ns_per_byte: self.ns_per_byte + other.ns_per_byte,
        }
    }

    /// Of a transfer of so many bytes. Rounded up, but for what the arithmetic may have added.
    #[inline]
    pub fn ns(self, bytes: u64) -> Ns {
        if self.latency_ns == Ns::MAX {
            return Ns::MAX;
        }
        let flow_ns = (bytes as f64 * self.ns_per_byte * (1.0 - 1e-12)).ceil() as Ns;
        self.latency_ns.saturating_add(flow_ns)
    }
}

/// Least transfers between kinds of memories. A copy may be made from any other copy, so the
/// fastest way may lead over third memories.
pub(super) struct Moves {
    kinds: usize,
    /// By source and target; a kind reaches itself at once (data may stay where it is).
    between: Vec<Least>,
    /// By home memory and kind.
    from_home: Vec<Least>,
    /// By kind and home memory.
    to_home: Vec<Least>,
}

impl Moves {
    pub fn new(cluster: &Cluster, kinds: &Kinds, transfers: Transfers) -> Self {
        let (count, homes) = (kinds.len(), cluster.memory_count());
        let none = |n: usize| vec![Least::NOTHING; n];
        let (between, from_home, to_home) = match transfers {
            Transfers::Free => (none(count * count), none(homes * count), none(homes * count)),
            Transfers::Modelled => Self::least(cluster, kinds),
        };
        Self { kinds: count, between, from_home, to_home }
    }

    fn least(cluster: &Cluster, kinds: &Kinds) -> (Vec<Least>, Vec<Least>, Vec<Least>) {
        let (count, memories) = (kinds.len(), cluster.memory_count());
        let pairs = ways(cluster);
        let mut between = vec![Least::NEVER; count * count];
        let mut from_home = vec![Least::NEVER; memories * count];
        let mut to_home = from_home.clone();
        for from in 0..memories {
            for to in 0..memories {
                let way = pairs[from * memories + to];
                if let Some(to) = kinds.of_memory[to] {
                    let least = &mut from_home[from * count + to];
                    *least = least.min(way);
                }
                if let Some(from) = kinds.of_memory[from] {
                    let least = &mut to_home[to * count + from];
                    *least = least.min(way);
                    if let Some(to) = kinds.of_memory[to] {
                        let least = &mut between[from * count + to];
                        *least = least.min(way);
                    }
                }
            }
        }
        (between, from_home, to_home)
    }

    /// Raises `into`, by kind, to the arrival of what leaves each kind at `from_ns` at the
    /// earliest. `Ns::MAX` = not there.
    pub fn forward(&self, from_ns: &[Ns], bytes: u64, into_ns: &mut [Ns]) {
        for (to, into_ns) in into_ns.iter_mut().enumerate() {
            let arrival = |(from, ns): (usize, &Ns)| {
                ns.saturating_add(self.between[from * self.kinds + to].ns(bytes))
            };
            let first_ns = from_ns.iter().enumerate().map(arrival).min().unwrap_or(0);
            *into_ns = (*into_ns).max(first_ns);
        }
    }

    /// The other way round: what is left after an end on each kind, when `rest_ns` is left on the
    /// kind that the data goes to.
    pub fn backward(&self, rest_ns: &[Ns], bytes: u64, into_ns: &mut [Ns]) {
        for (from, into_ns) in into_ns.iter_mut().enumerate() {
            let rest = |(to, ns): (usize, &Ns)| {
                ns.saturating_add(self.between[from * self.kinds + to].ns(bytes))
            };
            let least_ns = rest_ns.iter().enumerate().map(rest).min().unwrap_or(0);
            *into_ns = (*into_ns).max(least_ns);
        }
    }

    /// Raises `into`, by kind, to the arrival of initial data.
    pub fn out_of_home(&self, home: MemoryId, bytes: u64, into_ns: &mut [Ns]) {
        let row = &self.from_home[home.index() * self.kinds..][..self.kinds];
        row.iter().zip(into_ns).for_each(|(least, ns)| *ns = (*ns).max(least.ns(bytes)));
    }

    /// Raises `into`, by kind, to what bringing a result home takes.
    pub fn to_home(&self, home: MemoryId, bytes: u64, into_ns: &mut [Ns]) {
        let row = &self.to_home[home.index() * self.kinds..][..self.kinds];
        row.iter().zip(into_ns).for_each(|(least, ns)| *ns = (*ns).max(least.ns(bytes)));
    }
}

/// Least way between all memories. With few memories over any others (Floyd and Warshall, 1962);
/// with many the fastest way out of one and into the other, which no way avoids.
fn ways(cluster: &Cluster) -> Vec<Least> {
    let memories = cluster.memory_count();
    let at = |from: usize, to: usize| from * memories + to;
    let direct = |from: usize, to: usize| {
        let (from, to) = (MemoryId::from_index(from), MemoryId::from_index(to));
        match cluster.reaches(from, to) {
            true if from == to => Least::NOTHING,
            true => Least {
                latency_ns: cluster.latency_ns(from, to),
                ns_per_byte: 1e9 / cluster.bandwidth_bytes_per_s(from, to),
            },
            false => Least::NEVER,
        }
    };
    let all = (0..memories).flat_map(|from| (0..memories).map(move |to| (from, to)));
    let mut ways: Vec<Least> = all.clone().map(|(from, to)| direct(from, to)).collect();
    if memories <= MAX_PAIRS {
        for via in 0..memories {
            for (from, to) in all.clone() {
                let over = ways[at(from, via)].then(ways[at(via, to)]);
                ways[at(from, to)] = ways[at(from, to)].min(over);
            }
        }
        return ways;
    }
    let (mut out, mut into) = (vec![Least::NEVER; memories], vec![Least::NEVER; memories]);
    for (from, to) in all.clone().filter(|(from, to)| from != to) {
        out[from] = out[from].min(ways[at(from, to)]);
        into[to] = into[to].min(ways[at(from, to)]);
    }
    for (from, to) in all.filter(|(from, to)| from != to) {
        let (a, b) = (out[from], into[to]);
        // Both hold, so the larger of them does.
        ways[at(from, to)] = Least {
            latency_ns: a.latency_ns.max(b.latency_ns),
            ns_per_byte: a.ns_per_byte.max(b.ns_per_byte),
        };
    }
    ways
}
