//! Work stealing.
//!
//! R. D. Blumofe and C. E. Leiserson, "Scheduling multithreaded computations by work stealing",
//! Journal of the ACM 46(5), 1999.
//!
//! A task that becomes ready joins the deque of the device on which the task that readied it ran;
//! tasks that nothing readied are dealt to all lanes in turn. A device with a free lane takes the
//! newest task of its own deque, whose data are likely still there, or else steals the oldest of a
//! victim. *Insertion*: none, and no estimates at all. *Ties*: devices are served in the order in
//! which they became idle. *Complexity*: O(1) per task for random victims, O(p) for the richest of
//! `p` devices, times the kinds of tasks (same cores, same able devices).
//!
//! Beyond the paper: the lanes of a device share one deque, since they share a memory. A device
//! steals only what it can run. A task of several cores is taken when so many are free at once, and
//! nothing is held back for it.

use crate::desk::{Desk, Job};
use crate::kinds::{FreeLanes, Kinds};
use crate::stream::Stream;
use runtime::registry::{Kind, ParameterInfo, SchedulerInfo};
use runtime::scheduler::Stage;
use runtime::{Decisions, DeviceId, Event, LaneId, Scheduler, TaskId, View};
use std::collections::VecDeque;

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "work-stealing",
    summary: "each device works off its own newest task, or steals the oldest of another",
    paper: "Blumofe and Leiserson, JACM 46(5), 1999",
    parameters: &[ParameterInfo {
        name: "victim",
        summary: "from whom an idle device steals: a random device with tasks, or the one with \
                  the most",
        kind: Kind::Choice { default: "random", options: &["random", "richest"] },
    }],
    build: |parameters, context| {
        let victim = match parameters.text("victim") {
            "richest" => Victim::Richest,
            _ => Victim::Random(Stream::new(context.seed, "work-stealing")),
        };
        Box::new(WorkStealing::new(victim))
    },
};

/// From whom to steal.
pub enum Victim {
    /// Any device that has tasks to give.
    Random(Stream),
    /// The one that has the most of them, the first of those.
    Richest,
}

/// See the module's documentation.
pub struct WorkStealing {
    victim: Victim,
    desk: Desk,
    kinds: Kinds,
    deques: Vec<Deques>,
    free: Option<FreeLanes>,
    /// Devices with free lanes, the longest idle first, and whether each is in that list.
    idle: VecDeque<DeviceId>,
    is_idle: Vec<bool>,
    queued: u64,
    waiting: usize,
    /// The lane to which the next task that nothing readied is dealt.
    turn: usize,
    jobs: Vec<Job>,
}

/// The deques of all devices for one kind of task.
struct Deques {
    /// By device: tasks with their numbers in the order of readiness, oldest first.
    tasks: Vec<VecDeque<(u64, TaskId)>>,
    /// Devices whose deque is not empty, in no particular order, and where each is in that list.
    rich: Vec<DeviceId>,
    at: Vec<usize>,
}

impl Deques {
    fn new(devices: usize) -> Self {
        let tasks = (0..devices).map(|_| VecDeque::new()).collect();
        Self { tasks, rich: Vec::new(), at: vec![0; devices] }
    }

    fn push(&mut self, device: DeviceId, entry: (u64, TaskId)) {
        if self.tasks[device.index()].is_empty() {
            self.at[device.index()] = self.rich.len();
            self.rich.push(device);
        }
        self.tasks[device.index()].push_back(entry);
    }

    fn newest(&self, device: DeviceId) -> Option<u64> {
        self.tasks[device.index()].back().map(|t| t.0)
    }

    fn oldest(&self, device: DeviceId) -> Option<u64> {
        self.tasks[device.index()].front().map(|t| t.0)
    }

    fn victim(&self, choice: &mut Victim) -> Option<DeviceId> {
        if self.rich.is_empty() {
            return None;
        }
        let wealth = |d: &&DeviceId| (self.tasks[d.index()].len(), std::cmp::Reverse(d.0));
        match choice {
            Victim::Random(stream) => {
                Some(self.rich[stream.below(self.rich.len() as u64) as usize])
            }
            Victim::Richest => self.rich.iter().max_by_key(wealth).copied(),
        }
    }

    fn take(&mut self, device: DeviceId, newest: bool) -> Option<TaskId> {
        let tasks = &mut self.tasks[device.index()];
        let (_, task) = if newest { tasks.pop_back() } else { tasks.pop_front() }?;
        if tasks.is_empty() {
            let at = self.at[device.index()];
            self.rich.swap_remove(at);
            if let Some(moved) = self.rich.get(at) {
                self.at[moved.index()] = at;
            }
        }
        Some(task)
    }
}

