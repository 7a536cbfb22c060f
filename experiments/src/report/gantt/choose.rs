//! Which runs are drawn side by side.

use super::super::board::Board;
use super::super::grid::{Grid, Meeting};
use super::super::stats::nested_mean;
use super::super::{Options, ReportError};
use crate::record::Record;
use crate::store::Run;

/// Runs of more tasks are drawn only when there are no others.
const MAX_TASKS: usize = 1000;
/// Runs embedded at most.
const MAX_RUNS: usize = 16;

/// Runs to embed; the first two are shown at first.
pub struct Choice<'a> {
    /// In the order in which they are offered.
    pub records: Vec<&'a Record>,
    /// Why these, for people.
    pub reason: &'static str,
}

/// Chooses among the runs that have a trace.
///
/// Without the reader's choice: the cell in which the winner and the runner-up differ as much as
/// they do on the whole, all schedulers of that cell, and their real runs, where there are any.
///
/// # Errors
/// [`ReportError::UnknownRun`] when a run was asked for that has no trace.
pub fn choose<'a>(
    run: &Run,
    grids: &[Grid<'a>],
    boards: &[Board],
    options: &Options,
) -> Result<Option<Choice<'a>>, ReportError> {
    let all = || grids.iter().flat_map(Grid::records);
    if let Some((a, b)) = &options.gantt {
        let find = |id: &str| {
            let found = all().find(|r| r.id == id && has_trace(run, r));
            found.ok_or_else(|| ReportError::UnknownRun { id: id.to_owned() })
        };
        let mut records = vec![find(a)?, find(b)?];
        let wanted = records.clone();
        let near = |r: &&Record| {
            let is_near = |w: &&Record| {
                (&w.key.workload, &w.key.cluster, &w.key.axes, w.key.seed)
                    == (&r.key.workload, &r.key.cluster, &r.key.axes, r.key.seed)
            };
            wanted.iter().any(is_near) && !wanted.iter().any(|w| w.id == r.id)
        };
        records.extend(all().filter(near).filter(|r| has_trace(run, r)));
        records.truncate(MAX_RUNS);
        return Ok(Some(Choice { records, reason: "The two were asked for." }));
    }
    let (Some(grid), Some(board)) = (grids.first(), boards.first()) else { return Ok(None) };
    let Some(meeting) = typical(run, grid, board) else { return Ok(None) };
    let traced = |m: &Meeting<'a>, scheduler: usize| {
        m.entries[scheduler].records.iter().copied().find(|r| has_trace(run, r))
    };
    let order = || board.rows.iter().map(|row| row.scheduler);
    let mut records: Vec<&Record> = order().filter_map(|s| traced(meeting, s)).collect();
    let instance = &grid.instances[meeting.instance];
    for twin in &grids[1..] {
        let Ok(at) = twin.instances.binary_search(instance) else { continue };
        let real: Vec<&Meeting<'a>> = twin.meetings.iter().filter(|m| m.instance == at).collect();
        records.extend(order().filter_map(|s| real.iter().find_map(|m| traced(m, s))));
    }
    records.truncate(MAX_RUNS);
    let reason = "The cell is one in which winner and runner-up differ about as on the whole.";
    Ok(Some(Choice { records, reason }))
}

fn has_trace(run: &Run, record: &Record) -> bool {
    record.outcome.is_ok() && run.trace_path(&record.id).is_some()
}

/// Of the quarter of the meetings with traces of winner and runner-up whose ratio is nearest to
/// the mean, the one of most tasks; any meeting with a trace of the winner where there is none.
fn typical<'g, 'a>(run: &Run, grid: &'g Grid<'a>, board: &Board) -> Option<&'g Meeting<'a>> {
    let winner = board.winner()?.scheduler;
    let traced =
        |m: &&Meeting<'_>, s: usize| m.entries[s].records.iter().any(|r| has_trace(run, r));
    let rival = board.rows.get(1).map(|row| row.scheduler);
    let both = |rival: usize| {
        let mean = nested_mean(&grid.by_instance(|m| m.log_over(rival, winner)))?;
        let candidates = grid.meetings.iter().filter(|m| traced(m, winner) && traced(m, rival));
        let distance = |m: &&Meeting<'_>| {
            m.log_over(rival, winner).map_or(f64::INFINITY, |log| (log - mean).abs())
        };
        let mut near: Vec<(f64, &Meeting<'a>)> = candidates.map(|m| (distance(&m), m)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(near.len().div_ceil(4));
        // More tasks show more, as long as they can be seen.
        let tasks = |m: &Meeting<'_>| m.entries[winner].finished().map(|f| f.tasks).max();
        let seen = |m: &Meeting<'_>| tasks(m).filter(|t| *t <= MAX_TASKS);
        near.into_iter().map(|(_, m)| m).rev().max_by_key(|m| seen(m))
    };
    rival.and_then(both).or_else(|| grid.meetings.iter().find(|m| traced(m, winner)))
}
