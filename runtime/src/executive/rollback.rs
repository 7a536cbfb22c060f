//! Taking objects back and having their writers run again.

use super::engines::Side;
use super::lineage::{Lineage, Use, Uses};
use super::state::State;
use super::store::{Content, NONE};
use super::{Command, Commands, Failure};
use crate::scheduler::{Cause, Event, Eviction, Stage};
use crate::{MemoryId, ObjectId, TaskId};

impl State {
    /// After a loss or a failure: has everything made again that is needed and is nowhere, and lets
    /// everybody go on who can.
    pub(super) fn recover(&mut self, out: &mut Commands) {
        let mut is_rolled_back = false;
        // Attempts that are in the way of one recovery may leave something for the next.
        while let Some(lineage) = self.next_lineage() {
            is_rolled_back = true;
            self.clear_the_way(&lineage, out);
            self.run_again(&lineage);
            for &object in &lineage.objects {
                self.take_back(object, &lineage, out);
            }
            self.put_in_order(&lineage);
        }
        self.drop_orphans(out);
        let mut touched = std::mem::take(&mut self.losses.touched);
        if is_rolled_back {
            touched = self.graph.task_ids().take(self.tasks.len()).collect();
        }
        touched.sort_unstable();
        touched.dedup();
        self.go_on(&touched, out);
        for memory in self.cluster.memory_ids() {
            self.serve_copy_queue(memory, Side::Target, out);
            self.mark_memory(memory);
        }
    }

    /// Takes transfers back that wait for a content that is lost and that nobody needs: whoever is
    /// to write the object need wait no longer.
    fn drop_orphans(&mut self, out: &mut Commands) {
        for at in 0..self.copies.len() {
            let copy = &self.copies[at];
            let (object, to) = (copy.object, copy.to);
            let is_queued = copy.request != NONE && copy.from == NONE;
            if is_queued && !self.is_anywhere(object) {
                self.wake_waiters(to);
                self.cancel(to, out);
            }
        }
    }

    fn next_lineage(&mut self) -> Option<Lineage> {
        let mut suspects = std::mem::take(&mut self.losses.suspects);
        suspects.sort_unstable();
        suspects.dedup();
        self.lineage(&suspects)
    }

    /// Ends everything that has to do with the content of objects that are taken back.
    fn clear_the_way(&mut self, lineage: &Lineage, out: &mut Commands) {
        for task in self.graph.task_ids() {
            match self.tasks[task.index()].stage {
                Stage::Running if self.is_in_the_way(task, lineage) => {
                    let state = &self.tasks[task.index()];
                    let device = crate::DeviceId(state.device);
                    let lane = crate::LaneId(state.lane);
                    out.push(Command::Abandon { task, device, lane });
                    self.abort(task, Cause::RolledBack, out);
                }
                Stage::Reserving | Stage::Fetching | Stage::Runnable => {
                    let mut accesses = self.graph.accesses(task).iter();
                    let is_again = |t: TaskId| lineage.redone.binary_search(&t).is_ok();
                    if accesses.any(|a| lineage.back_to[a.object.index()] != NONE)
                        || self.graph.incoming(task).iter().any(|e| is_again(e.from))
                    {
                        self.displace(task, Cause::RolledBack, out);
                    }
                }
                _ => {}
            }
        }
        for at in 0..self.copies.len() as u32 {
            let copy = &self.copies[at as usize];
            if copy.request == NONE || lineage.back_to[copy.object.index()] == NONE {
                continue;
            }
            let to = copy.to;
            let is_result = std::mem::take(&mut self.store.get_mut(to).is_result);
            self.pending_results -= usize::from(is_result);
            match self.copies[at as usize].from {
                NONE => self.cancel(to, out),
                _ => self.cut_off(at, false, out),
            }
        }
    }

    /// A task that runs may go on reading a version that is made again: its writers wait for it. It
    /// may not where the initial content is back at once, which nobody would wait for.
    fn is_in_the_way(&self, task: TaskId, lineage: &Lineage) -> bool {
        self.graph.accesses(task).iter().any(|a| {
            let back_to = lineage.back_to[a.object.index()];
            let is_restored = back_to == 0 && self.graph.object(a.object).initial;
            back_to != NONE && (a.mode.writes() || is_restored)
        })
    }

