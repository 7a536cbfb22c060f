//! The incremental evaluator against times computed from nothing.

use crate::plans::mix;
use crate::random::{cluster, graph};
use crate::{cases, planners};
use proptest::prelude::*;
use runtime::{Costs, Problem};
use schedulers::instance::{Instance, Placement};
use schedulers::search::evaluator::{Evaluator, Score};
use schedulers::search::moves::random_move;
use schedulers::stream::Stream;

/// The score of an order with lanes, by definition.
fn by_definition(instance: &Instance, order: &[u32], lanes: &[u32]) -> (Score, Vec<Placement>) {
    let placed = lanes.iter().map(|lane| Placement { lane: *lane, start_ns: 0 });
    let mut placed: Vec<Placement> = placed.collect();
    let makespan_ns = instance.append(order, &mut placed);
    let finish = |(node, p): (u32, &Placement)| p.start_ns + instance.duration_ns(node, p.lane);
    let sum_ns = (0..).zip(&placed).map(|n| u128::from(finish(n))).sum();
    (Score { makespan_ns, sum_ns }, placed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    #[test]
    fn changes_are_computed_as_if_from_nothing(mix in mix(), seed in any::<u64>()) {
        let graph = graph(&mix);
        prop_assume!(graph.len() > 0);
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).expect("it has one");
        let (_, mut heft) = planners().remove(0);
        let plan = heft.plan(&problem).expect("there is a plan");
        let (order, placed) = instance.placements(&plan).expect("it is whole");
        let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
        let mut evaluator = Evaluator::new(&instance, &order, &lanes);
        prop_assert_eq!(evaluator.score(), by_definition(&instance, &order, &lanes).0);
        let mut stream = Stream::new(seed, "test");
        for step in 0..200 {
            let before = (evaluator.order().to_vec(), evaluator.lanes().to_vec());
            let score_before = evaluator.score();
            for _ in 0..1 + stream.index(3) {
                random_move(&mut evaluator, 1 + stream.index(50), &mut stream);
            }
            let (order, lanes) = (evaluator.order().to_vec(), evaluator.lanes().to_vec());
            let (expected, placed) = by_definition(&instance, &order, &lanes);
            // A limit that some changes pass and others do not.
            let limit_ns = score_before.makespan_ns + u64::from(stream.index(20));
            let score = evaluator.evaluate(limit_ns);
            let kept = expected.makespan_ns <= limit_ns;
            prop_assert_eq!(score, kept.then_some(expected), "step {}", step);
            if kept && stream.index(2) == 0 {
                evaluator.commit();
                prop_assert_eq!(evaluator.placements(), placed);
            } else {
                evaluator.undo();
                prop_assert_eq!(evaluator.score(), score_before);
                prop_assert_eq!((evaluator.order(), evaluator.lanes()), (&before.0[..], &before.1[..]));
                let (_, placed) = by_definition(&instance, &before.0, &before.1);
                prop_assert_eq!(evaluator.placements(), placed);
            }
        }
    }
}
