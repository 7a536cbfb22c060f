//! When lanes will be free of what was placed on their devices, as far as estimates go.
//!
//! The executive keeps a device's tasks in one queue and gives the next one to whichever lane is
//! free. The backlog does the same in advance: a task goes to the lane that is expected free first.
//! When it really ends, whatever was expected behind it moves by the difference. So the estimate
//! follows the run without being computed anew: placing and finishing a task take time linear in
//! the lanes of one device, asking takes O(1) for one core.
//!
//! Lanes that share one capacity (streams) count as one, which a task takes for its duration times
//! its occupancy.

use runtime::graph::of_capacity;
use runtime::{Cluster, Decision, DeviceId, Event, LaneId, Ns, TaskId, View};

/// Expected ends of lanes.
#[derive(Default)]
pub struct Backlog {
    lanes: Vec<Lane>,
    /// By device: when its first lane is free.
    first_ns: Vec<Ns>,
    tasks: Vec<Expected>,
    /// By task, where a device shares its capacity.
    occupancies_ppm: Vec<u32>,
    /// Lanes of one device by their ends, for tasks of several cores.
    sorted: Vec<(Ns, usize)>,
}

#[derive(Clone, Copy, Default)]
struct Lane {
    end_ns: Ns,
    /// How much later than first expected its tasks end, by what finished so far.
    delay_ns: i64,
    tasks: u32,
}

/// Where a task is expected to end, without the delays of its lane.
#[derive(Clone, Copy, Default)]
struct Expected {
    lane: usize,
    finish_ns: i64,
}

impl Backlog {
    /// Takes note of an event; it must be shown all of them, before anything is placed.
    pub fn observe(&mut self, event: &Event, view: &View<'_>) {
        match *event {
            Event::GraphGrew { .. } => self.follow(view),
            Event::Finished { task, device, .. }
            | Event::AttemptLost { task, device, .. }
            | Event::Refused { decision: Decision::Place { task, device, .. }, .. } => {
                self.end(view.cluster(), task, device, view.now_ns());
            }
            _ => {}
        }
    }

    fn follow(&mut self, view: &View<'_>) {
        self.tasks.resize(view.graph().len(), Expected::default());
        let cluster = view.cluster();
        if cluster.device_ids().any(|d| cluster.is_shared(d)) {
            let new = self.occupancies_ppm.len()..view.graph().len();
            let occupancy = |t| view.graph().task(TaskId::from_index(t)).occupancy_ppm;
            self.occupancies_ppm.extend(new.map(occupancy));
        }
        if self.lanes.is_empty() {
            self.lanes = vec![Lane::default(); view.cluster().lane_count()];
            self.first_ns = vec![0; view.cluster().device_count()];
        }
    }

    /// When `cores` lanes of a device, which has as many, are free of what was placed on it.
    #[inline]
    pub fn free_ns(&mut self, cluster: &Cluster, device: DeviceId, cores: u32, now_ns: Ns) -> Ns {
        if cores == 1 || cluster.is_shared(device) {
            return self.first_ns[device.index()].max(now_ns);
        }
        self.sort(cluster, device);
        self.sorted[cores as usize - 1].0.max(now_ns)
    }

    fn sort(&mut self, cluster: &Cluster, device: DeviceId) {
        self.sorted.clear();
        let lanes = capacities(cluster, device).map(LaneId::index);
        self.sorted.extend(lanes.map(|l| (self.lanes[l].end_ns, l)));
        self.sorted.sort_unstable();
    }

