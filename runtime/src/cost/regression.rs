//! Durations over sizes: a power law, robust to outliers, with prediction intervals.
//!
//! `y = e^a x^b` is a straight line in logarithms, and so is fitted there: first by the medians of
//! Theil and Sen (P. K. Sen, Journal of the American Statistical Association 63(324), 1968), which
//! stand up to 29 % of arbitrary points; then by iterated least squares with Tukey's bisquare
//! weights at the scale of the first fit's residuals, as in the MM-estimators of V. J. Yohai
//! (Annals of Statistics 15(2), 1987), which makes use of the good points' precision.

use serde::{Deserialize, Serialize};

/// A fitted power law.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerLaw {
    /// The exponent `b`.
    pub exponent: f64,
    /// Logarithm of the prediction at `mean_ln_x`.
    pub ln_y: f64,
    /// Weighted mean of the logarithms of the sizes.
    pub mean_ln_x: f64,
    /// Weighted sum of their squared differences from it.
    pub squares_ln_x: f64,
    /// Sum of the points' weights: less than their number by what was taken for outliers.
    pub weight: f64,
    /// Robust standard deviation of the logarithms of the durations about the line.
    pub deviation: f64,
    /// Degrees of freedom: two fewer than points.
    pub freedom: u32,
}

/// Why there is no fit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Fewer than two points.
    #[error("a line needs at least two points; there are {points}")]
    TooFew {
        /// How many there are.
        points: usize,
    },
    /// A point that has no logarithm.
    #[error("point {index} ({x}, {y}) is not finite and above 0 on both axes")]
    NotPositive {
        /// Which, from 0.
        index: usize,
        /// Its size.
        x: f64,
        /// Its duration.
        y: f64,
    },
    /// All points have one size.
    #[error("all points have the size {x}")]
    OneSize {
        /// That size.
        x: f64,
    },
}

/// Tukey's constant: 95 % efficiency on normal residuals.
const BISQUARE: f64 = 4.685;
/// A median of absolute residuals to a standard deviation.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;
/// Points whose pairs are all looked at; of more, as many evenly spread ones.
const MAX_POINTS: usize = 1500;

impl PowerLaw {
    /// Fits points (size, duration); quadratic in their number up to 1500.
    ///
    /// # Errors
    /// Any [`FitError`].
    pub fn fit(points: &[(f64, f64)]) -> Result<Self, FitError> {
        if points.len() < 2 {
            return Err(FitError::TooFew { points: points.len() });
        }
        let mut logs = Vec::with_capacity(points.len());
        for (index, &(x, y)) in points.iter().enumerate() {
            if !(x.is_finite() && y.is_finite() && x > 0.0 && y > 0.0) {
                return Err(FitError::NotPositive { index, x, y });
            }
            logs.push((libm::log(x), libm::log(y)));
        }
        let slope = median_slope(&logs).ok_or(FitError::OneSize { x: points[0].0 })?;
        let intercept = median(logs.iter().map(|(x, y)| y - slope * x).collect());
        let residual = |line: (f64, f64)| move |p: &(f64, f64)| p.1 - line.0 - line.1 * p.0;
        let spread =
            |line| MAD_TO_SIGMA * median(logs.iter().map(residual(line)).map(f64::abs).collect());
        // Residuals of exact points are rounding errors: then every point counts fully.
        let scale = spread((intercept, slope)).max(1e-12);
        let mut fit = weighted(&logs, |_| 1.0);
        let mut line = (intercept, slope);
        for _ in 0..50 {
            let next = weighted(&logs, |p| {
                let share = residual(line)(p) / (BISQUARE * scale);
                if share.abs() < 1.0 { (1.0 - share * share) * (1.0 - share * share) } else { 0.0 }
            });
            // Weights that leave one size say nothing about a slope.
            if next.squares_ln_x <= 1e-9 * fit.squares_ln_x {
                break;
            }
            let moved = (next.exponent - line.1).abs() + (next.intercept() - line.0).abs();
            line = (next.intercept(), next.exponent);
            fit = next;
            if moved < 1e-13 * (1.0 + line.0.abs()) {
                break;
            }
        }
        let count = logs.len() as f64;
        fit.freedom = logs.len() as u32 - 2;
        fit.deviation = match fit.freedom {
            0 => 0.0,
            freedom => spread(line) * (count / f64::from(freedom)).sqrt(),
        };
        Ok(fit)
    }

    fn intercept(&self) -> f64 {
        self.ln_y - self.exponent * self.mean_ln_x
    }

