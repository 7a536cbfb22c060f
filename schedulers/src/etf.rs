//! ETF, Earliest Task First.
//!
//! J.-J. Hwang, Y.-C. Chow, F. D. Anger and C.-Y. Lee, "Scheduling precedence graphs in systems
//! with interprocessor communication times", SIAM Journal on Computing 18(2), 1989.
//!
//! Of all pairs of a ready task and a processor the one that can start earliest is placed next.
//! *Insertion*: none; a task goes after everything else on its lane, as in the paper. *Ties*: the
//! paper leaves them to a priority, here the static level (the longest path of mean durations to an
//! exit, without communication), then Kahn's order, the earliest finish, the first device.
//! *Complexity*: O(n p log n + e p) for `n` tasks, `e` edges and `p` devices. The paper's O(n^2 p)
//! searches all pairs for each task; here every device keeps its ready tasks in two heaps: those
//! whose inputs will still be arriving when the device is idle, by arrival, and the others, which
//! can all start at once, by priority.
//!
//! Beyond the paper, whose processors are identical: on unlike ones the earliest start still
//! decides, and a faster device wins only ties. Tasks of several cores are queued apart for each
//! number of cores. A gang is placed as soon as it is ready.

use crate::order::{Order, Waiting};
use crate::ranks;
use runtime::graph::Mode;
use runtime::partial_schedule::Policy;
use runtime::planner::PlanFailure;
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, Ns, PartialSchedule, Planned, Planner, Problem, Schedule, TaskId};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "etf",
    summary: "the pair of ready task and device that can start earliest comes next",
    paper: "Hwang, Chow, Anger and Lee, SIAM J. Comput. 18(2), 1989",
    parameters: &[],
    build: |_, _| Box::new(Planned::new(Etf)),
};

/// See the module's documentation.
pub struct Etf;

impl Planner for Etf {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let order = Order::new(problem)?;
        let keys = ranks::keys(&ranks::static_level(problem, &order));
        let mut pairs = Pairs::new(problem, &order, &keys);
        let entry =
            |t: &&TaskId| order.units().leads(problem.graph, **t) && pairs.waiting.is_ready(**t);
        pairs.ready = order.tasks().iter().filter(entry).copied().collect();
        pairs.take_up()?;
        while pairs.place_next()? {
            pairs.take_up()?;
        }
        match order.tasks().iter().find(|t| pairs.partial.placed(**t).is_none()) {
            Some(task) => Err(pairs.partial.nowhere(*task)),
            None => Ok(pairs.partial.into_schedule()),
        }
    }
}

/// When a task could start, its place by priority (lower is better), its position.
type Pair = (Ns, u64, u32);

/// Ready tasks as one device sees them, of one number of cores.
#[derive(Default)]
struct Queue {
    /// When that many cores of the device are idle for good.
    idle_ns: Ns,
    /// Inputs arrive later than that.
    arriving: BinaryHeap<Reverse<Pair>>,
    /// Inputs are there by then.
    arrived: BinaryHeap<Reverse<(u64, u32)>>,
    best: Option<Pair>,
}

struct Pairs<'a> {
    problem: &'a Problem<'a>,
    order: &'a Order,
    keys: &'a [u64],
    waiting: Waiting,
    partial: PartialSchedule<'a>,
    /// The different numbers of cores.
    cores: Vec<u32>,
    /// By number of cores: tasks whose inputs were everywhere before any device was idle, so that
    /// no device needs to keep them; by priority.
    shared: Vec<BinaryHeap<Reverse<(u64, u32)>>>,
    /// By number of cores, then device.
    queues: Vec<Queue>,
    /// By device: when the inputs of a task could be there. Reused from task to task.
    arrivals: Vec<(DeviceId, Ns)>,
    /// Units that are ready and in no queue yet.
    ready: VecDeque<TaskId>,
}

impl Queue {
    /// Makes `best` the best pair again.
    fn update(&mut self, is_placed: impl Fn(u32) -> bool) {
        while let Some(&Reverse((arrival_ns, level, position))) = self.arriving.peek() {
            if !is_placed(position) && arrival_ns > self.idle_ns {
                break;
            }
            self.arriving.pop();
            self.arrived.push(Reverse((level, position)));
        }
        while self.arrived.peek().is_some_and(|Reverse(t)| is_placed(t.1)) {
            self.arrived.pop();
        }
        let arrived = self.arrived.peek().map(|Reverse(t)| (self.idle_ns, t.0, t.1));
        self.best = arrived.or(self.arriving.peek().map(|Reverse(pair)| *pair));
    }

    fn push(&mut self, (arrival_ns, level, position): Pair) {
        let pair = match arrival_ns > self.idle_ns {
            true => {
                self.arriving.push(Reverse((arrival_ns, level, position)));
                (arrival_ns, level, position)
            }
            false => {
                self.arrived.push(Reverse((level, position)));
                (self.idle_ns, level, position)
            }
        };
        self.best = Some(self.best.map_or(pair, |best| best.min(pair)));
    }

