//! Longest paths, from both ends, for every kind of memory that a task may run at.

use super::can_run;
use super::transfers::{Kinds, Moves, Transfers};
use crate::{Cluster, Costs, Ns, TaskGraph, TaskId};

/// Memories above which transfers are taken as free: all their pairs are looked at.
const MAX_MEMORIES: usize = 1024;
/// Steps, kinds squared per edge, above which transfers are taken as free.
const MAX_STEPS: usize = 20_000_000;

/// Earliest ends and shortest rests of every task.
pub(super) struct Path {
    kinds: usize,
    /// By task and kind of memory, `Ns::MAX` where the task cannot run: no schedule ends it there
    /// earlier.
    finish_ns: Vec<Ns>,
    /// By task and kind: at least this passes after its end there.
    rest_ns: Vec<Ns>,
    head_ns: Vec<Ns>,
}

impl Path {
    /// Two passes over the graph. Transfers are taken as free where modelling them would take
    /// long: beyond 1 024 memories, or with kinds of memory too many for the number of edges.
    pub fn new(graph: &TaskGraph, cluster: &Cluster, costs: &Costs, transfers: Transfers) -> Self {
        let mut transfers = transfers;
        let mut kinds = Kinds::new(cluster, costs, transfers);
        let steps = (graph.edge_count() + graph.len()).saturating_mul(kinds.len() * kinds.len());
        if cluster.memory_count() > MAX_MEMORIES || steps > MAX_STEPS {
            transfers = Transfers::Free;
            kinds = Kinds::new(cluster, costs, transfers);
        }
        let moves = Moves::new(cluster, &kinds, transfers);
        let durations_ns = durations(graph, costs, &kinds);
        let mut path = Self {
            kinds: kinds.len(),
            finish_ns: vec![0; durations_ns.len()],
            rest_ns: vec![0; durations_ns.len()],
            head_ns: vec![0; graph.len()],
        };
        path.forward(graph, cluster, &moves, &durations_ns);
        path.backward(graph, cluster, &moves, &durations_ns);
        path
    }

    fn forward(&mut self, graph: &TaskGraph, cluster: &Cluster, moves: &Moves, durations: &[Ns]) {
        let width = self.kinds;
        let mut start_ns = vec![0; width];
        for task in graph.task_ids() {
            start_ns.fill(0);
            for edge in graph.incoming(task) {
                let from_ns = &self.finish_ns[edge.from.index() * width..][..width];
                match edge.object {
                    Some(object) => {
                        moves.forward(from_ns, graph.object(object).bytes, &mut start_ns);
                    }
                    None => raise(&mut start_ns, from_ns.iter().copied().min().unwrap_or(0)),
                }
            }
            for access in graph.accesses(task).iter().filter(|a| a.mode.reads() && a.version == 0) {
                let object = graph.object(access.object);
                moves.out_of_home(cluster.home(object.home), object.bytes, &mut start_ns);
            }
            let row = task.index() * width;
            let mut head_ns = Ns::MAX;
            for kind in 0..width {
                let duration_ns = durations[row + kind];
                self.finish_ns[row + kind] = start_ns[kind].saturating_add(duration_ns);
                if duration_ns != Ns::MAX {
                    head_ns = head_ns.min(start_ns[kind]);
                }
            }
            self.head_ns[task.index()] = if head_ns == Ns::MAX { 0 } else { head_ns };
        }
    }

