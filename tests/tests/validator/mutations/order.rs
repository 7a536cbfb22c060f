//! Corruptions of precedence and exclusion.

use super::{Corrupt, attempt, cluster, lasts, move_to, pick, users};
use crate::expect;
use runtime::executive::Input;
use runtime::graph::{Access, Mode};
use runtime::trace::{InputRecord, Trace};
use runtime::validator::Violation as V;
use runtime::{ObjectId, TaskId};
use windtunnel_tests::cases::Dice;

type Found = Option<super::Expected>;

pub const ALL: &[(&str, &str, Corrupt)] = &[
    ("moved before its predecessor", "StartedBeforeInput", before_input),
    ("written while an earlier version is read", "WrittenWhileRead", while_read),
    ("written before the version before", "WrittenOutOfOrder", out_of_order),
    ("control edge broken", "ControlBroken", control),
    ("called ready before its predecessor had finished", "ReadyTooEarly", ready_early),
    ("run before it was submitted", "BeforeSubmission", unsubmitted),
    ("racing exclusive accesses", "ExclusiveOverlap", exclusive),
    ("racy in two memories", "RacyApart", racy),
];

/// Pairs of users of one object, the first one before the second in submission order, without a
/// write in between.
fn neighbours(
    trace: &Trace,
    fits: impl Fn(Access, Access) -> bool,
) -> Vec<(TaskId, TaskId, ObjectId)> {
    let mut found = Vec::new();
    for object in trace.graph.object_ids() {
        let users = users(trace, object);
        for (at, first) in users.iter().enumerate() {
            for second in &users[at + 1..] {
                let are_lasting = lasts(attempt(trace, first.0)) && lasts(attempt(trace, second.0));
                if fits(first.1, second.1) && are_lasting {
                    found.push((first.0, second.0, object));
                }
                if second.1.mode.writes() {
                    break;
                }
            }
        }
    }
    found
}

/// Moves the second of two tasks so that it begins just before the first one ends.
fn too_early(trace: &mut Trace, first: TaskId, second: TaskId) {
    let start_ns = attempt(trace, first).finished_ns - 1;
    let at = trace.tasks.iter().position(|t| t.task == second).expect("it has been run");
    move_to(&mut trace.tasks[at], start_ns);
}

fn before_input(trace: &mut Trace, dice: &mut Dice) -> Found {
    let is_flow =
        |a: Access, b: Access| a.mode.writes() && b.mode.reads() && a.version != b.version;
    let (first, second, of) = pick(dice, neighbours(trace, is_flow))?;
    too_early(trace, first, second);
    expect!(V::StartedBeforeInput { task, object, .. } if *task == second && *object == of)
}

fn while_read(trace: &mut Trace, dice: &mut Dice) -> Found {
    let is_anti = |a: Access, b: Access| a.mode == Mode::Read && b.mode.writes();
    let (first, second, of) = pick(dice, neighbours(trace, is_anti))?;
    too_early(trace, first, second);
    expect!(V::WrittenWhileRead { task, object, .. } if *task == second && *object == of)
}

fn out_of_order(trace: &mut Trace, dice: &mut Dice) -> Found {
    let is_output = |a: Access, b: Access| a.mode.writes() && b.mode == Mode::Write;
    let (first, second, of) = pick(dice, neighbours(trace, is_output))?;
    too_early(trace, first, second);
    expect!(V::WrittenOutOfOrder { task, object, .. } if *task == second && *object == of)
}

fn control(trace: &mut Trace, dice: &mut Dice) -> Found {
    let graph = &trace.graph;
    let has = |t: TaskId, o: ObjectId| graph.accesses(t).iter().any(|a| a.object == o);
    let share_nothing = |a, b| graph.accesses(a).iter().all(|x| !has(b, x.object));
    let edges = graph.task_ids().flat_map(|t| graph.incoming(t)).filter(|e| {
        e.object.is_none() && share_nothing(e.from, e.to) && lasts(attempt(trace, e.from))
    });
    let (first, second) = pick(dice, edges.map(|e| (e.from, e.to)))?;
    too_early(trace, first, second);
    expect!(V::ControlBroken { task, after, .. } if *task == second && *after == first)
}

fn ready_early(trace: &mut Trace, dice: &mut Dice) -> Found {
    let edges = trace.graph.task_ids().flat_map(|t| trace.graph.incoming(t));
    let lasting = edges.filter(|e| attempt(trace, e.from).finished_ns > 0);
    let second = pick(dice, lasting.map(|e| e.to))?;
    let at = trace.tasks.iter().position(|t| t.task == second)?;
    let before = trace.graph.predecessors(second).map(|p| attempt(trace, p).finished_ns);
    trace.tasks[at].ready_ns = before.max()? - 1;
    expect!(V::ReadyTooEarly { task, .. } if *task == second)
}

fn exclusive(trace: &mut Trace, dice: &mut Dice) -> Found {
    let is_group = |a: Access, b: Access| a.mode.is_exclusive() && a.version == b.version;
    let (first, second, of) = pick(dice, neighbours(trace, is_group))?;
    // Members of a group come in any order: they are made to start together.
    let start_ns = attempt(trace, first).started_ns;
    let at = trace.tasks.iter().position(|t| t.task == second)?;
    move_to(&mut trace.tasks[at], start_ns);
    expect!(V::ExclusiveOverlap { object, .. } if *object == of)
}

/// Everything is said to have been submitted just after a task began.
fn unsubmitted(trace: &mut Trace, dice: &mut Dice) -> Found {
    let first = *pick(dice, trace.tasks.iter())?;
    trace.initial_tasks = 0;
    let tasks = trace.graph.len() as u32;
    let input = Input::Submitted { tasks, objects: 0, released: Vec::new() };
    trace.inputs.push(InputRecord { at_ns: first.started_ns + 1, input });
    expect!(V::BeforeSubmission { task, .. } if *task == first.task)
}

fn racy(trace: &mut Trace, dice: &mut Dice) -> Found {
    let machine = cluster(trace);
    let is_group = |a: Access, b: Access| a.mode == Mode::Racy && a.version == b.version;
    let (first, second, of) = pick(dice, neighbours(trace, is_group))?;
    let memory = machine.memory_of(attempt(trace, first).device);
    let device = pick(dice, machine.device_ids().filter(|d| machine.memory_of(*d) != memory))?;
    let first_start_ns = attempt(trace, first).started_ns;
    let at = trace.tasks.iter().position(|t| t.task == second)?;
    trace.tasks[at].device = device;
    trace.tasks[at].lane = machine.first_lane(device);
    move_to(&mut trace.tasks[at], first_start_ns);
    expect!(V::RacyApart { object, .. } if *object == of)
}
