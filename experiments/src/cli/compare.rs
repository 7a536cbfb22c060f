//! `windtunnel compare`.

use super::terminal::table;
use super::{Context, Exit, Result};
use crate::compare::{Comparison, Tolerance, compare};
use crate::record::CellKey;
use crate::shown::printable;
use crate::store::load;
use std::path::PathBuf;

/// Compare two run directories, and fail when the second one is worse
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel compare out/before out/after
  windtunnel compare out/before out/after --tolerance 0 --real-tolerance 0.2

Cells are matched by workload, cluster, scheduler, backend, axes, seed and repetition. The exit
code is 4 when the geometric mean of makespans, over seeds and repetitions, grew by more than the
tolerance, or when a cell fails that did not.")]
pub struct Args {
    /// The older run
    old: PathBuf,
    /// The newer run
    new: PathBuf,
    /// Share by which simulated makespans may grow
    #[arg(long, value_name = "SHARE", default_value_t = Tolerance::default().simulated)]
    #[arg(value_parser = share)]
    tolerance: f64,
    /// Share by which measured makespans may grow
    #[arg(long, value_name = "SHARE", default_value_t = Tolerance::default().real)]
    #[arg(value_parser = share)]
    real_tolerance: f64,
    /// List every group of cells, not only those that differ
    #[arg(long)]
    all: bool,
}

fn share(text: &str) -> std::result::Result<f64, String> {
    let expected = || "expected a share such as 0.05".to_owned();
    let value: f64 = text.parse().map_err(|_| expected())?;
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err(expected()) }
}

pub fn run(context: &Context, args: &Args) -> Result {
    let (old, new) = (load(&args.old)?, load(&args.new)?);
    let tolerance = Tolerance { simulated: args.tolerance, real: args.real_tolerance };
    let comparison = compare(&old, &new, tolerance);
    context.terminal.say(&in_words(&comparison, args.all));
    if comparison.groups.is_empty() {
        return Err(super::CliError::new("the two runs have no cell in common"));
    }
    Ok(match comparison.regressions().next() {
        Some(_) => Exit::Regression,
        None => Exit::Fine,
    })
}

fn in_words(comparison: &Comparison, all: bool) -> String {
    let differs = |ratio: f64| (ratio - 1.0).abs() > 1e-9;
    let mut shown: Vec<_> =
        (comparison.groups.iter()).filter(|g| all || g.is_regression || differs(g.ratio)).collect();
    shown.sort_by(|a, b| {
        (b.is_regression.cmp(&a.is_regression))
            .then(b.ratio.total_cmp(&a.ratio))
            .then(a.key.cmp(&b.key))
    });
    let rows: Vec<Vec<String>> = (shown.iter())
        .map(|group| {
            let verdict = match (group.is_regression, group.ratio < 1.0) {
                (true, _) => "WORSE",
                (false, true) => "better",
                (false, false) => "same",
            };
            let failed = match group.newly_failed.len() {
                0 => String::new(),
                n => format!("{n} newly failed ({})", printable(&group.newly_failed[0])),
            };
            let change = format!("{:+.2} %", (group.ratio - 1.0) * 100.0);
            vec![verdict.to_owned(), change, named(&group.key), failed]
        })
        .collect();
    let groups = comparison.groups.len();
    let worse = comparison.regressions().count();
    let mut text = table(&rows);
    text += &format!("{groups} groups of cells compared, {worse} worse beyond the tolerance");
    if comparison.only_old + comparison.only_new > 0 {
        let Comparison { only_old, only_new, .. } = comparison;
        text += &format!("; {only_old} cells only in the first run, {only_new} only in the second");
    }
    text + "\n"
}

fn named(key: &CellKey) -> String {
    let axes = key.axes.iter().filter(|a| *a != "-").map(|a| printable(a));
    let parts = [&key.workload, &key.cluster, &key.scheduler, &key.backend];
    let parts: Vec<String> = parts.into_iter().map(|p| printable(p)).chain(axes).collect();
    parts.join(", ")
}
