//! `windtunnel run`: the same bytes on any number of threads, resumed runs, failing cells, and
//! directories that must not be touched.

mod cli_support;

use cli_support::Bench;
use std::fs::File;
use std::time::{Duration, Instant};

const SMALL: &str = "
workloads:
  - cholesky: {n: 512, tile: 128}
  - layered: {tasks: [40, 80], ccr: 0.5}
clusters: [star, hetero]
schedulers: [heft, mct, first-fit]
seeds: [3, 4]
vary:
  noise: [0, 0.2]
thinking: {fixed: 1 us}
keep_traces: all
";

#[test]
fn the_same_seeds_give_the_same_bytes_on_any_number_of_threads() {
    let bench = Bench::new();
    bench.write("small.yaml", SMALL);
    for jobs in ["1", "2", "8"] {
        bench.fine(&["run", "small.yaml", "--out", jobs, "--jobs", jobs]);
    }
    let one = bench.read("1/records.jsonl");
    assert_eq!(one.lines().count(), 3 * 2 * 3 * 2 * 2);
    for jobs in ["2", "8"] {
        assert_eq!(bench.read(&format!("{jobs}/records.jsonl")), one);
        for record in bench.records(jobs) {
            let trace = format!("traces/{}.jsonl.gz", record["id"].as_str().unwrap());
            let [a, b] =
                ["1", jobs].map(|run| std::fs::read(bench.path(run).join(&trace)).unwrap());
            assert!(a == b, "{trace} differs between 1 and {jobs} threads");
        }
    }
}

/// `scripts/check-digest` compares the same digest in the release build.
#[test]
fn what_is_simulated_is_the_same_in_every_build_and_on_any_number_of_threads() {
    let bench = Bench::new();
    let folder = cli_support::root().join("tests/pinned");
    let (spec, pinned) = (folder.join("pinned.yaml"), folder.join("digest"));
    let digest = |jobs: &str| {
        let spec = spec.to_str().unwrap();
        let answer = bench.fine(&["run", spec, "--out", jobs, "--jobs", jobs, "--quiet"]);
        let line = answer.out.lines().find(|l| l.starts_with("digest of the ")).unwrap().to_owned();
        line + "\n"
    };
    let one = digest("1");
    if std::env::var_os("UPDATE_DIGEST").is_some() {
        std::fs::write(&pinned, &one).unwrap();
    }
    let pinned = std::fs::read_to_string(pinned).unwrap();
    for (jobs, line) in [("1", one), ("2", digest("2")), ("8", digest("8"))] {
        assert_eq!(line, pinned, "{jobs} threads; tests/pinned/pinned.yaml says what to do");
    }
}

#[test]
fn links_fail_as_the_experiment_says_and_only_links_that_there_are() {
    let bench = Bench::new();
    // Two nodes and nothing but one link, of 1 GB/s.
    let run = |name: &str, faults: &str| {
        let file = format!("{name}.yaml");
        let text = format!(
            "workloads: [{{cholesky: {{n: 512, tile: 128}}}}]\nclusters:\n  - inline: {{{}}}\nschedulers: [mct]\n{faults}\n",
            "name: pair, memories: [{name: a}, {name: b}], devices: [{name: slow, class: cpu, memory: a, \
             lanes: 1, speed: 1000000000}, {name: fast, class: cpu, memory: b, lanes: 1, \
             speed: 1000000000000}], \
             links: [{name: wire, a: a, b: b, bandwidth: 1 GB/s}]"
        );
        bench.write(&file, text);
        bench.run(&["run", &file, "--out", name, "--quiet"])
    };
    let makespan = |name: &str| bench.records(name)[0]["outcome"]["Ok"]["makespan_ns"].as_u64();
    assert_eq!(run("calm", "").code, 0);
    assert_eq!(
        run("slow", "link_faults: {list: [{link: wire, from: 1 ns, factor: 0.01}]}").code,
        0
    );
    assert!(makespan("slow") > makespan("calm"));
    let answer = run("lost", "link_faults: {list: [{link: wire, from: 1 ns}]}");
    assert_eq!(answer.code, 3, "{answer:?}");
    let error = bench.records("lost")[0]["outcome"]["Err"]["message"].to_string();
    assert!(error.contains("wire") && error.contains("cannot be brought from memory"), "{error}");
    let answer = run("typo", "link_faults: {list: [{link: wier, from: 1 ns}]}");
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("no cluster has a link `wier`"), "{answer:?}");
    assert!(answer.err.contains("did you mean `wire`?"), "{answer:?}");
}

