//! One cell, run by itself and shown.

use super::{CliError, Context, Exit, Result};
use crate::mistake::{Mistakes, Source, Span};
use crate::plan::parts::WorkloadSource;
use crate::plan::{
    AXES, Cell, ClusterPlan, CostModelPlan, CostSource, Plan, SchedulerPlan, Setting, Settings,
    WorkloadPlan, check_feasible,
};
use crate::record::{Metrics, Record, Wall};
use crate::runner::{Calibration, Finished, Worlds, calibrate, run_cell};
use crate::shown::{duration, printable, significant, size};
use crate::spec::{At, Backend, Estimates, KeepTraces, Scalar, ThinkingText};
use runtime::registry::Value;
use runtime::trace::Trace;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// What runs where under whom.
pub struct Single {
    /// The workload.
    pub workload: WorkloadPlan,
    /// The cluster.
    pub cluster: ClusterPlan,
    /// The scheduler.
    pub scheduler: SchedulerPlan,
    /// In which world.
    pub backend: Backend,
    /// The seed.
    pub seed: u64,
    /// The cost model; what tasks state when absent.
    pub costs: Option<CostModelPlan>,
    /// `axis=value` pairs.
    pub set: Vec<String>,
    /// See [`Plan::disk_folder`].
    pub disk_folder: Option<PathBuf>,
}

/// A plan of one cell.
///
/// # Errors
/// Values that do not fit, and what can never run.
pub fn plan(mut single: Single) -> Result<Plan> {
    let mut settings = Settings {
        backend: single.backend,
        noise: sim::Noise::None,
        measured_noise: None,
        window: None,
        trouble: crate::plan::Trouble::default(),
        decision_interval_ns: None,
        thinking: ThinkingText::Free,
        estimates: Estimates::Exact,
        costs: CostSource::Stated,
        eviction: None,
    };
    for pair in &single.set {
        match setting(pair)? {
            Setting::Noise(sigma) => settings.noise = crate::plan::lognormal(sigma),
            Setting::Failures(probability) => settings.trouble.failure = probability,
            Setting::Outages(share) => settings.trouble.outages.share = share,
            Setting::Stragglers(share) => settings.trouble.stragglers.share = share,
            Setting::LinkFaults(share) => settings.trouble.links.share = share,
            Setting::LinkFactor(factor) => settings.trouble.link_factor = factor,
            Setting::DecisionInterval(ns) => settings.decision_interval_ns = Some(ns),
            Setting::Capacity(factor) => single.cluster.changes.capacity = factor,
            Setting::Thinking(thinking) => settings.thinking = thinking,
            Setting::Estimates(estimates) => settings.estimates = estimates,
            Setting::Window(tasks) => settings.window = tasks,
            Setting::Eviction(eviction) => settings.eviction = Some(eviction),
            Setting::Memory(bytes) => single.cluster.changes.memory = Some(bytes),
            Setting::Bandwidth(factor) => single.cluster.changes.bandwidth = factor,
            Setting::Latency(factor) => single.cluster.changes.latency = factor,
            Setting::Interval(factor) => {
                if let WorkloadSource::Arriving(plan) = &mut single.workload.source {
                    plan.factor = factor;
                }
            }
            Setting::Network(network) => single.cluster.changes.network = Some(network),
        }
    }
    let cell = Cell {
        settings: 0,
        workload: 0,
        seed: single.seed,
        cluster: 0,
        scheduler: 0,
        row: 0,
        repetition: 0,
    };
    let mut plan = Plan {
        name: single.workload.label.clone(),
        description: String::new(),
        source: Source::new("command line", ""),
        workloads: vec![single.workload],
        clusters: vec![single.cluster],
        schedulers: vec![single.scheduler],
        cost_models: Vec::new(),
        axes: Vec::new(),
        rows: vec![Vec::new()],
        settings: vec![settings],
        cells: vec![cell],
        keep_traces: KeepTraces::All,
        timeout_ns: None,
        disk_folder: single.disk_folder,
    };
    plan.settings[0].costs = plan.cost_source(single.costs.as_ref(), CostSource::Stated);
    check_feasible(&plan)?;
    Ok(plan)
}

/// The setting of `axis=value`.
fn setting(pair: &str) -> Result<Setting> {
    let source = Source::new("--set", pair);
    let span = |start, end| Span { start, end };
    let Some((name, value)) = pair.split_once('=') else {
        let names: Vec<&str> = AXES.iter().map(|a| a.name).collect();
        let names = names.join(", ");
        return Err(CliError::new(format!("--set takes AXIS=VALUE; axes are: {names}")));
    };
    let Some(axis) = AXES.iter().find(|a| a.name == name) else {
        let message = format!("there is no axis `{name}`");
        let mistake = crate::mistake::Mistake::new(&source, span(0, name.len()), message);
        let mistake = mistake.expected_names(name, AXES.iter().map(|a| a.name));
        return Err(Mistakes::from(mistake).into());
    };
    let scalar = match value.parse::<f64>() {
        Ok(number) => Value::Float(number),
        Err(_) => Value::Text(value.to_owned()),
    };
    let place = span(name.len() + 1, pair.len());
    let setting = axis.setting(&source, &At::new(Scalar(scalar), place));
    setting.map_err(|mistake| Mistakes::from(mistake).into())
}

