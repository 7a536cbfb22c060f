//! Each law, broken by hand in the trace of a good run.

use runtime::trace::Trace;
use runtime::{Input, Ns};
use windtunnel_tests::cases::{self, Features};
use windtunnel_tests::conformance::Case;
use windtunnel_tests::conservation::{Breach, check};

/// A run with transfers that share links, in memories that are just large enough.
fn good() -> Trace {
    let features = Features { groups: false, several_cores: false, ..Features::all(60) };
    let wanted = |trace: &Trace| {
        let is_moved = |bytes| trace.copies.iter().filter(|c| c.bytes > bytes).count();
        is_moved(500) > 12 && check(trace).is_ok_and(|books| books.flows_followed > 12)
    };
    let mct = schedulers::find("round-robin").expect("it is registered");
    let runs = (0..200).map(|seed| {
        let graph = cases::graph(seed, features);
        let largest = graph.task_ids().map(|t| graph.working_set_bytes(t)).max().unwrap_or(0);
        let spec = cases::with_small_memories(cases::cluster(seed), largest.max(1));
        sim::run(Case::on(graph, spec, seed).spec(mct)).expect("it runs").trace
    });
    runs.into_iter().find(wanted).expect("one of the cases moves that much")
}

fn broken(change: impl FnOnce(&mut Trace)) -> Vec<Breach> {
    let mut trace = good();
    change(&mut trace);
    check(&trace).expect_err("the law is broken")
}

fn one(breaches: &[Breach], is: impl Fn(&Breach) -> bool) {
    assert!(breaches.iter().any(is), "{breaches:#?}");
}

#[test]
fn a_clock_that_runs_back() {
    let found = broken(|t| {
        let last = t.inputs.len() - 1;
        t.inputs[last].at_ns = 0;
    });
    one(&found, |b| matches!(b, Breach::ClockRunsBack { list: "input", .. }));
    let found = broken(|t| t.makespan_ns -= 1);
    one(&found, |b| matches!(b, Breach::AfterTheEnd { .. }));
}

#[test]
fn bytes_that_are_lost_or_made() {
    let found = broken(|t| {
        let is_arrival = |i: &runtime::trace::InputRecord| matches!(i.input, Input::Copied { .. });
        let at = t.inputs.iter().position(is_arrival).unwrap();
        t.inputs.remove(at);
    });
    one(&found, |b| matches!(b, Breach::ArrivalsDiffer { sent: 1, received: 0, .. }));
    let found = broken(|t| {
        t.copies.pop();
    });
    one(&found, |b| matches!(b, Breach::ArrivalsDiffer { sent: 0, received: 1, .. }));
    let found = broken(|t| t.copies[0].bytes += 1);
    one(&found, |b| matches!(b, Breach::BytesDiffer { .. }));
    let found = broken(|t| {
        let copy = t.copies[0];
        t.copies[0].target = copy.source;
    });
    one(&found, |b| matches!(b, Breach::Elsewhere { .. }));
}

#[test]
fn time_of_lanes_that_does_not_add_up() {
    let found = broken(|t| {
        let at = t.tasks.iter().position(|t| t.started_ns < t.finished_ns).unwrap();
        t.tasks[at].started_ns += 1;
    });
    one(&found, |b| matches!(b, Breach::NotTiled { .. }));
    let found = broken(|t| {
        t.tasks.pop();
    });
    one(&found, |b| matches!(b, Breach::EndsDiffer { .. }));
}

#[test]
fn a_wait_for_what_has_long_been_there() {
    let found = broken(|t| {
        // Every task claims to have been ready just when it started.
        t.tasks.iter_mut().for_each(|r| r.ready_ns = r.started_ns);
    });
    one(&found, |b| matches!(b, Breach::WrongCause { .. }));
}

#[test]
fn a_memory_that_holds_more_than_it_can() {
    let found = broken(|t| {
        let memories = &t.header.cluster.memories;
        let at = |b: &runtime::trace::BufferRecord| memories[b.memory.index()].capacity_bytes;
        let bounded: Vec<usize> =
            (0..t.buffers.len()).filter(|i| at(&t.buffers[*i]).is_some()).collect();
        bounded.into_iter().for_each(|i| t.buffers[i].released_ns = Ns::MAX);
    });
    one(&found, |b| matches!(b, Breach::MemoryOverfull { .. }));
}

#[test]
fn links_that_carry_more_or_less_than_they_should() {
    for factor in [0.5, 2.0] {
        let found = broken(|t| {
            t.header.cluster.links.iter_mut().for_each(|l| l.bytes_per_s *= factor);
        });
        one(&found, |b| matches!(b, Breach::WrongRate { .. }));
    }
}
