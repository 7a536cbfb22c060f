//! From a solver's numbers back to a schedule in whole nanoseconds.

use crate::instance::Instance;
use runtime::Ns;
use schedulers::instance::{Instance as Flat, Placement};

/// Starts and ends of all tasks, each as early as its lane and order allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// The first lane of each task, numbered as in the instance.
    pub lane: Vec<usize>,
    /// By task.
    pub start_ns: Vec<Ns>,
    /// By task.
    pub end_ns: Vec<Ns>,
    /// The latest end with its tail.
    pub makespan_ns: Ns,
}

/// Runs the tasks on the given lanes in the order of `key` (smaller first, the earlier task among
/// equals), a task only after its predecessors. The solver's own times are used for order alone:
/// they are true to a tolerance, these are exact. Cost: tasks² + edges.
pub fn timetable(instance: &Instance, lane: Vec<usize>, key: &[f64]) -> Timetable {
    let tasks = instance.len();
    let mut waiting = vec![0usize; tasks];
    instance.edges.iter().for_each(|e| waiting[e.to] += 1);
    let mut successors = vec![Vec::new(); tasks];
    instance.edges.iter().for_each(|e| successors[e.from].push(*e));
    let release = |t: usize| instance.release_ns[instance.at(t, lane[t])];
    let mut start_ns: Vec<Ns> = (0..tasks).map(release).collect();
    let mut end_ns = vec![0; tasks];
    let mut free_ns = vec![0; instance.lanes.len()];
    let mut ready: Vec<usize> = (0..tasks).filter(|t| waiting[*t] == 0).collect();
    let mut makespan_ns = 0;
    while let Some(at) = (0..ready.len())
        .min_by(|a, b| key[ready[*a]].total_cmp(&key[ready[*b]]).then(ready[*a].cmp(&ready[*b])))
    {
        let task = ready.swap_remove(at);
        let lanes = lane[task]..lane[task] + instance.cores[task];
        let idle_ns = free_ns[lanes.clone()].iter().copied().max().unwrap_or(0);
        start_ns[task] = start_ns[task].max(idle_ns);
        let place = instance.at(task, lane[task]);
        end_ns[task] = start_ns[task] + instance.duration_ns[place];
        free_ns[lanes].fill(end_ns[task]);
        makespan_ns = makespan_ns.max(end_ns[task] + instance.tail_ns[place]);
        for edge in &successors[task] {
            let memory = |t: usize| instance.memory_of[lane[t]];
            let delay_ns = instance.delay_ns(edge, memory(task), memory(edge.to));
            start_ns[edge.to] = start_ns[edge.to].max(end_ns[task] + delay_ns);
            waiting[edge.to] -= 1;
            if waiting[edge.to] == 0 {
                ready.push(edge.to);
            }
        }
    }
    Timetable { lane, start_ns, end_ns, makespan_ns }
}

impl Timetable {
    /// Placements of a flat instance, all of whose tasks and lanes `instance` holds, and its nodes
    /// in the order of their starts.
    pub fn placements(&self, instance: &Instance, flat: &Flat) -> (Vec<u32>, Vec<Placement>) {
        let placement = |t: usize| Placement {
            lane: instance.lanes[self.lane[t]],
            start_ns: flat.now_ns() + self.start_ns[t],
        };
        let mut order: Vec<u32> = instance.nodes.clone();
        order.sort_by_key(|n| (self.start_ns[*n as usize], self.end_ns[*n as usize], *n));
        (order, (0..instance.len()).map(placement).collect())
    }
}

/// The timetable of placements, by node of the flat instance, that put all tasks of an instance on
/// its lanes.
///
/// # Panics
/// When a task is on another lane.
pub fn timetable_of(instance: &Instance, placed: &[Placement]) -> Timetable {
    let at = |n: &u32| placed[*n as usize];
    let lane = |n: &u32| {
        instance.lanes.binary_search(&at(n).lane).expect("the instance has the lanes in use")
    };
    let key: Vec<f64> = instance.nodes.iter().map(|n| at(n).start_ns as f64).collect();
    timetable(instance, instance.nodes.iter().map(lane).collect(), &key)
}
