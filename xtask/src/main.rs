//! `cargo xtask tidy`: checks of the source tree that neither rustc nor clippy makes.
//!
//! ```text
//! tree      reads the text files of the checkout into memory
//! lex       cuts Rust text into tokens: code, comments, string literals
//! manifest  reads the few facts of a Cargo.toml that the checks need
//! tidy      the checks; each is a pure function from a tree to violations
//! ```
//!
//! It needs the standard library alone, so that it compiles in about a second.

mod lex;
mod manifest;
mod tidy;
mod tree;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask tidy

Checks every source file of this checkout and prints each violation as `file:line: what, why`.
Exit codes: 0 no violation, 1 at least one, 2 bad usage or an unreadable tree.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    match (arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), root) {
        (["tidy"], Some(root)) => run_tidy(root),
        (["help" | "--help" | "-h"], _) => print(USAGE, ExitCode::SUCCESS),
        _ => print(USAGE, ExitCode::from(2)),
    }
}

fn run_tidy(root: &Path) -> ExitCode {
    let tree = match tree::Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => return print(&format!("tidy: {error}\n"), ExitCode::from(2)),
    };
    let violations = tidy::all(&tree);
    let mut report = String::new();
    for violation in &violations {
        report += &format!("{violation}\n");
    }
    report += &match violations.len() {
        0 => format!("tidy: {} files, no violation\n", tree.len()),
        count => format!("tidy: {} files, {count} violations\n", tree.len()),
    };
    print(&report, if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes `text` and passes `code` on; a closed pipe is no reason to lose the exit code.
fn print(text: &str, code: ExitCode) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    code
}
