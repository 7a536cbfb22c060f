//! Time windows: on which lanes a task can still run, from when and until when, if the plan is to
//! end by a given instant.
//!
//! Everything a model multiplies with "a large number" comes from here, so that the number is no
//! larger than it must be, and much is settled before a model exists. *Propagation* carries heads
//! (earliest starts) along the dependencies with communication, tails backwards, and closes lanes
//! on which head + duration + tail exceeds the limit. *Probing* assumes one placement, or two tasks
//! on one lane in one order, and forbids what then leaves some task without a lane ("shaving",
//! P. Martin and D. Shmoys, IPCO 1996).

use crate::instance::{Edge, Instance, NEVER};
use runtime::Ns;

/// A task that has no lane left: the limit is below every makespan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its number in the instance.
    pub task: usize,
}

/// Heads, tails and open lanes for one limit; arrays are by task and lane.
#[derive(Clone, Debug)]
pub struct Windows {
    /// The instant by which everything, tails included, has ended.
    pub limit_ns: Ns,
    /// Whether the task may start on the lane.
    pub open: Vec<bool>,
    /// Earliest start.
    pub head_ns: Vec<Ns>,
    /// What must follow its end at least.
    pub tail_ns: Vec<Ns>,
    /// By pair of tasks and lane: whether the first may come before the second on that lane.
    /// Empty until [`Windows::probe_pairs`].
    order: Vec<bool>,
    lanes: usize,
    tasks: usize,
}

impl Windows {
    /// Propagates a limit.
    ///
    /// # Errors
    /// [`Closed`] when no plan ends by then.
    pub fn new(instance: &Instance, limit_ns: Ns) -> Result<Self, Closed> {
        let mut windows = Self {
            limit_ns,
            open: instance.duration_ns.iter().map(|d| *d != NEVER).collect(),
            head_ns: instance.release_ns.clone(),
            tail_ns: instance.tail_ns.clone(),
            order: Vec::new(),
            lanes: instance.lanes.len(),
            tasks: instance.len(),
        };
        windows.propagate(instance)?;
        Ok(windows)
    }

