//! Every registered scheduler in simulation.

use crate::import::{Plain, PlainCost, identical, processors};
use crate::plans::mix;
use crate::random::{Mix, cluster, graph};
use crate::{cases, planners};
use proptest::prelude::*;
use runtime::executive::{Outcome, Program};
use runtime::graph::{Mode, ObjectSpec};
use runtime::registry::{BuildContext, SchedulerInfo, Value};
use runtime::{
    Cluster, Cost, Costs, ObjectId, Planned, Problem, Scheduler, TaskGraph, TaskId, TaskSpec,
    bounds,
};
use sim::{SimOutput, SimSpec};
use std::sync::Arc;

fn simulate(graph: TaskGraph, cluster: &Cluster, scheduler: Box<dyn Scheduler>) -> SimOutput {
    let cluster = Arc::new(cluster.clone());
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
    sim::run(SimSpec::new(graph, cluster, costs, scheduler)).unwrap_or_else(|e| panic!("{e}"))
}

fn built(name: &str, parameters: &[(&str, Value)]) -> Box<dyn Scheduler> {
    let info = schedulers::find(name).expect("it is registered");
    let given: Vec<_> = parameters.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    (info.build)(&info.parameters(&given).expect("they are fine"), &BuildContext::new(7))
}

/// One with default parameters, but few evaluations where it searches.
fn quick(info: &SchedulerInfo, seed: u64) -> Box<dyn Scheduler> {
    let searches = info.parameters.iter().any(|p| p.name == "evaluations");
    let few = ("evaluations".to_owned(), Value::Int(200));
    let given: Vec<_> = Some(few).filter(|_| searches).into_iter().collect();
    (info.build)(&info.parameters(&given).expect("they are fine"), &BuildContext::new(seed))
}

/// Where each task ran, by task.
fn devices(output: &SimOutput) -> Vec<u32> {
    let mut devices = vec![u32::MAX; output.trace.graph.len()];
    output.trace.tasks.iter().for_each(|t| devices[t.task.index()] = t.device.0);
    devices
}

/// When each task started, by task.
fn starts(output: &SimOutput) -> Vec<u64> {
    let mut starts = vec![u64::MAX; output.trace.graph.len()];
    output.trace.tasks.iter().for_each(|t| starts[t.task.index()] = t.started_ns);
    starts
}

fn work(durations_ns: &[u64]) -> Plain {
    let cost = |ns: &u64| PlainCost::Work(*ns as f64 * 1e-9);
    Plain { costs: durations_ns.iter().map(cost).collect(), edges: Vec::new() }
}

fn full_mesh(speeds: &[f64]) -> Cluster {
    let pairs = (0..speeds.len()).flat_map(|b| (0..b).map(move |a| (a, b, 1e9, 0)));
    processors(speeds, &pairs.collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(150)))]

    #[test]
    fn every_scheduler_finishes_every_graph_not_below_the_bounds_and_the_same_again(mix in mix()) {
        // Gangs need more than the largest working set at once.
        let mix = Mix { gangs: mix.gangs && !mix.tight, ..mix };
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let bound = bounds::lower_bound(&graph, &cluster, &costs);
        for info in schedulers::all() {
            let run = || {
                let spec = SimSpec::new(
                    graph.clone(),
                    Arc::new(cluster.clone()),
                    costs.clone(),
                    quick(info, mix.seed),
                );
                sim::run(spec).map(|o| (o.makespan_ns, o.digest, o.trace.tasks.len()))
            };
            let output = run();
            prop_assert!(output.is_ok(), "{}: {}", info.name, output.unwrap_err());
            let output = output.expect("it is a result");
            let name = info.name;
            prop_assert!(output.0 >= bound.makespan_ns, "{name} is below the {}", bound.kind);
            prop_assert_eq!(output.2, graph.len());
            prop_assert_eq!(run().expect("it was one before"), output, "{}", info.name);
        }
    }

    #[test]
    fn a_plan_takes_no_longer_than_planned(mix in mix()) {
        // Exclusion and room in memory are no part of the plan's model.
        let mix = Mix { groups: false, tight: false, ..mix };
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        for ((name, mut planner), (_, again)) in planners().into_iter().zip(planners()) {
            let planned_ns = planner.plan(&problem).expect("there is a plan").makespan_ns();
            let output = simulate(graph.clone(), &cluster, Box::new(Planned::new(again)));
            prop_assert!(output.makespan_ns <= planned_ns, "{name}: {planned_ns} was planned");
        }
    }
}

