//! Collectives on uniform links: the makespan is that of the formula, to a nanosecond per step.

use proptest::prelude::*;
use runtime::registry::Value;
use runtime::{Cluster, Costs, TaskGraph};
use sim::SimSpec;
use std::sync::Arc;

/// Of a message: two links of the star.
const ALPHA_NS: f64 = 2.0 * 3_000.0;
/// Per byte: links of 4 GB/s.
const BETA_NS: f64 = 0.25;
/// Per byte: reductions at 2 GB/s.
const GAMMA_NS: f64 = 0.5;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn graph(operation: &str, algorithm: &str, p: u64, bytes: u64, group: u64) -> TaskGraph {
    let given = [
        ("operation", text(operation)),
        ("algorithm", text(algorithm)),
        ("ranks", Value::Int(p as i64)),
        ("bytes", text(&format!("{bytes} B"))),
        ("reduction", text("2 GB/s")),
        ("group", Value::Int(group as i64)),
    ];
    let given = given.map(|(k, v)| (k.to_owned(), v));
    workloads::registry::find("collective").unwrap().make(&given, 1).unwrap().graph
}

fn star(nodes: u64) -> Arc<Cluster> {
    let given = [
        ("nodes", Value::Int(nodes as i64)),
        ("cores", Value::Int(1)),
        ("bandwidth", text("4 GB/s")),
        ("latency", text("3 us")),
    ];
    let given = given.map(|(k, v)| (k.to_owned(), v));
    let spec = experiments::clusters::find("star").unwrap().make(&given, 1).unwrap();
    Arc::new(Cluster::new(spec).unwrap())
}

fn simulated_ns(graph: TaskGraph, cluster: &Arc<Cluster>) -> f64 {
    let costs = Costs::resolve(&graph, cluster, None).unwrap();
    let scheduler = schedulers::find("mct").unwrap().build_default(1);
    sim::run(SimSpec::new(graph, Arc::clone(cluster), costs, scheduler)).unwrap().makespan_ns as f64
}

/// Steps and their formula, for `p` ranks, `n` bytes and groups of `g`.
fn formula(operation: &str, algorithm: &str, p: u64, n: f64, g: u64) -> (u64, f64) {
    let rank = p as f64;
    let lg = |p: u64| u64::from(p.ilog2());
    let whole = 1 << p.ilog2();
    // Folding: a reduction before and the result after.
    let folds = if p == whole { 0 } else { 2 };
    let folding = if p == whole { 0.0 } else { 2.0 * (ALPHA_NS + n * BETA_NS) + n * GAMMA_NS };
    let up = u64::from(p.next_power_of_two().ilog2());
    let share = (rank - 1.0) / rank;
    let doubled = (whole as f64 - 1.0) / whole as f64;
    let message = |bytes: f64| ALPHA_NS + bytes * BETA_NS;
    match (operation, algorithm) {
        ("all-reduce", "ring") => {
            let steps = 2 * (p - 1);
            (steps, steps as f64 * message(n / rank) + (rank - 1.0) * n / rank * GAMMA_NS)
        }
        ("reduce-scatter", "ring") => {
            (p - 1, (rank - 1.0) * (message(n / rank) + n / rank * GAMMA_NS))
        }
        ("all-gather", "ring") | ("all-to-all", "pairwise") => {
            (p - 1, (rank - 1.0) * message(n / rank))
        }
        ("all-reduce", "recursive-doubling") => {
            let steps = lg(whole);
            (steps + folds, steps as f64 * (message(n) + n * GAMMA_NS) + folding)
        }
        ("all-reduce", "rabenseifner") => {
            let steps = 2 * lg(whole);
            let moved = doubled * n * (2.0 * BETA_NS + GAMMA_NS);
            (steps + folds, steps as f64 * ALPHA_NS + moved + folding)
        }
        ("all-gather", "recursive-doubling") => {
            (lg(p), lg(p) as f64 * ALPHA_NS + share * n * BETA_NS)
        }
        ("reduce-scatter", "recursive-halving") => {
            (lg(p), lg(p) as f64 * ALPHA_NS + share * n * (BETA_NS + GAMMA_NS))
        }
        ("broadcast", "binomial") => (up, up as f64 * message(n)),
        ("all-reduce", "binomial") => (2 * up, up as f64 * (2.0 * message(n) + n * GAMMA_NS)),
        ("all-reduce", "hierarchical") => {
            let (g, m) = (g as f64, rank / g as f64);
            let inner = 2.0 * (g - 1.0) * message(n / g) + (g - 1.0) * n / g * GAMMA_NS;
            let outer = 2.0 * (m - 1.0) * message(n / rank) + (m - 1.0) * n / rank * GAMMA_NS;
            ((2.0 * (g - 1.0) + 2.0 * (m - 1.0)) as u64, inner + outer)
        }
        other => panic!("no formula for {other:?}"),
    }
}

