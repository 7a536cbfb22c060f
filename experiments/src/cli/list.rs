//! `windtunnel list`.

use super::terminal::table;
use super::{Context, Exit, Result};
use crate::spec::Described;
use runtime::registry::{Kind, Value};

/// List what can be named in files and on the command line
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel list schedulers
  windtunnel list workloads --parameters
  windtunnel list clusters")]
pub struct Args {
    /// What to list
    #[arg(value_enum)]
    what: What,
    /// With their parameters, defaults and ranges
    #[arg(long, short)]
    parameters: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Schedulers,
    Workloads,
    Clusters,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let registered = context.registry.registered();
    let items = match args.what {
        What::Schedulers => registered.schedulers,
        What::Workloads => registered.workloads,
        What::Clusters => registered.clusters,
    };
    let source_of = |name: &str| match args.what {
        What::Schedulers => {
            let infos = context.registry.schedulers();
            infos.iter().find(|i| i.name == name).map(|i| i.paper)
        }
        What::Workloads => {
            let infos = context.registry.workloads();
            infos.iter().find(|i| i.name == name).map(|i| i.source)
        }
        What::Clusters => crate::clusters::find(name).map(|i| i.source),
    };
    let text = match args.parameters {
        false => {
            let kind = |name: &str| crate::clusters::find(name).map(|i| i.category.to_string());
            let row = |i: &Described<'_>| {
                let kind = kind(i.name).filter(|_| matches!(args.what, What::Clusters));
                let cells = [Some(i.name.to_owned()), kind, Some(i.summary.to_owned())];
                cells.into_iter().flatten().collect()
            };
            table(&items.iter().map(row).collect::<Vec<_>>())
        }
        true => {
            let width = context.terminal.width;
            items.iter().map(|i| in_full(i, source_of(i.name), width)).collect()
        }
    };
    context.terminal.say(&text);
    Ok(Exit::Fine)
}

fn in_full(item: &Described<'_>, source: Option<&str>, width: usize) -> String {
    let mut text = format!("{}: {}\n", item.name, item.summary);
    if let Some(source) = source.filter(|s| !s.is_empty()) {
        text += &format!("  from: {source}\n");
    }
    for parameter in item.parameters {
        let default = match parameter.kind.default_value() {
            Value::Text(text) if matches!(parameter.kind, Kind::Quantity { .. }) => {
                format!("{text:?}")
            }
            other => other.to_string(),
        };
        let expected = parameter.kind.expected();
        text += &format!("  {}: {default}\n", parameter.name);
        text += &wrapped(&format!("{} ({expected})", parameter.summary), width);
    }
    text + "\n"
}

/// Words in lines of at most `width` columns, indented.
fn wrapped(words: &str, width: usize) -> String {
    const INDENT: &str = "      ";
    let (mut text, mut line) = (String::new(), INDENT.to_owned());
    for word in words.split_whitespace() {
        if line.len() > INDENT.len() && line.chars().count() + 1 + word.chars().count() > width {
            text += &line;
            text += "\n";
            line = INDENT.to_owned();
        }
        if line.len() > INDENT.len() {
            line += " ";
        }
        line += word;
    }
    text + &line + "\n"
}
