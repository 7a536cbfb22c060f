//! Rank statistics: Wilcoxon's signed-rank test, Holm's correction, Kendall's tau.

use serde::Serialize;

/// The outcome of a signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wilcoxon {
    /// Differences that are not zero.
    pub n: usize,
    /// Sum of the ranks of positive differences.
    pub positive: f64,
    /// Two-sided probability of a sum at least as far from its mean when signs are fair coins.
    pub p: f64,
}

/// Most differences for which all 2^n signs are counted.
const EXACT_UP_TO: usize = 40;

/// Wilcoxon's signed-rank test (1945): whether differences lie about zero.
///
/// Differences up to `tolerance` are left out; equal sizes share their mean rank. Up to 40
/// differences all signs are counted, ties included; above, the normal approximation with
/// corrections for ties and continuity. `None` when no difference is left.
pub fn wilcoxon(differences: &[f64], tolerance: f64) -> Option<Wilcoxon> {
    let mut sorted: Vec<f64> =
        differences.iter().copied().filter(|d| d.abs() > tolerance).collect();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = sorted.len();
    if n == 0 {
        return None;
    }
    // Twice the rank is a whole number, shared or not.
    let mut doubled = vec![0usize; n];
    let mut ties = 0.0;
    let mut first = 0;
    while first < n {
        let size = sorted[first].abs();
        let end =
            first + sorted[first..].iter().take_while(|d| d.abs() - size <= tolerance).count();
        doubled[first..end].fill(first + 1 + end);
        let t = (end - first) as f64;
        ties += t * t * t - t;
        first = end;
    }
    let positive: usize =
        sorted.iter().zip(&doubled).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    let p = match n <= EXACT_UP_TO {
        true => exact(&doubled, positive),
        false => normal(n, positive as f64 / 2.0, ties),
    };
    Some(Wilcoxon { n, positive: positive as f64 / 2.0, p })
}

/// Counts, for every sum, the signs that give it.
fn exact(doubled: &[usize], positive: usize) -> f64 {
    let total: usize = doubled.iter().sum();
    let mut ways = vec![0.0; total + 1];
    ways[0] = 1.0;
    for &rank in doubled {
        for sum in (rank..=total).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let extreme = positive.min(total - positive);
    let tail: f64 = ways[..=extreme].iter().sum();
    let all: f64 = ways.iter().sum();
    (2.0 * tail / all).min(1.0)
}

fn normal(n: usize, positive: f64, ties: f64) -> f64 {
    let n = n as f64;
    let mean = n * (n + 1.0) / 4.0;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties / 48.0;
    let distance = ((positive - mean).abs() - 0.5).max(0.0);
    libm::erfc(distance / (2.0 * variance).sqrt()).min(1.0)
}

/// Holm's step-down correction (1979) of the p-values of a family of tests, in their order.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        least = least.max((p[i] * (p.len() - rank) as f64).min(1.0));
        corrected[i] = least;
    }
    corrected
}

/// Pairs by whether two orders agree on them (Kendall, 1938); pairs of several groups may be added
/// up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Kendall {
    /// Pairs that both order the same way.
    pub concordant: usize,
    /// Pairs that they order in opposite ways.
    pub discordant: usize,
    /// Pairs that are equal in the first only.
    pub tied_first: usize,
    /// Pairs that are equal in the second only.
    pub tied_second: usize,
    /// Pairs that are equal in both.
    pub tied_both: usize,
}

impl Kendall {
    /// Adds all pairs among `points`; values within `tolerance`, relative, are equal.
    pub fn add(&mut self, points: &[(f64, f64)], tolerance: f64) {
        for (i, a) in points.iter().enumerate() {
            for b in &points[..i] {
                match (order(a.0, b.0, tolerance), order(a.1, b.1, tolerance)) {
                    (0, 0) => self.tied_both += 1,
                    (0, _) => self.tied_first += 1,
                    (_, 0) => self.tied_second += 1,
                    (x, y) if x == y => self.concordant += 1,
                    _ => self.discordant += 1,
                }
            }
        }
    }

