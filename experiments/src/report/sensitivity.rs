//! What an axis does to every scheduler: one line each, crossings named.

use super::board::Board;
use super::figure::{Figure, TableView};
use super::grid::{Grid, Meeting, NOT_APPLICABLE};
use super::stats::{Interval, bootstrap, nested_mean};
use super::style::Style;
use super::table::{Cell, Table};
use super::{axis, chart};
use plotly::common::{Line, Mode};
use plotly::layout::AxisType;
use plotly::{Plot, Scatter};

const HEIGHT_PX: usize = 420;

/// A scheduler at a value of the axis.
struct Point {
    /// Geometric mean of makespan over the lower bound.
    over_bound: Option<f64>,
    interval: Option<Interval>,
    failed: usize,
}

/// The points of an axis: by value, then in the order of the board's rows.
struct Lines<'g> {
    name: &'g str,
    values: Vec<&'g str>,
    points: Vec<Vec<Point>>,
}

/// One figure for each axis with several values that have an order.
pub fn figures(grid: &Grid<'_>, board: &Board) -> Vec<Figure> {
    let axes = grid.axes.iter().enumerate();
    let lines = axes.filter_map(|(at, name)| Some((at, Lines::new(grid, board, at, name)?)));
    lines.map(|(at, lines)| figure(board, at, &lines)).collect()
}

impl<'g> Lines<'g> {
    fn new(grid: &'g Grid<'_>, board: &Board, at: usize, name: &'g str) -> Option<Self> {
        let value = |m: &Meeting<'_>| grid.instances[m.instance].axes.get(at).map(String::as_str);
        let mut values: Vec<&str> = grid.meetings.iter().filter_map(value).collect();
        values.retain(|v| *v != NOT_APPLICABLE);
        values.sort_by(|a, b| axis::by_size(a, b));
        values.dedup();
        if values.len() < 2 || !axis::is_ordered(&values) {
            return None;
        }
        let row = |here: &&str| -> Vec<Point> {
            let is_here = |m: &Meeting<'_>| value(m) == Some(*here);
            board.rows.iter().map(|r| point(grid, &is_here, r.scheduler, name, here)).collect()
        };
        let points = values.iter().map(row).collect();
        Some(Self { name, values, points })
    }

    /// The row of the board that has the least mean at a value, failures counting against it.
    fn best(&self, value: usize) -> Option<usize> {
        let ranked = self.points[value].iter().enumerate();
        let means =
            ranked.filter(|(_, p)| p.failed == 0).filter_map(|(i, p)| Some((i, p.over_bound?)));
        means.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }
}

