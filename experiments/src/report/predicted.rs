//! Predicted against measured: cells that ran in simulation and on hardware.

use super::chart;
use super::figure::{Figure, TableView};
use super::grid::{Grid, Instance, NOT_APPLICABLE};
use super::stats::{Interval, Kendall, median, repeated};
use super::style::Style;
use super::table::{Cell, Table};
use crate::shown::duration;
use plotly::common::{ErrorData, ErrorType, Line, Marker, MarkerSymbol, Mode};
use plotly::layout::{Axis, AxisType};
use plotly::{Plot, Scatter};

/// Pairs of schedulers below which a rank correlation is not given.
const MIN_PAIRS: usize = 20;

const HEIGHT_PX: usize = 500;
/// Characters of an instance's name beside the chart.
const MAX_NAME: usize = 26;

/// A scheduler on an instance in both worlds.
#[derive(Clone, Debug)]
pub struct Pair {
    /// Position among the instances that have pairs.
    instance: usize,
    name: String,
    scheduler: usize,
    /// Geometric mean of the simulated makespans over seeds.
    predicted_ns: f64,
    /// Geometric mean of the measured makespans over seeds and repetitions.
    measured_ns: f64,
    /// Its 95 % interval.
    interval: Option<Interval>,
    repetitions: usize,
}

impl Pair {
    /// Measured over predicted.
    fn ratio(&self) -> f64 {
        self.measured_ns / self.predicted_ns
    }
}

/// The simulation with each backend that it predicts.
pub fn grids<'g, 'r>(
    whole: &'g [Grid<'r>],
) -> impl Iterator<Item = (&'g Grid<'r>, &'g Grid<'r>)> + use<'g, 'r> {
    let simulated = whole.first().filter(|grid| grid.is_simulated());
    simulated.into_iter().flat_map(|s| whole[1..].iter().map(move |measured| (s, measured)))
}

/// What a grid's makespans were measured on.
fn hardware(measured: &Grid<'_>) -> &'static str {
    match measured.backend {
        "emulated" => "the emulated cluster",
        "fake-gpu" => "the rehearsal on made-up GPUs",
        _ => "the hardware",
    }
}

/// All pairs of the two grids, by instance and scheduler.
pub fn pairs(simulated: &Grid<'_>, measured: &Grid<'_>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut found = 0;
    for (at, instance) in measured.instances.iter().enumerate() {
        let before = pairs.len();
        let twins = twins(simulated, instance);
        for scheduler in 0..measured.schedulers.len() {
            let predicted = makespans(simulated, &twins, scheduler);
            let real = makespans(measured, &[at], scheduler);
            let (Some((predicted_ns, _)), Some((measured_ns, interval))) =
                (repeated(&predicted), repeated(&real))
            else {
                continue;
            };
            pairs.push(Pair {
                instance: found,
                name: instance.name(measured.clusters(), measured.axes),
                scheduler,
                predicted_ns,
                measured_ns,
                interval,
                repetitions: real.len(),
            });
        }
        found += usize::from(pairs.len() > before);
    }
    pairs
}

/// The simulated instances that predict a measured one.
pub(super) fn twins(simulated: &Grid<'_>, measured: &Instance) -> Vec<usize> {
    let all = 0..simulated.instances.len();
    all.filter(|twin| is_twin(&simulated.instances[*twin], measured)).collect()
}

/// Whether a simulated instance predicts a measured one. An axis that does not apply to hardware
/// (a noise level, say) has the value `-` there, which any simulated value predicts.
fn is_twin(simulated: &Instance, measured: &Instance) -> bool {
    let mut axes = simulated.axes.iter().zip(&measured.axes);
    simulated.workload == measured.workload
        && simulated.cluster == measured.cluster
        && axes.all(|(s, m)| s == m || m == NOT_APPLICABLE)
}

/// Positive makespans of all seeds and repetitions.
fn makespans(grid: &Grid<'_>, instances: &[usize], scheduler: usize) -> Vec<f64> {
    let here = grid.meetings.iter().filter(|m| instances.contains(&m.instance));
    let finished = here.flat_map(|m| m.entries[scheduler].finished());
    finished.map(|m| m.makespan_ns as f64).filter(|ns| *ns > 0.0).collect()
}

/// What the pairs say on the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Median of the absolute error, `|measured / predicted - 1|`.
    pub median_error: f64,
    /// Its mean.
    pub mean_error: f64,
    /// Largest absolute error.
    pub largest_error: f64,
    /// Pairs of schedulers on the same instance, by whether both worlds order them alike.
    pub order: Kendall,
    /// The same for pairs whose measured intervals do not overlap.
    pub clear_order: Kendall,
    /// Instances with at least two schedulers.
    pub contests: usize,
    /// Of these, those whose measured winner is the predicted one.
    pub right_winner: usize,
    /// Geometric mean of the measured time of the predicted winner over the measured best.
    pub regret: f64,
}

