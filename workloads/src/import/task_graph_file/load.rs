//! Parsing: every entry is packed as soon as it is read, so that a large file is never in memory
//! twice.
//!
//! Names that are known already become numbers at once; the others wait in the `late` lists until
//! everything is read.

use super::VERSION;
use super::occupancy::Occupancy;
use super::spec::{EdgeEntry, ObjectEntry, Order, TaskEntry};
use crate::import::draft::{DraftEdge, DraftTask, TaskList};
use crate::import::names::Names;
use crate::import::numbers::{CostEntry, Text};
use runtime::graph::{FULL_PPM, Mode};
use runtime::{Cost, GangId, KernelId, Ns};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The kernel of tasks that name none.
const DEFAULT_KERNEL: &str = "task";

/// The number of what is not known yet.
const LATE: u32 = u32::MAX;

/// The keys at the top, in the order of [`super::TaskGraphFile`].
const KEYS: [&str; 9] = [
    "windtunnel_graph",
    "$schema",
    "name",
    "description",
    "order",
    "columns",
    "objects",
    "tasks",
    "edges",
];

/// What is read so far.
#[derive(Default)]
pub(super) struct Loaded<'a> {
    pub version: u32,
    pub name: Text<'a>,
    pub order: Order,
    /// Those that the file lists.
    pub columns: Vec<Text<'a>>,
    pub objects: Names<'a>,
    pub object_rows: Vec<ObjectRow>,
    pub tasks: Tasks<'a>,
    /// (task, object, mode).
    pub accesses: Vec<(u32, u32, Mode)>,
    /// Positions in `accesses` with the number within the task and the object's name.
    pub late_accesses: Vec<(u32, u32, Text<'a>)>,
    /// (from, to).
    pub control: Vec<(u32, u32)>,
    /// Positions in `control` with the number within the task and the earlier task's name.
    pub late_control: Vec<(u32, u32, Text<'a>)>,
    pub edges: Vec<DraftEdge>,
    /// Edges that name unknown tasks, with their numbers in the file.
    pub late_edges: Vec<(u32, EdgeEntry<'a>)>,
    edge_count: u32,
    /// What stopped the parser, where that is more than a matter of syntax.
    pub fault: Option<Fault>,
}

/// Mistakes that the parser meets but the caller words.
pub(super) enum Fault {
    /// The version of a file that this program cannot read.
    Version(u32),
    /// A name in a list that is there already: the list, the position and the name.
    Duplicate(&'static str, usize, String),
}

/// An object without its name.
pub(super) struct ObjectRow {
    pub bytes: u64,
    pub home: u32,
    pub initial: bool,
    pub keep: bool,
}

/// All tasks, packed.
#[derive(Default)]
pub(super) struct Tasks<'a> {
    pub names: Names<'a>,
    rows: Vec<TaskRow>,
    extras: Vec<Extra>,
    pub kernels: Names<'a>,
    pub gangs: Names<'a>,
    /// Columns in the order in which tables name them.
    pub columns: Names<'a>,
    /// Entries of all tables: a column and a duration.
    table_entries: Vec<(u32, Ns)>,
    /// The task of each table, and where its entries end.
    table_ends: Vec<(u32, u32)>,
}

struct TaskRow {
    cost: Cost,
    scratch_bytes: u64,
    kernel: u32,
    cores: u32,
    /// Position in `extras`, [`LATE`] for most.
    extra: u32,
}

/// What few tasks have.
struct Extra {
    shape: [u32; 4],
    occupancy_ppm: u32,
    params: Vec<i64>,
    gang: Option<GangId>,
}

impl TaskList for Tasks<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn get(&self, at: usize) -> DraftTask<'_> {
        let row = &self.rows[at];
        let extra = self.extras.get(row.extra as usize);
        DraftTask {
            name: self.names.name(at as u32),
            kernel: KernelId(row.kernel),
            shape: extra.map_or([0; 4], |extra| extra.shape),
            params: extra.map_or(&[], |extra| &extra.params),
            cost: row.cost,
            cores: row.cores,
            scratch_bytes: row.scratch_bytes,
            occupancy_ppm: extra.map_or(FULL_PPM, |extra| extra.occupancy_ppm),
            gang: extra.and_then(|extra| extra.gang),
        }
    }
}

impl<'a> Tasks<'a> {
    /// Packs a task; whether its name is new.
    fn add(&mut self, task: TaskEntry<'a>) -> bool {
        let (number, is_new) = self.names.insert(task.name.0);
        let kernel = task.kernel.map_or(Cow::Borrowed(DEFAULT_KERNEL), |kernel| kernel.0);
        let cost = match task.cost {
            CostEntry::Work(work) => Cost::Work(work),
            CostEntry::Table(table) => {
                for (column, ns) in table {
                    let column = self.columns.insert(column.0).0;
                    self.table_entries.push((column, ns));
                }
                self.table_ends.push((number, self.table_entries.len() as u32));
                Cost::Table(self.table_ends.len() as u32 - 1)
            }
        };
        let is_whole = task.occupancy == Occupancy::default();
        let is_single = task.params.is_empty() && task.gang.is_none();
        let is_plain = task.shape.0 == [0; 4] && is_single && is_whole;
        let extra = if is_plain { LATE } else { self.extras.len() as u32 };
        if !is_plain {
            let gang = task.gang.map(|gang| GangId(self.gangs.insert(gang.0).0));
            let (shape, occupancy_ppm) = (task.shape.0, task.occupancy.0);
            self.extras.push(Extra { shape, occupancy_ppm, params: task.params, gang });
        }
        self.rows.push(TaskRow {
            cost,
            scratch_bytes: task.scratch_bytes.0,
            kernel: self.kernels.insert(kernel).0,
            cores: task.cores,
            extra,
        });
        is_new
    }

