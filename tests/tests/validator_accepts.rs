//! The validator has nothing to say about valid runs, whatever the scheduler, the machine, the
//! memories, the noise or the world.

use real_backend::RunSpec;
use runtime::executive::Thinking;
use runtime::registry::SchedulerInfo;
use runtime::scheduler::{Eviction, Options};
use runtime::trace::Trace;
use runtime::validator::validate;
use runtime::{ClusterSpec, Costs, Decisions, Event, Scheduler, TaskGraph, View};
use sim::{Noise, SimSpec};
use windtunnel_tests::cases::{self, Dice, Features};

/// Another scheduler, in memories that evict by next use.
struct ByNextUse(Box<dyn Scheduler>);

impl Scheduler for ByNextUse {
    fn options(&self) -> Options {
        Options { eviction: Eviction::NextUse, ..self.0.options() }
    }

    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        self.0.decide(events, view, out);
    }
}

/// The machine of a seed: large memories, or ones of the largest working set, of one and a half
/// times that or of three times that.
fn machine(seed: u64, graph: &TaskGraph) -> ClusterSpec {
    let mut dice = Dice::new(seed, 3);
    let mut spec = cases::cluster(seed);
    let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(0).max(1);
    spec = match dice.below(4) {
        0 => spec,
        1 => cases::with_small_memories(spec, largest),
        2 => cases::with_small_memories(spec, largest + largest / 2),
        _ => cases::with_small_memories(spec, 3 * largest),
    };
    if dice.once_in(3) {
        for memory in &mut spec.memories {
            memory.copies_in = Some(1 + dice.below(2) as u32);
            memory.copies_out = Some(1 + dice.below(2) as u32);
        }
    }
    if dice.once_in(4) {
        spec.devices.iter_mut().for_each(|d| d.issue_ns = 1 + dice.below(300));
    }
    if dice.once_in(4) {
        spec.switches[0].bytes_per_s = Some(2e8);
    }
    spec
}

fn simulated(info: &SchedulerInfo, seed: u64, features: Features) -> Trace {
    let mut dice = Dice::new(seed, 4);
    let graph = cases::graph(seed, features);
    let cluster = cases::checked(machine(seed, &graph));
    let costs = Costs::resolve(&graph, &cluster, None).expect("some device runs every task");
    let mut scheduler = info.build_default(seed);
    if dice.once_in(2) {
        scheduler = Box::new(ByNextUse(scheduler));
    }
    let mut spec = SimSpec::new(graph, cluster, costs, scheduler);
    spec.seed = seed;
    if dice.once_in(3) {
        spec.noise = Noise::LogNormal { sigma: 0.5 };
    }
    if dice.once_in(3) {
        spec.thinking = Thinking::Fixed(dice.below(2000));
    }
    match sim::run(spec) {
        Ok(output) => output.trace,
        Err(error) => panic!("{}, seed {seed}: {error}", info.name),
    }
}

fn assert_valid(info: &SchedulerInfo, seed: u64, trace: &Trace) {
    let violations = validate(trace);
    let shown: Vec<String> = violations.iter().take(5).map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}, seed {seed}: {shown:#?}", info.name);
}

#[test]
fn simulated_runs_of_every_scheduler_are_valid() {
    for seed in 0..300 {
        let features = Features::all(if seed % 10 == 0 { 150 } else { 40 });
        for info in schedulers::all() {
            assert_valid(info, seed, &simulated(info, seed, features));
        }
    }
}

#[test]
fn measured_runs_are_valid_under_one_clock_without_slack() {
    for seed in 0..12 {
        for name in ["heft", "mct", "first-fit", "work-stealing"] {
            let info = schedulers::find(name).expect("it is registered");
            let graph = cases::graph(seed, Features::all(40));
            let cluster = cases::checked(machine(seed, &graph));
            let costs = Costs::resolve(&graph, &cluster, None).expect("a device runs every task");
            let scheduler = info.build_default(seed);
            let output = real_backend::run(RunSpec::new(graph, cluster, costs, scheduler))
                .unwrap_or_else(|e| panic!("{name}, seed {seed}: {e}"));
            assert_valid(info, seed, &output.trace);
        }
    }
}
