//! How graphs that arrived over time fared under each scheduler.

use super::board::{Board, Row};
use super::chart;
use super::figure::{Figure, TableView};
use super::grid::Grid;
use super::stats::{mean, quantile};
use super::style::Style;
use super::table::{Cell, Table};
use super::verdict::count;
use crate::record::{ArrivalMetrics, GraphMetrics};
use plotly::common::{Marker, Orientation};
use plotly::layout::AxisType;
use plotly::{BoxPlot, Plot};

/// Most values of a box; more are thinned to evenly spaced quantiles, both ends kept.
const MAX_VALUES: usize = 400;

/// Marks of the axis.
const TICKS: [f64; 16] =
    [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4];

/// A scheduler's graphs over all cells.
struct Fared {
    flows_ns: Vec<f64>,
    slowdowns: Vec<f64>,
    stretches: Vec<f64>,
    /// By cell.
    fairness: Vec<f64>,
    max_stretches: Vec<f64>,
}

/// The figure; `None` where nothing arrived.
pub fn figure(grid: &Grid<'_>, board: &Board) -> Option<Figure> {
    let fared: Vec<Fared> = board.rows.iter().map(|row| fared(grid, row.scheduler)).collect();
    let graphs = fared.iter().map(|f| f.flows_ns.len()).max().filter(|n| *n > 0)?;
    let height_px = 130 + 34 * board.rows.len();
    let mut plot = Plot::new();
    for (row, fared) in board.rows.iter().zip(&fared) {
        let values = thinned(&fared.slowdowns);
        let names = vec![chart::safe(&row.label); values.len()];
        let style = Style::of(row.scheduler);
        plot.add_trace(
            BoxPlot::new_xy(values, names)
                .name(chart::safe(&row.label))
                .orientation(Orientation::Horizontal)
                .show_legend(false)
                .marker(Marker::new().color(style.colour)),
        );
    }
    let last = board.rows.len() as f64 - 0.4;
    plot.set_layout(
        chart::layout(chart::legend_below(height_px))
            .x_axis(
                chart::axis("slowdown: flow time / makespan alone")
                    .type_(AxisType::Log)
                    .tick_values(TICKS.to_vec()),
            )
            .y_axis(chart::axis("").range(vec![last, -0.6])),
    );
    Some(Figure {
        anchor: "arrivals".to_owned(),
        question: "How long do graphs wait for each other?".to_owned(),
        answer: answer(board, &fared),
        n: format!("{} per scheduler", count(graphs, "graph")),
        body: chart::inline(plot, "arrivals", height_px),
        note: Some(
            "Flow time: from a graph's arrival to its last result. Slowdown: flow time over the \
             graph's makespan alone under the same scheduler, undisturbed. Stretch: flow time over \
             a lower bound on the graph alone, the same for all schedulers. Fairness: Jain's index \
             of the slowdowns of a cell, 1 when all graphs are slowed down alike; the table has its \
             mean over cells. Boxes are from the first to the third quartile, on a logarithmic axis."
                .to_owned(),
        ),
        table: table(board, &fared),
        table_view: TableView::Open,
    })
}

fn fared(grid: &Grid<'_>, scheduler: usize) -> Fared {
    let entries = grid.meetings.iter().map(|m| &m.entries[scheduler]);
    let cells: Vec<&ArrivalMetrics> =
        entries.flat_map(|e| e.finished()).filter_map(|m| m.arrivals.as_ref()).collect();
    let sorted = |of: &dyn Fn(&GraphMetrics) -> Option<f64>| {
        let all = cells.iter().flat_map(|cell| &cell.graphs).filter_map(of);
        let mut all: Vec<f64> = all.collect();
        all.sort_by(f64::total_cmp);
        all
    };
    Fared {
        flows_ns: sorted(&|g| Some(g.flow_ns as f64)),
        slowdowns: sorted(&GraphMetrics::slowdown),
        stretches: sorted(&GraphMetrics::stretch),
        fairness: cells.iter().filter_map(|cell| cell.fairness).collect(),
        max_stretches: cells.iter().filter_map(|cell| cell.max_stretch).collect(),
    }
}

fn thinned(sorted: &[f64]) -> Vec<f64> {
    let most = sorted.len().min(MAX_VALUES);
    let at = |i: usize| quantile(sorted, i as f64 / (most - 1).max(1) as f64);
    (0..most).filter_map(at).map(chart::short).collect()
}

fn answer(board: &Board, fared: &[Fared]) -> String {
    let least = |of: &dyn Fn(&Fared) -> Option<f64>| -> Option<(&Row, f64)> {
        let known = board.rows.iter().zip(fared).filter_map(|(row, f)| Some((row, of(f)?)));
        // Of equals the better ranked.
        known.min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.rank.cmp(&b.0.rank)))
    };
    let flow = least(&|f| mean(&f.flows_ns));
    let fair = least(&|f| mean(&f.fairness).map(|index| -index));
    match (flow, fair) {
        (Some((quick, ns)), Some((fair, index))) => format!(
            "Graphs are done soonest after their arrival under {} (mean flow time {}); {} slows \
             them down most alike (Jain's index {:.3}).",
            quick.label,
            crate::shown::duration(ns as u64),
            if fair.label == quick.label { "it also" } else { &fair.label },
            -index
        ),
        (Some((quick, ns)), None) => format!(
            "Graphs are done soonest after their arrival under {} (mean flow time {}).",
            quick.label,
            crate::shown::duration(ns as u64)
        ),
        _ => String::new(),
    }
}

fn table(board: &Board, fared: &[Fared]) -> Table {
    let mut table = Table::new(&[
        "scheduler",
        "graphs",
        "mean flow (ns)",
        "95 % flow (ns)",
        "longest flow (ns)",
        "mean slowdown",
        "median slowdown",
        "largest slowdown",
        "mean stretch",
        "largest stretch",
        "mean of cells' largest stretch",
        "fairness",
    ]);
    let time = |ns: Option<f64>| ns.map_or(Cell::None, |ns| Cell::Time(ns as u64));
    for (row, f) in board.rows.iter().zip(fared) {
        table.push(vec![
            Cell::text(&row.label),
            Cell::Count(f.flows_ns.len() as u64),
            time(mean(&f.flows_ns)),
            time(quantile(&f.flows_ns, 0.95)),
            time(f.flows_ns.last().copied()),
            Cell::real(mean(&f.slowdowns), 3),
            Cell::real(quantile(&f.slowdowns, 0.5), 3),
            Cell::real(f.slowdowns.last().copied(), 3),
            Cell::real(mean(&f.stretches), 3),
            Cell::real(f.stretches.last().copied(), 3),
            Cell::real(mean(&f.max_stretches), 3),
            Cell::real(mean(&f.fairness), 3),
        ]);
    }
    table
}
