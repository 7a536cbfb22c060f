//! Named, seeded streams of random numbers.
//!
//! The same (seed, purpose, index) gives the same numbers on every platform and in every release:
//! the generator is fixed (PCG XSL RR 128/64; O'Neill, 2014) and so are the few distributions.

use rand::Rng;
use rand_pcg::Pcg64;

/// A stream of random numbers.
pub struct Stream {
    generator: Pcg64,
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that spreads bits.
pub fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Stream {
    /// The stream of a purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self::nth(seed, purpose, 0)
    }

    /// One of many streams of a purpose, for parts that are made in any order.
    pub fn nth(seed: u64, purpose: &str, index: u64) -> Self {
        let name = purpose.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        let (high, low) = (mix(seed), mix(mix(seed ^ name) ^ index));
        let state = u128::from(high) << 64 | u128::from(low);
        Self { generator: Pcg64::new(state, u128::from(mix(name ^ index))) }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [1 - spread, 1 + spread); exactly 1 without spread.
    pub fn factor(&mut self, spread: f64) -> f64 {
        1.0 + spread * (2.0 * self.unit() - 1.0)
    }

    /// Uniform among `0..n` without bias (Lemire, 2019).
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a number below 0 was asked for");
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            let low = product as u64;
            // Only the rare low part below 2^64 mod n is rejected; `n` bounds it cheaply.
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// Uniform among `low..=high`.
    ///
    /// # Panics
    /// When `high` is less than `low`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned_and_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| Stream::nth(seed, purpose, index).bits();
        let streams = [first(1, "a", 0), first(2, "a", 0), first(1, "b", 0), first(1, "a", 1)];
        for (i, a) in streams.iter().enumerate() {
            assert!(streams[..i].iter().all(|b| a != b));
        }
        assert_eq!(first(1, "a", 0), Stream::new(1, "a").bits());
        let mut stream = Stream::new(42, "pinned");
        let drawn = [stream.bits(), stream.bits(), stream.below(1000)];
        assert_eq!(drawn, [15_827_200_619_366_056_872, 3_858_059_604_326_735_220, 697]);
    }

    #[test]
    fn whole_numbers_are_uniform() {
        let mut stream = Stream::new(7, "uniform");
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[stream.between(3, 8) as usize - 3] += 1;
        }
        // Six deviations of a binomial count.
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 550), "{counts:?}");
    }

    #[test]
    fn factors_have_mean_one() {
        let mut stream = Stream::new(7, "factor");
        let factors: Vec<f64> = (0..100_000).map(|_| stream.factor(0.5)).collect();
        let mean = factors.iter().sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
        assert!(factors.iter().all(|f| (0.5..1.5).contains(f)));
        assert_eq!(stream.factor(0.0), 1.0);
    }
}
