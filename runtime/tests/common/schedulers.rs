//! Simple schedulers: sensible, random and wild.

use super::programs::Random;
use runtime::planner::{Assignment, PlanFailure};
use runtime::scheduler::{LaneOrder, Options, Stage};
use runtime::{
    Decision, Decisions, DeviceId, Event, LaneId, MemoryId, Mode, ObjectId, Planner, Problem,
    Schedule, Scheduler, TaskGraph, TaskId, View,
};

/// Places every ready task on the first device that can run it; racy ones and gangs by their rule.
pub struct First(pub Options);

impl Scheduler for First {
    fn options(&self) -> Options {
        self.0
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                let device = ruled(view, task).map_or_else(|| able(view, task)[0], |r| r.0);
                out.place(task, device);
            }
        }
    }
}

/// Where a task must go so that its gang fits and its racy object stays in one memory.
pub fn ruled(view: &View<'_>, task: TaskId) -> Option<(DeviceId, LaneId)> {
    ruled_by(view.graph(), view.cluster(), task)
}

fn ruled_by(
    graph: &TaskGraph,
    cluster: &runtime::Cluster,
    task: TaskId,
) -> Option<(DeviceId, LaneId)> {
    if let Some(gang) = graph.task(task).gang {
        let is_mate = |t: &TaskId| graph.task(*t).gang == Some(gang);
        // Members are submitted one after the other.
        let before = (0..task.0).rev().map(TaskId).take_while(is_mate).count();
        let lane = (gang.0 as usize * 7 + before) % cluster.lane_count();
        let lane = LaneId::from_index(lane);
        return Some((cluster.device_of(lane), lane));
    }
    let racy = graph.accesses(task).iter().find(|a| a.mode == Mode::Racy)?;
    let device = DeviceId::from_index(racy.object.index() % cluster.device_count());
    Some((device, cluster.first_lane(device)))
}

fn able(view: &View<'_>, task: TaskId) -> Vec<DeviceId> {
    able_in(view.graph(), view.cluster(), view.costs(), task)
}

fn able_in(
    graph: &TaskGraph,
    cluster: &runtime::Cluster,
    costs: &runtime::Costs,
    task: TaskId,
) -> Vec<DeviceId> {
    let cores = graph.task(task).cores;
    let fits =
        |d: &DeviceId| cluster.device(*d).lanes >= cores && costs.duration_ns(task, *d).is_some();
    cluster.device_ids().filter(fits).collect()
}

/// Places at random: ready tasks for sure, others now and then, some of them again and again
/// until they are issued; prefetches, drops and wakes as it likes.
pub struct Wild {
    pub options: Options,
    pub random: Random,
    /// Whims left, so that a run ends.
    pub whims: u32,
}

impl Wild {
    pub fn new(seed: u64, options: Options, whims: u32) -> Self {
        Self { options, random: Random::new(seed, "wild"), whims }
    }

    fn place(&mut self, view: &View<'_>, task: TaskId, out: &mut Decisions) {
        let random = &mut self.random;
        let strict = self.options.lane_order == LaneOrder::Strict;
        // Strict lanes must keep to an order that agrees with the dependencies.
        let priority = if strict { -i64::from(task.0) } else { i64::from(random.below(5)) - 2 };
        let (device, lane) = match ruled(view, task) {
            Some(place) => place,
            None => {
                let able = able(view, task);
                let device = able[random.below(able.len() as u32) as usize];
                let lanes = view.cluster().device(device).lanes + 1 - view.graph().task(task).cores;
                (device, LaneId(view.cluster().first_lane(device).0 + random.below(lanes)))
            }
        };
        if strict || random.chance(1, 2) {
            out.place_on(task, device, lane, priority);
        } else {
            out.place_with_priority(task, device, priority);
        }
    }

    fn whim(&mut self, view: &View<'_>, out: &mut Decisions) {
        let graph = view.graph();
        let object = ObjectId(self.random.below(graph.object_count() as u32));
        let memory = MemoryId(self.random.below(view.cluster().memory_count() as u32));
        match self.random.below(6) {
            0 => out.push(Decision::Prefetch { object, memory }),
            1 => out.push(Decision::Drop { object, memory }),
            2 => out.wake(view.now_ns() + u64::from(self.random.below(50))),
            _ => {
                let task = TaskId(self.random.below(graph.len() as u32));
                if view.stage(task) < Stage::Running {
                    self.place(view, task, out);
                }
            }
        }
    }
}

impl Scheduler for Wild {
    fn options(&self) -> Options {
        self.options
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            match *event {
                Event::Ready { task } if view.placement(task).is_none() => {
                    self.place(view, task, out);
                }
                _ => {}
            }
            if self.whims > 0 && view.graph().object_count() > 0 {
                self.whims -= 1;
                self.whim(view, out);
            }
        }
    }
}

/// Plans a random topological order over random lanes.
pub struct RandomPlanner(pub Random);

impl Planner for RandomPlanner {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let graph = problem.graph;
        let mut waiting: Vec<usize> =
            graph.task_ids().map(|t| self.unplanned_before(problem, t)).collect();
        let mut left = problem.tasks.clone();
        let mut assignments = Vec::new();
        while !left.is_empty() {
            let mates = |t: TaskId| gang_of(graph, t);
            let is_free = |t: &&TaskId| mates(**t).iter().all(|m| waiting[m.index()] == 0);
            let free: Vec<TaskId> = left.iter().filter(is_free).copied().collect();
            let pick = free[self.0.below(free.len() as u32) as usize];
            let start_ns = assignments.len() as u64;
            for task in gang_of(graph, pick) {
                left.retain(|t| *t != task);
                graph.outgoing(task).for_each(|e| waiting[e.to.index()] -= 1);
                let (device, lane) = self.place(problem, task);
                let finish_ns = start_ns + 1;
                assignments.push(Assignment { task, device, lane, start_ns, finish_ns });
            }
        }
        Ok(Schedule { assignments })
    }
}

impl RandomPlanner {
    fn unplanned_before(&self, problem: &Problem<'_>, task: TaskId) -> usize {
        let incoming = problem.graph.incoming(task).iter();
        incoming.filter(|e| problem.fixed(e.from).is_none()).count()
    }

    fn place(&mut self, problem: &Problem<'_>, task: TaskId) -> (DeviceId, LaneId) {
        let cluster = problem.cluster;
        if let Some(place) = ruled_by(problem.graph, cluster, task) {
            return place;
        }
        let able = able_in(problem.graph, cluster, problem.costs, task);
        let device = able[self.0.below(able.len() as u32) as usize];
        let lanes = cluster.device(device).lanes + 1 - problem.graph.task(task).cores;
        (device, LaneId(cluster.first_lane(device).0 + self.0.below(lanes)))
    }
}

fn gang_of(graph: &TaskGraph, task: TaskId) -> Vec<TaskId> {
    match graph.task(task).gang {
        None => vec![task],
        gang => graph.task_ids().filter(|t| graph.task(*t).gang == gang).collect(),
    }
}
