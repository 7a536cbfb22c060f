//! Statistics that a few disturbed measurements do not move.

use crate::report::stats::median;
use serde::{Deserialize, Serialize};

/// A median and how far the values lie from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The median.
    pub median: f64,
    /// The median absolute deviation times 1.4826, which is the standard deviation where values
    /// are normally distributed.
    pub deviation: f64,
    /// Number of values.
    pub count: usize,
}

/// Of a normal distribution: standard deviation over median absolute deviation.
const NORMAL: f64 = 1.4826;

impl Sample {
    /// Of these values; all zero for none.
    pub fn of(values: &[f64]) -> Self {
        let Some(centre) = median(values) else { return Self::default() };
        let distances: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
        let deviation = NORMAL * median(&distances).unwrap_or(0.0);
        Self { median: centre, deviation, count: values.len() }
    }

    /// Whether a value is so much larger than the others that something else must have happened:
    /// farther above the median than five deviations and than half the median.
    pub fn is_outlier(&self, value: f64) -> bool {
        value - self.median > (5.0 * self.deviation).max(0.5 * self.median)
    }
}

/// A straight line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Value at 0, never negative.
    pub at_zero: f64,
    /// Growth per unit.
    pub slope: f64,
}

impl Line {
    /// Through points of different places: the median of the slopes between all pairs (Theil 1950,
    /// Sen 1968), and the median of what is left. Quadratic in the points.
    pub fn through(points: &[(f64, f64)]) -> Self {
        let mut slopes = Vec::new();
        for (at, a) in points.iter().enumerate() {
            let others = points[..at].iter().filter(|b| b.0 != a.0);
            slopes.extend(others.map(|b| (a.1 - b.1) / (a.0 - b.0)));
        }
        let slope = median(&slopes).unwrap_or(0.0);
        let rest: Vec<f64> = points.iter().map(|p| p.1 - slope * p.0).collect();
        Self { at_zero: median(&rest).unwrap_or(0.0).max(0.0), slope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_value_moves_nothing() {
        let sample = Sample::of(&[10.0, 11.0, 9.0, 10.0, 1e9]);
        assert_eq!((sample.median, sample.count), (10.0, 5));
        assert!((sample.deviation - 1.4826).abs() < 1e-12);
        assert!(sample.is_outlier(1e9) && sample.is_outlier(18.0) && !sample.is_outlier(14.9));
        // Equal values have no deviation; half as much again is still none.
        assert!(!Sample::of(&[10.0; 4]).is_outlier(15.0));
        assert_eq!(Sample::of(&[]), Sample::default());
    }

    #[test]
    fn a_line_goes_past_a_wild_point() {
        let mut points: Vec<(f64, f64)> =
            (1..8).map(|x| (x as f64, 100.0 + 3.0 * x as f64)).collect();
        points[4].1 = 1e7;
        let line = Line::through(&points);
        assert!((line.slope - 3.0).abs() < 1e-9 && (line.at_zero - 100.0).abs() < 1e-9, "{line:?}");
        assert_eq!(Line::through(&[]), Line::default());
        assert_eq!(Line::through(&[(2.0, 5.0)]), Line { at_zero: 5.0, slope: 0.0 });
        let steep = Line::through(&[(10.0, 1.0), (20.0, 100.0)]);
        assert_eq!(steep.at_zero, 0.0, "no latency is negative");
    }
}
