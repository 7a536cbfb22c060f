//! Linear algebra: the input and the judge of these tests.

use real_backend::{RunOutput, RunSpec};
use runtime::registry::Value;
use runtime::{Cluster, Costs, ObjectId, Scheduler};
use std::sync::Arc;
use workloads::{App, Workload};

/// A workload from whole numbers and words.
pub fn make(name: &str, counts: &[(&str, i64)], words: &[(&str, &str)]) -> Workload {
    let counts = counts.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v)));
    let words = words.iter().map(|(k, v)| ((*k).to_owned(), Value::Text((*v).to_owned())));
    let info = workloads::registry::find(name).unwrap();
    info.make(&counts.chain(words).collect::<Vec<_>>(), 1).unwrap()
}

/// A factorisation of order `n` in tiles, tile (i, j) at home in memory (i mod grid, j mod grid).
pub fn cholesky(n: i64, tile: i64, grid: i64) -> Workload {
    make("cholesky", &[("n", n), ("tile", tile), ("grid_rows", grid), ("grid_columns", grid)], &[])
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

/// The result, bit for bit, after the application's own check of it.
pub fn result(app: &dyn App, output: &RunOutput) -> Vec<Vec<u8>> {
    let graph = &output.trace.graph;
    let kept = graph.object_ids().filter(|o| graph.object(*o).keep);
    let results: Vec<(ObjectId, &[u8])> =
        kept.map(|o| (o, output.object_bytes(o).expect("results are at home"))).collect();
    app.check(&results).unwrap();
    results.into_iter().map(|(_, bytes)| bytes.to_vec()).collect()
}

/// The result as one worker of this machine computes it with all data in memory.
pub fn in_core_result(workload: &Workload) -> Vec<Vec<u8>> {
    let machine = real_backend::Machine::detect();
    let cluster = Arc::new(Cluster::new(real_backend::host_cluster(&machine, 1, 1e9)).unwrap());
    let scheduler = schedulers::find("mct").unwrap().build_default(1);
    let output = real_backend::run(spec(workload, &cluster, scheduler)).unwrap();
    result(workload.app.as_ref().unwrap().as_ref(), &output)
}