    fn backward(&mut self, graph: &TaskGraph, cluster: &Cluster, moves: &Moves, durations: &[Ns]) {
        let width = self.kinds;
        let last_write = last_writes(graph);
        let (mut rest_ns, mut below_ns) = (vec![0; width], vec![0; width]);
        for task in graph.task_ids().rev() {
            rest_ns.fill(0);
            for edge in graph.outgoing(task) {
                let row = edge.to.index() * width;
                let below = self.rest_ns[row..][..width].iter().zip(&durations[row..][..width]);
                below_ns.clear();
                below_ns.extend(below.map(|(rest, duration)| rest.saturating_add(*duration)));
                match edge.object {
                    Some(object) => {
                        moves.backward(&below_ns, graph.object(object).bytes, &mut rest_ns);
                    }
                    None => raise(&mut rest_ns, below_ns.iter().copied().min().unwrap_or(0)),
                }
            }
            for access in graph.accesses(task).iter().filter(|a| a.mode.writes()) {
                let object = graph.object(access.object);
                if object.keep && last_write[access.object.index()] == access.version {
                    moves.to_home(cluster.home(object.home), object.bytes, &mut rest_ns);
                }
            }
            self.rest_ns[task.index() * width..][..width].copy_from_slice(&rest_ns);
        }
    }

    /// The longest path through any task, the task where that is shortest.
    pub fn length_ns(&self) -> Ns {
        let rows = self.finish_ns.chunks(self.kinds).zip(self.rest_ns.chunks(self.kinds));
        let through = |(finish, rest): (&[Ns], &[Ns])| {
            finish.iter().zip(rest).map(|(f, r)| f.saturating_add(*r)).min().unwrap_or(0)
        };
        // A task that no device can take says nothing.
        rows.map(through).filter(|ns| *ns != Ns::MAX).max().unwrap_or(0)
    }

    /// No schedule starts the task earlier.
    pub fn head_ns(&self, task: TaskId) -> Ns {
        self.head_ns[task.index()]
    }

    /// At least this passes after the task's end.
    pub fn tail_ns(&self, task: TaskId) -> Ns {
        let row = task.index() * self.kinds..(task.index() + 1) * self.kinds;
        let ends = self.finish_ns[row.clone()].iter().zip(&self.rest_ns[row]);
        // Where the task cannot run nothing passes after it.
        ends.filter(|(finish, _)| **finish != Ns::MAX).map(|(_, rest)| *rest).min().unwrap_or(0)
    }
}

fn raise(all: &mut [Ns], to_ns: Ns) {
    all.iter_mut().for_each(|ns| *ns = (*ns).max(to_ns));
}

/// By task and kind: the shortest duration on a device of the kind that can run it; `Ns::MAX`
/// where none can.
fn durations(graph: &TaskGraph, costs: &Costs, kinds: &Kinds) -> Vec<Ns> {
    let mut durations_ns = Vec::with_capacity(graph.len() * kinds.len());
    let mut by_group = Vec::new();
    for task in graph.task_ids() {
        costs.durations_by_group_ns(task, &mut by_group);
        let cores = graph.task(task).cores;
        for (members, capacity) in kinds.members.iter().zip(&kinds.capacity_bytes) {
            let is_fit = capacity.is_none_or(|c| graph.working_set_bytes(task) <= c);
            let able = members.iter().filter(|m| is_fit && m.1 >= cores);
            durations_ns.push(able.map(|m| by_group[m.0]).min().unwrap_or(Ns::MAX));
        }
    }
    durations_ns
}

/// By object: the version that its last writers see; all members of a last group see the same.
fn last_writes(graph: &TaskGraph) -> Vec<u32> {
    let mut last = vec![0; graph.object_count()];
    for task in graph.task_ids() {
        for access in graph.accesses(task).iter().filter(|a| a.mode.writes()) {
            let version = &mut last[access.object.index()];
            *version = access.version.max(*version);
        }
    }
    last
}

/// The shortest duration of a task on a device of each group that can run it, `Ns::MAX` where
/// none can; put into `out`.
pub(super) fn able_by_group_ns(
    graph: &TaskGraph,
    cluster: &Cluster,
    costs: &Costs,
    task: TaskId,
    out: &mut Vec<Ns>,
) {
    out.clear();
    out.resize(costs.group_count(), Ns::MAX);
    for device in cluster.device_ids().filter(|d| can_run(graph, cluster, task, *d)) {
        if let Some(ns) = costs.duration_ns(task, device) {
            out[costs.group_of(device)] = ns;
        }
    }
}
