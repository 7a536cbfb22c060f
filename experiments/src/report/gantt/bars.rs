//! A run as bars: what each lane did and waited for, and what moved.
//!
//! A run of more bars than a page can hold is thinned: neighbours that are too short to be seen
//! are joined. A joined stretch of a lane is drawn as one bar for everything that it computed and
//! one for each cause that it waited for, each as long as their sum; so lengths stay true, and
//! only the order within the stretch is lost.

use super::routes;
use crate::metrics::{Cause, by_lane, gaps};
use runtime::{Cluster, Ns, TaskId, Trace};
use serde::Serialize;
use std::collections::BTreeMap;

/// Lanes drawn at most.
const MAX_LANES: usize = 64;
/// Machines of more lanes are drawn without those that ran nothing.
const ALL_LANES: usize = 24;
/// Bars that a joined stretch becomes, about.
const PARTS: usize = 3;

/// Bars as columns of equal length; times in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bars {
    /// Row, from the top.
    pub row: Vec<usize>,
    /// Begin.
    pub start: Vec<Ns>,
    /// Length.
    pub length: Vec<Ns>,
    /// What kind: kernel, cause or reason, as an index into the names of these; of joined bars 0
    /// for compute and 1 up for causes.
    pub kind: Vec<usize>,
    /// The task or object, as an index into the names; of joined bars the number of tasks.
    pub what: Vec<usize>,
}

impl Bars {
    pub(super) fn push(&mut self, row: usize, start: Ns, end: Ns, kind: usize, what: usize) {
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
    /// Idle gaps; `what` is the task waited for, or [`NOTHING`].
    pub gaps: Bars,
    /// Joined neighbours.
    pub joined: Bars,
    /// Transfers.
    pub copies: Bars,
    /// Bytes of each bar of transfers.
    pub copy_bytes: Vec<u64>,
    /// How many transfers each bar stands for.
    pub copy_counts: Vec<usize>,
    /// Lanes that ran nothing and are not drawn.
    pub unused: usize,
    /// Lanes that ran something and are not drawn, for want of room.
    pub hidden_lanes: usize,
    /// Transfers that are not drawn, for want of room.
    pub hidden_copies: usize,
}

/// Marks a gap that no task ended.
pub const NOTHING: usize = u32::MAX as usize;

/// Draws a run with about `budget` bars for lanes and as many for transfers.
pub fn draw(trace: &Trace, budget: usize) -> Drawing {
    let cluster = Cluster::new(trace.header.cluster.clone()).ok();
    let name = |lane: &usize| match &cluster {
        Some(cluster) => cluster.lane_name(runtime::LaneId::from_index(*lane)),
        None => format!("lane {lane}"),
    };
    let (busy, idle) = (by_lane(trace), gaps(trace));
    let mut shown: Vec<usize> = (0..busy.len()).collect();
    if shown.len() > ALL_LANES {
        shown.retain(|lane| !busy[*lane].is_empty());
    }
    let used = shown.len();
    shown.truncate(MAX_LANES);
    let mut drawing = Drawing {
        lanes: shown.iter().map(name).collect(),
        kernels: trace.graph.kernel_names().to_vec(),
        unused: busy.len() - used,
        hidden_lanes: used - shown.len(),
        ..Drawing::default()
    };
    let mut names = Names::default();
    let bars: usize = shown.iter().map(|l| busy[*l].len() + idle[*l].len()).sum();
    let shortest_ns = match bars > budget {
        true => visible_ns(trace, shown.len() * PARTS, budget),
        false => 0,
    };
    for (row, &lane) in shown.iter().enumerate() {
        let ran = busy[lane].iter().map(|r| Segment {
            start: r.started_ns,
            end: r.finished_ns,
            kind: Kind::Task(trace.graph.task(r.task).kernel.index(), r.task),
        });
        let waited = idle[lane].iter().map(|g| Segment {
            start: g.start_ns,
            end: g.end_ns,
            kind: Kind::Gap(g.cause, g.next),
        });
        let mut segments: Vec<Segment> = ran.chain(waited).collect();
        segments.sort_by_key(|s| (s.start, s.end));
        lane_bars(trace, &mut drawing, &mut names, row, &segments, shortest_ns);
    }
    routes::draw(trace, &mut drawing, &mut names, budget);
    drawing.names = names.list;
    drawing
}

/// The shortest bar that is not joined, so that `rows` rows have at most `budget` bars.
pub(super) fn visible_ns(trace: &Trace, rows: usize, budget: usize) -> Ns {
    (u128::from(trace.makespan_ns) * rows as u128 / budget.max(1) as u128) as Ns
}

struct Segment {
    start: Ns,
    end: Ns,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Task(usize, TaskId),
    Gap(Cause, Option<TaskId>),
}

/// Interned names.
#[derive(Default)]
pub(super) struct Names {
    list: Vec<String>,
    known: BTreeMap<String, usize>,
}

impl Names {
    pub(super) fn of(&mut self, name: String) -> usize {
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
    let is_short = |s: &Segment| s.end - s.start < shortest_ns;
    let mut at = 0;
    while at < segments.len() {
        let mut end = at + 1;
        // Joined until they can be seen.
        while is_short(&segments[at])
            && end < segments.len()
            && is_short(&segments[end])
            && segments[end - 1].end - segments[at].start < shortest_ns
        {
            end += 1;
        }
        match segments[at].kind {
            _ if end - at > 1 => joined_bars(drawing, row, &segments[at..end]),
            Kind::Task(kernel, task) => {
                let what = names.of(trace.graph.task_name(task));
                drawing.tasks.push(row, segments[at].start, segments[at].end, kernel, what);
            }
            Kind::Gap(cause, next) => {
                let what = next.map_or(NOTHING, |task| names.of(trace.graph.task_name(task)));
                let (start, end) = (segments[at].start, segments[at].end);
                drawing.gaps.push(row, start, end, cause.index(), what);
            }
        }
        at = end;
    }
}

fn joined_bars(drawing: &mut Drawing, row: usize, segments: &[Segment]) {
    let mut sums = [0; 1 + Cause::ALL.len()];
    let mut tasks = 0;
    for segment in segments {
        let part = match segment.kind {
            Kind::Task(..) => 0,
            Kind::Gap(cause, _) => 1 + cause.index(),
        };
        tasks += usize::from(part == 0);
        sums[part] += segment.end - segment.start;
    }
    let mut start = segments[0].start;
    for (part, sum) in sums.into_iter().enumerate().filter(|(_, sum)| *sum > 0) {
        drawing.joined.push(row, start, start + sum, part, tasks);
        start += sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(start: Ns, end: Ns, kind: Kind) -> Segment {
        Segment { start, end, kind }
    }

    #[test]
    fn joined_stretches_keep_their_lengths() {
        let wait = |cause| Kind::Gap(cause, Some(TaskId(0)));
        let segments = [
            segment(0, 3, Kind::Task(0, TaskId(0))),
            segment(3, 5, wait(Cause::Data)),
            segment(5, 6, wait(Cause::Dependency)),
            segment(6, 10, Kind::Task(0, TaskId(1))),
        ];
        let mut drawing = Drawing::default();
        joined_bars(&mut drawing, 2, &segments);
        let expected = Bars {
            row: vec![2; 3],
            start: vec![0, 7, 8],
            length: vec![7, 1, 2],
            kind: vec![0, 1 + Cause::Dependency.index(), 1 + Cause::Data.index()],
            what: vec![2; 3],
        };
        assert_eq!(drawing.joined, expected);
    }
}
