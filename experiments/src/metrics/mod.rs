//! What a trace says about its run, in numbers.
//!
//! [`measure`] makes the [`Metrics`] of a record; [`gaps()`] says for every idle moment of every
//! lane what it waited for; [`losses`] what went wrong and what was done about it; [`bound`] has
//! the
//! lower bounds that makespans are compared with; [`memory`] the bytes allocated over time;
//! [`kernels`] adds durations up by kernel; [`energy`] adds powers up to joules;
//! [`arrivals`] has what became of each of several graphs.

pub mod arrivals;
pub mod bound;
pub mod energy;
pub mod gaps;
pub mod kernels;
pub mod losses;
pub mod memory;
#[cfg(test)]
mod tests;

pub use bound::{drawn_bound, drawn_bound_of_part, measured_bound, proved_bound};
pub use gaps::{Cause, Gap, Imbalance, by_lane, check_balance, gaps};

use crate::record::{Metrics, TimeShares};
use runtime::bounds::Bound;
use runtime::trace::CopyReason;
use runtime::{Cluster, Trace};

/// The metrics of a finished run on `cluster`, which is the trace's.
///
/// `bound` is a lower bound on the durations that were drawn ([`drawn_bound`] gives it for a
/// simulation); without one, [`measured_bound`] derives it from the trace alone.
pub fn measure(trace: &Trace, cluster: &Cluster, bound: Option<Bound>) -> Metrics {
    let bound = bound.or_else(|| measured_bound(trace));
    let write_backs = trace.copies.iter().filter(|c| c.reason == CopyReason::WriteBack).count();
    Metrics {
        makespan_ns: trace.makespan_ns,
        bound_ns: bound.map_or(0, |b| b.makespan_ns),
        bound: bound.map(|b| b.kind),
        tasks: trace.tasks.len(),
        digest: format!("{:016x}", trace.digest()),
        time: shares(trace),
        bytes_moved: trace.copies.iter().map(|c| c.bytes).sum(),
        transfers: trace.copies.len() as u64,
        write_backs: write_backs as u64,
        peak_bytes: memory::peaks(&memory::timelines(trace)),
        thinking_ns: trace.thoughts.iter().map(|t| t.thinking_ns).sum(),
        decisions: trace.thoughts.iter().map(|t| u64::from(t.decisions)).sum(),
        refused: trace.thoughts.iter().map(|t| u64::from(t.refused)).sum(),
        transfer_ns: trace.copies.iter().map(|c| c.finished_ns.saturating_sub(c.started_ns)).sum(),
        kernels: kernels::times(trace),
        plans: Vec::new(),
        losses: losses::measure(trace),
        energy: energy::measure(trace, cluster),
        arrivals: None,
    }
}

/// Busy time from the attempts, idle time from the gaps between them: neither is derived from the
/// other, so that [`check_balance`] can compare their sum with makespan times lanes.
pub fn shares(trace: &Trace) -> TimeShares {
    let busy = |t: &runtime::trace::TaskRecord| {
        t.finished_ns.saturating_sub(t.started_ns) * u64::from(t.lanes)
    };
    let mut shares =
        TimeShares { compute_ns: trace.tasks.iter().map(busy).sum(), ..TimeShares::default() };
    for gap in gaps(trace).iter().flatten() {
        *gap.cause.share(&mut shares) += gap.end_ns - gap.start_ns;
    }
    shares
}
