//! StarPU's sampled machines: all of them are read, damage is told by file and line.

use crate::shared;
use runtime::cluster::MemoryKind;
use runtime::cost::{Basis, CostModel, Model};
use runtime::registry::BuildContext;
use runtime::{Cluster, Costs};
use sim::SimSpec;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use workloads::import::starpu::{Bus, Options, Sampled, StarpuError, machines, read};

const OPTIONS: Options = Options { driver_cores: None, bus: Bus::Pairs, devices: None };

fn mirage() -> Option<Sampled> {
    Some(read(&shared("starpu")?, "mirage", OPTIONS).unwrap())
}

fn cholesky(tiles: i64) -> runtime::TaskGraph {
    let given = [("tiles".to_owned(), runtime::registry::Value::Int(tiles))];
    workloads::registry::find("starpu-cholesky").unwrap().make(&given, 1).unwrap().graph
}

#[test]
fn all_machines_are_read() {
    let Some(folder) = shared("starpu") else { return };
    let all = machines(&folder).unwrap();
    assert_eq!(all, ["attila", "hannibal", "hannibal-pitch", "idgraf", "mirage", "sirocco"]);
    for (machine, cpus, cudas) in [
        ("attila", 9, 3),
        ("hannibal", 5, 3),
        ("hannibal-pitch", 5, 3),
        ("idgraf", 4, 8),
        ("sirocco", 20, 4),
    ] {
        let sampled = read(&folder, machine, OPTIONS).unwrap();
        let cluster = Cluster::new(sampled.cluster).unwrap();
        assert_eq!(cluster.device_count(), 1 + cudas, "{machine}");
        assert_eq!(cluster.lane_count(), cpus + cudas, "{machine}");
        assert!(Model::new(sampled.costs).is_ok(), "{machine}");
    }
}

#[test]
fn mirage_is_the_machine_of_its_files() {
    let Some(sampled) = mirage() else { return };
    let cluster = Cluster::new(sampled.cluster.clone()).unwrap();
    assert_eq!(cluster.lane_count(), 9 + 3, "a driver core for each card");
    let card = &sampled.cluster.memories[1];
    assert_eq!((card.kind, card.capacity_bytes), (MemoryKind::Hbm, Some(5_636_554_752)));
    let link = |from: usize, to: usize| {
        let [from, to] = [from, to].map(|m| runtime::MemoryId(m as u32));
        (cluster.bandwidth_bytes_per_s(from, to), cluster.latency_ns(from, to))
    };
    assert_eq!(link(0, 1), (6030.996807 * 1e6, 9836));
    assert_eq!(link(1, 0), (6517.591026 * 1e6, 10566));
    assert_eq!(link(3, 2), (5296.294945 * 1e6, 20381));
    let model = Model::new(sampled.costs).unwrap();
    let graph = cholesky(4);
    let found = |kernel: &str, class: &str| {
        let task = graph.task_ids().find(|t| graph.kernel_name(graph.task(*t).kernel) == kernel);
        model.predict(&graph, task.unwrap(), class).unwrap()
    };
    let gemm = found("chol_model_gemm", "cuda1");
    assert_eq!((gemm.mean_ns, gemm.basis), (2828.59 * 1e3, Basis::Measured));
    assert_eq!(found("chol_model_potrf", "cpu").mean_ns, 18849.69 * 1e3);
    assert_eq!(found("chol_model_syrk", "cuda2").mean_ns, 1414.104 * 1e3);
    let (low, high) = gemm.interval_ns.unwrap();
    assert!(low < 2700e3 && high > 2950e3, "a deviation of 67 us: {low} {high}");
}

#[test]
fn drivers_devices_and_the_shared_bus_are_parameters() {
    let Some(folder) = shared("starpu") else { return };
    let with = |options| read(&folder, "mirage", options);
    let all_cores = with(Options { driver_cores: Some(0), ..OPTIONS }).unwrap();
    assert_eq!(Cluster::new(all_cores.cluster).unwrap().lane_count(), 15);
    let one_card = with(Options { devices: Some(1), ..OPTIONS }).unwrap();
    assert_eq!(Cluster::new(one_card.cluster).unwrap().lane_count(), 11 + 1);
    let shared = with(Options { bus: Bus::Shared, ..OPTIONS }).unwrap().cluster;
    assert_eq!(shared.switches[0].bytes_per_s, Some(6517450307.894589));
    assert!(Cluster::new(shared).is_ok());
    let none = with(Options { driver_cores: Some(12), ..OPTIONS });
    assert!(matches!(none, Err(StarpuError::NoCores { cores: 12, drivers: 12, .. })));
}

/// A size between the measured ones is predicted from all of them but the derived one.
#[test]
fn other_tile_sizes_are_predicted_from_the_measured_ones() {
    let Some(sampled) = mirage() else { return };
    let model = Model::new(sampled.costs).unwrap();
    let given = [("tiles", 3), ("tile", 800)]
        .map(|(k, v)| (k.to_owned(), runtime::registry::Value::Int(v)));
    let info = workloads::registry::find("starpu-cholesky").unwrap();
    let graph = info.make(&given, 1).unwrap().graph;
    for task in graph.task_ids() {
        let small = model.duration_ns(&cholesky(3), task, "cpu").unwrap();
        let found = model.predict(&graph, task, "cpu").unwrap();
        assert_eq!(found.basis, Basis::Regression);
        assert!(found.mean_ns < small && found.mean_ns > 0.3 * small, "{task}: {found:?}");
    }
}

