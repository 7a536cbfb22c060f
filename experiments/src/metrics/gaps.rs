//! Every idle moment of every lane, and what the lane waited for.
//!
//! A lane is idle between two of its tasks, before the first and after the last one. What it
//! waits for at an instant is what *its next task* lacks at that instant, read off the stamps of
//! the task's record. A stamp outside the gap is moved to the gap's nearest end, and a step counts
//! only when all steps before it are done: a task that a plan placed at time 0 waits for its
//! predecessors all the same.
//!
//! | until         | the next task lacks                                   | cause        |
//! |---------------|-------------------------------------------------------|--------------|
//! | `ready_ns`    | a predecessor's end (or it does not exist yet)        | dependency   |
//! | `placed_ns`   | a decision                                            | scheduler    |
//! | `reserved_ns` | memory for its working set                            | memory       |
//! | `data_ns`     | an input in its memory                                | data         |
//! | `locked_ns`   | an exclusive object that another task holds           | lock         |
//! | last arrival  | the content of an exclusive object it has taken       | data         |
//! | `issued_ns`   | its turn, its gang, or further lanes                  | scheduler    |
//! | `started_ns`  | the driver's latency                                  | launch       |
//!
//! After its last task a lane has no work until the run ends. Attempts that came to nothing and the
//! time in which a lane's device was away are gaps too, with causes of their own.

use crate::record::TimeShares;
use runtime::trace::{InstanceId, TaskRecord};
use runtime::{LaneId, Ns, TaskId, Trace};
use std::collections::BTreeMap;

/// What an idle lane waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its next task's predecessors.
    Dependency,
    /// Inputs of its next task.
    Data,
    /// Memory for its next task.
    Memory,
    /// An exclusive object of its next task.
    Lock,
    /// A decision, or the task's turn.
    Scheduler,
    /// The driver.
    Launch,
    /// Nothing: it had no further task.
    NoWork,
    /// Nothing: it ran an attempt that came to nothing.
    Lost,
    /// Its device, which was away.
    Away,
}

impl Cause {
    /// All causes, in the order of their declaration, in which they are shown.
    pub const ALL: [Self; 9] = [
        Self::Dependency,
        Self::Data,
        Self::Memory,
        Self::Lock,
        Self::Scheduler,
        Self::Launch,
        Self::NoWork,
        Self::Lost,
        Self::Away,
    ];

    /// Its position in [`Cause::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The cause's field of the shares.
    pub fn share(self, shares: &mut TimeShares) -> &mut Ns {
        match self {
            Self::Dependency => &mut shares.dependency_ns,
            Self::Data => &mut shares.data_ns,
            Self::Memory => &mut shares.memory_ns,
            Self::Lock => &mut shares.lock_ns,
            Self::Scheduler => &mut shares.scheduler_ns,
            Self::Launch => &mut shares.launch_ns,
            Self::NoWork => &mut shares.no_work_ns,
            Self::Lost => &mut shares.lost_ns,
            Self::Away => &mut shares.away_ns,
        }
    }

    /// Shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dependency => "dependency",
            Self::Data => "data",
            Self::Memory => "memory",
            Self::Lock => "lock",
            Self::Scheduler => "scheduler",
            Self::Launch => "launch",
            Self::NoWork => "no work",
            Self::Lost => "lost work",
            Self::Away => "device away",
        }
    }
}

/// A stretch of idle time with one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Begin.
    pub start_ns: Ns,
    /// End, after the begin.
    pub end_ns: Ns,
    /// What the lane waited for.
    pub cause: Cause,
    /// The task that ended the wait; `None` after the lane's last one.
    pub next: Option<TaskId>,
}

/// Lanes whose busy and idle time do not add up to the makespan: attempts overlap on a lane, or
/// end after the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "lane {lane}: {busy_ns} ns busy and {idle_ns} ns idle do not add up to the makespan of \
     {makespan_ns} ns"
)]
pub struct Imbalance {
    /// The first such lane.
    pub lane: LaneId,
    /// Sum of its attempts.
    pub busy_ns: Ns,
    /// Sum of its gaps.
    pub idle_ns: Ns,
    /// What both should add up to.
    pub makespan_ns: Ns,
}

