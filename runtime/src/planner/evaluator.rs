//! A simulation inside a planner, without a dependency on the simulator.

use super::{Problem, Schedule};
use crate::Ns;

/// Computes when the tasks of a schedule would really run: with contention on links, with memories
/// that fill up, whatever the evaluator models. It works on the durations of the problem, which
/// are the estimates that a run shows its scheduler.
pub trait Evaluator: Send + Sync {
    /// The times of a schedule for all tasks of a problem. The order on each lane is that of the
    /// schedule; its times are otherwise ignored.
    ///
    /// # Errors
    /// [`EvaluationError`].
    fn evaluate(
        &self,
        problem: &Problem<'_>,
        schedule: &Schedule,
    ) -> Result<Times, EvaluationError>;
}

/// When the tasks of a schedule run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// When everything is done, kept results at home included.
    pub makespan_ns: Ns,
    /// Start and end by position in the schedule's assignments.
    pub tasks: Vec<(Ns, Ns)>,
}

/// Why a schedule has no times.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// The evaluator begins at time 0 with an empty machine only.
    #[error("part of the problem is fixed already; this evaluator begins with an empty machine")]
    NotFresh,
    /// The run that the schedule describes does not come to its end.
    #[error("the schedule cannot be carried out: {0}")]
    Failed(String),
}
