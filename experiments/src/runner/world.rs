//! What cells have in common, made once and dropped with the last cell that needs it: every
//! scheduler of a comparison meets the same graph, machine and durations.

use super::calibrate::Calibration;
use super::knowledge;
use crate::metrics::{drawn_bound, drawn_bound_of_part};
use crate::plan::arrivals::{ArrivalsPlan, Arriving, Part};
use crate::plan::parts::MakeClusterError;
use crate::plan::{Cell, Plan};
use crate::spec::Estimates;
use runtime::bounds::{Bound, BoundKind};
use runtime::cost::{CostError, CostModel};
use runtime::{Cluster, Costs, Ns, TaskGraph};
use sim::{Arrival, Arrivals, Noise};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use workloads::{App, Workload, WorkloadError};

/// The class of this machine's cores.
const CPU: &str = "cpu";

/// Why a cell's problem cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The workload.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] MakeClusterError),
    /// The workload on the cluster.
    #[error(transparent)]
    Cost(#[from] CostError),
}

/// A workload at a seed.
pub struct Template {
    /// The graph at its start; of graphs that arrive over time, all of them.
    pub graph: Arc<TaskGraph>,
    /// What arrives over time, if it does.
    pub parts: Vec<Part>,
    /// Whether it grows: the program that lets it grow keeps state, so each run makes its own.
    pub is_growing: bool,
    /// Kernels, data and result check.
    pub app: Option<Arc<dyn App>>,
}

/// A workload on a machine.
pub struct World {
    /// The workload.
    pub template: Arc<Template>,
    /// The machine.
    pub cluster: Arc<Cluster>,
    /// Durations before noise.
    pub truth: Costs,
    /// How durations differ from these.
    pub noise: Noise,
    /// The graphs that arrive over time, if they do.
    pub arriving: Option<ArrivingWorld>,
    noisy: OnceLock<Costs>,
    bound: OnceLock<Option<Bound>>,
}

impl World {
    /// Durations disturbed like the truth, but independently of it.
    pub fn noisy(&self, noise: &Noise, seed: u64) -> &Costs {
        /// Tells these draws from those of the truth.
        const ESTIMATES: u64 = 0x6573_7469_6d61_7465;
        self.noisy.get_or_init(|| {
            let mut costs = self.truth.clone();
            for task in self.template.graph.task_ids() {
                costs.map_task(task, |device, ns| {
                    noise.apply(ns, seed ^ ESTIMATES, task, device, 0)
                });
            }
            costs
        })
    }

    /// What a scheduler is told that does not know durations exactly.
    pub fn told(&self, estimates: Estimates, seed: u64) -> Costs {
        let graph = &self.template.graph;
        match estimates {
            Estimates::Exact | Estimates::Noisy => self.truth.clone(),
            Estimates::Mean => knowledge::mean_of_kernel(graph, &self.truth),
            Estimates::Nothing => knowledge::nothing(graph, &self.truth),
            Estimates::Error(sigma) => knowledge::with_error(graph, &self.truth, sigma.0, seed),
        }
    }

    /// A lower bound on the makespan of the graph as it begins, in which spans may be measured.
    pub fn span_ns(&self, noise: &Noise, seed: u64, attempts: u32) -> Ns {
        let bound = match self.template.is_growing {
            false => self.bound(noise, seed, attempts),
            true => {
                let graph = &self.template.graph;
                drawn_bound(graph, &self.cluster, &self.truth, noise, seed, attempts)
            }
        };
        bound.map_or(0, |b| b.makespan_ns)
    }

    /// A lower bound on the makespan with the durations drawn, for a graph that does not grow.
    pub fn bound(&self, noise: &Noise, seed: u64, attempts: u32) -> Option<Bound> {
        *self.bound.get_or_init(|| {
            let graph = &self.template.graph;
            let all = drawn_bound(graph, &self.cluster, &self.truth, noise, seed, attempts)?;
            // Waiting for arrivals makes nothing shorter.
            let arriving = self.arriving.as_ref();
            let bounds_ns = arriving.map(|a| a.bounds_ns(self, noise, seed, attempts));
            let ends_ns = arriving.iter().flat_map(|a| &a.at_ns).zip(bounds_ns.unwrap_or(&[]));
            let last_ns = ends_ns.map(|(at_ns, bound_ns)| at_ns.saturating_add(*bound_ns)).max();
            Some(match last_ns.filter(|ns| *ns > all.makespan_ns) {
                Some(makespan_ns) => Bound { makespan_ns, kind: BoundKind::Arrival },
                None => all,
            })
        })
    }

