//! `windtunnel gpu-check`.

use super::{CliError, Context, Exit, Result};
use crate::gpu_check::{check, in_markdown, part_names, write};
use crate::machine::Effort;
use gpu::fake::{FakeGpus, FakeSpec};
use gpu::{GpuError, Gpus};
use std::path::PathBuf;
use std::time::Duration;

/// Check this machine's GPUs: kernels against their twins, then measurements
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel gpu-check
  windtunnel gpu-check --quick agree rates
  windtunnel gpu-check --fake --quick --out out/rehearsal")]
pub struct Args {
    /// Parts to run; all when none is named
    #[arg(value_name = "PART")]
    parts: Vec<String>,
    /// Where to write figures, cluster file and traces
    #[arg(long, value_name = "DIR", default_value = "out/gpu-check")]
    out: PathBuf,
    /// Small sizes: seconds instead of minutes
    #[arg(long)]
    quick: bool,
    /// On a GPU that is made up: a rehearsal
    #[arg(long)]
    fake: bool,
    /// Begin no part after this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 420)]
    budget: u64,
}

pub fn run(context: &Context, args: &Args) -> Result {
    if let Some(unknown) = args.parts.iter().find(|p| part_names().all(|known| known != *p)) {
        let known: Vec<&str> = part_names().collect();
        let message = format!("no part is called {unknown:?}; there are {}", known.join(", "));
        return Err(CliError::new(message));
    }
    let is_fake = args.fake;
    let open = move || -> std::result::Result<Box<dyn Gpus>, GpuError> {
        match is_fake {
            true => Ok(Box::new(FakeGpus::new(FakeSpec::default())?)),
            false => gpu::probe::open(),
        }
    };
    let effort = if args.quick { Effort::Quick } else { Effort::Full };
    let budget = Duration::from_secs(args.budget);
    let tell = |part: &str| context.terminal.complain(&format!("checking {part}\n"));
    let checked = check(&open, effort, (&args.parts, budget), tell).map_err(CliError::new)?;
    let written = write(&checked, &args.out).map_err(CliError::new)?;
    context.terminal.say(&in_markdown(&checked));
    for path in written {
        context.terminal.say(&format!("{}\n", crate::shown::path(&path)));
    }
    Ok(if checked.is_sound() { Exit::Fine } else { Exit::CellsFailed })
}
