//! PEFT, Predict Earliest Finish Time.
//!
//! H. Arabnejad and J. G. Barbosa, "List scheduling algorithm for heterogeneous systems by an
//! optimistic cost table", IEEE Transactions on Parallel and Distributed Systems 25(3), 2014.
//!
//! The optimistic cost table holds, for a task on a processor, the shortest time in which the rest
//! of the graph below the task could be done if no processor were ever busy. Among ready tasks the
//! one with the largest mean row is placed next, where its finish plus its entry of the table is
//! least. *Insertion*: the earliest gap that is long enough, as in the paper; without it only after
//! everything else. *Ties*: between ranks the first task in Kahn's order, between devices, within
//! a 10^12th, the first. *Complexity*: O(e p) for `e` edges and `p` devices, plus the search for
//! gaps; the table has a column per set of devices that it cannot tell apart.
//!
//! Beyond the paper: a device with several lanes is that many processors, and communication is free
//! within a memory as it is within a processor. A gang has its largest rank and is placed where its
//! tasks finish first, without regard to the table.

use crate::heft::{INSERTION, policy};
use crate::order::Order;
use crate::ranks;
use crate::ready::Ready;
use runtime::partial_schedule::{Policy, Slot};
use runtime::planner::PlanFailure;
use runtime::registry::SchedulerInfo;
use runtime::{DeviceId, Ns, PartialSchedule, Planned, Planner, Problem, Schedule, TaskId};

/// The registry's entry.
pub const INFO: SchedulerInfo = SchedulerInfo {
    name: "peft",
    summary: "list scheduling that looks ahead with an optimistic cost table",
    paper: "Arabnejad and Barbosa, IEEE TPDS 25(3), 2014",
    parameters: &[INSERTION],
    build: |parameters, _| Box::new(Planned::new(Peft { policy: policy(parameters) })),
};

/// See the module's documentation.
pub struct Peft {
    /// Whether gaps are filled.
    pub policy: Policy,
}

impl Planner for Peft {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let order = Order::new(problem)?;
        let table = Table::new(problem, &order);
        let keys = ranks::keys(&table.ranks(problem, &order));
        let mut partial = PartialSchedule::new(problem);
        let mut ready = Ready::new(problem, &order, &keys);
        while let Some(unit) = ready.pop() {
            if let [task] = unit {
                let mut best: Option<(f64, Slot)> = None;
                partial.each_slot(*task, self.policy, |slot| {
                    let sum_ns = slot.finish_ns as f64 + table.rest_ns(*task, slot.device);
                    // Sums that differ in their last digits only are equal.
                    if best.is_none_or(|(least, _)| sum_ns < least * (1.0 - 1e-12)) {
                        best = Some((sum_ns, slot));
                    }
                });
                let (_, slot) = best.ok_or_else(|| partial.nowhere(*task))?;
                partial.place(*task, slot);
            } else {
                partial.place_gang(unit)?;
            }
            ready.placed(unit);
        }
        Ok(partial.into_schedule())
    }
}

/// The optimistic cost table. Its entries depend on a device only through the durations on the
/// devices of its memory, so memories with the same groups of devices share a column.
struct Table {
    /// By device.
    column_of: Vec<usize>,
    /// The groups of devices that each column stands for, as their first devices.
    columns: Vec<Vec<DeviceId>>,
    rest_ns: Vec<f64>,
}

impl Table {
    fn new(problem: &Problem<'_>, order: &Order) -> Self {
        let (columns, column_of) = columns(problem);
        let graph = problem.graph;
        let mean = problem.cluster.mean_transfer();
        let width = columns.len();
        let mut table = Self { column_of, columns, rest_ns: vec![0.0; graph.len() * width] };
        // What the rest takes from the start of a task on, at best, by column.
        let mut from_start_ns = vec![0.0; graph.len() * width];
        for &task in order.tasks().iter().rev() {
            let row = task.index() * width;
            for edge in graph.outgoing(task) {
                let below = &from_start_ns[edge.to.index() * width..][..width];
                let anywhere_ns = below.iter().copied().fold(f64::INFINITY, f64::min)
                    + ranks::mean_ns(problem, &mean, edge);
                for (rest_ns, here_ns) in table.rest_ns[row..][..width].iter_mut().zip(below) {
                    *rest_ns = rest_ns.max(here_ns.min(anywhere_ns));
                }
            }
            for (at, groups) in table.columns.iter().enumerate() {
                let durations = groups.iter().filter_map(|d| duration_ns(problem, task, *d));
                let least_ns = durations.min().map_or(f64::INFINITY, |ns| ns as f64);
                from_start_ns[row + at] = table.rest_ns[row + at] + least_ns;
            }
        }
        table
    }

