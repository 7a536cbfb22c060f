//! Valid runs, whatever the scheduler, the machine, the memories, the noise or the world.

use crate::machines::{graph, machine, simulated};
use real_backend::RunSpec;
use runtime::Costs;
use runtime::registry::SchedulerInfo;
use runtime::trace::{Trace, World};
use runtime::validator::{Options, validate, validate_with};
use windtunnel_tests::cases::{self, Dice};

fn assert_valid(info: &SchedulerInfo, seed: u64, trace: &Trace) {
    let violations = validate(trace);
    let shown: Vec<String> = violations.iter().take(5).map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}, seed {seed}: {shown:#?}", info.name);
}

#[test]
fn simulated_runs_of_every_scheduler_are_valid() {
    for seed in 0..300 {
        let tasks = if seed % 10 == 0 { 150 } else { 40 };
        for info in schedulers::all() {
            assert_valid(info, seed, &simulated(info, seed, tasks));
        }
    }
}

#[test]
fn measured_runs_are_valid_under_one_clock_without_slack() {
    for seed in 0..12 {
        for name in ["heft", "mct", "first-fit", "work-stealing"] {
            let info = schedulers::find(name).expect("it is registered");
            let graph = graph(seed, 40);
            let cluster = cases::checked(machine(seed, &graph));
            let costs = Costs::resolve(&graph, &cluster, None).expect("a device runs every task");
            let scheduler = info.build_default(seed);
            let output = real_backend::run(RunSpec::new(graph, cluster, costs, scheduler))
                .unwrap_or_else(|e| panic!("{name}, seed {seed}: {e}"));
            assert_valid(info, seed, &output.trace);
        }
    }
}

/// Starts are stamped by clocks that differ from the executive's by up to so much.
const CLOCKS_DIFFER_NS: u64 = 40;

#[test]
fn clocks_that_differ_are_forgiven_by_as_much_slack() {
    let mut strictly_valid = 0;
    for seed in 0..150 {
        let info = schedulers::find("mct").expect("it is registered");
        let mut trace = simulated(info, seed, 40);
        trace.header.world = World::Measured;
        let mut dice = Dice::new(seed, 8);
        let mut differ = |ns: &mut u64| {
            *ns = (*ns + dice.below(2 * CLOCKS_DIFFER_NS + 1)).saturating_sub(CLOCKS_DIFFER_NS);
        };
        trace.tasks.iter_mut().for_each(|t| differ(&mut t.started_ns));
        trace.copies.iter_mut().for_each(|c| differ(&mut c.started_ns));
        let found = validate_with(&trace, Options { slack_ns: CLOCKS_DIFFER_NS });
        let shown: Vec<String> = found.iter().take(5).map(ToString::to_string).collect();
        assert!(found.is_empty(), "seed {seed}: {shown:#?}");
        strictly_valid += u32::from(validate(&trace).is_empty());
    }
    assert!(strictly_valid < 10, "the slack is needed");
}
