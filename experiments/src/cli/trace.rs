//! `windtunnel trace`.

use super::{CliError, Context, Exit, Result};
use crate::chrome::write_chrome;
use crate::store::{read_trace_file, write_whole};
use runtime::Cluster;
use std::path::PathBuf;

/// Convert a trace to Chrome trace JSON, which ui.perfetto.dev opens
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel trace run.jsonl.gz -o chrome.json
  windtunnel trace out/demo/traces/5a0c3d9e8b7f6a21.jsonl.gz -o chrome.json")]
pub struct Args {
    /// The trace
    file: PathBuf,
    /// Where to write the JSON
    #[arg(long, short, value_name = "FILE", default_value = "chrome.json")]
    output: PathBuf,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let file = crate::shown::path(&args.file);
    let trace = read_trace_file(&args.file).map_err(|e| CliError::new(format!("{file}: {e}")))?;
    let cluster = Cluster::new(trace.header.cluster.clone()).map_err(|error| {
        CliError::new(format!("{file}: the cluster in the trace is damaged: {error}"))
    })?;
    write_whole(&args.output, |out| write_chrome(&trace, &cluster, out))?;
    let (tasks, copies) = (trace.tasks.len(), trace.copies.len());
    let output = crate::shown::path(&args.output);
    context.terminal.say(&format!("{tasks} tasks and {copies} transfers written to {output}\n"));
    Ok(Exit::Fine)
}
