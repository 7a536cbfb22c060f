//! Expands an experiment into cells: workloads x clusters x schedulers x axes x seeds.

use super::axes::{AXES, AxisInfo, Setting};
use super::names::Names;
use super::parameters;
use super::parts::{ClusterPlan, ClusterSource, SchedulerPlan, WorkloadPlan, WorkloadSource};
use super::{Cell, Plan, Settings};
use crate::mistake::{Mistakes, Span};
use crate::spec::{At, Backend, Count, Scalar, Spec};
use runtime::registry::{ParameterInfo, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most cells of an experiment.
const MAX_CELLS: u64 = 1_000_000;

/// The value shown where an axis does not apply.
const NOT_APPLICABLE: &str = "-";

/// Expands; `None` beside mistakes.
pub(super) fn expand(names: &Names<'_>, spec: &Spec, mistakes: &mut Mistakes) -> Option<Plan> {
    let grids = grids(names, spec, mistakes);
    let mut builder = Builder { names, plan: empty_plan(names, spec), index: Index::default() };
    let resolved: Vec<Grid> = grids.iter().filter_map(|g| builder.resolve(g, mistakes)).collect();
    for grid in &resolved {
        for axis in &grid.axes {
            if !builder.plan.axes.contains(&axis.name) {
                builder.plan.axes.push(axis.name.clone());
            }
        }
    }
    let cells = resolved.iter().map(Grid::most_cells).fold(0, u64::saturating_add);
    if cells > MAX_CELLS {
        let message = format!("this is up to {cells} cells; at most {MAX_CELLS} are run");
        mistakes.push(names.mistake(Span::default(), message));
    }
    if !mistakes.is_empty() {
        return None;
    }
    for grid in &resolved {
        builder.expand(grid, mistakes);
    }
    // Simulations before real runs, and cells of one workload together.
    let Plan { settings, cells, .. } = &mut builder.plan;
    cells.sort_by_key(|cell| (settings[cell.settings as usize].backend, *cell));
    Some(builder.plan)
}

fn empty_plan(names: &Names<'_>, spec: &Spec) -> Plan {
    let file = std::path::Path::new(&names.source.name).file_stem();
    let stem = file.map_or_else(|| "experiment".to_owned(), |s| s.to_string_lossy().into_owned());
    Plan {
        name: spec.name.as_ref().map_or(stem, |n| n.value.clone()),
        description: spec.description.clone().unwrap_or_default(),
        source: Arc::clone(names.source),
        workloads: Vec::new(),
        clusters: Vec::new(),
        schedulers: Vec::new(),
        axes: Vec::new(),
        rows: Vec::new(),
        settings: Vec::new(),
        cells: Vec::new(),
        keep_traces: spec.keep_traces.unwrap_or_default(),
        timeout_ns: spec.timeout.map(|t| t.ns),
    }
}

/// The grids of an experiment: the file itself, unless it only holds what `also` has in common,
/// and each part of `also` with what it leaves out.
fn grids(names: &Names<'_>, spec: &Spec, mistakes: &mut Mistakes) -> Vec<Spec> {
    let is_whole =
        |s: &Spec| s.workloads.is_some() && s.clusters.is_some() && s.schedulers.is_some();
    let mut all = Vec::new();
    if is_whole(spec) || spec.also.is_empty() {
        all.push(spec.clone());
    }
    for part in &spec.also {
        let is_top_only = part.name.is_some()
            || part.keep_traces.is_some()
            || part.timeout.is_some()
            || !part.also.is_empty();
        if is_top_only {
            let span = part.name.as_ref().map_or(Span::default(), |n| n.span);
            let message = "name, keep_traces, timeout and also stand at the top of the file only";
            mistakes.push(names.mistake(span, message));
        }
        all.push(Spec {
            workloads: part.workloads.clone().or_else(|| spec.workloads.clone()),
            clusters: part.clusters.clone().or_else(|| spec.clusters.clone()),
            schedulers: part.schedulers.clone().or_else(|| spec.schedulers.clone()),
            seeds: part.seeds.clone().or_else(|| spec.seeds.clone()),
            vary: part.vary.clone().or_else(|| spec.vary.clone()),
            backends: part.backends.clone().or_else(|| spec.backends.clone()),
            repetitions: part.repetitions.or(spec.repetitions),
            noise: part.noise.clone().or_else(|| spec.noise.clone()),
            thinking: part.thinking.or(spec.thinking),
            estimates: part.estimates.or(spec.estimates),
            costs: part.costs.or(spec.costs),
            eviction: part.eviction.or(spec.eviction),
            network: part.network.or(spec.network),
            ..Spec::default()
        });
    }
    all
}

/// A grid with its names looked up.
struct Grid {
    workloads: Vec<WorkloadPlan>,
    clusters: Vec<ClusterPlan>,
    schedulers: Vec<SchedulerPlan>,
    seeds: Vec<u64>,
    axes: Vec<Axis>,
    backends: Vec<Backend>,
    repetitions: u32,
    settings: Settings,
    network: Option<runtime::cluster::NetworkModel>,
}

impl Grid {
    fn most_cells(&self) -> u64 {
        let runs = |b: &Backend| if *b == Backend::Cpu { u64::from(self.repetitions) } else { 1 };
        let axes = self.axes.iter().map(|a| a.values.len() as u64);
        let lists = [self.workloads.len(), self.clusters.len(), self.schedulers.len()];
        let factors = lists.into_iter().chain([self.seeds.len()]).map(|n| n as u64).chain(axes);
        factors.fold(self.backends.iter().map(runs).sum(), u64::saturating_mul)
    }
}

/// An axis of a grid.
struct Axis {
    name: String,
    values: Vec<(String, Change)>,
    target: Target,
}

#[derive(Clone)]
enum Change {
    Setting(Setting),
    Parameter(Value),
}

#[derive(Clone, Copy)]
enum Target {
    BuiltIn(&'static AxisInfo),
    Workload(&'static str),
    Cluster(&'static str),
    Scheduler(&'static str),
}

/// Positions of what a plan holds already.
#[derive(Default)]
struct Index {
    workloads: BTreeMap<String, u32>,
    clusters: BTreeMap<String, u32>,
    schedulers: BTreeMap<String, u32>,
    rows: BTreeMap<Vec<String>, u32>,
    cells: BTreeMap<String, u32>,
}

struct Builder<'a> {
    names: &'a Names<'a>,
    plan: Plan,
    index: Index,
}

impl Builder<'_> {
    fn resolve(&self, spec: &Spec, mistakes: &mut Mistakes) -> Option<Grid> {
        let names = self.names;
        let before = mistakes.len();
        let mut missing = Vec::new();
        let mut require = |key: &'static str, is_there: bool| {
            if !is_there {
                missing.push(key);
            }
        };
        require("workloads", spec.workloads.is_some());
        require("clusters", spec.clusters.is_some());
        require("schedulers", spec.schedulers.is_some());
        if before == 0 {
            // In the presence of other mistakes a key may be missing because it was wrong.
            for key in missing {
                let mistake = names.mistake(Span::default(), format!("the key `{key}` is missing"));
                mistakes.push(mistake.label(format!("`{key}: [...]` is needed")));
            }
        }
        let workloads =
            spec.workloads.as_ref().map_or_else(Vec::new, |l| names.workloads(l, mistakes));
        let clusters =
            spec.clusters.as_ref().map_or_else(Vec::new, |l| names.clusters(l, mistakes));
        let schedulers =
            spec.schedulers.as_ref().map_or_else(Vec::new, |l| names.schedulers(l, mistakes));
        let lists = [
            ("workloads", workloads.is_empty(), spec.workloads.is_some()),
            ("clusters", clusters.is_empty(), spec.clusters.is_some()),
            ("schedulers", schedulers.is_empty(), spec.schedulers.is_some()),
        ];
        for (key, is_empty, is_there) in lists {
            if is_empty && is_there && mistakes.len() == before {
                let message = format!("the grid is empty: there are no {key}");
                mistakes.push(names.mistake(self.key_span(key), message));
            }
        }
        if spec.backends.as_ref().is_some_and(Vec::is_empty) {
            let message = "the grid is empty: there are no backends";
            mistakes.push(names.mistake(self.key_span("backends"), message));
        }
        let mut grid = Grid {
            workloads,
            clusters,
            schedulers,
            seeds: spec.seeds.as_ref().map_or_else(|| vec![1], |s| s.0.clone()),
            axes: Vec::new(),
            backends: (spec.backends.as_ref())
                .map_or_else(|| vec![Backend::Sim], |list| list.iter().map(|b| b.value).collect()),
            repetitions: spec.repetitions.unwrap_or(Count(1)).0,
            settings: Settings {
                backend: Backend::Sim,
                noise_sigma: spec.noise.as_ref().map_or(0.0, |n| n.sigma.0),
                thinking: spec.thinking.unwrap_or_default(),
                estimates: spec.estimates.unwrap_or_default(),
                costs: spec.costs.unwrap_or_default(),
                eviction: spec.eviction.map(Into::into),
            },
            network: spec.network.map(Into::into),
        };
        grid.backends.dedup();
        for (name, values) in spec.vary.iter().flat_map(|axes| &axes.0) {
            if let Some(axis) = self.axis(&grid, name, values, mistakes) {
                grid.axes.push(axis);
            }
        }
        (mistakes.len() == before).then_some(grid)
    }

    /// The place of a key of the file, for mistakes about what it holds.
    fn key_span(&self, key: &str) -> Span {
        let text = &self.names.source.text;
        let found = text.match_indices(key).find(|(at, _)| {
            let is_first = *at == 0 || !text[..*at].ends_with(|c: char| c.is_alphanumeric());
            is_first && text[at + key.len()..].starts_with(':')
        });
        found.map_or(Span::default(), |(at, _)| Span { start: at, end: at + key.len() })
    }

    fn axis(
        &self,
        grid: &Grid,
        name: &At<String>,
        values: &[At<Scalar>],
        mistakes: &mut Mistakes,
    ) -> Option<Axis> {
        if let Some(info) = AXES.iter().find(|a| a.name == name.value) {
            let mut settings = Vec::new();
            for value in values {
                match info.setting(self.names.source, value) {
                    Ok(s) => settings.push((value.value.0.to_string(), Change::Setting(s))),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
            let target = Target::BuiltIn(info);
            return Some(Axis { name: name.value.clone(), values: settings, target });
        }
        let Some((owner, infos, target)) = self.parameter(grid, &name.value) else {
            let known = self.axis_names(grid);
            let message = format!("there is no axis `{}`", name.value);
            let mistake = self.names.mistake(name.span, message);
            mistakes.push(mistake.expected_names(&name.value, known.iter().map(String::as_str)));
            return None;
        };
        let parameter = name.value.split_once('.').map_or("", |(_, p)| p);
        let parameter = At::new(parameter.to_owned(), name.span);
        let mut accepted = Vec::new();
        for value in values {
            match parameters::check(self.names.source, owner, infos, &parameter, value) {
                Ok(v) => accepted.push((v.to_string(), Change::Parameter(v))),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        Some(Axis { name: name.value.clone(), values: accepted, target })
    }

    /// Who has the parameter that an axis such as `workload.ccr` names, among the grid's parts.
    fn parameter(
        &self,
        grid: &Grid,
        axis: &str,
    ) -> Option<(&'static str, &'static [ParameterInfo], Target)> {
        let (kind, wanted) = axis.split_once('.')?;
        let find = |infos: &'static [ParameterInfo]| infos.iter().find(|i| i.name == wanted);
        match kind {
            "workload" => grid.workloads.iter().find_map(|w| match &w.source {
                WorkloadSource::Generated { info, .. } => {
                    let found = find(info.parameters)?;
                    Some((info.name, info.parameters, Target::Workload(found.name)))
                }
                WorkloadSource::Recorded { .. } => None,
            }),
            "cluster" => grid.clusters.iter().find_map(|c| match &c.source {
                ClusterSource::Preset { info, .. } => {
                    let found = find(info.parameters)?;
                    Some((info.name, info.parameters, Target::Cluster(found.name)))
                }
                ClusterSource::Written { .. } => None,
            }),
            "scheduler" => grid.schedulers.iter().find_map(|s| {
                let found = find(s.info.parameters)?;
                Some((s.info.name, s.info.parameters, Target::Scheduler(found.name)))
            }),
            _ => None,
        }
    }

    /// All axes that the grid can have.
    fn axis_names(&self, grid: &Grid) -> Vec<String> {
        let mut all: Vec<String> = AXES.iter().map(|a| a.name.to_owned()).collect();
        let mut add = |kind: &str, infos: &[ParameterInfo]| {
            for info in infos {
                let name = format!("{kind}.{}", info.name);
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        };
        for workload in &grid.workloads {
            if let WorkloadSource::Generated { info, .. } = &workload.source {
                add("workload", info.parameters);
            }
        }
        for cluster in &grid.clusters {
            if let ClusterSource::Preset { info, .. } = &cluster.source {
                add("cluster", info.parameters);
            }
        }
        grid.schedulers.iter().for_each(|s| add("scheduler", s.info.parameters));
        all
    }

    fn expand(&mut self, grid: &Grid, mistakes: &mut Mistakes) {
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
        let plan = &mut self.plan;
        let cell = Cell {
            settings: intern_settings(&mut plan.settings, variant.settings),
            workload: intern(
                &mut plan.workloads,
                &mut self.index.workloads,
                variant.workload.identity(),
                || variant.workload.clone(),
            ),
            cluster: intern(
                &mut plan.clusters,
                &mut self.index.clusters,
                format!("{:?} {:?}", variant.cluster, variant.cluster.changes),
                || variant.cluster.clone(),
            ),
            scheduler: intern(
                &mut plan.schedulers,
                &mut self.index.schedulers,
                variant.scheduler.identity(),
                || variant.scheduler.clone(),
            ),
            row: intern_row(&mut plan.rows, &mut self.index.rows, row),
            seed: 0,
            repetition: 0,
        };
        self.add_runs(grid, cell, mistakes);
    }

    /// The cell with every seed and repetition, unless another grid has it already.
    fn add_runs(&mut self, grid: &Grid, cell: Cell, mistakes: &mut Mistakes) {
        let Settings { backend, .. } = self.plan.settings[cell.settings as usize];
        let key = self.plan.key(&cell);
        let repetitions = if backend == Backend::Cpu { grid.repetitions } else { 1 };
        for &seed in &grid.seeds {
            for repetition in 0..repetitions {
                let cell = Cell { seed, repetition, ..cell };
                let name = format!("{key:?} {seed} {repetition}");
                match self.index.cells.get(&name) {
                    None => {
                        self.index.cells.insert(name, self.plan.cells.len() as u32);
                        self.plan.cells.push(cell);
                    }
                    Some(&other) if self.plan.cells[other as usize] == cell => {}
                    Some(_) => {
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

/// One entry of each list.
struct Base<'a> {
    workload: &'a WorkloadPlan,
    cluster: &'a ClusterPlan,
    scheduler: &'a SchedulerPlan,
    backend: Backend,
}

impl Base<'_> {
    /// Whether the axis changes anything here.
    fn is_on(&self, axis: &Axis) -> bool {
        let has = |infos: &[ParameterInfo], name: &str| infos.iter().any(|i| i.name == name);
        match axis.target {
            Target::BuiltIn(info) => info.concerns(self.backend),
            Target::Workload(name) => match &self.workload.source {
                WorkloadSource::Generated { info, .. } => has(info.parameters, name),
                WorkloadSource::Recorded { .. } => false,
            },
            Target::Cluster(name) => match &self.cluster.source {
                ClusterSource::Preset { info, .. } => has(info.parameters, name),
                ClusterSource::Written { .. } => false,
            },
            Target::Scheduler(name) => has(self.scheduler.info.parameters, name),
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
        let mut settings = Settings { backend: base.backend, ..grid.settings };
        match base.backend {
            Backend::Sim => cluster.changes.network = grid.network,
            // What a real run knows nothing of must not tell its cells apart.
            Backend::Cpu => settings.noise_sigma = 0.0,
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
            Setting::Noise(sigma) => self.settings.noise_sigma = sigma,
            Setting::Thinking(thinking) => self.settings.thinking = thinking,
            Setting::Estimates(estimates) => self.settings.estimates = estimates,
            Setting::Eviction(eviction) => self.settings.eviction = Some(eviction),
            Setting::Memory(bytes) => changes.memory = Some(bytes),
            Setting::Bandwidth(factor) => changes.bandwidth = factor,
            Setting::Latency(factor) => changes.latency = factor,
            Setting::Network(network) => changes.network = Some(network),
        }
    }
}

fn intern<T>(
    list: &mut Vec<T>,
    index: &mut BTreeMap<String, u32>,
    identity: String,
    make: impl FnOnce() -> T,
) -> u32 {
    *index.entry(identity).or_insert_with(|| {
        list.push(make());
        list.len() as u32 - 1
    })
}

fn intern_row(
    rows: &mut Vec<Vec<String>>,
    index: &mut BTreeMap<Vec<String>, u32>,
    row: Vec<String>,
) -> u32 {
    *index.entry(row).or_insert_with_key(|row| {
        rows.push(row.clone());
        rows.len() as u32 - 1
    })
}

fn intern_settings(list: &mut Vec<Settings>, settings: Settings) -> u32 {
    let known = list.iter().position(|s| *s == settings);
    known.unwrap_or_else(|| {
        list.push(settings);
        list.len() - 1
    }) as u32
}
