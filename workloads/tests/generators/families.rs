//! Structure by formula, costs by definition, determinism.

use runtime::registry::Value;
use runtime::{Cost, TaskGraph};
use workloads::registry::{Workload, WorkloadError, find};

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn try_make(name: &str, given: &[(&str, Value)], seed: u64) -> Result<Workload, WorkloadError> {
    let given: Vec<_> = given.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    find(name).unwrap().make(&given, seed)
}

fn graph(name: &str, given: &[(&str, Value)], seed: u64) -> TaskGraph {
    try_make(name, given, seed).unwrap().graph
}

/// (tasks, edges, depth) of a graph with whole-number parameters.
fn shape(name: &str, given: &[(&str, i64)]) -> (usize, usize, usize) {
    let given: Vec<_> = given.iter().map(|(k, v)| (*k, Value::Int(*v))).collect();
    let summary = graph(name, &given, 1).summary();
    (summary.tasks, summary.edges, summary.depth)
}

#[test]
fn cholesky_has_a_task_for_every_tile_operation() {
    for t in 1..9 {
        let (tasks, _, depth) = shape("cholesky", &[("n", 10 * t), ("tile", 10)]);
        let t = t as usize;
        assert_eq!(tasks, t * (t + 1) * (t + 2) / 6);
        assert_eq!(depth, 3 * t - 2);
    }
    let cut = shape("cholesky", &[("n", 31), ("tile", 10)]);
    assert_eq!(cut, shape("cholesky", &[("n", 40), ("tile", 10)]));
}

#[test]
fn cholesky_work_is_that_of_the_whole_factorisation() {
    for (n, tile) in [(64, 16), (100, 30), (7, 7)] {
        let g = graph("cholesky", &[("n", Value::Int(n)), ("tile", Value::Int(tile))], 1);
        let n = n as f64;
        let expected = n * n * n / 3.0 + n * n / 2.0 + n / 6.0;
        let work = total_work(&g);
        assert!((work / expected - 1.0).abs() < 1e-12, "{work} {expected}");
    }
}

fn total_work(g: &TaskGraph) -> f64 {
    g.task_ids().map(|t| work(g, t)).sum()
}

fn work(g: &TaskGraph, task: runtime::TaskId) -> f64 {
    match g.task(task).cost {
        Cost::Work(work) => work,
        Cost::Table(_) => panic!("a related machine was asked for"),
    }
}

#[test]
fn fork_joins_trees_and_extremes_have_their_sizes() {
    for (s, w) in [(1, 1), (3, 4), (5, 40)] {
        let (stages, width) = (s as usize, w as usize);
        let expected = (stages * (width + 1) + 1, 2 * stages * width, 2 * stages + 1);
        assert_eq!(shape("fork-join", &[("stages", s), ("width", w)]), expected);
    }
    for (levels, degree, tasks) in [(1, 2, 1), (4, 2, 15), (4, 3, 40), (6, 1, 6), (3, 10, 111)] {
        let given = [("levels", levels), ("degree", degree)];
        let expected = (tasks, tasks - 1, levels as usize);
        assert_eq!(shape("in-tree", &given), expected);
        assert_eq!(shape("out-tree", &given), expected);
    }
    assert_eq!(shape("independent", &[("tasks", 9)]), (9, 0, 1));
    assert_eq!(shape("chain", &[("tasks", 9)]), (9, 8, 9));
}

#[test]
fn trees_have_the_right_ends() {
    let given = [("levels", Value::Int(5)), ("degree", Value::Int(3))];
    let ends = |g: &TaskGraph| {
        let roots = g.task_ids().filter(|t| g.incoming(*t).is_empty()).count();
        let leaves = g.task_ids().filter(|t| g.outgoing(*t).next().is_none()).count();
        (roots, leaves)
    };
    assert_eq!(ends(&graph("in-tree", &given, 1)), (81, 1));
    assert_eq!(ends(&graph("out-tree", &given, 1)), (1, 81));
}

