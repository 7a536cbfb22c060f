//! How an instance is made from a problem.

use super::{Arc, Flow, Instance, InstanceError, NONE};
use crate::order::Order;
use runtime::graph::Mode;
use runtime::{DeviceId, LaneId, MemoryId, Ns, Problem, TaskId};
use std::collections::BTreeMap;

/// Most entries of a table: 1 GiB of times.
const MAX_ENTRIES: u64 = 1 << 27;
/// No schedule may end later.
const MAX_NS: Ns = 1 << 62;

impl Instance {
    /// The instance of a problem.
    ///
    /// # Errors
    /// [`InstanceError`] when a task fits nowhere, gangs wait for themselves, or numbers are too
    /// large.
    pub fn new(problem: &Problem<'_>) -> Result<Self, InstanceError> {
        let order = Order::new(problem)?;
        let mut instance = machine(problem);
        instance.number(problem, &order);
        instance.share(problem);
        instance.set_kinds(problem);
        instance.set_durations(problem)?;
        instance.set_releases(problem)?;
        instance.set_arcs(problem)?;
        instance.check_horizon()?;
        Ok(instance)
    }

    /// Numbers the tasks and copies what is known of each.
    fn number(&mut self, problem: &Problem<'_>, order: &Order) {
        let graph = problem.graph;
        self.tasks = order.tasks().to_vec();
        self.node_of = vec![NONE; graph.len()];
        for (node, task) in (0..).zip(&self.tasks) {
            self.node_of[task.index()] = node;
            if order.units().leads(graph, *task) {
                self.unit_starts.push(node);
            }
            self.unit_of.push(self.unit_starts.len() as u32 - 1);
            self.cores.push(graph.task(*task).cores);
            self.working_set_bytes.push(graph.working_set_bytes(*task));
            let written = graph.accesses(*task).iter().filter(|a| a.mode.writes());
            self.output_bytes.push(written.map(|a| graph.object(a.object).bytes).sum());
        }
        self.unit_starts.push(self.tasks.len() as u32);
    }

    /// Groups of nodes that share objects racily, directly or through others.
    fn share(&mut self, problem: &Problem<'_>) {
        fn root(of: &mut [u32], mut at: u32) -> u32 {
            while of[at as usize] != at {
                of[at as usize] = of[of[at as usize] as usize];
                at = of[at as usize];
            }
            at
        }
        let graph = problem.graph;
        let mut of: Vec<u32> = (0..self.tasks.len() as u32).collect();
        let mut user = vec![NONE; graph.object_count()];
        let mut is_racy = vec![false; self.tasks.len()];
        for (node, task) in (0..).zip(&self.tasks) {
            for access in graph.accesses(*task).iter().filter(|a| a.mode == Mode::Racy) {
                is_racy[node as usize] = true;
                let other = &mut user[access.object.index()];
                if *other == NONE {
                    *other = node;
                }
                let (a, b) = (root(&mut of, node), root(&mut of, *other));
                of[a.max(b) as usize] = a.min(b);
            }
        }
        self.racy_group = vec![NONE; self.tasks.len()];
        for node in (0..self.tasks.len() as u32).filter(|n| is_racy[*n as usize]) {
            let first = root(&mut of, node);
            if first == node {
                self.racy_group[node as usize] = self.racy_groups;
                self.racy_groups += 1;
            } else {
                self.racy_group[node as usize] = self.racy_group[first as usize];
            }
        }
    }

    /// Devices are of one kind when nothing that a task could need tells them apart.
    fn set_kinds(&mut self, problem: &Problem<'_>) {
        let Problem { cluster, costs, .. } = *problem;
        let is_wide = self.cores.iter().any(|c| *c > 1);
        let mut kinds: BTreeMap<_, u32> = BTreeMap::new();
        for lane in 0..self.lane_device.len() {
            let device = DeviceId(self.lane_device[lane]);
            let memory = self.lane_memory[lane];
            let key = (
                costs.group_of(device),
                if is_wide { cluster.device(device).lanes } else { 1 },
                self.capacity_bytes[memory as usize],
                if self.racy_groups > 0 { memory } else { 0 },
            );
            let next = kinds.len() as u32;
            self.lane_kind.push(*kinds.entry(key).or_insert(next));
        }
        self.kinds = kinds.len() as u32;
    }

