//! Graphs that become known piece by piece.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
use runtime::executive::{Setup, Thinking};
use runtime::registry::{SchedulerInfo, Value};
use runtime::replay::replay_setup;
use runtime::trace::Trace;
use runtime::validator::validate;
use runtime::{Cluster, Costs, TaskGraph};
use sim::{Disturbance, SimSpec, Spells, Window, run};
use std::sync::Arc;

/// Three nodes of two cores, every pair joined; the second memory is small.
fn machine(bytes: Option<u64>) -> Arc<Cluster> {
    let name = |i: usize| format!("node{i}");
    let memories = (0..3).map(|i| MemorySpec {
        name: name(i),
        capacity_bytes: bytes.filter(|_| i == 1),
        ..Default::default()
    });
    let devices = (0..3).map(|i| DeviceSpec {
        name: name(i),
        class: "cpu".into(),
        memory: name(i),
        lanes: 2,
        speed: 1e9,
        ..Default::default()
    });
    let links = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| LinkSpec {
        name: format!("{a}-{b}"),
        a: name(a),
        b: name(b),
        bytes_per_s: 1e9,
        latency_ns: 1000,
        ..Default::default()
    });
    let spec = ClusterSpec {
        memories: memories.collect(),
        devices: devices.collect(),
        links: links.to_vec(),
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

fn layered(tasks: i64, seed: u64) -> Arc<TaskGraph> {
    let given = [("tasks".to_owned(), Value::Int(tasks))];
    let info = workloads::registry::find("layered").unwrap();
    Arc::new(info.make(&given, seed).unwrap().graph)
}

/// Runs with a window; the trace is valid and replays to the same commands.
fn windowed(
    graph: &Arc<TaskGraph>,
    cluster: &Arc<Cluster>,
    scheduler: &SchedulerInfo,
    tasks: usize,
    disturbance: &Disturbance,
) -> Trace {
    let name = scheduler.name;
    let costs = Costs::resolve(graph, cluster, None).unwrap();
    let (begin, program) = Window::new(Arc::clone(graph), tasks);
    let made = scheduler.build_default(1);
    let spec = SimSpec::new(begin, Arc::clone(cluster), costs.clone(), made);
    let spec = SimSpec {
        program: Some(Box::new(program)),
        disturbance: disturbance.clone(),
        seed: 1,
        ..spec
    };
    let trace = run(spec).unwrap_or_else(|e| panic!("{name}, {tasks}: {e}")).trace;
    assert_eq!(validate(&trace), [], "{name}, {tasks}");
    assert_eq!(trace.graph.to_plain().tasks.len(), graph.len(), "{name}, {tasks}");
    let (begin, program) = Window::new(Arc::clone(graph), tasks);
    let setup = Setup {
        graph: begin,
        cluster: Arc::clone(cluster),
        estimates: costs,
        scheduler: scheduler.build_default(1),
        thinking: Thinking::Free,
        program: Some(Box::new(program)),
        tracing: true,
    };
    let replayed = replay_setup(&trace, setup).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(replayed.trace_digest, Some(trace.digest()), "{name}, {tasks}");
    trace
}

/// A task is known once enough tasks have finished; nothing starts before it is known.
fn check_window(trace: &Trace, tasks: usize, name: &str) {
    for (at, record) in trace.tasks.iter().enumerate() {
        let before = trace.tasks[..at].iter().filter(|t| t.finished_ns <= record.started_ns);
        let known = before.count() + tasks;
        assert!(record.task.index() < known, "{name}: {record:?} of {known} known");
    }
}

#[test]
fn every_scheduler_runs_graphs_of_which_it_knows_little() {
    let graph = layered(40, 3);
    let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max();
    for cluster in [machine(None), machine(largest)] {
        for scheduler in schedulers::all() {
            for tasks in [1, 7, 40] {
                let trace = windowed(&graph, &cluster, scheduler, tasks, &Disturbance::default());
                check_window(&trace, tasks, scheduler.name);
            }
        }
    }
}

#[test]
fn a_window_over_everything_changes_nothing() {
    let (graph, cluster) = (layered(40, 4), machine(None));
    for scheduler in schedulers::all() {
        let trace = windowed(&graph, &cluster, scheduler, 40, &Disturbance::default());
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let (whole, cluster) = (TaskGraph::clone(&graph), Arc::clone(&cluster));
        let spec = SimSpec::new(whole, cluster, costs, scheduler.build_default(1));
        let plain = run(SimSpec { seed: 1, ..spec }).unwrap().trace;
        assert_eq!(trace.digest(), plain.digest(), "{}", scheduler.name);
    }
}

#[test]
fn what_is_made_again_was_known_before() {
    let (graph, cluster) = (layered(60, 5), machine(None));
    let spells = Spells { share: 0.5, well_ns: 30_000_000, spell_ns: Some(20_000_000) };
    let disturbance = Disturbance { failure: 0.05, outages: spells, ..Default::default() };
    let mut redone = 0;
    for name in ["heft", "mct", "dmda", "work-stealing"] {
        let scheduler = schedulers::find(name).unwrap();
        for tasks in [3, 20] {
            let trace = windowed(&graph, &cluster, scheduler, tasks, &disturbance);
            redone += trace.tasks.len() - graph.len();
        }
    }
    assert!(redone > 0, "nothing was ever made again");
}
