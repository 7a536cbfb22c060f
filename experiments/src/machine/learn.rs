//! What real runs of a workload tell about this machine: durations of kernels, and what the runtime
//! takes of a lane between two tasks.

use super::robust::Sample;
use crate::runner::Watched;
use real_backend::{RunError, RunSpec};
use runtime::cost::History;
use runtime::trace::TaskRecord;
use runtime::{Cluster, Costs, Ns, ObjectId, Trace};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workloads::{Workload, WorkloadError};

/// Who places tasks while they are measured.
pub(super) const SCHEDULER: &str = "mct";
/// Runs before those that are measured: the machine wakes up, files and code are read.
const WARM_UP_RUNS: usize = 1;

/// How often a workload is run.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// So often at least.
    pub fewest: usize,
    /// So often at most.
    pub most: usize,
    /// Between the two: until runs have taken so long in all.
    pub time: Duration,
}

/// What was learnt of one or more workloads.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    /// Durations by kernel, class and shape.
    pub history: History,
    /// Tasks left out of `history` because something else held them up, and all tasks.
    pub outliers: (usize, usize),
    /// Task by task, see [`Learnt::issue_ns`].
    issues_ns: Vec<f64>,
}

/// Why a workload could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// It could not be made, or not placed on the cluster.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// Its durations are unknown on the cluster.
    #[error(transparent)]
    Cost(#[from] runtime::cost::CostError),
    /// A real run failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Learnt {
    /// Runs a workload for real, on a cluster of this machine's cores.
    ///
    /// # Errors
    /// [`LearnError`] of the first run that fails.
    pub fn learn(
        &mut self,
        make: &mut dyn FnMut() -> Result<Workload, WorkloadError>,
        cluster: &Arc<Cluster>,
        seed: u64,
        patience: Patience,
    ) -> Result<(), LearnError> {
        for _ in 0..WARM_UP_RUNS {
            run_once(make()?, cluster, seed)?;
        }
        let (mut traces, began) = (Vec::new(), Instant::now());
        let is_time_up = || began.elapsed() >= patience.time;
        while traces.len() < patience.fewest || (traces.len() < patience.most && !is_time_up()) {
            traces.push(run_once(make()?, cluster, seed)?);
        }
        traces.iter().for_each(|trace| push_issues(trace, &mut self.issues_ns));
        let (left_out, all) = drop_outliers(&mut traces);
        self.outliers.0 += left_out;
        self.outliers.1 += all;
        traces.iter().for_each(|trace| self.history.learn(trace));
        Ok(())
    }

    /// What the runtime takes of a lane per task: from the moment when the lane has a task and
    /// nothing else to do until the task's start. The mean, since all of it adds up, without the
    /// longest hundredth, in which something else had the core.
    pub fn issue_ns(&self) -> Ns {
        let mut issues_ns = self.issues_ns.clone();
        issues_ns.sort_by(f64::total_cmp);
        let usual = &issues_ns[..issues_ns.len() - issues_ns.len() / 100];
        let mean_ns = usual.iter().sum::<f64>() / usual.len().max(1) as f64;
        mean_ns.round() as Ns
    }
}

fn run_once(made: Workload, cluster: &Arc<Cluster>, seed: u64) -> Result<Trace, LearnError> {
    let costs = Costs::resolve(&made.graph, cluster, None)?;
    let scheduler = schedulers::find(SCHEDULER).expect("it is registered").build_default(seed);
    // Watched like those of the runs that are predicted: that, too, takes time.
    let scheduler = Box::new(Watched::new(scheduler, &Arc::default(), None, None, None));
    let mut spec = RunSpec {
        program: made.program,
        ..RunSpec::new(made.graph, Arc::clone(cluster), costs, scheduler)
    };
    if let Some(app) = made.app {
        spec.kernels = app.kernels();
        spec.inputs =
            Some(Box::new(move |object: ObjectId, bytes: &mut [u8]| app.fill(object, bytes)));
    }
    Ok(real_backend::run(spec)?.trace)
}

