//! Bounds from work: what all lanes together can do in a time.
//!
//! Give every group of like devices a weight `y` and let each task count with the least of
//! `y * cores * duration` over the groups. In time `T` the lanes of a group can take
//! `y * lanes * T`, so `T` is at least the sum over tasks divided by the sum of `y * lanes`,
//! whatever the weights. That is the dual of spreading divisible tasks over unlike devices, and the
//! best weights give that program's value.

use super::path::Path;
use crate::{Cluster, Costs, Ns, TaskGraph};

/// Products of tasks and groups up to which weights are improved at all.
const MAX_ROWS: usize = 4_000_000;
/// Products that the ascent may look at.
const ASCENT_BUDGET: usize = 8_000_000;
/// Products that the windows may look at, per set of weights.
const WINDOW_BUDGET: usize = 4_000_000;
/// Groups up to which each is looked at alone.
const MAX_ALONE: usize = 64;
/// Most different heads, and tails, that windows begin and end at.
const MAX_EDGES: usize = 40;
/// What the largest weight is.
const SCALE: f64 = 1_048_576.0;

/// A weight for each group of like devices, see the module's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceWeights {
    /// By group ([`Costs::group_of`]).
    pub weight: Vec<u64>,
    /// By group.
    pub lanes: Vec<u64>,
}

impl DeviceWeights {
    /// The same for all.
    pub fn equal(cluster: &Cluster, costs: &Costs) -> Self {
        let mut lanes = vec![0; costs.group_count()];
        for device in cluster.device_ids() {
            lanes[costs.group_of(device)] += u64::from(cluster.device(device).lanes);
        }
        Self { weight: vec![1; lanes.len()], lanes }
    }

    /// Nearly the best: exact on related machines, elsewhere by a bounded number of steps of
    /// multiplicative ascent. Deterministic.
    pub fn best(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Self {
        let mut best = Self::equal(cluster, costs);
        let groups = best.weight.len();
        let rows = graph.len().saturating_mul(groups);
        if groups < 2 || rows > MAX_ROWS {
            return best;
        }
        let mut y = relative_speeds(graph, costs);
        let mut best_ns = best.load_ns(graph, costs);
        let steps = (ASCENT_BUDGET / rows.max(1)).clamp(1, 400);
        let mut load = vec![0.0; groups];
        for step in 0..steps {
            let candidate = Self { weight: scaled(&y), lanes: best.lanes.clone() };
            let ns = candidate.load_ns(graph, costs);
            if ns > best_ns {
                (best, best_ns) = (candidate, ns);
            }
            loads(graph, costs, &y, &mut load);
            ascend(&mut y, &load, &best.lanes, 1.0 / (2.0 + step as f64 / 4.0));
        }
        best
    }

    /// The group alone.
    fn alone(&self, group: usize) -> Self {
        let mut weight = vec![0; self.weight.len()];
        weight[group] = 1;
        Self { weight, lanes: self.lanes.clone() }
    }

    /// What the weighted lanes can do in a nanosecond.
    pub fn capacity(&self) -> u128 {
        let product = |(y, lanes): (&u64, &u64)| u128::from(*y) * u128::from(*lanes);
        self.weight.iter().zip(&self.lanes).map(product).sum()
    }

    /// No schedule ends earlier, by the load of all tasks.
    pub fn load_ns(&self, graph: &TaskGraph, costs: &Costs) -> Ns {
        let (mut sum, mut durations) = (0u128, Vec::new());
        for task in graph.task_ids() {
            costs.durations_by_group_ns(task, &mut durations);
            let cores = u128::from(graph.task(task).cores);
            sum += cores * self.least(&durations, |ns| ns);
        }
        sum.div_ceil(self.capacity().max(1)) as Ns
    }

    /// The least weighted part of a task over the groups; `part` of each duration.
    #[inline]
    fn least(&self, durations: &[Ns], part: impl Fn(Ns) -> Ns) -> u128 {
        let able = durations.iter().zip(&self.weight).filter(|(ns, _)| **ns != Ns::MAX);
        able.map(|(ns, y)| u128::from(part(*ns)) * u128::from(*y)).min().unwrap_or(0)
    }
}

/// How much faster tasks are on each group than elsewhere: the best weights if that is the same
/// for all tasks.
fn relative_speeds(graph: &TaskGraph, costs: &Costs) -> Vec<f64> {
    let groups = costs.group_count();
    let (mut least, mut own) = (vec![0.0; groups], vec![0.0; groups]);
    let mut durations = Vec::new();
    for task in graph.task_ids() {
        costs.durations_by_group_ns(task, &mut durations);
        let fastest_ns = durations.iter().copied().min().unwrap_or(0) as f64;
        for (group, ns) in durations.iter().enumerate().filter(|(_, ns)| **ns != Ns::MAX) {
            least[group] += fastest_ns;
            own[group] += *ns as f64;
        }
    }
    let speed = |(least, own): (&f64, &f64)| if *own > 0.0 { least / own } else { 1.0 };
    least.iter().zip(&own).map(speed).collect()
}

/// Weights as whole numbers, none of them 0.
fn scaled(y: &[f64]) -> Vec<u64> {
    let most = y.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    y.iter().map(|y| ((y / most * SCALE).round() as u64).max(1)).collect()
}

/// By group: the work of the tasks that count with it.
fn loads(graph: &TaskGraph, costs: &Costs, y: &[f64], load: &mut [f64]) {
    let mut durations = Vec::new();
    load.fill(0.0);
    for task in graph.task_ids() {
        costs.durations_by_group_ns(task, &mut durations);
        let mut best = (f64::INFINITY, 0);
        for (group, ns) in durations.iter().enumerate().filter(|(_, ns)| **ns != Ns::MAX) {
            let weighted = *ns as f64 * y[group];
            if weighted < best.0 {
                best = (weighted, group);
            }
        }
        if best.0.is_finite() {
            load[best.1] += f64::from(graph.task(task).cores) * durations[best.1] as f64;
        }
    }
}

/// Makes groups that are loaded above average weigh more, and the others less.
fn ascend(y: &mut [f64], load: &[f64], lanes: &[u64], step: f64) {
    let per_lane = |g: usize| load[g] / lanes[g].max(1) as f64;
    let mean = (0..y.len()).map(per_lane).sum::<f64>() / y.len() as f64;
    for (group, y) in y.iter_mut().enumerate() {
        let excess = (per_lane(group) / mean.max(f64::MIN_POSITIVE) - 1.0).clamp(-0.9, 2.0);
        *y = (*y * (1.0 + step * excess)).max(1e-6);
    }
    let most = y.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    y.iter_mut().for_each(|y| *y /= most);
}

/// Heads, tails and durations, for windows.
struct Rows {
    head_ns: Vec<Ns>,
    tail_ns: Vec<Ns>,
    cores: Vec<u64>,
    durations_ns: Vec<Ns>,
    groups: usize,
}

/// The best bound from the work that must lie between an instant after the begin and one before
/// the end: with equal weights, with `weights`, and for each group of devices alone.
///
/// Instants are taken from the heads and tails, all of them when they are few; the more tasks
/// and groups, the fewer.
pub(super) fn windowed_ns(
    graph: &TaskGraph,
    cluster: &Cluster,
    costs: &Costs,
    path: &Path,
    weights: &DeviceWeights,
) -> Ns {
    let groups = costs.group_count();
    let size = graph.len().saturating_mul(groups);
    if graph.is_empty() || size > MAX_ROWS {
        return 0;
    }
    let mut rows = Rows {
        head_ns: graph.task_ids().map(|t| path.head_ns(t)).collect(),
        tail_ns: graph.task_ids().map(|t| path.tail_ns(t)).collect(),
        cores: graph.task_ids().map(|t| u64::from(graph.task(t).cores)).collect(),
        durations_ns: Vec::with_capacity(size),
        groups,
    };
    let mut durations = Vec::new();
    for task in graph.task_ids() {
        super::path::able_by_group_ns(graph, cluster, costs, task, &mut durations);
        rows.durations_ns.extend_from_slice(&durations);
    }
    let floor_ns = path.length_ns();
    let equal = DeviceWeights::equal(cluster, costs);
    let all: Vec<usize> = (0..graph.len()).collect();
    let mut best_ns = rows.best_window_ns(&all, &equal, floor_ns);
    if weights != &equal {
        best_ns = best_ns.max(rows.best_window_ns(&all, weights, floor_ns));
    }
    if (2..=MAX_ALONE).contains(&groups) {
        for (group, bound) in rows.bound_to(groups).into_iter().enumerate() {
            best_ns = best_ns.max(rows.best_window_ns(&bound, &equal.alone(group), floor_ns));
        }
    }
    best_ns
}

impl Rows {
    /// By group: the tasks that can run nowhere else.
    fn bound_to(&self, groups: usize) -> Vec<Vec<usize>> {
        let mut bound = vec![Vec::new(); groups];
        for (task, row) in self.durations_ns.chunks(self.groups).enumerate() {
            let mut able = row.iter().enumerate().filter(|(_, ns)| **ns != Ns::MAX);
            if let (Some((group, _)), None) = (able.next(), able.next()) {
                bound[group].push(task);
            }
        }
        bound
    }