    /// The graph that a run begins with, and what arrives then.
    pub fn begin(&self) -> (TaskGraph, Option<Arrivals>) {
        let whole = &self.template.graph;
        let Some(arriving) = &self.arriving else { return (TaskGraph::clone(whole), None) };
        let parts = &self.template.parts;
        let ends = parts.iter().skip(1).map(|p| (p.first_task, p.first_object));
        let ends = ends.chain([(whole.len() as u32, whole.object_count() as u32)]);
        let parts = parts.iter().zip(ends).zip(&arriving.at_ns).map(|((part, end), &at_ns)| {
            let (tasks, objects) = (end.0 - part.first_task, end.1 - part.first_object);
            Arrival { at_ns, tasks: tasks as usize, objects: objects as usize }
        });
        let arrivals = Arrivals { whole: Arc::clone(whole), parts: parts.collect() };
        (TaskGraph::new(whole.name()), Some(arrivals))
    }
}

/// Graphs that arrive over time, on a machine.
pub struct ArrivingWorld {
    /// When each arrives.
    pub at_ns: Vec<Ns>,
    /// Durations of each alone, before noise; those of equal graphs are with the first of them.
    alone: Vec<Option<Costs>>,
    /// A lower bound on each alone, before noise.
    exact_ns: Vec<Ns>,
    drawn_ns: OnceLock<Vec<Ns>>,
}

impl ArrivingWorld {
    fn new(
        plan: &ArrivalsPlan,
        parts: &[Part],
        cluster: &Cluster,
        model: Option<&dyn CostModel>,
        seed: u64,
    ) -> Result<Self, CostError> {
        let (mut alone, mut exact_ns) = (Vec::new(), Vec::new());
        for (at, part) in parts.iter().enumerate() {
            if part.like < at {
                alone.push(None);
                exact_ns.push(exact_ns[part.like]);
                continue;
            }
            let costs = Costs::resolve(&part.graph, cluster, model)?;
            let bound = drawn_bound(&part.graph, cluster, &costs, &Noise::None, seed, 1);
            exact_ns.push(bound.map_or(0, |b| b.makespan_ns));
            alone.push(Some(costs));
        }
        let sum: u128 = exact_ns.iter().map(|ns| u128::from(*ns)).sum();
        let mean_ns = sum / (exact_ns.len() as u128).max(1);
        let at_ns = plan.instants_ns(seed, mean_ns as Ns);
        Ok(Self { at_ns, alone, exact_ns, drawn_ns: OnceLock::new() })
    }

    /// Durations of a part alone, before noise.
    pub fn costs<'a>(&'a self, parts: &[Part], part: usize) -> Option<&'a Costs> {
        self.alone[parts[part].like].as_ref()
    }

    /// A lower bound on each graph alone, with the durations drawn.
    pub fn bounds_ns(&self, world: &World, noise: &Noise, seed: u64, attempts: u32) -> &[Ns] {
        if *noise == Noise::None {
            return &self.exact_ns;
        }
        self.drawn_ns.get_or_init(|| {
            let parts = &world.template.parts;
            let bound = |(at, part): (usize, &Part)| {
                let numbered = (attempts, part.first_task);
                let costs = self.costs(parts, at)?;
                let cluster = &world.cluster;
                drawn_bound_of_part(&part.graph, cluster, costs, noise, seed, numbered)
            };
            let all = parts.iter().enumerate().map(bound);
            all.map(|bound| bound.map_or(0, |b| b.makespan_ns)).collect()
        })
    }
}

/// Workload and seed.
type GraphKey = (u32, u64);
/// Workload, cluster, settings and seed.
type WorldKey = (u32, u32, u32, u64);
type Slot<T> = Arc<OnceLock<Result<Arc<T>, Arc<WorldError>>>>;

/// Worlds in use.
pub struct Worlds<'a> {
    plan: &'a Plan,
    calibration: &'a Calibration,
    graphs: Mutex<BTreeMap<GraphKey, (usize, Slot<Template>)>>,
    worlds: Mutex<BTreeMap<WorldKey, (usize, Slot<World>)>>,
}

