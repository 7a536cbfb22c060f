//! What the runtime costs: a lane's time per empty task.

use super::robust::Sample;
use super::{Effort, MeasureError};
use real_backend::{Machine, RunSpec, host_cluster};
use runtime::{Cluster, Costs, TaskGraph, TaskSpec};
use std::sync::Arc;

/// Independent empty tasks on all cores, placed one by one as they become ready.
pub(super) fn measure(effort: Effort, machine: &Machine) -> Result<Sample, MeasureError> {
    let (tasks, repetitions) = match effort {
        Effort::Quick => (2_000, 3),
        Effort::Full => (20_000, 11),
    };
    let lanes = machine.cores.len() as u32;
    let cluster = Cluster::new(host_cluster(machine, lanes, 1.0));
    let cluster = Arc::new(cluster.expect("a machine has cores"));
    let mut graph = TaskGraph::new("empty tasks");
    let kernel = graph.kernel("nothing");
    for _ in 0..tasks {
        graph.submit(TaskSpec::new(kernel)).expect("it has no accesses that could be wrong");
    }
    let mut per_task_ns = Vec::new();
    // The first run wakes the machine up.
    for run in 0..=repetitions {
        let costs = Costs::resolve(&graph, &cluster, None).expect("any core runs them");
        let scheduler = schedulers::find(super::learn::SCHEDULER).expect("it is registered");
        let scheduler = scheduler.build_default(1);
        let mut spec = RunSpec::new(graph.clone(), Arc::clone(&cluster), costs, scheduler);
        spec.kernels.insert("nothing", |_: &mut runtime::KernelArgs<'_, '_>| Ok(None));
        let output = real_backend::run(spec)
            .map_err(|source| MeasureError::Run { what: "empty tasks", source })?;
        if run > 0 {
            let all_ns = output.makespan_ns as f64 * f64::from(lanes);
            per_task_ns.push(all_ns / tasks as f64);
        }
    }
    Ok(Sample::of(&per_task_ns))
}
