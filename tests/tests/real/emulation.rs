//! Sixteen devices in four nodes, on however many cores there are.

use crate::support::{cholesky, in_core_result, make, result, spec};
use real_backend::RunSpec;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec, SwitchSpec};
use runtime::trace::CopyReason;
use runtime::{Cluster, validator};
use sim::Wire;
use std::sync::Arc;
use workloads::Workload;

const DEVICES: usize = 16;
const NODES: usize = 4;
/// A tile of 32 x 32.
const TILE_BYTES: u64 = 8 * 32 * 32;

/// Devices with a memory each, four at the switch of a node, the nodes around one switch. Every
/// memory is home to the tiles of its place in a grid of 16, and holds so many tiles at once.
fn machine(tiles: u64) -> Arc<Cluster> {
    let link = |name: String, a: String, b: &str, bytes_per_s, latency_ns| LinkSpec {
        name,
        a,
        b: b.to_owned(),
        bytes_per_s,
        latency_ns,
        ..Default::default()
    };
    let node = |n: usize| format!("node{n}");
    let memory = |i: usize| format!("m{i}");
    let inner =
        (0..DEVICES).map(|i| link(format!("bus{i}"), memory(i), &node(i % NODES), 500e6, 5_000));
    let outer = (0..NODES).map(|n| link(format!("net{n}"), node(n), "switch", 100e6, 20_000));
    let spec = ClusterSpec {
        name: "four nodes".into(),
        memories: (0..DEVICES)
            .map(|i| MemorySpec {
                name: memory(i),
                capacity_bytes: Some(tiles * TILE_BYTES),
                copies_in: Some(2),
                ..Default::default()
            })
            .collect(),
        devices: (0..DEVICES)
            .map(|i| DeviceSpec {
                name: format!("d{i}"),
                class: "cpu".into(),
                memory: memory(i),
                lanes: 1,
                // A gemm of 32 x 32 takes half a millisecond or, on every other one, a quarter.
                speed: 131e6 * (1 + i % 2) as f64,
                issue_ns: 10_000,
                ..Default::default()
            })
            .collect(),
        switches: (0..NODES)
            .map(node)
            .chain(["switch".to_owned()])
            .map(|name| SwitchSpec { name, bytes_per_s: None })
            .collect(),
        links: inner.chain(outer).collect(),
        homes: (0..DEVICES).map(memory).collect(),
        ..Default::default()
    };
    Arc::new(Cluster::new(spec).unwrap())
}

/// Runs a workload on the machine under several schedulers: the bits must be those of one core, and
/// the owners must need no copy to bring results home.
fn assert_same_bits(workload: &Workload, tiles: u64, others: &[&str]) {
    let (cluster, expected) = (machine(tiles), in_core_result(workload));
    for name in ["owner-computes"].iter().chain(others) {
        let emulation = Some(Box::new(Wire::new(Arc::clone(&cluster))) as Box<_>);
        let scheduler = schedulers::find(name).unwrap().build_default(1);
        let spec = RunSpec { emulation, ..spec(workload, &cluster, scheduler) };
        let truth = spec.truth.clone();
        let output = real_backend::run(spec).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(validator::validate(&output.trace), [], "{name}");
        let found = result(workload.app.as_ref().unwrap().as_ref(), &output);
        assert!(found == expected, "{name}: other bits than in core");
        for task in &output.trace.tasks {
            let modelled_ns = truth.duration_ns(task.task, task.device).unwrap();
            assert!(task.finished_ns - task.started_ns >= modelled_ns, "{name}: {task:?}");
        }
        let results = output.trace.copies.iter().filter(|c| c.reason == CopyReason::Result);
        if *name == "owner-computes" {
            assert_eq!(results.count(), 0, "everything is computed at home");
            assert!(!output.trace.copies.is_empty());
        } else {
            assert!(results.count() > 0, "{name}: results come home");
        }
    }
}

#[test]
fn a_factorisation_is_the_same_on_sixteen_devices_as_on_one_core() {
    // Each memory holds its own tiles and the working set of a task, and little more.
    assert_same_bits(&cholesky(256, 32, 4), 9, &["heft", "mct", "random"]);
}

#[test]
fn a_factorisation_over_a_grid_of_two_layers_is_the_same() {
    let counts = [("n", 256), ("tile", 32), ("grid_rows", 4), ("grid_columns", 2), ("layers", 2)];
    let workload = make("cholesky", &counts, &[]);
    assert_same_bits(&workload, 16, &["mct"]);
}

#[test]
fn products_over_grids_are_the_same_on_sixteen_devices_as_on_one_core() {
    let order = [("m", 192), ("n", 192), ("k", 192), ("tile", 32)];
    let grid = |rows, columns, layers| {
        let grid = [("grid_rows", rows), ("grid_columns", columns), ("layers", layers)];
        [&order[..], &grid[..]].concat()
    };
    for (counts, words) in [
        (grid(4, 4, 1), &[("algorithm", "tiled"), ("distribution", "block")][..]),
        (grid(4, 4, 1), &[("algorithm", "summa"), ("broadcast", "ring")][..]),
        (grid(4, 4, 1), &[("algorithm", "tiled"), ("distribution", "row-cyclic")][..]),
        (grid(2, 4, 2), &[("algorithm", "summa"), ("broadcast", "binomial")][..]),
        (grid(2, 2, 4), &[("algorithm", "tiled")][..]),
    ] {
        assert_same_bits(&make("gemm", &counts, words), 40, &[]);
    }
}

#[test]
fn other_factorisations_are_the_same_on_sixteen_devices_as_on_one_core() {
    // By columns, so that what a task writes is at home in one place.
    let words = [("distribution", "column-cyclic")];
    let grid = [("n", 192), ("tile", 32), ("grid_rows", 4), ("grid_columns", 4)];
    assert_same_bits(&make("lu", &grid, &words), 80, &["mct"]);
    let rows = [&grid[..], &[("m", 256), ("inner", 8)]].concat();
    for tree in ["flat", "binary"] {
        let words = [words[0], ("tree", tree)];
        assert_same_bits(&make("qr", &rows, &words), 80, &["mct"]);
    }
    let columns = [&grid[..], &[("columns", 160)]].concat();
    assert_same_bits(&make("triangular-solve", &columns, &[]), 80, &["mct"]);
}
