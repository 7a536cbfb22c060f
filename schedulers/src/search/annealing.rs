//! Simulated annealing.
//!
//! S. Kirkpatrick, C. D. Gelatt and M. P. Vecchi, "Optimization by simulated annealing", Science
//! 220, 1983; thresholds drawn before the evaluation, so that a move that cannot pass is given up
//! early.

use super::evaluator::Evaluator;
use super::moves::random_change;
use super::run::Run;

/// Parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Annealing {
    /// Temperature at the begin and at the end, as parts of the first makespan.
    pub hot: f64,
    /// See `hot`.
    pub cold: f64,
    /// Weight of the mean end at the begin; it falls to 0 linearly.
    pub mean_weight: f64,
    /// How often to begin anew from the best schedule.
    pub cycles: u32,
}

impl Default for Annealing {
    fn default() -> Self {
        Self { hot: 0.02, cold: 0.0005, mean_weight: 0.5, cycles: 1 }
    }
}

/// Moves between two changes of temperature.
const STEP: u32 = 64;

impl Annealing {
    /// Searches until the budget is spent.
    pub fn search(&self, run: &mut Run, evaluator: &mut Evaluator<'_>) {
        let nodes = evaluator.instance().len() as f64;
        let scale = run.incumbent().makespan_ns as f64;
        let begin = run.spent(evaluator.evaluations());
        let cycles = f64::from(self.cycles.max(1));
        let mut cycle = 0.0;
        loop {
            let spent = run.spent(evaluator.evaluations());
            if spent >= 1.0 {
                return;
            }
            let at = (spent - begin) / (1.0 - begin) * cycles;
            if libm::floor(at) > cycle {
                cycle = libm::floor(at);
                let best = run.incumbent().clone();
                evaluator.set(&best.order, &best.lanes);
            }
            let phase = at - cycle;
            let temperature = scale * self.hot * libm::pow(self.cold / self.hot, phase);
            let weight = self.mean_weight * (1.0 - phase) / nodes;
            let reach = reach(evaluator, phase);
            for _ in 0..STEP {
                let score = evaluator.score();
                let here = score.makespan_ns as f64 + weight * score.sum_ns as f64;
                let limit = here - temperature * libm::log(1.0 - run.stream.unit());
                random_change(evaluator, reach, &mut run.stream);
                // A makespan that only a much earlier mean end could make good is not computed.
                let most = limit - weight * score.sum_ns as f64 + temperature;
                let score = evaluator.evaluate(most as u64);
                let there = score.map(|s| s.makespan_ns as f64 + weight * s.sum_ns as f64);
                if there.is_some_and(|there| there <= limit) {
                    evaluator.commit();
                    run.offer(evaluator);
                } else {
                    evaluator.undo();
                }
            }
        }
    }
}

/// How far units are moved in the order: far at first, near at last.
fn reach(evaluator: &Evaluator<'_>, phase: f64) -> u32 {
    let units = evaluator.instance().unit_count() as f64;
    let least = 30.0f64.min(units);
    (units * libm::pow(least / units, phase)) as u32
}
