//! Dense linear algebra, computed in submission order: checks, sizes that tiles do not divide,
//! variants that must agree bit for bit, and homes.

use crate::interpreter::{Buffer, interpret, slices};
use proptest::prelude::*;
use runtime::registry::Value;
use runtime::{Cost, ObjectId};
use workloads::apps::CheckError;
use workloads::registry::{Workload, find};

/// A workload from whole numbers and words.
fn make(name: &str, counts: &[(&str, i64)], words: &[(&str, &str)], seed: u64) -> Workload {
    let counts = counts.iter().map(|(k, v)| ((*k).to_owned(), Value::Int(*v)));
    let words = words.iter().map(|(k, v)| ((*k).to_owned(), Value::Text((*v).to_owned())));
    find(name).unwrap().make(&counts.chain(words).collect::<Vec<_>>(), seed).unwrap()
}

/// What it computes, after its own check.
fn checked(workload: &Workload) -> Vec<(ObjectId, Buffer)> {
    let results = interpret(workload).unwrap();
    let verdict = workload.app.as_ref().unwrap().check(&slices(&results));
    assert!(verdict.is_ok(), "{}: {verdict:?}", workload.graph.name());
    results
}

fn bytes(results: &[(ObjectId, Buffer)]) -> Vec<u8> {
    results.iter().flat_map(|(_, buffer)| buffer.bytes().to_vec()).collect()
}

/// Adds to one number of one result; the check must see it.
fn assert_notices(workload: &Workload, result: usize, element: usize, by: f64) {
    let mut results = interpret(workload).unwrap();
    let numbers: &mut [f64] = bytemuck::cast_slice_mut(results[result].1.bytes_mut());
    numbers[element] += by;
    let wrong = workload.app.as_ref().unwrap().check(&slices(&results)).unwrap_err();
    assert!(matches!(wrong, CheckError::Wrong { .. }), "{wrong}");
}

fn total_work(workload: &Workload, kernels: &[&str]) -> f64 {
    let graph = &workload.graph;
    let counted = |t: &runtime::TaskId| kernels.contains(&graph.kernel_name(graph.task(*t).kernel));
    let work = |t| match graph.task(t).cost {
        Cost::Work(work) => work,
        Cost::Table(_) => panic!("work is expected"),
    };
    graph.task_ids().filter(counted).map(work).sum()
}

const GEMM: [(&str, i64); 6] =
    [("m", 50), ("n", 37), ("k", 61), ("tile", 16), ("grid_rows", 2), ("grid_columns", 3)];

#[test]
fn gemm_multiplies_and_notices_damage() {
    for algorithm in ["tiled", "summa"] {
        let workload = make("gemm", &GEMM, &[("algorithm", algorithm)], 1);
        checked(&workload);
        assert_notices(&workload, 3, 5, 1e-9);
        assert_notices(&workload, 0, 0, f64::NAN);
        let flops = total_work(&workload, &["multiply", "multiply_add"]);
        assert_eq!(flops, 2.0 * 50.0 * 37.0 * 61.0);
    }
}

#[test]
fn gemm_has_the_same_bits_however_panels_travel() {
    let tiled = bytes(&checked(&make("gemm", &GEMM, &[], 1)));
    for broadcast in ["ring", "binomial", "flat"] {
        for distribution in ["block-cyclic", "block", "row", "column-cyclic"] {
            let words =
                [("algorithm", "summa"), ("broadcast", broadcast), ("distribution", distribution)];
            let summa = bytes(&checked(&make("gemm", &GEMM, &words, 1)));
            assert!(summa == tiled, "{words:?}");
        }
    }
}

