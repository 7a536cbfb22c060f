//! What planning took and what it found: effort, incumbents, bounds.

use crate::Ns;
use serde::{Deserialize, Serialize};

/// What effort is counted in: something that is the same on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EffortUnit {
    /// Schedules evaluated.
    #[default]
    Evaluations,
    /// Nodes of a search tree.
    Nodes,
}

/// A makespan or a bound, and when it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Effort spent until then.
    pub effort: u64,
    /// The makespan, from time 0 of the run.
    pub makespan_ns: Ns,
}

/// The report of one call of a planner.
///
/// What is serialised depends on seed and budget alone where the budget is an effort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What effort is counted in.
    pub unit: EffortUnit,
    /// Effort spent in all.
    pub effort: u64,
    /// Makespans of the best schedules so far, as the planner computes them, ever shorter.
    pub incumbents: Vec<Step>,
    /// Lower bounds on every schedule of the problem, ever higher.
    pub bounds: Vec<Step>,
    /// Whether the planner says that no schedule is shorter than its last incumbent.
    pub is_proved: bool,
    /// Whether the bounds hold for every run of the problem as well, by the durations that it
    /// names: see [`plans_bound_runs`](crate::bounds::plans_bound_runs).
    #[serde(default)]
    pub bounds_runs: bool,
    /// Wall time from the begin of planning, one per incumbent where the planner had a clock. It
    /// differs from run to run, so it is not part of what is stored with results.
    #[serde(skip)]
    pub wall_ns: Vec<Ns>,
}

impl Progress {
    /// Nothing found yet.
    pub fn new(unit: EffortUnit) -> Self {
        Self { unit, ..Self::default() }
    }

    /// Notes a schedule if it is shorter than all before; `wall_ns` where there is a clock.
    /// Returns whether it is.
    pub fn found(&mut self, effort: u64, makespan_ns: Ns, wall_ns: Option<Ns>) -> bool {
        let is_better = self.incumbents.last().is_none_or(|s| makespan_ns < s.makespan_ns);
        if is_better {
            self.incumbents.push(Step { effort, makespan_ns });
            self.wall_ns.extend(wall_ns);
        }
        is_better
    }

    /// Notes a lower bound if it is higher than all before.
    pub fn bounded(&mut self, effort: u64, makespan_ns: Ns) {
        if self.bounds.last().is_none_or(|s| makespan_ns > s.makespan_ns) {
            self.bounds.push(Step { effort, makespan_ns });
        }
    }

    /// The best makespan.
    pub fn incumbent_ns(&self) -> Option<Ns> {
        self.incumbents.last().map(|s| s.makespan_ns)
    }

    /// The best bound; the incumbent's makespan once it is proved.
    pub fn bound_ns(&self) -> Option<Ns> {
        match self.is_proved {
            true => self.incumbent_ns(),
            false => self.bounds.last().map(|s| s.makespan_ns),
        }
    }

    /// How much of the best makespan may be above the optimum: 0 when proved, at most 1; `None`
    /// without an incumbent or a bound.
    pub fn gap(&self) -> Option<f64> {
        let (makespan_ns, bound_ns) = (self.incumbent_ns()?, self.bound_ns()?);
        let above_ns = makespan_ns.saturating_sub(bound_ns);
        Some(above_ns as f64 / makespan_ns.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_improvements_are_kept_and_a_proof_closes_the_gap() {
        let mut progress = Progress::new(EffortUnit::Nodes);
        assert_eq!(progress.gap(), None);
        assert!(progress.found(1, 100, Some(7)));
        assert!(!progress.found(2, 100, Some(8)));
        assert!(progress.found(3, 80, Some(9)));
        assert_eq!(progress.wall_ns, [7, 9]);
        progress.bounded(0, 40);
        progress.bounded(4, 30);
        assert_eq!((progress.incumbent_ns(), progress.bound_ns()), (Some(80), Some(40)));
        assert_eq!(progress.gap(), Some(0.5));
        progress.is_proved = true;
        assert_eq!((progress.bound_ns(), progress.gap()), (Some(80), Some(0.0)));
    }

    #[test]
    fn wall_time_is_not_stored_with_results() {
        let mut progress = Progress::new(EffortUnit::Evaluations);
        progress.found(5, 10, Some(123_456));
        let text = serde_json::to_string(&progress).unwrap();
        assert!(!text.contains("123456"), "{text}");
        let back: Progress = serde_json::from_str(&text).unwrap();
        assert_eq!(back, Progress { wall_ns: Vec::new(), ..progress });
    }
}
