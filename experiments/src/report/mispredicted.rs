//! Where predictions were off: lane time by what lanes did, durations by kernel, transfers.

use super::chart;
use super::figure::{Figure, TableView};
use super::grid::Grid;
use super::predicted::twins;
use super::shares::{PARTS, add_parts, look, parts};
use super::table::{Cell, Table};
use crate::record::Metrics;
use plotly::Plot;
use plotly::layout::BarMode;
use std::collections::BTreeMap;

/// What runs of an instance took, by scheduler averaged, then over schedulers.
struct Instance {
    name: String,
    /// Lane time over predicted makespan times lanes, in both worlds.
    predicted: [f64; PARTS],
    measured: [f64; PARTS],
    kernels: BTreeMap<String, [Mean; 2]>,
    transfers: [Mean; 2],
    schedulers: usize,
}

/// A mean, from its sum.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum_ns: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, ns: u64, count: u64) {
        self.sum_ns += ns as f64;
        self.count += count;
    }

    fn ns(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ns / self.count as f64)
    }
}

/// The figure; `None` when no cell ran in both worlds.
pub fn figure(simulated: &Grid<'_>, measured: &Grid<'_>) -> Option<Figure> {
    let instances = instances(simulated, measured);
    if instances.is_empty() {
        return None;
    }
    let anchor = match measured.backend {
        "emulated" => "mispredicted-on-emulated",
        _ => "mispredicted",
    };
    let height_px = 170 + 30 * instances.len();
    Some(Figure {
        anchor: anchor.to_owned(),
        question: "Where was time mispredicted?".to_owned(),
        answer: answer(&instances),
        n: format!(
            "{}, {} in the mean",
            super::verdict::count(instances.len(), "instance"),
            super::verdict::count(instances.iter().map(|i| i.schedulers).max()?, "scheduler")
        ),
        body: chart::inline(plot(&instances, height_px), anchor, height_px),
        note: Some(
            "Measured minus predicted lane time, as a share of the predicted makespan times lanes, \
             averaged over runs, then over schedulers: to the right of zero the hardware took longer. \
             The parts of an instance add up to the error of its makespan. The table has kernels and \
             transfers too."
                .to_owned(),
        ),
        table: table(&instances),
        table_view: TableView::Folded,
    })
}

fn instances(simulated: &Grid<'_>, measured: &Grid<'_>) -> Vec<Instance> {
    let all = measured.instances.iter().enumerate().filter_map(|(at, instance)| {
        let name = instance.name(measured.clusters(), measured.axes);
        gather(simulated, measured, at, name)
    });
    all.collect()
}

fn gather(sim: &Grid<'_>, real: &Grid<'_>, at: usize, name: String) -> Option<Instance> {
    let twins = twins(sim, &real.instances[at]);
    let mut found = Instance {
        name,
        predicted: [0.0; PARTS],
        measured: [0.0; PARTS],
        kernels: BTreeMap::new(),
        transfers: [Mean::default(); 2],
        schedulers: 0,
    };
    for scheduler in 0..real.schedulers.len() {
        let (predicted, measured) = (runs(sim, &twins, scheduler), runs(real, &[at], scheduler));
        let unit: f64 =
            predicted.iter().map(|m| lane_time(m)).sum::<f64>() / predicted.len() as f64;
        if predicted.is_empty() || measured.is_empty() || unit == 0.0 {
            continue;
        }
        found.schedulers += 1;
        for (world, runs, sums) in
            [(0, &predicted, &mut found.predicted), (1, &measured, &mut found.measured)]
        {
            for run in runs {
                let scale = unit * runs.len() as f64;
                let parts = parts(&run.time);
                sums.iter_mut().zip(parts).for_each(|(sum, ns)| *sum += ns as f64 / scale);
                found.transfers[world].add(run.transfer_ns, run.transfers);
                for kernel in &run.kernels {
                    let means = found.kernels.entry(kernel.kernel.clone()).or_default();
                    means[world].add(kernel.ns, kernel.tasks);
                }
            }
        }
    }
    let n = found.schedulers as f64;
    let both = found.predicted.iter_mut().chain(&mut found.measured);
    both.for_each(|sum| *sum /= n.max(1.0));
    (found.schedulers > 0).then_some(found)
}

fn runs<'a>(grid: &Grid<'a>, instances: &[usize], scheduler: usize) -> Vec<&'a Metrics> {
    let here = grid.meetings.iter().filter(|m| instances.contains(&m.instance));
    here.flat_map(|m| m.entries[scheduler].finished()).collect()
}

