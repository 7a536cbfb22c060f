//! Runs of the runtime on one GPU.

use super::Open;
use real_backend::{GpuShape, GpuSpec, Machine, RunOutput, RunSpec, gpu_cluster};
use runtime::{Cluster, Costs, Decisions, DeviceId, Event, Inputs, Scheduler, TaskGraph, View};
use std::sync::Arc;
use std::time::Duration;

/// How a run is made.
pub struct Way {
    pub streams: u32,
    pub capacity_bytes: Option<u64>,
    /// Whether objects are at home on the GPU.
    pub is_home: bool,
    /// Copies under way at once in each direction.
    pub copies: u32,
}

impl Default for Way {
    fn default() -> Self {
        Self { streams: 16, capacity_bytes: None, is_home: false, copies: 2 }
    }
}

/// The scheduler with the least to think about: every ready task goes to the GPU at once, and its
/// streams take tasks in that order.
pub struct OnTheGpu;

impl Scheduler for OnTheGpu {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(0));
            }
        }
    }
}

/// A registered scheduler, or [`OnTheGpu`] under the name `ready`.
pub fn scheduler(name: &str) -> Result<Box<dyn Scheduler>, String> {
    match name {
        "ready" => Ok(Box::new(OnTheGpu)),
        _ => {
            let found = schedulers::find(name).ok_or(format!("no scheduler {name}"))?;
            Ok(found.build_default(1))
        }
    }
}

/// The machine: its first GPU alone.
pub fn cluster(open: Open<'_>, way: &Way) -> Result<Arc<Cluster>, String> {
    let facts = open().map_err(|e| e.to_string())?.facts().to_vec();
    let shape = GpuShape {
        streams: way.streams,
        capacity_bytes: way.capacity_bytes,
        copies: way.copies,
        ..GpuShape::default()
    };
    let mut spec = gpu_cluster(&Machine::detect(), 0, 1e9, &facts[..1], &shape);
    if way.is_home {
        spec.homes = vec!["hbm0".to_owned()];
    }
    Cluster::new(spec).map(Arc::new).map_err(|e| e.to_string())
}

/// Runs a graph.
pub fn run(
    open: Open<'_>,
    cluster: &Arc<Cluster>,
    graph: &TaskGraph,
    inputs: Option<Box<dyn Inputs>>,
    name: &str,
) -> Result<RunOutput, String> {
    let costs = Costs::resolve(graph, cluster, None).map_err(|e| e.to_string())?;
    let spec = RunSpec {
        inputs,
        gpus: Some(GpuSpec::new(open().map_err(|e| e.to_string())?)),
        scheduler_name: name.to_owned(),
        timeout: Duration::from_secs(120),
        ..RunSpec::new(graph.clone(), Arc::clone(cluster), costs, scheduler(name)?)
    };
    real_backend::run(spec).map_err(|e| e.to_string())
}
