//! The grids of an experiment: lists looked up, options filled in, then expanded into cells.

use super::cells::Cells;
use super::names::Names;
use super::parts::{ClusterPlan, SchedulerPlan, WorkloadPlan};
use super::trouble::{self, Trouble};
use super::vary::{Axis, Lists};
use super::{Cell, CostModelPlan, CostSource, Plan, Settings};
use crate::mistake::{Mistakes, Span};
use crate::spec::{Backend, CostsText, Count, Spec};
use runtime::cluster::NetworkModel;
use sim::Noise;
use std::sync::Arc;

/// Most cells of an experiment.
const MAX_CELLS: u64 = 1_000_000;

/// Expands; `None` beside mistakes.
pub(super) fn expand(names: &Names<'_>, spec: &Spec, mistakes: &mut Mistakes) -> Option<Plan> {
    let mut plan = empty_plan(names, spec);
    let grids = grids(names, spec, mistakes);
    let mut grids: Vec<Grid> =
        grids.iter().filter_map(|spec| Grid::resolve(names, spec, mistakes)).collect();
    for axis in grids.iter().flat_map(|grid| &grid.axes) {
        if !plan.axes.contains(&axis.name) {
            plan.axes.push(axis.name.clone());
        }
    }
    for grid in &mut grids {
        grid.settings.costs = plan.cost_source(grid.costs.as_ref(), grid.settings.costs);
    }
    let most = grids.iter().map(Grid::most_cells).fold(0, u64::saturating_add);
    if most > MAX_CELLS {
        let message = format!("this is up to {most} cells; at most {MAX_CELLS} are run");
        mistakes.push(names.mistake(Span::default(), message));
    }
    if !mistakes.is_empty() {
        return None;
    }
    let mut cells = Cells::new(&mut plan);
    grids.iter().for_each(|grid| cells.expand(grid, mistakes));
    sort(&mut plan);
    Some(plan)
}

/// Simulations before real runs, and cells of one workload together. Of real runs every repetition
/// is done under all schedulers before the next one: whatever slows the machine for a while then
/// slows all of them.
fn sort(plan: &mut Plan) {
    let Plan { settings, cells, .. } = plan;
    cells.sort_by_key(|cell| {
        let backend = settings[cell.settings as usize].backend;
        let round = match backend {
            Backend::Sim => (cell.settings, 0, 0, 0, 0, 0),
            Backend::Cpu | Backend::Emulated | Backend::Cuda | Backend::FakeGpu => {
                let Cell { workload, seed, cluster, row, repetition, .. } = *cell;
                (0, workload, seed, cluster, row, repetition)
            }
        };
        (backend, round, *cell)
    });
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
        cost_models: Vec::new(),
        axes: Vec::new(),
        rows: Vec::new(),
        settings: Vec::new(),
        cells: Vec::new(),
        keep_traces: spec.keep_traces.unwrap_or_default(),
        timeout_ns: spec.timeout.map(|t| t.ns),
        disk_folder: None,
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
            failures: part.failures.or(spec.failures),
            outages: part.outages.or(spec.outages),
            link_faults: part.link_faults.clone().or_else(|| spec.link_faults.clone()),
            stragglers: part.stragglers.or(spec.stragglers),
            decision_interval: part.decision_interval.or(spec.decision_interval),
            thinking: part.thinking.or(spec.thinking),
            estimates: part.estimates.or(spec.estimates),
            costs: part.costs.clone().or_else(|| spec.costs.clone()),
            eviction: part.eviction.or(spec.eviction),
            network: part.network.or(spec.network),
            ..Spec::default()
        });
    }
    all
}

/// A grid with its names looked up.
pub(super) struct Grid {
    /// What is run.
    pub workloads: Vec<WorkloadPlan>,
    /// Where.
    pub clusters: Vec<ClusterPlan>,
    /// Who decides.
    pub schedulers: Vec<SchedulerPlan>,
    /// Seeds, each once.
    pub seeds: Vec<u64>,
    /// What else varies.
    pub axes: Vec<Axis>,
    /// In which worlds.
    pub backends: Vec<Backend>,
    /// Of real runs.
    pub repetitions: u32,
    /// Where no axis says otherwise.
    pub settings: Settings,
    /// The cost-model file.
    pub costs: Option<CostModelPlan>,
    /// Instead of the clusters' own models.
    pub network: Option<NetworkModel>,
}

