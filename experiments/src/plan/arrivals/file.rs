//! Arrivals from a file: CSV lines `at,workload`, or a JSON list of `{"at": ..., "workload": ...}`.

use super::Times;
use crate::mistake::Mistake;
use crate::plan::files;
use crate::plan::names::Names;
use crate::plan::parts::WorkloadPlan;
use crate::spec::{At, Span};
use runtime::registry::Dimension;
use serde::Deserialize;
use std::sync::Arc;

/// One arrival as written.
struct Row {
    /// For people: `line 3`, or `entry 2`.
    place: String,
    at: String,
    workload: String,
}

/// Reads the file that `path` names.
///
/// # Errors
/// What is wrong with it, by line or entry.
pub fn read(names: &Names<'_>, path: &At<String>, of: &[WorkloadPlan]) -> Result<Times, Mistake> {
    let wrong = |message: String| names.mistake(path.span, message);
    let found = files::find(names.source, names.folder(), path)?;
    let text = std::fs::read_to_string(&found).map_err(|e| wrong(e.to_string()))?;
    let rows = if text.trim_start().starts_with('[') { json(&text) } else { csv(&text) };
    rows.and_then(|rows| listed(&rows, of)).map_err(|why| wrong(format!("{}: {why}", path.value)))
}

fn csv(text: &str) -> Result<Vec<Row>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map_or("", |(_, line)| line.trim());
    if header.replace(' ', "") != "at,workload" {
        return Err(format!("line 1 is {header:?}; expected the columns \"at,workload\""));
    }
    let row = |(at, line): (usize, &str)| {
        let place = format!("line {}", at + 1);
        match line.split_once(',') {
            // A workload's parameters may hold commas: it is the rest of the line.
            Some((at, workload)) => {
                let workload = workload.trim().trim_matches('"').to_owned();
                Ok(Row { place, at: at.trim().to_owned(), workload })
            }
            None => Err(format!("{place} is {line:?}; expected an instant and a workload")),
        }
    };
    lines.map(row).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonRow {
    at: serde_json::Value,
    workload: String,
}

fn json(text: &str) -> Result<Vec<Row>, String> {
    let rows: Vec<JsonRow> = serde_json::from_str(text).map_err(|e| e.to_string())?;
    let row = |(at, row): (usize, JsonRow)| Row {
        place: format!("entry {}", at + 1),
        at: row.at.as_str().map_or_else(|| row.at.to_string(), str::to_owned),
        workload: row.workload,
    };
    Ok(rows.into_iter().enumerate().map(row).collect())
}

fn listed(rows: &[Row], of: &[WorkloadPlan]) -> Result<Times, String> {
    let mut list = Vec::new();
    let mut kinds = [false; 2];
    for Row { place, at, workload } in rows {
        let (at, is_time) = instant(at).ok_or_else(|| {
            format!(
                "{place}: {at:?} is no instant; expected {}, or a number of at least 0: a multiple \
                 of the mean lower bound",
                Dimension::Time.expected()
            )
        })?;
        kinds[usize::from(is_time)] = true;
        let which = of.iter().position(|w| w.label == *workload).or_else(|| {
            let mut named = (0..of.len()).filter(|i| of[*i].family == *workload);
            // A name that several have tells nothing.
            named.next().filter(|_| named.next().is_none())
        });
        let which = which.ok_or_else(|| {
            let labels: Vec<&str> = of.iter().map(|w| w.label.as_str()).collect();
            format!("{place}: {workload:?} is none of those in `of`: {}", labels.join("; "))
        })?;
        list.push((at, which));
    }
    if list.is_empty() {
        return Err("nothing arrives".to_owned());
    }
    if kinds == [true; 2] {
        return Err(
            "some instants have a unit and some are multiples of the lower bound".to_owned()
        );
    }
    // The file's order decides between equals.
    list.sort_by(|a, b| a.0.total_cmp(&b.0));
    let unit = if kinds[1] { Span::Time(1) } else { Span::Bounds(1.0) };
    Ok(Times::Listed { unit, list: Arc::new(list) })
}

/// Nanoseconds, or a multiple of the lower bound; and whether it is the former.
fn instant(text: &str) -> Option<(f64, bool)> {
    match text.parse::<f64>() {
        Ok(number) => (number.is_finite() && number >= 0.0).then_some((number, false)),
        Err(_) => Dimension::Time.parse(text).ok().map(|ns| (ns, true)),
    }
}
