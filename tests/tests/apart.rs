//! Planning apart from the run, in both worlds: no lane waits for a planner.

use real_backend::RunSpec;
use runtime::cluster::{DeviceSpec, MemorySpec};
use runtime::executive::Thinking;
use runtime::planner::{Assignment, PlanFailure, PlannedApart};
use runtime::scheduler::Refusal;
use runtime::{
    Cluster, ClusterSpec, Cost, Costs, Decisions, DeviceId, Event, Planner, Problem, Schedule,
    Scheduler, TaskGraph, TaskId, TaskSpec, View, validator,
};
use sim::SimSpec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const MS: u64 = 1_000_000;

/// Two devices of one lane and one memory.
fn machine() -> Arc<Cluster> {
    let device = |name: &str| DeviceSpec {
        name: name.into(),
        class: "cpu".into(),
        memory: "ram".into(),
        lanes: 1,
        speed: 1.0,
        ..Default::default()
    };
    let spec = ClusterSpec {
        memories: vec![MemorySpec { name: "ram".into(), ..Default::default() }],
        devices: vec![device("a"), device("b")],
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// A chain of tasks of a millisecond.
fn chain(tasks: u32) -> TaskGraph {
    let mut graph = TaskGraph::new("chain");
    let kernel = graph.kernel("count");
    for i in 0..tasks {
        let after: Vec<TaskId> = i.checked_sub(1).map(TaskId).into_iter().collect();
        let spec = TaskSpec { cost: Cost::Work(1e-3), after: &after, ..TaskSpec::new(kernel) };
        graph.submit(spec).unwrap();
    }
    graph
}

/// Places what is ready on a device.
struct On(DeviceId);

impl Scheduler for On {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, self.0);
            }
        }
    }
}

/// Puts everything that is left on the second device, once `wait` returns.
struct Second<W>(W);

impl<W: FnMut(&Problem<'_>) + Send> Planner for Second<W> {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        (self.0)(problem);
        let device = DeviceId(1);
        let lane = problem.cluster.first_lane(device);
        let mut start_ns = problem.now_ns;
        let assignments = problem.tasks.iter().map(|&task| {
            let finish_ns = start_ns + MS;
            let at = Assignment { task, device, lane, start_ns, finish_ns };
            start_ns = finish_ns;
            at
        });
        Ok(Schedule { assignments: assignments.collect() })
    }
}

fn apart(wait: impl FnMut(&Problem<'_>) + Send + 'static) -> Box<dyn Scheduler> {
    Box::new(PlannedApart::new(Second(wait), Box::new(On(DeviceId(0))), None))
}

fn simulated(graph: TaskGraph, scheduler: Box<dyn Scheduler>, thinking: Thinking) -> SimSpec {
    let cluster = machine();
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    SimSpec { thinking, ..SimSpec::new(graph, cluster, costs, scheduler) }
}

#[test]
fn simulated_lanes_go_on_while_the_plan_is_thought_about() {
    // Every call is charged, so the chain's tasks start late; a plan takes as long as a call.
    let thinking = Thinking::Fixed(5 * MS / 2);
    let output = sim::run(simulated(chain(8), apart(|_| {}), thinking)).unwrap();
    assert!(validator::validate(&output.trace).is_empty());
    let devices: Vec<u32> = output.trace.tasks.iter().map(|t| t.device.0).collect();
    // The first call places task 0 at 2.5 ms and asks for the plan, which is there at 5 ms; by then
    // task 0 has run and task 1 waits for its own answer.
    assert_eq!(devices[0], 0);
    assert_eq!(devices[7], 1);
    let switches = devices.windows(2).filter(|w| w[0] != w[1]).count();
    assert_eq!(switches, 1, "{devices:?}");
}

#[test]
fn a_plan_that_costs_nothing_is_there_at_once() {
    let output = sim::run(simulated(chain(5), apart(|_| {}), Thinking::Free)).unwrap();
    let devices: Vec<u32> = output.trace.tasks.iter().map(|t| t.device.0).collect();
    // The first task was issued in the same instant, before the plan.
    assert_eq!(devices, [0, 1, 1, 1, 1]);
    assert_eq!(output.makespan_ns, 5 * MS);
}

/// Runs a chain for real, its kernel counting into `count`.
fn counted(tasks: u32, count: &Arc<AtomicU32>, scheduler: Box<dyn Scheduler>) -> RunSpec {
    let (graph, cluster) = (chain(tasks), machine());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    let mut spec = RunSpec::new(graph, cluster, costs, scheduler);
    let count = Arc::clone(count);
    spec.kernels.insert("count", move |_: &mut runtime::KernelArgs<'_, '_>| {
        std::thread::sleep(Duration::from_millis(1));
        count.fetch_add(1, Ordering::SeqCst);
        Ok(None)
    });
    spec.timeout = Duration::from_secs(60);
    spec
}

#[test]
fn real_lanes_go_on_while_a_planner_is_busy() {
    let count = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&count);
    // It ends only after three tasks have run: were anybody to wait for it, nobody would end.
    let wait = move |_: &Problem<'_>| {
        while seen.load(Ordering::SeqCst) < 3 {
            std::thread::yield_now();
        }
    };
    let output = real_backend::run(counted(200, &count, apart(wait))).unwrap();
    assert!(validator::validate(&output.trace).is_empty());
    let mut tasks = output.trace.tasks.clone();
    tasks.sort_by_key(|t| t.task);
    assert!(tasks[..3].iter().all(|t| t.device == DeviceId(0)));
    assert_eq!(tasks[199].device, DeviceId(1));
    let replayed = runtime::replay::replay_inputs(&output.trace, apart(|_| {})).unwrap();
    assert_eq!(replayed.digest, output.digest, "the plan is in the log");
}

