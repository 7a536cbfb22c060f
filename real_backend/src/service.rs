//! The service: one thread for timers, for thinking that lasts longer than it took, for the start
//! of plans that are made apart, and for the arrivals of an emulated network.

use crate::crew::Turn;
use crate::planning;
use crate::worker::Shared;
use runtime::Input;
use rustix::thread::set_current_timer_slack;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the start waits between looks at what GPUs have got.
const FILL_LOOK: Duration = Duration::from_micros(200);

/// Starts the run, then serves it; returns when the run stops.
pub(crate) fn serve(shared: &Arc<Shared>) {
    // Without it sleeps last 50 microseconds longer; if it fails they do.
    _ = set_current_timer_slack(NonZeroU64::new(1));
    let crew = &shared.crew;
    crew.service.set(std::thread::current()).expect("a run has one service");
    start(shared);
    let mut turn = Turn::default();
    while !crew.stop.load(Ordering::Acquire) {
        let (next_ns, study) = {
            let mut core = shared.lock();
            core.serve_slips(crew, &mut turn);
            let next_ns = core.ring(crew, &mut turn);
            (next_ns, core.planning.take())
        };
        shared.end_turn(&mut turn);
        if let Some(study) = study {
            planning::start(shared, study);
        }
        sleep_until(shared, next_ns);
    }
}

/// Submission: the scheduler's first call and the content of initial objects come before time 0,
/// charged thinking after it.
fn start(shared: &Shared) {
    let crew = &shared.crew;
    let mut turn = Turn::default();
    {
        let mut core = shared.lock();
        core.step(crew, 0, Input::Start, &mut turn);
        while core.is_filling() {
            // GPUs get their first content before time 0, too.
            drop(core);
            crew.call_pilot();
            std::thread::park_timeout(FILL_LOOK);
            core = shared.lock();
        }
        crew.clock.start(core.thinking_until_ns.unwrap_or(0));
        _ = core.ring(crew, &mut turn);
    }
    shared.end_turn(&mut turn);
}

/// Sleeps until there is something new, or until the time comes.
fn sleep_until(shared: &Shared, next_ns: Option<u64>) {
    match next_ns {
        None => std::thread::park(),
        Some(next_ns) => {
            let left_ns = next_ns.saturating_sub(shared.crew.clock.now_ns());
            if left_ns > 0 {
                std::thread::park_timeout(Duration::from_nanos(left_ns));
            }
        }
    }
}
