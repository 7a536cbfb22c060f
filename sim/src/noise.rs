//! Duration noise, keyed by (seed, task, device, attempt) and never drawn in event order: every
//! scheduler of a comparison meets the same world.

use runtime::{DeviceId, Ns, TaskId};
use std::sync::Arc;

/// Tells further draws of one key from the first.
const REDRAW: u64 = 0x7265_6472_6177_2121;

/// How true durations differ from the undisturbed ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Noise {
    /// Not at all.
    #[default]
    None,
    /// By a factor that is lognormal with mean 1; `sigma` is the deviation of its logarithm.
    LogNormal {
        /// About the relative deviation, for small values.
        sigma: f64,
    },
    /// By a factor that is normal with mean 1, of the positive half line alone.
    Normal {
        /// The relative deviation, as repeated measurements give it; at most
        /// [`MOST_DEVIATION`], above which cutting off would move the mean.
        deviation: f64,
    },
    /// By a factor that is normal as above, with a deviation of its own for every task on every
    /// device.
    Measured {
        /// Relative deviations.
        deviations: Arc<Deviations>,
    },
    /// By one of these factors, all equally likely: measured durations over their mean.
    Empirical {
        /// Each above 0.
        ratios: Arc<[f64]>,
    },
}

/// Relative deviations of durations, by task and device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deviations {
    column_of: Vec<u32>,
    columns: usize,
    table: Vec<f64>,
}

impl Deviations {
    /// `column_of` has a column for every device, `rows` a row for every task; what is above
    /// [`MOST_DEVIATION`] is taken as that.
    pub fn new(column_of: Vec<u32>, rows: impl IntoIterator<Item = f64>) -> Self {
        let columns = column_of.iter().max().map_or(0, |last| *last as usize + 1);
        let table = rows.into_iter().map(|deviation| deviation.min(MOST_DEVIATION)).collect();
        Self { column_of, columns, table }
    }

    /// That of a task on a device; 0 where it is not known.
    pub fn of(&self, task: TaskId, device: DeviceId) -> f64 {
        let column = self.column_of.get(device.index()).copied().unwrap_or(0) as usize;
        self.table.get(task.index() * self.columns + column).copied().unwrap_or(0.0)
    }
}

/// Above this deviation more than one normal factor in a thousand would be negative.
pub const MOST_DEVIATION: f64 = 1.0 / 3.0;

impl Noise {
    /// The duration that is drawn for an attempt.
    pub fn apply(
        &self,
        duration_ns: Ns,
        seed: u64,
        task: TaskId,
        device: DeviceId,
        attempt: u32,
    ) -> Ns {
        let key = [seed, u64::from(task.0), u64::from(device.0), u64::from(attempt)];
        let factor = match self {
            Self::None => return duration_ns,
            Self::LogNormal { sigma } => libm::exp(sigma * normal(&key) - sigma * sigma / 2.0),
            Self::Normal { deviation } => normal_factor(*deviation, &key),
            Self::Measured { deviations } => match deviations.of(task, device) {
                0.0 => return duration_ns,
                deviation => normal_factor(deviation, &key),
            },
            Self::Empirical { ratios } if ratios.is_empty() => 1.0,
            Self::Empirical { ratios } => {
                let at = uniform(&key) * ratios.len() as f64;
                ratios[(at as usize).min(ratios.len() - 1)]
            }
        };
        (duration_ns as f64 * factor).round() as Ns
    }
}

/// A normal factor with mean 1 that is above 0.
fn normal_factor(deviation: f64, key: &[u64; 4]) -> f64 {
    let mut draws = (0..).map(|again: u64| {
        // The first draw has the key that all kinds of noise have.
        let key = [key[0] ^ again.wrapping_mul(REDRAW), key[1], key[2], key[3]];
        1.0 + deviation * normal(&key)
    });
    draws.find(|factor| *factor > 0.0).unwrap_or(1.0)
}

fn hash(key: &[u64]) -> u64 {
    key.iter().fold(0x5851_f42d_4c95_7f2d, |hash, word| mix(hash ^ word))
}

/// Uniform in (0, 1], so that its logarithm is finite.
fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
}

/// A number in [0, 1) that is a function of a key.
pub(crate) fn uniform(key: &[u64]) -> f64 {
    (mix(hash(key) ^ 3) >> 11) as f64 / (1u64 << 53) as f64
}

