//! The `windtunnel` command with the built-in schedulers.

use std::process::ExitCode;

fn main() -> ExitCode {
    experiments::cli::main_with(&[])
}
