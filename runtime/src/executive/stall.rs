//! Why a run ended early, or why nothing moves.

use super::State;
use super::store::NONE;
use crate::scheduler::Stage;
use crate::{Ns, TaskId};

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
    #[error("the scheduler made nothing but refused decisions {rounds} times in a row")]
    RefusedForever {
        /// How many times.
        rounds: u32,
    },
    /// The scheduler is asked again and again and nothing comes of it.
    #[error(
        "the scheduler was asked {calls} times since anything last ended, and is asked again \
         though nothing is under way"
    )]
    Fruitless {
        /// How many times.
        calls: u32,
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
        "out of memory at {at_ns} ns: task {task:?} needs {needed_bytes} more bytes in \
         {memory:?}, which has {free_bytes} of {capacity_bytes} bytes free and nothing to evict"
    )]
    OutOfMemory {
        /// When.
        at_ns: Ns,
        /// The task, or the first of the gang, whose request is the oldest one.
        task: String,
        /// What it lacks there: of its working set, or room at home for what it writes.
        needed_bytes: u64,
        /// The memory that is full.
        memory: String,
        /// What is free.
        free_bytes: u64,
        /// Its capacity.
        capacity_bytes: u64,
    },
    /// The members of a gang were placed on lanes that cannot all be theirs at once.
    #[error("the gang of task {example:?} was placed on fewer lanes than it takes at once")]
    GangDoesNotFit {
        /// The first member.
        example: String,
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
        let fits = |gang: &&u32| self.gang_fits(&self.gangs[**gang as usize].members);
        if let Some(gang) = self.gang_queue.iter().find(|g| !fits(g)) {
            let first = self.gangs[*gang as usize].members[0];
            return Stall::GangDoesNotFit { example: self.graph.task_name(first) };
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

    /// The oldest request of a memory that does not fit.
    fn memory_stall(&self) -> Option<Stall> {
        let mut needs = Vec::new();
        for memory in &self.memories {
            let waits = |&&(task, placement): &&(u32, u32)| {
                let state = &self.tasks[task as usize];
                state.placement == placement && state.stage == Stage::Reserving
            };
            let Some(&(task, _)) = memory.queue.iter().find(waits) else { continue };
            let task = [TaskId(task)];
            let group = match self.graph.task(task[0]).gang {
                Some(gang) => &self.gangs[gang.index()].members[..],
                None => &task,
            };
            self.lacking(group, &mut needs);
            for &(full, needed_bytes) in &needs {
                let state = &self.memories[full.index()];
                let capacity_bytes = state.capacity_bytes.unwrap_or(u64::MAX);
                let free_bytes = capacity_bytes.saturating_sub(state.used_bytes);
                if needed_bytes > free_bytes {
                    let task = self.graph.task_name(group[0]);
                    let memory = self.cluster.memory(full).name.clone();
                    let at_ns = self.now_ns;
                    return Some(Stall::OutOfMemory {
                        at_ns,
                        task,
                        needed_bytes,
                        memory,
                        free_bytes,
                        capacity_bytes,
                    });
                }
            }
        }
        None
    }
}
