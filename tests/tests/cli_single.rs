//! The commands about one run: schedule, record, replay, trace, import, list, doctor.

mod cli_support;

use cli_support::{Bench, root};
use serde_json::Value;
use std::path::Path;

const LAYERED: &str = "layered:{tasks: 60, ccr: 0.5}";

#[test]
fn schedule_tells_every_task_and_transfer() {
    let bench = Bench::new();
    let arguments =
        ["schedule", "--workload", LAYERED, "--cluster", "star", "--scheduler", "heft", "--json"];
    let answer = bench.fine(&arguments);
    let json: Value = serde_json::from_str(&answer.out).unwrap();
    let tasks = json["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 60);
    let ends = tasks.iter().map(|t| t["end_ns"].as_u64().unwrap());
    assert!(ends.max() <= json["makespan_ns"].as_u64());
    assert!(json["makespan_ns"].as_u64() >= json["bound_ns"].as_u64());
    assert!(tasks.iter().all(|t| t["device"].as_str().unwrap().starts_with("node")));
    assert!(json["transfers"].as_array().is_some_and(|t| !t.is_empty()));
    assert_eq!(bench.fine(&arguments).out, answer.out);

    let mut other_seed = arguments.to_vec();
    other_seed.extend(["--seed", "2"]);
    assert_ne!(bench.fine(&other_seed).out, answer.out);
}

#[test]
fn settings_change_a_run_and_wrong_ones_are_refused() {
    let bench = Bench::new();
    let run = |set: &str| {
        let mut arguments = vec!["schedule", "--workload", LAYERED, "--cluster", "hetero"];
        arguments.extend(["--scheduler", "mct", "--json", "--set", set]);
        bench.run(&arguments)
    };
    let makespan = |set: &str| {
        let answer = run(set);
        assert_eq!(answer.code, 0, "{answer:?}");
        serde_json::from_str::<Value>(&answer.out).unwrap()["makespan_ns"].as_u64().unwrap()
    };
    assert_eq!(makespan("noise=0"), makespan("bandwidth=1"));
    assert_ne!(makespan("noise=0.5"), makespan("noise=0"));
    assert!(makespan("bandwidth=0.001") > makespan("bandwidth=1"));
    assert!(makespan("thinking=50 ms") > makespan("thinking=free"));
    assert!(makespan("network=contention-free") <= makespan("network=max-min"));
    assert!(makespan("link_faults=1") > makespan("link_faults=0"));
    for (set, complaint) in [
        ("nois=0", "did you mean `noise`?"),
        ("noise=-1", "expected a number of at least 0"),
        ("noise", "AXIS=VALUE"),
        ("memory=0 B", "a size above 0"),
        ("link_factor=1.5", "a number from 0 to 1"),
    ] {
        let answer = run(set);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains(complaint), "{answer:?}");
    }
}

#[test]
fn arguments_are_told_like_files() {
    let bench = Bench::new();
    let run = |workload: &str, cluster: &str, scheduler: &str| {
        let mut arguments = vec!["schedule", "--workload", workload, "--cluster", cluster];
        arguments.extend(["--scheduler", scheduler]);
        bench.run(&arguments)
    };
    assert_eq!(run("layered:{tasks:30}", "star:{nodes:2,cores:1}", "heft").code, 0);
    for (answer, complaint) in [
        (run("layred", "star", "heft"), "did you mean `layered`?"),
        (run("layered", "star:{nods: 3}", "heft"), "did you mean `nodes`?"),
        (run("layered", "star", "hft"), "did you mean `heft`?"),
        (run("layered:{tasks: [1, 2]}", "star", "heft"), "a single one is expected"),
        (run("no/such/file.json", "star", "heft"), "there is no file"),
    ] {
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains(complaint), "{answer:?}");
    }
}

#[test]
fn a_real_run_is_recorded_replayed_and_verified() {
    let bench = Bench::new();
    let workload = "cholesky:{n: 256, tile: 64}";
    bench.fine(&["record", "--workload", workload, "--scheduler", "mct", "-o", "run.jsonl.gz"]);
    let answer = bench.fine(&["replay", "run.jsonl.gz"]);
    assert!(answer.out.contains("(measured, mct)"), "{answer:?}");
    bench.fine(&["replay", "run.jsonl.gz", "--scheduler", "heft", "--trace", "predicted.jsonl"]);
    let answer = bench.fine(&["replay", "run.jsonl.gz", "--verify"]);
    assert!(answer.out.starts_with("the same to the last nanosecond: "), "{answer:?}");
    let predicted = bench.read("predicted.jsonl");
    assert!(predicted.starts_with("{\"windtunnel_trace\":1"), "{predicted}");

    // A recorded run is a workload.
    bench.write(
        "again.yaml",
        "{workloads: [trace: run.jsonl.gz], clusters: [host, hetero], schedulers: [heft]}",
    );
    bench.fine(&["run", "again.yaml", "--out", "again"]);
    assert_eq!(bench.records("again")[0]["key"]["workload"], "run");
}

