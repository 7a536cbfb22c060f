//! Duration noise, keyed by (seed, task, device, attempt) and never drawn in event order: every
//! scheduler of a comparison meets the same world.

use runtime::{DeviceId, Ns, TaskId};

/// How true durations differ from the undisturbed ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Noise {
    /// Not at all.
    #[default]
    None,
    /// By a factor that is lognormal with mean 1; `sigma` is the deviation of its logarithm.
    LogNormal {
        /// About the relative deviation, for small values.
        sigma: f64,
    },
}

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
        match *self {
            Self::None => duration_ns,
            Self::LogNormal { sigma } => {
                let key = [seed, u64::from(task.0), u64::from(device.0), u64::from(attempt)];
                let factor = libm::exp(sigma * normal(&key) - sigma * sigma / 2.0);
                (duration_ns as f64 * factor).round() as Ns
            }
        }
    }
}

/// A standard normal number that is a function of a key (Box and Muller, 1958).
fn normal(key: &[u64]) -> f64 {
    let mut hash = 0x5851_f42d_4c95_7f2d;
    for word in key {
        hash = mix(hash ^ word);
    }
    // Both in (0, 1]: the logarithm is finite.
    let unit = |bits: u64| ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64;
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
