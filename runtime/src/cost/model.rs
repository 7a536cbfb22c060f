//! A cost model as a file: measurements, fits over sizes, a roofline.
//!
//! [`ModelSpec`] is what is written, [`Model`] what was checked. A task's duration on a class of
//! devices is, in this order: what was measured for its kernel and size; what the measurements at
//! other sizes predict; the roofline; what `unmeasured` says.

use super::history::pooled;
use super::regression::{PowerLaw, student_quantile};
use super::{Cost, CostModel, Roofline};
use crate::{TaskGraph, TaskId};
use serde::{Deserialize, Serialize};

/// A cost model as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The version of the format.
    #[serde(rename = "windtunnel_cost_model")]
    pub version: Version,
    /// Shown to people.
    pub name: String,
    /// Measured durations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Measured>,
    /// Peaks, for tasks of kernels that were not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roofline: Option<Roofline>,
    /// What becomes of measured kernels on classes of devices where they were not.
    #[serde(default)]
    pub unmeasured: Unmeasured,
}

/// The version of the format: 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Version;

impl TryFrom<u32> for Version {
    type Error = ModelError;

    fn try_from(version: u32) -> Result<Self, ModelError> {
        if version == 1 { Ok(Self) } else { Err(ModelError::Version { version }) }
    }
}

impl From<Version> for u32 {
    fn from(_: Version) -> Self {
        1
    }
}

/// Measurements of one kernel at one size on one class of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The kernel's name.
    pub kernel: String,
    /// The class of the devices.
    pub class: String,
    /// Bytes of all objects of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The task's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<[u32; 4]>,
    /// The task's work, in the units of the workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<f64>,
    /// Mean duration.
    pub mean_ns: f64,
    /// Standard deviation of the durations.
    #[serde(default)]
    pub deviation_ns: f64,
    /// Number of measurements.
    #[serde(default = "one")]
    pub count: u64,
}

fn one() -> u64 {
    1
}

/// What becomes of a measured kernel on a class of devices where it was not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmeasured {
    /// Its tasks take what they state themselves.
    #[default]
    Stated,
    /// Its tasks cannot run there.
    Impossible,
}

/// Why a cost model cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// A version that is not known.
    #[error("cost models of version {version} are not known; expected version 1")]
    Version {
        /// The version.
        version: u32,
    },
    /// A number out of range.
    #[error("{part}: {field} is {value}; it must be {expected}")]
    OutOfRange {
        /// Of what.
        part: String,
        /// Which number.
        field: &'static str,
        /// The number.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// A measurement without a size.
    #[error("{part}: one of bytes, shape and work must say what size was measured")]
    NoSize {
        /// Of what.
        part: String,
    },
    /// Two measurements of the same.
    #[error("{part} is there twice")]
    Twice {
        /// Of what.
        part: String,
    },
    /// An efficiency curve whose points do not ascend.
    #[error("{part}: the points of the efficiency curve must ascend; {before} is before {after}")]
    NotAscending {
        /// Of what.
        part: String,
        /// One point's operations.
        before: f64,
        /// The next one's.
        after: f64,
    },
}

/// A checked cost model.
#[derive(Clone, Debug)]
pub struct Model {
    spec: ModelSpec,
    /// Fits by kernel and class, sorted; the variable of each.
    fits: Vec<Fit>,
    /// Kernels that were measured anywhere, sorted.
    kernels: Vec<String>,
}

#[derive(Clone, Debug)]
struct Fit {
    kernel: String,
    class: String,
    variable: Variable,
    law: PowerLaw,
}

/// What a fit predicts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    Work,
    Bytes,
}

/// What a model says about a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Expected duration; infinite where it cannot run.
    pub mean_ns: f64,
    /// Within which a duration lies with 95 % confidence, where that is known.
    pub interval_ns: Option<(f64, f64)>,
    /// Where it comes from.
    pub basis: Basis,
}

/// Where a prediction comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The mean of measurements at this size.
    Measured,
    /// A fit over other sizes.
    Regression,
    /// Operations and bytes against peaks.
    Roofline,
    /// The kernel was measured elsewhere only.
    Impossible,
}