impl<'a> Worlds<'a> {
    /// For these cells of a plan.
    pub fn new(plan: &'a Plan, cells: &[Cell], calibration: &'a Calibration) -> Self {
        let mut graphs: BTreeMap<GraphKey, (usize, Slot<Template>)> = BTreeMap::new();
        let mut worlds: BTreeMap<WorldKey, (usize, Slot<World>)> = BTreeMap::new();
        for cell in cells {
            graphs.entry(graph_key(cell)).or_default().0 += 1;
            worlds.entry(world_key(cell)).or_default().0 += 1;
        }
        Self { plan, calibration, graphs: Mutex::new(graphs), worlds: Mutex::new(worlds) }
    }

    /// The world of a cell.
    ///
    /// # Errors
    /// [`WorldError`], the same for every cell that shares it.
    pub fn get(&self, cell: &Cell) -> Result<Arc<World>, Arc<WorldError>> {
        let slot = slot(&self.worlds, &world_key(cell));
        slot.get_or_init(|| self.make(cell)).clone()
    }

    /// Says that a cell is done with.
    pub fn release(&self, cell: &Cell) {
        release(&self.worlds, &world_key(cell));
        release(&self.graphs, &graph_key(cell));
    }

    fn make(&self, cell: &Cell) -> Result<Arc<World>, Arc<WorldError>> {
        let template = slot(&self.graphs, &graph_key(cell))
            .get_or_init(|| self.template(cell).map(Arc::new).map_err(|e| Arc::new(e.into())))
            .clone()?;
        let fail = |error: WorldError| Arc::new(error);
        let cluster = self.cluster(cell).map_err(|e| fail(e.into()))?;
        let model = self.calibration.model(self.plan, cell);
        let truth = Costs::resolve(&template.graph, &cluster, model);
        let truth = truth.map_err(|e| fail(e.into()))?;
        let plan = self.plan.workloads[cell.workload as usize].arrivals();
        let arriving =
            plan.map(|plan| ArrivingWorld::new(plan, &template.parts, &cluster, model, cell.seed));
        let arriving = arriving.transpose().map_err(|e| fail(e.into()))?;
        let settings = &self.plan.settings[cell.settings as usize];
        let noise = knowledge::noise(settings, &template.graph, &cluster, model);
        Ok(Arc::new(World {
            noise,
            template,
            cluster,
            truth,
            arriving,
            noisy: OnceLock::new(),
            bound: OnceLock::new(),
        }))
    }

    fn template(&self, cell: &Cell) -> Result<Template, WorkloadError> {
        if let Some(plan) = self.plan.workloads[cell.workload as usize].arrivals() {
            let Arriving { whole: graph, parts } = plan.make(cell.seed)?;
            return Ok(Template { graph, parts, is_growing: false, app: None });
        }
        let Workload { graph, program, app } = self.workload(cell)?;
        let (graph, is_growing) = (Arc::new(graph), program.is_some());
        Ok(Template { graph, parts: Vec::new(), is_growing, app })
    }

    /// The cell's machine; where durations were measured on this machine's cores, what the runtime
    /// takes of them before each task holds for its cores too, unless it states what it takes.
    fn cluster(&self, cell: &Cell) -> Result<Arc<Cluster>, MakeClusterError> {
        let plan = &self.plan.clusters[cell.cluster as usize];
        let Some(issue_ns) = self.calibration.issue_ns(self.plan, cell) else {
            return plan.make(cell.seed);
        };
        let mut spec = plan.spec(cell.seed)?;
        let own = spec.devices.iter_mut().filter(|d| d.class == CPU && d.issue_ns == 0);
        own.for_each(|device| device.issue_ns = issue_ns);
        Ok(Arc::new(Cluster::new(spec)?))
    }

    /// The cell's workload, made anew.
    ///
    /// # Errors
    /// [`WorkloadError`].
    pub fn workload(&self, cell: &Cell) -> Result<Workload, WorkloadError> {
        self.plan.workloads[cell.workload as usize].make(cell.seed)
    }
}

fn graph_key(cell: &Cell) -> GraphKey {
    (cell.workload, cell.seed)
}

fn world_key(cell: &Cell) -> WorldKey {
    (cell.workload, cell.cluster, cell.settings, cell.seed)
}

fn slot<K: Ord + Copy, T>(map: &Mutex<BTreeMap<K, (usize, Slot<T>)>>, key: &K) -> Slot<T> {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(&map.entry(*key).or_default().1)
}

fn release<K: Ord, T>(map: &Mutex<BTreeMap<K, (usize, Slot<T>)>>, key: &K) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((users, _)) = map.get_mut(key) {
        *users = users.saturating_sub(1);
        if *users == 0 {
            map.remove(key);
        }
    }
}
