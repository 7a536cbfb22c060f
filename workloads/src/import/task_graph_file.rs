//! The task-graph file: JSON or YAML, written by people and by other tools.
//!
//! `docs/task-graph-file.md` explains it with examples; `docs/task-graph.schema.json` is its JSON
//! Schema, made from the types here. [`read`] makes a graph of a text, [`write()`] a text of a
//! graph.

mod load;
mod occupancy;
mod resolve;
mod spec;
mod write;

pub use spec::{AccessEntry, EdgeEntry, ObjectEntry, Order, TaskEntry, TaskGraphFile};
pub use write::{to_task_graph_file, write};

use super::error::ImportError;
use super::source::{Source, Step, Syntax};
use super::{Format, Imported, Recorded};
use load::{Fault, Load, Loaded};
use schemars::Schema;

/// The version of the format that this program writes; it reads this one and older ones.
pub const VERSION: u32 = 1;

/// Reads a task graph from a text in JSON (when it begins with a brace) or YAML; `file` is named in
/// errors.
///
/// # Errors
/// Any [`ImportError`].
pub fn read(file: &str, text: &str) -> Result<Imported, ImportError> {
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let is_json = text.trim_start().starts_with('{');
    // A map in YAML's flow style begins with a brace too, but its keys need no quotes.
    let quoted = text.trim_start()[usize::from(is_json)..].trim_start().starts_with(['"', '}']);
    let syntax = if is_json && quoted { Syntax::Json } else { Syntax::Yaml };
    let source = Source { file, text, format: Format::TaskGraphFile, syntax };
    let mut loaded = Loaded::default();
    if let Err(error) = source.parse_seed(Load(&mut loaded)) {
        return Err(worded(&source, loaded.fault, error));
    }
    let graph = resolve::graph(&source, loaded)?;
    let format = Format::TaskGraphFile;
    Ok(Imported { graph, format, notes: Vec::new(), recorded: Recorded::default() })
}

/// The JSON Schema of the format.
pub fn schema() -> Schema {
    schemars::schema_for!(TaskGraphFile<'_>)
}

/// What stopped the parser, in the best words for it.
fn worded(source: &Source<'_>, fault: Option<Fault>, error: ImportError) -> ImportError {
    /// The version alone.
    #[derive(serde::Deserialize)]
    struct Head {
        windtunnel_graph: u32,
    }
    let version_error = |found: u32| ImportError::Version {
        place: source.locate(&[Step::Key(&["windtunnel_graph"])]),
        format: Format::TaskGraphFile,
        found: found.to_string(),
        known: "version 1",
    };
    match fault {
        Some(Fault::Version(found)) => version_error(found),
        Some(Fault::Duplicate(list, at, name)) => {
            let place = source.locate(&[Step::Key(&[list]), Step::Index(at), Step::Key(&["name"])]);
            ImportError::Duplicate { place, what: list.trim_end_matches('s'), name }
        }
        // A newer file may have keys that this program does not know, before its version.
        None => match source.parse::<Head>() {
            Ok(head) if head.windtunnel_graph > VERSION => version_error(head.windtunnel_graph),
            _ => error,
        },
    }
}
