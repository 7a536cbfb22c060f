//! What was run, on what, what failed, and the commands that run it again.

use super::board::Board;
use super::figure::{Figure, TableView};
use super::stats::median;
use super::table::{Cell, Table};
use super::verdict::count;
use crate::record::{ArrivalMetrics, EnergyMetrics, Record};
use crate::shown::{printable, printable_lines, size};
use crate::store::Run;
use maud::{Markup, html};

/// Rows of replay commands in the page, over all schedulers; the download has all.
const SHOWN_REPLAYS: usize = 3000;
/// Bytes of the experiment's text in the page.
const SHOWN_SPEC: usize = 200_000;

/// What each workload is like.
pub fn workloads(run: &Run) -> Option<Figure> {
    if run.manifest.workloads.is_empty() {
        return None;
    }
    let mut table = Table::new(&[
        "workload",
        "family",
        "tasks",
        "edges",
        "objects",
        "depth",
        "width",
        "tasks / depth",
        "data (bytes)",
        "along edges (bytes)",
        "largest working set (bytes)",
        "median lower bound (ns)",
    ]);
    for (label, s) in &run.manifest.workloads {
        let family = run.manifest.families.iter().find(|(l, _)| l == label);
        table.push(vec![
            Cell::text(label),
            family.map_or(Cell::None, |(_, f)| Cell::text(f)),
            Cell::Count(s.tasks as u64),
            Cell::Count(s.edges as u64),
            Cell::Count(s.objects as u64),
            Cell::Count(s.depth as u64),
            Cell::Count(s.width as u64),
            Cell::Real(s.tasks as f64 / s.depth.max(1) as f64, 1),
            Cell::Bytes(s.object_bytes),
            Cell::Bytes(s.flow_bytes),
            Cell::Bytes(s.max_working_set_bytes),
            median_bound_ns(run, label).map_or(Cell::None, |ns| Cell::Time(ns as u64)),
        ]);
    }
    let tasks = run.manifest.workloads.iter().map(|(_, s)| s.tasks);
    let (least, most) = (tasks.clone().min().unwrap_or(0), tasks.max().unwrap_or(0));
    let mut clusters: Vec<&str> = run.records.iter().map(|r| r.key.cluster.as_str()).collect();
    clusters.sort_unstable();
    clusters.dedup();
    Some(Figure {
        anchor: "workload-cards".to_owned(),
        question: "What are the workloads like?".to_owned(),
        answer: format!(
            "{} of {} to {}, on {}.",
            count(run.manifest.workloads.len(), "workload"),
            least,
            count(most, "task"),
            count(clusters.len(), "cluster")
        ),
        n: count(run.manifest.workloads.len(), "workload"),
        body: html! {},
        note: Some(
            "Depth is the number of tasks on the longest path, width the most tasks at one depth; \
             tasks over depth is the mean parallelism of equal tasks. The bound is the median over \
             all cells of the workload."
                .to_owned(),
        ),
        table,
        table_view: TableView::Open,
    })
}

fn median_bound_ns(run: &Run, workload: &str) -> Option<f64> {
    let records = run.records.iter().filter(|r| r.key.workload == workload);
    let bounds = records.filter_map(|r| r.outcome.as_ref().ok()).map(|m| m.bound_ns as f64);
    median(&bounds.filter(|b| *b > 0.0).collect::<Vec<_>>())
}

