use super::*;
use crate::cost::Roof;
use crate::graph::{ObjectSpec, TaskSpec};
use crate::{Mode, Ns};
use std::collections::BTreeMap;

/// One task per (kernel, bytes it reads, work), shaped by its position.
fn graph(tasks: &[(&str, u64, f64)]) -> TaskGraph {
    let mut graph = TaskGraph::new("g");
    for (i, &(kernel, bytes, work)) in tasks.iter().enumerate() {
        let object =
            graph.add_object(ObjectSpec { bytes, initial: true, ..Default::default() }).unwrap();
        let kernel = graph.kernel(kernel);
        let accesses = &[(object, Mode::Read)];
        let (shape, cost) = ([i as u32 + 1, 0, 0, 0], Cost::Work(work));
        graph.submit(TaskSpec { shape, cost, accesses, ..TaskSpec::new(kernel) }).unwrap();
    }
    graph
}

fn row(kernel: &str, class: &str, bytes: u64, mean_ns: f64) -> Measured {
    let (kernel, class) = (kernel.to_owned(), class.to_owned());
    Measured { kernel, class, bytes: Some(bytes), mean_ns, count: 4, ..Measured::default() }
}

fn model(measured: Vec<Measured>, unmeasured: Unmeasured) -> Model {
    Model::new(ModelSpec { measured, unmeasured, ..ModelSpec::default() }).unwrap()
}

#[test]
fn what_was_measured_comes_first_then_the_fit_then_the_policy() {
    let rows = vec![
        row("gemm", "cpu", 300, 900.0),
        row("gemm", "cpu", 100, 100.0),
        row("gemm", "gpu", 100, 10.0),
    ];
    let graph = graph(&[("gemm", 100, 1.0), ("gemm", 200, 1.0), ("other", 100, 1.0)]);
    let stated = model(rows.clone(), Unmeasured::Stated);
    let ask = |model: &Model, task, class| {
        model.predict(&graph, TaskId(task), class).map(|p| (p.mean_ns.round(), p.basis))
    };
    assert_eq!(ask(&stated, 0, "cpu"), Some((100.0, Basis::Measured)));
    assert_eq!(ask(&stated, 1, "cpu"), Some((400.0, Basis::Regression)), "a square law");
    assert_eq!(ask(&stated, 1, "gpu"), None, "one size is no fit");
    assert_eq!(ask(&stated, 0, "tpu"), None);
    assert_eq!(ask(&stated, 2, "cpu"), None);
    let strict = model(rows, Unmeasured::Impossible);
    assert_eq!(ask(&strict, 0, "tpu"), Some((f64::INFINITY, Basis::Impossible)));
    assert_eq!(ask(&strict, 2, "cpu"), None, "never measured anywhere");
}

#[test]
fn deviations_are_those_measured_at_the_size_or_at_all_sizes() {
    let with = |deviation_ns, count, row: Measured| Measured { deviation_ns, count, ..row };
    let rows = vec![
        with(10.0, 5, row("gemm", "cpu", 100, 100.0)),
        with(150.0, 3, row("gemm", "cpu", 300, 500.0)),
        with(0.0, 1, row("gemm", "cpu", 400, 900.0)),
    ];
    let graph = graph(&[("gemm", 100, 1.0), ("gemm", 400, 1.0), ("other", 100, 1.0)]);
    let model = model(rows, Unmeasured::Stated);
    let ask = |task, class| model.relative_deviation(&graph, TaskId(task), class);
    assert_eq!(ask(0, "cpu"), Some(0.1));
    let all = ((4.0 * 0.1 * 0.1 + 2.0 * 0.3 * 0.3) / 6.0f64).sqrt();
    assert!((ask(1, "cpu").unwrap() - all).abs() < 1e-12, "measured once, so as all sizes");
    assert_eq!((ask(2, "cpu"), ask(0, "gpu")), (None, None));
}

#[test]
fn impossible_classes_are_no_place_to_run() {
    use crate::cluster::{ClusterSpec, DeviceSpec, MemorySpec};
    let device = |name: &str, class: &str| DeviceSpec {
        name: name.into(),
        class: class.into(),
        memory: "ram".into(),
        lanes: 1,
        speed: 1.0,
        ..Default::default()
    };
    let cluster = crate::Cluster::new(ClusterSpec {
        memories: vec![MemorySpec { name: "ram".into(), ..Default::default() }],
        devices: vec![device("a", "cpu"), device("b", "tpu")],
        ..Default::default()
    })
    .unwrap();
    let graph = graph(&[("gemm", 100, 1.0)]);
    let model = model(vec![row("gemm", "cpu", 100, 5e9)], Unmeasured::Impossible);
    let costs = crate::Costs::resolve(&graph, &cluster, Some(&model)).unwrap();
    let on = |device| costs.duration_ns(TaskId(0), crate::DeviceId(device));
    assert_eq!((on(0), on(1)), (Some(5_000_000_000 as Ns), None));
}

