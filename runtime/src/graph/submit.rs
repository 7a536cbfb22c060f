//! Adding objects and tasks.

use super::error::GraphError;
use super::model::{
    Access, END, Edge, FULL_PPM, Mode, Object, ObjectSpec, Task, TaskGraph, TaskSpec,
};
use crate::cost::Cost;
use crate::{GangId, Ns, ObjectId, TaskId};

impl TaskGraph {
    /// Adds an object.
    ///
    /// # Errors
    /// None today; the type leaves room for limits.
    pub fn add_object(&mut self, spec: ObjectSpec<'_>) -> Result<ObjectId, GraphError> {
        let id = ObjectId::from_index(self.objects.len());
        self.objects.push(Object {
            bytes: spec.bytes,
            home: spec.home,
            initial: spec.initial,
            keep: spec.keep,
            held: spec.held,
        });
        self.object_names.push(spec.name);
        self.tracks.add_object();
        Ok(id)
    }

    /// Marks an object as a result that is brought home.
    pub fn keep(&mut self, object: ObjectId) {
        self.objects[object.index()].keep = true;
    }

    /// Lets the object live until [`TaskGraph::release`], for tasks that are submitted later.
    pub fn hold(&mut self, object: ObjectId) {
        self.objects[object.index()].held = true;
    }

    /// Promises that no further task will use the object: it dies after its last declared access.
    pub fn release(&mut self, object: ObjectId) {
        if std::mem::take(&mut self.objects[object.index()].held) {
            self.released.push(object);
        }
    }

    /// Objects released since they were last taken.
    pub(crate) fn released(&self) -> &[ObjectId] {
        &self.released
    }

    /// Objects released since this was last asked.
    pub(crate) fn take_released(&mut self) -> Vec<ObjectId> {
        std::mem::take(&mut self.released)
    }

    /// A new gang; tasks join it by their spec.
    pub fn add_gang(&mut self) -> GangId {
        self.gangs += 1;
        GangId(self.gangs - 1)
    }

    /// Number of gangs.
    pub fn gang_count(&self) -> usize {
        self.gangs as usize
    }

    /// Names the columns of cost tables: device names or device classes.
    ///
    /// # Panics
    /// When rows exist already.
    pub fn set_columns(&mut self, columns: &[&str]) {
        assert!(self.tables.is_empty(), "columns are named before the first row is added");
        self.columns = columns.iter().map(|c| (*c).to_owned()).collect();
    }

    /// Adds a row of durations, one per column, `Ns::MAX` where it cannot run; for [`Cost::Table`].
    ///
    /// # Errors
    /// [`GraphError::BadRow`] when the number of entries is not that of the columns.
    pub fn add_cost_row(&mut self, durations_ns: &[Ns]) -> Result<Cost, GraphError> {
        if durations_ns.len() != self.columns.len() || durations_ns.is_empty() {
            let (got, expected) = (durations_ns.len(), self.columns.len());
            return Err(GraphError::BadRow { got, expected });
        }
        let row = (self.tables.len() / self.columns.len()) as u32;
        self.tables.extend_from_slice(durations_ns);
        Ok(Cost::Table(row))
    }

    /// Submits a task; its dependencies follow from its accesses and control edges.
    ///
    /// Takes time linear in its accesses and new edges, but for a logarithm where there are many.
    ///
    /// # Errors
    /// Any [`GraphError`]; the graph is then unchanged.
    pub fn submit(&mut self, spec: TaskSpec<'_>) -> Result<TaskId, GraphError> {
        let firsts = Firsts::new(spec.accesses);
        self.check(&spec, &firsts)?;
        let id = TaskId::from_index(self.tasks.len());
        let first_access = self.accesses.len();
        for (i, &(object, mode)) in spec.accesses.iter().enumerate() {
            if firsts.of(spec.accesses, i) == i {
                self.accesses.push(Access { object, mode, version: 0 });
                continue;
            }
            let known = self.accesses[first_access..].iter_mut().find(|a| a.object == object);
            if let Some(access) = known {
                access.mode = join(access.mode, mode).unwrap_or(mode);
            }
        }
        let first_edge = self.edges.len();
        for i in first_access..self.accesses.len() {
            let Access { object, mode, .. } = self.accesses[i];
            let edges = &mut self.edges;
            let version = self.tracks.access(object.index(), id, mode, |found| {
                let object = found.flows.then_some(object);
                edges.push(Edge { from: found.from, to: id, object, next_successor: END });
            });
            self.accesses[i].version = version;
        }
        for &from in spec.after {
            self.edges.push(Edge { from, to: id, object: None, next_successor: END });
        }
        self.drop_repeated_edges(first_edge);
        self.link_successors(first_edge);
        let params = self.params.len() as u32;
        self.params.extend_from_slice(spec.params);
        self.tasks.push(Task {
            kernel: spec.kernel,
            shape: spec.shape,
            cost: spec.cost,
            cores: spec.cores,
            scratch_bytes: spec.scratch_bytes,
            occupancy_ppm: spec.occupancy_ppm,
            gang: spec.gang,
            accesses: (first_access as u32, self.accesses.len() as u32),
            params: (params, self.params.len() as u32),
            edges: (first_edge as u32, self.edges.len() as u32),
            first_successor: END,
            last_successor: END,
        });
        self.task_names.push(spec.name);
        Ok(id)
    }

