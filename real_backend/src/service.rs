//! The service: one thread for timers, transfers, thinking that lasts longer than it took, and the
//! start of plans that are made apart.

use crate::core::CopyJob;
use crate::crew::Turn;
use crate::planning;
use crate::worker::Shared;
use runtime::Input;
use rustix::thread::set_current_timer_slack;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Bytes copied between looks at the clock, so that no timer waits for a large transfer.
const CHUNK_BYTES: usize = 1 << 20;

/// Starts the run, then serves it; returns when the run stops.
pub(crate) fn serve(shared: &Arc<Shared>) {
    // Without it sleeps last 50 microseconds longer; if it fails they do.
    _ = set_current_timer_slack(NonZeroU64::new(1));
    let crew = &shared.crew;
    crew.service.set(std::thread::current()).expect("a run has one service");
    start(shared);
    let mut turn = Turn::default();
    let mut copy: Option<CopyJob> = None;
    while !crew.stop.load(Ordering::Acquire) {
        let (next_ns, study) = {
            let mut core = shared.lock();
            let is_ending = core.ending.is_some();
            if let Some(job) = copy.take_if(|job| is_ending || job.is_done()) {
                core.copy_ended(crew, crew.clock.now_ns(), job, &mut turn);
            }
            core.serve_slips(crew, &mut turn);
            let next_ns = core.ring(crew, &mut turn);
            if copy.is_none() {
                copy = core.copies.pop_front();
                if let Some(job) = &mut copy {
                    job.started_ns = crew.clock.now_ns();
                }
            }
            (next_ns, core.planning.take())
        };
        crew.deliver(&mut turn);
        if let Some(study) = study {
            planning::start(shared, study);
        }
        match &mut copy {
            Some(job) => copy_chunk(job),
            None => sleep_until(shared, next_ns),
        }
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
        crew.clock.start(core.thinking_until_ns.unwrap_or(0));
        _ = core.ring(crew, &mut turn);
    }
    crew.deliver(&mut turn);
}

fn copy_chunk(job: &mut CopyJob) {
    let end = job.from.bytes().len().min(job.done + CHUNK_BYTES);
    let part = job.done..end;
    job.to.bytes_mut()[part.clone()].copy_from_slice(&job.from.bytes()[part]);
    job.done = end;
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