    fn best_window_ns(&self, tasks: &[usize], weights: &DeviceWeights, floor_ns: Ns) -> Ns {
        let product = tasks.len().saturating_mul(self.groups).max(1);
        let edges = ((WINDOW_BUDGET / product) as f64).sqrt() as usize;
        let edges = edges.clamp(1, MAX_EDGES);
        let heads = spread(tasks.iter().map(|t| self.head_ns[*t]).collect(), edges);
        let tails = spread(tasks.iter().map(|t| self.tail_ns[*t]).collect(), edges);
        let capacity = weights.capacity().max(1);
        let mut best_ns = 0;
        for &head_ns in &heads {
            for &tail_ns in &tails {
                let Some(inside_ns) = floor_ns.checked_sub(head_ns + tail_ns) else { continue };
                let work = self.work(tasks, weights, head_ns, tail_ns, inside_ns);
                let ns = head_ns + tail_ns + work.div_ceil(capacity) as Ns;
                best_ns = best_ns.max(ns);
            }
        }
        best_ns
    }

    /// Weighted work that must lie in the window from `head_ns` to `tail_ns` before the end, if
    /// the window is `inside_ns` long; if it is longer by some time, so is what is left of it.
    fn work(
        &self,
        tasks: &[usize],
        weights: &DeviceWeights,
        head_ns: Ns,
        tail_ns: Ns,
        inside_ns: Ns,
    ) -> u128 {
        let mut work = 0;
        for &task in tasks {
            let (head, tail) = (self.head_ns[task], self.tail_ns[task]);
            let part = |ns: Ns| {
                let after = (head + ns).saturating_sub(head_ns);
                let before = (tail + ns).saturating_sub(tail_ns);
                ns.min(after).min(before).min(inside_ns)
            };
            let durations = &self.durations_ns[task * self.groups..][..self.groups];
            work += u128::from(self.cores[task]) * weights.least(durations, part);
        }
        work
    }
}

/// At most `count` of the different values, the least among them.
fn spread(mut values: Vec<Ns>, count: usize) -> Vec<Ns> {
    values.sort_unstable();
    values.dedup();
    if values.len() <= count {
        return values;
    }
    (0..count).map(|i| values[i * values.len() / count]).collect()
}