#[test]
fn gaussian_elimination_has_the_tasks_of_the_literature() {
    for m in [2usize, 3, 5, 15] {
        let edges = (m - 2) + m * (m - 1) / 2 + (m - 1) * (m - 2) / 2;
        let expected = ((m * m + m - 2) / 2, edges, 2 * (m - 1));
        assert_eq!(shape("gaussian-elimination", &[("size", m as i64)]), expected);
    }
    let none = Value::Float(0.0);
    let given = [("size", Value::Int(5)), ("task_spread", none.clone()), ("data_spread", none)];
    let g = graph("gaussian-elimination", &given, 1);
    let last = work(&g, runtime::TaskId(12));
    let relative: Vec<f64> = g.task_ids().map(|t| (work(&g, t) / last).round()).collect();
    let expected = [4, 8, 8, 8, 8, 3, 6, 6, 6, 2, 4, 4, 1, 2].map(f64::from);
    assert_eq!(relative, expected);
}

#[test]
fn fft_is_a_tree_and_butterflies() {
    for log in 1..7usize {
        let m = 1 << log;
        let expected = (2 * m - 1 + m * log, 2 * m - 2 + 2 * m * log, 2 * log + 1);
        assert_eq!(shape("fft", &[("points", m as i64)]), expected);
    }
    let g = graph("fft", &[("points", Value::Int(8))], 1);
    let depths = g.depths();
    for level in 0..7 {
        let level: Vec<_> = g.task_ids().filter(|t| depths[t.index()] == level).collect();
        assert!(level.iter().all(|t| g.task(*t).cost == g.task(level[0]).cost));
    }
    assert!(matches!(
        try_make("fft", &[("points", Value::Int(12))], 1),
        Err(WorkloadError::Parameter(_))
    ));
}

#[test]
fn stencils_read_their_neighbours() {
    for (blocks, steps, radius) in [(1i64, 1, 0i64), (5, 4, 1), (3, 6, 2), (4, 3, 0), (2, 3, 50)] {
        let given = [("blocks", blocks), ("steps", steps), ("radius", radius)];
        let reads: i64 = (-radius..=radius).map(|d| (blocks - d.abs()).max(0)).sum();
        let expected = (blocks * steps, (steps - 1) * reads, steps);
        let (tasks, edges, depth) = shape("stencil", &given);
        assert_eq!((tasks as i64, edges as i64, depth as i64), expected);
    }
}

#[test]
fn layered_graphs_keep_what_was_asked_for() {
    for (width, min, max, reach) in [(0, 1, 3, 1), (5, 2, 4, 3), (1, 1, 1, 1), (9, 9, 9, 1)] {
        let count = |name, value| (name, Value::Int(value));
        let given = [
            count("tasks", 200),
            count("width", width),
            count("min_parents", min),
            count("max_parents", max),
            count("reach", reach),
        ];
        let g = graph("layered", &given, 3);
        let width = if width == 0 { 14 } else { width as usize };
        let depths = g.depths();
        for task in g.task_ids() {
            let layer = task.index() / width;
            assert_eq!(depths[task.index()] as usize, layer);
            let parents: Vec<_> = g.predecessors(task).collect();
            assert_eq!(parents.len(), g.incoming(task).len(), "each parent once");
            let most = (max as usize).min(task.index() / width * width);
            assert!(parents.len() <= most && parents.len() >= most.min(min as usize));
            let near = |p: &runtime::TaskId| p.index() / width + reach as usize >= layer;
            assert!(parents.iter().all(near));
        }
        assert_eq!(g.object_count(), g.edge_count(), "an object per edge");
    }
}

#[test]
fn layers_vary_when_told_to() {
    let given = [
        ("tasks", Value::Int(1000)),
        ("width", Value::Int(20)),
        ("width_spread", Value::Float(0.5)),
    ];
    let g = graph("layered", &given, 3);
    let depths = g.depths();
    let layers = g.summary().depth as u32;
    let widths: Vec<usize> =
        (0..layers - 1).map(|layer| depths.iter().filter(|d| **d == layer).count()).collect();
    assert!(widths.iter().all(|w| (10..=30).contains(w)), "{widths:?}");
    assert!(widths.iter().any(|w| *w < 15) && widths.iter().any(|w| *w > 25), "{widths:?}");
}

