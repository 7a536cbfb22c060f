//! Random graphs on random clusters under random schedulers: every kernel checks that it meets
//! the data of a sequential run, every log replays to the same commands.

use crate::clusters::{host, spec, star};
use crate::modes::check;
use crate::schedulers::{AnyLane, Eager, Random, Wild};
use crate::stamps::Stamped;
use proptest::prelude::*;
use real_backend::{RunSpec, measured_thinking};
use runtime::executive::Thinking;
use runtime::replay::replay_inputs;
use runtime::scheduler::{Eviction, LaneOrder, Options};
use runtime::{Mode, Planned, Scheduler};

fn modes(random: &mut Random) -> Vec<Mode> {
    use Mode::{Commutative, Racy, Read, ReadWrite, Reduce, Write};
    let all = [Read, Write, ReadWrite, Commutative, Reduce, Racy];
    let some: Vec<Mode> = all.into_iter().filter(|_| random.below(2) == 0).collect();
    if some.is_empty() { vec![Read, ReadWrite] } else { some }
}

fn scheduler(random: &mut Random) -> Box<dyn Scheduler> {
    let options = Options {
        decision_interval_ns: [0, 0, 30_000][random.below(3) as usize],
        copy_events: random.below(2) == 0,
        eviction: [Eviction::Lru, Eviction::NextUse][random.below(2) as usize],
        lane_order: LaneOrder::Runnable,
    };
    match random.below(3) {
        0 => Box::new(Eager::default()),
        1 => Box::new(Planned::new(AnyLane(random.clone()))),
        _ => Box::new(Wild::new(random.next(), 300, options)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn every_task_meets_the_right_versions(
        seed in any::<u64>(),
        tasks in 1..150u64,
        lanes in prop::collection::vec(1..3u32, 1..4),
        is_tight in any::<bool>(),
        thinking in 0..3,
        issue_ahead in 0..4u32,
        is_host in any::<bool>(),
    ) {
        let mut random = Random(seed);
        let modes = modes(&mut random);
        let stamped = Stamped::random(&mut random, tasks, *lanes.iter().min().unwrap(), &modes);
        // Racy objects stay in one memory while they are raced on: a scheduler must know.
        let lanes = if modes.contains(&Mode::Racy) { &lanes[..1] } else { &lanes[..] };
        let largest = stamped.graph.summary().max_working_set_bytes.max(1);
        let cluster = match is_host {
            true => host(lanes[0]),
            false => star(lanes, is_tight.then_some(largest)),
        };
        let before = random.clone();
        let scheduler = || scheduler(&mut before.clone());
        let thinking = match thinking {
            0 => Thinking::Free,
            1 => Thinking::Fixed(20_000),
            _ => measured_thinking(),
        };
        let plain = spec(stamped.graph.clone(), cluster, crate::schedulers::Never);
        let changed = RunSpec { scheduler: scheduler(), thinking, issue_ahead, ..plain };
        let output = check(&stamped, changed);
        let replayed = replay_inputs(&output.trace, scheduler()).unwrap();
        prop_assert_eq!(replayed.digest, output.digest);
        prop_assert_eq!(replayed.makespan_ns, output.makespan_ns);
    }
}
