//! A cluster as written in a file or in place: [`runtime::ClusterSpec`] with units.

use super::entry::{Argument, Entry, Given, is_path, no_second_key, single_key};
use super::located::At;
use super::quantity::{Count, Positive, Rate, Size, Time, Watts};
use super::words::{CapacityWord, DuplexWord, MemoryWord, NetworkWord};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

/// A preset with its parameters, `file: cluster.yaml`, or `inline: {...}`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterEntry {
    /// A preset or a file.
    Named(Entry),
    /// Written in place; the place is that of the word `inline`.
    Inline(At<Box<ClusterText>>),
}

/// A machine: memories, devices that compute in them, and links between them.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a cluster: a map with memories, devices and links")]
#[schemars(rename = "Cluster")]
pub struct ClusterText {
    /// Shown in reports.
    #[schemars(with = "String")]
    pub name: At<String>,
    /// Where data lies.
    pub memories: Vec<MemoryText>,
    /// What computes.
    pub devices: Vec<DeviceText>,
    /// Vertices of the network that hold no data.
    #[serde(default)]
    pub switches: Vec<SwitchText>,
    /// What joins memories and switches.
    #[serde(default)]
    pub links: Vec<LinkText>,
    /// How transfers share links.
    #[serde(default)]
    pub network: NetworkWord,
    /// Memories where initial data lies and results are brought; that of the first device when
    /// absent.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub homes: Vec<At<String>>,
}

/// A memory.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a memory, as in `{name: ram, capacity: 64 GiB}`")]
#[schemars(rename = "Memory")]
pub struct MemoryText {
    /// Unique among memories and switches.
    #[schemars(with = "String")]
    pub name: At<String>,
    /// What kind.
    #[serde(default)]
    pub kind: MemoryWord,
    /// How much it holds; unlimited when absent.
    pub capacity: Option<Size>,
    /// Most copies arriving at once; unlimited when absent.
    pub copies_in: Option<Count>,
    /// Most copies leaving at once; unlimited when absent.
    pub copies_out: Option<Count>,
}

/// A device: one or more equal lanes (cores) that compute in one memory.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a device, as in `{name: cpu, memory: ram, lanes: 8, speed: 1}`"
)]
#[schemars(rename = "Device")]
pub struct DeviceText {
    /// Unique among devices.
    #[schemars(with = "String")]
    pub name: At<String>,
    /// Devices of one class have the same costs in cost tables; `cpu` when absent.
    pub class: Option<String>,
    /// The memory that it computes in.
    #[schemars(with = "String")]
    pub memory: At<String>,
    /// How many tasks run at once; 1 when absent.
    pub lanes: Option<Count>,
    /// Units of work per second and lane; 1 when absent.
    pub speed: Option<Positive>,
    /// Whose capacity a task takes.
    #[serde(default)]
    pub capacity: CapacityWord,
    /// Time from a command's issue to its start.
    pub issue: Option<Time>,
    /// What it draws: idle, and with all lanes busy; energy is reported where this is known.
    pub power: Option<PowerText>,
}

/// What a device or a link draws.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "powers, as in `{idle: 60 W, busy: 280 W}`")]
#[schemars(rename = "Power")]
pub struct PowerText {
    /// When it does nothing.
    pub idle: Watts,
    /// When all of it is used; not below `idle`.
    pub busy: Watts,
}

/// A vertex of the network that holds no data.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a switch, as in `{name: switch}`")]
#[schemars(rename = "Switch")]
pub struct SwitchText {
    /// Unique among memories and switches.
    #[schemars(with = "String")]
    pub name: At<String>,
    /// What everything passing through shares; unlimited when absent.
    pub bandwidth: Option<Rate>,
}

/// A link between two memories or switches.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a link, as in `{a: ram, b: gpu, bandwidth: 25 GB/s, latency: 10 us}`"
)]
#[schemars(rename = "Link")]
pub struct LinkText {
    /// Unique among links; `a-b` when absent.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// A memory or switch.
    #[schemars(with = "String")]
    pub a: At<String>,
    /// Another one.
    #[schemars(with = "String")]
    pub b: At<String>,
    /// Per direction (full duplex) or of both together (half).
    pub bandwidth: Rate,
    /// Time before the first byte moves.
    pub latency: Option<Time>,
    /// Whether directions share the bandwidth.
    #[serde(default)]
    pub duplex: DuplexWord,
    /// What it draws: without any transfer, and with some.
    pub power: Option<PowerText>,
}

impl<'de> Deserialize<'de> for ClusterEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let At { value, span } = At::<Bare>::deserialize(deserializer)?;
        Ok(match value {
            Bare::Word(word) => {
                Self::Named(Entry { name: At::new(word, span), argument: Argument::None })
            }
            Bare::Map(entry) => entry,
        })
    }
}

enum Bare {
    Word(String),
    Map(ClusterEntry),
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BareVisitor;
        impl<'de> Visitor<'de> for BareVisitor {
            type Value = Bare;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a cluster: a name, or a name with parameters as in `star: {nodes: 4}`")
            }

            fn visit_str<E>(self, word: &str) -> Result<Bare, E> {
                Ok(Bare::Word(word.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bare, A::Error> {
                let name = single_key(&mut map)?;
                let entry = match name.value.as_str() {
                    "inline" => ClusterEntry::Inline(At::new(map.next_value()?, name.span)),
                    key => {
                        let argument = match is_path(key) {
                            true => Argument::Path(map.next_value()?),
                            false => Argument::Parameters(map.next_value::<Given>()?.0),
                        };
                        ClusterEntry::Named(Entry { name, argument })
                    }
                };
                no_second_key(&mut map)?;
                Ok(Bare::Map(entry))
            }
        }
        deserializer.deserialize_any(BareVisitor)
    }
}
