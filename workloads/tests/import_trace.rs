//! The project's own traces as workloads.

use flate2::{Compression, write::GzEncoder};
use runtime::cluster::{DeviceSpec, MemorySpec};
use runtime::graph::{Mode, ObjectSpec, TaskGraph, TaskSpec};
use runtime::trace::{InstanceId, TaskRecord, Trace, TraceHeader, write_trace};
use runtime::{ClusterSpec, Cost, DeviceId, LaneId, Ns, TaskId};
use std::io::Write;
use std::path::Path;
use workloads::import::{self, Format, ImportError, Options, TraceCosts, trace};

fn cluster() -> ClusterSpec {
    let device = |name: &str, class: &str, speed| DeviceSpec {
        name: name.to_owned(),
        class: class.to_owned(),
        memory: "m".to_owned(),
        lanes: 2,
        speed,
        ..DeviceSpec::default()
    };
    ClusterSpec {
        name: "two classes".to_owned(),
        memories: vec![MemorySpec { name: "m".to_owned(), ..MemorySpec::default() }],
        devices: vec![device("c0", "cpu", 1.0), device("c1", "cpu", 1.0), device("g0", "gpu", 4.0)],
        ..ClusterSpec::default()
    }
}

/// Four tasks over one object; `d` never ran, `b` was attempted twice.
fn recorded() -> Trace {
    let mut graph = TaskGraph::new("recorded");
    graph.set_columns(&["g0", "tpu"]);
    let kernel = graph.kernel("k");
    let table = graph.add_cost_row(&[7, 9]).unwrap();
    let object = graph.add_object(ObjectSpec { bytes: 64, ..ObjectSpec::default() }).unwrap();
    for (name, mode, cost) in [
        ("a", Mode::Write, Cost::Work(3.0)),
        ("b", Mode::ReadWrite, table),
        ("c", Mode::Read, Cost::Work(5.0)),
        ("d", Mode::Read, table),
    ] {
        let accesses = [(object, mode)];
        graph
            .submit(TaskSpec { name, cost, accesses: &accesses, ..TaskSpec::new(kernel) })
            .unwrap();
    }
    let record = |task, device, started_ns, finished_ns| TaskRecord {
        task: TaskId(task),
        device: DeviceId(device),
        lane: LaneId(device * 2),
        lanes: 1,
        ready_ns: 0,
        placed_ns: 0,
        reserved_ns: 0,
        data_ns: 0,
        locked_ns: 0,
        issued_ns: 0,
        started_ns,
        finished_ns,
        first_buffer: 0,
    };
    let tasks = vec![
        record(0, 1, 0, 1_000),
        record(1, 0, 1_000, 9_000),
        record(1, 2, 9_000, 9_500),
        record(2, 0, 9_500, 12_000),
    ];
    let task_buffers = vec![InstanceId(0); tasks.len()];
    let tasks = tasks
        .into_iter()
        .enumerate()
        .map(|(i, record)| TaskRecord { first_buffer: i as u32, ..record })
        .collect();
    Trace {
        header: TraceHeader { cluster: cluster(), ..TraceHeader::default() },
        graph,
        initial_tasks: 3,
        makespan_ns: 12_500,
        tasks,
        task_buffers,
        copies: Vec::new(),
        buffers: Vec::new(),
        thoughts: Vec::new(),
        inputs: Vec::new(),
        losses: Default::default(),
    }
}

fn text() -> Vec<u8> {
    let mut text = Vec::new();
    write_trace(&recorded(), &mut text).unwrap();
    text
}

#[test]
fn durations_become_a_table_by_class() {
    let imported = trace::read("t.jsonl", &text(), TraceCosts::Measured).unwrap();
    let graph = &imported.graph;
    assert_eq!(graph.columns(), ["cpu", "gpu", "g0", "tpu"]);
    let rows: Vec<Vec<Ns>> = graph
        .task_ids()
        .map(|t| match graph.task(t).cost {
            Cost::Table(row) => graph.cost_row(row).to_vec(),
            Cost::Work(_) => panic!("every task has a table"),
        })
        .collect();
    let none = Ns::MAX;
    assert_eq!(
        rows,
        [
            [1_000, none, none, none],
            [none, 500, none, none],
            [2_500, none, none, none],
            [none, none, 7, 9]
        ]
    );
    assert_eq!((graph.name(), graph.len(), graph.edge_count()), ("recorded", 4, 3));
    assert_eq!(imported.recorded.makespan_s, Some(12_500e-9));
    assert_eq!(imported.recorded.cluster, Some(cluster()));
    let notes = imported.notes.join("\n");
    assert!(notes.contains("1 tasks were submitted during the run"), "{notes}");
    assert!(notes.contains("1 tasks did not run; they keep their declared costs"), "{notes}");
}

