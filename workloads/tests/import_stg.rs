//! STG: the files of the Standard Task Graph set against their proved optima, and small ones.

#![allow(clippy::print_stderr, reason = "a test that has no data to run on says so")]

use runtime::bounds::{BoundKind, area, critical_path};
use runtime::cluster::{DeviceSpec, MemorySpec, NetworkModel};
use runtime::{Cluster, ClusterSpec, Cost, Costs, TaskId};
use std::path::{Path, PathBuf};
use workloads::import::{self, Format, Options, stg};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/oracles/stg")
}

/// Identical processors that share one memory: communication is free.
fn processors(count: u32) -> Cluster {
    Cluster::new(ClusterSpec {
        name: "identical".to_owned(),
        memories: vec![MemorySpec { name: "m".to_owned(), ..MemorySpec::default() }],
        devices: vec![DeviceSpec {
            name: "d".to_owned(),
            class: "cpu".to_owned(),
            memory: "m".to_owned(),
            lanes: count,
            speed: 1.0,
            ..DeviceSpec::default()
        }],
        network: NetworkModel::ContentionFree,
        ..ClusterSpec::default()
    })
    .unwrap()
}

#[test]
fn no_bound_exceeds_a_proved_optimum() {
    let Ok(table) = std::fs::read_to_string(folder().join("optimal.csv")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let (mut files, mut tight) = (std::collections::BTreeSet::new(), 0);
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let path = folder().join(Path::new(cells[column("file")]).file_name().unwrap());
        let imported = import::read(&path, Options::default()).unwrap();
        assert_eq!(imported.format, Format::Stg);
        let graph = imported.graph;
        assert_eq!(graph.name(), path.file_stem().unwrap().to_str().unwrap());
        assert_eq!(graph.len(), cells[column("tasks")].parse::<usize>().unwrap() + 2);
        let cluster = processors(cells[column("processors")].parse().unwrap());
        let costs = Costs::resolve(&graph, &cluster, None).unwrap();
        let critical = critical_path(&graph, &costs);
        assert_eq!(critical.kind, BoundKind::CriticalPath);
        let seconds = |text: &str| text.parse::<u64>().unwrap() * 1_000_000_000;
        assert_eq!(critical.makespan_ns, seconds(cells[column("critical_path")]), "{line}");
        // One optimum of the set is not proved.
        if !cells[column("trusted_optimum")].is_empty() {
            let optimum_ns = seconds(cells[column("trusted_optimum")]);
            let bound_ns = critical.makespan_ns.max(area(&graph, &cluster, &costs).makespan_ns);
            assert!(bound_ns <= optimum_ns, "{line}: {bound_ns}");
            tight += usize::from(bound_ns + 1_000_000_000 > optimum_ns);
        }
        files.insert(path);
    }
    assert_eq!(files.len(), 12);
    assert!(tight > 30, "the bounds are near few optima: {tight}");
}

#[test]
fn a_small_graph_arrives_whole() {
    let text = "# a comment\n 2\n 0 0 0\n 1 7 1 0 # why\n 2 9 1 0\n 3 0 2 1 2\n# the end";
    let graph = stg::read("s.stg", text).unwrap().graph;
    assert_eq!(graph.len(), 4);
    let work: Vec<Cost> = graph.task_ids().map(|t| graph.task(t).cost).collect();
    assert_eq!(work, [0.0, 7.0, 9.0, 0.0].map(Cost::Work));
    assert_eq!(graph.predecessors(TaskId(3)).map(|t| t.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((graph.task_name(TaskId(2)), graph.object_count()), ("2".to_owned(), 0));
}

#[test]
fn mistakes_are_answered_with_their_place() {
    let good = "1\n0 0 0\n1 7 1 0\n2 0 1 1\n";
    assert!(stg::read("s", good).is_ok());
    for (from, to, expected) in [
        (
            "1 7 1 0",
            "1 -7 1 0",
            "s:3:3: not a valid STG file: \"-7\", expected a processing time, a whole number below 2^32",
        ),
        ("1 7 1 0", "1 7 1 5", "s:3:7: task \"1\" names task \"5\", which does not exist"),
        (
            "1 7 1 0",
            "9 7 1 0",
            "s:3:1: not a valid STG file: task 9, expected task 1: tasks are numbered from 0",
        ),
        (
            "1 7 1 0",
            "1 nan 1 0",
            "s:3:3: not a valid STG file: \"nan\", expected a processing time",
        ),
        ("1 7 1 0", "1 7 1 2", "s:3:1: the tasks wait for each other: 1 -> 2 -> 1"),
        ("1 7 1 0", "1 7 1 1", "s:3:1: the tasks wait for each other: 1 -> 1"),
        (
            "2 0 1 1\n",
            "2 0 1",
            "s:4:6: not a valid STG file: the text ends too early: expected a predecessor",
        ),
        (
            "1\n0",
            "99999999999\n0",
            "s:1:1: not a valid STG file: \"99999999999\", expected the number of tasks",
        ),
        ("1\n0", "4294967295\n0", "the text ends too early: expected the number of a task"),
        (
            "2 0 1 1\n",
            "2 0 1 1\n\n 8",
            "s:6:2: not a valid STG file: \"8\" after the last of 1 + 2 tasks",
        ),
    ] {
        assert!(good.contains(from));
        let error = stg::read("s", &good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(
            error.contains(expected),
            "for {to:?}\n  expected: {expected}\n  answered: {error}"
        );
    }
    assert_eq!(stg::read("s", "\n").unwrap_err().to_string(), "s: the file is empty");
}
