//! Reports of hand-made run directories.

use super::*;
use crate::record::{
    ArrivalMetrics, CellError, CellKey, EnergyMetrics, FORMAT_VERSION, GraphMetrics, LossMetrics,
    Manifest, Metrics, Record, TimeShares, Wall,
};
use crate::store::write_trace_file;
use runtime::bounds::BoundKind;
use runtime::cluster::{ClusterSpec, DeviceSpec, LinkSpec, MemorySpec};
use runtime::graph::{GraphSummary, Mode, ObjectSpec};
use runtime::{
    Cluster, Cost, Costs, Decisions, Event, Ns, Scheduler, TaskGraph, TaskSpec, Trace, View,
};
use std::fs;
use std::sync::Arc;

/// A name that would do harm if it were not shown as text.
const NASTY: &str = "<script>alert('x')</script>\u{1b}[31m &amp; \"q\" %{y} $x$ `|`";

fn key(scheduler: &str, workload: &str, seed: u64) -> CellKey {
    CellKey {
        workload: workload.to_owned(),
        cluster: "c".to_owned(),
        scheduler: scheduler.to_owned(),
        backend: "sim".to_owned(),
        axes: Vec::new(),
        seed,
        repetition: 0,
    }
}

fn record(key: CellKey, outcome: Result<Metrics, CellError>) -> Record {
    let parts = [&key.workload, &key.scheduler, &key.backend];
    let plain = |p: &String| p.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let name = parts.map(plain).join("-");
    let id = format!("{name}-{}-{}", key.seed, key.repetition);
    let replay = format!("windtunnel run x.yaml --cell {id}");
    Record { id, key, outcome, replay }
}

fn metrics(makespan_ns: Ns, bound_ns: Ns) -> Metrics {
    Metrics {
        makespan_ns,
        bound_ns,
        bound: Some(BoundKind::Area),
        tasks: 3,
        digest: "00ff".to_owned(),
        // Two lanes.
        time: TimeShares {
            compute_ns: bound_ns,
            data_ns: 2 * makespan_ns - bound_ns,
            ..TimeShares::default()
        },
        bytes_moved: 2048,
        transfers: 2,
        peak_bytes: vec![4096],
        ..Metrics::default()
    }
}

fn ended(scheduler: &str, workload: &str, seed: u64, makespan_ns: Ns) -> Record {
    record(key(scheduler, workload, seed), Ok(metrics(makespan_ns, 100)))
}

fn failed(scheduler: &str, workload: &str, seed: u64, kind: &str) -> Record {
    let error = CellError { kind: kind.to_owned(), message: format!("{NASTY} went wrong") };
    record(key(scheduler, workload, seed), Err(error))
}

/// Writes a run directory.
fn directory(records: &[Record]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut workloads: Vec<&str> = records.iter().map(|r| r.key.workload.as_str()).collect();
    workloads.sort_unstable();
    workloads.dedup();
    let summary = GraphSummary { tasks: 3, depth: 2, width: 2, ..GraphSummary::default() };
    let manifest = Manifest {
        windtunnel_run: FORMAT_VERSION,
        name: format!("test {NASTY}"),
        spec_digest: "abc".to_owned(),
        spec_text: format!("name: {NASTY}\n"),
        spec_path: "x.yaml".to_owned(),
        cells: records.len(),
        provenance: vec![("memory_bytes".to_owned(), "1048576".to_owned())],
        axes: (0..records.first().map_or(0, |r| r.key.axes.len()))
            .map(|i| format!("axis {i}"))
            .collect(),
        families: workloads.iter().map(|w| ((*w).to_owned(), w[..1].to_owned())).collect(),
        workloads: workloads.iter().map(|w| ((*w).to_owned(), summary)).collect(),
    };
    let lines = |values: Vec<String>| values.join("\n") + "\n";
    let json = |r: &Record| serde_json::to_string(r).unwrap();
    let wall = |r: &Record| {
        let planning_ns = 1000 * r.key.scheduler.len() as u64;
        let wall = Wall { id: r.id.clone(), planning_ns, ..Wall::default() };
        serde_json::to_string(&wall).unwrap()
    };
    let put = |name: &str, text: String| fs::write(folder.path().join(name), text).unwrap();
    put("manifest.json", serde_json::to_string(&manifest).unwrap());
    put("records.jsonl", lines(records.iter().map(json).collect()));
    put("wall.jsonl", lines(records.iter().map(wall).collect()));
    fs::create_dir(folder.path().join("traces")).unwrap();
    folder
}

