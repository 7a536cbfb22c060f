//! Both models against proved optima.

use crate::families::{FAMILIES, fresh};
use crate::import::{Case, File, optimal};
use milp::decode::{Timetable, timetable, timetable_of};
use milp::instance::Instance;
use milp::model::{Formulation, Model, Options};
use milp::optimise::{Found, Settings, narrowed, optimise};
use milp::solver::Limits;
use milp::windows::Windows;
use runtime::Problem;
use runtime::planner::Planner;
use schedulers::heft::Heft;
use schedulers::instance::Instance as Flat;

/// One model, so many nodes.
pub fn settings(formulation: Formulation, nodes: u64) -> Settings {
    Settings {
        formulation,
        limits: Limits { nodes: Some(nodes), ..Limits::default() },
        budget_bytes: 4_000_000_000,
        secondary: false,
        warm_start: false,
    }
}

/// HEFT's schedule in the instance's terms.
pub fn heft(instance: &Instance, flat: &Flat, problem: &Problem<'_>) -> Timetable {
    let mut heft = Heft { policy: runtime::partial_schedule::Policy::Insertion };
    let plan = heft.plan(problem).expect("there is a plan");
    let (_, placed) = flat.placements(&plan).expect("it is whole");
    let table = timetable_of(instance, &placed);
    assert!(table.makespan_ns <= plan.makespan_ns(), "left shift cannot lengthen a plan");
    table
}

fn solve(file: &File, settings: &Settings) -> (u64, Found) {
    let Case { graph, cluster, costs } = &file.case();
    let problem = Problem::fresh(graph, cluster, costs);
    let flat = Flat::new(&problem).expect("it fits");
    let instance = Instance::new(&flat).expect("there are no gangs");
    let known = heft(&instance, &flat, &problem);
    let found = optimise(&instance, &known, 0, settings).expect("the solver works");
    (found.better.as_ref().map_or(known.makespan_ns, |b| b.makespan_ns), found)
}

#[test]
fn small_instances_are_proved() {
    for (name, file) in optimal("contention-free") {
        if file.tasks.len() > 12 {
            continue;
        }
        for formulation in [Formulation::Assignment, Formulation::Sigma] {
            let (makespan, found) = solve(&file, &settings(formulation, 100_000));
            assert_eq!(makespan, file.optimal_makespan, "{name}, {formulation:?}");
            assert_eq!(found.bound_ns, file.optimal_makespan, "{name}, {formulation:?}");
            println!("{name} {formulation:?}: {} nodes", found.nodes);
        }
    }
}

#[test]
fn resident_memory_limits_are_kept_and_proved() {
    for (name, file) in optimal("contention-free+resident") {
        if file.tasks.len() > 12 {
            continue;
        }
        let Case { graph, cluster, costs } = &file.case();
        let problem = Problem::fresh(graph, cluster, costs);
        let flat = Flat::new(&problem).expect("it fits");
        let mut instance = Instance::new(&flat).expect("there are no gangs");
        limit_memory(&mut instance, &flat, &file);
        let capacities = file.memory_capacity.as_ref().expect("this timing has them");
        for formulation in [Formulation::Assignment, Formulation::Sigma] {
            // HEFT knows nothing of the limit: a horizon that any feasible plan keeps will do.
            let mut horizon = heft(&instance, &flat, &problem);
            horizon.makespan_ns *= 2;
            let found = optimise(&instance, &horizon, 0, &settings(formulation, 100_000));
            let found = found.expect("the solver works");
            let table = found.better.expect("there is a plan");
            assert_eq!(table.makespan_ns, file.optimal_makespan, "{name}, {formulation:?}");
            assert_eq!(found.bound_ns, file.optimal_makespan, "{name}, {formulation:?}");
            let mut held = vec![0; capacities.len()];
            for (task, lane) in table.lane.iter().enumerate() {
                held[instance.memory_of[*lane]] += instance.resident_bytes[task];
            }
            assert!(held.iter().zip(capacities).all(|(held, c)| held <= c), "{name}");
            println!("{name} {formulation:?}: {} nodes", found.nodes);
        }
    }
}

