//! Whether records name only what is there, so that the other checks may index without asking.

use super::Violation;
use crate::Cluster;
use crate::trace::Trace;

/// Ids of one record that must be below a bound.
struct Checker {
    record: &'static str,
    position: usize,
    found: Vec<Violation>,
}

impl Checker {
    fn below(&mut self, names: &'static str, id: u64, known: usize) {
        let known = known as u64;
        if id >= known {
            let Self { record, position, .. } = *self;
            self.found.push(Violation::Dangling { record, position, names, id, known });
        }
    }
}

/// Records that name something that is not there.
pub(super) fn check(trace: &Trace, cluster: &Cluster) -> Vec<Violation> {
    let graph = &trace.graph;
    let mut c = Checker { record: "task", position: 0, found: Vec::new() };
    for (position, t) in trace.tasks.iter().enumerate() {
        c.position = position;
        c.below("task", t.task.0.into(), graph.len());
        c.below("device", t.device.0.into(), cluster.device_count());
        c.below("lane", t.lane.0.into(), cluster.lane_count());
        let last_lane = u64::from(t.lane.0) + u64::from(t.lanes);
        c.below("the lane after", last_lane, cluster.lane_count() + 1);
        if t.task.index() < graph.len() {
            let last = u64::from(t.first_buffer) + graph.accesses(t.task).len() as u64;
            c.below("the buffer after", last, trace.task_buffers.len() + 1);
        }
    }
    c.record = "transfer";
    for (position, x) in trace.copies.iter().enumerate() {
        c.position = position;
        c.below("object", x.object.0.into(), graph.object_count());
        c.below("memory", x.source.0.into(), cluster.memory_count());
        c.below("memory", x.target.0.into(), cluster.memory_count());
    }
    c.record = "buffer";
    for (position, b) in trace.buffers.iter().enumerate() {
        c.position = position;
        c.below("memory", b.memory.0.into(), cluster.memory_count());
        if let Some(object) = b.object {
            c.below("object", object.0.into(), graph.object_count());
        }
    }
    losses(trace, cluster, &mut c);
    c.found
}

fn losses(trace: &Trace, cluster: &Cluster, c: &mut Checker) {
    let graph = &trace.graph;
    c.record = "lost attempt";
    for (position, t) in trace.losses.attempts.iter().enumerate() {
        c.position = position;
        c.below("task", t.task.0.into(), graph.len());
        c.below("device", t.device.0.into(), cluster.device_count());
        let last_lane = u64::from(t.lane.0) + u64::from(t.lanes);
        c.below("the lane after", last_lane, cluster.lane_count() + 1);
        if t.task.index() < graph.len() {
            let last = u64::from(t.first_buffer) + graph.accesses(t.task).len() as u64;
            let known = trace.losses.attempt_buffers.len() + 1;
            c.below("the buffer after", last, known);
        }
    }
    c.record = "outage";
    for (position, o) in trace.losses.outages.iter().enumerate() {
        c.position = position;
        c.below("device", o.device.0.into(), cluster.device_count());
    }
    c.record = "rollback";
    for (position, r) in trace.losses.rollbacks.iter().enumerate() {
        c.position = position;
        c.below("object", r.object.0.into(), graph.object_count());
    }
    c.record = "change of a link";
    for (position, l) in trace.losses.links.iter().enumerate() {
        c.position = position;
        c.below("link", l.link.0.into(), cluster.spec().links.len());
    }
}
