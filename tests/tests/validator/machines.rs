//! The runs that the validator is tried on.

use runtime::executive::Thinking;
use runtime::graph::{Mode, ObjectSpec};
use runtime::registry::SchedulerInfo;
use runtime::scheduler::{Eviction, Options};
use runtime::trace::Trace;
use runtime::{ClusterSpec, Cost, Costs, Decisions, Event, Scheduler, TaskGraph, TaskSpec, View};
use sim::{Noise, SimSpec};
use windtunnel_tests::cases::{self, Dice, Features};

/// A random graph, and behind it what random graphs lack: a gang, scratch memory, versions that
/// are overwritten unread, and control edges between tasks that share nothing.
pub fn graph(seed: u64, tasks: u64) -> TaskGraph {
    let mut dice = Dice::new(seed, 5);
    let mut graph = cases::graph(seed, Features::all(tasks));
    let kernel = graph.kernel("extra");
    let mut object = |keep| {
        let spec = ObjectSpec { bytes: 1 + dice.below(3000), keep, ..Default::default() };
        graph.add_object(spec).expect("objects are always accepted")
    };
    let (shared, left, right) = (object(false), object(true), object(true));
    let gang = Some(graph.add_gang());
    let mut submit = |accesses: &[_], gang, after: &[_]| {
        let cost = Cost::Work((1 + dice.below(3000)) as f64 / 1e9);
        let scratch_bytes = dice.below(3) * 500;
        let spec = TaskSpec { cost, accesses, gang, after, scratch_bytes, ..TaskSpec::new(kernel) };
        graph.submit(spec).expect("the case is well formed")
    };
    submit(&[(shared, Mode::Write)], None, &[]);
    let first = submit(&[(shared, Mode::Write)], None, &[]);
    submit(&[(shared, Mode::Read), (left, Mode::Write)], gang, &[]);
    submit(&[(shared, Mode::Read), (right, Mode::Write)], gang, &[]);
    submit(&[(shared, Mode::ReadWrite)], None, &[]);
    submit(&[], None, &[first]);
    graph
}

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

/// The most that must be in one memory at once: of a task, or of a whole gang.
fn largest_bytes(graph: &TaskGraph) -> u64 {
    let alone = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(0);
    let members = graph.task_ids().filter(|t| graph.task(*t).gang.is_some());
    let gang: u64 = members.map(|t| graph.working_set_bytes(t)).sum();
    alone.max(gang).max(1)
}

/// The machine of a seed: large memories, or ones of the largest working set, of one and a half
/// times that or of three times that.
pub fn machine(seed: u64, graph: &TaskGraph) -> ClusterSpec {
    let mut dice = Dice::new(seed, 3);
    let mut spec = cases::cluster(seed);
    let largest = largest_bytes(graph);
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

pub fn simulated(info: &SchedulerInfo, seed: u64, tasks: u64) -> Trace {
    let mut dice = Dice::new(seed, 4);
    let graph = graph(seed, tasks);
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
