//! What the check found, as JSON and Markdown.

use super::{Checked, Figure, Goal, Part, Verdict};
use crate::store::{write_trace_file, write_whole};
use std::path::{Path, PathBuf};

/// Writes `gpu-check.json`, `gpu-check.md`, the cluster and cost files and the traces into a
/// folder; returns what it wrote.
///
/// # Errors
/// In words.
pub fn write(checked: &Checked, folder: &Path) -> Result<Vec<PathBuf>, String> {
    std::fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let json = serde_json::to_string_pretty(checked).map_err(|e| e.to_string())? + "\n";
    let mut texts = vec![("gpu-check.json", json), ("gpu-check.md", in_markdown(checked))];
    texts.extend(checked.cluster.clone().map(|text| ("cluster.yaml", text)));
    texts.extend(checked.costs.clone().map(|text| ("costs.yaml", text)));
    let mut written = Vec::new();
    for (name, text) in texts {
        let path = folder.join(name);
        write_whole(&path, |out| out.write_all(text.as_bytes())).map_err(|e| e.to_string())?;
        written.push(path);
    }
    for (name, trace) in &checked.traces {
        let path = folder.join(format!("{name}.trace.gz"));
        write_trace_file(trace, &path).map_err(|e| e.to_string())?;
        written.push(path);
    }
    Ok(written)
}

/// A page for people.
pub fn in_markdown(checked: &Checked) -> String {
    let mut text = String::from("# GPU check\n\n");
    for (label, value) in &checked.provenance {
        text += &format!("- {label}: {value}\n");
    }
    if checked.is_fake {
        text += "\n**These GPUs are made up: times are drawn, and figures mean nothing.**\n";
    }
    text += "\n| part | verdict | goals met | seconds |\n|---|---|---|---|\n";
    for part in &checked.parts {
        let goals: Vec<bool> = part.figures.iter().filter_map(Figure::is_met).collect();
        let met = goals.iter().filter(|met| **met).count();
        text += &format!(
            "| {} | {} | {met} of {} | {:.1} |\n",
            part.name,
            verdict(&part.verdict),
            goals.len(),
            part.seconds
        );
    }
    checked.parts.iter().for_each(|part| text += &section(part));
    text
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Done => "done".to_owned(),
        Verdict::Failed(why) => format!("**failed**: {}", why.replace('|', "/")),
        Verdict::Skipped => "skipped, no time left".to_owned(),
    }
}

fn section(part: &Part) -> String {
    let mut text = format!("\n## {}: {}\n", part.name, part.about);
    if !part.figures.is_empty() {
        text += "\n| figure | median | deviation | of | goal |\n|---|---|---|---|---|\n";
    }
    for figure in &part.figures {
        let Figure { name, value, unit, goal } = figure;
        let goal = match goal {
            None => String::new(),
            Some(goal) => {
                let met = if figure.is_met() == Some(true) { "met" } else { "**missed**" };
                match goal {
                    Goal::Least(least) => format!("at least {least}: {met}"),
                    Goal::Most(most) => format!("at most {most}: {met}"),
                }
            }
        };
        text += &format!(
            "| {name} | {} {unit} | {} | {} | {goal} |\n",
            number(value.median),
            number(value.deviation),
            value.count
        );
    }
    if !part.notes.is_empty() {
        text += "\n";
    }
    let mut notes = part.notes.clone();
    notes.dedup();
    notes.iter().for_each(|note| text += &format!("- {note}\n"));
    text
}

fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        x if (0.01..1e5).contains(&x) => format!("{value:.3}"),
        _ => format!("{value:.2e}"),
    }
}
