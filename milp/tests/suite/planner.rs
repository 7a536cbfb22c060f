//! The planners by name: valid, never worse than the list schedulers, repeatable, and their bounds
//! and proofs true.

use crate::checker::check;
use crate::families::{FAMILIES, fresh};
use crate::import::{Case, File, optimal};
use milp::instance::Instance;
use milp::local::{Local, improve};
use milp::model::Formulation;
use milp::optimise::{Settings, optimise};
use milp::plan::Plan;
use milp::planner::Milp;
use milp::solver::Limits;
use runtime::partial_schedule::Policy;
use runtime::planner::{Fixed, Planner, Progress};
use runtime::registry::{BuildContext, SchedulerInfo, Value};
use runtime::{Problem, Schedule};
use schedulers::heft::Heft;
use schedulers::instance::Instance as Flat;
use schedulers::stream::Stream;

fn window_settings() -> Settings {
    Settings {
        formulation: Formulation::Assignment,
        limits: Limits { iterations: Some(1500), ..Limits::default() },
        budget_bytes: 1_000_000_000,
        secondary: true,
        warm_start: false,
    }
}

fn windows(file: &File, local: &Local, seed: u64) -> (u64, u64, Vec<u64>) {
    let Case { graph, cluster, costs } = &file.case();
    let problem = Problem::fresh(graph, cluster, costs);
    let flat = Flat::new(&problem).expect("it fits");
    let heft = Heft { policy: Policy::Insertion }.plan(&problem).expect("there is a plan");
    let (order, placed) = flat.placements(&heft).expect("it is whole");
    let mut plan = Plan::new(&flat, &order, placed);
    let mut makespans = Vec::new();
    let mut stream = Stream::new(seed, "test");
    let effort = improve(&mut plan, local, &window_settings(), &mut stream, |_, makespan_ns| {
        makespans.push(makespan_ns);
        true
    });
    let effort = effort.expect("the solver works");
    let schedule = flat.schedule(&problem, plan.placed());
    check(graph, cluster, costs, &schedule).expect("it is a plan");
    assert_eq!(schedule.makespan_ns(), plan.makespan_ns());
    assert!(makespans.windows(2).all(|w| w[1] <= w[0]));
    println!(
        "{} tasks: HEFT {}, after {} windows {} ({} changed, {} nodes)",
        graph.len(),
        heft.makespan_ns(),
        effort.windows,
        plan.makespan_ns(),
        effort.changed,
        effort.nodes
    );
    (heft.makespan_ns(), plan.makespan_ns(), makespans)
}

#[test]
fn windows_shorten_plans_and_keep_them_plans() {
    let local = Local { tasks: 8, lanes: 3, windows: 12, horizon: None };
    let mut shorter = 0;
    for family in FAMILIES {
        for seed in 1..=2 {
            let file = fresh(family, 60, 4, 0.6, seed);
            let (heft_ns, found_ns, makespans) = windows(&file, &local, seed);
            assert!(found_ns <= heft_ns);
            shorter += u32::from(found_ns < heft_ns);
            assert_eq!(windows(&file, &local, seed).2, makespans, "{family} {seed}");
        }
    }
    assert!(shorter >= 4, "windows shorten most of HEFT's plans, not only {shorter} of 6");
}

#[test]
fn a_window_of_everything_is_the_whole_problem() {
    let local = Local { tasks: 12, lanes: 3, windows: 1, horizon: None };
    for (name, file) in optimal("contention-free") {
        if file.tasks.len() <= 12 {
            let (_, found_ns, _) = windows(&file, &local, 1);
            println!("{name}: {found_ns}, optimum {}", file.optimal_makespan);
            assert!(found_ns >= file.optimal_makespan, "{name}");
        }
    }
}

#[test]
fn planners_by_name_are_true_to_their_word() {
    for info in milp::all() {
        for family in FAMILIES {
            let file = fresh(family, 11, 3, 0.5, 5);
            let case = file.case();
            let problem = Problem::fresh(&case.graph, &case.cluster, &case.costs);
            let flat = Flat::new(&problem).expect("it fits");
            let instance = Instance::new(&flat).expect("there are no gangs");
            let heft = Heft { policy: Policy::Insertion }.plan(&problem).expect("there is a plan");
            let (_, placed) = flat.placements(&heft).expect("it is whole");
            let known = milp::decode::timetable_of(&instance, &placed);
            let whole =
                Settings { secondary: false, limits: Limits::default(), ..window_settings() };
            let optimum = optimise(&instance, &known, 0, &whole).expect("it works").bound_ns;
            let (schedule, progress) = plan(info, &problem);
            check(&case.graph, &case.cluster, &case.costs, &schedule).expect("it is a plan");
            assert_eq!(progress.incumbent_ns(), Some(schedule.makespan_ns()));
            assert!(
                progress.bound_ns().unwrap_or(0) <= optimum && optimum <= schedule.makespan_ns()
            );
            assert!(!progress.is_proved || schedule.makespan_ns() == optimum);
            assert_eq!(plan(info, &problem), (schedule, progress), "{} repeats itself", info.name);
        }
    }
}

