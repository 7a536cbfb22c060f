//! How steady the machine is: the same work over and over, and what else it does.

use super::Effort;
use crate::report::stats::{median, quantile};
use std::hint::black_box;
use std::time::Instant;

/// Work of about a millisecond that touches no memory.
const ROUNDS: u64 = 1_000_000;

/// Spread above which measurements are suspicious: the 95 % quantile over the median.
const MAX_SPREAD: f64 = 1.10;

/// Warns when equal work takes unequal time.
pub(super) fn warning(effort: Effort) -> Option<String> {
    let repetitions = match effort {
        Effort::Quick => 100,
        Effort::Full => 600,
    };
    let mut times: Vec<f64> = (0..repetitions).map(|at| work_ns(at as u64)).collect();
    times.sort_by(f64::total_cmp);
    spread_warning(&times)
}

fn spread_warning(sorted: &[f64]) -> Option<String> {
    let spread = quantile(sorted, 0.95)? / median(sorted)?.max(1.0);
    let text = || {
        format!(
            "the machine is noisy: of {} equal pieces of work one in twenty took {:.0} % longer \
             than the median or more",
            sorted.len(),
            100.0 * (spread - 1.0)
        )
    };
    (spread > MAX_SPREAD).then(text)
}

fn work_ns(seed: u64) -> f64 {
    let begun = Instant::now();
    let mut state = seed;
    for round in 0..ROUNDS {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
    }
    black_box(state);
    begun.elapsed().as_nanos() as f64
}

/// Warns when other programs keep the cores busy.
pub(super) fn load_warning(cores: usize) -> Vec<String> {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    busy(&text, cores).into_iter().collect()
}

fn busy(loadavg: &str, cores: usize) -> Option<String> {
    let load: f64 = loadavg.split_whitespace().next()?.parse().ok()?;
    let text = || {
        format!(
            "the machine is busy: {load} programs wanted to run in the last minute, on {cores} cores"
        )
    };
    (load > 0.5 * cores as f64).then(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unequal_times_and_other_programs_are_told() {
        let steady: Vec<f64> = (0..100).map(|i| 1e6 + f64::from(i)).collect();
        assert_eq!(spread_warning(&steady), None);
        let mut noisy = steady;
        noisy[90..].iter_mut().for_each(|ns| *ns *= 1.5);
        let told = spread_warning(&noisy).unwrap();
        assert!(told.contains("took 50 % longer"), "{told}");
        assert_eq!(spread_warning(&[]), None);
        assert_eq!(busy("0.40 0.1 0.0 1/234 999", 2), None);
        assert!(busy("3.10 0.1 0.0 1/234 999", 2).is_some_and(|t| t.contains("3.1 programs")));
        assert_eq!(busy("", 2), None);
    }
}
