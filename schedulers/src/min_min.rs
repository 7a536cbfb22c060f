//! Min-min.
//!
//! O. H. Ibarra and C. E. Kim, "Heuristic algorithms for scheduling independent tasks on
//! nonidentical processors", Journal of the ACM 24(2), 1977 (algorithm D), as the batch mode of
//! M. Maheswaran, S. Ali, H. J. Siegel, D. Hensgen and R. F. Freund, "Dynamic mapping of a class of
//! independent tasks onto heterogeneous computing systems", Journal of Parallel and Distributed
//! Computing 59(2), 1999.
//!
//! Ready tasks are collected for an interval and placed as a batch: of all of them the one with the
//! least earliest completion comes next and goes where it completes then; all others are evaluated
//! anew; and so on. A completion counts when the device is free of what was placed on it, when the
//! task's inputs could be there, and the task's duration. *Insertion*: none. *Ties*: the task that
//! was ready first, then the first device. *Complexity*: O(b p log b) for a batch of `b` tasks and
//! `p` devices, not the O(b^2 p) of evaluating all pairs for each task: a device keeps its tasks in
//! heaps, those whose inputs are there before it is free by duration, the others by completion.
//!
//! Beyond the papers: their tasks are independent; here a batch is what is ready. A batch is at
//! most `batch` tasks, the oldest first; what is left over is placed as the next one at once. The
//! tasks of a gang are placed one by one where each completes first.

use crate::backlog::Backlog;
use crate::candidates::Candidates;
use crate::desk::{Desk, Job};
use runtime::registry::{Dimension, Kind, ParameterInfo, SchedulerInfo};
use runtime::scheduler::Options;
use runtime::{Decisions, DeviceId, Event, Ns, Scheduler, TaskId, View};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "min-min",
    summary: "ready tasks in batches, the one that can complete earliest placed first",
    paper: "Ibarra and Kim, JACM 24(2), 1977; Maheswaran et al., JPDC 59(2), 1999",
    parameters: &[
        ParameterInfo {
            name: "interval",
            summary: "for how long ready tasks are collected",
            kind: Kind::Quantity { default: "10 us", dimension: Dimension::Time },
        },
        ParameterInfo {
            name: "batch",
            summary: "most tasks in a batch",
            kind: Kind::Int { default: 1024, min: 1, max: 1_000_000 },
        },
    ],
    build: |parameters, _| {
        let interval_ns = parameters.quantity("interval", Dimension::Time).unwrap_or(0);
        Box::new(MinMin::new(interval_ns, parameters.int("batch") as usize))
    },
};

/// See the module's documentation.
pub struct MinMin {
    interval_ns: Ns,
    batch: usize,
    desk: Desk,
    backlog: Backlog,
    jobs: Vec<Job>,
    tasks: Vec<TaskId>,
    queues: Vec<Queue>,
}

/// The tasks of a batch, by number, as one device sees them; of one number of cores.
#[derive(Default)]
struct Queue {
    /// When that many of its cores are free of what was placed.
    free_ns: Ns,
    /// Inputs arrive later than that: arrival, duration, task; the earliest last.
    arriving: Vec<(Ns, Ns, u32)>,
    /// The same by completion: completion, task, arrival.
    pending: BinaryHeap<Reverse<(Ns, u32, Ns)>>,
    /// Inputs are there by then: duration, task.
    arrived: BinaryHeap<Reverse<(Ns, u32)>>,
    /// The least completion, and of which task.
    best: Option<(Ns, u32)>,
}

impl Queue {
    fn clear(&mut self, free_ns: Ns) {
        self.free_ns = free_ns;
        self.arriving.clear();
        self.pending.clear();
        self.arrived.clear();
        self.best = None;
    }

    fn push(&mut self, arrival_ns: Ns, duration_ns: Ns, task: u32) {
        if arrival_ns <= self.free_ns {
            return self.arrived.push(Reverse((duration_ns, task)));
        }
        let completion_ns = arrival_ns.saturating_add(duration_ns);
        self.arriving.push((arrival_ns, duration_ns, task));
        self.pending.push(Reverse((completion_ns, task, arrival_ns)));
    }

    /// Makes `best` the least completion again.
    fn update(&mut self, is_placed: &[bool]) {
        while let Some(&(arrival_ns, duration_ns, task)) = self.arriving.last()
            && arrival_ns <= self.free_ns
        {
            self.arriving.pop();
            self.arrived.push(Reverse((duration_ns, task)));
        }
        while let Some(Reverse((_, task, arrival_ns))) = self.pending.peek()
            && (is_placed[*task as usize] || *arrival_ns <= self.free_ns)
        {
            self.pending.pop();
        }
        while self.arrived.peek().is_some_and(|Reverse(t)| is_placed[t.1 as usize]) {
            self.arrived.pop();
        }
        let pending = self.pending.peek().map(|Reverse(t)| (t.0, t.1));
        let arrived = self.arrived.peek();
        let arrived = arrived.map(|Reverse(t)| (self.free_ns.saturating_add(t.0), t.1));
        self.best = [pending, arrived].into_iter().flatten().min();
    }
}

