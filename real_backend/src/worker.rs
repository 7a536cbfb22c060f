//! A worker: one thread, one lane, one core.

use crate::core::{Core, Ending};
use crate::crew::{Crew, Job, NONE, Slip, Turn};
use crate::synthetic::synthetic;
use runtime::executive::Outcome;
use runtime::kernel::{BUFFER_ALIGN_BYTES, KernelArgs, KernelBuffer};
use runtime::{Input, Ns};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};
use std::any::Any;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

/// Ends of tasks that a worker puts off at most: about half of the tasks that it is given ahead, so
/// that it gets new ones before it runs out of them.
const MOST_PUT_OFF: u32 = 8;

/// What the threads of a run share.
pub(crate) struct Shared {
    pub crew: Crew,
    pub core: Mutex<Core>,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in a turn ends the run (see `guarded`); what is left is only taken down.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, if nobody has it.
    fn try_lock(&self) -> Option<MutexGuard<'_, Core>> {
        match self.core.try_lock() {
            Ok(core) => Some(core),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Brings the end of a worker's task to the executive, or leaves it to whoever has the
    /// executive: a lock that changes hands costs more than a step. An end that matters to nobody
    /// yet is put off, so that one turn serves several.
    fn hand_in(&self, slip: Slip, turn: &mut Turn) {
        let crew = &self.crew;
        let may_put_off = crew.may_put_off
            && turn.put_off < MOST_PUT_OFF
            && !turn.jobs.is_empty()
            && matches!(slip.input, Input::Finished { .. });
        if may_put_off && crew.is_nobody_idle() {
            crew.leave_slip(slip);
            if crew.is_nobody_idle() {
                turn.put_off += 1;
                return;
            }
            if let Some(mut core) = self.try_lock() {
                core.serve_slips(crew, turn);
            }
            return self.end_turn(turn);
        }
        turn.put_off = 0;
        let profile = crew.profile.as_ref().map(|p| (&p.stepping, Instant::now()));
        let is_mine = match self.try_lock() {
            Some(mut core) => {
                core.task_ended(crew, slip, turn);
                true
            }
            None => {
                crew.leave_slip(slip);
                let core = self.try_lock();
                core.map(|mut core| core.serve_slips(crew, turn)).is_some()
            }
        };
        if let (Some((stepping, begun)), true) = (profile, is_mine) {
            stepping.add_since(begun);
        }
        match is_mine {
            true => self.end_turn(turn),
            false => crew.deliver(turn),
        }
    }

    /// After a turn, without the lock: wakes whom it had something for, and serves what others
    /// left when it was all but over.
    pub fn end_turn(&self, turn: &mut Turn) {
        self.crew.deliver(turn);
        while self.crew.has_slips()
            && let Some(mut core) = self.try_lock()
        {
            core.serve_slips(&self.crew, turn);
            drop(core);
            self.crew.deliver(turn);
        }
    }

    /// Runs a thread's loop. A panic in it, a bug of this crate, ends the run instead of leaving
    /// everybody waiting.
    pub fn guarded(&self, body: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(body)) {
            self.lock().end(Ending::Panicked(payload));
            self.end_turn(&mut Turn { is_over: true, ..Turn::default() });
        }
    }
}

/// A lane's place on the machine.
pub(crate) struct Seat {
    pub lane: u32,
    /// The core of every lane; empty = nobody is pinned.
    pub cores: Vec<u32>,
}

impl Seat {
    /// Pins the calling thread, and threads that it starts, to the cores of so many lanes.
    pub fn pin(&self, lanes: u32) -> rustix::io::Result<()> {
        let mut set = CpuSet::new();
        let first = self.lane as usize;
        for core in self.cores.iter().skip(first).take(lanes as usize) {
            set.set(*core as usize);
        }
        if self.cores.is_empty() { Ok(()) } else { sched_setaffinity(None, &set) }
    }
}

/// The worker's loop; returns when the run stops.
pub(crate) fn work(shared: &Shared, seat: &Seat) {
    let crew = &shared.crew;
    if crew.pace.is_some() {
        // Without it sleeps last 50 microseconds longer; if it fails they do.
        _ = set_current_timer_slack(NonZeroU64::new(1));
    }
    let mut turn = Turn { lane: Some(seat.lane), ..Turn::default() };
    let mut buffers: Vec<KernelBuffer<'_>> = Vec::new();
    let mut scratch: Vec<u8> = Vec::new();
    while wait(shared, seat.lane, &mut turn) {
        while let Some(mut job) = turn.jobs.pop_front() {
            if crew.stop.load(Ordering::Relaxed) {
                return;
            }
            if crew.pace.is_some() {
                crew.sleep_until(job.begins_ns);
            }
            let started_ns = crew.clock.now_ns();
            let mut lent = recycle(buffers);
            let result = run(crew, seat, &mut job, started_ns, &mut lent, &mut scratch);
            buffers = recycle(lent);
            if let Some(pace) = &crew.pace {
                let due_ns = started_ns.saturating_add(job.duration_ns);
                pace.tasks.note(crew.clock.now_ns(), due_ns);
                crew.sleep_until(due_ns);
            }
            let at_ns = crew.clock.now_ns();
            let task = job.task;
            let input = match result {
                Ok(outcome) => Input::Finished { task, started_ns, outcome },
                Err(message) => Input::Failed { task, message },
            };
            shared.hand_in(Slip { job, at_ns, input }, &mut turn);
        }
    }
}

