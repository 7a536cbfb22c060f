//! What every scheduler must do right, in both worlds.
//!
//! Each check makes a case from a seed, runs it and panics with what is wrong.

use crate::cases::{self, Features};
use crate::conservation;
use real_backend::RunSpec;
use runtime::bounds::{Transfers, all_bounds};
use runtime::executive::{Failure, Retry, Setup, Stall, Thinking};
use runtime::partial_schedule::Policy;
use runtime::planner::PlannedApart;
use runtime::registry::SchedulerInfo;
use runtime::replay::{replay_inputs, replay_setup};
use runtime::trace::{Trace, World};
use runtime::validator;
use runtime::{Cluster, Costs, TaskGraph};
use sim::{Disturbance, LinkTrouble, Noise, SimError, SimOutput, SimSpec, Spells, Wire};
use std::sync::Arc;

/// HEFT, planned apart from the run and anew after every fifth task, with MCT in the meantime.
static APART: SchedulerInfo = SchedulerInfo {
    name: "heft-apart",
    summary: "HEFT on snapshots while lanes go on",
    paper: "",
    parameters: &[],
    build: |_, context| {
        let mct = schedulers::mct::INFO.build_default(context.seed);
        let heft = schedulers::heft::Heft { policy: Policy::Insertion };
        Box::new(PlannedApart::new(heft, mct, Some(5)))
    },
};

/// All schedulers to check.
pub fn everyone() -> impl Iterator<Item = &'static SchedulerInfo> {
    schedulers::all().iter().chain([&APART])
}

/// A graph on a cluster.
pub struct Case {
    /// What to run.
    pub graph: TaskGraph,
    /// Where.
    pub cluster: Arc<Cluster>,
    /// Durations.
    pub costs: Costs,
    /// Seed of the scheduler and of the noise.
    pub seed: u64,
}

impl Case {
    /// The case of a seed.
    pub fn new(seed: u64, features: Features) -> Self {
        let graph = cases::graph(seed, features);
        Self::on(graph, cases::cluster(seed), seed)
    }

    /// The case of a seed with device memories of exactly the largest working set.
    pub fn tight(seed: u64, features: Features) -> Self {
        let graph = cases::graph(seed, features);
        let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(0);
        let spec = cases::with_small_memories(cases::cluster(seed), largest.max(1));
        Self::on(graph, spec, seed)
    }

    /// The case of a seed with devices whose lanes share one capacity.
    pub fn shared(seed: u64, features: Features) -> Self {
        let graph = cases::graph(seed, features);
        Self::on(graph, cases::with_shared_devices(cases::cluster(seed), seed), seed)
    }

    /// A graph on a cluster.
    ///
    /// # Panics
    /// When the cluster is none or cannot run the graph.
    pub fn on(graph: TaskGraph, spec: runtime::ClusterSpec, seed: u64) -> Self {
        let cluster = cases::checked(spec);
        let costs = Costs::resolve(&graph, &cluster, None).expect("some device runs every task");
        Self { graph, cluster, costs, seed }
    }

    /// A simulation of it under a scheduler, without disturbance.
    pub fn spec(&self, info: &SchedulerInfo) -> SimSpec {
        let (graph, cluster) = (self.graph.clone(), Arc::clone(&self.cluster));
        let scheduler = info.build_default(self.seed);
        let mut spec = SimSpec::new(graph, cluster, self.costs.clone(), scheduler);
        spec.seed = self.seed;
        spec
    }

    fn simulate(&self, info: &SchedulerInfo, change: impl FnOnce(&mut SimSpec)) -> SimOutput {
        let mut spec = self.spec(info);
        change(&mut spec);
        sim::run(spec).unwrap_or_else(|e| panic!("{}, seed {}: {e}", info.name, self.seed))
    }
}

/// Simulated: the run ends, the validator has nothing to say, no bound is beaten, the same seed
/// gives the same trace, and the input log yields the same commands.
pub fn check_simulated(info: &SchedulerInfo, seed: u64) {
    check_case(info, seed, &Case::new(seed, Features::all(40)));
}

/// As [`check_simulated`], with devices whose lanes share one capacity.
pub fn check_shared(info: &SchedulerInfo, seed: u64) {
    check_case(info, seed, &Case::shared(seed, Features::all(40)));
}

fn check_case(info: &SchedulerInfo, seed: u64, case: &Case) {
    let output = case.simulate(info, |_| {});
    assert_valid(info, case, &output.trace);
    for bound in all_bounds(&case.graph, &case.cluster, &case.costs, Transfers::Modelled) {
        assert!(
            output.makespan_ns >= bound.makespan_ns,
            "{}, seed {seed}: makespan {} ns beats the {} bound {} ns",
            info.name,
            output.makespan_ns,
            bound.kind,
            bound.makespan_ns
        );
    }
    let again = case.simulate(info, |_| {});
    assert_eq!(output.trace.digest(), again.trace.digest(), "{}, seed {seed}", info.name);
    assert_replays(info, case, &output.trace);
}