    /// The expected duration at a size: the median of durations whose logarithms scatter
    /// symmetrically; 0 at size 0.
    pub fn predict(&self, x: f64) -> f64 {
        libm::exp(self.ln_y + self.exponent * (libm::log(x) - self.mean_ln_x))
    }

    /// Within which a new duration lies with that confidence (above 0, below 1), if residuals are
    /// lognormal; `None` where two points leave nothing to tell their scatter from.
    pub fn interval(&self, x: f64, confidence: f64) -> Option<(f64, f64)> {
        if self.freedom == 0 {
            return None;
        }
        let off = libm::log(x) - self.mean_ln_x;
        let spread = 1.0 + 1.0 / self.weight + off * off / self.squares_ln_x;
        let half =
            student_quantile(0.5 + confidence / 2.0, self.freedom) * self.deviation * spread.sqrt();
        let center = self.predict(x);
        Some((center * libm::exp(-half), center * libm::exp(half)))
    }
}

/// Least squares with weights.
fn weighted(points: &[(f64, f64)], weight: impl Fn(&(f64, f64)) -> f64) -> PowerLaw {
    let (mut total, mut x, mut y) = (0.0, 0.0, 0.0);
    for point in points {
        let w = weight(point);
        total += w;
        x += w * point.0;
        y += w * point.1;
    }
    let (x, y) = (x / total, y / total);
    let (mut squares, mut products) = (0.0, 0.0);
    for point in points {
        let w = weight(point);
        squares += w * (point.0 - x) * (point.0 - x);
        products += w * (point.0 - x) * (point.1 - y);
    }
    PowerLaw {
        exponent: products / squares,
        ln_y: y,
        mean_ln_x: x,
        squares_ln_x: squares,
        weight: total,
        deviation: 0.0,
        freedom: 0,
    }
}

/// Median of the slopes of all pairs of points of different sizes.
fn median_slope(points: &[(f64, f64)]) -> Option<f64> {
    let step = points.len().div_ceil(MAX_POINTS);
    let some: Vec<(f64, f64)> = points.iter().step_by(step).copied().collect();
    let mut slopes = Vec::with_capacity(some.len() * (some.len() - 1) / 2);
    for (i, a) in some.iter().enumerate() {
        for b in &some[i + 1..] {
            if a.0 != b.0 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
        }
    }
    (!slopes.is_empty()).then(|| median(slopes))
}

/// The middle value, or the mean of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    let is_even = values.len().is_multiple_of(2);
    let middle = values.len() / 2;
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    match below.iter().copied().max_by(f64::total_cmp) {
        Some(lower) if is_even => (lower + upper) / 2.0,
        _ => upper,
    }
}

/// Quantile of Student's distribution, `p` above 0.5 (G. W. Hill, Algorithm 396, Communications of
/// the ACM 13(10), 1970): exact for one and two degrees of freedom, 6 digits from three on.
pub fn student_quantile(p: f64, freedom: u32) -> f64 {
    let tails = 2.0 * (1.0 - p);
    let n = f64::from(freedom);
    if freedom == 1 {
        let angle = tails * std::f64::consts::FRAC_PI_2;
        return libm::cos(angle) / libm::sin(angle);
    }
    if freedom == 2 {
        return (2.0 / (tails * (2.0 - tails)) - 2.0).sqrt();
    }
    let a = 1.0 / (n - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * std::f64::consts::FRAC_PI_2).sqrt() * n;
    let mut x = d * tails;
    let mut y = libm::pow(x, 2.0 / n);
    if y > 0.05 + a {
        x = normal_quantile(tails / 2.0);
        y = x * x;
        if freedom < 5 {
            c += 0.3 * (n - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = libm::expm1(a * y * y);
    } else {
        y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0)
            + 0.5 / (n + 4.0))
            * y
            - 1.0)
            * (n + 1.0)
            / (n + 2.0)
            + 1.0 / y;
    }
    (n * y).sqrt()
}

