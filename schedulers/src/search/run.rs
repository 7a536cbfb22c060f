//! What all searches share: budget, the best schedule so far, randomness and the report.

use super::evaluator::Evaluator;
use crate::stream::Stream;
use runtime::Ns;
use runtime::planner::{EffortUnit, Progress};
use runtime::registry::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long to search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Schedules to evaluate at most.
    pub evaluations: u64,
    /// Time to take at most, where there is a clock. With it, results differ from run to run.
    pub time_ns: Option<Ns>,
}

/// The best schedule found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incumbent {
    /// Units in order.
    pub order: Vec<u32>,
    /// The first lane of every node.
    pub lanes: Vec<u32>,
    /// Its makespan.
    pub makespan_ns: Ns,
}

impl Incumbent {
    /// The schedule of an evaluator.
    pub fn of(evaluator: &Evaluator<'_>) -> Self {
        Self {
            order: evaluator.order().to_vec(),
            lanes: evaluator.lanes().to_vec(),
            makespan_ns: evaluator.score().makespan_ns,
        }
    }

    /// Takes the schedule of an evaluator over.
    pub fn copy(&mut self, evaluator: &Evaluator<'_>) {
        self.order.copy_from_slice(evaluator.order());
        self.lanes.copy_from_slice(evaluator.lanes());
        self.makespan_ns = evaluator.score().makespan_ns;
    }
}

/// A search that goes on.
pub struct Run {
    /// Its randomness.
    pub stream: Stream,
    budget: Budget,
    clock: Option<Clock>,
    stop: Option<Arc<AtomicBool>>,
    began_ns: Ns,
    /// Evaluations after which to look at the clock again.
    next_look: u64,
    time_fraction: f64,
    incumbent: Incumbent,
    progress: Progress,
}

/// Evaluations between two looks at the clock.
const LOOK_EVERY: u64 = 64;

impl Run {
    /// Begins a search from a schedule that is evaluated already. `bound_ns` is a lower bound on
    /// every schedule; the search ends when it is met.
    pub fn new(
        start: &Evaluator<'_>,
        bound_ns: Ns,
        budget: Budget,
        stream: Stream,
        clock: Option<Clock>,
    ) -> Self {
        let began_ns = clock.as_ref().map_or(0, |clock| clock());
        let mut run = Self {
            stream,
            budget,
            clock,
            stop: None,
            began_ns,
            next_look: 0,
            time_fraction: 0.0,
            incumbent: Incumbent {
                order: start.order().to_vec(),
                lanes: start.lanes().to_vec(),
                makespan_ns: Ns::MAX,
            },
            progress: Progress::new(EffortUnit::Evaluations),
        };
        run.progress.bounded(0, bound_ns);
        run.offer(start);
        run
    }

    /// Ends the search too when the flag is set.
    pub fn stop_at(&mut self, flag: Option<Arc<AtomicBool>>) {
        self.stop = flag;
    }

    /// The flag that ends the search.
    pub fn stop_flag(&self) -> Option<Arc<AtomicBool>> {
        self.stop.clone()
    }

    /// The part of the budget that is spent, 1 when the search is to end.
    pub fn spent(&mut self, evaluations: u64) -> f64 {
        if self.progress.gap() == Some(0.0) {
            return 1.0;
        }
        if evaluations >= self.next_look {
            self.next_look = evaluations + LOOK_EVERY;
            self.time_fraction = match (self.budget.time_ns, &self.clock) {
                (Some(limit_ns), Some(clock)) => {
                    clock().saturating_sub(self.began_ns) as f64 / limit_ns.max(1) as f64
                }
                _ => 0.0,
            };
        }
        if self.stop.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed)) {
            return 1.0;
        }
        let fraction = evaluations as f64 / self.budget.evaluations.max(1) as f64;
        fraction.max(self.time_fraction).min(1.0)
    }

    /// Keeps the evaluator's schedule if it is the best so far; returns whether it is.
    #[inline]
    pub fn offer(&mut self, evaluator: &Evaluator<'_>) -> bool {
        evaluator.score().makespan_ns < self.incumbent.makespan_ns && {
            self.take(evaluator);
            true
        }
    }

    #[cold]
    fn take(&mut self, evaluator: &Evaluator<'_>) {
        self.incumbent.order.copy_from_slice(evaluator.order());
        self.incumbent.lanes.copy_from_slice(evaluator.lanes());
        self.incumbent.makespan_ns = evaluator.score().makespan_ns;
        let wall_ns = self.clock.as_ref().map(|clock| clock().saturating_sub(self.began_ns));
        self.progress.found(evaluator.evaluations(), self.incumbent.makespan_ns, wall_ns);
    }

    /// Keeps the evaluator's schedule although a shorter one is known: it is better otherwise.
    pub fn prefer(&mut self, evaluator: &Evaluator<'_>) {
        self.incumbent.copy(evaluator);
    }

    /// What is left of the budget, in parts of `parts`, for a search within this one.
    pub fn part(&self, evaluations: u64, parts: u64) -> Budget {
        let left = self.budget.evaluations.saturating_sub(evaluations);
        let time_ns = match (self.budget.time_ns, &self.clock) {
            (Some(limit_ns), Some(clock)) => {
                let spent_ns = clock().saturating_sub(self.began_ns);
                Some(limit_ns.saturating_sub(spent_ns) / parts.max(1))
            }
            (time_ns, _) => time_ns,
        };
        Budget { evaluations: left / parts.max(1), time_ns }
    }

    /// The clock.
    pub fn clock(&self) -> Option<Clock> {
        self.clock.clone()
    }

    /// The lower bound.
    pub fn bound_ns(&self) -> Ns {
        self.progress.bound_ns().unwrap_or(0)
    }

    /// Whether the budget is spent.
    pub fn is_over(&mut self, evaluator: &Evaluator<'_>) -> bool {
        self.spent(evaluator.evaluations()) >= 1.0
    }

    /// The best schedule so far.
    pub fn incumbent(&self) -> &Incumbent {
        &self.incumbent
    }

    /// Ends the search after so many evaluations.
    pub fn finish(mut self, evaluations: u64) -> (Incumbent, Progress) {
        self.progress.effort = evaluations;
        self.progress.is_proved = self.progress.gap() == Some(0.0);
        (self.incumbent, self.progress)
    }
}
