//! Several memories: every copy is a real one.

use crate::clusters::{spec, star};
use crate::modes::check;
use crate::schedulers::{AnyLane, Eager, Random, Wild};
use crate::stamps::Stamped;
use runtime::graph::ObjectSpec;
use runtime::scheduler::{Eviction, LaneOrder, Options};
use runtime::{Mode, Planned};

const MODES: [Mode; 5] =
    [Mode::Read, Mode::Write, Mode::ReadWrite, Mode::Commutative, Mode::Reduce];

#[test]
fn content_travels_with_the_tasks() {
    for seed in 0..10 {
        let stamped = Stamped::random(&mut Random(seed), 200, 1, &MODES);
        let cluster = star(&[2, 1, 1], None);
        let output =
            check(&stamped, spec(stamped.graph.clone(), cluster.clone(), Eager::default()));
        assert!(!output.trace.copies.is_empty());
        let planned = Planned::new(AnyLane(Random(seed)));
        check(&stamped, spec(stamped.graph.clone(), cluster, planned));
    }
}

#[test]
fn memories_that_are_almost_too_small_evict_and_write_back() {
    for seed in 0..10 {
        let stamped = Stamped::random(&mut Random(seed), 200, 1, &MODES);
        let largest = stamped.graph.summary().max_working_set_bytes;
        let cluster = star(&[1, 2, 1], Some(largest + 1000));
        let output = check(&stamped, spec(stamped.graph.clone(), cluster, Eager::default()));
        let is_written_back =
            |c: &runtime::trace::CopyRecord| c.reason == runtime::trace::CopyReason::WriteBack;
        assert!(output.trace.copies.iter().any(is_written_back), "seed {seed}");
    }
}

#[test]
fn useless_copies_never_meet_a_writer() {
    // Prefetches, drops and changes of mind leave transfers of old versions under way while the
    // next version is written.
    for seed in 0..30 {
        let mut stamped = Stamped::new();
        // Longer than the service copies at a time.
        let large =
            ObjectSpec { bytes: (3 << 19) + 8, initial: true, keep: true, ..Default::default() };
        let objects = [stamped.object(large), stamped.object(large)];
        let mut random = Random(seed);
        for _ in 0..60 {
            let object = objects[random.below(2) as usize];
            stamped.plain(&[(object, MODES[random.below(5) as usize])]);
        }
        let options = Options {
            decision_interval_ns: 0,
            copy_events: true,
            eviction: Eviction::Lru,
            lane_order: LaneOrder::Runnable,
        };
        let wild = Wild::new(seed, 10_000, options);
        check(&stamped, spec(stamped.graph.clone(), star(&[1, 1, 1], None), wild));
    }
}
