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
    let mut arguments = vec!["schedule", "--workload", "cholesky:{n: 256, tile: 64}"];
    arguments.extend(["--cluster", "out-of-core:{cores: 2, budget: 128 KiB}"]);
    arguments.extend(["--scheduler", "heft", "--backend", "cpu", "--disk", "."]);
    let answer = bench.fine(&arguments);
    assert!(answer.out.contains(" of them, to make room\n"), "{answer:?}");
    bench.write("hopeless.yaml", experiment("[90 KiB]"));
    let answer = bench.run(&["check", "hopeless.yaml"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    let told = answer.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("98304") && told.contains("92160"), "{told}");
}

#[test]
fn a_disk_without_room_ends_the_run_and_leaves_nothing_behind() {
    let bench = Bench::new();
    let mut arguments = vec!["schedule", "--workload", "cholesky:{n: 256, tile: 64}"];
    arguments.extend(["--cluster", "out-of-core:{cores: 2, budget: 128 KiB}"]);
    arguments.extend(["--scheduler", "mct", "--backend", "cpu", "--disk", "."]);
    let program = bench.command(&[]).get_program().to_owned();
    // Files of more than 50 KiB (100 KiB in some shells) cannot be written; the matrix has 320.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(program).args(&arguments).current_dir(bench.path("."));
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("the cell failed (failed): \"A["), "{told}");
    assert!(told.contains("could not be written to \"disk\": File too large"), "{told}");
    assert_eq!(std::fs::read_dir(bench.path(".")).unwrap().count(), 0);
}

#[test]
fn a_machine_is_measured_and_its_files_are_used() {
    let bench = Bench::new();
    bench.fine(&["calibrate", "--quick", "--out", "machine", "--disk", "."]);
    let costs: serde_json::Value =
        serde_json::from_str(&bench.read("machine/costs.json")).expect("it is JSON");
    let entries = costs["history"]["entries"].as_array().expect("kernels were measured");
    let gemm = entries.iter().find(|e| e["kernel"] == "gemm").expect("cholesky has gemms");
    // Four by four tiles have four gemms; three runs, at most a few of them outliers.
    assert!((6..=12).contains(&gemm["count"].as_u64().unwrap()), "{gemm}");
    assert!(gemm["mean_ns"].as_f64().unwrap() > 0.0);
    for times in [&costs["copies"], &costs["disk"]["reads"], &costs["disk"]["writes"]] {
        let times = times.as_array().unwrap();
        assert!(times.len() >= 4 && times.iter().all(|t| t["ns"]["median"].as_f64() > Some(0.0)));
    }
    assert!(costs["overhead_ns"]["median"].as_f64() > Some(0.0));
    assert!(costs["provenance"].as_array().unwrap().iter().any(|line| line[0] == "host"));
    let mut arguments = vec!["schedule", "--workload", "cholesky:{n: 256, tile: 64}"];
    arguments.extend(["--cluster", "machine/cluster.yaml", "--scheduler", "heft"]);
    arguments.extend(["--costs", "machine/costs.json", "--json"]);
    let predicted: serde_json::Value = serde_json::from_str(&bench.fine(&arguments).out).unwrap();
    let tasks = predicted["tasks"].as_array().unwrap();
    let gemms = tasks.iter().filter(|t| t["name"].as_str().unwrap().starts_with("gemm"));
    for task in gemms {
        let lasts_ns = task["end_ns"].as_f64().unwrap() - task["start_ns"].as_f64().unwrap();
        assert!((lasts_ns - gemm["mean_ns"].as_f64().unwrap()).abs() <= 1.0, "{task}");
    }
    bench.write("stated.yaml", "{workloads: [cholesky], clusters: [host], schedulers: [heft]}");
    let answer = bench.run(&["run", "stated.yaml", "--costs", "machine/costs.json"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("no cell of the experiment asks for them"), "{answer:?}");
    bench.write("old.json", "{\"windtunnel_costs\": 7}");
    arguments[8] = "old.json";
    let answer = bench.run(&arguments);
    assert!(answer.err.contains("old.json: has version 7"), "{answer:?}");
}

#[test]
fn gpus_that_are_made_up_run_what_is_simulated_and_cuda_says_why_it_cannot() {
    let bench = Bench::new();
    bench.write(
        "gpus.yaml",
        "workloads: [cholesky: {n: 192, tile: 64}]\n\
         clusters: [gpu-host: {gpus: 2, streams: 2, memory: 1 MiB, gpu_speed: 1e10}]\n\
         schedulers: [mct, heft]\n\
         backends: [sim, fake-gpu]\n",
    );
    bench.fine(&["run", "gpus.yaml", "--out", "out"]);
    let records = bench.records("out");
    assert_eq!(records.iter().filter(|r| r["key"]["backend"] == "fake-gpu").count(), 2);
    assert!(records.iter().all(|r| r["outcome"]["Ok"]["tasks"] == 10), "{records:#?}");
    assert!(bench.read("out/report.html").contains("fake-gpu"));
    if gpu::probe::open().is_err() {
        let mut arguments = vec!["schedule", "--workload", "cholesky:{n: 128, tile: 64}"];
        arguments.extend(["--cluster", "gpu-host", "--scheduler", "mct", "--backend", "cuda"]);
        let refused = bench.run(&arguments);
        assert_ne!(refused.code, 0);
        assert!(format!("{refused:?}").contains("install NVIDIA's driver"), "{refused:?}");
    }
}