/// Each task is followed by two more, until there are enough.
struct Doubling {
    tasks: usize,
}

impl Program for Doubling {
    fn on_finished(&mut self, task: TaskId, _: &Outcome, graph: &mut TaskGraph) {
        for _ in 0..2 {
            if graph.len() < self.tasks {
                let kernel = graph.task(task).kernel;
                let read = (ObjectId(task.0), Mode::Read);
                let spec = ObjectSpec { bytes: 50, held: true, ..ObjectSpec::default() };
                let written = (graph.add_object(spec).expect("it is fine"), Mode::Write);
                let accesses = [read, written];
                let cost = Cost::Work(20e-9);
                let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
                graph.submit(spec).expect("it is fine");
            }
        }
    }
}

#[test]
fn every_scheduler_follows_a_graph_that_grows() {
    for info in schedulers::all() {
        let mut graph = TaskGraph::new("growing");
        let kernel = graph.kernel("k");
        let object = ObjectSpec { bytes: 50, held: true, ..ObjectSpec::default() };
        let object = graph.add_object(object).expect("it is fine");
        let accesses = [(object, Mode::Write)];
        graph
            .submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) })
            .expect("it is fine");
        let cluster = Arc::new(full_mesh(&[1.0, 1.0, 2.0]));
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
        let mut spec = SimSpec::new(graph, cluster, costs, info.build_default(1));
        spec.program = Some(Box::new(Doubling { tasks: 200 }));
        let output = sim::run(spec).unwrap_or_else(|e| panic!("{}: {e}", info.name));
        assert_eq!(output.trace.tasks.len(), 200, "{}", info.name);
    }
}

#[test]
fn mct_ignores_data_and_dmda_counts_them() {
    // Two readers of a large object: on another device they would wait for it.
    let mut plain = work(&[10, 100, 100]);
    plain.edges = vec![(0, 1, Some(500)), (0, 2, Some(500))];
    let cluster = full_mesh(&[1.0, 1.0]);
    let by = |name| devices(&simulate(plain.graph(2), &cluster, built(name, &[])));
    assert_eq!(by("mct"), [0, 0, 1]);
    assert_eq!(by("dmda"), [0, 0, 0]);
    let free = built("dmda", &[("beta", Value::Float(0.0))]);
    assert_eq!(devices(&simulate(plain.graph(2), &cluster, free)), [0, 0, 1]);
}

#[test]
fn dmda_with_priorities_runs_the_longest_path_first() {
    // Four ready tasks for one device; the last of them leads a chain.
    let mut plain = work(&[10, 10, 10, 10, 50]);
    plain.edges = vec![(3, 4, Some(0))];
    let cluster = full_mesh(&[1.0]);
    let plainly = simulate(plain.graph(1), &cluster, built("dmda", &[]));
    assert_eq!(starts(&plainly), [0, 10, 20, 30, 40]);
    let by_level = built("dmda", &[("priorities", Value::Bool(true))]);
    let by_level = simulate(plain.graph(1), &cluster, by_level);
    assert!(starts(&by_level)[3] <= 10, "the first task is placed before the others are known");
}

#[test]
fn min_min_places_what_completes_first_first() {
    let interval = |text: &str| built("min-min", &[("interval", Value::Text(text.into()))]);
    let output = simulate(work(&[30, 10, 20]).graph(1), &full_mesh(&[1.0]), interval("0 ns"));
    assert_eq!(starts(&output), [30, 0, 10]);
    let output = simulate(work(&[30, 10, 20]).graph(1), &full_mesh(&[1.0]), interval("7 ns"));
    assert_eq!(starts(&output), [37, 7, 17], "they were collected for an interval");
    // After the shortest was placed on the fast device, the next one completes first elsewhere.
    let output = simulate(work(&[40, 36, 60]).graph(2), &full_mesh(&[2.0, 1.0]), interval("0 ns"));
    assert_eq!(devices(&output), [0, 0, 1], "18, 38 against 40, then 68 against 60");
}

#[test]
fn min_min_with_small_batches_places_all() {
    let batch = built("min-min", &[("batch", Value::Int(3))]);
    let output = simulate(work(&[5; 100]).graph(2), &full_mesh(&[1.0, 1.0]), batch);
    assert_eq!(output.makespan_ns, 10_000 + 250, "the interval, then 50 tasks on each");
}

