//! Cases of the executive that went wrong once, or could.

mod common;

use common::{End, Run, run};
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use runtime::executive::{Failure, Outcome, Program, Setup, Stall, Thinking};
use runtime::graph::ObjectSpec;
use runtime::scheduler::{Eviction, LaneOrder, Options, Refusal};
use runtime::validator::validate;
use runtime::{
    Cluster, Cost, Costs, Decision, Decisions, DeviceId, Event, LaneId, MemoryId, Mode, ObjectId,
    Scheduler, TaskGraph, TaskId, TaskSpec, View,
};
use std::sync::{Arc, Mutex};

/// A scheduler that is a function.
struct Script<F>(Options, F);

impl<F: FnMut(&[Event], &View<'_>, &mut Decisions) + Send> Scheduler for Script<F> {
    fn options(&self) -> Options {
        self.0
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        (self.1)(events, view, out);
    }
}

/// One device per memory, a lane each, and a home apart: capacities and lanes.
fn machine(memories: &[(Option<u64>, u32)], home: Option<u64>) -> Cluster {
    let network = NetworkModel::ContentionFree;
    let mut spec = ClusterSpec { name: "m".into(), network, ..Default::default() };
    let mut names: Vec<String> = (0..memories.len()).map(|i| format!("m{i}")).collect();
    for (name, &(capacity_bytes, lanes)) in names.iter().zip(memories) {
        spec.memories.push(MemorySpec { name: name.clone(), capacity_bytes, ..Default::default() });
        spec.devices.push(DeviceSpec {
            name: name.replace('m', "d"),
            class: "a".into(),
            memory: name.clone(),
            lanes,
            speed: 1e9,
            ..Default::default()
        });
    }
    let ram = MemorySpec { name: "ram".into(), capacity_bytes: home, ..Default::default() };
    spec.memories.push(ram);
    spec.homes.push("ram".into());
    names.push("ram".into());
    for (i, a) in names.iter().enumerate() {
        for b in &names[..i] {
            let (a, b, name) = (a.clone(), b.clone(), format!("{a}-{b}"));
            spec.links.push(LinkSpec { name, a, b, bytes_per_s: 1e9, ..Default::default() });
        }
    }
    Cluster::new(spec).expect("a valid cluster")
}