/// Runs a cell of a plan; what is not `known` of durations and needed is measured first.
pub fn run(plan: &Plan, cell: &Cell, known: Calibration, replay: String) -> Finished {
    let cells = std::slice::from_ref(cell);
    let calibration = calibrate(plan, cells, known, true);
    let worlds = Worlds::new(plan, cells, &calibration);
    run_cell(plan, &worlds, cell, replay)
}

impl Context {
    /// Shows a finished cell, as JSON or in words; a failed one is an error of the cell.
    pub(super) fn show(&self, finished: &Finished, is_json: bool) -> Exit {
        match (&finished.record.outcome, &finished.trace) {
            (Ok(metrics), Some(trace)) if is_json => {
                let value = as_json(&finished.record, metrics, trace);
                self.terminal.say(&format!("{value:#}\n"));
                Exit::Fine
            }
            (Ok(metrics), _) => {
                self.terminal.say(&in_words(&finished.record, metrics, &finished.wall));
                Exit::Fine
            }
            (Err(error), _) => {
                let message = crate::shown::printable_lines(&error.message);
                self.terminal.complain(&format!("the cell failed ({}): {message}\n", error.kind));
                Exit::CellsFailed
            }
        }
    }
}

/// The answer of `--json`: makespan, every task's place and times, every transfer.
fn as_json(record: &Record, metrics: &Metrics, trace: &Trace) -> Json {
    let cluster = &trace.header.cluster;
    let device = |d: runtime::DeviceId| cluster.devices[d.index()].name.as_str();
    let memory = |m: runtime::MemoryId| cluster.memories[m.index()].name.as_str();
    let tasks: Vec<Json> = (trace.tasks.iter())
        .map(|t| {
            json!({
                "task": t.task,
                "name": trace.graph.task_name(t.task),
                "device": device(t.device),
                "lane": t.lane,
                "lanes": t.lanes,
                "start_ns": t.started_ns,
                "end_ns": t.finished_ns,
            })
        })
        .collect();
    let transfers: Vec<Json> = (trace.copies.iter())
        .map(|c| {
            json!({
                "object": c.object,
                "name": trace.graph.object_name(c.object),
                "bytes": c.bytes,
                "from": memory(c.source),
                "to": memory(c.target),
                "reason": c.reason,
                "start_ns": c.started_ns,
                "end_ns": c.finished_ns,
            })
        })
        .collect();
    json!({
        "workload": record.key.workload,
        "cluster": record.key.cluster,
        "scheduler": record.key.scheduler,
        "backend": record.key.backend,
        "seed": record.key.seed,
        "makespan_ns": metrics.makespan_ns,
        "bound_ns": metrics.bound_ns,
        "digest": metrics.digest,
        "energy": metrics.energy,
        "arrivals": metrics.arrivals,
        "tasks": tasks,
        "transfers": transfers,
    })
}

fn in_words(record: &Record, metrics: &Metrics, wall: &Wall) -> String {
    let key = &record.key;
    let mut rows = vec![
        vec!["workload".to_owned(), printable(&key.workload)],
        vec!["cluster".to_owned(), printable(&key.cluster)],
        vec!["scheduler".to_owned(), printable(&key.scheduler)],
        vec!["backend".to_owned(), format!("{}, seed {}", key.backend, key.seed)],
        vec!["makespan".to_owned(), duration(metrics.makespan_ns)],
    ];
    if let Some(bound) = metrics.bound.filter(|_| metrics.bound_ns > 0) {
        let ratio = metrics.makespan_ns as f64 / metrics.bound_ns as f64;
        let text = format!("{} ({bound}); makespan over it {ratio:.3}", duration(metrics.bound_ns));
        rows.push(vec!["lower bound".to_owned(), text]);
    }
    let (moved, transfers) = (size(metrics.bytes_moved), metrics.transfers);
    rows.push(vec!["tasks".to_owned(), metrics.tasks.to_string()]);
    rows.push(vec!["transfers".to_owned(), format!("{transfers}, {moved}")]);
    if metrics.write_backs > 0 {
        let text = format!("{} of them, to make room", metrics.write_backs);
        rows.push(vec!["write-backs".to_owned(), text]);
    }
    if let Some(energy) = metrics.energy {
        let joules = |value| significant(value, "J");
        let (idle, compute) = (joules(energy.idle_j), joules(energy.compute_j));
        let transfer = joules(energy.transfer_j);
        let parts = format!("{idle} idle, {compute} tasks, {transfer} transfers");
        let product = significant(energy.energy_delay_js, "J s");
        let text = format!("{} ({parts}); times makespan {product}", joules(energy.energy_j));
        rows.push(vec!["energy".to_owned(), text]);
    }
    if let Some(arrivals) = &metrics.arrivals {
        let flow = duration(arrivals.mean_flow_ns);
        let mut text = format!("{}, mean flow time {flow}", arrivals.graphs.len());
        let numbers = [
            ("mean slowdown", arrivals.mean_slowdown),
            ("largest stretch", arrivals.max_stretch),
            ("fairness", arrivals.fairness),
        ];
        for (name, value) in numbers.into_iter().filter_map(|(n, v)| Some((n, v?))) {
            text += &format!(", {name} {value:.3}");
        }
        rows.push(vec!["graphs".to_owned(), text]);
    }
    rows.push(vec!["digest".to_owned(), metrics.digest.clone()]);
    rows.push(vec!["planning".to_owned(), duration(wall.planning_ns)]);
    rows.extend(wall.notes.iter().map(|note| vec!["note".to_owned(), printable(note)]));
    super::terminal::table(&rows)
}
