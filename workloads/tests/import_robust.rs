//! Whatever the bytes, readers answer and never panic: the fuzz targets on generated and on mutated
//! files. How a failure is kept: proptest prints the smallest bytes it finds.

use proptest::prelude::*;
use runtime::trace::{Trace, TraceHeader, write_trace};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

const TASK_GRAPH: &str = r#"{"windtunnel_graph": 1, "name": "n", "columns": ["cpu", "gpu"],
 "objects": [{"name": "x", "bytes": 8, "initial": true}, {"name": "y", "bytes": "1 KiB", "keep": true}],
 "tasks": [{"name": "a", "kernel": "k", "cost": {"cpu": 1.5, "gpu": "2 ms"}, "accesses": [{"read": "x"}, {"write": "y"}]},
  {"name": "b", "cost": 1e3, "cores": 2, "accesses": [{"commutative": "y"}], "after": ["a"], "shape": [1, 2]},
  {"name": "c", "gang": "g", "params": [-1], "scratch_bytes": 5}],
 "edges": [{"from": "a", "to": "c", "bytes": 7}, {"from": "b", "to": "c"}]}"#;

const YAML: &str = "windtunnel_graph: 1\nobjects:\n  - {name: x, bytes: 1 MB}\ntasks:\n  - name: a\n    \
    cost: 2\n    accesses: [{write: x}]\n  - {name: b, accesses: [{reduce: x}], after: [a]}\n\
    edges:\n  - {from: a, to: b, bytes: 5}\n";

const WF_15: &str = r#"{"name": "w", "schemaVersion": "1.5", "workflow": {"specification": {"tasks": [
  {"name": "a", "id": "a_1", "parents": [], "children": ["b_2"], "inputFiles": ["i"], "outputFiles": ["f"]},
  {"name": "b", "id": "b_2", "parents": ["a_1"], "children": [], "inputFiles": ["f"], "outputFiles": ["f", "o"]}],
  "files": [{"id": "i", "sizeInBytes": 5}, {"id": "f", "sizeInBytes": 6}, {"id": "o", "sizeInBytes": 7}]},
 "execution": {"makespanInSeconds": 3.5, "tasks": [{"id": "a_1", "runtimeInSeconds": 1.5, "coreCount": 2},
  {"id": "b_2", "runtimeInSeconds": 2, "memoryInBytes": 100, "command": {"program": "p"}, "machines": ["m"]}],
  "machines": [{"nodeName": "m", "cpu": {"coreCount": 4, "speedInMHz": 1000}}]}}, "runtimeSystem": {"name": "Pegasus"}}"#;

const WF_13: &str = r#"{"name": "w", "schemaVersion": "1.3", "wms": {"name": "Makeflow"}, "workflow": {"makespan": 3,
 "tasks": [{"name": "a", "id": "1", "type": "compute", "runtime": 1, "memory": 3, "files": [{"name": "f", "size": 2, "link": "output"}]},
  {"name": "b", "id": "2", "category": "c", "cores": 1.5, "parents": ["a"], "files": [{"name": "f", "path": "", "size": 2, "link": "input"}]}],
 "machines": [{"nodeName": "m", "memory": 5, "cpu": {"count": 4, "speed": "x"}}]}}"#;

const STG: &str = "3\n0 0 0\n1 4 1 0\n2 5 1 0\n3 6 2 1 2\n4 0 1 3\n# end\n";

const DOT: &str = "strict digraph \"g\" { node [cost=1]; a [cores=2]; a -> {b; c} [bytes=\"1 kB\"];\n\
    subgraph s { b -> d:p:n [size=3] } /* x */ d [bytes=4]; d -> e;\n# y\n }\n";

fn trace_text() -> Vec<u8> {
    let graph = workloads::import::task_graph_file::read("t", TASK_GRAPH).unwrap().graph;
    let trace = Trace {
        header: TraceHeader::default(),
        initial_tasks: graph.len(),
        graph,
        makespan_ns: 5,
        tasks: Vec::new(),
        task_buffers: Vec::new(),
        copies: Vec::new(),
        buffers: Vec::new(),
        thoughts: Vec::new(),
        inputs: Vec::new(),
        losses: Default::default(),
    };
    let mut text = Vec::new();
    write_trace(&trace, &mut text).unwrap();
    text
}