    /// Finished tasks are unfinished again.
    fn run_again(&mut self, lineage: &Lineage) {
        self.losses.recoveries += 1;
        for &task in &lineage.redone {
            let is_member = self.graph.task(task).gang.is_some();
            let state = &mut self.tasks[task.index()];
            state.stage = Stage::Waiting;
            state.device = NONE;
            state.lane = NONE;
            state.placement = 0;
            state.missing = 0;
            state.is_lock_waiting = false;
            state.is_announced = false;
            state.is_detached = is_member;
            self.finished -= 1;
            self.losses.redone_left += 1;
            for access in self.graph.accesses(task) {
                let object = &mut self.objects[access.object.index()];
                object.uses_left += 1;
                object.is_dead = false;
                if self.options.eviction == Eviction::NextUse {
                    let users = &mut self.users[access.object.index()];
                    users.push_back(task);
                    users.make_contiguous().sort_unstable();
                }
            }
            self.events.push(Event::Redone { task });
        }
    }

    fn take_back(&mut self, object: ObjectId, lineage: &Lineage, out: &mut Commands) {
        let version = lineage.back_to[object.index()];
        let plain = self.graph.object(object);
        let is_restored = version == 0 && plain.initial;
        let home = self.cluster.home(plain.home);
        let bytes = plain.bytes;
        let state = &mut self.objects[object.index()];
        state.version = version;
        state.exists = version > 0 || is_restored;
        // Read by redone tasks alone it was dead before.
        state.is_dead = false;
        let mut at = state.copies.first;
        while at != NONE {
            let b = self.store.get_mut(at);
            let next = b.next;
            b.content = Content::Empty;
            self.pending_results -= usize::from(std::mem::take(&mut b.is_result));
            if b.pins == 0 && !(is_restored && b.memory == home) {
                self.release(at, out);
            }
            at = next;
        }
        if is_restored && !self.restore(object, home, bytes, out) {
            let chain = lineage.uses.of(object).iter().filter(|u| u.mode.writes()).count();
            let object = self.graph.object_name(object);
            let memory = self.cluster.memory(home).name.clone();
            return self.fail(Failure::Unrecoverable { object, chain, memory });
        }
        self.recorder.rolled_back(object, self.now_ns, version, is_restored);
    }

    /// Brings an object's initial content back to its home; whether there is room for it.
    fn restore(
        &mut self,
        object: ObjectId,
        home: MemoryId,
        bytes: u64,
        out: &mut Commands,
    ) -> bool {
        let list = self.objects[object.index()].copies;
        // A new buffer, so that the trace tells the new content from the old.
        if let Some(old) = self.store.find(list, home) {
            debug_assert_eq!(self.store.get(old).pins, 0);
            self.release(old, out);
        }
        if !self.objects[object.index()].is_home_charged && !self.free_up(home, bytes, out) {
            return false;
        }
        self.charge_home(object);
        let buffer = self.allocate(object, home, out);
        self.store.get_mut(buffer).content = Content::Valid;
        out.push(Command::Restore { buffer: super::store::id(buffer), object });
        true
    }

    /// Orders what is left of the users of each object where the graph's edges do not: a task that
    /// finished and does not run again may have stood between two that do.
    fn put_in_order(&mut self, lineage: &Lineage) {
        let mut order = std::mem::take(&mut self.losses.order);
        for &object in &lineage.rewritten {
            let uses = lineage.uses.of(object);
            self.order_phases(uses, &mut order);
            self.order_after_readers(uses, lineage, &mut order);
        }
        order.sort_unstable();
        order.dedup();
        self.losses.order = order;
    }