/// Which cells failed; `None` when none did.
pub fn failures(run: &Run) -> Option<Figure> {
    let mut columns = key_columns(run);
    columns.extend(["kind", "message", "replay"].map(str::to_owned));
    let mut table = Table { columns, rows: Vec::new() };
    for record in &run.records {
        let Err(error) = &record.outcome else { continue };
        let mut row = key_cells(run, record);
        row.push(Cell::text(&error.kind));
        row.push(Cell::text(&error.message));
        row.push(Cell::Code(record.replay.clone()));
        table.push(row);
    }
    let failed = table.rows.len();
    if failed == 0 {
        return None;
    }
    let mut schedulers: Vec<&str> = (run.records.iter())
        .filter(|r| r.outcome.is_err())
        .map(|r| r.key.scheduler.as_str())
        .collect();
    schedulers.sort_unstable();
    schedulers.dedup();
    Some(Figure {
        anchor: "failures".to_owned(),
        question: "What failed?".to_owned(),
        answer: format!(
            "{failed} of {} failed, under {}.",
            count(run.records.len(), "cell"),
            schedulers.join(", ")
        ),
        n: count(run.records.len(), "cell"),
        body: html! {},
        note: None,
        table,
        table_view: TableView::Open,
    })
}

/// Names of the columns that tell cells apart.
pub(super) fn key_columns(run: &Run) -> Vec<String> {
    let mut columns: Vec<String> =
        ["scheduler", "workload", "cluster", "backend"].map(str::to_owned).to_vec();
    columns.extend(run.manifest.axes.iter().cloned());
    columns.extend(["seed", "repetition"].map(str::to_owned));
    columns
}

/// What tells a cell apart.
pub(super) fn key_cells(run: &Run, record: &Record) -> Vec<Cell> {
    let key = &record.key;
    let names = [&key.scheduler, &key.workload, &key.cluster, &key.backend];
    let mut cells: Vec<Cell> = names.into_iter().map(Cell::text).collect();
    let axis = |at: usize| key.axes.get(at).map_or(Cell::None, Cell::text);
    cells.extend((0..run.manifest.axes.len()).map(axis));
    cells.push(Cell::Count(key.seed));
    cells.push(Cell::Count(u64::from(key.repetition)));
    cells
}

const ENERGY_COLUMNS: [&str; 2] = ["energy (J)", "energy x delay (J s)"];

fn energy_cells(energy: Option<&EnergyMetrics>) -> [Cell; 2] {
    [Cell::real(energy.map(|e| e.energy_j), 3), Cell::real(energy.map(|e| e.energy_delay_js), 3)]
}

const ARRIVAL_COLUMNS: [&str; 6] = [
    "mean flow (ns)",
    "mean slowdown",
    "largest slowdown",
    "mean stretch",
    "largest stretch",
    "fairness",
];

fn arrival_cells(arrivals: Option<&ArrivalMetrics>) -> [Cell; 6] {
    let real = |of: fn(&ArrivalMetrics) -> Option<f64>| Cell::real(arrivals.and_then(of), 3);
    [
        arrivals.map_or(Cell::None, |a| Cell::Time(a.mean_flow_ns)),
        real(|a| a.mean_slowdown),
        real(|a| a.max_slowdown),
        real(|a| a.mean_stretch),
        real(|a| a.max_stretch),
        real(|a| a.fairness),
    ]
}

