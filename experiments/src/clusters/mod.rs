//! Clusters that can be named: presets with parameters.
//!
//! Each preset is one file with an `INFO`; [`all`] lists them. Speeds are in the workloads' units
//! of work per second and core; the families of graphs use 1e9 as their reference.

mod classic;
mod hetero;
mod host;
mod out_of_core;
mod star;
mod two_tier;

use runtime::ClusterSpec;
use runtime::cluster::{Duplex, LinkSpec, MemorySpec};
use runtime::registry::{Dimension, Kind, ParameterError, ParameterInfo, Parameters, Value};

/// A cluster that can be named.
#[derive(Clone, Copy)]
pub struct ClusterInfo {
    /// The name in files and on the command line.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Its parameters.
    pub parameters: &'static [ParameterInfo],
    /// Whether the machine differs from seed to seed.
    pub is_random: bool,
    /// Makes one.
    pub build: fn(&Parameters, seed: u64) -> ClusterSpec,
}

/// All presets.
pub fn all() -> &'static [ClusterInfo] {
    &[host::INFO, out_of_core::INFO, star::INFO, two_tier::INFO, hetero::INFO, classic::INFO]
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
        Ok((self.build)(&Parameters::resolve(self.name, self.parameters, given)?, seed))
    }
}

const fn count(name: &'static str, summary: &'static str, default: i64, max: i64) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Int { default, min: 1, max } }
}

const fn number(
    name: &'static str,
    summary: &'static str,
    default: f64,
    min: f64,
    max: f64,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Float { default, min, max } }
}

const fn quantity(
    name: &'static str,
    summary: &'static str,
    default: &'static str,
    dimension: Dimension,
) -> ParameterInfo {
    ParameterInfo { name, summary, kind: Kind::Quantity { default, dimension } }
}

const SPEED: ParameterInfo = number("speed", "units of work per second and core", 1e9, 1e-3, 1e18);

fn rate(parameters: &Parameters, name: &str) -> f64 {
    // At least 1 byte/s: a preset cannot refuse, and 0 would never end.
    parameters.quantity(name, Dimension::Rate).unwrap_or(u64::MAX).max(1) as f64
}

fn latency_ns(parameters: &Parameters, name: &str) -> u64 {
    parameters.quantity(name, Dimension::Time).unwrap_or(0)
}

fn capacity(parameters: &Parameters, name: &str) -> Option<u64> {
    parameters.quantity(name, Dimension::Size)
}

fn memory(name: String, capacity_bytes: Option<u64>) -> MemorySpec {
    MemorySpec { name, capacity_bytes, ..MemorySpec::default() }
}

fn full_duplex(a: &str, b: &str, bytes_per_s: f64, latency_ns: u64) -> LinkSpec {
    LinkSpec {
        name: format!("{a}-{b}"),
        a: a.to_owned(),
        b: b.to_owned(),
        bytes_per_s,
        latency_ns,
        duplex: Duplex::Full,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Cluster;

    #[test]
    fn every_preset_makes_a_valid_cluster_at_its_defaults() {
        for info in all() {
            let spec = info.make(&[], 1).unwrap();
            let cluster = Cluster::new(spec.clone()).unwrap();
            assert!(cluster.lane_count() > 0, "{}", info.name);
            assert_eq!(info.make(&[], 1).unwrap(), spec, "{}", info.name);
            let differs = info.make(&[], 2).unwrap() != spec;
            assert_eq!(differs, info.is_random, "{}", info.name);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = all().iter().map(|i| i.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().len());
    }
}
