//! `windtunnel record`.

use super::single::{self, Single};
use super::{Context, Result};
use crate::runner::Calibration;
use crate::spec::Backend;
use std::path::PathBuf;

/// Run a workload on this machine and keep the trace
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel record --workload cholesky -o cholesky.jsonl.gz
  windtunnel record --workload 'cholesky:{n: 4096}' --scheduler heft -o run.jsonl.gz
  windtunnel record --workload graph.json --cluster 'host:{cores: 2}' -o run.jsonl")]
pub struct Args {
    /// A workload: name, name:{parameter: value}, or a file
    #[arg(long, value_name = "WORKLOAD")]
    workload: String,
    /// A cluster of main memory and disks
    #[arg(long, value_name = "CLUSTER", default_value = "host")]
    cluster: String,
    /// A scheduler: name or name:{parameter: value}
    #[arg(long, value_name = "SCHEDULER", default_value = "mct")]
    scheduler: String,
    /// Seed of everything that is random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the files of disk memories lie meanwhile
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Where to write the trace; compressed when the name ends in .gz
    #[arg(long, short, value_name = "FILE", default_value = "run.jsonl.gz")]
    output: PathBuf,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let plan = single::plan(Single {
        workload: context.workload(&args.workload)?,
        cluster: context.cluster(&args.cluster)?,
        scheduler: context.scheduler(&args.scheduler)?,
        backend: Backend::Cpu,
        seed: args.seed,
        costs: None,
        set: Vec::new(),
        disk_folder: args.disk.clone(),
    })?;
    let finished = single::run(&plan, &plan.cells[0], Calibration::default(), String::new());
    let exit = context.show(&finished, false);
    if let Some(trace) = &finished.trace {
        crate::store::write_trace_file(trace, &args.output)?;
        context.terminal.say(&format!("trace       {}\n", crate::shown::path(&args.output)));
    }
    Ok(exit)
}