/// The gaps of every lane, in time order, adjacent ones of one cause and task joined.
pub fn gaps(trace: &Trace) -> Vec<Vec<Gap>> {
    let arrivals = Arrivals::new(trace);
    let lane_gaps = |lane: Vec<&TaskRecord>| {
        let mut out = Vec::new();
        let mut idle_since_ns = 0;
        for record in lane {
            if record.started_ns > idle_since_ns {
                let steps = steps(record, arrivals.last_ns(trace, record));
                split(idle_since_ns, record.started_ns, &steps, record.task, &mut out);
            }
            idle_since_ns = idle_since_ns.max(record.finished_ns);
        }
        if trace.makespan_ns > idle_since_ns {
            let (start_ns, end_ns) = (idle_since_ns, trace.makespan_ns);
            out.push(Gap { start_ns, end_ns, cause: Cause::NoWork, next: None });
        }
        out
    };
    let mut gaps: Vec<Vec<Gap>> = by_lane(trace).into_iter().map(lane_gaps).collect();
    if !trace.losses.is_empty() {
        for (gaps, losses) in gaps.iter_mut().zip(lost_time(trace)) {
            *gaps = overlaid(gaps, &losses);
        }
    }
    gaps
}

/// By lane: attempts that came to nothing and outages, in time order; they do not overlap.
fn lost_time(trace: &Trace) -> Vec<Vec<Gap>> {
    let devices = &trace.header.cluster.devices;
    let mut first_lane = vec![0usize];
    devices
        .iter()
        .for_each(|d| first_lane.push(first_lane[first_lane.len() - 1] + d.lanes as usize));
    let mut lanes: Vec<Vec<Gap>> = vec![Vec::new(); first_lane[devices.len()]];
    let mut add = |of: std::ops::Range<usize>, start_ns: Ns, end_ns: Ns, cause, next| {
        let end_ns = end_ns.min(trace.makespan_ns);
        for lane in of.filter(|_| start_ns < end_ns) {
            lanes[lane].push(Gap { start_ns, end_ns, cause, next });
        }
    };
    for a in &trace.losses.attempts {
        let first = a.lane.index();
        let of = first..first + a.lanes as usize;
        add(of, a.issued_ns, a.ended_ns, Cause::Lost, Some(a.task));
    }
    for o in &trace.losses.outages {
        let of = first_lane[o.device.index()]..first_lane[o.device.index() + 1];
        add(of, o.from_ns, o.until_ns, Cause::Away, None);
    }
    lanes.iter_mut().for_each(|lane| lane.sort_by_key(|g| (g.start_ns, g.end_ns)));
    lanes
}

/// Gaps with what `losses` cover put in their place; what is left of a gap keeps its cause.
fn overlaid(gaps: &[Gap], losses: &[Gap]) -> Vec<Gap> {
    let mut out = Vec::with_capacity(gaps.len() + 2 * losses.len());
    for gap in gaps {
        let mut now_ns = gap.start_ns;
        let inside = losses.iter().filter(|l| l.start_ns < gap.end_ns && l.end_ns > gap.start_ns);
        for loss in inside {
            let (start_ns, end_ns) = (loss.start_ns.max(now_ns), loss.end_ns.min(gap.end_ns));
            if start_ns > now_ns {
                out.push(Gap { start_ns: now_ns, end_ns: start_ns, ..*gap });
            }
            if end_ns > start_ns {
                out.push(Gap { start_ns, end_ns, ..*loss });
            }
            now_ns = now_ns.max(end_ns);
        }
        if gap.end_ns > now_ns {
            out.push(Gap { start_ns: now_ns, ..*gap });
        }
    }
    out
}

