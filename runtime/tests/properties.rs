//! Properties of the executive over random graphs, machines and schedulers.

mod common;

use common::machines::{MachineKnobs, machine};
use common::programs::{GraphKnobs, Grower, Random};
use common::schedulers::{First, RandomPlanner, Wild};
use common::trouble::{Patient, troubles};
use common::{End, replay, run, run_troubled};
use proptest::prelude::*;
use runtime::executive::{Setup, Thinking};
use runtime::scheduler::{Eviction, LaneOrder, Options};
use runtime::validator::validate;
use runtime::{Costs, Planned, Scheduler};
use std::sync::Arc;

/// Who decides.
#[derive(Clone, Copy, Debug)]
enum Who {
    First,
    Wild,
    WildStrict,
    Planned,
}

const EVICTIONS: [Eviction; 3] = [Eviction::Lru, Eviction::Lfu, Eviction::NextUse];

#[derive(Clone, Debug)]
struct Case {
    graph: GraphKnobs,
    machine: MachineKnobs,
    who: Who,
    eviction: Eviction,
    interval_ns: u64,
    thinking_ns: u64,
}

impl Case {
    fn setup(&self) -> Setup {
        let (graph, grower) = Grower::new(&self.graph);
        let whole = whole_graph(&self.graph);
        let cluster = Arc::new(machine(&self.machine, &whole));
        let estimates = Costs::resolve(&graph, &cluster, None).expect("runs somewhere");
        let options = Options {
            decision_interval_ns: self.interval_ns,
            copy_events: self.interval_ns % 2 == 1,
            eviction: self.eviction,
            lane_order: LaneOrder::Runnable,
        };
        let seed = self.graph.seed;
        let scheduler: Box<dyn Scheduler> = match self.who {
            Who::First => Box::new(First(options)),
            Who::Wild => Box::new(Wild::new(seed, options, 200)),
            Who::WildStrict => {
                let options = Options { lane_order: LaneOrder::Strict, ..options };
                Box::new(Wild::new(seed, options, 200))
            }
            Who::Planned => Box::new(Planned::new(RandomPlanner(Random::new(seed, "plan")))),
        };
        let thinking = match self.thinking_ns {
            0 => Thinking::Free,
            ns => Thinking::Fixed(ns),
        };
        let program = self.graph.growth.map(|_| Box::new(grower) as _);
        Setup { graph, cluster, estimates, scheduler, thinking, program, tracing: true }
    }
}

/// The graph grown to its end, whatever the order in which tasks finish: upper bounds of sizes.
fn whole_graph(knobs: &GraphKnobs) -> runtime::TaskGraph {
    Grower::new(&GraphKnobs { growth: None, ..knobs.clone() }).0
}

prop_compose! {
    fn graphs(max_tasks: u32)(
        seed: u64, tasks in 1..=max_tasks, objects in 1..12u32, max_accesses in 0..6u32,
        flags in prop::array::uniform7(any::<bool>()), max_cores in 1..4u32,
        growth in prop::option::of(1..6u32),
    ) -> GraphKnobs {
        let [commutative, reduce, racy, control, gangs, scratch, tables] = flags;
        GraphKnobs {
            seed, tasks, objects, max_accesses,
            has_commutative: commutative, has_reduce: reduce, has_racy: racy,
            has_control: control, has_gangs: gangs, has_scratch: scratch, has_tables: tables,
            max_cores, lanes: 1, growth,
        }
    }
}

prop_compose! {
    fn machines()(
        seed: u64, devices in 1..5u32, max_lanes in 1..5u32, is_shared: bool, has_ram: bool,
        slack_bytes in prop::option::weighted(0.7, prop_oneof![Just(0), 0..300u64]),
        is_home_bounded: bool, engines in prop::option::weighted(0.3, 1..3u32),
    ) -> MachineKnobs {
        MachineKnobs {
            seed, devices, max_lanes, is_shared, has_ram, slack_bytes, is_home_bounded, engines,
        }
    }
}

prop_compose! {
    fn cases(with_gangs: bool)(
        mut graph in graphs(60), machine in machines(),
        who in prop_oneof![
            Just(Who::First), Just(Who::Wild), Just(Who::WildStrict), Just(Who::Planned),
        ],
        eviction in prop::sample::select(EVICTIONS.to_vec()),
        interval_ns in prop_oneof![3 => Just(0u64), 1 => 1..50u64],
        thinking_ns in prop_oneof![3 => Just(0u64), 1 => 1..20u64],
    ) -> Case {
        graph.has_gangs &= with_gangs;
        graph.max_cores = graph.max_cores.min(machine.max_lanes);
        graph.lanes = machine.devices + machine.max_lanes - 1;
        Case { graph, machine, who, eviction, interval_ns, thinking_ns }
    }
}

fn config() -> ProptestConfig {
    let cases = ProptestConfig::default().cases.max(1000);
    ProptestConfig {
        cases,
        max_shrink_iters: 4000,
        failure_persistence: None,
        ..Default::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_run_ends_and_is_repeatable(case in cases(false)) {
        check(&case)?;
    }

    #[test]
    fn with_gangs_too(case in cases(true)) {
        check(&case)?;
    }
}

proptest! {
    #![proptest_config(config())]

    /// Devices go and come back, attempts fail: the results are those of a sequential run.
    #[test]
    fn losses_are_made_good(
        mut case in cases(true), seed: u64, count in 1..12u32, is_strict: bool, is_planned: bool,
        horizon_ns in prop_oneof![10..200u32, 200..3000u32],
    ) {
        case.machine.is_home_bounded = false;
        if is_planned {
            // The planner knows no rule for racy objects and gangs when devices are away.
            case.graph.has_racy = false;
            case.graph.has_gangs = false;
        }
        let devices = case.setup().cluster.device_count();
        let troubles = troubles(seed, devices, count, horizon_ns);
        let setup = || {
            let mut setup = case.setup();
            let options = setup.scheduler.options();
            let lane_order = if is_strict { LaneOrder::Strict } else { LaneOrder::Runnable };
            setup.scheduler = match is_planned {
                true => Box::new(Planned::new(RandomPlanner(Random::new(seed, "plan")))),
                false => Box::new(Patient::new(seed, Options { lane_order, ..options })),
            };
            setup
        };
        let first = run_troubled(setup(), &troubles);
        prop_assert_eq!(&first.end, &End::Done);
        prop_assert_eq!(validate(&first.trace), []);
        let second = run_troubled(setup(), &troubles);
        prop_assert!(first.log == second.log, "two runs differ");
        let replayed = replay(setup(), &first.trace.inputs);
        prop_assert!(first.log == replayed, "the replay differs");
    }
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let first = run(case.setup());
    prop_assert_eq!(&first.end, &End::Done);
    prop_assert_eq!(validate(&first.trace), []);
    let second = run(case.setup());
    prop_assert!(first.log == second.log, "two runs differ");
    prop_assert_eq!(first.trace.digest(), second.trace.digest());
    let replayed = replay(case.setup(), &first.trace.inputs);
    prop_assert!(first.log == replayed, "the replay differs");
    Ok(())
}
