//! Devices that go and come back, and attempts that fail.
//!
//! Whoever is hit goes back to where it was before its placement; then `lineage` finds what is
//! lost, and `rollback` has it made again.

use super::state::State;
use super::store::{Content, NONE};
use super::{Command, Commands, Failure};
use crate::graph::Mode;
use crate::scheduler::{Cause, Event, Stage};
use crate::{CopyId, DeviceId, LaneId, MemoryId, Ns, ObjectId, TaskId};
use serde::{Deserialize, Serialize};

/// What follows when an attempt at a task fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// A task that was issued this often and has not finished ends the run.
    pub most_attempts: u32,
    /// After its first failure a task waits for this long before it may be issued again, after
    /// each further one twice as long as before, up to 1024 times as long. Attempts that were lost
    /// with their device do not count.
    pub back_off_ns: Ns,
}

/// Of the wait after a failure.
const MOST_DOUBLINGS: u32 = 10;

impl Default for Retry {
    fn default() -> Self {
        Self { most_attempts: 100, back_off_ns: 0 }
    }
}

impl Retry {
    /// Whether it is the default, which files do not name.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The wait after a failure, the first one being 1.
    fn wait_ns(self, failure: u32) -> Ns {
        let doublings = failure.saturating_sub(1).min(MOST_DOUBLINGS);
        self.back_off_ns.saturating_mul(1 << doublings)
    }
}

/// What failures left to be done; empty in a run without.
#[derive(Default)]
pub(super) struct LossState {
    pub retry: Retry,
    /// Tasks that wait after a failure, and until when.
    pub back_offs: Vec<(Ns, TaskId)>,
    /// Order among tasks that the graph's edges do not give, since the tasks in between have
    /// finished and do not run again: the first before the second.
    pub order: Vec<(TaskId, TaskId)>,
    /// How often something had to be made again.
    pub recoveries: u32,
    /// Tasks that run again and have not finished.
    pub redone_left: u32,
    /// Objects of which a copy was lost since the last recovery.
    pub suspects: Vec<ObjectId>,
    /// Tasks that may wait for more or less than before, since then.
    pub touched: Vec<TaskId>,
}

impl State {
    /// Whether a memory's content went with its devices. What is home to data outlives them.
    pub(super) fn is_gone(&self, memory: MemoryId) -> bool {
        let mut devices =
            self.cluster.device_ids().filter(|d| self.cluster.memory_of(*d) == memory);
        let is_lost = |d: DeviceId| self.devices[d.index()].is_lost;
        devices.next().is_some_and(|first| is_lost(first) && devices.all(is_lost))
            && !self.cluster.is_home(memory)
    }

    /// A device is gone.
    pub fn lose_device(&mut self, device: DeviceId, out: &mut Commands) {
        if std::mem::replace(&mut self.devices[device.index()].is_lost, true) {
            return;
        }
        self.events.push(Event::DeviceLost { device });
        self.recorder.device_lost(device, self.now_ns);
        let state = &self.devices[device.index()];
        let is_used = state.queued > 0 || state.idle_lanes < self.cluster.device(device).lanes;
        for task in self.graph.task_ids().filter(|_| is_used) {
            let state = &self.tasks[task.index()];
            match state.stage {
                _ if state.device != device.0 => {}
                Stage::Finished => {}
                Stage::Running => {
                    out.push(Command::Abandon { task, device, lane: LaneId(state.lane) });
                    self.abort(task, Cause::DeviceLost, out);
                }
                _ => self.displace(task, Cause::DeviceLost, out),
            }
        }
        self.estimates.take_away(device);
        let memory = self.cluster.memory_of(device);
        if self.is_gone(memory) {
            self.wipe(memory, out);
        }
        self.recover(out);
    }

    /// A device is there again.
    pub fn join_device(&mut self, device: DeviceId) {
        if std::mem::replace(&mut self.devices[device.index()].is_lost, false) {
            self.estimates.bring_back(device);
            self.recorder.device_joined(device, self.now_ns);
            self.events.push(Event::DeviceJoined { device });
            self.mark_device(device.0);
        }
    }

