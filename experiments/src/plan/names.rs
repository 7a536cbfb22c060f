//! What the entries of a file mean.

use super::cluster::{self, Changes};
use super::parameters::{Given, combinations, label};
use super::parts::{
    ClusterPlan, ClusterSource, Place, SchedulerPlan, WorkloadPlan, WorkloadSource,
};
use super::{TextDigest, arrivals, files};
use crate::mistake::{Mistake, Mistakes, Source, Span};
use crate::registry::Registry;
use crate::spec::{Argument, At, ClusterEntry, ClusterText, Entries, Entry, GivenParameters};
use runtime::registry::ParameterInfo;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use workloads::import::{self, TraceCosts};

/// Looks up the names of one text.
pub struct Names<'a> {
    /// What there is.
    pub registry: &'a Registry,
    /// The text.
    pub source: &'a Arc<Source>,
    folder: PathBuf,
}

impl<'a> Names<'a> {
    /// For a text whose paths are relative to `folder`.
    pub fn new(registry: &'a Registry, source: &'a Arc<Source>, folder: &Path) -> Self {
        Self { registry, source, folder: folder.to_owned() }
    }

    /// What paths of the text are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A mistake in the text.
    pub fn mistake(&self, span: Span, message: impl Into<String>) -> Mistake {
        Mistake::new(self.source, span, message)
    }

