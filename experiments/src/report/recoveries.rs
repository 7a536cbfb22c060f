//! What runs lost to disturbances, and what it took to make it good.

use super::facts::{key_cells, key_columns};
use super::figure::{Figure, TableView};
use super::shares;
use super::table::{Cell, Table};
use super::verdict::count;
use crate::record::{LossMetrics, Record};
use crate::store::Run;
use maud::html;

/// A table of more rows is folded.
const MAX_OPEN: usize = 30;

/// One row per run in which something went wrong; `None` where nothing did.
pub fn figure(run: &Run) -> Option<Figure> {
    let mut columns = key_columns(run);
    columns.extend(COLUMNS.map(str::to_owned));
    let mut table = Table { columns, rows: Vec::new() };
    let mut wasted: Vec<(&str, Vec<f64>)> = Vec::new();
    for record in &run.records {
        let Some((losses, share)) = losses(record) else { continue };
        let mut row = key_cells(run, record);
        row.extend(cells(losses, share));
        table.push(row);
        let of = record.key.scheduler.as_str();
        match wasted.iter_mut().find(|w| w.0 == of) {
            Some(known) => known.1.push(share),
            None => wasted.push((of, vec![share])),
        }
    }
    if table.rows.is_empty() {
        return None;
    }
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len() as f64;
    let mut means: Vec<(f64, &str)> =
        wasted.iter().map(|(of, shares)| (mean(shares), *of)).collect();
    means.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let answer = match means.as_slice() {
        [(least, who), .., (most, other)] => format!(
            "Lost attempts and work done again took {} of the lanes' time under {who}, {} under \
             {other} (means).",
            percent(*least),
            percent(*most)
        ),
        [(only, who)] => format!(
            "Lost attempts and work done again took {} of the lanes' time under {who} (mean).",
            percent(*only)
        ),
        [] => String::new(),
    };
    let n = count(table.rows.len(), "disturbed run");
    let table_view = if table.rows.len() > MAX_OPEN { TableView::Folded } else { TableView::Open };
    Some(Figure {
        anchor: "recoveries".to_owned(),
        question: "What was lost, and what did it take to make it good?".to_owned(),
        answer,
        n,
        body: html! {},
        note: Some(
            "An attempt is lost with its device, by a failure of its own (then it is tried again), \
             or when what it updates is taken back. Work done again had finished before; its depth is \
             the longest chain of such tasks that depend on each other. The share is of the time of \
             all lanes."
                .to_owned(),
        ),
        table,
        table_view,
    })
}

const COLUMNS: [&str; 9] = [
    "devices lost",
    "link changes",
    "attempts lost",
    "retries",
    "transfers cut off",
    "recoveries",
    "tasks redone",
    "lineage depth",
    "lost and redone (%)",
];

fn cells(losses: &LossMetrics, share: f64) -> [Cell; 9] {
    [
        Cell::Count(losses.outages),
        Cell::Count(losses.link_changes),
        Cell::Count(losses.lost_attempts),
        Cell::Count(losses.retries),
        Cell::Count(losses.cut_transfers),
        Cell::Count(losses.recoveries),
        Cell::Count(losses.redone_tasks),
        Cell::Count(losses.lineage_depth),
        Cell::Real(100.0 * share, 2),
    ]
}

/// What a run lost, and which part of the lanes' time went into lost attempts and into what had
/// to be done once more.
fn losses(record: &Record) -> Option<(&LossMetrics, f64)> {
    let metrics = record.outcome.as_ref().ok()?;
    let losses = metrics.losses.as_ref()?;
    // Makespan times lanes is the sum of all parts.
    let all_ns: u64 = shares::parts(&metrics.time).iter().sum();
    let wasted_ns = losses.lost_ns + losses.redone_ns;
    let share = if all_ns == 0 { 0.0 } else { wasted_ns as f64 / all_ns as f64 };
    Some((losses, share))
}
