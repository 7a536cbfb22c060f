//! Schedulers that err are caught and named, and never hang or crash a run.

use runtime::executive::{Failure, Stall};
use runtime::scheduler::Refusal;
use runtime::{Decisions, DeviceId, Event, LaneId, Scheduler, TaskId, View};
use sim::{SimError, SimSpec};
use std::sync::{Arc, Mutex};
use windtunnel_tests::cases::Features;
use windtunnel_tests::conformance::Case;

type Decide = fn(&Event, &View<'_>, &mut Decisions);

/// Decides by a function of each event, and notes what was refused.
struct Rogue {
    decide: Decide,
    refusals: Arc<Mutex<Vec<Refusal>>>,
}

impl Scheduler for Rogue {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Refused { reason, .. } = event {
                self.refusals.lock().unwrap().push(reason.clone());
            }
            (self.decide)(event, view, out);
        }
    }
}

fn run(decide: Decide) -> (Result<u64, SimError>, Vec<Refusal>) {
    let features = Features { tasks: 20, several_cores: false, groups: false, unrelated: false };
    let case = Case::new(5, features);
    assert!(case.graph.len() > 3);
    let refusals = Arc::new(Mutex::new(Vec::new()));
    let rogue = Rogue { decide, refusals: Arc::clone(&refusals) };
    let spec = SimSpec::new(case.graph, case.cluster, case.costs, Box::new(rogue));
    let result = sim::run(spec).map(|o| o.makespan_ns);
    let refusals = refusals.lock().unwrap().clone();
    (result, refusals)
}

fn place_ready(event: &Event, out: &mut Decisions) {
    if let Event::Ready { task } = *event {
        out.place(task, DeviceId(0));
    }
}

#[test]
fn one_that_never_places_is_named_as_the_cause() {
    let (result, _) = run(|_, _, _| {});
    let Err(SimError::Stalled { stall: Stall::NeverPlaced { count, .. }, .. }) = result else {
        panic!("expected a stall, got {result:?}");
    };
    assert!(count > 0);
}

#[test]
fn unknown_devices_tasks_and_lanes_are_refused_with_their_reason() {
    let (result, refusals) = run(|event, _, out| {
        if let Event::Ready { task } = *event {
            out.place(task, DeviceId(99));
            out.place(TaskId(9999), DeviceId(0));
            out.place_on(task, DeviceId(0), LaneId(4000), 0);
        }
        place_ready(event, out);
    });
    assert!(result.is_ok(), "good decisions beside bad ones are carried out");
    assert!(refusals.contains(&Refusal::UnknownDevice(DeviceId(99))));
    assert!(refusals.contains(&Refusal::UnknownTask(TaskId(9999))));
    assert!(refusals.contains(&Refusal::WrongLane(LaneId(4000))));
}

#[test]
fn a_task_placed_after_it_was_issued_is_refused() {
    let (result, refusals) = run(|event, _, out| {
        place_ready(event, out);
        if let Event::Finished { task, .. } = *event {
            out.place(task, DeviceId(0));
        }
    });
    assert!(result.is_ok());
    assert!(refusals.contains(&Refusal::AlreadyIssued));
}

#[test]
fn placing_twice_before_the_issue_moves_the_task() {
    let (result, refusals) = run(|event, view, out| {
        if let Event::Ready { task } = *event {
            let last = view.cluster().device_count() as u32 - 1;
            out.place(task, DeviceId(last));
            out.place(task, DeviceId(0));
        }
    });
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(refusals, []);
}

#[test]
fn one_that_repeats_a_refused_decision_for_ever_is_stopped() {
    let (result, _) = run(|_, _, out| out.place(TaskId(0), DeviceId(99)));
    let Err(SimError::Failed { failure, .. }) = result else { panic!("{result:?}") };
    assert!(matches!(failure, Failure::RefusedForever { .. }), "{failure}");
}

#[test]
fn one_that_gives_up_ends_the_run_with_its_words() {
    let (result, _) = run(|_, _, out| out.give_up("no idea"));
    let Err(SimError::Failed { failure, .. }) = result else { panic!("{result:?}") };
    assert_eq!(failure.to_string(), "the scheduler gave up: no idea");
}
