//! Time never runs back: in the input log, and in every list of records, which are in the order in
//! which they were completed.

use super::Breach;
use runtime::trace::{Trace, World};
use runtime::{Input, Ns};

pub(super) fn check(trace: &Trace, out: &mut Vec<Breach>) {
    ordered("input", trace.inputs.iter().map(|i| i.at_ns), out);
    ordered("task", trace.tasks.iter().map(|t| t.finished_ns), out);
    ordered("transfer", trace.copies.iter().map(|c| c.finished_ns), out);
    ordered("call", trace.thoughts.iter().map(|t| t.asked_ns), out);
    ordered("lost attempt", trace.losses.attempts.iter().map(|a| a.ended_ns), out);
    ordered("lost transfer", trace.losses.copies.iter().map(|c| c.finished_ns), out);
    ordered("rollback", trace.losses.rollbacks.iter().map(|r| r.at_ns), out);
    within(trace, "task", trace.tasks.iter().map(|t| (t.started_ns, t.finished_ns)), out);
    if trace.header.world == World::Simulated {
        within(trace, "transfer", trace.copies.iter().map(|c| (c.started_ns, c.finished_ns)), out);
    }
    within(trace, "input", trace.inputs.iter().filter_map(span), out);
}

/// What an input says about a time before it.
fn span(record: &runtime::trace::InputRecord) -> Option<(Ns, Ns)> {
    match record.input {
        Input::Finished { started_ns, .. }
        | Input::Copied { started_ns, .. }
        | Input::AttemptFailed { started_ns, .. } => Some((started_ns, record.at_ns)),
        _ => None,
    }
}

fn ordered(list: &'static str, instants: impl Iterator<Item = Ns>, out: &mut Vec<Breach>) {
    let mut before_ns = 0;
    for (position, at_ns) in instants.enumerate() {
        if at_ns < before_ns {
            return out.push(Breach::ClockRunsBack { list, position, before_ns, at_ns });
        }
        before_ns = at_ns;
    }
}

/// Nothing starts after its end or ends after the run.
fn within(
    trace: &Trace,
    list: &'static str,
    spans: impl Iterator<Item = (Ns, Ns)>,
    out: &mut Vec<Breach>,
) {
    let makespan_ns = trace.makespan_ns;
    for (position, (started_ns, at_ns)) in spans.enumerate() {
        if started_ns > at_ns {
            out.push(Breach::ClockRunsBack { list, position, before_ns: started_ns, at_ns });
        }
        if at_ns > makespan_ns {
            out.push(Breach::AfterTheEnd { list, position, at_ns, makespan_ns });
        }
    }
}
