//! What an experiment means: names looked up, files found and read, units applied, defaults
//! filled in, axes expanded into cells. Only a plan is ever run.
//!
//! Map: [`parts`] are the workloads, clusters and schedulers of cells; `names` finds what an entry
//! means, [`arrivals`] when what comes over time comes, `parameters` checks what was given to it,
//! `files` finds paths, `cluster` reads written clusters; `grid` fills in
//! options, `trouble` what goes wrong, `axes` and `vary` are what else varies, `cells` expands;
//! `feasible` tries every workload on every cluster before anything is run.

pub mod arrivals;
mod axes;
mod cells;
mod cluster;
mod costs;
mod feasible;
mod files;
mod grid;
mod names;
mod parameters;
pub mod parts;
mod trouble;
mod vary;

pub use axes::{AXES, AxisInfo, Setting};
pub use cluster::{Changes, resolve as written_cluster};
pub use costs::{CostModelPlan, CostSource};
pub use feasible::check_feasible;
pub use names::Names;
pub use parameters::label;
pub use parts::{ClusterPlan, Place, SchedulerPlan, WorkloadPlan};
pub(crate) use trouble::lognormal;
pub use trouble::{SpellsPlan, Trouble};

use crate::mistake::{Mistakes, Source};
use crate::record::CellKey;
use crate::registry::Registry;
use crate::spec::{Backend, Estimates, KeepTraces, Spec, ThinkingText};
use runtime::Ns;
use runtime::scheduler::Eviction;
use runtime::trace::Digest;
use sim::Noise;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A resolved experiment.
#[derive(Debug)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The text it came from.
    pub source: Arc<Source>,
    /// What cells run.
    pub workloads: Vec<WorkloadPlan>,
    /// Where.
    pub clusters: Vec<ClusterPlan>,
    /// Who decides.
    pub schedulers: Vec<SchedulerPlan>,
    /// Cost-model files; settings name one.
    pub cost_models: Vec<CostModelPlan>,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// Values of all axes, as text; cells name a row.
    pub rows: Vec<Vec<String>>,
    /// Everything else that cells are run with; cells name one.
    pub settings: Vec<Settings>,
    /// All cells: simulations first, then real runs; those of one workload together.
    pub cells: Vec<Cell>,
    /// Which traces are kept.
    pub keep_traces: KeepTraces,
    /// A cell that takes longer has failed.
    pub timeout_ns: Option<Ns>,
    /// Where real runs keep the files of disk memories; the system's folder for temporary files
    /// when absent. Said on the command line, not in the experiment.
    pub disk_folder: Option<PathBuf>,
}

/// How a cell is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where.
    pub backend: Backend,
    /// Duration noise.
    pub noise: Noise,
    /// Instead of it: as the cost model measured it, times this.
    pub measured_noise: Option<f64>,
    /// What else goes wrong.
    pub trouble: Trouble,
    /// Instead of the scheduler's own decision interval.
    pub decision_interval_ns: Option<Ns>,
    /// What thinking costs.
    pub thinking: ThinkingText,
    /// What the scheduler is told.
    pub estimates: Estimates,
    /// How many unfinished tasks the scheduler knows of; `None` = all.
    pub window: Option<u32>,
    /// Where durations come from.
    pub costs: CostSource,
    /// Instead of the scheduler's own choice.
    pub eviction: Option<Eviction>,
}

/// One run: positions in the plan's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Of [`Plan::settings`].
    pub settings: u32,
    /// Of [`Plan::workloads`].
    pub workload: u32,
    /// The seed.
    pub seed: u64,
    /// Of [`Plan::clusters`].
    pub cluster: u32,
    /// Of [`Plan::schedulers`].
    pub scheduler: u32,
    /// Of [`Plan::rows`].
    pub row: u32,
    /// Repetition, from 0.
    pub repetition: u32,
}

