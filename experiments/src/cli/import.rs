//! `windtunnel import`.

use super::{CliError, Context, Exit, Result};
use crate::shown::{printable, size};
use std::path::PathBuf;
use workloads::import::{self, Options, TraceCosts};

/// Read a task graph in any known format, and write it as a task-graph file
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel import montage.json
  windtunnel import montage.json -o montage-graph.json
  windtunnel import graph.dot -o graph.json
  windtunnel import run.jsonl.gz -o recorded.json

Known are task-graph files, traces, WfFormat 1.2 to 1.5, STG and DOT.")]
pub struct Args {
    /// The file
    file: PathBuf,
    /// Where to write the task-graph file (JSON)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let options = Options { trace_costs: TraceCosts::Work, ..Options::default() };
    let imported = import::read(&args.file, options).map_err(CliError::new)?;
    let graph = &imported.graph;
    let shape = graph.summary();
    let mut rows = vec![
        vec!["name".to_owned(), printable(graph.name())],
        vec!["format".to_owned(), imported.format.to_string()],
        vec!["tasks".to_owned(), shape.tasks.to_string()],
        vec!["objects".to_owned(), format!("{}, {}", shape.objects, size(shape.object_bytes))],
        vec!["edges".to_owned(), format!("{}, {}", shape.edges, size(shape.flow_bytes))],
        vec!["depth, width".to_owned(), format!("{}, {}", shape.depth, shape.width)],
        vec!["largest set".to_owned(), size(shape.max_working_set_bytes)],
    ];
    if let Some(seconds) = imported.recorded.makespan_s {
        rows.push(vec!["recorded".to_owned(), format!("{seconds} s")]);
    }
    rows.extend(imported.notes.iter().map(|n| vec!["note".to_owned(), printable(n)]));
    context.terminal.say(&super::terminal::table(&rows));
    if let Some(output) = &args.output {
        let mut text = Vec::new();
        let written = import::task_graph_file::write(graph, &mut text);
        written
            .and_then(|()| std::fs::write(output, text))
            .map_err(|error| CliError::new(format!("{}: {error}", crate::shown::path(output))))?;
        context.terminal.say(&format!("written to {}\n", crate::shown::path(output)));
    }
    Ok(Exit::Fine)
}
