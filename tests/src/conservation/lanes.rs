//! Where the time of lanes went: attempts, as the input log tells them, and the gaps that
//! `experiments::metrics` finds in the records tile every lane from 0 to the makespan. Of a run
//! without losses the causes of gaps are held against graph and transfers.

use super::{Books, Breach};
use experiments::metrics::{Cause, Gap, gaps, shares};
use runtime::graph::Access;
use runtime::trace::{TaskRecord, Trace};
use runtime::{Input, LaneId, Ns, TaskId};

pub(super) fn check(trace: &Trace, books: &mut Books, out: &mut Vec<Breach>) {
    let lanes = trace.header.cluster.devices.iter().map(|d| u64::from(d.lanes)).sum::<u64>();
    let mut spans: Vec<Vec<(Ns, Ns)>> = vec![Vec::new(); lanes as usize];
    for (record, started_ns) in ended(trace, out) {
        let first = record.lane.index();
        for lane in &mut spans[first..first + record.lanes as usize] {
            lane.push((started_ns, record.finished_ns));
            books.busy_ns += record.finished_ns - started_ns;
        }
    }
    let gaps = gaps(trace);
    for (lane, gaps) in gaps.iter().enumerate() {
        spans[lane].extend(gaps.iter().map(|g| (g.start_ns, g.end_ns)));
        books.idle_ns += gaps.iter().map(|g| g.end_ns - g.start_ns).sum::<Ns>();
    }
    for (lane, spans) in spans.iter_mut().enumerate() {
        tiled(LaneId::from_index(lane), spans, trace.makespan_ns, out);
    }
    let (busy_ns, idle_ns) = (books.busy_ns, books.idle_ns);
    let expected_ns = trace.makespan_ns * lanes;
    let compute_ns = shares(trace).compute_ns;
    if busy_ns + idle_ns != expected_ns || busy_ns != compute_ns {
        out.push(Breach::TimeDiffers { busy_ns, idle_ns, expected_ns });
    }
    if trace.losses.is_empty() {
        let causes = Causes::new(trace);
        for (lane, gaps) in gaps.iter().enumerate() {
            let lane = LaneId::from_index(lane);
            out.extend(gaps.iter().filter_map(|g| causes.check(lane, g)));
        }
    }
}

/// Attempts that the input log ends, each with its record and the start that the driver told.
fn ended<'t>(trace: &'t Trace, out: &mut Vec<Breach>) -> Vec<(&'t TaskRecord, Ns)> {
    let mut ends: Vec<(TaskId, Ns, Ns)> = (trace.inputs.iter())
        .filter_map(|i| match i.input {
            Input::Finished { task, started_ns, .. } => Some((task, i.at_ns, started_ns)),
            _ => None,
        })
        .collect();
    ends.sort_unstable();
    let mut records: Vec<&TaskRecord> = trace.tasks.iter().collect();
    records.sort_by_key(|r| (r.task, r.finished_ns));
    if ends.len() != records.len() {
        let (inputs, records) = (ends.len(), records.len());
        out.push(Breach::EndsDiffer { task: TaskId(u32::MAX), at_ns: 0, inputs, records });
    }
    let mut pairs = Vec::with_capacity(records.len());
    for (&(task, at_ns, started_ns), record) in ends.iter().zip(records) {
        match (record.task, record.finished_ns) == (task, at_ns) {
            true => pairs.push((record, started_ns)),
            false => out.push(Breach::EndsDiffer { task, at_ns, inputs: 1, records: 0 }),
        }
    }
    pairs
}

/// Whether spans cover a lane without gap or overlap.
fn tiled(lane: LaneId, spans: &mut [(Ns, Ns)], makespan_ns: Ns, out: &mut Vec<Breach>) {
    spans.sort_unstable();
    let mut until_ns = 0;
    // What lasts no time is nowhere in the way.
    let spans = spans.iter().filter(|s| s.0 < s.1);
    for &(from_ns, to_ns) in spans.chain([&(makespan_ns, makespan_ns)]) {
        if from_ns != until_ns {
            return out.push(Breach::NotTiled { lane, until_ns, from_ns });
        }
        until_ns = to_ns;
    }
}

/// What causes are held against.
struct Causes<'t> {
    trace: &'t Trace,
    /// Records, by task.
    records: Vec<Option<&'t TaskRecord>>,
    /// By buffer: when the last transfer from or to it ended.
    moved_ns: Vec<Ns>,
    is_bounded: bool,
}

impl<'t> Causes<'t> {
    fn new(trace: &'t Trace) -> Self {
        let mut records = vec![None; trace.graph.len()];
        trace.tasks.iter().for_each(|t| records[t.task.index()] = Some(t));
        let last = trace.buffers.iter().filter(|b| b.object.is_some()).map(|b| b.instance.index());
        let mut moved_ns = vec![0; last.max().map_or(0, |last| last + 1)];
        for c in &trace.copies {
            for end in [c.from, c.to] {
                moved_ns[end.index()] = c.finished_ns.max(moved_ns[end.index()]);
            }
        }
        let is_bounded = trace.header.cluster.memories.iter().any(|m| m.capacity_bytes.is_some());
        Self { trace, records, moved_ns, is_bounded }
    }

    /// What a lane waits for lasts as long as it waits.
    fn check(&self, lane: LaneId, gap: &Gap) -> Option<Breach> {
        let (task, cause) = (gap.next?, gap.cause);
        let record = self.records[task.index()]?;
        let over_ns = match cause {
            Cause::Dependency => self.depends_until_ns(task),
            Cause::Data => self.moves_until_ns(record),
            Cause::Memory if self.is_bounded => record.reserved_ns,
            Cause::Lock if self.is_exclusive(task) => record.locked_ns,
            Cause::Scheduler => record.issued_ns,
            Cause::Launch => record.started_ns,
            _ => 0,
        };
        let until_ns = gap.end_ns;
        (over_ns < until_ns).then_some(Breach::WrongCause { lane, task, cause, until_ns, over_ns })
    }

    /// When the last predecessor ended; for tasks of a graph that grew it is not known when they
    /// were submitted.
    fn depends_until_ns(&self, task: TaskId) -> Ns {
        if task.index() >= self.trace.initial_tasks {
            return Ns::MAX;
        }
        let end_ns = |p: TaskId| self.records[p.index()].map_or(0, |r| r.finished_ns);
        self.trace.graph.predecessors(task).map(end_ns).max().unwrap_or(0)
    }

    fn moves_until_ns(&self, record: &TaskRecord) -> Ns {
        let buffers = self.trace.buffers_of(record).iter();
        buffers.map(|b| self.moved_ns[b.index()]).max().unwrap_or(0)
    }

    fn is_exclusive(&self, task: TaskId) -> bool {
        let is = |a: &Access| a.mode.is_exclusive() || a.mode.is_group();
        self.trace.graph.accesses(task).iter().any(is)
    }
}
