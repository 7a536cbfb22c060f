//! The incremental evaluator against times computed from nothing.

use crate::counting;
use crate::plans::mix;
use crate::random::{Mix, cluster, graph};
use crate::{cases, lists};
use proptest::prelude::*;
use runtime::{Costs, Ns, Problem};
use schedulers::instance::{Instance, Placement};
use schedulers::search::evaluator::{Evaluator, Score};
use schedulers::search::moves::random_move;
use schedulers::search::routes::{Exclusive, Routes};
use schedulers::search::timing::{Memory, Model};
use schedulers::stream::Stream;

/// The score of an order with lanes, by definition.
fn by_definition(instance: &Instance, order: &[u32], lanes: &[u32]) -> (Score, Vec<Placement>) {
    let placed = lanes.iter().map(|lane| Placement { lane: *lane, start_ns: 0 });
    let mut placed: Vec<Placement> = placed.collect();
    let makespan_ns = instance.append(order, &mut placed);
    let finish = |(node, p): (u32, &Placement)| p.start_ns + instance.duration_ns(node, p.lane);
    let sum_ns = (0..).zip(&placed).map(|n| u128::from(finish(n))).sum();
    (Score { makespan_ns, sum_ns, excess_bytes: 0 }, placed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(200)))]

    #[test]
    fn changes_are_computed_as_if_from_nothing(mix in mix(), seed in any::<u64>()) {
        let graph = graph(&mix);
        prop_assume!(!graph.is_empty());
        let cluster = cluster(&mix, &graph);
        let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
        let problem = Problem::fresh(&graph, &cluster, &costs);
        let instance = Instance::new(&problem).expect("it has one");
        let (_, mut heft) = lists().remove(0);
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
                prop_assert_eq!(evaluator.order(), &before.0[..]);
                prop_assert_eq!(evaluator.lanes(), &before.1[..]);
                let (_, placed) = by_definition(&instance, &before.0, &before.1);
                prop_assert_eq!(evaluator.placements(), placed);
            }
        }
    }
}

#[test]
fn no_allocation_once_it_runs() {
    let mix = Mix {
        seed: 5,
        tasks: 60,
        devices: 4,
        lanes: 2,
        wide: true,
        tables: true,
        groups: true,
        gangs: true,
        tight: false,
    };
    let graph = graph(&mix);
    let cluster = cluster(&mix, &graph);
    let costs = Costs::resolve(&graph, &cluster, None).expect("it runs somewhere");
    let problem = Problem::fresh(&graph, &cluster, &costs);
    let instance = Instance::new(&problem).expect("it has one");
    let (_, mut heft) = lists().remove(0);
    let plan = heft.plan(&problem).expect("there is a plan");
    let (order, placed) = instance.placements(&plan).expect("it is whole");
    let lanes: Vec<u32> = placed.iter().map(|p| p.lane).collect();
    let mut stream = Stream::new(1, "test");
    let exclusive = [None, Some(Exclusive::Ports), Some(Exclusive::Pairs)];
    for (exclusive, memory) in
        exclusive.into_iter().zip([Memory::Unlimited, Memory::Buffers, Memory::Resident])
    {
        let capacity_bytes = vec![Some(100); instance.memory_count()];
        let routes = exclusive.map(|e| Routes::exclusive(&problem, &instance, e));
        let model = Model { routes, memory, capacity_bytes, ..Model::default() };
        let mut evaluator = Evaluator::with_model(&instance, &order, &lanes, model);
        let change = |evaluator: &mut Evaluator<'_>, stream: &mut Stream| {
            random_move(evaluator, 30, stream);
            match evaluator.evaluate(Ns::MAX / 4) {
                Some(_) if stream.index(2) == 0 => evaluator.commit(),
                _ => evaluator.undo(),
            }
        };
        (0..200).for_each(|_| change(&mut evaluator, &mut stream));
        let before = counting::allocations();
        (0..2000).for_each(|_| change(&mut evaluator, &mut stream));
        evaluator.set(&order, &lanes);
        assert_eq!(counting::allocations(), before, "{exclusive:?}");
    }
}
