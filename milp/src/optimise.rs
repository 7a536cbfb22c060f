//! One instance solved: windows, probing, model, solver, schedule.

use crate::decode::{Timetable, timetable};
use crate::instance::Instance;
use crate::model::{Formulation, Model, Options, TooLarge};
use crate::solver::{self, Limits, SolverError, Status};
use crate::windows::{Closed, Windows};
use runtime::Ns;
use std::time::Duration;

/// Tasks × lanes up to which placements are probed.
const PROBED_PLACES: usize = 400;

/// Tasks² × lanes up to which orders of pairs are probed.
const PROBED_ORDERS: usize = 40 * 40 * 4;

/// How an instance is to be solved.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which model.
    pub formulation: Formulation,
    /// When to stop.
    pub limits: Limits,
    /// Memory that the model may need in the solver.
    pub budget_bytes: u64,
    /// Whether the mean end breaks ties.
    pub secondary: bool,
    /// Whether the known schedule is handed to the solver to start with. Otherwise only better ones
    /// are looked for, which tightens all windows by more.
    pub warm_start: bool,
}

/// A schedule that was the best so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incumbent {
    /// Nodes before it.
    pub nodes: u64,
    /// Wall time before it.
    pub wall: Duration,
    /// Its makespan as the solver sees it, to the nearest nanosecond.
    pub makespan_ns: Ns,
    /// The lower bound at that instant.
    pub bound_ns: Ns,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// A schedule better than the known one.
    pub better: Option<Timetable>,
    /// No schedule is below this.
    pub bound_ns: Ns,
    /// Nodes of the solver.
    pub nodes: u64,
    /// Better schedules over time.
    pub incumbents: Vec<Incumbent>,
    /// How the solver ended; `None` when the windows alone settled it.
    pub status: Option<Status>,
}

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OptimiseError {
    /// The model would be too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The solver failed.
    #[error(transparent)]
    Solver(#[from] SolverError),
}

/// Looks for a schedule that ends before `known`, and for a lower bound.
///
/// `bound_ns` is a proved lower bound.
///
/// # Errors
/// [`OptimiseError`]; a limit that is reached is not one.
pub fn optimise(
    instance: &Instance,
    known: &Timetable,
    bound_ns: Ns,
    settings: &Settings,
) -> Result<Found, OptimiseError> {
    let settled = |bound_ns: Ns| Found {
        better: None,
        bound_ns,
        nodes: 0,
        incumbents: Vec::new(),
        status: None,
    };
    let known_ns = known.makespan_ns;
    if bound_ns >= known_ns {
        return Ok(settled(known_ns));
    }
    let limit_ns = if settings.warm_start || settings.secondary { known_ns } else { known_ns - 1 };
    let Ok(windows) = narrowed(instance, limit_ns) else { return Ok(settled(known_ns)) };
    let bound_ns =
        if settings.secondary { bound_ns } else { refuted(instance, bound_ns, known_ns) };
    let options = Options { formulation: settings.formulation, secondary: settings.secondary };
    let model = Model::new(instance, &windows, bound_ns, options, settings.budget_bytes)?;
    let start = settings.warm_start.then(|| model.start_from(instance, known));
    let outcome = solver::solve(&model.program, &settings.limits, start.as_deref())?;
    let ns = |units: f64| (units * model.unit_ns).round() as Ns;
    let better = outcome.solution.as_ref().map(|solution| {
        let (lane, key): (Vec<usize>, Vec<f64>) = model.read(solution).into_iter().unzip();
        timetable(instance, lane, &key)
    });
    // Where there is nothing below the limit, the limit is the bound; to the nanosecond if times
    // are whole.
    let limit = if model.is_exact { f64::INFINITY } else { model.units(limit_ns) };
    let bound_of = |units: f64| match settings.secondary {
        true => bound_ns,
        false => model.bound_ns(units.min(limit)).clamp(bound_ns, known_ns),
    };
    let incumbents = outcome.improvements.iter().map(|i| Incumbent {
        nodes: i.nodes,
        wall: i.at,
        makespan_ns: ns(i.objective),
        bound_ns: bound_of(i.bound),
    });
    let found_ns = better.as_ref().map_or(known_ns, |b| b.makespan_ns.min(known_ns));
    Ok(Found {
        bound_ns: bound_of(outcome.bound).min(found_ns),
        nodes: outcome.nodes,
        incumbents: incumbents.collect(),
        status: Some(outcome.status),
        better: better.filter(|b| is_better(b, known, settings.secondary)),
    })
}

fn is_better(found: &Timetable, known: &Timetable, secondary: bool) -> bool {
    let mean = |t: &Timetable| t.end_ns.iter().map(|ns| u128::from(*ns)).sum::<u128>();
    found.makespan_ns < known.makespan_ns
        || secondary && found.makespan_ns == known.makespan_ns && mean(found) < mean(known)
}

/// A lower bound: the least limit between two that windows and probing do not refute, by bisection
/// to a millionth (a "destructive" bound, R. Klein and A. Scholl, EJOR 112, 1999).
fn refuted(instance: &Instance, bound_ns: Ns, known_ns: Ns) -> Ns {
    let step_ns = known_ns / 1_000_000;
    // Limits below `low_ns` are refuted, `high_ns` is not (or is known to hold).
    let (mut low_ns, mut high_ns) = (bound_ns, known_ns);
    while low_ns + step_ns < high_ns {
        let middle_ns = low_ns + (high_ns - low_ns) / 2;
        match placed(instance, middle_ns) {
            Ok(_) => high_ns = middle_ns,
            Err(_) => low_ns = middle_ns + 1,
        }
    }
    low_ns
}

/// Windows with all that probing settles; small instances are probed.
///
/// # Errors
/// [`Closed`] when no schedule ends by the limit.
pub fn narrowed(instance: &Instance, limit_ns: Ns) -> Result<Windows, Closed> {
    let mut windows = placed(instance, limit_ns)?;
    if instance.len().pow(2) * instance.lanes.len() <= PROBED_ORDERS {
        windows.probe_pairs(instance);
    }
    Ok(windows)
}

/// Windows with what probing placements settles.
fn placed(instance: &Instance, limit_ns: Ns) -> Result<Windows, Closed> {
    let mut windows = Windows::new(instance, limit_ns)?;
    if instance.len() * instance.lanes.len() <= PROBED_PLACES {
        windows.probe_lanes(instance)?;
    }
    Ok(windows)
}
