//! Carrying the executive's commands out.

use super::devices::Order;
use super::{Core, Ending};
use crate::buffers::{Arena, Conflict, Exhausted, Right};
use crate::crew::{Crew, NONE, Turn};
use runtime::{BufferId, Command, DeviceId, Executive, LaneId, MemoryId, ObjectId, TaskId};
use std::cmp::Reverse;

/// Makes room for every object that the graph has so far, at its home, before the clock starts:
/// what fresh pages cost would otherwise count as time of whichever kernel touches them first, and
/// would differ from one run to the next with what the process did before.
pub(super) fn warm(arena: &mut Arena, executive: &Executive) {
    let (graph, cluster) = (executive.graph(), executive.cluster());
    for object in graph.object_ids() {
        let plain = graph.object(object);
        arena.warm(cluster.home(plain.home), plain.bytes);
    }
}

/// [`Command::Run`] without its buffers.
#[derive(Clone, Copy)]
struct Run {
    task: TaskId,
    device: DeviceId,
    lane: LaneId,
    lanes: u32,
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
                Command::Release { buffer } => {
                    if let Some(desk) = self.desk.as_mut()
                        && self.arena.is_on_device(buffer)
                    {
                        desk.orders.push(Order::Release { buffer });
                    }
                    self.arena.release(buffer);
                }
                _ if is_ending => {}
                Command::Copy { copy, from, to, source, target, .. } => {
                    self.start_copy(copy, (from, to), (source, target), turn);
                }
                Command::Run { task, device, lane, lanes, first_buffer } => {
                    let buffers = &commands.buffers()[first_buffer as usize..];
                    self.start_run(crew, Run { task, device, lane, lanes }, buffers, turn);
                }
                Command::Think { thinking_ns } => {
                    self.thinking_until_ns = Some(self.now_ns.saturating_add(thinking_ns));
                    turn.is_service_asked = true;
                }
                Command::Plan => {
                    self.planning.ask(self.executive.as_mut().and_then(|e| e.take_study()));
                    turn.is_service_asked = true;
                }
                Command::Wake { at_ns } => {
                    self.timers.push(Reverse(at_ns));
                    turn.is_service_asked = true;
                }
                Command::Abandon { .. } | Command::AbandonCopy { .. } | Command::Restore { .. } => {
                    unreachable!("this driver reports neither losses nor failed attempts")
                }
            }
        }
        self.commands = commands;
        turn.is_pilot_asked |= self.desk.as_ref().is_some_and(|desk| !desk.orders.is_empty());
    }

    /// Makes a buffer; an initial object's first one, at home, gets its content.
    fn allocate(&mut self, buffer: BufferId, object: ObjectId, memory: MemoryId, bytes: u64) {
        let is_zero = match self.arena.allocate(buffer, object, memory, bytes) {
            Ok(is_zero) => is_zero,
            Err(Exhausted { used_bytes }) => {
                return self.end(Ending::Exhausted { object, bytes, used_bytes });
            }
        };
        let is_first = self.is_first_at_home(object, memory);
        if let Some(gpu) = self.on_gpu(memory) {
            return self.order_buffer(buffer, (object, is_first), gpu, bytes);
        }
        if !is_first {
            return;
        }
        let fill = |bytes: &mut [u8]| match &self.inputs {
            Some(inputs) => inputs.fill(object, bytes),
            None if is_zero => {}
            None => bytes.fill(0),
        };
        if self.arena.is_on_disk(buffer) {
            if let Err(fault) = self.arena.fill_extent(buffer, fill) {
                self.end(Ending::Disk { verb: "written to", object, memory, fault });
            }
            return;
        }
        let loan = self.arena.lend(buffer, Right::Write);
        let mut loan = loan.expect("nobody else knows a new buffer");
        fill(loan.bytes_mut());
        self.arena.give_back(loan);
    }

    /// Whether it is an initial object's first buffer, at home; said once.
    fn is_first_at_home(&mut self, object: ObjectId, memory: MemoryId) -> bool {
        let Some(executive) = self.executive.as_ref() else { return false };
        let plain = executive.graph().object(object);
        if !plain.initial || executive.cluster().home(plain.home) != memory {
            return false;
        }
        if self.is_filled.len() <= object.index() {
            self.is_filled.resize(executive.graph().object_count(), false);
        }
        !std::mem::replace(&mut self.is_filled[object.index()], true)
    }

    /// Gives a task to its worker: to the one whose turn it is, or into a mailbox.
    fn start_run(&mut self, crew: &Crew, run: Run, buffers: &[BufferId], turn: &mut Turn) {
        let Some(executive) = self.executive.as_ref() else { return };
        if self.on_gpu(executive.cluster().memory_of(run.device)).is_some() {
            return self.order_task((run.task, run.device, run.lane), buffers);
        }
        let graph = executive.graph();
        let mut job = self.spare_jobs.pop().unwrap_or_default();
        debug_assert!(job.loans.is_empty(), "they were given back");
        for (access, &buffer) in graph.accesses(run.task).iter().zip(buffers) {
            match self.arena.lend(buffer, Right::of(access.mode)) {
                Ok(loan) => job.loans.push(loan),
                Err(Conflict { buffer }) => {
                    let what = format!("task {:?}", graph.task_name(run.task));
                    return self.end(Ending::Conflict { what, buffer });
                }
            }
        }
        self.running += 1;
        let task = graph.task(run.task);
        let issue_ns = executive.cluster().device(run.device).issue_ns;
        job.task = run.task;
        job.lane = run.lane.0;
        job.body = self.body_of[task.kernel.index()];
        job.cores = run.lanes;
        job.shape = task.shape;
        job.params.clear();
        job.params.extend_from_slice(graph.params(run.task));
        job.scratch_bytes = task.scratch_bytes;
        if job.body == NONE || crew.pace.is_some() {
            job.duration_ns = self.truth.duration_ns(run.task, run.device).unwrap_or(0);
            job.begins_ns = self.now_ns.saturating_add(issue_ns);
        }
        if turn.lane == Some(run.lane.0) {
            turn.jobs.push_back(job);
        } else {
            turn.filled.push(run.lane.0);
            crew.mailboxes[run.lane.index()].put(job);
        }
    }
}
