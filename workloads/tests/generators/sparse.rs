//! Sparse linear algebra, computed in submission order: checks, damage, sizes that blocks do not
//! divide.

use crate::interpreter::{interpret, slices};
use proptest::prelude::*;
use runtime::registry::Value;
use workloads::apps::CheckError;
use workloads::registry::{Workload, find};

const MATRICES: [&str; 3] = ["laplacian-2d", "laplacian-3d", "rmat"];

fn make(name: &str, matrix: &str, counts: &[(&str, i64)], seed: u64) -> Workload {
    let counts = counts.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v)));
    let matrix = ("matrix".to_owned(), Value::Text(matrix.to_owned()));
    find(name).unwrap().make(&counts.chain([matrix]).collect::<Vec<_>>(), seed).unwrap()
}

/// The check passes, and fails when one number of the last result is off by a little, or none.
fn check(workload: &Workload) {
    let app = workload.app.as_ref().unwrap();
    let mut results = interpret(workload).unwrap();
    let verdict = app.check(&slices(&results)).unwrap();
    assert!(verdict.value <= verdict.limit, "{verdict:?}");
    for damage in [|x: f64| x + 1e-7, |_| f64::NAN] {
        let numbers: &mut [f64] =
            bytemuck::cast_slice_mut(results.last_mut().unwrap().1.bytes_mut());
        // The last number of a diagonal block is in its lower triangle.
        let last = numbers.len() - 1;
        let before = numbers[last];
        numbers[last] = damage(before);
        let wrong = app.check(&slices(&results)).unwrap_err();
        assert!(matches!(wrong, CheckError::Wrong { .. }), "{}: {wrong}", workload.graph.name());
        bytemuck::cast_slice_mut::<u8, f64>(results.last_mut().unwrap().1.bytes_mut())[last] =
            before;
    }
}

#[test]
fn products_are_right_and_damage_is_noticed() {
    for matrix in MATRICES {
        for (rows, block, columns, panel) in [(1, 1, 1, 1), (300, 64, 1, 1), (500, 77, 10, 4)] {
            let counts = [("rows", rows), ("block", block), ("columns", columns), ("panel", panel)];
            check(&make("spmm", matrix, &counts, 1));
        }
    }
}

#[test]
fn iterations_are_those_of_one_thread() {
    for matrix in MATRICES {
        for (rows, block, iterations) in [(1, 1, 3), (300, 64, 1), (500, 77, 7)] {
            let counts = [("rows", rows), ("block", block), ("iterations", iterations)];
            check(&make("conjugate-gradients", matrix, &counts, 1));
        }
    }
}

#[test]
fn factors_are_right_and_damage_is_noticed() {
    for matrix in &MATRICES[..2] {
        for (rows, leaf, tile) in [(1, 1, 1), (30, 4, 3), (343, 20, 16), (500, 1000, 64)] {
            check(&make(
                "sparse-cholesky",
                matrix,
                &[("rows", rows), ("leaf", leaf), ("tile", tile)],
                1,
            ));
        }
    }
}

#[test]
fn blocks_of_a_factor_are_of_unlike_sizes_and_costs() {
    let workload = make("sparse-cholesky", "laplacian-3d", &[], 1);
    let graph = &workload.graph;
    let work = |t| match graph.task(t).cost {
        runtime::Cost::Work(work) => work,
        runtime::Cost::Table(_) => panic!("work is expected"),
    };
    let gemm = |t: &runtime::TaskId| graph.kernel_name(graph.task(*t).kernel) == "gemm";
    let costs: Vec<f64> = graph.task_ids().filter(gemm).map(work).collect();
    let largest = costs.iter().copied().fold(0.0, f64::max);
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(largest > 20.0 * least, "{largest} and {least}");
    // Independent leaves: many roots.
    let roots = graph.task_ids().filter(|t| graph.predecessors(*t).next().is_none()).count();
    assert!(roots >= 64, "{roots}");
}

#[test]
fn rmat_rows_make_unlike_tasks() {
    let workload = make("spmm", "rmat", &[("rows", 16_384), ("block", 512)], 1);
    let graph = &workload.graph;
    let entries: Vec<u32> = graph.task_ids().map(|t| graph.task(t).shape[1]).collect();
    let (least, most) = (entries.iter().min().unwrap(), entries.iter().max().unwrap());
    assert!(*most > 8 * least, "{most} and {least}");
}

#[test]
fn blocks_larger_than_the_matrix_are_refused() {
    for name in ["spmm", "conjugate-gradients"] {
        let given = [("rows", 50), ("block", 50)].map(|(k, v)| (k.to_owned(), Value::Int(v)));
        let error = find(name).unwrap().make(&given, 1).err().unwrap().to_string();
        assert!(error.contains("block") && error.contains("at most rows = 49"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 40,
        ..Default::default()
    })]

    #[test]
    fn all_sizes_compute_what_they_should(
        rows in 1i64..400,
        part in 1i64..90,
        few in 1i64..9,
        matrix in 0usize..3,
        seed in any::<u64>(),
    ) {
        let name = MATRICES[matrix];
        // What is left of the rows is at least a half, or an eighth of them.
        let block = part.min((rows / 8).max(1));
        let cut = [("rows", rows), ("block", block)];
        let product = [&cut[..], &[("columns", 2 * few), ("panel", few)]].concat();
        let iterations = [&cut[..], &[("iterations", few)]].concat();
        let mut all = vec![
            make("spmm", name, &product, seed),
            make("conjugate-gradients", name, &iterations, seed),
        ];
        if name != "rmat" {
            let factor = [("rows", rows), ("leaf", 3 * few), ("tile", part)];
            all.push(make("sparse-cholesky", name, &factor, seed));
        }
        for workload in all {
            let results = interpret(&workload).unwrap();
            let verdict = workload.app.as_ref().unwrap().check(&slices(&results));
            prop_assert!(verdict.is_ok(), "{}: {:?}", workload.graph.name(), verdict);
        }
    }
}