/// What the runtime took of lanes before each task of one core.
fn push_issues(trace: &Trace, issues_ns: &mut Vec<f64>) {
    let mut tasks: Vec<&TaskRecord> = trace.tasks.iter().filter(|t| t.lanes == 1).collect();
    tasks.sort_by_key(|t| (t.lane, t.started_ns));
    let mut last: Option<&TaskRecord> = None;
    for task in tasks {
        let free_ns = last.filter(|l| l.lane == task.lane).map_or(0, |l| l.finished_ns);
        issues_ns.push(task.started_ns.saturating_sub(task.issued_ns.max(free_ns)) as f64);
        last = Some(task);
    }
}

/// Takes tasks out that something else must have held up: compared with those of their kernel and
/// shape in all of these runs. Returns how many, and how many there were.
fn drop_outliers(traces: &mut [Trace]) -> (usize, usize) {
    let duration = |t: &TaskRecord| (t.finished_ns - t.started_ns) as f64;
    let key = |trace: &Trace, t: &TaskRecord| {
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

#[cfg(test)]
mod tests {
    use super::*;
    use real_backend::{Machine, host_cluster};
    use runtime::registry::Value;

    fn cholesky() -> Result<Workload, WorkloadError> {
        let given = [("n".to_owned(), Value::Int(128)), ("tile".to_owned(), Value::Int(32))];
        workloads::registry::find("cholesky").unwrap().make(&given, 1)
    }

    fn one_core() -> Arc<Cluster> {
        Arc::new(Cluster::new(host_cluster(&Machine::detect(), 1, 1e9)).unwrap())
    }

    #[test]
    fn a_task_that_was_held_up_is_not_learnt_from() {
        let mut traces = vec![run_once(cholesky().unwrap(), &one_core(), 1).unwrap()];
        let all = traces[0].tasks.len();
        traces[0].tasks.iter_mut().for_each(|t| t.finished_ns = t.started_ns + 1000);
        traces[0].tasks[5].finished_ns += 100_000;
        // Four diagonal tiles of one shape: the held up one is no majority of its kind.
        assert_eq!(drop_outliers(&mut traces), (1, all));
        let mut history = History::new();
        traces.iter().for_each(|trace| history.learn(trace));
        assert!(history.entries().iter().all(|e| e.mean_ns == 1000.0));
    }

    #[test]
    fn a_lane_waits_from_when_it_is_free_and_has_a_task() {
        let mut trace = run_once(cholesky().unwrap(), &one_core(), 1).unwrap();
        trace.tasks.truncate(3);
        let times = [(0, 7, 100), (100, 105, 200), (150, 201, 300)];
        for (task, (issued_ns, started_ns, finished_ns)) in trace.tasks.iter_mut().zip(times) {
            *task = TaskRecord { issued_ns, started_ns, finished_ns, lane: task.lane, ..*task };
        }
        let mut learnt = Learnt::default();
        push_issues(&trace, &mut learnt.issues_ns);
        assert_eq!(learnt.issues_ns, [7.0, 5.0, 1.0]);
        assert_eq!(learnt.issue_ns(), 4, "the mean of 7, 5 and 1");
        learnt.issues_ns = (0..100).map(|at| if at == 37 { 1e9 } else { 20.0 }).collect();
        assert_eq!(learnt.issue_ns(), 20, "the longest of a hundred does not count");
        assert_eq!(Learnt::default().issue_ns(), 0);
    }

    #[test]
    fn patience_says_how_often_a_workload_is_run() {
        let mut made = 0;
        let mut make = || {
            made += 1;
            cholesky()
        };
        let patience = Patience { fewest: 2, most: 3, time: Duration::MAX };
        let mut learnt = Learnt::default();
        learnt.learn(&mut make, &one_core(), 1, patience).unwrap();
        let patience = Patience { time: Duration::ZERO, ..patience };
        learnt.learn(&mut make, &one_core(), 1, patience).unwrap();
        assert_eq!(made, 2 * WARM_UP_RUNS + 3 + 2);
        assert_eq!(learnt.outliers.1, 5 * 20, "tasks of four by four tiles");
    }
}
