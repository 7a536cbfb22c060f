//! Apps computed in submission order: the checks pass, and fail when a result is damaged.

use crate::interpreter::{Buffer, interpret, slices};
use proptest::prelude::*;
use runtime::ObjectId;
use runtime::registry::Value;
use workloads::apps::CheckError;
use workloads::registry::{Workload, find};

fn make(name: &str, given: &[(&str, i64)], seed: u64) -> Workload {
    let mut given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v))).collect();
    if name == "word-count" {
        given.push(("chunk".to_owned(), Value::Text("2000 B".to_owned())));
    }
    find(name).unwrap().make(&given, seed).unwrap()
}

/// Runs it, expects the check to pass, then to fail once `damage` was done to the results.
fn check(workload: &Workload, damage: impl Fn(&mut [(ObjectId, Buffer)])) -> CheckError {
    let app = workload.app.as_ref().unwrap();
    let mut results = interpret(workload).unwrap();
    let verdict = app.check(&slices(&results)).unwrap();
    assert!(verdict.value <= verdict.limit, "{verdict:?}");
    damage(&mut results);
    app.check(&slices(&results)).unwrap_err()
}

#[test]
fn cholesky_factors_the_matrix() {
    for (n, tile) in [(1, 1), (2, 1), (30, 7), (64, 16), (100, 100), (129, 32)] {
        let workload = make("cholesky", &[("n", n), ("tile", tile)], 1);
        let wrong = check(&workload, |results| {
            let element: &mut [f64] = bytemuck::cast_slice_mut(results[0].1.bytes_mut());
            element[0] += 1e-8;
        });
        assert!(matches!(wrong, CheckError::Wrong { .. }), "n {n}: {wrong}");
    }
}

#[test]
fn cholesky_notices_what_is_not_a_number_or_missing() {
    let workload = make("cholesky", &[("n", 60), ("tile", 20)], 1);
    let wrong = check(&workload, |results| {
        let element: &mut [f64] = bytemuck::cast_slice_mut(results[4].1.bytes_mut());
        element[17] = f64::NAN;
    });
    assert!(matches!(wrong, CheckError::Wrong { value, .. } if value.is_nan()), "{wrong}");
    let app = workload.app.as_ref().unwrap();
    let results = interpret(&workload).unwrap();
    let missing = app.check(&slices(&results)[..5]).unwrap_err();
    assert_eq!(missing, CheckError::Missing { object: ObjectId(5) });
    let mut shorter = slices(&results);
    shorter[2].1 = &shorter[2].1[..8];
    let size = app.check(&shorter).unwrap_err();
    assert_eq!(size, CheckError::Size { object: ObjectId(2), given: 8, expected: 3200 });
}

#[test]
fn merge_sort_sorts() {
    for (n, block) in [(1, 1), (2, 1), (7, 2), (1000, 100), (1001, 100), (4096, 64), (50, 50)] {
        let workload = make("merge-sort", &[("n", n), ("block", block)], 1);
        let blocks = (n as usize).div_ceil(block as usize);
        assert_eq!(workload.graph.len(), 2 * blocks - 1);
        assert_eq!(workload.graph.summary().depth, 1 + blocks.next_power_of_two().ilog2() as usize);
        let wrong = check(&workload, |results| {
            let numbers: &mut [u64] = bytemuck::cast_slice_mut(results[0].1.bytes_mut());
            let middle = numbers.len() / 2;
            numbers[middle] ^= 1;
        });
        assert!(matches!(wrong, CheckError::Wrong { value: 1.0, .. }), "n {n}: {wrong}");
    }
}