/// Two workloads, two seeds, four schedulers; `peft` ties once, `slow` fails once.
fn small() -> Vec<Record> {
    vec![
        ended("heft", "alpha", 1, 110),
        ended("heft", "alpha", 2, 120),
        ended("heft", "beta", 1, 200),
        ended("heft", "beta", 2, 150),
        ended("peft", "alpha", 1, 110),
        ended("peft", "alpha", 2, 150),
        ended("peft", "beta", 1, 180),
        ended("peft", "beta", 2, 300),
        ended("slow", "alpha", 1, 400),
        ended("slow", "alpha", 2, 400),
        ended("slow", "beta", 1, 100),
        failed("slow", "beta", 2, "stalled"),
        ended("mct", "alpha", 1, 220),
        ended("mct", "alpha", 2, 240),
        ended("mct", "beta", 1, 400),
        ended("mct", "beta", 2, 300),
    ]
}

#[test]
fn the_leaderboard_of_a_hand_made_run() {
    let folder = directory(&small());
    let paths = write(folder.path(), &Options::default()).unwrap();
    let markdown = fs::read_to_string(paths.markdown).unwrap();
    insta::assert_snapshot!(markdown, @r##"
    # test &lt;script>alert('x')&lt;/script>\u{1b}[31m &amp;amp; "q" %{y} $x$ `|`

    heft has the shortest makespans in simulation: 1.411 times the lower bound (geometric mean; 95 % interval 1.124 to 1.861), over 2 instances with 4 cells per scheduler.
    The runner-up peft takes 22.5 % longer; 2 instances cannot tell whether that holds elsewhere.
    It is best, or equal to the best, on all 2 families.
    1 of 16 cells failed: slow stalled (1). A scheduler with failures ranks below all without.

    ## Leaderboard in simulation

    | rank | scheduler | makespan/bound | 95 % interval  | longer  | wins | ties | losses | failed | planning p50 |     p99 |
    | ---: | --------- | -------------: | -------------- | ------- | ---: | ---: | -----: | -----: | -----------: | ------: |
    |    1 | heft      |          1.411 | 1.124 to 1.861 | –       |    2 |    1 |      1 |      0 |      4.00 us | 4.00 us |
    |    2 | peft      |          1.728 | 1.189 to 2.640 | 22.5 %  |    0 |    1 |      3 |      0 |      4.00 us | 4.00 us |
    |    3 | mct       |          2.821 | 2.248 to 3.722 | 100.0 % |    0 |    0 |      4 |      0 |      3.00 us | 3.00 us |
    |    4 | slow      |          2.000 | 1.000 to 4.000 | 31.9 %  |    1 |    0 |      2 |      1 |      4.00 us | 4.00 us |

    Geometric mean over 2 instances (4 cells per scheduler); "longer" is against the first row; planning times depend on the machine.
    "##);
}

#[test]
fn means_and_standings_by_hand() {
    let folder = directory(&small());
    let run = load(folder.path()).unwrap();
    let contents = Contents::summary(&run);
    let board = &contents.boards[0];
    let labels: Vec<&str> = board.rows.iter().map(|r| r.label.as_str()).collect();
    // The one with a failure is last, whatever its mean.
    assert_eq!(labels, ["heft", "peft", "mct", "slow"]);
    let heft = &board.rows[0];
    let expected = libm::pow(1.1 * 1.2 * 2.0 * 1.5, 0.25);
    assert!((heft.over_bound.unwrap() - expected).abs() < 1e-12);
    let best = libm::pow(1.0 * 1.0 * 2.0 * 1.0, 0.25);
    assert!((heft.over_best.unwrap() - best).abs() < 1e-12);
    assert_eq!((heft.wins, heft.ties, heft.losses, heft.failed), (2, 1, 1, 0));
    let slow = &board.rows[3];
    assert_eq!((slow.wins, slow.ties, slow.losses, slow.failed), (1, 0, 2, 1));
    // Instances weigh alike, though one seed of beta failed: ((4 * 4)^(1/2) * 1)^(1/2).
    assert!((slow.over_bound.unwrap() - 2.0).abs() < 1e-12);
    assert_eq!(slow.planning_p50_ns, Some(4000.0));
    let mct = contents.rivals[0].iter().find(|r| r.label == "mct").unwrap();
    assert!((mct.ratio - 2.0).abs() < 1e-12);
    assert_eq!((mct.winner_faster, mct.tied, mct.rival_faster), (4, 0, 0));
    assert_eq!(mct.interval.map(|i| (i.low * 1e9).round()), Some(2e9));
}

#[test]
fn means_compare_like_with_like() {
    let mut records = small();
    // A cell that only one scheduler has run must not count for it.
    records.push(ended("peft", "gamma", 1, 100));
    let folder = directory(&records);
    let run = load(folder.path()).unwrap();
    let contents = Contents::summary(&run);
    assert_eq!((contents.whole[0].meetings.len(), contents.grids[0].meetings.len()), (5, 4));
    assert_eq!(contents.grids[0].left_out, 1);
    assert_eq!(contents.grids[0].instances.len(), 2);
    let labels: Vec<&str> = contents.boards[0].rows.iter().map(|r| r.label.as_str()).collect();
    assert_eq!(labels, ["heft", "peft", "mct", "slow"]);
}

#[test]
fn names_are_shown_as_text() {
    let records: Vec<Record> = [("a", 110), (NASTY, 120)]
        .into_iter()
        .flat_map(|(scheduler, ns)| {
            [ended(scheduler, NASTY, 1, ns), failed(scheduler, "other", 1, NASTY)]
        })
        .collect();
    let folder = directory(&records);
    let paths = write(folder.path(), &Options::default()).unwrap();
    let html = fs::read_to_string(&paths.html).unwrap();
    assert!(!html.contains("<script>alert"), "a name became a script");
    assert!(!html.contains('\u{1b}'), "a control character got through");
    assert!(html.contains("&lt;script&gt;alert('x')&lt;/script&gt;\\u{1b}[31m &amp;amp;"));
    for path in [&paths.csv, &paths.markdown] {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text}");
    }
    assert!(!terminal(folder.path()).unwrap().contains('\u{1b}'));
}

