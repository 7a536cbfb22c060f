//! Carrying the executive's commands out.

use super::{CopyJob, Core, Ending};
use crate::buffers::{Borrower, Conflict, Exhausted, Right};
use crate::crew::{Crew, Job, NONE, Turn};
use runtime::{BufferId, Command, CopyId, DeviceId, LaneId, MemoryId, ObjectId, TaskId};
use std::cmp::Reverse;

/// A command that waits until a loan is back.
///
/// The executive lets a transfer of an old version run on when nobody waits for it any more, while
/// a writer of the next version starts at either end of it, or another transfer fills its source
/// anew. In simulation that harms nobody; memory cannot be read and written at once, so the later
/// one of the two waits here. Two tasks never meet like this: that is a bug, and ends the run.
pub(super) enum Blocked {
    Run { run: Run, buffers: Vec<BufferId> },
    Copy(Transfer),
}

/// [`Command::Run`] without its buffers.
#[derive(Clone, Copy)]
pub(super) struct Run {
    task: TaskId,
    device: DeviceId,
    lane: LaneId,
    lanes: u32,
}

/// [`Command::Copy`] as far as memory is concerned.
#[derive(Clone, Copy)]
pub(super) struct Transfer {
    copy: CopyId,
    from: BufferId,
    to: BufferId,
}

impl Core {
    /// Carries the commands of the last step out, in order. Of a run that is ending only the
    /// buffers are kept right.
    pub(super) fn carry_out(&mut self, crew: &Crew, turn: &mut Turn) {
        let commands = std::mem::take(&mut self.commands);
        let is_failed = self.executive.as_ref().is_none_or(|e| e.failure().is_some());
        for command in commands.as_slice() {
            let is_ending = self.ending.is_some() || is_failed;
            match *command {
                Command::Allocate { buffer, object, memory, bytes } => {
                    self.allocate(buffer, object, memory, bytes);
                }
                Command::Release { buffer } => self.arena.release(buffer),
                _ if is_ending => {}
                Command::Copy { copy, from, to, .. } => {
                    self.start_copy(Transfer { copy, from, to }, turn);
                }
                Command::Run { task, device, lane, lanes, first_buffer } => {
                    let buffers = &commands.buffers()[first_buffer as usize..];
                    self.start_run(crew, Run { task, device, lane, lanes }, buffers, turn);
                }
                Command::Think { thinking_ns } => {
                    self.thinking_until_ns = Some(self.now_ns.saturating_add(thinking_ns));
                    turn.is_service_asked = true;
                }
                Command::Wake { at_ns } => {
                    self.timers.push(Reverse(at_ns));
                    turn.is_service_asked = true;
                }
            }
        }
        self.commands = commands;
    }

    /// Makes a buffer; an initial object's first one, at home, gets its content.
    fn allocate(&mut self, buffer: BufferId, object: ObjectId, memory: MemoryId, bytes: u64) {
        let is_zero = match self.arena.allocate(buffer, object, memory, bytes) {
            Ok(is_zero) => is_zero,
            Err(Exhausted { used_bytes }) => {
                return self.end(Ending::Exhausted { object, bytes, used_bytes });
            }
        };
        let Some(executive) = self.executive.as_ref() else { return };
        let plain = executive.graph().object(object);
        if !plain.initial || executive.cluster().home(plain.home) != memory {
            return;
        }
        if self.is_filled.len() <= object.index() {
            self.is_filled.resize(executive.graph().object_count(), false);
        }
        if std::mem::replace(&mut self.is_filled[object.index()], true) {
            return;
        }
        let loan = self.arena.lend(buffer, Right::Write, Borrower::Task);
        let mut loan = loan.expect("nobody else knows a new buffer");
        match &self.inputs {
            Some(inputs) => inputs.fill(object, loan.bytes_mut()),
            None if is_zero => {}
            None => loan.bytes_mut().fill(0),
        }
        self.arena.give_back(loan);
    }