/// Above what its devices can compute at best, and within reach of it at 20 tiles.
#[test]
fn dmda_on_mirage_comes_near_the_rate_of_its_devices() {
    let Some(sampled) = mirage() else { return };
    let cluster = Arc::new(Cluster::new(sampled.cluster).unwrap());
    let model = Model::new(sampled.costs).unwrap();
    let graph = cholesky(20);
    let costs = Costs::resolve(&graph, &cluster, Some(&model)).unwrap();
    // No device does more operations per second than in its best kernel.
    let operations = |task| match graph.task(task).cost {
        runtime::Cost::Work(operations) => operations,
        runtime::Cost::Table(_) => panic!("the generator states operations"),
    };
    let rate = |device| {
        let of = |task| operations(task) / costs.duration_ns(task, device).unwrap() as f64;
        let best = graph.task_ids().map(of).fold(0.0, f64::max);
        best * f64::from(cluster.device(device).lanes)
    };
    let all: f64 = graph.task_ids().map(operations).sum();
    let least_ns = all / cluster.device_ids().map(rate).sum::<f64>();
    let given = [("priorities".to_owned(), runtime::registry::Value::Bool(true))];
    let info = schedulers::find("dmda").unwrap();
    let scheduler = (info.build)(&info.parameters(&given).unwrap(), &BuildContext::new(1));
    let output = sim::run(SimSpec::new(graph, cluster, costs, scheduler)).unwrap();
    let ratio = output.makespan_ns as f64 / least_ns;
    assert!((1.0..1.4).contains(&ratio), "{} ns, {ratio}", output.makespan_ns);
}

/// A copy of mirage's files in which one is changed.
fn damaged(change: (&str, &dyn Fn(&str) -> String)) -> Option<(tempfile::TempDir, StarpuError)> {
    let folder = shared("starpu")?;
    let copy = tempfile::tempdir().unwrap();
    let files = [
        "bus/mirage.bandwidth",
        "bus/mirage.latency",
        "bus/mirage.config",
        "bus/mirage.affinity",
        "bus/mirage.platform.xml",
        "codelets/45/chol_model_gemm.mirage",
    ];
    for file in files {
        let to: PathBuf = copy.path().join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let text = if file.ends_with(change.0) { (change.1)(&text) } else { text };
        std::fs::write(to, text).unwrap();
    }
    let error = read(copy.path(), "mirage", OPTIONS).expect_err(change.0);
    Some((copy, error))
}

#[test]
fn damage_is_told_by_file_and_line() {
    let replaced =
        |from: &'static str, to: &'static str| move |text: &str| text.replacen(from, to, 1);
    let cut = |text: &str| text.lines().take(40).collect::<Vec<_>>().join("\n");
    type Change<'a> = &'a dyn Fn(&str) -> String;
    let cases: [(&str, Change<'_>, &str); 12] = [
        ("gemm.mirage", &replaced("8.778020e+04", "8.77x"), "line 41: expected a mean"),
        ("gemm.mirage", &replaced("8.778020e+04", "nan"), "line 41: expected a mean"),
        ("gemm.mirage", &replaced("8.778020e+04", ""), "line 41: expected hash"),
        ("gemm.mirage", &replaced("24c84a50", "24c8-a50"), "line 41: expected a hash"),
        ("gemm.mirage", &replaced("11059200", "-5"), "line 41: expected a size"),
        ("gemm.mirage", &replaced("\n45\n", "\n44\n"), "line 3: expected version 45"),
        ("gemm.mirage", &cut, "the file ends where"),
        ("mirage.bandwidth", &replaced("3834.443072", "3834,4"), "line 4: expected the bandwidth"),
        ("mirage.latency", &replaced("9.836008", "nan"), "line 2: expected the latency"),
        ("mirage.config", &replaced("12 #", "twelve #"), "line 2: expected the number of CPUs"),
        ("mirage.platform.xml", &replaced("</platform>", "<platform>"), "platform.xml, line"),
        ("mirage.platform.xml", &replaced("5636554752", "much"), "expected a memsize in bytes"),
    ];
    for (file, change, expected) in cases {
        let Some((_copy, error)) = damaged((file, change)) else { return };
        let message = error.to_string();
        assert!(message.contains(file) && message.contains(expected), "{file}: {message}");
    }
    let Some((_copy, error)) =
        damaged(("mirage.platform.xml", &replaced("CUDA1\" power", "X\" power")))
    else {
        return;
    };
    assert!(error.to_string().contains("there is no host CUDA1"), "{error}");
}

#[test]
fn missing_machines_and_folders_are_told_with_what_there_is() {
    let error = read(Path::new("nowhere"), "mirage", OPTIONS).expect_err("no folder");
    assert!(matches!(error, StarpuError::NoSampling { .. }), "{error}");
    let Some(folder) = shared("starpu") else { return };
    let error = read(&folder, "mirag", OPTIONS).expect_err("no machine").to_string();
    assert!(error.contains("did you mean \"mirage\"?") && error.contains("sirocco"), "{error}");
}