/// An exponential number of mean 1 that is a function of a key.
pub(crate) fn exponential(key: &[u64]) -> f64 {
    -libm::log(unit(mix(hash(key) ^ 4)))
}

/// A standard normal number that is a function of a key (Box and Muller, 1958).
fn normal(key: &[u64]) -> f64 {
    let hash = hash(key);
    let (u, v) = (unit(mix(hash ^ 1)), unit(mix(hash ^ 2)));
    libm::sqrt(-2.0 * libm::log(u)) * libm::cos(2.0 * std::f64::consts::PI * v)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(sigma: f64, n: u32) -> Vec<f64> {
        let noise = Noise::LogNormal { sigma };
        let draw = |t| noise.apply(1_000_000_000, 7, TaskId(t), DeviceId(0), 0) as f64 / 1e9;
        (0..n).map(draw).collect()
    }

    #[test]
    fn mean_is_one_and_deviation_is_sigma() {
        let sigma = 0.2;
        let draws = draws(sigma, 100_000);
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let logs: Vec<f64> = draws.iter().map(|d| libm::log(*d)).collect();
        let centre = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|l| (l - centre) * (l - centre)).sum::<f64>();
        let deviation = libm::sqrt(variance / logs.len() as f64);
        assert!((mean - 1.0).abs() < 0.005, "mean {mean}");
        assert!((deviation - sigma).abs() < 0.002, "deviation {deviation}");
    }

    #[test]
    fn normal_factors_have_their_deviation_and_none_is_negative() {
        let noise = Noise::Normal { deviation: MOST_DEVIATION };
        let draw = |t| noise.apply(1_000_000_000, 7, TaskId(t), DeviceId(0), 0) as f64 / 1e9;
        let draws: Vec<f64> = (0..100_000).map(draw).collect();
        assert!(draws.iter().all(|d| *d > 0.0));
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>();
        let deviation = libm::sqrt(variance / draws.len() as f64);
        assert!((mean - 1.0).abs() < 0.01, "mean {mean}");
        assert!((deviation - MOST_DEVIATION).abs() < 0.01, "deviation {deviation}");
    }

    #[test]
    fn every_task_has_the_deviation_that_was_measured_for_it_there() {
        // Two devices of one kind and one of another; of each second task nothing is known.
        let rows = (0..40_000).flat_map(|t| if t % 2 == 0 { [0.1, 0.9] } else { [0.0; 2] });
        let deviations = Arc::new(Deviations::new(vec![0, 0, 1], rows));
        let noise = Noise::Measured { deviations };
        let draw = |t, d| noise.apply(1_000_000, 7, TaskId(t), DeviceId(d), 0) as f64 / 1e6;
        for (device, expected) in [(0, 0.1), (1, 0.1), (2, MOST_DEVIATION)] {
            let (known, unknown) =
                (0..20_000).map(|t| (2 * t, 2 * t + 1)).unzip::<_, _, Vec<_>, Vec<_>>();
            let draws: Vec<f64> = known.into_iter().map(|t| draw(t, device)).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>();
            let deviation = libm::sqrt(variance / draws.len() as f64);
            assert!((mean - 1.0).abs() < 0.015, "mean {mean}");
            assert!((deviation - expected).abs() < 0.02 * expected + 0.005, "{deviation}");
            assert!(unknown.into_iter().all(|t| draw(t, device) == 1.0));
        }
        assert_eq!(draw(40_000, 0), 1.0, "a task that came later");
    }

    #[test]
    fn empirical_factors_are_drawn_equally_often() {
        let noise = Noise::Empirical { ratios: [0.5, 1.0, 1.5].into() };
        let draw = |t| noise.apply(1000, 7, TaskId(t), DeviceId(0), 0);
        let count = |ns| (0..30_000).filter(|t| draw(*t) == ns).count();
        for ns in [500, 1000, 1500] {
            assert!(count(ns).abs_diff(10_000) < 400, "{ns}");
        }
    }

    #[test]
    fn every_part_of_the_key_counts() {
        let noise = Noise::LogNormal { sigma: 0.5 };
        let draw = |seed, task, device, attempt| {
            noise.apply(1_000_000_000, seed, TaskId(task), DeviceId(device), attempt)
        };
        let base = draw(1, 2, 3, 0);
        assert_eq!(base, draw(1, 2, 3, 0));
        for other in [draw(2, 2, 3, 0), draw(1, 3, 3, 0), draw(1, 2, 4, 0), draw(1, 2, 3, 1)] {
            assert_ne!(base, other);
        }
    }
}
