//! The list of ready tasks of planners that take the task of highest priority among those whose
//! predecessors are placed.

use crate::order::{Order, Waiting};
use runtime::{Problem, TaskId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Ready tasks by a static priority; ties go to the first in Kahn's order.
pub struct Ready<'a> {
    problem: &'a Problem<'a>,
    order: &'a Order,
    keys: &'a [u64],
    waiting: Waiting,
    /// Priority and position in Kahn's order of the leaders of ready units.
    heap: BinaryHeap<(u64, Reverse<u32>)>,
}

impl<'a> Ready<'a> {
    /// The tasks that wait for nothing; larger `keys`, by task, come first.
    pub fn new(problem: &'a Problem<'a>, order: &'a Order, keys: &'a [u64]) -> Self {
        let waiting = Waiting::new(problem, order.units());
        let mut ready = Self { problem, order, keys, waiting, heap: BinaryHeap::new() };
        for &task in order.tasks() {
            if order.units().leads(problem.graph, task) && ready.waiting.is_ready(task) {
                ready.push(task);
            }
        }
        ready
    }

    /// Takes the tasks that come next, which start together, off the list: one task, or a gang.
    pub fn pop(&mut self) -> Option<&'a [TaskId]> {
        let (_, Reverse(position)) = self.heap.pop()?;
        let leader = &self.order.tasks()[position as usize];
        Some(self.order.units().of(self.problem.graph, leader))
    }

    /// Adds what waited for placed tasks only, now that these are placed too.
    pub fn placed(&mut self, tasks: &[TaskId]) {
        let Self { problem, order, keys, waiting, heap } = self;
        for task in tasks {
            waiting.release(problem.graph, order.units(), *task, |leader| {
                heap.push((keys[leader.index()], Reverse(order.position(leader))));
            });
        }
    }

    fn push(&mut self, leader: TaskId) {
        let position = self.order.position(leader);
        self.heap.push((self.keys[leader.index()], Reverse(position)));
    }
}