    /// Gives a transfer to the service.
    fn start_copy(&mut self, transfer: Transfer, turn: &mut Turn) {
        let Transfer { copy, from, to } = transfer;
        let lent = self.arena.lend(from, Right::Read, Borrower::Copy).and_then(|from| {
            match self.arena.lend(to, Right::Write, Borrower::Copy) {
                Ok(to) => Ok((from, to)),
                Err(conflict) => {
                    self.arena.give_back(from);
                    Err(conflict)
                }
            }
        });
        match lent {
            Ok((from, to)) => {
                self.copying += 1;
                self.copies.push_back(CopyJob { copy, from, to, started_ns: 0, done: 0 });
                turn.is_service_asked = true;
            }
            Err(_) => self.blocked.push(Blocked::Copy(transfer)),
        }
    }

    /// Gives a task to its worker: to the one whose turn it is, or into a mailbox.
    fn start_run(&mut self, crew: &Crew, run: Run, buffers: &[BufferId], turn: &mut Turn) {
        let Some(executive) = self.executive.as_ref() else { return };
        let graph = executive.graph();
        let accesses = graph.accesses(run.task);
        let buffers = &buffers[..accesses.len()];
        for (access, &buffer) in accesses.iter().zip(buffers) {
            match self.arena.lend(buffer, Right::of(access.mode), Borrower::Task) {
                Ok(loan) => self.loans.push(loan),
                Err(Conflict { holder, buffer }) => {
                    self.loans.drain(..).for_each(|loan| self.arena.give_back(loan));
                    let blocked = Blocked::Run { run, buffers: buffers.to_vec() };
                    return match holder {
                        Borrower::Copy => self.blocked.push(blocked),
                        Borrower::Task => {
                            let conflict = self.conflict(&blocked, buffer);
                            self.end(conflict);
                        }
                    };
                }
            }
        }
        self.running += 1;
        let task = graph.task(run.task);
        let body = self.body_of[task.kernel.index()];
        let mut fill = |job: &mut Job| {
            job.task = run.task;
            job.body = body;
            job.cores = run.lanes;
            job.shape = task.shape;
            job.params.clear();
            job.params.extend_from_slice(graph.params(run.task));
            job.scratch_bytes = task.scratch_bytes;
            job.duration_ns = match body {
                NONE => self.truth.duration_ns(run.task, run.device).unwrap_or(0),
                _ => 0,
            };
            std::mem::swap(&mut job.loans, &mut self.loans);
            debug_assert!(self.loans.is_empty());
        };
        if turn.lane == Some(run.lane.0) && !turn.has_job {
            turn.has_job = true;
            fill(&mut turn.job);
        } else {
            turn.filled.push(run.lane.0);
            fill(&mut crew.mailboxes[run.lane.index()].job());
        }
    }

    /// Tries again what waited for a loan, in order.
    pub(super) fn retry_blocked(&mut self, crew: &Crew, turn: &mut Turn) {
        for blocked in std::mem::take(&mut self.blocked) {
            if self.ending.is_some() {
                return;
            }
            match blocked {
                Blocked::Run { run, buffers } => self.start_run(crew, run, &buffers, turn),
                Blocked::Copy(transfer) => self.start_copy(transfer, turn),
            }
        }
    }

    /// The end of a run in which a command can never get a buffer.
    pub(super) fn conflict(&self, blocked: &Blocked, buffer: BufferId) -> Ending {
        let name = |task| match &self.executive {
            Some(executive) => executive.graph().task_name(task),
            None => task.to_string(),
        };
        let what = match blocked {
            Blocked::Run { run, .. } => format!("task {:?}", name(run.task)),
            Blocked::Copy(transfer) => format!("transfer {}", transfer.copy),
        };
        Ending::Conflict { what, buffer }
    }
}

impl Blocked {
    /// A buffer that it needs.
    pub fn buffer(&self) -> BufferId {
        match self {
            Self::Run { buffers, .. } => buffers[0],
            Self::Copy(transfer) => transfer.from,
        }
    }
}
