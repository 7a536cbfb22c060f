//! Named, seeded streams of random numbers.
//!
//! The same seed and purpose give the same numbers on every platform and in every release: the
//! generator is fixed (PCG XSL RR 128/64; O'Neill, 2014) and so is what is drawn from it.

use rand::Rng;
use rand_pcg::Pcg64;

/// A stream of random numbers.
pub struct Stream {
    generator: Pcg64,
}

impl Stream {
    /// The stream of a purpose.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let name = purpose.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        let (high, low) = (mix(seed), mix(mix(seed) ^ name));
        let state = u128::from(high) << 64 | u128::from(low);
        Self { generator: Pcg64::new(state, name.into()) }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in 0 to below 1, in steps of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform among `0..n`, which must not be 0; the error is below n / 2^32, and one draw serves.
    #[inline]
    pub fn index(&mut self, n: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// Uniform among `0..n` without bias (Lemire, 2019).
    ///
    /// # Panics
    /// When `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a number below 0 was asked for");
        loop {
            let product = u128::from(self.generator.next_u64()) * u128::from(n);
            let low = product as u64;
            // Only the rare low part below 2^64 mod n is rejected; `n` bounds it cheaply.
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that spreads bits.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_uniform_and_told_apart_by_seed_and_purpose() {
        let draw = |seed, purpose: &str| -> Vec<u64> {
            let mut stream = Stream::new(seed, purpose);
            (0..60_000).map(|_| stream.below(6)).collect()
        };
        let drawn = draw(1, "a");
        assert_eq!(drawn, draw(1, "a"));
        assert_ne!(drawn, draw(2, "a"));
        assert_ne!(drawn, draw(1, "b"));
        for side in 0..6 {
            let count = drawn.iter().filter(|d| **d == side).count();
            // Six deviations of a binomial count.
            assert!(count.abs_diff(10_000) < 550, "{side}: {count}");
        }
    }
}
