//! The `windtunnel` command as its end-to-end tests run it: with three schedulers of its own, which
//! fail in known ways. It is also the example of a program that brings its own scheduler.

use runtime::registry::{ParameterInfo, SchedulerInfo};
use runtime::{Decisions, DeviceId, Event, Scheduler, View};
use std::process::ExitCode;

const NONE: &[ParameterInfo] = &[];

/// Panics at its first decision.
struct Panics;

impl Scheduler for Panics {
    fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {
        panic!("this scheduler <b>always</b> panics");
    }
}

/// Never places anything.
struct Idles;

impl Scheduler for Idles {
    fn decide(&mut self, _: &[Event], _: &View<'_>, _: &mut Decisions) {}
}

/// Places everything on the first device, taking its time.
struct Dawdles;

impl Scheduler for Dawdles {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        std::thread::sleep(std::time::Duration::from_millis(5));
        for event in events {
            if let Event::Ready { task } = *event {
                out.place(task, DeviceId(0));
            }
        }
    }
}

const EXTRA: [SchedulerInfo; 3] = [
    SchedulerInfo {
        name: "panics",
        summary: "panics at its first decision",
        paper: "",
        parameters: NONE,
        build: |_, _| Box::new(Panics),
    },
    SchedulerInfo {
        name: "idles",
        summary: "never places anything",
        paper: "",
        parameters: NONE,
        build: |_, _| Box::new(Idles),
    },
    SchedulerInfo {
        name: "dawdles",
        summary: "places everything on the first device, 5 ms a decision",
        paper: "",
        parameters: NONE,
        build: |_, _| Box::new(Dawdles),
    },
];

fn main() -> ExitCode {
    experiments::cli::main_with(&EXTRA)
}
