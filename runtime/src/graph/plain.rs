//! A graph as plain serialisable data: what traces hold. Reading it back submits the tasks again,
//! so dependencies are inferred anew and are never trusted from a file.

use super::{FULL_PPM, GraphError, Mode, ObjectSpec, TaskGraph, TaskSpec};
use crate::{Cost, GangId, KernelId, Ns, ObjectId, TaskId};
use serde::{Deserialize, Serialize};

/// A graph in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlainGraph {
    /// Shown to people.
    pub name: String,
    /// Kernel names, by id.
    pub kernels: Vec<String>,
    /// Columns of the cost tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Cost rows; `null` = cannot run there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<Option<Ns>>>,
    /// Number of gangs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gangs: u32,
    /// Objects, by id.
    pub objects: Vec<PlainObject>,
    /// Tasks, by id.
    pub tasks: Vec<PlainTask>,
}

/// An object in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlainObject {
    /// Shown to people.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// Size.
    pub bytes: u64,
    /// Home index.
    #[serde(skip_serializing_if = "is_zero")]
    pub home: u32,
    /// Whether it exists before the run.
    #[serde(skip_serializing_if = "is_false")]
    pub initial: bool,
    /// Whether it is a result.
    #[serde(skip_serializing_if = "is_false")]
    pub keep: bool,
}

/// A task in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlainTask {
    /// Shown to people.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub name: Box<str>,
    /// Kernel id.
    pub kernel: u32,
    /// Shape.
    #[serde(default, skip_serializing_if = "no_shape")]
    pub shape: [u32; 4],
    /// Parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<i64>,
    /// Cost.
    pub cost: Cost,
    /// Cores.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub cores: u32,
    /// Scratch.
    #[serde(default, skip_serializing_if = "is_zero_bytes")]
    pub scratch_bytes: u64,
    /// Occupancy in millionths.
    #[serde(default = "full", skip_serializing_if = "is_full")]
    pub occupancy_ppm: u32,
    /// Gang.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gang: Option<u32>,
    /// Accesses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<(u32, Mode)>,
    /// Control edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<u32>,
}

fn one() -> u32 {
    1
}
fn is_one(value: &u32) -> bool {
    *value == 1
}
fn full() -> u32 {
    FULL_PPM
}
fn is_full(value: &u32) -> bool {
    *value == FULL_PPM
}
fn is_zero(value: &u32) -> bool {
    *value == 0
}
fn is_zero_bytes(value: &u64) -> bool {
    *value == 0
}
fn is_false(value: &bool) -> bool {
    !*value
}
fn no_shape(shape: &[u32; 4]) -> bool {
    *shape == [0; 4]
}

/// Why a plain graph is not a graph.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlainError {
    /// A task is refused.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A number that refers to nothing.
    #[error("task {task} names {what} {index}, but there are only {known}")]
    OutOfRange {
        /// Position of the task.
        task: usize,
        /// What kind of thing.
        what: &'static str,
        /// What was named.
        index: u32,
        /// How many there are.
        known: usize,
    },
}

impl TaskGraph {
    /// The graph as plain data.
    pub fn to_plain(&self) -> PlainGraph {
        let optional = |ns: &Ns| (*ns != Ns::MAX).then_some(*ns);
        let width = self.columns.len().max(1);
        PlainGraph {
            name: self.name.clone(),
            kernels: self.kernels.clone(),
            columns: self.columns.clone(),
            rows: self.tables.chunks(width).map(|r| r.iter().map(optional).collect()).collect(),
            gangs: self.gangs,
            objects: (self.objects.iter().enumerate())
                .map(|(at, o)| PlainObject {
                    name: self.object_names.get(at).into(),
                    bytes: o.bytes,
                    home: o.home,
                    initial: o.initial,
                    keep: o.keep,
                })
                .collect(),
            tasks: self.task_ids().map(|t| self.plain_task(t)).collect(),
        }
    }

