//! Runs the command in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that goes away with the test, and the command run in it.
pub struct Bench {
    folder: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug)]
#[allow(dead_code, reason = "every test file uses some of it")]
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

#[allow(dead_code, reason = "every test file uses some of it")]
impl Bench {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windtunnel-tested"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("COLUMNS", "100").env_remove("NO_COLOR").env_remove("RUST_BACKTRACE");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        Answer {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed.
    pub fn fine(&self, arguments: &[&str]) -> Answer {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {answer:#?}");
        answer
    }

    /// The records of a run directory, as JSON.
    pub fn records(&self, run: &str) -> Vec<serde_json::Value> {
        let text = self.read(&format!("{run}/records.jsonl"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The project's root.
#[allow(dead_code, reason = "every test file uses some of it")]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
