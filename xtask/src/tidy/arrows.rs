//! The dependency arrows between the crates of the workspace.

use super::Violation;
use crate::manifest;
use crate::tree::{self, Tree};

/// Every package and the packages of the workspace that it may depend on. Dev-dependencies are
/// free: a test may use anything.
const ARROWS: [(&str, &[&str]); 11] = [
    ("runtime", &[]),
    ("sim", &["runtime"]),
    ("schedulers", &["runtime"]),
    ("milp", &["runtime", "schedulers"]),
    ("gpu", &["runtime"]),
    ("real_backend", &["runtime", "gpu"]),
    ("workloads", &["runtime"]),
    ("windtunnel", &["runtime", "sim", "schedulers", "real_backend"]),
    ("experiments", &["runtime", "sim", "schedulers", "milp", "gpu", "real_backend", "workloads"]),
    (
        "windtunnel-tests",
        &[
            "runtime",
            "sim",
            "schedulers",
            "milp",
            "gpu",
            "real_backend",
            "workloads",
            "experiments",
        ],
    ),
    ("xtask", &[]),
];

/// Dependencies between crates of the workspace that are not in the table above.
pub fn dependency_arrows(tree: &Tree) -> Vec<Violation> {
    let members = tree.get("Cargo.toml").map(|root| manifest::parse(&root.text).members);
    let mut violations = Vec::new();
    for member in members.unwrap_or_default() {
        let path = tree::join(&member, "Cargo.toml");
        let Some(source) = tree.get(&path) else { continue };
        let manifest = manifest::parse(&source.text);
        let name = manifest.name.unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(package, _)| *package == name) else {
            let message = format!("`{name}` has no arrows: say in xtask what it may depend on");
            violations.push(Violation::new(&path, 1, message));
            continue;
        };
        for (dependency, line) in manifest.dependencies {
            let ours = ARROWS.iter().any(|(package, _)| *package == dependency);
            if ours && !allowed.contains(&dependency.as_str()) {
                let message = format!("{name} depends on {dependency}: {}", reason(allowed));
                violations.push(Violation::new(&path, line, message));
            }
        }
    }
    violations
}

fn reason(allowed: &[&str]) -> String {
    match allowed {
        [] => "it may depend on no crate of the workspace".to_owned(),
        _ => format!("of the workspace it may depend on {} only", allowed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(manifest: &str) -> Vec<Violation> {
        let root = "[workspace]\nmembers = [\"member\"]\n";
        dependency_arrows(&Tree::of(&[("Cargo.toml", root), ("member/Cargo.toml", manifest)]))
    }

    #[test]
    fn the_wrong_arrow_is_found_with_its_line() {
        let found = check(
            "[package]\nname = \"schedulers\"\n[dependencies]\nruntime.workspace = true\n\
             sim.workspace = true\n",
        );
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].path.as_str()), (5, "member/Cargo.toml"));
        assert!(found[0].message.starts_with("schedulers depends on sim:"));
    }

    #[test]
    fn the_runtime_depends_on_nothing_of_ours() {
        let found = check("[package]\nname = \"runtime\"\n[build-dependencies]\nxtask = \"0\"\n");
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn dev_dependencies_are_free_and_strangers_are_asked_for_their_arrows() {
        let free = "[package]\nname = \"sim\"\n[dev-dependencies]\nschedulers.workspace = true\n";
        assert_eq!(check(free), []);
        assert_eq!(check("[package]\nname = \"plotter\"\n").len(), 1);
    }
}
