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
    /// A task was tried as often as it may be.
    #[error("task {task:?} was tried {attempts} times and never came to its end")]
    TooManyAttempts {
        /// The task.
        task: String,
        /// How often.
        attempts: u32,
    },
    /// What was lost cannot be made again.
    #[error(
        "object {object:?} was lost and cannot be made again from {chain} tasks: its home \
         {memory:?} has no room for its initial content"
    )]
    Unrecoverable {
        /// The object.
        object: String,
        /// Tasks that would have to run again.
        chain: usize,
        /// Its home.
        memory: String,
    },
    /// Something is where it cannot be brought from any more.
    #[error(
        "object {object:?} cannot be brought from memory {from:?} to {to:?}: link {link:?} is lost \
         and there is no other way"
    )]
    NoRoute {
        /// The first lost link on the way.
        link: String,
        /// The object.
        object: String,
        /// Where it is.
        from: String,
        /// Where it is to be.
        to: String,
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
    /// Tasks can run on no device that is left.
    #[error(
        "{count} tasks can run on no device that is left, the first of them {example:?}; {lost} of \
         {devices} devices are lost for good"
    )]
    NoDevice {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
        /// Devices lost.
        lost: usize,
        /// Devices in all.
        devices: usize,
    },
    /// Devices are lost again and again before anything on them comes to its end.
    #[error(
        "devices were lost and joined {turns} times in a row and nothing ended in between: what \
         runs, or has to be brought there first, takes longer than they stay"
    )]
    Outlasted {
        /// How often.
        turns: u32,
    },
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
        if let Some(stall) = self.no_device() {
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

    /// Whether tasks are left that only lost devices could run.
    fn no_device(&self) -> Option<Stall> {
        let lost = self.devices.iter().filter(|d| d.is_lost).count();
        if lost == 0 {
            return None;
        }
        let able = |task: TaskId| {
            let cores = self.graph.task(task).cores;
            self.cluster.device_ids().any(|d| {
                let is_wide = self.cluster.device(d).lanes >= cores;
                is_wide && self.estimates.duration_ns(task, d).is_some()
            })
        };
        let left = self.graph.task_ids().filter(|t| self.tasks[t.index()].stage < Stage::Running);
        let mut unable = left.filter(|t| !able(*t));
        let example = self.graph.task_name(unable.next()?);
        let (count, devices) = (1 + unable.count(), self.devices.len());
        Some(Stall::NoDevice { count, example, lost, devices })
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
            let group = match self.gang_of(task[0]) {
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
