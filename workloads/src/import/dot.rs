//! DOT, the language of Graphviz: directed graphs whose attributes say what tasks cost.
//!
//! | of | attribute | meaning |
//! |---|---|---|
//! | node | `cost`, else `weight`, else `size` | units of work, see [`Cost::Work`]; 0 without |
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

use super::draft::{Draft, DraftTask};
use super::error::{ImportError, Place, Position};
use super::names::Names;
use super::{Format, Imported, Recorded};
use parser::{Edge, Parsed};
use runtime::graph::{Mode, ObjectSpec, TaskGraph};
use runtime::{Cost, KernelId};

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
    let mut kernels = Names::with_capacity(0);
    let named = parsed.nodes.iter().map(|node| node.attributes.kernel.as_deref());
    let kernel_of: Vec<u32> = named.map(|name| kernels.insert(name.unwrap_or("task")).0).collect();
    let mut draft = Draft::new(&parsed.name, kernels.all(), &[], 0);
    for (node, kernel) in parsed.nodes.iter().zip(kernel_of) {
        draft.tasks.push(DraftTask {
            name: &node.name,
            kernel: KernelId(kernel),
            shape: [0; 4],
            params: &[],
            cost: Cost::Work(node.attributes.cost.value.unwrap_or(0.0)),
            cores: node.attributes.cores.unwrap_or(1),
            scratch_bytes: node.attributes.scratch_bytes.value.unwrap_or(0),
            gang: None,
        });
    }
    let names: Vec<Option<String>> = parsed.edges.iter().map(|e| edge_name(parsed, e)).collect();
    add_edges(parsed, &names, &mut draft);
    let place_of = |task: usize| place(file, text, parsed.nodes[task].at);
    let order = draft.sort_or_fail(place_of)?;
    draft.build(&order, file, place_of)
}

fn edge_name(parsed: &Parsed<'_>, edge: &Edge) -> Option<String> {
    let name = |node: u32| &parsed.nodes[node as usize].name;
    edge.bytes.value.map(|_| format!("{}->{}", name(edge.from), name(edge.to)))
}

fn add_edges<'p>(parsed: &'p Parsed<'_>, names: &'p [Option<String>], draft: &mut Draft<'p>) {
    const NONE: u32 = u32::MAX;
    let mut output_of = vec![NONE; parsed.nodes.len()];
    for (edge, name) in parsed.edges.iter().zip(names) {
        let node = &parsed.nodes[edge.from as usize];
        let (bytes, name) = match (edge.bytes.value, node.attributes.bytes) {
            (None, None) => {
                draft.control.push((edge.from, edge.to));
                continue;
            }
            (None, Some(_)) if output_of[edge.from as usize] != NONE => {
                draft.accesses.push((edge.to, output_of[edge.from as usize], Mode::Read));
                continue;
            }
            (Some(bytes), _) => (bytes, name.as_deref().unwrap_or("")),
            (None, Some(bytes)) => {
                output_of[edge.from as usize] = draft.objects.len() as u32;
                (bytes, node.name.as_ref())
            }
        };
        if edge.from == edge.to {
            // A loop, which sorting is to find.
            draft.control.push((edge.from, edge.to));
        }
        let object = draft.objects.len() as u32;
        draft.objects.push(ObjectSpec { name, bytes, ..ObjectSpec::default() });
        draft.accesses.push((edge.from, object, Mode::Write));
        draft.accesses.push((edge.to, object, Mode::Read));
    }
}