/// In SUMMA all that a product touches is at home in the process that owns its tile of C, copies
/// move a tile to one process at a time, and every process passes a tile on at most as often as
/// the tree says.
#[test]
fn summa_products_touch_only_what_is_at_home() {
    for (broadcast, layers) in [("ring", 1), ("binomial", 1), ("flat", 1), ("binomial", 2)] {
        let mut counts = GEMM.to_vec();
        counts[4..].copy_from_slice(&[("grid_rows", 3), ("grid_columns", 5)]);
        counts.extend([("layers", layers), ("n", 200)]);
        counts.remove(1);
        let words = [("algorithm", "summa"), ("broadcast", broadcast)];
        let workload = make("gemm", &counts, &words, 1);
        checked(&workload);
        let graph = &workload.graph;
        let mut read_by_copies = vec![0; graph.object_count()];
        for task in graph.task_ids() {
            let accesses = graph.accesses(task);
            match graph.kernel_name(graph.task(task).kernel) {
                "copy" => read_by_copies[accesses[0].object.index()] += 1,
                "add" => {}
                _ => {
                    let homes: Vec<u32> =
                        accesses.iter().map(|a| graph.object(a.object).home).collect();
                    assert!(homes.iter().all(|home| *home == homes[2]), "{homes:?}");
                }
            }
        }
        // Five columns: four copies along each row of the grid.
        let most = match (broadcast, layers) {
            ("ring", _) => 1,
            ("binomial", 1) => 3,
            ("binomial", _) => 3,
            _ => 4,
        };
        assert_eq!(read_by_copies.into_iter().max(), Some(most), "{broadcast}");
    }
}

#[test]
fn two_and_a_half_dimensions_share_the_steps() {
    for layers in [1, 2, 3, 4] {
        let mut counts = GEMM.to_vec();
        counts.push(("layers", layers));
        let workload = make("gemm", &counts, &[], 1);
        checked(&workload);
        let graph = &workload.graph;
        // Of four steps each layer has its share; every tile of C is written in each of them.
        let mut tasks_in_layer = vec![0; layers as usize];
        for task in graph.task_ids() {
            if graph.kernel_name(graph.task(task).kernel).starts_with("multiply") {
                let home = graph.object(graph.accesses(task)[2].object).home;
                tasks_in_layer[home as usize / 6] += 1;
            }
        }
        assert_eq!(tasks_in_layer.iter().sum::<usize>(), 4 * 3 * 4);
        let (least, most) =
            (tasks_in_layer.iter().min().unwrap(), tasks_in_layer.iter().max().unwrap());
        assert!(most - least <= 12, "{tasks_in_layer:?}");
        assert_eq!(total_work(&workload, &["add"]), (layers - 1) as f64 * 50.0 * 37.0);
    }
}

#[test]
fn cholesky_looks_left_or_right_with_the_same_bits_and_tasks() {
    let counts = [("n", 70), ("tile", 16)];
    let right = make("cholesky", &counts, &[], 1);
    let left = make("cholesky", &counts, &[("variant", "left-looking")], 1);
    assert!(bytes(&checked(&right)) == bytes(&checked(&left)));
    let shape = |workload: &Workload| {
        let graph = &workload.graph;
        let mut names: Vec<String> =
            graph.task_ids().map(|t| graph.task_name(t).to_string()).collect();
        let edges = graph.edge_count();
        let depth = graph.summary().depth;
        let first = names.clone();
        names.sort();
        (first, (names, edges, depth))
    };
    let ((right_order, right), (left_order, left)) = (shape(&right), shape(&left));
    assert_eq!(right, left);
    assert_ne!(right_order, left_order);
}

#[test]
fn cholesky_sums_updates_in_layers() {
    for variant in ["right-looking", "left-looking"] {
        for layers in [2, 3, 9] {
            let counts = [("n", 100), ("tile", 15), ("layers", layers), ("grid_rows", 2)];
            let workload = make("cholesky", &counts, &[("variant", variant)], 1);
            checked(&workload);
            assert_notices(&workload, 0, 0, 1e-8);
        }
    }
}

#[test]
fn lu_pivots_and_notices_damage() {
    for (n, tile) in [(1, 1), (5, 2), (64, 16), (70, 16), (100, 100), (129, 32)] {
        let workload = make("lu", &[("n", n), ("tile", tile)], &[], 1);
        let results = checked(&workload);
        assert_notices(&workload, 0, 0, 1e-8 * n as f64);
        let t = (n as usize).div_ceil(tile as usize);
        // Each pivot is the largest below it: no multiplier exceeds one.
        let columns = (0..t).flat_map(|i| (0..i).map(move |j| (i, j)));
        for (i, j) in columns {
            let multipliers: &[f64] = bytemuck::cast_slice(results[i * t + j].1.bytes());
            assert!(multipliers.iter().all(|l| l.abs() <= 1.0), "tile {i}, {j}");
        }
        let last = results.len() - 1;
        assert_eq!(last, t * t + t - 1);
        let mut results = results;
        bytemuck::cast_slice_mut::<u8, u64>(results[last].1.bytes_mut())[0] = 1 << 40;
        let wrong = workload.app.as_ref().unwrap().check(&slices(&results)).unwrap_err();
        assert!(matches!(wrong, CheckError::Wrong { .. }), "{wrong}");
    }
}

