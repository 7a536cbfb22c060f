//! Rust files that nothing compiles, and crates without an introduction.

use super::Violation;
use crate::lex::Kind;
use crate::manifest;
use crate::tree::{Source, Tree, folder, join};
use std::collections::BTreeSet;

/// `.rs` files that neither a target nor a `mod`, `include!` or `include_str!` reaches.
pub fn dead_files(tree: &Tree) -> Vec<Violation> {
    let mut open: Vec<(String, bool)> =
        target_roots(tree).into_iter().map(|path| (path, true)).collect();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    while let Some((path, is_root)) = open.pop() {
        let Some(source) = tree.get(&path) else { continue };
        if reached.insert(path.clone()) {
            open.extend(named_files(source, &path, is_root));
        }
    }
    let message = "no mod and no target reaches this file: name it or delete it";
    let dead = tree.rust().filter(|(path, _)| !reached.contains(*path));
    dead.map(|(path, _)| Violation::new(path, 1, message)).collect()
}

/// Targets whose file does not begin with `//!`; build scripts are excused.
pub fn missing_crate_docs(tree: &Tree) -> Vec<Violation> {
    let message = "no crate-level //! docs: say in the first lines what this crate or test is for";
    let roots = target_roots(tree).into_iter().filter(|path| !path.ends_with("build.rs"));
    let silent = roots.filter(|path| tree.get(path).is_some_and(|source| !has_inner_docs(source)));
    silent.map(|path| Violation::new(&path, 1, message)).collect()
}

/// The files that cargo compiles first: found by place, as cargo does, or named in a manifest.
fn target_roots(tree: &Tree) -> BTreeSet<String> {
    let mut roots = BTreeSet::new();
    for (path, source) in tree.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let manifest = manifest::parse(&source.text);
        if manifest.name.is_none() {
            continue;
        }
        let package = folder(path);
        let named = manifest.target_paths.iter().map(|path| join(package, path));
        roots.extend(named.filter(|path| tree.get(path).is_some()));
        let rust = tree.rust().map(|(path, _)| path);
        let found = rust.filter(|path| is_discovered(package, path));
        roots.extend(found.map(str::to_owned));
    }
    roots
}

