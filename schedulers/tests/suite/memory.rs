//! What searches know of capacities, beside what the simulator makes of them.

use crate::random::{Draws, Mix, cluster, graph};
use runtime::cluster::NetworkModel;
use runtime::planner::PlanFailure;
use runtime::registry::{BuildContext, Value};
use runtime::{Cluster, ClusterSpec, Costs, Ns, Planned, Planner, Problem, Schedule, TaskGraph};
use schedulers::instance::Instance;
use schedulers::search::evaluator::Evaluator;
use schedulers::search::moves::random_move;
use schedulers::search::timing::{Memory, Model};
use schedulers::stream::Stream;
use std::sync::Arc;

struct Known(Option<Schedule>);

impl Planner for Known {
    fn plan(&mut self, _: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        self.0.take().ok_or_else(|| PlanFailure("there is one plan".to_owned()))
    }
}

fn simulated_ns(graph: &TaskGraph, cluster: &Cluster, costs: &Costs, plan: &Schedule) -> Ns {
    let plan = Box::new(Planned::new(Known(Some(plan.clone()))));
    let cluster = Arc::new(cluster.clone());
    let run = sim::run(sim::SimSpec::new(graph.clone(), cluster, costs.clone(), plan));
    run.expect("it finishes").makespan_ns
}

/// The cluster with its limited memories at a part of the way from the largest working set, which
/// they hold, to all data; without contention.
fn with_room(cluster: &Cluster, graph: &TaskGraph, part: f64) -> Cluster {
    let all_bytes: u64 = graph.object_ids().map(|o| graph.object(o).bytes).sum();
    let scratch = graph.task_ids().map(|t| graph.task(t).scratch_bytes);
    let most_bytes = all_bytes + scratch.max().unwrap_or(0) * 8;
    let mut spec = cluster.spec().clone();
    for capacity_bytes in spec.memories.iter_mut().filter_map(|m| m.capacity_bytes.as_mut()) {
        let more = most_bytes.saturating_sub(*capacity_bytes) as f64 * part;
        *capacity_bytes += more.ceil() as u64;
    }
    Cluster::new(ClusterSpec { network: NetworkModel::ContentionFree, ..spec })
        .expect("only capacities differ")
}

/// A random graph with memories that have some room, and the same machine with unlimited ones.
struct Tight {
    graph: TaskGraph,
    tight: Cluster,
    roomy: Cluster,
    costs: Costs,
}

fn tight(seed: u64, part: f64) -> Tight {
    let mix = Mix {
        seed,
        tasks: 20 + Draws(seed).below(60) as u32,
        devices: 4,
        lanes: 2,
        wide: false,
        tables: false,
        groups: false,
        gangs: false,
        tight: true,
    };
    let graph = graph(&mix);
    let tight = with_room(&cluster(&mix, &graph), &graph, part);
    let mut spec = tight.spec().clone();
    spec.memories.iter_mut().for_each(|m| m.capacity_bytes = None);
    let roomy = Cluster::new(spec).expect("only capacities differ");
    let costs = Costs::resolve(&graph, &tight, None).expect("it runs somewhere");
    Tight { graph, tight, roomy, costs }
}

/// A random schedule's excess and how much longer its run is with capacities than without, in
/// percent.
fn longer(seed: u64, part: f64) -> Option<(u64, f64)> {
    let Tight { graph, tight, roomy, costs } = tight(seed, part);
    let problem = Problem::fresh(&graph, &tight, &costs);
    let instance = Instance::new(&problem).expect("it has one");
    let (_, mut heft) = crate::lists().remove(0);
    let plan = heft.plan(&problem).expect("there is a plan");
    let (order, placed) = instance.placements(&plan).expect("it is whole");
    let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
    let model = Model::default().within_capacities(&problem, &instance);
    if model.memory == Memory::Unlimited {
        return None;
    }
    let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
    let mut stream = Stream::new(seed, "memory");
    for _ in 0..20 {
        random_move(&mut evaluator, 30, &mut stream);
        evaluator.evaluate(Ns::MAX);
        evaluator.commit();
    }
    let plan = instance.schedule(&problem, &evaluator.placements());
    let unlimited_ns = simulated_ns(&graph, &roomy, &costs, &plan);
    let limited_ns = simulated_ns(&graph, &tight, &costs, &plan);
    let percent = limited_ns as f64 / unlimited_ns.max(1) as f64 * 100.0 - 100.0;
    Some((evaluator.score().excess_bytes, percent))
}

/// Least, quartiles and most.
fn spread(values: &mut [f64]) -> [f64; 5] {
    values.sort_by(f64::total_cmp);
    [0, 1, 2, 3, 4].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

#[test]
fn schedules_that_fit_run_as_they_would_with_room() {
    let (mut fits, mut exceeds) = (Vec::new(), Vec::new());
    for part in [0.0, 0.05, 0.1, 0.2, 0.4, 0.7] {
        for seed in 0..40 {
            match longer(seed, part) {
                Some((0, percent)) => fits.push(percent),
                Some((_, percent)) => exceeds.push(percent),
                None => {}
            }
        }
    }
    for (name, percents) in [("fits", &mut fits), ("exceeds", &mut exceeds)] {
        let same = percents.iter().filter(|p| **p == 0.0).count();
        let spread = spread(percents).map(|percent| format!("{percent:+.1}")).join(" ");
        println!(
            "{name}: {} schedules, {same} as long as without limits; {spread} % (least, quartiles, most)",
            percents.len()
        );
    }
    // What is left out (the order in which room is granted, which copies are evicted) is little
    // beside what is modelled.
    let (fits, exceeds) = (spread(&mut fits), spread(&mut exceeds));
    assert!(fits[2] < 2.0 && fits[4] < exceeds[1], "{fits:?}, {exceeds:?}");
}

#[test]
fn searches_that_know_capacities_plan_shorter_runs() {
    let simulated = |tight: &Tight, has_memory: bool| {
        let problem = Problem::fresh(&tight.graph, &tight.tight, &tight.costs);
        let given = [("memory".to_owned(), Value::Bool(has_memory))];
        let planner = schedulers::search::planner("annealing", &given, &BuildContext::new(1));
        let mut planner = planner.expect("it is a search").expect("it has this parameter");
        let plan = planner.plan(&problem).expect("there is a plan");
        simulated_ns(&tight.graph, &tight.tight, &tight.costs, &plan) as f64
    };
    let mut ratios: Vec<f64> = Vec::new();
    for part in [0.05, 0.1, 0.2, 0.4] {
        let instances = (0..12).map(|seed| tight(seed, part));
        let ratio = |t: Tight| simulated(&t, true) / simulated(&t, false);
        let mut percents: Vec<f64> = instances.map(|t| ratio(t) * 100.0 - 100.0).collect();
        let spread = spread(&mut percents);
        println!("room {part}: {spread:.1?} % longer for knowing (least, quartiles, most)");
        ratios.extend(percents);
    }
    assert!(ratios.iter().sum::<f64>() < 0.0, "{ratios:?}");
}

#[test]
fn with_room_for_everything_nothing_is_in_excess() {
    for seed in 0..20 {
        // All data and scratch fit, in each memory.
        assert_eq!(longer(seed, 1.0).unwrap_or((0, 0.0)), (0, 0.0), "seed {seed}");
    }
}
