//! `windtunnel replay`.

use super::single::{self, Single};
use super::{CliError, Context, Exit, Result};
use crate::plan::{ClusterPlan, WorkloadPlan};
use crate::runner::{Calibration, Simulated};
use crate::shown::duration;
use crate::spec::Backend;
use crate::store::read_trace_file;
use runtime::executive::{Setup, Thinking};
use runtime::registry::BuildContext;
use runtime::{Cluster, Costs, Evaluator, Trace};
use std::path::PathBuf;
use std::sync::Arc;

/// Simulate a recorded run, under its own scheduler or another one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel replay run.jsonl.gz
  windtunnel replay run.jsonl.gz --scheduler heft
  windtunnel replay run.jsonl.gz --scheduler peft --set bandwidth=0.5 --trace predicted.jsonl
  windtunnel replay run.jsonl.gz --verify")]
pub struct Args {
    /// The trace of the run
    file: PathBuf,
    /// A scheduler: name or name:{parameter: value}; the recorded one when absent
    #[arg(long, value_name = "SCHEDULER")]
    scheduler: Option<String>,
    /// A cluster; the recorded one when absent
    #[arg(long, value_name = "CLUSTER")]
    cluster: Option<String>,
    /// Sets noise, memory, bandwidth, latency, thinking, estimates, eviction or network
    #[arg(long, value_name = "AXIS=VALUE")]
    set: Vec<String>,
    /// Step the recorded inputs through a fresh executive and the same scheduler instead, and
    /// check that the run comes out the same
    #[arg(long, conflicts_with_all = ["scheduler", "cluster", "set", "trace"])]
    verify: bool,
    /// Show makespan, every task's device, lane and times, and every transfer as JSON
    #[arg(long)]
    json: bool,
    /// Write the trace of the simulation here
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let file = crate::shown::path(&args.file);
    let recorded =
        read_trace_file(&args.file).map_err(|e| CliError::new(format!("{file}: {e}")))?;
    if args.verify {
        return verify(context, &recorded);
    }
    let scheduler = args.scheduler.as_deref().unwrap_or(&recorded.header.scheduler);
    let path = args.file.to_string_lossy();
    let workload: WorkloadPlan = context.workload_file(&path)?;
    let cluster = match &args.cluster {
        Some(cluster) => context.cluster(cluster)?,
        None => ClusterPlan::of_trace(&recorded, &path),
    };
    let plan = single::plan(Single {
        workload,
        cluster,
        scheduler: context.scheduler(scheduler)?,
        backend: Backend::Sim,
        seed: recorded.header.seed,
        costs: None,
        set: args.set.clone(),
        disk_folder: None,
    })?;
    let finished = single::run(&plan, &plan.cells[0], Calibration::default(), String::new());
    if let (Some(path), Some(trace)) = (&args.trace, &finished.trace) {
        crate::store::write_trace_file(trace, path)?;
    }
    let exit = context.show(&finished, args.json);
    if let (Ok(metrics), false) = (&finished.record.outcome, args.json) {
        let world = recorded.header.world.name();
        let ratio = metrics.makespan_ns as f64 / recorded.makespan_ns.max(1) as f64;
        let makespan = duration(recorded.makespan_ns);
        let by = crate::shown::printable(&recorded.header.scheduler);
        let line = format!("recorded    {makespan} ({world}, {by}); this over it {ratio:.3}\n");
        context.terminal.say(&line);
    }
    Ok(exit)
}

fn verify(context: &Context, recorded: &Trace) -> Result {
    let scheduler = context.scheduler(&recorded.header.scheduler)?;
    let evaluator: Arc<dyn Evaluator> = Arc::new(Simulated);
    let seed = recorded.header.seed;
    let build = BuildContext { evaluator: Some(evaluator), ..BuildContext::new(seed) };
    let scheduler = scheduler.make(&build).map_err(CliError::new)?;
    let differs = |why: &dyn std::fmt::Display| {
        let help = "a run whose graph grew, or whose scheduler was shown other durations than the \
                    tasks state (noisy or measured ones), cannot be verified from its trace alone";
        CliError::new(format!("the run comes out differently: {why}\n{help}"))
    };
    let cluster = Cluster::new(recorded.header.cluster.clone()).map_err(CliError::new)?;
    let setup = Setup {
        graph: recorded.graph.clone(),
        estimates: Costs::resolve(&recorded.graph, &cluster, None).map_err(CliError::new)?,
        cluster: Arc::new(cluster),
        scheduler,
        thinking: Thinking::Free,
        program: None,
        tracing: true,
    };
    let replayed = runtime::replay::replay_setup(recorded, setup).map_err(|e| differs(&e))?;
    if replayed.trace_digest != Some(recorded.digest()) {
        let (then, now) = (duration(recorded.makespan_ns), duration(replayed.makespan_ns));
        return Err(differs(&format!("makespan {now} instead of {then}")));
    }
    let (inputs, makespan) = (recorded.inputs.len(), duration(replayed.makespan_ns));
    let text = format!("the same to the last nanosecond: {inputs} inputs, makespan {makespan}\n");
    context.terminal.say(&text);
    Ok(Exit::Fine)
}