/// Lower quantile of the normal distribution by Newton's method on its distribution function.
fn normal_quantile(p: f64) -> f64 {
    let mut x = -2.0;
    for _ in 0..60 {
        let below = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
        let density = libm::exp(-0.5 * x * x) / (2.0 * std::f64::consts::PI).sqrt();
        // A step of more than one would leave where Newton's method converges.
        let step = ((below - p) / density).clamp(-1.0, 1.0);
        x -= step;
        if step.abs() < 1e-14 {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reproducible numbers in (0, 1): the additive recurrence of the golden ratio, hashed.
    fn units(seed: u64) -> impl Iterator<Item = f64> {
        (1u64..).map(move |i| {
            let mut z = (seed << 32 | i).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64 + 1e-17
        })
    }

    /// Normal numbers (Box and Muller 1958).
    fn normals(seed: u64) -> impl Iterator<Item = f64> {
        let mut units = units(seed);
        std::iter::repeat_with(move || {
            let (u, v) = (units.next().unwrap(), units.next().unwrap());
            (-2.0 * libm::log(u)).sqrt() * libm::cos(2.0 * std::f64::consts::PI * v)
        })
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let table = [
            (0.975, 1, 12.706_205),
            (0.975, 2, 4.302_653),
            (0.975, 3, 3.182_446),
            (0.975, 4, 2.776_445),
            (0.975, 10, 2.228_139),
            (0.975, 30, 2.042_272),
            (0.95, 5, 2.015_048),
            (0.995, 8, 3.355_387),
            (0.9, 60, 1.295_821),
        ];
        for (p, freedom, expected) in table {
            let found = student_quantile(p, freedom);
            assert!((found - expected).abs() < 2e-3 * expected, "{p} {freedom}: {found}");
        }
    }

    #[test]
    fn medians_of_even_and_odd_counts() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(vec![7.0]), 7.0);
        assert_eq!(median(vec![7.0, 9.0]), 8.0);
    }

    #[test]
    fn what_cannot_be_fitted_is_told() {
        assert_eq!(PowerLaw::fit(&[(1.0, 1.0)]), Err(FitError::TooFew { points: 1 }));
        assert_eq!(PowerLaw::fit(&[(2.0, 1.0), (2.0, 3.0)]), Err(FitError::OneSize { x: 2.0 }));
        let bad = PowerLaw::fit(&[(1.0, 1.0), (0.0, 3.0)]);
        assert_eq!(bad, Err(FitError::NotPositive { index: 1, x: 0.0, y: 3.0 }));
    }

    #[test]
    fn two_points_are_met_and_promise_nothing() {
        let law = PowerLaw::fit(&[(10.0, 5.0), (1000.0, 50.0)]).unwrap();
        assert!((law.exponent - 0.5).abs() < 1e-12);
        assert!((law.predict(100.0) - 5.0 * 10f64.sqrt()).abs() < 1e-9);
        assert_eq!(law.interval(100.0, 0.95), None);
    }

    /// Of 95 % intervals of 300 samples, each of 30 points, about 95 % hold a new point.
    #[test]
    fn prediction_intervals_cover_what_they_promise() {
        let mut inside = 0;
        for sample in 0..300 {
            let mut noise = normals(sample);
            let mut draw =
                |x: f64| 3.0 * libm::pow(x, 1.5) * libm::exp(0.2 * noise.next().unwrap());
            let points: Vec<_> =
                (1..=30).map(|i| (f64::from(i * 10), draw(f64::from(i * 10)))).collect();
            let law = PowerLaw::fit(&points).unwrap();
            let (low, high) = law.interval(155.0, 0.95).unwrap();
            inside += usize::from((low..=high).contains(&draw(155.0)));
        }
        assert!((270..=297).contains(&inside), "{inside} of 300");
    }

    proptest! {
        /// A fifth of the points is a hundred times too slow: the line hardly moves.
        #[test]
        fn outliers_do_not_move_the_line(seed in 0u64..1000, b in 0.2f64..3.0) {
            let mut noise = normals(seed);
            let points: Vec<(f64, f64)> = (0..50)
                .map(|i| {
                    let x = 100.0 * f64::from(i + 1);
                    let outlier = if i % 5 == 2 { 100.0 } else { 1.0 };
                    (x, outlier * libm::pow(x, b) * libm::exp(0.05 * noise.next().unwrap()))
                })
                .collect();
            let law = PowerLaw::fit(&points).unwrap();
            prop_assert!((law.exponent - b).abs() < 0.06, "{} for {b}", law.exponent);
            let ratio = law.predict(2000.0) / libm::pow(2000.0, b);
            prop_assert!((0.93..1.07).contains(&ratio), "{ratio}");
            prop_assert!(law.weight < 41.0);
        }

        /// Exact points are met exactly, whatever the law.
        #[test]
        fn exact_laws_are_found(a in -20f64..20.0, b in -3f64..3.0, count in 3usize..20) {
            let law = |x: f64| libm::exp(a + b * libm::log(x));
            let points: Vec<_> = (1..=count).map(|i| (i as f64, law(i as f64))).collect();
            let fit = PowerLaw::fit(&points).unwrap();
            prop_assert!((fit.exponent - b).abs() < 1e-9);
            prop_assert!((fit.predict(2.5) / law(2.5) - 1.0).abs() < 1e-9);
        }
    }
}
