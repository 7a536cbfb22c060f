//! WfFormat: the recorded instances against numbers counted from their raw JSON, and small files of
//! every version for units, layouts and mistakes.

#![allow(clippy::print_stderr, reason = "a test that has no data to run on says so")]

use runtime::graph::{Mode, TaskGraph};
use runtime::{Cost, ObjectId, TaskId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use workloads::import::{self, Format, ImportError, Imported, Options, SizeUnit, wfformat};

fn read(text: &str) -> Result<Imported, ImportError> {
    wfformat::read("wf.json", text, None)
}

fn task(graph: &TaskGraph, name: &str) -> TaskId {
    graph.task_ids().find(|t| graph.task_name(*t) == name).unwrap_or_else(|| panic!("no {name}"))
}

fn object(graph: &TaskGraph, name: &str) -> ObjectId {
    graph
        .object_ids()
        .find(|o| graph.object_name(*o) == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

fn recorded_s(graph: &TaskGraph, task: TaskId) -> f64 {
    match graph.task(task).cost {
        Cost::Work(work) => work / wfformat::REFERENCE_SPEED,
        Cost::Table(_) => panic!("recorded seconds are work"),
    }
}

fn instances() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/wfinstances");
    let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    files
}

fn list<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    value[key].as_array().into_iter().flatten().map(|v| v.as_str().unwrap()).collect()
}

/// What the raw JSON of a 1.5 file says, counted without the importer's ideas.
struct Raw {
    tasks: usize,
    files: usize,
    seconds: f64,
    bytes: u64,
    memory_bytes: u64,
    /// Pairs of tasks with the file that flows between them.
    flows: BTreeSet<(String, String, String)>,
    parents: BTreeSet<(String, String)>,
    inputs: BTreeSet<String>,
    results: BTreeSet<String>,
}

fn raw(json: &Value) -> Raw {
    let specification = &json["workflow"]["specification"];
    let tasks = specification["tasks"].as_array().unwrap();
    let files = specification["files"].as_array().unwrap();
    let executed = json["workflow"]["execution"]["tasks"].as_array().unwrap();
    let (mut writers, mut readers) = (BTreeMap::new(), BTreeMap::new());
    let mut parents = BTreeSet::new();
    for task in tasks {
        let id = task["id"].as_str().unwrap();
        for file in list(task, "outputFiles") {
            writers.entry(file).or_insert_with(Vec::new).push(id);
        }
        for file in list(task, "inputFiles") {
            readers.entry(file).or_insert_with(Vec::new).push(id);
        }
        parents.extend(list(task, "parents").iter().map(|p| (p.to_string(), id.to_owned())));
        parents.extend(list(task, "children").iter().map(|c| (id.to_owned(), c.to_string())));
    }
    let mut flows = BTreeSet::new();
    for (file, writers) in &writers {
        for (from, to) in writers
            .iter()
            .flat_map(|w| readers.get(file).into_iter().flatten().map(move |r| (w, r)))
        {
            flows.insert((from.to_string(), to.to_string(), file.to_string()));
        }
    }
    let all: BTreeSet<&str> = writers.keys().chain(readers.keys()).copied().collect();
    Raw {
        tasks: tasks.len(),
        files: files.len(),
        seconds: executed.iter().map(|t| t["runtimeInSeconds"].as_f64().unwrap()).sum(),
        bytes: files.iter().map(|f| f["sizeInBytes"].as_u64().unwrap()).sum(),
        memory_bytes: executed.iter().filter_map(|t| t["memoryInBytes"].as_u64()).sum(),
        flows,
        parents,
        inputs: all.iter().filter(|f| !writers.contains_key(**f)).map(|f| f.to_string()).collect(),
        results: all.iter().filter(|f| !readers.contains_key(**f)).map(|f| f.to_string()).collect(),
    }
}

#[test]
fn recorded_instances_import_with_everything_that_is_in_them() {
    let files = instances();
    if files.is_empty() {
        eprintln!("skipped: no shared data");
        return;
    }
    assert_eq!(files.len(), 14);
    for path in files {
        let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let raw = raw(&json);
        let imported = import::read(&path, Options::default()).unwrap();
        let graph = &imported.graph;
        let name = path.display();
        assert_eq!(imported.format, Format::WfFormat, "{name}");
        assert_eq!(graph.len(), raw.tasks, "{name}");
        assert_eq!(graph.object_count(), raw.files, "{name}");
        let seconds: f64 = graph.task_ids().map(|t| recorded_s(graph, t)).sum();
        assert!((seconds - raw.seconds).abs() < 1e-6 * raw.seconds, "{name}: {seconds} s");
        assert_eq!(graph.summary().object_bytes, raw.bytes, "{name}");
        let scratch: u64 = graph.task_ids().map(|t| graph.task(t).scratch_bytes).sum();
        assert_eq!(scratch, raw.memory_bytes, "{name}");

        let (mut flows, mut control) = (BTreeSet::new(), BTreeSet::new());
        for edge in graph.task_ids().flat_map(|t| graph.incoming(t)) {
            let (from, to) = (graph.task_name(edge.from), graph.task_name(edge.to));
            match edge.object {
                Some(object) => assert!(flows.insert((from, to, graph.object_name(object)))),
                None => assert!(control.insert((from, to))),
            }
        }
        assert_eq!(flows, raw.flows, "{name}");
        let by_file: BTreeSet<_> = flows.into_iter().map(|(a, b, _)| (a, b)).collect();
        let expected: BTreeSet<_> = raw.parents.difference(&by_file).cloned().collect();
        assert_eq!(control, expected, "{name}");

        let named = |keep: &dyn Fn(ObjectId) -> bool| -> BTreeSet<String> {
            graph.object_ids().filter(|o| keep(*o)).map(|o| graph.object_name(o)).collect()
        };
        assert_eq!(named(&|o| graph.object(o).initial), raw.inputs, "{name}");
        assert_eq!(named(&|o| graph.object(o).keep), raw.results, "{name}");
        let makespan = json["workflow"]["execution"]["makespanInSeconds"].as_f64();
        assert_eq!(imported.recorded.makespan_s, makespan, "{name}");
        let machines = json["workflow"]["execution"]["machines"].as_array().unwrap();
        assert_eq!(imported.recorded.machines.len(), machines.len(), "{name}");
        assert_eq!(imported.recorded.machines[0].cores, machines[0]["cpu"]["coreCount"].as_f64());
        let is_makeflow = json["runtimeSystem"]["name"] == "Makeflow";
        assert_eq!(imported.notes.len(), usize::from(is_makeflow), "{name}: {:?}", imported.notes);
        let kernels = graph.kernel_names().len();
        assert!(kernels * 3 < graph.len() || kernels < 12, "{name}: {:?}", graph.kernel_names());
    }
}

/// Two tasks and three files in the layout of before 1.5.
fn inline(
    version: &str,
    writer: &str,
    list: &str,
    size: &str,
    runtime: &str,
    memory: &str,
) -> String {
    format!(
        r#"{{"name": "two", "schemaVersion": "{version}", "wms": {{"name": "{writer}", "version": "1"}},
 "workflow": {{"makespan": 7, "{list}": [
  {{"name": "second", "type": "compute", "{runtime}": 4.5, "parents": ["first"], "cores": 1.5,
    "{memory}": 3, "machine": "m1",
    "files": [{{"name": "mid", "{size}": 20, "link": "input"}},
              {{"name": "out", "{size}": 0.5, "link": "output"}}]}},
  {{"name": "first", "type": "compute", "{runtime}": 2, "category": "make", "parents": [],
    "files": [{{"name": "in", "{size}": 1000, "link": "input"}},
              {{"name": "mid", "{size}": 20, "link": "output"}}]}}],
 "machines": [{{"nodeName": "m1", "memory": 8, "cpu": {{"count": 4, "speed": "2400"}}}}]}}}}"#
    )
}