#[test]
fn a_run_goes_on_where_it_was_torn() {
    let bench = Bench::new();
    bench.write("small.yaml", SMALL);
    bench.fine(&["run", "small.yaml", "--out", "run", "--quiet"]);
    let whole = bench.read("run/records.jsonl");
    // Thirty lines and the first half of another one are left.
    let kept: usize = whole.split_inclusive('\n').take(30).map(str::len).sum();
    bench.write("run/records.jsonl", &whole[..kept + 100]);
    let answer = bench.fine(&["run", "small.yaml", "--out", "run", "--quiet"]);
    assert!(answer.out.contains("72 cells, 30 of them from an earlier run"), "{answer:?}");
    assert_eq!(bench.read("run/records.jsonl"), whole);
}

#[test]
fn a_killed_run_keeps_what_it_finished() {
    let bench = Bench::new();
    let spec = SMALL.replace("[40, 80]", "[300, 400]");
    bench.write("small.yaml", &spec);
    let mut child = bench.command(&["run", "small.yaml", "--out", "run", "--jobs", "1"]);
    let mut child = child.stderr(std::process::Stdio::null()).spawn().unwrap();
    let records = bench.path("run/records.jsonl");
    let lines = || std::fs::read_to_string(&records).map_or(0, |text| text.lines().count());
    let began = Instant::now();
    while lines() < 5 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines() >= 5);
    bench.fine(&["run", "small.yaml", "--out", "run", "--quiet"]);
    bench.fine(&["run", "small.yaml", "--out", "fresh", "--quiet"]);
    assert_eq!(bench.read("run/records.jsonl"), bench.read("fresh/records.jsonl"));
}

const FAILING: &str = "
workloads: [layered: {tasks: 20}]
clusters: [star]
schedulers: [panics, idles, heft]
";