fn point(
    grid: &Grid<'_>,
    is_here: &dyn Fn(&Meeting<'_>) -> bool,
    scheduler: usize,
    name: &str,
    value: &str,
) -> Point {
    let logs = grid.by_instance(|m| is_here(m).then(|| m.log_over_bound(scheduler))?);
    let label = grid.schedulers[scheduler];
    let stream = format!("sensitivity/{}/{name}/{value}/{label}", grid.backend);
    let entries = grid.meetings.iter().filter(|m| is_here(m)).map(|m| &m.entries[scheduler]);
    Point {
        over_bound: nested_mean(&logs).map(libm::exp),
        interval: bootstrap(&logs, &stream).map(|i| i.map(libm::exp)),
        failed: entries.filter(|e| e.failure().is_some()).count(),
    }
}

fn figure(board: &Board, at: usize, lines: &Lines<'_>) -> Figure {
    let anchor = format!("sensitivity-{}", at + 1);
    Figure {
        question: format!("What does {} do to whom?", lines.name),
        answer: answer(board, lines),
        n: format!("{} cells per scheduler", board.meetings),
        body: chart::inline(plot(board, lines), &anchor, HEIGHT_PX),
        note: Some(
            "Geometric mean of makespan over the lower bound, over the instances with this value; \
             failed cells are not in it, the table counts them. Values are spaced evenly, the other \
             axis is logarithmic. Intervals, in the table, are of a bootstrap over instances."
                .to_owned(),
        ),
        table: table(board, lines),
        table_view: TableView::Folded,
        anchor,
    }
}

/// Who is best at which values, and whom the axis hurts most.
fn answer(board: &Board, lines: &Lines<'_>) -> String {
    let label = |row: usize| board.rows[row].label.as_str();
    let mut stretches: Vec<(usize, &str, &str)> = Vec::new();
    for (at, value) in lines.values.iter().enumerate() {
        let Some(best) = lines.best(at) else { continue };
        match stretches.last_mut() {
            Some(last) if last.0 == best => last.2 = value,
            _ => stretches.push((best, value, value)),
        }
    }
    let mut text = match stretches.as_slice() {
        [] => return "No scheduler finished all cells of any value.".to_owned(),
        [(best, ..)] => format!("{} is best at every value.", label(*best)),
        many => {
            let parts: Vec<String> = many
                .iter()
                .map(|(best, from, to)| match from == to {
                    true => format!("{} at {from}", label(*best)),
                    false => format!("{} from {from} to {to}", label(*best)),
                })
                .collect();
            format!("The best scheduler changes: {}.", parts.join(", "))
        }
    };
    let (first, last) = (&lines.points[0], &lines.points[lines.points.len() - 1]);
    let growth = |row: usize| Some(last[row].over_bound? / first[row].over_bound?);
    let hurt = (0..board.rows.len()).filter_map(|row| Some((row, growth(row)?)));
    let moved = |g: f64| libm::fabs(libm::log(g));
    if let Some((row, growth)) = hurt.max_by(|a, b| moved(a.1).total_cmp(&moved(b.1))) {
        text += &format!(
            " From {} to {} the makespan over the bound changes by a factor of {growth:.2} for {}, \
             the most of all.",
            lines.values[0],
            lines.values[lines.values.len() - 1],
            label(row),
        );
    }
    text
}

fn plot(board: &Board, lines: &Lines<'_>) -> Plot {
    let mut plot = Plot::new();
    for (at, row) in board.rows.iter().enumerate() {
        let style = Style::of(row.scheduler);
        let known = lines.points.iter().enumerate();
        let (x, y): (Vec<usize>, Vec<f64>) =
            known.filter_map(|(i, p)| Some((i, chart::short(p[at].over_bound?)))).unzip();
        plot.add_trace(
            Scatter::new(x, y)
                .name(chart::safe(&row.label))
                .mode(Mode::LinesMarkers)
                .line(Line::new().color(style.colour).dash(style.dash()).width(2.0)),
        );
    }
    let last = lines.values.len() - 1;
    let ticks: Vec<f64> = (0..=last).map(|i| i as f64).collect();
    let texts: Vec<String> = lines.values.iter().map(|v| chart::safe(v)).collect();
    let x = chart::axis(&chart::safe(lines.name))
        .range(vec![-0.1, last as f64 + 0.1])
        .tick_values(ticks)
        .tick_text(texts);
    let y = chart::axis("makespan / lower bound").type_(AxisType::Log);
    plot.set_layout(chart::layout(chart::legend_below(HEIGHT_PX)).x_axis(x).y_axis(y));
    plot
}

fn table(board: &Board, lines: &Lines<'_>) -> Table {
    let columns = [lines.name, "scheduler", "makespan / bound", "low", "high", "failed"];
    let mut table = Table::new(&columns);
    for (value, points) in lines.values.iter().zip(&lines.points) {
        for (point, row) in points.iter().zip(&board.rows) {
            table.push(vec![
                Cell::text(*value),
                Cell::text(&row.label),
                Cell::real(point.over_bound, 4),
                Cell::real(point.interval.map(|i| i.low), 4),
                Cell::real(point.interval.map(|i| i.high), 4),
                Cell::Count(point.failed as u64),
            ]);
        }
    }
    table
}