    /// Removes the best pair.
    fn pop(&mut self) {
        match self.arrived.is_empty() {
            true => drop(self.arriving.pop()),
            false => drop(self.arrived.pop()),
        }
    }
}

impl<'a> Pairs<'a> {
    fn new(problem: &'a Problem<'a>, order: &'a Order, keys: &'a [u64]) -> Self {
        let mut cores: Vec<u32> = Vec::new();
        for task in &problem.tasks {
            let needed = problem.graph.task(*task).cores;
            if !cores.contains(&needed) {
                cores.push(needed);
            }
        }
        let partial = PartialSchedule::new(problem);
        let devices: Vec<DeviceId> = problem.cluster.device_ids().collect();
        let queue = |(c, d)| Queue { idle_ns: partial.idle_from_ns(d, c), ..Queue::default() };
        let both = cores.iter().flat_map(|c| devices.iter().map(|d| (*c, *d)));
        let queues = both.map(queue).collect();
        let waiting = Waiting::new(problem, order.units());
        Self {
            problem,
            order,
            keys,
            waiting,
            partial,
            shared: vec![BinaryHeap::new(); cores.len()],
            cores,
            queues,
            arrivals: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// Takes up the units that are ready.
    fn take_up(&mut self) -> Result<(), PlanFailure> {
        while let Some(leader) = self.ready.pop_front() {
            let unit = self.order.units().of(self.problem.graph, &leader);
            if unit.len() > 1 {
                self.partial.place_gang(unit)?;
                for member in unit {
                    let (device, _) = self.partial.placed(*member).expect("it was placed just now");
                    self.device_changed(device);
                    self.release(*member);
                }
                continue;
            }
            self.enqueue(leader);
        }
        Ok(())
    }

    /// Puts a task into the queues of all devices that can run it, or into the shared one.
    fn enqueue(&mut self, task: TaskId) {
        let level = u64::MAX - self.keys[task.index()];
        let position = self.order.position(task);
        let (class, devices) = (self.class(task), self.problem.cluster.device_count());
        let queues = &mut self.queues[class * devices..][..devices];
        let arrivals = &mut self.arrivals;
        arrivals.clear();
        self.partial.each_data_ready(task, |device, ready_ns, _| arrivals.push((device, ready_ns)));
        let is_racy = self.problem.graph.accesses(task).iter().any(|a| a.mode == Mode::Racy);
        let is_there = |(d, ns): &(DeviceId, Ns)| *ns <= queues[d.index()].idle_ns;
        if !is_racy && arrivals.len() == devices && arrivals.iter().all(is_there) {
            return self.shared[class].push(Reverse((level, position)));
        }
        for &(device, ready_ns) in arrivals.iter() {
            queues[device.index()].push((ready_ns, level, position));
        }
    }

    /// The place of a task's number of cores among all.
    fn class(&self, task: TaskId) -> usize {
        let cores = self.problem.graph.task(task).cores;
        self.cores.iter().position(|c| *c == cores).expect("all numbers of cores are known")
    }

    /// The pair that starts earliest, and whether its task is a shared one.
    fn earliest(&self) -> Option<(Pair, bool)> {
        let devices = self.problem.cluster.device_count();
        let own = self.queues.iter().filter_map(|q| q.best).min().map(|pair| (pair, false));
        let shared = self.shared.iter().zip(self.queues.chunks(devices)).filter_map(|(s, q)| {
            let Reverse((level, position)) = *s.peek()?;
            let idle_ns = q.iter().map(|q| q.idle_ns).min()?;
            Some(((idle_ns, level, position), true))
        });
        own.into_iter().chain(shared).min()
    }

    /// Places the pair that starts earliest; whether there was one.
    fn place_next(&mut self) -> Result<bool, PlanFailure> {
        let Some((best, is_shared)) = self.earliest() else { return Ok(false) };
        let task = self.order.at(best.2);
        let class = self.class(task);
        let first = class * self.problem.cluster.device_count();
        let starts = |d: &DeviceId| match is_shared {
            true => self.queues[first + d.index()].idle_ns == best.0,
            false => self.queues[first + d.index()].best == Some(best),
        };
        let finish = |d: &DeviceId| self.problem.costs.duration_ns(task, *d).unwrap_or(Ns::MAX);
        let can = self.problem.cluster.device_ids().filter(starts);
        let device = can.min_by_key(finish).expect("the pair is some device's");
        if is_shared {
            self.shared[class].pop();
        }
        let Some(slot) = self.partial.slot(task, device, Policy::Append) else {
            // Something that it shares racily was placed elsewhere since.
            let Self { queues, partial, order, .. } = self;
            let queue = &mut queues[first + device.index()];
            queue.pop();
            queue.update(|at| partial.placed(order.at(at)).is_some());
            return Ok(true);
        };
        self.partial.place(task, slot);
        self.device_changed(device);
        let Self { queues, partial, order, .. } = self;
        for queue in queues.iter_mut().filter(|q| q.best.is_some_and(|b| b.2 == best.2)) {
            queue.update(|at| partial.placed(order.at(at)).is_some());
        }
        self.release(task);
        Ok(true)
    }

    /// The device is idle later than before.
    fn device_changed(&mut self, device: DeviceId) {
        let Self { queues, partial, order, .. } = self;
        let devices = self.problem.cluster.device_count();
        for (&cores, queues) in self.cores.iter().zip(queues.chunks_mut(devices)) {
            let queue = &mut queues[device.index()];
            queue.idle_ns = partial.idle_from_ns(device, cores);
            queue.update(|at| partial.placed(order.at(at)).is_some());
        }
    }

    /// Readies what waited for a placed task only.
    fn release(&mut self, task: TaskId) {
        let Self { problem, order, waiting, ready, .. } = self;
        waiting.release(problem.graph, order.units(), task, |leader| ready.push_back(leader));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{costs, nodes, nodes_with_lanes};
    use runtime::graph::ObjectSpec;
    use runtime::{Cost, TaskGraph, TaskSpec};

    /// The definition: all pairs, one after the other.
    fn by_definition(problem: &Problem<'_>) -> Schedule {
        let order = Order::new(problem).unwrap();
        let keys = ranks::keys(&ranks::static_level(problem, &order));
        let mut partial = PartialSchedule::new(problem);
        for _ in &problem.tasks {
            let mut best = None;
            for &task in order.tasks().iter().filter(|t| partial.clone().placed(**t).is_none()) {
                let placed = |t: TaskId| partial.placed(t).is_some();
                if !problem.graph.predecessors(task).all(placed) {
                    continue;
                }
                let level = u64::MAX - keys[task.index()];
                partial.clone().each_slot(task, Policy::Append, |slot| {
                    let at = order.position(task);
                    let pair = (slot.start_ns, level, at, slot.finish_ns, slot.device);
                    if best.is_none_or(|(least, _)| pair < least) {
                        best = Some((pair, slot));
                    }
                });
            }
            let (pair, slot) = best.unwrap();
            partial.place(order.at(pair.2), slot);
        }
        partial.into_schedule()
    }

    /// A graph whose edges and sizes follow from `seed`.
    fn graph(tasks: u64, seed: u64) -> TaskGraph {
        let mut graph = TaskGraph::new("g");
        let kernel = graph.kernel("k");
        let draw = |a: u64, b: u64| (a * 7919 + b * 104_729 + seed * 1_299_709) % 1009;
        let object =
            |g: &mut TaskGraph, bytes| g.add_object(ObjectSpec { bytes, ..Default::default() });
        let objects: Vec<_> =
            (0..tasks).map(|t| object(&mut graph, draw(t, 3) % 40).unwrap()).collect();
        for t in 0..tasks {
            let parents = (0..t).filter(|p| draw(*p, t) < 1009 / (t + 1).min(5));
            let read = parents.map(|p| (objects[p as usize], Mode::Read));
            let accesses: Vec<_> = read.chain([(objects[t as usize], Mode::Write)]).collect();
            let cost = Cost::Work((draw(t, 11) % 30) as f64 * 1e-9);
            let cores = 1 + (draw(t, 13) % 2) as u32;
            graph
                .submit(TaskSpec { cost, cores, accesses: &accesses, ..TaskSpec::new(kernel) })
                .unwrap();
        }
        graph
    }

    #[test]
    fn heaps_find_what_the_search_of_all_pairs_finds() {
        for seed in 0..40 {
            let (graph, cluster) = (graph(25, seed), nodes_with_lanes(3, 2));
            let costs = costs(&graph, &cluster);
            let problem = Problem::fresh(&graph, &cluster, &costs);
            assert_eq!(Etf.plan(&problem).unwrap(), by_definition(&problem), "seed {seed}");
        }
    }

    #[test]
    fn the_start_decides_and_speed_only_between_equal_starts() {
        let mut graph = TaskGraph::new("g");
        let kernel = graph.kernel("k");
        for _ in 0..3 {
            let cost = Cost::Work(12e-9);
            graph.submit(TaskSpec { cost, ..TaskSpec::new(kernel) }).unwrap();
        }
        let cluster = nodes(&[1.0, 3.0], 1.0);
        let costs = costs(&graph, &cluster);
        let schedule = Etf.plan(&Problem::fresh(&graph, &cluster, &costs)).unwrap();
        let placed: Vec<_> =
            schedule.assignments.iter().map(|a| (a.device.0, a.start_ns, a.finish_ns)).collect();
        assert_eq!(placed, [(1, 0, 4), (0, 0, 12), (1, 4, 8)]);
    }
}