    #[inline]
    fn rest_ns(&self, task: TaskId, device: DeviceId) -> f64 {
        self.rest_ns[task.index() * self.columns.len() + self.column_of[device.index()]]
    }

    /// Mean of each row over all lanes; a gang has its largest.
    fn ranks(&self, problem: &Problem<'_>, order: &Order) -> Vec<f64> {
        let (graph, cluster) = (problem.graph, problem.cluster);
        let mut lanes = vec![0.0; self.columns.len()];
        for device in cluster.device_ids() {
            lanes[self.column_of[device.index()]] += f64::from(cluster.device(device).lanes);
        }
        let row = |t: &TaskId| &self.rest_ns[t.index() * lanes.len()..][..lanes.len()];
        let sum = |t: &TaskId| row(t).iter().zip(&lanes).map(|(ns, n)| ns * n).sum::<f64>();
        let mut ranks = vec![0.0; graph.len()];
        for task in order.tasks() {
            let largest = order.units().of(graph, task).iter().map(sum).fold(0.0, f64::max);
            ranks[task.index()] = largest / cluster.lane_count() as f64;
        }
        ranks
    }
}

/// How long a task takes on a device; `None` where it cannot run.
fn duration_ns(problem: &Problem<'_>, task: TaskId, device: DeviceId) -> Option<Ns> {
    let is_wide_enough = problem.graph.task(task).cores <= problem.cluster.device(device).lanes;
    problem.costs.duration_ns(task, device).filter(|_| is_wide_enough)
}

/// The columns of the table, and each device's.
fn columns(problem: &Problem<'_>) -> (Vec<Vec<DeviceId>>, Vec<usize>) {
    let cluster = problem.cluster;
    // What tells a device apart: its durations, and which tasks are too wide for it.
    let kind = |d: &DeviceId| (problem.costs.group_of(*d), cluster.device(*d).lanes);
    let mut by_memory: Vec<Vec<DeviceId>> = vec![Vec::new(); cluster.memory_count()];
    for device in cluster.device_ids() {
        let known = &mut by_memory[cluster.memory_of(device).index()];
        if known.iter().all(|d| kind(d) != kind(&device)) {
            known.push(device);
        }
    }
    let kinds = |devices: &Vec<DeviceId>| {
        let mut kinds: Vec<_> = devices.iter().map(kind).collect();
        kinds.sort_unstable();
        kinds
    };
    let mut columns: Vec<Vec<DeviceId>> = Vec::new();
    let mut names = Vec::new();
    let mut of_memory = vec![0; by_memory.len()];
    for (memory, devices) in by_memory.into_iter().enumerate().filter(|(_, d)| !d.is_empty()) {
        let name = kinds(&devices);
        let known = names.iter().position(|n| *n == name);
        of_memory[memory] = known.unwrap_or_else(|| {
            names.push(name);
            columns.push(devices);
            columns.len() - 1
        });
    }
    let column_of = cluster.device_ids().map(|d| of_memory[cluster.memory_of(d).index()]);
    let column_of = column_of.collect();
    (columns, column_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heft::Heft;
    use crate::testing::{arabnejad, costs};

    #[test]
    fn table_and_ranks_of_the_paper() {
        let (graph, cluster) = arabnejad();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let order = Order::new(&problem).unwrap();
        let table = Table::new(&problem, &order);
        let printed = [
            [64.0, 68.0, 86.0],
            [42.0, 39.0, 42.0],
            [27.0, 41.0, 43.0],
            [42.0, 39.0, 50.0],
            [28.0, 37.0, 28.0],
            [42.0, 39.0, 44.0],
            [13.0, 16.0, 22.0],
            [13.0, 16.0, 33.0],
            [13.0, 16.0, 20.0],
            [0.0, 0.0, 0.0],
        ];
        for (task, row) in graph.task_ids().zip(printed) {
            let computed = [0, 1, 2].map(|d| table.rest_ns(task, DeviceId(d)));
            assert_eq!(computed, row, "{task}");
        }
        let ranks = table.ranks(&problem, &order);
        let printed = [72.7, 41.0, 37.0, 43.7, 31.0, 41.7, 17.0, 20.7, 16.3, 0.0];
        for (rank, printed) in ranks.iter().zip(printed) {
            assert!((rank - printed).abs() < 0.05, "{rank} is not {printed}");
        }
    }

    #[test]
    fn makespans_of_the_paper() {
        let (graph, cluster) = arabnejad();
        let costs = costs(&graph, &cluster);
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let peft = Peft { policy: Policy::Insertion }.plan(&problem).unwrap();
        let heft = Heft { policy: Policy::Insertion }.plan(&problem).unwrap();
        assert_eq!((peft.makespan_ns(), heft.makespan_ns()), (122, 133));
    }
}
