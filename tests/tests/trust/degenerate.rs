//! Inputs at the edge: nothing to do, nothing to move, nothing that lasts, and far too much of one
//! thing. Every run is valid and conserves what the laws say.

use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, SwitchSpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::registry::SchedulerInfo;
use runtime::{Cost, ObjectId, TaskGraph, TaskSpec, validator};
use windtunnel_tests::conformance::{Case, assert_conserved, everyone};

/// Tasks of the large ones.
const MANY: u64 = 100_000;

/// Three nodes of unlike speed, four lanes each, around a switch.
fn cluster() -> ClusterSpec {
    let node = |i: usize| format!("node{i}");
    ClusterSpec {
        name: "three nodes".into(),
        memories: (0..3).map(|i| MemorySpec { name: node(i), ..Default::default() }).collect(),
        devices: (0..3)
            .map(|i| DeviceSpec {
                name: format!("cpu{i}"),
                class: "cpu".into(),
                memory: node(i),
                lanes: 4,
                speed: 1.0 + i as f64,
                ..Default::default()
            })
            .collect(),
        switches: vec![SwitchSpec { name: "switch".into(), bytes_per_s: None }],
        links: (0..3)
            .map(|i| LinkSpec {
                name: format!("link{i}"),
                a: node(i),
                b: "switch".into(),
                bytes_per_s: 1e9,
                latency_ns: 1000,
                ..Default::default()
            })
            .collect(),
        ..Default::default()
    }
}

fn object(graph: &mut TaskGraph, bytes: u64, initial: bool) -> ObjectId {
    let spec = ObjectSpec { bytes, initial, keep: !initial, ..Default::default() };
    graph.add_object(spec).expect("objects are always accepted")
}

fn task(graph: &mut TaskGraph, work_ns: u64, accesses: &[(ObjectId, Mode)]) {
    let kernel = graph.kernel("work");
    let cost = Cost::Work(work_ns as f64 / 1e9);
    graph.submit(TaskSpec { cost, accesses, ..TaskSpec::new(kernel) }).expect("it is well formed");
}

/// Tasks that have nothing to do with each other.
fn independent(tasks: u64, work_ns: u64) -> TaskGraph {
    let mut graph = TaskGraph::new("independent");
    (0..tasks).for_each(|_| task(&mut graph, work_ns, &[]));
    graph
}

/// One object, written by one task after the other.
fn chain(tasks: u64, work_ns: u64, bytes: u64) -> TaskGraph {
    let mut graph = TaskGraph::new("chain");
    let x = object(&mut graph, bytes, true);
    (0..tasks).for_each(|_| task(&mut graph, work_ns, &[(x, Mode::ReadWrite)]));
    graph
}

/// One object that every task reads.
fn one_for_all(tasks: u64, work_ns: u64, bytes: u64) -> TaskGraph {
    let mut graph = TaskGraph::new("one object for all");
    let x = object(&mut graph, bytes, true);
    (0..tasks).for_each(|_| task(&mut graph, work_ns, &[(x, Mode::Read)]));
    graph
}

/// A diamond, whose tasks hand objects of `bytes` on.
fn diamond(work_ns: u64, bytes: u64) -> TaskGraph {
    let mut graph = TaskGraph::new("diamond");
    let [a, b, c, d] = [0; 4].map(|_| object(&mut graph, bytes, false));
    task(&mut graph, work_ns, &[(a, Mode::Write)]);
    task(&mut graph, work_ns, &[(a, Mode::Read), (b, Mode::Write)]);
    task(&mut graph, work_ns, &[(a, Mode::Read), (c, Mode::Write)]);
    task(&mut graph, work_ns, &[(b, Mode::Read), (c, Mode::Read), (d, Mode::Write)]);
    graph
}

fn check(info: &SchedulerInfo, graph: TaskGraph) -> u64 {
    let (name, tasks) = (graph.name().to_owned(), graph.len());
    let case = Case::on(graph, cluster(), 1);
    let output = sim::run(case.spec(info)).unwrap_or_else(|e| panic!("{}, {name}: {e}", info.name));
    assert_eq!(output.trace.tasks.len(), tasks, "{}, {name}", info.name);
    let violations = validator::validate(&output.trace);
    assert!(violations.is_empty(), "{}, {name}: {}", info.name, violations[0]);
    assert_conserved(&output.trace, || format!("{}, {name}", info.name));
    output.makespan_ns
}

#[test]
fn small_ones_are_run_by_every_scheduler() {
    for info in everyone().chain(milp::all()) {
        assert_eq!(check(info, TaskGraph::new("empty")), 0, "{}", info.name);
        // The slowest device needs a millisecond for it, the fastest a third.
        let makespan_ns = check(info, independent(1, 1_000_000));
        assert!((333_333..=1_020_000).contains(&makespan_ns), "{}: {makespan_ns}", info.name);
        // No bytes: a transfer still has its latency.
        check(info, diamond(1000, 0));
        check(info, one_for_all(20, 1000, 0));
        // No work: bytes still take their time.
        check(info, diamond(0, 1000));
        // Neither; only latency and decisions are left.
        let makespan_ns = check(info, diamond(0, 0));
        assert!(makespan_ns < 100_000, "{}: {makespan_ns}", info.name);
        check(info, independent(30, 0));
        check(info, chain(20, 0, 0));
    }
}

/// All of the registry; the planners of the `milp` crate are documented as too slow for this.
fn large(graph: impl Fn(&SchedulerInfo) -> TaskGraph, least_ns: u64) {
    for info in schedulers::all() {
        let makespan_ns = check(info, graph(info));
        assert!(makespan_ns >= least_ns, "{}: {makespan_ns}", info.name);
    }
}

/// What all lanes together need for so many tasks of 1000 ns, whose durations are rounded: 12 lanes
/// of 1000, 500 and 333 ns.
fn least_ns(tasks: u64) -> u64 {
    tasks * 4_164_584 / 100_000
}

#[test]
fn many_tasks_that_have_nothing_to_do_with_each_other() {
    large(|_| independent(MANY, 1000), least_ns(MANY));
}

#[test]
fn many_tasks_in_a_row() {
    large(|_| chain(MANY, 1000, 8), 333 * MANY);
}

/// A fifth of them for planners that search, which took seconds each with all.
#[test]
fn many_tasks_that_read_one_object() {
    let searches = |info: &SchedulerInfo| info.parameters.iter().any(|p| p.name == "evaluations");
    let tasks = |info: &SchedulerInfo| if searches(info) { MANY / 5 } else { MANY };
    large(|info| one_for_all(tasks(info), 1000, 1000), least_ns(MANY / 5));
}