    fn set_durations(&mut self, problem: &Problem<'_>) -> Result<(), InstanceError> {
        limited(self.tasks.len(), self.kinds as usize)?;
        let kinds = self.kinds as usize;
        let mut example = vec![0; kinds];
        for lane in (0..self.lane_device.len()).rev() {
            example[self.lane_kind[lane] as usize] = lane;
        }
        let mut by_group = Vec::new();
        self.duration_ns = Vec::with_capacity(self.tasks.len() * kinds);
        for (node, task) in self.tasks.iter().enumerate() {
            problem.costs.durations_by_group_ns(*task, &mut by_group);
            let unit = self.unit_of[node] as usize;
            let is_gang = self.unit_starts[unit + 1] - self.unit_starts[unit] > 1;
            for &lane in &example {
                let device = DeviceId(self.lane_device[lane]);
                let capacity_bytes = self.capacity_bytes[self.lane_memory[lane] as usize];
                let fits = self.cores[node] <= problem.cluster.device(device).lanes
                    && capacity_bytes.is_none_or(|c| self.working_set_bytes[node] <= c);
                let ns = by_group[problem.costs.group_of(device)];
                let ns = if is_gang { ns.max(1) } else { ns };
                self.duration_ns.push(if fits { ns } else { Ns::MAX });
            }
        }
        self.restrict_racy(problem);
        for (node, row) in self.duration_ns.chunks(kinds.max(1)).enumerate() {
            if row.iter().all(|ns| *ns == Ns::MAX) {
                let task = self.tasks[node];
                return Err(InstanceError::Nowhere {
                    task: problem.graph.task_name(task),
                    cores: self.cores[node],
                    bytes: self.working_set_bytes[node],
                });
            }
        }
        Ok(())
    }

    /// A task that shares racily may be only where all of its group can be.
    fn restrict_racy(&mut self, problem: &Problem<'_>) {
        if self.racy_groups == 0 {
            return;
        }
        let (kinds, memories) = (self.kinds as usize, self.memories.len());
        let mut kind_memory = vec![0; kinds];
        for (kind, memory) in self.lane_kind.iter().zip(&self.lane_memory) {
            kind_memory[*kind as usize] = *memory as usize;
        }
        let mut able = vec![true; self.racy_groups as usize * memories];
        for node in (0..self.tasks.len()).filter(|n| self.racy_group[*n] != NONE) {
            let able = &mut able[self.racy_group[node] as usize * memories..][..memories];
            let mut here = vec![false; memories];
            for (ns, memory) in self.duration_ns[node * kinds..][..kinds].iter().zip(&kind_memory) {
                here[*memory] |= *ns != Ns::MAX;
            }
            let accesses = problem.graph.accesses(self.tasks[node]).iter();
            for access in accesses.filter(|a| a.mode == Mode::Racy) {
                if let Some(pinned) = problem.racy_memory(access.object) {
                    let is_pinned = self.memories.iter().map(|m| *m == pinned);
                    here.iter_mut().zip(is_pinned).for_each(|(here, pinned)| *here &= pinned);
                }
            }
            able.iter_mut().zip(here).for_each(|(able, here)| *able &= here);
        }
        for node in (0..self.tasks.len()).filter(|n| self.racy_group[*n] != NONE) {
            let able = &able[self.racy_group[node] as usize * memories..][..memories];
            let row = &mut self.duration_ns[node * kinds..][..kinds];
            for (ns, memory) in row.iter_mut().zip(&kind_memory).filter(|(_, m)| !able[**m]) {
                debug_assert!(!able[*memory]);
                *ns = Ns::MAX;
            }
        }
    }

