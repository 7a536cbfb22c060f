//! The exact planner: what it proves is the optimum, and what it cannot prove it does not claim.

use crate::cases;
use crate::checker::check;
use crate::exact_brute::{shortest_ns, tiny};
use crate::exact_oracles::{Solved, job_shops, optimal, standard};
use crate::plans::mix as any_mix;
use crate::random::{Draws, Mix, cluster, graph};
use proptest::prelude::*;
use runtime::cluster::{ClusterSpec, NetworkModel};
use runtime::planner::Fixed;
use runtime::registry::Clock;
use runtime::{Cluster, Costs, Planner, Problem};
use schedulers::exact::{Exact, Limits, Solution, Unsupported};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn exact(conflicts: u64) -> Exact {
    Exact::new(Limits { conflicts, time_ns: None })
}

/// Solves published instances of at most `most` tasks, checks what is claimed against the known
/// optima, and returns how many were proved.
fn prove(folder: &str, instances: &[Solved], most: usize, conflicts: u64) -> usize {
    let mut proved = 0;
    let mut tried = 0;
    for solved in instances.iter().filter(|s| s.graph.len() <= most) {
        let Solved { name, graph, cluster, optimum_ns } = solved;
        let costs = Costs::resolve(graph, cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(graph, cluster, &costs);
        let solution = exact(conflicts).solve(&problem).expect("there is a plan");
        check(graph, cluster, &costs, &solution.schedule).expect(name);
        consistent(&solution);
        assert!(solution.makespan_ns >= *optimum_ns, "{name}: {}", solution.makespan_ns);
        assert!(solution.bound_ns <= *optimum_ns, "{name}: bound {}", solution.bound_ns);
        tried += 1;
        proved += usize::from(solution.is_proved());
    }
    println!("{folder}: {proved} of {tried} proved with {conflicts} dead ends each");
    tried - proved
}

/// What holds of any solution.
fn consistent(solution: &Solution) {
    assert!(solution.bound_ns <= solution.makespan_ns);
    assert!(solution.makespan_ns >= solution.schedule.makespan_ns());
    for pair in solution.steps.windows(2) {
        assert!(pair[0].makespan >= pair[1].makespan && pair[0].bound <= pair[1].bound);
        assert!(pair[0].conflicts <= pair[1].conflicts);
    }
    if let Some(last) = solution.steps.last() {
        assert_eq!(last.makespan as u64, solution.makespan_ns);
        assert_eq!(last.bound as u64, solution.bound_ns);
    }
}

#[test]
fn unrelated_processors_with_communication_are_proved_to_n_30() {
    assert_eq!(prove("optimal", &optimal(), 30, 5_000), 0);
}

#[test]
fn a_run_lasts_as_long_as_the_plan_says() {
    for solved in optimal().iter().filter(|s| s.graph.len() <= 30) {
        let Solved { name, graph, cluster, optimum_ns } = solved;
        let costs = Costs::resolve(graph, cluster, None).expect("it runs somewhere");
        let info = schedulers::find("exact").expect("it is registered");
        let (graph, cluster) = (graph.clone(), Arc::new(cluster.clone()));
        let spec = sim::SimSpec::new(graph, cluster, costs, info.build_default(1));
        let run = sim::run(spec).expect("it finishes");
        assert_eq!(run.makespan_ns, *optimum_ns, "{name}");
    }
}

#[test]
fn standard_graphs_of_50_tasks_are_proved() {
    assert_eq!(prove("stg", &standard(), 60, 5_000), 0);
}

#[test]
fn job_shops_are_proved() {
    assert_eq!(prove("job shops", &job_shops(), 100, 100_000), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    #[test]
    fn tiny_instances_get_the_shortest_of_all_schedules(mix in tiny(2..5)) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let solution = exact(100_000).solve(&problem).expect("there is a plan");
        prop_assert_eq!(check(&graph, &cluster, &costs, &solution.schedule), Ok(()));
        prop_assert!(solution.is_proved());
        prop_assert_eq!(solution.makespan_ns, shortest_ns(&graph, &cluster, &costs));
        consistent(&solution);
    }

    #[test]
    fn no_run_is_shorter_than_what_is_proved(mix in any_mix(), network in 0usize..3) {
        // What the search knows.
        let tasks = mix.tasks % 25;
        let mix = Mix { tasks, wide: false, groups: false, gangs: false, ..mix };
        let graph = graph(&mix);
        let networks =
            [NetworkModel::ContentionFree, NetworkModel::MaxMin, NetworkModel::OnePort];
        let spec = cluster(&mix, &graph).spec().clone();
        let cluster = Cluster::new(ClusterSpec { network: networks[network], ..spec });
        let cluster = Arc::new(cluster.expect("only the network differs"));
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let mut planner = exact(2_000);
        planner.plan(&problem).expect("there is a plan");
        let progress = planner.take_progress().expect("it reports");
        // Nodes around a switch: no detour is quicker.
        prop_assert!(progress.bounds_runs);
        let bound_ns = progress.bound_ns().filter(|_| progress.bounds_runs).unwrap_or(0);
        for name in ["heft", "peft", "mct", "min-min", "dmda", "work-stealing", "random"] {
            let info = schedulers::find(name).expect("it is registered");
            let (graph, cluster) = (graph.clone(), Arc::clone(&cluster));
            let spec = sim::SimSpec::new(graph, cluster, costs.clone(), info.build_default(1));
            if let Ok(run) = sim::run(spec) {
                prop_assert!(run.makespan_ns >= bound_ns, "{}: {}", name, run.makespan_ns);
            }
        }
    }

    #[test]
    fn the_same_again_and_a_larger_limit_is_no_worse(mix in any_mix(), limit in 0u64..80) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let solution = exact(limit).solve(&problem).expect("there is a plan");
        prop_assert_eq!(check(&graph, &cluster, &costs, &solution.schedule), Ok(()));
        consistent(&solution);
        prop_assert!(solution.conflicts <= limit + 1);
        let again = exact(limit).solve(&problem).expect("there is a plan");
        prop_assert_eq!(&again.schedule, &solution.schedule);
        prop_assert_eq!(&again.steps, &solution.steps);
        let longer = exact(limit + 40).solve(&problem).expect("there is a plan");
        prop_assert!(longer.makespan_ns <= solution.makespan_ns);
        prop_assert!(longer.bound_ns >= solution.bound_ns);
    }

    #[test]
    fn the_rest_of_a_run_is_planned_around_what_is_fixed(mix in tiny(2..5), cut in 0usize..7) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let whole = exact(100_000).solve(&Problem::fresh(&graph, &cluster, &costs));
        let whole = whole.expect("there is a plan");
        // The first tasks by start stay where they are; the rest can be planned as it was.
        let mut by_start = whole.schedule.assignments.clone();
        by_start.sort_by_key(|a| (a.start_ns, a.finish_ns, a.task));
        let mut fixed = vec![None; graph.len()];
        let mut lane_free_ns = vec![0; cluster.lane_count()];
        for a in by_start.iter().take(cut) {
            fixed[a.task.index()] = Some(Fixed { device: a.device, finish_ns: a.finish_ns });
            let free_ns = &mut lane_free_ns[a.lane.index()];
            *free_ns = a.finish_ns.max(*free_ns);
        }
        let fresh = Problem::fresh(&graph, &cluster, &costs);
        let rest = Problem::residual(fresh, 0, fixed, lane_free_ns, Vec::new());
        let solution = exact(100_000).solve(&rest).expect("there is a plan");
        prop_assert_eq!(solution.schedule.assignments.len(), rest.tasks.len());
        prop_assert!(solution.is_proved());
        prop_assert!(solution.makespan_ns <= whole.makespan_ns);
        let mut joined = solution.schedule.clone();
        joined.assignments.extend(by_start.iter().take(cut));
        prop_assert_eq!(check(&graph, &cluster, &costs, &joined), Ok(()));
        prop_assert_eq!(joined.makespan_ns().max(solution.makespan_ns), whole.makespan_ns);
    }
}

