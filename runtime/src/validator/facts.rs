//! The records, sorted for the checks: who used which object in submission order, which attempt
//! belongs to which task, which record to which buffer.

use super::{Options, Violation};
use crate::cluster::LinkState;
use crate::graph::{Access, Mode};
use crate::trace::{BufferRecord, InstanceId, Rollback, TaskRecord, Trace, World};
use crate::{Cluster, MemoryId, Ns, ObjectId, TaskId};

/// "No record".
const NONE: u32 = u32::MAX;

/// One access, with what submission order says about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub task: TaskId,
    /// Position among the task's accesses.
    pub slot: u32,
    pub mode: Mode,
    /// Accesses of one object that are unordered among themselves are one phase: consecutive
    /// reads, consecutive commutative ones, and so on. Phases are numbered in their order.
    pub phase: u32,
    /// Writes of the object before the phase.
    pub version: u32,
}

/// What the checks work on.
pub(super) struct Facts<'t> {
    pub trace: &'t Trace,
    pub cluster: Cluster,
    /// The cluster after links were lost for good, and from when on.
    changed: Vec<(Ns, Cluster)>,
    pub slack_ns: Ns,
    pub is_simulated: bool,
    /// Whether transfers last as long as the cluster's links say.
    pub is_paced: bool,
    /// Positions of finished attempts, by task, each task's in the order of completion.
    attempts: Vec<u32>,
    /// By task: where its attempts begin.
    first_attempt: Vec<u32>,
    /// Rollbacks by object, each object's in the order in which they came.
    rollbacks: Vec<Rollback>,
    /// Instance and position of its record, sorted.
    instances: Vec<(u32, u32)>,
    /// All uses, by object, in submission order.
    uses: Vec<Use>,
    /// By object: where its uses begin.
    first_use: Vec<u32>,
}

impl<'t> Facts<'t> {
    /// Sorts the records; violations are what makes that impossible.
    pub fn new(trace: &'t Trace, options: Options) -> Result<Self, Vec<Violation>> {
        let cluster = Cluster::new(trace.header.cluster.clone())
            .map_err(|error| vec![Violation::UnusableCluster(error)])?;
        let dangling = super::dangling::check(trace, &cluster);
        if !dangling.is_empty() {
            return Err(dangling);
        }
        let (attempts, first_attempt) = attempts(trace);
        let mut rollbacks = trace.losses.rollbacks.clone();
        rollbacks.sort_by_key(|r| r.object);
        let with_object = trace.buffers.iter().enumerate().filter(|(_, b)| b.object.is_some());
        let mut instances: Vec<_> = with_object.map(|(at, b)| (b.instance.0, at as u32)).collect();
        instances.sort_unstable();
        let (uses, first_use) = uses(trace);
        Ok(Self {
            trace,
            changed: changed(trace, &cluster),
            cluster,
            slack_ns: options.slack_ns,
            is_simulated: trace.header.world == World::Simulated,
            is_paced: trace.header.world != World::Measured,
            attempts,
            first_attempt,
            rollbacks,
            instances,
            uses,
            first_use,
        })
    }