    fn set_releases(&mut self, problem: &Problem<'_>) -> Result<(), InstanceError> {
        let Problem { graph, cluster, now_ns, .. } = *problem;
        let memories = self.memories.len();
        self.release_ns = vec![now_ns; memories];
        let mut all = vec![now_ns; cluster.memory_count()];
        for &task in &self.tasks {
            all.fill(now_ns);
            let fixed = |t: TaskId| problem.fixed(t);
            for edge in graph.incoming(task) {
                let Some(from) = fixed(edge.from) else { continue };
                all.iter_mut().for_each(|ns| *ns = (*ns).max(from.finish_ns));
                if let Some(object) = edge.object {
                    let (memory, bytes) =
                        (cluster.memory_of(from.device), graph.object(object).bytes);
                    cluster.arrive_everywhere(memory, from.finish_ns, bytes, &mut all);
                }
            }
            for access in graph.accesses(task) {
                if access.mode.reads() && access.version == 0 {
                    let object = graph.object(access.object);
                    let home = cluster.home(object.home);
                    cluster.arrive_everywhere(home, now_ns, object.bytes, &mut all);
                }
            }
            let row = self.memories.iter().map(|m| all[m.index()]);
            let last = self.release_ns.len() - memories;
            let is_plain = self.memories.iter().all(|m| all[m.index()] == now_ns);
            if is_plain {
                self.release_row.push(0);
                continue;
            }
            if !row.clone().eq(self.release_ns[last..].iter().copied()) {
                limited(self.release_ns.len(), 1)?;
                self.release_ns.extend(row);
            }
            self.release_row.push((self.release_ns.len() / memories - 1) as u32);
        }
        Ok(())
    }

    fn set_arcs(&mut self, problem: &Problem<'_>) -> Result<(), InstanceError> {
        let graph = problem.graph;
        let mut sizes: Vec<u64> = Vec::new();
        for task in &self.tasks {
            let data = graph.incoming(*task).iter().filter(|e| problem.is_planned(e.from));
            sizes.extend(data.filter_map(|e| e.object).map(|o| graph.object(o).bytes));
        }
        sizes.sort_unstable();
        sizes.dedup();
        let classes = self.set_transfers(problem, &sizes)?;
        let row = |bytes: u64| {
            let at = sizes.partition_point(|size| *size < bytes);
            (at + 1) as u32 * classes
        };
        self.pred_starts.push(0);
        self.flow_starts.push(0);
        let mut arcs: Vec<Arc> = Vec::new();
        for task in &self.tasks {
            arcs.clear();
            let begin = self.flows.len();
            for edge in graph.incoming(*task).iter().filter(|e| problem.is_planned(e.from)) {
                let from = self.node_of[edge.from.index()];
                let mut of_object = 0;
                if let Some(object) = edge.object {
                    let bytes = graph.object(object).bytes;
                    of_object = row(bytes);
                    self.flows.push(Flow { from, object, bytes, row: of_object });
                }
                // Larger rows are larger sizes, and take longer on every route.
                match arcs.last_mut().filter(|a| a.node == from) {
                    Some(arc) => arc.row = arc.row.max(of_object),
                    None => arcs.push(Arc { node: from, row: of_object }),
                }
            }
            arcs.sort_unstable_by_key(|a| a.node);
            self.preds.extend_from_slice(&arcs);
            self.flows[begin..].sort_unstable_by_key(|f| (f.from, f.object));
            self.pred_starts.push(self.preds.len() as u32);
            self.flow_starts.push(self.flows.len() as u32);
        }
        self.turn_arcs();
        Ok(())
    }

    /// Makes successors of predecessors.
    fn turn_arcs(&mut self) {
        let nodes = self.tasks.len();
        self.succ_starts = vec![0; nodes + 1];
        for arc in &self.preds {
            self.succ_starts[arc.node as usize + 1] += 1;
        }
        for node in 0..nodes {
            self.succ_starts[node + 1] += self.succ_starts[node];
        }
        let mut next = self.succ_starts.clone();
        self.succs = vec![Arc { node: 0, row: 0 }; self.preds.len()];
        for node in 0..nodes {
            for at in self.pred_starts[node]..self.pred_starts[node + 1] {
                let Arc { node: from, row } = self.preds[at as usize];
                self.succs[next[from as usize] as usize] = Arc { node: node as u32, row };
                next[from as usize] += 1;
            }
        }
    }

