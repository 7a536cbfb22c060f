//! Quality against planning time: what a better schedule costs to find.

use super::board::{Board, Row};
use super::chart;
use super::figure::{Figure, TableView};
use super::style::Style;
use super::table::{Cell, Table};
use crate::shown::duration;
use plotly::common::{DashType, Line, LineShape, Marker, Mode, Position};
use plotly::layout::AxisType;
use plotly::{Plot, Scatter};

const HEIGHT_PX: usize = 420;

/// A scheduler with both figures.
struct Point<'b> {
    row: &'b Row,
    planning_ns: f64,
    over_best: f64,
    is_on_front: bool,
}

/// The figure; `None` with fewer than two schedulers that finished something.
pub fn figure(board: &Board) -> Option<Figure> {
    let points = points(board);
    if points.len() < 2 {
        return None;
    }
    Some(Figure {
        anchor: "pareto".to_owned(),
        question: "What does a better schedule cost to find?".to_owned(),
        answer: answer(&points),
        n: format!("{} cells per scheduler", board.meetings),
        body: chart::inline(plot(&points), "pareto", HEIGHT_PX),
        note: Some(
            "Median processor time in the scheduler per run, all calls together, against the \
             geometric mean of makespan over the best of the cell. The grey line is the Pareto front: \
             nobody below it is quicker. Planning times depend on the machine that ran the \
             experiment. Both axes are logarithmic."
                .to_owned(),
        ),
        table: table(&points),
        table_view: TableView::Folded,
    })
}

/// By planning time; equal ones by quality.
fn points(board: &Board) -> Vec<Point<'_>> {
    let known = board.rows.iter().filter(|r| r.failed == 0).filter_map(|row| {
        let (planning_ns, over_best) = (row.planning_p50_ns?.max(1.0), row.over_best?);
        Some(Point { row, planning_ns, over_best, is_on_front: false })
    });
    let mut points: Vec<Point<'_>> = known.collect();
    points.sort_by(|a, b| {
        a.planning_ns.total_cmp(&b.planning_ns).then(a.over_best.total_cmp(&b.over_best))
    });
    let mut least = f64::INFINITY;
    for point in &mut points {
        point.is_on_front = point.over_best < least;
        least = least.min(point.over_best);
    }
    points
}

fn answer(points: &[Point<'_>]) -> String {
    let front: Vec<String> = points
        .iter()
        .filter(|p| p.is_on_front)
        .map(|p| {
            let time = duration(p.planning_ns as u64);
            format!(
                "{} ({time}, {} over the best)",
                p.row.label,
                super::verdict::percent(p.over_best)
            )
        })
        .collect();
    match front.as_slice() {
        [one] => format!("{one} is both quickest and best: nothing else is on the front."),
        many => format!("Worth their time, from quick to good: {}.", many.join(", ")),
    }
}

fn plot(points: &[Point<'_>]) -> Plot {
    let mut plot = Plot::new();
    let front = points.iter().filter(|p| p.is_on_front);
    let (x, y): (Vec<f64>, Vec<f64>) =
        front.map(|p| (chart::short(p.planning_ns / 1e3), chart::short(p.over_best))).unzip();
    let line = Line::new().color("#8a929b").dash(DashType::Dot).width(1.5).shape(LineShape::Hv);
    plot.add_trace(
        Scatter::new(x, y).name("front").mode(Mode::Lines).line(line).show_legend(false),
    );
    // Neighbours are labelled above and below in turn, so that fewer labels overlap.
    for (at, point) in points.iter().enumerate() {
        let place = if at % 2 == 0 { Position::TopCenter } else { Position::BottomCenter };
        let style = Style::of(point.row.scheduler);
        let (x, y) = (chart::short(point.planning_ns / 1e3), chart::short(point.over_best));
        let label = chart::safe(&point.row.label);
        plot.add_trace(
            Scatter::new(vec![x], vec![y])
                .name(&label)
                .text(&label)
                .text_position(place)
                .mode(Mode::MarkersText)
                .marker(Marker::new().size(11).color(style.colour))
                .show_legend(false),
        );
    }
    let x = chart::axis("planning time per run (us)").type_(AxisType::Log);
    let y = chart::axis("makespan / best makespan").type_(AxisType::Log);
    plot.set_layout(chart::layout(chart::legend_below(HEIGHT_PX)).x_axis(x).y_axis(y));
    plot
}

fn table(points: &[Point<'_>]) -> Table {
    let columns = ["scheduler", "planning p50 (ns)", "makespan / best", "on the front"];
    let mut table = Table::new(&columns);
    for point in points {
        table.push(vec![
            Cell::text(&point.row.label),
            Cell::Time(point.planning_ns as u64),
            Cell::Real(point.over_best, 4),
            Cell::text(if point.is_on_front { "yes" } else { "no" }),
        ]);
    }
    table
}