#[test]
fn first_fit_takes_the_first_free_device_in_the_order_of_readiness() {
    let output = simulate(
        work(&[10, 20, 30, 7, 7]).graph(3),
        &full_mesh(&[1.0; 3]),
        built("first-fit", &[]),
    );
    assert_eq!(devices(&output), [0, 1, 2, 0, 0]);
    assert_eq!(starts(&output), [0, 0, 0, 10, 17]);
}

/// One-lane and wide tasks of 10 ns.
fn wide(cores: &[u32]) -> TaskGraph {
    let mut graph = TaskGraph::new("wide");
    let kernel = graph.kernel("k");
    for &cores in cores {
        let cost = Cost::Work(10e-9);
        graph.submit(TaskSpec { cost, cores, ..TaskSpec::new(kernel) }).expect("it is fine");
    }
    graph
}

#[test]
fn first_fit_keeps_lanes_free_for_a_wide_task() {
    let output = simulate(wide(&[1, 2, 1]), &identical(2), built("first-fit", &[]));
    assert_eq!(starts(&output), [0, 10, 20]);
}

#[test]
fn first_fit_passes_tasks_that_wait_for_other_devices() {
    let mut plain = work(&[]);
    let (here, there) = (vec![10, u64::MAX], vec![u64::MAX, 10]);
    plain.costs = [&here, &here, &there].map(|row| PlainCost::Table(row.clone())).into();
    let output = simulate(plain.graph(2), &full_mesh(&[1.0, 1.0]), built("first-fit", &[]));
    assert_eq!((devices(&output), starts(&output)), (vec![0, 0, 1], vec![0, 10, 0]));
}

#[test]
fn round_robin_goes_round_and_passes_over_what_cannot() {
    let output = simulate(work(&[5; 7]).graph(3), &full_mesh(&[1.0; 3]), built("round-robin", &[]));
    assert_eq!(devices(&output), [0, 1, 2, 0, 1, 2, 0]);
    let mut plain = work(&[]);
    plain.costs = (0..4).map(|_| PlainCost::Table(vec![5, u64::MAX, 5])).collect();
    let output = simulate(plain.graph(3), &full_mesh(&[1.0; 3]), built("round-robin", &[]));
    assert_eq!(devices(&output), [0, 2, 0, 2]);
}

/// One task per (home of an object that it writes, home of one that it reads first).
fn owned(accesses: &[(Option<u32>, Option<u32>)]) -> TaskGraph {
    let mut graph = TaskGraph::new("owned");
    let kernel = graph.kernel("k");
    for &(written, read) in accesses {
        let mut list = Vec::new();
        for (home, mode) in [(read, Mode::Read), (written, Mode::ReadWrite)] {
            if let Some(home) = home {
                let spec = ObjectSpec { bytes: 1, home, initial: true, ..ObjectSpec::default() };
                list.push((graph.add_object(spec).expect("it is fine"), mode));
            }
        }
        let cost = Cost::Work(10e-9);
        let task = TaskSpec { cost, accesses: &list, ..TaskSpec::new(kernel) };
        graph.submit(task).expect("it is fine");
    }
    graph
}

/// A full mesh of processors of speed 1, each home to its number.
fn homes(count: usize) -> Cluster {
    let mut spec = full_mesh(&vec![1.0; count]).spec().clone();
    spec.homes = spec.memories.iter().map(|m| m.name.clone()).collect();
    Cluster::new(spec).expect("it is fine")
}

#[test]
fn owners_compute_what_they_own() {
    let graph = owned(&[
        (Some(2), Some(0)),
        (Some(1), None),
        (Some(5), Some(1)),
        (None, Some(1)),
        (Some(2), Some(2)),
        (None, None),
    ]);
    let owner = || built("owner-computes", &[]);
    let output = simulate(graph.clone(), &homes(3), owner());
    // Home 5 is home 2 again; the last task is nobody's and goes where nothing else is.
    assert_eq!(devices(&output), [2, 1, 2, 1, 2, 0]);
    // All homes in a memory where nobody computes: their owners are the devices in turn.
    let mut spec = homes(3).spec().clone();
    let store = runtime::cluster::MemorySpec { name: "store".into(), ..Default::default() };
    spec.memories.push(store);
    for memory in 0..3 {
        let mut link = spec.links[0].clone();
        (link.name, link.b) = (format!("store{memory}"), "store".into());
        link.a = spec.memories[memory].name.clone();
        spec.links.push(link);
    }
    spec.homes = vec!["store".into()];
    let cluster = Cluster::new(spec).expect("it is fine");
    assert_eq!(devices(&simulate(graph, &cluster, owner())), [2, 1, 2, 1, 2, 0]);
}