/// A graph that takes more than a moment.
fn hard() -> Mix {
    Mix {
        seed: 5,
        tasks: 60,
        devices: 4,
        lanes: 1,
        wide: false,
        tables: true,
        groups: false,
        gangs: false,
        tight: false,
    }
}

#[test]
fn a_search_can_be_limited() {
    let mix = hard();
    let graph = graph(&mix);
    let cluster = cluster(&mix, &graph);
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let heuristic = exact(0).solve(&problem).expect("there is a plan");
    assert!(heuristic.conflicts <= 1 && !heuristic.is_proved());
    // A clock that strikes at every look.
    let strikes = AtomicU64::new(0);
    let clock: Clock = Arc::new(move || strikes.fetch_add(1, Ordering::Relaxed));
    let short = Limits { conflicts: u64::MAX, time_ns: Some(3) };
    let solution = Exact::new(short).with_clock(Some(clock)).solve(&problem);
    let solution = solution.expect("there is a plan");
    assert!(solution.conflicts <= 64 && solution.steps.iter().all(|s| s.wall_ns.is_some()));
    consistent(&solution);
}

#[test]
fn progress_tells_incumbents_bounds_and_the_proof() {
    let mix = Mix { tasks: 12, ..hard() };
    let graph = graph(&mix);
    let cluster = cluster(&mix, &graph);
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let mut planner = exact(100_000);
    let schedule = planner.plan(&problem).expect("there is a plan");
    let progress = planner.take_progress().expect("it searches");
    assert!(progress.is_proved && progress.gap() == Some(0.0));
    assert_eq!(progress.incumbent_ns(), Some(schedule.makespan_ns()));
    assert_eq!(planner.take_progress(), None);
}

#[test]
fn what_is_not_modelled_is_said_and_left_to_the_heuristics() {
    let mut draws = Draws(3);
    for (change, expected) in [
        (Mix { gangs: true, ..hard() }, Unsupported::Gangs),
        (Mix { wide: true, lanes: 3, ..hard() }, Unsupported::Cores),
        (Mix { groups: true, tables: false, ..hard() }, Unsupported::Shared),
        (
            Mix { tasks: 201, ..hard() },
            Unsupported::TooLarge { tasks: 201, processors: 4, limit: 200 },
        ),
    ] {
        let mix = Mix { seed: draws.below(1_000), ..change };
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let solution = exact(10).solve(&problem).expect("there is a plan");
        assert_eq!(solution.unsupported, Some(expected));
        assert!(!solution.is_proved() && solution.bound_ns > 0);
        assert_eq!(check(&graph, &cluster, &costs, &solution.schedule), Ok(()));
    }
}