    /// The first finished attempt at a task.
    #[inline]
    pub fn attempt(&self, task: TaskId) -> Option<&'t TaskRecord> {
        let at = *self.attempts_of(task).first()?;
        self.trace.tasks.get(at as usize)
    }

    /// Positions of a task's finished attempts, in the order of completion.
    #[inline]
    pub fn attempts_of(&self, task: TaskId) -> &[u32] {
        let at = task.index();
        &self.attempts[self.first_attempt[at] as usize..self.first_attempt[at + 1] as usize]
    }

    /// The attempt at a position in the order of completion.
    #[inline]
    pub fn record(&self, position: u32) -> &'t TaskRecord {
        &self.trace.tasks[position as usize]
    }

    /// When an object was taken back, and to which version, in that order.
    pub fn rollbacks(&self, object: ObjectId) -> &[Rollback] {
        let first = self.rollbacks.partition_point(|r| r.object < object);
        let count = self.rollbacks[first..].partition_point(|r| r.object == object);
        &self.rollbacks[first..first + count]
    }

    /// The cluster by whose routes a transfer went that was issued at an instant; of several states
    /// at one instant the last one.
    pub fn cluster_at(&self, issued_ns: Ns) -> &Cluster {
        let at = self.changed.partition_point(|c| c.0 <= issued_ns);
        self.changed[..at].last().map_or(&self.cluster, |c| &c.1)
    }

    /// The memory that a task ran in.
    #[inline]
    pub fn memory(&self, record: &TaskRecord) -> MemoryId {
        self.cluster.memory_of(record.device)
    }

    /// Uses of an object in submission order.
    #[inline]
    pub fn uses(&self, object: ObjectId) -> &[Use] {
        let at = object.index();
        &self.uses[self.first_use[at] as usize..self.first_use[at + 1] as usize]
    }

    /// Writes of an object in the whole run.
    pub fn writes(&self, object: ObjectId) -> u32 {
        self.uses(object).iter().filter(|u| u.mode.writes()).count() as u32
    }

    /// Buffers of objects, sorted by instance, each with the position of its record.
    pub fn instances(&self) -> &[(u32, u32)] {
        &self.instances
    }

    /// Rank of an instance among the buffers of objects.
    #[inline]
    pub fn rank(&self, instance: InstanceId) -> Option<usize> {
        // In a complete trace instances are numbered without gaps.
        match self.instances.get(instance.index()) {
            Some(found) if found.0 == instance.0 => Some(instance.index()),
            _ => self.instances.binary_search_by_key(&instance.0, |i| i.0).ok(),
        }
    }

    /// The record of the buffer of a rank.
    #[inline]
    pub fn buffer(&self, rank: usize) -> &'t BufferRecord {
        &self.trace.buffers[self.instances[rank].1 as usize]
    }

    /// The buffer that an attempt used for one of its accesses.
    #[inline]
    pub fn instance_of(&self, record: &TaskRecord, slot: u32) -> InstanceId {
        self.trace.task_buffers[record.first_buffer as usize + slot as usize]
    }

    /// Whether `earlier_ns` is later than `later_ns`, beyond the slack.
    #[inline]
    pub fn is_after(&self, earlier_ns: Ns, later_ns: Ns) -> bool {
        earlier_ns > later_ns.saturating_add(self.slack_ns)
    }
}

/// The cluster after each loss of a link. What links carry for a while is left out: transfers are
/// held to what they could have had at most.
fn changed(trace: &Trace, cluster: &Cluster) -> Vec<(Ns, Cluster)> {
    let mut states = vec![LinkState::default(); trace.header.cluster.links.len()];
    let mut changed: Vec<(Ns, Cluster)> = Vec::new();
    for change in trace.losses.links.iter().filter(|c| c.state.is_lost) {
        states[change.link.index()].is_lost = true;
        let last = changed.last().map_or(cluster, |c| &c.1);
        let next = last.with_links(&states);
        changed.push((change.at_ns, next));
    }
    changed
}

/// Positions of finished attempts, sorted by task (counting sort), and where each task's begin.
fn attempts(trace: &Trace) -> (Vec<u32>, Vec<u32>) {
    let mut first = vec![0u32; trace.graph.len() + 1];
    trace.tasks.iter().for_each(|t| first[t.task.index() + 1] += 1);
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    let mut attempts = vec![0u32; trace.tasks.len()];
    let mut next = first.clone();
    for (position, record) in trace.tasks.iter().enumerate() {
        let at = &mut next[record.task.index()];
        attempts[*at as usize] = position as u32;
        *at += 1;
    }
    (attempts, first)
}

/// All uses, sorted by object (counting sort), and where those of each object begin.
fn uses(trace: &Trace) -> (Vec<Use>, Vec<u32>) {
    let graph = &trace.graph;
    let mut first = vec![0u32; graph.object_count() + 1];
    for task in graph.task_ids() {
        graph.accesses(task).iter().for_each(|a| first[a.object.index() + 1] += 1);
    }
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    let blank = Use { task: TaskId(NONE), slot: 0, mode: Mode::Read, phase: 0, version: 0 };
    let mut uses = vec![blank; first[graph.object_count()] as usize];
    let mut next = first.clone();
    for task in graph.task_ids() {
        for (slot, &Access { object, mode, .. }) in graph.accesses(task).iter().enumerate() {
            let at = &mut next[object.index()];
            uses[*at as usize] = Use { task, slot: slot as u32, mode, ..blank };
            *at += 1;
        }
    }
    for object in first.windows(2) {
        number_phases(&mut uses[object[0] as usize..object[1] as usize]);
    }
    (uses, first)
}

/// Gives the uses of one object, in submission order, their phases and versions.
fn number_phases(uses: &mut [Use]) {
    let (mut phase, mut before_phase, mut writes) = (0, 0, 0);
    for at in 0..uses.len() {
        let mode = uses[at].mode;
        let is_unordered = mode == Mode::Read || mode.is_group();
        let joins = at > 0 && is_unordered && uses[at - 1].mode == mode;
        if !joins {
            phase += 1;
            before_phase = writes;
        }
        uses[at].phase = phase;
        uses[at].version = before_phase;
        writes += u32::from(mode.writes());
    }
}
