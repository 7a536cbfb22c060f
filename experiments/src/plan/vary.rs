//! The axes of a grid: what each one changes, and where it applies.

use super::axes::{AXES, AxisInfo, Setting};
use super::names::Names;
use super::parameters;
use super::parts::{ClusterPlan, ClusterSource, SchedulerPlan, WorkloadPlan, WorkloadSource};
use crate::mistake::Mistakes;
use crate::spec::{At, Backend, Scalar};
use runtime::registry::{ParameterInfo, Value};

/// An axis with its values.
pub(super) struct Axis {
    /// Its key under `vary`.
    pub name: String,
    /// Values, as text and as what they change.
    pub values: Vec<(String, Change)>,
    /// What is changed.
    pub target: Target,
}

/// What a value of an axis changes.
#[derive(Clone)]
pub(super) enum Change {
    /// Of a built-in axis.
    Setting(Setting),
    /// Of a parameter.
    Parameter(Value),
}

/// What an axis changes.
#[derive(Clone, Copy)]
pub(super) enum Target {
    /// A setting.
    BuiltIn(&'static AxisInfo),
    /// A parameter of workloads.
    Workload(&'static str),
    /// A parameter of clusters.
    Cluster(&'static str),
    /// A parameter of schedulers.
    Scheduler(&'static str),
}

/// The entries of a grid's lists.
pub(super) struct Lists<'a> {
    /// Workloads.
    pub workloads: &'a [WorkloadPlan],
    /// Clusters.
    pub clusters: &'a [ClusterPlan],
    /// Schedulers.
    pub schedulers: &'a [SchedulerPlan],
}

/// One entry of each list.
pub(super) struct Base<'a> {
    /// The workload.
    pub workload: &'a WorkloadPlan,
    /// The cluster.
    pub cluster: &'a ClusterPlan,
    /// The scheduler.
    pub scheduler: &'a SchedulerPlan,
    /// In which world.
    pub backend: Backend,
}

impl Base<'_> {
    /// Whether the axis changes anything here; where it does not, its values make one cell.
    pub fn is_on(&self, axis: &Axis) -> bool {
        let has = |infos: &[ParameterInfo], name: &str| infos.iter().any(|i| i.name == name);
        match axis.target {
            Target::BuiltIn(info) => {
                info.concerns(self.backend) && info.fits(self.workload.arrivals().is_some())
            }
            Target::Workload(name) => has(workload_parameters(self.workload), name),
            Target::Cluster(name) => has(cluster_parameters(self.cluster), name),
            Target::Scheduler(name) => has(self.scheduler.info.parameters, name),
        }
    }
}

fn workload_parameters(plan: &WorkloadPlan) -> &'static [ParameterInfo] {
    match &plan.source {
        WorkloadSource::Generated { info, .. } => info.parameters,
        WorkloadSource::Recorded { .. } | WorkloadSource::Arriving(_) => &[],
    }
}

fn cluster_parameters(plan: &ClusterPlan) -> &'static [ParameterInfo] {
    match &plan.source {
        ClusterSource::Preset { info, .. } => info.parameters,
        ClusterSource::Written { .. } => &[],
    }
}

impl Lists<'_> {
    /// Looks up an axis and checks its values.
    pub fn axis(
        &self,
        names: &Names<'_>,
        name: &At<String>,
        values: &[At<Scalar>],
        mistakes: &mut Mistakes,
    ) -> Option<Axis> {
        if let Some(info) = AXES.iter().find(|a| a.name == name.value) {
            let mut settings = Vec::new();
            for value in values {
                match info.setting(names.source, value) {
                    Ok(s) => settings.push((value.value.0.to_string(), Change::Setting(s))),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
            let target = Target::BuiltIn(info);
            return Some(Axis { name: name.value.clone(), values: settings, target });
        }
        let Some((owner, infos, target)) = self.owner(&name.value) else {
            let message = format!("there is no axis `{}`", name.value);
            let mistake = names.mistake(name.span, message);
            let known = self.axis_names();
            let mistake = mistake.expected_names(&name.value, known.iter().map(String::as_str));
            mistakes.push(mistake.help(axis_help(&name.value, &known)));
            return None;
        };
        let parameter = name.value.split_once('.').map_or("", |(_, p)| p);
        let parameter = At::new(parameter.to_owned(), name.span);
        let mut accepted = Vec::new();
        for value in values {
            match parameters::check(names.source, owner, infos, &parameter, value) {
                Ok(v) => accepted.push((v.to_string(), Change::Parameter(v))),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        Some(Axis { name: name.value.clone(), values: accepted, target })
    }

    /// Who has the parameter that an axis such as `workload.ccr` names.
    fn owner(&self, axis: &str) -> Option<(&'static str, &'static [ParameterInfo], Target)> {
        let (kind, wanted) = axis.split_once('.')?;
        let find = |infos: &'static [ParameterInfo]| infos.iter().find(|i| i.name == wanted);
        match kind {
            "workload" => self.workloads.iter().find_map(|w| match &w.source {
                WorkloadSource::Generated { info, .. } => {
                    let found = find(info.parameters)?;
                    Some((info.name, info.parameters, Target::Workload(found.name)))
                }
                WorkloadSource::Recorded { .. } | WorkloadSource::Arriving(_) => None,
            }),
            "cluster" => self.clusters.iter().find_map(|c| match &c.source {
                ClusterSource::Preset { info, .. } => {
                    let found = find(info.parameters)?;
                    Some((info.name, info.parameters, Target::Cluster(found.name)))
                }
                ClusterSource::Written { .. } => None,
            }),
            "scheduler" => self.schedulers.iter().find_map(|s| {
                let found = find(s.info.parameters)?;
                Some((s.info.name, s.info.parameters, Target::Scheduler(found.name)))
            }),
            _ => None,
        }
    }

    /// All axes that the grid can have.
    fn axis_names(&self) -> Vec<String> {
        let mut all: Vec<String> = AXES.iter().map(|a| a.name.to_owned()).collect();
        let mut add = |kind: &str, infos: &[ParameterInfo]| {
            for info in infos {
                let name = format!("{kind}.{}", info.name);
                if !all.contains(&name) {
                    all.push(name);
                }
            }
        };
        self.workloads.iter().for_each(|w| add("workload", workload_parameters(w)));
        self.clusters.iter().for_each(|c| add("cluster", cluster_parameters(c)));
        self.schedulers.iter().for_each(|s| add("scheduler", s.info.parameters));
        all
    }
}

/// The axes of the kind that was meant: there are too many parameters to list them all.
fn axis_help(given: &str, known: &[String]) -> String {
    let kind = given.split_once('.').map(|(kind, _)| kind);
    let is_alike = |name: &&String| name.split_once('.').map(|(kind, _)| kind) == kind;
    let mut alike: Vec<&str> = known.iter().filter(is_alike).map(String::as_str).collect();
    if alike.is_empty() {
        alike = known.iter().map(String::as_str).filter(|name| !name.contains('.')).collect();
    }
    let others = match kind.is_some_and(|kind| alike[0].starts_with(kind)) {
        true => "",
        false => "; or a parameter, as `workload.P`, `cluster.P` or `scheduler.P`",
    };
    format!("expected one of: {}{others}", alike.join(", "))
}