/// Simulated with duration noise and charged thinking: as [`check_simulated`], bounds apart.
pub fn check_disturbed(info: &SchedulerInfo, seed: u64) {
    let case = Case::new(seed, Features::all(40));
    let disturb = |spec: &mut SimSpec| {
        spec.noise = Noise::LogNormal { sigma: 0.4 };
        spec.thinking = Thinking::Fixed(700);
    };
    let output = case.simulate(info, disturb);
    assert_valid(info, &case, &output.trace);
    let again = case.simulate(info, disturb);
    assert_eq!(output.trace.digest(), again.trace.digest(), "{}, seed {seed}", info.name);
    assert_replays(info, &case, &output.trace);
}

/// Simulated with attempts that fail, devices that are slow for a while, devices that go and come
/// back, and links that carry less or nothing for a while: as [`check_disturbed`].
pub fn check_losses(info: &SchedulerInfo, seed: u64) {
    let case = Case::new(seed, Features::all(30));
    // A few times in the run, whatever its length.
    let span_ns = case.simulate(info, |_| {}).makespan_ns.max(8) / 4;
    let spells = |share| Spells { share, well_ns: span_ns, spell_ns: Some(span_ns / 2 + 1) };
    let disturb = |spec: &mut SimSpec| {
        spec.noise = Noise::LogNormal { sigma: 0.2 };
        spec.disturbance = Disturbance {
            failure: 0.05,
            retry: Retry { back_off_ns: span_ns / 50, ..Retry::default() },
            outages: spells(0.5),
            stragglers: spells(0.3),
            slow_down: 2.5,
            links: match seed % 8 {
                1 => LinkTrouble { spells: spells(0.5), factor: 0.3, list: Vec::new() },
                2 => LinkTrouble { spells: spells(0.3), factor: 0.0, list: Vec::new() },
                _ => LinkTrouble::default(),
            },
        };
        if seed.is_multiple_of(3) {
            spec.thinking = Thinking::Fixed(span_ns / 100);
        }
    };
    let mut spec = case.spec(info);
    disturb(&mut spec);
    let (trace, is_done) = match sim::run(spec) {
        Ok(output) => (output.trace, true),
        // As a task may be too long for the time between two losses, which is a result.
        Err(SimError::Failed { failure: Failure::TooManyAttempts { .. }, trace }) => {
            (*trace, false)
        }
        Err(error) => panic!("{}, seed {seed}: {error}", info.name),
    };
    if is_done {
        assert_valid(info, &case, &trace);
        assert_replays(info, &case, &trace);
        let again = case.simulate(info, disturb);
        assert_eq!(trace.digest(), again.trace.digest(), "{}, seed {seed}", info.name);
    }
}

/// Simulated with devices that are lost one after the other for good: if nothing is left the run
/// says so, and it never hangs.
pub fn check_extinction(info: &SchedulerInfo, seed: u64) {
    let case = Case::new(seed, Features::all(30));
    let span_ns = case.simulate(info, |_| {}).makespan_ns.max(8) / 4;
    let mut spec = case.spec(info);
    let outages = Spells { share: 1.0, well_ns: span_ns, spell_ns: None };
    spec.disturbance = Disturbance { outages, ..Disturbance::default() };
    match sim::run(spec) {
        Ok(output) => assert_valid(info, &case, &output.trace),
        Err(SimError::Stalled { stall: Stall::NoDevice { .. }, .. }) => {}
        Err(error) => panic!("{}, seed {seed}: {error}", info.name),
    }
}

/// Simulated with device memories of exactly the largest working set: it must end, and never hold
/// more than fits.
pub fn check_tight_memory(info: &SchedulerInfo, seed: u64) {
    let case = Case::tight(seed, Features { groups: false, ..Features::all(30) });
    let output = case.simulate(info, |_| {});
    assert_valid(info, &case, &output.trace);
}

/// Simulated with lanes that are given up to four tasks besides the one that they run, with all
/// memory and with just enough: the validator has nothing to say, and the input log yields the same
/// commands.
pub fn check_ahead(info: &SchedulerInfo, seed: u64) {
    let tight = Features { groups: false, ..Features::all(30) };
    for case in [Case::new(seed, Features::all(40)), Case::tight(seed, tight)] {
        let output = case.simulate(info, |spec| spec.issue_ahead = 1 + seed as u32 % 4);
        assert_valid(info, &case, &output.trace);
        assert_replays(info, &case, &output.trace);
    }
}

/// One seed, many threads at once: the same bytes of trace from each.
pub fn check_threads(info: &SchedulerInfo, seed: u64) {
    let text = || {
        let case = Case::new(seed, Features::all(60));
        let output = case.simulate(info, |s| s.noise = Noise::LogNormal { sigma: 0.2 });
        let mut text = Vec::new();
        runtime::trace::write_trace(&output.trace, &mut text).expect("memory can be written");
        text
    };
    let alone = text();
    for threads in [2, 8] {
        let texts: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|_| scope.spawn(text)).collect();
            handles.into_iter().map(|h| h.join().expect("no panic")).collect()
        });
        for other in texts {
            assert!(other == alone, "{}, seed {seed}, {threads} threads", info.name);
        }
    }
}