#[test]
fn a_planner_is_stopped_when_the_run_is_over() {
    let count = Arc::new(AtomicU32::new(0));
    let ended = Arc::new(AtomicBool::new(false));
    let theirs = Arc::clone(&ended);
    let wait = move |problem: &Problem<'_>| {
        while !problem.is_stopped() {
            std::thread::yield_now();
        }
        theirs.store(true, Ordering::SeqCst);
    };
    let output = real_backend::run(counted(10, &count, apart(wait))).unwrap();
    assert!(output.trace.tasks.iter().all(|t| t.device == DeviceId(0)));
    assert_eq!(count.load(Ordering::SeqCst), 10);
    while !ended.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
}

/// Asks for two plans at once, and counts what is refused.
struct Greedy(runtime::planner::SharedPlanner, Arc<AtomicU32>);

impl Scheduler for Greedy {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            match event {
                Event::GraphGrew { .. } => {
                    out.plan_apart(&self.0);
                    out.plan_apart(&self.0);
                }
                Event::Refused { reason: Refusal::CannotPlan, .. } => {
                    self.1.fetch_add(1, Ordering::SeqCst);
                }
                Event::Planned { plan } => {
                    let plan = plan.as_ref().unwrap();
                    assert_eq!(plan.assignments.len(), view.graph().len());
                    plan.assignments.iter().for_each(|a| out.place(a.task, a.device));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn one_plan_is_made_at_a_time() {
    let refused = Arc::new(AtomicU32::new(0));
    let planner = runtime::planner::SharedPlanner::new(Second(|_: &Problem<'_>| {}));
    let greedy = Greedy(planner, Arc::clone(&refused));
    sim::run(simulated(chain(4), Box::new(greedy), Thinking::Free)).unwrap();
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}

#[test]
fn a_plan_that_fails_leaves_the_run_to_the_fallback() {
    struct Never;
    impl Planner for Never {
        fn plan(&mut self, _: &Problem<'_>) -> Result<Schedule, PlanFailure> {
            Err(PlanFailure("there is none".to_owned()))
        }
    }
    let scheduler = PlannedApart::new(Never, Box::new(On(DeviceId(0))), Some(2));
    let output = sim::run(simulated(chain(6), Box::new(scheduler), Thinking::Free)).unwrap();
    assert!(output.trace.tasks.iter().all(|t| t.device == DeviceId(0)));
}
