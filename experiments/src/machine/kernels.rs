//! Durations of the workloads' kernels, by shape, from real runs on all cores.

use super::robust::Sample;
use super::{Effort, MeasureError};
use real_backend::{Machine, RunSpec, host_cluster};
use runtime::cost::History;
use runtime::registry::Value;
use runtime::{Cluster, Costs, ObjectId, Trace};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Who places tasks while they are measured.
pub(super) const SCHEDULER: &str = "mct";

/// What was learnt.
pub(super) struct Kernels {
    pub history: History,
    /// Tasks left out, and all tasks.
    pub outliers: (usize, usize),
}

/// A workload with its parameters.
type Run = (&'static str, &'static [(&'static str, i64)]);

const QUICK: [Run; 2] = [
    ("cholesky", &[("n", 256), ("tile", 64)]),
    ("merge-sort", &[("n", 65_536), ("block", 16_384)]),
];

const FULL: [Run; 7] = [
    ("cholesky", &[("n", 512), ("tile", 64)]),
    ("cholesky", &[("n", 1024), ("tile", 128)]),
    ("cholesky", &[("n", 1536), ("tile", 192)]),
    ("cholesky", &[("n", 2048), ("tile", 256)]),
    ("merge-sort", &[("n", 1_048_576), ("block", 65_536)]),
    ("merge-sort", &[("n", 2_097_152), ("block", 262_144)]),
    ("word-count", &[("chunks", 16)]),
];

/// Runs every workload once to warm up and then as often as the effort says.
pub(super) fn measure(effort: Effort, machine: &Machine) -> Result<Kernels, MeasureError> {
    let (runs, repetitions): (&[Run], usize) = match effort {
        Effort::Quick => (&QUICK, 3),
        Effort::Full => (&FULL, 7),
    };
    let lanes = machine.cores.len() as u32;
    let cluster = Cluster::new(host_cluster(machine, lanes, 1e9));
    let cluster = Arc::new(cluster.expect("a machine has cores"));
    let mut kernels = Kernels { history: History::new(), outliers: (0, 0) };
    for &(name, given) in runs {
        let mut traces = Vec::new();
        for run in 0..=repetitions {
            let trace = run_once(name, given, &cluster)?;
            if run > 0 {
                traces.push(trace);
            }
        }
        let (left_out, all) = drop_outliers(&mut traces);
        kernels.outliers.0 += left_out;
        kernels.outliers.1 += all;
        traces.iter().for_each(|trace| kernels.history.learn(trace));
    }
    Ok(kernels)
}

fn run_once(
    name: &'static str,
    given: &[(&str, i64)],
    cluster: &Arc<Cluster>,
) -> Result<Trace, MeasureError> {
    let info = workloads::registry::find(name).expect("it is registered");
    let given: Vec<(String, Value)> =
        given.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value))).collect();
    let made = info.make(&given, 1)?;
    let costs = Costs::resolve(&made.graph, cluster, None).expect("any core runs it");
    let scheduler = schedulers::find(SCHEDULER).expect("it is registered").build_default(1);
    let mut spec = RunSpec {
        program: made.program,
        ..RunSpec::new(made.graph, Arc::clone(cluster), costs, scheduler)
    };
    if let Some(app) = made.app {
        spec.kernels = app.kernels();
        spec.inputs =
            Some(Box::new(move |object: ObjectId, bytes: &mut [u8]| app.fill(object, bytes)));
    }
    let output =
        real_backend::run(spec).map_err(|source| MeasureError::Run { what: name, source })?;
    Ok(output.trace)
}

/// Takes tasks out that something else must have held up: compared with those of their kernel and
/// shape in all of these runs. Returns how many, and how many there were.
fn drop_outliers(traces: &mut [Trace]) -> (usize, usize) {
    let duration = |t: &runtime::trace::TaskRecord| (t.finished_ns - t.started_ns) as f64;
    let key = |trace: &Trace, t: &runtime::trace::TaskRecord| {
        let task = trace.graph.task(t.task);
        (task.kernel, task.shape)
    };
    let mut durations: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for trace in traces.iter() {
        for record in &trace.tasks {
            durations.entry(key(trace, record)).or_default().push(duration(record));
        }
    }
    let samples: BTreeMap<_, Sample> =
        durations.into_iter().map(|(key, values)| (key, Sample::of(&values))).collect();
    let (mut left_out, mut all) = (0, 0);
    for trace in traces {
        let tasks = std::mem::take(&mut trace.tasks);
        all += tasks.len();
        let kept: Vec<_> = (tasks.iter().copied())
            .filter(|t| !samples[&key(trace, t)].is_outlier(duration(t)))
            .collect();
        left_out += tasks.len() - kept.len();
        trace.tasks = kept;
    }
    (left_out, all)
}

/// Work per second of the kernel `gemm` at the shape of most work, or of whatever kernel does most.
pub(super) fn speed(history: &History) -> f64 {
    let is_gemm = |name: &str| name == "gemm";
    let known = history.entries().iter().filter(|e| e.mean_work > 0.0 && e.mean_ns > 0.0);
    let best = known.max_by(|a, b| {
        let rank = |e: &runtime::cost::Entry| (is_gemm(&e.kernel), e.mean_work);
        let ((a_is, a), (b_is, b)) = (rank(a), rank(b));
        a_is.cmp(&b_is).then(a.total_cmp(&b))
    });
    best.map_or(1e9, |e| e.mean_work * 1e9 / e.mean_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_was_held_up_is_not_learnt_from() {
        let machine = Machine::detect();
        let cluster = Arc::new(Cluster::new(host_cluster(&machine, 1, 1e9)).unwrap());
        let given: &[(&str, i64)] = &[("n", 128), ("tile", 32)];
        let mut traces = vec![run_once("cholesky", given, &cluster).unwrap()];
        let all = traces[0].tasks.len();
        traces[0].tasks.iter_mut().for_each(|t| t.finished_ns = t.started_ns + 1000);
        traces[0].tasks[5].finished_ns += 100_000;
        // Four diagonal tiles of one shape: the held up one is no majority of its kind.
        assert_eq!(drop_outliers(&mut traces), (1, all));
        let mut history = History::new();
        traces.iter().for_each(|trace| history.learn(trace));
        assert!(history.entries().iter().all(|e| e.mean_ns == 1000.0));
        let gemm = history.entries().iter().find(|e| e.kernel == "gemm").unwrap();
        assert_eq!(speed(&history), gemm.mean_work * 1e9 / 1000.0);
    }
}