/// The attempts of every lane by start.
pub fn by_lane(trace: &Trace) -> Vec<Vec<&TaskRecord>> {
    let count = trace.header.cluster.devices.iter().map(|d| d.lanes as usize).sum();
    let mut lanes: Vec<Vec<&TaskRecord>> = vec![Vec::new(); count];
    for record in &trace.tasks {
        let first = record.lane.index();
        lanes[first..first + record.lanes as usize].iter_mut().for_each(|l| l.push(record));
    }
    for lane in &mut lanes {
        lane.sort_by_key(|r| (r.started_ns, r.finished_ns, r.task));
    }
    lanes
}

/// Whether every lane's busy and idle time, each computed by itself, add up to the makespan.
///
/// # Errors
/// The first lane for which they do not.
pub fn check_balance(trace: &Trace) -> Result<(), Imbalance> {
    let makespan_ns = trace.makespan_ns;
    for (i, (busy, idle)) in by_lane(trace).iter().zip(gaps(trace)).enumerate() {
        let busy_ns: Ns = busy.iter().map(|r| r.finished_ns.saturating_sub(r.started_ns)).sum();
        let idle_ns: Ns = idle.iter().map(|g| g.end_ns - g.start_ns).sum();
        if busy_ns + idle_ns != makespan_ns {
            let lane = LaneId::from_index(i);
            return Err(Imbalance { lane, busy_ns, idle_ns, makespan_ns });
        }
    }
    Ok(())
}

type Step = (Ns, Cause);

/// When each step towards the start was done, in order. The last one ends the gap.
fn steps(record: &TaskRecord, last_arrival_ns: Ns) -> [Step; 8] {
    [
        (record.ready_ns, Cause::Dependency),
        (record.placed_ns, Cause::Scheduler),
        (record.reserved_ns, Cause::Memory),
        (record.data_ns, Cause::Data),
        (record.locked_ns, Cause::Lock),
        (last_arrival_ns, Cause::Data),
        (record.issued_ns, Cause::Scheduler),
        (record.started_ns, Cause::Launch),
    ]
}

fn split(start_ns: Ns, end_ns: Ns, steps: &[Step], next: TaskId, out: &mut Vec<Gap>) {
    let mut now_ns = start_ns;
    for &(done_ns, cause) in steps {
        let done_ns = done_ns.clamp(now_ns, end_ns);
        if done_ns == now_ns {
            continue;
        }
        match out.last_mut() {
            Some(last)
                if last.end_ns == now_ns && last.cause == cause && last.next == Some(next) =>
            {
                last.end_ns = done_ns;
            }
            _ => out.push(Gap { start_ns: now_ns, end_ns: done_ns, cause, next: Some(next) }),
        }
        now_ns = done_ns;
    }
}

/// When content last arrived in each buffer. The content of an exclusive object is fetched after
/// the object was taken, which the stamps of the task do not show.
#[derive(Default)]
struct Arrivals {
    last_ns: BTreeMap<InstanceId, Ns>,
}

impl Arrivals {
    fn new(trace: &Trace) -> Self {
        let mut arrivals = Self::default();
        let is_exclusive = |t| trace.graph.accesses(t).iter().any(|a| a.mode.is_exclusive());
        if trace.graph.task_ids().any(is_exclusive) {
            for copy in &trace.copies {
                let last = arrivals.last_ns.entry(copy.to).or_default();
                *last = copy.finished_ns.max(*last);
            }
        }
        arrivals
    }

    /// The last arrival, until its issue, in a buffer that the attempt has taken exclusively.
    fn last_ns(&self, trace: &Trace, record: &TaskRecord) -> Ns {
        if self.last_ns.is_empty() {
            return 0;
        }
        let accesses = trace.graph.accesses(record.task);
        let exclusive = accesses.iter().zip(trace.buffers_of(record));
        let exclusive = exclusive.filter(|(access, _)| access.mode.is_exclusive());
        let arrivals = exclusive.filter_map(|(_, buffer)| self.last_ns.get(buffer));
        arrivals.copied().filter(|at_ns| *at_ns <= record.issued_ns).max().unwrap_or(0)
    }
}
