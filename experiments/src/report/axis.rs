//! Values of what varies, in an order that people expect.

use runtime::registry::Dimension;
use std::cmp::Ordering;

/// By size where both are numbers or quantities of one kind, otherwise as text.
pub fn by_size(a: &str, b: &str) -> Ordering {
    let numbers = |parse: &dyn Fn(&str) -> Option<f64>| Some(parse(a)?.total_cmp(&parse(b)?));
    numbers(&|text| text.parse().ok())
        .or_else(|| Dimension::ALL.iter().find_map(|d| numbers(&|text| d.parse(text).ok())))
        .unwrap_or_else(|| a.cmp(b))
        .then_with(|| a.cmp(b))
}

/// Whether all values are numbers or quantities of one kind.
pub fn is_ordered(values: &[&str]) -> bool {
    let all = |parse: &dyn Fn(&str) -> bool| values.iter().all(|v| parse(v));
    all(&|text| text.parse::<f64>().is_ok())
        || Dimension::ALL.iter().any(|d| all(&|text| d.parse(text).is_ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_ordered_by_what_they_measure() {
        let mut sizes = ["unlimited", "1 GiB", "512 MiB", "2 GB"];
        sizes.sort_by(|a, b| by_size(a, b));
        assert_eq!(sizes, ["512 MiB", "1 GiB", "2 GB", "unlimited"]);
        let mut numbers = ["10", "0.3", "2", "1e-3"];
        numbers.sort_by(|a, b| by_size(a, b));
        assert_eq!(numbers, ["1e-3", "0.3", "2", "10"]);
        assert!(is_ordered(&sizes) && is_ordered(&numbers));
        assert!(!is_ordered(&["max-min", "contention-free"]));
        assert!(!is_ordered(&["1 s", "1 GB"]));
    }
}
