//! Two runs side by side: what every lane did and waited for, what moved, and the memories.
//!
//! Several runs are embedded as data; a small script draws the two that are chosen.

mod bars;
mod choose;
mod routes;

use super::board::Board;
use super::figure::{Figure, TableView};
use super::grid::{Grid, axis_names};
use super::style::{COMPUTE, Style, cause_colour};
use super::table::{Cell, Table};
use super::verdict::{count, percent};
use super::{Options, ReportError};
use crate::metrics::{Cause, memory};
use crate::record::{Metrics, Record};
use crate::shown::{duration, printable, size};
use crate::store::{Run, read_trace_file};
use bars::{Drawing, draw};
use choose::choose;
use maud::{Markup, PreEscaped, html};
use routes::REASONS;
use runtime::{Ns, Trace};
use serde::Serialize;

/// Bars in the page, over all runs.
const MAX_BARS: usize = 24_000;
/// Bars of one run: more cannot be drawn smoothly.
const MAX_BARS_OF_RUN: usize = 3_000;
/// Corners of a memory's curve.
const MAX_CORNERS: usize = 600;
/// Memories drawn.
const MAX_MEMORIES: usize = 6;

/// A run as the script reads it.
#[derive(Serialize)]
struct Embedded {
    title: String,
    colour: &'static str,
    dash: &'static str,
    makespan: Ns,
    drawing: Drawing,
    memories: Vec<Curve>,
}

/// Bytes in a memory over time.
#[derive(Serialize)]
struct Curve {
    name: String,
    capacity: Option<u64>,
    at: Vec<Ns>,
    bytes: Vec<u64>,
}

/// The two figures and the data they share.
pub struct Gantt {
    /// Lanes and transfers.
    pub lanes: Figure,
    /// Memories over time.
    pub memory: Figure,
    /// To be put into the page once.
    pub data: Markup,
}