fn sizes(imported: &Imported) -> [u64; 3] {
    let graph = &imported.graph;
    ["in", "mid", "out"].map(|name| graph.object(object(graph, name)).bytes)
}

#[test]
fn version_and_writer_decide_what_a_bare_size_counts() {
    let kilobytes = [1_000_000, 20_000, 500];
    let bytes = [1000, 20, 1];
    for (version, writer, list, expected, said) in [
        ("1.2", "Pegasus", "jobs", bytes, "taken as bytes"),
        ("1.3", "pegasus 4.9", "tasks", bytes, "taken as bytes"),
        ("1.2", "Makeflow", "jobs", kilobytes, "taken as kilobytes"),
        ("1.3", "Makeflow", "tasks", kilobytes, "taken as kilobytes"),
        ("1.3", "Nextflow", "tasks", kilobytes, "taken as kilobytes"),
        ("1.3", "", "tasks", kilobytes, "from an unnamed writer"),
    ] {
        let text = inline(version, writer, list, "size", "runtime", "memory");
        let imported = read(&text).unwrap();
        assert_eq!(sizes(&imported), expected, "{version} {writer}");
        assert!(imported.notes.iter().any(|note| note.contains(said)), "{:?}", imported.notes);
        assert_eq!(imported.graph.task(task(&imported.graph, "second")).scratch_bytes, 3000);
    }
    for writer in ["Pegasus", "Nextflow", "Makeflow"] {
        let text =
            inline("1.4", writer, "tasks", "sizeInBytes", "runtimeInSeconds", "memoryInBytes");
        let imported = read(&text).unwrap();
        assert_eq!(sizes(&imported), bytes, "{writer}");
        assert_eq!(imported.graph.task(task(&imported.graph, "second")).scratch_bytes, 3);
        assert_eq!(imported.notes.len(), usize::from(writer == "Makeflow"), "{:?}", imported.notes);
        let forced = wfformat::read("wf.json", &text, Some(SizeUnit::Kilobytes)).unwrap();
        assert_eq!(sizes(&forced), kilobytes);
        assert_eq!(forced.notes, [""; 0]);
    }
}

