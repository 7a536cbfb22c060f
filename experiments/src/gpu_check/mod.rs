//! `windtunnel gpu-check`: from nothing to a verdict on a machine with a GPU.
//!
//! Map: [`check`] runs the parts one after the other, each for itself: one that fails, panics or
//! comes too late says so, and the others go on. `bed` is one GPU with a stream, for measurements
//! without the runtime; `agree` compares every kernel with its twin; `rates` measures copies,
//! launches and concurrency; `shapes` runs the same products by the runtime, by hand and as one
//! call; `pipeline` overlaps copies with kernels; `cost` is what the host takes per task; `factor`
//! factors matrices, in core and out, and compares predictions with what came; `text` writes it
//! all down.

mod agree;
mod bed;
mod cost;
mod factor;
mod pipeline;
mod rates;
mod runs;
mod shapes;
mod text;

use crate::machine::{Effort, Sample};
use crate::runner::caught;
use gpu::{GpuError, Gpus};
use runtime::Trace;
use serde::Serialize;
use std::time::{Duration, Instant};

pub use text::{in_markdown, write};

/// Opens the GPUs; called once for every run.
pub type Open<'a> = &'a dyn Fn() -> Result<Box<dyn Gpus>, GpuError>;

/// Something measured.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What.
    pub name: String,
    /// Median, deviation and count.
    pub value: Sample,
    /// Of what.
    pub unit: &'static str,
    /// What it should be at least, or at most.
    pub goal: Option<Goal>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// At least.
    Least(f64),
    /// At most.
    Most(f64),
}

impl Figure {
    /// A figure without a goal.
    pub fn new(name: impl Into<String>, values: &[f64], unit: &'static str) -> Self {
        Self { name: name.into(), value: Sample::of(values), unit, goal: None }
    }

    /// The same with a goal.
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Whether it is what it should be; `None` without a goal.
    pub fn is_met(&self) -> Option<bool> {
        self.goal.map(|goal| match goal {
            Goal::Least(least) => self.value.median >= least,
            Goal::Most(most) => self.value.median <= most,
        })
    }
}

/// How a part ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It went through; goals that were missed are among its figures.
    Done,
    /// It could not be carried out, or came to a wrong result.
    Failed(String),
    /// There was no time for it.
    Skipped,
}

/// A part of the check.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub seconds: f64,
    /// What it found.
    pub figures: Vec<Figure>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

/// What a part finds.
#[derive(Default)]
pub struct Findings {
    /// Figures so far: they stay when the part fails later.
    pub figures: Vec<Figure>,
    /// What a reader must know.
    pub notes: Vec<String>,
    /// Runs worth keeping, by name.
    pub traces: Vec<(String, Trace)>,
    /// A cluster file of this machine.
    pub cluster: Option<String>,
    /// A cost-model file of its kernels, each alone on the GPU.
    pub costs: Option<String>,
}

/// The whole check.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The machine and its GPUs: label and value.
    pub provenance: Vec<(String, String)>,
    /// Whether the GPUs are made up.
    pub is_fake: bool,
    /// Every part, in order.
    pub parts: Vec<Part>,
    /// Traces to be kept.
    #[serde(skip)]
    pub traces: Vec<(String, Trace)>,
    /// A cluster file of this machine.
    #[serde(skip)]
    pub cluster: Option<String>,
    /// A cost-model file of its kernels.
    #[serde(skip)]
    pub costs: Option<String>,
}

impl Checked {
    /// Whether no part failed.
    pub fn is_sound(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part.verdict, Verdict::Failed(_)))
    }
}

/// What goes wrong in a part, in words.
pub type Outcome = Result<(), String>;

type Body = fn(Open<'_>, Effort, &mut Findings) -> Outcome;

const PARTS: [(&str, &str, Body); 7] = [
    ("agree", "every kernel against its twin on the host, fresh random input", agree::part),
    ("rates", "copies by size and direction, launches, concurrency by occupancy", rates::part),
    ("shapes", "f32 product on many streams: runtime, by hand, one call of cuBLAS", shapes::part),
    ("overlap", "copies under kernels in a pipeline of 64 chunks", pipeline::part),
    ("cost", "what the host takes per task, beside a bare launch", cost::part),
    ("potrf", "tiled Cholesky against cuSOLVER, in core and out", factor::part),
    (
        "prediction",
        "makespans simulated from what was measured, beside real ones",
        factor::predicted,
    ),
];

/// Runs all parts, or those named, as long as there is time; `tell` hears what begins.
///
/// # Errors
/// When there is no GPU at all.
pub fn check(
    open: Open<'_>,
    effort: Effort,
    (only, budget): (&[String], Duration),
    tell: impl Fn(&str),
) -> Result<Checked, GpuError> {
    let began = Instant::now();
    let facts = open()?.facts().to_vec();
    let mut provenance = real_backend::Machine::detect().provenance();
    for gpu in &facts {
        let text = format!("{}, capability {}, driver {}", gpu.name, gpu.capability, gpu.driver);
        provenance.push(("gpu".to_owned(), text));
    }
    let mut checked = Checked {
        provenance,
        is_fake: facts.iter().any(|gpu| gpu.is_fake),
        parts: Vec::new(),
        traces: Vec::new(),
        cluster: None,
        costs: None,
    };
    for (name, about, body) in PARTS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        tell(name);
        let at = Instant::now();
        let mut findings = Findings::default();
        let verdict = if began.elapsed() > budget {
            Verdict::Skipped
        } else {
            let outcome =
                caught(std::panic::AssertUnwindSafe(|| body(open, effort, &mut findings)));
            match outcome.unwrap_or_else(|panic| Err(format!("it panicked: {panic}"))) {
                Ok(()) => Verdict::Done,
                Err(why) => Verdict::Failed(why),
            }
        };
        let Findings { figures, notes, traces, cluster, costs } = findings;
        checked.traces.extend(traces);
        checked.cluster = cluster.or(checked.cluster);
        checked.costs = costs.or(checked.costs);
        let seconds = at.elapsed().as_secs_f64();
        checked.parts.push(Part { name, about, verdict, seconds, figures, notes });
    }
    Ok(checked)
}

/// Names of all parts.
pub fn part_names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|(name, ..)| *name)
}

#[cfg(test)]
mod tests;
