//! Clusters that can be named: presets with parameters.
//!
//! Map: `switched`, `direct` and `dragonfly` are networks of equal nodes; `hetero` and `node` are
//! one machine with accelerators; `machines` are those that can be bought; `classic` is the machine
//! of publications, `host` the one that this program runs on. Each preset is an `INFO` in one of
//! them, `parts` is what they share, [`all`] lists them; [`text`] writes any cluster as a file.
//!
//! Speeds are in the workloads' units of work per second and core; the families of graphs use 1e9
//! as their reference, machines count floating-point operations.

mod classic;
mod direct;
mod dragonfly;
mod hetero;
mod host;
mod machines;
mod node;
mod out_of_core;
mod parts;
mod switched;
pub mod text;

use runtime::ClusterSpec;
use runtime::registry::{ParameterError, ParameterInfo, Parameters, Value};

/// A cluster that can be named.
#[derive(Clone, Copy)]
pub struct ClusterInfo {
    /// The name in files and on the command line.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where its numbers or its structure come from; may be empty.
    pub source: &'static str,
    /// What kind of preset.
    pub category: Category,
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
    /// Whether the machine differs from seed to seed.
    pub is_random: bool,
    /// Makes one.
    pub build: fn(&Parameters, seed: u64) -> Result<ClusterSpec, ParameterError>,
}

/// What kind of preset, for lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// Equal nodes and a network; all numbers are parameters.
    Topology,
    /// One node with accelerators; all numbers are parameters.
    Node,
    /// A machine that exists.
    Machine,
}

/// All presets.
pub fn all() -> &'static [ClusterInfo] {
    &[
        host::INFO,
        host::WITH_GPUS,
        out_of_core::INFO,
        machines::WORKSTATION,
        machines::HGX,
        machines::HGX_CLUSTER,
        machines::TPU_V4,
        machines::CPU_CLUSTER,
        hetero::INFO,
        node::PCIE_TREE,
        node::NVLINK_MESH,
        node::NVSWITCH,
        switched::STAR,
        switched::BUS,
        direct::RING,
        direct::MESH,
        switched::TWO_TIER,
        switched::FAT_TREE,
        dragonfly::INFO,
        direct::TORUS_2D,
        direct::TORUS_3D,
        classic::INFO,
    ]
}

/// The preset of that name.
pub fn find(name: &str) -> Option<&'static ClusterInfo> {
    all().iter().find(|info| info.name == name)
}

impl ClusterInfo {
    /// Makes one with the parameters given and defaults for the rest.
    ///
    /// # Errors
    /// The first [`ParameterError`].
    pub fn make(
        &self,
        given: &[(String, Value)],
        seed: u64,
    ) -> Result<ClusterSpec, ParameterError> {
        (self.build)(&Parameters::resolve(self.name, self.parameters, given)?, seed)
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Topology => "topology",
            Self::Node => "node",
            Self::Machine => "machine",
        })
    }
}

#[cfg(test)]
mod tests;
