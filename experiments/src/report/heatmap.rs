//! Scheduler by workload, and by anything else that varies: a table whose cells are coloured.
//!
//! A table rather than a picture, so that every number can be read, copied and found, with scripts
//! off too.

use super::axis::by_size;
use super::board::Board;
use super::figure::{Figure, TableView};
use super::grid::{Grid, Meeting, NOT_APPLICABLE};
use super::stats::nested_mean;
use super::style::Style;
use super::table::{Cell, Table};
use crate::shown::printable;
use maud::{Markup, html};

/// Workloads above this number are shown by family.
const MAX_ROWS: usize = 60;

/// The most rows of which the answer names every best scheduler.
const MAX_NAMED: usize = 4;

/// What a row stands for.
#[derive(Clone, Copy)]
enum By {
    Workload,
    Family,
    Cluster,
    Axis(usize),
}

impl By {
    fn is_axis(self) -> bool {
        matches!(self, Self::Axis(_))
    }

    fn head(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Family => "family",
            Self::Cluster => "cluster",
            Self::Axis(_) => "value",
        }
    }

    fn key<'g>(self, grid: &'g Grid<'_>, meeting: &Meeting<'_>) -> &'g str {
        let instance = &grid.instances[meeting.instance];
        match self {
            Self::Workload => &instance.workload,
            Self::Family => grid.families[meeting.instance],
            Self::Cluster => &instance.cluster,
            Self::Axis(at) => instance.axes.get(at).map_or("", String::as_str),
        }
    }

    /// The different keys, in the order of the records; numbers by size. Cells of grids that do not
    /// vary an axis say nothing about it.
    fn keys<'g>(self, grid: &'g Grid<'_>) -> Vec<&'g str> {
        let mut keys: Vec<&str> = grid.meetings.iter().map(|m| self.key(grid, m)).collect();
        keys.retain(|key| !self.is_axis() || *key != NOT_APPLICABLE);
        keys.sort_by(|a, b| by_size(a, b));
        keys.dedup();
        keys
    }
}

/// A coloured cell.
struct Square {
    /// Geometric mean of makespan over the best of the meeting.
    ratio: Option<f64>,
    failed: usize,
    cells: usize,
}

/// One figure for the workloads, one for the clusters and for each axis of which there are several.
pub fn figures(grid: &Grid<'_>, board: &Board, axes: &[String]) -> Vec<Figure> {
    if board.rows.len() < 2 {
        return Vec::new();
    }
    let is_many = By::Workload.keys(grid).len() > MAX_ROWS;
    let by = if is_many { By::Family } else { By::Workload };
    let question = "Which scheduler suits which workload?".to_owned();
    let mut figures = vec![figure(grid, board, by, by.head(), ("workloads".to_owned(), question))];
    if By::Cluster.keys(grid).len() > 1 {
        let question = "Does the order depend on the cluster?".to_owned();
        let by = By::Cluster;
        figures.push(figure(grid, board, by, by.head(), ("clusters".to_owned(), question)));
    }
    for (at, name) in axes.iter().enumerate() {
        if By::Axis(at).keys(grid).len() > 1 {
            let question = format!("Does the order depend on {name}?");
            let anchor = format!("axis-{}", at + 1);
            figures.push(figure(grid, board, By::Axis(at), name, (anchor, question)));
        }
    }
    figures
}

fn figure(
    grid: &Grid<'_>,
    board: &Board,
    by: By,
    head: &str,
    (anchor, question): (String, String),
) -> Figure {
    let keys = by.keys(grid);
    let squares: Vec<Vec<Square>> = keys
        .iter()
        .map(|key| board.rows.iter().map(|r| square(grid, by, key, r.scheduler)).collect())
        .collect();
    let ratios = squares.iter().flatten().filter_map(|s| s.ratio);
    let darkest = ratios.fold(1.1, f64::max).min(4.0);
    let cells = |row: &Vec<Square>| row.iter().map(|s| s.cells).max().unwrap_or(0);
    let cells: usize = squares.iter().map(cells).sum();
    Figure {
        answer: answer(by, head, &keys, &squares, board),
        n: format!("{cells} cells per scheduler"),
        body: body(head, &keys, &squares, board, darkest),
        note: Some(note(by, darkest)),
        table: table(by.head(), &keys, &squares, board),
        table_view: TableView::Hidden,
        anchor,
        question,
    }
}

fn note(by: By, darkest: f64) -> String {
    let scale = format!("The colour goes from 1 (none) to {darkest:.2} or more.");
    match by {
        By::Cluster | By::Axis(_) => format!("Cells as in the figure above. {scale}"),
        By::Workload | By::Family => format!(
            "Geometric mean of makespan over the shortest makespan of the same instance and seed; \
             1 is best, in bold the best of each row. {scale} A count after a cross says how many \
             cells failed; they are not in the mean."
        ),
    }
}

