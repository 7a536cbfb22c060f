//! The records of one backend, arranged so that schedulers are compared on equal terms.
//!
//! An *instance* is a workload on a cluster with one value of every axis. A *meeting* is an
//! instance with one seed: there all schedulers meet the same graph, durations and failures, so
//! their makespans are compared pair by pair. An *entry* is what one scheduler made of it, with
//! all repetitions.

use crate::record::{CellError, Metrics, Record};
use crate::store::Run;
use std::collections::BTreeMap;

/// Makespans that differ by no more than this, relatively, are a tie.
pub const TIE: f64 = 1e-9;

/// What schedulers are compared on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The workload's label.
    pub workload: String,
    /// The cluster's label.
    pub cluster: String,
    /// Values of the axes.
    pub axes: Vec<String>,
}

impl Instance {
    /// Shown to people: the workload, the cluster where there are several, and the axes.
    pub fn name(&self, clusters: usize, axes: &[String]) -> String {
        let mut parts = vec![self.workload.clone()];
        if clusters > 1 {
            parts.push(self.cluster.clone());
        }
        parts.extend(axis_names(axes, &self.axes));
        parts.join(" · ")
    }
}

/// What stands for the value of an axis that does not apply.
pub const NOT_APPLICABLE: &str = "-";

/// `bandwidth 0.3`, for every axis that applies.
pub fn axis_names(names: &[String], values: &[String]) -> Vec<String> {
    let applies = names.iter().zip(values).filter(|(_, value)| *value != NOT_APPLICABLE);
    applies.map(|(name, value)| format!("{name} {value}")).collect()
}

/// All schedulers on one instance with one seed.
#[derive(Clone, Debug)]
pub struct Meeting<'a> {
    /// Index into [`Grid::instances`].
    pub instance: usize,
    /// The seed.
    pub seed: u64,
    /// By scheduler.
    pub entries: Vec<Entry<'a>>,
    /// The shortest makespan of any entry, in nanoseconds.
    pub best_ns: Option<f64>,
    /// The lower bound that all are compared with, in nanoseconds: in simulation, where all meet
    /// the same durations, the best one known; in real runs the least of those on the measured
    /// durations, so that ratios are in the order of makespans.
    bound_ns: Option<f64>,
}

/// What one scheduler made of a meeting: one record per repetition, none where it was not run.
#[derive(Clone, Debug, Default)]
pub struct Entry<'a> {
    /// By repetition.
    pub records: Vec<&'a Record>,
}

impl<'a> Entry<'a> {
    /// The metrics of the repetitions that finished.
    pub fn finished(&self) -> impl Iterator<Item = &'a Metrics> + '_ {
        self.records.iter().filter_map(|r| r.outcome.as_ref().ok())
    }

    /// The first repetition that failed.
    pub fn failure(&self) -> Option<&'a CellError> {
        self.records.iter().find_map(|r| r.outcome.as_ref().err())
    }

    /// The mean of the repetitions' joules; `None` when one failed or the energy is not known.
    fn energy_j(&self) -> Option<f64> {
        if self.failure().is_some() {
            return None;
        }
        let all: Option<Vec<f64>> = self.finished().map(|m| Some(m.energy?.energy_j)).collect();
        super::stats::mean(&all?)
    }

    /// The geometric mean of the repetitions' makespans in nanoseconds; `None` when it was not run
    /// or a repetition failed.
    pub fn makespan_ns(&self) -> Option<f64> {
        if self.records.is_empty() || self.failure().is_some() {
            return None;
        }
        if let [one] = self.records.as_slice() {
            return one.outcome.as_ref().ok().map(|m| m.makespan_ns as f64);
        }
        let logs: Vec<f64> = self.finished().map(|m| libm::log(m.makespan_ns as f64)).collect();
        super::stats::geomean_of_logs(&logs)
    }
}

impl Meeting<'_> {
    /// Logarithm of a scheduler's energy over the least of the meeting. `None` where it is not
    /// known or 0.
    pub fn log_energy_over_least(&self, scheduler: usize) -> Option<f64> {
        let all = self.entries.iter().filter_map(Entry::energy_j);
        log_ratio(self.entries[scheduler].energy_j()?, all.min_by(f64::total_cmp)?)
    }

    /// Logarithm of the makespan over the lower bound of the meeting. `None` without one of them.
    pub fn log_over_bound(&self, scheduler: usize) -> Option<f64> {
        log_ratio(self.entries[scheduler].makespan_ns()?, self.bound_ns?)
    }

    /// Logarithm of the makespan over the best one of the meeting.
    pub fn log_over_best(&self, scheduler: usize) -> Option<f64> {
        log_ratio(self.entries[scheduler].makespan_ns()?, self.best_ns?)
    }

    /// Logarithm of one scheduler's makespan over another's.
    pub fn log_over(&self, scheduler: usize, other: usize) -> Option<f64> {
        log_ratio(self.entries[scheduler].makespan_ns()?, self.entries[other].makespan_ns()?)
    }
}

/// `None` where the ratio is not a positive number; equal values, zeros too, have ratio 1.
fn log_ratio(a: f64, b: f64) -> Option<f64> {
    match a == b {
        true => Some(0.0),
        false => (a > 0.0 && b > 0.0).then(|| libm::log(a / b)),
    }
}

