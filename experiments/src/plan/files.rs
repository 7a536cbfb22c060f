//! Paths in a file: relative to the file's folder first, then to the working directory.

use crate::mistake::{Mistake, Source, nearest};
use crate::spec::At;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Finds the file that `given` means in a text that lies in `folder`.
///
/// # Errors
/// The mistake, with the places that were tried and the nearest name there is.
pub fn find(source: &Arc<Source>, folder: &Path, given: &At<String>) -> Result<PathBuf, Mistake> {
    let path = Path::new(&given.value);
    let mut tried = vec![folder.join(path)];
    if path.is_relative() && folder != Path::new("") && folder != Path::new(".") {
        tried.push(path.to_owned());
    }
    if let Some(found) = tried.iter().find(|p| p.is_file()) {
        return Ok(found.clone());
    }
    let mistake = Mistake::new(source, given.span, format!("there is no file `{}`", given.value));
    let mistake = match tried.iter().find_map(|p| similar(p)) {
        Some(name) => mistake.label(format!("did you mean `{name}`?")),
        None => mistake,
    };
    let tried: Vec<String> = tried.iter().map(|p| p.display().to_string()).collect();
    Err(mistake.help(format!("looked for {}", tried.join(" and "))))
}

/// The file beside a missing one whose name is most like it.
fn similar(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new("."));
    let mut names: Vec<String> = (std::fs::read_dir(folder).ok()?.flatten())
        .filter_map(|e| e.file_name().into_string().ok())
        .collect();
    names.sort();
    nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned)
}