/// One change to a file.
#[derive(Clone, Debug)]
enum Change {
    /// A byte becomes another.
    Byte(prop::sample::Index, u8),
    /// Some bytes are left out.
    Cut(prop::sample::Index, usize),
    /// Some bytes are there once more, elsewhere.
    Copy(prop::sample::Index, usize, prop::sample::Index),
    /// The file ends here.
    Truncate(prop::sample::Index),
    /// A digit becomes another number.
    Number(prop::sample::Index, &'static str),
    /// A word changes its place with another.
    Swap(prop::sample::Index, prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let number = prop::sample::select(vec![
        "-1",
        "0",
        "1e999",
        "1e30",
        "NaN",
        "18446744073709551616",
        "4294967296",
        "9007199254740993",
        "0.1",
        "\"\"",
        "null",
        "[]",
        "{}",
        ".inf",
    ]);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (at(), 1usize..40).prop_map(|(at, count)| Change::Cut(at, count)),
        (at(), 1usize..80, at()).prop_map(|(at, count, to)| Change::Copy(at, count, to)),
        at().prop_map(Change::Truncate),
        (at(), number).prop_map(|(at, text)| Change::Number(at, text)),
        (at(), at()).prop_map(|(a, b)| Change::Swap(a, b)),
    ]
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    if bytes.is_empty() {
        return;
    }
    let end = |at: usize, count: usize, len: usize| (at + count).min(len);
    match change {
        Change::Byte(at, byte) => {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        Change::Cut(at, count) => {
            let at = at.index(bytes.len());
            bytes.drain(at..end(at, *count, bytes.len()));
        }
        Change::Copy(at, count, to) => {
            let at = at.index(bytes.len());
            let piece = bytes[at..end(at, *count, bytes.len())].to_vec();
            let to = to.index(bytes.len());
            bytes.splice(to..to, piece);
        }
        Change::Truncate(at) => bytes.truncate(at.index(bytes.len())),
        Change::Number(at, text) => {
            let digits: Vec<usize> =
                (0..bytes.len()).filter(|i| bytes[*i].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let at = digits[at.index(digits.len())];
                bytes.splice(at..=at, text.bytes());
            }
        }
        Change::Swap(a, b) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let words: Vec<&str> = text.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            let mut words = words.clone();
            words.swap(a, b);
            *bytes = words.concat().into_bytes();
        }
    }
}

fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (prop::sample::select(seeds), prop::collection::vec(change(), 1..6)).prop_map(
        |(mut bytes, changes)| {
            changes.iter().for_each(|change| apply(&mut bytes, change));
            bytes
        },
    )
}

fn seeds(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn the_seeds_are_good_files() {
    type Target = fn(&[u8]);
    let all: [(Target, Vec<u8>); 7] = [
        (targets::task_graph, TASK_GRAPH.into()),
        (targets::task_graph, YAML.into()),
        (targets::wf_format, WF_15.into()),
        (targets::wf_format, WF_13.into()),
        (targets::trace_file, trace_text()),
        (targets::standard, STG.into()),
        (targets::graphviz, DOT.into()),
    ];
    for (target, bytes) in all {
        target(&bytes);
        let path = std::path::Path::new("seed");
        workloads::import::read_bytes(path, bytes, Default::default()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        targets::any(&bytes);
        targets::task_graph(&bytes);
        targets::wf_format(&bytes);
        targets::trace_file(&bytes);
        targets::standard(&bytes);
        targets::graphviz(&bytes);
    }

    #[test]
    fn changed_task_graph_files(bytes in mutated(seeds(&[TASK_GRAPH, YAML]))) {
        targets::task_graph(&bytes);
        targets::any(&bytes);
    }

    #[test]
    fn changed_wfformat_files(bytes in mutated(seeds(&[WF_15, WF_13]))) {
        targets::wf_format(&bytes);
        targets::any(&bytes);
    }

    #[test]
    fn changed_traces(bytes in mutated(vec![trace_text()])) {
        targets::trace_file(&bytes);
    }

    #[test]
    fn changed_stg_files(bytes in mutated(seeds(&[STG]))) {
        targets::standard(&bytes);
    }

    #[test]
    fn changed_dot_files(bytes in mutated(seeds(&[DOT]))) {
        targets::graphviz(&bytes);
    }
}
