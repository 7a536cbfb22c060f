//! One cell, from its plan to its record.

use super::evaluator::Simulated;
use super::panics::caught;
use super::timed::{Watch, Watched};
use super::world::{World, Worlds};
use crate::metrics::arrivals::{self, Expected};
use crate::metrics::{drawn_bound, measure, proved_bound};
use crate::plan::arrivals::Part;
use crate::plan::{Cell, Plan, Settings};
use crate::record::{ArrivalMetrics, CellError, Metrics, Record, Wall};
use crate::spec::{Backend, Estimates, ThinkingText};
use gpu::fake::{FakeGpus, FakeSpec};
use gpu::{GpuError, Gpus};
use real_backend::{GpuSpec, RunError, RunOutput, RunSpec};
use runtime::bounds::Bound;
use runtime::cluster::{MemoryKind, MemorySpec};
use runtime::executive::{Failure, Program, Stall, Thinking};
use runtime::registry::BuildContext;
use runtime::trace::Trace;
use runtime::validator::validate;
use runtime::{Cluster, Costs, LinkModel, Ns, ObjectId, Scheduler, TaskGraph};
use sim::{Disturbance, Noise, SimError, SimSpec, Window, Wire};
use std::sync::Arc;
use std::time::{Duration, Instant};
use workloads::App;

/// Traces of up to this many tasks are validated in simulated cells; real runs always are.
pub const MAX_VALIDATED_TASKS: usize = 20_000;

/// A cell that was run.
#[derive(Debug)]
pub struct Finished {
    /// Its record.
    pub record: Record,
    /// What depends on the machine.
    pub wall: Wall,
    /// Its trace, where the run came to its end.
    pub trace: Option<Trace>,
}

/// Runs a cell; whatever goes wrong is in its record. `replay` is the command that runs it alone.
pub fn run_cell(plan: &Plan, worlds: &Worlds<'_>, cell: &Cell, replay: String) -> Finished {
    let began = Instant::now();
    let watch = Arc::new(Watch::default());
    let outcome = caught(|| Run { plan, worlds, cell, watch: &watch, began }.run());
    let outcome = outcome.unwrap_or_else(|message| Err(error("panicked", message)));
    let id = plan.id(cell);
    let mut plans = watch.take_plans();
    let incumbents_ns = plans.iter_mut().map(|p| std::mem::take(&mut p.wall_ns)).collect();
    let notes = outcome.as_ref().map_or_else(|_| Vec::new(), |(_, trace)| notes(trace));
    let wall = Wall {
        id: id.clone(),
        planning_ns: watch.planning_ns(),
        longest_call_ns: watch.longest_call_ns(),
        calls: watch.calls(),
        incumbents_ns,
        cell_ns: began.elapsed().as_nanos() as u64,
        notes,
    };
    let (outcome, trace) = match outcome {
        Ok((metrics, trace)) => {
            let metrics = Metrics { plans, ..metrics };
            (Ok(with_proofs(metrics, &plan.settings[cell.settings as usize])), Some(trace))
        }
        Err(error) => (Err(error), None),
    };
    Finished { record: Record { id, key: plan.key(cell), outcome, replay }, wall, trace }
}

/// With the bound that the scheduler has proved, where that is the best one: it holds for the run
/// if the scheduler was told the durations that came.
fn with_proofs(metrics: Metrics, settings: &Settings) -> Metrics {
    let is_noisy = settings.noise != Noise::None || settings.measured_noise.is_some();
    let is_told = settings.estimates == Estimates::Exact && !is_noisy;
    if settings.backend != Backend::Sim || !is_told {
        return metrics;
    }
    let bound = metrics.bound.map(|kind| Bound { kind, makespan_ns: metrics.bound_ns });
    match proved_bound(bound, &metrics.plans) {
        Some(Bound { kind, makespan_ns }) => {
            Metrics { bound: Some(kind), bound_ns: makespan_ns, ..metrics }
        }
        None => metrics,
    }
}

/// What a real run noted about itself.
fn notes(trace: &Trace) -> Vec<String> {
    let lines = trace.header.provenance.iter().filter(|(label, _)| label == "note");
    lines.map(|(_, text)| text.clone()).collect()
}