#[test]
fn damaged_traces_are_bad_input() {
    let bench = Bench::new();
    let mut arguments = vec!["schedule", "--workload", LAYERED, "--cluster", "star"];
    arguments.extend(["--scheduler", "heft", "--trace", "run.jsonl"]);
    bench.fine(&arguments);
    let whole = bench.read("run.jsonl");
    bench.write("torn.jsonl", &whole[..whole.len() / 2]);
    bench.write(
        "newer.jsonl",
        whole.replacen("\"windtunnel_trace\":1", "\"windtunnel_trace\":9", 1),
    );
    bench.write("foreign.jsonl", "{\"hello\": 1}\n");
    for (file, complaint) in [
        ("torn.jsonl", "truncated"),
        ("newer.jsonl", "has version 9"),
        ("foreign.jsonl", "not the header of a windtunnel trace"),
        ("missing.jsonl", "No such file"),
    ] {
        for command in ["trace", "replay"] {
            let answer = bench.run(&[command, file]);
            assert_eq!(answer.code, 2, "{answer:?}");
            assert!(answer.err.contains(complaint), "{answer:?}");
        }
    }
}

#[test]
fn traces_become_chrome_events() {
    let bench = Bench::new();
    let mut arguments = vec!["schedule", "--workload", LAYERED, "--cluster", "star"];
    arguments.extend(["--scheduler", "heft", "--trace", "run.jsonl.gz"]);
    bench.fine(&arguments);
    bench.fine(&["trace", "run.jsonl.gz", "-o", "chrome.json"]);
    let json: Value = serde_json::from_str(&bench.read("chrome.json")).unwrap();
    let events = json["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|e| e["ph"] == phase).count();
    assert_eq!(of("X"), 60);
    assert_eq!(of("b"), of("e"));
    assert!(of("b") > 0 && of("M") > 4);
}

#[test]
fn foreign_graphs_are_imported_and_run() {
    let bench = Bench::new();
    bench.write("graph.dot", "digraph { a -> b; a -> c; b -> d; c -> d }");
    let answer = bench.fine(&["import", "graph.dot", "-o", "graph.json"]);
    assert!(answer.out.contains("DOT file"), "{answer:?}");
    let arguments =
        ["schedule", "--workload", "graph.json", "--cluster", "star", "--scheduler", "heft"];
    let answer = bench.fine(&arguments);
    let words: Vec<&str> = answer.out.split_whitespace().collect();
    assert!(words.windows(2).any(|w| w == ["tasks", "4"]), "{answer:?}");
    bench.write("circle.dot", "digraph { a -> b; b -> a }");
    let answer = bench.run(&["import", "circle.dot"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("a -> b"), "the cycle is shown: {answer:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "says that it skipped")]
fn recorded_workflows_are_imported() {
    let folder = root().join("../shared/data/wfinstances");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("skipped: no shared data at {}", folder.display());
        return;
    };
    let bench = Bench::new();
    let mut files: Vec<_> = files.flatten().map(|f| f.path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "json"));
    assert!(!files.is_empty());
    for file in files {
        let path = file.to_str().unwrap();
        let answer = bench.fine(&["import", path, "-o", "graph.json"]);
        assert!(answer.out.contains("WfFormat file"), "{answer:?}");
        let arguments =
            ["schedule", "--workload", "graph.json", "--cluster", "star", "--scheduler", "mct"];
        bench.fine(&arguments);
    }
}

#[test]
fn lists_name_everything_that_is_registered() {
    let bench = Bench::new();
    let first_words = |what: &str| -> Vec<String> {
        let text = bench.fine(&["list", what]).out;
        text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let listed = first_words("schedulers");
    assert!(schedulers::all().iter().all(|s| listed.contains(&s.name.to_owned())));
    assert!(listed.contains(&"panics".to_owned()), "a program's own scheduler: {listed:?}");
    let listed = first_words("workloads");
    assert!(workloads::registry::all().iter().all(|w| listed.contains(&w.name.to_owned())));
    assert!(first_words("clusters").contains(&"host".to_owned()));
    let full = bench.fine(&["list", "workloads", "--parameters"]).out;
    assert!(full.contains("  tasks: "), "{full}");
    assert!(full.lines().all(|line| line.chars().count() <= 100 || !line.starts_with("   ")));
}

#[test]
fn doctor_tells_what_there_is() {
    let answer = Bench::new().fine(&["doctor"]);
    for word in ["processor", "cores", "memory", "pinning", "clock"] {
        assert!(answer.out.contains(word), "{answer:?}");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "says that it skipped")]
fn a_full_disk_is_named_and_a_device_is_written_to_not_replaced() {
    if !Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let bench = Bench::new();
    let schedule =
        ["schedule", "--workload", "fork-join", "--cluster", "star", "--scheduler", "mct"];
    for output in ["/dev/full", "link"] {
        if output == "link" {
            std::os::unix::fs::symlink("/dev/full", bench.path("link")).unwrap();
        }
        let answer = bench.run(&[schedule.as_slice(), &["--trace", output]].concat());
        assert_eq!(answer.code, 2, "{answer:#?}");
        assert!(answer.err.contains("the disk is full"), "{answer:#?}");
        assert!(!std::fs::metadata(bench.path(output)).unwrap().is_file(), "{output}");
    }
}
