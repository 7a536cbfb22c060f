//! The roofline: a task takes as long as its operations or its bytes, whichever is longer.
//!
//! S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance model for
//! multicore architectures", Communications of the ACM 52(4), 2009. A task's work is its number of
//! floating-point operations; its bytes are those of the objects that it reads and of those that it
//! writes. Peaks are per lane and precision; small tasks reach a smaller share of the peak, by a
//! curve.

use crate::{Cost, TaskGraph, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Peaks of classes of devices, and which numbers kernels compute with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roofline {
    /// The numbers of kernels that `precisions` does not name.
    pub precision: String,
    /// The numbers of kernels by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub precisions: BTreeMap<String, String>,
    /// Classes of devices.
    pub classes: Vec<Roof>,
}

/// The roof of a class of devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roof {
    /// The class.
    pub class: String,
    /// Operations per second of a lane, by precision.
    pub peaks: BTreeMap<String, f64>,
    /// Bytes per second between memory and a lane.
    pub bytes_per_s: f64,
    /// Time that every task takes on top (a launch).
    #[serde(default)]
    pub overhead_ns: f64,
    /// Share of the peak reached by tasks of so many operations: points `[operations, share]`,
    /// linear between them in the logarithm of the operations, level outside; 1 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub efficiency: Vec<(f64, f64)>,
    /// Side of a systolic array: matrix shapes are padded to its multiples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub array: Option<u32>,
}

impl Roofline {
    /// Duration of a task with stated work; `None` for a class, or a class's precision, that has
    /// no peak.
    pub fn duration_ns(&self, graph: &TaskGraph, id: TaskId, class: &str) -> Option<f64> {
        let task = graph.task(id);
        let Cost::Work(work) = task.cost else { return None };
        let roof = self.classes.iter().find(|r| r.class == class)?;
        let kernel = graph.kernel_name(task.kernel);
        let peak = roof.peaks.get(self.precisions.get(kernel).unwrap_or(&self.precision))?;
        let moved: u64 = (graph.accesses(id).iter())
            .map(|a| {
                let times = u64::from(a.mode.reads()) + u64::from(a.mode.writes());
                graph.object(a.object).bytes * times
            })
            .sum();
        let operations = work * roof.padding(task.shape);
        let computing_s = operations / (peak * roof.share(work));
        let moving_s = moved as f64 / roof.bytes_per_s;
        Some(roof.overhead_ns + 1e9 * computing_s.max(moving_s))
    }
}

impl Roof {
    /// Share of the peak that a task of so many operations reaches.
    pub fn share(&self, operations: f64) -> f64 {
        let Some(after) = self.efficiency.iter().position(|p| operations < p.0) else {
            return self.efficiency.last().map_or(1.0, |p| p.1);
        };
        let (right, share) = self.efficiency[after];
        let Some(&(left, before)) = after.checked_sub(1).and_then(|i| self.efficiency.get(i))
        else {
            return share;
        };
        let along = libm::log(operations / left) / libm::log(right / left);
        before + along * (share - before)
    }

    /// Operations on a padded shape over those on the shape itself.
    fn padding(&self, shape: [u32; 4]) -> f64 {
        let Some(array) = self.array else { return 1.0 };
        let sides = shape.into_iter().filter(|side| *side > 0);
        sides.map(|side| f64::from(side.next_multiple_of(array)) / f64::from(side)).product()
    }
}