fn setup<F>(graph: TaskGraph, cluster: Cluster, options: Options, script: F) -> Setup
where
    F: FnMut(&[Event], &View<'_>, &mut Decisions) + Send + 'static,
{
    let estimates = Costs::resolve(&graph, &cluster, None).expect("runs somewhere");
    Setup {
        graph,
        cluster: Arc::new(cluster),
        estimates,
        scheduler: Box::new(Script(options, script)),
        thinking: Thinking::Free,
        program: None,
        tracing: true,
    }
}

/// Runs to the end, which must be a good one.
fn finish(setup: Setup) -> Run {
    let done = run(setup);
    assert_eq!(done.end, End::Done);
    assert_eq!(validate(&done.trace), []);
    done
}

fn started_ns(done: &Run, task: u32) -> u64 {
    done.trace.tasks.iter().find(|t| t.task.0 == task).expect("it ran").started_ns
}

fn initial(graph: &mut TaskGraph, bytes: u64) -> ObjectId {
    graph.add_object(ObjectSpec { bytes, initial: true, ..Default::default() }).expect("no limits")
}

fn fresh(graph: &mut TaskGraph, bytes: u64) -> ObjectId {
    graph.add_object(ObjectSpec { bytes, keep: true, ..Default::default() }).expect("no limits")
}

fn task(graph: &mut TaskGraph, work: f64, accesses: &[(ObjectId, Mode)]) -> TaskId {
    let kernel = graph.kernel("k");
    let cost = Cost::Work(work);
    graph.submit(TaskSpec { cost, accesses, ..TaskSpec::new(kernel) }).expect("a valid task")
}

fn grew(events: &[Event]) -> bool {
    events.iter().any(|e| matches!(e, Event::GraphGrew { .. }))
}

const STRICT: Options = Options {
    lane_order: LaneOrder::Strict,
    decision_interval_ns: 0,
    copy_events: false,
    eviction: Eviction::Lru,
};

#[test]
fn a_request_that_waits_for_an_eviction_does_not_spin_on_its_own_inputs() {
    let mut g = TaskGraph::new("g");
    let (a, b) = (initial(&mut g, 60), fresh(&mut g, 40));
    task(&mut g, 10.0, &[(a, Mode::Read), (b, Mode::Write)]);
    let c = fresh(&mut g, 40);
    task(&mut g, 10.0, &[(a, Mode::Read), (c, Mode::Write)]);
    let done =
        finish(setup(g, machine(&[(Some(100), 1)], None), Options::default(), |_, v, out| {
            v.graph().task_ids().filter(|t| v.placement(*t).is_none()).for_each(|t| {
                out.place(t, DeviceId(0));
            });
        }));
    // 60 ns for a, the task, 40 ns for b on its way home; a stayed.
    assert_eq!(started_ns(&done, 1), 110);
}

/// Room for three of four objects. While the third is in use the fourth is fetched in the place of
/// one of the others: the first, whose uses are over for longer, or the second, used less often.
#[test]
fn what_is_evicted_is_what_the_rule_says() {
    let fetched = |eviction, order: &[usize]| {
        let mut g = TaskGraph::new("g");
        let objects = [0; 4].map(|_| initial(&mut g, 50));
        for &at in order {
            task(&mut g, 10.0, &[(objects[at], Mode::Read)]);
        }
        let options = Options { eviction, ..STRICT };
        let done = finish(setup(g, machine(&[(Some(150), 1)], None), options, |_, v, out| {
            v.graph().task_ids().filter(|t| v.placement(*t).is_none()).for_each(|t| {
                out.place_on(t, DeviceId(0), LaneId(0), -i64::from(t.0));
            });
        }));
        let mut copies: Vec<_> =
            done.trace.copies.iter().map(|c| (c.issued_ns, c.object.index())).collect();
        copies.sort_unstable();
        copies.into_iter().map(|c| c.1).collect::<Vec<_>>()
    };
    let order = [0, 0, 0, 1, 2, 3, 0, 1];
    assert_eq!(fetched(Eviction::Lru, &order), [0, 1, 2, 3, 0]);
    assert_eq!(fetched(Eviction::Lfu, &order), [0, 1, 2, 3, 1]);
    assert_eq!(fetched(Eviction::NextUse, &order), [0, 1, 2, 3, 1]);
    let order = [0, 0, 0, 1, 2, 3, 1, 0];
    assert_eq!(fetched(Eviction::Lru, &order), [0, 1, 2, 3, 0]);
    assert_eq!(fetched(Eviction::Lfu, &order), [0, 1, 2, 3, 1]);
    assert_eq!(fetched(Eviction::NextUse, &order), [0, 1, 2, 3, 0]);
}

#[test]
fn a_writer_waits_for_the_last_transfer_that_reads_its_buffer() {
    let mut g = TaskGraph::new("g");
    let a = initial(&mut g, 100);
    task(&mut g, 1.0, &[(a, Mode::ReadWrite)]);
    task(&mut g, 5.0, &[(a, Mode::ReadWrite)]);
    let done = finish(setup(g, machine(&[(None, 1), (None, 1)], None), Options::default(), {
        |events: &[Event], _: &View<'_>, out: &mut Decisions| {
            if events.contains(&Event::Ready { task: TaskId(0) }) {
                out.place(TaskId(0), DeviceId(0));
            }
            if events.contains(&Event::Ready { task: TaskId(1) }) {
                let (object, memory) = (ObjectId(0), MemoryId(1));
                out.push(Decision::Prefetch { object, memory });
                out.place(TaskId(1), DeviceId(0));
            }
        }
    }));
    assert_eq!(started_ns(&done, 0), 100);
    assert_eq!(started_ns(&done, 1), 201, "the prefetch reads the buffer from 101 to 201 ns");
}

#[test]
fn a_task_that_holds_memory_keeps_its_turn_on_a_strict_lane() {
    let mut g = TaskGraph::new("g");
    let (a, b) = (initial(&mut g, 100), initial(&mut g, 100));
    task(&mut g, 10.0, &[(a, Mode::Read)]);
    task(&mut g, 10.0, &[(b, Mode::Read)]);
    let cluster = machine(&[(Some(100), 1)], None);
    let done = finish(setup(g, cluster, STRICT, |events, _, out| {
        if grew(events) {
            out.place_on(TaskId(0), DeviceId(0), LaneId(0), 0);
            out.wake(50);
        }
        if events.contains(&Event::Timer) {
            out.place_on(TaskId(1), DeviceId(0), LaneId(0), 9);
        }
    }));
    assert_eq!((started_ns(&done, 0), started_ns(&done, 1)), (100, 210));
}

#[test]
fn gangs_get_the_memory_of_all_members_or_none() {
    let mut g = TaskGraph::new("g");
    let kernel = g.kernel("k");
    for _ in 0..2 {
        let gang = Some(g.add_gang());
        for _ in 0..2 {
            let accesses = &[(fresh(&mut g, 60), Mode::Write)];
            let cost = Cost::Work(10.0);
            g.submit(TaskSpec { accesses, gang, cost, ..TaskSpec::new(kernel) }).unwrap();
        }
    }
    // One gang asks in the order of memories 0 and 1, the other in that of 1 and 0.
    let cluster = machine(&[(Some(100), 2), (Some(100), 2)], None);
    let done = finish(setup(g, cluster, Options::default(), |events, _, out| {
        if grew(events) {
            out.place(TaskId(0), DeviceId(0));
            out.place(TaskId(3), DeviceId(1));
            out.place(TaskId(2), DeviceId(0));
            out.place(TaskId(1), DeviceId(1));
        }
    }));
    assert_eq!(started_ns(&done, 0), started_ns(&done, 1));
    assert_eq!(started_ns(&done, 2), started_ns(&done, 3));
}