/// A planner as the registry's entry makes it with some parameters.
fn planner(name: &str, given: &[(&str, Value)]) -> Milp {
    let info = milp::all().iter().find(|i| i.name == name).expect("it is registered");
    let given: Vec<(String, Value)> =
        given.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
    let parameters = info.parameters(&given).expect("they are accepted");
    let context = BuildContext::new(1);
    match name {
        "milp" => milp::registry::whole(&parameters, &context),
        _ => milp::registry::windows(&parameters, &context),
    }
}

fn plan(info: &SchedulerInfo, problem: &Problem<'_>) -> (Schedule, Progress) {
    let mut planner = planner(info.name, &[]);
    let schedule = planner.plan(problem).expect("there is a plan");
    (schedule, planner.take_progress().expect("it searches"))
}

#[test]
fn limits_of_nothing_deadlines_and_stops_are_heeded() {
    let file = fresh("rand", 40, 3, 0.5, 3);
    let Case { graph, cluster, costs } = &file.case();
    let problem = Problem::fresh(graph, cluster, costs);
    let given = |name: &str, text: &str| [(name.to_owned(), text.to_owned())];
    let plan = |given: &[(String, String)]| {
        let values: Vec<(&str, Value)> =
            given.iter().map(|(n, v)| (n.as_str(), Value::Text(v.clone()))).collect();
        planner("milp-window", &values).plan(&problem)
    };
    let failure = plan(&given("wall", "0 s")).expect_err("there is no time");
    assert!(failure.0.contains("wall limit of zero"), "{failure}");
    assert!(plan(&given("wall", "1 ns")).is_ok(), "the start is a plan");
    // One window needs more than a byte: the planner goes on without, or fails if told to.
    assert!(plan(&given("memory", "1 B")).is_ok());
    let strict = [given("memory", "1 B"), given("on-failure", "fail")].concat();
    let failure = plan(&strict).expect_err("it is to fail");
    assert!(failure.0.contains("columns") && failure.0.contains("it may have 0 MB"), "{failure}");
    // A whole model refuses a deadline below its bound.
    let file = fresh("layer", 10, 3, 0.5, 3);
    let Case { graph, cluster, costs } = &file.case();
    let problem = Problem::fresh(graph, cluster, costs);
    let mut milp = planner("milp", &[("deadline", Value::Text("20 ns".into()))]);
    let failure = milp.plan(&problem).expect_err("nothing is that quick");
    assert!(failure.0.contains("the deadline: it is 20 ns"), "{failure}");
}

#[test]
fn unknown_options_are_refused_by_name() {
    let info = &milp::all()[0];
    let error = info.parameters(&[("node".into(), Value::Int(3))]).expect_err("it is unknown");
    assert!(error.to_string().contains("nodes"), "{error}");
    assert!(info.parameters(&[("nodes".into(), Value::Int(0))]).is_err());
}

#[test]
fn the_rest_of_a_run_is_planned_from_the_last_plan() {
    let file = fresh("layer", 40, 3, 0.5, 8);
    let Case { graph, cluster, costs } = &file.case();
    let problem = Problem::fresh(graph, cluster, costs);
    let mut milp = planner("milp-window", &[]);
    let first = milp.plan(&problem).expect("there is a plan");
    let now_ns = first.makespan_ns() / 2;
    let mut fixed = vec![None; graph.len()];
    let mut lane_free_ns = vec![now_ns; cluster.lane_count()];
    for a in first.assignments.iter().filter(|a| a.start_ns < now_ns) {
        let finish_ns = a.finish_ns;
        fixed[a.task.index()] = Some(Fixed { device: a.device, finish_ns });
        let free_ns = &mut lane_free_ns[a.lane.index()];
        *free_ns = finish_ns.max(*free_ns);
    }
    let rest = Problem::residual(problem, now_ns, fixed, lane_free_ns, Vec::new());
    let second = milp.plan(&rest).expect("there is a plan");
    assert_eq!(second.assignments.len(), rest.tasks.len());
    assert!(second.assignments.iter().all(|a| a.start_ns >= now_ns));
    // Everything goes on as planned, so the rest can end as planned.
    assert!(second.makespan_ns() <= first.makespan_ns());
}
