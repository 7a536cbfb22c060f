//! What every online scheduler needs at its desk: which tasks are to be placed now.
//!
//! Events come in, jobs go out: a ready task, or a gang once all of its tasks are ready (a gang
//! that is placed in part could hold lanes that it waits for). A refused placement becomes a job
//! again; a task that no device may take now is kept until something finishes.

use crate::candidates::{Candidates, Room};
use runtime::scheduler::{Refusal, Stage};
use runtime::{Decision, Decisions, DeviceId, Event, GangId, TaskId, View};

/// Something to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// One task.
    Task(TaskId),
    /// All tasks of a gang.
    Gang(GangId),
}

/// See the module's documentation.
#[derive(Default)]
pub struct Desk {
    gangs: Vec<Gang>,
    deferred: Vec<TaskId>,
    banned: Vec<(TaskId, DeviceId)>,
}

#[derive(Default)]
struct Gang {
    members: Vec<TaskId>,
    /// Members that were ready once.
    ready: Vec<TaskId>,
}

impl Gang {
    /// What is to be placed now that a member is ready: all of them with the last one; by itself
    /// one
    /// that is ready again, since what was placed of it came to nothing.
    fn ready(&mut self, gang: GangId, task: TaskId) -> Option<Job> {
        if self.ready.contains(&task) {
            return Some(Job::Task(task));
        }
        self.ready.push(task);
        (self.ready.len() == self.members.len()).then_some(Job::Gang(gang))
    }
}

impl Desk {
    /// Takes note of an event; calls `work` with what is to be placed because of it.
    pub fn note(&mut self, event: &Event, view: &View<'_>, mut work: impl FnMut(Job)) {
        match *event {
            Event::GraphGrew { first, count } => self.grow(first, count, view),
            Event::Ready { task } => match view.graph().task(task).gang {
                None => work(Job::Task(task)),
                Some(gang) => {
                    if let Some(job) = self.gangs[gang.index()].ready(gang, task) {
                        work(job);
                    }
                }
            },
            Event::Finished { .. } | Event::DeviceJoined { .. } => {
                self.deferred.drain(..).map(Job::Task).for_each(work);
            }
            Event::Refused { ref decision, ref reason } => {
                if let Some(task) = self.refused(decision, reason) {
                    work(Job::Task(task));
                }
            }
            Event::CopyArrived { .. }
            | Event::DeviceLost { .. }
            | Event::LinkChanged { .. }
            | Event::AttemptLost { .. }
            | Event::Redone { .. }
            | Event::MemoryPressure { .. }
            | Event::Planned { .. }
            | Event::Timer => {}
        }
    }

    fn grow(&mut self, first: TaskId, count: u32, view: &View<'_>) {
        let graph = view.graph();
        if graph.gang_count() == 0 {
            return;
        }
        self.gangs.resize_with(graph.gang_count(), Gang::default);
        for task in (first.0..first.0 + count).map(TaskId) {
            if let Some(gang) = graph.task(task).gang {
                self.gangs[gang.index()].members.push(task);
            }
        }
    }

    /// The task whose placement was refused, if it must be placed elsewhere.
    fn refused(&mut self, decision: &Decision, reason: &Refusal) -> Option<TaskId> {
        let Decision::Place { task, device, .. } = *decision else { return None };
        match reason {
            // It runs, or there is nothing of the kind to run, or it is called ready anew.
            Refusal::AlreadyIssued | Refusal::UnknownTask(_) | Refusal::WaitsAgain(_) => None,
            // The view shows by now where it must go, or cannot.
            Refusal::RacyElsewhere(_) | Refusal::DeviceLost(_) => Some(task),
            _ => {
                self.banned.push((task, device));
                Some(task)
            }
        }
    }

    /// Keeps a task that no device may take until something has finished, or a device has joined.
    pub fn defer(&mut self, task: TaskId) {
        self.deferred.push(task);
    }

    /// Where a task may be placed; what others of its gang take is not offered.
    pub fn candidates<'a>(&'a self, view: &View<'a>, task: TaskId) -> Candidates<'a> {
        let room = view.graph().task(task).gang.map(|gang| {
            let mut room = Room::new(view.cluster());
            for member in self.gangs[gang.index()].members.iter().filter(|m| **m != task) {
                if let Some(device) = view.placement(*member) {
                    room.take(view, *member, device);
                }
            }
            room
        });
        Candidates::new(view, task, &self.banned, room)
    }

    /// Places all tasks of a gang on devices that `choose` picks, so that the machine can hold all
    /// of them at once: tasks with fewer candidates first.
    pub fn place_gang(
        &mut self,
        gang: GangId,
        view: &View<'_>,
        mut choose: impl FnMut(&Candidates<'_>) -> Option<DeviceId>,
        out: &mut Decisions,
    ) {
        let mut room = Room::new(view.cluster());
        let mut members: Vec<(usize, TaskId)> = Vec::new();
        for &member in &self.gangs[gang.index()].members {
            if view.stage(member) == Stage::Ready {
                let candidates = Candidates::new(view, member, &self.banned, None);
                members.push((candidates.iter().count(), member));
            }
        }
        members.sort_unstable();
        for (_, member) in members {
            let candidates = Candidates::new(view, member, &self.banned, Some(room));
            let device = choose(&candidates);
            room = candidates.into_room().expect("it was given");
            match device {
                Some(device) => {
                    room.take(view, member, device);
                    out.place(member, device);
                }
                None => self.deferred.push(member),
            }
        }
    }
}