#[test]
fn a_gang_on_too_few_lanes_is_named() {
    let mut g = TaskGraph::new("g");
    let kernel = g.kernel("k");
    let gang = Some(g.add_gang());
    g.submit(TaskSpec { gang, ..TaskSpec::new(kernel) }).unwrap();
    g.submit(TaskSpec { gang, ..TaskSpec::new(kernel) }).unwrap();
    let ended = run(setup(g, machine(&[(None, 1)], None), Options::default(), |e, _, out| {
        if grew(e) {
            out.place(TaskId(0), DeviceId(0));
            out.place(TaskId(1), DeviceId(0));
        }
    }));
    assert_eq!(ended.end, End::Stalled(Stall::GangDoesNotFit { example: "k#0".into() }));
}

#[test]
fn a_task_placed_anew_while_it_waits_for_a_lock_queues_again() {
    let mut g = TaskGraph::new("g");
    let a = initial(&mut g, 0);
    task(&mut g, 100.0, &[(a, Mode::Commutative)]);
    task(&mut g, 10.0, &[(a, Mode::Commutative)]);
    let cluster = machine(&[(None, 1), (None, 1), (None, 1)], None);
    let done = finish(setup(g, cluster, Options::default(), |events, view, out| {
        if grew(events) {
            out.place(TaskId(0), DeviceId(0));
            out.wake(10);
        }
        if events.contains(&Event::Timer) {
            // First on device 1, then on device 2.
            let before = view.placement(TaskId(1)).map_or(0, |d| d.0);
            out.place(TaskId(1), DeviceId(before + 1));
            if before == 0 {
                out.wake(20);
            }
        }
    }));
    assert_eq!(started_ns(&done, 1), 100);
}

#[test]
fn a_result_is_not_dropped_from_its_home() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&refused);
    let mut g = TaskGraph::new("g");
    let a = fresh(&mut g, 10);
    task(&mut g, 10.0, &[(a, Mode::Write)]);
    task(&mut g, 90.0, &[]);
    let cluster = machine(&[(None, 2)], None);
    finish(setup(g, cluster, Options::default(), move |events, _, out| {
        if grew(events) {
            out.place(TaskId(0), DeviceId(0));
            out.place(TaskId(1), DeviceId(0));
            out.wake(50);
        }
        for event in events {
            match event {
                Event::Timer => {
                    let (object, memory) = (ObjectId(0), MemoryId(1));
                    out.push(Decision::Drop { object, memory });
                }
                Event::Refused { reason, .. } => seen.lock().unwrap().push(reason.clone()),
                _ => {}
            }
        }
    }));
    assert_eq!(*refused.lock().unwrap(), [Refusal::CannotDrop]);
}

#[test]
fn a_bounded_home_limits_what_devices_without_limit_may_write() {
    let mut g = TaskGraph::new("g");
    let (a, b) = (fresh(&mut g, 60), fresh(&mut g, 60));
    task(&mut g, 10.0, &[(a, Mode::Write)]);
    task(&mut g, 10.0, &[(b, Mode::Write)]);
    let place = |events: &[Event], _: &View<'_>, out: &mut Decisions| {
        if grew(events) {
            out.place(TaskId(0), DeviceId(0));
            out.place(TaskId(1), DeviceId(0));
        }
    };
    let small = machine(&[(None, 1)], Some(100));
    let ended = run(setup(g.clone(), small, Options::default(), place));
    let End::Stalled(Stall::OutOfMemory { memory, needed_bytes, free_bytes, .. }) = ended.end
    else {
        panic!("{:?}", ended.end)
    };
    assert_eq!((memory.as_str(), needed_bytes, free_bytes), ("ram", 60, 40));
    finish(setup(g, machine(&[(None, 1)], Some(120)), Options::default(), place));
}