fn error(kind: &str, message: impl ToString) -> CellError {
    CellError { kind: kind.to_owned(), message: message.to_string() }
}

struct Run<'a> {
    plan: &'a Plan,
    worlds: &'a Worlds<'a>,
    cell: &'a Cell,
    watch: &'a Arc<Watch>,
    began: Instant,
}

impl Run<'_> {
    fn run(&self) -> Result<(Metrics, Trace), CellError> {
        let world = self.worlds.get(self.cell).map_err(|e| error("infeasible", e))?;
        match self.settings().backend {
            Backend::Sim => self.simulate(&world),
            Backend::Cpu | Backend::Emulated | Backend::Cuda | Backend::FakeGpu => {
                self.execute(&world)
            }
        }
    }

    fn settings(&self) -> &Settings {
        &self.plan.settings[self.cell.settings as usize]
    }

    fn scheduler(&self, watch: &Arc<Watch>) -> Result<Box<dyn Scheduler>, CellError> {
        let plan = &self.plan.schedulers[self.cell.scheduler as usize];
        let began = self.began;
        let context = BuildContext {
            seed: self.cell.seed,
            evaluator: Some(Arc::new(Simulated)),
            clock: Some(Arc::new(move || began.elapsed().as_nanos() as Ns)),
        };
        let scheduler = plan.make(&context).map_err(|e| error("infeasible", e))?;
        let deadline = self.plan.timeout_ns.map(|ns| self.began + Duration::from_nanos(ns));
        let Settings { eviction, decision_interval_ns, .. } = *self.settings();
        let watched = Watched::new(scheduler, watch, eviction, decision_interval_ns, deadline);
        Ok(Box::new(watched))
    }

    fn scheduler_label(&self) -> String {
        self.plan.schedulers[self.cell.scheduler as usize].label.clone()
    }

    fn program(&self, world: &World) -> Result<Option<Box<dyn Program>>, CellError> {
        if !world.template.is_growing {
            return Ok(None);
        }
        let workload = self.worlds.workload(self.cell).map_err(|e| error("infeasible", e))?;
        Ok(workload.program)
    }

    /// What a run begins with, and what lets it grow: the workload's own program, or the window
    /// through which the scheduler sees the graph.
    fn windowed(
        &self,
        world: &World,
        graph: TaskGraph,
    ) -> Result<(TaskGraph, Option<Box<dyn Program>>), CellError> {
        let own = self.program(world)?;
        match self.settings().window {
            Some(tasks) if own.is_none() && world.arriving.is_none() => {
                let whole = Arc::clone(&world.template.graph);
                let (begin, window) = Window::new(whole, tasks as usize);
                Ok((begin, Some(Box::new(window))))
            }
            _ => Ok((graph, own)),
        }
    }

    fn simulate(&self, world: &World) -> Result<(Metrics, Trace), CellError> {
        let (settings, seed) = (self.settings(), self.cell.seed);
        let noise = &world.noise;
        let trouble = &settings.trouble;
        // How often a task may be tried, each time with another duration.
        let attempts = if trouble.repeats_attempts() { trouble.attempts } else { 1 };
        let estimates = match settings.estimates {
            Estimates::Exact => world.truth.clone(),
            Estimates::Noisy => world.noisy(noise, seed).clone(),
            other => world.told(other, seed),
        };
        let disturbance = match trouble.is_any() {
            true => {
                let links = &world.cluster.spec().links;
                trouble.disturbance(world.span_ns(noise, seed, attempts), links)
            }
            false => Disturbance::default(),
        };
        let (graph, arrivals) = world.begin();
        let (graph, program) = self.windowed(world, graph)?;
        let output = sim::run(SimSpec {
            arrivals,
            estimates,
            thinking: thinking(settings.thinking),
            program,
            noise: noise.clone(),
            disturbance,
            seed,
            scheduler_name: self.scheduler_label(),
            ..SimSpec::new(
                graph,
                Arc::clone(&world.cluster),
                world.truth.clone(),
                self.scheduler(self.watch)?,
            )
        });
        let output = output.map_err(|e| self.failed(e))?;
        let bound = match world.template.is_growing {
            true => {
                let graph = &output.trace.graph;
                drawn_bound(graph, &world.cluster, &world.truth, noise, seed, attempts)
            }
            false => world.bound(noise, seed, attempts),
        };
        if output.trace.tasks.len() <= MAX_VALIDATED_TASKS {
            validated(&output.trace)?;
        }
        let arrivals = self.arrivals(world, attempts, &output.trace);
        let metrics = measure(&output.trace, &world.cluster, bound);
        Ok((Metrics { arrivals, ..metrics }, output.trace))
    }

    /// How the graphs that arrived fared.
    fn arrivals(&self, world: &World, attempts: u32, trace: &Trace) -> Option<ArrivalMetrics> {
        let arriving = world.arriving.as_ref()?;
        let parts = &world.template.parts;
        let bounds_ns = arriving.bounds_ns(world, &world.noise, self.cell.seed, attempts);
        let mut alone_ns: Vec<Option<Ns>> = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            alone_ns.push(match part.like == at {
                true => arriving.costs(parts, at).and_then(|c| self.alone_ns(world, part, c)),
                false => alone_ns[part.like],
            });
        }
        let expected = |(at, part): (usize, &Part)| Expected {
            workload: part.workload.clone(),
            first_task: part.first_task,
            first_object: part.first_object,
            arrived_ns: arriving.at_ns[at],
            bound_ns: bounds_ns[at],
            alone_ns: alone_ns[at],
        };
        let expected: Vec<Expected> = parts.iter().enumerate().map(expected).collect();
        Some(arrivals::measure(trace, &world.cluster, &expected))
    }

    /// The makespan of a graph alone under the cell's scheduler, undisturbed and with durations
    /// known.
    fn alone_ns(&self, world: &World, part: &Part, costs: &Costs) -> Option<Ns> {
        let cluster = Arc::clone(&world.cluster);
        let scheduler = self.scheduler(&Arc::default()).ok()?;
        let spec = SimSpec::new(TaskGraph::clone(&part.graph), cluster, costs.clone(), scheduler);
        let (thinking, seed) = (thinking(self.settings().thinking), self.cell.seed);
        let output = sim::run(SimSpec { thinking, seed, tracing: false, ..spec });
        output.ok().map(|output| output.makespan_ns)
    }

    fn failed(&self, failure: SimError) -> CellError {
        match failure {
            SimError::Infeasible(why) => error("infeasible", why),
            SimError::Failed { failure, .. } => self.ended(&failure),
            SimError::Stalled { stall, .. } => stalled(&stall),
        }
    }

    fn ended(&self, failure: &Failure) -> CellError {
        match self.watch.is_late() {
            true => error("timed-out", "the cell took longer than the experiment's timeout"),
            false => error("failed", failure),
        }
    }

    fn execute(&self, world: &World) -> Result<(Metrics, Trace), CellError> {
        let template = &world.template;
        let timeout = self.plan.timeout_ns.map_or(DEFAULT_TIMEOUT, Duration::from_nanos);
        let mut spec = RunSpec {
            program: self.program(world)?,
            scheduler_name: self.scheduler_label(),
            seed: self.cell.seed,
            timeout,
            disk_folder: self.plan.disk_folder.clone(),
            emulation: self.emulation(world),
            gpus: self.gpus(&world.cluster)?,
            ..RunSpec::new(
                TaskGraph::clone(&template.graph),
                Arc::clone(&world.cluster),
                world.truth.clone(),
                self.scheduler(self.watch)?,
            )
        };
        if let Some(app) = &template.app {
            let inputs = Arc::clone(app);
            spec.kernels = app.kernels();
            spec.inputs = Some(Box::new(move |object: ObjectId, bytes: &mut [u8]| {
                inputs.fill(object, bytes);
            }));
        }
        let mut output = real_backend::run(spec).map_err(|e| self.real_failed(&e))?;
        if let Some(app) = &template.app {
            output.read_results().map_err(|e| error("failed", e))?;
            check_results(app.as_ref(), &output)?;
        }
        validated(&output.trace)?;
        Ok((measure(&output.trace, &world.cluster, None), output.trace))
    }

    /// The links of the cluster that this machine stands for, if it does.
    fn emulation(&self, world: &World) -> Option<Box<dyn LinkModel>> {
        match self.settings().backend {
            Backend::Emulated => Some(Box::new(Wire::new(Arc::clone(&world.cluster)))),
            Backend::Sim | Backend::Cpu | Backend::Cuda | Backend::FakeGpu => None,
        }
    }

    /// GPUs for the cluster's memories, where the backend has them.
    fn gpus(&self, cluster: &Cluster) -> Result<Option<GpuSpec>, CellError> {
        let is_gpu = |m: &&MemorySpec| m.kind == MemoryKind::Hbm;
        let memories: Vec<&MemorySpec> = cluster.spec().memories.iter().filter(is_gpu).collect();
        let opened: Result<Box<dyn Gpus>, GpuError> = match self.settings().backend {
            _ if memories.is_empty() => return Ok(None),
            Backend::Cuda => gpu::probe::open(),
            Backend::FakeGpu => {
                let most = memories.iter().filter_map(|m| m.capacity_bytes).max();
                let spec = FakeSpec {
                    gpus: memories.len() as u32,
                    memory_bytes: most.unwrap_or(FAKE_MEMORY_BYTES),
                    seed: self.cell.seed,
                    ..FakeSpec::default()
                };
                FakeGpus::new(spec).map(|gpus| Box::new(gpus) as Box<dyn Gpus>)
            }
            Backend::Sim | Backend::Cpu | Backend::Emulated => return Ok(None),
        };
        Ok(Some(GpuSpec::new(opened.map_err(|e| error("failed", e))?)))
    }

    fn real_failed(&self, failure: &RunError) -> CellError {
        match failure {
            RunError::Failed { failure, .. } => self.ended(failure),
            RunError::Stalled { stall, .. } => stalled(stall),
            RunError::TimedOut { .. } => error("timed-out", failure),
            RunError::OutOfMemory { .. } => error("out-of-memory", failure),
            RunError::UnsupportedMemory { .. }
            | RunError::SharedCapacity { .. }
            | RunError::ComputesOnDisk { .. }
            | RunError::TooFewGpus { .. }
            | RunError::GpuTooSmall { .. }
            | RunError::Infeasible(_) => error("infeasible", failure),
            RunError::Gpu { error: GpuError::OutOfMemory { .. }, .. } => {
                error("out-of-memory", failure)
            }
            RunError::Gpu { .. }
            | RunError::NoStream { .. }
            | RunError::Abandoned { .. }
            | RunError::NoDisk { .. }
            | RunError::Disk { .. }
            | RunError::Thread(_)
            | RunError::Conflict { .. } => error("failed", failure),
        }
    }
}

