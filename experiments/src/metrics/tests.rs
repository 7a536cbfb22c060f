//! Hand-made traces with known gaps, and the balance of simulated ones.

mod arrivals;
mod energy;

use super::*;
use crate::record::TimeShares;
use rand::Rng;
use rand_pcg::Pcg64;
use runtime::bounds::BoundKind;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
use runtime::graph::{Mode, ObjectSpec};
use runtime::planner::{EffortUnit, Progress};
use runtime::trace::{BufferRecord, CopyRecord, InstanceId, TaskRecord, TraceHeader};
use runtime::{
    Cluster, CopyId, Cost, Costs, Decisions, DeviceId, Event, LaneId, MemoryId, Ns, Scheduler,
    TaskGraph, TaskId, TaskSpec, View,
};
use std::sync::Arc;

fn machine(lanes: &[(u32, f64)]) -> ClusterSpec {
    let memory = |i: usize| MemorySpec { name: format!("m{i}"), ..Default::default() };
    let device = |(i, &(lanes, speed)): (usize, &(u32, f64))| DeviceSpec {
        name: format!("d{i}"),
        class: "cpu".into(),
        memory: format!("m{i}"),
        lanes,
        speed,
        ..Default::default()
    };
    let link = |i: usize| LinkSpec {
        name: format!("l{i}"),
        a: "m0".into(),
        b: format!("m{i}"),
        bytes_per_s: 1e9,
        ..Default::default()
    };
    ClusterSpec {
        name: "test".into(),
        memories: (0..lanes.len()).map(memory).collect(),
        devices: lanes.iter().enumerate().map(device).collect(),
        links: (1..lanes.len()).map(link).collect(),
        ..Default::default()
    }
}

fn cluster(trace: &Trace) -> Cluster {
    Cluster::new(trace.header.cluster.clone()).unwrap()
}

fn trace_of(graph: TaskGraph, cluster: ClusterSpec, makespan_ns: Ns) -> Trace {
    Trace {
        header: TraceHeader { cluster, ..Default::default() },
        initial_tasks: graph.len(),
        graph,
        makespan_ns,
        tasks: Vec::new(),
        task_buffers: Vec::new(),
        copies: Vec::new(),
        buffers: Vec::new(),
        thoughts: Vec::new(),
        inputs: Vec::new(),
        losses: Default::default(),
    }
}

/// `stamps`: ready, placed, reserved, data, locked, issued, started, finished.
fn attempt(task: u32, lane: u32, stamps: [Ns; 8]) -> TaskRecord {
    TaskRecord {
        task: TaskId(task),
        device: DeviceId(0),
        lane: LaneId(lane),
        lanes: 1,
        ready_ns: stamps[0],
        placed_ns: stamps[1],
        reserved_ns: stamps[2],
        data_ns: stamps[3],
        locked_ns: stamps[4],
        issued_ns: stamps[5],
        started_ns: stamps[6],
        finished_ns: stamps[7],
        first_buffer: 0,
    }
}

fn graph_of(tasks: usize) -> TaskGraph {
    let mut graph = TaskGraph::new("g");
    let kernel = graph.kernel("k");
    for _ in 0..tasks {
        graph.submit(TaskSpec { cost: Cost::Work(1.0), ..TaskSpec::new(kernel) }).unwrap();
    }
    graph
}

fn causes(gaps: &[Gap]) -> Vec<(Ns, Ns, Cause)> {
    gaps.iter().map(|g| (g.start_ns, g.end_ns, g.cause)).collect()
}

#[test]
fn a_gap_is_split_at_every_stamp() {
    let mut trace = trace_of(graph_of(1), machine(&[(2, 1.0)]), 100);
    trace.tasks.push(attempt(0, 0, [10, 20, 30, 40, 50, 60, 70, 90]));
    let gaps = gaps(&trace);
    let expected = [
        (0, 10, Cause::Dependency),
        (10, 20, Cause::Scheduler),
        (20, 30, Cause::Memory),
        (30, 40, Cause::Data),
        (40, 50, Cause::Lock),
        (50, 60, Cause::Scheduler),
        (60, 70, Cause::Launch),
        (90, 100, Cause::NoWork),
    ];
    assert_eq!(causes(&gaps[0]), expected);
    assert_eq!(causes(&gaps[1]), [(0, 100, Cause::NoWork)]);
    assert_eq!(check_balance(&trace), Ok(()));
    let shares = shares(&trace);
    let expected = TimeShares {
        compute_ns: 20,
        data_ns: 10,
        memory_ns: 10,
        dependency_ns: 10,
        lock_ns: 10,
        scheduler_ns: 20,
        launch_ns: 10,
        no_work_ns: 110,
        ..TimeShares::default()
    };
    assert_eq!(shares, expected);
}