/// Makespan times lanes.
fn lane_time(metrics: &Metrics) -> f64 {
    parts(&metrics.time).iter().map(|ns| *ns as f64).sum()
}

/// Measured minus predicted, in percent of the prediction.
fn error_percent(instance: &Instance, part: usize) -> f64 {
    100.0 * (instance.measured[part] - instance.predicted[part])
}

fn plot(instances: &[Instance], height_px: usize) -> Plot {
    let mut plot = Plot::new();
    let names: Vec<String> = instances.iter().map(|i| chart::safe(&i.name)).collect();
    let errors = |part: usize| instances.iter().map(|i| error_percent(i, part)).collect();
    add_parts(&mut plot, &names, "%{x:+.2f} %", errors);
    plot.set_layout(
        chart::layout(chart::legend_below(height_px))
            .bar_mode(BarMode::Relative)
            .bar_gap(0.28)
            .x_axis(chart::axis("measured − predicted lane time (% of predicted)").zero_line(true))
            .y_axis(chart::axis("").range(vec![instances.len() as f64 - 0.4, -0.6])),
    );
    plot
}

/// Mean over instances of the error of each part, largest first.
fn answer(instances: &[Instance]) -> String {
    let n = instances.len() as f64;
    let mean = |part: usize| instances.iter().map(|i| error_percent(i, part)).sum::<f64>() / n;
    let mut means: Vec<(usize, f64)> = (0..PARTS).map(|part| (part, mean(part))).collect();
    let total: f64 = means.iter().map(|m| m.1).sum();
    means.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let signed = |value: f64| format!("{value:+.1} %").replace('-', "−");
    let largest: Vec<String> = means
        .iter()
        .take(3)
        .map(|(part, error)| format!("{} {}", look(*part).0, signed(*error)))
        .collect();
    format!(
        "Measured lane time is {} of what was predicted, on average over instances; most of it: \
         {}.",
        signed(total),
        largest.join(", ")
    )
}

fn table(instances: &[Instance]) -> Table {
    let mut table =
        Table::new(&["instance", "what", "of", "predicted", "measured", "unit", "error (%)"]);
    for instance in instances {
        let mut push =
            |what: &str, of: &str, [predicted, measured]: [f64; 2], unit: &str, error| {
                table.push(vec![
                    Cell::text(&instance.name),
                    Cell::text(what),
                    Cell::text(of),
                    Cell::Real(predicted, 3),
                    Cell::Real(measured, 3),
                    Cell::text(unit),
                    Cell::Real(error, 1),
                ]);
            };
        for part in 0..PARTS {
            let both = [100.0 * instance.predicted[part], 100.0 * instance.measured[part]];
            if both != [0.0, 0.0] {
                push("lane time", look(part).0, both, "% of predicted", both[1] - both[0]);
            }
        }
        let kernels = instance.kernels.iter().map(|(name, means)| ("kernel", name.as_str(), means));
        for (what, of, means) in kernels.chain([("transfer", "mean", &instance.transfers)]) {
            if let [Some(predicted), Some(measured)] = means.map(|m| m.ns()) {
                let of = if of.is_empty() { "all others" } else { of };
                let both = [predicted / 1e3, measured / 1e3];
                push(what, of, both, "us", 100.0 * (measured / predicted.max(1e-9) - 1.0));
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_by_part_add_up_and_the_answer_names_the_largest() {
        let mut instance = Instance {
            name: "i".to_owned(),
            predicted: [0.0; PARTS],
            measured: [0.0; PARTS],
            kernels: BTreeMap::new(),
            transfers: [Mean::default(); 2],
            schedulers: 1,
        };
        (instance.predicted[0], instance.predicted[1]) = (0.75, 0.25);
        (instance.measured[0], instance.measured[1]) = (0.85, 0.2);
        instance.transfers = [Mean { sum_ns: 2000.0, count: 2 }, Mean { sum_ns: 6000.0, count: 4 }];
        instance.kernels.insert("gemm".to_owned(), [Mean { sum_ns: 1e3, count: 1 }; 2]);
        assert!((error_percent(&instance, 0) - 10.0).abs() < 1e-9);
        let text = answer(std::slice::from_ref(&instance));
        assert!(text.starts_with("Measured lane time is +5.0 % of what was predicted"), "{text}");
        assert!(text.contains("compute +10.0 %, "), "{text}");
        let table = table(&[instance]);
        assert_eq!(table.csv().lines().count(), 1 + 4, "two parts, a kernel and transfers");
    }
}
