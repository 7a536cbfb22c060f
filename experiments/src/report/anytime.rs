//! Anytime curves: how fast planners that search get better, and how far they prove it.

use super::board::Board;
use super::chart;
use super::figure::{Figure, TableView};
use super::grid::{Entry, Grid};
use super::stats::{mean, median};
use super::style::Style;
use super::table::{Cell, Table};
use crate::record::Record;
use crate::store::Run;
use plotly::common::{DashType, Line, LineShape, Mode};
use plotly::layout::AxisType;
use plotly::{Plot, Scatter};
use runtime::Progress;
use runtime::planner::{EffortUnit, Step};

const HEIGHT_PX: usize = 440;
/// Points of a curve, evenly spaced on the logarithm of the effort.
const POINTS: usize = 120;

/// One plan of one cell.
struct Plan<'a> {
    progress: &'a Progress,
    /// The shortest makespan that any planner found for the same problem.
    reference_ns: f64,
    /// Wall time from the begin of planning until the incumbent was within 1 % of the last one.
    near_end_ns: Option<f64>,
}

/// All plans of a scheduler.
struct Plans<'a> {
    label: &'a str,
    style: Style,
    unit: EffortUnit,
    all: Vec<Plan<'a>>,
}

/// The figures, one per unit of effort; none where no scheduler reports what it found.
pub fn figures(run: &Run, grid: &Grid<'_>, board: &Board) -> Vec<Figure> {
    let plans: Vec<Plans<'_>> = board
        .rows
        .iter()
        .filter_map(|row| Plans::of(run, grid, row.scheduler, &row.label))
        .collect();
    let units = [EffortUnit::Evaluations, EffortUnit::Nodes];
    let groups = units.map(|unit| plans.iter().filter(|p| p.unit == unit).collect::<Vec<_>>());
    let filled = units.iter().zip(&groups).filter(|(_, group)| !group.is_empty());
    filled.map(|(unit, group)| figure(*unit, group)).collect()
}

impl<'a> Plans<'a> {
    fn of(run: &Run, grid: &Grid<'a>, scheduler: usize, label: &'a str) -> Option<Self> {
        let mut all = Vec::new();
        for meeting in &grid.meetings {
            let Some(reference_ns) = reference_ns(&meeting.entries) else { continue };
            let own = meeting.entries[scheduler].records.iter();
            all.extend(own.filter_map(|record| {
                let progress = first_plan(record)?;
                let near_end_ns = near_end_ns(run, record, progress);
                Some(Plan { progress, reference_ns, near_end_ns })
            }));
        }
        let unit = all.first()?.progress.unit;
        Some(Self { label, style: Style::of(scheduler), unit, all })
    }

    /// The geometric mean over the plans of `value` over the reference; `None` where a plan has
    /// none yet.
    fn mean(&self, value: impl Fn(&Progress) -> Option<u64>) -> Option<f64> {
        let logs: Option<Vec<f64>> = self
            .all
            .iter()
            .map(|p| value(p.progress).map(|ns| libm::log(ns.max(1) as f64 / p.reference_ns)))
            .collect();
        mean(&logs?).map(libm::exp)
    }

    fn most_effort(&self) -> u64 {
        self.all.iter().map(|p| p.progress.effort).max().unwrap_or(1).max(1)
    }

    /// Efforts and means of a kind of steps, from where all plans have one.
    fn curve(&self, steps: impl Fn(&Progress) -> &[Step]) -> (Vec<f64>, Vec<f64>) {
        let most = libm::log(self.most_effort() as f64);
        let effort = |i: usize| libm::exp(most * i as f64 / (POINTS - 1) as f64).round() as u64;
        let mut efforts: Vec<u64> = (0..POINTS).map(effort).collect();
        efforts.dedup();
        let at = |effort: u64| self.mean(|p| value_at(steps(p), effort));
        efforts.into_iter().filter_map(|e| Some((e as f64, chart::short(at(e)?)))).unzip()
    }
}

/// The shortest makespan that any planner reports on a meeting.
fn reference_ns(entries: &[Entry<'_>]) -> Option<f64> {
    let records = entries.iter().flat_map(|e| e.records.iter());
    let found = records.filter_map(|r| first_plan(r)?.incumbent_ns()).min()?;
    (found > 0).then_some(found as f64)
}

/// Later plans are of other problems, what was left when the graph grew.
fn first_plan(record: &Record) -> Option<&Progress> {
    record.outcome.as_ref().ok()?.plans.first().filter(|p| !p.incumbents.is_empty())
}

fn near_end_ns(run: &Run, record: &Record, progress: &Progress) -> Option<f64> {
    let wall_ns = run.walls.get(&record.id)?.incumbents_ns.first()?;
    let last_ns = progress.incumbent_ns()? as f64;
    let at = progress.incumbents.iter().position(|s| s.makespan_ns as f64 <= last_ns * 1.01)?;
    wall_ns.get(at).map(|ns| *ns as f64)
}

/// The last step that was made with no more effort.
fn value_at(steps: &[Step], effort: u64) -> Option<u64> {
    let made = steps.partition_point(|s| s.effort <= effort);
    made.checked_sub(1).map(|at| steps[at].makespan_ns)
}

/// The primal integral (Berthold, 2013) over the effort spent: the mean of how far above the
/// reference the incumbent is, as a share of itself, 1 as long as there is none.
fn primal_integral(plan: &Plan<'_>) -> f64 {
    let total = plan.progress.effort.max(1);
    let gap = |ns: u64| ((ns as f64 - plan.reference_ns) / ns.max(1) as f64).max(0.0);
    let (mut area, mut from, mut height) = (0.0, 0, 1.0);
    for step in &plan.progress.incumbents {
        let until = step.effort.min(total);
        area += height * until.saturating_sub(from) as f64;
        (from, height) = (until.max(from), gap(step.makespan_ns));
    }
    (area + height * (total - from) as f64) / total as f64
}

fn name_of(unit: EffortUnit) -> &'static str {
    match unit {
        EffortUnit::Evaluations => "evaluations",
        EffortUnit::Nodes => "nodes",
    }
}

