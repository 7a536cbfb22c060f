//! What can be wrong with a cluster.

use super::{ClusterSpec, Power};
use crate::MemoryId;

/// Why a cluster cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ClusterError {
    /// Nothing computes.
    #[error("cluster {cluster:?} has no device")]
    NoDevices {
        /// Its name.
        cluster: String,
    },
    /// Two parts of one name.
    #[error("two parts of kind {kind} are named {name:?}")]
    Duplicate {
        /// What kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A number that must be positive and finite.
    #[error("{field} of {part} is {value}; expected a finite number above 0")]
    OutOfRange {
        /// Which part.
        part: String,
        /// Which number.
        field: &'static str,
        /// What was given.
        value: f64,
    },
    /// Something that draws less when it works.
    #[error(
        "{part} draws {} mW busy and {} mW idle; expected no less busy than idle",
        .power.busy_mw, .power.idle_mw
    )]
    BusyBelowIdle {
        /// Which part.
        part: String,
        /// What was given.
        power: Power,
    },
    /// A link from a vertex to itself.
    #[error("link {link:?} joins {end:?} to itself")]
    SelfLink {
        /// The link.
        link: String,
        /// Its only end.
        end: String,
    },
    /// A name that no part has.
    #[error("{by} names {name:?}, which is none of: {known:?}")]
    UnknownName {
        /// Who names it.
        by: String,
        /// What is named.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No route between memories that need one.
    #[error("no links lead from memory {from:?} to memory {to:?}")]
    Unreachable {
        /// Start.
        from: String,
        /// End.
        to: String,
    },
    /// More memories than the table of routes holds.
    #[error("{memories} memories; routes are kept for at most {limit}")]
    TooManyMemories {
        /// In the spec.
        memories: usize,
        /// At most.
        limit: usize,
    },
}

/// The memory called `name`, which `by` refers to.
pub(super) fn memory_named(
    spec: &ClusterSpec,
    by: &str,
    name: &str,
) -> Result<MemoryId, ClusterError> {
    let found = spec.memories.iter().position(|m| m.name == name);
    found.map(MemoryId::from_index).ok_or_else(|| ClusterError::UnknownName {
        by: by.to_owned(),
        name: name.to_owned(),
        known: spec.memories.iter().map(|m| m.name.clone()).collect(),
    })
}
