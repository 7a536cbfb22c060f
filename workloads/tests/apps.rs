//! Apps computed in submission order: the checks pass, and fail when a result is damaged.

mod common;

use common::{interpret, slices};
use runtime::ObjectId;
use runtime::registry::Value;
use workloads::apps::CheckError;
use workloads::registry::{Workload, find};

fn make(name: &str, given: &[(&str, i64)], seed: u64) -> Workload {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v))).collect();
    find(name).unwrap().make(&given, seed).unwrap()
}

/// Runs it, expects the check to pass, then to fail once `damage` was done to the results.
fn check(workload: &Workload, damage: impl Fn(&mut [(ObjectId, common::Buffer)])) -> CheckError {
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