impl Grid {
    fn resolve(names: &Names<'_>, spec: &Spec, mistakes: &mut Mistakes) -> Option<Self> {
        let before = mistakes.len();
        let workloads = spec.workloads.as_ref().map(|list| names.workloads(list, mistakes));
        let clusters = spec.clusters.as_ref().map(|list| names.clusters(list, mistakes));
        let schedulers = spec.schedulers.as_ref().map(|list| names.schedulers(list, mistakes));
        let has_names = mistakes.len() == before;
        let mut require = |key: &str, count: Option<usize>| match count {
            // In the presence of other mistakes a list may be short because it was wrong.
            _ if !has_names => {}
            None if before == 0 => {
                let mistake = names.mistake(Span::default(), format!("the key `{key}` is missing"));
                mistakes.push(mistake.label(format!("`{key}: [...]` is needed")));
            }
            Some(0) => {
                let message = format!("the grid is empty: there are no {key}");
                mistakes.push(names.mistake(key_span(names, key), message));
            }
            _ => {}
        };
        require("workloads", workloads.as_ref().map(Vec::len));
        require("clusters", clusters.as_ref().map(Vec::len));
        require("schedulers", schedulers.as_ref().map(Vec::len));
        require("backends", Some(spec.backends.as_ref().map_or(1, Vec::len)));
        let mut grid = Self {
            workloads: workloads.unwrap_or_default(),
            clusters: clusters.unwrap_or_default(),
            schedulers: schedulers.unwrap_or_default(),
            seeds: spec.seeds.as_ref().map_or_else(|| vec![1], |s| s.0.clone()),
            axes: Vec::new(),
            backends: (spec.backends.as_ref())
                .map_or_else(|| vec![Backend::Sim], |list| list.iter().map(|b| b.value).collect()),
            repetitions: spec.repetitions.unwrap_or(Count(1)).0,
            settings: settings(names, spec, mistakes),
            costs: names.cost_model(spec.costs.as_ref(), mistakes),
            network: spec.network.map(Into::into),
        };
        grid.backends.sort_unstable();
        grid.backends.dedup();
        let lists = Lists {
            workloads: &grid.workloads,
            clusters: &grid.clusters,
            schedulers: &grid.schedulers,
        };
        let axes = spec.vary.iter().flat_map(|axes| &axes.0);
        let axes = axes.filter_map(|(name, values)| lists.axis(names, name, values, mistakes));
        let axes = axes.collect();
        grid.axes = axes;
        (mistakes.len() == before).then_some(grid)
    }

    fn most_cells(&self) -> u64 {
        let runs = |b: &Backend| if b.is_real() { u64::from(self.repetitions) } else { 1 };
        let axes = self.axes.iter().map(|a| a.values.len() as u64);
        let lists = [self.workloads.len(), self.clusters.len(), self.schedulers.len()];
        let factors = lists.into_iter().chain([self.seeds.len()]).map(|n| n as u64).chain(axes);
        factors.fold(self.backends.iter().map(runs).sum(), u64::saturating_mul)
    }
}

/// The settings where no axis says otherwise.
fn settings(names: &Names<'_>, spec: &Spec, mistakes: &mut Mistakes) -> Settings {
    Settings {
        backend: Backend::Sim,
        noise: (spec.noise.as_ref()).map_or(Noise::None, |n| trouble::noise(names, n, mistakes)),
        window: None,
        measured_noise: trouble::measured_noise(names, spec, mistakes),
        trouble: Trouble::of(spec),
        decision_interval_ns: spec.decision_interval.map(|t| t.ns),
        thinking: spec.thinking.unwrap_or_default(),
        estimates: spec.estimates.unwrap_or_default(),
        costs: match spec.costs {
            Some(CostsText::Measured) => CostSource::Measured,
            _ => CostSource::Stated,
        },
        eviction: spec.eviction.map(Into::into),
    }
}

/// The place of a key of the file, for mistakes about what it holds.
fn key_span(names: &Names<'_>, key: &str) -> Span {
    let text = &names.source.text;
    let found = text.match_indices(key).find(|(at, _)| {
        let is_whole = !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        is_whole && text[at + key.len()..].starts_with(':')
    });
    found.map_or(Span::default(), |(at, _)| Span { start: at, end: at + key.len() })
}