#[test]
fn what_an_owner_cannot_run_another_does() {
    let mut graph = owned(&[(Some(0), None), (Some(1), None)]);
    graph.set_columns(&["p0", "p1"]);
    let kernel = graph.kernel("k");
    let row = graph.add_cost_row(&[10, u64::MAX]).expect("it is fine");
    let accesses = [(ObjectId(1), Mode::ReadWrite)];
    let task = TaskSpec { cost: row, accesses: &accesses, ..TaskSpec::new(kernel) };
    graph.submit(task).expect("it is fine");
    let output = simulate(graph, &homes(2), built("owner-computes", &[]));
    assert_eq!(devices(&output), [0, 1, 0]);
}

#[test]
fn random_placements_follow_the_seed_and_use_every_device() {
    let info = schedulers::find("random").expect("it is registered");
    let by = |seed| {
        let graph = work(&[5; 300]).graph(3);
        devices(&simulate(graph, &full_mesh(&[1.0; 3]), info.build_default(seed)))
    };
    assert_eq!(by(1), by(1));
    assert_ne!(by(1), by(2));
    for device in 0..3 {
        let count = by(1).iter().filter(|d| **d == device).count();
        assert!((60..140).contains(&count), "{count} of 300 are on device {device}");
    }
}

#[test]
fn work_stealing_stays_with_the_data_and_steals_the_oldest() {
    // Two chains, dealt to two devices: nobody steals.
    let mut plain = work(&[5; 10]);
    plain.edges = (2..10).map(|t| (t - 2, t, Some(100))).collect();
    let output = simulate(plain.graph(2), &full_mesh(&[1.0; 2]), built("work-stealing", &[]));
    assert_eq!(devices(&output), [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    // One task readies four: its device runs the newest, the other one steals the oldest.
    let mut plain = work(&[5, 8, 10, 10, 10, 10]);
    plain.edges = (2..6).map(|t| (0, t, Some(0))).collect();
    for victim in ["random", "richest"] {
        let stealing = built("work-stealing", &[("victim", Value::Text(victim.into()))]);
        let output = simulate(plain.graph(2), &full_mesh(&[1.0; 2]), stealing);
        assert_eq!(starts(&output), [0, 0, 8, 18, 15, 5], "{victim}");
        assert_eq!(devices(&output), [0, 1, 1, 1, 0, 0], "{victim}");
    }
}

#[test]
fn racy_tasks_meet_in_one_memory() {
    for info in schedulers::all() {
        let mut graph = TaskGraph::new("racy");
        let kernel = graph.kernel("k");
        let weights = ObjectSpec { bytes: 10, initial: true, ..ObjectSpec::default() };
        let weights = graph.add_object(weights).expect("it is fine");
        for _ in 0..20 {
            let accesses = [(weights, Mode::Racy)];
            let cost = Cost::Work(10e-9);
            let spec = TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(spec).expect("it is fine");
        }
        let output = simulate(graph, &full_mesh(&[1.0; 3]), info.build_default(1));
        let devices = devices(&output);
        assert!(devices.iter().all(|d| *d == devices[0]), "{}: {devices:?}", info.name);
    }
}

#[test]
fn many_tasks_wide_and_deep_take_every_scheduler_seconds_at_most() {
    for info in schedulers::all() {
        let started = std::time::Instant::now();
        let cluster = full_mesh(&[1.0, 2.0, 1.0, 3.0]);
        let wide = simulate(work(&[6; 10_000]).graph(4), &cluster, info.build_default(1));
        assert!(wide.makespan_ns >= 8_572, "{}: 60 000 ns of work at speed 7", info.name);
        let mut chain = work(&[6; 10_000]);
        chain.edges = (1..10_000).map(|t| (t - 1, t, Some(1))).collect();
        let chain = simulate(chain.graph(4), &cluster, info.build_default(1));
        assert!(chain.makespan_ns >= 20_000, "{}: 10 000 tasks of 2 ns", info.name);
        assert!(devices(&chain).iter().all(|d| *d < 4), "{}", info.name);
        assert!(started.elapsed().as_secs() < 30, "{}: {:?}", info.name, started.elapsed());
    }
}
