//! The scheduler trait: what a scheduler is told, shown and may decide.
//!
//! The same object runs in simulation and in reality; it never sees which.
//!
//! ```
//! use runtime::{Decisions, Event, Scheduler, View};
//!
//! /// Places every ready task on the first device that can run it.
//! struct First;
//!
//! impl Scheduler for First {
//!     fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
//!         for event in events {
//!             if let Event::Ready { task } = *event {
//!                 let mut devices = view.cluster().device_ids();
//!                 let device = devices.find(|d| view.costs().duration_ns(task, *d).is_some());
//!                 out.place(task, device.expect("every task can run somewhere"));
//!             }
//!         }
//!     }
//! }
//! ```

mod view;

pub use view::{Stage, View};

use crate::cluster::LinkState;
use crate::planner::Progress;
use crate::planner::{Schedule, SharedPlanner};
use crate::{DeviceId, LaneId, LinkId, MemoryId, Ns, ObjectId, TaskId};
use serde::{Deserialize, Serialize};

/// Decides what runs where.
pub trait Scheduler: Send {
    /// How the executive is to treat this scheduler; asked once, before the run.
    fn options(&self) -> Options {
        Options::default()
    }

    /// Called when something happened. `out` is empty; what is put into it is carried out in
    /// order.
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions);

    /// What planning took and found so far, one report per plan; empty for schedulers that do not
    /// search.
    fn plans(&self) -> &[Progress] {
        &[]
    }
}

/// See [`Scheduler::options`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// In which order a lane runs what was placed on it.
    pub lane_order: LaneOrder,
    /// Events are collected for this long before the scheduler is asked; 0 = asked at every one.
    pub decision_interval_ns: Ns,
    /// Whether to be told of every copy that arrives.
    pub copy_events: bool,
    /// Which copy goes when a memory is full.
    pub eviction: Eviction,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lane_order: LaneOrder::Runnable,
            decision_interval_ns: 0,
            copy_events: false,
            eviction: Eviction::Lru,
        }
    }
}

/// In which order a lane runs what was placed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaneOrder {
    /// Tasks whose inputs are there, by priority, then in placement order.
    Runnable,
    /// Strictly by priority, then in placement order: the first one holds its lane until it can
    /// start. Every placement must name a lane.
    Strict,
}

/// Which unreserved copy is evicted when a memory is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eviction {
    /// The one whose last use is longest ago.
    Lru,
    /// The one that was used least often since it came, by tasks and transfers; of several the one
    /// whose last use is longest ago. An object that comes back is counted anew.
    Lfu,
    /// The one whose next use, in submission order, is farthest away (Belady's rule on the order
    /// that is known).
    NextUse,
}

/// What happened since the scheduler was last asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Tasks `first .. first + count` are new.
    GraphGrew {
        /// The first new task.
        first: TaskId,
        /// How many.
        count: u32,
    },
    /// The task's predecessors have finished.
    Ready {
        /// The task.
        task: TaskId,
    },
    /// A task finished.
    Finished {
        /// The task.
        task: TaskId,
        /// Where it ran.
        device: DeviceId,
        /// How long.
        duration_ns: Ns,
    },
    /// A copy arrived (only with [`Options::copy_events`]).
    CopyArrived {
        /// What.
        object: ObjectId,
        /// Where.
        memory: MemoryId,
    },
    /// A task could not reserve its working set at once.
    MemoryPressure {
        /// The memory that is full.
        memory: MemoryId,
    },
    /// The instant asked for by [`Decisions::wake`] has come.
    Timer,
    /// The plan asked for by [`Decisions::plan_apart`] is there, of the moment when it was asked
    /// for.
    Planned {
        /// The schedule, or the planner's failure.
        plan: Result<Schedule, String>,
    },
    /// A device is gone. What was placed on it is told of as [`Event::AttemptLost`].
    DeviceLost {
        /// The device; no task has a duration on it until it joins.
        device: DeviceId,
    },
    /// A device that was lost is there again.
    DeviceJoined {
        /// The device.
        device: DeviceId,
    },
    /// A link carries more or less from now on; the view's cluster shows it. Where it is lost for
    /// good, routes avoid it.
    LinkChanged {
        /// The link.
        link: LinkId,
        /// What it carries.
        state: LinkState,
    },
    /// A task's placement came to nothing. It is to be placed anew, after the [`Event::Ready`] that
    /// follows when nothing keeps it waiting.
    AttemptLost {
        /// The task.
        task: TaskId,
        /// Where it was placed.
        device: DeviceId,
        /// Why.
        cause: Cause,
    },
    /// A task that had finished has to run again, since what it wrote was lost. [`Event::Ready`]
    /// follows when its predecessors have finished (again).
    Redone {
        /// The task.
        task: TaskId,
    },
    /// A decision was not carried out.
    Refused {
        /// Which.
        decision: Decision,
        /// Why.
        reason: Refusal,
    },
}

