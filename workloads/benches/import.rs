//! How fast graphs are read from texts that are in memory already.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write;
use std::hint::black_box;
use workloads::import::{stg, task_graph_file, wfformat};

/// Predecessors of each task: the three before it that a fixed stride picks.
fn before(task: usize) -> impl Iterator<Item = usize> {
    [1, 17, 100].into_iter().filter_map(move |stride| task.checked_sub(stride))
}

/// A task-graph file with one object per edge.
fn with_edges(tasks: usize) -> String {
    let mut text = String::from("{\"windtunnel_graph\": 1,\n\"tasks\": [");
    for task in 0..tasks {
        let comma = if task == 0 { "" } else { "," };
        let kernel = task % 7;
        let _ = write!(
            text,
            "{comma}\n{{\"name\":\"t{task}\",\"kernel\":\"k{kernel}\",\"cost\":{}.25}}",
            task % 100
        );
    }
    text.push_str("],\n\"edges\": [");
    let mut comma = "";
    for (to, from) in (0..tasks).flat_map(|to| before(to).map(move |from| (to, from))) {
        let bytes = 1_000_000 + from;
        let _ =
            write!(text, "{comma}\n{{\"from\":\"t{from}\",\"to\":\"t{to}\",\"bytes\":{bytes}}}");
        comma = ",";
    }
    text.push_str("]}\n");
    text
}

/// The same graph as this program writes it: objects and accesses, tasks in order.
fn as_written(text: &str) -> String {
    let graph = task_graph_file::read("bench", text).expect("a good file").graph;
    let mut written = Vec::new();
    task_graph_file::write(&graph, &mut written).expect("memory is writable");
    String::from_utf8(written).expect("JSON is UTF-8")
}

/// The same graph as a recorded execution, one file per edge.
fn recorded(tasks: usize) -> String {
    let mut text = String::from(
        "{\"name\":\"w\",\"schemaVersion\":\"1.5\",\"workflow\":{\"specification\":{\"tasks\":[",
    );
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    for task in 0..tasks {
        let comma = if task == 0 { "" } else { "," };
        let inputs = list(before(task).map(|from| format!("\"f{from}\"")).collect());
        let parents = list(before(task).map(|from| format!("\"step_ID{from:07}\"")).collect());
        let _ = write!(
            text,
            "{comma}{{\"name\":\"step_ID{task:07}\",\"id\":\"step_ID{task:07}\",\"children\":[],\
             \"parents\":{parents},\"inputFiles\":{inputs},\"outputFiles\":[\"f{task}\"]}}"
        );
    }
    text.push_str("],\"files\":[");
    for file in 0..tasks {
        let comma = if file == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{{\"id\":\"f{file}\",\"sizeInBytes\":{}}}", 1000 + file);
    }
    text.push_str("]},\"execution\":{\"makespanInSeconds\":1,\"tasks\":[");
    for task in 0..tasks {
        let comma = if task == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"id\":\"step_ID{task:07}\",\"runtimeInSeconds\":{}.125,\
             \"command\":{{\"program\":\"step\",\"arguments\":[\"-x\",\"1\"]}}}}",
            task % 100
        );
    }
    text.push_str("]}}}\n");
    text
}

fn standard(tasks: usize) -> String {
    let mut text = format!("{tasks}\n");
    for task in 0..tasks + 2 {
        let _ = write!(text, "{task} {} {}", task % 20, before(task).count());
        before(task).for_each(|from| {
            let _ = write!(text, " {from}");
        });
        text.push('\n');
    }
    text
}

fn import(criterion: &mut Criterion) {
    type Read = fn(&str) -> usize;
    type Make = fn(usize) -> String;
    let task_graph: Read = |text| task_graph_file::read("bench", text).map_or(0, |i| i.graph.len());
    let formats: [(&str, Make, Read); 4] = [
        ("task_graph/edges", with_edges, task_graph),
        ("task_graph/accesses", |tasks| as_written(&with_edges(tasks)), task_graph),
        ("wfformat", recorded, |text| {
            wfformat::read("bench", text, None).map_or(0, |i| i.graph.len())
        }),
        ("stg", standard, |text| stg::read("bench", text).map_or(0, |i| i.graph.len())),
    ];
    for (name, make, read) in formats {
        let mut group = criterion.benchmark_group(format!("import/{name}"));
        group.sample_size(10);
        for tasks in [1_000, 10_000, 100_000] {
            let text = make(tasks);
            assert!(read(&text) >= tasks, "{name} is read");
            group.throughput(Throughput::Elements(tasks as u64));
            group.bench_with_input(BenchmarkId::from_parameter(tasks), &text, |bencher, text| {
                bencher.iter(|| read(black_box(text)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, import);
criterion_main!(benches);