    /// Classes of routes that are equally fast, and the transfer time of every size on each.
    fn set_transfers(
        &mut self,
        problem: &Problem<'_>,
        sizes: &[u64],
    ) -> Result<u32, InstanceError> {
        let cluster = problem.cluster;
        let memories = self.memories.len();
        limited(memories, memories)?;
        // Within a memory comes first, whatever a cluster says of routes.
        let mut classes: BTreeMap<(u64, u64), u32> = BTreeMap::new();
        let mut routes: Vec<Option<(MemoryId, MemoryId)>> = vec![None];
        for &from in &self.memories {
            for &to in &self.memories {
                if from == to {
                    self.route_class.push(0);
                    continue;
                }
                let key = (
                    cluster.latency_ns(from, to),
                    cluster.bandwidth_bytes_per_s(from, to).to_bits(),
                );
                let class = *classes.entry(key).or_insert_with(|| {
                    routes.push(Some((from, to)));
                    routes.len() as u32 - 1
                });
                self.route_class.push(class);
            }
        }
        limited(sizes.len() + 1, routes.len())?;
        self.transfer_ns = vec![0; routes.len()];
        for &bytes in sizes {
            let ns = |r: &Option<(MemoryId, MemoryId)>| {
                r.map_or(0, |(from, to)| cluster.transfer_ns(from, to, bytes))
            };
            self.transfer_ns.extend(routes.iter().map(ns));
        }
        Ok(routes.len() as u32)
    }

    /// The sum of everything bounds every schedule that leaves no lane idle without need.
    fn check_horizon(&self) -> Result<(), InstanceError> {
        let kinds = self.kinds as usize;
        let longest = |row: &[Ns]| row.iter().copied().filter(|ns| *ns != Ns::MAX).max();
        let durations = self.duration_ns.chunks(kinds.max(1)).filter_map(longest);
        let transfer_ns = u128::from(self.transfer_ns.iter().copied().max().unwrap_or(0));
        let release_ns = self.release_ns.iter().chain(&self.lane_free_ns).copied().max();
        let sum_ns = durations.map(u128::from).sum::<u128>()
            + transfer_ns * self.tasks.len() as u128
            + u128::from(release_ns.unwrap_or(0));
        (sum_ns < u128::from(MAX_NS)).then_some(()).ok_or(InstanceError::TooLong)
    }
}

fn limited(rows: usize, columns: usize) -> Result<(), InstanceError> {
    let entries = rows as u64 * columns as u64;
    match entries <= MAX_ENTRIES {
        true => Ok(()),
        false => Err(InstanceError::TooLarge { entries, limit: MAX_ENTRIES }),
    }
}

/// The machine, without tasks.
fn machine(problem: &Problem<'_>) -> Instance {
    let cluster = problem.cluster;
    let mut memories: Vec<MemoryId> = cluster.device_ids().map(|d| cluster.memory_of(d)).collect();
    memories.sort_unstable();
    memories.dedup();
    let lanes: Vec<LaneId> = (0..cluster.lane_count()).map(LaneId::from_index).collect();
    let device = |l: &LaneId| cluster.device_of(*l);
    let memory = |l: &LaneId| {
        let id = cluster.memory_of(device(l));
        memories.partition_point(|m| *m < id) as u32
    };
    let left = |l: &LaneId| {
        let first = cluster.first_lane(device(l)).0;
        match cluster.is_shared(device(l)) && l.0 > first {
            true => 0,
            false => first + cluster.device(device(l)).lanes - l.0,
        }
    };
    let firsts = cluster.device_ids().map(|d| cluster.first_lane(d).0);
    Instance {
        now_ns: problem.now_ns,
        tasks: Vec::new(),
        node_of: Vec::new(),
        unit_starts: Vec::new(),
        unit_of: Vec::new(),
        cores: Vec::new(),
        working_set_bytes: Vec::new(),
        output_bytes: Vec::new(),
        racy_group: Vec::new(),
        racy_groups: 0,
        lane_free_ns: lanes.iter().map(|l| problem.lane_free_ns(*l)).collect(),
        lane_device: lanes.iter().map(|l| device(l).0).collect(),
        lane_memory: lanes.iter().map(memory).collect(),
        lane_kind: Vec::new(),
        lanes_left: lanes.iter().map(left).collect(),
        device_first_lane: firsts.chain([lanes.len() as u32]).collect(),
        capacity_bytes: memories.iter().map(|m| cluster.memory(*m).capacity_bytes).collect(),
        memories,
        kinds: 0,
        duration_ns: Vec::new(),
        release_ns: Vec::new(),
        release_row: Vec::new(),
        pred_starts: Vec::new(),
        preds: Vec::new(),
        succ_starts: Vec::new(),
        succs: Vec::new(),
        flow_starts: Vec::new(),
        flows: Vec::new(),
        route_class: Vec::new(),
        transfer_ns: Vec::new(),
    }
}
