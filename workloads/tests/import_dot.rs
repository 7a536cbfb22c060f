//! DOT: attributes, defaults, subgraphs and mistakes.

use runtime::graph::{Mode, TaskGraph};
use runtime::{Cost, ObjectId, TaskId};
use workloads::import::dot;

fn read(text: &str) -> TaskGraph {
    let imported = dot::read("g.dot", text);
    imported.unwrap_or_else(|e| panic!("{e}\n{text}")).graph
}

fn edges(graph: &TaskGraph) -> Vec<String> {
    let edges = graph.task_ids().flat_map(|t| graph.incoming(t).to_vec());
    edges
        .map(|e| {
            let object =
                e.object.map(|o| format!(" {}={}", graph.object_name(o), graph.object(o).bytes));
            let (from, to) = (graph.task_name(e.from), graph.task_name(e.to));
            format!("{from}>{to}{}", object.unwrap_or_default())
        })
        .collect()
}

fn task(graph: &TaskGraph, name: &str) -> TaskId {
    graph.task_ids().find(|t| graph.task_name(*t) == name).unwrap()
}

#[test]
fn attributes_say_what_tasks_and_edges_cost() {
    let g = read(
        r#"digraph "my graph" {
          rankdir = LR; graph [ratio=fill] // styling
          a [cost=2.5, cores=4, kernel=gemm, scratch_bytes="1 MB", label="first", weight=9];
          b [weight=3; size=9] c [size=1e2][memory=7]
          a -> b [bytes=100, weight=1]; a -> c [size="2 KiB"]; b -> c
        }"#,
    );
    assert_eq!((g.name(), g.len(), g.object_count()), ("my graph", 3, 2));
    let (a, b, c) = (g.task(task(&g, "a")), g.task(task(&g, "b")), g.task(task(&g, "c")));
    assert_eq!([a.cost, b.cost, c.cost], [2.5, 3.0, 100.0].map(Cost::Work));
    assert_eq!((a.cores, b.cores), (4, 1));
    assert_eq!((a.scratch_bytes, c.scratch_bytes), (1_000_000, 7));
    assert_eq!((g.kernel_name(a.kernel), g.kernel_name(b.kernel)), ("gemm", "task"));
    assert_eq!(edges(&g), ["a>b a->b=100", "a>c a->c=2048", "b>c"]);
}

#[test]
fn the_output_of_a_node_is_read_by_all_edges_without_a_size() {
    let g = read("digraph { a [bytes=50]; a -> b; a -> c; a -> d [bytes=7] }");
    assert_eq!(edges(&g), ["a>b a=50", "a>c a=50", "a>d a->d=7"]);
    assert_eq!(g.object_count(), 2);
    assert_eq!(g.accesses(TaskId(0))[0].mode, Mode::Write);
    assert_eq!(g.object(ObjectId(0)).bytes, 50);
}

#[test]
fn defaults_hold_for_what_follows_within_their_braces() {
    let g = read(
        "digraph { z; node [cost=1] a; subgraph cluster_x { node [cost=2] edge [bytes=9] b -> c } \
         d -> a; node [cost=5]; b }",
    );
    let cost = |name| g.task(task(&g, name)).cost;
    let all = ["z", "a", "b", "c", "d"].map(cost);
    assert_eq!(all, [0.0, 1.0, 2.0, 2.0, 1.0].map(Cost::Work));
    let mut edges = edges(&g);
    edges.sort();
    assert_eq!(edges, ["b>c b->c=9", "d>a"]);
}

#[test]
fn chains_subgraphs_and_ports_are_edges() {
    let g = read("DIGRAPH { a:n:sw -> {b; c} -> \"d\" + \"e\":p [bytes=1] ; }");
    assert_eq!(edges(&g), ["a>b a->b=1", "a>c a->c=1", "b>de b->de=1", "c>de c->de=1"]);
    let g = read("strict digraph { a -> b; a -> b [bytes=3]; }");
    assert_eq!(edges(&g), ["a>b a->b=3"]);
    let g = read("digraph { a -> b [bytes=1]; a -> b [bytes=3]; }");
    assert_eq!(edges(&g), ["a>b a->b=1", "a>b a->b=3"]);
    assert_eq!(read("digraph{}").len(), 0);
}

#[test]
fn tasks_are_sorted() {
    let g = read("digraph { d -> b; a; b -> c; }");
    let names: Vec<_> = g.task_ids().map(|t| g.task_name(t)).collect();
    assert_eq!(names, ["d", "a", "b", "c"]);
}

#[test]
fn mistakes_are_answered_with_their_place() {
    for (text, expected) in [
        (
            "digraph {\n  a -> b\n  b -> a }",
            "g.dot:2:3: the tasks wait for each other: a -> b -> a",
        ),
        ("digraph { a -> a [bytes=1] }", "the tasks wait for each other: a -> a"),
        ("digraph { a [bytes=1] a -> a }", "the tasks wait for each other: a -> a"),
        (
            "graph { a -- b }",
            "g.dot:1:1: not a valid DOT file: an undirected graph does not order its tasks",
        ),
        (
            "digraph { a -- b }",
            "g.dot:1:13: not a valid DOT file: `--` does not order its tasks; expected `->`",
        ),
        (
            "digraph { a [cost=-1] }",
            "g.dot:1:19: not a valid DOT file: `cost` is \"-1\"; expected a finite number of at least 0",
        ),
        ("digraph { a [cost=nan] }", "`cost` is \"nan\"; expected a finite number"),
        ("digraph { a [cost=inf] }", "`cost` is \"inf\"; expected a finite number"),
        ("digraph { a [cores=0] }", "`cores` is \"0\"; expected a whole number of at least 1"),
        (
            "digraph { a -> b [bytes=\"9 parsecs\"] }",
            "`bytes` is \"9 parsecs\"; expected a number of bytes",
        ),
        ("digraph { a -> b [bytes=1e300] }", "expected a number of bytes from 0 to 2^53"),
        (
            "digraph {\n a [label=\"x ]}",
            "g.dot:2:11: not a valid DOT file: a text in quotes that never ends",
        ),
        (
            "digraph { a -> ",
            "g.dot:1:16: not a valid DOT file: expected a node, an edge or `}`, found the end of the text",
        ),
        ("digraph { a -> ; }", "found `;`"),
        ("digraph { a } b", "expected nothing behind the graph"),
        ("digraph { /* a }", "a comment that never ends"),
        ("digraf { a }", "expected `digraph`"),
        (" ", "g.dot: the file is empty"),
    ] {
        let error = dot::read("g.dot", text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n  expected: {expected}\n  answered: {error}");
    }
    let deep = format!("digraph {} a {}", "{".repeat(10_000), "}".repeat(10_000));
    let error = dot::read("g.dot", &deep).unwrap_err().to_string();
    assert!(error.contains("more than 64 subgraphs deep"), "{error}");
    let nodes: String = (0..5000).map(|i| format!("n{i} ")).collect();
    let error =
        dot::read("g.dot", &format!("digraph {{ {{{nodes}}} -> {{{nodes}}} }}")).unwrap_err();
    assert!(error.to_string().contains("more than 16777216 edges"), "{error}");
}
