//! Sizes of files and lines, markers of unfinished work, tests that are switched off.

use super::Violation;
use crate::lex::{Kind, Token};
use crate::tree::{Source, Tree};

const MAX_FILE_LINES: usize = 800;
const MAX_ARCHITECTURE_LINES: usize = 200;
const MAX_COLUMNS: usize = 100;
/// Extensions of programs; scripts have none. Prose and data may be as long as they need.
const PROGRAMS: [&str; 5] = ["rs", "sh", "py", "js", "css"];
const MARKERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Source files over 800 lines.
pub fn long_files(tree: &Tree) -> Vec<Violation> {
    let programs = tree.iter().filter(|(path, _)| is_program(path));
    let long = programs.filter_map(|(path, source)| {
        let lines = source.text.lines().count();
        let message = format!("{lines} lines, over {MAX_FILE_LINES}: split the file by idea");
        (lines > MAX_FILE_LINES).then(|| Violation::new(path, MAX_FILE_LINES + 1, message))
    });
    long.collect()
}

/// An `ARCHITECTURE.md` over 200 lines.
pub fn long_architecture(tree: &Tree) -> Vec<Violation> {
    let path = "ARCHITECTURE.md";
    let lines = tree.get(path).map_or(0, |source| source.text.lines().count());
    let message = format!("{lines} lines, over {MAX_ARCHITECTURE_LINES}: a map must be read whole");
    let long = lines > MAX_ARCHITECTURE_LINES;
    long.then(|| Violation::new(path, MAX_ARCHITECTURE_LINES + 1, message)).into_iter().collect()
}

/// Lines of Rust over 100 columns, except where a URL or a string literal is what sticks out, and
/// rows of tables in comments, which cannot be broken.
pub fn long_lines(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in tree.rust() {
        let mut start = 0;
        for (at, line) in source.text.split('\n').enumerate() {
            let limit = line.char_indices().nth(MAX_COLUMNS).map(|(byte, _)| start + byte);
            let end = start + line.len();
            if let Some(limit) = limit
                && !line.contains("http://")
                && !line.contains("https://")
                && !is_table_row(line)
                && !literal_within(source, limit, end)
            {
                let columns = line.chars().count();
                let message = format!("{columns} columns, over {MAX_COLUMNS}: break the line");
                violations.push(Violation::new(path, at + 1, message));
            }
            start = end + 1;
        }
    }
    violations
}

fn is_table_row(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//! |") || line.starts_with("/// |")
}

/// Whether a string literal covers some of the bytes `start..end`.
fn literal_within(source: &Source, start: usize, end: usize) -> bool {
    let first = source.tokens.partition_point(|token| token.end <= start);
    let reached = source.tokens[first..].iter().take_while(|token| token.start < end);
    reached.into_iter().any(|token| token.kind == Kind::Text)
}

/// Markers of unfinished work: in the code and comments of Rust, anywhere in other programs,
/// manifests and experiments.
pub fn markers(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in tree.iter().filter(|(path, _)| !path.ends_with(".md")) {
        if path.ends_with(".rs") {
            violations.extend(rust_markers(path, source));
            continue;
        }
        for (at, line) in source.text.lines().enumerate() {
            let found = marker_in(line).map(|marker| unfinished(path, at + 1, marker));
            violations.extend(found);
        }
    }
    violations
}

fn rust_markers(path: &str, source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let text = source.of(token);
        if token.kind == Kind::Comment {
            for (down, line) in text.lines().enumerate() {
                let found =
                    marker_in(line).map(|marker| unfinished(path, token.line + down, marker));
                violations.extend(found);
            }
        }
        let called = token.kind == Kind::Word && is_mark(source, at + 1, "!");
        if called && ["todo", "unimplemented"].contains(&text) {
            violations.push(unfinished(path, token.line, &format!("{text}!")));
        }
    }
    violations
}

fn unfinished(path: &str, line: usize, marker: &str) -> Violation {
    Violation::new(path, line, format!("{marker}: finish the work or open an issue for it"))
}

/// The first marker that stands in `line` as a word of its own.
fn marker_in(line: &str) -> Option<&'static str> {
    let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.find_map(|word| MARKERS.into_iter().find(|marker| *marker == word))
}

/// `#[ignore]` without a reason, also inside `cfg_attr`.
pub fn ignored_tests(tree: &Tree) -> Vec<Violation> {
    let message = "#[ignore] without a reason: write #[ignore = \"why, and how to run it\"]";
    let mut violations = Vec::new();
    for (path, source) in tree.rust() {
        let attributes = (0..source.tokens.len())
            .filter(|&at| is_mark(source, at, "#") && is_mark(source, at + 1, "["));
        for at in attributes.map(|at| at + 2) {
            let name = source.tokens.get(at).map_or("", |token| source.of(token));
            if name != "ignore" && name != "cfg_attr" {
                continue;
            }
            let inside = attribute(source, at);
            let bare = inside.iter().enumerate().find(|(offset, token)| {
                source.of(token) == "ignore" && !is_mark(source, at + offset + 1, "=")
            });
            violations.extend(bare.map(|(_, token)| Violation::new(path, token.line, message)));
        }
    }
    violations
}