/// See [`Summary`]; `None` of nothing.
pub fn summary(pairs: &[Pair]) -> Option<Summary> {
    let errors: Vec<f64> = pairs.iter().map(|p| (p.ratio() - 1.0).abs()).collect();
    let mut summary = Summary {
        median_error: median(&errors)?,
        mean_error: errors.iter().sum::<f64>() / errors.len() as f64,
        largest_error: errors.iter().copied().fold(0.0, f64::max),
        order: Kendall::default(),
        clear_order: Kendall::default(),
        contests: 0,
        right_winner: 0,
        regret: 1.0,
    };
    let mut regret = 0.0;
    for group in pairs.chunk_by(|a, b| a.instance == b.instance).filter(|g| g.len() > 1) {
        let point = |p: &Pair| (p.predicted_ns, p.measured_ns);
        summary.order.add(&group.iter().map(point).collect::<Vec<_>>(), super::grid::TIE);
        for (i, a) in group.iter().enumerate() {
            for b in group[..i].iter().filter(|b| is_clear(a, b)) {
                summary.clear_order.add(&[point(a), point(b)], super::grid::TIE);
            }
        }
        let first = |key: fn(&Pair) -> f64| group.iter().min_by(|a, b| key(a).total_cmp(&key(b)));
        let (Some(chosen), Some(best)) = (first(|p| p.predicted_ns), first(|p| p.measured_ns))
        else {
            continue;
        };
        summary.contests += 1;
        // Several schedulers may be predicted to tie for the first place.
        let is_first = best.predicted_ns <= chosen.predicted_ns * (1.0 + super::grid::TIE);
        summary.right_winner += usize::from(is_first);
        regret += if is_first { 0.0 } else { libm::log(chosen.measured_ns / best.measured_ns) };
    }
    summary.regret = libm::exp(regret / summary.contests.max(1) as f64);
    Some(summary)
}

fn is_clear(a: &Pair, b: &Pair) -> bool {
    match (a.interval, b.interval) {
        (Some(a), Some(b)) => a.high < b.low || b.high < a.low,
        _ => false,
    }
}

/// The figure; `None` when no cell ran in both worlds.
pub fn figure(simulated: &Grid<'_>, measured: &Grid<'_>) -> Option<Figure> {
    let pairs = pairs(simulated, measured);
    let summary = summary(&pairs)?;
    let runs: usize = pairs.iter().map(|p| p.repetitions).sum();
    let anchor = match measured.backend {
        "emulated" => "predicted-against-emulated",
        "cuda" => "predicted-against-cuda",
        "fake-gpu" => "predicted-against-fake-gpu",
        _ => "predicted-against-measured",
    };
    let what = hardware(measured);
    Some(Figure {
        anchor: anchor.to_owned(),
        question: format!("Does the simulator predict what {what} does?"),
        answer: answer(&summary),
        n: format!("{} pairs of scheduler and instance, {runs} measured runs", pairs.len()),
        body: chart::inline(plot(&pairs, measured), anchor, HEIGHT_PX),
        note: Some(
            "Left: on the diagonal the prediction is exact, above it the hardware is slower. \
             Right: the error of each prediction, positive where the hardware is slower. Whiskers \
             are 95 % intervals of the measured geometric mean over repetitions (Student's t on \
             logarithms); predictions are geometric means over seeds, and over the values of axes that do not \
             apply to hardware."
                .to_owned(),
        ),
        table: table(&pairs, measured),
        table_view: TableView::Folded,
    })
}

/// What the verdict says.
pub fn headline(summary: &Summary, measured: &Grid<'_>) -> String {
    let ones = match measured.backend {
        "emulated" => "emulated ones",
        "fake-gpu" => "rehearsed ones",
        _ => "measured ones",
    };
    let error = format!(
        "Predicted makespans differ from {ones} by {:.1} % in the mean, {:.1} % in the median",
        100.0 * summary.mean_error,
        100.0 * summary.median_error
    );
    match summary.contests {
        0 => error + ".",
        n => format!(
            "{error}; the scheduler predicted to win is the fastest on {} of {}.",
            summary.right_winner,
            super::verdict::count(n, "instance")
        ),
    }
}

