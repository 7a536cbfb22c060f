//! Two run directories side by side: what became slower, what became faster, what fails now.

use crate::record::{CellKey, Record};
use crate::store::Run;
use std::collections::BTreeMap;

/// How much slower something may be before it counts as a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Share by which a simulated makespan may grow.
    pub simulated: f64,
    /// Share by which a measured makespan may grow.
    pub real: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { simulated: 0.01, real: 0.10 }
    }
}

/// Cells that differ in seed and repetition only, in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The cells' key, with seed and repetition 0.
    pub key: CellKey,
    /// Geometric mean of new over old makespans, over the cells that ended well in both.
    pub ratio: f64,
    /// Cells that ended well in both.
    pub cells: usize,
    /// Cells that ended well before and fail now, with the new error's kind.
    pub newly_failed: Vec<String>,
    /// Whether this is a regression.
    pub is_regression: bool,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Groups of cells that are in both runs, by key.
    pub groups: Vec<Compared>,
    /// Cells that only the old run has.
    pub only_old: usize,
    /// Cells that only the new run has.
    pub only_new: usize,
}

impl Comparison {
    /// Groups that became worse beyond the tolerance.
    pub fn regressions(&self) -> impl Iterator<Item = &Compared> {
        self.groups.iter().filter(|g| g.is_regression)
    }
}

/// Compares two runs cell by cell.
pub fn compare(old: &Run, new: &Run, tolerance: Tolerance) -> Comparison {
    let by_key = |run: &Run| -> BTreeMap<CellKey, Record> {
        run.records.iter().map(|r| (r.key.clone(), r.clone())).collect()
    };
    let (old, new) = (by_key(old), by_key(new));
    let mut groups: BTreeMap<CellKey, Vec<(&Record, &Record)>> = BTreeMap::new();
    for (key, before) in &old {
        if let Some(after) = new.get(key) {
            let group = CellKey { seed: 0, repetition: 0, ..key.clone() };
            groups.entry(group).or_default().push((before, after));
        }
    }
    let both: usize = groups.values().map(Vec::len).sum();
    Comparison {
        groups: groups.into_iter().map(|(key, pairs)| group(key, &pairs, tolerance)).collect(),
        only_old: old.len() - both,
        only_new: new.len() - both,
    }
}

fn group(key: CellKey, pairs: &[(&Record, &Record)], tolerance: Tolerance) -> Compared {
    let mut logs = Vec::new();
    let mut newly_failed = Vec::new();
    for (before, after) in pairs {
        match (&before.outcome, &after.outcome) {
            (Ok(before), Ok(after)) => {
                // A run of nothing takes no time: 1 ns more or less is no matter.
                let ratio = after.makespan_ns.max(1) as f64 / before.makespan_ns.max(1) as f64;
                logs.push(libm::log(ratio));
            }
            (Ok(_), Err(error)) => newly_failed.push(error.kind.clone()),
            (Err(_), _) => {}
        }
    }
    let ratio = match logs.is_empty() {
        true => 1.0,
        false => libm::exp(logs.iter().sum::<f64>() / logs.len() as f64),
    };
    let allowed = match key.backend.as_str() {
        "sim" => tolerance.simulated,
        _ => tolerance.real,
    };
    let is_regression = ratio > 1.0 + allowed || !newly_failed.is_empty();
    Compared { key, ratio, cells: logs.len(), newly_failed, is_regression }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{CellError, Manifest, Metrics};

    fn run(cells: &[(&str, u64, Option<u64>)]) -> Run {
        let manifest = Manifest {
            windtunnel_run: 1,
            name: String::new(),
            spec_digest: String::new(),
            spec_text: String::new(),
            spec_path: String::new(),
            cells: cells.len(),
            provenance: Vec::new(),
            axes: Vec::new(),
            families: Vec::new(),
            workloads: Vec::new(),
        };
        let record = |(scheduler, seed, makespan): &(&str, u64, Option<u64>)| Record {
            id: format!("{scheduler}{seed}"),
            key: CellKey {
                workload: "w".into(),
                cluster: "c".into(),
                scheduler: (*scheduler).into(),
                backend: "sim".into(),
                axes: Vec::new(),
                seed: *seed,
                repetition: 0,
            },
            outcome: match makespan {
                Some(makespan_ns) => {
                    Ok(Metrics { makespan_ns: *makespan_ns, ..Metrics::default() })
                }
                None => Err(CellError { kind: "panicked".into(), message: String::new() }),
            },
            replay: String::new(),
        };
        let records = cells.iter().map(record).collect();
        Run { path: Default::default(), manifest, records, walls: BTreeMap::new() }
    }

    #[test]
    fn slower_beyond_the_tolerance_is_a_regression() {
        let old = run(&[("a", 1, Some(100)), ("a", 2, Some(100)), ("b", 1, Some(1000))]);
        let new = run(&[("a", 1, Some(110)), ("a", 2, Some(100)), ("b", 1, Some(1005))]);
        let found = compare(&old, &new, Tolerance::default());
        assert_eq!(found.groups.len(), 2);
        let worse: Vec<_> = found.regressions().map(|g| g.key.scheduler.as_str()).collect();
        assert_eq!(worse, ["a"]);
        assert!((found.groups[0].ratio - libm::sqrt(1.1)).abs() < 1e-12);
        assert!(compare(&new, &old, Tolerance::default()).regressions().next().is_none());
    }

    #[test]
    fn a_new_failure_is_a_regression_and_an_old_one_is_not() {
        let old = run(&[("a", 1, Some(100)), ("b", 1, None), ("c", 1, Some(5))]);
        let new = run(&[("a", 1, None), ("b", 1, None), ("d", 1, Some(5))]);
        let found = compare(&old, &new, Tolerance::default());
        let worse: Vec<_> = found.regressions().map(|g| g.key.scheduler.as_str()).collect();
        assert_eq!(worse, ["a"]);
        assert_eq!((found.only_old, found.only_new), (1, 1));
    }
}
