//! Runs the cells of a plan: simulations in parallel, then real runs one at a time, every finished
//! cell kept at once.
//!
//! Map: `calibrate` measures durations where the experiment asks for it; `cell` runs one; `world`
//! holds what cells have in common; `timed` watches schedulers, `evaluator` lends them the
//! simulator, `panics` keeps panics inside; `progress` tells how far it is; `provenance` says what
//! made the results.

mod calibrate;
mod cell;
mod evaluator;
mod knowledge;
mod panics;
mod progress;
mod provenance;
mod timed;
mod world;

pub use calibrate::{Calibration, calibrate};
pub use cell::{Finished, MAX_VALIDATED_TASKS, run_cell};
pub use evaluator::Simulated;
pub use panics::caught;
pub use progress::Progress;
pub use provenance::provenance;
pub use timed::{Watch, Watched, thread_ns};
pub use world::{ArrivingWorld, Template, World, WorldError, Worlds};

use crate::plan::{Cell, CostSource, Plan, TextDigest};
use crate::record::{FORMAT_VERSION, Manifest, Record};
use crate::spec::{Backend, KeepTraces};
use crate::store::{RunDir, StoreError, load, read_calibration};
use runtime::cost::History;
use runtime::graph::GraphSummary;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Threads that simulate.
    pub jobs: usize,
    /// Delete what an earlier run left.
    pub is_fresh: bool,
    /// Run failed cells of an earlier run again.
    pub retries_failed: bool,
    /// Tell no progress.
    pub is_quiet: bool,
    /// The file as it was named, for the commands that replay cells.
    pub spec_path: String,
    /// Durations measured before, for cells that ask for measured ones.
    pub costs: Option<History>,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunSummary {
    /// Cells of the experiment.
    pub cells: usize,
    /// Of these, finished by an earlier run.
    pub resumed: usize,
    /// Of all, failed.
    pub failed: usize,
    /// Of all, simulated.
    pub simulated: usize,
    /// A digest of what the simulated ones came to, in the order of their keys: the same on any
    /// machine and any number of threads, where no durations were measured.
    pub digest: u64,
}

/// Traces of more tasks than this are kept only where all are.
const MAX_KEPT_TASKS: usize = 2_000;

/// Stack of a thread that simulates: schedulers may recurse.
const STACK_BYTES: usize = 16 << 20;

/// Runs what is not finished yet in the directory `out`.
///
/// # Errors
/// [`StoreError`]; what was finished before stays.
pub fn run(
    plan: &Plan,
    shapes: &[GraphSummary],
    out: &Path,
    options: &RunOptions,
) -> Result<RunSummary, StoreError> {
    let manifest = manifest(plan, shapes, options);
    let (mut dir, finished) = RunDir::open(out, &manifest, options.is_fresh)?;
    let finished: BTreeMap<&str, &Record> = finished.iter().map(|r| (r.id.as_str(), r)).collect();
    let ids: Vec<String> = plan.cells.iter().map(|cell| plan.id(cell)).collect();
    let is_done = |id: &str| {
        let record = finished.get(id);
        record.is_some_and(|r| r.outcome.is_ok() || !options.retries_failed)
    };
    let open: Vec<Cell> = (plan.cells.iter().zip(&ids))
        .filter(|(_, id)| !is_done(id))
        .map(|(cell, _)| *cell)
        .collect();
    let failed_before = ids
        .iter()
        .filter(|id| is_done(id))
        .filter(|id| finished.get(id.as_str()).is_some_and(|r| r.outcome.is_err()));
    let mut summary = RunSummary {
        cells: ids.len(),
        resumed: ids.len() - open.len(),
        failed: failed_before.count(),
        ..RunSummary::default()
    };
    let is_real = |c: &Cell| plan.settings[c.settings as usize].backend.is_real();
    let first_real = open.iter().position(is_real).unwrap_or(open.len());
    let (simulated, real) = open.split_at(first_real);
    let known = read_calibration(out)?;
    let begun = known.clone().or_given(options.costs.as_ref());
    let mut calibration = calibrate(plan, &open, begun, options.is_quiet);
    if calibration != known {
        dir.write_calibration(&calibration)?;
        // What a resumed run will read counts, to the last bit.
        calibration = read_calibration(out)?;
    }
    let worlds = Worlds::new(plan, &open, &calibration);
    let first_seeds = plan.first_seeds();
    let last_real = Mutex::new(None);
    let work = Work { plan, worlds: &worlds, options, out, first_seeds, last_real };
    summary.failed += work.run_all("simulated", simulated, options.jobs, &mut dir)?;
    summary.failed += work.run_alone("real", real, &mut dir)?;
    dir.sort(&ids)?;
    (summary.simulated, summary.digest) = digest(&load(out)?.records);
    Ok(summary)
}

/// How many records are of simulated cells, and a digest of their outcomes.
fn digest(records: &[Record]) -> (usize, u64) {
    let mut digest = TextDigest::default();
    let simulated = records.iter().filter(|r| r.key.backend == Backend::Sim.name());
    for record in simulated.clone() {
        digest.add(&record.id);
        digest.add(match &record.outcome {
            Ok(metrics) => &metrics.digest,
            Err(error) => &error.message,
        });
    }
    (simulated.count(), digest.value())
}

