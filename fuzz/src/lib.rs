//! What the fuzz targets do with their bytes. The tests of `workloads` run the same functions on
//! generated and on mutated files, without a fuzzer.
//!
//! A reader may refuse anything, but it must not panic, and a graph that it lets through must be
//! sound: edges go forward, sums do not overflow, and it survives the way to a file and back.

use runtime::TaskGraph;
use std::path::Path;
use workloads::import::{self, Options, TraceCosts, dot, stg, task_graph_file, trace, wfformat};

/// Any file, recognised by its content: bytes as they are.
pub fn any(data: &[u8]) {
    if let Ok(imported) = import::read_bytes(Path::new("fuzz"), data.to_vec(), Options::default()) {
        check(&imported.graph);
    }
}

/// The task-graph file, JSON and YAML.
pub fn task_graph(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(imported) = task_graph_file::read("fuzz", text) {
        check(&imported.graph);
    }
}

/// WfFormat.
pub fn wf_format(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(imported) = wfformat::read("fuzz", text, None) {
        check(&imported.graph);
    }
}

/// The project's own trace, and the graph made of it in every way.
pub fn trace_file(data: &[u8]) {
    for costs in [TraceCosts::Measured, TraceCosts::Work, TraceCosts::Declared] {
        match trace::read("fuzz", data, costs) {
            Ok(imported) => check(&imported.graph),
            Err(_) => return,
        }
    }
}

/// STG.
pub fn standard(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(imported) = stg::read("fuzz", text) {
        check(&imported.graph);
    }
}

/// DOT.
pub fn graphviz(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(imported) = dot::read("fuzz", text) {
        check(&imported.graph);
    }
}

/// A graph that a reader let through.
fn check(graph: &TaskGraph) {
    let summary = graph.summary();
    assert_eq!(summary.tasks, graph.len());
    for task in graph.task_ids() {
        assert!(graph.incoming(task).iter().all(|edge| edge.from < task && edge.to == task));
    }
    let mut text = Vec::new();
    task_graph_file::write(graph, &mut text).expect("memory is writable");
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    match task_graph_file::read("written", &text) {
        Ok(back) => assert_eq!(back.graph.summary(), summary),
        // A task that can run nowhere, and sizes beyond the file's range, come from traces alone.
        Err(error) => assert!(is_beyond_a_file(graph), "{error}\n{text}"),
    }
}

fn is_beyond_a_file(graph: &TaskGraph) -> bool {
    let nowhere = |task| match graph.task(task).cost {
        runtime::Cost::Work(_) => false,
        runtime::Cost::Table(row) => {
            let row = graph.cost_row(row);
            row.iter().all(|ns| *ns == u64::MAX)
                || row.iter().any(|ns| *ns < u64::MAX && *ns > 1 << 61)
        }
    };
    let big = |bytes: u64| bytes > import::MAX_BYTES;
    graph.task_ids().any(|t| nowhere(t) || big(graph.task(t).scratch_bytes))
        || graph.object_ids().any(|o| big(graph.object(o).bytes))
        || graph.object_ids().map(|o| u128::from(graph.object(o).bytes)).sum::<u128>() > 1 << 60
}