#[test]
fn a_write_back_that_an_eviction_counts_on_outlives_the_task_that_asked_for_it() {
    let mut g = TaskGraph::new("g");
    // Transfers out of memory 0 go one after the other; home is also where device 1 computes.
    let (a, b, c) = (initial(&mut g, 50), fresh(&mut g, 50), initial(&mut g, 100));
    task(&mut g, 10.0, &[(a, Mode::ReadWrite), (b, Mode::Write)]);
    task(&mut g, 10.0, &[(a, Mode::Read), (b, Mode::Read)]);
    task(&mut g, 10.0, &[(c, Mode::Read)]);
    let mut spec = machine(&[(Some(100), 1), (None, 1)], None).spec().clone();
    spec.homes = vec!["m1".into()];
    spec.memories[0].copies_out = Some(1);
    let cluster = Cluster::new(spec).unwrap();
    finish(setup(g, cluster, Options::default(), |events, view, out| {
        for event in events {
            match event {
                Event::GraphGrew { .. } => out.place(TaskId(0), DeviceId(0)),
                // It asks for both objects at their home; the second one waits for the engine.
                Event::Ready { task: TaskId(1) } => {
                    out.place(TaskId(1), DeviceId(1));
                    out.wake(65);
                }
                // The eviction for task 2 counts on that transfer; then nobody else does.
                Event::Timer if view.now_ns() == 65 => {
                    out.place(TaskId(2), DeviceId(0));
                    out.wake(75);
                }
                Event::Timer => out.place(TaskId(1), DeviceId(0)),
                _ => {}
            }
        }
    }));
}

#[test]
fn a_scheduler_that_wakes_for_ever_is_stopped() {
    let mut g = TaskGraph::new("g");
    task(&mut g, 10.0, &[]);
    let ended = run(setup(g, machine(&[(None, 1)], None), Options::default(), |_, v, out| {
        out.wake(v.now_ns() + 1);
    }));
    assert!(matches!(ended.end, End::Failed(Failure::Fruitless { .. })), "{:?}", ended.end);
}

#[test]
fn refused_decisions_are_counted_while_thinking_takes_time() {
    let mut g = TaskGraph::new("g");
    task(&mut g, 10.0, &[]);
    let mut setup = setup(g, machine(&[(None, 1)], None), Options::default(), |_, _, out| {
        out.place(TaskId(7), DeviceId(0));
    });
    setup.thinking = Thinking::Fixed(5);
    let ended = run(setup);
    assert!(matches!(ended.end, End::Failed(Failure::RefusedForever { .. })), "{:?}", ended.end);
}

#[test]
fn a_run_that_is_done_at_once_has_makespan_0() {
    let mut g = TaskGraph::new("g");
    task(&mut g, 0.0, &[]);
    let done =
        finish(setup(g, machine(&[(None, 1)], None), Options::default(), |events, _, out| {
            if grew(events) {
                out.place(TaskId(0), DeviceId(0));
                out.wake(50);
            }
        }));
    assert_eq!(done.trace.makespan_ns, 0);
}

/// Submits one task when the first one ends.
struct Late(fn(&mut TaskGraph));

impl Program for Late {
    fn on_finished(&mut self, task: TaskId, _: &Outcome, graph: &mut TaskGraph) {
        if task == TaskId(0) {
            (self.0)(graph);
        }
    }
}

fn grow(late: fn(&mut TaskGraph)) -> End {
    let mut g = TaskGraph::new("g");
    let dead = initial(&mut g, 10);
    let unused = ObjectSpec { bytes: 10, initial: true, keep: true, ..Default::default() };
    g.add_object(unused).expect("no limits");
    g.add_gang();
    let kernel = g.kernel("k");
    let (accesses, gang) = (&[(dead, Mode::Read)], Some(runtime::GangId(0)));
    g.submit(TaskSpec { accesses, gang, ..TaskSpec::new(kernel) }).expect("a valid task");
    let mut setup =
        setup(g, machine(&[(None, 1)], Some(30)), Options::default(), |events, _, out| {
            for event in events {
                if let Event::Ready { task } = *event {
                    out.place(task, DeviceId(0));
                }
            }
        });
    setup.program = Some(Box::new(Late(late)));
    run(setup).end
}

#[test]
fn growth_may_use_what_lives_and_only_that() {
    let message = |end| match end {
        End::Failed(Failure::Growth { message }) => message,
        other => panic!("{other:?}"),
    };
    let end = grow(|g| {
        task(g, 1.0, &[(ObjectId(0), Mode::Read)]);
    });
    assert!(message(end).contains("was dropped after its last use"));
    let end = grow(|g| {
        let (kernel, gang) = (g.kernel("k"), Some(runtime::GangId(0)));
        g.submit(TaskSpec { gang, ..TaskSpec::new(kernel) }).expect("a valid task");
    });
    assert!(message(end).contains("joins a gang that was submitted earlier"));
    let end = grow(|g| {
        let big = initial(g, 40);
        task(g, 1.0, &[(big, Mode::Read)]);
    });
    assert!(message(end).contains("has no room for initial object"));
    // A result that nobody had used yet, a new object, an object without a task.
    let end = grow(|g| {
        let new = initial(g, 5);
        initial(g, 5);
        task(g, 1.0, &[(ObjectId(1), Mode::ReadWrite), (new, Mode::Read)]);
    });
    assert_eq!(end, End::Done);
}