#[test]
fn when_all_ran_the_columns_are_the_classes_alone() {
    let mut whole = recorded();
    let last = whole.tasks[3];
    whole.tasks.push(TaskRecord { task: TaskId(3), first_buffer: 4, ..last });
    whole.task_buffers.push(InstanceId(0));
    let mut text = Vec::new();
    write_trace(&whole, &mut text).unwrap();
    let graph = trace::read("t", &text, TraceCosts::Measured).unwrap().graph;
    assert_eq!(graph.columns(), ["cpu", "gpu"]);
}

#[test]
fn durations_become_work_by_the_speed_of_their_device() {
    let graph = trace::read("t", &text(), TraceCosts::Work).unwrap().graph;
    let costs: Vec<Cost> = graph.task_ids().map(|t| graph.task(t).cost).collect();
    assert_eq!(costs[..3], [1e-6, 2e-6, 2.5e-6].map(Cost::Work));
    assert_eq!(costs[3], Cost::Table(0));
}

#[test]
fn declared_costs_stay() {
    let graph = trace::read("t", &text(), TraceCosts::Declared).unwrap().graph;
    assert_eq!(graph.to_plain(), recorded().graph.to_plain());
}

#[test]
fn packed_and_plain_files_are_recognised() {
    let folder =
        std::env::temp_dir().join(format!("windtunnel-import-trace-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (plain, packed) = (folder.join("run.jsonl"), folder.join("run.jsonl.gz"));
    std::fs::write(&plain, text()).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&text()).unwrap();
    let gz = encoder.finish().unwrap();
    std::fs::write(&packed, &gz).unwrap();
    let graphs = [&plain, &packed].map(|path| {
        let imported = import::read(path, Options::default()).unwrap();
        assert_eq!(imported.format, Format::Trace);
        imported.graph.to_plain()
    });
    assert_eq!(graphs[0], graphs[1]);
    let error =
        import::read_bytes(Path::new("x.gz"), gz[..gz.len() / 2].to_vec(), Options::default());
    assert!(matches!(error.unwrap_err(), ImportError::Io { .. }));
    std::fs::remove_dir_all(&folder).unwrap();
    let error = import::read(&plain, Options::default()).unwrap_err();
    assert!(matches!(&error, ImportError::Io { .. }), "{error}");
    assert!(error.to_string().starts_with(&plain.display().to_string()), "{error}");
}

#[test]
fn damaged_traces_are_named() {
    let text = String::from_utf8(text()).unwrap();
    let fault = |text: &str| {
        trace::read("t", text.as_bytes(), TraceCosts::Measured).unwrap_err().to_string()
    };
    let newer = text.replace("\"windtunnel_trace\":1", "\"windtunnel_trace\":99");
    assert_eq!(fault(&newer), "t: the trace has version 99, this program reads up to 1");
    let cut: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    assert!(fault(&cut).starts_with("t: the trace is truncated: line 3"), "{}", fault(&cut));
    assert!(fault("{}\n").starts_with("t: line 1 is not the header"), "{}", fault("{}\n"));
    let backwards = text.replace(
        "\"started_ns\":9500,\"finished_ns\":12000",
        "\"started_ns\":9500,\"finished_ns\":12",
    );
    assert!(fault(&backwards).contains("ends before it starts"), "{}", fault(&backwards));
}

#[test]
fn the_committed_traces_are_workloads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".jsonl.gz") {
            continue;
        }
        let imported = import::read(&path, Options::default()).unwrap();
        let graph = &imported.graph;
        assert_eq!(imported.format, Format::Trace, "{}", path.display());
        assert!(graph.len() > 10 && graph.edge_count() > 10, "{}", path.display());
        // Every task ran, on one class, for a while.
        for task in graph.task_ids() {
            let Cost::Table(row) = graph.task(task).cost else { panic!("measured") };
            let durations = graph.cost_row(row).iter().filter(|ns| **ns != Ns::MAX);
            assert_eq!(durations.filter(|ns| **ns < 60_000_000_000).count(), 1);
        }
        assert!(imported.recorded.makespan_s.is_some_and(|seconds| seconds > 0.0));
        count += 1;
    }
    assert!(count >= 3, "{count} traces");
}
