//! What has to run again: from objects whose content is lost to the tasks that made it.
//!
//! An object has one version at a time, made by its writers in order. To have a version again it
//! is taken back to a point from which it can be made: the last plain write at or before that
//! version, which reads nothing of it, or its initial content, which its home keeps. The writers
//! from there on run again; what they read is needed in its old version, which may take further
//! objects back. Nothing else runs again, so with one version per object no smaller set would do.

use super::State;
use super::store::{Content, NONE};
use crate::scheduler::Stage;
use crate::{Mode, ObjectId, TaskId};

/// One access, from its object's side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub task: TaskId,
    pub mode: Mode,
    /// Writes before it, for a member of a group before the group.
    pub version: u32,
}

/// All accesses, by object, in submission order.
pub(super) struct Uses {
    first: Vec<u32>,
    list: Vec<Use>,
}

impl Uses {
    pub fn new(state: &State) -> Self {
        let graph = &state.graph;
        let mut first = vec![0u32; graph.object_count() + 1];
        for task in graph.task_ids() {
            graph.accesses(task).iter().for_each(|a| first[a.object.index() + 1] += 1);
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let blank = Use { task: TaskId(NONE), mode: Mode::Read, version: 0 };
        let mut list = vec![blank; first[graph.object_count()] as usize];
        let mut next = first.clone();
        for task in graph.task_ids() {
            for a in graph.accesses(task) {
                let at = &mut next[a.object.index()];
                list[*at as usize] = Use { task, mode: a.mode, version: a.version };
                *at += 1;
            }
        }
        Self { first, list }
    }

    pub fn of(&self, object: ObjectId) -> &[Use] {
        let at = object.index();
        &self.list[self.first[at] as usize..self.first[at + 1] as usize]
    }
}

/// What is to be undone.
pub(super) struct Lineage {
    pub uses: Uses,
    /// By object: the version it is taken back to; `NONE` = it stays.
    pub back_to: Vec<u32>,
    /// Objects taken back, in the order of their ids.
    pub objects: Vec<ObjectId>,
    /// These, and others of which writers run again that the object has not come to yet, since it
    /// was taken back before.
    pub rewritten: Vec<ObjectId>,
    /// Finished tasks that run again, in submission order.
    pub redone: Vec<TaskId>,
}

/// Finds a [`Lineage`].
struct Search<'s> {
    state: &'s State,
    uses: Uses,
    back_to: Vec<u32>,
    /// By object taken back: the version up to which it is made again.
    until: Vec<u32>,
    is_rewritten: Vec<bool>,
    is_redone: Vec<bool>,
    todo: Vec<TaskId>,
}

impl State {
    /// Whether some memory holds an object's current version.
    pub(super) fn is_anywhere(&self, object: ObjectId) -> bool {
        let list = self.objects[object.index()].copies;
        self.store.iter(list).any(|b| self.store.get(b).content == Content::Valid)
    }

    /// What has to be made again of objects that lost a copy; `None` when nothing that anybody
    /// needs
    /// is lost.
    pub(super) fn lineage(&self, suspects: &[ObjectId]) -> Option<Lineage> {
        let lost = |o: &ObjectId| {
            let state = &self.objects[o.index()];
            state.exists && !state.is_dead && !self.is_anywhere(*o)
        };
        let mut lost = suspects.iter().copied().filter(lost).peekable();
        lost.peek()?;
        let mut search = Search {
            state: self,
            uses: Uses::new(self),
            back_to: vec![NONE; self.objects.len()],
            until: vec![0; self.objects.len()],
            is_rewritten: vec![false; self.objects.len()],
            is_redone: vec![false; self.tasks.len()],
            todo: Vec::new(),
        };
        for object in lost {
            if search.is_needed(object) {
                let version = self.objects[object.index()].version;
                search.take_back_for(object, version, version);
            }
        }
        while let Some(task) = search.todo.pop() {
            search.follow(task);
        }
        let Search { uses, back_to, is_rewritten, is_redone, .. } = search;
        let rewritten: Vec<ObjectId> =
            self.graph.object_ids().filter(|o| is_rewritten[o.index()]).collect();
        let objects: Vec<ObjectId> =
            self.graph.object_ids().filter(|o| back_to[o.index()] != NONE).collect();
        let redone = self.graph.task_ids().filter(|t| is_redone[t.index()]).collect();
        (!objects.is_empty()).then_some(Lineage { uses, back_to, objects, rewritten, redone })
    }
}

