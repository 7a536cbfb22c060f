//! Durations measured on this machine, for cells that ask for `costs: measured`.
//!
//! Each workload is run on all cores, first to warm up and then to be measured; the simulator and
//! the schedulers of both worlds are then given the mean duration per kernel and shape, and what
//! the runtime takes of a lane before each task. A real run that is predicted is never among those
//! measured.

use super::panics::caught;
use super::progress::Progress;
use crate::clusters;
use crate::machine::{Learnt, Patience};
use crate::plan::{Cell, CostSource, Plan, WorkloadPlan};
use runtime::cost::{CostModel, History};
use runtime::{Cluster, Ns};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Short workloads are run more often: few tasks, and what disturbs one weighs more.
const PATIENCE: Patience = Patience { fewest: 5, most: 40, time: Duration::from_secs(1) };

/// What was measured of one workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Durations of its kernels.
    pub history: History,
    /// What the runtime takes of a lane before each of its tasks, in nanoseconds.
    pub issue_ns: Ns,
}

/// What was measured, by workload; kept in the run directory so that a run which is resumed goes
/// on with the same durations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// By [`WorkloadPlan::identity`]: labels do not tell what axes set.
    workloads: Vec<(String, Measured)>,
    /// What was measured before, for all other workloads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    given: Option<History>,
}

impl Calibration {
    /// What is known before anything is measured, of any workload.
    pub fn given(history: History) -> Self {
        Self { given: Some(history), ..Self::default() }
    }

    /// Adds what is known before anything is measured, unless there is something already: a run
    /// that is resumed goes on with what it began with.
    pub fn or_given(mut self, history: Option<&History>) -> Self {
        self.given = self.given.or_else(|| history.cloned());
        self
    }

    fn own(&self, workload: &WorkloadPlan) -> Option<&Measured> {
        let identity = workload.identity();
        let own = self.workloads.iter().find(|(known, _)| *known == identity);
        own.map(|(_, measured)| measured)
    }

    fn history(&self, workload: &WorkloadPlan) -> Option<&History> {
        self.own(workload).map(|measured| &measured.history).or(self.given.as_ref())
    }

    /// What the runtime takes of this machine's lanes before each task of a cell, where the cell's
    /// durations are measured too.
    pub fn issue_ns(&self, plan: &Plan, cell: &Cell) -> Option<Ns> {
        match plan.settings[cell.settings as usize].costs {
            CostSource::Measured => {
                Some(self.own(&plan.workloads[cell.workload as usize])?.issue_ns)
            }
            CostSource::Stated | CostSource::File(_) => None,
        }
    }

    /// What predicts the durations of a cell; `None` where its tasks state them.
    pub fn model<'a>(&'a self, plan: &'a Plan, cell: &Cell) -> Option<&'a dyn CostModel> {
        match plan.settings[cell.settings as usize].costs {
            CostSource::Stated => None,
            CostSource::Measured => Some(self.history(&plan.workloads[cell.workload as usize])?),
            source @ CostSource::File(_) => plan.cost_model(source).map(|m| m as &dyn CostModel),
        }
    }
}

/// Measures what these cells need and `known` does not hold. A workload that cannot be run keeps
/// the durations that its tasks state; its real cells then fail with their own reason.
pub fn calibrate(plan: &Plan, cells: &[Cell], known: Calibration, is_quiet: bool) -> Calibration {
    let mut calibration = known;
    let mut missing: Vec<(u32, u64)> = Vec::new();
    for cell in cells {
        let is_measured = plan.settings[cell.settings as usize].costs == CostSource::Measured;
        let is_known = || calibration.history(&plan.workloads[cell.workload as usize]).is_some();
        if is_measured && missing.iter().all(|(w, _)| *w != cell.workload) && !is_known() {
            missing.push((cell.workload, cell.seed));
        }
    }
    let mut progress = Progress::new("measured", missing.len() as u64, is_quiet);
    for (workload, seed) in missing {
        let workload = &plan.workloads[workload as usize];
        let measured = caught(|| measure(workload, seed)).ok().flatten();
        progress.step(measured.is_none());
        calibration.workloads.push((workload.identity(), measured.unwrap_or_default()));
    }
    progress.finish();
    calibration
}

/// Runs a workload for real and learns its durations; `None` when it cannot be run.
fn measure(workload: &WorkloadPlan, seed: u64) -> Option<Measured> {
    let cluster = Arc::new(Cluster::new(clusters::find("host")?.make(&[], seed).ok()?).ok()?);
    let mut learnt = Learnt::default();
    learnt.learn(&mut || workload.make(seed), &cluster, seed, PATIENCE).ok()?;
    Some(Measured { issue_ns: learnt.issue_ns(), history: learnt.history })
}
