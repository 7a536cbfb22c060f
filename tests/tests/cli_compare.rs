//! `windtunnel compare` and `report`.

mod cli_support;

use cli_support::Bench;

const SPEC: &str = "
workloads: [layered: {tasks: 40}]
clusters: [star]
schedulers: [heft, mct]
seeds: 3
";

/// Makes every makespan of `scheduler` in a run `factor` times as long.
fn slow_down(bench: &Bench, run: &str, scheduler: &str, factor: f64) {
    let mut text = String::new();
    for mut record in bench.records(run) {
        if record["key"]["scheduler"] == scheduler {
            let makespan = &mut record["outcome"]["Ok"]["makespan_ns"];
            *makespan = ((makespan.as_f64().unwrap() * factor) as u64).into();
        }
        text += &record.to_string();
        text += "\n";
    }
    bench.write(&format!("{run}/records.jsonl"), text);
}

#[test]
fn what_became_slower_is_a_regression() {
    let bench = Bench::new();
    bench.write("spec.yaml", SPEC);
    for run in ["before", "after"] {
        bench.fine(&["run", "spec.yaml", "--out", run, "--quiet"]);
    }
    let answer = bench.fine(&["compare", "before", "after"]);
    assert_eq!(answer.out, "2 groups of cells compared, 0 worse beyond the tolerance\n");

    slow_down(&bench, "after", "mct", 1.2);
    let answer = bench.run(&["compare", "before", "after"]);
    assert_eq!(answer.code, 4, "{answer:?}");
    assert!(answer.out.contains("WORSE  +20.00 %  layered:{tasks: 40}, star, mct"), "{answer:?}");
    bench.fine(&["compare", "before", "after", "--tolerance", "0.25"]);
    let answer = bench.fine(&["compare", "after", "before"]);
    assert!(answer.out.contains("better"), "{answer:?}");
}

#[test]
fn runs_without_a_common_cell_cannot_be_compared() {
    let bench = Bench::new();
    bench.write("spec.yaml", SPEC);
    bench.write("other.yaml", SPEC.replace("star", "hetero"));
    bench.fine(&["run", "spec.yaml", "--out", "a", "--quiet"]);
    bench.fine(&["run", "other.yaml", "--out", "b", "--quiet"]);
    let answer = bench.run(&["compare", "a", "b"]);
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("no cell in common"), "{answer:?}");
    assert_eq!(bench.run(&["compare", "a", "nowhere"]).code, 2);
    assert_eq!(bench.run(&["compare", "a", "b", "--tolerance", "nan"]).code, 2);
}

#[test]
fn a_report_is_a_function_of_the_directory() {
    let bench = Bench::new();
    bench.write("spec.yaml", SPEC);
    bench.fine(&["run", "spec.yaml", "--out", "run", "--quiet"]);
    let page = bench.read("run/report.html");
    // The order of the lines does not matter.
    let records = bench.read("run/records.jsonl");
    let turned: String = records.lines().rev().map(|line| format!("{line}\n")).collect();
    bench.write("run/records.jsonl", turned);
    let answer = bench.fine(&["report", "run"]);
    assert!(answer.out.contains("heft"), "{answer:?}");
    assert!(bench.read("run/report.html") == page, "the report depends on the order of records");
    assert_eq!(bench.run(&["report", "nowhere"]).code, 2);
}
