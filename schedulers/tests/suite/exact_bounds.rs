//! Lower bounds against proved optima and against every schedule of tiny instances.

use crate::cases;
use crate::exact_brute::{shortest_ns, tiny};
use crate::exact_oracles::{Solved, job_shops, optimal, standard};
use crate::random::{cluster, graph};
use proptest::prelude::*;
use runtime::Costs;
use runtime::bounds::{Bound, BoundKind, Transfers, all_bounds, lower_bound};

/// Prints how far each bound is from the optima, in percent of them; fails where one exceeds.
fn compare(folder: &str, instances: &[Solved]) -> Vec<f64> {
    let mut gaps: Vec<(String, f64)> = Vec::new();
    let mut best = 0.0;
    for solved in instances {
        let Solved { name, graph, cluster, optimum_ns } = solved;
        let costs = Costs::resolve(graph, cluster, None).expect("it runs somewhere");
        let gap = |bound: &Bound| {
            let ns = bound.makespan_ns;
            assert!(ns <= *optimum_ns, "{name}: {} {ns} exceeds {optimum_ns}", bound.kind);
            100.0 * (*optimum_ns - ns) as f64 / *optimum_ns as f64
        };
        let bounds = all_bounds(graph, cluster, &costs, Transfers::Modelled);
        for (at, bound) in bounds.iter().enumerate() {
            if at == gaps.len() {
                gaps.push((bound.kind.to_string(), 0.0));
            }
            gaps[at].1 += gap(bound) / instances.len() as f64;
        }
        best += gap(&lower_bound(graph, cluster, &costs)) / instances.len() as f64;
    }
    println!("{folder}: {} instances, mean distance from the optimum in percent", instances.len());
    gaps.iter().for_each(|(name, gap)| println!("  {name:28} {gap:6.2}"));
    println!("  {:28} {best:6.2}", "the best");
    gaps.into_iter().map(|g| g.1).chain([best]).collect()
}

#[test]
fn bounds_stay_below_proved_optima_and_the_later_ones_are_nearer() {
    let gaps = compare("optimal", &optimal());
    if let [critical, transfers, area, assignment, window, .., best] = gaps[..] {
        assert!(transfers < critical && assignment < area && window < area && best < transfers);
    }
}

#[test]
fn bounds_stay_below_the_optima_of_standard_graphs() {
    let gaps = compare("stg", &standard());
    // Windows subsume both the path and the area where devices are alike.
    if let [critical, _, area, _, window, .., best] = gaps[..] {
        assert!(window <= critical.min(area) && best <= window);
        assert!(best < 0.5, "{best}");
    }
}

#[test]
fn bounds_stay_below_the_optima_of_job_shops() {
    let gaps = compare("job shops", &job_shops());
    if let [critical, _, area, _, window, ..] = gaps[..] {
        assert!(window < critical.min(area), "each machine is bounded by its own work");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(120)))]

    #[test]
    fn bounds_stay_below_the_shortest_of_all_schedules(mix in tiny(2..4)) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let shortest_ns = shortest_ns(&graph, &cluster, &costs);
        let mut bounds = all_bounds(&graph, &cluster, &costs, Transfers::Modelled);
        // These schedules leave it to the run when a task gets its memory.
        bounds.retain(|b| b.kind != BoundKind::MemoryArea);
        for bound in bounds {
            prop_assert!(bound.makespan_ns <= shortest_ns, "{bound:?} exceeds {shortest_ns}");
        }
    }
}
