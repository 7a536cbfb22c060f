//! Lanes: which task starts next, what a start and an end change.

use super::engines::Side;
use super::locks::Lock;
use super::queue::TaskQueue;
use super::state::TaskState;
use super::store::{self, NONE};
use super::{Command, Commands, State};
use crate::scheduler::{Event, Stage};
use crate::{DeviceId, LaneId, Ns, TaskId};
use std::cmp::Reverse;

impl State {
    /// A task's inputs are in its memory.
    pub(super) fn runnable(&mut self, task: TaskId) {
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Runnable;
        if !state.is_locked {
            self.recorder.data(task, self.now_ns);
        }
        match self.gang_of(task) {
            Some(gang) => self.join_gang(task, gang.0),
            None => self.enqueue(task),
        }
    }

    /// Puts a runnable task where its lane or device will find it. Under strict order it has been
    /// in its lane's queue since it was placed.
    pub(super) fn enqueue(&mut self, task: TaskId) {
        let state = &self.tasks[task.index()];
        let device = state.device;
        if !self.is_strict() {
            // A task that has its exclusive objects keeps others waiting.
            let priority = if state.is_locked { i64::MAX } else { state.priority };
            let entry = (priority, Reverse(state.placement), task.0);
            match state.lane {
                NONE => self.devices[device as usize].queue.push(entry),
                lane => self.lanes[lane as usize].queue.push(entry),
            }
        }
        self.mark_device(device);
    }

    /// Starts what can be started on a device.
    pub(super) fn dispatch(&mut self, device: DeviceId, out: &mut Commands) {
        if !self.gang_queue.is_empty() && self.start_gangs(device, out) {
            return;
        }
        if self.is_strict() {
            return self.dispatch_strict(device, out);
        }
        while self.devices[device.index()].idle_lanes > 0 {
            let Some((task, lane)) = self.best_entry(device) else { return };
            let cores = self.graph.task(task).cores;
            let Some(lane) = self.idle_window(device, lane, cores) else {
                // No backfilling: the best task keeps its turn until its lanes are free.
                return;
            };
            self.pop_entry(device, task);
            match self.lock(task, out) {
                Lock::Held => self.start_task(task, lane, out),
                Lock::Fetching | Lock::Refused => {}
            }
        }
    }

    /// The best runnable task of the device's queue and of its idle lanes' queues.
    fn best_entry(&mut self, device: DeviceId) -> Option<(TaskId, Option<LaneId>)> {
        let queue = &mut self.devices[device.index()].queue;
        purge(queue, &self.tasks, Stage::Runnable);
        let mut best = queue.peek().map(|e| (*e, None));
        for lane in self.cluster.lanes(device) {
            if self.lanes[lane.index()].running.is_some()
                || self.lanes[lane.index()].queue.is_empty()
            {
                continue;
            }
            let queue = &mut self.lanes[lane.index()].queue;
            purge(queue, &self.tasks, Stage::Runnable);
            if let Some(entry) = queue.peek()
                && best.is_none_or(|(b, _)| *entry > b)
            {
                best = Some((*entry, Some(lane)));
            }
        }
        best.map(|(entry, lane)| (TaskId(entry.2), lane))
    }

    fn pop_entry(&mut self, device: DeviceId, task: TaskId) {
        match self.tasks[task.index()].lane {
            NONE => self.devices[device.index()].queue.pop(),
            lane => self.lanes[lane as usize].queue.pop(),
        };
    }

    /// The first idle lane of `cores` consecutive idle ones, or of those that start at `lane`.
    fn idle_window(&self, device: DeviceId, lane: Option<LaneId>, cores: u32) -> Option<LaneId> {
        let is_idle =
            |first: u32| (first..first + cores).all(|l| self.lanes[l as usize].running.is_none());
        if let Some(lane) = lane {
            return is_idle(lane.0).then_some(lane);
        }
        let first = self.cluster.first_lane(device).0;
        let end = first + self.cluster.device(device).lanes;
        (first..=end - cores).find(|l| is_idle(*l)).map(LaneId)
    }