/// Whether cargo takes the file at `path` for a target of the package in the folder `package`.
fn is_discovered(package: &str, path: &str) -> bool {
    let inside = match package {
        "" => Some(path),
        _ => path.strip_prefix(package).and_then(|path| path.strip_prefix('/')),
    };
    let parts: Vec<&str> = inside.map(|path| path.split('/').collect()).unwrap_or_default();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "benches" | "examples", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

/// The files that `source` asks the compiler for. `true` marks those that are read as if they stood
/// in their own folder, as crate roots are.
fn named_files(source: &Source, path: &str, is_root: bool) -> Vec<(String, bool)> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let owns_folder = is_root || path.ends_with("/mod.rs");
    let children = if owns_folder { folder(path).to_owned() } else { stem.to_owned() };
    let code: Vec<(Kind, &str)> = source
        .tokens
        .iter()
        .filter(|token| token.kind != Kind::Comment)
        .map(|token| (token.kind, source.of(token)))
        .collect();
    let mut files = Vec::new();
    // `cfg_attr` may give a module several paths, and none of them may hold: all are followed.
    let mut paths: Vec<String> = Vec::new();
    // Names of the inline modules around the token, each with the brace depth inside it.
    let mut inline: Vec<(&str, usize)> = Vec::new();
    let mut depth = 0_usize;
    for (at, &(_, text)) in code.iter().enumerate() {
        let next = |ahead: usize| code.get(at + ahead).map_or("", |&(_, text)| text);
        match text {
            "mod" if next(2) == ";" => {
                let within = inline.iter().fold(children.clone(), |at, (name, _)| join(&at, name));
                let base = if inline.is_empty() { folder(path) } else { &within };
                files.extend(paths.drain(..).map(|named| (join(base, &named), true)));
                files.extend(module_files(&within, next(1)));
            }
            "mod" if next(2) == "{" => inline.push((next(1), depth + 1)),
            "path" if next(1) == "=" => paths.extend(code.get(at + 2).and_then(literal)),
            "include" | "include_str" | "include_bytes" if next(1) == "!" => {
                // An included path is put together at compile time at times; then there is none.
                let named = code.get(at + 3).and_then(literal);
                files.extend(named.map(|named| (join(folder(path), &named), true)));
            }
            "{" => depth += 1,
            "}" => {
                inline.pop_if(|(_, inside)| *inside == depth);
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if matches!(text, ";" | "{" | "}") {
            paths.clear();
        }
    }
    files
}

/// The two files that `mod name;` may mean.
fn module_files(folder: &str, name: &str) -> Vec<(String, bool)> {
    let name = name.trim_start_matches("r#");
    vec![
        (join(folder, &format!("{name}.rs")), false),
        (join(folder, &format!("{name}/mod.rs")), false),
    ]
}

/// The content of a plain or raw string literal.
fn literal(&(kind, text): &(Kind, &str)) -> Option<String> {
    (kind == Kind::Text).then(|| text.trim_start_matches('r').trim_matches(['#', '"']).to_owned())
}

/// Whether the file says `//!`, `/*!` or `#![doc` before its first item.
fn has_inner_docs(source: &Source) -> bool {
    let mut tokens = source.tokens.iter().map(|token| (token.kind, source.of(token))).peekable();
    while let Some((kind, text)) = tokens.next() {
        match (kind, text) {
            (Kind::Comment, text) if text.starts_with("//!") || text.starts_with("/*!") => {
                if text.chars().any(char::is_alphanumeric) {
                    return true;
                }
            }
            (Kind::Comment, _) => {}
            (Kind::Mark, "#") if tokens.next_if(|&(_, text)| text == "!").is_some() => {
                let mut attribute = tokens.by_ref().skip(1);
                if attribute.next().is_some_and(|(_, text)| text == "doc") {
                    return true;
                }
                let mut depth = 1_usize;
                while depth > 0
                    && let Some((_, text)) = tokens.next()
                {
                    depth = depth + usize::from(text == "[") - usize::from(text == "]");
                }
            }
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: (&str, &str) = ("sim/Cargo.toml", "[package]\nname = \"sim\"\n");

    /// The files that `check` objects to in a package with `files` under `sim/`.
    fn paths(check: fn(&Tree) -> Vec<Violation>, files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<(&str, &str)> = [MANIFEST].iter().chain(files).copied().collect();
        check(&Tree::of(&files)).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn modules_are_followed_as_rustc_follows_them() {
        let files = [
            (
                "sim/src/lib.rs",
                "mod a;\npub mod b;\nmod c { mod d; }\n#[cfg_attr(unix, path = \"odd/x.rs\")]\n#[cfg_attr(windows, path = \"odd/z.rs\")]\nmod x;",
            ),
            ("sim/src/a.rs", "mod inner;\n#[cfg(test)]\nmod r#tests;"),
            ("sim/src/a/inner.rs", "const TEXT: &str = include_str!(\"../sample.rs\");"),
            ("sim/src/a/tests.rs", ""),
            ("sim/src/b/mod.rs", "mod e;"),
            ("sim/src/b/e.rs", ""),
            ("sim/src/c/d.rs", ""),
            ("sim/src/odd/x.rs", "mod y;"),
            ("sim/src/odd/y.rs", ""),
            ("sim/src/odd/z.rs", ""),
            ("sim/src/sample.rs", ""),
        ];
        assert_eq!(paths(dead_files, &files), [""; 0]);
    }

    #[test]
    fn a_file_that_nothing_names_is_dead() {
        let files = [
            ("sim/src/lib.rs", "// mod commented;\nconst A: &str = \"mod quoted;\";\nmod a { }"),
            ("sim/src/a.rs", "mod b;"),
            ("sim/src/a/b.rs", ""),
            ("sim/src/commented.rs", ""),
            ("sim/src/quoted.rs", ""),
        ];
        let expected =
            ["sim/src/a.rs", "sim/src/a/b.rs", "sim/src/commented.rs", "sim/src/quoted.rs"];
        assert_eq!(paths(dead_files, &files), expected);
        assert_eq!(paths(dead_files, &[("docs/sample.rs", "")]), ["docs/sample.rs"]);
    }

    #[test]
    fn targets_are_found_by_place_or_by_name() {
        let by_place = [
            ("sim/build.rs", ""),
            ("sim/src/main.rs", "mod a;"),
            ("sim/src/a.rs", ""),
            ("sim/src/bin/tool/main.rs", "mod part;"),
            ("sim/src/bin/tool/part.rs", ""),
            ("sim/tests/all/main.rs", ""),
            ("sim/tests/one.rs", "mod common;"),
            ("sim/tests/common/mod.rs", ""),
            ("sim/benches/speed.rs", ""),
        ];
        assert_eq!(paths(dead_files, &by_place), [""; 0]);
        let named = "[package]\nname = \"fuzz\"\n[[bin]]\npath = \"fuzz_targets/yaml.rs\"\n";
        let files = [
            ("fuzz/Cargo.toml", named),
            ("fuzz/fuzz_targets/yaml.rs", ""),
            ("fuzz/fuzz_targets/forgotten.rs", ""),
        ];
        assert_eq!(paths(dead_files, &files), ["fuzz/fuzz_targets/forgotten.rs"]);
    }

    #[test]
    fn every_target_introduces_itself() {
        for good in [
            "//! Docs.\nfn f() {}",
            "// licence\n#![allow(dead_code, reason = \"a[b]\")]\n//! Docs.",
            "#![doc = include_str!(\"a.md\")]",
        ] {
            assert_eq!(paths(missing_crate_docs, &[("sim/src/lib.rs", good)]), [""; 0], "{good}");
        }
        for bad in ["", "//!\nfn f() {}", "/// Outer.\nfn f() {}", "fn f() {}\n//! Too late."] {
            let found = paths(missing_crate_docs, &[("sim/src/lib.rs", bad)]);
            assert_eq!(found, ["sim/src/lib.rs"], "{bad}");
        }
        assert_eq!(paths(missing_crate_docs, &[("sim/tests/a.rs", "")]), ["sim/tests/a.rs"]);
        assert_eq!(paths(missing_crate_docs, &[("sim/build.rs", "")]), [""; 0]);
    }
}