    /// The entries of every cost table, in the order of [`Cost::Table`]: columns and durations.
    pub fn tables(&self) -> impl Iterator<Item = &[(u32, Ns)]> {
        let mut start = 0;
        self.table_ends.iter().map(move |(_, end)| {
            let entries = &self.table_entries[start..*end as usize];
            start = *end as usize;
            entries
        })
    }

    /// The first task whose table names a column.
    pub fn first_with_column(&self, column: u32) -> u32 {
        let found = self.tables().position(|entries| entries.iter().any(|e| e.0 == column));
        found.map_or(0, |table| self.table_ends[table].0)
    }
}

impl<'a> Loaded<'a> {
    fn add_task(&mut self, mut task: TaskEntry<'a>) -> Result<(), Fault> {
        let number = self.tasks.len() as u32;
        let name = task.name.clone();
        let (accesses, after) =
            (std::mem::take(&mut task.accesses), std::mem::take(&mut task.after));
        if !self.tasks.add(task) {
            return Err(Fault::Duplicate("tasks", number as usize, name.to_string()));
        }
        for (at, access) in accesses.into_iter().enumerate() {
            let (object, mode) = access.into_parts();
            let known = self.objects.get(&object);
            if known.is_none() {
                self.late_accesses.push((self.accesses.len() as u32, at as u32, object));
            }
            self.accesses.push((number, known.unwrap_or(LATE), mode));
        }
        for (at, before) in after.into_iter().enumerate() {
            let known = self.tasks.names.get(&before);
            if known.is_none() {
                self.late_control.push((self.control.len() as u32, at as u32, before));
            }
            self.control.push((known.unwrap_or(LATE), number));
        }
        Ok(())
    }

    fn add_object(&mut self, object: ObjectEntry<'a>) -> Result<(), Fault> {
        let name = object.name.clone();
        if !self.objects.insert(object.name.0).1 {
            let at = self.object_rows.len();
            return Err(Fault::Duplicate("objects", at, name.to_string()));
        }
        self.object_rows.push(ObjectRow {
            bytes: object.bytes.0,
            home: object.home,
            initial: object.initial,
            keep: object.keep,
        });
        Ok(())
    }

    fn add_edge(&mut self, edge: EdgeEntry<'a>) -> Result<(), Fault> {
        let ends = [&edge.from, &edge.to].map(|end| self.tasks.names.get(end));
        match (ends, edge.bytes) {
            ([Some(from), Some(to)], None) => self.control.push((from, to)),
            ([Some(from), Some(to)], Some(bytes)) => {
                self.edges.push(DraftEdge { from, to, bytes: bytes.0 });
            }
            _ => self.late_edges.push((self.edge_count, edge)),
        }
        self.edge_count += 1;
        Ok(())
    }
}

/// Parses the whole file into `self`.
pub(super) struct Load<'l, 'a>(pub &'l mut Loaded<'a>);

impl<'de> DeserializeSeed<'de> for Load<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_struct("TaskGraphFile", &KEYS, self)
    }
}

impl<'de> Visitor<'de> for Load<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task graph, a map with `windtunnel_graph` and `tasks`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let loaded = self.0;
        let mut seen = [false; KEYS.len()];
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let Some(at) = KEYS.iter().position(|known| *known == &*key) else {
                return Err(A::Error::unknown_field(&key, &KEYS));
            };
            let key = KEYS[at];
            if std::mem::replace(&mut seen[at], true) {
                return Err(A::Error::duplicate_field(key));
            }
            match key {
                "windtunnel_graph" => {
                    loaded.version = map.next_value()?;
                    if loaded.version == 0 || loaded.version > VERSION {
                        loaded.fault = Some(Fault::Version(loaded.version));
                        return Err(A::Error::custom("another version"));
                    }
                }
                "name" => loaded.name = map.next_value()?,
                "order" => loaded.order = map.next_value()?,
                "columns" => loaded.columns = map.next_value()?,
                "objects" => map.next_value_seed(Entries(loaded, Loaded::add_object))?,
                "tasks" => map.next_value_seed(Entries(loaded, Loaded::add_task))?,
                "edges" => map.next_value_seed(Entries(loaded, Loaded::add_edge))?,
                _ => drop(map.next_value::<Text<'de>>()?),
            }
        }
        for key in ["windtunnel_graph", "tasks"] {
            if !KEYS.iter().zip(seen).any(|(known, seen)| *known == key && seen) {
                return Err(A::Error::missing_field(key));
            }
        }
        Ok(())
    }
}

/// A list whose entries are handed on one by one.
struct Entries<'l, 'a, T>(&'l mut Loaded<'a>, fn(&mut Loaded<'a>, T) -> Result<(), Fault>);

impl<'de, T: serde::Deserialize<'de>> DeserializeSeed<'de> for Entries<'_, 'de, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for Entries<'_, 'de, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<T>()? {
            if let Err(fault) = self.1(self.0, entry) {
                self.0.fault = Some(fault);
                return Err(A::Error::custom("an entry that does not fit"));
            }
        }
        Ok(())
    }
}
