//! Exclusive accesses (commutative and reduce): a task takes all of its exclusive objects at once
//! when it starts, and holds no lane while it waits for them.

use super::store::{Content, NONE};
use super::{Commands, State};
use crate::scheduler::Stage;
use crate::trace::CopyReason;
use crate::{ObjectId, TaskId};
use std::collections::VecDeque;

/// What came of an attempt to lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// The task has its objects, and their content is in its memory.
    Held,
    /// It has them, and their content is on its way.
    Fetching,
    /// Another task has one of them; this one is queued.
    Refused,
}

impl State {
    /// Takes all exclusive objects of a task, or queues it for the first one that is taken.
    pub(super) fn lock(&mut self, task: TaskId, out: &mut Commands) -> Lock {
        let needs = self.graph.accesses(task).iter().any(|a| a.mode.is_exclusive());
        if !needs || self.tasks[task.index()].is_locked {
            return Lock::Held;
        }
        let exclusive = |a: &&crate::graph::Access| a.mode.is_exclusive();
        let accesses = self.graph.accesses(task);
        let is_taken = |a: &&crate::graph::Access| self.objects[a.object.index()].locked_by != NONE;
        let taken = accesses.iter().filter(exclusive).find(is_taken);
        if let Some(access) = taken {
            let object = access.object.index();
            if self.objects[object].lock_queue == NONE {
                self.objects[object].lock_queue = self.lock_waiters.len() as u32;
                self.lock_waiters.push(VecDeque::new());
            }
            let queue = self.objects[object].lock_queue as usize;
            let state = &mut self.tasks[task.index()];
            if !std::mem::replace(&mut state.is_lock_waiting, true) {
                self.lock_waiters[queue].push_back((task.0, state.placement));
            }
            self.pass_on(task);
            return Lock::Refused;
        }
        let memory = self.cluster.memory_of(crate::DeviceId(self.tasks[task.index()].device));
        let placement = self.tasks[task.index()].placement;
        let mut missing = 0;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if !access.mode.is_exclusive() {
                continue;
            }
            self.objects[access.object.index()].locked_by = task.0;
            let list = self.objects[access.object.index()].copies;
            let buffer = self.store.find(list, memory).expect("the working set is reserved");
            self.store.get_mut(buffer).writers += 1;
            let is_there = self.store.get(buffer).content == Content::Valid;
            if !is_there {
                self.fill(buffer, i64::MAX, CopyReason::Input, out);
            }
            if !is_there || self.store.get(buffer).outgoing > 0 {
                self.store.wait(buffer, task.0, placement);
                missing += 1;
            }
        }
        self.recorder.locked(task, self.now_ns);
        let state = &mut self.tasks[task.index()];
        state.is_locked = true;
        if missing == 0 {
            return Lock::Held;
        }
        state.missing = missing;
        state.stage = Stage::Fetching;
        Lock::Fetching
    }

    /// Frees a finished task's exclusive objects and lets waiters try again: at most one per lane
    /// and object, in the order of their coming, since more could not start anyway.
    pub(super) fn unlock(&mut self, task: TaskId) {
        if !std::mem::take(&mut self.tasks[task.index()].is_locked) {
            return;
        }
        let lanes = self.lanes.len();
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if !access.mode.is_exclusive() {
                continue;
            }
            self.objects[access.object.index()].locked_by = NONE;
            self.wake_lockers(access.object, lanes);
        }
    }

    /// Lets others try for those of a task's exclusive objects that are free and that the task
    /// does not take after all: it may have been woken instead of them.
    pub(super) fn pass_on(&mut self, task: TaskId) {
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode.is_exclusive() && self.objects[access.object.index()].locked_by == NONE {
                self.wake_lockers(access.object, 1);
            }
        }
    }

    /// Lets up to `most` tasks that wait for an object try again.
    fn wake_lockers(&mut self, object: ObjectId, most: usize) {
        let queue = self.objects[object.index()].lock_queue;
        if queue == NONE {
            return;
        }
        let mut woken = 0;
        while woken < most {
            let Some((waiter, placement)) = self.lock_waiters[queue as usize].pop_front() else {
                break;
            };
            let state = &mut self.tasks[waiter as usize];
            // An entry of an earlier placement says nothing about the present one.
            if state.placement == placement && state.stage == Stage::Runnable {
                state.is_lock_waiting = false;
                self.enqueue(TaskId(waiter));
                woken += 1;
            }
        }
    }
}
