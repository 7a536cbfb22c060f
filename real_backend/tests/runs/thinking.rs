//! How thinking and timers are served.

use crate::clusters::{host, spec};
use crate::schedulers::Eager;
use real_backend::{RunOutput, RunSpec, measured_thinking, run};
use runtime::executive::Thinking;
use runtime::replay::replay_inputs;
use runtime::{Decisions, Event, Scheduler, TaskGraph, TaskId, TaskSpec, View};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Thinks hard, for so much processor time, whenever it is asked; then does as [`Eager`].
struct Thinker(Duration);

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

impl Scheduler for Thinker {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        let begun = processor_time();
        while processor_time() - begun < self.0 {}
        Eager::default().decide(events, view, out);
    }
}

fn chain(tasks: u32) -> TaskGraph {
    let mut graph = TaskGraph::new("chain");
    let kernel = graph.kernel("empty");
    for task in 0..tasks {
        let after = [TaskId(task.wrapping_sub(1))];
        let after = if task > 0 { &after[..] } else { &[] };
        graph.submit(TaskSpec { after, ..TaskSpec::new(kernel) }).unwrap();
    }
    graph
}

fn thought(tasks: u32, real_ms: u64, thinking: Thinking) -> RunOutput {
    let scheduler = || Thinker(Duration::from_millis(real_ms));
    let spec = spec(chain(tasks), host(2), scheduler());
    let output = run(RunSpec { thinking, ..spec }).unwrap();
    let replayed = replay_inputs(&output.trace, Box::new(scheduler())).unwrap();
    assert_eq!(replayed.digest, output.digest);
    output
}

#[test]
fn free_thinking_costs_the_time_that_passes_but_for_the_first_call() {
    let output = thought(2, 30, Thinking::Free);
    assert!(output.planning_ns >= 30_000_000);
    // Time begins after the first call. Asked again after the first task; what it thinks after
    // the last one is lost on the run.
    let tasks = &output.trace.tasks;
    assert!(tasks[0].started_ns < 25_000_000, "{output:?}");
    assert!(tasks[1].started_ns - tasks[0].finished_ns >= 30_000_000, "{output:?}");
    assert!(output.trace.thoughts.iter().all(|t| t.thinking_ns == 0));
}

#[test]
fn measured_thinking_is_charged_once() {
    let output = thought(2, 100, measured_thinking());
    let (tasks, thoughts) = (&output.trace.tasks, &output.trace.thoughts);
    assert!(thoughts[0].asked_ns == 0 && thoughts[0].thinking_ns >= 100_000_000, "{thoughts:?}");
    // The first call's thinking is in the makespan too, and nobody waits for it a second time.
    let waited_ns = tasks[0].started_ns - thoughts[0].thinking_ns;
    assert!(waited_ns < 90_000_000, "{waited_ns}");
    assert!(tasks[1].started_ns - tasks[0].finished_ns >= 100_000_000, "{output:?}");
}

#[test]
fn fixed_thinking_lasts_as_long_as_it_says() {
    let output = thought(3, 0, Thinking::Fixed(15_000_000));
    let tasks = &output.trace.tasks;
    assert!(tasks[0].started_ns >= 15_000_000);
    assert!(tasks[1].started_ns - tasks[0].finished_ns >= 15_000_000);
    assert!(output.makespan_ns >= 45_000_000, "{output:?}");
    assert!(output.trace.thoughts.iter().all(|t| t.thinking_ns == 15_000_000));
}

#[test]
fn timers_ring_when_they_are_due_and_not_before() {
    struct Waits(u64);
    impl Scheduler for Waits {
        fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
            for event in events {
                match event {
                    Event::Ready { .. } => out.wake(view.now_ns() + self.0),
                    Event::Timer => out.place(TaskId(view.finished() as u32), runtime::DeviceId(0)),
                    _ => {}
                }
            }
        }
    }
    let output = run(spec(chain(5), host(1), Waits(3_000_000))).unwrap();
    let mut ready_ns = 0;
    for task in &output.trace.tasks {
        let waited_ns = task.started_ns - ready_ns;
        assert!((3_000_000..200_000_000).contains(&waited_ns), "{waited_ns}");
        ready_ns = task.finished_ns;
    }
}
