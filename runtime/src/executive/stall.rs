//! Why a run ended early, or why nothing moves.

use super::State;
use super::store::NONE;
use crate::scheduler::Stage;
use crate::{DeviceId, Ns, TaskId};

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The scheduler has no schedule.
    #[error("the scheduler gave up: {reason}")]
    GaveUp {
        /// Its words.
        reason: String,
    },
    /// The scheduler repeats decisions that are refused.
    #[error("the scheduler made nothing but refused decisions {rounds} times at one instant")]
    RefusedForever {
        /// How many times.
        rounds: u32,
    },
    /// A kernel failed.
    #[error("task {task:?} failed: {message}")]
    Task {
        /// The task.
        task: String,
        /// Why.
        message: String,
    },
    /// The graph grew by something that cannot run.
    #[error("the graph grew by something that cannot run: {message}")]
    Growth {
        /// Why.
        message: String,
    },
}

/// Why nothing can happen though tasks are left and no command is under way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stall {
    /// Tasks are ready and nobody placed them.
    #[error(
        "the scheduler never placed {count} ready tasks, the first of them {example:?}, and \
         nothing is running that could change its mind"
    )]
    NeverPlaced {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// A working set does not fit beside what cannot be evicted.
    #[error(
        "out of memory at {at_ns} ns: task {task:?} needs {needed_bytes} bytes at once in \
         {memory:?}, which has {free_bytes} of {capacity_bytes} bytes free and nothing to evict"
    )]
    OutOfMemory {
        /// When.
        at_ns: Ns,
        /// The task at the head of the queue.
        task: String,
        /// Its working set.
        needed_bytes: u64,
        /// The memory.
        memory: String,
        /// What is free.
        free_bytes: u64,
        /// Its capacity.
        capacity_bytes: u64,
    },
    /// Placed tasks wait for each other: the order on strict lanes or gangs is circular.
    #[error("placed tasks wait for each other, the first of them {example:?}")]
    Circular {
        /// One of them.
        example: String,
    },
    /// Nothing is wrong: everything has finished, or commands are under way.
    #[error("nothing is wrong")]
    Nothing,
}

impl State {
    pub fn stall(&self) -> Stall {
        if let Some(stall) = self.memory_stall() {
            return stall;
        }
        let ready = |t: &TaskId| {
            let state = &self.tasks[t.index()];
            state.stage == Stage::Ready && state.device == NONE
        };
        let mut unplaced = self.graph.task_ids().filter(ready);
        if let Some(first) = unplaced.next() {
            let example = self.graph.task_name(first);
            return Stall::NeverPlaced { count: 1 + unplaced.count(), example };
        }
        let stuck = |t: &TaskId| self.tasks[t.index()].stage < Stage::Running;
        match self.graph.task_ids().find(stuck) {
            Some(task) => Stall::Circular { example: self.graph.task_name(task) },
            None => Stall::Nothing,
        }
    }

    fn memory_stall(&self) -> Option<Stall> {
        for (id, memory) in self.cluster.memory_ids().zip(&self.memories) {
            let waits = |&&(task, placement): &&(u32, u32)| {
                let state = &self.tasks[task as usize];
                state.placement == placement && state.stage == Stage::Reserving
            };
            if let Some(&(task, _)) = memory.queue.iter().find(waits) {
                let capacity_bytes = memory.capacity_bytes.unwrap_or(u64::MAX);
                let task = TaskId(task);
                debug_assert_eq!(
                    self.cluster.memory_of(DeviceId(self.tasks[task.index()].device)),
                    id
                );
                return Some(Stall::OutOfMemory {
                    at_ns: self.now_ns,
                    task: self.graph.task_name(task),
                    needed_bytes: self.graph.working_set_bytes(task),
                    memory: self.cluster.memory(id).name.clone(),
                    free_bytes: capacity_bytes.saturating_sub(memory.used_bytes),
                    capacity_bytes,
                });
            }
        }
        None
    }
}
