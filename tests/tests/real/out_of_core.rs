//! Matrices that are larger than the main memory they may take.

use crate::support::{cholesky, in_core_result, make, result, spec};
use real_backend::{RunError, RunOutput, RunSpec};
use runtime::cluster::{ClusterSpec, DeviceSpec, Duplex, LinkSpec, MemoryKind, MemorySpec};
use runtime::executive::Feasibility;
use runtime::replay::replay_inputs;
use runtime::trace::CopyReason;
use runtime::{Cluster, validator};
use std::sync::Arc;
use workloads::Workload;

/// Two lanes over a budget of main memory; data is at home on a disk.
fn machine(budget_bytes: u64) -> Arc<Cluster> {
    let memory = |name: &str, kind, capacity_bytes, requests| MemorySpec {
        name: name.to_owned(),
        kind,
        capacity_bytes,
        copies_in: requests,
        copies_out: requests,
    };
    let spec = ClusterSpec {
        name: "out of core".into(),
        memories: vec![
            memory("ram", MemoryKind::Dram, Some(budget_bytes), None),
            memory("disk", MemoryKind::Disk, None, Some(2)),
        ],
        devices: vec![DeviceSpec {
            name: "cpu".into(),
            class: "cpu".into(),
            memory: "ram".into(),
            lanes: 2,
            speed: 1e10,
            ..Default::default()
        }],
        links: vec![LinkSpec {
            name: "sata".into(),
            a: "ram".into(),
            b: "disk".into(),
            bytes_per_s: 5e8,
            latency_ns: 50_000,
            duplex: Duplex::Half,
            ..Default::default()
        }],
        homes: vec!["disk".into()],
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

fn run(workload: &Workload, budget_bytes: u64, scheduler: &str) -> Result<RunOutput, RunError> {
    let scheduler = schedulers::find(scheduler).unwrap().build_default(1);
    let folder = tempfile::tempdir().unwrap();
    let spec = spec(workload, &machine(budget_bytes), scheduler);
    let mut output =
        real_backend::run(RunSpec { disk_folder: Some(folder.path().to_owned()), ..spec })?;
    output.read_results().unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "no file is left behind");
    Ok(output)
}

/// Runs a workload with a budget of a quarter of its data: the bits must be those of in core.
fn assert_same_bits_in_a_quarter(workload: &Workload, schedulers: &[&str]) {
    let expected = in_core_result(workload);
    let bytes = workload.graph.summary().object_bytes;
    for scheduler in schedulers {
        let output = run(workload, bytes / 4, scheduler).unwrap();
        assert_eq!(validator::validate(&output.trace), [], "{scheduler}");
        let found = result(workload.app.as_ref().unwrap().as_ref(), &output);
        assert!(found == expected, "{scheduler}: other bits than in core");
        let copies = &output.trace.copies;
        let back: Vec<_> = copies.iter().filter(|c| c.reason == CopyReason::WriteBack).collect();
        assert!(!back.is_empty(), "{scheduler}: something had to go to make room");
        let graph = &workload.graph;
        let inputs = graph.object_ids().map(|o| graph.object(o)).filter(|o| o.initial);
        let input_bytes: u64 = inputs.map(|o| o.bytes).sum();
        let read: u64 = copies.iter().filter(|c| c.target.0 == 0).map(|c| c.bytes).sum();
        assert!(read >= input_bytes, "{scheduler}: everything was read at least once");
        let again = schedulers::find(scheduler).unwrap().build_default(1);
        let replayed = replay_inputs(&output.trace, again).unwrap();
        assert_eq!(replayed.digest, output.digest, "{scheduler}");
    }
}

#[test]
fn a_matrix_of_four_times_the_budget_is_factored_to_the_same_bits() {
    assert_same_bits_in_a_quarter(&cholesky(512, 64, 1), &["mct", "heft", "work-stealing"]);
    let left = [("variant", "left-looking")];
    let left = make("cholesky", &[("n", 300), ("tile", 64)], &left);
    assert_same_bits_in_a_quarter(&left, &["owner-computes"]);
}

#[test]
fn matrices_of_four_times_the_budget_are_multiplied_to_the_same_bits() {
    let counts = [("m", 384), ("n", 320), ("k", 300), ("tile", 64)];
    let tiled = make("gemm", &counts, &[]);
    assert_same_bits_in_a_quarter(&tiled, &["mct", "heft", "owner-computes"]);
    let grid = [("grid_rows", 2), ("grid_columns", 2), ("layers", 2)];
    let counts = [&counts[..], &grid[..]].concat();
    let summa = make("gemm", &counts, &[("algorithm", "summa")]);
    assert_same_bits_in_a_quarter(&summa, &["mct"]);
}

#[test]
fn other_matrices_of_four_times_the_budget_are_factored_and_solved_to_the_same_bits() {
    let qr = [("m", 400), ("n", 256), ("tile", 64), ("inner", 16)];
    assert_same_bits_in_a_quarter(&make("qr", &qr, &[]), &["mct", "heft"]);
    assert_same_bits_in_a_quarter(&make("qr", &qr, &[("tree", "binary")]), &["dmda"]);
    let lu = [("n", 512), ("tile", 32)];
    assert_same_bits_in_a_quarter(&make("lu", &lu, &[]), &["mct", "heft"]);
    let solve = [("n", 400), ("columns", 300), ("tile", 64)];
    assert_same_bits_in_a_quarter(&make("triangular-solve", &solve, &[]), &["mct", "heft"]);
}

#[test]
fn sparse_ones_too() {
    let factor = [("rows", 1728), ("leaf", 64), ("tile", 48)];
    assert_same_bits_in_a_quarter(&make("sparse-cholesky", &factor, &[]), &["mct", "heft"]);
    let gradients = [("rows", 10_000), ("block", 512), ("iterations", 5)];
    assert_same_bits_in_a_quarter(&make("conjugate-gradients", &gradients, &[]), &["mct", "heft"]);
}

#[test]
fn the_smallest_budget_ends_and_a_smaller_one_is_refused_with_its_numbers() {
    let workload = cholesky(256, 32, 1);
    let expected = in_core_result(&workload);
    let least_bytes = workload.graph.summary().max_working_set_bytes;
    assert_eq!(least_bytes, 3 * 8 * 32 * 32, "a gemm's three tiles");
    for budget_bytes in [least_bytes, least_bytes + least_bytes / 20] {
        for scheduler in ["mct", "heft", "random"] {
            let output = run(&workload, budget_bytes, scheduler).unwrap();
            assert_eq!(validator::validate(&output.trace), [], "{scheduler}");
            let found = result(workload.app.as_ref().unwrap().as_ref(), &output);
            assert!(found == expected, "{scheduler}, {budget_bytes} bytes: other bits");
            // No thrash to death: at worst every task fetches and writes back all it touches.
            let accesses: u64 =
                (workload.graph.task_ids()).map(|t| workload.graph.working_set_bytes(t)).sum();
            let moved: u64 = output.trace.copies.iter().map(|c| c.bytes).sum();
            assert!(moved <= 2 * accesses, "{scheduler}: {moved} bytes for {accesses}");
        }
    }
    let Err(RunError::Infeasible(why)) = run(&workload, least_bytes - 1, "mct") else {
        panic!("it cannot begin")
    };
    let Feasibility::TaskTooLarge { needed_bytes, available_bytes, ref memory, .. } = why else {
        panic!("{why}")
    };
    assert_eq!((needed_bytes, available_bytes), (least_bytes, least_bytes - 1));
    assert_eq!(memory, "ram");
}

#[test]
fn a_disk_that_cannot_be_is_refused_before_the_start() {
    let workload = cholesky(64, 32, 1);
    let mct = || schedulers::find("mct").unwrap().build_default(1);
    let mut on_disk = machine(1 << 20).spec().clone();
    on_disk.devices[0].memory = "disk".into();
    let on_disk = Arc::new(Cluster::new(on_disk).unwrap());
    let refused = real_backend::run(spec(&workload, &on_disk, mct())).unwrap_err();
    assert_eq!(refused.to_string(), "device \"cpu\" computes in \"disk\", which is a disk");
    let nowhere = Some("/no such folder".into());
    let plain = spec(&workload, &machine(1 << 20), mct());
    let refused = real_backend::run(RunSpec { disk_folder: nowhere, ..plain }).unwrap_err();
    let message = refused.to_string();
    assert!(
        message.starts_with("memory \"disk\" needs a file in /no such folder, which cannot be"),
        "{message}"
    );
}
