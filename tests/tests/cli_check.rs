//! `windtunnel check`: every mistake of a file at once, with its place, and nothing executed.

mod cli_support;

use cli_support::{Bench, root};

/// What `check` says about a file, without the lists of everything that is registered, which grow.
fn complaints(bench: &Bench, file: &str) -> String {
    let answer = bench.run(&["check", file]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert_eq!(answer.out, "");
    let mut text = String::new();
    let mut is_in_list = false;
    for line in answer.err.lines() {
        is_in_list = match is_in_list {
            true => line.starts_with("        "),
            false => {
                let names = ["heft", "cholesky", "noise, failures", "host, star"];
                line.trim_start().starts_with("help: expected one of")
                    && names.iter().any(|name| line.contains(name))
            }
        };
        if !is_in_list {
            text += line;
            text += "\n";
        }
    }
    text
}

#[test]
fn all_the_mistakes_of_a_file_are_told_at_once() {
    let bench = Bench::new();
    bench.write(
        "many.yaml",
        "\
name: many
workloads:
  - cholesky: {tyle: 128, n: -4}
  - layerd
  - file: nowhere.json
  - layered: {task_time: 5 parsecs}
clusters:
  - star: {bandwidth: 0 GB/s, nodes: many}
  - inline:
      name: box
      memories: [{name: ram, capacity: 16 GiBs}]
      devices: [{name: cpu, memory: rom, lanes: 0}]
      links: [{a: ram, b: ram2, bandwidth: 0 GB/s}]
schedulers: [hefft, mct: {x: 1}, heft]
sched: [x]
seeds: -3
vary:
  noize: [0, 1]
  noise: [.nan, -1]
  workload.ccr: [x]
backends: [sim, gpu]
repetitions: 0
noise: {sigma: .inf}
thinking: {fixed: 5}
estimates: exakt
keep_traces: 7
timeout: fast
",
    );
    let text = complaints(&bench, "many.yaml");
    assert!(!bench.path("out").exists());
    assert!(text.ends_with("26 mistakes\n"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn keys_given_twice_are_both_shown() {
    let bench = Bench::new();
    bench.write(
        "twice.yaml",
        "seeds: 1\nworkloads: [layered]\nseeds: 2\nnoise: {sigma: 0, sigma: 1}\n",
    );
    insta::assert_snapshot!(complaints(&bench, "twice.yaml"));
}

#[test]
fn what_is_no_yaml_has_a_place() {
    let bench = Bench::new();
    bench.write("broken.yaml", "workloads: [layered\nclusters: [star]\n");
    insta::assert_snapshot!(complaints(&bench, "broken.yaml"));
}

#[test]
fn what_must_be_there_is_missed() {
    let bench = Bench::new();
    bench.write("short.yaml", "name: short\nclusters: []\n");
    insta::assert_snapshot!(complaints(&bench, "short.yaml"));
    bench.write("empty.yaml", "workloads: []\nclusters: [star]\nschedulers: [heft]\n");
    insta::assert_snapshot!(complaints(&bench, "empty.yaml"));
    bench.write("list.yaml", "- heft\n");
    insta::assert_snapshot!(complaints(&bench, "list.yaml"));
}

#[test]
fn clusters_that_cannot_be_are_told_by_their_parts() {
    let bench = Bench::new();
    bench.write(
        "island.yaml",
        "\
name: island
memories: [{name: ram}, {name: hbm, capacity: 4 GiB}, {name: far}]
devices: [{name: cpu, memory: ram}, {name: gpu, memory: hbm}, {name: cpu, memory: ram}]
links: [{a: ram, b: far, bandwidth: 10 GB/s}]
",
    );
    let spec = "workloads: [layered]\nclusters: [file: island.yaml]\nschedulers: [heft]\n";
    bench.write("twin.yaml", spec);
    insta::assert_snapshot!(complaints(&bench, "twin.yaml"));
    let island = bench.read("island.yaml").replace(", {name: cpu, memory: ram}]", "]");
    bench.write("island.yaml", island);
    insta::assert_snapshot!(complaints(&bench, "twin.yaml"));
}

#[test]
fn a_task_that_fits_nowhere_is_told_with_its_numbers() {
    let bench = Bench::new();
    bench.write(
        "graph.yaml",
        "\
windtunnel_graph: 1
objects: [{ name: big, bytes: 8 GiB, initial: true }]
tasks: [{ name: huge, cost: { gpu: 1 }, accesses: [{ read: big }] }]
",
    );
    let clusters = "[hetero: {memory: 4 GiB}, star]";
    let spec = format!("workloads: [file: graph.yaml]\nclusters: {clusters}\nschedulers: [heft]\n");
    bench.write("huge.yaml", spec);
    insta::assert_snapshot!(complaints(&bench, "huge.yaml"));
}

#[test]
fn files_that_are_no_graphs_are_told_with_their_fault() {
    let bench = Bench::new();
    bench.write(
        "circle.yaml",
        "\
windtunnel_graph: 1
tasks: [{ name: a, cost: 1, after: [b] }, { name: b, cost: 1, after: [a] }]
",
    );
    bench.write("photo.json", "\u{1}\u{2}not a graph");
    bench.write("newer.jsonl", "{\"windtunnel_trace\": 999}\n");
    bench.write(
        "files.yaml",
        "\
workloads:
  - file: circle.yaml
  - file: photo.json
  - trace: newer.jsonl
  - file: circel.yaml
clusters: [star]
schedulers: [heft]
",
    );
    insta::assert_snapshot!(complaints(&bench, "files.yaml"));
}

#[test]
fn hidden_characters_are_shown_as_text() {
    let bench = Bench::new();
    bench.write(
        "odd.yaml",
        "workloads: [\"\\e[31mred\", layered]\nclusters: [star]\nschedulers: [heft]\n",
    );
    let answer = bench.run(&["check", "odd.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(!answer.err.contains('\u{1b}'), "{answer:?}");
    assert!(answer.err.contains("there is no workload `\\u{1b}[31mred`"), "{answer:?}");
}

#[test]
fn names_in_files_are_shown_as_text_everywhere() {
    let bench = Bench::new();
    let name = "evil\u{1b}[31m<b>.yaml";
    bench.write(
        name,
        "windtunnel_graph: 1\nname: \"x\\e[31m<script>alert(1)</script>\"\n\
         tasks: [{ name: \"a\\e[31m<b>\", cost: 1 }]\n",
    );
    bench.write(
        "evil.yaml",
        "workloads: [file: \"evil\\e[31m<b>.yaml\"]\nclusters: [star]\nschedulers: [heft]\n",
    );
    let odd_out = "out\u{1b}[31m";
    let commands: [&[&str]; 5] = [
        &["check", "evil.yaml", "--cells"],
        &["run", "evil.yaml", "--out", odd_out],
        &["compare", odd_out, odd_out, "--all"],
        &["import", name],
        &["schedule", "--workload", name, "--cluster", "star", "--scheduler", "heft"],
    ];
    for command in commands {
        let answer = bench.fine(command);
        assert!(!answer.out.contains('\u{1b}'), "{command:?}: {answer:?}");
        assert!(!answer.err.contains('\u{1b}'), "{command:?}: {answer:?}");
    }
    assert!(!bench.read(&format!("{odd_out}/report.html")).contains("<script>alert"));
}

#[test]
fn files_that_cannot_be_read_are_bad_input() {
    let bench = Bench::new();
    let answer = bench.run(&["check", "nothing.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("nothing.yaml: No such file"), "{answer:?}");
    bench.write("latin.yaml", b"name: caf\xe9\n");
    let answer = bench.run(&["check", "latin.yaml"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("byte 9 is not UTF-8"), "{answer:?}");
    assert_eq!(bench.run(&["chekc", "latin.yaml"]).code, 2);
    assert_eq!(bench.run(&["--help"]).code, 0);
}

#[test]
fn grids_that_no_axis_tells_apart_are_refused() {
    let bench = Bench::new();
    bench.write(
        "grids.yaml",
        "\
workloads: [layered: {tasks: 20}]
clusters: [star]
schedulers: [heft]
also:
  - noise: {sigma: 0.1}
",
    );
    insta::assert_snapshot!(complaints(&bench, "grids.yaml"));
}

#[test]
fn a_fine_file_is_counted() {
    let bench = Bench::new();
    bench.write(
        "fine.yaml",
        "\
workloads: [layered: {tasks: [20, 30]}, fork-join]
clusters: [star, classic: {processors: 3}]
schedulers: [heft, mct]
seeds: 2
vary:
  noise: [0, 0.5]
  workload.tasks: [10, 11, 12]
also:
  - {backends: [cpu], clusters: [host], repetitions: 5, seeds: [1], vary: {}}
",
    );
    // An axis that a workload lacks gives it one cell; `tasks` is layered's alone.
    let layered = 2 * 2 * 2 * 2 * 2 * 3;
    let fork_join = 2 * 2 * 2 * 2;
    let real = 3 * 2 * 5;
    let answer = bench.fine(&["check", "fine.yaml"]);
    let expected = format!("fine: fine, {} simulated and {real} real cells\n", layered + fork_join);
    assert_eq!(answer.out, expected);
    assert_eq!(
        bench.fine(&["check", "fine.yaml", "--cells"]).out.lines().count(),
        96 + 16 + 30 + 1
    );
}

#[test]
fn the_files_in_the_documentation_are_fine() {
    let page = std::fs::read_to_string(root().join("docs/experiment.md")).unwrap();
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).collect();
    assert_eq!(blocks.len(), 3);
    let bench = Bench::new();
    for (at, block) in blocks.iter().enumerate() {
        let text = block.split("```").next().unwrap();
        let file = format!("{at}.yaml");
        if text.starts_with("# cluster.yaml") {
            bench.write("cluster.yaml", text);
            let clusters = "[file: cluster.yaml]";
            let spec = format!("{{workloads: [layered], clusters: {clusters}, schedulers: [mct]}}");
            bench.write(&file, spec);
        } else {
            bench.write(&file, text);
        }
        bench.fine(&["check", &file]);
    }
}