    fn dispatch_strict(&mut self, device: DeviceId, out: &mut Commands) {
        for lane in self.cluster.lanes(device) {
            loop {
                let state = &self.lanes[lane.index()];
                let is_idle = state.running.is_none();
                if !is_idle && state.ahead.len() >= self.issue_ahead {
                    break;
                }
                let Some(task) = self.lane_head(lane) else { break };
                let state = &self.tasks[task.index()];
                if state.stage == Stage::Ready {
                    // It was kept from asking for memory until now.
                    self.request_memory(task, out);
                }
                let state = &self.tasks[task.index()];
                let is_gang = self.gang_of(task).is_some();
                if state.stage != Stage::Runnable || is_gang || state.lane != lane.0 {
                    break;
                }
                let is_next = match is_idle {
                    true => self.is_next(task, lane),
                    false => self.may_go_ahead(task, lane),
                };
                if !is_next {
                    break;
                }
                match self.lock(task, out) {
                    Lock::Held => self.start_task(task, lane, out),
                    Lock::Fetching => {
                        self.keep_turn(task);
                        break;
                    }
                    Lock::Refused => break,
                }
            }
        }
    }

    /// Whether all lanes that a task takes from `lane` on are idle and it is its turn there.
    fn is_next(&mut self, task: TaskId, lane: LaneId) -> bool {
        let cores = self.graph.task(task).cores;
        (lane.0..lane.0 + cores).all(|l| {
            self.lanes[l as usize].running.is_none() && self.lane_head(LaneId(l)) == Some(task)
        })
    }

    /// Whether a runnable task may be given to its lane before that is idle: neither it nor what
    /// runs there takes other lanes, and nobody waits for what it would hold meanwhile.
    fn may_go_ahead(&self, task: TaskId, lane: LaneId) -> bool {
        let shares = |a: &crate::graph::Access| a.mode.is_group();
        let is_single = |t: TaskId| self.graph.task(t).cores == 1;
        let runs = self.lanes[lane.index()].running;
        is_single(task)
            && runs.is_none_or(is_single)
            && !self.graph.accesses(task).iter().any(shares)
    }

    /// The task whose turn it is on a strict lane.
    pub(super) fn lane_head(&mut self, lane: LaneId) -> Option<TaskId> {
        if let Some(task) = self.lanes[lane.index()].turn {
            return Some(task);
        }
        let queue = &mut self.lanes[lane.index()].queue;
        purge(queue, &self.tasks, Stage::Waiting);
        queue.peek().map(|e| TaskId(e.2))
    }

    /// Whether it is the task's turn on all lanes that it is to take.
    pub(super) fn is_lane_head(&mut self, task: TaskId) -> bool {
        let lane = self.tasks[task.index()].lane;
        let cores = self.graph.task(task).cores;
        (lane..lane + cores).all(|l| self.lane_head(LaneId(l)) == Some(task))
    }

    /// Lets a task that is first on its strict lanes keep its turn until it starts or is re-placed.
    pub(super) fn keep_turn(&mut self, task: TaskId) {
        if self.is_strict() {
            let first = self.tasks[task.index()].lane;
            for lane in first..first + self.graph.task(task).cores {
                self.lanes[lane as usize].turn = Some(task);
            }
        }
    }

    /// Takes the turn away again.
    pub(super) fn lose_turn(&mut self, task: TaskId, first: u32) {
        if self.is_strict() {
            for lane in first..first + self.graph.task(task).cores {
                let turn = &mut self.lanes[lane as usize].turn;
                turn.take_if(|t| *t == task);
            }
        }
    }

    /// Issues a task on idle lanes, or behind what its lane runs.
    pub(super) fn start_task(&mut self, task: TaskId, lane: LaneId, out: &mut Commands) {
        let device = DeviceId(self.tasks[task.index()].device);
        let cores = self.graph.task(task).cores;
        let duration_ns = self.estimates.duration_ns(task, device).unwrap_or(0);
        let mut taken = 0;
        for l in lane.0..lane.0 + cores {
            let state = &mut self.lanes[l as usize];
            let begins_ns = match state.running {
                None => {
                    state.running = Some(task);
                    taken += 1;
                    self.now_ns
                }
                Some(_) => {
                    state.ahead.push_back(task);
                    state.until_ns.max(self.now_ns)
                }
            };
            state.until_ns = begins_ns.saturating_add(duration_ns);
        }
        debug_assert!(taken == cores || cores == 1);
        self.devices[device.index()].idle_lanes -= taken;
        self.remove_load(task, device);
        self.lose_turn(task, lane.0);
        self.under_way += 1;
        let state = &mut self.tasks[task.index()];
        state.stage = Stage::Running;
        state.lane = lane.0;
        state.attempts += 1;
        self.recorder.issued(task, self.now_ns);
        let memory = self.cluster.memory_of(device);
        let (graph, store, objects) = (&self.graph, &self.store, &self.objects);
        let buffers = graph.accesses(task).iter().map(|a| {
            let found = store.find(objects[a.object.index()].copies, memory);
            store::id(found.expect("the working set is reserved"))
        });
        let first_buffer = out.push_buffers(buffers);
        out.push(Command::Run { task, device, lane, lanes: cores, first_buffer });
        if self.is_strict() {
            // The next task of a lane may ask for its memory while this one runs.
            for l in lane.0..lane.0 + cores {
                if let Some(next) = self.lane_head(LaneId(l))
                    && self.tasks[next.index()].stage == Stage::Ready
                {
                    self.request_memory(next, out);
                }
            }
        }
    }

