//! `windtunnel check`.

use super::{Context, Exit, Result};
use crate::plan::{Plan, check_feasible};
use crate::shown::printable;
use std::path::PathBuf;

/// Tell everything that is wrong with an experiment, without running anything
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel check experiments/yaml/demo.yaml
  windtunnel check --cells demo.yaml")]
pub struct Args {
    /// The experiment
    file: PathBuf,
    /// List the cells with their ids
    #[arg(long)]
    cells: bool,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let plan = context.read_plan(&args.file)?;
    check_feasible(&plan)?;
    if args.cells {
        context.terminal.say(&cells(&plan));
    }
    let is_real = |s: u32| plan.settings[s as usize].backend.is_real();
    let real = plan.cells.iter().filter(|c| is_real(c.settings)).count();
    let simulated = plan.cells.len() - real;
    let real = if real > 0 { format!(" and {real} real") } else { String::new() };
    let name = printable(&plan.name);
    context.terminal.say(&format!("{name}: fine, {simulated} simulated{real} cells\n"));
    Ok(Exit::Fine)
}

fn cells(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = (plan.cells.iter())
        .map(|cell| {
            let key = plan.key(cell);
            let mut row = vec![plan.id(cell), key.backend.clone(), printable(&key.workload)];
            row.extend([printable(&key.cluster), printable(&key.scheduler)]);
            let axes = plan.axes.iter().zip(&key.axes).filter(|(_, value)| *value != "-");
            let axes: Vec<String> = axes.map(|(a, v)| format!("{a}={}", printable(v))).collect();
            row.push(format!("seed {}", key.seed));
            if plan.settings[cell.settings as usize].backend.is_real() {
                row.push(format!("repetition {}", key.repetition));
            }
            row.push(axes.join(" "));
            row
        })
        .collect();
    super::terminal::table(&rows)
}
