//! Corruptions of tasks, lanes and gangs, one by one.

use super::{Corrupt, cluster, lasts, move_to, pick, where_};
use crate::expect;
use runtime::trace::{Outage, TaskRecord, Trace};
use runtime::validator::{Party, Violation as V};
use runtime::{Cost, LaneId, Ns};
use windtunnel_tests::cases::Dice;

type Found = Option<super::Expected>;

pub const ALL: &[(&str, &str, Corrupt)] = &[
    ("machine without devices", "UnusableCluster", no_devices),
    ("lane that does not exist", "Dangling", no_such_lane),
    ("buffers beyond the list's end", "Dangling", no_such_buffers),
    ("task removed", "TaskMissing", removed),
    ("task repeated", "TaskRepeated", repeated),
    ("device away while it ran", "RanWhileAway", away),
    ("memory gone while it held something", "HeldWhileAway", gone),
    ("finished before started", "StampsOutOfOrder", finished_before_started),
    ("issued before reserved", "StampsOutOfOrder", issued_before_reserved),
    ("reserved before ready", "StampsOutOfOrder", reserved_before_ready),
    ("wrong device for the lane", "LaneOfOtherDevice", wrong_device),
    ("lane too many", "WrongLaneCount", lane_too_many),
    ("device that cannot run it", "CannotRunThere", cannot_run),
    ("moved to a busy lane", "LaneDoubleBooked", busy_lane),
    ("gang issued in parts", "GangApart", gang_issued_apart),
    ("gang started in parts", "GangApart", gang_started_apart),
];

fn no_devices(trace: &mut Trace, _: &mut Dice) -> Found {
    trace.header.cluster.devices.clear();
    expect!(V::UnusableCluster(_))
}

fn no_such_lane(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.tasks.len())?;
    trace.tasks[at].lane = LaneId(u32::MAX);
    expect!(V::Dangling { position, names: "lane", .. } if *position == at)
}

fn no_such_buffers(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.tasks.len())?;
    trace.tasks[at].first_buffer = trace.task_buffers.len() as u32 + 1;
    expect!(V::Dangling { record: "task", position, .. } if *position == at)
}

fn removed(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.tasks.len())?;
    let gone = trace.tasks.remove(at).task;
    expect!(V::TaskMissing { task } if *task == gone)
}

fn repeated(trace: &mut Trace, dice: &mut Dice) -> Found {
    let again = pick(dice, trace.tasks.iter().copied())?;
    trace.tasks.push(again);
    expect!(V::TaskRepeated { task, .. } if *task == again.task)
}

fn away(trace: &mut Trace, dice: &mut Dice) -> Found {
    let record = pick(dice, trace.tasks.iter().copied().filter(lasts))?;
    let (from_ns, until_ns) = (record.finished_ns - 1, Ns::MAX);
    trace.losses.outages.push(Outage { device: record.device, from_ns, until_ns });
    expect!(V::RanWhileAway { task, .. } if *task == record.task)
}

fn gone(trace: &mut Trace, dice: &mut Dice) -> Found {
    let machine = cluster(trace);
    let is_home = |m| machine.is_home(m);
    let computes = |m| machine.device_ids().any(|d| machine.memory_of(d) == m);
    let buffers = trace.buffers.iter().filter(|b| !is_home(b.memory) && computes(b.memory));
    let lasting = buffers.filter(|b| b.released_ns > b.allocated_ns + 1).copied();
    let held = pick(dice, lasting)?;
    let (from_ns, until_ns) = (held.allocated_ns + 1, held.allocated_ns + 2);
    let here = machine.device_ids().filter(|d| machine.memory_of(*d) == held.memory);
    trace.losses.outages.extend(here.map(|device| Outage { device, from_ns, until_ns }));
    let (memory_gone, at_ns) = (held.memory, held.allocated_ns);
    expect!(V::HeldWhileAway { memory, allocated_ns, .. }
        if *memory == memory_gone && *allocated_ns == at_ns)
}

fn finished_before_started(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.tasks, lasts))?;
    let record = &mut trace.tasks[at];
    std::mem::swap(&mut record.started_ns, &mut record.finished_ns);
    record.issued_ns = record.started_ns;
    let task = record.task;
    expect!(V::StampsOutOfOrder { of: Party::Task(t), later: "finished", .. } if *t == task)
}