fn figure(unit: EffortUnit, group: &[&Plans<'_>]) -> Figure {
    let name = name_of(unit);
    let anchor = format!("anytime-{name}");
    let plans: usize = group.iter().map(|p| p.all.len()).sum();
    Figure {
        question: format!("How fast do planners get better, by {name}?"),
        answer: answer(group, name),
        n: super::verdict::count(plans, "plan"),
        body: chart::inline(plot(group, name), &anchor, HEIGHT_PX),
        note: Some(
            "Geometric mean over cells of the best makespan so far over the shortest one that any \
             planner of this run found for the same problem, as planners compute them, against the \
             effort spent; dotted, the lower bound that a tree search has proved. A curve begins where \
             every cell has a value. The primal integral is the mean distance of the incumbent from \
             the shortest over the effort, 0 at best. Wall times depend on the machine."
                .to_owned(),
        ),
        table: table(group),
        table_view: TableView::Open,
        anchor,
    }
}

fn answer(group: &[&Plans<'_>], name: &str) -> String {
    let last = |p: &Plans<'_>| p.mean(Progress::incumbent_ns);
    let ends = group.iter().filter_map(|p| Some((*p, last(p)?)));
    let Some((best, end)) = ends.min_by(|a, b| a.1.total_cmp(&b.1)) else {
        return "No planner found a schedule.".to_owned();
    };
    let mut text = format!(
        "{} ends nearest to the shortest schedules found, {} above them, after at most {} {name}.",
        best.label,
        super::verdict::percent(end),
        best.most_effort()
    );
    let all: usize = group.iter().map(|p| p.all.len()).sum();
    let proved: usize = group.iter().map(|p| count_proved(p)).sum();
    if proved > 0 {
        text += &format!(" {proved} of {all} plans are proved optimal.");
    }
    text
}

fn count_proved(plans: &Plans<'_>) -> usize {
    plans.all.iter().filter(|p| p.progress.is_proved).count()
}

fn plot(group: &[&Plans<'_>], name: &str) -> Plot {
    let mut plot = Plot::new();
    for plans in group {
        let line = |dash: DashType, width: f64| {
            Line::new().color(plans.style.colour).dash(dash).width(width).shape(LineShape::Hv)
        };
        let (x, y) = plans.curve(|p| &p.incumbents);
        let incumbents = Scatter::new(x, y).name(chart::safe(plans.label)).mode(Mode::Lines);
        plot.add_trace(incumbents.line(line(plans.style.dash(), 2.0)));
        // The bounds of searches without a tree never rise; they would only flatten the rest.
        let (x, y) = plans.curve(|p| &p.bounds);
        if !x.is_empty() && plans.unit == EffortUnit::Nodes {
            let name = format!("{} (bound)", chart::safe(plans.label));
            let bounds = Scatter::new(x, y).name(name).mode(Mode::Lines).show_legend(false);
            plot.add_trace(bounds.line(line(DashType::Dot, 1.5)));
        }
    }
    let x = chart::axis(name).type_(AxisType::Log);
    let y = chart::axis("makespan / shortest found");
    plot.set_layout(chart::layout(chart::legend_below(HEIGHT_PX)).x_axis(x).y_axis(y));
    plot
}

fn table(group: &[&Plans<'_>]) -> Table {
    let mut table = Table::new(&[
        "scheduler",
        "plans",
        "median effort",
        "first / shortest",
        "last / shortest",
        "primal integral",
        "proved",
        "mean gap (%)",
        "wall to within 1 % of its last (ns)",
    ]);
    for plans in group {
        let efforts: Vec<f64> = plans.all.iter().map(|p| p.progress.effort as f64).collect();
        let integrals: Vec<f64> = plans.all.iter().map(primal_integral).collect();
        let gaps: Vec<f64> = plans.all.iter().filter_map(|p| p.progress.gap()).collect();
        let walls: Vec<f64> = plans.all.iter().filter_map(|p| p.near_end_ns).collect();
        let first = |p: &Progress| p.incumbents.first().map(|s| s.makespan_ns);
        table.push(vec![
            Cell::text(plans.label),
            Cell::Count(plans.all.len() as u64),
            median(&efforts).map_or(Cell::None, |e| Cell::Count(e as u64)),
            Cell::real(plans.mean(first), 4),
            Cell::real(plans.mean(Progress::incumbent_ns), 4),
            Cell::real(mean(&integrals), 4),
            Cell::Count(count_proved(plans) as u64),
            Cell::real(mean(&gaps).map(|g| g * 100.0), 2),
            median(&walls).map_or(Cell::None, |ns| Cell::Time(ns as u64)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primal_integral_by_hand() {
        let mut progress = Progress::new(EffortUnit::Nodes);
        progress.found(2, 200, None);
        progress.found(6, 100, None);
        progress.effort = 10;
        let plan = Plan { progress: &progress, reference_ns: 100.0, near_end_ns: None };
        // Nothing for 2, half above for 4, nothing above for 4.
        assert!((primal_integral(&plan) - 0.4).abs() < 1e-12);
        assert_eq!(value_at(&progress.incumbents, 1), None);
        assert_eq!(value_at(&progress.incumbents, 5), Some(200));
        assert_eq!(value_at(&progress.incumbents, 9), Some(100));
    }
}
