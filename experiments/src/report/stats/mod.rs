//! The statistics behind the report, written out so that they can be checked by hand.

mod bootstrap;
mod rank;

pub use bootstrap::{Interval, bootstrap, nested_mean};
pub use rank::{Kendall, Wilcoxon, holm, wilcoxon};

/// Arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The geometric mean of numbers that are given by their logarithms.
pub fn geomean_of_logs(logs: &[f64]) -> Option<f64> {
    mean(logs).map(libm::exp)
}

/// The quantile `q` in 0..=1 of sorted values, interpolated between neighbours (type 7 of Hyndman
/// and Fan, 1996, the default of R and NumPy).
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64))
}

/// The median of values in any order.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The geometric mean of positive repetitions with its 95 % interval: Student's t on their
/// logarithms. No interval for fewer than two.
pub fn repeated(values: &[f64]) -> Option<(f64, Option<Interval>)> {
    let logs: Vec<f64> = values.iter().map(|v| libm::log(*v)).collect();
    let centre = mean(&logs)?;
    let n = logs.len();
    let interval = (n > 1).then(|| {
        let variance = logs.iter().map(|l| (l - centre) * (l - centre)).sum::<f64>();
        let error = (variance / (n - 1) as f64 / n as f64).sqrt();
        let reach = student_t_975(n - 1) * error;
        Interval { low: libm::exp(centre - reach), high: libm::exp(centre + reach) }
    });
    Some((libm::exp(centre), interval))
}

/// The 97.5 % quantile of Student's t distribution.
fn student_t_975(degrees: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045, 2.042,
    ];
    match degrees {
        0 => f64::INFINITY,
        1..=30 => TABLE[degrees - 1],
        // Two terms of the expansion in 1/degrees: right to three digits from here on.
        _ => 1.959_964 + 2.372 / degrees as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_quantiles_by_hand() {
        let logs = [1.0f64, 2.0, 4.0].map(libm::log);
        assert!((geomean_of_logs(&logs).unwrap() - 2.0).abs() < 1e-12);
        assert_eq!(geomean_of_logs(&[]), None);
        let sorted = [1.0, 2.0, 3.0, 10.0];
        assert_eq!(quantile(&sorted, 0.0), Some(1.0));
        assert_eq!(quantile(&sorted, 0.5), Some(2.5));
        assert!((quantile(&sorted, 0.99).unwrap() - 9.79).abs() < 1e-12);
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(median(&[5.0, 1.0, 3.0]), Some(3.0));
    }

    #[test]
    fn repetitions_have_an_interval_by_t() {
        // Logarithms 0, 1, 2: mean 1, deviation 1, error 1/sqrt 3, t(2) = 4.303.
        let values = [0.0, 1.0, 2.0].map(libm::exp);
        let (centre, interval) = repeated(&values).unwrap();
        assert!((libm::log(centre) - 1.0).abs() < 1e-12);
        let interval = interval.unwrap();
        let reach = 4.303 / 3f64.sqrt();
        assert!((libm::log(interval.low) - (1.0 - reach)).abs() < 1e-12);
        assert!((libm::log(interval.high) - (1.0 + reach)).abs() < 1e-12);
        assert_eq!(repeated(&[3.0]).unwrap().1, None);
    }

    #[test]
    fn t_falls_towards_the_normal_quantile() {
        assert!((student_t_975(60) - 2.000).abs() < 0.001);
        assert!((student_t_975(120) - 1.980).abs() < 0.001);
        assert!((31..200).all(|d| student_t_975(d) < student_t_975(d - 1)));
    }
}
