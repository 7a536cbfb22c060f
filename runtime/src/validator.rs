//! The independent judge of a run: what happened, checked from the trace's records alone.
//!
//! It shares no code with the executive. What it takes from elsewhere is plain data: the graph's
//! tasks, objects, accesses and edges, and the cluster's memories, lanes, routes and channels.
//! Dependencies and versions it derives anew from accesses in submission order.
//!
//! ```text
//! facts      the records, sorted: attempts, buffers, uses of every object
//! dangling   records that name what is not there
//! tasks      one attempt each, stamps, lanes, devices, gangs
//! order      precedence, exclusive and racy accesses, control edges
//! fills      what each buffer held when
//! content    inputs in the right version, transfers from what holds something
//! memory     capacities, scratch
//! network    durations, windows of every channel, copy engines
//! results    kept results at home, the makespan
//! away       devices that were lost, and their memories
//! submitted  nothing before its submission
//! violation  what can be wrong
//! ```
//!
//! **Time.** Sorting dominates: `n log n` in accesses, transfers and buffers. Groups are not
//! quadratic, since only the latest end of a phase is compared; windows of a channel are not,
//! since a tree looks at all of them at once.
//!
//! **Instants.** Intervals that touch do not overlap. Where several things happened at one
//! instant and the records do not tell their order, any possible one is accepted.
//!
//! **Worlds.** Simulated traces are held to their network; transfers get 1 ns of slack each for
//! rounding. So are emulated ones, whose transfers may last longer than modelled but not shorter.
//! Measured ones are not, since links are what they are. Everything else is the same
//! for both: a real run's stamps come from one clock and its starts and ends pass through the
//! executive one after another, so nothing needs slack there either; [`Options::slack_ns`] is for
//! clocks that differ.
//!
//! **Losses.** A task may finish more than once if the records say that something it wrote was
//! taken
//! back in between; what they say is believed about when, not about content: every attempt must
//! find its inputs in the right version, and a version is only where an attempt, a transfer or the
//! initial data put it. Attempts and transfers that came to nothing leave nothing that is of use.
//!
//! **Not checked.** How long tasks take (noise is legitimate), and whether a cost model rather
//! than the task's own table lets a device run it: a trace does not carry the model.

mod away;
mod content;
mod dangling;
mod facts;
mod fills;
mod memory;
mod network;
mod order;
mod results;
mod submitted;
mod tasks;
mod violation;

pub use violation::{Direction, Party, Versions, Violation};

use crate::Ns;
use crate::trace::Trace;
use facts::Facts;

/// How strictly a run is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How much the clocks of those who run tasks and transfers, and stamp their starts, may
    /// differ from the executive's, which stamps all else: a start may seem to come this much
    /// before what it must come after.
    pub slack_ns: Ns,
}

/// Everything that is wrong with a run, by the strictest [`Options`]; empty for a valid one.
pub fn validate(trace: &Trace) -> Vec<Violation> {
    validate_with(trace, Options::default())
}

/// Everything that is wrong with a run; empty for a valid one.
///
/// Takes a trace with whatever content, and never panics.
pub fn validate_with(trace: &Trace, options: Options) -> Vec<Violation> {
    let facts = match Facts::new(trace, options) {
        Ok(facts) => facts,
        Err(violations) => return violations,
    };
    let mut violations = Vec::new();
    tasks::check(&facts, &mut violations);
    order::check(&facts, &mut violations);
    let fills = content::check(&facts, &mut violations);
    memory::check(&facts, &mut violations);
    away::check(&facts, &mut violations);
    submitted::check(&facts, &mut violations);
    network::check(&facts, &mut violations);
    results::check(&facts, &fills, &mut violations);
    violations
}

/// Reports the first stamp that is later than the one that comes after it.
fn in_order(facts: &Facts, of: Party, stamps: &[(&'static str, Ns)], out: &mut Vec<Violation>) {
    if let Some(pair) = stamps.windows(2).find(|w| facts.is_after(w[0].1, w[1].1)) {
        let [(earlier, earlier_ns), (later, later_ns)] = [pair[0], pair[1]];
        out.push(Violation::StampsOutOfOrder { of, earlier, earlier_ns, later, later_ns });
    }
}