/// A matrix in one tile is one task, which does what LAPACK counts.
#[test]
fn one_tile_is_one_task_of_lapacks_operations() {
    let n = 40.0;
    let one = |name| make(name, &[("n", 40), ("tile", 40)], &[], 1);
    let lu = total_work(&one("lu"), &["lu_panel"]);
    assert!((lu / (2.0 * n * n * n / 3.0 - n * n / 2.0 + 5.0 * n / 6.0) - 1.0).abs() < 1e-14);
    let qr = make("qr", &[("m", 40), ("n", 40), ("tile", 40)], &[], 1);
    assert_eq!((qr.graph.len(), total_work(&qr, &["geqrt"])), (1, 2.0 * n * n * (n - n / 3.0)));
}

/// With tiles of one size a tiled factorisation does as much as LAPACK's, to leading order.
#[test]
fn tiles_do_not_change_the_operations_to_leading_order() {
    let n = 3000.0f64;
    let all = |name, n: i64, tile, words: &[(&str, &str)]| {
        let mut counts = vec![("n", n), ("tile", tile)];
        counts.extend((name == "qr").then_some(("m", n)));
        let workload = make(name, &counts, words, 1);
        total_work(
            &workload,
            &workload.graph.kernel_names().iter().map(|k| &**k).collect::<Vec<_>>(),
        )
    };
    let ratio = all("lu", 3000, 100, &[]) / (2.0 / 3.0 * n.powi(3));
    assert!((0.98..1.05).contains(&ratio), "lu: {ratio}");
    for tree in ["flat", "binary"] {
        let ratio = all("qr", 3000, 100, &[("tree", tree)]) / (4.0 / 3.0 * n.powi(3));
        assert!((0.98..1.10).contains(&ratio), "qr, {tree}: {ratio}");
    }
}

#[test]
fn qr_is_orthogonal_and_notices_damage() {
    for tree in ["flat", "binary"] {
        for (m, n, tile, inner) in [
            (1, 1, 1, 1),
            (3, 2, 1, 1),
            (40, 40, 40, 8),
            (64, 48, 16, 16),
            (70, 33, 16, 5),
            (130, 12, 16, 4),
            (97, 97, 20, 32),
        ] {
            let counts = [("m", m), ("n", n), ("tile", tile), ("inner", inner)];
            let workload = make("qr", &counts, &[("tree", tree)], 1);
            let results = checked(&workload);
            // The first tile holds R on and above its diagonal, reflectors below.
            if tile > 1 {
                assert_notices(&workload, 0, 1, 1e-7);
            }
            let graph = &workload.graph;
            let is_triangle = |(o, _): &(ObjectId, Buffer)| graph.object_name(*o) == "R[0,0]";
            let triangle = results.iter().position(is_triangle).unwrap();
            assert_notices(&workload, triangle, 0, 1e-7);
        }
    }
}

#[test]
fn tall_and_skinny_qr_is_a_tree_of_logarithmic_depth() {
    let counts = [("m", 16 * 20), ("n", 20), ("tile", 20), ("inner", 7)];
    let flat = make("qr", &counts, &[], 1);
    let binary = make("qr", &counts, &[("tree", "binary")], 1);
    let depth = |workload: &Workload| workload.graph.summary().depth;
    assert_eq!((flat.graph.len(), depth(&flat)), (16, 16));
    assert_eq!((binary.graph.len(), depth(&binary)), (16 + 15, 1 + 4));
    // The triangle is unique but for the signs of its rows.
    let triangle = |workload: &Workload| {
        let graph = &workload.graph;
        let first = graph.object_ids().find(|o| graph.object_name(*o) == "R[0,0]").unwrap();
        let results = checked(workload);
        let at = results.iter().position(|(o, _)| *o == first).unwrap();
        bytemuck::cast_slice::<u8, f64>(results[at].1.bytes()).to_vec()
    };
    for (a, b) in triangle(&flat).into_iter().zip(triangle(&binary)) {
        assert!((a.abs() - b.abs()).abs() < 1e-11, "{a} and {b}");
    }
}

