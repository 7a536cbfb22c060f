//! The models: an [`Instance`] within its time [`Windows`] as a mixed-integer program.
//!
//! Both share what does not depend on how order on lanes is said: a binary column per task and
//! open lane, a start per task, the makespan, rows for dependencies with communication
//! (`rows`), load rows and symmetry breaking (`strengthen`). They differ in `order`:
//!
//! - *assignment*: one binary per pair of tasks that no dependency orders and that can meet on a
//!   lane, and a pair of disjunctive rows per lane on which they can meet;
//! - *sigma*: a binary per ordered pair, "the first ends before the second starts", rows that do
//!   not name lanes, and packing rows: two tasks that are on one lane are ordered one way
//!   (T. Davidović, L. Liberti, N. Maculan and N. Mladenović, MISTA 2007; S. Venugopalan and
//!   O. Sinnen, IEEE TPDS 26(1), 2015).
//!
//! Times are divided by the model's *unit*: the greatest common divisor of all of them where that
//! leaves small whole numbers (the makespan is then a whole column and proofs are exact to the
//! nanosecond), otherwise a ten-thousandth of the limit.

mod interval;
mod order;
mod rows;
mod size;
mod strengthen;

pub use size::{Size, TooLarge};

use crate::decode::Timetable;
use crate::instance::Instance;
use crate::solver::{Column, Kind, Program};
use crate::windows::Windows;
use runtime::Ns;

/// How order on lanes is modelled; see the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formulation {
    /// Assignment and disjunctive order.
    Assignment,
    /// Ordering-based packing.
    Sigma,
}

/// The largest makespan, in units, for which times stay whole numbers: whole columns are whole to
/// 1e-7, so an error of one row is below a hundredth of a unit.
const EXACT_UNITS: Ns = 100_000;

/// Units in the limit where times are not whole numbers.
const SCALED_UNITS: f64 = 10_000.0;

/// A program and what its columns mean.
pub struct Model {
    /// The program; its objective is the makespan in units, plus a small share of the mean end
    /// where [`Options::secondary`] asks for it.
    pub program: Program,
    /// Start of each task.
    pub start: Vec<Column>,
    /// By task and lane; `None` where closed.
    pub place: Vec<Option<Column>>,
    /// The makespan.
    pub makespan: Column,
    /// Whole columns that say that the first task is before the second.
    pub(crate) before: Vec<(Column, usize, usize)>,
    /// Nanoseconds in a unit.
    pub unit_ns: f64,
    /// Whether all times are whole numbers of units.
    pub is_exact: bool,
}

/// What a model is to contain besides the tasks themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How order on lanes is said.
    pub formulation: Formulation,
    /// Whether the mean end breaks ties between equal makespans (for windows of a larger plan).
    pub secondary: bool,
}

