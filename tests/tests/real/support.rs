//! Cholesky factorisations: the input and the judge of these tests.

use real_backend::{RunOutput, RunSpec};
use runtime::registry::Value;
use runtime::{Cluster, Costs, DeviceId, Event, ObjectId, Scheduler, View};
use std::sync::Arc;
use workloads::{App, Workload};

/// A factorisation of order `n` in tiles, tile (i, j) at home in memory (i mod grid, j mod grid).
pub fn cholesky(n: i64, tile: i64, grid: i64) -> Workload {
    let info = workloads::registry::find("cholesky").unwrap();
    let given = [("n", n), ("tile", tile), ("grid_rows", grid), ("grid_columns", grid)];
    let given = given.map(|(name, value)| (name.to_owned(), Value::Int(value)));
    info.make(&given, 1).unwrap()
}

/// A real run of it on a cluster.
pub fn spec(workload: &Workload, cluster: &Arc<Cluster>, scheduler: Box<dyn Scheduler>) -> RunSpec {
    let costs = Costs::resolve(&workload.graph, cluster, None).unwrap();
    let app = Arc::clone(workload.app.as_ref().unwrap());
    let kernels = app.kernels();
    let fill = move |object: ObjectId, bytes: &mut [u8]| app.fill(object, bytes);
    let plain = RunSpec::new(workload.graph.clone(), Arc::clone(cluster), costs, scheduler);
    RunSpec { kernels, inputs: Some(Box::new(fill)), ..plain }
}

/// The factor, bit for bit, after the application's own check of it.
pub fn factor(app: &dyn App, output: &RunOutput) -> Vec<Vec<u8>> {
    let graph = &output.trace.graph;
    let kept = graph.object_ids().filter(|o| graph.object(*o).keep);
    let results: Vec<(ObjectId, &[u8])> =
        kept.map(|o| (o, output.object_bytes(o).expect("results are at home"))).collect();
    app.check(&results).unwrap();
    results.into_iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

/// The factor as one worker of this machine computes it with all data in memory.
pub fn in_core_factor(workload: &Workload) -> Vec<Vec<u8>> {
    let machine = real_backend::Machine::detect();
    let cluster = Arc::new(Cluster::new(real_backend::host_cluster(&machine, 1, 1e9)).unwrap());
    let scheduler = schedulers::find("mct").unwrap().build_default(1);
    let output = real_backend::run(spec(workload, &cluster, scheduler)).unwrap();
    factor(workload.app.as_ref().unwrap().as_ref(), &output)
}

/// Runs every task where the object that it writes is at home.
pub struct OwnerComputes;

impl Scheduler for OwnerComputes {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut runtime::Decisions) {
        for event in events {
            let Event::Ready { task } = *event else { continue };
            let (graph, cluster) = (view.graph(), view.cluster());
            let written = graph.accesses(task).iter().find(|a| a.mode.writes());
            let home = written.map(|a| cluster.home(graph.object(a.object).home));
            let is_owner = |d: &DeviceId| Some(cluster.memory_of(*d)) == home;
            let owner = cluster.device_ids().find(is_owner);
            out.place(task, owner.expect("a device computes in every home"));
        }
    }
}