    /// Orders new tasks after what runs again of what they use.
    pub(super) fn order_new(&mut self, first: usize) {
        if self.losses.redone_left == 0 {
            return;
        }
        let uses = Uses::new(self);
        let new = (first..self.tasks.len()).map(TaskId::from_index);
        let accesses = new.clone().flat_map(|t| self.graph.accesses(t));
        let mut objects: Vec<ObjectId> = accesses.map(|a| a.object).collect();
        objects.sort_unstable();
        objects.dedup();
        let mut order = std::mem::take(&mut self.losses.order);
        let known = order.len();
        for object in objects {
            self.order_phases(uses.of(object), &mut order);
        }
        // Among the others everything is in order already.
        let mut at = 0;
        order.retain(|o| {
            at += 1;
            at <= known || o.1.index() >= first
        });
        order.sort_unstable();
        order.dedup();
        self.losses.order = order;
        for task in new {
            self.tasks[task.index()].waiting = self.count_waiting(task);
        }
    }

    fn order_phases(&self, uses: &[Use], order: &mut Vec<(TaskId, TaskId)>) {
        let is_left = |u: &&Use| self.tasks[u.task.index()].stage != Stage::Finished;
        let is_phase = |a: &Use, b: &Use| {
            let is_unordered = a.mode == crate::Mode::Read || a.mode.is_group();
            a.mode == b.mode && a.version == b.version && is_unordered
        };
        let (mut writers, mut readers): (Vec<TaskId>, Vec<TaskId>) = (Vec::new(), Vec::new());
        for phase in uses.chunk_by(is_phase) {
            let writes = phase[0].mode.writes();
            let left: Vec<TaskId> = phase.iter().filter(is_left).map(|u| u.task).collect();
            for &after in left.iter().filter(|t| self.tasks[t.index()].stage != Stage::Running) {
                let before = writers.iter().chain(readers.iter().filter(|_| writes));
                let is_new =
                    |from: &&TaskId| self.graph.incoming(after).iter().all(|e| e.from != **from);
                order.extend(before.filter(is_new).map(|from| (*from, after)));
            }
            match writes {
                false => readers.extend(left),
                true if left.is_empty() => {}
                true => {
                    writers = left;
                    readers.clear();
                }
            }
        }
    }

    /// Writers that run again wait for readers of the old content that still run.
    fn order_after_readers(
        &self,
        uses: &[Use],
        lineage: &Lineage,
        order: &mut Vec<(TaskId, TaskId)>,
    ) {
        let is_reading = |u: &&Use| self.tasks[u.task.index()].stage == Stage::Running;
        for reader in uses.iter().filter(is_reading) {
            let again = |u: &&Use| u.mode.writes() && lineage.redone.binary_search(&u.task).is_ok();
            let writers = uses.iter().filter(again).filter(|w| w.task < reader.task);
            order.extend(writers.map(|w| (reader.task, w.task)));
        }
    }

    /// Counts anew what these tasks wait for; those that wait for nothing are ready.
    fn go_on(&mut self, tasks: &[TaskId], out: &mut Commands) {
        for &task in tasks {
            if matches!(self.tasks[task.index()].stage, Stage::Waiting | Stage::Ready) {
                let waiting = self.count_waiting(task);
                let state = &mut self.tasks[task.index()];
                state.waiting = waiting;
                if waiting > 0 {
                    state.stage = Stage::Waiting;
                }
            }
        }
        for &task in tasks {
            let state = &self.tasks[task.index()];
            if state.stage == Stage::Waiting && state.waiting == 0 {
                self.ready(task, out);
            }
        }
    }

    /// Order among tasks besides the graph's edges.
    pub(crate) fn order(&self) -> &[(TaskId, TaskId)] {
        &self.losses.order
    }

    /// Whether tasks that had finished have to run again.
    pub(crate) fn is_recovering(&self) -> bool {
        self.losses.redone_left > 0
    }

    fn count_waiting(&self, task: TaskId) -> u32 {
        let is_left = |t: TaskId| self.tasks[t.index()].stage != Stage::Finished;
        let edges = self.graph.incoming(task).iter().filter(|e| is_left(e.from)).count();
        let order = self.losses.order.iter().filter(|o| o.1 == task).count();
        let back_off = self.losses.back_offs.iter().filter(|b| b.1 == task).count();
        (edges + order + back_off) as u32
    }
}