/// Why a placement came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The device was lost.
    DeviceLost,
    /// The attempt failed.
    Failed,
    /// What it was updating has to be made anew from an earlier version.
    RolledBack,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Place a task, or place it anew until it is issued.
    Place {
        /// The task; it need not be ready.
        task: TaskId,
        /// The device.
        device: DeviceId,
        /// One lane of it; for a task of several cores the first of consecutive ones. `None` =
        /// whichever is free first.
        lane: Option<LaneId>,
        /// Larger runs earlier.
        priority: i64,
    },
    /// Bring a copy of an object's current version to a memory, if there is room.
    Prefetch {
        /// What.
        object: ObjectId,
        /// Where to.
        memory: MemoryId,
    },
    /// Forget an unreserved copy that is neither the only one nor at the object's home.
    Drop {
        /// What.
        object: ObjectId,
        /// Where.
        memory: MemoryId,
    },
    /// Ask again at an instant.
    Wake {
        /// When.
        at_ns: Ns,
    },
    /// Have a planner plan what is left, apart from the run; only through
    /// [`Decisions::plan_apart`].
    PlanApart,
    /// End the run: there is no schedule.
    GiveUp {
        /// Why, for people.
        reason: String,
    },
}

/// Why a decision was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No such task.
    #[error("there is no task {0}")]
    UnknownTask(TaskId),
    /// No such device.
    #[error("there is no device {0}")]
    UnknownDevice(DeviceId),
    /// No such memory.
    #[error("there is no memory {0}")]
    UnknownMemory(MemoryId),
    /// No such object.
    #[error("there is no object {0}")]
    UnknownObject(ObjectId),
    /// The lane is not one of the device's.
    #[error("lane {0} is not a lane of the device, or too few lanes follow it")]
    WrongLane(LaneId),
    /// Strict order needs a lane.
    #[error("a scheduler of strict lane order must name a lane")]
    LaneRequired,
    /// The device cannot run the task.
    #[error("the device cannot run the task")]
    CannotRun,
    /// The device is away.
    #[error("device {0} is lost")]
    DeviceLost(DeviceId),
    /// It is too late.
    #[error("the task was issued already")]
    AlreadyIssued,
    /// The task was ready when the scheduler was asked; while it was thinking, something was lost
    /// that is made again first. [`Event::Ready`] follows anew.
    #[error("task {0} has to wait again for something that was lost")]
    WaitsAgain(TaskId),
    /// The working set exceeds the memory.
    #[error("the task needs {needed_bytes} bytes at once, the memory holds {capacity_bytes}")]
    TooLarge {
        /// Working set, and what the memory holds permanently.
        needed_bytes: u64,
        /// Capacity.
        capacity_bytes: u64,
    },
    /// A racily shared object is in use in another memory.
    #[error("racy object {0} is in use in another memory")]
    RacyElsewhere(ObjectId),
    /// The copy cannot be dropped.
    #[error("the copy is not there, is reserved, is the only one, or is at home")]
    CannotDrop,
    /// The object does not exist now, or there is no room.
    #[error("the object has no copy now, or there is no room for one more")]
    CannotPrefetch,
    /// A plan is being made already, or no planner was named.
    #[error("a plan is being made already, or no planner was named")]
    CannotPlan,
}

/// Where decisions are put.
#[derive(Clone, Debug, Default)]
pub struct Decisions {
    list: Vec<Decision>,
    planner: Option<SharedPlanner>,
}

impl Decisions {
    /// Places a task on a device, on whichever lane is free first, with priority 0.
    pub fn place(&mut self, task: TaskId, device: DeviceId) {
        self.list.push(Decision::Place { task, device, lane: None, priority: 0 });
    }

    /// Places a task on a lane of a device.
    pub fn place_on(&mut self, task: TaskId, device: DeviceId, lane: LaneId, priority: i64) {
        self.list.push(Decision::Place { task, device, lane: Some(lane), priority });
    }

    /// Places a task with a priority; larger runs earlier.
    pub fn place_with_priority(&mut self, task: TaskId, device: DeviceId, priority: i64) {
        self.list.push(Decision::Place { task, device, lane: None, priority });
    }

    /// Asks to be called at an instant.
    pub fn wake(&mut self, at_ns: Ns) {
        self.list.push(Decision::Wake { at_ns });
    }

    /// Has `planner` plan what is left to do now, apart from the run: lanes go on, and the answer
    /// comes as [`Event::Planned`]. One plan is made at a time.
    pub fn plan_apart(&mut self, planner: &SharedPlanner) {
        self.planner = Some(planner.clone());
        self.list.push(Decision::PlanApart);
    }

    /// Ends the run: there is no schedule.
    pub fn give_up(&mut self, reason: impl Into<String>) {
        self.list.push(Decision::GiveUp { reason: reason.into() });
    }

    /// Any decision.
    pub fn push(&mut self, decision: Decision) {
        self.list.push(decision);
    }

    /// What was decided so far.
    pub fn as_slice(&self) -> &[Decision] {
        &self.list
    }

    /// Whether nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.list)
    }

    pub(crate) fn take_planner(&mut self) -> Option<SharedPlanner> {
        self.planner.take()
    }

    pub(crate) fn put_back(&mut self, mut list: Vec<Decision>) {
        list.clear();
        self.list = list;
    }
}