#[test]
fn triangular_systems_are_solved() {
    for (n, columns, tile) in [(1, 1, 1), (30, 5, 7), (64, 64, 16), (100, 37, 30)] {
        let counts = [("n", n), ("columns", columns), ("tile", tile)];
        let workload = make("triangular-solve", &counts, &[], 1);
        checked(&workload);
        assert_notices(&workload, 0, 0, 1e-6);
        let (n, columns) = (n as f64, columns as f64);
        let work = total_work(&workload, &["solve", "multiply_subtract"]);
        assert_eq!(work, n * n * columns);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 48,
        ..Default::default()
    })]

    #[test]
    fn gemm_is_right_for_all_sizes(
        (m, n, k) in (1i64..70, 1i64..70, 1i64..70),
        tile in 1i64..40,
        grid in (1i64..5, 1i64..5),
        layers in 1i64..5,
        words in (
            prop::sample::select(vec!["tiled", "summa"]),
            prop::sample::select(vec!["ring", "binomial", "flat"]),
            prop::sample::select(DISTRIBUTIONS.to_vec()),
        ),
        seed in any::<u64>(),
    ) {
        let tile = tile.min(m.max(n).max(k)).max(m.max(n).max(k) / 12 + 1);
        let counts = [
            ("m", m), ("n", n), ("k", k), ("tile", tile), ("grid_rows", grid.0),
            ("grid_columns", grid.1), ("layers", layers),
        ];
        let words =
            [("algorithm", words.0), ("broadcast", words.1), ("distribution", words.2)];
        checked(&make("gemm", &counts, &words, seed));
    }

    #[test]
    fn cholesky_is_right_for_all_sizes(
        n in 1i64..120,
        tile in 1i64..40,
        grid in (1i64..5, 1i64..5),
        layers in 1i64..5,
        variant in prop::sample::select(vec!["right-looking", "left-looking"]),
        distribution in prop::sample::select(DISTRIBUTIONS.to_vec()),
        seed in any::<u64>(),
    ) {
        let tile = tile.min(n).max(n / 12 + 1);
        let counts = [
            ("n", n), ("tile", tile.min(n)), ("grid_rows", grid.0), ("grid_columns", grid.1),
            ("layers", layers),
        ];
        let words = [("variant", variant), ("distribution", distribution)];
        checked(&make("cholesky", &counts, &words, seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 48,
        ..Default::default()
    })]

    #[test]
    fn lu_is_right_for_all_sizes(
        n in 1i64..120,
        tile in 1i64..40,
        grid in (1i64..5, 1i64..5),
        distribution in prop::sample::select(DISTRIBUTIONS.to_vec()),
        seed in any::<u64>(),
    ) {
        let tile = tile.max(n / 12 + 1).min(n);
        let counts =
            [("n", n), ("tile", tile), ("grid_rows", grid.0), ("grid_columns", grid.1)];
        checked(&make("lu", &counts, &[("distribution", distribution)], seed));
    }

    #[test]
    fn qr_is_right_for_all_sizes(
        (m, n) in (1i64..150, 1i64..100),
        tile in 1i64..40,
        inner in 1i64..20,
        tree in prop::sample::select(vec!["flat", "binary"]),
        distribution in prop::sample::select(DISTRIBUTIONS.to_vec()),
        seed in any::<u64>(),
    ) {
        let (m, n) = (m.max(n), m.min(n));
        let tile = tile.max(m / 12 + 1).min(m);
        let counts = [("m", m), ("n", n), ("tile", tile), ("inner", inner)];
        checked(&make("qr", &counts, &[("tree", tree), ("distribution", distribution)], seed));
    }

    #[test]
    fn triangular_solve_is_right_for_all_sizes(
        (n, columns) in (1i64..120, 1i64..80),
        tile in 1i64..40,
        seed in any::<u64>(),
    ) {
        let tile = tile.max(n / 12 + 1).min(n);
        let counts = [("n", n), ("columns", columns), ("tile", tile)];
        checked(&make("triangular-solve", &counts, &[], seed));
    }
}

const DISTRIBUTIONS: [&str; 6] =
    ["block-cyclic", "block", "row", "column", "row-cyclic", "column-cyclic"];
