//! Where durations come from: cost-model files, read and checked.

use super::names::Names;
use super::{Plan, TextDigest, files};
use crate::mistake::{Mistake, Mistakes, Source};
use crate::spec::{At, CostsText, read_as};
use runtime::cost::{Model, ModelSpec};
use std::path::Path;
use std::sync::Arc;

/// Where durations come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostSource {
    /// From the workloads.
    #[default]
    Stated,
    /// From real runs on this machine.
    Measured,
    /// From one of [`Plan::cost_models`](super::Plan::cost_models).
    File(u32),
}

/// A cost-model file.
#[derive(Clone, Debug)]
pub struct CostModelPlan {
    /// Its name.
    pub label: String,
    /// What is in it.
    pub model: Arc<Model>,
    /// A digest of the file.
    pub digest: String,
}

impl Plan {
    /// The source that a cost model is, added to the plan where it is new; without one,
    /// `otherwise`.
    pub fn cost_source(
        &mut self,
        model: Option<&CostModelPlan>,
        otherwise: CostSource,
    ) -> CostSource {
        let Some(model) = model else { return otherwise };
        let known = self.cost_models.iter().position(|m| m.digest == model.digest);
        let at = known.unwrap_or_else(|| {
            self.cost_models.push(model.clone());
            self.cost_models.len() - 1
        });
        CostSource::File(at as u32)
    }

    /// The cost model of a file; `None` for other sources.
    pub fn cost_model(&self, source: CostSource) -> Option<&Model> {
        match source {
            CostSource::File(at) => Some(&self.cost_models[at as usize].model),
            CostSource::Stated | CostSource::Measured => None,
        }
    }
}

impl Names<'_> {
    /// The cost model that a text names; `None` where it names none, or wrongly.
    pub fn cost_model(
        &self,
        costs: Option<&CostsText>,
        mistakes: &mut Mistakes,
    ) -> Option<CostModelPlan> {
        let Some(CostsText::File(given)) = costs else { return None };
        match files::find(self.source, self.folder(), given) {
            Ok(path) => self.read_cost_model(&path, given, mistakes),
            Err(mistake) => {
                mistakes.push(mistake);
                None
            }
        }
    }

    /// A file that `windtunnel calibrate` wrote.
    fn calibration(
        &self,
        path: &Path,
        text: &str,
        given: &At<String>,
        mistakes: &mut Mistakes,
    ) -> Option<CostModelPlan> {
        let mut failed = |error: String| mistakes.push(self.mistake(given.span, error));
        let file = crate::machine::read_costs(text).map_err(|e| failed(e.to_string())).ok()?;
        let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let spec = crate::costs::from_history(&name, &file.history);
        let model = Model::new(spec).map_err(|e| failed(e.to_string())).ok()?;
        Some(plan(name, model, text))
    }

    fn read_cost_model(
        &self,
        path: &Path,
        given: &At<String>,
        mistakes: &mut Mistakes,
    ) -> Option<CostModelPlan> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                mistakes.push(self.mistake(given.span, error.to_string()));
                return None;
            }
        };
        if crate::costs::is_calibration_text(&text) {
            return self.calibration(path, &text, given, mistakes);
        }
        let source = Source::new(&path.display().to_string(), &text);
        let (spec, found) = read_as::<ModelSpec>(&source);
        let is_fine = found.is_empty();
        mistakes.append(found);
        let spec = spec.filter(|_| is_fine)?;
        let label = spec.name.clone();
        match Model::new(spec) {
            Ok(model) => Some(plan(label, model, &text)),
            Err(error) => {
                let whole = crate::mistake::Span::default();
                mistakes.push(Mistake::new(&source, whole, error.to_string()));
                None
            }
        }
    }
}

fn plan(label: String, model: Model, text: &str) -> CostModelPlan {
    let mut digest = TextDigest::default();
    digest.add(text);
    CostModelPlan { label, model: Arc::new(model), digest: digest.hex() }
}