fn issued_before_reserved(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, where_(&trace.tasks, |t| t.reserved_ns > 0))?;
    let record = &mut trace.tasks[at];
    record.data_ns = record.reserved_ns - 1;
    let task = record.task;
    expect!(V::StampsOutOfOrder { of: Party::Task(t), earlier: "reserved", .. } if *t == task)
}

fn reserved_before_ready(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = pick(dice, 0..trace.tasks.len())?;
    let record = &mut trace.tasks[at];
    record.ready_ns = record.reserved_ns + 1;
    let task = record.task;
    expect!(V::StampsOutOfOrder { of: Party::Task(t), earlier: "ready", .. } if *t == task)
}

fn wrong_device(trace: &mut Trace, dice: &mut Dice) -> Found {
    let cluster = cluster(trace);
    let at = pick(dice, 0..trace.tasks.len())?;
    let device = trace.tasks[at].device;
    let other = pick(dice, cluster.device_ids().filter(|d| *d != device))?;
    trace.tasks[at].device = other;
    let of = trace.tasks[at].task;
    expect!(V::LaneOfOtherDevice { task, device, .. } if *task == of && *device == other)
}

fn lane_too_many(trace: &mut Trace, dice: &mut Dice) -> Found {
    let cluster = cluster(trace);
    // A lane beside it, so that it is still one of the same device.
    let has_room = |t: &TaskRecord| cluster.lanes(t.device).any(|l| l.0 == t.lane.0 + t.lanes);
    let at = pick(dice, where_(&trace.tasks, has_room))?;
    trace.tasks[at].lanes += 1;
    let of = trace.tasks[at].task;
    expect!(V::WrongLaneCount { task, .. } if *task == of)
}

fn cannot_run(trace: &mut Trace, dice: &mut Dice) -> Found {
    let cluster = cluster(trace);
    let column = trace.graph.columns().iter().position(|c| c == "fast")?;
    let fast = cluster.device_ids().find(|d| cluster.device(*d).class == "fast")?;
    let cannot = |t: &TaskRecord| match trace.graph.task(t.task).cost {
        Cost::Table(row) => trace.graph.cost_row(row)[column] == Ns::MAX,
        Cost::Work(_) => false,
    };
    let at = pick(dice, where_(&trace.tasks, cannot))?;
    trace.tasks[at].device = fast;
    trace.tasks[at].lane = cluster.first_lane(fast);
    let of = trace.tasks[at].task;
    expect!(V::CannotRunThere { task, device } if *task == of && *device == fast)
}

fn busy_lane(trace: &mut Trace, dice: &mut Dice) -> Found {
    let mut pairs = Vec::new();
    for (a, first) in trace.tasks.iter().enumerate() {
        for (b, second) in trace.tasks.iter().enumerate() {
            let overlap =
                first.started_ns < second.finished_ns && second.started_ns < first.finished_ns;
            let same_device = first.device == second.device && first.lanes == second.lanes;
            if a != b && same_device && first.lane != second.lane && overlap {
                pairs.push((a, b));
            }
        }
    }
    let (a, b) = pick(dice, pairs)?;
    trace.tasks[a].lane = trace.tasks[b].lane;
    let (of, busy) = (trace.tasks[a].task, trace.tasks[a].lane);
    expect!(V::LaneDoubleBooked { lane, first, second, .. }
        if *lane == busy && (*first == of || *second == of))
}

/// A member of a gang that has others.
fn member(trace: &Trace, dice: &mut Dice) -> Option<usize> {
    let gang = |t: &TaskRecord| trace.graph.task(t.task).gang;
    let has_others = |t: &TaskRecord| {
        gang(t).is_some() && trace.tasks.iter().filter(|o| gang(o) == gang(t)).count() > 1
    };
    pick(dice, where_(&trace.tasks, has_others))
}

fn gang_issued_apart(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = member(trace, dice)?;
    let of = trace.graph.task(trace.tasks[at].task).gang?;
    trace.tasks[at].issued_ns += 2;
    expect!(V::GangApart { gang, stage: "issued", .. } if *gang == of)
}

fn gang_started_apart(trace: &mut Trace, dice: &mut Dice) -> Found {
    let at = member(trace, dice)?;
    let of = trace.graph.task(trace.tasks[at].task).gang?;
    let start_ns = trace.tasks[at].started_ns + 2;
    move_to(&mut trace.tasks[at], start_ns);
    expect!(V::GangApart { gang, stage: "started", .. } if *gang == of)
}
