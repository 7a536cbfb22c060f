//! `windtunnel calibrate`.

use super::terminal::table;
use super::{CliError, Context, Exit, Result};
use crate::machine::{Effort, Findings, cluster_text, measure, write_costs};
use crate::shown::{duration, size};
use crate::store::write_whole;
use real_backend::Machine;
use std::path::PathBuf;

/// Measure this machine: a cluster file and a cost model that predict it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  windtunnel calibrate
  windtunnel calibrate --quick --out out/machine
  windtunnel calibrate --disk /mnt/scratch
  windtunnel run experiment.yaml --costs out/machine/costs.json")]
pub struct Args {
    /// Where to write cluster.yaml and costs.json
    #[arg(long, value_name = "DIR", default_value = "out/machine")]
    out: PathBuf,
    /// The folder whose disk is measured; the one for temporary files when absent
    #[arg(long, value_name = "DIR")]
    disk: Option<PathBuf>,
    /// Take seconds: few sizes and repetitions
    #[arg(long)]
    quick: bool,
}

pub fn run(context: &Context, args: &Args) -> Result {
    let effort = if args.quick { Effort::Quick } else { Effort::Full };
    let folder = args.disk.clone().unwrap_or_else(std::env::temp_dir);
    let tell = |what: &str| context.terminal.complain(&format!("measuring {what}\n"));
    let findings = measure(effort, &folder, tell).map_err(CliError::new)?;
    let shown = |path: &PathBuf| crate::shown::path(path);
    std::fs::create_dir_all(&args.out)
        .map_err(|e| CliError::new(format!("{}: {e}", shown(&args.out))))?;
    let (cluster, costs) = (args.out.join("cluster.yaml"), args.out.join("costs.json"));
    let texts =
        [(&cluster, cluster_text(&Machine::detect(), &findings)), (&costs, write_costs(&findings))];
    for (path, text) in texts {
        write_whole(path, |out| out.write_all(text.as_bytes()))?;
    }
    context.terminal.say(&in_words(&findings));
    for warning in &findings.warnings {
        context.terminal.complain(&format!("warning: {warning}\n"));
    }
    context.terminal.say(&format!("{}\n{}\n", shown(&cluster), shown(&costs)));
    Ok(Exit::Fine)
}

fn in_words(findings: &Findings) -> String {
    let rate = |bytes_per_s: f64| format!("{:.2} GB/s", bytes_per_s / 1e9);
    let mut rows = Vec::new();
    let mut row = |cells: [String; 3]| rows.push(cells.to_vec());
    for copy in &findings.copies {
        row(["copy".to_owned(), size(copy.bytes), rate(copy.bytes_per_s())]);
    }
    if let Some(disk) = &findings.disk {
        for (what, times) in [("disk read", &disk.reads), ("disk write", &disk.writes)] {
            for time in times {
                row([what.to_owned(), size(time.bytes), rate(time.bytes_per_s())]);
            }
        }
    }
    let overhead = duration(findings.overhead_ns.median.round() as u64);
    row(["overhead".to_owned(), "per empty task".to_owned(), overhead]);
    for entry in findings.history.entries() {
        let shape: Vec<String> = entry.shape.iter().map(u32::to_string).collect();
        let (mean, deviation) =
            (duration(entry.mean_ns.round() as u64), duration(entry.deviation_ns().round() as u64));
        let mut text = format!("{mean} +- {deviation}, {} times", entry.count);
        if entry.mean_work > 0.0 {
            text += &format!(", {:.2} G/s", entry.mean_work / entry.mean_ns);
        }
        row([entry.kernel.clone(), shape.join("x"), text]);
    }
    let (left_out, all) = findings.outliers;
    row(["outliers".to_owned(), "left out".to_owned(), format!("{left_out} of {all} tasks")]);
    table(&rows)
}
