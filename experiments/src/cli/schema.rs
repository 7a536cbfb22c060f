//! `windtunnel schema`.

use super::{Context, Exit, Result};
use crate::spec::experiment_schema;

/// Print the JSON Schema of experiment files, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel schema > docs/experiment.schema.json
  windtunnel schema costs > docs/costs.schema.json

An editor with a YAML language server uses it when a file begins with
  # yaml-language-server: $schema=docs/experiment.schema.json")]
pub struct Args {
    /// Of which files
    #[arg(value_enum, default_value = "experiment")]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Experiments
    Experiment,
    /// Cost models
    Costs,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let schema = match args.what {
        What::Experiment => experiment_schema(&context.registry.registered()),
        What::Costs => crate::costs::schema(),
    };
    context.terminal.say(&format!("{schema:#}\n"));
    Ok(Exit::Fine)
}
