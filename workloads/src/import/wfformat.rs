//! WfFormat 1.2 to 1.5: recorded workflow executions of WfCommons (<https://wfcommons.org>).
//!
//! Up to 1.4 the tasks stand under `workflow` (`jobs` in 1.2) with their files inline, and name
//! each other by name; since 1.5 tasks and files stand in `workflow.specification`, and what was
//! measured in `workflow.execution`, joined by id. The layout decides, not the version; keys of
//! neighbouring versions are understood in both.
//!
//! **Units.** A key that says its unit is believed (`sizeInBytes`, `memoryInBytes`,
//! `runtimeInSeconds`: since 1.4). The bare `size` of older files counts kilobytes according to
//! their schema, but writers differed:
//!
//! | writer (`wms.name`) | `size` | why |
//! |---|---|---|
//! | Pegasus | bytes | its log readers copied the sizes that Pegasus recorded |
//! | any other | kilobytes of 1000 bytes | the schema; Makeflow's log reader divided by 1000 |
//!
//! The bare `memory` counts kilobytes from every writer. When old instances were converted to 1.4
//! and 1.5, `size` was renamed without being multiplied, so `sizeInBytes` of Makeflow files still
//! counts kilobytes; those are taken as written, with a note, and [`SizeUnit`] overrules.
//!
//! **What becomes of what.** A task costs [`Cost::Work`] of its recorded seconds times
//! [`REFERENCE_SPEED`]: a device of that speed, which is the cluster presets' default, reproduces
//! the recorded duration. Its kernel is its category, program or name without number.
//! Its cores are rounded up, its recorded memory becomes scratch memory. A file becomes an object:
//! initial when no task writes it, kept when no task reads it (it is a result). A parent from which
//! no file flows becomes a control edge. What else had to be decided is said in
//! [`Imported::notes`].
//!
//! [`Cost::Work`]: runtime::Cost::Work

mod graph;
mod model;
mod workflow;

use super::error::{ImportError, Place};
use super::source::{Source, Step, Syntax};
use super::{Format, Imported};
use model::Document;

/// Units of work per second of the core on which recorded seconds are taken to have passed.
pub const REFERENCE_SPEED: f64 = 1e9;

/// What the sizes of files count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeUnit {
    /// Bytes.
    Bytes,
    /// 1000 bytes.
    Kilobytes,
}

/// The versions that are read.
const KNOWN: &str = "versions 1.2 to 1.5";

/// Reads a recorded workflow execution; `file` is named in errors. `file_sizes` overrules what
/// version and writer say about the unit of file sizes.
///
/// # Errors
/// Any [`ImportError`].
pub fn read(file: &str, text: &str, file_sizes: Option<SizeUnit>) -> Result<Imported, ImportError> {
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let source = Source { file, text, format: Format::WfFormat, syntax: Syntax::Json };
    let document: Document<'_> = source.parse()?;
    let mut notes = Vec::new();
    check_version(&source, &document, &mut notes)?;
    let inline_ids = workflow::inline_file_ids(&document);
    let workflow = workflow::normalise(&source, &document, &inline_ids, file_sizes, &mut notes)?;
    let graph = graph::build(&source, &workflow, &mut notes)?;
    let recorded = workflow.recorded();
    Ok(Imported { graph, format: Format::WfFormat, notes, recorded })
}

fn check_version(
    source: &Source<'_>,
    document: &Document<'_>,
    notes: &mut Vec<String>,
) -> Result<(), ImportError> {
    let Some(found) = document.schema_version.as_deref() else {
        notes.push("the file states no schemaVersion; its layout was taken as it is".to_owned());
        return Ok(());
    };
    match found {
        "1.2" | "1.3" | "1.4" | "1.5" => Ok(()),
        // Same layout as 1.2, and as 1.5 with more optional parts.
        "1.0" | "1.1" | "1.6" => {
            notes.push(format!("schemaVersion {found} was read as its neighbour, of {KNOWN}"));
            Ok(())
        }
        _ => {
            let place: Place = source.locate(&[Step::Key(&["schemaVersion"])]);
            let found = found.to_owned();
            Err(ImportError::Version { place, format: Format::WfFormat, found, known: KNOWN })
        }
    }
}