#[test]
fn a_plan_waits_for_predecessors_not_for_the_scheduler() {
    let mut trace = trace_of(graph_of(2), machine(&[(1, 1.0)]), 100);
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 0, 0, 0, 30]));
    // Placed at 0, ready at 50; what came before the gap does not count.
    trace.tasks.push(attempt(1, 0, [50, 0, 50, 80, 80, 80, 80, 100]));
    let expected = [(30, 50, Cause::Dependency), (50, 80, Cause::Data)];
    assert_eq!(causes(&gaps(&trace)[0]), expected);
    assert_eq!(check_balance(&trace), Ok(()));
}

#[test]
fn stamps_within_busy_time_leave_no_trace() {
    let mut trace = trace_of(graph_of(2), machine(&[(1, 1.0)]), 60);
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 0, 0, 0, 30]));
    trace.tasks.push(attempt(1, 0, [5, 10, 15, 20, 25, 30, 40, 60]));
    assert_eq!(causes(&gaps(&trace)[0]), [(30, 40, Cause::Launch)]);
}

#[test]
fn content_fetched_under_a_lock_is_data() {
    let mut graph = TaskGraph::new("g");
    let kernel = graph.kernel("k");
    let spec = ObjectSpec { bytes: 8, initial: true, ..Default::default() };
    let object = graph.add_object(spec).unwrap();
    let accesses = [(object, Mode::Commutative)];
    graph.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
    let mut trace = trace_of(graph, machine(&[(1, 1.0)]), 60);
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 20, 50, 50, 60]));
    trace.task_buffers.push(InstanceId(7));
    trace.copies.push(CopyRecord {
        copy: CopyId(0),
        object,
        source: MemoryId(0),
        target: MemoryId(0),
        from: InstanceId(0),
        to: InstanceId(7),
        bytes: 8,
        reason: CopyReason::Input,
        requested_ns: 20,
        issued_ns: 20,
        started_ns: 20,
        finished_ns: 45,
    });
    let expected = [(0, 20, Cause::Lock), (20, 45, Cause::Data), (45, 50, Cause::Scheduler)];
    assert_eq!(causes(&gaps(&trace)[0]), expected);
}

#[test]
fn overlapping_attempts_are_named() {
    let mut trace = trace_of(graph_of(2), machine(&[(1, 1.0), (1, 1.0)]), 50);
    trace.tasks.push(attempt(0, 1, [0, 0, 0, 0, 0, 0, 0, 30]));
    trace.tasks.push(attempt(1, 1, [0, 0, 0, 0, 0, 0, 20, 50]));
    let imbalance = check_balance(&trace).unwrap_err();
    let expected = Imbalance { lane: LaneId(1), busy_ns: 60, idle_ns: 0, makespan_ns: 50 };
    assert_eq!(imbalance, expected);
}

fn buffer(memory: u32, bytes: u64, allocated_ns: Ns, released_ns: Ns) -> BufferRecord {
    let memory = MemoryId(memory);
    BufferRecord { instance: InstanceId(0), object: None, memory, bytes, allocated_ns, released_ns }
}

#[test]
fn memory_is_summed_over_lives_of_buffers() {
    let mut trace = trace_of(graph_of(0), machine(&[(1, 1.0), (1, 1.0)]), 100);
    trace.buffers = vec![
        buffer(0, 5, 0, Ns::MAX),
        buffer(0, 10, 10, 20),
        // What is released at an instant makes room for what is allocated then.
        buffer(0, 12, 20, 30),
        buffer(0, 99, 40, 40),
        buffer(1, 3, 50, 60),
    ];
    let lines = memory::timelines(&trace);
    assert_eq!(lines[0], [(0, 5), (10, 15), (20, 17), (30, 5)]);
    assert_eq!(lines[1], [(0, 0), (50, 3), (60, 0)]);
    assert_eq!(memory::peaks(&lines), [17, 3]);
}

#[test]
fn a_measured_bound_scales_to_unlike_devices() {
    // Speeds 1 and 4: a task measured at 40 ns on the slow one would take 10 ns on the fast one.
    let mut trace = trace_of(graph_of(2), machine(&[(1, 1.0), (1, 4.0)]), 80);
    trace.tasks.push(attempt(0, 0, [0, 0, 0, 0, 0, 0, 0, 40]));
    trace.tasks.push(attempt(1, 0, [0, 0, 0, 0, 0, 40, 40, 80]));
    let bound = measured_bound(&trace).unwrap();
    // Divisible tasks would take 16 ns: 80 ns of the slow device shared at speeds 1 and 4.
    assert_eq!((bound.kind, bound.makespan_ns), (BoundKind::Assignment, 16));
    trace.header.cluster = machine(&[(1, 1.0), (1, 1.0)]);
    assert_eq!(measured_bound(&trace).unwrap().makespan_ns, 40);
    trace.tasks.pop();
    assert_eq!(measured_bound(&trace), None, "a task that did not finish has no duration");
}

