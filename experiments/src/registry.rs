//! Everything that a file or the command line may name.

use crate::clusters::{self, ClusterInfo};
use crate::spec::{Described, Registered};
use runtime::registry::SchedulerInfo;
use workloads::WorkloadInfo;

/// The built-in parts, and the schedulers that a program adds to them.
#[derive(Clone, Default)]
pub struct Registry {
    schedulers: Vec<SchedulerInfo>,
}

impl Registry {
    /// The built-in parts and `extra` schedulers; of two with one name the extra one counts.
    pub fn new(extra: &[SchedulerInfo]) -> Self {
        let is_new = |info: &&SchedulerInfo| extra.iter().all(|e| e.name != info.name);
        let built_in = schedulers::all().iter().chain(milp::all()).filter(is_new);
        Self { schedulers: built_in.chain(extra).copied().collect() }
    }

    /// All schedulers.
    pub fn schedulers(&self) -> &[SchedulerInfo] {
        &self.schedulers
    }

    /// All workloads.
    pub fn workloads(&self) -> &'static [WorkloadInfo] {
        workloads::registry::all()
    }

    /// All clusters.
    pub fn clusters(&self) -> &'static [ClusterInfo] {
        clusters::all()
    }

    /// What the schema describes.
    pub fn registered(&self) -> Registered<'_> {
        macro_rules! described {
            ($infos:expr) => {
                ($infos.iter())
                    .map(|i| Described {
                        name: i.name,
                        summary: i.summary,
                        parameters: i.parameters,
                    })
                    .collect()
            };
        }
        Registered {
            workloads: described!(self.workloads()),
            clusters: described!(self.clusters()),
            schedulers: described!(self.schedulers),
        }
    }
}
