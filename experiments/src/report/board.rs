//! The leaderboard: one row per scheduler of a backend.

use super::grid::{Grid, Meeting, TIE};
use super::stats::{Interval, bootstrap, nested_mean, quantile};
use crate::store::Run;
use serde::Serialize;

/// A scheduler's row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Index into the grid's schedulers.
    #[serde(skip)]
    pub scheduler: usize,
    /// Its label.
    pub label: String,
    /// From 1.
    pub rank: usize,
    /// Geometric mean of makespan over the best lower bound.
    pub over_bound: Option<f64>,
    /// Its 95 % interval, over instances with seeds nested.
    pub over_bound_interval: Option<Interval>,
    /// Geometric mean of makespan over the shortest one of the meeting.
    pub over_best: Option<f64>,
    /// Meetings in which it alone has the shortest makespan.
    pub wins: usize,
    /// Meetings in which it shares the shortest makespan.
    pub ties: usize,
    /// Meetings in which another one has a shorter makespan.
    pub losses: usize,
    /// Meetings in which it failed.
    pub failed: usize,
    /// Meetings that were not run yet.
    pub missing: usize,
    /// Median processor time of the scheduler per run, all calls together; depends on the machine.
    pub planning_p50_ns: Option<f64>,
    /// The 99 % quantile of it.
    pub planning_p99_ns: Option<f64>,
    /// Mean bytes moved per run.
    pub bytes_moved: Option<f64>,
    /// Most bytes in any one memory in any run.
    pub peak_bytes: Option<u64>,
    /// What runs took in energy, where clusters state powers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
}

/// What a scheduler's runs took in energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Energy {
    /// Mean joules per run.
    pub energy_j: f64,
    /// Mean of joules times makespan, in joule seconds.
    pub energy_delay_js: f64,
    /// Geometric mean of a run's joules over the least of its meeting.
    pub over_least: Option<f64>,
}

/// The leaderboard of a backend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Board {
    /// `sim`, `cpu`.
    pub backend: String,
    /// Instances compared on.
    pub instances: usize,
    /// Meetings: instances times seeds.
    pub meetings: usize,
    /// Best first: fewer failures, then a smaller mean over the best.
    pub rows: Vec<Row>,
}

impl Board {
    /// The leaderboard of the schedulers that have records in `grid`.
    pub fn new(run: &Run, grid: &Grid<'_>) -> Self {
        let took_part = |s: &usize| grid.meetings.iter().any(|m| !m.entries[*s].records.is_empty());
        let mut rows: Vec<Row> =
            (0..grid.schedulers.len()).filter(took_part).map(|s| row(run, grid, s)).collect();
        // An unknown mean comes last; the label decides between equals, so that ranks are a
        // function of the records.
        let key = |r: &Row| (r.failed + r.missing, r.over_best.unwrap_or(f64::INFINITY));
        rows.sort_by(|a, b| {
            let ((failed_a, mean_a), (failed_b, mean_b)) = (key(a), key(b));
            failed_a.cmp(&failed_b).then(mean_a.total_cmp(&mean_b)).then(a.label.cmp(&b.label))
        });
        rows.iter_mut().enumerate().for_each(|(i, r)| r.rank = i + 1);
        Self {
            backend: grid.backend.to_owned(),
            instances: grid.instances.len(),
            meetings: grid.meetings.len(),
            rows,
        }
    }

    /// Whether any meeting was not run under some scheduler yet.
    pub fn has_missing(&self) -> bool {
        self.rows.iter().any(|r| r.missing > 0)
    }

    /// Whether the energy of any run is known.
    pub fn has_energy(&self) -> bool {
        self.rows.iter().any(|r| r.energy.is_some())
    }

    /// The first row, if it has finished anything.
    pub fn winner(&self) -> Option<&Row> {
        self.rows.first().filter(|r| r.over_best.is_some())
    }
}

fn row(run: &Run, grid: &Grid<'_>, scheduler: usize) -> Row {
    let label = grid.schedulers[scheduler].to_owned();
    let over_bound = grid.by_instance(|m| m.log_over_bound(scheduler));
    let over_best = grid.by_instance(|m| m.log_over_best(scheduler));
    let stream = format!("leaderboard/{}/{label}", grid.backend);
    let entries = || grid.meetings.iter().map(|m| &m.entries[scheduler]);
    let records = || entries().flat_map(|e| &e.records);
    let metrics = || records().filter_map(|r| r.outcome.as_ref().ok());
    let mut planning: Vec<f64> =
        records().filter_map(|r| run.walls.get(&r.id)).map(|w| w.planning_ns as f64).collect();
    planning.sort_by(f64::total_cmp);
    let bytes: Vec<f64> = metrics().map(|m| m.bytes_moved as f64).collect();
    let mut row = Row {
        scheduler,
        label,
        rank: 0,
        over_bound: nested_mean(&over_bound).map(libm::exp),
        over_bound_interval: bootstrap(&over_bound, &stream).map(|i| i.map(libm::exp)),
        over_best: nested_mean(&over_best).map(libm::exp),
        wins: 0,
        ties: 0,
        losses: 0,
        failed: entries().filter(|e| e.failure().is_some()).count(),
        missing: entries().filter(|e| e.records.is_empty()).count(),
        planning_p50_ns: quantile(&planning, 0.5),
        planning_p99_ns: quantile(&planning, 0.99),
        bytes_moved: super::stats::mean(&bytes),
        peak_bytes: metrics().flat_map(|m| m.peak_bytes.iter().copied()).max(),
        energy: energy(grid, scheduler),
    };
    for meeting in &grid.meetings {
        match standing(meeting, scheduler) {
            Some(Standing::Win) => row.wins += 1,
            Some(Standing::Tie) => row.ties += 1,
            Some(Standing::Loss) => row.losses += 1,
            None => {}
        }
    }
    row
}

fn energy(grid: &Grid<'_>, scheduler: usize) -> Option<Energy> {
    let entries = grid.meetings.iter().map(|m| &m.entries[scheduler]);
    let runs = entries.flat_map(|e| e.finished()).filter_map(|m| m.energy);
    let (joules, products): (Vec<f64>, Vec<f64>) =
        runs.map(|e| (e.energy_j, e.energy_delay_js)).unzip();
    let over_least = grid.by_instance(|m| m.log_energy_over_least(scheduler));
    Some(Energy {
        energy_j: super::stats::mean(&joules)?,
        energy_delay_js: super::stats::mean(&products)?,
        over_least: nested_mean(&over_least).map(libm::exp),
    })
}

enum Standing {
    Win,
    Tie,
    Loss,
}

fn standing(meeting: &Meeting<'_>, scheduler: usize) -> Option<Standing> {
    let is_best = |makespan_ns: f64| {
        meeting.best_ns.is_some_and(|best_ns| makespan_ns <= best_ns * (1.0 + TIE))
    };
    let own_ns = meeting.entries[scheduler].makespan_ns()?;
    let best = meeting.entries.iter().filter_map(|e| e.makespan_ns()).filter(|ns| is_best(*ns));
    Some(match (is_best(own_ns), best.count()) {
        (true, 1) => Standing::Win,
        (true, _) => Standing::Tie,
        (false, _) => Standing::Loss,
    })
}