    /// The open lanes of a task.
    pub fn lanes_of(&self, task: usize) -> impl Iterator<Item = usize> + '_ {
        let row = &self.open[task * self.lanes..][..self.lanes];
        row.iter().enumerate().filter(|(_, open)| **open).map(|(lane, _)| lane)
    }

    /// The earliest start of a task anywhere.
    pub fn earliest_start_ns(&self, task: usize) -> Ns {
        self.lanes_of(task).map(|l| self.head_ns[task * self.lanes + l]).min().unwrap_or(Ns::MAX)
    }

    /// The latest end of a task on a lane.
    #[inline]
    pub fn latest_end_ns(&self, instance: &Instance, task: usize, lane: usize) -> Ns {
        let at = task * self.lanes + lane;
        instance.deadline_ns[at].min(self.limit_ns.saturating_sub(self.tail_ns[at]))
    }

    /// The latest end of a task anywhere.
    pub fn last_end_ns(&self, instance: &Instance, task: usize) -> Ns {
        self.lanes_of(task).map(|l| self.latest_end_ns(instance, task, l)).max().unwrap_or(0)
    }

    /// Whether `first` may run before `second` on the lanes that both would take from `lane_first`
    /// and `lane_second` on. Without probing by their windows alone.
    #[inline]
    pub fn may_precede(
        &self,
        instance: &Instance,
        (first, lane_first): (usize, usize),
        (second, lane_second): (usize, usize),
    ) -> bool {
        if lane_first == lane_second && !self.order.is_empty() {
            return self.order[(first * self.tasks + second) * self.lanes + lane_first];
        }
        let (a, b) = (instance.at(first, lane_first), instance.at(second, lane_second));
        let end_ns = self.head_ns[a] + instance.duration_ns[a] + instance.duration_ns[b];
        end_ns <= self.latest_end_ns(instance, second, lane_second)
    }

    /// Repeats forward and backward passes until nothing changes.
    fn propagate(&mut self, instance: &Instance) -> Result<(), Closed> {
        loop {
            self.forward(instance);
            self.backward(instance);
            if !self.close(instance)? {
                return Ok(());
            }
        }
    }

    fn forward(&mut self, instance: &Instance) {
        let mut ready_ns = vec![0; instance.memories];
        let mut ends_ns = vec![Ns::MAX; instance.memories];
        let mut incoming = instance.edges.chunk_by(|a, b| a.to == b.to);
        let mut next = incoming.next();
        for task in 0..self.tasks {
            let Some(edges) = next.filter(|e| e[0].to == task) else { continue };
            next = incoming.next();
            ready_ns.fill(0);
            for edge in edges {
                self.earliest_ends(instance, edge.from, &mut ends_ns);
                arrivals(instance, edge, &ends_ns, &mut ready_ns);
            }
            for lane in 0..self.lanes {
                let head_ns = &mut self.head_ns[task * self.lanes + lane];
                *head_ns = (*head_ns).max(ready_ns[instance.memory_of[lane]]);
            }
        }
    }

    /// The earliest end of a task by memory; `Ns::MAX` where it cannot run.
    fn earliest_ends(&self, instance: &Instance, task: usize, ends_ns: &mut [Ns]) {
        ends_ns.fill(Ns::MAX);
        for lane in self.lanes_of(task) {
            let at = task * self.lanes + lane;
            let end_ns = &mut ends_ns[instance.memory_of[lane]];
            *end_ns = (*end_ns).min(self.head_ns[at].saturating_add(instance.duration_ns[at]));
        }
    }

    fn backward(&mut self, instance: &Instance) {
        let mut follows_ns = vec![Ns::MAX; instance.memories];
        for edge in instance.edges.iter().rev() {
            follows_ns.fill(Ns::MAX);
            for lane in self.lanes_of(edge.to) {
                let at = edge.to * self.lanes + lane;
                let follow_ns = &mut follows_ns[instance.memory_of[lane]];
                *follow_ns =
                    (*follow_ns).min(instance.duration_ns[at].saturating_add(self.tail_ns[at]));
            }
            for from in 0..instance.memories {
                let reach =
                    |to: usize| follows_ns[to].saturating_add(instance.delay_ns(edge, from, to));
                let least_ns = (0..instance.memories).map(reach).min().unwrap_or(0);
                for lane in (0..self.lanes).filter(|l| instance.memory_of[*l] == from) {
                    let tail_ns = &mut self.tail_ns[edge.from * self.lanes + lane];
                    *tail_ns = (*tail_ns).max(least_ns);
                }
            }
        }
    }

    /// Closes lanes that are too late; whether there were any.
    fn close(&mut self, instance: &Instance) -> Result<bool, Closed> {
        let mut changed = false;
        for task in 0..self.tasks {
            let mut left = 0;
            for lane in 0..self.lanes {
                let at = task * self.lanes + lane;
                if !self.open[at] {
                    continue;
                }
                let end_ns = self.head_ns[at].saturating_add(instance.duration_ns[at]);
                let is_late = end_ns > self.latest_end_ns(instance, task, lane)
                    || end_ns.saturating_add(self.tail_ns[at]) > self.limit_ns;
                self.open[at] = !is_late;
                changed |= is_late;
                left += usize::from(!is_late);
            }
            if left == 0 {
                return Err(Closed { task });
            }
        }
        Ok(changed)
    }

    /// Closes each lane whose use by a task leaves some task without a lane.
    ///
    /// # Errors
    /// [`Closed`] as [`Windows::new`]. Cost: one propagation per task and open lane, repeated while
    /// something closes.
    pub fn probe_lanes(&mut self, instance: &Instance) -> Result<(), Closed> {
        loop {
            let mut changed = false;
            for task in 0..self.tasks {
                for lane in 0..self.lanes {
                    if self.open[task * self.lanes + lane]
                        && self.assuming(instance, &[(task, lane)], false).is_err()
                    {
                        self.open[task * self.lanes + lane] = false;
                        changed = true;
                    }
                }
            }
            if !changed {
                return Ok(());
            }
            self.propagate(instance)?;
        }
    }

    /// Finds which orders of two tasks on one lane are still possible. Tasks of several cores are
    /// probed where they start on the same lane.
    ///
    /// Cost: one propagation per pair and lane.
    pub fn probe_pairs(&mut self, instance: &Instance) {
        let mut order = vec![false; self.tasks * self.tasks * self.lanes];
        for first in 0..self.tasks {
            for second in (0..self.tasks).filter(|s| *s != first) {
                for lane in self.lanes_of(first) {
                    let is_possible = self.open[second * self.lanes + lane]
                        && self.may_precede(instance, (first, lane), (second, lane))
                        && self.assuming(instance, &[(first, lane), (second, lane)], true).is_ok();
                    order[(first * self.tasks + second) * self.lanes + lane] = is_possible;
                }
            }
        }
        self.order = order;
    }

    /// The windows if these tasks were on these lanes, one after the other if `in_order`.
    fn assuming(
        &self,
        instance: &Instance,
        places: &[(usize, usize)],
        in_order: bool,
    ) -> Result<(), Closed> {
        let mut windows = self.clone();
        for &(task, lane) in places {
            let row = &mut windows.open[task * self.lanes..][..self.lanes];
            row.iter_mut().enumerate().for_each(|(l, open)| *open &= l == lane);
        }
        if let (true, &[(first, lane), (second, _)]) = (in_order, places) {
            let (a, b) = (instance.at(first, lane), instance.at(second, lane));
            let end_ns = windows.head_ns[a] + instance.duration_ns[a];
            windows.head_ns[b] = windows.head_ns[b].max(end_ns);
            let follow_ns = instance.duration_ns[b] + windows.tail_ns[b];
            windows.tail_ns[a] = windows.tail_ns[a].max(follow_ns);
        }
        windows.propagate(instance)
    }
}

/// Raises `ready_ns` by memory to when the data of an edge could be there.
fn arrivals(instance: &Instance, edge: &Edge, ends_ns: &[Ns], ready_ns: &mut [Ns]) {
    for (to, ready_ns) in ready_ns.iter_mut().enumerate() {
        let arrive = |from: usize| ends_ns[from].saturating_add(instance.delay_ns(edge, from, to));
        let arrival_ns = (0..instance.memories).map(arrive).min().unwrap_or(0);
        *ready_ns = (*ready_ns).max(arrival_ns);
    }
}
