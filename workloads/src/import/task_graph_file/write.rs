//! From a graph to the file.

use super::VERSION;
use super::occupancy::Occupancy;
use super::spec::{AccessEntry, ObjectEntry, Order, Shape, TaskEntry, TaskGraphFile};
use crate::import::names::Names;
use crate::import::numbers::{CostEntry, Size, Text};
use runtime::{Cost, Ns, TaskGraph, TaskId};
use std::borrow::Cow;
use std::io::Write;

/// The file of a graph. Reading it back gives the same graph, tasks in the same order.
///
/// Names that two tasks or two objects share get a number appended, since names tell them apart in
/// a file. Durations beyond 2^51 ns (26 days) may change by a few nanoseconds. Objects that are
/// still held are written as released: no task can be added to a file.
pub fn to_task_graph_file(graph: &TaskGraph) -> TaskGraphFile<'_> {
    let objects = unique(graph.object_ids().map(|o| graph.object_name(o)).collect());
    let tasks = unique(graph.task_ids().map(|t| graph.task_name(t)).collect());
    TaskGraphFile {
        windtunnel_graph: VERSION,
        schema: Text::default(),
        name: borrowed(graph.name()),
        description: Text::default(),
        order: Order::Listed,
        columns: graph.columns().iter().map(|c| borrowed(c)).collect(),
        tasks: (graph.task_ids().map(|t| task_entry(graph, t, &tasks, &objects))).collect(),
        objects: graph
            .object_ids()
            .map(|id| {
                let object = graph.object(id);
                ObjectEntry {
                    name: owned(&objects[id.index()]),
                    bytes: Size(object.bytes),
                    home: object.home,
                    initial: object.initial,
                    keep: object.keep,
                }
            })
            .collect(),
        edges: Vec::new(),
    }
}

/// Writes the file of a graph as JSON, one object or task per line.
///
/// # Errors
/// Those of the writer.
pub fn write(graph: &TaskGraph, out: &mut dyn Write) -> std::io::Result<()> {
    let mut file = to_task_graph_file(graph);
    let (objects, tasks) = (std::mem::take(&mut file.objects), std::mem::take(&mut file.tasks));
    // What is left are the keys before the lists; `tasks` is always there, and last.
    let head = serde_json::to_string(&file)?;
    let head = head.strip_suffix("\"tasks\":[]}").expect("the list of tasks is written last");
    out.write_all(head.as_bytes())?;
    if !objects.is_empty() {
        out.write_all(b"\n\"objects\":[")?;
        lines(out, &objects)?;
        out.write_all(b"\n],")?;
    }
    out.write_all(b"\n\"tasks\":[")?;
    lines(out, &tasks)?;
    out.write_all(b"\n]}\n")
}

fn lines<T: serde::Serialize>(out: &mut dyn Write, entries: &[T]) -> std::io::Result<()> {
    for (i, entry) in entries.iter().enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, entry)?;
    }
    Ok(())
}

fn task_entry<'g>(
    graph: &'g TaskGraph,
    id: TaskId,
    tasks: &[String],
    objects: &[String],
) -> TaskEntry<'g> {
    let task = graph.task(id);
    let control = graph.incoming(id).iter().filter(|edge| edge.object.is_none());
    let accesses = graph.accesses(id).iter();
    TaskEntry {
        name: owned(&tasks[id.index()]),
        kernel: Some(borrowed(graph.kernel_name(task.kernel))),
        cost: match task.cost {
            Cost::Work(work) => CostEntry::Work(work),
            Cost::Table(row) => CostEntry::Table(
                (graph.columns().iter().zip(graph.cost_row(row)))
                    .filter(|(_, ns)| **ns != Ns::MAX)
                    .map(|(column, ns)| (borrowed(column), *ns))
                    .collect(),
            ),
        },
        cores: task.cores,
        scratch_bytes: Size(task.scratch_bytes),
        occupancy: Occupancy(task.occupancy_ppm),
        accesses: (accesses.map(|a| AccessEntry::new(owned(&objects[a.object.index()]), a.mode)))
            .collect(),
        after: control.map(|edge| owned(&tasks[edge.from.index()])).collect(),
        gang: task.gang.map(|gang| Text(Cow::Owned(format!("gang {}", gang.0)))),
        shape: Shape(task.shape),
        params: graph.params(id).to_vec(),
    }
}

fn borrowed(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

fn owned(text: &str) -> Text<'static> {
    Text(Cow::Owned(text.to_owned()))
}

/// The same names, those that are there already with the first free number behind them.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken = Names::with_capacity(names.len());
    let repeats: Vec<usize> =
        (0..names.len()).filter(|at| !taken.insert(names[*at].as_str()).1).collect();
    if repeats.is_empty() {
        return names;
    }
    let mut all: std::collections::BTreeSet<String> = names.iter().cloned().collect();
    let mut next: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut unique = names;
    for at in repeats {
        let number = next.entry(unique[at].clone()).or_insert(1);
        let fresh = loop {
            *number += 1;
            let fresh = format!("{} ({number})", unique[at]);
            if all.insert(fresh.clone()) {
                break fresh;
            }
        };
        unique[at] = fresh;
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::unique;

    #[test]
    fn names_become_unique_without_taking_anothers() {
        let names = ["a", "a", "a (2)", "b", "a"].map(str::to_owned).to_vec();
        assert_eq!(unique(names), ["a", "a (3)", "a (2)", "b", "a (4)"]);
    }
}
