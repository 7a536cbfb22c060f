//! Where tasks that share objects racily may go.
//!
//! An object in racy use lives in one memory, and a task may share several such objects. So objects
//! that are linked by tasks form a group, and all tasks of a group are placed in one memory: the
//! first one placed chooses, among memories in which every one of them can run.

use crate::graph::{Mode, TaskGraph};
use crate::planner::Problem;
use crate::{DeviceId, MemoryId, TaskId};

/// Groups of racily shared objects; empty when there are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Racy {
    /// By object; `u32::MAX` = shared by no planned task.
    group_of: Vec<u32>,
    /// Where a group's tasks are, once one of them is placed.
    memory: Vec<Option<MemoryId>>,
    /// By group, then memory: whether all of its tasks can run there.
    is_able: Vec<bool>,
    memories: usize,
}

const NONE: u32 = u32::MAX;

impl Racy {
    /// The groups of a problem; `fits` tells whether a task can run on a device.
    pub fn new(problem: &Problem<'_>, fits: impl Fn(TaskId, DeviceId) -> bool) -> Self {
        let Problem { graph, cluster, .. } = *problem;
        let tasks = problem.tasks.iter().filter(|t| shared(graph, **t).next().is_some());
        let tasks: Vec<TaskId> = tasks.copied().collect();
        if tasks.is_empty() {
            return Self::default();
        }
        let group_of = linked(graph, &tasks);
        let memories = cluster.memory_count();
        let mut racy = Self {
            memory: vec![None; graph.object_count()],
            is_able: vec![true; graph.object_count() * memories],
            group_of,
            memories,
        };
        for &task in &tasks {
            let group = racy.group(graph, task).expect("it shares something");
            let mut here = vec![false; memories];
            for device in cluster.device_ids().filter(|d| fits(task, *d)) {
                here[cluster.memory_of(device).index()] = true;
            }
            let able = &mut racy.is_able[group as usize * memories..][..memories];
            able.iter_mut().zip(here).for_each(|(able, here)| *able &= here);
            for object in shared(graph, task) {
                if let Some(memory) = problem.racy_memory(crate::ObjectId::from_index(object)) {
                    racy.pin(group, memory);
                }
            }
        }
        racy
    }

    /// The group whose objects a task shares.
    #[inline]
    pub fn group(&self, graph: &TaskGraph, task: TaskId) -> Option<u32> {
        match self.group_of.is_empty() {
            true => None,
            false => shared(graph, task).next().map(|o| self.group_of[o]),
        }
    }

    /// Whether tasks of a group may be placed in a memory.
    #[inline]
    pub fn allows(&self, group: u32, memory: MemoryId) -> bool {
        self.is_able[group as usize * self.memories + memory.index()]
            && self.memory[group as usize].is_none_or(|m| m == memory)
    }

    /// A task of the group is in that memory.
    pub fn pin(&mut self, group: u32, memory: MemoryId) {
        self.memory[group as usize] = Some(memory);
    }
}

/// The objects that a task shares racily.
fn shared(graph: &TaskGraph, task: TaskId) -> impl Iterator<Item = usize> + '_ {
    let accesses = graph.accesses(task).iter();
    accesses.filter(|a| a.mode == Mode::Racy).map(|a| a.object.index())
}

/// The group of every object: the first object of all that are linked by tasks.
fn linked(graph: &TaskGraph, tasks: &[TaskId]) -> Vec<u32> {
    fn first(of: &mut [u32], mut object: u32) -> u32 {
        while of[object as usize] != object {
            of[object as usize] = of[of[object as usize] as usize];
            object = of[object as usize];
        }
        object
    }
    let mut group_of = vec![NONE; graph.object_count()];
    for task in tasks {
        for object in shared(graph, *task) {
            if group_of[object] == NONE {
                group_of[object] = object as u32;
            }
        }
        let mut objects = shared(graph, *task).map(|o| o as u32);
        let one = objects.next().expect("only tasks that share something");
        for other in objects {
            let (a, b) = (first(&mut group_of, one), first(&mut group_of, other));
            group_of[a.max(b) as usize] = a.min(b);
        }
    }
    for object in 0..group_of.len() as u32 {
        if group_of[object as usize] != NONE {
            group_of[object as usize] = first(&mut group_of, object);
        }
    }
    group_of
}