    fn plain_task(&self, id: TaskId) -> PlainTask {
        let task = self.task(id);
        // Inferred order-only edges come back by inference; listing them too changes nothing.
        let control = self.incoming(id).iter().filter(|e| e.object.is_none());
        PlainTask {
            name: self.task_names.get(id.index()).into(),
            kernel: task.kernel.0,
            shape: task.shape,
            params: self.params(id).to_vec(),
            cost: task.cost,
            cores: task.cores,
            scratch_bytes: task.scratch_bytes,
            occupancy_ppm: task.occupancy_ppm,
            gang: task.gang.map(|g| g.0),
            accesses: self.accesses(id).iter().map(|a| (a.object.0, a.mode)).collect(),
            after: control.map(|e| e.from.0).collect(),
        }
    }

    /// The graph of plain data.
    ///
    /// # Errors
    /// [`PlainError`] for references to nothing and for anything that submission refuses.
    pub fn from_plain(plain: &PlainGraph) -> Result<Self, PlainError> {
        let mut graph = Self::new(&plain.name);
        plain.kernels.iter().for_each(|k| graph.kernels.push(k.clone()));
        if !plain.columns.is_empty() {
            graph.set_columns(&plain.columns.iter().map(String::as_str).collect::<Vec<_>>());
        }
        graph.gangs = plain.gangs;
        for row in &plain.rows {
            let row: Vec<Ns> = row.iter().map(|ns| ns.unwrap_or(Ns::MAX)).collect();
            graph.add_cost_row(&row)?;
        }
        for object in &plain.objects {
            graph.add_object(ObjectSpec {
                name: &object.name,
                bytes: object.bytes,
                home: object.home,
                initial: object.initial,
                keep: object.keep,
                held: false,
            })?;
        }
        for (at, task) in plain.tasks.iter().enumerate() {
            let within = |what, index: u32, known| match (index as usize) < known {
                true => Ok(()),
                false => Err(PlainError::OutOfRange { task: at, what, index, known }),
            };
            within("kernel", task.kernel, plain.kernels.len())?;
            if let Cost::Table(row) = task.cost {
                within("cost row", row, plain.rows.len())?;
            }
            let accesses: Vec<_> = task.accesses.iter().map(|a| (ObjectId(a.0), a.1)).collect();
            let after: Vec<_> = task.after.iter().map(|t| TaskId(*t)).collect();
            graph.submit(TaskSpec {
                name: &task.name,
                kernel: KernelId(task.kernel),
                shape: task.shape,
                params: &task.params,
                cost: task.cost,
                cores: task.cores,
                scratch_bytes: task.scratch_bytes,
                occupancy_ppm: task.occupancy_ppm,
                gang: task.gang.map(GangId),
                accesses: &accesses,
                after: &after,
            })?;
        }
        Ok(graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_survives_the_journey_through_text() {
        let mut g = TaskGraph::new("g");
        g.set_columns(&["cpu", "gpu"]);
        let k = g.kernel("k");
        let cost = g.add_cost_row(&[5, Ns::MAX]).unwrap();
        let a = ObjectSpec { name: "a", bytes: 9, initial: true, ..Default::default() };
        let a = g.add_object(a).unwrap();
        let b = g.add_object(ObjectSpec { bytes: 7, keep: true, ..Default::default() }).unwrap();
        let accesses = [(a, Mode::Read), (b, Mode::Write)];
        let t = g.submit(TaskSpec { cost, accesses: &accesses, ..TaskSpec::new(k) }).unwrap();
        let accesses = [(a, Mode::Write), (b, Mode::Commutative)];
        let spec = TaskSpec { name: "n", accesses: &accesses, after: &[t], ..TaskSpec::new(k) };
        g.submit(spec).unwrap();
        let text = serde_json::to_string(&g.to_plain()).unwrap();
        let back = TaskGraph::from_plain(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(back.to_plain(), g.to_plain());
        assert_eq!(back.incoming(TaskId(1)), g.incoming(TaskId(1)));
    }
}
