//! Transfers as rows below the lanes.

use super::bars::{Drawing, Names, visible_ns};
use runtime::trace::{CopyReason, CopyRecord};
use runtime::{MemoryId, Ns, Trace};
use std::collections::BTreeMap;

/// Rows at most.
const MAX_ROWS: usize = 24;
/// Rows for transfers of one route that go on at once.
const MAX_PARALLEL: usize = 3;

/// Reasons of transfers, by the index used in bars.
pub const REASONS: [&str; 4] = ["input", "prefetch", "write-back", "result"];

fn reason(reason: CopyReason) -> usize {
    match reason {
        CopyReason::Input => 0,
        CopyReason::Prefetch => 1,
        CopyReason::WriteBack => 2,
        CopyReason::Result => 3,
    }
}

/// Rows by route, or by target memory where there are too many routes, of which the busiest are
/// drawn. Transfers of a row that overlap are put below each other.
pub(super) fn draw(trace: &Trace, drawing: &mut Drawing, names: &mut Names, budget: usize) {
    let count = |is_by_target: bool| {
        let mut routes: Vec<_> = trace.copies.iter().map(|c| route(c, is_by_target)).collect();
        routes.sort_unstable();
        routes.dedup();
        routes.len()
    };
    let is_by_target = count(false) > MAX_ROWS;
    let parallel = (MAX_ROWS / count(is_by_target).max(1)).clamp(1, MAX_PARALLEL);
    let shortest_ns = match trace.copies.len() > budget {
        true => visible_ns(trace, MAX_ROWS, budget),
        false => 0,
    };
    let mut rows: BTreeMap<_, Vec<&CopyRecord>> = BTreeMap::new();
    for copy in &trace.copies {
        rows.entry(route(copy, is_by_target)).or_default().push(copy);
    }
    let mut busiest: Vec<_> = rows.keys().copied().collect();
    let bytes = |copies: &[&CopyRecord]| copies.iter().map(|c| u128::from(c.bytes)).sum::<u128>();
    busiest.sort_by_key(|key| (std::cmp::Reverse(bytes(&rows[key])), *key));
    busiest.truncate(MAX_ROWS / parallel);
    for (key, mut copies) in rows {
        if !busiest.contains(&key) {
            drawing.hidden_copies += copies.len();
            continue;
        }
        copies.sort_by_key(|c| (c.started_ns, c.finished_ns, c.copy));
        let title = title(trace, key);
        let used = match shortest_ns {
            0 => apart(trace, drawing, names, &copies, parallel),
            _ => joined(trace, drawing, names, &copies, shortest_ns),
        };
        drawing.routes.push(title);
        drawing.routes.extend((1..used).map(|_| String::new()));
    }
}

type Route = (Option<MemoryId>, MemoryId);

fn route(copy: &CopyRecord, is_by_target: bool) -> Route {
    ((!is_by_target).then_some(copy.source), copy.target)
}

fn title(trace: &Trace, (source, target): Route) -> String {
    let memories = &trace.header.cluster.memories;
    let name = |m: MemoryId| memories[m.index()].name.as_str();
    match source {
        Some(source) => format!("{} → {}", name(source), name(target)),
        None => format!("into {}", name(target)),
    }
}

/// A bar per transfer; returns the rows used.
fn apart(
    trace: &Trace,
    drawing: &mut Drawing,
    names: &mut Names,
    copies: &[&CopyRecord],
    parallel: usize,
) -> usize {
    let first_row = drawing.routes.len();
    let mut ends: Vec<Ns> = Vec::new();
    for copy in copies {
        let free = ends.iter().position(|end| *end <= copy.started_ns);
        let sub_row = free.unwrap_or_else(|| {
            if ends.len() < parallel {
                ends.push(0);
            }
            ends.len() - 1
        });
        ends[sub_row] = ends[sub_row].max(copy.finished_ns);
        push(trace, drawing, names, first_row + sub_row, &[copy]);
    }
    ends.len()
}

/// A bar for transfers that follow each other closely; returns the one row used.
fn joined(
    trace: &Trace,
    drawing: &mut Drawing,
    names: &mut Names,
    copies: &[&CopyRecord],
    shortest_ns: Ns,
) -> usize {
    let row = drawing.routes.len();
    let mut at = 0;
    while at < copies.len() {
        let mut last_ns = copies[at].finished_ns;
        let mut end = at + 1;
        while end < copies.len()
            && copies[end].started_ns <= last_ns.saturating_add(shortest_ns)
            && last_ns - copies[at].started_ns < 4 * shortest_ns
        {
            last_ns = last_ns.max(copies[end].finished_ns);
            end += 1;
        }
        push(trace, drawing, names, row, &copies[at..end]);
        at = end;
    }
    1
}

fn push(
    trace: &Trace,
    drawing: &mut Drawing,
    names: &mut Names,
    row: usize,
    copies: &[&CopyRecord],
) {
    let first = copies[0];
    let end = copies.iter().map(|c| c.finished_ns).max().unwrap_or(first.finished_ns);
    let what = match copies.len() {
        1 => names.of(trace.graph.object_name(first.object)),
        _ => 0,
    };
    drawing.copies.push(row, first.started_ns, end, reason(first.reason), what);
    drawing.copy_bytes.push(copies.iter().map(|c| c.bytes).sum());
    drawing.copy_counts.push(copies.len());
}