impl Model {
    /// Checks a model and fits its measurements.
    ///
    /// # Errors
    /// The first [`ModelError`].
    pub fn new(mut spec: ModelSpec) -> Result<Self, ModelError> {
        spec.measured.iter().try_for_each(check_measured)?;
        spec.roofline.iter().try_for_each(check_roofline)?;
        spec.measured.sort_by(|a, b| {
            let key = |m: &Measured| (m.shape, m.bytes, m.work.map(f64::to_bits));
            (&a.kernel, &a.class, key(a)).cmp(&(&b.kernel, &b.class, key(b)))
        });
        if let Some(pair) = spec.measured.windows(2).find(|pair| same(&pair[0], &pair[1])) {
            return Err(ModelError::Twice { part: pair[0].part() });
        }
        let mut fits = Vec::new();
        for group in spec.measured.chunk_by(|a, b| (&a.kernel, &a.class) == (&b.kernel, &b.class)) {
            fits.extend(fit(group));
        }
        let mut kernels: Vec<String> = spec.measured.iter().map(|m| m.kernel.clone()).collect();
        kernels.dedup();
        Ok(Self { spec, fits, kernels })
    }

    /// What it was made from, measurements sorted.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// What is known about a task on a class of devices; `None` = nothing.
    pub fn predict(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<Prediction> {
        if let Some(found) = self.measured(graph, id, class) {
            return Some(found.prediction());
        }
        let kernel = graph.kernel_name(graph.task(id).kernel);
        let (work, bytes) = (work_of(graph, id), bytes_of(graph, id));
        let fit = self
            .fits
            .binary_search_by(|f| (f.kernel.as_str(), f.class.as_str()).cmp(&(kernel, class)));
        if let Ok(at) = fit {
            let fit = &self.fits[at];
            let x = match fit.variable {
                Variable::Work => work,
                Variable::Bytes => Some(bytes as f64),
            };
            if let Some(x) = x.filter(|x| *x > 0.0) {
                let (mean_ns, interval_ns) = (fit.law.predict(x), fit.law.interval(x, 0.95));
                return Some(Prediction { mean_ns, interval_ns, basis: Basis::Regression });
            }
        }
        let all = self.measurements(kernel, class);
        let is_known = || self.kernels.binary_search_by(|k| k.as_str().cmp(kernel)).is_ok();
        if all.is_empty() && self.spec.unmeasured == Unmeasured::Impossible && is_known() {
            let (mean_ns, interval_ns) = (f64::INFINITY, None);
            return Some(Prediction { mean_ns, interval_ns, basis: Basis::Impossible });
        }
        let roofline = self.spec.roofline.as_ref()?;
        let mean_ns = roofline.duration_ns(graph, id, class)?;
        Some(Prediction { mean_ns, interval_ns: None, basis: Basis::Roofline })
    }

    /// What was measured at the size of a task.
    fn measured(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<&Measured> {
        let task = graph.task(id);
        let (work, bytes) = (work_of(graph, id), bytes_of(graph, id));
        let is_same = |m: &&Measured| match (m.shape, m.bytes) {
            (None, None) => m.work == work,
            (shape, of) => shape.is_none_or(|s| s == task.shape) && of.is_none_or(|b| b == bytes),
        };
        self.measurements(graph.kernel_name(task.kernel), class).iter().find(is_same)
    }

    fn measurements(&self, kernel: &str, class: &str) -> &[Measured] {
        let all = &self.spec.measured;
        let key = |m: &Measured| (m.kernel.as_str().cmp(kernel)).then(m.class.as_str().cmp(class));
        let begin = all.partition_point(|m| key(m).is_lt());
        let end = all.partition_point(|m| key(m).is_le());
        &all[begin..end]
    }
}

fn work_of(graph: &TaskGraph, id: TaskId) -> Option<f64> {
    match graph.task(id).cost {
        Cost::Work(work) => Some(work),
        Cost::Table(_) => None,
    }
}

fn bytes_of(graph: &TaskGraph, id: TaskId) -> u64 {
    graph.accesses(id).iter().map(|a| graph.object(a.object).bytes).sum()
}

impl CostModel for Model {
    fn duration_ns(&self, graph: &TaskGraph, task: TaskId, class: &str) -> Option<f64> {
        self.predict(graph, task, class).map(|p| p.mean_ns)
    }

    /// That of the measurements at the task's size; of the kernel at all sizes, weighed by their
    /// number, where this one was not measured twice.
    fn relative_deviation(&self, graph: &TaskGraph, task: TaskId, class: &str) -> Option<f64> {
        let is_known = |m: &&Measured| m.count > 1 && m.mean_ns > 0.0 && m.mean_ns.is_finite();
        if let Some(found) = self.measured(graph, task, class).filter(is_known) {
            return Some(found.deviation_ns / found.mean_ns);
        }
        let all = self.measurements(graph.kernel_name(graph.task(task).kernel), class);
        pooled(all.iter().filter(is_known).map(|m| (m.count, m.deviation_ns / m.mean_ns)))
    }
}

impl Measured {
    fn part(&self) -> String {
        let size = match (self.bytes, self.shape, self.work) {
            (Some(bytes), ..) => format!(" at {bytes} bytes"),
            (_, Some(shape), _) => format!(" at shape {shape:?}"),
            (.., Some(work)) => format!(" at work {work}"),
            _ => String::new(),
        };
        format!("kernel {:?} on class {:?}{size}", self.kernel, self.class)
    }

    /// The mean, and where one more measurement would lie.
    fn prediction(&self) -> Prediction {
        let interval_ns = (self.count >= 2).then(|| {
            let freedom = u32::try_from(self.count - 1).unwrap_or(u32::MAX);
            let spread = (1.0 + 1.0 / self.count as f64).sqrt();
            let half = student_quantile(0.975, freedom) * self.deviation_ns * spread;
            ((self.mean_ns - half).max(0.0), self.mean_ns + half)
        });
        Prediction { mean_ns: self.mean_ns, interval_ns, basis: Basis::Measured }
    }
}

/// Whether two measurements are of the same kernel, class and size.
fn same(a: &Measured, b: &Measured) -> bool {
    (&a.kernel, &a.class, a.bytes, a.shape) == (&b.kernel, &b.class, b.bytes, b.shape)
        && (a.work == b.work || a.bytes.is_some() || a.shape.is_some())
}

/// The fit of one kernel on one class: over work where all state it, else over bytes; `None` where
/// one size was measured only.
fn fit(group: &[Measured]) -> Option<Fit> {
    let over = |x: &dyn Fn(&Measured) -> Option<f64>| {
        let points: Option<Vec<_>> = group.iter().map(|m| Some((x(m)?, m.mean_ns))).collect();
        PowerLaw::fit(&points?).ok()
    };
    let by_work = over(&|m| m.work).map(|law| (Variable::Work, law));
    let by_bytes = || over(&|m| m.bytes.map(|b| b as f64)).map(|law| (Variable::Bytes, law));
    let (variable, law) = by_work.or_else(by_bytes)?;
    let (kernel, class) = (group[0].kernel.clone(), group[0].class.clone());
    Some(Fit { kernel, class, variable, law })
}

fn check_measured(measured: &Measured) -> Result<(), ModelError> {
    let part = || measured.part();
    if measured.bytes.is_none() && measured.shape.is_none() && measured.work.is_none() {
        return Err(ModelError::NoSize { part: part() });
    }
    in_range(part, "mean_ns", measured.mean_ns, Range::NotNegative)?;
    in_range(part, "deviation_ns", measured.deviation_ns, Range::NotNegative)?;
    in_range(part, "count", measured.count as f64, Range::Positive)?;
    in_range(part, "work", measured.work.unwrap_or(0.0), Range::NotNegative)
}

fn check_roofline(roofline: &Roofline) -> Result<(), ModelError> {
    for roof in &roofline.classes {
        let part = || format!("roofline of class {:?}", roof.class);
        in_range(part, "bytes_per_s", roof.bytes_per_s, Range::Positive)?;
        in_range(part, "overhead_ns", roof.overhead_ns, Range::NotNegative)?;
        in_range(part, "array", roof.array.map_or(1.0, f64::from), Range::Positive)?;
        for peak in roof.peaks.values() {
            in_range(part, "peaks", *peak, Range::Positive)?;
        }
        for (operations, share) in &roof.efficiency {
            in_range(part, "efficiency (operations)", *operations, Range::Positive)?;
            in_range(part, "efficiency (share)", *share, Range::Share)?;
        }
        if let Some(pair) = roof.efficiency.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            let (before, after) = (pair[0].0, pair[1].0);
            return Err(ModelError::NotAscending { part: part(), before, after });
        }
    }
    let mut names: Vec<&String> = roofline.classes.iter().map(|r| &r.class).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ModelError::Twice { part: format!("roofline of class {:?}", pair[0]) }),
        None => Ok(()),
    }
}

enum Range {
    Positive,
    NotNegative,
    Share,
}

fn in_range(
    part: impl Fn() -> String,
    field: &'static str,
    value: f64,
    range: Range,
) -> Result<(), ModelError> {
    let (is_fine, expected) = match range {
        Range::Positive => (value > 0.0, "finite and above 0"),
        Range::NotNegative => (value >= 0.0, "finite and at least 0"),
        Range::Share => (value > 0.0 && value <= 1.0, "above 0 and at most 1"),
    };
    match is_fine && value.is_finite() {
        true => Ok(()),
        false => Err(ModelError::OutOfRange { part: part(), field, value, expected }),
    }
}

#[cfg(test)]
mod tests;
