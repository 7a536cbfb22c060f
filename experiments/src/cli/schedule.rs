//! `windtunnel schedule`.

use super::run::read_history;
use super::single::{self, Single};
use super::{Context, Result};
use crate::plan::CostSource;
use crate::runner::Calibration;
use crate::spec::Backend;
use std::path::PathBuf;

/// Run one workload on one cluster under one scheduler
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel schedule --workload cholesky --cluster star --scheduler heft
  windtunnel schedule --workload 'cholesky:{n: 2048, tile: 256}' --cluster host \\
      --scheduler mct --backend cpu
  windtunnel schedule --workload cholesky --cluster 'star:{nodes: 4}' --scheduler heft \
      --backend emulated
  windtunnel schedule --workload graph.json --cluster cluster.yaml --scheduler heft --json
  windtunnel schedule --workload layered --cluster 'hetero:{accelerators: 4}' \\
      --scheduler peft --seed 7 --set noise=0.1 --set memory='1 GiB' --trace run.jsonl.gz")]
pub struct Args {
    /// A workload: name, name:{parameter: value}, or a file
    #[arg(long, value_name = "WORKLOAD")]
    workload: String,
    /// A cluster: name, name:{parameter: value}, or a file
    #[arg(long, value_name = "CLUSTER")]
    cluster: String,
    /// A scheduler: name or name:{parameter: value}
    #[arg(long, value_name = "SCHEDULER")]
    scheduler: String,
    /// In virtual time, on this machine, or on this machine as if it were the cluster
    #[arg(long, default_value = "sim", value_enum)]
    backend: BackendArg,
    /// Seed of everything that is random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Sets noise, memory, bandwidth, latency, thinking, estimates, eviction or network
    #[arg(long, value_name = "AXIS=VALUE")]
    set: Vec<String>,
    /// A cost file: of `windtunnel calibrate`, or durations by kernel, size and class of device
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Where the cpu backend keeps the files of disk memories while it runs
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Show makespan, every task's device, lane and times, and every transfer as JSON
    #[arg(long)]
    json: bool,
    /// Write the trace here; compressed when the name ends in .gz
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

/// [`Backend`] for the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum BackendArg {
    /// In virtual time
    Sim,
    /// On the cores of this machine
    Cpu,
    /// On the cores of this machine, held to the pace of the cluster
    Emulated,
    /// On the cores and NVIDIA GPUs of this machine
    Cuda,
    /// As cuda, on GPUs that are made up
    FakeGpu,
}

impl From<BackendArg> for Backend {
    fn from(argument: BackendArg) -> Self {
        match argument {
            BackendArg::Sim => Self::Sim,
            BackendArg::Cpu => Self::Cpu,
            BackendArg::Emulated => Self::Emulated,
            BackendArg::Cuda => Self::Cuda,
            BackendArg::FakeGpu => Self::FakeGpu,
        }
    }
}

pub fn run(context: &Context, args: &Args) -> Result {
    let (model, history) = match &args.costs {
        Some(path) if crate::costs::is_calibration(path) => (None, Some(path)),
        path => (path.as_ref(), None),
    };
    let mut plan = single::plan(Single {
        workload: context.workload(&args.workload)?,
        cluster: context.cluster(&args.cluster)?,
        scheduler: context.scheduler(&args.scheduler)?,
        backend: args.backend.into(),
        seed: args.seed,
        costs: model.map(|path| context.cost_model(&path.to_string_lossy())).transpose()?,
        set: args.set.clone(),
        disk_folder: args.disk.clone(),
    })?;
    let known = match history {
        None => Calibration::default(),
        Some(path) => {
            plan.settings[0].costs = CostSource::Measured;
            Calibration::given(read_history(path)?)
        }
    };
    let finished = single::run(&plan, &plan.cells[0], known, String::new());
    if let (Some(path), Some(trace)) = (&args.trace, &finished.trace) {
        crate::store::write_trace_file(trace, path)?;
    }
    Ok(context.show(&finished, args.json))
}
