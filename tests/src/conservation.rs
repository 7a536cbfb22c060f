//! Conservation laws that every simulated run keeps, whatever was run, where and by whom.
//!
//! [`check`] reads a trace with its graph and cluster, and shares no code with the simulator or
//! the executive. What `runtime::validator` checks too is checked here by another road: the
//! validator asks whether a run *may* have been like that, these laws ask whether everything adds
//! up.
//!
//! | law | here | in `runtime::validator` |
//! |---|---|---|
//! | the clock never runs back | the input log, and every list of records in its order (`clock`) | the stamps of each record |
//! | bytes sent = bytes received | records of transfers against arrivals in the input log and the buffers that took them (`bytes`) | versions and contents of buffers |
//! | busy + idle = makespan x lanes | attempts by the input log and gaps by `experiments::metrics`, which tile every lane; causes of gaps against graph and transfers (`lanes`) | no lane twice at once |
//! | no memory above its capacity | the bytes allocated at every instant (`memory`) | the same, with what lives for an instant only |
//! | no link above its bandwidth | textbook max-min rates between all instants at which a flow begins or ends: what each flow carries at them is what it was to carry (`links`) | windows: transfers inside fit |
//!
//! What is checked for simulated traces alone is said where it is checked.

mod bytes;
mod clock;
mod lanes;
mod links;
mod memory;

use experiments::metrics::Cause;
use runtime::trace::Trace;
use runtime::{Cluster, CopyId, LaneId, MemoryId, Ns, TaskId};

/// What a run amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Bytes that transfers took out of memories, over all that arrived.
    pub sent_bytes: u64,
    /// Bytes that arrived in memories.
    pub received_bytes: u64,
    /// Lane-nanoseconds of attempts that finished.
    pub busy_ns: Ns,
    /// Lane-nanoseconds of gaps between them.
    pub idle_ns: Ns,
    /// Transfers whose rates were followed from their begin to their end.
    pub flows_followed: usize,
}

/// A law that a run has broken. Instants and durations are in nanoseconds.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // The messages say what the fields are.
pub enum Breach {
    #[error("{list} record {position} is of {at_ns} ns, the one before it of {before_ns} ns")]
    ClockRunsBack { list: &'static str, position: usize, before_ns: Ns, at_ns: Ns },
    #[error("{list} record {position} ends at {at_ns} ns, after the makespan of {makespan_ns} ns")]
    AfterTheEnd { list: &'static str, position: usize, at_ns: Ns, makespan_ns: Ns },
    #[error(
        "{sent} transfers were under way from {started_ns} to {at_ns} ns, and {received} arrived"
    )]
    ArrivalsDiffer { at_ns: Ns, started_ns: Ns, sent: usize, received: usize },
    #[error(
        "transfer {copy} took {sent_bytes} bytes out of a buffer of {held_bytes} into one of \
             {received_bytes}"
    )]
    BytesDiffer { copy: CopyId, sent_bytes: u64, held_bytes: u64, received_bytes: u64 },
    #[error(
        "transfer {copy} was from {from} to {to}, but its buffers are in {source_memory} and \
             {target_memory}"
    )]
    Elsewhere {
        copy: CopyId,
        from: MemoryId,
        to: MemoryId,
        source_memory: MemoryId,
        target_memory: MemoryId,
    },
    #[error(
        "the input log ends {inputs} attempts of task {task} at {at_ns} ns, the records {records}"
    )]
    EndsDiffer { task: TaskId, at_ns: Ns, inputs: usize, records: usize },
    #[error("lane {lane} is accounted for up to {until_ns} ns, and then from {from_ns} ns on")]
    NotTiled { lane: LaneId, until_ns: Ns, from_ns: Ns },
    #[error("lanes were busy for {busy_ns} ns and idle for {idle_ns} ns, in all not {expected_ns}")]
    TimeDiffers { busy_ns: Ns, idle_ns: Ns, expected_ns: Ns },
    #[error(
        "lane {lane} is said to wait until {until_ns} ns before task {task} for {cause:?}, \
             but what that is was over at {over_ns} ns"
    )]
    WrongCause { lane: LaneId, task: TaskId, cause: Cause, until_ns: Ns, over_ns: Ns },
    #[error("{memory} held {used_bytes} bytes at {at_ns} ns, its capacity is {capacity_bytes}")]
    MemoryOverfull { memory: MemoryId, at_ns: Ns, used_bytes: u64, capacity_bytes: u64 },
    #[error(
        "transfer {copy} of {bytes} bytes carried {carried} at fair rates by its end at \
             {at_ns} ns, and {last_ns} ns before that had {before}"
    )]
    WrongRate { copy: CopyId, bytes: u64, carried: f64, at_ns: Ns, last_ns: Ns, before: f64 },
}

/// Does the books of a finished run.
///
/// Sorting dominates, but for `max-min` networks, whose rates are computed from nothing at every
/// instant at which a transfer begins or ends: quadratic in transfers, and left out where there are
/// more than a few thousand ([`Books::flows_followed`] says so).
///
/// # Errors
/// Every law that is broken, in the order of the table above.
///
/// # Panics
/// For a trace that is none: one whose cluster or records name what is not there.
pub fn check(trace: &Trace) -> Result<Books, Vec<Breach>> {
    let cluster = Cluster::new(trace.header.cluster.clone()).expect("the run had a cluster");
    let (mut books, mut breaches) = (Books::default(), Vec::new());
    clock::check(trace, &mut breaches);
    bytes::check(trace, &mut books, &mut breaches);
    lanes::check(trace, &mut books, &mut breaches);
    memory::check(trace, &mut breaches);
    links::check(trace, &cluster, &mut books, &mut breaches);
    if breaches.is_empty() { Ok(books) } else { Err(breaches) }
}
