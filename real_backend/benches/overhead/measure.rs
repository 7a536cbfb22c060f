//! One run and its figures.

use real_backend::{Machine, RunSpec, host_cluster, run};
use runtime::kernel::{KernelArgs, KernelSet};
use runtime::planner::{Assignment, PlanFailure};
use runtime::{
    Cluster, Costs, Decisions, DeviceId, Event, LaneId, Planned, Planner, Problem, Schedule,
    Scheduler, TaskGraph, View,
};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Who decides.
#[derive(Clone, Copy)]
pub enum Who {
    /// A plan made before the clock starts.
    Static,
    /// Asked at every completion.
    Online,
}

impl Who {
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Online => "online",
        }
    }

    pub fn scheduler(self) -> Box<dyn Scheduler> {
        match self {
            Self::Static => Box::new(Planned::new(Earliest)),
            Self::Online => Box::new(OnTheOnlyDevice),
        }
    }
}

/// Places every ready task on the only device.
struct OnTheOnlyDevice;

impl Scheduler for OnTheOnlyDevice {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(0));
            }
        }
    }
}

/// Plans in the order of submission, as if every task lasted as long: on the lane where it can
/// start first, on that of its last predecessor where several can.
struct Earliest;

impl Planner for Earliest {
    fn plan(&mut self, problem: &Problem<'_>) -> Result<Schedule, PlanFailure> {
        let lanes = problem.cluster.lane_count();
        let mut free_ns = vec![0u64; lanes];
        let mut placed = vec![(0u64, 0usize); problem.graph.len()];
        let place = |&task| {
            let before = problem.graph.predecessors(task).map(|t| placed[t.index()]);
            let (ready_ns, last) = before.max().unwrap_or((0, 0));
            let start_ns = |lane: usize| free_ns[lane].max(ready_ns);
            let lane = (0..lanes).min_by_key(|l| (start_ns(*l), *l != last)).unwrap_or(0);
            let start_ns = start_ns(lane);
            free_ns[lane] = start_ns + 1;
            placed[task.index()] = (start_ns + 1, lane);
            let (device, lane) = (DeviceId(0), LaneId(lane as u32));
            Assignment { task, device, lane, start_ns, finish_ns: start_ns + 1 }
        };
        Ok(Schedule { assignments: problem.tasks.iter().map(place).collect() })
    }
}

/// Tasks that strict lanes are given besides the one that they run.
const AHEAD: u32 = 16;

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Building the graph, access inference included.
    pub submit_ns: u64,
    /// From time 0 to the last completion.
    pub run_ns: u64,
    /// Of all threads, from the first submission to the end of the run.
    pub cpu_ns: u64,
    /// The scheduler's first call.
    pub planning_ns: u64,
    /// Of all workers, if profiled.
    pub stepping_ns: u64,
    pub idle_ns: u64,
}

/// Builds and runs a graph of empty tasks.
pub fn measure(
    graph: impl FnOnce() -> TaskGraph,
    who: Who,
    workers: u32,
    is_profiled: bool,
) -> Measured {
    let mut kernels = KernelSet::default();
    kernels.insert("empty", |args: &mut KernelArgs<'_, '_>| {
        black_box(args.buffers.len());
        Ok(None)
    });
    let (begun, cpu_ns) = (Instant::now(), process_ns());
    let graph = graph();
    let submit_ns = begun.elapsed().as_nanos() as u64;
    let measured = run_graph(graph, kernels, who, workers, is_profiled);
    Measured { submit_ns, cpu_ns: process_ns() - cpu_ns, ..measured }
}

/// Runs a graph.
pub fn run_graph(
    graph: TaskGraph,
    kernels: KernelSet,
    who: Who,
    workers: u32,
    is_profiled: bool,
) -> Measured {
    let cluster = Cluster::new(host_cluster(&Machine::detect(), workers, 1.0));
    let cluster = Arc::new(cluster.expect("the host is a cluster"));
    let costs = Costs::resolve(&graph, &cluster, None).expect("every task runs on the host");
    let spec = RunSpec::new(graph, cluster, costs, who.scheduler());
    let output = run(RunSpec { kernels, is_profiled, issue_ahead: AHEAD, ..spec })
        .expect("nothing can fail");
    let spent = output.spent.unwrap_or_default();
    Measured {
        submit_ns: 0,
        run_ns: output.makespan_ns,
        cpu_ns: 0,
        planning_ns: output.planning_ns,
        stepping_ns: spent.stepping_ns,
        idle_ns: spent.idle_ns,
    }
}

fn process_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The middle one.
pub fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

/// What the figures were measured on, and how busy it was.
pub fn machine() -> String {
    let machine = Machine::detect();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split_whitespace().take(3).collect();
    format!(
        "{} cores of {}, load {}",
        machine.cores.len(),
        machine.processor.as_deref().unwrap_or("an unknown processor"),
        load.join(" ")
    )
}
