//! `windtunnel run`.

use super::{CliError, Context, Exit, Result, single};
use crate::plan::{CostSource, Plan, check_feasible};
use crate::report::Options;
use crate::runner::{RunOptions, RunSummary};
use crate::store::read_calibration;
use runtime::cost::History;
use std::path::{Path, PathBuf};

/// Run an experiment, or go on with one that was interrupted
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel run experiments/yaml/demo.yaml
  windtunnel run demo.yaml --out out/demo --jobs 4
  windtunnel run demo.yaml --fresh
  windtunnel run demo.yaml --cell 5a0c3d9e8b7f6a21 --trace cell.jsonl")]
pub struct Args {
    /// The experiment
    file: PathBuf,
    /// The run directory; `out/NAME` when absent. Finished cells in it are kept
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Threads that simulate; all cores when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=4096))]
    jobs: Option<u32>,
    /// Delete what an earlier run left in the run directory
    #[arg(long, conflicts_with = "cell")]
    fresh: bool,
    /// Run the failed cells of an earlier run again
    #[arg(long, conflicts_with = "cell")]
    retry_failed: bool,
    /// Run this cell alone, show it, and leave the run directory alone
    #[arg(long, value_name = "ID")]
    cell: Option<String>,
    /// With --cell: write the cell's trace here
    #[arg(long, value_name = "FILE", requires = "cell")]
    trace: Option<PathBuf>,
    /// With --cell: show everything as JSON
    #[arg(long, requires = "cell")]
    json: bool,
    /// Durations from `windtunnel calibrate`, for cells with `costs: measured`
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Where real runs keep the files of disk memories meanwhile
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let mut plan = context.read_plan(&args.file)?;
    plan.disk_folder.clone_from(&args.disk);
    if let Some(id) = &args.cell {
        return run_one(context, args, &plan, id);
    }
    let shapes = check_feasible(&plan)?;
    let out = args.out_dir(&plan);
    let options = RunOptions {
        jobs: args.jobs.map_or_else(cores, |n| n as usize),
        is_fresh: args.fresh,
        retries_failed: args.retry_failed,
        is_quiet: args.quiet,
        spec_path: args.file.display().to_string(),
        costs: args.costs(&plan)?,
    };
    let summary = crate::runner::run(&plan, &shapes, &out, &options)?;
    let report = context.report(&out, &Options::default())?;
    context.terminal.say(&report);
    context.terminal.say(&in_words(&summary, &out));
    Ok(if summary.failed > 0 { Exit::CellsFailed } else { Exit::Fine })
}

impl Args {
    /// The durations that were measured before.
    fn costs(&self, plan: &Plan) -> Result<Option<History>> {
        let Some(path) = &self.costs else { return Ok(None) };
        if plan.settings.iter().all(|s| s.costs != CostSource::Measured) {
            let message = "--costs: no cell of the experiment asks for them by `costs: measured`";
            return Err(CliError::new(message));
        }
        read_history(path).map(Some)
    }

    /// The run directory.
    fn out_dir(&self, plan: &Plan) -> PathBuf {
        let name =
            || -> String { plan.name.chars().map(|c| if is_safe(c) { c } else { '-' }).collect() };
        self.out.clone().unwrap_or_else(|| Path::new("out").join(name()))
    }
}

/// The durations in a cost file.
pub(super) fn read_history(path: &Path) -> Result<History> {
    let shown = crate::shown::path(path);
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| CliError::new(format!("{shown}: {error}")))?;
    let file = crate::machine::read_costs(&text);
    let file = file.map_err(|error| CliError::new(format!("{shown}: {error}")))?;
    Ok(file.history)
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn in_words(summary: &RunSummary, out: &Path) -> String {
    let RunSummary { cells, resumed, failed, simulated, digest } = *summary;
    let mut text = format!("{cells} cells");
    if resumed > 0 {
        text += &format!(", {resumed} of them from an earlier run");
    }
    if failed > 0 {
        text += &format!("; {failed} FAILED, the report says why and how to replay them");
    }
    text += &format!("; results in {}\n", crate::shown::path(out));
    if simulated > 0 {
        text += &format!("digest of the {simulated} simulated cells: {digest:016x}\n");
    }
    text
}

fn run_one(context: &Context, args: &Args, plan: &Plan, id: &str) -> Result {
    let cell = plan.cell(id).ok_or_else(|| {
        let (file, cells) = (crate::shown::path(&args.file), plan.cells.len());
        CliError::new(format!("none of the {cells} cells of {file} has the id {id}"))
    })?;
    // What the experiment measured holds for its cells.
    let known = read_calibration(&args.out_dir(plan))?;
    let known = known.or_given(args.costs(plan)?.as_ref());
    let finished = single::run(plan, cell, known, String::new());
    if let (Some(path), Some(trace)) = (&args.trace, &finished.trace) {
        crate::store::write_trace_file(trace, path)?;
    }
    Ok(context.show(&finished, args.json))
}

impl Context {
    /// Reads and resolves an experiment file.
    pub(super) fn read_plan(&self, path: &Path) -> Result<Plan> {
        let text = std::fs::read(path)
            .map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
        let text = String::from_utf8(text).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            CliError::new(format!("{}: byte {at} is not UTF-8", path.display()))
        })?;
        Ok(Plan::read(&self.registry, path, &text)?)
    }
}