    /// A task ended: frees its lanes, publishes what it wrote, readies its successors. Whether it
    /// ended for the first time.
    pub fn finish(&mut self, task: TaskId, started_ns: Ns, out: &mut Commands) -> bool {
        let state = &mut self.tasks[task.index()];
        debug_assert_eq!(state.stage, Stage::Running);
        state.stage = Stage::Finished;
        let is_first = !std::mem::replace(&mut state.has_grown, true);
        let (device, lane) = (DeviceId(state.device), state.lane);
        self.finished += 1;
        self.under_way -= 1;
        for l in lane..lane + self.graph.task(task).cores {
            self.leave_lane(task, l);
        }
        self.mark_device(device.0);
        let memory = self.cluster.memory_of(device);
        self.record_task(task, memory, started_ns);
        self.memories[memory.index()].used_bytes -= self.graph.task(task).scratch_bytes;
        for at in 0..self.graph.accesses(task).len() {
            let access = self.graph.accesses(task)[at];
            let list = self.objects[access.object.index()].copies;
            let buffer = self.store.find(list, memory).expect("the working set is reserved");
            if access.mode.writes() {
                self.store.get_mut(buffer).writers -= 1;
                self.publish(access.object, access.version, buffer, out);
            }
            if access.mode == crate::Mode::Racy {
                self.objects[access.object.index()].racy_users -= 1;
            }
            self.unpin(buffer, out);
            self.end_use(access.object, out);
        }
        self.mark_memory(memory);
        self.serve_copy_queue(memory, Side::Source, out);
        self.unlock(task);
        let duration_ns = self.now_ns - started_ns;
        self.events.push(Event::Finished { task, device, duration_ns });
        self.release_successors(task, out);
        if !is_first {
            self.losses.redone_left -= 1;
        }
        if !self.losses.order.is_empty() {
            self.release_order(task, out);
        }
        is_first
    }

    /// Takes a task that was issued off a lane, which goes on with the next one that it was given.
    pub(super) fn leave_lane(&mut self, task: TaskId, lane: u32) {
        let state = &mut self.lanes[lane as usize];
        if state.running != Some(task) {
            return state.ahead.retain(|t| *t != task);
        }
        state.running = state.ahead.pop_front();
        if state.running.is_none() {
            let device = self.cluster.device_of(LaneId(lane));
            self.devices[device.index()].idle_lanes += 1;
        }
    }

    /// Pushes what was produced to placed successors and readies those that wait for nothing.
    fn release_successors(&mut self, task: TaskId, out: &mut Commands) {
        let mut outgoing = self.graph.task(task).first_successor();
        while let Some((edge, next)) = self.graph.edge_at(outgoing) {
            outgoing = next;
            let to = &mut self.tasks[edge.to.index()];
            if to.stage != Stage::Waiting {
                // This task ran again, for others: whoever has gone on does not wait for it.
                continue;
            }
            to.waiting -= 1;
            let (is_ready, device) = (to.waiting == 0, to.device);
            if is_ready {
                self.ready(edge.to, out);
            } else if let Some(object) = edge.object
                && device != NONE
                && self.memories.len() > 1
            {
                let memory = self.cluster.memory_of(DeviceId(device));
                self.prefetch_input(edge.to, object, memory, out);
            }
        }
    }
}

/// Takes stale entries off a queue's top: tasks placed anew since, and those that are not between
/// `from` and running.
fn purge(queue: &mut TaskQueue, tasks: &[TaskState], from: Stage) {
    while let Some(&(_, Reverse(placement), task)) = queue.peek() {
        let state = &tasks[task as usize];
        if state.placement == placement && (from..Stage::Running).contains(&state.stage) {
            break;
        }
        queue.pop();
    }
}
