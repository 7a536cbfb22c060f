//! DOT, the language of Graphviz: directed graphs whose attributes say what tasks cost.
//!
//! | of | attribute | meaning |
//! |---|---|---|
//! | node | `cost`, else `weight`, else `size` | units of [`Cost::Work`](runtime::Cost::Work); 0 without |
//! | node | `cores` | lanes of one device that it takes at once; 1 without |
//! | node | `bytes` | size of its output, for edges that state none |
//! | node | `scratch_bytes`, else `memory` | memory that it needs besides its data |
//! | node | `kernel` | what it runs; `task` without |
//! | edge | `bytes`, else `size`, else `weight` | size of what flows along it |
//!
//! Sizes are bytes or texts such as `"64 MiB"`. An edge with a size becomes an object of its own
//! that one task writes and the other reads. Edges without become readers of their first task's
//! output where that has `bytes`, and control edges otherwise. All other attributes are Graphviz's
//! and are ignored. Defaults (`node [cost=2]`), subgraphs (`a -> {b c}`), ports and all ways to
//! write names are understood; `strict` joins repeated edges.

mod lexer;
mod parser;

use super::draft::{self, Draft, DraftEdge, DraftTask};
use super::error::{ImportError, Place, Position};
use super::names::Names;
use super::{Format, Imported, Recorded};
use parser::Parsed;
use runtime::graph::{Mode, ObjectSpec, TaskGraph};

/// A fault in the text: the byte where it is, and what is wrong.
#[derive(Debug)]
struct Fault {
    at: usize,
    message: String,
}

/// Reads a text in DOT; `file` is named in errors.
///
/// # Errors
/// Any [`ImportError`].
pub fn read(file: &str, text: &str) -> Result<Imported, ImportError> {
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let parsed = parser::parse(text).map_err(|fault| ImportError::Syntax {
        place: place(file, text, fault.at),
        format: Format::Dot,
        message: fault.message,
    })?;
    let graph = build(file, text, &parsed)?;
    Ok(Imported { graph, format: Format::Dot, notes: Vec::new(), recorded: Recorded::default() })
}

fn place(file: &str, text: &str, at: usize) -> Place {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let position = Position {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    };
    Place { file: file.to_owned(), position: Some(position) }
}

fn build(file: &str, text: &str, parsed: &Parsed<'_>) -> Result<TaskGraph, ImportError> {
    let mut kernels = Names::default();
    let mut tasks = Vec::with_capacity(parsed.nodes.len());
    for node in &parsed.nodes {
        let attributes = &node.attributes;
        let kernel = kernels.insert(attributes.kernel.as_deref().unwrap_or("task")).0;
        tasks.push(DraftTask {
            cores: attributes.cores.unwrap_or(1),
            scratch_bytes: attributes.scratch_bytes.value.unwrap_or(0),
            ..DraftTask::new(&node.name, kernel, attributes.cost.value.unwrap_or(0.0))
        });
    }
    let mut draft = Draft::new(draft::with_kernels(&parsed.name, &kernels), tasks);
    add_edges(parsed, &mut draft);
    let place_of = |task: usize| place(file, text, parsed.nodes[task].at);
    let order = draft.sort(place_of)?;
    draft.build(&order, file, place_of)
}

fn add_edges<'p>(parsed: &'p Parsed<'_>, draft: &mut Draft<'p, Vec<DraftTask<'p>>>) {
    let mut output_of: Vec<Option<u32>> = vec![None; parsed.nodes.len()];
    for edge in &parsed.edges {
        let (from, to) = (edge.from, edge.to);
        let node = &parsed.nodes[from as usize];
        match (edge.bytes.value, node.attributes.bytes) {
            (None, None) => draft.control.push((from, to)),
            (Some(bytes), _) => draft.edges.push(DraftEdge { from, to, bytes }),
            (None, Some(bytes)) => {
                let next = draft.objects.len() as u32;
                let object = *output_of[from as usize].get_or_insert(next);
                if object == next {
                    let name = node.name.as_ref();
                    draft.objects.push(ObjectSpec { name, bytes, ..ObjectSpec::default() });
                    draft.accesses.push((from, object, Mode::Write));
                }
                draft.accesses.push((to, object, Mode::Read));
                if from == to {
                    // A loop, which sorting is to find.
                    draft.control.push((from, to));
                }
            }
        }
    }
}
