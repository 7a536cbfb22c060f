//! Writing the trace, when one is wanted.

use super::Input;
use super::state::{CopyState, State};
use super::store::{Buffer, List, NONE, Store};
use crate::cluster::LinkState;
use crate::scheduler::Cause;
use crate::trace::{
    BufferRecord, CopyRecord, InputRecord, InstanceId, LinkChange, Losses, LostAttempt, Outage,
    Rollback, TaskRecord, ThoughtRecord, Trace, TraceHeader,
};
use crate::{CopyId, DeviceId, LaneId, LinkId, MemoryId, Ns, ObjectId, TaskId};

/// When a task came closer to running.
#[derive(Clone, Copy, Debug, Default)]
struct Stamps {
    ready_ns: Ns,
    placed_ns: Ns,
    reserved_ns: Ns,
    data_ns: Ns,
    locked_ns: Option<Ns>,
    issued_ns: Ns,
}

pub(crate) struct Recorder {
    is_on: bool,
    stamps: Vec<Stamps>,
    tasks: Vec<TaskRecord>,
    task_buffers: Vec<InstanceId>,
    copies: Vec<CopyRecord>,
    buffers: Vec<BufferRecord>,
    thoughts: Vec<ThoughtRecord>,
    inputs: Vec<InputRecord>,
    losses: Losses,
}

