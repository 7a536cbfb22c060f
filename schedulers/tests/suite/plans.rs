//! Plans for random instances.

use crate::checker::check;
use crate::random::{Mix, cluster, graph};
use crate::{cases, planners};
use proptest::prelude::*;
use runtime::bounds::{BoundKind, Transfers, all_bounds};
use runtime::{Costs, Problem};

pub fn mix() -> impl Strategy<Value = Mix> {
    let flags = any::<[bool; 5]>();
    let sizes = (any::<u64>(), 0u32..60, 2u32..7, 1u32..5);
    (sizes, flags).prop_map(|((seed, tasks, devices, lanes), flags)| {
        let [wide, tables, groups, gangs, tight] = flags;
        Mix { seed, tasks, devices, lanes, wide, tables, groups, gangs, tight }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(300)))]

    #[test]
    fn plans_are_valid_not_below_the_bounds_and_the_same_again(mix in mix()) {
        let graph = graph(&mix);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let mut bounds = all_bounds(&graph, &cluster, &costs, Transfers::Modelled);
        // Plans leave it to the run when a task gets its memory.
        bounds.retain(|b| b.kind != BoundKind::MemoryArea);
        for ((name, mut planner), (_, mut again)) in planners().into_iter().zip(planners()) {
            let plan = planner.plan(&problem);
            prop_assert!(plan.is_ok(), "{name}: {plan:?}");
            let plan = plan.expect("it is a plan");
            prop_assert_eq!(check(&graph, &cluster, &costs, &plan), Ok(()), "{}", name);
            let makespan_ns = plan.makespan_ns();
            for bound in &bounds {
                prop_assert!(makespan_ns >= bound.makespan_ns, "{name} is below {bound:?}");
            }
            prop_assert_eq!(again.plan(&problem), Ok(plan), "{} plans differently", name);
        }
    }
}
