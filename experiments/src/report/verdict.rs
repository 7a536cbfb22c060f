//! The verdict in sentences, generated from the numbers.

use super::Contents;
use super::board::{Board, Row};
use super::grid::Grid;
use super::predicted;
use super::stats::Interval;
use super::versus::{Rival, lost_families};
use crate::store::Run;

/// Below this no difference can be significant: with 5 instances the least p of Wilcoxon's test is
/// 1/16, and a bootstrap of so few is too narrow.
const MIN_INSTANCES: usize = 6;
/// Families named at most.
const NAMED: usize = 4;

/// What the run shows, in order of importance: the first backend in full, then what the others add.
pub fn sentences(contents: &Contents<'_>) -> Vec<String> {
    let Contents { run, grids, boards, rivals, .. } = contents;
    let mut out = Vec::new();
    for (at, (grid, board)) in grids.iter().zip(boards).enumerate() {
        match board.winner() {
            None => out.push(format!("No scheduler finished a cell {}.", place(grid))),
            Some(winner) => {
                out.push(headline(grid, board, winner));
                out.extend(rivals[at].first().map(|r| lead(winner, r)));
                out.extend((at == 0).then(|| families(grid, board)).flatten());
            }
        }
    }
    for (simulated, measured) in predicted::grids(&contents.whole) {
        let pairs = predicted::pairs(simulated, measured);
        let summary = predicted::summary(&pairs);
        out.extend(summary.map(|summary| predicted::headline(&summary, measured)));
    }
    out.push(failures(run));
    out
}

fn place(grid: &Grid<'_>) -> &'static str {
    match grid.backend {
        "sim" => "in simulation",
        "emulated" => "on emulated clusters",
        "fake-gpu" => "on made-up GPUs",
        _ => "in real runs",
    }
}

fn headline(grid: &Grid<'_>, board: &Board, winner: &Row) -> String {
    let counted = format!(
        "over {} with {} per scheduler",
        count(board.instances, "instance"),
        count(board.meetings, "cell")
    );
    let claim = match board.rows.len() {
        1 => format!("{} ran alone {}", winner.label, place(grid)),
        _ => format!("{} has the shortest makespans {}", winner.label, place(grid)),
    };
    let Some(ratio) = winner.over_bound else { return format!("{claim}, {counted}.") };
    let interval = winner
        .over_bound_interval
        .map_or(String::new(), |i| format!("; 95 % interval {:.3} to {:.3}", i.low, i.high));
    format!("{claim}: {ratio:.3} times the lower bound (geometric mean{interval}), {counted}.")
}

fn lead(winner: &Row, rival: &Rival) -> String {
    let (name, more) = (&rival.label, longer(rival.ratio));
    if rival.instances < MIN_INSTANCES {
        let few = count(rival.instances, "instance");
        return format!(
            "The runner-up {name} {more}; {few} cannot tell whether that holds elsewhere."
        );
    }
    let test = rival.p_holm.map_or(String::new(), |p| format!("; {}", p_value(p)));
    match rival.interval {
        Some(interval) if interval.holds(1.0) => format!(
            "Its lead over {name} is not certain: {name} {more} (95 % interval {}{test}).",
            percent_interval(interval)
        ),
        Some(interval) => format!(
            "The runner-up {name} {more} (95 % interval {}{test}).",
            percent_interval(interval)
        ),
        None => format!("The runner-up {name} {more} than {}.", winner.label),
    }
}

/// A failed cell may let a rival look better on the cells that both finished.
fn longer(ratio: f64) -> String {
    match ratio >= 1.0 {
        true => format!("takes {} longer", percent(ratio)),
        false => {
            format!("takes {} less time on the cells that both finished", percent(2.0 - ratio))
        }
    }
}

fn families(grid: &Grid<'_>, board: &Board) -> Option<String> {
    let mut names = grid.families.clone();
    names.sort_unstable();
    names.dedup();
    if board.rows.len() < 2 || names.len() < 2 {
        return None;
    }
    let lost = lost_families(grid, board);
    if lost.is_empty() {
        return Some(format!("It is best, or equal to the best, on all {} families.", names.len()));
    }
    let named: Vec<String> = (lost.iter().take(NAMED))
        .map(|(family, label, ratio)| format!("{family} ({} longer than {label})", percent(*ratio)))
        .collect();
    let rest = lost.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let of = format!("{} of {} families", lost.len(), names.len());
    Some(format!("It is not best on {of}: {}{more}.", named.join(", ")))
}

/// What failed, by scheduler and kind, and what is missing.
fn failures(run: &Run) -> String {
    let mut kinds: Vec<(String, usize)> = Vec::new();
    let mut failed = 0;
    for record in &run.records {
        let Err(error) = &record.outcome else { continue };
        failed += 1;
        let name = format!("{} {}", record.key.scheduler, error.kind);
        match kinds.iter_mut().find(|(known, _)| *known == name) {
            Some((_, n)) => *n += 1,
            None => kinds.push((name, 1)),
        }
    }
    kinds.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let missing = match run.missing() {
        0 => String::new(),
        n => format!(" {} not been run yet.", have(n, "cell")),
    };
    if failed == 0 {
        return format!("{} finished, none failed.{missing}", count(run.records.len(), "cell"));
    }
    let named: Vec<String> =
        kinds.iter().take(NAMED).map(|(name, n)| format!("{name} ({n})")).collect();
    let more = if kinds.len() > NAMED { ", and others" } else { "" };
    format!(
        "{failed} of {} failed: {}{more}. A scheduler with failures ranks below all without.{missing}",
        count(run.records.len(), "cell"),
        named.join(", ")
    )
}

fn have(n: usize, what: &str) -> String {
    format!("{} {}", count(n, what), if n == 1 { "has" } else { "have" })
}

/// `1 cell`, `2 cells`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// How much longer, as people say it: a ratio of 1.042 is `4.2 %`.
pub fn percent(ratio: f64) -> String {
    let value = (ratio - 1.0) * 100.0;
    let digits = if value.abs() < 0.1 { 3 } else { 1 };
    let text = format!("{value:.digits$} %");
    match text.trim_matches(['-', '0', '.', ' ', '%']).is_empty() {
        // No minus zero.
        true => "0 %".to_owned(),
        false => text.replace('-', "−"),
    }
}

/// An interval of ratios in percent.
pub fn percent_interval(interval: Interval) -> String {
    let value = |ratio: f64| format!("{:.1}", (ratio - 1.0) * 100.0).replace('-', "−");
    format!("{} to {} %", value(interval.low), value(interval.high)).replace("−0.0", "0.0")
}

/// A p-value with its name.
pub fn p_value(p: f64) -> String {
    match p < 0.001 {
        true => "p < 0.001".to_owned(),
        false => format!("p = {p:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(percent(1.042), "4.2 %");
        assert_eq!(percent(0.9), "−10.0 %");
        assert_eq!(percent(1.0), "0 %");
        assert_eq!(percent(1.000_04), "0.004 %");
        assert_eq!(percent(1.000_000_000_1), "0 %");
        assert_eq!(count(1, "cell"), "1 cell");
        assert_eq!(p_value(0.000_2), "p < 0.001");
        assert_eq!(p_value(0.0213), "p = 0.021");
    }
}