impl Plan {
    /// Resolves an experiment whose paths are relative to `folder`.
    ///
    /// # Errors
    /// Every mistake found, those in `mistakes` (of reading) included.
    pub fn resolve(
        registry: &Registry,
        source: &Arc<Source>,
        folder: &Path,
        spec: Option<&Spec>,
        mut mistakes: Mistakes,
    ) -> Result<Self, Mistakes> {
        let Some(spec) = spec else { return Err(mistakes) };
        let names = Names::new(registry, source, folder);
        let plan = grid::expand(&names, spec, &mut mistakes);
        match plan {
            Some(plan) => mistakes.into_result(plan),
            None => Err(mistakes),
        }
    }

    /// Reads and resolves an experiment file.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn read(registry: &Registry, path: &Path, text: &str) -> Result<Self, Mistakes> {
        let source = Source::new(&path.display().to_string(), text);
        let (spec, mistakes) = crate::spec::read(&source);
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::resolve(registry, &source, folder, spec.as_ref(), mistakes)
    }

    /// Which cell of the grid.
    pub fn key(&self, cell: &Cell) -> CellKey {
        CellKey {
            workload: self.workloads[cell.workload as usize].label.clone(),
            cluster: self.clusters[cell.cluster as usize].label.clone(),
            scheduler: self.schedulers[cell.scheduler as usize].label.clone(),
            backend: self.settings[cell.settings as usize].backend.name().to_owned(),
            axes: self.rows[cell.row as usize].clone(),
            seed: cell.seed,
            repetition: cell.repetition,
        }
    }

    /// A short digest of the cell's key, which names it.
    pub fn id(&self, cell: &Cell) -> String {
        format!("{:016x}", self.key_digest(cell))
    }

    /// As [`Plan::id`], without making a text of it.
    fn key_digest(&self, cell: &Cell) -> u64 {
        let mut digest = TextDigest::default();
        digest.add(&self.workloads[cell.workload as usize].label);
        digest.add(&self.clusters[cell.cluster as usize].label);
        digest.add(&self.schedulers[cell.scheduler as usize].label);
        digest.add(self.settings[cell.settings as usize].backend.name());
        self.rows[cell.row as usize].iter().for_each(|value| digest.add(value));
        digest.0.add(&[cell.seed, cell.repetition.into()]);
        digest.0.value()
    }

    /// The cell of that id.
    pub fn cell(&self, id: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| self.id(cell) == id)
    }

    /// The first seed of each workload under each of the settings.
    pub fn first_seeds(&self) -> BTreeMap<(u32, u32), u64> {
        let mut first = BTreeMap::new();
        for cell in &self.cells {
            first.entry((cell.settings, cell.workload)).or_insert(cell.seed);
        }
        first
    }

    /// A digest of everything that results depend on: what is run where by whom and how. The
    /// file's layout, comments and name do not count.
    pub fn digest(&self) -> String {
        let mut digest = TextDigest::default();
        self.workloads.iter().for_each(|w| digest.add(&w.identity()));
        self.clusters.iter().for_each(|c| digest.add(&c.whole_identity()));
        self.schedulers.iter().for_each(|s| digest.add(&s.identity()));
        self.cost_models.iter().for_each(|m| digest.add(&m.digest));
        for settings in &self.settings {
            digest.add(&format!("{settings:?}"));
        }
        digest.add(&self.axes.join("\u{1f}"));
        for cell in &self.cells {
            let indices = [cell.settings, cell.workload, cell.cluster, cell.scheduler];
            digest.add(&self.rows[cell.row as usize].join("\u{1f}"));
            digest.add(&format!("{indices:?} {} {}", cell.seed, cell.repetition));
        }
        digest.hex()
    }
}

/// A 64-bit digest of texts, in hexadecimal.
#[derive(Default)]
pub struct TextDigest(Digest);

impl TextDigest {
    /// Adds a text, apart from the next one.
    pub fn add(&mut self, text: &str) {
        self.add_bytes(text.as_bytes());
    }

    /// Adds bytes, apart from the next ones.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0.add(&[u64::from_le_bytes(word)]);
        }
        self.0.add(&[bytes.len() as u64]);
    }

    /// The digest.
    pub fn value(&self) -> u64 {
        self.0.value()
    }

    /// Sixteen hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:016x}", self.value())
    }
}
