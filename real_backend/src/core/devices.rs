//! Orders for GPUs, and what comes back of them.
//!
//! The pilot owns the GPUs and carries orders out in the order in which the executive gave the
//! commands; what it brings back is stepped here, under the lock like everything else.

use super::copies::CopyJob;
use super::{Core, Ending};
use crate::buffers::{Conflict, DeviceLoan, Own, Right};
use crate::crew::{Crew, NONE, Turn};
use gpu::{GpuError, GpuId, HostMemory};
use runtime::executive::Outcome;
use runtime::{BufferId, Input, LaneId, MemoryId, Ns, ObjectId, TaskId};

/// Something for the pilot to do.
pub(crate) enum Order {
    /// Take device memory for a buffer, and fill it.
    Allocate { buffer: BufferId, gpu: GpuId, bytes: u64, content: Option<Own> },
    /// Give it back.
    Release { buffer: BufferId },
    /// Carry out a transfer, or its half on the device's side.
    Copy(CopyJob),
    /// Run a task.
    Run(Box<TaskOrder>),
}

/// A task for a stream.
pub(crate) struct TaskOrder {
    pub task: TaskId,
    pub lane: LaneId,
    /// Index of its body among the GPU's, or [`NONE`].
    pub body: u32,
    pub shape: [u32; 4],
    pub params: Vec<i64>,
    /// One per access.
    pub loans: Vec<DeviceLoan>,
    /// How long it lasts without a body.
    pub duration_ns: Ns,
    /// How much of the device it takes then.
    pub occupancy_ppm: u32,
    /// Its kernel, when it has a body for CPUs and none for GPUs.
    pub stranger: Option<String>,
}

/// What came of an order.
pub(crate) enum Landing {
    /// A task ended.
    Task {
        order: Box<TaskOrder>,
        started_ns: Ns,
        ended_ns: Ns,
        /// Why it failed, for people.
        result: Result<Outcome, String>,
    },
    /// A transfer ended.
    Copy { job: CopyJob, ended_ns: Ns },
    /// A transfer is on the host now, on its way to a disk.
    Half { job: CopyJob },
    /// A buffer has its first content.
    Filled,
    /// Something else failed.
    Trouble { doing: String, error: GpuError, job: Option<CopyJob> },
}

impl Landing {
    /// When it came. Trouble comes last of a round: of a device that is lost every operation says
    /// so, and a task among them names what was run.
    pub fn at_ns(&self) -> Ns {
        match self {
            Self::Task { ended_ns, .. } | Self::Copy { ended_ns, .. } => *ended_ns,
            Self::Half { .. } | Self::Filled => 0,
            Self::Trouble { .. } => Ns::MAX,
        }
    }
}

/// What the core keeps for the pilot.
pub(crate) struct Desk {
    /// In order; the pilot takes all of them at once.
    pub orders: Vec<Order>,
    /// Buffers that wait for their first content.
    pub fills: usize,
    /// By memory.
    gpu_of: Vec<Option<GpuId>>,
    /// Names of kernels with a body for GPUs, sorted.
    names: Vec<String>,
    /// By kernel id.
    body_of: Vec<u32>,
}

impl Desk {
    pub fn new(gpu_of: Vec<Option<GpuId>>, names: Vec<String>) -> Self {
        Self { orders: Vec::new(), fills: 0, gpu_of, names, body_of: Vec::new() }
    }

    /// The GPU that a memory is of.
    pub fn gpu_of(&self, memory: MemoryId) -> Option<GpuId> {
        self.gpu_of[memory.index()]
    }

    /// Finds the bodies of new kernels.
    pub fn follow(&mut self, kernels: &[String]) {
        for kernel in &kernels[self.body_of.len()..] {
            let at = self.names.binary_search(kernel);
            self.body_of.push(at.map_or(NONE, |at| at as u32));
        }
    }
}

impl Core {
    /// Whether a memory is a GPU's.
    pub(super) fn on_gpu(&self, memory: MemoryId) -> Option<GpuId> {
        self.desk.as_ref()?.gpu_of(memory)
    }

