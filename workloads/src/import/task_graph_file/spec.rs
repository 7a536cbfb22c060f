//! The file as it is written. Descriptions here become those of the JSON Schema.

use super::occupancy::Occupancy;
use crate::import::numbers::{CostEntry, Size, Text};
use runtime::graph::Mode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

// A file is read entry by entry, by `load`, and never held as one of these.
/// A task graph: tasks, the data that they use, and the order they impose.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Windtunnel task graph")]
pub struct TaskGraphFile<'a> {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub windtunnel_graph: u32,
    /// The JSON Schema that an editor checks the file against, ignored by the program.
    #[serde(borrow, default, rename = "$schema", skip_serializing_if = "no_text")]
    pub schema: Text<'a>,
    /// Shown to people; the file's name without extension when it is left out.
    #[serde(borrow, default, skip_serializing_if = "no_text")]
    pub name: Text<'a>,
    /// Words about the graph, ignored by the program.
    #[serde(borrow, default, skip_serializing_if = "no_text")]
    pub description: Text<'a>,
    /// In which order the tasks are submitted.
    #[serde(default, skip_serializing_if = "Order::is_sorted")]
    pub order: Order,
    /// Names of the devices or classes of devices that cost tables use. Optional; where it is
    /// given, a table that names anything else is an error.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Text<'a>>,
    /// Data objects.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<ObjectEntry<'a>>,
    /// Tasks, in any order.
    #[serde(borrow)]
    pub tasks: Vec<TaskEntry<'a>>,
    /// Dependencies given as pairs of tasks; those with a size are data objects of their own.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<EdgeEntry<'a>>,
}

/// In which order the tasks of a file are submitted. Schedulers break ties by this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Sorted by dependencies, first in first out, ties in the order of the file.
    #[default]
    Sorted,
    /// As they are listed; a task may then only depend on tasks listed before it.
    Listed,
}

impl Order {
    fn is_sorted(&self) -> bool {
        *self == Self::Sorted
    }
}

/// A data object. Tasks that access it depend on each other accordingly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectEntry<'a> {
    /// Unique among objects.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Its size.
    pub bytes: Size,
    /// Index into the cluster's home memories (modulo their number): where initial data lies and
    /// results are brought.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub home: u32,
    /// Whether it exists, at home, before the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub initial: bool,
    /// Whether it is a result: bringing it home is part of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep: bool,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskEntry<'a> {
    /// Unique among tasks.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// What it runs; tasks of one kernel share cost models and a colour. `task` when left out.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Text<'a>>,
    /// How long it takes; 0 when left out.
    #[serde(borrow, default)]
    pub cost: CostEntry<'a>,
    /// Cores of one device that it takes at once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub cores: u32,
    /// Memory that it needs while it runs, besides its objects.
    #[serde(default, skip_serializing_if = "is_no_size")]
    pub scratch_bytes: Size,
    /// The most it can use of a device whose lanes are streams: above 0, at most 1.
    #[serde(default, skip_serializing_if = "Occupancy::is_full")]
    pub occupancy: Occupancy,
    /// What it does with which objects.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub accesses: Vec<AccessEntry<'a>>,
    /// Tasks that must have finished before it starts, whatever they access.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Text<'a>>,
    /// A name shared with the tasks that must start at the same instant, on several devices.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub gang: Option<Text<'a>>,
    /// Sizes that the kernel's cost model knows, at most four.
    #[serde(default, skip_serializing_if = "Shape::is_none")]
    pub shape: Shape,
    /// Plain parameters that are handed to the kernel.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<i64>,
}

/// How a task uses an object: a mode and the object's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessEntry<'a> {
    /// It reads the content.
    #[serde(borrow)]
    Read(Text<'a>),
    /// It makes new content without looking at the old.
    #[serde(borrow)]
    Write(Text<'a>),
    /// It changes the content in place.
    #[serde(borrow)]
    ReadWrite(Text<'a>),
    /// It changes the content in place, in any order with but never at the same time as its
    /// neighbours of this mode.
    #[serde(borrow)]
    Commutative(Text<'a>),
    /// It adds to the content; the order of additions is free.
    #[serde(borrow)]
    Reduce(Text<'a>),
    /// It reads and changes the content with neither order nor exclusion.
    #[serde(borrow)]
    Racy(Text<'a>),
}

impl<'a> AccessEntry<'a> {
    /// The access of an object in a mode.
    pub fn new(object: Text<'a>, mode: Mode) -> Self {
        match mode {
            Mode::Read => Self::Read(object),
            Mode::Write => Self::Write(object),
            Mode::ReadWrite => Self::ReadWrite(object),
            Mode::Commutative => Self::Commutative(object),
            Mode::Reduce => Self::Reduce(object),
            Mode::Racy => Self::Racy(object),
        }
    }

    /// The object's name and the mode.
    pub fn into_parts(self) -> (Text<'a>, Mode) {
        match self {
            Self::Read(object) => (object, Mode::Read),
            Self::Write(object) => (object, Mode::Write),
            Self::ReadWrite(object) => (object, Mode::ReadWrite),
            Self::Commutative(object) => (object, Mode::Commutative),
            Self::Reduce(object) => (object, Mode::Reduce),
            Self::Racy(object) => (object, Mode::Racy),
        }
    }
}

/// A dependency between two tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EdgeEntry<'a> {
    /// The task that must finish first.
    #[serde(borrow)]
    pub from: Text<'a>,
    /// The task that starts after it.
    #[serde(borrow)]
    pub to: Text<'a>,
    /// What flows from one to the other: an object that only these two tasks use. Nothing flows
    /// when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
}

/// Up to four sizes; those left out are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Shape(pub [u32; 4]);

impl Shape {
    fn is_none(&self) -> bool {
        self.0 == [0; 4]
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sizes = Vec::<u32>::deserialize(deserializer)?;
        let mut shape = [0; 4];
        match shape.get_mut(..sizes.len()) {
            Some(head) => head.copy_from_slice(&sizes),
            None => {
                let expected = &"at most four sizes";
                return Err(serde::de::Error::invalid_length(sizes.len(), expected));
            }
        }
        Ok(Self(shape))
    }
}

impl JsonSchema for Shape {
    fn schema_name() -> Cow<'static, str> {
        "Shape".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "maxItems": 4,
            "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
        })
    }
}

fn one() -> u32 {
    1
}
fn is_one(cores: &u32) -> bool {
    *cores == 1
}
fn is_zero(home: &u32) -> bool {
    *home == 0
}
fn is_false(flag: &bool) -> bool {
    !*flag
}
fn is_no_size(size: &Size) -> bool {
    size.0 == 0
}
fn no_text(text: &Text<'_>) -> bool {
    text.is_empty()
}