    /// A task was placed: it starts no earlier than `ready_ns`, when its inputs are there.
    pub fn place(
        &mut self,
        cluster: &Cluster,
        task: TaskId,
        device: DeviceId,
        cores: u32,
        ready_ns: Ns,
        duration_ns: Ns,
    ) {
        self.sort(cluster, device);
        let (cores, duration_ns) = match cluster.is_shared(device) {
            true => (1, of_capacity(duration_ns, self.occupancies_ppm[task.index()])),
            false => (cores, duration_ns),
        };
        let start_ns = self.sorted[cores as usize - 1].0.max(ready_ns);
        let finish_ns = start_ns.saturating_add(duration_ns);
        for &(_, lane) in &self.sorted[..cores as usize] {
            self.lanes[lane].end_ns = finish_ns;
        }
        // One of its lanes stands for all of them in what is learnt from its end.
        let lane = self.sorted[0].1;
        self.lanes[lane].tasks += 1;
        let finish_ns = finish_ns as i64 - self.lanes[lane].delay_ns;
        self.tasks[task.index()] = Expected { lane, finish_ns };
        self.update(cluster, device);
    }

    /// A task that was placed ended, or its placement was refused.
    fn end(&mut self, cluster: &Cluster, task: TaskId, device: DeviceId, now_ns: Ns) {
        let Expected { lane, finish_ns } = self.tasks[task.index()];
        let lane = &mut self.lanes[lane];
        lane.tasks = lane.tasks.saturating_sub(1);
        if lane.tasks == 0 {
            *lane = Lane { end_ns: now_ns, ..Lane::default() };
        } else {
            let late_ns = now_ns as i64 - (finish_ns + lane.delay_ns);
            lane.delay_ns += late_ns;
            lane.end_ns = lane.end_ns.saturating_add_signed(late_ns);
        }
        self.update(cluster, device);
    }

    fn update(&mut self, cluster: &Cluster, device: DeviceId) {
        let ends = capacities(cluster, device).map(|l| self.lanes[l.index()].end_ns);
        self.first_ns[device.index()] = ends.min().unwrap_or(0);
    }
}

/// The lanes that a device's tasks are accounted on: the first stands for all that share.
fn capacities(cluster: &Cluster, device: DeviceId) -> impl Iterator<Item = LaneId> {
    let is_shared = cluster.is_shared(device);
    cluster.lanes(device).take(if is_shared { 1 } else { usize::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::nodes_with_lanes;

    const D: DeviceId = DeviceId(0);

    fn backlog(cluster: &Cluster) -> Backlog {
        Backlog {
            lanes: vec![Lane::default(); cluster.lane_count()],
            first_ns: vec![0; cluster.device_count()],
            tasks: vec![Expected::default(); 10],
            occupancies_ppm: Vec::new(),
            sorted: Vec::new(),
        }
    }

    #[test]
    fn a_device_is_busy_when_all_of_its_lanes_are() {
        let cluster = nodes_with_lanes(1, 3);
        let mut backlog = backlog(&cluster);
        backlog.place(&cluster, TaskId(0), D, 1, 0, 10);
        backlog.place(&cluster, TaskId(1), D, 1, 0, 20);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 5), 5);
        assert_eq!(backlog.free_ns(&cluster, D, 2, 5), 10);
        assert_eq!(backlog.free_ns(&cluster, D, 3, 5), 20);
        backlog.place(&cluster, TaskId(2), D, 2, 12, 8);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 5), 20);
    }

    #[test]
    fn what_is_late_delays_what_is_behind_it() {
        let cluster = nodes_with_lanes(1, 1);
        let mut backlog = backlog(&cluster);
        (0..3).for_each(|t| backlog.place(&cluster, TaskId(t), D, 1, 0, 10));
        assert_eq!(backlog.free_ns(&cluster, D, 1, 0), 30);
        backlog.end(&cluster, TaskId(0), D, 14);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 14), 34);
        backlog.end(&cluster, TaskId(1), D, 22);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 22), 32);
        backlog.place(&cluster, TaskId(3), D, 1, 22, 10);
        backlog.end(&cluster, TaskId(2), D, 32);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 32), 42);
        backlog.end(&cluster, TaskId(3), D, 50);
        assert_eq!(backlog.free_ns(&cluster, D, 1, 60), 60);
    }
}
