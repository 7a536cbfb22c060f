//! Bootstrap intervals over instances with seeds nested.

use super::{mean, quantile};
use rand::Rng;
use rand_pcg::Pcg64;
use runtime::trace::Digest;
use serde::Serialize;

/// Resamples drawn for an interval.
const RESAMPLES: usize = 2000;

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// The interval with both ends mapped by an increasing function.
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), high: f(self.high) }
    }

    /// Whether it holds a value.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// The 95 % percentile interval of the mean over instances of the mean over seeds.
///
/// `instances[i]` holds the values of instance `i`, one per seed. Each resample draws as many
/// instances, with replacement, and within each as many of its values (Davison and Hinkley, 1997,
/// section 3.8). `None` below two instances: one instance says nothing about others. `stream`
/// names the random stream, so that equal inputs give equal intervals.
pub fn bootstrap(instances: &[Vec<f64>], stream: &str) -> Option<Interval> {
    let filled: Vec<&Vec<f64>> = instances.iter().filter(|i| !i.is_empty()).collect();
    if filled.len() < 2 {
        return None;
    }
    let mut rng = stream_of(stream);
    let draw = |rng: &mut Pcg64| {
        let total: f64 = (0..filled.len())
            .map(|_| {
                let seeds = filled[below(rng, filled.len())];
                match seeds.len() {
                    1 => seeds[0],
                    n => (0..n).map(|_| seeds[below(rng, n)]).sum::<f64>() / n as f64,
                }
            })
            .sum();
        total / filled.len() as f64
    };
    let mut means: Vec<f64> = (0..RESAMPLES).map(|_| draw(&mut rng)).collect();
    means.sort_by(f64::total_cmp);
    Some(Interval { low: quantile(&means, 0.025)?, high: quantile(&means, 0.975)? })
}

/// The mean over instances of the mean over their seeds.
pub fn nested_mean(instances: &[Vec<f64>]) -> Option<f64> {
    let means: Vec<f64> = instances.iter().filter_map(|seeds| mean(seeds)).collect();
    mean(&means)
}

fn stream_of(name: &str) -> Pcg64 {
    let mut digest = Digest::default();
    name.bytes().for_each(|byte| digest.add(&[u64::from(byte)]));
    Pcg64::new(u128::from(digest.value()), 0xb007)
}

/// A number below `n`; the bias of the multiplication is under 2^-32 for any `n` of cells.
fn below(rng: &mut Pcg64, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_leave_no_doubt() {
        let interval = bootstrap(&vec![vec![0.5; 3]; 4], "x").unwrap();
        assert_eq!(interval, Interval { low: 0.5, high: 0.5 });
        assert_eq!(bootstrap(&[vec![0.5, 0.7]], "x"), None);
        assert_eq!(bootstrap(&[vec![0.5], vec![]], "x"), None);
    }

    #[test]
    fn two_instances_give_the_extremes() {
        // A quarter of the resamples draw 0 twice, a quarter 1 twice: both ends are reached.
        let interval = bootstrap(&[vec![0.0], vec![1.0]], "x").unwrap();
        assert_eq!(interval, Interval { low: 0.0, high: 1.0 });
    }

    #[test]
    fn wide_samples_come_near_the_normal_interval() {
        // 400 values 0, 1, ..., 399 over 400: deviation 1/sqrt 12, error of the mean 0.01443.
        let instances: Vec<Vec<f64>> = (0..400).map(|i| vec![f64::from(i) / 400.0]).collect();
        let centre = nested_mean(&instances).unwrap();
        let interval = bootstrap(&instances, "x").unwrap();
        assert!((interval.low - (centre - 1.96 * 0.01443)).abs() < 0.002, "{interval:?}");
        assert!((interval.high - (centre + 1.96 * 0.01443)).abs() < 0.002, "{interval:?}");
        assert_eq!(
            bootstrap(&instances, "x"),
            Some(interval),
            "the stream is a function of its name"
        );
        assert_ne!(bootstrap(&instances, "y"), Some(interval));
    }

    #[test]
    fn seeds_are_nested_in_instances() {
        // Both instances have mean 1/2: what varies is the draw of seeds alone. The mean of two
        // draws of four fair coins each has deviation 1/2/sqrt 8.
        let coins = vec![0.0, 0.0, 1.0, 1.0];
        let interval = bootstrap(&[coins.clone(), coins], "x").unwrap();
        assert_eq!(interval, Interval { low: 0.125, high: 0.875 });
        assert_eq!(nested_mean(&[vec![1.0, 3.0], vec![5.0]]), Some(3.5));
    }
}
