//! Schedulers that are good enough to test a driver with.

use runtime::planner::{Assignment, PlanFailure};
use runtime::scheduler::Options;
use runtime::{
    Decision, Decisions, DeviceId, Event, LaneId, MemoryId, ObjectId, Planner, Problem, Schedule,
    Scheduler, TaskId, View,
};

/// A small random stream (SplitMix64).
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Devices that can run a task.
fn able(view: &View<'_>, task: TaskId) -> Vec<DeviceId> {
    let cores = view.graph().task(task).cores;
    let fits = |d: &DeviceId| {
        view.cluster().device(*d).lanes >= cores && view.costs().duration_ns(task, *d).is_some()
    };
    view.cluster().device_ids().filter(fits).collect()
}

/// Places every ready task at once, on one device after the other.
#[derive(Default)]
pub struct Eager {
    next: usize,
}

impl Scheduler for Eager {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                let able = able(view, task);
                self.next += 1;
                out.place(task, able[self.next % able.len()]);
            }
        }
    }
}

/// Places all tasks when they become known, with the task's first parameter as priority.
pub struct ByPriority;

impl Scheduler for ByPriority {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::GraphGrew { first, count } = *event {
                for task in (first.0..first.0 + count).map(TaskId) {
                    let priority = view.graph().params(task).first().copied().unwrap_or(0);
                    out.place_with_priority(task, able(view, task)[0], priority);
                }
            }
        }
    }
}

/// Plans tasks in submission order on lanes at random.
pub struct AnyLane(pub Random);

impl Planner for AnyLane {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let mut assignments = Vec::new();
        for (at, &task) in problem.tasks.iter().enumerate() {
            let cores = problem.graph.task(task).cores;
            let devices = problem.cluster.device_ids();
            let able: Vec<_> =
                devices.filter(|d| problem.cluster.device(*d).lanes >= cores).collect();
            let device = able[self.0.below(able.len() as u64) as usize];
            let choices = problem.cluster.device(device).lanes + 1 - cores;
            let first = problem.cluster.first_lane(device).0;
            let lane = LaneId(first + self.0.below(u64::from(choices)) as u32);
            let (start_ns, finish_ns) = (at as u64, at as u64 + 1);
            assignments.push(Assignment { task, device, lane, start_ns, finish_ns });
        }
        Ok(Schedule { assignments })
    }
}

/// Makes every kind of decision at random, useless and refused ones too, and places what is ready
/// when its timer rings.
pub struct Wild {
    pub random: Random,
    /// Decisions made just for trouble, at most.
    pub mischief: u32,
    pub options: Options,
    ready: Vec<TaskId>,
    is_waiting: bool,
}

impl Wild {
    pub fn new(seed: u64, mischief: u32, options: Options) -> Self {
        Self { random: Random(seed), mischief, options, ready: Vec::new(), is_waiting: false }
    }

    fn make_mischief(&mut self, view: &View<'_>, out: &mut Decisions) {
        let random = &mut self.random;
        let object = ObjectId(random.below(view.graph().object_count() as u64 + 1) as u32);
        let memory = MemoryId(random.below(view.cluster().memory_count() as u64) as u32);
        let task = TaskId(random.below(view.graph().len() as u64) as u32);
        match random.below(4) {
            0 => out.push(Decision::Prefetch { object, memory }),
            1 => out.push(Decision::Drop { object, memory }),
            _ => {
                let able = able(view, task);
                let device = able[random.below(able.len() as u64) as usize];
                out.place_with_priority(task, device, random.below(3) as i64);
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
                Event::Ready { task } => self.ready.push(task),
                Event::Timer => self.is_waiting = false,
                _ => {}
            }
        }
        // Refusals alone are answered by nothing, or the executive would lose its patience.
        let is_news = events.iter().any(|e| !matches!(e, Event::Refused { .. }));
        if self.mischief > 0 && is_news {
            self.mischief -= 1;
            self.make_mischief(view, out);
        }
        if !self.is_waiting && self.random.below(4) == 0 && !self.ready.is_empty() {
            self.is_waiting = true;
            out.wake(view.now_ns() + self.random.below(200_000));
        }
        if !self.is_waiting {
            for task in self.ready.drain(..) {
                let able = able(view, task);
                out.place(task, able[self.random.below(able.len() as u64) as usize]);
            }
        }
    }
}

/// Places nothing.
pub struct Never;

impl Scheduler for Never {
    fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {}
}

/// Places the tasks on these devices, in turn, as they become ready.
pub struct On(pub Vec<usize>);

impl Scheduler for On {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId::from_index(self.0[task.index() % self.0.len()]));
            }
        }
    }
}
