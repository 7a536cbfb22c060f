//! `windtunnel report`.

use super::{CliError, Context, Exit, Result};
use crate::report::{Options, ReportPaths, terminal, write};
use std::path::{Path, PathBuf};

/// Write the report of a run directory again, and show the leaderboard
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel report out/demo
  windtunnel report out/demo --gantt 5a0c3d9e8b7f6a21 0f8de2a95b1c7734")]
pub struct Args {
    /// The run directory
    dir: PathBuf,
    /// Ids of the two cells whose schedules are drawn side by side at first
    #[arg(long, num_args = 2, value_names = ["ID", "ID"])]
    gantt: Option<Vec<String>>,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let gantt = match args.gantt.as_deref() {
        Some([a, b]) => Some((a.clone(), b.clone())),
        _ => None,
    };
    let text = context.report(&args.dir, &Options { gantt })?;
    context.terminal.say(&text);
    Ok(Exit::Fine)
}

impl Context {
    /// Writes the report of a run directory; what is returned is its summary for the terminal.
    pub(super) fn report(&self, dir: &Path, options: &Options) -> Result<String> {
        let ReportPaths { html, .. } = write(dir, options).map_err(CliError::new)?;
        let text = terminal(dir).map_err(CliError::new)?;
        Ok(format!("{text}\nThe whole report: {}\n", crate::shown::path(&html)))
    }
}