/// Places every ready task on the device whose number is given.
struct On(u32);

impl Scheduler for On {
    fn decide(&mut self, events: &[Event], _: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                let device = if task.0 % 2 == 0 { 0 } else { self.0 };
                out.place(task, runtime::DeviceId(device));
            }
        }
    }
}

/// A chain of four tasks over two devices.
fn simulated(device: u32) -> Trace {
    let name = |i: u32| format!("m{i}{NASTY}");
    let machine = ClusterSpec {
        name: "two".into(),
        memories: (0..2)
            .map(|i| MemorySpec {
                name: name(i),
                capacity_bytes: Some(4 << 20),
                ..Default::default()
            })
            .collect(),
        devices: (0..2)
            .map(|i| DeviceSpec {
                name: format!("d{i}{NASTY}"),
                memory: name(i),
                lanes: 1,
                speed: 1.0,
                ..Default::default()
            })
            .collect(),
        links: vec![LinkSpec {
            name: "l".into(),
            a: name(0),
            b: name(1),
            bytes_per_s: 1e9,
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut graph = TaskGraph::new("chain");
    let kernel = graph.kernel(NASTY);
    let spec =
        ObjectSpec { bytes: 1 << 20, name: NASTY, initial: true, keep: true, ..Default::default() };
    let object = graph.add_object(spec).unwrap();
    for _ in 0..4 {
        let accesses = [(object, Mode::ReadWrite)];
        let spec = TaskSpec {
            name: NASTY,
            cost: Cost::Work(0.01),
            accesses: &accesses,
            ..TaskSpec::new(kernel)
        };
        graph.submit(spec).unwrap();
    }
    let cluster = Arc::new(Cluster::new(machine).unwrap());
    let costs = Costs::resolve(&graph, &cluster, None).unwrap();
    sim::run(sim::SimSpec::new(graph, cluster, costs, Box::new(On(device)))).unwrap().trace
}

fn measured(trace: &Trace) -> Metrics {
    let cluster = Cluster::new(trace.header.cluster.clone()).unwrap();
    crate::metrics::measure(trace, &cluster, None)
}

/// A run directory with traces of two schedulers.
fn traced() -> tempfile::TempDir {
    let traces = [simulated(0), simulated(1)];
    let records: Vec<Record> = ["stay", "hop"]
        .into_iter()
        .zip(&traces)
        .map(|(s, t)| record(key(s, "chain", 1), Ok(measured(t))))
        .collect();
    let folder = directory(&records);
    for (record, trace) in records.iter().zip(&traces) {
        let path = folder.path().join(format!("traces/{}.jsonl.gz", record.id));
        write_trace_file(trace, &path).unwrap();
    }
    folder
}

#[test]
fn schedules_are_drawn_from_traces() {
    let folder = traced();
    let run = load(folder.path()).unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    let figure = |anchor: &str| contents.figures.iter().find(|f| f.anchor == anchor).unwrap();
    // Three hops of 1 MiB at 1 GB/s, and home: 4.19 ms.
    let answer = &figure("gantt").answer;
    let expected = "On chain (seed 1) stay ends after 40.0 ms, hop after 44.2 ms (10.5 % later)";
    assert!(answer.starts_with(expected), "{answer}");
    assert_eq!(figure("gantt").n, "4 tasks and 0 transfers against 4 tasks and 4 transfers");
    let memory = &figure("memory").answer;
    assert!(memory.contains("25 %") && memory.contains("1.00 MiB of 4.00 MiB"), "{memory}");
    let data = contents.data.0;
    assert!(!data.contains("<script>alert"), "a name became a script");
    assert!(data.contains("\\u003cscript"), "names are in the data");
}

#[test]
fn the_reader_chooses_the_schedules() {
    let folder = traced();
    let run = load(folder.path()).unwrap();
    let ids: Vec<String> = run.records.iter().map(|r| r.id.clone()).collect();
    let options = Options { gantt: Some((ids[0].clone(), ids[0].clone())) };
    let contents = Contents::new(&run, &options).unwrap();
    assert!(contents.data.0.contains("hop"));
    let options = Options { gantt: Some(("nothing".to_owned(), ids[0].clone())) };
    let error = Contents::new(&run, &options).err().unwrap();
    assert!(matches!(error, ReportError::UnknownRun { id } if id == "nothing"));
}

#[test]
fn a_damaged_trace_is_named_and_the_report_stands() {
    let folder = traced();
    let run = load(folder.path()).unwrap();
    let path = run.trace_path(&run.records[0].id).unwrap();
    fs::write(&path, "nonsense").unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    let gantt = contents.figures.iter().find(|f| f.anchor == "gantt").unwrap();
    assert!(gantt.note.as_ref().unwrap().contains("line 1 is not the header"), "{:?}", gantt.note);
}

#[test]
fn equal_directories_give_equal_reports() {
    let folder = traced();
    let read = |paths: &ReportPaths| {
        [&paths.html, &paths.csv, &paths.markdown, &paths.json].map(|p| fs::read(p).unwrap())
    };
    let first = read(&write(folder.path(), &Options::default()).unwrap());
    let second = read(&write(folder.path(), &Options::default()).unwrap());
    assert!(first == second, "a report is not a function of its directory");
    let size = first[0].len();
    assert!(size < 8_000_000, "{size} bytes");
    // The chart library knows addresses of maps, which it asks for in maps only.
    let html = String::from_utf8_lossy(&first[0]).replace(&page::plotly_script(), "");
    let calls_home = ["src=\"http", "href=\"http", "@import", "url(http"];
    assert!(calls_home.iter().all(|c| !html.contains(c)), "the page needs the network");
}

#[test]
fn prediction_and_measurement_meet() {
    let mut records = Vec::new();
    for (scheduler, predicted, measured) in
        [("fast", 100, [100, 110, 121]), ("slow", 200, [180, 180, 180])]
    {
        records.push(ended(scheduler, "alpha", 1, predicted));
        for (repetition, ns) in measured.into_iter().enumerate() {
            let mut key = key(scheduler, "alpha", 1);
            key.backend = "cpu".to_owned();
            key.repetition = repetition as u32;
            records.push(record(key, Ok(metrics(ns, 50))));
        }
    }
    let folder = directory(&records);
    let run = load(folder.path()).unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    let anchor = "predicted-against-measured";
    let figure = contents.figures.iter().find(|f| f.anchor == anchor).unwrap();
    // 110 against 100 and 180 against 200.
    let expected = "The mean absolute error of a predicted makespan is 10.0 %, the median 10.0 %, the largest \
         10.0 %; the \
                    scheduler predicted to win is the fastest on 1 of 1 instance";
    assert!(figure.answer.starts_with(expected), "{}", figure.answer);
    assert_eq!(figure.n, "2 pairs of scheduler and instance, 6 measured runs");
    assert_eq!(contents.boards.len(), 2);
    assert!((contents.boards[1].rows[0].over_bound.unwrap() - 2.2).abs() < 1e-9);
}

/// The figure of an anchor, its rows as JSON.
fn drawn(records: &[Record], anchor: &str) -> (String, Vec<serde_json::Value>) {
    let folder = directory(records);
    let run = load(folder.path()).unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    let figure = contents.figures.iter().find(|f| f.anchor == anchor).unwrap();
    let json = figure.json();
    (figure.answer.clone(), json["rows"].as_array().unwrap().clone())
}

#[test]
fn every_pair_is_compared_alone() {
    let (answer, rows) = drawn(&small(), "pairs");
    assert_eq!(answer, "0 of 6 pairs differ clearly (p < 0.05).");
    let pair =
        |a: &str, b: &str| rows.iter().find(|r| r["row"] == a && r["column"] == b).unwrap().clone();
    // Ratios 1, 0.8, 200/180 and 0.5: the median lies between 0.8 and 1.
    let won = pair("heft", "peft");
    assert!((won["median ratio"].as_f64().unwrap() - libm::sqrt(0.8)).abs() < 1e-12, "{won}");
    assert_eq!([&won["wins"], &won["ties"], &won["losses"]], [2, 1, 1]);
    let lost = pair("peft", "heft");
    assert_eq!([&lost["wins"], &lost["ties"], &lost["losses"]], [1, 1, 2]);
    // One meeting of slow failed.
    let slow = pair("slow", "mct");
    assert_eq!([&slow["wins"], &slow["ties"], &slow["losses"]], [1, 0, 2]);
}

#[test]
fn the_front_holds_the_quick_and_the_good() {
    let (answer, rows) = drawn(&small(), "pareto");
    let expected = "Worth their time, from quick to good: mct (3.00 us, 137.8 % over the best), \
                    heft (4.00 us, 18.9 % over the best).";
    assert_eq!(answer, expected);
    let found: Vec<_> = rows.iter().map(|r| (&r["scheduler"], &r["on the front"])).collect();
    // Whoever failed is not among them.
    let expected = [("mct", "yes"), ("heft", "yes"), ("peft", "no")];
    assert!(found.iter().zip(expected).all(|(f, e)| (f.0 == e.0) && (f.1 == e.1)), "{found:?}");
    assert_eq!(found.len(), 3);
}

#[test]
fn crossings_along_an_axis_are_named() {
    let at = |scheduler: &str, value: &str, ns: Ns| {
        let mut record = ended(scheduler, "alpha", 1, ns);
        record.key.axes = vec![value.to_owned()];
        record.id += value;
        record
    };
    let records = [at("a", "10", 200), at("a", "2", 110), at("b", "10", 150), at("b", "2", 130)];
    let (answer, rows) = drawn(&records, "sensitivity-1");
    let expected = "The best scheduler changes: a at 2, b at 10. From 2 to 10 the makespan over the \
                    bound changes by a factor of 1.82 for a, the most of all.";
    assert_eq!(answer, expected);
    let values: Vec<&str> = rows.iter().map(|r| r["axis 0"].as_str().unwrap()).collect();
    assert_eq!(values, ["2", "2", "10", "10"]);
}

#[test]
fn planners_that_search_are_shown_over_their_effort() {
    use runtime::Progress;
    use runtime::planner::EffortUnit;
    let plan = |steps: &[(u64, Ns)], effort: u64, is_proved: bool| {
        let mut plan = Progress::new(EffortUnit::Evaluations);
        steps.iter().for_each(|s| _ = plan.found(s.0, s.1, None));
        Progress { effort, is_proved, ..plan }
    };
    let record = |scheduler: &str, plan: Progress| {
        let outcome = Metrics { plans: vec![plan], ..metrics(110, 100) };
        record(key(scheduler, "alpha", 1), Ok(outcome))
    };
    let records = [
        record("climb", plan(&[(1, 200), (10, 110)], 100, false)),
        record("jump", plan(&[(1, 150), (50, 100)], 100, true)),
    ];
    let (answer, rows) = drawn(&records, "anytime-evaluations");
    let expected = "jump ends nearest to the shortest schedules found, 0 % above them, after at \
                    most 100 evaluations. 1 of 2 plans are proved optimal.";
    assert_eq!(answer, expected);
    let climb = rows.iter().find(|r| r["scheduler"] == "climb").unwrap();
    assert!((climb["last / shortest"].as_f64().unwrap() - 1.1).abs() < 1e-12, "{climb}");
    // Without a schedule for 1, half above for 9, an eleventh above for 90.
    let integral = (1.0 + 0.5 * 9.0 + 90.0 / 11.0) / 100.0;
    assert!((climb["primal integral"].as_f64().unwrap() - integral).abs() < 1e-12, "{climb}");
}

#[test]
fn what_was_lost_is_told_for_every_disturbed_run() {
    let time = TimeShares { compute_ns: 700, lost_ns: 100, no_work_ns: 200, ..Default::default() };
    let losses = |lost_ns, redone_ns| LossMetrics {
        outages: 3,
        lost_attempts: 4,
        retries: 1,
        redone_tasks: 7,
        lineage_depth: 5,
        lost_ns,
        redone_ns,
        ..Default::default()
    };
    let disturbed = |scheduler: &str, seed, losses| {
        let outcome = Metrics { losses: Some(losses), time, ..metrics(110, 100) };
        record(key(scheduler, "alpha", seed), Ok(outcome))
    };
    let records = [
        disturbed("a", 1, losses(100, 150)),
        disturbed("b", 1, losses(50, 0)),
        ended("a", "alpha", 2, 100),
        ended("b", "alpha", 2, 100),
    ];
    let folder = directory(&records);
    let run = load(folder.path()).unwrap();
    let figure = recoveries::figure(&run).unwrap();
    assert_eq!(figure.table.rows.len(), 2, "calm runs have no row");
    assert_eq!(figure.n, "2 disturbed runs");
    assert!(figure.answer.contains("5.0 % of the lanes' time under b, 25.0 % under a"));
    let column = |name: &str| figure.table.columns.iter().position(|c| c == name).unwrap();
    let row = &figure.table.rows[0];
    let shown = ["devices lost", "retries", "tasks redone", "lineage depth", "lost and redone (%)"];
    assert_eq!(shown.map(|c| row[column(c)].shown()), ["3", "1", "7", "5", "25.00"]);
    let calm = directory(&[ended("a", "alpha", 1, 100)]);
    assert!(recoveries::figure(&load(calm.path()).unwrap()).is_none());
}

#[test]
fn energy_is_compared_where_it_is_known() {
    let record = |scheduler: &str, workload: &str, energy_j: f64| {
        let energy =
            EnergyMetrics { energy_j, energy_delay_js: energy_j * 2.0, ..Default::default() };
        let outcome = Metrics { energy: Some(energy), ..metrics(110, 100) };
        record(key(scheduler, workload, 1), Ok(outcome))
    };
    let records = [
        record("a", "alpha", 10.0),
        record("a", "beta", 30.0),
        record("b", "alpha", 40.0),
        record("b", "beta", 15.0),
    ];
    let folder = directory(&records);
    let run = load(folder.path()).unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    let rows = &contents.boards[0].rows;
    let of = |label: &str| rows.iter().find(|r| r.label == label).unwrap().energy.unwrap();
    assert_eq!((of("a").energy_j, of("a").energy_delay_js), (20.0, 40.0));
    // Once as much as the least and once twice as much; four times and once.
    assert!((of("a").over_least.unwrap() - libm::sqrt(2.0)).abs() < 1e-12);
    assert!((of("b").over_least.unwrap() - 2.0).abs() < 1e-12);
    let page = page::page(&contents);
    assert!(page.contains("energy / least") && page.contains("20.0 J"));
    assert!(text::csv(&contents).contains("energy per run (J)"));
    assert!(text::markdown(&contents).contains("27.5 J"));
    assert_eq!(facts::cells(&run).rows[0].len(), facts::cells(&run).columns.len());

    let folder = directory(&[ended("a", "alpha", 1, 100)]);
    let run = load(folder.path()).unwrap();
    let contents = Contents::new(&run, &Options::default()).unwrap();
    assert!(!page::page(&contents).contains("energy"));
    assert!(!text::csv(&contents).contains("energy"));
}

#[test]
fn waiting_of_graphs_that_arrive_is_shown() {
    let graph = |flow_ns: Ns, alone_ns: Option<Ns>| GraphMetrics {
        workload: "w".to_owned(),
        arrived_ns: 5,
        flow_ns,
        bound_ns: 50,
        alone_ns,
    };
    let record = |scheduler: &str, graphs: Vec<GraphMetrics>, fairness| {
        let (max_stretch, fairness) = (Some(9.0), Some(fairness));
        let arrivals = ArrivalMetrics { graphs, fairness, max_stretch, ..Default::default() };
        let outcome = Metrics { arrivals: Some(arrivals), ..metrics(110, 100) };
        record(key(scheduler, "alpha", 1), Ok(outcome))
    };
    let records = [
        record("a", vec![graph(100, Some(100)), graph(300, Some(100))], 0.8),
        record("b", vec![graph(300, Some(100)), graph(500, None)], 1.0),
    ];
    let (answer, rows) = drawn(&records, "arrivals");
    let expected = "Graphs are done soonest after their arrival under a (mean flow time 200 ns); b \
                    slows them down most alike (Jain's index 1.000).";
    assert_eq!(answer, expected);
    assert_eq!(rows[0]["graphs"], 2);
    assert_eq!(
        (&rows[0]["mean flow (ns)"], &rows[0]["longest flow (ns)"]),
        (&200.into(), &300.into())
    );
    let number = |at: usize, column: &str| rows[at][column].as_f64().unwrap();
    assert_eq!((number(0, "mean slowdown"), number(0, "largest slowdown")), (2.0, 3.0));
    assert_eq!((number(1, "mean slowdown"), number(1, "mean stretch")), (3.0, 8.0));
    let folder = directory(&records);
    let cells = facts::cells(&load(folder.path()).unwrap());
    assert!(cells.columns.contains(&"largest stretch".to_owned()));
    assert!(cells.rows.iter().all(|row| row.len() == cells.columns.len()));
}

#[test]
fn an_empty_run_has_no_report() {
    let folder = directory(&[]);
    let error = write(folder.path(), &Options::default()).unwrap_err();
    assert!(matches!(error, ReportError::Empty { .. }), "{error}");
    assert!(!folder.path().join("report.html").exists());
}