    /// Has the pilot make a buffer; an initial object's first one, at home, gets its content.
    pub(super) fn order_buffer(
        &mut self,
        buffer: BufferId,
        (object, is_first): (ObjectId, bool),
        gpu: GpuId,
        bytes: u64,
    ) {
        let mut content = None;
        if is_first && bytes > 0 {
            let Some(mut own) = Own::new(bytes as usize) else {
                let used_bytes = 0;
                return self.end(Ending::Exhausted { object, bytes, used_bytes });
            };
            if let Some(inputs) = &self.inputs {
                inputs.fill(object, own.bytes_mut());
            }
            content = Some(own);
        }
        let Some(desk) = &mut self.desk else { return };
        desk.fills += usize::from(content.is_some());
        desk.orders.push(Order::Allocate { buffer, gpu, bytes, content });
    }

    /// Gives a task to the pilot.
    pub(super) fn order_task(
        &mut self,
        (task, device, lane): (TaskId, runtime::DeviceId, LaneId),
        buffers: &[BufferId],
    ) {
        let (Some(executive), Some(desk)) = (self.executive.as_ref(), self.desk.as_mut()) else {
            return;
        };
        let graph = executive.graph();
        let mut loans = Vec::with_capacity(buffers.len());
        for (access, &buffer) in graph.accesses(task).iter().zip(buffers) {
            match self.arena.lend_device(buffer, Right::of(access.mode)) {
                Ok(loan) => loans.push(loan),
                Err(Conflict { buffer }) => {
                    let what = format!("task {:?}", graph.task_name(task));
                    return self.end(Ending::Conflict { what, buffer });
                }
            }
        }
        self.running += 1;
        let plain = graph.task(task);
        let body = desk.body_of[plain.kernel.index()];
        let is_stranger = body == NONE && self.body_of[plain.kernel.index()] != NONE;
        let stranger = is_stranger.then(|| graph.kernel_name(plain.kernel).to_owned());
        desk.orders.push(Order::Run(Box::new(TaskOrder {
            stranger,
            task,
            lane,
            body,
            shape: plain.shape,
            params: graph.params(task).to_vec(),
            loans,
            duration_ns: self.truth.duration_ns(task, device).unwrap_or(0),
            occupancy_ppm: plain.occupancy_ppm,
        })));
    }

    /// Gives a transfer to the pilot.
    pub(super) fn order_copy(&mut self, job: CopyJob, turn: &mut Turn) {
        let Some(desk) = &mut self.desk else { return };
        desk.orders.push(Order::Copy(job));
        turn.is_pilot_asked = true;
    }

    /// The pilot brings what has ended.
    pub fn landed(&mut self, crew: &Crew, landing: Landing, turn: &mut Turn) {
        match landing {
            Landing::Task { order, started_ns, ended_ns, result } => {
                order.loans.iter().for_each(|loan| self.arena.give_back_device(loan));
                self.running -= 1;
                let task = order.task;
                let input = match result {
                    Ok(outcome) => Input::Finished { task, started_ns, outcome },
                    Err(message) => Input::Failed { task, message },
                };
                self.step(crew, ended_ns, input, turn);
            }
            Landing::Copy { job, ended_ns } => self.copy_ended(crew, ended_ns, job, turn),
            Landing::Half { job } => {
                self.copies.push_back(job);
                turn.new_copies += 1;
            }
            Landing::Filled => {
                if let Some(desk) = &mut self.desk {
                    desk.fills -= 1;
                }
            }
            Landing::Trouble { doing, error, job } => {
                self.end(Ending::Gpu { doing, error });
                match job {
                    Some(job) => self.copy_ended(crew, self.now_ns, job, turn),
                    None => self.check_end(turn),
                }
            }
        }
    }

    /// Whether buffers still wait for their first content.
    pub fn is_filling(&self) -> bool {
        self.ending.is_none() && self.desk.as_ref().is_some_and(|desk| desk.fills > 0)
    }

    /// Kept objects that lie at home on a GPU, when the run came to its end.
    pub fn results_on_devices(&self) -> Vec<(BufferId, ObjectId)> {
        let Some(executive) = self.executive.as_ref() else { return Vec::new() };
        if !matches!(self.ending, Some(Ending::Done)) {
            return Vec::new();
        }
        let (graph, cluster) = (executive.graph(), executive.cluster());
        let is_result = |object: ObjectId, memory: MemoryId| {
            let plain = graph.object(object);
            plain.keep && cluster.home(plain.home) == memory
        };
        (self.arena.live())
            .filter(|(buffer, object, memory)| {
                self.arena.is_on_device(*buffer) && is_result(*object, *memory)
            })
            .map(|(buffer, object, _)| (buffer, object))
            .collect()
    }
}
