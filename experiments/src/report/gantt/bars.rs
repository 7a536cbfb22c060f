//! A run as bars: what each lane did and waited for, and what moved.
//!
//! A run of more bars than a page can hold is thinned: neighbours on a lane that are too short to
//! be seen are joined into one bar that says how many they are and how busy.

use crate::metrics::{by_lane, gaps};
use runtime::trace::CopyReason;
use runtime::{Cluster, MemoryId, Ns, TaskId, Trace};
use serde::Serialize;
use std::collections::BTreeMap;

/// Lanes drawn at most.
const MAX_LANES: usize = 64;
/// Rows of transfers at most.
const MAX_ROUTES: usize = 24;
/// Rows for transfers of one route that go on at once.
const MAX_PARALLEL: usize = 3;

/// Bars as columns of equal length; times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bars {
    /// Row, from the top.
    pub row: Vec<usize>,
    /// Begin.
    pub start: Vec<Ns>,
    /// Length.
    pub length: Vec<Ns>,
    /// What kind: kernel, cause or reason, as an index into the run's names of these.
    pub kind: Vec<usize>,
    /// The task or object, as an index into the run's names; for joined bars their number.
    pub what: Vec<usize>,
}

impl Bars {
    fn push(&mut self, row: usize, start: Ns, end: Ns, kind: usize, what: usize) {
        self.row.push(row);
        self.start.push(start);
        self.length.push(end - start);
        self.kind.push(kind);
        self.what.push(what);
    }
}

/// A run drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Drawing {
    /// Names of the rows of lanes.
    pub lanes: Vec<String>,
    /// Names of the rows of transfers, below the lanes.
    pub routes: Vec<String>,
    /// Kernels.
    pub kernels: Vec<String>,
    /// Names of tasks and objects.
    pub names: Vec<String>,
    /// Attempts.
    pub tasks: Bars,
    /// Idle gaps; `what` is the task waited for, or `usize::MAX` for none.
    pub gaps: Bars,
    /// Joined short neighbours: `kind` is the share of busy time in percent, `what` the number of
    /// tasks.
    pub joined: Bars,
    /// Transfers.
    pub copies: Bars,
    /// Bytes of each transfer.
    pub copy_bytes: Vec<u64>,
    /// Lanes and transfers that are not drawn, for want of room.
    pub hidden: (usize, usize),
}

/// Marks a gap that no task ended.
pub const NOTHING: usize = u32::MAX as usize;

/// Draws a run with about `budget` bars for lanes and as many for transfers.
pub fn draw(trace: &Trace, budget: usize) -> Drawing {
    let cluster = Cluster::new(trace.header.cluster.clone()).ok();
    let name = |lane: usize| match &cluster {
        Some(cluster) => cluster.lane_name(runtime::LaneId::from_index(lane)),
        None => format!("lane {lane}"),
    };
    let lanes = by_lane(trace);
    let shown = lanes.len().min(MAX_LANES);
    let mut drawing = Drawing {
        lanes: (0..shown).map(name).collect(),
        kernels: trace.graph.kernel_names().to_vec(),
        hidden: (lanes.len() - shown, 0),
        ..Drawing::default()
    };
    let mut names = Names::default();
    let idle = gaps(trace);
    let bars: usize = (0..shown).map(|l| lanes[l].len() + idle[l].len()).sum();
    let shortest_ns = match bars > budget {
        true => (u128::from(trace.makespan_ns) * shown as u128 / budget.max(1) as u128) as Ns,
        false => 0,
    };
    for row in 0..shown {
        let busy = lanes[row].iter().map(|r| Segment {
            start: r.started_ns,
            end: r.finished_ns,
            kind: Kind::Task(trace.graph.task(r.task).kernel.index(), r.task),
        });
        let waits = idle[row].iter().map(|g| Segment {
            start: g.start_ns,
            end: g.end_ns,
            kind: Kind::Gap(g.cause.index(), g.next),
        });
        let mut segments: Vec<Segment> = busy.chain(waits).collect();
        segments.sort_by_key(|s| (s.start, s.end));
        lane_bars(trace, &mut drawing, &mut names, row, &segments, shortest_ns);
    }
    copy_bars(trace, &mut drawing, &mut names, budget);
    drawing.names = names.list;
    drawing
}

struct Segment {
    start: Ns,
    end: Ns,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Task(usize, TaskId),
    Gap(usize, Option<TaskId>),
}