const ALL: [(&str, &str); 10] = [
    ("all-reduce", "ring"),
    ("reduce-scatter", "ring"),
    ("all-gather", "ring"),
    ("all-to-all", "pairwise"),
    ("all-reduce", "recursive-doubling"),
    ("all-reduce", "rabenseifner"),
    ("all-gather", "recursive-doubling"),
    ("reduce-scatter", "recursive-halving"),
    ("broadcast", "binomial"),
    ("all-reduce", "binomial"),
];

fn check(operation: &str, algorithm: &str, p: u64, bytes: u64, group: u64) {
    let (steps, expected) = formula(operation, algorithm, p, bytes as f64, group);
    let found = simulated_ns(graph(operation, algorithm, p, bytes, group), &star(p));
    assert!(
        (found - expected).abs() <= steps as f64 + 1e-6 * expected.min(1.0),
        "{operation} by {algorithm}, p = {p}, n = {bytes}, g = {group}: {found} ns, not \
         {expected} in {steps} steps"
    );
}

#[test]
fn every_algorithm_takes_as_long_as_its_formula_says() {
    for (operation, algorithm) in ALL {
        for p in 1..=17u64 {
            let is_power_only = operation != "all-reduce" && algorithm.starts_with("recursive");
            if is_power_only && !p.is_power_of_two() {
                continue;
            }
            // Divisible by every number of ranks here, so that parts are equal.
            let bytes = 12_252_240 * 16;
            check(operation, algorithm, p, bytes, 1);
            check(operation, algorithm, p, 0, 1);
        }
    }
}

#[test]
fn hierarchies_of_all_shapes_take_as_long_as_their_formula_says() {
    for (p, group) in [(1, 1), (4, 2), (6, 2), (6, 3), (8, 1), (8, 8), (12, 4), (16, 4)] {
        check("all-reduce", "hierarchical", p, 48_000 * 16, group);
    }
}

#[test]
fn what_does_not_fit_together_is_refused_with_what_does() {
    let told = |given: &[(&str, Value)]| {
        let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let made = workloads::registry::find("collective").unwrap().make(&given, 1);
        made.map(|_| ()).expect_err("refused").to_string()
    };
    let message = told(&[("operation", text("broadcast"))]);
    assert!(message.contains("for broadcast: binomial"), "{message}");
    let message = told(&[
        ("operation", text("all-gather")),
        ("algorithm", text("recursive-doubling")),
        ("ranks", Value::Int(6)),
    ]);
    assert!(message.contains("the nearest are 4 and 8"), "{message}");
    let message = told(&[
        ("algorithm", text("hierarchical")),
        ("ranks", Value::Int(12)),
        ("group", Value::Int(5)),
    ]);
    assert!(message.contains("the nearest is 4"), "{message}");
    let message = told(&[("bytes", text("unlimited"))]);
    assert!(message.contains("bytes is unlimited"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the sizes, no byte is lost: every rank but those that only send receives what the
    /// operation gives it, and unequal parts cost at most one byte more per step than equal ones.
    #[test]
    fn odd_sizes_cost_no_more_than_a_byte_per_step(p in 1u64..12, bytes in 0u64..10_000_000) {
        let (steps, expected) = formula("all-reduce", "ring", p, bytes as f64, 1);
        let found = simulated_ns(graph("all-reduce", "ring", p, bytes, 1), &star(p));
        let slack = steps as f64 * (1.0 + BETA_NS + GAMMA_NS + 1.0);
        prop_assert!(found >= expected - slack && found <= expected + slack, "{found} {expected}");
    }
}
