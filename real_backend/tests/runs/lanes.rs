//! Who runs when: several cores, gangs, priorities, pinning, many tasks.

use crate::clusters::{host, spec, star};
use crate::modes::check;
use crate::schedulers::{AnyLane, ByPriority, Eager, Random};
use crate::stamps::Stamped;
use real_backend::{Machine, RunSpec, run};
use runtime::graph::ObjectSpec;
use runtime::kernel::KernelArgs;
use runtime::{Cost, Mode, Planned, TaskGraph, TaskSpec};
use rustix::thread::sched_getaffinity;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Instant;

#[test]
fn tasks_never_hold_more_cores_than_there_are() {
    let mut graph = TaskGraph::new("wide and narrow");
    let kernel = graph.kernel("count");
    for task in 0..300 {
        graph.submit(TaskSpec { cores: 1 + task % 3, ..TaskSpec::new(kernel) }).unwrap();
    }
    let in_use = Arc::new(AtomicU32::new(0));
    let count = {
        let in_use = Arc::clone(&in_use);
        move |args: &mut KernelArgs<'_, '_>| {
            let now = in_use.fetch_add(args.cores, Ordering::SeqCst) + args.cores;
            assert!(now <= 4, "{now} of 4 cores");
            std::thread::yield_now();
            in_use.fetch_sub(args.cores, Ordering::SeqCst);
            Ok(None)
        }
    };
    for planned in [false, true] {
        let mut spec = match planned {
            false => spec(graph.clone(), host(4), Eager::default()),
            true => spec(graph.clone(), host(4), Planned::new(AnyLane(Random(1)))),
        };
        spec.kernels.insert("count", count.clone());
        let output = run(spec).unwrap();
        assert_eq!(output.trace.tasks.len(), 300);
        assert!(output.trace.tasks.iter().all(|t| t.lanes == 1 + t.task.0 % 3));
    }
    assert_eq!(in_use.load(Ordering::SeqCst), 0);
}

#[test]
fn a_task_of_several_cores_may_use_them() {
    let mut graph = TaskGraph::new("affinity");
    let kernel = graph.kernel("count");
    for task in 0..20 {
        graph.submit(TaskSpec { cores: 1 + task % 2, ..TaskSpec::new(kernel) }).unwrap();
    }
    let two = Machine::detect().cores.len().min(2) as u32;
    let mut spec = spec(graph, host(2), Eager::default());
    spec.kernels.insert("count", move |args: &mut KernelArgs<'_, '_>| {
        // A thread that the body starts inherits what the body has.
        let inherited = std::thread::spawn(|| sched_getaffinity(None).unwrap().count());
        assert_eq!(inherited.join().unwrap(), if args.cores == 2 { two } else { 1 });
        Ok(None)
    });
    run(spec).unwrap();
}

#[test]
fn gang_members_run_at_the_same_time() {
    let mut graph = TaskGraph::new("gangs");
    let (meet, alone) = (graph.kernel("meet"), graph.kernel("alone"));
    for _ in 0..50 {
        let gang = Some(graph.add_gang());
        graph.submit(TaskSpec::new(alone)).unwrap();
        for _ in 0..3 {
            graph.submit(TaskSpec { gang, ..TaskSpec::new(meet) }).unwrap();
        }
    }
    // A member that ran alone would wait for ever; the run would be given up.
    let barrier = Arc::new(Barrier::new(3));
    for cluster in [host(3), star(&[1, 2, 1], None)] {
        let mut spec = spec(graph.clone(), cluster, Eager::default());
        let barrier = Arc::clone(&barrier);
        spec.kernels.insert("meet", move |_: &mut KernelArgs<'_, '_>| {
            barrier.wait();
            Ok(None)
        });
        assert_eq!(run(spec).unwrap().trace.tasks.len(), 200);
    }
}

#[test]
fn one_lane_runs_its_tasks_by_priority() {
    let mut graph = TaskGraph::new("priorities");
    let kernel = graph.kernel("log");
    for task in 0..100 {
        graph.submit(TaskSpec { params: &[task * 37 % 100], ..TaskSpec::new(kernel) }).unwrap();
    }
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut spec = spec(graph, host(1), ByPriority);
    let log = Arc::clone(&order);
    spec.kernels.insert("log", move |args: &mut KernelArgs<'_, '_>| {
        log.lock().unwrap().push(args.params[0]);
        Ok(None)
    });
    run(spec).unwrap();
    let expected: Vec<i64> = (0..100).rev().collect();
    assert_eq!(*order.lock().unwrap(), expected);
}

#[test]
fn two_workers_on_one_core_are_noted_and_work() {
    let mut random = Random(7);
    let modes = [Mode::Read, Mode::ReadWrite, Mode::Commutative];
    let stamped = Stamped::random(&mut random, 200, 2, &modes);
    let core = Machine::detect().cores[0];
    let spec = spec(stamped.graph.clone(), host(2), Eager::default());
    let output = check(&stamped, RunSpec { cores: vec![core], ..spec });
    assert_eq!(output.notes, ["2 lanes share 1 cores: durations are not those of a core"]);
    let provenance = &output.trace.header.provenance;
    assert!(provenance.contains(&("note".into(), output.notes[0].clone())));
}

#[test]
fn a_core_that_does_not_exist_is_noted() {
    let mut graph = TaskGraph::new("one");
    let kernel = graph.kernel("k");
    graph.submit(TaskSpec::new(kernel)).unwrap();
    let spec = spec(graph, host(1), Eager::default());
    let output = run(RunSpec { cores: vec![1000], ..spec }).unwrap();
    assert!(output.notes[0].starts_with("the worker of lane 0 is not pinned"), "{output:?}");
}

#[test]
fn synthetic_tasks_last_their_cost() {
    let mut graph = TaskGraph::new("synthetic");
    let object = ObjectSpec { bytes: 5000, keep: true, ..Default::default() };
    let object = graph.add_object(object).unwrap();
    let kernel = graph.kernel("nobody knows");
    let (cost, accesses) = (Cost::Work(0.002), [(object, Mode::Write)]);
    graph.submit(TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
    let accesses = [(object, Mode::ReadWrite)];
    graph.submit(TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
    let output = run(spec(graph, host(2), Eager::default())).unwrap();
    assert!(output.makespan_ns >= 4_000_000, "{output:?}");
    let tasks = &output.trace.tasks;
    assert!(tasks.iter().all(|t| t.finished_ns - t.started_ns >= 2_000_000));
    assert!(tasks[1].started_ns >= tasks[0].finished_ns);
    assert!(output.object_bytes(object).unwrap()[64] != 0, "its bytes were touched");
}

#[test]
fn a_hundred_thousand_empty_tasks_end_soon() {
    let mut graph = TaskGraph::new("many");
    let kernel = graph.kernel("empty");
    for task in 0..100_000u32 {
        let after = [runtime::TaskId(task.wrapping_sub(2))];
        let after = if task % 2 == 0 && task > 1 { &after[..] } else { &[] };
        graph.submit(TaskSpec { after, ..TaskSpec::new(kernel) }).unwrap();
    }
    let begun = Instant::now();
    let output = run(spec(graph, host(2), Eager::default())).unwrap();
    assert_eq!(output.trace.tasks.len(), 100_000);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
