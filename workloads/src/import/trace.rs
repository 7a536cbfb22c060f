//! The project's own traces: graphs with the durations that a run had.

use super::error::ImportError;
use super::{Format, Imported, Recorded};
use runtime::graph::{PlainGraph, TaskGraph};
use runtime::trace::{Trace, TraceError, read_trace};
use runtime::{ClusterSpec, Cost, Ns};

/// What becomes of the durations in a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceCosts {
    /// A cost table with one column per class of the recorded cluster's devices: each task has the
    /// duration that it had, on the class where it ran, and can run nowhere else.
    #[default]
    Measured,
    /// Work: the duration times the speed of the device where it ran. Any device can run it.
    Work,
    /// The costs that the graph had when it was recorded; durations are ignored.
    Declared,
}

/// Reads the graph of a trace, all tasks that were ever submitted; `file` is named in errors.
///
/// A task that was attempted several times has the duration of its last attempt, one that never
/// ran keeps its declared cost. Tasks keep the order in which they were submitted.
///
/// # Errors
/// [`ImportError::Trace`] for anything that is not a whole trace of a known version.
pub fn read(file: &str, bytes: &[u8], costs: TraceCosts) -> Result<Imported, ImportError> {
    let fault = |source| ImportError::Trace { file: file.to_owned(), source };
    let mut bytes = bytes;
    let trace = read_trace(&mut bytes).map_err(fault)?;
    let mut notes = Vec::new();
    let graph = graph(&trace, costs, &mut notes).map_err(fault)?;
    let recorded = Recorded {
        makespan_s: Some(trace.makespan_ns as f64 / 1e9),
        machines: Vec::new(),
        cluster: Some(trace.header.cluster),
    };
    Ok(Imported { graph, format: Format::Trace, notes, recorded })
}

fn graph(
    trace: &Trace,
    costs: TraceCosts,
    notes: &mut Vec<String>,
) -> Result<TaskGraph, TraceError> {
    let grown = trace.graph.len().saturating_sub(trace.initial_tasks);
    if grown > 0 {
        notes.push(format!(
            "{grown} tasks were submitted during the run; here all are there at once"
        ));
    }
    if costs == TraceCosts::Declared {
        return Ok(trace.graph.clone());
    }
    let spec = &trace.header.cluster;
    let mut runs: Vec<Option<(usize, Ns)>> = vec![None; trace.graph.len()];
    for record in &trace.tasks {
        let duration_ns = record
            .finished_ns
            .checked_sub(record.started_ns)
            .ok_or_else(|| TraceError::Damaged(format!("{} ends before it starts", record.task)))?;
        runs[record.task.index()] = Some((record.device.index(), duration_ns));
    }
    let missing = runs.iter().filter(|run| run.is_none()).count();
    if missing > 0 {
        notes.push(format!("{missing} tasks did not run; they keep their declared costs"));
    }
    let mut plain = trace.graph.to_plain();
    match costs {
        TraceCosts::Work => {
            for (task, run) in plain.tasks.iter_mut().zip(&runs) {
                if let Some((device, duration_ns)) = run {
                    task.cost = Cost::Work(*duration_ns as f64 / 1e9 * spec.devices[*device].speed);
                }
            }
        }
        _ => set_tables(&mut plain, spec, &runs),
    }
    Ok(TaskGraph::from_plain(&plain)?)
}

/// Gives every task that ran a row with its duration in the column of the class where it ran.
fn set_tables(plain: &mut PlainGraph, spec: &ClusterSpec, runs: &[Option<(usize, Ns)>]) {
    let mut columns = Vec::new();
    for device in &spec.devices {
        if !columns.contains(&device.class) {
            columns.push(device.class.clone());
        }
    }
    // Tasks that did not run keep their rows, so their columns stay too.
    let mut kept = Vec::new();
    if runs.iter().any(Option::is_none) {
        for name in &plain.columns {
            let known = columns.iter().position(|column| column == name);
            kept.push(known.unwrap_or(columns.len()));
            if known.is_none() {
                columns.push(name.clone());
            }
        }
    }
    let mut rows = Vec::with_capacity(plain.tasks.len());
    for (task, run) in plain.tasks.iter_mut().zip(runs) {
        let mut row = vec![None; columns.len()];
        match (run, task.cost) {
            (Some((device, duration_ns)), _) => {
                let class = &spec.devices[*device].class;
                let column = columns.iter().position(|column| column == class);
                row[column.expect("every class is a column")] = Some(*duration_ns);
            }
            (None, Cost::Table(old)) => {
                for (new, ns) in kept.iter().zip(&plain.rows[old as usize]) {
                    row[*new] = *ns;
                }
            }
            (None, Cost::Work(_)) => continue,
        }
        task.cost = Cost::Table(rows.len() as u32);
        rows.push(row);
    }
    (plain.columns, plain.rows) = (columns, rows);
}
