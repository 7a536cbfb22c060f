//! No hash maps where results are made: their order varies from run to run.

use super::Violation;
use crate::lex::Kind;
use crate::tree::Tree;

/// The crates whose results must be the same in every run.
const DETERMINISTIC: [&str; 3] = ["runtime/", "sim/", "schedulers/"];

/// `HashMap` and `HashSet` in the deterministic crates, tests and benches included.
pub fn unordered_maps(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, source) in tree.rust() {
        if !DETERMINISTIC.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.kind == Kind::Word) {
            let name = source.of(token);
            if name == "HashMap" || name == "HashSet" {
                let message =
                    format!("{name}: its order varies, use a Vec by id or a BTree collection");
                violations.push(Violation::new(path, token.line, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_maps_are_found_in_the_deterministic_crates_alone() {
        let text = "//! A HashMap in a comment.\nuse std::collections::{HashMap, BTreeMap};\n\
                    fn f() -> std::collections::HashSet<u8> { panic!(\"HashSet\") }\n";
        let tree = Tree::of(&[("sim/src/a.rs", text), ("experiments/src/a.rs", text)]);
        let found: Vec<(String, usize)> =
            unordered_maps(&tree).into_iter().map(|found| (found.path, found.line)).collect();
        let expected = [("sim/src/a.rs".to_owned(), 2), ("sim/src/a.rs".to_owned(), 3)];
        assert_eq!(found, expected);
    }
}