/// Interned names.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    known: BTreeMap<String, usize>,
}

impl Names {
    fn of(&mut self, name: String) -> usize {
        let next = self.list.len();
        let at = *self.known.entry(name.clone()).or_insert(next);
        if at == next {
            self.list.push(name);
        }
        at
    }
}

fn lane_bars(
    trace: &Trace,
    drawing: &mut Drawing,
    names: &mut Names,
    row: usize,
    segments: &[Segment],
    shortest_ns: Ns,
) {
    let is_long = |s: &Segment| s.end - s.start >= shortest_ns;
    let mut at = 0;
    while at < segments.len() {
        let first = &segments[at];
        let mut end = at + 1;
        if !is_long(first) {
            // Joined until they can be seen.
            while end < segments.len()
                && !is_long(&segments[end])
                && segments[end - 1].end - first.start < shortest_ns
            {
                end += 1;
            }
        }
        if end - at > 1 {
            let tasks = || segments[at..end].iter().filter(|s| matches!(s.kind, Kind::Task(..)));
            let (start, stop) = (first.start, segments[end - 1].end);
            let busy: u128 = tasks().map(|s| u128::from(s.end - s.start)).sum();
            let percent = (100 * busy / u128::from((stop - start).max(1))) as usize;
            drawing.joined.push(row, start, stop, percent, tasks().count());
        } else {
            match first.kind {
                Kind::Task(kernel, task) => {
                    let what = names.of(trace.graph.task_name(task));
                    drawing.tasks.push(row, first.start, first.end, kernel, what);
                }
                Kind::Gap(cause, next) => {
                    let what = next.map_or(NOTHING, |task| names.of(trace.graph.task_name(task)));
                    drawing.gaps.push(row, first.start, first.end, cause, what);
                }
            }
        }
        at = end;
    }
}

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

/// Rows by route, or by target memory where there are too many routes; transfers of a row that
/// overlap are put below each other.
fn copy_bars(trace: &Trace, drawing: &mut Drawing, names: &mut Names, budget: usize) {
    let memories = &trace.header.cluster.memories;
    let memory = |m: MemoryId| memories[m.index()].name.as_str();
    let mut by_route: BTreeMap<(Option<MemoryId>, MemoryId), Vec<usize>> = BTreeMap::new();
    let route = |is_by_target: bool, at: usize| {
        let copy = &trace.copies[at];
        ((!is_by_target).then_some(copy.source), copy.target)
    };
    let mut routes: Vec<_> = (0..trace.copies.len()).map(|at| route(false, at)).collect();
    routes.sort_unstable();
    routes.dedup();
    let is_by_target = routes.len() > MAX_ROUTES;
    let rows = if is_by_target { memories.len() } else { routes.len() };
    let parallel = (MAX_ROUTES / rows.max(1)).clamp(1, MAX_PARALLEL);
    for at in 0..trace.copies.len() {
        by_route.entry(route(is_by_target, at)).or_default().push(at);
    }
    for ((source, target), mut copies) in by_route {
        if drawing.routes.len() + parallel > MAX_ROUTES || drawing.copies.row.len() >= budget {
            drawing.hidden.1 += copies.len();
            continue;
        }
        let first_row = drawing.routes.len();
        let title = match source {
            Some(source) => format!("{} → {}", memory(source), memory(target)),
            None => format!("into {}", memory(target)),
        };
        copies.sort_by_key(|at| (trace.copies[*at].started_ns, *at));
        let room = budget - drawing.copies.row.len();
        drawing.hidden.1 += copies.len().saturating_sub(room);
        let mut ends: Vec<Ns> = Vec::new();
        for at in copies.into_iter().take(room) {
            let copy = &trace.copies[at];
            let free = ends.iter().position(|end| *end <= copy.started_ns);
            let sub_row = free.unwrap_or_else(|| {
                if ends.len() < parallel {
                    ends.push(0);
                }
                ends.len() - 1
            });
            ends[sub_row] = ends[sub_row].max(copy.finished_ns);
            let row = first_row + sub_row;
            let what = names.of(trace.graph.object_name(copy.object));
            let kind = reason(copy.reason);
            drawing.copies.push(row, copy.started_ns, copy.finished_ns, kind, what);
            drawing.copy_bytes.push(copy.bytes);
        }
        drawing.routes.push(title);
        drawing.routes.extend((1..ends.len()).map(|_| String::new()));
    }
}