impl Search<'_> {
    fn is_finished(&self, task: TaskId) -> bool {
        self.state.tasks[task.index()].stage == Stage::Finished
    }

    /// Whether anybody is to read the version that an object has.
    fn is_needed(&self, object: ObjectId) -> bool {
        let version = self.state.objects[object.index()].version;
        let plain = self.state.graph.object(object);
        let mut is_to_be_written = false;
        for u in self.uses.of(object).iter().filter(|u| !self.is_finished(u.task)) {
            if u.mode.reads() && u.version <= version {
                return true;
            }
            is_to_be_written |= u.mode.writes();
        }
        (plain.keep || plain.held) && !is_to_be_written
    }

    /// Somebody who runs again reads an object at `version`. One that has not come so far yet, but
    /// goes on, gets there; any other is taken back.
    fn want(&mut self, object: ObjectId, version: u32, until: u32) {
        let now = self.state.objects[object.index()].version;
        let is_next = |u: &&Use| u.version == now && u.mode == Mode::Write;
        let mut open = self.uses.of(object).iter().filter(|u| !self.is_finished(u.task));
        let goes_on = self.state.is_anywhere(object) || now < version && open.any(|u| is_next(&u));
        match self.back_to[object.index()] == NONE && now <= version && goes_on {
            true => self.write_again(object, now, until),
            false => self.take_back_for(object, version, until),
        }
    }

    /// Takes an object back to where `version` can be made from.
    fn take_back_for(&mut self, object: ObjectId, version: u32, until: u32) {
        let fresh = |u: &&Use| u.mode == Mode::Write && u.version < version;
        let point = self.uses.of(object).iter().rev().find(fresh).map_or(0, |u| u.version);
        self.take_back(object, point, until);
    }

    fn take_back(&mut self, object: ObjectId, point: u32, until: u32) {
        let at = object.index();
        let now = self.state.objects[at].version;
        if point > now && self.back_to[at] == NONE && self.has_open_writer(object, now, point) {
            // It comes to that point by itself.
            return self.write_again(object, point, until);
        }
        let is_new = self.back_to[at] == NONE;
        let point = self.back_to[at].min(point);
        let mut until = until.max(self.until[at]);
        if is_new && self.is_still_used(object) {
            until = until.max(now);
        }
        if !is_new && point == self.back_to[at] && until == self.until[at] {
            return;
        }
        self.back_to[at] = point;
        self.until[at] = until;
        self.write_again(object, point, until);
    }

    fn has_open_writer(&self, object: ObjectId, from: u32, to: u32) -> bool {
        let mut writers = self.uses.of(object).iter().filter(|u| u.mode.writes());
        writers.any(|u| (from..to).contains(&u.version) && !self.is_finished(u.task))
    }

    /// Those who take an object from one version to another run again if they have finished.
    fn write_again(&mut self, object: ObjectId, from: u32, to: u32) {
        self.is_rewritten[object.index()] = true;
        for i in 0..self.uses.of(object).len() {
            let Use { task, mode, version } = self.uses.of(object)[i];
            let is_made_again = mode.writes() && (from..to).contains(&version);
            if is_made_again && self.is_finished(task) && !self.is_redone[task.index()] {
                self.is_redone[task.index()] = true;
                self.todo.push(task);
            }
        }
    }

    fn is_still_used(&self, object: ObjectId) -> bool {
        let plain = self.state.graph.object(object);
        plain.keep || plain.held || self.state.objects[object.index()].uses_left > 0
    }

    /// What a task needs that runs again.
    fn follow(&mut self, task: TaskId) {
        let state = self.state;
        for access in state.graph.accesses(task) {
            let (object, version) = (access.object, access.version);
            let at = object.index();
            match access.mode {
                Mode::Write if state.objects[at].version <= version && self.back_to[at] == NONE => {
                    self.write_again(object, version, version + 1);
                }
                Mode::Write => self.take_back(object, version, version + 1),
                mode if mode.writes() => self.want(object, version, version + 1),
                _ if self.back_to[at] == NONE => {
                    let now = state.objects[at].version;
                    match self.is_there(object, version) {
                        true => {}
                        false if now == version => self.take_back_for(object, version, version),
                        false => self.want(object, version, version),
                    }
                }
                _ => self.want_again(object, version),
            }
        }
    }

    /// Whether a version can be read as things stand.
    fn is_there(&self, object: ObjectId, version: u32) -> bool {
        let state = &self.state.objects[object.index()];
        let is_running = |t: TaskId| self.state.tasks[t.index()].stage == Stage::Running;
        let mut writers = self.uses.of(object).iter().filter(|u| u.mode.writes());
        state.version == version
            && !state.is_dead
            && self.state.is_anywhere(object)
            && !writers.any(|w| is_running(w.task))
    }

    /// A reader's version of an object that is taken back anyway.
    fn want_again(&mut self, object: ObjectId, version: u32) {
        let point = self.back_to[object.index()];
        // A plain write's point has no content before it; initial content is at point 0.
        match version > point || (version, point) == (0, 0) {
            true => self.take_back(object, point, version),
            false => self.take_back_for(object, version, version),
        }
    }
}
