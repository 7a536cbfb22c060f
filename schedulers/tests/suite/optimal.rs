//! Instances with proved optima: nothing may go below.

use crate::checker::check;
use crate::exact_oracles::{Published, Solved, published};
use crate::planners;
use runtime::{Costs, Problem, bounds};

#[test]
fn plans_and_bounds_lie_on_their_sides_of_the_optimum() {
    let all = published();
    all.iter().for_each(compare);
    let free = all.iter().filter(|p| p.is_free).count();
    println!("{} instances, {free} of them without contention", all.len());
}

fn compare(published: &Published) {
    let Solved { name, graph, cluster, optimum_ns } = &published.solved;
    let costs = Costs::resolve(graph, cluster, None).expect("it runs everywhere");
    let bound = bounds::lower_bound(graph, cluster, &costs);
    assert!(bound.makespan_ns <= *optimum_ns, "{name}: {} exceeds {optimum_ns}", bound.kind);
    if !published.is_free {
        return;
    }
    let problem = Problem::fresh(graph, cluster, &costs);
    for (planner, mut plan) in planners() {
        let plan = plan.plan(&problem).expect("there is a plan");
        check(graph, cluster, &costs, &plan).unwrap_or_else(|e| panic!("{name}, {planner}: {e}"));
        let makespan_ns = plan.makespan_ns();
        assert!(
            makespan_ns >= *optimum_ns,
            "{name}: {planner} gives {makespan_ns}, below {optimum_ns}"
        );
    }
}