/// What the figure says.
pub fn answer(summary: &Summary) -> String {
    let mut text = format!(
        "The mean absolute error of a predicted makespan is {:.1} %, the median {:.1} %, the largest \
         {:.1} %",
        100.0 * summary.mean_error,
        100.0 * summary.median_error,
        100.0 * summary.largest_error
    );
    if summary.contests > 0 {
        text += &format!(
            "; the scheduler predicted to win is the fastest on {} of {}, and following the \
             prediction costs {} on average",
            summary.right_winner,
            super::verdict::count(summary.contests, "instance"),
            super::verdict::percent(summary.regret)
        );
    }
    let pairs = summary.order.pairs();
    if pairs > 0 {
        text += &match summary.order.tau().filter(|_| pairs >= MIN_PAIRS) {
            Some(tau) => {
                format!("; Kendall's tau between the orders is {} ({pairs} pairs)", signed(tau))
            }
            None => format!("; {pairs} pairs of schedulers are too few for a rank correlation"),
        };
        let clear = &summary.clear_order;
        if clear.pairs() > 0 {
            text += &format!(
                "; of the {} pairs that the measurements tell apart, both worlds order {} alike",
                clear.pairs(),
                clear.concordant
            );
        }
    }
    text + "."
}

fn signed(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

const SYMBOLS: [MarkerSymbol; 8] = [
    MarkerSymbol::Circle,
    MarkerSymbol::Square,
    MarkerSymbol::Diamond,
    MarkerSymbol::TriangleUp,
    MarkerSymbol::Cross,
    MarkerSymbol::TriangleDown,
    MarkerSymbol::Star,
    MarkerSymbol::Hexagon,
];

fn plot(pairs: &[Pair], grid: &Grid<'_>) -> Plot {
    let mut plot = Plot::new();
    let all = pairs.iter().flat_map(|p| [p.predicted_ns, p.measured_ns]);
    let (low, high) = all.fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(v), h.max(v)));
    let ends = vec![low / 1e6 / 1.15, high / 1e6 * 1.15];
    plot.add_trace(
        Scatter::new(ends.clone(), ends.clone())
            .mode(Mode::Lines)
            .name("exact")
            .show_legend(false)
            .hover_info(plotly::common::HoverInfo::Skip)
            .line(Line::new().color("#8a939c").width(1.0)),
    );
    let schedulers: Vec<usize> =
        (0..grid.schedulers.len()).filter(|s| pairs.iter().any(|p| p.scheduler == *s)).collect();
    for (place, &scheduler) in schedulers.iter().enumerate() {
        let own: Vec<&Pair> = pairs.iter().filter(|p| p.scheduler == scheduler).collect();
        // Schedulers side by side within an instance's band.
        let shift = (place as f64 + 0.5) / schedulers.len() as f64 - 0.5;
        let label = chart::safe(grid.schedulers[scheduler]);
        let marker = || {
            let symbol = SYMBOLS[place % SYMBOLS.len()].clone();
            Marker::new().size(8).symbol(symbol).color(Style::of(scheduler).colour)
        };
        plot.add_trace(times(&own, &label, scheduler).marker(marker()));
        plot.add_trace(errors(&own, &label, scheduler, shift * 0.8).marker(marker()));
    }
    let instances: Vec<&Pair> =
        pairs.chunk_by(|a, b| a.instance == b.instance).map(|group| &group[0]).collect();
    let names = instances.iter().map(|p| chart::safe(&shortened(&p.name))).collect();
    let at = (0..instances.len()).map(|i| i as f64).collect();
    plot.set_layout(
        chart::layout(chart::legend_below(HEIGHT_PX))
            .x_axis(time_axis("predicted (ms)", &ends).domain(&[0.0, 0.42]))
            .y_axis(time_axis("measured (ms)", &ends))
            .x_axis2(
                chart::axis("measured / predicted − 1")
                    .domain(&[0.63, 1.0])
                    .tick_format("+.0%")
                    .zero_line(true)
                    .anchor("y2"),
            )
            .y_axis2(
                chart::axis("")
                    .tick_values(at)
                    .tick_text(names)
                    .range(vec![instances.len() as f64 - 0.5, -0.5])
                    .anchor("x2"),
            ),
    );
    plot
}

/// A logarithmic axis with ticks at 1, 2 and 5 times the powers of ten.
fn time_axis(title: &str, ends: &[f64]) -> Axis {
    let powers = (-6..=12).map(|p| libm::pow(10.0, f64::from(p)));
    let ticks = powers.flat_map(|p| [p, 2.0 * p, 5.0 * p]);
    let ticks: Vec<f64> =
        ticks.filter(|t| *t >= ends[0] && *t <= ends[1]).map(chart::short).collect();
    let texts = ticks.iter().map(f64::to_string).collect();
    chart::axis(title).type_(AxisType::Log).tick_values(ticks).tick_text(texts)
}