#[test]
fn a_drawn_bound_takes_the_shortest_draw() {
    let (graph, cluster) = (graph_of(3), Cluster::new(machine(&[(1, 1.0), (1, 1.0)])).unwrap());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let exact = drawn_bound(&graph, &cluster, &costs, &sim::Noise::None, 1, 1).unwrap();
    assert_eq!(exact.makespan_ns, 1_500_000_000, "three seconds of work on two lanes");
    let noise = sim::Noise::LogNormal { sigma: 0.3 };
    let draw = |t, d| noise.apply(1_000_000_000, 9, TaskId(t), DeviceId(d), 0);
    let shortest = (0..3).map(|t| draw(t, 0).min(draw(t, 1)));
    let expected = (shortest.clone().sum::<Ns>().div_ceil(2)).max(shortest.max().unwrap());
    let drawn = drawn_bound(&graph, &cluster, &costs, &noise, 9, 1).unwrap();
    assert_eq!(drawn.makespan_ns, expected);
}

/// Places ready tasks at random, some of them a while after they became ready.
struct Erratic(Pcg64, Vec<TaskId>);

impl Erratic {
    fn place(&mut self, task: TaskId, view: &View<'_>, out: &mut Decisions) {
        let cores = view.graph().task(task).cores;
        let able = view.cluster().device_ids().filter(|d| view.cluster().device(*d).lanes >= cores);
        let able: Vec<DeviceId> = able.collect();
        out.place(task, able[self.0.next_u64() as usize % able.len()]);
    }
}

impl Scheduler for Erratic {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let late = std::mem::take(&mut self.1);
        late.into_iter().for_each(|task| self.place(task, view, out));
        for event in events {
            match *event {
                Event::Ready { task } if self.0.next_u64().is_multiple_of(4) => {
                    self.1.push(task);
                    out.wake(view.now_ns() + self.0.next_u64() % 100_000_000);
                }
                Event::Ready { task } => self.place(task, view, out),
                _ => {}
            }
        }
    }
}

/// A graph with every mode of access, tasks of one or two cores, and results to bring home.
fn random_graph(rng: &mut Pcg64, most_cores: u64) -> TaskGraph {
    let mut graph = TaskGraph::new("random");
    let kernel = graph.kernel("k");
    let objects: Vec<_> = (0..8)
        .map(|i| {
            let bytes = rng.next_u64() % 50_000_000;
            let spec = ObjectSpec { bytes, initial: true, keep: i % 2 == 0, ..Default::default() };
            graph.add_object(spec).unwrap()
        })
        .collect();
    let modes = [Mode::Read, Mode::Read, Mode::ReadWrite, Mode::Write, Mode::Commutative];
    for _ in 0..5 + rng.next_u64() % 40 {
        let mut accesses = Vec::new();
        for object in &objects {
            if rng.next_u64().is_multiple_of(4) {
                accesses.push((*object, modes[rng.next_u64() as usize % modes.len()]));
            }
        }
        let cost = Cost::Work((rng.next_u64() % 1000) as f64 / 1e4);
        let cores = 1 + (rng.next_u64() % most_cores) as u32;
        let spec = TaskSpec { cost, cores, accesses: &accesses, ..TaskSpec::new(kernel) };
        graph.submit(spec).unwrap();
    }
    graph
}

fn simulate(case: u64, most_cores: u64, is_tight: bool) -> (Trace, Bound) {
    let mut rng = Pcg64::new(u128::from(case), 1);
    let graph = random_graph(&mut rng, most_cores);
    let mut machine = machine(&[(2, 1.0), (3, 2.0), (2, 0.5)]);
    let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap().max(1);
    let capacity_bytes = is_tight.then_some(largest);
    machine.memories.iter_mut().skip(1).for_each(|m| m.capacity_bytes = capacity_bytes);
    machine.devices[1].issue_ns = 1000;
    let cluster = Arc::new(Cluster::new(machine).unwrap());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let noise = sim::Noise::LogNormal { sigma: 0.2 };
    let bound = drawn_bound(&graph, &cluster, &costs, &noise, case, 1).unwrap();
    let mut spec = sim::SimSpec::new(graph, cluster, costs, Box::new(Erratic(rng, Vec::new())));
    spec.noise = noise;
    spec.seed = case;
    if case.is_multiple_of(3) {
        spec.thinking = runtime::executive::Thinking::Fixed(1_000_000);
    }
    let output = sim::run(spec).unwrap_or_else(|e| panic!("case {case}: {e}"));
    (output.trace, bound)
}

