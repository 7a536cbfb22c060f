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
        What::Clusters => None,
    };
    let text = match args.parameters {
        false => {
            let row = |i: &Described<'_>| vec![i.name.to_owned(), i.summary.to_owned()];
            table(&items.iter().map(row).collect::<Vec<_>>())
        }
        true => items.iter().map(|i| in_full(i, source_of(i.name))).collect(),
    };
    context.terminal.say(&text);
    Ok(Exit::Fine)
}

fn in_full(item: &Described<'_>, source: Option<&str>) -> String {
    let mut text = format!("{}: {}\n", item.name, item.summary);
    if let Some(source) = source.filter(|s| !s.is_empty()) {
        text += &format!("  from: {source}\n");
    }
    let rows: Vec<Vec<String>> = (item.parameters.iter())
        .map(|p| {
            let default = match p.kind.default_value() {
                Value::Text(text) if matches!(p.kind, Kind::Quantity { .. }) => {
                    format!("{text:?}")
                }
                other => other.to_string(),
            };
            let name = format!("  {}: {default}", p.name);
            vec![name, p.summary.to_owned(), format!("({})", p.kind.expected())]
        })
        .collect();
    text + &table(&rows) + "\n"
}