/// Every cell with its result and the command that runs it alone.
pub fn cells(run: &Run) -> Table {
    let mut columns = key_columns(run);
    columns
        .extend(["makespan (ns)", "bound (ns)", "bound by", "makespan / bound"].map(str::to_owned));
    let is_powered = |r: &Record| r.outcome.as_ref().is_ok_and(|m| m.energy.is_some());
    let has_energy = run.records.iter().any(is_powered);
    if has_energy {
        columns.extend(ENERGY_COLUMNS.map(str::to_owned));
    }
    let is_arriving = |r: &Record| r.outcome.as_ref().is_ok_and(|m| m.arrivals.is_some());
    let has_arrivals = run.records.iter().any(is_arriving);
    if has_arrivals {
        columns.extend(ARRIVAL_COLUMNS.map(str::to_owned));
    }
    columns.extend(["outcome", "digest", "replay"].map(str::to_owned));
    let mut table = Table { columns, rows: Vec::new() };
    for record in &run.records {
        let mut row = key_cells(run, record);
        match &record.outcome {
            Ok(m) => {
                let bound_ns = Some(m.bound_ns as f64).filter(|b| *b > 0.0);
                row.push(Cell::Time(m.makespan_ns));
                row.push(bound_ns.map_or(Cell::None, |_| Cell::Time(m.bound_ns)));
                let name = m.bound.filter(|_| bound_ns.is_some()).map(|b| b.to_string());
                row.push(name.map_or(Cell::None, Cell::text));
                row.push(Cell::real(bound_ns.map(|b| m.makespan_ns as f64 / b), 3));
                row.extend(energy_cells(m.energy.as_ref()).into_iter().filter(|_| has_energy));
                let arrivals = arrival_cells(m.arrivals.as_ref());
                row.extend(arrivals.into_iter().filter(|_| has_arrivals));
                row.push(Cell::text("finished"));
                row.push(Cell::Code(m.digest.clone()));
            }
            Err(error) => {
                row.extend([Cell::None, Cell::None, Cell::None, Cell::None]);
                row.extend(energy_cells(None).into_iter().filter(|_| has_energy));
                row.extend(arrival_cells(None).into_iter().filter(|_| has_arrivals));
                row.push(Cell::text(&error.kind));
                row.push(Cell::None);
            }
        }
        row.push(Cell::Code(record.replay.clone()));
        table.push(row);
    }
    table
}

/// Where the run was made, and how to make it again.
pub fn provenance(run: &Run, boards: &[Board]) -> Markup {
    let cells = cells(run);
    let labels = boards.iter().flat_map(|b| b.rows.iter().map(|r| r.label.as_str()));
    let mut order: Vec<&str> = Vec::new();
    for label in labels {
        if !order.contains(&label) {
            order.push(label);
        }
    }
    let share = SHOWN_REPLAYS / order.len().max(1);
    html! {
        section.figure id="provenance" {
            h2 { a href="#provenance" { "Where does this come from, and how is it run again?" } }
            p.answer {
                "Run all of it again with "
                code { (printable(&format!("windtunnel run {}", run.manifest.spec_path))) }
                ", or one cell with the command in its row below."
            }
            table.facts {
                tr { th scope="row" { "experiment" } td { (printable(&run.manifest.name)) } }
                tr {
                    th scope="row" { "digest of the experiment" }
                    td { code { (printable(&run.manifest.spec_digest)) } }
                }
                tr {
                    th scope="row" { "cells" }
                    td { (run.records.len()) " of " (run.manifest.cells) }
                }
                @for (label, value) in &run.manifest.provenance {
                    tr {
                        th scope="row" { (printable(&fact_name(label))) }
                        td { (printable(&fact(label, value))) }
                    }
                }
            }
            details {
                summary { "The experiment as it was read: " (printable(&run.manifest.spec_path)) }
                pre { (printable_lines(head(&run.manifest.spec_text))) }
            }
            @for label in order {
                @let own = of_scheduler(&cells, label);
                details {
                    summary { "Cells of " strong { (printable(label)) } " and the commands that replay them (" (own.rows.len()) ")" }
                    (own.html(share))
                }
            }
            footer { p.meta { (super::figure::download(&cells, "cells")) } }
        }
    }
}

/// `memory_bytes` is `memory` to people, who are shown a unit.
fn fact_name(label: &str) -> String {
    label.trim_end_matches("_bytes").replace('_', " ")
}

fn fact(label: &str, value: &str) -> String {
    match value.parse() {
        Ok(bytes) if label.ends_with("_bytes") => size(bytes),
        _ => value.to_owned(),
    }
}

fn of_scheduler(cells: &Table, label: &str) -> Table {
    let own = cells.rows.iter().filter(|row| row[0] == Cell::text(label));
    // The label stands above the table.
    let rest = |row: &Vec<Cell>| row[1..].to_vec();
    Table { columns: cells.columns[1..].to_vec(), rows: own.map(rest).collect() }
}

/// The beginning of a text, cut between characters.
fn head(text: &str) -> &str {
    let mut end = SHOWN_SPEC.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