#[test]
fn both_old_layouts_say_the_same() {
    for text in [
        inline("1.2", "Pegasus", "jobs", "size", "runtime", "memory"),
        inline("1.4", "Pegasus", "tasks", "sizeInBytes", "runtimeInSeconds", "memoryInBytes"),
    ] {
        let imported = read(&text).unwrap();
        let graph = &imported.graph;
        assert_eq!((graph.name(), graph.len(), graph.object_count()), ("two", 2, 3));
        // Sorted: the parent comes first although the file lists it last.
        let (first, second) = (TaskId(0), TaskId(1));
        assert_eq!(
            (graph.task_name(first), graph.task_name(second)),
            ("first".into(), "second".into())
        );
        assert_eq!((recorded_s(graph, first), recorded_s(graph, second)), (2.0, 4.5));
        assert_eq!((graph.task(first).cores, graph.task(second).cores), (1, 2));
        assert_eq!(graph.kernel_name(graph.task(first).kernel), "make");
        let mid = object(graph, "mid");
        assert_eq!(graph.incoming(second)[0].object, Some(mid));
        assert_eq!(graph.edge_count(), 1);
        let flags = |name| {
            let object = graph.object(object(graph, name));
            (object.initial, object.keep)
        };
        assert_eq!(
            (flags("in"), flags("mid"), flags("out")),
            ((true, false), (false, false), (false, true))
        );
        assert_eq!(imported.recorded.makespan_s, Some(7.0));
        let machine = &imported.recorded.machines[0];
        assert_eq!((machine.name.as_str(), machine.tasks, machine.cores), ("m1", 1, Some(4.0)));
        assert_eq!((machine.clock_mhz, machine.memory_bytes), (Some(2400.0), Some(8000)));
    }
}

