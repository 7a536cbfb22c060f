//! Where answers and complaints go.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

/// The terminal, as far as the program cares.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Whether complaints may be coloured.
    pub is_coloured: bool,
}

impl Terminal {
    /// Asks the environment.
    pub fn detect() -> Self {
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Self {
            width: columns.unwrap_or(100).clamp(40, 200),
            is_coloured: !is_plain && stderr().is_terminal(),
        }
    }

    /// Answers on the standard output. Ends the program where nobody reads it any more.
    pub fn say(&self, text: &str) {
        let mut out = stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            std::process::exit(0);
        }
    }

    /// Tells on the standard error, where it does not disturb answers.
    pub fn complain(&self, text: &str) {
        // Nothing can be done when not even this can be written.
        let _ = stderr().lock().write_all(text.as_bytes());
    }
}

/// Rows of cells in columns of equal width, two blanks apart; the last column is not padded.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|c| width(c).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += cell;
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text += line.trim_end();
        text += "\n";
    }
    text
}
