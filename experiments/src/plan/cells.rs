//! Cells of resolved grids: every combination once, and nothing twice.

use super::axes::Setting;
use super::grid::Grid;
use super::parameters;
use super::parts::{ClusterPlan, ClusterSource, SchedulerPlan, WorkloadPlan, WorkloadSource};
use super::trouble::{Trouble, lognormal};
use super::vary::{Base, Change, Target};
use super::{Cell, Plan, Settings};
use crate::mistake::Mistakes;
use runtime::registry::{ParameterInfo, Value};
use sim::Noise;
use std::collections::BTreeMap;

/// The value shown where an axis does not apply.
const NOT_APPLICABLE: &str = "-";

/// Puts cells into a plan.
pub(super) struct Cells<'a> {
    plan: &'a mut Plan,
    workloads: BTreeMap<String, u32>,
    clusters: BTreeMap<String, u32>,
    schedulers: BTreeMap<String, u32>,
    rows: BTreeMap<Vec<String>, u32>,
    /// By the digest of the key.
    cells: BTreeMap<u64, u32>,
}

impl<'a> Cells<'a> {
    /// For a plan that knows its axes.
    pub fn new(plan: &'a mut Plan) -> Self {
        Self {
            plan,
            workloads: BTreeMap::new(),
            clusters: BTreeMap::new(),
            schedulers: BTreeMap::new(),
            rows: BTreeMap::new(),
            cells: BTreeMap::new(),
        }
    }

    /// Adds the cells of a grid.
    pub fn expand(&mut self, grid: &Grid, mistakes: &mut Mistakes) {
        for workload in &grid.workloads {
            for cluster in &grid.clusters {
                for scheduler in &grid.schedulers {
                    for &backend in &grid.backends {
                        let base = Base { workload, cluster, scheduler, backend };
                        self.expand_axes(grid, &base, mistakes);
                    }
                }
            }
        }
    }

    /// All combinations of the values of axes that apply.
    fn expand_axes(&mut self, grid: &Grid, base: &Base<'_>, mistakes: &mut Mistakes) {
        let sizes: Vec<usize> =
            grid.axes.iter().map(|a| if base.is_on(a) { a.values.len() } else { 1 }).collect();
        let mut at = vec![0; sizes.len()];
        loop {
            self.add(grid, base, &at, mistakes);
            // The last axis runs fastest.
            let Some(turn) = (0..at.len()).rev().find(|&i| at[i] + 1 < sizes[i]) else { return };
            at[turn] += 1;
            at[turn + 1..].fill(0);
        }
    }

    fn add(&mut self, grid: &Grid, base: &Base<'_>, at: &[usize], mistakes: &mut Mistakes) {
        let mut variant = Variant::new(grid, base);
        let mut row = vec![NOT_APPLICABLE.to_owned(); self.plan.axes.len()];
        for (axis, &value) in grid.axes.iter().zip(at) {
            if base.is_on(axis) {
                let (text, change) = &axis.values[value];
                variant.apply(axis.target, change);
                if let Some(column) = self.plan.axes.iter().position(|a| *a == axis.name) {
                    row[column].clone_from(text);
                }
            }
        }
        let Variant { workload, cluster, scheduler, settings } = variant;
        let plan = &mut *self.plan;
        let known = plan.settings.iter().position(|s| *s == settings);
        let settings = known.unwrap_or_else(|| {
            plan.settings.push(settings);
            plan.settings.len() - 1
        });
        let row = *self.rows.entry(row).or_insert_with_key(|row| {
            plan.rows.push(row.clone());
            plan.rows.len() as u32 - 1
        });
        let cell = Cell {
            settings: settings as u32,
            workload: intern(
                &mut plan.workloads,
                &mut self.workloads,
                workload.identity(),
                workload,
            ),
            cluster: intern(&mut plan.clusters, &mut self.clusters, cluster.identity(), cluster),
            scheduler: intern(
                &mut plan.schedulers,
                &mut self.schedulers,
                scheduler.identity(),
                scheduler,
            ),
            row,
            seed: 0,
            repetition: 0,
        };
        self.add_runs(grid, cell, mistakes);
    }