/// Classic families of about 100 tasks or more.
const CLASSIC: [&str; 8] = [
    "layered",
    "fork-join",
    "in-tree",
    "out-tree",
    "gaussian-elimination",
    "fft",
    "stencil",
    "chain",
];

#[test]
fn ccr_is_mean_transfer_over_mean_execution() {
    for name in CLASSIC {
        for (ccr, classes) in [(0.1, 0), (1.0, 0), (10.0, 3)] {
            let given = [
                ("ccr", Value::Float(ccr)),
                ("classes", Value::Int(classes)),
                ("task_time", text("2 ms")),
                ("speed", Value::Float(4e9)),
                ("bandwidth", text("5 GB/s")),
            ];
            let g = graph(name, &given, 5);
            let transfer_s: f64 = g
                .task_ids()
                .flat_map(|t| g.incoming(t))
                .map(|e| g.edge_bytes(e) as f64 / 5e9)
                .sum::<f64>()
                / g.edge_count() as f64;
            let mean_s = g.task_ids().map(|t| match g.task(t).cost {
                Cost::Work(work) => work / 4e9,
                Cost::Table(row) => {
                    let row = g.cost_row(row);
                    row.iter().map(|ns| *ns as f64).sum::<f64>() / row.len() as f64 / 1e9
                }
            });
            let mean_s = mean_s.sum::<f64>() / g.len() as f64;
            let found = transfer_s / mean_s;
            assert!((found / ccr - 1.0).abs() < 1e-4, "{name}: {found}, not {ccr}");
            assert!((mean_s / 2e-3 - 1.0).abs() < 0.25, "{name}: {mean_s} s");
        }
    }
}

#[test]
fn classes_are_the_columns_of_the_cost_table() {
    let given = [
        ("classes", Value::Int(3)),
        ("class_range", Value::Float(0.4)),
        ("task_spread", Value::Float(0.0)),
        ("task_time", text("1 s")),
    ];
    let g = graph("layered", &given, 1);
    assert_eq!(g.columns(), ["class0", "class1", "class2"]);
    let rows: Vec<u64> = g
        .task_ids()
        .flat_map(|t| match g.task(t).cost {
            Cost::Table(row) => g.cost_row(row).to_vec(),
            Cost::Work(_) => panic!("a table was asked for"),
        })
        .collect();
    assert!(rows.iter().all(|ns| (800_000_000..=1_200_000_000).contains(ns)));
    let mean = rows.iter().sum::<u64>() as f64 / rows.len() as f64;
    assert!((mean / 1e9 - 1.0).abs() < 0.01, "{mean}");
}

#[test]
fn spreads_are_kept() {
    let given = [("task_spread", Value::Float(0.25)), ("task_time", text("1 s"))];
    let g = graph("layered", &given, 1);
    let works: Vec<f64> = g.task_ids().map(|t| work(&g, t) / 1e9).collect();
    assert!(works.iter().all(|w| (0.75..1.25).contains(w)));
    assert!(works.iter().any(|w| *w < 0.8) && works.iter().any(|w| *w > 1.2));
}

#[test]
fn quantities_out_of_range_are_errors() {
    for (name, value) in [
        ("task_time", "0 s"),
        ("task_time", "2000000 s"),
        ("bandwidth", "0 B/s"),
        ("bandwidth", "0.4 B/s"),
    ] {
        let error = try_make("layered", &[(name, text(value))], 1).err().unwrap();
        assert!(error.to_string().contains(&format!("{name} is {value}")), "{error}");
    }
    let much = [
        ("task_time", text("1000000 s")),
        ("bandwidth", text("1000 TB/s")),
        ("ccr", Value::Float(1000.0)),
    ];
    let error = try_make("chain", &much, 1).err().unwrap();
    assert!(matches!(error, WorkloadError::TooLarge { .. }), "{error}");
}