/// Id, inputs, outputs, parents.
type Specified<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a [&'a str]);

/// A 1.5 file of tasks.
fn specified(tasks: &[Specified<'_>]) -> String {
    let files: BTreeSet<&str> = tasks.iter().flat_map(|t| t.1.iter().chain(t.2)).copied().collect();
    let files: Vec<Value> =
        files.iter().map(|f| serde_json::json!({ "id": f, "sizeInBytes": 10 })).collect();
    let specified: Vec<Value> = tasks
        .iter()
        .map(|(id, inputs, outputs, parents)| {
            serde_json::json!({ "name": id, "id": id, "inputFiles": inputs, "outputFiles": outputs,
                                "parents": parents, "children": [] })
        })
        .collect();
    let executed: Vec<Value> =
        tasks.iter().map(|t| serde_json::json!({ "id": t.0, "runtimeInSeconds": 1.0 })).collect();
    let workflow = serde_json::json!({
        "specification": { "tasks": specified, "files": files },
        "execution": { "makespanInSeconds": 3, "executedAt": "", "tasks": executed },
    });
    let document = serde_json::json!({ "name": "w", "schemaVersion": "1.5", "workflow": workflow });
    serde_json::to_string_pretty(&document).unwrap()
}

fn edges(graph: &TaskGraph) -> Vec<(String, String, Option<String>)> {
    let edges = graph.task_ids().flat_map(|t| graph.incoming(t).to_vec());
    edges
        .map(|e| {
            let object = e.object.map(|o| graph.object_name(o));
            (graph.task_name(e.from), graph.task_name(e.to), object)
        })
        .collect()
}

#[test]
fn parents_without_a_file_become_control_edges() {
    let text =
        specified(&[("a", &[], &["f"], &[]), ("b", &["f"], &[], &["a"]), ("c", &[], &[], &["a"])]);
    let imported = read(&text).unwrap();
    let flow =
        |a: &str, b: &str, f: Option<&str>| (a.to_owned(), b.to_owned(), f.map(str::to_owned));
    assert_eq!(edges(&imported.graph), [flow("a", "b", Some("f")), flow("a", "c", None)]);
}

#[test]
fn a_task_may_change_a_file_in_place() {
    let text = specified(&[("r", &["f"], &[], &[]), ("a", &["f"], &["f"], &[])]);
    let imported = read(&text).unwrap();
    let graph = &imported.graph;
    assert_eq!(graph.accesses(task(graph, "a"))[0].mode, Mode::ReadWrite);
    assert!(graph.object(ObjectId(0)).initial);
    // Whoever reads the file reads what its only writer made of it.
    assert_eq!(edges(graph), [("a".to_owned(), "r".to_owned(), Some("f".to_owned()))]);
    assert_eq!(imported.notes.len(), 1);
    assert!(imported.notes[0].contains("changes them in place: \"f\""), "{:?}", imported.notes);
}

#[test]
fn several_writers_take_turns_in_the_order_of_the_other_dependencies() {
    let text = specified(&[
        ("late", &[], &["f"], &["read"]),
        ("read", &["f"], &[], &["early"]),
        ("early", &[], &["f"], &[]),
    ]);
    let imported = read(&text).unwrap();
    let names: Vec<_> = imported.graph.task_ids().map(|t| imported.graph.task_name(t)).collect();
    assert_eq!(names, ["early", "read", "late"]);
    assert!(!imported.graph.object(ObjectId(0)).initial);
    assert!(imported.notes[0].contains("written by several tasks"), "{:?}", imported.notes);

    let text = specified(&[
        ("read", &["f"], &[], &[]),
        ("x", &[], &["f"], &["read"]),
        ("y", &[], &["f"], &["x"]),
    ]);
    let imported = read(&text).unwrap();
    assert!(imported.graph.object(ObjectId(0)).initial);
    assert!(imported.notes[1].contains("read before the first write"), "{:?}", imported.notes);
}

#[test]
fn odd_but_harmless_things_are_noted() {
    let mut json: Value = serde_json::from_str(&specified(&[("a", &[], &["f"], &[])])).unwrap();
    let files = json["workflow"]["specification"]["files"].as_array_mut().unwrap();
    files.push(serde_json::json!({ "id": "f", "sizeInBytes": 99 }));
    files.push(serde_json::json!({ "id": "unused", "sizeInBytes": 1 }));
    json["workflow"]["execution"]["tasks"] = serde_json::json!([{ "id": "stranger" }]);
    json["schemaVersion"] = serde_json::json!("1.6");
    let imported = read(&json.to_string()).unwrap();
    assert_eq!(imported.graph.object_count(), 1);
    assert_eq!(imported.graph.object(ObjectId(0)).bytes, 99);
    let notes = imported.notes.join("\n");
    for part in [
        "schemaVersion 1.6 was read as its neighbour",
        "1 files are listed with different sizes; the larger one counts: \"f\" of 10 and 99 bytes",
        "1 executed tasks are not in the specification and were left out: \"stranger\"",
        "1 of 1 tasks have no runtime; 0 s was taken: \"a\"",
        "1 files are used by no task and were left out: \"unused\"",
    ] {
        assert!(notes.contains(part), "no {part:?} in\n{notes}");
    }
}

#[test]
fn a_name_that_several_tasks_have_means_those_that_share_a_file() {
    let text = r#"{"name": "n", "schemaVersion": "1.4", "workflow": {"tasks": [
      {"name": "cat", "id": "1", "files": [{"link": "output", "name": "x", "path": "/1/", "sizeInBytes": 5}]},
      {"name": "cat", "id": "2", "files": [{"link": "output", "name": "x", "path": "/2/", "sizeInBytes": 6}]},
      {"name": "use", "id": "3", "parents": ["cat"],
       "files": [{"link": "input", "name": "x", "path": "/2/", "sizeInBytes": 6}]},
      {"name": "all", "id": "4", "parents": ["cat"]}]}}"#;
    let imported = read(text).unwrap();
    let graph = &imported.graph;
    assert_eq!(graph.object_name(ObjectId(0)), "/1/x");
    let preds = |name| graph.predecessors(task(graph, name)).map(|t| t.0).collect::<Vec<_>>();
    assert_eq!(preds("use"), [1]);
    assert_eq!(preds("all"), [0, 1]);
    assert!(
        imported.notes.iter().any(|n| n.contains("several tasks are called")),
        "{:?}",
        imported.notes
    );
    let twice = text.replace("\"id\": \"2\"", "\"id\": \"1\"");
    assert_eq!(
        read(&twice).unwrap_err().to_string(),
        "wf.json:3:16: task \"cat\" is there twice; task names must be unique"
    );
}

