//! Costs of the classic families: the parameters that all of them share.

use crate::registry::{WorkloadError, conflict};
use runtime::registry::{Dimension, Kind, ParameterInfo, Parameters};

/// How long tasks take and how much they send to each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct CostModel {
    /// Mean duration of a task at the reference speed, in seconds.
    pub task_s: f64,
    /// Reference speed, in units of work per second.
    pub speed: f64,
    /// Reference bandwidth.
    pub bytes_per_s: f64,
    /// Mean transfer time over mean execution time.
    pub ccr: f64,
    /// Durations are uniform within this share of the mean, either side.
    pub task_spread: f64,
    /// So are sizes of data.
    pub data_spread: f64,
    /// Device classes with durations of their own; 0 = related machines.
    pub classes: usize,
    /// Range of a task's durations over classes, as a share of their mean.
    pub class_range: f64,
}

/// The longest mean duration that may be asked for.
const MAX_TASK_S: f64 = 1e6;

pub(super) const PARAMETERS: [ParameterInfo; 8] = [
    ParameterInfo {
        name: "task_time",
        summary: "mean duration of a task at the reference speed, from 1 ns to 1000000 s",
        kind: Kind::Quantity { default: "10 ms", dimension: Dimension::Time },
    },
    ParameterInfo {
        name: "speed",
        summary: "reference speed in units of work per second: a device of this speed takes \
                  task_time on average",
        kind: Kind::Float { default: 1e9, min: 1e-3, max: 1e18 },
    },
    ParameterInfo {
        name: "ccr",
        summary: "communication to computation ratio: mean time of a transfer (bytes over the \
                  reference bandwidth, no latency) over the mean duration of a task",
        kind: Kind::Float { default: 1.0, min: 0.0, max: 1000.0 },
    },
    ParameterInfo {
        name: "bandwidth",
        summary: "reference bandwidth that ccr is defined with",
        kind: Kind::Quantity { default: "10 GB/s", dimension: Dimension::Rate },
    },
    ParameterInfo {
        name: "task_spread",
        summary: "durations are uniform from 1 - task_spread to 1 + task_spread times their mean",
        kind: Kind::Float { default: 0.5, min: 0.0, max: 1.0 },
    },
    ParameterInfo {
        name: "data_spread",
        summary: "sizes are uniform from 1 - data_spread to 1 + data_spread times their mean",
        kind: Kind::Float { default: 0.5, min: 0.0, max: 1.0 },
    },
    ParameterInfo {
        name: "classes",
        summary: "0: a task's duration is its work over a device's speed (related machines); \
                  k: a duration of its own on devices of class class0 to class{k-1} (unrelated)",
        kind: Kind::Int { default: 0, min: 0, max: 64 },
    },
    ParameterInfo {
        name: "class_range",
        summary: "with classes: a task's durations are uniform from 1 - class_range / 2 to \
                  1 + class_range / 2 times its mean (the beta of Topcuoglu, Hariri and Wu)",
        kind: Kind::Float { default: 1.0, min: 0.0, max: 2.0 },
    },
];

/// A family's own parameters with those of the cost model behind them; `N` is the sum.
pub(super) const fn with_costs<const OWN: usize, const N: usize>(
    own: [ParameterInfo; OWN],
) -> [ParameterInfo; N] {
    assert!(N == OWN + PARAMETERS.len());
    let mut all = [PARAMETERS[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < OWN { own[i] } else { PARAMETERS[i - OWN] };
        i += 1;
    }
    all
}

impl CostModel {
    /// The model that the parameters describe.
    ///
    /// # Errors
    /// For quantities out of range, which the registry cannot tell.
    pub fn new(parameters: &Parameters) -> Result<Self, WorkloadError> {
        let quantity = |name, dimension| parameters.quantity(name, dimension).unwrap_or(u64::MAX);
        let task_s = quantity("task_time", Dimension::Time) as f64 / 1e9;
        let bytes_per_s = quantity("bandwidth", Dimension::Rate) as f64;
        if !(1e-9..=MAX_TASK_S).contains(&task_s) {
            let expected = format!("a time from 1 ns to {MAX_TASK_S} s");
            return Err(conflict("task_time", parameters.text("task_time"), expected));
        }
        if bytes_per_s < 1.0 {
            let expected = "a rate of at least 1 B/s";
            return Err(conflict("bandwidth", parameters.text("bandwidth"), expected));
        }
        Ok(Self {
            task_s,
            speed: parameters.float("speed"),
            bytes_per_s,
            ccr: parameters.float("ccr"),
            task_spread: parameters.float("task_spread"),
            data_spread: parameters.float("data_spread"),
            classes: parameters.int("classes") as usize,
            class_range: parameters.float("class_range"),
        })
    }
}