#[test]
fn failing_cells_are_isolated_and_can_be_replayed() {
    let bench = Bench::new();
    bench.write("failing.yaml", FAILING);
    let answer = bench.run(&["run", "failing.yaml", "--out", "run"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    let records = bench.records("run");
    let kind = |i: usize| records[i]["outcome"]["Err"]["kind"].as_str();
    assert_eq!([kind(0), kind(1), kind(2)], [Some("panicked"), Some("stalled"), None]);
    let message = records[0]["outcome"]["Err"]["message"].as_str().unwrap();
    assert!(message.contains("this scheduler <b>always</b> panics"), "{message}");
    assert!(!answer.err.contains("always"), "the panic stays off the terminal: {answer:?}");

    let replay = records[0]["replay"].as_str().unwrap();
    let words: Vec<&str> = replay.split(' ').skip(1).collect();
    let answer = bench.run(&words);
    assert_eq!(answer.code, 3);
    assert!(answer.err.contains("panicked"), "{answer:?}");
    let replay = records[2]["replay"].as_str().unwrap();
    let mut words: Vec<&str> = replay.split(' ').skip(1).collect();
    words.push("--json");
    let replayed: serde_json::Value = serde_json::from_str(&bench.fine(&words).out).unwrap();
    assert_eq!(replayed["digest"], records[2]["outcome"]["Ok"]["digest"]);

    // A resumed run keeps failures, unless it is told to try them again.
    let before = bench.read("run/wall.jsonl");
    assert_eq!(bench.run(&["run", "failing.yaml", "--out", "run"]).code, 3);
    assert_eq!(bench.read("run/wall.jsonl"), before);
    assert_eq!(bench.run(&["run", "failing.yaml", "--out", "run", "--retry-failed"]).code, 3);
    assert_ne!(bench.read("run/wall.jsonl"), before);
}

#[test]
fn a_cell_that_takes_too_long_is_ended() {
    let bench = Bench::new();
    bench.write(
        "slow.yaml",
        "{workloads: [layered], clusters: [star], schedulers: [dawdles], timeout: 30 ms}",
    );
    assert_eq!(bench.run(&["run", "slow.yaml", "--out", "run"]).code, 3);
    assert_eq!(bench.records("run")[0]["outcome"]["Err"]["kind"], "timed-out");
}

#[test]
fn another_experiment_is_left_alone() {
    let bench = Bench::new();
    bench.write("small.yaml", FAILING.replace("panics, idles, ", ""));
    bench.fine(&["run", "small.yaml", "--out", "run"]);
    let before = bench.read("run/records.jsonl");
    // What only lays out the file differently is the same experiment.
    bench.write(
        "same.yaml",
        "# other\n{workloads: [layered: {tasks: 20}], clusters: [star], schedulers: [heft]}",
    );
    bench.fine(&["run", "same.yaml", "--out", "run"]);

    bench.write("other.yaml", FAILING.replace("panics, idles, heft", "mct"));
    let answer = bench.run(&["run", "other.yaml", "--out", "run"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("holds the results of another experiment (same)"), "{answer:?}");
    bench.write("wrong.yaml", FAILING.replace("star", "stra"));
    assert_eq!(bench.run(&["run", "wrong.yaml", "--out", "run", "--fresh"]).code, 2);
    assert_eq!(bench.read("run/records.jsonl"), before);

    bench.fine(&["run", "other.yaml", "--out", "run", "--fresh"]);
    assert_eq!(bench.records("run")[0]["key"]["scheduler"], "mct");
}

#[test]
fn folders_that_hold_something_else_are_refused() {
    let bench = Bench::new();
    bench.write("small.yaml", SMALL);
    std::fs::create_dir(bench.path("photos")).unwrap();
    bench.write("photos/holiday.jpg", "x");
    for arguments in [
        &["run", "small.yaml", "--out", "photos"][..],
        &["run", "small.yaml", "--out", "photos", "--fresh"],
    ] {
        let answer = bench.run(arguments);
        assert_eq!(answer.code, 2);
        assert!(answer.err.contains("not a run directory"), "{answer:?}");
    }
    assert_eq!(std::fs::read_dir(bench.path("photos")).unwrap().count(), 1);
    // A file where the folder should be.
    assert_eq!(bench.run(&["run", "small.yaml", "--out", "small.yaml"]).code, 2);
}

#[test]
fn a_directory_is_written_by_one_run_at_a_time() {
    let bench = Bench::new();
    bench.write("small.yaml", SMALL);
    std::fs::create_dir(bench.path("run")).unwrap();
    let lock = File::create(bench.path("run/.lock")).unwrap();
    lock.lock().unwrap();
    let answer = bench.run(&["run", "small.yaml", "--out", "run"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("another windtunnel"), "{answer:?}");
}

#[test]
fn a_newer_or_damaged_directory_is_told_as_such() {
    let bench = Bench::new();
    bench.write("small.yaml", FAILING.replace("panics, idles, ", ""));
    bench.fine(&["run", "small.yaml", "--out", "run"]);
    let manifest = bench.read("run/manifest.json");
    bench.write(
        "run/manifest.json",
        manifest.replace("\"windtunnel_run\": 1", "\"windtunnel_run\": 99"),
    );
    let answer = bench.run(&["run", "small.yaml", "--out", "run"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("has version 99"), "{answer:?}");
    bench.write("run/manifest.json", manifest);
    bench.write("run/records.jsonl", "nonsense\n{}\n");
    let answer = bench.run(&["run", "small.yaml", "--out", "run"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("records.jsonl, line 1"), "{answer:?}");
}

#[test]
fn unknown_cells_are_refused() {
    let bench = Bench::new();
    bench.write("small.yaml", SMALL);
    let answer = bench.run(&["run", "small.yaml", "--cell", "0123"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("none of the 72 cells"), "{answer:?}");
}
