//! The linear bound: below every proved optimum, above the critical path where load counts.

use crate::families::{FAMILIES, fresh};
use crate::import::{Case, optimal};
use milp::lp_bound;
use milp::solver::Limits;
use runtime::planner::Planner;
use runtime::{Problem, bounds};
use schedulers::heft::Heft;

#[test]
fn the_linear_bound_never_exceeds_a_proved_optimum() {
    let mut gaps = Vec::new();
    for timing in ["contention-free", "contention-free+resident", "exclusive-links"] {
        for (name, file) in optimal(timing) {
            let Case { graph, cluster, costs } = &file.case();
            let problem = Problem::fresh(graph, cluster, costs);
            let bound_ns = lp_bound(&problem, &Limits::default()).expect("it is solved");
            assert!(bound_ns <= file.optimal_makespan, "{name}: {bound_ns}");
            let cheap_ns = bounds::lower_bound(graph, cluster, costs).makespan_ns;
            if timing == "contention-free" {
                let gap = |ns: u64| 1.0 - ns as f64 / file.optimal_makespan as f64;
                gaps.push((gap(bound_ns), gap(cheap_ns)));
            }
        }
    }
    if !gaps.is_empty() {
        let mean =
            |f: fn(&(f64, f64)) -> f64| 100.0 * gaps.iter().map(f).sum::<f64>() / gaps.len() as f64;
        println!(
            "{} optima: linear bound {:.1} % below, cheap bounds {:.1} %",
            gaps.len(),
            mean(|g| g.0),
            mean(|g| g.1)
        );
        assert!(mean(|g| g.0) < 15.0, "the linear bound has become weak");
    }
}

#[test]
fn larger_problems_have_bounds_below_their_plans() {
    for family in FAMILIES {
        let Case { graph, cluster, costs } = &fresh(family, 300, 4, 0.5, 1).case();
        let problem = Problem::fresh(graph, cluster, costs);
        let bound_ns = lp_bound(&problem, &Limits::default()).expect("it is solved");
        let mut heft = Heft { policy: runtime::partial_schedule::Policy::Insertion };
        let makespan_ns = heft.plan(&problem).expect("there is a plan").makespan_ns();
        println!("{family}: bound {bound_ns}, HEFT {makespan_ns}");
        assert!(bound_ns <= makespan_ns && 2 * bound_ns > makespan_ns, "{family}");
    }
}
