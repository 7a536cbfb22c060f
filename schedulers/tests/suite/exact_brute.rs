//! The optimum of tiny instances by trying every order on every lane. It shares no code with what
//! it judges, and is slow.

use crate::random::Mix;
use proptest::prelude::*;
use runtime::{Cluster, Costs, DeviceId, LaneId, Ns, TaskGraph, TaskId};
use std::ops::Range;

/// The shortest makespan of one-core tasks without gangs and shared accesses, contention-free,
/// kept results not brought home.
///
/// Every schedule can be shifted to the left until each task starts when its lane, in the order of
/// starts, or its last input allows: so an optimum is among those tried.
pub fn shortest_ns(graph: &TaskGraph, cluster: &Cluster, costs: &Costs) -> Ns {
    let mut search = Search {
        graph,
        cluster,
        costs,
        placed: vec![None; graph.len()],
        lane_end_ns: vec![0; cluster.lane_count()],
        best_ns: Ns::MAX,
    };
    search.extend(0, 0);
    search.best_ns
}

struct Search<'a> {
    graph: &'a TaskGraph,
    cluster: &'a Cluster,
    costs: &'a Costs,
    placed: Vec<Option<(DeviceId, Ns)>>,
    lane_end_ns: Vec<Ns>,
    best_ns: Ns,
}

impl Search<'_> {
    fn extend(&mut self, count: usize, makespan_ns: Ns) {
        if makespan_ns >= self.best_ns {
            return;
        }
        if count == self.graph.len() {
            self.best_ns = makespan_ns;
            return;
        }
        for task in self.graph.task_ids() {
            let is_ready =
                self.graph.predecessors(task).all(|before| self.placed[before.index()].is_some());
            if self.placed[task.index()].is_none() && is_ready {
                self.branch(task, count, makespan_ns);
            }
        }
    }

    fn branch(&mut self, task: TaskId, count: usize, makespan_ns: Ns) {
        for lane in (0..self.cluster.lane_count()).map(LaneId::from_index) {
            let device = self.cluster.device_of(lane);
            let capacity = self.cluster.memory(self.cluster.memory_of(device)).capacity_bytes;
            if capacity.is_some_and(|c| self.graph.working_set_bytes(task) > c) {
                continue;
            }
            let Some(duration_ns) = self.costs.duration_ns(task, device) else { continue };
            let before_ns = self.lane_end_ns[lane.index()];
            let finish_ns = before_ns.max(self.inputs_ns(task, device)) + duration_ns;
            self.lane_end_ns[lane.index()] = finish_ns;
            self.placed[task.index()] = Some((device, finish_ns));
            self.extend(count + 1, makespan_ns.max(finish_ns));
            self.placed[task.index()] = None;
            self.lane_end_ns[lane.index()] = before_ns;
        }
    }

    fn inputs_ns(&self, task: TaskId, device: DeviceId) -> Ns {
        let here = self.cluster.memory_of(device);
        let mut ready_ns = 0;
        for edge in self.graph.incoming(task) {
            let (from, finish_ns) = self.placed[edge.from.index()].expect("it is ready");
            let bytes = edge.object.map(|o| self.graph.object(o).bytes);
            let from = self.cluster.memory_of(from);
            let transfer_ns = bytes.map_or(0, |b| self.cluster.transfer_ns(from, here, b));
            ready_ns = ready_ns.max(finish_ns + transfer_ns);
        }
        for access in self.graph.accesses(task) {
            if access.mode.reads() && access.version == 0 {
                let object = self.graph.object(access.object);
                let home = self.cluster.home(object.home);
                ready_ns = ready_ns.max(self.cluster.transfer_ns(home, here, object.bytes));
            }
        }
        ready_ns
    }
}

/// Problems that can be tried out whole, on so many devices.
pub fn tiny(devices: Range<u32>) -> impl Strategy<Value = Mix> {
    let sizes = (any::<u64>(), 0u32..7, devices, 1u32..3);
    (sizes, any::<[bool; 2]>()).prop_map(|((seed, tasks, devices, lanes), [tables, tight])| Mix {
        seed,
        tasks,
        devices,
        lanes,
        wide: false,
        tables,
        groups: false,
        gangs: false,
        tight,
    })
}
