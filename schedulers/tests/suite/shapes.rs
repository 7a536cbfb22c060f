//! Shapes that are easy to get wrong: nothing, one task, no durations, no bytes, very wide, very
//! deep.

use crate::checker::check;
use crate::import::{Plain, PlainCost, processors};
use crate::planners_with;
use runtime::{Cluster, Costs, Problem};

/// For searches: these shapes are about not being slow.
const EVALUATIONS: i64 = 20;

fn machine() -> Cluster {
    let pairs = (0..4).flat_map(|b| (0..b).map(move |a| (a, b, 1e9, 5)));
    processors(&[1.0, 2.0, 1.0, 3.0], &pairs.collect::<Vec<_>>())
}

/// Plans and checks; returns makespans by planner.
fn makespans(plain: &Plain) -> Vec<(&'static str, u64)> {
    let (graph, cluster) = (plain.graph(4), machine());
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs everywhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let plan = |(name, mut planner): (&'static str, Box<dyn runtime::Planner>)| {
        let plan = planner.plan(&problem).expect("there is a plan");
        assert_eq!(check(&graph, &cluster, &costs, &plan), Ok(()), "{name}");
        assert_eq!(plan.assignments.len(), graph.len());
        (name, plan.makespan_ns())
    };
    planners_with(EVALUATIONS).into_iter().map(plan).collect()
}

fn work(tasks: usize, ns: u64) -> Vec<PlainCost> {
    (0..tasks).map(|_| PlainCost::Work(ns as f64 * 1e-9)).collect()
}

fn all_are(plain: &Plain, expected_ns: u64) {
    for (name, makespan_ns) in makespans(plain) {
        assert_eq!(makespan_ns, expected_ns, "{name}");
    }
}

#[test]
fn an_empty_graph_takes_no_time() {
    all_are(&Plain::default(), 0);
}

#[test]
fn a_single_task_takes_the_fastest_device() {
    all_are(&Plain { costs: work(1, 30), edges: Vec::new() }, 10);
}

#[test]
fn tasks_of_no_duration_in_a_chain_take_no_time() {
    let edges = (1..50).map(|t| (t - 1, t, Some(100))).collect();
    all_are(&Plain { costs: work(50, 0), edges }, 0);
}

#[test]
fn edges_of_no_bytes_still_have_a_latency() {
    // Two branches on two devices cost 5 ns twice more than one after the other.
    let edges = vec![(0, 1, Some(0)), (0, 2, Some(0)), (1, 3, Some(0)), (2, 3, Some(0))];
    for (name, makespan_ns) in makespans(&Plain { costs: work(4, 6), edges }) {
        assert!(makespan_ns >= 8, "{name}: all on the fastest device takes 8, not {makespan_ns}");
    }
}

#[test]
fn ten_thousand_independent_tasks_fill_the_machine() {
    let plain = Plain { costs: work(10_000, 6), edges: Vec::new() };
    // Speeds add up to 7: 60 000 / 7 is the least, and the last tasks may stand out.
    for (name, makespan_ns) in makespans(&plain) {
        let is_greedy = !name.starts_with("etf");
        let most_ns = if is_greedy { 8_572 + 6 } else { 8_572 + 12 };
        assert!((8_572..=most_ns).contains(&makespan_ns), "{name}: {makespan_ns}");
    }
}

#[test]
fn a_chain_of_ten_thousand_stays_where_it_is_fastest() {
    let edges = (1..10_000).map(|t| (t - 1, t, Some(100))).collect();
    // ETF too: the entry is a tie of starts, which goes to the fastest.
    all_are(&Plain { costs: work(10_000, 6), edges }, 20_000);
}

#[test]
fn a_fork_of_ten_thousand_is_not_quadratic() {
    let mut edges: Vec<(usize, usize, Option<u64>)> =
        (1..10_001).map(|t| (0, t, Some(3))).collect();
    edges.extend((1..10_001).map(|t| (t, 10_001, Some(3))));
    let started = std::time::Instant::now();
    let makespans = makespans(&Plain { costs: work(10_002, 6), edges });
    assert_eq!(makespans.len(), planners_with(EVALUATIONS).len());
    assert!(started.elapsed().as_secs() < 60, "it took {:?}", started.elapsed());
}
