//! A trace as Chrome's trace-event JSON, which <https://ui.perfetto.dev> and `chrome://tracing`
//! open: a process per device with a thread per lane, and one for transfers with a thread per pair
//! of memories.

use runtime::trace::Trace;
use runtime::{Cluster, MemoryId, Ns};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes the JSON; `cluster` is the trace's own.
///
/// # Errors
/// Those of the writer.
pub fn write_chrome(trace: &Trace, cluster: &Cluster, out: &mut dyn Write) -> io::Result<()> {
    let mut events = Events { out, is_first: true };
    events.out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    for device in cluster.device_ids() {
        events.name("process_name", device.0, 0, &cluster.device(device).name)?;
        for lane in cluster.lanes(device) {
            events.name("thread_name", device.0, lane.0, &cluster.lane_name(lane))?;
        }
    }
    let transfers = cluster.device_count() as u32;
    events.name("process_name", transfers, 0, "transfers")?;
    let pairs = name_pairs(trace, cluster, transfers, &mut events)?;
    for record in &trace.tasks {
        let task = trace.graph.task(record.task);
        for lane in record.lane.0..record.lane.0 + record.lanes {
            events.push(&json!({
                "ph": "X",
                "name": trace.graph.task_name(record.task),
                "cat": trace.graph.kernel_name(task.kernel),
                "pid": record.device.0,
                "tid": lane,
                "ts": micros(record.started_ns),
                "dur": micros(record.finished_ns - record.started_ns),
                "args": {
                    "task": record.task.0,
                    "ready_us": micros(record.ready_ns),
                    "placed_us": micros(record.placed_ns),
                    "data_us": micros(record.data_ns),
                },
            }))?;
        }
    }
    for copy in &trace.copies {
        let pair = pairs.iter().position(|p| *p == (copy.source, copy.target)).unwrap_or(0);
        // Transfers of one pair may overlap: asynchronous events stack.
        for (phase, at_ns) in [("b", copy.started_ns), ("e", copy.finished_ns)] {
            events.push(&json!({
                "ph": phase,
                "id": copy.copy.0,
                "name": trace.graph.object_name(copy.object),
                "cat": "transfer",
                "pid": transfers,
                "tid": pair,
                "ts": micros(at_ns),
                "args": { "bytes": copy.bytes, "reason": copy.reason },
            }))?;
        }
    }
    events.out.write_all(b"\n]}\n")?;
    Ok(())
}

/// Names a thread for each pair of memories between which data moved.
fn name_pairs(
    trace: &Trace,
    cluster: &Cluster,
    process: u32,
    events: &mut Events<'_>,
) -> io::Result<Vec<(MemoryId, MemoryId)>> {
    let mut pairs: Vec<_> = trace.copies.iter().map(|c| (c.source, c.target)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    for (at, (from, to)) in pairs.iter().enumerate() {
        let name = format!("{} to {}", cluster.memory(*from).name, cluster.memory(*to).name);
        events.name("thread_name", process, at as u32, &name)?;
    }
    Ok(pairs)
}

/// The format counts in microseconds.
fn micros(ns: Ns) -> f64 {
    ns as f64 / 1e3
}

struct Events<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

impl Events<'_> {
    fn push(&mut self, event: &Value) -> io::Result<()> {
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        serde_json::to_writer(&mut *self.out, event)?;
        Ok(())
    }

    fn name(&mut self, kind: &str, process: u32, thread: u32, name: &str) -> io::Result<()> {
        self.push(&json!({
            "ph": "M", "name": kind, "pid": process, "tid": thread, "args": { "name": name },
        }))
    }
}