impl Model {
    /// Writes the program for makespans from `bound_ns` (a proved lower bound) to the limit of the
    /// windows.
    ///
    /// # Errors
    /// [`TooLarge`] when the estimate of its size exceeds `budget_bytes`; nothing is built then.
    pub fn new(
        instance: &Instance,
        windows: &Windows,
        bound_ns: Ns,
        options: Options,
        budget_bytes: u64,
    ) -> Result<Self, TooLarge> {
        Size::estimate(instance, windows, options.formulation).check(budget_bytes)?;
        let common_ns = common_divisor(instance);
        let is_exact = windows.limit_ns / common_ns <= EXACT_UNITS;
        let unit_ns = match is_exact {
            true => common_ns as f64,
            false => windows.limit_ns as f64 / SCALED_UNITS,
        };
        let mut program = Program::new();
        let kind = if is_exact { Kind::Integer } else { Kind::Continuous };
        let to_units = |ns: Ns| ns as f64 / unit_ns;
        let (least, most) = match is_exact {
            // Whole numbers between the two; the limit need not be one.
            true => (to_units(bound_ns).ceil(), to_units(windows.limit_ns).floor()),
            false => (to_units(bound_ns), to_units(windows.limit_ns)),
        };
        let makespan = program.column(1.0, least.min(most), most, kind);
        let place = windows.open.iter().map(|open| open.then(|| program.binary())).collect();
        let share = if options.secondary { 0.01 / instance.len() as f64 } else { 0.0 };
        let start = (0..instance.len())
            .map(|t| {
                let first = to_units(windows.earliest_start_ns(t));
                let lanes = windows.lanes_of(t);
                let last = lanes.map(|l| {
                    let end_ns = windows.latest_end_ns(instance, t, l);
                    to_units(end_ns.saturating_sub(instance.duration_ns[instance.at(t, l)]))
                });
                program.column(share, first, last.fold(first, f64::max), Kind::Continuous)
            })
            .collect();
        let before = Vec::new();
        let mut model = Self { program, start, place, makespan, before, unit_ns, is_exact };
        rows::assign(&mut model, instance, windows);
        rows::depend(&mut model, instance, windows);
        rows::reside(&mut model, instance, windows);
        match options.formulation {
            Formulation::Assignment => order::assignment(&mut model, instance, windows),
            Formulation::Sigma => order::sigma(&mut model, instance, windows),
        }
        strengthen::load(&mut model, instance, windows);
        interval::load_between(&mut model, instance, windows);
        strengthen::symmetry(&mut model, instance);
        Ok(model)
    }

    /// A time in units.
    pub(crate) fn units(&self, ns: Ns) -> f64 {
        ns as f64 / self.unit_ns
    }

    /// A lower bound in nanoseconds from one in units; rounded so that it stays one.
    pub fn bound_ns(&self, units: f64) -> Ns {
        if units == f64::INFINITY {
            return Ns::MAX;
        }
        match self.is_exact {
            true => ((units - 0.1).ceil().max(0.0) * self.unit_ns) as Ns,
            false => ((units - units.abs() * 1e-6 - 0.01).max(0.0) * self.unit_ns) as Ns,
        }
    }

    /// A schedule as a full solution to start the solver with.
    pub fn start_from(&self, instance: &Instance, known: &Timetable) -> Vec<f64> {
        let mut values = vec![0.0; self.program.columns()];
        values[self.makespan.index()] = self.units(known.makespan_ns);
        for task in 0..instance.len() {
            values[self.start[task].index()] = self.units(known.start_ns[task]);
            if let Some(column) = self.place[instance.at(task, known.lane[task])] {
                values[column.index()] = 1.0;
            }
        }
        for &(column, first, second) in &self.before {
            // Tasks on different lanes may overlap: whatever the column's bounds say.
            let is_before = known.end_ns[first] <= known.start_ns[second];
            let (least, most) = self.program.bounds(column);
            values[column.index()] = f64::from(u8::from(is_before)).clamp(least, most);
        }
        values
    }

    /// The lane and start (in units) of each task in a solution.
    pub fn read(&self, solution: &[f64]) -> Vec<(usize, f64)> {
        let lanes = self.place.len() / self.start.len().max(1);
        let lane_of = |row: &[Option<Column>]| {
            let value = |c: &Option<Column>| c.map_or(-1.0, |c| solution[c.index()]);
            (0..lanes).max_by(|a, b| value(&row[*a]).total_cmp(&value(&row[*b])).then(b.cmp(a)))
        };
        let rows = self.place.chunks(lanes.max(1)).map(|row| lane_of(row).unwrap_or(0));
        rows.zip(&self.start).map(|(lane, start)| (lane, solution[start.index()])).collect()
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The greatest common divisor of all times of an instance, at least 1.
fn common_divisor(instance: &Instance) -> Ns {
    let durations = instance.duration_ns.iter().chain(&instance.deadline_ns);
    let finite = durations.filter(|d| **d != Ns::MAX);
    let times = finite.chain(&instance.release_ns).chain(&instance.tail_ns);
    let delays = instance.delays_ns.iter().flatten().filter(|d| **d != Ns::MAX);
    times.chain(delays).fold(0, |all, ns| gcd(all, *ns)).max(1)
}