/// For real, on this machine's cores, with synthetic bodies, lanes being given up to three tasks
/// ahead: the validator has nothing to say, no
/// bound on the measured durations is beaten, and the input log yields the same commands.
pub fn check_real(info: &SchedulerInfo, seed: u64) {
    run_for_real(info, seed, |spec| RunSpec { issue_ahead: seed as u32 % 4, ..spec });
}

/// On this machine as if it were the cluster, links and all: as [`check_real`], and no task and no
/// transfer is shorter than modelled.
pub fn check_emulated(info: &SchedulerInfo, seed: u64) {
    let (case, trace) = run_for_real(info, seed, |spec| {
        let links = Wire::new(Arc::clone(&spec.cluster));
        RunSpec { emulation: Some(Box::new(links)), ..spec }
    });
    // The validator holds the transfers of an emulated run to their links.
    assert_eq!(trace.header.world, World::Emulated);
    for task in &trace.tasks {
        let least_ns = case.costs.duration_ns(task.task, task.device).unwrap_or(0);
        let lasted_ns = task.finished_ns - task.started_ns;
        assert!(lasted_ns >= least_ns, "{}, seed {seed}: {task:?}", info.name);
    }
}

fn run_for_real(
    info: &SchedulerInfo,
    seed: u64,
    change: impl FnOnce(RunSpec) -> RunSpec,
) -> (Case, Trace) {
    let case = Case::new(seed, Features::all(25));
    let (graph, cluster) = (case.graph.clone(), Arc::clone(&case.cluster));
    let scheduler = info.build_default(seed);
    let spec = change(RunSpec::new(graph, cluster, case.costs.clone(), scheduler));
    let output =
        real_backend::run(spec).unwrap_or_else(|e| panic!("{}, seed {seed}: {e}", info.name));
    assert_valid(info, &case, &output.trace);
    assert_eq!(output.trace.tasks.len(), case.graph.len());
    let bound_ns = measured_critical_path_ns(&output.trace);
    assert!(
        output.makespan_ns >= bound_ns,
        "{}, seed {seed}: makespan {} ns beats the measured critical path {bound_ns} ns",
        info.name,
        output.makespan_ns
    );
    let replayed = replay_inputs(&output.trace, info.build_default(seed))
        .unwrap_or_else(|e| panic!("{}, seed {seed}: {e}", info.name));
    assert_eq!(replayed.digest, output.digest, "{}, seed {seed}", info.name);
    assert_eq!(replayed.makespan_ns, output.makespan_ns, "{}, seed {seed}", info.name);
    (case, output.trace)
}

/// The longest path over the durations that were measured where each task ran.
fn measured_critical_path_ns(trace: &Trace) -> u64 {
    let mut duration_ns = vec![0; trace.graph.len()];
    for record in &trace.tasks {
        duration_ns[record.task.index()] = record.finished_ns - record.started_ns;
    }
    let mut end_ns = vec![0; trace.graph.len()];
    for task in trace.graph.task_ids() {
        let start_ns = trace.graph.incoming(task).iter().map(|e| end_ns[e.from.index()]).max();
        end_ns[task.index()] = start_ns.unwrap_or(0) + duration_ns[task.index()];
    }
    end_ns.into_iter().max().unwrap_or(0)
}

fn assert_valid(info: &SchedulerInfo, case: &Case, trace: &Trace) {
    let violations = validator::validate(trace);
    let shown: Vec<String> = violations.iter().take(5).map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}, seed {}: {shown:#?}", info.name, case.seed);
    if trace.header.world == World::Simulated {
        assert_conserved(trace, || format!("{}, seed {}", info.name, case.seed));
    }
}

/// Nothing is made or lost in a simulated run, see [`conservation`]; `who` names it if it is.
pub fn assert_conserved(trace: &Trace, who: impl Fn() -> String) {
    if let Err(breaches) = conservation::check(trace) {
        let shown: Vec<String> = breaches.iter().take(5).map(ToString::to_string).collect();
        panic!("{}: {shown:#?}", who());
    }
}

/// Steps a trace's input log through a fresh executive and scheduler: it must come to the same
/// end, with the same trace but for what the driver added.
fn assert_replays(info: &SchedulerInfo, case: &Case, trace: &Trace) {
    let setup = Setup {
        graph: case.graph.clone(),
        cluster: Arc::clone(&case.cluster),
        estimates: case.costs.clone(),
        scheduler: info.build_default(case.seed),
        thinking: Thinking::Free,
        program: None,
        tracing: true,
    };
    let replayed = replay_setup(trace, setup)
        .unwrap_or_else(|e| panic!("{}, seed {}: {e}", info.name, case.seed));
    assert!(replayed.is_done, "{}, seed {}: the replay does not end", info.name, case.seed);
    assert_eq!(replayed.trace_digest, Some(trace.digest()), "{}, seed {}", info.name, case.seed);
}