/// Draws the chosen runs; `None` when no trace was kept.
///
/// # Errors
/// [`ReportError::UnknownRun`] when a run was asked for that has no trace.
pub fn figures(
    run: &Run,
    grids: &[Grid<'_>],
    boards: &[Board],
    options: &Options,
) -> Result<Option<Gantt>, ReportError> {
    let Some(choice) = choose(run, grids, boards, options)? else { return Ok(None) };
    let budget = (MAX_BARS / choice.records.len().max(1)).min(MAX_BARS_OF_RUN);
    let schedulers = grids.first().map(|g| g.schedulers.as_slice()).unwrap_or_default();
    let mut shown: Vec<(&Record, Embedded)> = Vec::new();
    let mut unreadable = Vec::new();
    for record in &choice.records {
        let Some(path) = run.trace_path(&record.id) else { continue };
        match read_trace_file(&path) {
            Ok(trace) => {
                let at = schedulers.binary_search(&record.key.scheduler.as_str()).unwrap_or(0);
                shown.push((
                    record,
                    embedded(record, &run.manifest.axes, &trace, Style::of(at), budget),
                ));
            }
            Err(error) => unreadable.push(format!("{}: {error}.", path.display())),
        }
    }
    if shown.is_empty() {
        return Ok(None);
    }
    let memory = memories(&shown);
    keep_memories(&mut shown);
    let data = data(&shown);
    let mut note = format!(
        "{} Tasks are grey-blue, a shade per kernel; a gap has the colour of what the lane's next \
         task lacked. Drag to zoom, double-click to see all; both runs share the time axis.",
        choice.reason
    );
    note.extend(hidden(&shown));
    unreadable.iter().for_each(|u| note += &format!(" {u}"));
    Ok(Some(Gantt { lanes: lanes(&shown, note), memory, data }))
}

fn embedded(
    record: &Record,
    axes: &[String],
    trace: &Trace,
    style: Style,
    budget: usize,
) -> Embedded {
    let spec = &trace.header.cluster.memories;
    let curve = |(memory, line): (&runtime::cluster::MemorySpec, &Vec<(Ns, u64)>)| {
        let line = thinned(line);
        Curve {
            name: memory.name.clone(),
            capacity: memory.capacity_bytes,
            at: line.iter().map(|(at, _)| *at).collect(),
            bytes: line.iter().map(|(_, bytes)| *bytes).collect(),
        }
    };
    Embedded {
        title: title(record, axes),
        colour: style.colour,
        dash: style.dash_name(),
        makespan: trace.makespan_ns,
        drawing: draw(trace, budget),
        memories: spec.iter().zip(&memory::timelines(trace)).map(curve).collect(),
    }
}

/// At most [`MAX_CORNERS`] corners, of which each shows the most of those it stands for.
fn thinned(line: &[(Ns, u64)]) -> Vec<(Ns, u64)> {
    let stride = line.len().div_ceil(MAX_CORNERS).max(1);
    let most = |part: &[(Ns, u64)]| {
        let bytes = part.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        (part[0].0, bytes)
    };
    line.chunks(stride).map(most).collect()
}

fn title(record: &Record, axes: &[String]) -> String {
    let key = &record.key;
    let mut parts = vec![key.scheduler.clone(), key.workload.clone(), key.cluster.clone()];
    parts.extend(axis_names(axes, &key.axes));
    parts.push(format!("seed {}", key.seed));
    parts.push(if key.backend == "sim" { "simulated".into() } else { key.backend.clone() });
    if key.repetition > 0 {
        parts.push(format!("repetition {}", key.repetition));
    }
    printable(&parts.join(" · "))
}

fn hidden(shown: &[(&Record, Embedded)]) -> Option<String> {
    let most = |of: fn(&Drawing) -> usize| shown.iter().map(|(_, e)| of(&e.drawing)).max();
    let [lanes, copies, joined, unused] = [
        most(|d| d.hidden_lanes),
        most(|d| d.hidden_copies),
        most(|d| d.joined.row.len() + d.copy_counts.iter().filter(|n| **n > 1).count()),
        most(|d| d.unused),
    ]
    .map(Option::unwrap_or_default);
    let mut parts = Vec::new();
    if unused > 0 {
        parts.push("lanes that ran nothing are not drawn".to_owned());
    }
    if lanes > 0 {
        parts.push(format!("up to {} not drawn", count(lanes, "further lane")));
    }
    if copies > 0 {
        parts.push(format!("up to {} not drawn", count(copies, "transfer")));
    }
    if joined > 0 {
        parts.push(
            "bars too short to be seen are joined: of such a stretch the sums of compute and of \
             each cause are drawn one after the other"
                .to_owned(),
        );
    }
    (!parts.is_empty()).then(|| format!(" For want of room {}.", parts.join("; ")))
}

/// The data and the script that draws it, once for the page.
fn data(shown: &[(&Record, Embedded)]) -> Markup {
    let runs: Vec<&Embedded> = shown.iter().map(|(_, e)| e).collect();
    let causes: Vec<(&str, &str)> =
        Cause::ALL.iter().map(|c| (c.name(), cause_colour(*c))).collect();
    let data = serde_json::json!({
        "runs": runs, "causes": causes, "reasons": REASONS, "compute": COMPUTE,
    });
    // Inside a script element only "<" could end it.
    let json = data.to_string().replace('<', "\\u003c");
    html! {
        script type="application/json" id="runs-data" { (PreEscaped(json)) }
        script { (PreEscaped(include_str!("../runs.js"))) }
    }
}

fn pick(label: &str, id: &str, shown: &[(&Record, Embedded)], selected: usize) -> Markup {
    html! {
        label { (label) " "
            select id=(id) {
                @for (i, (_, run)) in shown.iter().enumerate() {
                    option value=(i) selected[i == selected] { (run.title) }
                }
            }
        }
    }
}

fn lanes(shown: &[(&Record, Embedded)], note: String) -> Figure {
    let (a, b) = (0, 1.min(shown.len() - 1));
    let tasks: Vec<String> = [a, b].iter().map(|i| tasks_of(shown[*i].0)).collect();
    Figure {
        anchor: "gantt".to_owned(),
        question: "What did the lanes do, run against run?".to_owned(),
        answer: answer(shown[a].0, shown[b].0),
        n: tasks.join(" against "),
        body: html! {
            div.picks {
                (pick("A", "run-a", shown, a))
                (pick("B", "run-b", shown, b))
            }
            div.chart #chart-gantt {}
            noscript { p.note { "The chart needs scripts; the shares of time are in the table below." } }
        },
        note: Some(note),
        table: table(shown),
        table_view: TableView::Folded,
    }
}

fn tasks_of(record: &Record) -> String {
    record.outcome.as_ref().map_or(String::new(), |m| {
        format!("{} and {}", count(m.tasks, "task"), count(m.transfers as usize, "transfer"))
    })
}

/// Which run ends first, and what the other one waits longer for.
fn answer(a: &Record, b: &Record) -> String {
    let (Ok(first), Ok(second)) = (&a.outcome, &b.outcome) else { return String::new() };
    let name = |r: &Record| match r.key.backend.as_str() {
        "sim" => r.key.scheduler.clone(),
        backend => format!("{} ({backend})", r.key.scheduler),
    };
    let ((early, x), (late, y)) = match first.makespan_ns <= second.makespan_ns {
        true => ((a, first), (b, second)),
        false => ((b, second), (a, first)),
    };
    let place = format!("On {} (seed {})", early.key.workload, early.key.seed);
    if x.makespan_ns == y.makespan_ns {
        return format!("{place} both end after {}.", duration(x.makespan_ns));
    }
    let ratio = y.makespan_ns as f64 / x.makespan_ns.max(1) as f64;
    let text = format!(
        "{place} {} ends after {}, {} after {} ({} later)",
        name(early),
        duration(x.makespan_ns),
        name(late),
        duration(y.makespan_ns),
        percent(ratio)
    );
    let more = extra_waits(x, y);
    match more.is_empty() {
        true => text + ".",
        false => format!("{text}; its lanes spend more time on {} each.", more.join(" and ")),
    }
}

/// The two parts of a lane's time that grew most from one run to the other.
fn extra_waits(x: &Metrics, y: &Metrics) -> Vec<String> {
    let per_lane = |m: &Metrics| -> Vec<f64> {
        let mut time = m.time;
        let mut parts = vec![time.compute_ns];
        parts.extend(Cause::ALL.map(|c| *c.share(&mut time)));
        let lanes = parts.iter().sum::<Ns>() as f64 / m.makespan_ns.max(1) as f64;
        parts.into_iter().map(|p| p as f64 / lanes.max(1.0)).collect()
    };
    let names = ["compute"].into_iter().chain(Cause::ALL.map(Cause::name));
    let grown = per_lane(y).into_iter().zip(per_lane(x)).map(|(late, early)| late - early);
    let mut grown: Vec<(f64, &str)> = grown.zip(names).collect();
    grown.sort_by(|a, b| b.0.total_cmp(&a.0));
    let least = 0.1 * (y.makespan_ns - x.makespan_ns) as f64;
    let large = grown.into_iter().filter(|(ns, _)| *ns > least.max(1.0)).take(2);
    large.map(|(ns, name)| format!("{name} (+{})", duration(ns as Ns))).collect()
}

/// What each embedded run spent its lanes' time on.
fn table(shown: &[(&Record, Embedded)]) -> Table {
    let mut columns: Vec<String> =
        ["run", "makespan (ns)", "compute (ns)"].map(str::to_owned).into();
    columns.extend(Cause::ALL.map(|c| format!("{} (ns)", c.name())));
    columns.push("replay".to_owned());
    let mut table = Table { columns, rows: Vec::new() };
    for (record, run) in shown {
        let Ok(metrics) = &record.outcome else { continue };
        let mut time = metrics.time;
        let mut row = vec![Cell::text(&run.title)];
        row.extend([metrics.makespan_ns, time.compute_ns].map(Cell::Time));
        row.extend(Cause::ALL.map(|c| Cell::Time(*c.share(&mut time))));
        row.push(Cell::Code(record.replay.clone()));
        table.push(row);
    }
    table
}

/// Keeps the curves of the memories that are limited, then of those that are fullest.
fn keep_memories(shown: &mut [(&Record, Embedded)]) {
    let mut found: Vec<(bool, u64, String)> = Vec::new();
    for curve in shown.iter().flat_map(|(_, run)| &run.memories) {
        let peak = curve.bytes.iter().copied().max().unwrap_or(0);
        match found.iter_mut().find(|(_, _, name)| *name == curve.name) {
            Some(known) => known.1 = known.1.max(peak),
            None => found.push((curve.capacity.is_some(), peak, curve.name.clone())),
        }
    }
    found.retain(|(_, peak, _)| *peak > 0);
    found.sort_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
    found.truncate(MAX_MEMORIES);
    for (_, run) in shown {
        run.memories.retain(|curve| found.iter().any(|(_, _, name)| *name == curve.name));
    }
}

fn memories(shown: &[(&Record, Embedded)]) -> Figure {
    let mut table = Table::new(&["run", "memory", "peak (bytes)", "capacity (bytes)", "peak (%)"]);
    let mut fullest: Option<(f64, String)> = None;
    let mut largest: Option<(u64, String)> = None;
    for (record, run) in shown {
        for curve in &run.memories {
            let peak = curve.bytes.iter().copied().max().unwrap_or(0);
            let share = curve.capacity.map(|c| 100.0 * peak as f64 / c.max(1) as f64);
            let of = format!("{} under {}", curve.name, record.key.scheduler);
            if share.is_some_and(|s| fullest.as_ref().is_none_or(|(most, _)| s > *most)) {
                let capacity = size(curve.capacity.unwrap_or(0));
                let text = format!("{of}: {} of {capacity}", size(peak));
                fullest = share.map(|s| (s, text));
            }
            if largest.as_ref().is_none_or(|(most, _)| peak > *most) {
                largest = Some((peak, of));
            }
            table.push(vec![
                Cell::text(&run.title),
                Cell::text(&curve.name),
                Cell::Bytes(peak),
                curve.capacity.map_or(Cell::None, Cell::Bytes),
                Cell::real(share, 1),
            ]);
        }
    }
    let answer = match (fullest, largest) {
        (Some((share, text)), _) => format!("The fullest memory is {text}, {share:.0} %."),
        (None, Some((peak, of))) => {
            format!("No memory is limited; the most allocated at once is {} in {of}.", size(peak))
        }
        (None, None) => String::new(),
    };
    Figure {
        anchor: "memory".to_owned(),
        question: "Was memory scarce?".to_owned(),
        answer,
        n: count(shown.len(), "run"),
        body: html! {
            div.chart #chart-memory {}
            noscript { p.note { "The chart needs scripts; the peaks are in the table below." } }
        },
        note: Some(
            "Bytes allocated in each memory over time, for the runs A and B chosen above; the thin \
             line is the capacity. Of many memories those that are limited come first, then the \
             fullest."
                .to_owned(),
        ),
        table,
        table_view: TableView::Folded,
    }
}
