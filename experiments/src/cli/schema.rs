//! `windtunnel schema`.

use super::{Context, Exit, Result};
use crate::spec::experiment_schema;

/// Print the JSON Schema of experiment files, for editors
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel schema > docs/experiment.schema.json

An editor with a YAML language server uses it when a file begins with
  # yaml-language-server: $schema=docs/experiment.schema.json")]
pub struct Args {}

pub fn run(context: &Context, _: &Args) -> Result {
    let schema = experiment_schema(&context.registry.registered());
    context.terminal.say(&format!("{schema:#}\n"));
    Ok(Exit::Fine)
}