    /// An attempt failed. What it was writing is spoilt.
    pub fn attempt_failed(&mut self, task: TaskId, started_ns: Ns, out: &mut Commands) {
        debug_assert!(started_ns <= self.now_ns);
        let failures = &mut self.tasks[task.index()].failures;
        *failures += 1;
        let wait_ns = self.losses.retry.wait_ns(*failures);
        if wait_ns > 0 {
            let until_ns = self.now_ns.saturating_add(wait_ns);
            self.losses.back_offs.push((until_ns, task));
            out.push(Command::Wake { at_ns: until_ns });
        }
        self.abort(task, Cause::Failed, out);
        self.recover(out);
    }

    /// Lets tasks go on whose wait is over.
    pub fn end_back_offs(&mut self, out: &mut Commands) {
        if self.losses.back_offs.iter().all(|b| b.0 > self.now_ns) {
            return;
        }
        let now_ns = self.now_ns;
        let due: Vec<TaskId> =
            self.losses.back_offs.extract_if(.., |b| b.0 <= now_ns).map(|b| b.1).collect();
        due.into_iter().for_each(|task| self.waits_no_more(task, out));
    }

    /// One thing less keeps a task waiting.
    fn waits_no_more(&mut self, task: TaskId, out: &mut Commands) {
        let state = &mut self.tasks[task.index()];
        if state.stage == Stage::Waiting {
            state.waiting -= 1;
            if state.waiting == 0 {
                self.ready(task, out);
            }
        }
    }

    /// A task finished that others were to wait for besides the graph's edges.
    pub(super) fn release_order(&mut self, task: TaskId, out: &mut Commands) {
        let after = self.losses.order.extract_if(.., |o| o.0 == task).map(|o| o.1);
        let after: Vec<TaskId> = after.collect();
        after.into_iter().for_each(|t| self.waits_no_more(t, out));
    }

