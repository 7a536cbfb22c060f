//! Movers: threads that carry transfers out, off the workers and off the service.
//!
//! Transfers are taken in the order in which the executive issued them, and several movers carry
//! several at a time. A mover that finds none sleeps; whoever issues transfers wakes as many as
//! there are new ones.

use crate::crew::Turn;
use crate::disks::Pages;
use crate::worker::Shared;
use std::sync::atomic::Ordering;

/// The mover's loop; returns when the run stops.
pub(crate) fn carry(shared: &Shared, at: usize) {
    let crew = &shared.crew;
    let me = &crew.movers[at];
    me.thread.set(std::thread::current()).expect("a mover has one thread");
    let mut turn = Turn::default();
    let mut pages = Pages::default();
    loop {
        // Said before the look, so that what is issued after it wakes this thread.
        me.is_idle.store(true, Ordering::SeqCst);
        let (next, more) = shared.lock().next_copy(&crew.clock);
        shared.end_turn(&mut turn);
        let Some(mut job) = next else {
            if crew.stop.load(Ordering::Acquire) {
                return;
            }
            std::thread::park();
            continue;
        };
        me.is_idle.store(false, Ordering::SeqCst);
        crew.wake_movers(more.min(1));
        match job.carry_out(&mut pages) {
            Ok(()) => shared.lock().copy_moved(crew, job, &mut turn),
            Err(bad) => shared.lock().copy_failed(crew, job, bad, &mut turn),
        }
        shared.end_turn(&mut turn);
    }
}
