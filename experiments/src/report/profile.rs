//! Performance profiles (Dolan and Moré, 2002): the share of cells that a scheduler solves within
//! a factor of the best, and of the lower bound.

use super::board::Board;
use super::chart;
use super::figure::{Figure, TableView};
use super::grid::{Grid, Meeting};
use super::stats::quantile;
use super::style::Style;
use super::table::{Cell, Table};
use plotly::common::{Line, LineShape, Mode};
use plotly::{Plot, Scatter};

/// Most steps of a curve; longer ones are thinned evenly.
const MAX_STEPS: usize = 300;
const HEIGHT_PX: usize = 470;
/// Ratios above this are beyond the axis.
const MAX_RATIO: f64 = 64.0;

/// Sorted logarithms of a scheduler's ratios, and in how many meetings it took part.
struct Curve {
    logs: Vec<f64>,
    meetings: usize,
}

impl Curve {
    fn new(
        grid: &Grid<'_>,
        scheduler: usize,
        log: impl Fn(&Meeting<'_>, usize) -> Option<f64>,
    ) -> Self {
        let took_part = |m: &&Meeting<'_>| !m.entries[scheduler].records.is_empty();
        let meetings = grid.meetings.iter().filter(took_part).count();
        let mut logs: Vec<f64> = grid.meetings.iter().filter_map(|m| log(m, scheduler)).collect();
        logs.sort_by(f64::total_cmp);
        Self { logs, meetings }
    }

    /// Share of meetings within a ratio.
    fn within(&self, ratio: f64) -> f64 {
        let limit = libm::log(ratio) + 1e-9;
        self.logs.partition_point(|l| *l <= limit) as f64 / self.meetings.max(1) as f64
    }

    /// Corners of the curve: base-2 logarithms and shares.
    fn steps(&self, most_log2: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut x, mut y) = (vec![0.0], vec![self.within(1.0)]);
        let stride = self.logs.len().div_ceil(MAX_STEPS).max(1);
        for (at, log) in self.logs.iter().enumerate() {
            let is_kept = (at + 1) % stride == 0 || at + 1 == self.logs.len();
            let log2 = log / std::f64::consts::LN_2;
            if is_kept && log2 > 0.0 && log2 <= most_log2 {
                x.push(chart::short(log2));
                y.push(chart::short((at + 1) as f64 / self.meetings as f64));
            }
        }
        x.push(chart::short(most_log2));
        y.push(y[y.len() - 1]);
        (x, y)
    }
}

/// The figure; `None` with fewer than two schedulers.
pub fn figure(grid: &Grid<'_>, board: &Board) -> Option<Figure> {
    if board.rows.len() < 2 {
        return None;
    }
    let order: Vec<usize> = board.rows.iter().map(|r| r.scheduler).collect();
    let curves = |log: fn(&Meeting<'_>, usize) -> Option<f64>| -> Vec<Curve> {
        order.iter().map(|s| Curve::new(grid, *s, log)).collect()
    };
    let best = curves(|m, s| m.log_over_best(s));
    let bound = curves(|m, s| m.log_over_bound(s));
    let mut plot = Plot::new();
    let mut layout = chart::layout(chart::legend_below(HEIGHT_PX))
        .y_axis(chart::axis("share of cells").range(vec![-0.02, 1.03]).tick_format(".0%"));
    for (at, (curves, title)) in
        [(&best, "makespan / best makespan"), (&bound, "makespan / lower bound")].iter().enumerate()
    {
        let most = widest(curves);
        let (values, texts) = chart::ratio_ticks(most);
        let domain = if at == 0 { [0.0, 0.47] } else { [0.53, 1.0] };
        let most_log2 = libm::log2(most);
        let axis = chart::axis(title)
            .domain(&domain)
            .range(vec![-0.01 * most_log2, most_log2])
            .tick_values(values)
            .tick_text(texts);
        layout = if at == 0 { layout.x_axis(axis) } else { layout.x_axis2(axis) };
        for (curve, row) in curves.iter().zip(&board.rows) {
            let style = Style::of(row.scheduler);
            let (x, y) = curve.steps(most_log2);
            let line = Line::new().color(style.colour).dash(style.dash()).width(2.0);
            let scatter = Scatter::new(x, y)
                .name(chart::safe(&row.label))
                .legend_group(format!("s{}", row.scheduler))
                .show_legend(at == 0)
                .mode(Mode::Lines)
                .x_axis(if at == 0 { "x" } else { "x2" })
                .line(line.shape(LineShape::Hv));
            plot.add_trace(scatter);
        }
    }
    plot.set_layout(layout);
    Some(Figure {
        anchor: "performance-profile".to_owned(),
        question: "How often is each scheduler close to the best?".to_owned(),
        answer: answer(board, &best),
        n: format!("{} cells per scheduler", board.meetings),
        body: chart::inline(plot, "performance-profile", HEIGHT_PX),
        note: Some(
            "A point says on which share of cells (instances times seeds) the makespan is at most \
             that many times the best one (left) or the lower bound (right). Higher is better; a \
             failed cell is never reached. The left curves depend on who else competes, the right \
             ones do not. Logarithmic axes to base 2."
                .to_owned(),
        ),
        table: table(board, &best, &bound),
        table_view: TableView::Folded,
    })
}

/// The axis ends where the slowest curve has 98 % of its steps, at least at 1.1.
fn widest(curves: &[Curve]) -> f64 {
    let ends = curves.iter().filter_map(|c| quantile(&c.logs, 0.98));
    let most = libm::exp(ends.fold(0.0, f64::max));
    (most * 1.02).clamp(1.1, MAX_RATIO)
}

fn answer(board: &Board, best: &[Curve]) -> String {
    let share = |curve: &Curve, ratio: f64| format!("{:.0} %", curve.within(ratio) * 100.0);
    let most_often = best.iter().zip(&board.rows).max_by(|a, b| {
        // Of equals the better ranked.
        a.0.within(1.05).total_cmp(&b.0.within(1.05)).then(b.1.rank.cmp(&a.1.rank))
    });
    most_often.map_or(String::new(), |(curve, row)| {
        format!(
            "{} is within 5 % of the best on {} of the cells and has the best makespan on {}.",
            row.label,
            share(curve, 1.05),
            share(curve, 1.0)
        )
    })
}

fn table(board: &Board, best: &[Curve], bound: &[Curve]) -> Table {
    let mut table = Table::new(&[
        "scheduler",
        "cells",
        "best (%)",
        "within 5 % of best (%)",
        "within 25 % of best (%)",
        "within 2x of best (%)",
        "within 1.25x of bound (%)",
        "within 2x of bound (%)",
    ]);
    for ((best, bound), row) in best.iter().zip(bound).zip(&board.rows) {
        let share = |curve: &Curve, ratio| Cell::Real(100.0 * curve.within(ratio), 1);
        table.push(vec![
            Cell::text(&row.label),
            Cell::Count(best.meetings as u64),
            share(best, 1.0),
            share(best, 1.05),
            share(best, 1.25),
            share(best, 2.0),
            share(bound, 1.25),
            share(bound, 2.0),
        ]);
    }
    table
}
