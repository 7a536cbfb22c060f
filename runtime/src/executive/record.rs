//! Writing the trace, when one is wanted.

use super::Input;
use super::state::{CopyState, State};
use super::store::{Buffer, Store};
use crate::trace::{
    BufferRecord, CopyRecord, InputRecord, InstanceId, TaskRecord, ThoughtRecord, Trace,
    TraceHeader,
};
use crate::{CopyId, DeviceId, LaneId, MemoryId, Ns, TaskId};

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
        if !self.is_on {
            return;
        }
        self.copies.push(CopyRecord {
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
        });
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
        let instance = |store: &Store, list| {
            let found = store.find(list, memory).expect("the working set is reserved");
            InstanceId(store.get(found).instance)
        };
        let accesses = graph.accesses(task).iter();
        let buffers = accesses.map(|a| instance(store, objects[a.object.index()].copies));
        recorder.task_buffers.extend(buffers);
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
        let scratch_bytes = graph.task(task).scratch_bytes;
        if scratch_bytes > 0 {
            recorder.buffers.push(BufferRecord {
                instance: InstanceId(u32::MAX),
                object: None,
                memory,
                bytes: scratch_bytes,
                allocated_ns: stamps.reserved_ns,
                released_ns: self.now_ns,
            });
        }
    }

    /// The trace, with the buffers that live to the end.
    pub fn into_trace(mut self, header: TraceHeader) -> Trace {
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
        }
    }
}
