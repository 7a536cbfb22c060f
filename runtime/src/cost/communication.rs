//! Durations of messages and collectives over their sizes, fitted to measurements.
//!
//! `alpha + root sqrt(n) + beta n`: a start, the bytes, and what a transfer pays that is cut into
//! blocks and pipelined. With the best size of blocks over `k` hops of latency `l` that is
//! `2 sqrt(k l beta n)`, so the square root of the size is the right third term (P. Sanders, J.
//! Speck and J. L. Traeff, Two-tree algorithms for full bandwidth broadcast, reduction and scan,
//! Parallel Computing 35(12), 2009).

use super::regression::FitError;
use serde::{Deserialize, Serialize};

/// A fitted model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pipelined {
    /// Nanoseconds of a message of no bytes.
    pub alpha_ns: f64,
    /// Nanoseconds per square root of a byte.
    pub root_ns: f64,
    /// Nanoseconds per byte.
    pub beta_ns: f64,
}

/// Rounds of reweighting; the fits of thousands of rows no longer change in the sixth digit.
const ROUNDS: usize = 60;
/// Relative errors below this are all alike.
const SMALL: f64 = 1e-4;

impl Pipelined {
    /// Fits points (bytes, nanoseconds) so that the sum of absolute relative errors is least, by
    /// iteratively reweighted least squares: outliers pull no harder than other points. Linear in
    /// the points.
    ///
    /// # Errors
    /// Any [`FitError`]; three sizes are needed.
    pub fn fit(points: &[(f64, f64)]) -> Result<Self, FitError> {
        if points.len() < 3 {
            return Err(FitError::TooFew { points: points.len() });
        }
        for (index, &(x, y)) in points.iter().enumerate() {
            if !(x.is_finite() && y.is_finite() && x > 0.0 && y > 0.0) {
                return Err(FitError::NotPositive { index, x, y });
            }
        }
        // In units of the largest size, so that the equations are well conditioned.
        let unit = points.iter().map(|p| p.0).fold(0.0, f64::max);
        let mut weights: Vec<f64> = points.iter().map(|(_, y)| 1.0 / (y * y)).collect();
        let mut found = [0.0; 3];
        for _ in 0..ROUNDS {
            let sums = normal_equations(points, &weights, unit);
            found = solve(sums).ok_or(FitError::OneSize { x: points[0].0 })?;
            for (weight, &(x, y)) in weights.iter_mut().zip(points) {
                let error = (y - value(found, x / unit)).abs();
                *weight = 1.0 / (y * error.max(SMALL * y));
            }
        }
        let [alpha_ns, root, beta] = found;
        Ok(Self { alpha_ns, root_ns: root / unit.sqrt(), beta_ns: beta / unit })
    }

    /// Expected duration of a message of so many bytes.
    pub fn predict_ns(&self, bytes: f64) -> f64 {
        self.alpha_ns + self.root_ns * bytes.sqrt() + self.beta_ns * bytes
    }
}

fn basis(x: f64) -> [f64; 3] {
    [1.0, x.sqrt(), x]
}

fn value(factors: [f64; 3], x: f64) -> f64 {
    factors.iter().zip(basis(x)).map(|(f, b)| f * b).sum()
}

/// Rows of the normal equations, the right side last.
fn normal_equations(points: &[(f64, f64)], weights: &[f64], unit: f64) -> [[f64; 4]; 3] {
    let mut rows = [[0.0; 4]; 3];
    for (&(x, y), weight) in points.iter().zip(weights) {
        let terms = basis(x / unit);
        for (row, own) in rows.iter_mut().zip(terms) {
            let right = [terms[0], terms[1], terms[2], y];
            row.iter_mut().zip(right).for_each(|(sum, term)| *sum += weight * own * term);
        }
    }
    rows
}

/// Gauss and Jordan's elimination with pivots; `None` when the rows depend on each other.
fn solve(mut rows: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    for at in 0..3 {
        let pivot = (at..3).max_by(|a, b| rows[*a][at].abs().total_cmp(&rows[*b][at].abs()))?;
        rows.swap(at, pivot);
        let top = rows[at];
        let scale = top.iter().map(|v| v.abs()).fold(0.0, f64::max);
        if top[at].abs() <= 1e-13 * scale {
            return None;
        }
        for (i, row) in rows.iter_mut().enumerate() {
            if i != at {
                let factor = row[at] / top[at];
                row.iter_mut().zip(top).for_each(|(value, above)| *value -= factor * above);
            }
        }
    }
    Some([0, 1, 2].map(|i| rows[i][3] / rows[i][i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_points_give_their_own_numbers_in_spite_of_outliers() {
        let law = Pipelined { alpha_ns: 2e4, root_ns: 7.0, beta_ns: 0.004 };
        let points: Vec<(f64, f64)> = (1..200)
            .map(|i| {
                let bytes = f64::from(i) * 300_000.0;
                let wrong = if i % 5 == 0 { 3.0 } else { 1.0 };
                (bytes, wrong * law.predict_ns(bytes))
            })
            .collect();
        let fit = Pipelined::fit(&points).unwrap();
        for bytes in [1e5, 1e6, 3e7, 6e7] {
            let ratio = fit.predict_ns(bytes) / law.predict_ns(bytes);
            assert!((ratio - 1.0).abs() < 1e-3, "{bytes}: {ratio}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_told() {
        let two = [(1.0, 1.0), (2.0, 2.0)];
        assert_eq!(Pipelined::fit(&two), Err(FitError::TooFew { points: 2 }));
        let one_size = [(8.0, 1.0), (8.0, 2.0), (8.0, 3.0)];
        assert_eq!(Pipelined::fit(&one_size), Err(FitError::OneSize { x: 8.0 }));
        let bad = Pipelined::fit(&[(1.0, 1.0), (2.0, -1.0), (3.0, 1.0)]);
        assert_eq!(bad, Err(FitError::NotPositive { index: 1, x: 2.0, y: -1.0 }));
    }
}
