//! The same from the command line and from YAML.

use crate::cli_support::Bench;

#[test]
fn emulated_cells_are_marked_and_compared_with_their_simulation() {
    let bench = Bench::new();
    bench.write(
        "both.yaml",
        "workloads: [cholesky: {n: 128, tile: 32}]\n\
         clusters: [star: {nodes: 3, cores: 2, speed: 1e8}]\n\
         schedulers: [heft, mct]\n\
         backends: [sim, emulated]\n\
         vary: {bandwidth: [1, 0.1]}\n\
         keep_traces: all\n",
    );
    bench.fine(&["run", "both.yaml", "--out", "out"]);
    let records = bench.records("out");
    assert_eq!(records.len(), 8);
    let emulated = records.iter().filter(|r| r["key"]["backend"] == "emulated");
    // The bandwidth of links is the cluster's, so emulation knows this axis as simulation does.
    let bandwidths: Vec<&serde_json::Value> = emulated.map(|r| &r["key"]["axes"][0]).collect();
    assert_eq!(bandwidths.len(), 4);
    assert_eq!(bandwidths.iter().filter(|b| **b == "0.1").count(), 2);
    assert!(records.iter().all(|r| r["outcome"]["Ok"]["tasks"] == 20), "{records:#?}");
    let html = bench.read("out/report.html");
    assert!(html.contains("Does the simulator predict what the emulated cluster does?"));
    assert!(html.contains("on emulated clusters"));

    let mut arguments = vec!["schedule", "--workload", "cholesky:{n: 128, tile: 32}"];
    arguments.extend(["--cluster", "hetero:{speed: 1e8}", "--scheduler", "dmda"]);
    arguments.extend(["--backend", "emulated", "--trace", "run.jsonl"]);
    let answer = bench.fine(&arguments);
    assert!(answer.out.contains("emulated, seed 1"), "{answer:?}");
    let trace = bench.read("run.jsonl");
    assert!(trace.contains("\"world\":\"emulated\""), "{}", &trace[..400]);
    let replayed = bench.fine(&["replay", "run.jsonl", "--scheduler", "heft"]);
    assert!(replayed.out.contains("(emulated, dmda)"), "{replayed:?}");
    bench.fine(&["replay", "run.jsonl", "--verify"]);
}

#[test]
fn a_budget_is_swept_in_both_worlds_and_a_hopeless_one_is_told_at_once() {
    let bench = Bench::new();
    let experiment = |budgets: &str| {
        format!(
            "workloads: [cholesky: {{n: 256, tile: 64}}]\n\
             clusters: [out-of-core: {{cores: 2}}]\n\
             schedulers: [mct]\n\
             backends: [sim, cpu]\n\
             vary: {{cluster.budget: {budgets}}}\n"
        )
    };
    bench.write("sweep.yaml", experiment("[128 KiB, 1 MiB]"));
    bench.fine(&["run", "sweep.yaml", "--out", "out", "--disk", "."]);
    let records = bench.records("out");
    assert_eq!(records.len(), 4);
    for record in &records {
        let moved = record["outcome"]["Ok"]["write_backs"].as_u64().expect("the cell is fine");
        let is_small = record["key"]["axes"][0] == "128 KiB";
        assert_eq!(moved > 0, is_small, "all tiles fit into 1 MiB: {record:#}");
    }
    bench.write("hopeless.yaml", experiment("[90 KiB]"));
    let answer = bench.run(&["check", "hopeless.yaml"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    let told = answer.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("98304") && told.contains("92160"), "{told}");
}