#[test]
fn sizes_may_be_shapes_or_work() {
    let size =
        |shape, work, mean_ns| Measured { shape, work, bytes: None, ..row("k", "cpu", 0, mean_ns) };
    let model = model(
        vec![size(Some([1, 0, 0, 0]), None, 7.0), size(None, Some(50.0), 9.0)],
        Unmeasured::Stated,
    );
    let graph = graph(&[("k", 1, 1.0), ("k", 1, 50.0), ("k", 1, 60.0)]);
    let ask = |task| model.duration_ns(&graph, TaskId(task), "cpu");
    assert_eq!((ask(0), ask(1), ask(2)), (Some(7.0), Some(9.0), None));
}

#[test]
fn measured_intervals_are_those_of_student() {
    let mut measured = row("k", "cpu", 1, 100.0);
    (measured.count, measured.deviation_ns) = (5, 10.0);
    let graph = graph(&[("k", 1, 1.0)]);
    let found = model(vec![measured], Unmeasured::Stated).predict(&graph, TaskId(0), "cpu");
    let (low, high) = found.unwrap().interval_ns.unwrap();
    let half = 2.776_445 * 10.0 * 1.2f64.sqrt();
    assert!((high - 100.0 - half).abs() < 0.05 && (100.0 - low - half).abs() < 0.05);
}

fn roofline() -> Roofline {
    let peaks = [("f32", 1e12), ("f64", 5e11)].map(|(p, peak)| (p.to_owned(), peak));
    Roofline {
        precision: "f32".into(),
        precisions: BTreeMap::from([("dgemm".to_owned(), "f64".to_owned())]),
        classes: vec![Roof {
            class: "gpu".into(),
            peaks: BTreeMap::from(peaks),
            bytes_per_s: 1e11,
            overhead_ns: 5.0,
            efficiency: vec![(1e6, 0.1), (1e8, 0.5)],
            array: None,
        }],
    }
}

#[test]
fn tasks_take_their_operations_or_their_bytes() {
    let spec = ModelSpec { roofline: Some(roofline()), ..ModelSpec::default() };
    let model = Model::new(spec).unwrap();
    let graph = graph(&[
        ("sgemm", 1000, 1e9),
        ("dgemm", 1000, 1e9),
        ("sgemm", 1_000_000_000, 1e9),
        ("sgemm", 0, 1e5),
        ("sgemm", 0, 1e7),
    ]);
    let ask = |task| model.duration_ns(&graph, TaskId(task), "gpu").unwrap();
    assert_eq!(ask(0), 5.0 + 1e9 / (1e12 * 0.5) * 1e9, "at half of the peak");
    assert_eq!(ask(1), 5.0 + 1e9 / (5e11 * 0.5) * 1e9, "in double precision");
    assert_eq!(ask(2), 5.0 + 1e7, "a gigabyte at 100 GB/s");
    assert!((ask(3) - 5.0 - 1e5 / 1e11 * 1e9).abs() < 1e-6, "level below the curve");
    assert!((ask(4) - 5.0 - 1e7 / (1e12 * 0.3) * 1e9).abs() < 1e-6, "half way in decades");
    assert_eq!(model.duration_ns(&graph, TaskId(0), "cpu"), None);
}

#[test]
fn systolic_arrays_pad_shapes() {
    let mut roofline = roofline();
    roofline.classes[0].array = Some(128);
    roofline.classes[0].efficiency.clear();
    let model = Model::new(ModelSpec { roofline: Some(roofline), ..ModelSpec::default() }).unwrap();
    let mut graph = TaskGraph::new("g");
    let kernel = graph.kernel("sgemm");
    let shape = [128, 129, 64, 0];
    let cost = Cost::Work(1e9);
    graph.submit(TaskSpec { shape, cost, ..TaskSpec::new(kernel) }).unwrap();
    let found = model.duration_ns(&graph, TaskId(0), "gpu").unwrap();
    let padded = 1e9 * (256.0 / 129.0) * 2.0;
    assert!((found - 5.0 - padded / 1e12 * 1e9).abs() < 1e-3, "{found}");
}

#[test]
fn numbers_out_of_range_are_named() {
    let told = |change: &dyn Fn(&mut ModelSpec)| {
        let mut spec = ModelSpec {
            measured: vec![row("k", "cpu", 8, 1.0)],
            roofline: Some(roofline()),
            ..ModelSpec::default()
        };
        change(&mut spec);
        Model::new(spec).expect_err("refused").to_string()
    };
    type Change<'a> = &'a dyn Fn(&mut ModelSpec);
    let cases: [(&str, Change<'_>); 8] = [
        ("mean_ns is -1", &|s| s.measured[0].mean_ns = -1.0),
        ("deviation_ns is NaN", &|s| s.measured[0].deviation_ns = f64::NAN),
        ("count is 0", &|s| s.measured[0].count = 0),
        ("must say what size", &|s| s.measured[0].bytes = None),
        ("is there twice", &|s| s.measured.push(s.measured[0].clone())),
        ("must ascend", &|s| s.roofline.as_mut().unwrap().classes[0].efficiency.reverse()),
        ("(share) is 1.5", &|s| s.roofline.as_mut().unwrap().classes[0].efficiency[0].1 = 1.5),
        ("bytes_per_s is 0", &|s| s.roofline.as_mut().unwrap().classes[0].bytes_per_s = 0.0),
    ];
    for (expected, change) in cases {
        assert!(told(change).contains(expected), "{expected}: {}", told(change));
    }
}
