//! Valid runs, whatever the scheduler, the machine, the memories, the noise or the world.

use crate::machines::{graph, machine, simulated};
use real_backend::RunSpec;
use runtime::Costs;
use runtime::registry::SchedulerInfo;
use runtime::trace::Trace;
use runtime::validator::validate;
use windtunnel_tests::cases;

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