macro_rules! stamp {
    ($($(#[$doc:meta])* $name:ident: $field:ident;)*) => {
        $($(#[$doc])*
        #[inline]
        pub fn $name(&mut self, task: TaskId, now_ns: Ns) {
            if self.is_on {
                self.stamps[task.index()].$field = now_ns.into();
            }
        })*
    };
}

impl Recorder {
    pub fn new(is_on: bool) -> Self {
        Self {
            is_on,
            stamps: Vec::new(),
            tasks: Vec::new(),
            task_buffers: Vec::new(),
            copies: Vec::new(),
            buffers: Vec::new(),
            thoughts: Vec::new(),
            inputs: Vec::new(),
            losses: Losses::default(),
        }
    }

    pub fn add_task(&mut self) {
        if self.is_on {
            self.stamps.push(Stamps::default());
        }
    }

    stamp! {
        ready: ready_ns;
        placed: placed_ns;
        reserved: reserved_ns;
        data: data_ns;
        locked: locked_ns;
        issued: issued_ns;
    }

    pub fn copied(
        &mut self,
        copy: &CopyState,
        from: &Buffer,
        to: &Buffer,
        bytes: u64,
        started_ns: Ns,
        finished_ns: Ns,
    ) {
        if self.is_on {
            self.copies.push(copy_record(copy, from, to, bytes, started_ns, finished_ns));
        }
    }

    /// A transfer was cut off.
    pub fn lost_copy(
        &mut self,
        copy: &CopyState,
        from: &Buffer,
        to: &Buffer,
        bytes: u64,
        now_ns: Ns,
    ) {
        if self.is_on {
            let record = copy_record(copy, from, to, bytes, copy.issued_ns, now_ns);
            self.losses.copies.push(record);
        }
    }

    pub fn device_lost(&mut self, device: DeviceId, from_ns: Ns) {
        if self.is_on {
            self.losses.outages.push(Outage { device, from_ns, until_ns: Ns::MAX });
        }
    }

    pub fn link_changed(&mut self, link: LinkId, state: LinkState, at_ns: Ns) {
        if self.is_on {
            self.losses.links.push(LinkChange { link, at_ns, state });
        }
    }

    pub fn device_joined(&mut self, device: DeviceId, until_ns: Ns) {
        let outages = &mut self.losses.outages;
        if let Some(outage) = outages.iter_mut().rev().find(|o| o.device == device) {
            outage.until_ns = until_ns;
        }
    }

    pub fn rolled_back(&mut self, object: ObjectId, at_ns: Ns, version: u32, restored: bool) {
        if self.is_on {
            let tasks = self.tasks.len() as u32;
            let rollback = Rollback { object, at_ns, tasks, version, restored };
            self.losses.rollbacks.push(rollback);
        }
    }

    pub fn released(&mut self, buffer: &Buffer, bytes: u64, released_ns: Ns) {
        if self.is_on {
            self.buffers.push(BufferRecord {
                instance: InstanceId(buffer.instance),
                object: Some(buffer.object),
                memory: buffer.memory,
                bytes,
                allocated_ns: buffer.allocated_ns,
                released_ns,
            });
        }
    }
}

fn copy_record(
    copy: &CopyState,
    from: &Buffer,
    to: &Buffer,
    bytes: u64,
    started_ns: Ns,
    finished_ns: Ns,
) -> CopyRecord {
    CopyRecord {
        copy: CopyId(copy.id),
        object: copy.object,
        source: from.memory,
        target: to.memory,
        from: InstanceId(from.instance),
        to: InstanceId(to.instance),
        bytes,
        reason: copy.reason,
        requested_ns: copy.requested_ns,
        issued_ns: copy.issued_ns,
        started_ns,
        finished_ns,
    }
}

impl State {
    pub fn record_input(&mut self, input: &Input) {
        if self.recorder.is_on {
            let (at_ns, input) = (self.now_ns, input.clone());
            self.recorder.inputs.push(InputRecord { at_ns, input });
        }
    }

    pub fn record_thought(&mut self, thought: ThoughtRecord) {
        if self.recorder.is_on {
            self.recorder.thoughts.push(thought);
        }
    }

    /// The record of a task that ended now; its buffers are still there.
    pub(super) fn record_task(&mut self, task: TaskId, memory: MemoryId, started_ns: Ns) {
        if !self.recorder.is_on {
            return;
        }
        let (graph, store, objects) = (&self.graph, &self.store, &self.objects);
        let recorder = &mut self.recorder;
        let first_buffer = recorder.task_buffers.len() as u32;
        let accesses = graph.accesses(task).iter();
        let lists = accesses.map(|a| objects[a.object.index()].copies);
        recorder.task_buffers.extend(lists.map(|list| instance(store, list, memory)));
        let stamps = recorder.stamps[task.index()];
        let state = &self.tasks[task.index()];
        recorder.tasks.push(TaskRecord {
            task,
            device: DeviceId(state.device),
            lane: LaneId(state.lane),
            lanes: graph.task(task).cores,
            ready_ns: stamps.ready_ns,
            placed_ns: stamps.placed_ns,
            reserved_ns: stamps.reserved_ns,
            data_ns: stamps.data_ns,
            locked_ns: stamps.locked_ns.unwrap_or(stamps.data_ns),
            issued_ns: stamps.issued_ns,
            started_ns,
            finished_ns: self.now_ns,
            first_buffer,
        });
        self.record_scratch(task, memory);
    }

    fn record_scratch(&mut self, task: TaskId, memory: MemoryId) {
        let bytes = self.graph.task(task).scratch_bytes;
        if bytes > 0 {
            self.recorder.buffers.push(BufferRecord {
                instance: InstanceId(u32::MAX),
                object: None,
                memory,
                bytes,
                allocated_ns: self.recorder.stamps[task.index()].reserved_ns,
                released_ns: self.now_ns,
            });
        }
    }

    /// The record of an attempt that comes to nothing now; its buffers are still there.
    pub(super) fn record_lost(&mut self, task: TaskId, memory: MemoryId, cause: Cause) {
        if !self.recorder.is_on {
            return;
        }
        let (graph, store, objects) = (&self.graph, &self.store, &self.objects);
        let losses = &mut self.recorder.losses;
        let first_buffer = losses.attempt_buffers.len() as u32;
        let lists = graph.accesses(task).iter().map(|a| objects[a.object.index()].copies);
        losses.attempt_buffers.extend(lists.map(|list| instance(store, list, memory)));
        let state = &self.tasks[task.index()];
        // One that was issued behind another one has not taken its lane yet.
        let is_behind = self.lanes[state.lane as usize].running != Some(task);
        let stamped_ns = self.recorder.stamps[task.index()].issued_ns;
        let issued_ns = if is_behind { self.now_ns } else { stamped_ns };
        losses.attempts.push(LostAttempt {
            task,
            device: DeviceId(state.device),
            lane: LaneId(state.lane),
            lanes: graph.task(task).cores,
            reserved_ns: self.recorder.stamps[task.index()].reserved_ns,
            issued_ns,
            ended_ns: self.now_ns,
            cause,
            first_buffer,
        });
        self.record_scratch(task, memory);
    }

    /// The trace, with the buffers that live to the end and the transfers that it cuts off.
    pub fn into_trace(mut self, header: TraceHeader) -> Trace {
        let is_issued = |c: &&CopyState| c.request != NONE && c.from != NONE;
        for copy in self.copies.iter().filter(is_issued) {
            let (from, to) = (self.store.get(copy.from), self.store.get(copy.to));
            let bytes = self.graph.object(copy.object).bytes;
            self.recorder.lost_copy(copy, from, to, bytes, self.now_ns);
        }
        for object in &self.objects {
            for at in self.store.iter(object.copies) {
                let buffer = self.store.get(at);
                let bytes = self.graph.object(buffer.object).bytes;
                self.recorder.released(buffer, bytes, Ns::MAX);
            }
        }
        Trace {
            header,
            initial_tasks: self.initial_tasks,
            makespan_ns: self.end_ns.unwrap_or(0),
            graph: self.graph,
            tasks: self.recorder.tasks,
            task_buffers: self.recorder.task_buffers,
            copies: self.recorder.copies,
            buffers: self.recorder.buffers,
            thoughts: self.recorder.thoughts,
            inputs: self.recorder.inputs,
            losses: self.recorder.losses,
        }
    }
}

/// The life of an object's buffer in a memory.
fn instance(store: &Store, list: List, memory: MemoryId) -> InstanceId {
    let found = store.find(list, memory).expect("the working set is reserved");
    InstanceId(store.get(found).instance)
}