#[test]
fn sample_sort_sorts() {
    for (n, block, buckets, sample) in
        [(1, 1, 1, 1), (2, 1, 3, 1), (1000, 100, 8, 5), (1001, 100, 7, 100), (50, 50, 90, 2)]
    {
        let given = [("n", n), ("block", block), ("buckets", buckets), ("sample", sample)];
        let workload = make("sample-sort", &given, 1);
        let blocks = (n as usize).div_ceil(block as usize);
        assert_eq!(workload.graph.len(), 2 * blocks + 1 + buckets as usize);
        assert_eq!(workload.graph.summary().depth, 4);
        let wrong = check(&workload, |results| {
            let filled = results.iter_mut().find(|r| !r.1.bytes().is_empty()).unwrap();
            bytemuck::cast_slice_mut::<u8, u64>(filled.1.bytes_mut())[0] ^= 1;
        });
        assert!(matches!(wrong, CheckError::Wrong { value: 1.0, .. }), "n {n}: {wrong}");
    }
    // The more numbers are in the sample, the more alike are the buckets.
    let largest = |sample| {
        let given = [("n", 40_000), ("block", 1000), ("buckets", 20), ("sample", sample)];
        let graph = make("sample-sort", &given, 1).graph;
        let buckets = graph.object_ids().map(|o| graph.object(o)).filter(|o| o.keep);
        buckets.map(|o| o.bytes / 8).max().unwrap()
    };
    assert!(largest(1) > 3000 && largest(500) < 2300, "{} and {}", largest(1), largest(500));
}

#[test]
fn word_count_counts() {
    for (chunks, reducers, vocabulary) in [(1, 1, 1), (3, 2, 5), (8, 3, 1000), (5, 40, 30)] {
        let given = [("chunks", chunks), ("reducers", reducers), ("vocabulary", vocabulary)];
        let workload = make("word-count", &given, 1);
        assert_eq!(workload.graph.len(), (chunks + reducers) as usize);
        assert_eq!(workload.graph.edge_count(), (chunks * reducers) as usize);
        let wrong = check(&workload, |results| {
            let lists = results.iter_mut().map(|r| bytemuck::cast_slice_mut(r.1.bytes_mut()));
            let list: &mut [u64] = lists.into_iter().find(|list: &&mut [u64]| list[0] > 0).unwrap();
            list[3] += 1;
        });
        // The word with its right count is missing, with its wrong one it is too many.
        assert!(matches!(wrong, CheckError::Wrong { value: 2.0, .. }), "{wrong}");
        let wrong = check(&workload, |results| {
            bytemuck::cast_slice_mut::<u8, u64>(results[0].1.bytes_mut())[0] = 1 << 40;
        });
        assert!(matches!(wrong, CheckError::Unreadable { .. }), "{wrong}");
    }
}

#[test]
fn combiners_change_no_count() {
    let given =
        |combine| [("chunks", 7), ("reducers", 3), ("vocabulary", 500), ("combine", combine)];
    let plain = interpret(&make("word-count", &given(1), 1)).unwrap();
    // The lists that are used; behind them buffers hold anything.
    let lists = |results: &[(ObjectId, Buffer)]| -> Vec<Vec<u64>> {
        let list = |(_, buffer): &(ObjectId, Buffer)| {
            let words: &[u64] = bytemuck::cast_slice(buffer.bytes());
            words[..1 + 3 * words[0] as usize].to_vec()
        };
        results.iter().map(list).collect()
    };
    for (combine, combiners) in [(2, 4), (3, 3), (7, 1), (50, 1)] {
        let workload = make("word-count", &given(combine), 1);
        assert_eq!(workload.graph.len(), 7 + 3 * combiners + 3);
        let combined = interpret(&workload).unwrap();
        assert!(workload.app.as_ref().unwrap().check(&slices(&combined)).is_ok());
        assert_eq!(lists(&combined), lists(&plain), "{combine}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 40,
        ..Default::default()
    })]

    #[test]
    fn apps_compute_what_they_should_for_all_sizes(
        n in 1i64..120,
        part in 1i64..40,
        others in 1i64..6,
        seed in any::<u64>(),
    ) {
        let part = part.min(n);
        for workload in [
            make("cholesky", &[("n", n), ("tile", part)], seed),
            make("merge-sort", &[("n", n), ("block", part)], seed),
            make(
                "sample-sort",
                &[("n", n), ("block", part), ("buckets", others), ("sample", others.min(part))],
                seed,
            ),
            make("word-count", &[("chunks", part), ("reducers", others), ("vocabulary", n)], seed),
            make(
                "word-count",
                &[("chunks", part), ("reducers", others), ("vocabulary", n), ("combine", others)],
                seed,
            ),
        ] {
            let results = interpret(&workload).unwrap();
            let verdict = workload.app.as_ref().unwrap().check(&slices(&results));
            prop_assert!(verdict.is_ok(), "{}: {:?}", workload.graph.name(), verdict);
        }
    }
}