fn square(grid: &Grid<'_>, by: By, key: &str, scheduler: usize) -> Square {
    let is_here = |m: &Meeting<'_>| by.key(grid, m) == key;
    let logs = grid.by_instance(|m| is_here(m).then(|| m.log_over_best(scheduler))?);
    let here = || grid.meetings.iter().filter(|m| is_here(m)).map(|m| &m.entries[scheduler]);
    Square {
        ratio: nested_mean(&logs).map(libm::exp),
        failed: here().filter(|e| e.failure().is_some()).count(),
        cells: here().filter(|e| !e.records.is_empty()).count(),
    }
}

fn best(row: &[Square]) -> Option<f64> {
    row.iter().filter(|s| s.failed == 0).filter_map(|s| s.ratio).min_by(f64::total_cmp)
}

fn is_best(square: &Square, row: &[Square]) -> bool {
    let best = best(row).unwrap_or(0.0);
    square.failed == 0 && square.ratio.is_some_and(|r| r <= best * (1.0 + 1e-9))
}

fn answer(by: By, what: &str, keys: &[&str], squares: &[Vec<Square>], board: &Board) -> String {
    let finished = squares.iter().all(|row| best(row).is_some());
    if finished && keys.len() <= MAX_NAMED {
        let first = if by.is_axis() { format!("With {what}") } else { "On".to_owned() };
        let later = if by.is_axis() { "with" } else { "on" };
        let words = std::iter::once(first.as_str()).chain(std::iter::repeat(later));
        let rows = words.zip(keys).zip(squares);
        let named = rows.map(|((word, key), row)| format!("{word} {key}: {}", winner(row, board)));
        return named.collect::<Vec<_>>().join("; ") + ".";
    }
    let mut firsts = vec![0; board.rows.len()];
    for row in squares {
        for (count, square) in firsts.iter_mut().zip(row) {
            *count += usize::from(is_best(square, row));
        }
    }
    let mut order: Vec<usize> = (0..firsts.len()).filter(|i| firsts[*i] > 0).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(firsts[*i]), *i));
    let Some((first, others)) = order.split_first() else {
        return "No scheduler finished all cells of a row.".to_owned();
    };
    let of = super::verdict::count(squares.len(), what);
    let mut text =
        format!("The best scheduler is {} on {} of {of}", board.rows[*first].label, firsts[*first]);
    for i in others.iter().take(3) {
        text += &format!(", {} on {}", board.rows[*i].label, firsts[*i]);
    }
    if others.len() > 3 {
        let rest = super::verdict::count(others.len() - 3, "other");
        text += &format!(", and one of {rest} elsewhere");
    }
    text + "; ties count for each."
}

/// Who is best in a row, and by how much.
fn winner(row: &[Square], board: &Board) -> String {
    let (mut firsts, mut second) = (Vec::new(), None::<(f64, &str)>);
    for (square, scheduler) in row.iter().zip(&board.rows) {
        if is_best(square, row) {
            firsts.push(scheduler.label.as_str());
        } else if square.failed == 0
            && let Some(ratio) = square.ratio
            && second.is_none_or(|s| ratio < s.0)
        {
            second = Some((ratio, &scheduler.label));
        }
    }
    let lead = match (second, best(row)) {
        (Some((ratio, label)), Some(best)) => {
            format!(" ({label} takes {:.1} % longer)", (ratio / best - 1.0) * 100.0)
        }
        _ => String::new(),
    };
    match firsts.len() {
        1..=3 => firsts.join(" and ") + &lead,
        ties => format!("{ties} schedulers alike{lead}"),
    }
}

fn body(head: &str, keys: &[&str], squares: &[Vec<Square>], board: &Board, darkest: f64) -> Markup {
    html! {
        div.scroll {
            table.heatmap {
                thead { tr {
                    th scope="col" { (head) }
                    @for row in &board.rows {
                        th.num scope="col" {
                            @let colour = Style::of(row.scheduler).colour;
                            span.swatch style=(format!("background:{colour}")) {}
                            (printable(&row.label))
                        }
                    }
                } }
                tbody {
                    @for (key, row) in keys.iter().zip(squares) {
                        tr {
                            th scope="row" { (printable(key)) }
                            @for square in row {
                                (square_html(square, is_best(square, row), darkest))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn square_html(square: &Square, is_best: bool, darkest: f64) -> Markup {
    let strength = square
        .ratio
        .map_or(0.0, |r| (libm::log(r) / libm::log(darkest) * 100.0).clamp(0.0, 100.0).round());
    html! {
        td.num.best[is_best] style=(format!("--heat:{strength}%")) {
            @match square.ratio {
                Some(ratio) => (format!("{ratio:.2}")),
                None => "–",
            }
            @if square.failed > 0 { span.failed { " ✗" (square.failed) } }
        }
    }
}

fn table(head: &str, keys: &[&str], squares: &[Vec<Square>], board: &Board) -> Table {
    let mut table = Table::new(&[head, "scheduler", "makespan / best", "cells", "failed"]);
    for (key, row) in keys.iter().zip(squares) {
        for (square, scheduler) in row.iter().zip(&board.rows) {
            table.push(vec![
                Cell::text(*key),
                Cell::text(&scheduler.label),
                Cell::real(square.ratio, 4),
                Cell::Count(square.cells as u64),
                Cell::Count(square.failed as u64),
            ]);
        }
    }
    table
}