    /// The cell with every seed and repetition, unless another grid has it already.
    fn add_runs(&mut self, grid: &Grid, cell: Cell, mistakes: &mut Mistakes) {
        let backend = self.plan.settings[cell.settings as usize].backend;
        let repetitions = if backend.is_real() { grid.repetitions } else { 1 };
        for &seed in &grid.seeds {
            for repetition in 0..repetitions {
                let cell = Cell { seed, repetition, ..cell };
                let key = self.plan.key_digest(&cell);
                match self.cells.get(&key) {
                    None => {
                        self.cells.insert(key, self.plan.cells.len() as u32);
                        self.plan.cells.push(cell);
                    }
                    Some(&other) if self.plan.cells[other as usize] == cell => {}
                    Some(_) => {
                        let key = self.plan.key(&cell);
                        let message = format!(
                            "two grids run {} on {} under {} in different ways that no axis \
                             tells apart",
                            key.workload, key.cluster, key.scheduler
                        );
                        let place = &self.plan.schedulers[cell.scheduler as usize].place;
                        let help = "name what differs under `vary`, so that reports can tell";
                        mistakes.push(place.mistake(message).help(help));
                        return;
                    }
                }
            }
        }
    }
}

/// A base with axes applied.
struct Variant {
    workload: WorkloadPlan,
    cluster: ClusterPlan,
    scheduler: SchedulerPlan,
    settings: Settings,
}

impl Variant {
    fn new(grid: &Grid, base: &Base<'_>) -> Self {
        let mut cluster = base.cluster.clone();
        let mut settings = Settings { backend: base.backend, ..grid.settings.clone() };
        if base.backend.is_modelled() {
            cluster.changes.network = grid.network;
        }
        if base.backend.is_real() {
            // What a real run knows nothing of must not tell its cells apart.
            (settings.noise, settings.measured_noise) = (Noise::None, None);
            settings.trouble = Trouble::default();
        }
        Self {
            workload: base.workload.clone(),
            cluster,
            scheduler: base.scheduler.clone(),
            settings,
        }
    }

    fn apply(&mut self, target: Target, change: &Change) {
        let set =
            |given: &mut parameters::Given, infos: &[ParameterInfo], name: &str, v: &Value| {
                given.push((name.to_owned(), v.clone()));
                *given = parameters::normal(infos, given);
            };
        match (target, change) {
            (Target::Workload(name), Change::Parameter(value)) => {
                if let WorkloadSource::Generated { info, given } = &mut self.workload.source {
                    set(given, info.parameters, name, value);
                }
            }
            (Target::Cluster(name), Change::Parameter(value)) => {
                if let ClusterSource::Preset { info, given } = &mut self.cluster.source {
                    set(given, info.parameters, name, value);
                }
            }
            (Target::Scheduler(name), Change::Parameter(value)) => {
                let infos = self.scheduler.info.parameters;
                set(&mut self.scheduler.given, infos, name, value);
            }
            (_, Change::Setting(setting)) => self.apply_setting(setting),
            (Target::BuiltIn(_), Change::Parameter(_)) => {}
        }
    }

    fn apply_setting(&mut self, setting: &Setting) {
        let changes = &mut self.cluster.changes;
        match *setting {
            Setting::Noise(sigma) => {
                self.settings.noise = lognormal(sigma);
                self.settings.measured_noise = None;
            }
            Setting::Failures(probability) => self.settings.trouble.failure = probability,
            Setting::Outages(share) => self.settings.trouble.outages.share = share,
            Setting::Stragglers(share) => self.settings.trouble.stragglers.share = share,
            Setting::LinkFaults(share) => self.settings.trouble.links.share = share,
            Setting::LinkFactor(factor) => self.settings.trouble.link_factor = factor,
            Setting::DecisionInterval(ns) => self.settings.decision_interval_ns = Some(ns),
            Setting::Capacity(factor) => changes.capacity = factor,
            Setting::Thinking(thinking) => self.settings.thinking = thinking,
            Setting::Estimates(estimates) => self.settings.estimates = estimates,
            Setting::Window(tasks) => self.settings.window = tasks,
            Setting::Eviction(eviction) => self.settings.eviction = Some(eviction),
            Setting::Memory(bytes) => changes.memory = Some(bytes),
            Setting::Bandwidth(factor) => changes.bandwidth = factor,
            Setting::Latency(factor) => changes.latency = factor,
            Setting::Interval(factor) => {
                if let WorkloadSource::Arriving(plan) = &mut self.workload.source {
                    plan.factor = factor;
                }
            }
            Setting::Network(network) => changes.network = Some(network),
        }
    }
}

fn intern<T>(
    list: &mut Vec<T>,
    index: &mut BTreeMap<String, u32>,
    identity: String,
    value: T,
) -> u32 {
    *index.entry(identity).or_insert_with(|| {
        list.push(value);
        list.len() as u32 - 1
    })
}