/// The tokens from `at` to the bracket that closes the attribute they are in.
fn attribute(source: &Source, at: usize) -> &[Token] {
    let mut depth = 1_usize;
    let tokens = &source.tokens[at..];
    let end = tokens.iter().position(|token| {
        match source.of(token) {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &tokens[..end.unwrap_or(tokens.len())]
}

fn is_mark(source: &Source, at: usize, mark: &str) -> bool {
    source.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark && source.of(token) == mark)
}

fn is_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_none_or(|(_, extension)| PROGRAMS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at which `check` objects to a file `path` that holds `text`.
    fn lines(check: fn(&Tree) -> Vec<Violation>, path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)])).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn a_file_may_have_800_lines() {
        let line = "let a = 1;\n";
        assert_eq!(lines(long_files, "sim/src/a.rs", &line.repeat(800)), [0; 0]);
        assert_eq!(lines(long_files, "sim/src/a.rs", &line.repeat(801)), [801]);
        assert_eq!(lines(long_files, "scripts/demo", &line.repeat(801)), [801]);
        assert_eq!(lines(long_files, "README.md", &line.repeat(801)), [0; 0]);
    }

    #[test]
    fn the_architecture_may_have_200_lines() {
        assert_eq!(lines(long_architecture, "ARCHITECTURE.md", &"a\n".repeat(200)), [0; 0]);
        assert_eq!(lines(long_architecture, "ARCHITECTURE.md", &"a\n".repeat(201)), [201]);
    }

    #[test]
    fn a_line_may_have_100_columns() {
        let wide =
            |columns: usize| format!("//! Doc.\n// {}\n", "a ".repeat(columns)[..columns].trim());
        assert_eq!(lines(long_lines, "a.rs", &wide(97)), [0; 0]);
        assert_eq!(lines(long_lines, "a.rs", &wide(100)), [2]);
        let wide_letters = format!("// {}\n", "é".repeat(97));
        assert_eq!(lines(long_lines, "a.rs", &wide_letters), [0; 0]);
    }

    #[test]
    fn urls_and_string_literals_may_stick_out() {
        let words = "word ".repeat(25);
        assert_eq!(lines(long_lines, "a.rs", &format!("// https://a.b/{words}\n")), [0; 0]);
        assert_eq!(lines(long_lines, "a.rs", &format!("let a = \"{words}\";\n")), [0; 0]);
        assert_eq!(lines(long_lines, "a.rs", &format!("let a = r\"\n{words}\n\";\n")), [0; 0]);
        assert_eq!(lines(long_lines, "a.rs", &format!("let a = \"b\"; // {words}\n")), [1]);
        assert_eq!(lines(long_lines, "a.rs", &format!("/// | {words} |\n")), [0; 0]);
    }

    #[test]
    fn unfinished_work_is_found_in_code_and_comments_but_not_in_strings() {
        assert_eq!(lines(markers, "a.rs", "fn f() {\n    todo!()\n}\n"), [2]);
        assert_eq!(lines(markers, "a.rs", "fn f() {\n    unimplemented!(\"x\")\n}\n"), [2]);
        assert_eq!(lines(markers, "a.rs", "/* a\n * FIXME b */\n// XXX\n"), [2, 3]);
        assert_eq!(lines(markers, "a.rs", "let a = \"TODO\"; // XXXL, todo\n"), [0; 0]);
        assert_eq!(lines(markers, "Cargo.toml", "a = 1\n# TODO: b\n"), [2]);
        assert_eq!(lines(markers, "scripts/demo", "mktemp a.XXXXXX\n"), [0; 0]);
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        assert_eq!(lines(ignored_tests, "a.rs", "#[test]\n#[ignore]\nfn f() {}\n"), [2]);
        assert_eq!(lines(ignored_tests, "a.rs", "#[cfg_attr(miri, ignore)]\nfn f() {}\n"), [1]);
        assert_eq!(lines(ignored_tests, "a.rs", "#[ignore = \"slow\"]\nfn f() {}\n"), [0; 0]);
        assert_eq!(lines(ignored_tests, "a.rs", "#[cfg_attr(miri, ignore = \"slow\")]\n"), [0; 0]);
        assert_eq!(lines(ignored_tests, "a.rs", "#[derive(Debug)]\nstruct ignore;\n"), [0; 0]);
    }
}