/// Waits for jobs, by the stopwatch if the run is profiled; `false` when the run stops.
fn wait(shared: &Shared, lane: u32, turn: &mut Turn) -> bool {
    let crew = &shared.crew;
    let begun = crew.profile.as_ref().map(|p| (&p.idle, Instant::now()));
    crew.become_idle();
    shared.end_turn(turn);
    if turn.jobs.is_empty() && !crew.is_called_soon(lane) && crew.has_slips() {
        // Its own may be among them: whoever had the executive then may not have looked.
        let mut core = shared.lock();
        core.serve_slips(crew, turn);
        drop(core);
        crew.deliver(turn);
    }
    let has_jobs = crew.wait(lane, &mut turn.jobs);
    crew.become_busy();
    if let Some((idle, begun)) = begun {
        idle.add_since(begun);
    }
    has_jobs
}

/// An empty vector for another lifetime, in the same allocation.
fn recycle<'b>(mut buffers: Vec<KernelBuffer<'_>>) -> Vec<KernelBuffer<'b>> {
    buffers.clear();
    // Nothing is mapped; the standard library collects into the allocation it came from.
    buffers.into_iter().map(|_| KernelBuffer::Read(&[])).collect()
}

/// Runs a task's body and catches its panic.
fn run<'b>(
    crew: &Crew,
    seat: &Seat,
    job: &'b mut Job,
    started_ns: Ns,
    buffers: &mut Vec<KernelBuffer<'b>>,
    scratch: &mut Vec<u8>,
) -> Result<Outcome, String> {
    buffers.extend(job.loans.iter_mut().map(|loan| loan.buffer()));
    if job.body == NONE {
        // In an emulated run the time that is left is slept, not spun.
        let until_ns = match crew.pace {
            None => started_ns.saturating_add(job.duration_ns),
            Some(_) => started_ns,
        };
        synthetic(crew, buffers, until_ns);
        return Ok(None);
    }
    let scratch = aligned(scratch, job.scratch_bytes)?;
    let is_wide = job.cores > 1;
    if is_wide {
        // Threads that the body starts inherit this. Nothing is lost but time if it fails.
        _ = seat.pin(job.cores);
    }
    let body = &crew.bodies[job.body as usize];
    let (shape, params, cores) = (job.shape, job.params.as_slice(), job.cores);
    let mut args = KernelArgs { shape, params, cores, buffers, scratch };
    let result = catch_unwind(AssertUnwindSafe(|| body.run(&mut args)));
    if is_wide {
        _ = seat.pin(1);
    }
    match result {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => Err(format!("the kernel panicked: {}", panic_message(payload.as_ref()))),
    }
}

/// What a panic said.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

/// An aligned part of the worker's scratch memory, which grows as needed.
fn aligned(scratch: &mut Vec<u8>, bytes: u64) -> Result<&mut [u8], String> {
    let none = || format!("there is no memory for {bytes} bytes of scratch");
    let bytes = usize::try_from(bytes).map_err(|_| none())?;
    let needed = bytes.checked_add(BUFFER_ALIGN_BYTES).ok_or_else(none)?;
    if scratch.len() < needed {
        scratch.try_reserve_exact(needed - scratch.len()).map_err(|_| none())?;
        scratch.resize(needed, 0);
    }
    let address = scratch.as_ptr().addr();
    let pad = address.next_multiple_of(BUFFER_ALIGN_BYTES) - address;
    Ok(&mut scratch[pad..pad + bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_aligned_and_as_long_as_asked_for() {
        let mut scratch = Vec::new();
        for bytes in [0, 1, 64, 100, 7, 0] {
            let lent = aligned(&mut scratch, bytes).unwrap();
            assert_eq!((lent.len() as u64, lent.as_ptr().addr() % 64), (bytes, 0));
        }
        assert!(aligned(&mut scratch, u64::MAX).unwrap_err().contains("bytes of scratch"));
    }

    #[test]
    fn a_recycled_vector_keeps_its_allocation() {
        let bytes = [0u8; 4];
        let mut buffers = Vec::with_capacity(8);
        buffers.push(KernelBuffer::Read(&bytes));
        let start = buffers.as_ptr().addr();
        let again = recycle(buffers);
        assert_eq!((again.len(), again.capacity(), again.as_ptr().addr()), (0, 8, start));
    }
}