#[test]
fn mistakes_are_answered_with_their_place() {
    let good = specified(&[("alpha", &[], &["data"], &[]), ("beta", &["data"], &[], &["alpha"])]);
    let fault = |text: &str| read(text).unwrap_err().to_string();
    let place = |text: &str, value: &str| {
        let (line, content) = text.lines().enumerate().find(|(_, l)| l.contains(value)).unwrap();
        format!("wf.json:{}:{}", line + 1, content.find(value).unwrap() + 1)
    };
    for (key, from, to, what) in [
        ("parents", "\"alpha\"", "\"alhpa\"", "task"),
        ("inputFiles", "\"data\"", "\"daat\"", "file"),
    ] {
        let list = |name: &str| format!("\"{key}\": [\n            {name}");
        let bad = good.replace(&list(from), &list(to));
        assert_eq!(
            fault(&bad),
            format!(
                "{}: task \"beta\" names {what} {to}, which does not exist; did you mean {from}?",
                place(&bad, to)
            )
        );
    }
    let cycle =
        specified(&[("a", &["g"], &["f"], &[]), ("b", &["f"], &["g"], &[]), ("c", &[], &[], &[])]);
    assert!(
        fault(&cycle).ends_with(": the tasks wait for each other: a -> b -> a"),
        "{}",
        fault(&cycle)
    );
    assert!(fault(&specified(&[("a", &[], &[], &["a"])])).ends_with("a -> a"));
    for (from, to, expected) in [
        (
            "\"runtimeInSeconds\": 1.0",
            "\"runtimeInSeconds\": -1.0",
            "invalid value: floating point `-1.0`, expected a finite number of at least 0",
        ),
        ("\"runtimeInSeconds\": 1.0", "\"runtimeInSeconds\": 1e999", "number out of range"),
        ("\"runtimeInSeconds\": 1.0", "\"runtimeInSeconds\": NaN", "expected value"),
        ("\"runtimeInSeconds\": 1.0", "\"runtimeInSeconds\": \"1\"", "invalid type: string \"1\""),
        ("\"sizeInBytes\": 10", "\"sizeInBytes\": -10", "expected a finite number of at least 0"),
        (
            "\"sizeInBytes\": 10",
            "\"sizeInBytes\": 99999999999999999999",
            "the size of file \"data\" is 1e20 bytes; expected at most 2^53 bytes",
        ),
        (
            "\"schemaVersion\": \"1.5\"",
            "\"schemaVersion\": \"2.0\"",
            "WfFormat file of version \"2.0\"; this program reads versions 1.2 to 1.5",
        ),
        ("\"id\": \"beta\"", "\"id\": \"alpha\"", "task \"alpha\" is there twice"),
        (
            "\"specification\"",
            "\"specfication\"",
            "expected `specification` (since 1.5), or `tasks` or `jobs`",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        let error = read(&good.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains(expected), "{to}: {error}");
        assert!(error.position().is_some(), "{error}");
    }
    let truncated = fault(&good[..good.len() / 2]);
    assert!(truncated.contains("the text ends too early"), "{truncated}");
    assert_eq!(fault("  \n"), "wf.json: the file is empty");
    // The first value that is wrong is found at its line and column.
    let negative = good.replacen("\"sizeInBytes\": 10", "\"sizeInBytes\": -10", 1);
    let line = 1 + negative.lines().position(|l| l.contains("-10")).unwrap();
    assert!(fault(&negative).starts_with(&format!("wf.json:{line}:")), "{}", fault(&negative));
}
