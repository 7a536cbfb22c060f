//! Bounds from memories: bytes that must leave their home, and bytes held while tasks run.

use super::can_run;
use super::path::Path;
use crate::cluster::NetworkModel;
use crate::{ChannelId, Cluster, Costs, MemoryId, Mode, Ns, TaskGraph, TaskId};

/// Prices of a byte that are tried for each home.
const PRICES: usize = 24;
/// What floating-point sums may be off, relatively.
const ACCURACY: f64 = 1e-9;
/// Memories up to which each is looked at alone.
const MAX_ALONE: usize = 256;

/// For each home memory: a task that reads initial data there is either run at home, which takes
/// lanes of the home, or its data leave, which takes bandwidth; shared data leave once, so each
/// reader pays its share.
///
/// At a price per byte, `T` times (lanes + price * bandwidth) is at least the sum over readers of
/// the lesser of work and price * bytes. 0 where transfers do not share links.
pub(super) fn movement_ns(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Ns {
    if cluster.network() == NetworkModel::ContentionFree {
        return 0;
    }
    let shares = ReadShares::new(graph);
    let mut homes: Vec<MemoryId> =
        graph.object_ids().map(|o| cluster.home(graph.object(o).home)).collect();
    homes.sort_unstable();
    homes.dedup();
    let at = |home: MemoryId| from_home_ns(graph, cluster, costs, &shares, home);
    homes.into_iter().map(at).max().unwrap_or(0)
}

fn from_home_ns(
    graph: &TaskGraph,
    cluster: &Cluster,
    costs: &Costs,
    shares: &ReadShares,
    home: MemoryId,
) -> Ns {
    let local: Vec<_> = cluster.device_ids().filter(|d| cluster.memory_of(*d) == home).collect();
    let lanes: f64 = local.iter().map(|d| f64::from(cluster.device(*d).lanes)).sum();
    let Some(bytes_per_ns) = out_bytes_per_ns(cluster, home) else { return 0 };
    // Work at home (infinite where it cannot run there) and bytes that leave otherwise.
    let mut readers: Vec<(f64, f64)> = Vec::new();
    for task in graph.task_ids() {
        let bytes = shares.bytes(graph, cluster, task, home);
        if bytes > 0.0 {
            let able = local.iter().filter(|d| can_run(graph, cluster, task, **d));
            let ns = able.filter_map(|d| costs.duration_ns(task, *d)).min();
            let cores = f64::from(graph.task(task).cores);
            readers.push((ns.map_or(f64::INFINITY, |ns| ns as f64 * cores), bytes));
        }
    }
    let mut prices: Vec<f64> =
        readers.iter().map(|(work, bytes)| work / bytes).filter(|p| p.is_finite()).collect();
    prices.sort_unstable_by(f64::total_cmp);
    let step = prices.len().div_ceil(PRICES).max(1);
    let tried = prices.iter().copied().step_by(step).chain(prices.last().copied());
    // A price beyond all others: every byte that can stay does.
    let dearest = prices.last().copied().unwrap_or(0.0).max(1.0) * 1e6;
    let bound = |price: f64| {
        let sum: f64 = readers.iter().map(|(work, bytes)| work.min(price * bytes)).sum();
        sum / (lanes + price * bytes_per_ns)
    };
    let best = tried.chain([dearest]).map(bound).fold(0.0, f64::max);
    (best * (1.0 - ACCURACY)).ceil() as Ns
}

/// Bytes per nanosecond that can leave a memory at most; `None` where nothing can.
fn out_bytes_per_ns(cluster: &Cluster, from: MemoryId) -> Option<f64> {
    let (mut route, mut first) = (Vec::new(), Vec::<ChannelId>::new());
    for to in cluster.memory_ids().filter(|to| *to != from && cluster.reaches(from, *to)) {
        route.clear();
        cluster.route(from, to, &mut route);
        first.extend(route.first());
    }
    first.sort_unstable();
    first.dedup();
    let bytes_per_s = |c: &ChannelId| cluster.channels()[c.index()].bytes_per_s;
    (!first.is_empty()).then(|| first.iter().map(bytes_per_s).sum::<f64>() / 1e9)
}

/// How many tasks read each object before anything writes it.
struct ReadShares {
    readers: Vec<u32>,
}

impl ReadShares {
    fn new(graph: &TaskGraph) -> Self {
        let mut readers = vec![0; graph.object_count()];
        for task in graph.task_ids() {
            for access in initial_reads(graph, task) {
                readers[access.index()] += 1;
            }
        }
        Self { readers }
    }

    /// A task's part of the initial data of a home.
    fn bytes(&self, graph: &TaskGraph, cluster: &Cluster, task: TaskId, home: MemoryId) -> f64 {
        let of_home = |o: &crate::ObjectId| cluster.home(graph.object(*o).home) == home;
        let part = |o: crate::ObjectId| {
            graph.object(o).bytes as f64 / f64::from(self.readers[o.index()].max(1))
        };
        initial_reads(graph, task).filter(of_home).map(part).sum()
    }
}

fn initial_reads(graph: &TaskGraph, task: TaskId) -> impl Iterator<Item = crate::ObjectId> + '_ {
    let reads = graph.accesses(task).iter().filter(|a| a.mode.reads() && a.version == 0);
    reads.map(|a| a.object).filter(|o| graph.object(*o).initial)
}