/// A name that fits beside the chart.
fn shortened(name: &str) -> String {
    match name.chars().count() > MAX_NAME {
        true => name.chars().take(MAX_NAME - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

fn hover(pair: &Pair, label: &str) -> String {
    format!(
        "{label} on {}<br>predicted {}<br>measured {}",
        chart::safe(&pair.name),
        duration(pair.predicted_ns as u64),
        duration(pair.measured_ns as u64)
    )
}

fn times(own: &[&Pair], label: &str, scheduler: usize) -> Box<Scatter<f64, f64>> {
    let ms = |ns: f64| chart::short(ns / 1e6);
    let reach = |p: &&Pair, end: fn(Interval) -> f64| {
        p.interval.map_or(0.0, |i| ms((end(i) - p.measured_ns).abs()))
    };
    let whiskers = ErrorData::new(ErrorType::Data)
        .symmetric(false)
        .array(own.iter().map(|p| reach(p, |i| i.high)).collect())
        .array_minus(own.iter().map(|p| reach(p, |i| i.low)).collect())
        .thickness(1.2)
        .width(3);
    let x = own.iter().map(|p| ms(p.predicted_ns)).collect();
    Scatter::new(x, own.iter().map(|p| ms(p.measured_ns)).collect())
        .mode(Mode::Markers)
        .name(label)
        .legend_group(format!("s{scheduler}"))
        .hover_text_array(own.iter().map(|p| hover(p, label)).collect())
        .hover_info(plotly::common::HoverInfo::Text)
        .error_y(whiskers)
}

fn errors(own: &[&Pair], label: &str, scheduler: usize, shift: f64) -> Box<Scatter<f64, f64>> {
    let reach = |p: &&Pair, end: fn(Interval) -> f64| {
        p.interval.map_or(0.0, |i| chart::short((end(i) - p.measured_ns).abs() / p.predicted_ns))
    };
    let whiskers = ErrorData::new(ErrorType::Data)
        .symmetric(false)
        .array(own.iter().map(|p| reach(p, |i| i.high)).collect())
        .array_minus(own.iter().map(|p| reach(p, |i| i.low)).collect())
        .thickness(1.2)
        .width(3);
    let x = own.iter().map(|p| chart::short(p.ratio() - 1.0)).collect();
    Scatter::new(x, own.iter().map(|p| p.instance as f64 + shift).collect())
        .mode(Mode::Markers)
        .name(label)
        .legend_group(format!("s{scheduler}"))
        .show_legend(false)
        .hover_text_array(own.iter().map(|p| hover(p, label)).collect())
        .hover_info(plotly::common::HoverInfo::Text)
        .x_axis("x2")
        .y_axis("y2")
        .error_x(whiskers)
}

fn table(pairs: &[Pair], grid: &Grid<'_>) -> Table {
    let mut table = Table::new(&[
        "instance",
        "scheduler",
        "predicted (ns)",
        "measured (ns)",
        "low (ns)",
        "high (ns)",
        "error (%)",
        "repetitions",
    ]);
    for p in pairs {
        table.push(vec![
            Cell::text(&p.name),
            Cell::text(grid.schedulers[p.scheduler]),
            Cell::Time(p.predicted_ns as u64),
            Cell::Time(p.measured_ns as u64),
            p.interval.map_or(Cell::None, |i| Cell::Time(i.low as u64)),
            p.interval.map_or(Cell::None, |i| Cell::Time(i.high as u64)),
            Cell::Real(100.0 * (p.ratio() - 1.0), 1),
            Cell::Count(p.repetitions as u64),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(instance: usize, scheduler: usize, predicted: f64, low_high: (f64, f64)) -> Pair {
        let (low, high) = low_high;
        let interval = Some(Interval { low, high });
        let measured_ns = (low + high) / 2.0;
        let name = String::new();
        Pair {
            instance,
            name,
            scheduler,
            predicted_ns: predicted,
            measured_ns,
            interval,
            repetitions: 5,
        }
    }

    #[test]
    fn the_summary_by_hand() {
        // Instance 0: both order alike, clearly. Instance 1: the wrong winner, 22/20 slower, but
        // the intervals overlap.
        let pairs = [
            pair(0, 0, 10.0, (10.5, 11.5)),
            pair(0, 1, 20.0, (19.0, 21.0)),
            pair(1, 0, 10.0, (20.0, 24.0)),
            pair(1, 1, 12.0, (18.0, 22.0)),
        ];
        let summary = summary(&pairs).unwrap();
        assert!((summary.median_error - (0.1 + 8.0 / 12.0) / 2.0).abs() < 1e-12, "{summary:?}");
        assert!((summary.largest_error - 1.2).abs() < 1e-12);
        assert!((summary.mean_error - (0.1 + 1.2 + 8.0 / 12.0) / 4.0).abs() < 1e-12, "{summary:?}");
        assert_eq!((summary.order.concordant, summary.order.discordant), (1, 1));
        assert_eq!((summary.clear_order.concordant, summary.clear_order.pairs()), (1, 1));
        assert_eq!((summary.contests, summary.right_winner), (2, 1));
        assert!((summary.regret - 1.1f64.sqrt()).abs() < 1e-12, "{summary:?}");
        assert!(answer(&summary).contains("2 pairs of schedulers are too few"));
    }
}