fn simulate_losses(case: u64) -> Trace {
    let mut rng = Pcg64::new(u128::from(case), 1);
    let graph = random_graph(&mut rng, 2);
    let machine = machine(&[(2, 1.0), (3, 2.0), (2, 0.5)]);
    let cluster = Arc::new(Cluster::new(machine).unwrap());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let mct = schedulers::find("mct").unwrap().build_default(case);
    let mut spec = sim::SimSpec::new(graph, cluster, costs, mct);
    spec.seed = case;
    let (share, well_ns, spell_ns) = (0.6, 500_000_000, Some(100_000_000));
    spec.disturbance = sim::Disturbance {
        failure: 0.1,
        outages: sim::Spells { share, well_ns, spell_ns },
        ..Default::default()
    };
    sim::run(spec).unwrap_or_else(|e| panic!("case {case}: {e}")).trace
}

#[test]
fn busy_and_idle_add_up_in_any_simulation() {
    let mut seen = TimeShares::default();
    for case in 0..120 {
        let (trace, bound) = simulate(case, 2, case.is_multiple_of(2));
        check_balance(&trace).unwrap_or_else(|e| panic!("case {case}: {e}"));
        let metrics = measure(&trace, &cluster(&trace), Some(bound));
        assert_eq!(total(&metrics.time), trace.makespan_ns * 7, "case {case}");
        assert!(metrics.bound_ns <= metrics.makespan_ns, "case {case}: {metrics:?}");
        for gap in gaps(&trace).iter().flatten() {
            *gap.cause.share(&mut seen) += 1;
        }
    }
    // So they do when devices are lost and attempts fail.
    for case in 0..20 {
        let trace = simulate_losses(case);
        check_balance(&trace).unwrap_or_else(|e| panic!("case {case}: {e}"));
        let metrics = measure(&trace, &cluster(&trace), None);
        assert_eq!(total(&metrics.time), trace.makespan_ns * 7, "case {case}");
        for gap in gaps(&trace).iter().flatten() {
            *gap.cause.share(&mut seen) += 1;
        }
    }
    for cause in Cause::ALL {
        assert!(*cause.share(&mut seen) > 0, "no gap was ever due to {}: {seen:?}", cause.name());
    }
}

/// A task of one core that has all it needs starts on an idle lane at once: nothing is left over
/// for "its turn" when nothing takes several lanes.
#[test]
fn no_lane_idles_with_a_startable_task() {
    for case in 0..60 {
        let (trace, _) = simulate(case, 1, false);
        for (lane, idle) in by_lane(&trace).iter().zip(gaps(&trace)) {
            for gap in idle.iter().filter(|g| g.cause == Cause::Scheduler) {
                let next = lane.iter().find(|r| Some(r.task) == gap.next).unwrap();
                assert!(gap.end_ns <= next.placed_ns, "case {case}: {gap:?} {next:?}");
            }
        }
    }
}

fn total(shares: &TimeShares) -> Ns {
    let mut copy = *shares;
    Cause::ALL.into_iter().map(|c| *c.share(&mut copy)).sum::<Ns>() + shares.compute_ns
}

#[test]
fn what_is_proved_counts_where_it_is_better_and_holds_for_runs() {
    let cheap = Some(Bound { kind: BoundKind::Area, makespan_ns: 10 });
    let plan = |makespan_ns, bounds_runs| {
        let mut progress = Progress::new(EffortUnit::Nodes);
        progress.bounded(0, makespan_ns);
        Progress { bounds_runs, ..progress }
    };
    assert_eq!(proved_bound(cheap, &[]), cheap);
    assert_eq!(proved_bound(cheap, &[plan(10, true)]), cheap);
    assert_eq!(proved_bound(cheap, &[plan(12, false)]), cheap);
    let proved = Some(Bound { kind: BoundKind::Proved, makespan_ns: 12 });
    assert_eq!(proved_bound(cheap, &[plan(11, true), plan(12, true)]), proved);
    // Once it is proved the makespan itself is the bound.
    let mut found = plan(11, true);
    found.found(5, 12, None);
    found.is_proved = true;
    assert_eq!(proved_bound(None, &[found]), proved);
}
