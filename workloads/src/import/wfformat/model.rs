//! The file as it is written, all versions in one: only what is used.

use crate::import::numbers::{Amount, Text};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt;

#[derive(Deserialize)]
pub(super) struct Document<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow, default, rename = "schemaVersion")]
    pub schema_version: Option<Text<'a>>,
    #[serde(borrow, default, rename = "runtimeSystem", alias = "wms")]
    pub runtime_system: Option<RuntimeSystem<'a>>,
    #[serde(borrow)]
    pub workflow: Workflow<'a>,
}

#[derive(Deserialize)]
pub(super) struct RuntimeSystem<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Workflow<'a> {
    /// Since 1.5.
    #[serde(borrow, default)]
    pub specification: Option<Specification<'a>>,
    /// Since 1.5.
    #[serde(borrow, default)]
    pub execution: Option<Execution<'a>>,
    /// Up to 1.4.
    #[serde(borrow, default, alias = "jobs")]
    pub tasks: Option<Vec<InlineTask<'a>>>,
    /// Up to 1.4.
    #[serde(default)]
    pub machines: Option<Vec<Machine>>,
    /// Up to 1.3.
    #[serde(default)]
    pub makespan: Option<Amount>,
    /// In 1.4.
    #[serde(default, rename = "makespanInSeconds")]
    pub makespan_s: Option<Amount>,
}

#[derive(Deserialize)]
pub(super) struct Specification<'a> {
    #[serde(borrow)]
    pub tasks: Vec<SpecifiedTask<'a>>,
    #[serde(borrow, default)]
    pub files: Option<Vec<SpecifiedFile<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct SpecifiedTask<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub parents: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub children: Option<Vec<Text<'a>>>,
    #[serde(borrow, default, rename = "inputFiles")]
    pub input_files: Option<Vec<Text<'a>>>,
    #[serde(borrow, default, rename = "outputFiles")]
    pub output_files: Option<Vec<Text<'a>>>,
}

#[derive(Deserialize)]
pub(super) struct SpecifiedFile<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(rename = "sizeInBytes")]
    pub size_bytes: Amount,
}

#[derive(Deserialize)]
pub(super) struct Execution<'a> {
    #[serde(borrow, default)]
    pub tasks: Option<Vec<ExecutedTask<'a>>>,
    #[serde(default)]
    pub machines: Option<Vec<Machine>>,
    #[serde(default, rename = "makespanInSeconds")]
    pub makespan_s: Option<Amount>,
}

#[derive(Deserialize)]
pub(super) struct ExecutedTask<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(default, rename = "runtimeInSeconds")]
    pub runtime_s: Option<Amount>,
    #[serde(default, rename = "coreCount")]
    pub cores: Option<Amount>,
    #[serde(default, rename = "memoryInBytes")]
    pub memory_bytes: Option<Amount>,
    #[serde(borrow, default)]
    pub command: Option<Command<'a>>,
    #[serde(borrow, default)]
    pub machines: Option<Vec<Text<'a>>>,
}

/// A task of a file up to version 1.4.
#[derive(Deserialize)]
pub(super) struct InlineTask<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub category: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub command: Option<Command<'a>>,
    #[serde(borrow, default)]
    pub parents: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub children: Option<Vec<Text<'a>>>,
    #[serde(borrow, default)]
    pub files: Option<Vec<InlineFile<'a>>>,
    #[serde(default)]
    pub runtime: Option<Amount>,
    #[serde(default, rename = "runtimeInSeconds")]
    pub runtime_s: Option<Amount>,
    #[serde(default)]
    pub cores: Option<Amount>,
    /// Kilobytes.
    #[serde(default)]
    pub memory: Option<Amount>,
    #[serde(default, rename = "memoryInBytes")]
    pub memory_bytes: Option<Amount>,
    #[serde(borrow, default)]
    pub machine: Option<Text<'a>>,
}

/// A file as a task of a file up to version 1.4 names it.
#[derive(Deserialize)]
pub(super) struct InlineFile<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub path: Option<Text<'a>>,
    /// Bytes or kilobytes, see the module.
    #[serde(default)]
    pub size: Option<Amount>,
    #[serde(default, rename = "sizeInBytes")]
    pub size_bytes: Option<Amount>,
    pub link: Link,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Link {
    #[serde(alias = "INPUT")]
    Input,
    #[serde(alias = "OUTPUT")]
    Output,
}

#[derive(Deserialize)]
pub(super) struct Command<'a> {
    #[serde(borrow, default)]
    pub program: Option<Text<'a>>,
}

/// A machine. Nothing here decides anything, so nothing here is an error: what is not understood
/// is left out.
#[derive(Deserialize)]
pub(super) struct Machine {
    #[serde(default, rename = "nodeName")]
    pub name: Loose,
    /// Kilobytes.
    #[serde(default)]
    pub memory: Loose,
    #[serde(default, rename = "memoryInBytes")]
    pub memory_bytes: Loose,
    #[serde(default)]
    pub cpu: Option<Cpu>,
}

#[derive(Deserialize)]
pub(super) struct Cpu {
    #[serde(default, rename = "coreCount", alias = "count")]
    pub cores: Loose,
    #[serde(default, rename = "speedInMHz", alias = "speed")]
    pub clock_mhz: Loose,
}

/// Any value; its text when it is a number or a text.
#[derive(Default)]
pub(super) struct Loose(pub Option<String>);

impl Loose {
    /// The value as a number that can be one.
    pub fn number(&self) -> Option<f64> {
        let number = self.0.as_ref()?.parse::<f64>().ok()?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LooseVisitor;

        impl<'de> Visitor<'de> for LooseVisitor {
            type Value = Loose;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Loose, E> {
                Ok(Loose(Some(text.to_owned())))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Loose, E> {
                Ok(Loose(Some(number.to_string())))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Loose, E> {
                Ok(Loose(Some(number.to_string())))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Loose, E> {
                Ok(Loose(Some(number.to_string())))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Loose, E> {
                Ok(Loose(None))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Loose, E> {
                Ok(Loose(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose(None))
            }
        }
        deserializer.deserialize_any(LooseVisitor)
    }
}

impl Document<'_> {
    /// The name of the workflow system that wrote the file.
    pub fn writer(&self) -> &str {
        let name = self.runtime_system.as_ref().and_then(|system| system.name.as_deref());
        name.unwrap_or("")
    }
}

impl InlineFile<'_> {
    /// What tells it from other files: its path and its name.
    pub fn id(&self) -> Cow<'_, str> {
        match self.path.as_deref() {
            None | Some("") => Cow::Borrowed(&self.name),
            Some(path) => Cow::Owned(format!("{path}{}", &*self.name)),
        }
    }
}