#[test]
fn both_models_agree_on_fresh_instances() {
    for family in FAMILIES {
        for seed in 1..=4 {
            let (processors, travel) = if seed % 2 == 0 { (2, 0.3) } else { (3, 1.0) };
            let file = fresh(family, 9, processors, travel, seed);
            let both = [Formulation::Assignment, Formulation::Sigma].map(|formulation| {
                let (makespan_ns, found) = solve(&file, &settings(formulation, 100_000));
                assert_eq!(found.bound_ns, makespan_ns, "{family} {seed} {formulation:?}");
                makespan_ns
            });
            assert_eq!(both[0], both[1], "{family} {seed}");
        }
    }
}

#[test]
fn every_schedule_within_the_limit_solves_both_models() {
    for family in FAMILIES {
        for seed in 1..=4 {
            let file = fresh(family, 9, 3, 1.0, seed);
            let Case { graph, cluster, costs } = &file.case();
            let problem = Problem::fresh(graph, cluster, costs);
            let flat = Flat::new(&problem).expect("it fits");
            let instance = Instance::new(&flat).expect("there are no gangs");
            let known = heft(&instance, &flat, &problem);
            let best = [Formulation::Assignment, Formulation::Sigma].map(|f| {
                optimise(&instance, &known, 0, &settings(f, 100_000)).expect("it works").better
            });
            let tables: Vec<_> = best.iter().flatten().chain([&known]).collect();
            let limits = tables.iter().map(|t| t.makespan_ns);
            let limits = limits.flat_map(|limit_ns| tables.iter().map(move |t| (limit_ns, t)));
            for (limit_ns, table) in limits.filter(|(limit_ns, t)| t.makespan_ns <= *limit_ns) {
                let windows = Windows::new(&instance, limit_ns).expect("there is a plan");
                for formulation in [Formulation::Assignment, Formulation::Sigma] {
                    let mut windows = windows.clone();
                    windows.probe_lanes(&instance).expect("there is a plan");
                    windows.probe_pairs(&instance);
                    let options = Options { formulation, secondary: false };
                    let model = Model::new(&instance, &windows, 0, options, u64::MAX);
                    let model = model.expect("there is no limit");
                    let values = model.start_from(&instance, table);
                    let broken = model.program.violation(&values, 1e-9);
                    assert!(broken < 1e-6, "{family} {seed} {formulation:?}: by {broken}");
                }
            }
        }
    }
}

#[test]
fn stored_optimal_schedules_solve_both_models() {
    for timing in ["contention-free", "contention-free+resident"] {
        for (name, file) in optimal(timing) {
            if file.tasks.len() > 20 {
                continue;
            }
            let Case { graph, cluster, costs } = &file.case();
            let problem = Problem::fresh(graph, cluster, costs);
            let flat = Flat::new(&problem).expect("it fits");
            let mut instance = Instance::new(&flat).expect("there are no gangs");
            limit_memory(&mut instance, &flat, &file);
            let slot = |n: &u32| {
                let task = file.order()[flat.task(*n).index()];
                file.schedule.iter().find(|s| s.task == task).expect("it is whole")
            };
            let slots: Vec<_> = instance.nodes.iter().map(slot).collect();
            let lane = slots.iter().map(|s| s.processor).collect();
            let key: Vec<f64> = slots.iter().map(|s| s.start as f64).collect();
            let table = timetable(&instance, lane, &key);
            assert_eq!(table.makespan_ns, file.optimal_makespan, "{name}");
            for slack_ns in [0, 1, 30] {
                let windows = narrowed(&instance, file.optimal_makespan + slack_ns);
                let windows = windows.expect("there is a plan");
                for formulation in [Formulation::Assignment, Formulation::Sigma] {
                    let options = Options { formulation, secondary: false };
                    let model = Model::new(&instance, &windows, 0, options, u64::MAX);
                    let model = model.expect("there is no limit");
                    let values = model.start_from(&instance, &table);
                    let broken = model.program.violation(&values, 1e-9);
                    assert!(broken < 1e-6, "{name}, {formulation:?}: by {broken}");
                }
            }
        }
    }
}

/// The memory limits of a file, in the instance's numbering.
fn limit_memory(instance: &mut Instance, flat: &Flat, file: &File) {
    if let Some(capacities) = &file.memory_capacity {
        let order = file.order();
        let bytes = |n: &u32| file.tasks[order[flat.task(*n).index()]].memory;
        instance.capacity_bytes = capacities.iter().map(|c| Some(*c)).collect();
        instance.resident_bytes = instance.nodes.iter().map(bytes).collect();
    }
}
