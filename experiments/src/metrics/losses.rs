//! What went wrong in a run, in numbers.

use crate::record::LossMetrics;
use runtime::scheduler::Cause;
use runtime::{Ns, Trace};

/// `None` for a run without losses.
pub fn measure(trace: &Trace) -> Option<LossMetrics> {
    let losses = &trace.losses;
    if losses.is_empty() {
        return None;
    }
    let end_ns = trace.makespan_ns;
    let lost = |a: &runtime::trace::LostAttempt| (a.ended_ns - a.issued_ns) * u64::from(a.lanes);
    let lanes = |d: runtime::DeviceId| u64::from(trace.header.cluster.devices[d.index()].lanes);
    let away = |o: &runtime::trace::Outage| {
        (o.until_ns.min(end_ns).saturating_sub(o.from_ns.min(end_ns))) * lanes(o.device)
    };
    let finished = trace.tasks.len();
    // Of each task the last attempt counts; what came before it was made again.
    let mut last = vec![0; trace.graph.len()];
    trace.tasks.iter().enumerate().for_each(|(at, t)| last[t.task.index()] = at);
    let redone: Ns = (trace.tasks.iter().enumerate())
        .filter(|(at, t)| last[t.task.index()] != *at)
        .map(|(_, t)| (t.finished_ns - t.started_ns) * u64::from(t.lanes))
        .sum();
    Some(LossMetrics {
        outages: losses.outages.len() as u64,
        away_ns: losses.outages.iter().map(away).sum(),
        lost_attempts: losses.attempts.len() as u64,
        lost_ns: losses.attempts.iter().map(lost).sum(),
        redone_tasks: finished.saturating_sub(trace.graph.len()) as u64,
        redone_ns: redone,
        recoveries: recoveries(trace),
        retries: losses.attempts.iter().filter(|a| a.cause == Cause::Failed).count() as u64,
        lineage_depth: lineage_depth(trace),
        link_changes: losses.links.len() as u64,
        // The others were under way when the run was done.
        cut_transfers: losses.copies.iter().filter(|c| c.finished_ns < end_ns).count() as u64,
    })
}

/// The longest chain of tasks that ran again, each depending on the one before.
fn lineage_depth(trace: &Trace) -> u64 {
    let mut attempts = vec![0u32; trace.graph.len()];
    trace.tasks.iter().for_each(|t| attempts[t.task.index()] += 1);
    let mut depth = vec![0u64; attempts.len()];
    // Predecessors have smaller numbers.
    for task in trace.graph.task_ids().filter(|t| attempts[t.index()] > 1) {
        let before = trace.graph.predecessors(task).map(|p| depth[p.index()]).max();
        depth[task.index()] = 1 + before.unwrap_or(0);
    }
    depth.into_iter().max().unwrap_or(0)
}

/// Instants at which objects were taken back to be made again.
fn recoveries(trace: &Trace) -> u64 {
    let mut at_ns: Vec<Ns> = trace.losses.rollbacks.iter().map(|r| r.at_ns).collect();
    at_ns.sort_unstable();
    at_ns.dedup();
    at_ns.len() as u64
}
