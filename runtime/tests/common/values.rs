//! Values that stand for the content of objects: equal values, equal histories.

use runtime::graph::Access;
use runtime::{Mode, ObjectId, TaskGraph, TaskId};

/// Content of initial objects and of fresh buffers.
#[derive(Default)]
pub struct Values {
    is_born: Vec<bool>,
    garbage: u64,
}

impl Values {
    /// The first home buffer of an initial object has its content, every other one garbage.
    pub fn of_new_buffer(&mut self, object: ObjectId, is_initial_home: bool) -> u64 {
        self.is_born.resize(self.is_born.len().max(object.index() + 1), false);
        let was_born = std::mem::replace(&mut self.is_born[object.index()], true);
        self.garbage += 1;
        match is_initial_home && !was_born {
            true => initial(object),
            false => mix(u64::MAX, self.garbage),
        }
    }

    /// What nobody may ever read.
    pub fn garbage(&mut self) -> u64 {
        self.garbage += 1;
        mix(u64::MAX, self.garbage)
    }

    /// Content of an object before any task.
    pub fn initial(object: ObjectId) -> u64 {
        initial(object)
    }

    /// The content of all objects after a run in submission order.
    pub fn sequential(graph: &TaskGraph) -> Vec<u64> {
        let mut values: Vec<u64> = graph.object_ids().map(initial).collect();
        for task in graph.task_ids() {
            let accesses = graph.accesses(task);
            let inputs: Vec<u64> = accesses.iter().map(|a| values[a.object.index()]).collect();
            for (access, value) in accesses.iter().zip(outputs(task, accesses, &inputs)) {
                values[access.object.index()] = value;
            }
        }
        values
    }
}

fn initial(object: ObjectId) -> u64 {
    mix(1, u64::from(object.0))
}

fn mix(a: u64, b: u64) -> u64 {
    let mut z = a.rotate_left(23) ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a task leaves in each of its objects. Groups add to the old value, in any order; other
/// writes depend on everything the task read in order.
pub fn outputs(task: TaskId, accesses: &[Access], inputs: &[u64]) -> Vec<u64> {
    let ordered = accesses.iter().zip(inputs);
    let read = ordered.filter(|(a, _)| matches!(a.mode, Mode::Read | Mode::ReadWrite));
    let seen = read.fold(u64::from(task.0), |hash, (_, value)| mix(hash, *value));
    let output = |(at, (access, old)): (usize, (&Access, &u64))| match access.mode {
        Mode::Read => *old,
        Mode::Write | Mode::ReadWrite => mix(seen, at as u64),
        Mode::Commutative | Mode::Reduce | Mode::Racy => old.wrapping_add(mix(seen, at as u64)),
    };
    accesses.iter().zip(inputs).enumerate().map(output).collect()
}