    /// A place in the text.
    pub(super) fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(self.source), span }
    }

    /// All workloads of a list.
    pub fn workloads(&self, list: &Entries<Entry>, mistakes: &mut Mistakes) -> Vec<WorkloadPlan> {
        if let Entries::All(at) = list {
            let infos = self.registry.workloads().iter();
            return infos.map(|info| self.generated(info, Vec::new(), at.span)).collect();
        }
        let mut all = Vec::new();
        for entry in list.listed() {
            match &entry.argument {
                Argument::Path(path) => match self.recorded(path) {
                    Ok(workload) => all.push(workload),
                    Err(mistake) => mistakes.push(mistake),
                },
                Argument::Arrivals(text) => all.extend(arrivals::resolve(self, text, mistakes)),
                argument => {
                    let infos = self.registry.workloads();
                    let known = infos.iter().map(|i| i.name).chain(["file", "trace", "arrivals"]);
                    match infos.iter().find(|i| i.name == entry.name.value) {
                        Some(info) => all.extend(
                            self.combinations(info.name, info.parameters, argument, mistakes)
                                .into_iter()
                                .map(|given| self.generated(info, given, entry.name.span)),
                        ),
                        None => mistakes.push(self.unknown("workload", &entry.name, known)),
                    }
                }
            }
        }
        self.tell_files_apart(&mut all);
        all
    }

    fn generated(
        &self,
        info: &'static workloads::WorkloadInfo,
        given: Given,
        span: Span,
    ) -> WorkloadPlan {
        WorkloadPlan {
            label: label(info.name, &given),
            family: info.name.to_owned(),
            source: WorkloadSource::Generated { info, given },
            place: self.place(span),
        }
    }

    fn recorded(&self, given: &At<String>) -> Result<WorkloadPlan, Mistake> {
        let path = files::find(self.source, &self.folder, given)?;
        let failed = |error: &dyn std::fmt::Display| self.mistake(given.span, error.to_string());
        let bytes = std::fs::read(&path).map_err(|e| failed(&e))?;
        let mut digest = TextDigest::default();
        digest.add_bytes(&bytes);
        // As work, a recorded task can run on devices that the recording never saw.
        let options = import::Options { trace_costs: TraceCosts::Work, ..Default::default() };
        let imported = import::read_bytes(&path, bytes, options).map_err(|e| failed(&e))?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        let stem = name.as_deref().and_then(|n| n.split('.').next()).filter(|s| !s.is_empty());
        Ok(WorkloadPlan {
            label: stem.unwrap_or(&given.value).to_owned(),
            family: imported.format.name().to_owned(),
            source: WorkloadSource::Recorded {
                graph: Arc::new(imported.graph),
                digest: digest.hex(),
                notes: imported.notes,
            },
            place: self.place(given.span),
        })
    }

    /// Files of one stem are called by what was written.
    fn tell_files_apart(&self, all: &mut [WorkloadPlan]) {
        let labels: Vec<String> = all.iter().map(|w| w.label.clone()).collect();
        for workload in all {
            let is_file = matches!(workload.source, WorkloadSource::Recorded { .. });
            if is_file && labels.iter().filter(|l| **l == workload.label).count() > 1 {
                let span = workload.place.span;
                workload.label = self.source.text[span.start..span.end].to_owned();
            }
        }
    }

    /// All clusters of a list.
    pub fn clusters(
        &self,
        list: &Entries<ClusterEntry>,
        mistakes: &mut Mistakes,
    ) -> Vec<ClusterPlan> {
        if let Entries::All(at) = list {
            let infos = self.registry.clusters().iter();
            return infos.map(|info| self.preset(info, Vec::new(), at.span)).collect();
        }
        let mut all = Vec::new();
        for entry in list.listed() {
            match entry {
                ClusterEntry::Inline(text) => {
                    let text = Arc::new(ClusterText::clone(&text.value));
                    all.push(self.written(self.source, &text, mistakes));
                }
                ClusterEntry::Named(Entry { argument: Argument::Path(path), .. }) => {
                    all.extend(self.cluster_file(path, mistakes));
                }
                ClusterEntry::Named(entry) => {
                    let infos = self.registry.clusters();
                    let known = infos.iter().map(|i| i.name).chain(["file", "inline"]);
                    match infos.iter().find(|i| i.name == entry.name.value) {
                        Some(info) => all.extend(
                            self.combinations(
                                info.name,
                                info.parameters,
                                &entry.argument,
                                mistakes,
                            )
                            .into_iter()
                            .map(|given| self.preset(info, given, entry.name.span)),
                        ),
                        None => mistakes.push(self.unknown("cluster", &entry.name, known)),
                    }
                }
            }
        }
        all
    }

    fn preset(
        &self,
        info: &'static crate::clusters::ClusterInfo,
        given: Given,
        span: Span,
    ) -> ClusterPlan {
        ClusterPlan {
            label: label(info.name, &given),
            source: ClusterSource::Preset { info, given },
            changes: Changes::default(),
            place: self.place(span),
        }
    }

    fn written(
        &self,
        source: &Arc<Source>,
        text: &Arc<ClusterText>,
        mistakes: &mut Mistakes,
    ) -> ClusterPlan {
        let spec = Arc::new(cluster::resolve(source, text, mistakes));
        ClusterPlan {
            label: spec.name.clone(),
            source: ClusterSource::written(spec, Some((Arc::clone(source), Arc::clone(text)))),
            changes: Changes::default(),
            place: Place { source: Arc::clone(source), span: text.name.span },
        }
    }

    fn cluster_file(&self, given: &At<String>, mistakes: &mut Mistakes) -> Option<ClusterPlan> {
        let path = match files::find(self.source, &self.folder, given) {
            Ok(path) => path,
            Err(mistake) => {
                mistakes.push(mistake);
                return None;
            }
        };
        match std::fs::read_to_string(&path) {
            Err(error) => {
                mistakes.push(self.mistake(given.span, error.to_string()));
                None
            }
            Ok(text) => {
                let source = Source::new(&path.display().to_string(), &text);
                let (text, found) = crate::spec::read_cluster(&source);
                mistakes.append(found);
                text.map(|text| self.written(&source, &Arc::new(text), mistakes))
            }
        }
    }

    /// All schedulers of a list.
    pub fn schedulers(&self, list: &Entries<Entry>, mistakes: &mut Mistakes) -> Vec<SchedulerPlan> {
        let infos = self.registry.schedulers();
        let plan = |info: &runtime::registry::SchedulerInfo, given: Given, span| SchedulerPlan {
            label: label(info.name, &given),
            info: *info,
            given,
            place: self.place(span),
        };
        if let Entries::All(at) = list {
            return infos.iter().map(|info| plan(info, Vec::new(), at.span)).collect();
        }
        let mut all = Vec::new();
        for entry in list.listed() {
            let known = infos.iter().map(|i| i.name);
            match infos.iter().find(|i| i.name == entry.name.value) {
                Some(info) => all.extend(
                    self.combinations(info.name, info.parameters, &entry.argument, mistakes)
                        .into_iter()
                        .map(|given| plan(info, given, entry.name.span)),
                ),
                None => mistakes.push(self.unknown("scheduler", &entry.name, known)),
            }
        }
        all
    }

    fn combinations(
        &self,
        owner: &'static str,
        infos: &[ParameterInfo],
        argument: &Argument,
        mistakes: &mut Mistakes,
    ) -> Vec<Given> {
        let none = GivenParameters::new();
        let given = match argument {
            Argument::Parameters(given) => given,
            _ => &none,
        };
        combinations(self.source, owner, infos, given, mistakes)
    }

    fn unknown<'n>(
        &self,
        kind: &str,
        name: &At<String>,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Mistake {
        let message = format!("there is no {kind} `{}`", name.value);
        self.mistake(name.span, message).expected_names(&name.value, known)
    }
}