/// A schedule that breaks a rule is never ranked.
fn validated(trace: &Trace) -> Result<(), CellError> {
    let violations = validate(trace);
    let Some(first) = violations.first() else { return Ok(()) };
    let more = match violations.len() - 1 {
        0 => String::new(),
        n => format!("; {n} more violations"),
    };
    Err(error("invalid", format!("{first}{more}")))
}

/// Memory of a GPU that is made up, where the cluster does not say.
const FAKE_MEMORY_BYTES: u64 = 16 << 30;

/// How long a real run may take where the experiment does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// The numbers that came out must be right, whoever scheduled.
fn check_results(app: &dyn App, output: &RunOutput) -> Result<(), CellError> {
    let graph = &output.trace.graph;
    let kept = graph.object_ids().filter(|o| graph.object(*o).keep);
    let results: Vec<(ObjectId, &[u8])> =
        kept.filter_map(|o| Some((o, output.object_bytes(o)?))).collect();
    app.check(&results).map(|_| ()).map_err(|e| error("wrong-result", e))
}

fn thinking(text: ThinkingText) -> Thinking {
    match text {
        ThinkingText::Free => Thinking::Free,
        ThinkingText::Fixed(time) => Thinking::Fixed(time.ns),
        ThinkingText::Measured => real_backend::measured_thinking(),
    }
}

fn stalled(stall: &Stall) -> CellError {
    let kind = match stall {
        Stall::OutOfMemory { .. } => "out-of-memory",
        _ => "stalled",
    };
    error(kind, stall)
}