    /// Takes an attempt that runs off its lanes. The objects it writes are without content there;
    /// `recover` is to follow.
    pub(super) fn abort(&mut self, task: TaskId, cause: Cause, out: &mut Commands) {
        let state = &self.tasks[task.index()];
        let (device, lane) = (DeviceId(state.device), state.lane);
        let memory = self.cluster.memory_of(device);
        let cores = self.graph.task(task).cores;
        self.record_lost(task, memory, cause);
        for l in lane..lane + cores {
            self.leave_lane(task, l);
        }
        self.mark_device(device.0);
        self.under_way -= 1;
        self.memories[memory.index()].used_bytes -= self.graph.task(task).scratch_bytes;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            let list = self.objects[access.object.index()].copies;
            let buffer = self.store.find(list, memory).expect("the working set is reserved");
            if access.mode.writes() {
                let b = self.store.get_mut(buffer);
                b.writers -= 1;
                // Racy users tolerate updates in part.
                if access.mode != Mode::Racy {
                    b.content = Content::Empty;
                    self.losses.suspects.push(access.object);
                }
            }
            if access.mode == Mode::Racy {
                self.objects[access.object.index()].racy_users -= 1;
            }
            self.unpin(buffer, out);
        }
        self.mark_memory(memory);
        self.unlock(task);
        let is_member = self.graph.task(task).gang.is_some();
        let state = &mut self.tasks[task.index()];
        state.is_detached = is_member;
        state.device = NONE;
        state.lane = NONE;
        state.placement = 0;
        state.is_lock_waiting = false;
        self.lose_placement(task, device, cause);
        // Those that were to wait for this attempt alone.
        let LossState { order, touched, .. } = &mut self.losses;
        touched.extend(order.extract_if(.., |o| o.0 == task && o.1 < task).map(|o| o.1));
        let attempts = self.tasks[task.index()].attempts;
        if attempts >= self.losses.retry.most_attempts {
            let task = self.graph.task_name(task);
            self.fail(Failure::TooManyAttempts { task, attempts });
        }
    }

    /// Takes the placement of a task that was not issued back.
    pub(super) fn displace(&mut self, task: TaskId, cause: Cause, out: &mut Commands) {
        let device = DeviceId(self.tasks[task.index()].device);
        self.drop_locks(task);
        self.unplace(task, out);
        self.lose_placement(task, device, cause);
    }

    /// Whether a task that was called ready is waiting again; it will be called ready once more.
    pub(super) fn waits_again(&mut self, task: TaskId) -> bool {
        let Some(state) = self.tasks.get_mut(task.index()) else { return false };
        let waits = state.stage == Stage::Waiting && state.device == NONE && state.is_announced;
        state.is_announced &= !waits;
        waits
    }

    fn lose_placement(&mut self, task: TaskId, device: DeviceId, cause: Cause) {
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Waiting;
        state.is_announced = false;
        self.losses.touched.push(task);
        self.events.push(Event::AttemptLost { task, device, cause });
    }

    /// Gives exclusive objects back that a task has taken and not used.
    fn drop_locks(&mut self, task: TaskId) {
        if !self.tasks[task.index()].is_locked {
            return;
        }
        let memory = self.memory_of(task);
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            if access.mode.is_exclusive() {
                let list = self.objects[access.object.index()].copies;
                let buffer = self.store.find(list, memory).expect("the working set is reserved");
                self.store.get_mut(buffer).writers -= 1;
            }
        }
        self.unlock(task);
    }

    /// Releases everything in a memory.
    fn wipe(&mut self, memory: MemoryId, out: &mut Commands) {
        for at in 0..self.copies.len() as u32 {
            let copy = &self.copies[at as usize];
            if copy.request == NONE {
                continue;
            }
            let (to, target) = (copy.to, self.store.get(copy.to).memory);
            match copy.from {
                NONE if target == memory => self.cancel(to, out),
                NONE => {}
                from if self.store.get(from).memory == memory || target == memory => {
                    self.cut_off(at, target != memory, out);
                }
                _ => {}
            }
        }
        for object in (0..self.objects.len()).map(ObjectId::from_index) {
            let list = self.objects[object.index()].copies;
            if let Some(buffer) = self.store.find(list, memory) {
                self.losses.suspects.push(object);
                self.release(buffer, out);
                self.bury(object, out);
            }
        }
    }

    /// Ends a transfer under way. If `again`, its target gets the content from elsewhere.
    pub(super) fn cut_off(&mut self, at: u32, again: bool, out: &mut Commands) {
        let (object, from, to) = {
            let copy = &self.copies[at as usize];
            (copy.object, copy.from, copy.to)
        };
        let (source, target) = (self.store.get(from).memory, self.store.get(to).memory);
        out.push(Command::AbandonCopy { copy: CopyId(at) });
        self.under_way -= 1;
        self.memories[source.index()].copies_out -= 1;
        self.memories[target.index()].copies_in -= 1;
        let bytes = self.graph.object(object).bytes;
        let (from_buffer, to_buffer) = (self.store.get(from), self.store.get(to));
        let copy = &self.copies[at as usize];
        self.recorder.lost_copy(copy, from_buffer, to_buffer, bytes, self.now_ns);
        self.left(from);
        self.unpin(from, out);
        let is_stale = self.store.get(to).is_stale;
        if again && !is_stale {
            self.copy_requests += 1;
            let copy = &mut self.copies[at as usize];
            copy.from = NONE;
            copy.id = NONE;
            copy.request = self.copy_requests;
            return self.queue_copy(at);
        }
        self.copies[at as usize].request = NONE;
        self.free_copies.push(at);
        match again {
            true => self.arrive(to, out),
            false => {
                let b = self.store.get_mut(to);
                b.content = Content::Empty;
                b.is_stale = false;
            }
        }
        self.unpin(to, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_do_not_overflow() {
        let retry = Retry { back_off_ns: 5, ..Retry::default() };
        assert_eq!([1, 2, 3, 4].map(|n| retry.wait_ns(n)), [5, 10, 20, 40]);
        assert_eq!(retry.wait_ns(1000), 5 << 10);
        assert_eq!(Retry { back_off_ns: u64::MAX, ..retry }.wait_ns(1000), u64::MAX);
        assert_eq!(Retry::default().wait_ns(7), 0);
    }
}
