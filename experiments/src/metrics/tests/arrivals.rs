//! Flow times by hand, and arrivals so far apart that nobody waits.

use super::*;
use crate::metrics::arrivals::{Expected, jain, measure as measured};
use crate::plan::Plan;
use crate::record::ArrivalMetrics;
use crate::registry::Registry;
use crate::runner::{Calibration, Worlds, run_cell};
use std::path::Path;

fn expected(first_task: u32, arrived_ns: Ns, bound_ns: Ns, alone_ns: Option<Ns>) -> Expected {
    let first_object = first_task;
    Expected { workload: "w".into(), first_task, first_object, arrived_ns, bound_ns, alone_ns }
}

#[test]
fn a_graph_is_done_when_its_last_result_is_at_home() {
    let mut graph = graph_of(3);
    for keep in [true, false, true] {
        graph.add_object(ObjectSpec { bytes: 8, keep, ..Default::default() }).unwrap();
    }
    let mut trace = trace_of(graph, machine(&[(1, 1.0), (1, 1.0)]), 1000);
    trace.tasks.push(attempt(0, 1, [0, 0, 0, 0, 0, 0, 10, 50]));
    trace.tasks.push(attempt(2, 1, [0, 0, 0, 0, 0, 0, 300, 400]));
    trace.tasks.push(attempt(1, 0, [0, 0, 0, 0, 0, 0, 100, 220]));
    let copy = |object: u32, target: u32, finished_ns: Ns| CopyRecord {
        copy: CopyId(0),
        object: runtime::ObjectId(object),
        source: MemoryId(1 - target),
        target: MemoryId(target),
        from: InstanceId(0),
        to: InstanceId(1),
        bytes: 8,
        reason: CopyReason::Result,
        requested_ns: 0,
        issued_ns: 0,
        started_ns: 0,
        finished_ns,
    };
    // Home is memory 0. Object 1 is no result, and object 2 only leaves its home.
    trace.copies = vec![copy(0, 0, 70), copy(1, 0, 900), copy(2, 1, 900)];
    // The last graph never had a task or object.
    let graphs = [
        expected(0, 5, 13, Some(65)),
        expected(1, 100, 60, Some(60)),
        expected(2, 200, 0, None),
        Expected { first_task: 3, first_object: 3, ..expected(3, 990, 0, None) },
    ];
    let found = measured(&trace, &cluster(&trace), &graphs);
    let flows: Vec<Ns> = found.graphs.iter().map(|g| g.flow_ns).collect();
    assert_eq!(flows, [65, 120, 200, 0]);
    assert_eq!((found.mean_flow_ns, found.max_flow_ns), (96, 200));
    assert_eq!((found.mean_slowdown, found.max_slowdown), (Some(1.5), Some(2.0)));
    assert_eq!((found.mean_stretch, found.max_stretch), (Some(3.5), Some(5.0)));
    assert_eq!(found.fairness, Some(9.0 / (2.0 * 5.0)));
}

#[test]
fn the_index_of_jain_is_that_of_the_report() {
    assert_eq!(jain(&[3.0; 4]), Some(1.0));
    assert_eq!(jain(&[1.0, 0.0, 0.0, 0.0, 0.0]), Some(0.2));
    assert_eq!(jain(&[]), None);
    // "If only k of n users get equal allocations and the rest none, the index is k/n."
    assert_eq!(jain(&[2.0, 2.0, 0.0, 0.0]), Some(0.5));
}

/// All cells of an experiment over one stream of random graphs.
fn cells(interval: &str, more: &str) -> Vec<(String, ArrivalMetrics, Metrics)> {
    let text = format!(
        "workloads:\n  - arrivals: {{of: [layered: {{tasks: 12}}, fork-join: {{stages: 2, width: \
         3}}], poisson: {{count: 7, interval: {interval}}}}}\nclusters: [star: {{nodes: 3}}]\n\
         schedulers: [heft, mct, dmda, work-stealing, first-fit]\nseeds: 2\n{more}"
    );
    let plan = Plan::read(&Registry::new(&[]), Path::new("x.yaml"), &text).unwrap();
    let calibration = Calibration::default();
    let worlds = Worlds::new(&plan, &plan.cells, &calibration);
    let run = |cell| {
        let finished = run_cell(&plan, &worlds, cell, String::new());
        let metrics = finished.record.outcome.unwrap();
        let arrivals = metrics.arrivals.clone().unwrap();
        (finished.record.key.scheduler, arrivals, metrics)
    };
    plan.cells.iter().map(run).collect()
}

/// Each graph then runs as it does alone, whoever schedules.
#[test]
fn graphs_that_come_one_after_the_other_are_not_slowed_down() {
    for (scheduler, arrivals, metrics) in cells("1000", "") {
        let slowdowns: Vec<_> = arrivals.graphs.iter().map(|g| g.slowdown()).collect();
        assert_eq!(slowdowns, [Some(1.0); 7], "{scheduler}");
        assert_eq!(arrivals.fairness, Some(1.0), "{scheduler}");
        let last = arrivals.graphs.last().unwrap();
        assert_eq!(metrics.makespan_ns, last.arrived_ns + last.flow_ns, "{scheduler}");
    }
}

#[test]
fn stretches_are_at_least_one_whatever_happens() {
    let mut most: f64 = 0.0;
    for more in ["", "noise: {sigma: 0.5}\n", "failures: {probability: 0.1}\n"] {
        for (scheduler, arrivals, metrics) in cells("0.1", more) {
            assert!(metrics.bound_ns <= metrics.makespan_ns, "{scheduler}");
            for graph in &arrivals.graphs {
                let stretch = graph.stretch().unwrap();
                assert!(stretch >= 1.0, "{scheduler} {more}: {graph:?}");
                most = most.max(graph.slowdown().unwrap());
            }
        }
    }
    assert!(most > 1.5, "nobody ever waited: {most}");
}
