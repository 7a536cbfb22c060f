//! The task-graph file: JSON or YAML, written by people and by other tools.
//!
//! `docs/task-graph-file.md` explains it with examples; `docs/task-graph.schema.json` is its JSON
//! Schema, made from the types here. [`read`] makes a graph of a text, [`write`] a text of a graph.

mod resolve;
mod spec;
mod write;

pub use spec::{AccessEntry, EdgeEntry, ObjectEntry, Order, TaskEntry, TaskGraphFile};
pub use write::{to_task_graph_file, write};

use super::error::{ImportError, Place};
use super::source::{Source, Step, Syntax};
use super::{Format, Imported, Recorded};
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
    let spec = match source.parse::<TaskGraphFile<'_>>() {
        Ok(spec) => spec,
        // A newer file may have keys that this program does not know: the version tells more.
        Err(error) => return Err(newer_version(&source).unwrap_or(error)),
    };
    if spec.windtunnel_graph == 0 || spec.windtunnel_graph > VERSION {
        return Err(version_error(&source, spec.windtunnel_graph));
    }
    let graph = resolve::graph(&source, &spec)?;
    let format = Format::TaskGraphFile;
    Ok(Imported { graph, format, notes: Vec::new(), recorded: Recorded::default() })
}

/// The JSON Schema of the format.
pub fn schema() -> Schema {
    schemars::schema_for!(TaskGraphFile<'_>)
}

const VERSION_KEY: [Step<'static>; 1] = [Step::Key(&["windtunnel_graph"])];

fn newer_version(source: &Source<'_>) -> Option<ImportError> {
    /// The version alone.
    #[derive(serde::Deserialize)]
    struct Head {
        windtunnel_graph: u32,
    }
    let head: Head = source.parse().ok()?;
    (head.windtunnel_graph > VERSION).then(|| version_error(source, head.windtunnel_graph))
}

fn version_error(source: &Source<'_>, found: u32) -> ImportError {
    let place: Place = source.locate(&VERSION_KEY);
    ImportError::Version {
        place,
        format: Format::TaskGraphFile,
        found: found.to_string(),
        known: "version 1",
    }
}
