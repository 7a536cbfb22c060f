//! `windtunnel draw`.

use super::{CliError, Context, Exit, Result};
use crate::shown;
use crate::store::write_whole;
use std::path::PathBuf;

/// Draw a cluster as an SVG picture
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel draw hgx -o hgx.svg
  windtunnel draw 'fat-tree:{k: 4}' -o fat-tree.svg
  windtunnel draw cluster.yaml > cluster.svg

Memories are boxes with their devices in them, switches are dark. Names that begin alike up to a /
share a frame; names that end in coordinates, as node1,2, are put on a grid.")]
pub struct Args {
    /// A cluster: name, name:{parameter: value}, or a file
    cluster: String,
    /// Where to write the picture; the standard output when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Seed of clusters that are random
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let plan = context.cluster(&args.cluster)?;
    let cluster = plan.make(args.seed).map_err(|e| CliError::Mistakes(plan.mistake(&e).into()))?;
    let picture = crate::draw::svg(cluster.spec());
    match &args.output {
        None => context.terminal.say(&picture),
        Some(path) => {
            write_whole(path, |out| out.write_all(picture.as_bytes()))?;
            context.terminal.say(&format!("written to {}\n", shown::path(path)));
        }
    }
    Ok(Exit::Fine)
}
