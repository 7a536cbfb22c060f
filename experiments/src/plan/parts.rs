//! The workloads, clusters and schedulers of a plan, ready to be made for a cell.

use super::TextDigest;
use super::arrivals::ArrivalsPlan;
use super::cluster::Changes;
use super::parameters::{Given, label};
use crate::clusters::ClusterInfo;
use crate::mistake::{Mistake, Source, Span};
use crate::spec::ClusterText;
use runtime::cluster::ClusterError;
use runtime::registry::{BuildContext, ParameterError, SchedulerInfo};
use runtime::{Cluster, ClusterSpec, Scheduler, TaskGraph, Trace};
use std::sync::Arc;
use workloads::{Workload, WorkloadError, WorkloadInfo};

/// Where something is named, for mistakes found later.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The place in it.
    pub span: Span,
}

impl Place {
    /// A mistake here.
    pub fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(&self.source, self.span, message)
    }
}

/// A workload of cells.
#[derive(Clone, Debug)]
pub struct WorkloadPlan {
    /// Shown in reports; what axes set is not part of it.
    pub label: String,
    /// Name of its family in reports.
    pub family: String,
    /// How it is made.
    pub source: WorkloadSource,
    /// Where it is named.
    pub place: Place,
}

/// How a workload is made.
#[derive(Clone)]
pub enum WorkloadSource {
    /// By a generator.
    Generated {
        /// Which.
        info: &'static WorkloadInfo,
        /// Its parameters, what axes set included.
        given: Given,
    },
    /// From a file.
    Recorded {
        /// The graph in it.
        graph: Arc<TaskGraph>,
        /// A digest of the file.
        digest: String,
        /// What its reader had to decide.
        notes: Vec<String>,
    },
    /// Several graphs that arrive over time.
    Arriving(ArrivalsPlan),
}

impl std::fmt::Debug for WorkloadSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Generated { info, given } => f.write_str(&label(info.name, given)),
            Self::Recorded { graph, digest, .. } => write!(f, "{} {digest}", graph.name()),
            Self::Arriving(plan) => write!(f, "{plan:?}"),
        }
    }
}

impl WorkloadPlan {
    /// Makes it; of graphs that arrive, all side by side.
    ///
    /// # Errors
    /// [`WorkloadError`] of the generator.
    pub fn make(&self, seed: u64) -> Result<Workload, WorkloadError> {
        match &self.source {
            WorkloadSource::Generated { info, given } => info.make(given, seed),
            WorkloadSource::Recorded { graph, .. } => {
                Ok(Workload { graph: TaskGraph::clone(graph), program: None, app: None })
            }
            WorkloadSource::Arriving(plan) => {
                let whole = plan.make(seed)?.whole;
                Ok(Workload { graph: Arc::unwrap_or_clone(whole), program: None, app: None })
            }
        }
    }

    /// What arrives over time, if it does.
    pub fn arrivals(&self) -> Option<&ArrivalsPlan> {
        match &self.source {
            WorkloadSource::Arriving(plan) => Some(plan),
            WorkloadSource::Generated { .. } | WorkloadSource::Recorded { .. } => None,
        }
    }

    /// Everything that it depends on, as text.
    pub fn identity(&self) -> String {
        format!("{} = {:?}", self.label, self.source)
    }
}

/// A cluster of cells.
#[derive(Clone, Debug)]
pub struct ClusterPlan {
    /// Shown in reports; what axes set is not part of it.
    pub label: String,
    /// How it is made.
    pub source: ClusterSource,
    /// What axes and options change.
    pub changes: Changes,
    /// Where it is named.
    pub place: Place,
}

/// How a cluster is made.
#[derive(Clone)]
pub enum ClusterSource {
    /// By a preset.
    Preset {
        /// Which.
        info: &'static ClusterInfo,
        /// Its parameters, what axes set included.
        given: Given,
    },
    /// As it is written in a text.
    Written {
        /// The cluster.
        spec: Arc<ClusterSpec>,
        /// A digest of it.
        digest: String,
        /// Its text, for the places of mistakes; a trace's cluster has none.
        text: Option<(Arc<Source>, Arc<ClusterText>)>,
    },
}

