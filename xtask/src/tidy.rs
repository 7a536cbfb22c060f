//! The checks of `cargo xtask tidy`.

mod arrows;
mod hashing;
mod reach;
mod text;

use crate::tree::Tree;
use std::fmt;

/// One thing that must not be so.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, from the root of the checkout.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and why it matters.
    pub message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// All violations of `tree`, by path and line.
pub fn all(tree: &Tree) -> Vec<Violation> {
    let checks = [
        text::long_files,
        text::long_architecture,
        text::long_lines,
        text::markers,
        text::ignored_tests,
        hashing::unordered_maps,
        arrows::dependency_arrows,
        reach::dead_files,
        reach::missing_crate_docs,
    ];
    let mut violations: Vec<Violation> = checks.iter().flat_map(|check| check(tree)).collect();
    violations.sort();
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace that every check accepts.
    const CLEAN: [(&str, &str); 3] = [
        ("Cargo.toml", "[workspace]\nmembers = [\"runtime\"]\n"),
        ("runtime/Cargo.toml", "[package]\nname = \"runtime\"\n"),
        ("runtime/src/lib.rs", "//! The runtime.\n"),
    ];

    #[test]
    fn a_clean_tree_has_no_violation() {
        assert_eq!(all(&Tree::of(&CLEAN)), []);
    }

    #[test]
    fn violations_come_by_path_and_line_and_print_as_promised() {
        let mut files = CLEAN.to_vec();
        files[2].1 = "//! The runtime.\nfn f() {\n    todo!()\n}\nuse std::collections::HashMap;\n";
        files.push(("runtime/src/dead.rs", "//! Nobody asks for this.\n"));
        let printed: Vec<String> =
            all(&Tree::of(&files)).iter().map(|violation| violation.to_string()).collect();
        let places: Vec<&str> = printed.iter().map(|line| &line[..20]).collect();
        assert_eq!(
            places,
            ["runtime/src/dead.rs:", "runtime/src/lib.rs:3", "runtime/src/lib.rs:5"]
        );
    }
}
