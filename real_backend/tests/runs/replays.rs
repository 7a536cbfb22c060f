//! A real run's log, stepped through a fresh executive and scheduler, gives the same commands.

use crate::clusters::{host, spec, star};
use crate::modes::check;
use crate::schedulers::{AnyLane, ByPriority, Eager, Random, Wild};
use crate::stamps::Stamped;
use real_backend::RunSpec;
use runtime::replay::{ReplayError, replay_inputs};
use runtime::scheduler::{LaneOrder, Options};
use runtime::trace::{read_trace, write_trace};
use runtime::{Input, Mode, Planned, Scheduler};

const MODES: [Mode; 4] = [Mode::Read, Mode::Write, Mode::ReadWrite, Mode::Commutative];

fn schedulers() -> [(&'static str, Box<dyn Scheduler>); 5] {
    let options = Options { lane_order: LaneOrder::Runnable, ..Options::default() };
    let slow = Options { decision_interval_ns: 100_000, ..options };
    [
        ("eager", Box::new(Eager::default())),
        ("priority", Box::new(ByPriority)),
        ("planned", Box::new(Planned::new(AnyLane(Random(1))))),
        ("wild", Box::new(Wild::new(2, 500, options))),
        ("in batches", Box::new(Wild::new(3, 500, slow))),
    ]
}

#[test]
fn several_schedulers_repeat_themselves_also_from_a_file() {
    for cluster in [host(3), star(&[1, 2], None)] {
        let stamped = Stamped::random(&mut Random(11), 300, 1, &MODES);
        for (at, (name, scheduler)) in schedulers().into_iter().enumerate() {
            let plain = spec(stamped.graph.clone(), cluster.clone(), ByPriority);
            let output = check(&stamped, RunSpec { scheduler, ..plain });
            let fresh = || schedulers().into_iter().nth(at).unwrap().1;
            let replayed = replay_inputs(&output.trace, fresh()).unwrap();
            assert_eq!(replayed.digest, output.digest, "{name}");
            let mut file = Vec::new();
            write_trace(&output.trace, &mut file).unwrap();
            let read = read_trace(&mut file.as_slice()).unwrap();
            assert_eq!(replay_inputs(&read, fresh()).unwrap().digest, output.digest, "{name}");
        }
    }
}

#[test]
fn another_scheduler_or_a_changed_log_is_noticed() {
    let stamped = Stamped::random(&mut Random(12), 100, 1, &MODES);
    let output = check(&stamped, spec(stamped.graph.clone(), host(2), Eager::default()));
    let other = replay_inputs(&output.trace, Box::new(Planned::new(AnyLane(Random(1)))));
    assert!(other.is_err() || other.unwrap().digest != output.digest);
    let replay = |change: &dyn Fn(&mut Vec<runtime::trace::InputRecord>)| {
        let mut trace = output.trace.clone();
        change(&mut trace.inputs);
        replay_inputs(&trace, Box::new(Eager::default()))
    };
    let twice = replay(&|inputs| inputs.push(inputs.last().unwrap().clone()));
    assert!(matches!(twice, Err(ReplayError::Parted { .. })), "{twice:?}");
    let back = replay(&|inputs| inputs[5].at_ns = u64::MAX);
    assert!(matches!(back, Err(ReplayError::Disordered { step: 6, .. })), "{back:?}");
    let late = replay(&|inputs| {
        if let Input::Finished { started_ns, .. } = &mut inputs[3].input {
            *started_ns = u64::MAX;
        }
    });
    assert!(matches!(late, Err(ReplayError::Backwards { step: 3, .. })), "{late:?}");
    let short = replay(&|inputs| inputs.truncate(50)).unwrap();
    assert_eq!(short.digest.steps, 50);
    assert_ne!(short.digest, output.digest);
}