/// Bytes times time that tasks hold, over capacity: of all memories together where none is
/// unbounded, and of each memory alone for the tasks that can run at no other.
///
/// Data that several tasks may read at once count in parts; data being written count in full, for
/// nobody else has them then.
pub(super) fn area_ns(graph: &TaskGraph, cluster: &Cluster, costs: &Costs, path: &Path) -> Ns {
    let mut is_used = vec![false; cluster.memory_count()];
    cluster.device_ids().for_each(|d| is_used[cluster.memory_of(d).index()] = true);
    let used = cluster.memory_ids().filter(|m| is_used[m.index()]);
    let capacities: Vec<_> = used.map(|m| (m, cluster.memory(m).capacity_bytes)).collect();
    if capacities.iter().all(|(_, c)| c.is_none()) || cluster.memory_count() > MAX_ALONE {
        return 0;
    }
    let users = users(graph);
    let mut all = Held::new();
    let mut alone: Vec<Held> = (0..cluster.memory_count()).map(|_| Held::new()).collect();
    for task in graph.task_ids() {
        let able = cluster.device_ids().filter(|d| can_run(graph, cluster, task, *d));
        let mut shortest_ns = Ns::MAX;
        let (mut memory, mut is_single) = (None, true);
        for device in able {
            if let Some(ns) = costs.duration_ns(task, device) {
                shortest_ns = shortest_ns.min(ns);
                let here = cluster.memory_of(device);
                is_single &= memory.is_none_or(|m| m == here);
                memory = Some(here);
            }
        }
        let Some(memory) = memory else { continue };
        let held = own_bytes(graph, task, &users) * shortest_ns as f64;
        let (head_ns, tail_ns) = (path.head_ns(task), path.tail_ns(task));
        all.add(held, head_ns, tail_ns);
        if is_single {
            alone[memory.index()].add(held, head_ns, tail_ns);
        }
    }
    let total: Option<u64> = capacities.iter().map(|(_, c)| *c).sum();
    let single = capacities.iter().map(|(m, c)| c.map_or(0, |c| alone[m.index()].bound_ns(c)));
    single.chain([total.map_or(0, |c| all.bound_ns(c))]).max().unwrap_or(0)
}

/// Byte-nanoseconds of some tasks, with their least head and tail.
struct Held {
    byte_ns: f64,
    head_ns: Ns,
    tail_ns: Ns,
}

impl Held {
    fn new() -> Self {
        Self { byte_ns: 0.0, head_ns: Ns::MAX, tail_ns: Ns::MAX }
    }

    fn add(&mut self, byte_ns: f64, head_ns: Ns, tail_ns: Ns) {
        if byte_ns > 0.0 {
            self.byte_ns += byte_ns;
            self.head_ns = self.head_ns.min(head_ns);
            self.tail_ns = self.tail_ns.min(tail_ns);
        }
    }

    fn bound_ns(&self, capacity_bytes: u64) -> Ns {
        if self.byte_ns == 0.0 || capacity_bytes == 0 {
            return 0;
        }
        let ns = self.byte_ns / capacity_bytes as f64 * (1.0 - ACCURACY);
        self.head_ns + self.tail_ns + ns.ceil() as Ns
    }
}

/// By object: how many tasks may have it at once at most.
fn users(graph: &TaskGraph) -> Vec<u32> {
    let mut users = vec![0; graph.object_count()];
    for task in graph.task_ids() {
        let shared = |m: Mode| matches!(m, Mode::Read | Mode::Racy);
        for access in graph.accesses(task).iter().filter(|a| shared(a.mode)) {
            users[access.object.index()] += 1;
        }
    }
    users
}

/// The bytes that a task holds for itself while it runs.
fn own_bytes(graph: &TaskGraph, task: TaskId, users: &[u32]) -> f64 {
    let part = |access: &crate::graph::Access| {
        let bytes = graph.object(access.object).bytes as f64;
        match access.mode {
            Mode::Read | Mode::Racy => bytes / f64::from(users[access.object.index()].max(1)),
            _ => bytes,
        }
    };
    let objects: f64 = graph.accesses(task).iter().map(part).sum();
    objects + graph.task(task).scratch_bytes as f64
}