    /// Pairs in all.
    pub fn pairs(&self) -> usize {
        self.concordant + self.discordant + self.tied_first + self.tied_second + self.tied_both
    }

    /// Tau-b: from -1, all pairs opposite, to 1, all alike. `None` when one side is all ties.
    pub fn tau(&self) -> Option<f64> {
        let (c, d) = (self.concordant as f64, self.discordant as f64);
        let first = c + d + self.tied_first as f64;
        let second = c + d + self.tied_second as f64;
        (first > 0.0 && second > 0.0).then(|| (c - d) / (first * second).sqrt())
    }
}

fn order(a: f64, b: f64, tolerance: f64) -> i8 {
    match (a - b).abs() <= tolerance * a.abs().max(b.abs()) {
        true => 0,
        false if a < b => -1,
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilcoxon_by_hand() {
        // All five positive: one of 32 signs is as extreme on each side.
        let test = wilcoxon(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.0).unwrap();
        assert_eq!((test.n, test.positive, test.p), (5, 15.0, 2.0 / 32.0));
        // Ranks 1, 2, 3 with signs -, +, +: W+ = 5; sums up to 1 are {} and {1}.
        let test = wilcoxon(&[-1.0, 2.0, 3.0, 0.0], 0.0).unwrap();
        assert_eq!((test.n, test.positive, test.p), (3, 5.0, 4.0 / 8.0));
        // Two of equal size share rank 1.5: sums 0, 1.5, 1.5, 3 with signs +, -.
        let test = wilcoxon(&[1.0, -1.0], 0.0).unwrap();
        assert_eq!((test.positive, test.p), (1.5, 1.0));
        assert_eq!(wilcoxon(&[0.0, 1e-12], 1e-9), None);
    }

    #[test]
    fn darwins_plants() {
        // Differences of Darwin's 15 pairs of plants in eighths of an inch (Fisher, 1935): W+ = 96,
        // exact two-sided p = 0.04126.
        let darwin = [
            49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0,
            -48.0,
        ];
        let test = wilcoxon(&darwin, 0.0).unwrap();
        assert_eq!((test.n, test.positive), (15, 96.0));
        assert!((test.p - 0.041_26).abs() < 1e-5, "{test:?}");
    }

    #[test]
    fn the_normal_approximation_meets_the_exact_count() {
        let differences: Vec<f64> =
            (1..=40).map(|i| f64::from(i) * if i % 3 == 0 { -1.0 } else { 1.0 }).collect();
        let test = wilcoxon(&differences, 0.0).unwrap();
        assert!((normal(40, test.positive, 0.0) - test.p).abs() < 0.001, "{test:?}");
    }

    #[test]
    fn holm_by_hand() {
        let corrected = holm(&[0.01, 0.04, 0.03]);
        let expected = [0.03, 0.06, 0.06];
        assert!(
            corrected.iter().zip(expected).all(|(c, e)| (c - e).abs() < 1e-12),
            "{corrected:?}"
        );
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    }

    #[test]
    fn kendall_by_hand() {
        let mut kendall = Kendall::default();
        kendall.add(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)], 0.0);
        assert_eq!((kendall.concordant, kendall.discordant), (5, 1));
        assert!((kendall.tau().unwrap() - 4.0 / 6.0).abs() < 1e-12);
        // Ties: x = 1, 1, 2 and y = 1, 2, 3: tau-b = 2 / sqrt(2 * 3).
        let mut kendall = Kendall::default();
        kendall.add(&[(1.0, 1.0), (1.0, 2.0), (2.0, 3.0)], 0.0);
        assert!((kendall.tau().unwrap() - 2.0 / 6f64.sqrt()).abs() < 1e-12);
        let mut kendall = Kendall::default();
        kendall.add(&[(1.0, 1.0), (1.0, 2.0)], 0.0);
        assert_eq!((kendall.tau(), kendall.pairs()), (None, 1));
    }
}