/// The records of one backend.
#[derive(Clone, Debug)]
pub struct Grid<'a> {
    /// `sim`, `cpu`.
    pub backend: &'a str,
    /// Names of the axes.
    pub axes: &'a [String],
    /// All schedulers of the run, sorted, whether they ran on this backend or not.
    pub schedulers: Vec<&'a str>,
    /// Sorted.
    pub instances: Vec<Instance>,
    /// The family of each instance's workload.
    pub families: Vec<&'a str>,
    /// Sorted by instance, then seed.
    pub meetings: Vec<Meeting<'a>>,
    /// Meetings that [`Grid::fair`] has left out.
    pub left_out: usize,
}

impl<'a> Grid<'a> {
    /// Arranges the records of `backend`.
    pub fn new(run: &'a Run, schedulers: &[&'a str], backend: &'a str) -> Self {
        let mut found: BTreeMap<(Instance, u64), Vec<Entry<'a>>> = BTreeMap::new();
        for record in run.records.iter().filter(|r| r.key.backend == backend) {
            let key = &record.key;
            let (workload, cluster) = (key.workload.clone(), key.cluster.clone());
            let instance = Instance { workload, cluster, axes: key.axes.clone() };
            let entries = found.entry((instance, key.seed));
            let entries = entries.or_insert_with(|| vec![Entry::default(); schedulers.len()]);
            if let Ok(at) = schedulers.binary_search(&key.scheduler.as_str()) {
                entries[at].records.push(record);
            }
        }
        let mut instances: Vec<Instance> = found.keys().map(|(i, _)| i.clone()).collect();
        instances.dedup();
        let at = |i: &Instance| instances.binary_search(i).expect("collected from the same keys");
        let meetings = found
            .iter()
            .map(|((i, seed), entries)| meeting(at(i), *seed, entries.clone(), backend))
            .collect();
        let family = |i: &Instance| family_of(run, &i.workload);
        let families = instances.iter().map(family).collect();
        let schedulers = schedulers.to_vec();
        let axes = &run.manifest.axes;
        Self { backend, axes, schedulers, instances, families, meetings, left_out: 0 }
    }

    /// The meetings in which every scheduler of this backend took part: means over them compare
    /// like with like. A run may lack some because it was interrupted, or because its grids have
    /// different schedulers. When there is no such meeting, all are kept.
    pub fn fair(&self) -> Self {
        let takes_part = |m: &Meeting<'_>, s: usize| !m.entries[s].records.is_empty();
        let present: Vec<usize> = (0..self.schedulers.len())
            .filter(|s| self.meetings.iter().any(|m| takes_part(m, *s)))
            .collect();
        let is_full = |m: &&Meeting<'a>| present.iter().all(|s| takes_part(m, *s));
        let mut meetings: Vec<Meeting<'a>> =
            self.meetings.iter().filter(is_full).cloned().collect();
        if meetings.is_empty() {
            return self.clone();
        }
        let left_out = self.meetings.len() - meetings.len();
        let mut kept: Vec<usize> = meetings.iter().map(|m| m.instance).collect();
        kept.dedup();
        for meeting in &mut meetings {
            meeting.instance = kept.partition_point(|k| *k < meeting.instance);
        }
        Self {
            backend: self.backend,
            axes: self.axes,
            schedulers: self.schedulers.clone(),
            instances: kept.iter().map(|k| self.instances[*k].clone()).collect(),
            families: kept.iter().map(|k| self.families[*k]).collect(),
            meetings,
            left_out,
        }
    }

    /// Whether the backend is a simulation.
    pub fn is_simulated(&self) -> bool {
        self.backend == "sim"
    }

    /// Distinct clusters.
    pub fn clusters(&self) -> usize {
        let mut names: Vec<&str> = self.instances.iter().map(|i| i.cluster.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// `value` of every meeting by instance, those without one left out.
    pub fn by_instance(&self, value: impl Fn(&Meeting<'a>) -> Option<f64>) -> Vec<Vec<f64>> {
        let mut values = vec![Vec::new(); self.instances.len()];
        for meeting in &self.meetings {
            values[meeting.instance].extend(value(meeting));
        }
        values
    }

    /// Records in all.
    pub fn records(&self) -> impl Iterator<Item = &'a Record> + '_ {
        self.meetings.iter().flat_map(|m| &m.entries).flat_map(|e| e.records.iter().copied())
    }
}

fn meeting<'a>(instance: usize, seed: u64, entries: Vec<Entry<'a>>, backend: &str) -> Meeting<'a> {
    let best_ns = entries.iter().filter_map(Entry::makespan_ns).min_by(f64::total_cmp);
    let bounds = || entries.iter().flat_map(Entry::finished).map(|m| m.bound_ns);
    let bound_ns = if backend == "sim" { bounds().max() } else { bounds().min() };
    let bound_ns = bound_ns.filter(|b| *b > 0).map(|b| b as f64);
    Meeting { instance, seed, entries, best_ns, bound_ns }
}

fn family_of<'a>(run: &'a Run, workload: &str) -> &'a str {
    let mut families = run.manifest.families.iter();
    let known = families.find(|(label, _)| label == workload).map(|(_, family)| family.as_str());
    // The label comes from a record, which lives as long as the run.
    let own = || run.records.iter().find(|r| r.key.workload == workload);
    known.or_else(|| own().map(|r| r.key.workload.as_str())).unwrap_or("")
}
