//! Where the lanes' time went.

use super::board::Board;
use super::chart;
use super::figure::{Figure, TableView};
use super::grid::Grid;
use super::style::{COMPUTE, cause_colour};
use super::table::{Cell, Table};
use crate::metrics::Cause;
use crate::record::{Metrics, TimeShares};
use plotly::common::{Marker, Orientation};
use plotly::layout::{BarMode, TraceOrder};
use plotly::{Bar, Plot};

/// Compute and the causes of idling.
pub(super) const PARTS: usize = 1 + Cause::ALL.len();

/// A scheduler's lane time in units of lower bound times lanes: the sum over parts is the mean of
/// makespan over bound.
struct Bars {
    parts: [f64; PARTS],
    cells: usize,
}

/// The figure; `None` when no cell has a lower bound.
pub fn figure(grid: &Grid<'_>, board: &Board) -> Option<Figure> {
    let bars: Vec<Bars> = board.rows.iter().map(|row| bars(grid, row.scheduler)).collect();
    if bars.iter().all(|b| b.cells == 0) {
        return None;
    }
    let names: Vec<String> = board.rows.iter().map(|r| chart::safe(&r.label)).collect();
    let height_px = 160 + 34 * board.rows.len();
    let mut plot = Plot::new();
    add_parts(&mut plot, &names, "%{x:.3f}", |part| bars.iter().map(|b| b.parts[part]).collect());
    let last = board.rows.len() as f64 - 0.4;
    let y_axis = chart::axis("").range(vec![last, -0.6]);
    plot.set_layout(
        chart::layout(chart::legend_below(height_px).trace_order(TraceOrder::Normal))
            .bar_mode(BarMode::Stack)
            .bar_gap(0.28)
            .x_axis(chart::axis("lane time / (lower bound × lanes)"))
            .y_axis(y_axis),
    );
    let table = table(board, &bars);
    Some(Figure {
        anchor: "where-the-time-went".to_owned(),
        question: "Where did the lanes' time go?".to_owned(),
        answer: answer(board, &bars),
        n: format!("{} cells", bars.iter().map(|b| b.cells).sum::<usize>()),
        body: chart::inline(plot, "where-the-time-went", height_px),
        note: Some(
            "Every lane is at every moment busy or waiting; what it waits for is what its next \
             task lacks. In each run the parts add up to makespan times lanes, exactly. Here each \
             run is divided by its lower bound times lanes and averaged, so that a bar's length is \
             the arithmetic mean of makespan over bound."
                .to_owned(),
        ),
        table,
        table_view: TableView::Folded,
    })
}

/// Adds a row of bars for each part that any of the rows has.
pub(super) fn add_parts(
    plot: &mut Plot,
    names: &[String],
    format: &str,
    values: impl Fn(usize) -> Vec<f64>,
) {
    for part in 0..PARTS {
        let x: Vec<f64> = values(part).into_iter().map(chart::short).collect();
        if x.iter().all(|v| *v == 0.0) {
            continue;
        }
        let (name, colour) = look(part);
        plot.add_trace(
            Bar::new(x, names.to_vec())
                .name(name)
                .orientation(Orientation::Horizontal)
                .marker(Marker::new().color(colour))
                .hover_template(format!("%{{y}}: %{{fullData.name}} {format}<extra></extra>")),
        );
    }
}

pub(super) fn look(part: usize) -> (&'static str, &'static str) {
    match part.checked_sub(1) {
        None => ("compute", COMPUTE),
        Some(cause) => (Cause::ALL[cause].name(), cause_colour(Cause::ALL[cause])),
    }
}

pub(super) fn parts(shares: &TimeShares) -> [u64; PARTS] {
    let mut shares = *shares;
    let mut parts = [shares.compute_ns; PARTS];
    for (part, cause) in parts[1..].iter_mut().zip(Cause::ALL) {
        *part = *cause.share(&mut shares);
    }
    parts
}

fn bars(grid: &Grid<'_>, scheduler: usize) -> Bars {
    let mut bars = Bars { parts: [0.0; PARTS], cells: 0 };
    let entries = grid.meetings.iter().map(|m| &m.entries[scheduler]);
    for metrics in entries.flat_map(|e| e.finished()) {
        let Some(scaled) = scaled(metrics) else { continue };
        bars.parts.iter_mut().zip(scaled).for_each(|(sum, part)| *sum += part);
        bars.cells += 1;
    }
    bars.parts.iter_mut().for_each(|p| *p /= bars.cells.max(1) as f64);
    bars
}

fn scaled(metrics: &Metrics) -> Option<[f64; PARTS]> {
    let parts = parts(&metrics.time);
    let total: u64 = parts.iter().sum();
    if metrics.bound_ns == 0 || metrics.makespan_ns == 0 {
        return None;
    }
    // Makespan times lanes is the sum of all parts.
    let lanes = total as f64 / metrics.makespan_ns as f64;
    let unit = metrics.bound_ns as f64 * lanes;
    Some(parts.map(|p| p as f64 / unit))
}

fn answer(board: &Board, bars: &[Bars]) -> String {
    let (Some(first), Some(row)) = (bars.first(), board.rows.first()) else { return String::new() };
    let share = |bars: &Bars, part: usize| {
        100.0 * bars.parts[part] / bars.parts.iter().sum::<f64>().max(f64::MIN_POSITIVE)
    };
    let largest = |bars: &Bars| {
        let waits = (1..PARTS).max_by(|a, b| bars.parts[*a].total_cmp(&bars.parts[*b]));
        waits.map_or(String::new(), |p| match look(p).0 {
            "no work" => format!("having no work left ({:.0} %)", share(bars, p)),
            name => format!("{name} ({:.0} %)", share(bars, p)),
        })
    };
    let own = format!(
        "Under {} lanes compute {:.0} % of the time; most of their idle time is due to {}",
        row.label,
        share(first, 0),
        largest(first)
    );
    let total = |bars: &Bars| bars.parts.iter().sum::<f64>();
    let longest = board.rows.iter().zip(bars).max_by(|a, b| total(a.1).total_cmp(&total(b.1)));
    match longest.filter(|(slowest, _)| slowest.rank > 1) {
        Some((row, bars)) => format!(
            "{own}; under {}, whose bar is the longest, they compute {:.0} %, and most is due to {}.",
            row.label,
            share(bars, 0),
            largest(bars)
        ),
        None => own + ".",
    }
}

fn table(board: &Board, bars: &[Bars]) -> Table {
    let mut columns = vec!["scheduler", "cells", "sum"];
    columns.extend((0..PARTS).map(|p| look(p).0));
    let mut table = Table::new(&columns);
    for (row, bars) in board.rows.iter().zip(bars) {
        let mut cells = vec![
            Cell::text(&row.label),
            Cell::Count(bars.cells as u64),
            Cell::Real(bars.parts.iter().sum(), 3),
        ];
        cells.extend(bars.parts.iter().map(|p| Cell::Real(*p, 3)));
        table.push(cells);
    }
    table
}
