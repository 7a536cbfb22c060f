//! Graphs of empty tasks.

use runtime::graph::ObjectSpec;
use runtime::{Mode, ObjectId, TaskGraph, TaskId, TaskSpec};

/// What gives the tasks their order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Control edges, no data at all.
    Edges,
    /// Each task writes an object of its own and reads those of its predecessors.
    Objects,
    /// Tasks change objects that others change too.
    Shared,
}

impl Order {
    pub fn name(self) -> &'static str {
        match self {
            Self::Edges => "edges",
            Self::Objects => "objects",
            Self::Shared => "shared",
        }
    }
}

pub const SHAPES: [&str; 4] = ["independent", "chain", "wavefront", "random"];

/// Columns of the wavefront.
const WIDTH: u32 = 316;
/// Objects of the random graph that shares them.
const SHARED: u32 = 1000;

/// A graph of so many empty tasks, submitted here and now.
pub fn shape(name: &str, order: Order, tasks: u32) -> TaskGraph {
    let mut state = 1u64;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((state >> 33) % u64::from(below.max(1))) as u32
    };
    let before = |task: u32, random: &mut dyn FnMut(u32) -> u32, out: &mut Vec<u32>| {
        out.clear();
        match name {
            "independent" => {}
            "chain" => out.extend(task.checked_sub(1)),
            "wavefront" => {
                out.extend(task.checked_sub(WIDTH));
                out.extend((!task.is_multiple_of(WIDTH)).then(|| task - 1));
            }
            // Two of the hundred before it.
            _ => {
                let near = task.min(100);
                out.extend((0..near.min(2)).map(|_| task - 1 - random(near)));
                out.sort_unstable();
                out.dedup();
            }
        }
    };
    let mut graph = TaskGraph::new(name);
    let kernel = graph.kernel("empty");
    let mut predecessors = Vec::new();
    let mut accesses: Vec<(ObjectId, Mode)> = Vec::new();
    let mut after: Vec<TaskId> = Vec::new();
    let initial = ObjectSpec { bytes: 64, initial: true, ..Default::default() };
    let shared: Vec<ObjectId> = match (order, name) {
        (Order::Shared, "chain") => vec![graph.add_object(initial).expect("it fits")],
        (Order::Shared, "wavefront" | "random") => {
            (0..SHARED).map(|_| graph.add_object(initial).expect("it fits")).collect()
        }
        _ => Vec::new(),
    };
    for task in 0..tasks {
        accesses.clear();
        after.clear();
        match order {
            Order::Edges => {
                before(task, &mut random, &mut predecessors);
                after.extend(predecessors.iter().map(|t| TaskId(*t)));
            }
            Order::Objects => {
                before(task, &mut random, &mut predecessors);
                accesses.extend(predecessors.iter().map(|t| (ObjectId(*t), Mode::Read)));
                let own = ObjectSpec { bytes: 64, ..Default::default() };
                accesses.push((graph.add_object(own).expect("it fits"), Mode::Write));
            }
            Order::Shared => match name {
                "independent" => {}
                "chain" => accesses.push((shared[0], Mode::ReadWrite)),
                // Gauss-Seidel: each cell changes its own and reads its western and northern one,
                // one row after the other in the same row of objects.
                "wavefront" => {
                    let column = (task % WIDTH) as usize;
                    accesses.push((shared[column], Mode::ReadWrite));
                    accesses.extend((column > 0).then(|| (shared[column - 1], Mode::Read)));
                }
                _ => {
                    let modes = [Mode::Read, Mode::Read, Mode::ReadWrite];
                    accesses.extend(modes.map(|m| (shared[random(SHARED) as usize], m)));
                }
            },
        }
        let spec = TaskSpec { accesses: &accesses, after: &after, ..TaskSpec::new(kernel) };
        graph.submit(spec).expect("the bench's graphs are right");
    }
    graph
}