    /// Sorts the new edges by predecessor and keeps one order-only edge per predecessor at most,
    /// none where data flows anyway.
    fn drop_repeated_edges(&mut self, first: usize) {
        let new = &mut self.edges[first..];
        new.sort_unstable_by_key(|e| (e.from, e.object.map_or(u32::MAX, |o| o.0)));
        let mut kept = first;
        for i in first..self.edges.len() {
            let edge = self.edges[i];
            let repeats = kept > first && {
                let last = self.edges[kept - 1];
                last.from == edge.from && (edge.object.is_none() || edge.object == last.object)
            };
            if !repeats {
                self.edges[kept] = edge;
                kept += 1;
            }
        }
        self.edges.truncate(kept);
    }

    fn link_successors(&mut self, first: usize) {
        for i in first..self.edges.len() {
            let from = &mut self.tasks[self.edges[i].from.index()];
            let at = u32::try_from(i).expect("more than 2^32 edges");
            let last = std::mem::replace(&mut from.last_successor, at);
            if last == END {
                from.first_successor = at;
            } else {
                self.edges[last as usize].next_successor = at;
            }
        }
    }

    fn check(&self, spec: &TaskSpec<'_>, firsts: &Firsts) -> Result<(), GraphError> {
        let name = || match spec.name {
            "" => format!("{}#{}", self.kernel_name(spec.kernel), self.tasks.len()),
            name => name.to_owned(),
        };
        for (i, &(object, mode)) in spec.accesses.iter().enumerate() {
            if object.index() >= self.objects.len() {
                let known = self.objects.len();
                return Err(GraphError::UnknownObject { task: name(), object, known });
            }
            let (_, first) = spec.accesses[firsts.of(spec.accesses, i)];
            if first != mode && join(first, mode).is_none() {
                let object = self.object_name(object);
                return Err(GraphError::MixedModes { task: name(), object, first, second: mode });
            }
            let exists = self.object(object).initial || self.tracks.is_written(object.index());
            if mode.reads() && !exists {
                let object = self.object_name(object);
                return Err(GraphError::ReadBeforeWrite { task: name(), object });
            }
        }
        if let Some(&after) = spec.after.iter().find(|t| t.index() >= self.tasks.len()) {
            return Err(GraphError::UnknownTask { task: name(), after, known: self.tasks.len() });
        }
        if let Cost::Work(cost) = spec.cost
            && !(cost.is_finite() && cost >= 0.0)
        {
            return Err(GraphError::BadCost { task: name(), cost });
        }
        if spec.cores == 0 {
            return Err(GraphError::NoCores { task: name() });
        }
        if !(1..=FULL_PPM).contains(&spec.occupancy_ppm) {
            return Err(GraphError::BadOccupancy { task: name(), ppm: spec.occupancy_ppm });
        }
        if spec.gang.is_some()
            && let Some(access) = spec.accesses.iter().find(|a| a.1.is_exclusive())
        {
            let object = self.object_name(access.0);
            return Err(GraphError::ExclusiveInGang { task: name(), object });
        }
        if spec.gang.is_some_and(|g| g.index() >= self.gang_count()) {
            return Err(GraphError::UnknownGang { task: name() });
        }
        Ok(())
    }
}

/// Where a task names each of its objects first: by comparing all with all where they are few, by
/// sorting where they are many (a join may read the results of thousands).
struct Firsts {
    /// Objects with positions, sorted; empty where accesses are few.
    sorted: Vec<(ObjectId, u32)>,
}

impl Firsts {
    const FEW: usize = 32;

    fn new(accesses: &[(ObjectId, Mode)]) -> Self {
        let mut sorted = Vec::new();
        if accesses.len() > Self::FEW {
            sorted.extend(accesses.iter().zip(0..).map(|(access, at)| (access.0, at)));
            sorted.sort_unstable();
        }
        Self { sorted }
    }

    /// The first position that names the object of position `at`.
    fn of(&self, accesses: &[(ObjectId, Mode)], at: usize) -> usize {
        let object = accesses[at].0;
        if self.sorted.is_empty() {
            return accesses.iter().position(|a| a.0 == object).unwrap_or(at);
        }
        self.sorted[self.sorted.partition_point(|entry| entry.0 < object)].1 as usize
    }
}

/// The mode of an object that one task names twice.
fn join(a: Mode, b: Mode) -> Option<Mode> {
    match (a, b) {
        _ if a == b => Some(a),
        (
            Mode::Read | Mode::Write | Mode::ReadWrite,
            Mode::Read | Mode::Write | Mode::ReadWrite,
        ) => Some(Mode::ReadWrite),
        _ => None,
    }
}
