//! Lanes that are given tasks besides the one that they run.

use proptest::prelude::*;
use runtime::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
use runtime::graph::ObjectSpec;
use runtime::planner::{Assignment, PlanFailure};
use runtime::validator::validate;
use runtime::{
    Cluster, Cost, Costs, DeviceId, LaneId, Mode, Ns, Planned, Planner, Problem, Schedule,
    TaskGraph, TaskSpec, Trace,
};
use sim::{SimSpec, run};
use std::sync::Arc;

/// Puts tasks on given lanes, in the order of their submission.
struct Dealt(Vec<u32>);

impl Planner for Dealt {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let place = |&task: &runtime::TaskId| Assignment {
            task,
            device: DeviceId(0),
            lane: LaneId(self.0[task.index()]),
            start_ns: task.0.into(),
            finish_ns: Ns::from(task.0) + 1,
        };
        Ok(Schedule { assignments: problem.tasks.iter().map(place).collect() })
    }
}

/// One memory, and a device with so many lanes that is told of a task so long before it starts.
fn host(lanes: u32, issue_ns: Ns) -> Arc<Cluster> {
    let memory = MemorySpec { name: "host".into(), ..Default::default() };
    let device = DeviceSpec {
        name: "cpu".into(),
        memory: "host".into(),
        lanes,
        speed: 1e9,
        issue_ns,
        ..Default::default()
    };
    let (memories, devices) = (vec![memory], vec![device]);
    Arc::new(Cluster::new(ClusterSpec { memories, devices, ..Default::default() }).unwrap())
}

fn simulate(graph: &TaskGraph, cluster: &Arc<Cluster>, lanes: &[u32], ahead: u32) -> Trace {
    let costs = Costs::resolve(graph, cluster, None).unwrap();
    let plan = Box::new(Planned::new(Dealt(lanes.to_vec())));
    let spec = SimSpec::new(graph.clone(), Arc::clone(cluster), costs, plan);
    let trace = run(SimSpec { issue_ahead: ahead, ..spec }).unwrap().trace;
    assert_eq!(validate(&trace), []);
    trace
}

fn starts(trace: &Trace) -> Vec<(runtime::TaskId, Ns, Ns)> {
    let mut times: Vec<_> =
        trace.tasks.iter().map(|t| (t.task, t.started_ns, t.finished_ns)).collect();
    times.sort_unstable();
    times
}

#[test]
fn what_is_issued_ahead_hides_the_issue() {
    let mut graph = TaskGraph::new("three");
    let kernel = graph.kernel("k");
    for _ in 0..3 {
        graph.submit(TaskSpec { cost: Cost::Work(50.0), ..TaskSpec::new(kernel) }).unwrap();
    }
    let cluster = host(1, 100);
    let makespan_ns = |ahead| simulate(&graph, &cluster, &[0; 3], ahead).makespan_ns;
    // Each is told of after the one before it; one is told of in time; all are at once.
    assert_eq!([0, 1, 2].map(makespan_ns), [450, 300, 250]);
}

/// Tasks that change one of four objects and read another, with durations and lanes.
fn arb_tasks() -> impl Strategy<Value = Vec<(usize, usize, u8, u32)>> {
    prop::collection::vec((0..4usize, 0..4usize, 0..20u8, 0..3u32), 1..60)
}

proptest! {
    #[test]
    fn without_latency_it_changes_nothing_and_with_it_nothing_ends_later(
        tasks in arb_tasks(),
        ahead in 1..5u32,
    ) {
        let mut graph = TaskGraph::new("random");
        let kernel = graph.kernel("k");
        let spec = ObjectSpec { bytes: 8, initial: true, ..Default::default() };
        let objects: Vec<_> = (0..4).map(|_| graph.add_object(spec).unwrap()).collect();
        for &(changed, read, duration, _) in &tasks {
            let accesses = [(objects[changed], Mode::ReadWrite), (objects[read], Mode::Read)];
            let cost = Cost::Work(duration.into());
            let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(spec).unwrap();
        }
        let lanes: Vec<u32> = tasks.iter().map(|t| t.3).collect();
        let quick = host(3, 0);
        let plain = simulate(&graph, &quick, &lanes, 0);
        prop_assert_eq!(starts(&simulate(&graph, &quick, &lanes, ahead)), starts(&plain));
        let slow = host(3, 7);
        let (told_late, told_early) =
            (simulate(&graph, &slow, &lanes, 0), simulate(&graph, &slow, &lanes, ahead));
        for (early, late) in starts(&told_early).into_iter().zip(starts(&told_late)) {
            prop_assert!(early.2 <= late.2, "{early:?} {late:?}");
        }
    }
}
