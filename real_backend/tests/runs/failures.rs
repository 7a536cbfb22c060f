//! Runs that do not end well: each says why, keeps its trace, and nothing hangs.

use crate::clusters::{host, spec, star};
use crate::schedulers::{Eager, Never};
use real_backend::{RunError, RunSpec, run};
use runtime::cluster::{Capacity, MemoryKind};
use runtime::executive::{Failure, Stall};
use runtime::graph::ObjectSpec;
use runtime::kernel::{KernelArgs, KernelError};
use runtime::trace::{read_trace, write_trace};
use runtime::{
    Cluster, Cost, Decision, Decisions, Event, Mode, Scheduler, TaskGraph, TaskId, TaskSpec, View,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A chain of `fine` tasks with one `bad` task in it, and independent ones beside it.
fn graph() -> TaskGraph {
    let mut graph = TaskGraph::new("one bad task");
    let (fine, bad) = (graph.kernel("fine"), graph.kernel("bad"));
    let object = ObjectSpec { bytes: 64, initial: true, ..Default::default() };
    let object = graph.add_object(object).unwrap();
    for i in 0..40 {
        let accesses = [(object, Mode::ReadWrite)];
        let (kernel, name) = if i == 20 { (bad, "the bad one") } else { (fine, "") };
        graph.submit(TaskSpec { name, accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
        let cost = Cost::Work(1e-5);
        graph.submit(TaskSpec { cost, ..TaskSpec::new(fine) }).unwrap();
    }
    graph
}

fn failed(spec: RunSpec) -> String {
    let error = run(spec).unwrap_err();
    let RunError::Failed { failure: Failure::Task { task, message }, trace } = &error else {
        panic!("{error}")
    };
    assert_eq!(task, "the bad one");
    let in_chain = trace.tasks.iter().filter(|t| t.task.0 % 2 == 0).count();
    assert_eq!(in_chain, 20, "what came before the failure is there, nothing that comes after");
    let mut file = Vec::new();
    write_trace(trace, &mut file).unwrap();
    assert_eq!(read_trace(&mut file.as_slice()).unwrap().tasks, trace.tasks);
    message.clone()
}

#[test]
fn a_panic_in_a_kernel_ends_the_run_with_its_message() {
    for workers in [1, 3] {
        let mut spec = spec(graph(), host(workers), Eager::default());
        spec.kernels.insert("bad", |args: &mut KernelArgs<'_, '_>| {
            let index = args.params.len() + 7;
            panic!("no parameter {index}")
        });
        assert_eq!(failed(spec), "the kernel panicked: no parameter 7");
    }
}

#[test]
fn an_error_of_a_kernel_ends_the_run_with_its_message() {
    let mut spec = spec(graph(), host(2), Eager::default());
    spec.kernels.insert("bad", |args: &mut KernelArgs<'_, '_>| {
        let [] = args.buffers_exactly()?;
        Err(KernelError::Data("never reached".into()))
    });
    assert_eq!(failed(spec), "the kernel expects 0 buffers; the task has 1");
}

#[test]
fn tasks_that_run_while_another_fails_end_and_are_recorded() {
    let mut graph = TaskGraph::new("slow and bad");
    let (slow, bad) = (graph.kernel("slow"), graph.kernel("bad"));
    graph.submit(TaskSpec::new(slow)).unwrap();
    graph.submit(TaskSpec::new(bad)).unwrap();
    let mut spec = spec(graph, host(2), Eager::default());
    spec.kernels.insert("slow", |_: &mut KernelArgs<'_, '_>| {
        std::thread::sleep(Duration::from_millis(30));
        Ok(None)
    });
    spec.kernels.insert("bad", |_: &mut KernelArgs<'_, '_>| Err(KernelError::Data("bad".into())));
    let error = run(spec).unwrap_err();
    let trace = error.trace().unwrap();
    assert_eq!(error.to_string(), "task \"bad#1\" failed: bad");
    assert_eq!(trace.tasks.iter().map(|t| t.task).collect::<Vec<_>>(), [TaskId(0)]);
}

#[test]
fn tasks_that_nobody_places_are_a_stall() {
    let error = run(spec(graph(), host(2), Never)).unwrap_err();
    let RunError::Stalled { stall: Stall::NeverPlaced { count, example }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((*count, example.as_str()), (41, "fine#0"));
}

#[test]
fn a_scheduler_may_give_up() {
    struct GivesUp;
    impl Scheduler for GivesUp {
        fn decide(&mut self, _: &[Event], _: &View<'_>, out: &mut Decisions) {
            out.give_up("too hard");
        }
    }
    let error = run(spec(graph(), host(2), GivesUp)).unwrap_err();
    assert_eq!(error.to_string(), "the scheduler gave up: too hard");
}

#[test]
#[should_panic(expected = "the scheduler lost its mind")]
fn a_panic_of_the_scheduler_is_the_callers() {
    struct Panics(u32);
    impl Scheduler for Panics {
        fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
            self.0 += 1;
            assert!(self.0 < 10, "the scheduler lost its mind");
            Eager::default().decide(events, view, out);
        }
    }
    _ = run(spec(graph(), host(2), Panics(0)));
}

#[test]
#[should_panic(expected = "no such input")]
fn a_panic_of_the_inputs_is_the_callers() {
    let spec = spec(graph(), host(2), Eager::default());
    let inputs = |_: runtime::ObjectId, _: &mut [u8]| panic!("no such input");
    _ = run(RunSpec { inputs: Some(Box::new(inputs)), ..spec });
}

#[test]
fn a_kernel_that_does_not_return_is_left_behind() {
    let let_go = Arc::new(AtomicBool::new(false));
    let mut spec = spec(graph(), host(2), Eager::default());
    let wait = Arc::clone(&let_go);
    spec.kernels.insert("bad", move |args: &mut KernelArgs<'_, '_>| {
        while !wait.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        // Its buffer is still there, long after the run.
        args.buffers[0].bytes_mut()?.fill(1);
        Ok(None)
    });
    let begun = Instant::now();
    let error = run(RunSpec { timeout: Duration::from_millis(100), ..spec }).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let_go.store(true, Ordering::Release);
    let RunError::TimedOut { limit_ms, running, trace } = error else { panic!("{error}") };
    assert_eq!((limit_ms, running), (100, vec!["the bad one".to_owned()]));
    assert!(trace.unwrap().tasks.len() >= 20);
    std::thread::sleep(Duration::from_millis(20));
}

#[test]
fn a_scheduler_that_does_not_return_is_left_behind() {
    struct Sleeps(Arc<AtomicBool>);
    impl Scheduler for Sleeps {
        fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {
            while !self.0.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    let let_go = Arc::new(AtomicBool::new(false));
    let spec = spec(graph(), host(2), Sleeps(Arc::clone(&let_go)));
    let error = run(RunSpec { timeout: Duration::from_millis(50), ..spec }).unwrap_err();
    let_go.store(true, Ordering::Release);
    assert!(matches!(error, RunError::TimedOut { trace: None, .. }), "{error}");
}

#[test]
fn a_long_synthetic_task_is_stopped_when_the_time_is_over() {
    let mut graph = TaskGraph::new("long");
    let kernel = graph.kernel("long");
    graph.submit(TaskSpec { cost: Cost::Work(1e6), ..TaskSpec::new(kernel) }).unwrap();
    let spec = spec(graph, host(1), Eager::default());
    let begun = Instant::now();
    let error = run(RunSpec { timeout: Duration::from_millis(20), ..spec }).unwrap_err();
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert!(error.to_string().contains("given up after 20 ms; running then: [\"long#0\"]"));
}

#[test]
fn a_timer_that_never_rings_is_a_timeout() {
    struct Procrastinates;
    impl Scheduler for Procrastinates {
        fn decide(&mut self, _: &[Event], _: &View<'_>, out: &mut Decisions) {
            out.push(Decision::Wake { at_ns: u64::MAX });
        }
    }
    let spec = spec(graph(), host(1), Procrastinates);
    let error = run(RunSpec { timeout: Duration::from_millis(50), ..spec }).unwrap_err();
    assert!(matches!(&error, RunError::TimedOut { running, .. } if running.is_empty()), "{error}");
}

#[test]
fn buffers_beyond_the_limit_are_out_of_memory() {
    let mut graph = TaskGraph::new("large");
    let kernel = graph.kernel("k");
    for name in ["small", "large"] {
        let bytes = if name == "small" { 1000 } else { 1_000_000 };
        let object = graph.add_object(ObjectSpec { name, bytes, ..Default::default() }).unwrap();
        let accesses = [(object, Mode::Write)];
        graph.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
    }
    let spec = spec(graph, host(2), Eager::default());
    let error = run(RunSpec { memory_limit_bytes: Some(100_000), ..spec }).unwrap_err();
    let RunError::OutOfMemory { object, bytes, limit_bytes, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((object.as_str(), *bytes, *limit_bytes), ("large", 1_000_000, 100_000));
}

#[test]
fn memories_that_are_not_main_memory_are_refused() {
    let mut spec_of = star(&[1, 1], None).spec().clone();
    spec_of.memories[1].kind = MemoryKind::Hbm;
    let cluster = Arc::new(Cluster::new(spec_of).unwrap());
    let error = run(spec(graph(), cluster, Eager::default())).unwrap_err();
    assert!(matches!(&error, RunError::UnsupportedMemory { memory, .. } if memory == "m1"));
    assert!(error.trace().is_none());
}

#[test]
fn an_empty_graph_is_done_at_once() {
    let output = run(spec(TaskGraph::new("empty"), host(2), Never)).unwrap();
    assert_eq!((output.makespan_ns, output.trace.tasks.len()), (0, 0));
}

#[test]
fn a_device_that_is_shared_is_refused_by_name() {
    let mut machine = star(&[1, 1], None).spec().clone();
    machine.devices[1].capacity = Capacity::Shared;
    let cluster = Arc::new(Cluster::new(machine).unwrap());
    let error = run(spec(graph(), cluster, Eager::default())).unwrap_err();
    assert!(matches!(&error, RunError::SharedCapacity { device } if device == "d1"), "{error}");
}
