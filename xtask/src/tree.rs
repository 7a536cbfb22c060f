//! The text files of a checkout, held in memory so that every check is a pure function.

use crate::lex::{self, Token};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Folders that hold no source: build products, run directories, what fuzzing leaves.
const SKIPPED_FOLDERS: [&str; 5] =
    ["target", "out", "fuzz/target", "fuzz/corpus", "fuzz/artifacts"];
/// Hidden folders that do hold source; every other one is skipped.
const HIDDEN_FOLDERS: [&str; 4] = [".cargo", ".ci", ".config", ".github"];
/// Extensions of files that people write; recorded data has others.
const EXTENSIONS: [&str; 9] = ["rs", "toml", "md", "sh", "py", "js", "css", "yaml", "yml"];

/// One text file.
pub struct Source {
    /// The whole text.
    pub text: String,
    /// The tokens of a Rust file; empty for every other kind.
    pub tokens: Vec<Token>,
}

impl Source {
    /// The text that `token` covers.
    pub fn of(&self, token: &Token) -> &str {
        &self.text[token.start..token.end]
    }
}

/// All text files by path from the root, with `/` between folders.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<String, Source>,
}

impl Tree {
    /// Reads the checkout at `root`.
    ///
    /// # Errors
    /// The first folder or file that cannot be read, named in the message.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let at = root.join(&folder);
            for entry in std::fs::read_dir(&at).map_err(|error| named(&at, &error))? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path =
                    if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
                let kind = entry.file_type()?;
                if kind.is_dir() && is_source_folder(&path) {
                    folders.push(path);
                } else if kind.is_file() && is_source_file(&path) {
                    let bytes = std::fs::read(entry.path());
                    let bytes = bytes.map_err(|error| named(&entry.path(), &error))?;
                    tree.insert(&path, &String::from_utf8_lossy(&bytes));
                }
            }
        }
        Ok(tree)
    }

    /// A tree of the given (path, text) pairs.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.insert(path, text);
        }
        tree
    }

    fn insert(&mut self, path: &str, text: &str) {
        let tokens = if path.ends_with(".rs") { lex::tokens(text) } else { Vec::new() };
        self.files.insert(path.to_owned(), Source { text: text.to_owned(), tokens });
    }

    /// Every file, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.files.iter().map(|(path, source)| (path.as_str(), source))
    }

    /// The Rust files, in the order of the paths.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.iter().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The file at `path`.
    pub fn get(&self, path: &str) -> Option<&Source> {
        self.files.get(path)
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn is_source_folder(name: &str) -> bool {
    !SKIPPED_FOLDERS.contains(&name) && (!name.starts_with('.') || HIDDEN_FOLDERS.contains(&name))
}

fn is_source_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, extension)) => EXTENSIONS.contains(&extension),
        None => name == "Makefile" || path.starts_with("scripts/") || path.starts_with(".ci/"),
    }
}

/// `path` joined to `folder`, with `.` and `..` resolved; both have `/` between folders.
pub fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The folder of the file at `path`; empty at the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_like_a_file_system() {
        assert_eq!(join("sim/src", "../benches/a.rs"), "sim/benches/a.rs");
        assert_eq!(join("", "src/lib.rs"), "src/lib.rs");
        assert_eq!(join("a/b", "./c"), "a/b/c");
    }

    #[test]
    fn reads_scripts_and_skips_build_products_and_data() {
        assert!(is_source_file(".ci/run") && is_source_file("scripts/demo"));
        assert!(!is_source_file("workloads/traces/a.json") && !is_source_file("LICENSE-MIT"));
        assert!(!is_source_folder("target") && !is_source_folder(".git"));
        assert!(is_source_folder(".ci") && is_source_folder("sim/src/out"));
    }

    #[test]
    fn reads_this_very_checkout() -> Result<(), Box<dyn std::error::Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no parent folder")?;
        let tree = Tree::read(root)?;
        assert!(tree.get("xtask/src/tree.rs").is_some_and(|source| !source.tokens.is_empty()));
        assert!(tree.get("Cargo.toml").is_some() && tree.len() > 10);
        Ok(())
    }
}
