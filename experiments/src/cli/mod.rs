//! The `windtunnel` command: one file per subcommand.
//!
//! Exit codes: 0 fine, 1 a bug, 2 bad usage or input, 3 some cells failed, 4 a regression.

mod arguments;
mod calibrate;
mod check;
mod compare;
mod doctor;
mod draw;
mod gpu_check;
mod import;
mod list;
mod record;
mod replay;
mod report;
mod run;
mod schedule;
mod schema;
mod single;
mod terminal;
mod trace;

use crate::mistake::Mistakes;
use crate::registry::Registry;
use crate::store::StoreError;
use clap::{Parser, Subcommand};
use runtime::registry::SchedulerInfo;
use std::ffi::OsString;
use std::process::ExitCode;
use terminal::Terminal;

/// A wind tunnel for schedulers: simulate task graphs on clusters, run them for real, compare.
#[derive(Debug, Parser)]
#[command(name = "windtunnel", version, max_term_width = 100, arg_required_else_help = true)]
struct Command {
    #[command(subcommand)]
    subcommand: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    Run(run::Args),
    Check(check::Args),
    Report(report::Args),
    Compare(compare::Args),
    Schedule(schedule::Args),
    Record(record::Args),
    Replay(replay::Args),
    Calibrate(calibrate::Args),
    Import(import::Args),
    List(list::Args),
    Draw(draw::Args),
    Schema(schema::Args),
    Trace(trace::Args),
    Doctor(doctor::Args),
    GpuCheck(gpu_check::Args),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went well.
    Fine,
    /// The program is wrong.
    Bug,
    /// What was asked for is wrong.
    BadInput,
    /// Some cells, or parts of a check, failed.
    CellsFailed,
    /// Something got worse.
    Regression,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Bug => 1,
            Self::BadInput => 2,
            Self::CellsFailed => 3,
            Self::Regression => 4,
        }
    }
}

/// Why a command did not do what was asked for; all of it is bad input.
#[derive(Debug)]
enum CliError {
    /// Mistakes in files or arguments.
    Mistakes(Mistakes),
    /// Anything else, as a sentence.
    Message(String),
}

impl From<Mistakes> for CliError {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        Self::Message(error.to_string())
    }
}

impl CliError {
    fn new(message: impl std::fmt::Display) -> Self {
        Self::Message(message.to_string())
    }
}

type Result<T = Exit> = std::result::Result<T, CliError>;

/// What every subcommand is given.
struct Context {
    registry: Registry,
    terminal: Terminal,
}

/// The command with the arguments of this process, for a program that brings schedulers of its
/// own.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     experiments::cli::main_with(&[])
/// }
/// ```
pub fn main_with(extra_schedulers: &[SchedulerInfo]) -> ExitCode {
    ExitCode::from(run(std::env::args_os(), extra_schedulers).code())
}

/// The command with these arguments, the first of which is the program's name.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    extra_schedulers: &[SchedulerInfo],
) -> Exit {
    let terminal = Terminal::detect();
    let command = match Command::try_parse_from(arguments) {
        Ok(command) => command,
        Err(error) => {
            // Help and version are no errors.
            let exit = if error.use_stderr() { Exit::BadInput } else { Exit::Fine };
            let _ = error.print();
            return exit;
        }
    };
    let context = Context { registry: Registry::new(extra_schedulers), terminal };
    match crate::runner::caught(|| context.dispatch(command.subcommand)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(CliError::Mistakes(mistakes))) => {
            let Terminal { width, is_coloured } = context.terminal;
            context.terminal.complain(&mistakes.render(width, is_coloured));
            Exit::BadInput
        }
        Ok(Err(CliError::Message(message))) => {
            let message = crate::shown::printable_lines(&message);
            context.terminal.complain(&format!("error: {message}\n"));
            Exit::BadInput
        }
        Err(panic) => {
            let panic = crate::shown::printable_lines(&panic);
            context.terminal.complain(&format!("this is a bug of windtunnel: {panic}\n"));
            Exit::Bug
        }
    }
}

impl Context {
    fn dispatch(&self, subcommand: Sub) -> Result {
        match subcommand {
            Sub::Run(args) => run::run(self, &args),
            Sub::Check(args) => check::run(self, &args),
            Sub::Report(args) => report::run(self, &args),
            Sub::Compare(args) => compare::run(self, &args),
            Sub::Schedule(args) => schedule::run(self, &args),
            Sub::Record(args) => record::run(self, &args),
            Sub::Replay(args) => replay::run(self, &args),
            Sub::Calibrate(args) => calibrate::run(self, &args),
            Sub::Import(args) => import::run(self, &args),
            Sub::List(args) => list::run(self, &args),
            Sub::Draw(args) => draw::run(self, &args),
            Sub::Schema(args) => schema::run(self, &args),
            Sub::Trace(args) => trace::run(self, &args),
            Sub::Doctor(args) => doctor::run(self, &args),
            Sub::GpuCheck(args) => gpu_check::run(self, &args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Command::command().debug_assert();
    }

    #[test]
    fn every_subcommand_shows_examples() {
        for sub in Command::command().get_subcommands() {
            let examples = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            let line = format!("  windtunnel {}", sub.get_name());
            assert!(examples.starts_with("Examples:\n"), "{}", sub.get_name());
            assert!(examples.contains(&line), "{}", sub.get_name());
        }
    }
}
