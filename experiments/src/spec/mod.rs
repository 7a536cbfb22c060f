//! Experiment files as they are written. What they mean is the business of [`crate::plan`].
//!
//! Map: `yaml` turns text into nodes with places; `reader` turns nodes into the types of this
//! module through serde and collects every mistake; `entry`, `cluster`, `quantity` and `words` are
//! the parts of a file; `schema` describes them to editors.

mod arrivals;
mod cluster;
mod entry;
mod fault;
mod located;
mod quantity;
mod reader;
mod schema;
mod trouble;
mod words;
mod yaml;

pub use arrivals::{ArrivalsText, BurstText, RepeatedText};
pub use cluster::{
    ClusterEntry, ClusterText, DeviceText, LinkText, MemoryText, PowerText, SwitchText,
};
pub use entry::{Argument, Entries, Entry, GivenParameters, Scalar, Values};
pub use located::At;
pub use quantity::{Count, NotNegative, Positive, Rate, Size, Time, Watts};
pub use schema::{Described, Registered, experiment_schema};
pub use trouble::{
    FailuresText, LinkFaultText, LinkFaultsText, NoiseText, OutagesText, Repair, Share, Span,
    StragglersText,
};
pub use words::{
    Backend, CostsText, DuplexWord, Estimates, EvictionWord, KeepTraces, MemoryWord, NetworkWord,
    ThinkingText,
};

use crate::mistake::{Mistakes, Source};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// One experiment: workloads x clusters x schedulers x seeds x axes.
///
/// Everything is optional here: a part that was wrong is absent, and what must be there is checked
/// by the plan.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, schemars::JsonSchema)]
#[serde(
    default,
    deny_unknown_fields,
    expecting = "an experiment: a map with workloads, clusters and schedulers"
)]
#[schemars(rename = "Experiment")]
pub struct Spec {
    /// Shown in the report; the file's name when absent.
    #[schemars(with = "Option<String>")]
    pub name: Option<At<String>>,
    /// What the experiment is for, shown in the report.
    pub description: Option<String>,
    /// What is run: names with parameters, `file: graph.json` or `trace: run.jsonl.gz`.
    #[schemars(with = "Option<schema::Workloads>")]
    pub workloads: Option<Entries<Entry>>,
    /// Where: names with parameters, `file: cluster.yaml` or `inline: {...}`.
    #[schemars(with = "Option<schema::Clusters>")]
    pub clusters: Option<Entries<ClusterEntry>>,
    /// Who decides: names with parameters, or `all`.
    #[schemars(with = "Option<schema::Schedulers>")]
    pub schedulers: Option<Entries<Entry>>,
    /// Seeds, or how many of them (from 1); 1 when absent.
    #[schemars(with = "Option<schema::SeedsOf>")]
    pub seeds: Option<Seeds>,
    /// Axes: what else varies, each with its values.
    #[schemars(with = "Option<schema::AxesOf>")]
    pub vary: Option<Axes>,
    /// Where cells are run; `[sim]` when absent.
    #[schemars(with = "Option<Vec<Backend>>")]
    pub backends: Option<Vec<At<Backend>>>,
    /// How often a real run is repeated; 1 when absent.
    pub repetitions: Option<Count>,
    /// How much durations differ from what is known of them.
    pub noise: Option<NoiseText>,
    /// Attempts at tasks that fail; none when absent.
    pub failures: Option<FailuresText>,
    /// Devices that go and come back; none when absent.
    pub outages: Option<OutagesText>,
    /// Links that carry less for a while, or are lost.
    pub link_faults: Option<LinkFaultsText>,
    /// Devices that are slow for a while; none when absent.
    pub stragglers: Option<StragglersText>,
    /// Events are collected for this long before a scheduler is asked; its own choice when absent.
    pub decision_interval: Option<Time>,
    /// What a scheduler's thinking costs; `free` when absent.
    pub thinking: Option<ThinkingText>,
    /// What schedulers are told about durations; `exact` when absent.
    pub estimates: Option<Estimates>,
    /// Where durations come from; `stated` when absent.
    pub costs: Option<CostsText>,
    /// Which copy goes when a memory is full; the scheduler's own choice when absent.
    pub eviction: Option<EvictionWord>,
    /// How transfers share links; the cluster's own model when absent.
    pub network: Option<NetworkWord>,
    /// Which traces are kept; `some` when absent.
    pub keep_traces: Option<KeepTraces>,
    /// A cell that takes longer has failed; no limit when absent.
    pub timeout: Option<Time>,
    /// More grids of the same experiment: what they leave out is as above.
    pub also: Vec<Self>,
}

/// `5` or `[1, 2, 3]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Seeds(pub Vec<u64>);

/// Axes in the file's order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axes(pub Vec<(At<String>, Vec<At<Scalar>>)>);

/// Reads an experiment; what is returned beside mistakes lacks the wrong parts.
pub fn read(source: &Arc<Source>) -> (Option<Spec>, Mistakes) {
    read_as(source)
}

/// Reads a cluster file.
pub fn read_cluster(source: &Arc<Source>) -> (Option<ClusterText>, Mistakes) {
    read_as(source)
}

/// Reads anything that the reader knows from a text.
pub fn read_as<T: serde::de::DeserializeOwned>(source: &Arc<Source>) -> (Option<T>, Mistakes) {
    match yaml::parse(source) {
        Err(mistakes) => (None, mistakes),
        Ok(root) => {
            let mut mistakes = Mistakes::default();
            let value = reader::read(source, &root, &mut mistakes);
            (value, mistakes)
        }
    }
}

/// Most seeds of one grid.
const MAX_SEEDS: u64 = 1_000_000;

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SeedsVisitor;
        impl<'de> Visitor<'de> for SeedsVisitor {
            type Value = Seeds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("how many seeds, or a list of them as in `[1, 2, 3]`")
            }

            fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Seeds, E> {
                match u64::try_from(count) {
                    Ok(count @ 1..=MAX_SEEDS) => Ok(Seeds((1..=count).collect())),
                    _ => Err(fault::expected(
                        format!("{count} seeds cannot be run"),
                        format!("1 to {MAX_SEEDS} seeds, or a list of them as in `[7]`"),
                    )),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Seeds, A::Error> {
                let mut seeds = Vec::new();
                while let Some(seed) = seq.next_element::<u64>()? {
                    match seeds.contains(&seed) {
                        true => {
                            let message = format!("the seed {seed} is there twice");
                            return Err(serde::de::Error::custom(message));
                        }
                        false => seeds.push(seed),
                    }
                }
                match seeds.is_empty() {
                    true => Err(serde::de::Error::custom("this list of seeds is empty")),
                    false => Ok(Seeds(seeds)),
                }
            }
        }
        deserializer.deserialize_any(SeedsVisitor)
    }
}

impl<'de> Deserialize<'de> for Axes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AxesVisitor;
        impl<'de> Visitor<'de> for AxesVisitor {
            type Value = Axes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("axes with their values, as in `{noise: [0, 0.1], bandwidth: [1, 2]}`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Axes, A::Error> {
                let mut axes = Vec::new();
                while let Some((name, values)) = map.next_entry::<_, Values>()? {
                    axes.push((name, values.0));
                }
                Ok(Axes(axes))
            }
        }
        deserializer.deserialize_any(AxesVisitor)
    }
}
