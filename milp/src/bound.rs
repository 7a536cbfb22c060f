//! A lower bound from a linear program: work shared out over kinds of devices.
//!
//! Fractions of every task go to kinds of devices (a kind takes every task equally long on each of
//! its lanes). Each kind has so many lanes, and what starts no earlier than a head and is followed
//! by at least a tail must fit between them: *assignment load with heads and tails*. On unrelated
//! devices this sees what the area bound cannot: which work is worth moving. The model of time is
//! that of [`schedulers::instance`], contention-free and without duplication; queues on links and
//! waiting for memory can only make schedules longer.

use crate::instance::{Instance, InstanceError, NEVER};
use crate::optimise::OptimiseError;
use crate::solver::{self, Column, Kind, Limits, Program, SolverError, Status};
use crate::windows::Windows;
use runtime::{Ns, Problem};
use schedulers::instance::Instance as Flat;

/// Heads and tails tried per kind; their product bounds the rows.
const THRESHOLDS: usize = 12;

/// Tasks × lanes at most: beyond, the cheap bounds must do.
const MOST_PLACES: usize = 4_000_000;

/// Units in the critical path.
const UNITS: f64 = 10_000.0;

/// Why there is no bound.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BoundError {
    /// The problem cannot be put into numbers.
    #[error(transparent)]
    Flat(#[from] schedulers::instance::InstanceError),
    /// It cannot be modelled.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// Tables would be too large.
    #[error("the linear bound is for up to {MOST_PLACES} tasks times lanes; these are {0}")]
    TooLarge(usize),
    /// The solver failed.
    #[error(transparent)]
    Solver(#[from] SolverError),
}

impl From<OptimiseError> for BoundError {
    fn from(error: OptimiseError) -> Self {
        match error {
            OptimiseError::Solver(error) => Self::Solver(error),
            OptimiseError::TooLarge(error) => Self::TooLarge(error.size.columns as usize),
        }
    }
}

/// No schedule of the problem ends earlier, as an instant of the run. At least the critical path;
/// the linear program is solved within `limits` (without a solution the critical path counts).
///
/// # Errors
/// [`BoundError`].
pub fn lp_bound(problem: &Problem<'_>, limits: &Limits) -> Result<Ns, BoundError> {
    let flat = Flat::new(problem)?;
    let places = flat.len() * flat.lane_count();
    if places > MOST_PLACES {
        return Err(BoundError::TooLarge(places));
    }
    let instance = Instance::new(&flat)?;
    // No limit: heads and tails alone.
    let Ok(windows) = Windows::new(&instance, Ns::MAX / 4) else { return Ok(flat.now_ns()) };
    let path_ns = critical_path_ns(&instance, &windows);
    if path_ns == 0 {
        return Ok(flat.now_ns());
    }
    let unit_ns = path_ns as f64 / UNITS;
    let program = Kinds::new(&flat, &instance, &windows).program(path_ns, unit_ns);
    let outcome = solver::solve(&program, limits, None)?;
    let bound_ns = match outcome.status {
        Status::Optimal => ((outcome.objective * (1.0 - 1e-6) - 0.01) * unit_ns) as Ns,
        _ => 0,
    };
    Ok(flat.now_ns() + bound_ns.max(path_ns))
}

/// The longest head, duration and tail of a task on its best lane.
fn critical_path_ns(instance: &Instance, windows: &Windows) -> Ns {
    let through = |task: usize| {
        let at = windows.lanes_of(task).map(|l| instance.at(task, l));
        let all = at.map(|a| windows.head_ns[a] + instance.duration_ns[a] + windows.tail_ns[a]);
        all.min().unwrap_or(0)
    };
    (0..instance.len()).map(through).max().unwrap_or(0)
}

/// Heads, tails and durations by task and kind.
struct Kinds {
    lanes: Vec<u64>,
    rows: Vec<Vec<Option<Place>>>,
}

/// A task on a kind: its best head and tail on any lane of it.
#[derive(Clone, Copy)]
struct Place {
    head_ns: Ns,
    tail_ns: Ns,
    duration_ns: Ns,
    cores: u64,
}

impl Kinds {
    fn new(flat: &Flat, instance: &Instance, windows: &Windows) -> Self {
        let kinds = flat.kinds() as usize;
        let mut lanes = vec![0; kinds];
        let kind_of: Vec<usize> =
            instance.lanes.iter().map(|l| flat.kind_of(*l) as usize).collect();
        kind_of.iter().for_each(|k| lanes[*k] += 1);
        let row = |task: usize| {
            let mut row: Vec<Option<Place>> = vec![None; kinds];
            for lane in windows.lanes_of(task) {
                let at = instance.at(task, lane);
                if instance.duration_ns[at] == NEVER {
                    continue;
                }
                let place = row[kind_of[lane]].get_or_insert(Place {
                    head_ns: Ns::MAX,
                    tail_ns: Ns::MAX,
                    duration_ns: instance.duration_ns[at],
                    cores: instance.cores[task] as u64,
                });
                place.head_ns = place.head_ns.min(windows.head_ns[at]);
                place.tail_ns = place.tail_ns.min(windows.tail_ns[at]);
            }
            row
        };
        Self { lanes, rows: (0..instance.len()).map(row).collect() }
    }

    fn program(&self, path_ns: Ns, unit_ns: f64) -> Program {
        let units = |ns: Ns| ns as f64 / unit_ns;
        let mut program = Program::new();
        let makespan = program.column(1.0, units(path_ns), f64::INFINITY, Kind::Continuous);
        let mut columns: Vec<Vec<Option<Column>>> = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mut share =
                |p: &Option<Place>| p.map(|_| program.column(0.0, 0.0, 1.0, Kind::Continuous));
            let shares: Vec<Option<Column>> = row.iter().map(&mut share).collect();
            let one: Vec<_> = shares.iter().flatten().map(|c| (*c, 1.0)).collect();
            program.row(1.0, 1.0, &one);
            let mut terms = vec![(makespan, 1.0)];
            for (place, column) in row.iter().zip(&shares) {
                if let (Some(p), Some(column)) = (place, column) {
                    let through_ns = p.head_ns + p.duration_ns + p.tail_ns;
                    terms.push((*column, -units(through_ns)));
                }
            }
            program.at_least(0.0, &terms);
            columns.push(shares);
        }
        for kind in 0..self.lanes.len() {
            self.load(&mut program, kind, makespan, &columns, path_ns, unit_ns);
        }
        program
    }

    /// `lanes × (makespan - h - t) >= work of what has such heads and tails`, for `h + t` up to the
    /// critical path: shorter makespans need not be thought of.
    fn load(
        &self,
        program: &mut Program,
        kind: usize,
        makespan: Column,
        columns: &[Vec<Option<Column>>],
        path_ns: Ns,
        unit_ns: f64,
    ) {
        let places = || self.rows.iter().filter_map(|row| row[kind]);
        let heads = spread(places().map(|p| p.head_ns).collect());
        let tails = spread(places().map(|p| p.tail_ns).collect());
        let lanes = self.lanes[kind] as f64;
        for &head_ns in &heads {
            for &tail_ns in tails.iter().filter(|t| **t + head_ns <= path_ns) {
                let mut terms = vec![(makespan, lanes)];
                for (row, columns) in self.rows.iter().zip(columns) {
                    if let (Some(p), Some(column)) = (row[kind], columns[kind])
                        && p.head_ns >= head_ns
                        && p.tail_ns >= tail_ns
                    {
                        let work_ns = p.duration_ns as f64 * p.cores as f64;
                        terms.push((column, -work_ns / unit_ns));
                    }
                }
                let outside = (head_ns + tail_ns) as f64 / unit_ns;
                program.at_least(lanes * outside, &terms);
            }
        }
    }
}

/// A few of the values, evenly spread in rank, the least included.
fn spread(mut values: Vec<Ns>) -> Vec<Ns> {
    values.sort_unstable();
    values.dedup();
    let count = values.len();
    match count <= THRESHOLDS {
        true => values,
        false => (0..THRESHOLDS).map(|i| values[i * (count - 1) / (THRESHOLDS - 1)]).collect(),
    }
}
