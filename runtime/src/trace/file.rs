//! The trace file: JSON lines, the first one a header with the format's version.
//!
//! One line per record, tagged by kind, so that a file can be read with any JSON tool and a
//! truncated one is recognised: the last line is `{"end": ...}` with the number of records.

use super::{
    BufferRecord, CopyRecord, InputRecord, InstanceId, LinkChange, Losses, LostAttempt, Outage,
    Rollback, TaskRecord, ThoughtRecord, Trace, TraceHeader,
};
use crate::Ns;
use crate::graph::{PlainError, PlainGraph, TaskGraph};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};

/// The version that this program writes; it reads this one and older ones.
pub const TRACE_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct First {
    windtunnel_trace: u32,
    initial_tasks: usize,
    makespan_ns: Ns,
    header: TraceHeader,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Graph(PlainGraph),
    Task(TaskRecord, Vec<InstanceId>),
    Copy(CopyRecord),
    Buffer(BufferRecord),
    Thought(ThoughtRecord),
    Input(InputRecord),
    LostAttempt(LostAttempt, Vec<InstanceId>),
    LostCopy(CopyRecord),
    Outage(Outage),
    Rollback(Rollback),
    Link(LinkChange),
    End(usize),
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The stream failed.
    #[error("the trace could not be read: {0}")]
    Io(#[from] std::io::Error),
    /// Some other file.
    #[error("line 1 is not the header of a windtunnel trace: {0}")]
    Foreign(String),
    /// Written by a newer program.
    #[error("the trace has version {found}, this program reads up to {TRACE_VERSION}")]
    Newer {
        /// The file's version.
        found: u32,
    },
    /// A line that is not a record.
    #[error("line {line}: {message}")]
    BadLine {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The end is missing.
    #[error("the trace is truncated: line {line} is its last, and it is not the end record")]
    Truncated {
        /// Lines read.
        line: usize,
    },
    /// The graph in it is not one.
    #[error("the graph in the trace is damaged: {0}")]
    Graph(#[from] PlainError),
    /// Records that refer to nothing.
    #[error("the trace is damaged: {0}")]
    Damaged(String),
}

/// Writes a trace as JSON lines.
///
/// # Errors
/// Those of the writer.
pub fn write_trace(trace: &Trace, out: &mut dyn Write) -> std::io::Result<()> {
    let mut lines = 0;
    let mut line = |out: &mut dyn Write, line: &Line| -> std::io::Result<()> {
        lines += 1;
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")
    };
    let first = First {
        windtunnel_trace: TRACE_VERSION,
        initial_tasks: trace.initial_tasks,
        makespan_ns: trace.makespan_ns,
        header: trace.header.clone(),
    };
    serde_json::to_writer(&mut *out, &first)?;
    out.write_all(b"\n")?;
    line(out, &Line::Graph(trace.graph.to_plain()))?;
    for t in &trace.tasks {
        line(out, &Line::Task(*t, trace.buffers_of(t).to_vec()))?;
    }
    trace.copies.iter().try_for_each(|c| line(out, &Line::Copy(*c)))?;
    trace.buffers.iter().try_for_each(|b| line(out, &Line::Buffer(*b)))?;
    trace.thoughts.iter().try_for_each(|t| line(out, &Line::Thought(*t)))?;
    trace.inputs.iter().try_for_each(|i| line(out, &Line::Input(i.clone())))?;
    for a in &trace.losses.attempts {
        line(out, &Line::LostAttempt(*a, trace.buffers_of_lost(a).to_vec()))?;
    }
    trace.losses.copies.iter().try_for_each(|c| line(out, &Line::LostCopy(*c)))?;
    trace.losses.outages.iter().try_for_each(|o| line(out, &Line::Outage(*o)))?;
    trace.losses.rollbacks.iter().try_for_each(|r| line(out, &Line::Rollback(*r)))?;
    trace.losses.links.iter().try_for_each(|l| line(out, &Line::Link(*l)))?;
    let end = lines;
    serde_json::to_writer(&mut *out, &Line::End(end))?;
    out.write_all(b"\n")
}

/// Reads a trace from JSON lines.
///
/// # Errors
/// Any [`TraceError`]; never panics, whatever the bytes.
pub fn read_trace(input: &mut dyn BufRead) -> Result<Trace, TraceError> {
    let mut text = String::new();
    input.read_line(&mut text)?;
    let version: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| TraceError::Foreign(e.to_string()))?;
    let version = version.get("windtunnel_trace").and_then(serde_json::Value::as_u64);
    match version {
        None => return Err(TraceError::Foreign("no \"windtunnel_trace\" in it".to_owned())),
        Some(v) if v > u64::from(TRACE_VERSION) => {
            return Err(TraceError::Newer { found: u32::try_from(v).unwrap_or(u32::MAX) });
        }
        Some(_) => {}
    }
    let first: First =
        serde_json::from_str(&text).map_err(|e| TraceError::Foreign(e.to_string()))?;
    let mut trace = Trace {
        header: first.header,
        graph: TaskGraph::new(""),
        initial_tasks: first.initial_tasks,
        makespan_ns: first.makespan_ns,
        tasks: Vec::new(),
        task_buffers: Vec::new(),
        copies: Vec::new(),
        buffers: Vec::new(),
        thoughts: Vec::new(),
        inputs: Vec::new(),
        losses: Losses::default(),
    };
    let mut line = 1;
    loop {
        text.clear();
        if input.read_line(&mut text)? == 0 {
            return Err(TraceError::Truncated { line });
        }
        line += 1;
        let parsed: Line = match serde_json::from_str(&text) {
            Ok(parsed) => parsed,
            Err(_) if !text.ends_with('\n') => return Err(TraceError::Truncated { line }),
            Err(e) => return Err(TraceError::BadLine { line, message: e.to_string() }),
        };
        match parsed {
            Line::Graph(plain) => trace.graph = TaskGraph::from_plain(&plain)?,
            Line::Task(mut record, buffers) => {
                record.first_buffer = trace.task_buffers.len() as u32;
                trace.task_buffers.extend(buffers);
                trace.tasks.push(record);
            }
            Line::Copy(record) => trace.copies.push(record),
            Line::Buffer(record) => trace.buffers.push(record),
            Line::Thought(record) => trace.thoughts.push(record),
            Line::Input(record) => trace.inputs.push(record),
            Line::LostAttempt(mut record, buffers) => {
                record.first_buffer = trace.losses.attempt_buffers.len() as u32;
                trace.losses.attempt_buffers.extend(buffers);
                trace.losses.attempts.push(record);
            }
            Line::LostCopy(record) => trace.losses.copies.push(record),
            Line::Outage(record) => trace.losses.outages.push(record),
            Line::Rollback(record) => trace.losses.rollbacks.push(record),
            Line::Link(record) => trace.losses.links.push(record),
            Line::End(lines) if lines + 2 == line => break,
            Line::End(lines) => {
                let message = format!("{lines} records were written, {} are there", line - 2);
                return Err(TraceError::BadLine { line, message });
            }
        }
    }
    check_references(&trace)?;
    Ok(trace)
}

/// Every id in the records must refer to something, so that readers may index without checking.
fn check_references(trace: &Trace) -> Result<(), TraceError> {
    let damaged = |what: String| Err(TraceError::Damaged(what));
    let spec = &trace.header.cluster;
    let lanes: u64 = spec.devices.iter().map(|d| u64::from(d.lanes)).sum();
    let mut buffers = 0;
    for t in &trace.tasks {
        let end = u64::from(t.lane.0) + u64::from(t.lanes);
        if t.task.index() >= trace.graph.len()
            || t.device.index() >= spec.devices.len()
            || end > lanes
        {
            return damaged(format!("an attempt at {} on {} refers to nothing", t.task, t.lane));
        }
        buffers += trace.graph.accesses(t.task).len();
    }
    if buffers != trace.task_buffers.len() {
        return damaged("an attempt does not have one buffer per access".to_owned());
    }
    let object = |o: crate::ObjectId| o.index() < trace.graph.object_count();
    let memory = |m: crate::MemoryId| m.index() < spec.memories.len();
    let mut copies = trace.copies.iter().chain(&trace.losses.copies);
    if let Some(c) = copies.find(|c| !object(c.object) || !memory(c.source) || !memory(c.target)) {
        return damaged(format!("transfer {} refers to nothing", c.copy));
    }
    let bad = |b: &&BufferRecord| !b.object.is_none_or(object) || !memory(b.memory);
    if let Some(b) = trace.buffers.iter().find(bad) {
        return damaged(format!("buffer {} refers to nothing", b.instance.0));
    }
    check_losses(trace, lanes)
}

fn check_losses(trace: &Trace, lanes: u64) -> Result<(), TraceError> {
    let damaged = |what: String| Err(TraceError::Damaged(what));
    let devices = trace.header.cluster.devices.len();
    let mut buffers = 0;
    for a in &trace.losses.attempts {
        let end = u64::from(a.lane.0) + u64::from(a.lanes);
        if a.task.index() >= trace.graph.len() || a.device.index() >= devices || end > lanes {
            return damaged(format!(
                "a lost attempt at {} on {} refers to nothing",
                a.task, a.lane
            ));
        }
        buffers += trace.graph.accesses(a.task).len();
    }
    if buffers != trace.losses.attempt_buffers.len() {
        return damaged("a lost attempt does not have one buffer per access".to_owned());
    }
    if let Some(o) = trace.losses.outages.iter().find(|o| o.device.index() >= devices) {
        return damaged(format!("an outage of {} refers to nothing", o.device));
    }
    let links = trace.header.cluster.links.len();
    if let Some(l) = trace.losses.links.iter().find(|l| l.link.index() >= links) {
        return damaged(format!("a change of {} refers to nothing", l.link));
    }
    let objects = trace.graph.object_count();
    match trace.losses.rollbacks.iter().find(|r| r.object.index() >= objects) {
        Some(r) => damaged(format!("a rollback of {} refers to nothing", r.object)),
        None => Ok(()),
    }
}
