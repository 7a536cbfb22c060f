//! The rule of DESIGN.md "Memory", tested where it is tightest: one to eight lanes share a memory
//! of exactly the largest working set, above a home without limit. No run ever stalls.

mod common;

use common::machines::largest_working_set;
use common::programs::{GraphKnobs, Grower, Random};
use common::schedulers::{First, RandomPlanner, Wild};
use common::{End, run};
use proptest::prelude::*;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, NetworkModel};
use runtime::executive::{Setup, Thinking};
use runtime::scheduler::{Eviction, LaneOrder, Options};
use runtime::validator::validate;
use runtime::{Cluster, Costs, Planned, Scheduler, TaskGraph};
use std::sync::Arc;

/// One device of `lanes` lanes above an unlimited home.
fn tight(graph: &TaskGraph, lanes: u32, engines: Option<u32>) -> Cluster {
    let memory = |name: &str, capacity_bytes| MemorySpec {
        name: name.into(),
        capacity_bytes,
        copies_in: engines,
        copies_out: engines,
        ..Default::default()
    };
    let link = |name: &str, a: &str, b: &str| LinkSpec {
        name: name.into(),
        a: a.into(),
        b: b.into(),
        bytes_per_s: 1e9,
        latency_ns: 3,
        ..Default::default()
    };
    let device = |name: &str, memory: &str, lanes| DeviceSpec {
        name: name.into(),
        class: "a".into(),
        memory: memory.into(),
        lanes,
        speed: 1e9,
        ..Default::default()
    };
    Cluster::new(ClusterSpec {
        name: "tight".into(),
        network: NetworkModel::ContentionFree,
        memories: vec![memory("small", Some(largest_working_set(graph))), memory("home", None)],
        devices: vec![device("d", "small", lanes)],
        links: vec![link("bus", "small", "home")],
        homes: vec!["home".into()],
        ..Default::default()
    })
    .expect("a valid cluster")
}

prop_compose! {
    fn graphs()(
        seed: u64, tasks in 1..60u32, objects in 1..12u32, max_accesses in 1..6u32,
        flags in prop::array::uniform4(any::<bool>()), max_cores in 1..9u32,
        growth in prop::option::of(1..8u32),
    ) -> GraphKnobs {
        let [commutative, reduce, racy, gangs] = flags;
        GraphKnobs {
            seed, tasks, objects, max_accesses,
            has_commutative: commutative, has_reduce: reduce, has_racy: racy, has_control: true,
            has_gangs: gangs, has_scratch: true, has_tables: false, max_cores, lanes: 1, growth,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_largest_working_set_is_enough(
        mut knobs in graphs(), lanes in 1..9u32, who in 0..3u32,
        eviction in prop::sample::select(vec![Eviction::Lru, Eviction::Lfu, Eviction::NextUse]),
        engines in prop::option::of(1..3u32),
    ) {
        knobs.max_cores = knobs.max_cores.min(lanes);
        knobs.lanes = lanes;
        let (graph, grower) = Grower::new(&knobs);
        let whole = Grower::new(&GraphKnobs { growth: None, ..knobs.clone() }).0;
        let cluster = Arc::new(tight(&whole, lanes, engines));
        let estimates = Costs::resolve(&graph, &cluster, None).expect("runs on the device");
        let options = Options { eviction, lane_order: LaneOrder::Runnable, ..Options::default() };
        let scheduler: Box<dyn Scheduler> = match who {
            0 => Box::new(First(options)),
            1 => Box::new(Wild::new(knobs.seed, options, 300)),
            _ => Box::new(Planned::new(RandomPlanner(Random::new(knobs.seed, "plan")))),
        };
        let program = knobs.growth.map(|_| Box::new(grower) as _);
        let (thinking, tracing) = (Thinking::Free, true);
        let ended = run(Setup { graph, cluster, estimates, scheduler, thinking, program, tracing });
        prop_assert_eq!(ended.end, End::Done);
        prop_assert_eq!(validate(&ended.trace), []);
    }
}
