//! Schedules from and to placements.

use super::Instance;
use runtime::planner::Assignment;
use runtime::{Ns, Problem, Schedule};

/// Where and when a node runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    /// Its first lane.
    pub lane: u32,
    /// Its start.
    pub start_ns: Ns,
}

impl Instance {
    /// When the data of a node could all be in a memory, from where its predecessors are placed.
    #[inline]
    pub fn ready_ns(&self, node: u32, memory: u32, placed: &[Placement]) -> Ns {
        let mut ready_ns = self.release_ns(node, memory);
        for arc in self.preds(node) {
            let Placement { lane, start_ns } = placed[arc.node as usize];
            let from = self.memory_of(lane);
            let arrives_ns =
                start_ns + self.duration_ns(arc.node, lane) + self.arc_ns(*arc, from, memory);
            ready_ns = ready_ns.max(arrives_ns);
        }
        ready_ns
    }

    /// Starts every unit as early as it can after what comes before it, on the lanes that
    /// `placed` names: the definition of a schedule's times. `order` holds every unit once,
    /// each after those that it waits for. Returns the makespan; linear.
    ///
    /// # Panics
    /// When a node is placed where it cannot run.
    pub fn append(&self, order: &[u32], placed: &mut [Placement]) -> Ns {
        let mut free_ns: Vec<Ns> = self.lane_free_ns.clone();
        let mut makespan_ns = 0;
        for &unit in order {
            let mut start_ns = 0;
            for node in self.unit(unit) {
                let lane = placed[node as usize].lane;
                assert!(self.can_run(node, lane), "node {node} cannot run from lane {lane} on");
                start_ns = start_ns.max(self.ready_ns(node, self.memory_of(lane), placed));
                let lanes = &free_ns[lane as usize..(lane + self.cores(node)) as usize];
                start_ns = lanes.iter().copied().fold(start_ns, Ns::max);
            }
            for node in self.unit(unit) {
                let lane = placed[node as usize].lane;
                placed[node as usize].start_ns = start_ns;
                let finish_ns = start_ns + self.duration_ns(node, lane);
                free_ns[lane as usize..(lane + self.cores(node)) as usize].fill(finish_ns);
                makespan_ns = makespan_ns.max(finish_ns);
            }
        }
        makespan_ns
    }

    /// The schedule of placements.
    pub fn schedule(&self, problem: &Problem<'_>, placed: &[Placement]) -> Schedule {
        let assignments = (0..).zip(placed).map(|(node, p)| {
            let (task, device) = (self.task(node), self.device_of(p.lane));
            // A gang's least duration is not one of the task's.
            let duration_ns = problem.costs.duration_ns(task, device).unwrap_or(0);
            let finish_ns = p.start_ns + duration_ns;
            let (lane, start_ns) = (self.lane(p.lane), p.start_ns);
            Assignment { task, device, lane, start_ns, finish_ns }
        });
        Schedule { assignments: assignments.collect() }
    }

    /// The placements of a schedule, and its units in the order of their starts: what
    /// [`Instance::append`] takes. `None` where the schedule leaves out a task.
    pub fn placements(&self, schedule: &Schedule) -> Option<(Vec<u32>, Vec<Placement>)> {
        let mut placed = vec![None; self.len()];
        let mut starts = vec![(0, 0); self.unit_count()];
        for a in &schedule.assignments {
            let node = self.node_of(a.task)?;
            let lane = self.counted(a.lane.0);
            placed[node as usize] = Some(Placement { lane, start_ns: a.start_ns });
            let unit = self.unit_of(node);
            // A gang takes its least duration, which its tasks may not have.
            let least_ns = Ns::from(self.unit(unit).len() > 1);
            let start = &mut starts[unit as usize];
            *start = (*start).max((a.start_ns, a.finish_ns.max(a.start_ns + least_ns)));
        }
        let mut order: Vec<u32> = (0..self.unit_count() as u32).collect();
        // Of those at one instant the shorter comes first, then the first in topological order.
        order.sort_by_key(|u| (starts[*u as usize], *u));
        Some((order, placed.into_iter().collect::<Option<_>>()?))
    }
}