impl WorkStealing {
    /// Nothing is ready yet.
    pub fn new(victim: Victim) -> Self {
        Self {
            victim,
            desk: Desk::default(),
            kinds: Kinds::default(),
            deques: Vec::new(),
            free: None,
            idle: VecDeque::new(),
            is_idle: Vec::new(),
            queued: 0,
            waiting: 0,
            turn: 0,
            jobs: Vec::new(),
        }
    }

    /// Puts a task into the deque of `near`, or of the device whose turn it is.
    fn enqueue(&mut self, task: TaskId, near: Option<DeviceId>, view: &View<'_>) {
        let Some((kind, is_new)) = self.kinds.of(&self.desk.candidates(view, task)) else {
            return self.desk.defer(task);
        };
        if is_new {
            self.deques.push(Deques::new(view.cluster().device_count()));
        }
        let device = near.unwrap_or_else(|| {
            let lane = LaneId::from_index(self.turn);
            self.turn = (self.turn + 1) % view.cluster().lane_count();
            view.cluster().device_of(lane)
        });
        self.deques[kind].push(device, (self.queued, task));
        self.queued += 1;
        self.waiting += 1;
    }

    /// Lets idle devices take tasks until there are no more that they can run.
    fn serve(&mut self, view: &View<'_>, out: &mut Decisions) {
        let Some(mut free) = self.free.take() else { return };
        for _ in 0..self.idle.len() {
            if self.waiting == 0 {
                break;
            }
            let Some(device) = self.idle.pop_front() else { break };
            while free.on(device) > 0
                && let Some((task, cores)) = self.take(device, free.on(device))
            {
                self.waiting -= 1;
                if view.stage(task) != Stage::Ready {
                    // What it reads is made again.
                    self.desk.defer(task);
                    continue;
                }
                // One of a gang that runs by itself now is not counted when it ends.
                if view.graph().task(task).gang.is_none() {
                    free.take(device, cores);
                }
                out.place(task, device);
            }
            match free.on(device) {
                0 => self.is_idle[device.index()] = false,
                _ => self.idle.push_back(device),
            }
        }
        self.free = Some(free);
    }

    /// The newest own task of an idle device, or else the oldest of its victims', one for each kind
    /// of task that it can run on `lanes` lanes; and the lanes it needs.
    fn take(&mut self, device: DeviceId, lanes: u32) -> Option<(TaskId, u32)> {
        let Self { kinds, deques, victim, .. } = self;
        let fits = |kind: &usize| {
            let kind = kinds.get(*kind);
            kind.cores <= lanes && kind.devices.contains(device)
        };
        let own = (0..deques.len()).filter(fits);
        let own = own.filter_map(|k| deques[k].newest(device).map(|age| (age, k)));
        if let Some((_, kind)) = own.max() {
            let task = deques[kind].take(device, true)?;
            return Some((task, kinds.get(kind).cores));
        }
        let stolen = (0..deques.len()).filter(fits).filter_map(|kind| {
            let victim = deques[kind].victim(victim)?;
            Some((deques[kind].oldest(victim)?, kind, victim))
        });
        let (_, kind, victim) = stolen.min()?;
        let task = deques[kind].take(victim, false)?;
        Some((task, kinds.get(kind).cores))
    }
}

impl Scheduler for WorkStealing {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        if self.free.is_none() {
            self.free = Some(FreeLanes::new(view.cluster()));
            self.idle = view.cluster().device_ids().collect();
            self.is_idle = vec![true; view.cluster().device_count()];
        }
        let mut jobs = std::mem::take(&mut self.jobs);
        let mut near = None;
        for event in events {
            if let Some(device) = self.free.as_mut().and_then(|f| f.note(event, view))
                && !std::mem::replace(&mut self.is_idle[device.index()], true)
            {
                self.idle.push_back(device);
            }
            if let Event::Finished { device, .. } = *event {
                near = Some(device);
            }
            self.desk.note(event, view, |job| jobs.push(job));
            for job in jobs.drain(..) {
                match job {
                    Job::Task(task) => self.enqueue(task, near, view),
                    Job::Gang(gang) => self.desk.place_gang(gang, view, |c| c.first(), out),
                }
            }
        }
        self.jobs = jobs;
        self.serve(view, out);
    }
}
