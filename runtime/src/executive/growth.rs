//! What comes into being, at the start and when the graph grows, and whether it can.

use super::stall::Failure;
use super::store::Content;
use super::{Commands, State};
use crate::scheduler::Event;
use crate::{ObjectId, TaskId};
use std::sync::Arc;

/// Why a run cannot even begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Feasibility {
    /// A task fits in no memory that it could run in.
    #[error(
        "task {task:?} needs {needed_bytes} bytes at once; the largest memory of a device that \
         can run it, {memory:?}, has {available_bytes} bytes free of initial data"
    )]
    TaskTooLarge {
        /// The task.
        task: String,
        /// Its working set.
        needed_bytes: u64,
        /// The largest memory.
        memory: String,
        /// What it can give.
        available_bytes: u64,
    },
    /// A home memory cannot hold its initial data.
    #[error(
        "memory {memory:?} is home to {needed_bytes} bytes of initial data but holds only \
         {capacity_bytes} bytes"
    )]
    HomeTooSmall {
        /// The memory.
        memory: String,
        /// Initial data at home there.
        needed_bytes: u64,
        /// Its capacity.
        capacity_bytes: u64,
    },
}

impl State {
    /// Initial data must fit at home.
    pub(super) fn check_homes(&self) -> Result<(), Feasibility> {
        let mut needed = vec![0u64; self.memories.len()];
        for object in self.graph.object_ids().map(|o| self.graph.object(o)) {
            if object.initial {
                needed[self.cluster.home(object.home).index()] += object.bytes;
            }
        }
        for (memory, &needed_bytes) in self.cluster.memory_ids().zip(&needed) {
            let capacity = self.memories[memory.index()].capacity_bytes;
            if let Some(capacity_bytes) = capacity.filter(|c| needed_bytes > *c) {
                let memory = self.cluster.memory(memory).name.clone();
                return Err(Feasibility::HomeTooSmall { memory, needed_bytes, capacity_bytes });
            }
        }
        Ok(())
    }

    /// Every task must fit in some memory in which it can run, beside nothing else.
    pub(super) fn check_working_sets(&self, first: usize) -> Result<(), Feasibility> {
        if !self.is_bounded {
            return Ok(());
        }
        for task in self.graph.task_ids().skip(first) {
            let needed_bytes = self.graph.working_set_bytes(task);
            let devices = self.cluster.device_ids();
            let able = devices.filter(|d| self.estimates.duration_ns(task, *d).is_some());
            let room = able.map(|d| {
                let memory = self.cluster.memory_of(d);
                (self.memories[memory.index()].capacity_bytes.unwrap_or(u64::MAX), memory)
            });
            if let Some((available_bytes, memory)) = room.max()
                && available_bytes < needed_bytes
            {
                return Err(Feasibility::TaskTooLarge {
                    task: self.graph.task_name(task),
                    needed_bytes,
                    memory: self.cluster.memory(memory).name.clone(),
                    available_bytes,
                });
            }
        }
        Ok(())
    }

    /// The run begins: initial data is at home, tasks without predecessors are ready.
    pub fn start(&mut self, out: &mut Commands) {
        for object in 0..self.objects.len() {
            self.bring_into_being(ObjectId::from_index(object), out);
        }
        self.announce(0, out);
    }

    /// The graph grew.
    pub fn grown(&mut self, first: usize, out: &mut Commands) {
        let objects = self.objects.len();
        if let Err(message) = self.check_growth(first) {
            return self.fail(Failure::Growth { message });
        }
        self.add_new();
        let cluster = Arc::clone(&self.cluster);
        if let Err(error) = self.estimates.extend(&self.graph, &cluster, None) {
            return self.fail(Failure::Growth { message: error.to_string() });
        }
        if let Err(error) = self.check_working_sets(first) {
            return self.fail(Failure::Growth { message: error.to_string() });
        }
        for object in objects..self.objects.len() {
            self.bring_into_being(ObjectId::from_index(object), out);
        }
        for task in first..self.tasks.len() {
            self.bring_back(TaskId::from_index(task), out);
        }
        self.order_new(first);
        self.announce(first, out);
    }

    fn announce(&mut self, first: usize, out: &mut Commands) {
        let count = (self.graph.len() - first) as u32;
        if count > 0 {
            // It may have been over until now.
            self.end_ns = None;
            self.events.push(Event::GraphGrew { first: TaskId::from_index(first), count });
        }
        for task in first..self.tasks.len() {
            if self.tasks[task].waiting == 0 {
                self.ready(TaskId::from_index(task), out);
            }
        }
    }

    /// New tasks may neither use what is dead nor join an old gang.
    fn check_growth(&self, first: usize) -> Result<(), String> {
        let graph = &self.graph;
        for task in graph.task_ids().skip(first) {
            let is_dead = |o: ObjectId| self.objects.get(o.index()).is_some_and(|o| o.is_dead);
            if let Some(access) = graph.accesses(task).iter().find(|a| is_dead(a.object)) {
                return Err(format!(
                    "task {:?} uses object {:?}, which was dropped after its last use; objects \
                     that later tasks may use must be held until then",
                    graph.task_name(task),
                    graph.object_name(access.object)
                ));
            }
            let gang = graph.task(task).gang.and_then(|g| self.gangs.get(g.index()));
            if gang.is_some_and(|g| !g.members.is_empty()) {
                let task = graph.task_name(task);
                return Err(format!(
                    "task {task:?} joins a gang that was submitted earlier; its members must be \
                     submitted together"
                ));
            }
        }
        Ok(())
    }

    /// Brings initial objects into the run that nobody used until a new task did.
    fn bring_back(&mut self, task: TaskId, out: &mut Commands) {
        for at in 0..self.graph.accesses(task).len() {
            let object = self.graph.accesses(task)[at].object;
            let state = &self.objects[object.index()];
            if state.copies.is_empty() && state.exists {
                self.bring_into_being(object, out);
            }
        }
    }

    /// Allocates the home buffer of an initial object that somebody uses or wants.
    fn bring_into_being(&mut self, object: ObjectId, out: &mut Commands) {
        let plain = self.graph.object(object).clone();
        if !plain.initial {
            return;
        }
        let home = self.cluster.home(plain.home);
        if self.objects[object.index()].uses_left == 0 && !plain.held {
            // It stays outside the run; as a result it is at home already.
            self.objects[object.index()].is_dead = !plain.keep;
            return;
        }
        if !self.free_up(home, plain.bytes, out) {
            let (name, memory) = (self.graph.object_name(object), &self.cluster.memory(home).name);
            let message = format!("memory {memory:?} has no room for initial object {name:?}");
            return self.fail(Failure::Growth { message });
        }
        self.charge_home(object);
        let buffer = self.allocate(object, home, out);
        self.store.get_mut(buffer).content = Content::Valid;
    }
}