impl std::fmt::Debug for ClusterSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Preset { info, given } => f.write_str(&label(info.name, given)),
            Self::Written { digest, .. } => f.write_str(digest),
        }
    }
}

impl ClusterSource {
    /// A cluster as it is written.
    pub fn written(spec: Arc<ClusterSpec>, text: Option<(Arc<Source>, Arc<ClusterText>)>) -> Self {
        let mut digest = TextDigest::default();
        digest.add(&format!("{spec:?}"));
        Self::Written { spec, digest: digest.hex(), text }
    }
}

/// Why a cluster cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeClusterError {
    /// Parameters that do not fit.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Parts that do not fit together.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl ClusterPlan {
    /// The cluster of a recorded run; `file` is named in mistakes.
    pub fn of_trace(trace: &Trace, file: &str) -> Self {
        let spec = Arc::new(trace.header.cluster.clone());
        Self {
            label: spec.name.clone(),
            source: ClusterSource::written(spec, None),
            changes: Changes::default(),
            place: Place { source: Source::new(file, ""), span: Span::default() },
        }
    }

    /// The cluster as data.
    ///
    /// # Errors
    /// [`MakeClusterError`].
    pub fn spec(&self, seed: u64) -> Result<ClusterSpec, MakeClusterError> {
        let mut spec = match &self.source {
            ClusterSource::Preset { info, given } => {
                let mut spec = info.make(given, seed)?;
                // The host names itself; everything else is called as in the file.
                if info.name != "host" {
                    spec.name.clone_from(&self.label);
                }
                spec
            }
            ClusterSource::Written { spec, .. } => ClusterSpec::clone(spec),
        };
        self.changes.apply(&mut spec);
        Ok(spec)
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`MakeClusterError`].
    pub fn make(&self, seed: u64) -> Result<Arc<Cluster>, MakeClusterError> {
        Ok(Arc::new(Cluster::new(self.spec(seed)?)?))
    }

    /// The mistake that an error of making it is, at the best place there is.
    pub fn mistake(&self, error: &MakeClusterError) -> Mistake {
        match (&self.source, error) {
            (
                ClusterSource::Written { text: Some((source, text)), .. },
                MakeClusterError::Cluster(error),
            ) => {
                let span = super::cluster::place_of(text, error, text.name.span);
                Mistake::new(source, span, error.to_string())
            }
            _ => self.place.mistake(error.to_string()),
        }
    }

    /// Whether it may differ from seed to seed.
    pub fn is_random(&self) -> bool {
        matches!(&self.source, ClusterSource::Preset { info, .. } if info.is_random)
    }

    /// What tells it from others of the plan, as text.
    pub fn identity(&self) -> String {
        format!("{} = {:?} {:?}", self.label, self.source, self.changes)
    }

    /// Everything that results depend on: what presets make differs from machine to machine.
    pub fn whole_identity(&self) -> String {
        match self.spec(1) {
            Ok(spec) => format!("{} {spec:?}", self.identity()),
            Err(error) => format!("{} {error}", self.identity()),
        }
    }
}

/// A scheduler of cells.
#[derive(Clone)]
pub struct SchedulerPlan {
    /// Shown in reports; what axes set is not part of it.
    pub label: String,
    /// Which.
    pub info: SchedulerInfo,
    /// Its parameters, what axes set included.
    pub given: Given,
    /// Where it is named.
    pub place: Place,
}

impl std::fmt::Debug for SchedulerPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.identity())
    }
}

impl SchedulerPlan {
    /// Makes one for a run.
    ///
    /// # Errors
    /// [`ParameterError`].
    pub fn make(&self, context: &BuildContext) -> Result<Box<dyn Scheduler>, ParameterError> {
        Ok((self.info.build)(&self.info.parameters(&self.given)?, context))
    }

    /// Everything that it depends on, as text.
    pub fn identity(&self) -> String {
        format!("{} = {}", self.label, label(self.info.name, &self.given))
    }
}