fn manifest(plan: &Plan, shapes: &[GraphSummary], options: &RunOptions) -> Manifest {
    let mut families: Vec<(String, String)> = Vec::new();
    let mut workloads: Vec<(String, GraphSummary)> = Vec::new();
    for (workload, shape) in plan.workloads.iter().zip(shapes) {
        if families.iter().all(|(label, _)| *label != workload.label) {
            families.push((workload.label.clone(), workload.family.clone()));
            workloads.push((workload.label.clone(), *shape));
        }
    }
    Manifest {
        windtunnel_run: FORMAT_VERSION,
        name: plan.name.clone(),
        spec_digest: plan.digest(),
        spec_text: plan.source.text.clone(),
        spec_path: options.spec_path.clone(),
        cells: plan.cells.len(),
        provenance: provenance(),
        axes: plan.axes.clone(),
        families,
        workloads,
    }
}

struct Work<'a> {
    plan: &'a Plan,
    worlds: &'a Worlds<'a>,
    options: &'a RunOptions,
    out: &'a Path,
    first_seeds: BTreeMap<(u32, u32), u64>,
    /// Workload, seed and cluster of the last real run.
    last_real: Mutex<Option<(u32, u64, u32)>>,
}

impl Work<'_> {
    /// Runs cells on so many threads and keeps each one that is finished; returns how many failed.
    fn run_all(
        &self,
        what: &'static str,
        cells: &[Cell],
        jobs: usize,
        dir: &mut RunDir,
    ) -> Result<usize, StoreError> {
        let jobs = jobs.clamp(1, cells.len().max(1));
        let mut progress = Progress::new(what, cells.len() as u64, self.options.is_quiet);
        let (next, is_stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(jobs).stack_size(STACK_BYTES).build();
        // Without threads the cells are run here, one after the other.
        let (sender, receiver) = sync_channel(match pool.is_ok() {
            true => 2 * jobs,
            false => cells.len(),
        });
        let mut failed = 0;
        let mut result = Ok(());
        std::thread::scope(|scope| {
            let take = |sender: SyncSender<Finished>| {
                while !is_stopped.load(Ordering::Relaxed) {
                    let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    if sender.send(self.run_one(cell)).is_err() {
                        break;
                    }
                }
            };
            match &pool {
                Ok(pool) => {
                    scope.spawn(move || pool.broadcast(|_| take(sender.clone())));
                }
                Err(_) => take(sender),
            }
            for finished in receiver {
                failed += usize::from(finished.record.outcome.is_err());
                result = keep(&finished, dir, &mut progress);
                if result.is_err() {
                    // Cells under way are let go.
                    is_stopped.store(true, Ordering::Relaxed);
                    break;
                }
            }
        });
        progress.finish();
        result.map(|()| failed)
    }

    /// Runs cells one at a time: real runs must not disturb each other, and neither must the
    /// writing of what the last one left, which is done before the next one begins.
    fn run_alone(
        &self,
        what: &'static str,
        cells: &[Cell],
        dir: &mut RunDir,
    ) -> Result<usize, StoreError> {
        let mut progress = Progress::new(what, cells.len() as u64, self.options.is_quiet);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(STACK_BYTES).build();
        let mut failed = 0;
        let result = cells.iter().try_for_each(|cell| {
            let finished = match &pool {
                Ok(pool) => pool.install(|| self.run_one(cell)),
                // Without threads there is only this one's stack.
                Err(_) => self.run_one(cell),
            };
            failed += usize::from(finished.record.outcome.is_err());
            keep(&finished, dir, &mut progress)
        });
        progress.finish();
        result.map(|()| failed)
    }

    fn run_one(&self, cell: &Cell) -> Finished {
        if self.is_new_on_machine(cell) {
            // The first run of a workload meets cold caches and a sleeping processor.
            run_cell(self.plan, self.worlds, cell, String::new());
        }
        let mut finished = run_cell(self.plan, self.worlds, cell, self.replay(cell));
        self.worlds.release(cell);
        let tasks = finished.trace.as_ref().map_or(0, |t| t.graph.len());
        if !self.keeps_trace(cell, tasks) {
            finished.trace = None;
        }
        finished
    }

    /// Whether this is the first real run of its workload on its cluster. Real runs are made one
    /// at a time, those of one workload together.
    fn is_new_on_machine(&self, cell: &Cell) -> bool {
        if !self.plan.settings[cell.settings as usize].backend.is_real() {
            return false;
        }
        let what = Some((cell.workload, cell.seed, cell.cluster));
        let mut last = self.last_real.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *last, what) != what
    }

    /// Whether the cell's trace is kept, given its number of tasks.
    fn keeps_trace(&self, cell: &Cell, tasks: usize) -> bool {
        match self.plan.keep_traces {
            KeepTraces::All => true,
            KeepTraces::None => false,
            KeepTraces::Some => {
                let first = self.first_seeds.get(&(cell.settings, cell.workload));
                tasks <= MAX_KEPT_TASKS && cell.repetition == 0 && first == Some(&cell.seed)
            }
        }
    }

    fn replay(&self, cell: &Cell) -> String {
        let path = shell_word(&self.options.spec_path);
        let costs = self.plan.settings[cell.settings as usize].costs;
        let out = match costs {
            CostSource::Stated | CostSource::File(_) => String::new(),
            // The measured durations lie in the run directory.
            CostSource::Measured => format!(" --out {}", shell_word(&self.out.to_string_lossy())),
        };
        format!("windtunnel run {path}{out} --cell {}", self.plan.id(cell))
    }
}

/// Writes what a cell left, and shows that it is done.
fn keep(finished: &Finished, dir: &mut RunDir, progress: &mut Progress) -> Result<(), StoreError> {
    dir.append(&finished.record, &finished.wall, finished.trace.as_ref())?;
    progress.step(finished.record.outcome.is_err());
    Ok(())
}

/// A word as a shell reads it back.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