impl MinMin {
    /// Batches of at most `batch` tasks that were ready within `interval_ns`.
    pub fn new(interval_ns: Ns, batch: usize) -> Self {
        Self {
            interval_ns,
            batch,
            desk: Desk::default(),
            backlog: Backlog::default(),
            jobs: Vec::new(),
            tasks: Vec::new(),
            queues: Vec::new(),
        }
    }

    fn place_batch(&mut self, tasks: &[TaskId], view: &View<'_>, out: &mut Decisions) {
        let (cluster, now_ns) = (view.cluster(), view.now_ns());
        let devices = cluster.device_count();
        let cores_of = |t: &TaskId| view.graph().task(*t).cores;
        let mut cores: Vec<u32> = tasks.iter().map(cores_of).collect();
        cores.sort_unstable();
        cores.dedup();
        let class = |t: &TaskId| cores.partition_point(|c| *c < cores_of(t));
        self.queues.resize_with(self.queues.len().max(cores.len() * devices), Queue::default);
        for (&cores, queues) in cores.iter().zip(self.queues.chunks_mut(devices)) {
            for (device, queue) in cluster.device_ids().zip(queues) {
                let is_wide_enough = cores <= cluster.device(device).lanes;
                let free = || self.backlog.free_ns(cluster, device, cores, now_ns);
                queue.clear(is_wide_enough.then(free).unwrap_or(Ns::MAX));
            }
        }
        let queues = &mut self.queues[..cores.len() * devices];
        let mut is_placed = vec![false; tasks.len()];
        for (number, task) in (0..).zip(tasks) {
            let candidates = self.desk.candidates(view, *task);
            for (device, duration_ns) in candidates.iter() {
                let arrival_ns = now_ns.saturating_add(view.fetch_ns(*task, device));
                let queue = &mut queues[class(task) * devices + device.index()];
                queue.push(arrival_ns, duration_ns, number);
            }
        }
        for queue in queues.iter_mut() {
            queue.arriving.sort_unstable_by_key(|a| Reverse(*a));
            queue.update(&is_placed);
        }
        while let Some(((_, number), at)) =
            queues.iter().enumerate().filter_map(|(at, q)| q.best.map(|b| (b, at))).min()
        {
            let task = tasks[number as usize];
            let device = DeviceId::from_index(at % devices);
            let fetched_ns = now_ns.saturating_add(view.fetch_ns(task, device));
            let duration_ns = view.costs().duration_ns(task, device).unwrap_or(0);
            let needed = cores_of(&task);
            self.backlog.place(cluster, task, device, needed, fetched_ns, duration_ns);
            out.place(task, device);
            is_placed[number as usize] = true;
            for (at, queue) in queues.iter_mut().enumerate() {
                if at % devices == device.index() && queue.free_ns != Ns::MAX {
                    let needed = cores[at / devices];
                    queue.free_ns = self.backlog.free_ns(cluster, device, needed, now_ns);
                    queue.update(&is_placed);
                } else if queue.best.is_some_and(|b| b.1 == number) {
                    queue.update(&is_placed);
                }
            }
        }
        let left = tasks.iter().zip(&is_placed).filter(|(_, is_placed)| !**is_placed);
        left.for_each(|(task, _)| self.desk.defer(*task));
    }
}

impl Scheduler for MinMin {
    fn options(&self) -> Options {
        Options { decision_interval_ns: self.interval_ns, ..Options::default() }
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let mut jobs = std::mem::take(&mut self.jobs);
        let mut tasks = std::mem::take(&mut self.tasks);
        for event in events {
            self.backlog.observe(event, view);
            self.desk.note(event, view, |job| jobs.push(job));
        }
        for job in jobs.drain(..) {
            match job {
                Job::Task(task) => tasks.push(task),
                Job::Gang(gang) => {
                    let backlog = &mut self.backlog;
                    let choose = |c: &Candidates<'_>| earliest(backlog, c);
                    self.desk.place_gang(gang, view, choose, out);
                }
            }
        }
        for batch in tasks.chunks(self.batch) {
            self.place_batch(batch, view, out);
        }
        tasks.clear();
        (self.jobs, self.tasks) = (jobs, tasks);
    }
}

/// Puts one task on the device where it completes first, its data counted.
fn earliest(backlog: &mut Backlog, candidates: &Candidates<'_>) -> Option<DeviceId> {
    let (view, task, cores) = (candidates.view(), candidates.task, candidates.cores);
    let (cluster, now_ns) = (view.cluster(), view.now_ns());
    let completion = |(device, duration_ns): (DeviceId, Ns)| {
        let arrival_ns = now_ns.saturating_add(view.fetch_ns(task, device));
        let start_ns = backlog.free_ns(cluster, device, cores, now_ns).max(arrival_ns);
        (start_ns.saturating_add(duration_ns), device, arrival_ns, duration_ns)
    };
    let (_, device, arrival_ns, duration_ns) = candidates.iter().map(completion).min()?;
    backlog.place(cluster, task, device, cores, arrival_ns, duration_ns);
    Some(device)
}
