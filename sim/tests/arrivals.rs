//! Graphs that arrive while others run.

use proptest::prelude::*;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
use runtime::executive::{Setup, Thinking};
use runtime::registry::SchedulerInfo;
use runtime::replay::replay_setup;
use runtime::trace::Trace;
use runtime::validator::validate;
use runtime::{Cluster, Cost, Costs, Ns, TaskGraph, TaskSpec};
use sim::{Arrival, Arrivals, SimSpec, run};
use std::sync::Arc;

/// Three nodes of two cores around a switch.
fn star() -> Arc<Cluster> {
    let name = |i: usize| format!("node{i}");
    let memories = (0..3).map(|i| MemorySpec { name: name(i), ..Default::default() });
    let devices = (0..3).map(|i| DeviceSpec {
        name: name(i),
        class: "cpu".into(),
        memory: name(i),
        lanes: 2,
        speed: 1e9,
        ..Default::default()
    });
    let links = (0..3).map(|i| LinkSpec {
        name: format!("link{i}"),
        a: name(i),
        b: "switch".into(),
        bytes_per_s: 1e9,
        latency_ns: 1000,
        ..Default::default()
    });
    let spec = ClusterSpec {
        memories: memories.collect(),
        devices: devices.collect(),
        links: links.collect(),
        switches: vec![runtime::cluster::SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// The graphs side by side, to arrive at these instants.
fn arrivals(graphs: &[(Ns, &TaskGraph)]) -> Arrivals {
    let mut whole = TaskGraph::new("arrivals");
    let mut parts = Vec::new();
    for &(at_ns, graph) in graphs {
        whole.absorb(graph).unwrap();
        parts.push(Arrival { at_ns, tasks: graph.len(), objects: graph.object_count() });
    }
    Arrivals { whole: Arc::new(whole), parts }
}

fn spec(
    arrivals: Arrivals,
    cluster: &Arc<Cluster>,
    scheduler: &SchedulerInfo,
    seed: u64,
) -> SimSpec {
    let costs = Costs::resolve(&arrivals.whole, cluster, None).unwrap();
    let begin = TaskGraph::new(arrivals.whole.name());
    let spec = SimSpec::new(begin, Arc::clone(cluster), costs, scheduler.build_default(seed));
    SimSpec { arrivals: Some(arrivals), seed, ..spec }
}

/// Runs the graphs; the trace is valid and replays to the same commands.
fn traced(graphs: &[(Ns, &TaskGraph)], scheduler: &SchedulerInfo, seed: u64) -> Trace {
    let (cluster, arrivals) = (star(), arrivals(graphs));
    let name = scheduler.name;
    let estimates = Costs::resolve(&arrivals.whole, &cluster, None).unwrap();
    let trace = run(spec(arrivals, &cluster, scheduler, seed));
    let trace = trace.unwrap_or_else(|e| panic!("{name}: {e}")).trace;
    assert_eq!(validate(&trace), [], "{name}");
    let setup = Setup {
        graph: TaskGraph::new(trace.graph.name()),
        cluster,
        estimates,
        scheduler: scheduler.build_default(seed),
        thinking: Thinking::Free,
        program: None,
        tracing: true,
    };
    let replayed = replay_setup(&trace, setup).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(replayed.is_done, "{name}");
    assert_eq!(replayed.trace_digest, Some(trace.digest()), "{name}");
    trace
}

fn layered(tasks: i64, seed: u64) -> TaskGraph {
    let given = [("tasks".to_owned(), runtime::registry::Value::Int(tasks))];
    workloads::registry::find("layered").unwrap().make(&given, seed).unwrap().graph
}

/// Whether it counts evaluations: slow by the thousand, and led by the length of its schedules,
/// which begins with the run.
fn searches(scheduler: &SchedulerInfo) -> bool {
    scheduler.parameters.iter().any(|p| p.name == "evaluations")
}

#[test]
fn graphs_wait_for_their_arrival_and_for_each_other() {
    let mut graph = TaskGraph::new("one");
    let kernel = graph.kernel("k");
    graph.submit(TaskSpec { cost: Cost::Work(1e-7), ..TaskSpec::new(kernel) }).unwrap();
    let cluster = Cluster::new(ClusterSpec {
        memories: vec![MemorySpec { name: "m".into(), ..Default::default() }],
        devices: vec![DeviceSpec {
            name: "d".into(),
            memory: "m".into(),
            lanes: 1,
            speed: 1.0,
            ..Default::default()
        }],
        ..Default::default()
    });
    let cluster = Arc::new(cluster.unwrap());
    let graphs = [(0, &graph), (50, &graph), (500, &graph)];
    for name in ["first-fit", "heft"] {
        let scheduler = schedulers::find(name).unwrap();
        let output = run(spec(arrivals(&graphs), &cluster, scheduler, 1)).unwrap();
        let times = output.trace.tasks.iter().map(|t| (t.started_ns, t.finished_ns));
        let expected = [(0, 100), (100, 200), (500, 600)];
        assert_eq!(times.collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(output.makespan_ns, 600);
    }
}

#[test]
fn every_scheduler_takes_graphs_as_they_come() {
    let graphs = [layered(25, 3), layered(12, 1)];
    for scheduler in schedulers::all() {
        let alone = traced(&[(0, &graphs[0])], scheduler, 1).makespan_ns;
        // The second one comes while the first one runs, the third one long after.
        let late = 20 * alone;
        let times = [(0, &graphs[0]), (alone / 3, &graphs[1]), (late, &graphs[0])];
        let trace = traced(&times, scheduler, 1);
        assert_eq!(trace.tasks.len(), 25 + graphs[1].len() + 25, "{}", scheduler.name);
        assert!(trace.makespan_ns > late, "{}", scheduler.name);
    }
}

/// Nothing depends on when the clock began.
#[test]
fn a_graph_that_comes_later_ends_as_much_later() {
    let graph = layered(25, 5);
    for scheduler in schedulers::all().iter().filter(|s| !searches(s)) {
        let at_ns = [0, 123_456_789].map(|at| traced(&[(at, &graph)], scheduler, 1).makespan_ns);
        assert_eq!(at_ns[1], at_ns[0] + 123_456_789, "{}", scheduler.name);
    }
}

/// Names of the schedulers that do not search.
fn quick() -> Vec<&'static str> {
    schedulers::all().iter().filter(|s| !searches(s)).map(|s| s.name).collect()
}

proptest! {
    #[test]
    fn random_arrivals_are_valid_and_replay(
        seed in 0..1000u64,
        scheduler in prop::sample::select(quick()),
        graphs in prop::collection::vec((0..200_000_000u64, 1..14i64), 1..7),
    ) {
        let scheduler = schedulers::find(scheduler).unwrap();
        let mut at_ns = 0;
        let graphs: Vec<(Ns, TaskGraph)> = (graphs.into_iter())
            .map(|(gap_ns, tasks)| {
                at_ns += gap_ns;
                (at_ns, layered(tasks, seed ^ at_ns))
            })
            .collect();
        let graphs: Vec<(Ns, &TaskGraph)> = graphs.iter().map(|(at, g)| (*at, g)).collect();
        let trace = traced(&graphs, scheduler, seed);
        prop_assert!(trace.makespan_ns >= graphs.last().unwrap().0);
    }
}
