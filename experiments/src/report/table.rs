//! Tables: the numbers under every figure, written as HTML, CSV, Markdown, JSON and plain text.

use crate::shown::{duration, printable, size};
use maud::{Markup, html};
use serde_json::{Number, Value};
use std::fmt::Write;

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name or a sentence; may hold anything.
    Text(String),
    /// A command or a path.
    Code(String),
    /// A count.
    Count(u64),
    /// Bytes; people are shown binary units.
    Bytes(u64),
    /// Nanoseconds; people are shown a unit that suits.
    Time(u64),
    /// A number, and how many digits after the point people are shown.
    Real(f64, usize),
    /// Not known, or does not apply.
    None,
}

impl Cell {
    /// A real number that may be missing.
    pub fn real(value: Option<f64>, digits: usize) -> Self {
        value.map_or(Self::None, |v| Self::Real(v, digits))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As people are shown it, hidden characters made visible.
    pub fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::Code(text) => printable(text),
            Self::Count(n) => n.to_string(),
            Self::Bytes(n) => size(*n),
            Self::Time(ns) => duration(*ns),
            Self::Real(value, digits) => format!("{value:.digits$}"),
            Self::None => "–".to_owned(),
        }
    }

    /// Whether it is a sentence, which wants room.
    fn is_prose(&self) -> bool {
        matches!(self, Self::Text(text) if text.len() > 60)
    }

    fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Code(_))
    }

    fn csv(&self) -> String {
        let plain = match self {
            Self::Text(text) | Self::Code(text) => printable(text),
            Self::Count(n) | Self::Bytes(n) | Self::Time(n) => n.to_string(),
            Self::Real(value, _) => value.to_string(),
            Self::None => String::new(),
        };
        match plain.contains([',', '"']) {
            true => format!("\"{}\"", plain.replace('"', "\"\"")),
            false => plain,
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) | Self::Code(text) => Value::String(text.clone()),
            Self::Count(n) | Self::Bytes(n) | Self::Time(n) => Value::Number((*n).into()),
            Self::Real(value, _) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
            Self::None => Value::Null,
        }
    }
}

/// Rows under named columns; every row has one cell per column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names with units; those of bytes and nanoseconds in brackets at the end, which people are
    /// not shown: cells say their unit.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|c| (*c).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// Comma-separated values (RFC 4180) with a header; numbers in full.
    pub fn csv(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|c| Cell::text(c).csv()).collect();
        let mut out = header.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::csv).collect();
            out += &(cells.join(",") + "\n");
        }
        out
    }

    /// Objects with the columns as keys.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let pairs = self.columns.iter().zip(row).map(|(c, cell)| (c.clone(), cell.json()));
            Value::Object(pairs.collect())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }

    /// At most `limit` rows; says how many are left out.
    pub fn html(&self, limit: usize) -> Markup {
        let is_number =
            |at: usize| self.rows.iter().all(|row| row[at].is_number()) && !self.rows.is_empty();
        let numeric: Vec<bool> = (0..self.columns.len()).map(is_number).collect();
        html! {
            div.scroll {
                table {
                    thead { tr {
                        @for (column, is_number) in self.columns.iter().zip(&numeric) {
                            th.num[*is_number] scope="col" { (heading(column)) }
                        }
                    } }
                    tbody {
                        @for row in self.rows.iter().take(limit) {
                            tr { @for (cell, is_number) in row.iter().zip(&numeric) {
                                td.num[*is_number].prose[cell.is_prose()] { (cell_html(cell)) }
                            } }
                        }
                    }
                }
            }
            @if self.rows.len() > limit {
                p.note { (self.rows.len() - limit) " further rows are in the downloads." }
            }
        }
    }

    /// A Markdown table, cells padded so that it can be read as it is.
    pub fn markdown(&self) -> String {
        let escape = |text: String| {
            let text = text.replace('\\', "\\\\").replace('|', "\\|").replace('`', "\\`");
            text.replace('&', "&amp;").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
        };
        let mut lines = vec![self.columns.iter().map(|c| escape(heading(c))).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(|c| escape(c.shown())).collect()));
        let widths = widths(&lines);
        let rule = widths.iter().enumerate().map(|(at, w)| match self.is_right(at) {
            true => "-".repeat(w - 1) + ":",
            false => "-".repeat(*w),
        });
        let rule: Vec<String> = rule.collect();
        lines.insert(1, rule);
        let mut out = String::new();
        for line in &lines {
            let _ = writeln!(out, "| {} |", self.pad(line, &widths).join(" | "));
        }
        out
    }

    /// Columns side by side for a terminal.
    pub fn plain(&self) -> String {
        let mut lines: Vec<Vec<String>> = vec![self.columns.iter().map(|c| heading(c)).collect()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(Cell::shown).collect()));
        let widths = widths(&lines);
        let mut out = String::new();
        for line in &lines {
            let _ = writeln!(out, "{}", self.pad(line, &widths).join("  ").trim_end());
        }
        out
    }

    fn is_right(&self, at: usize) -> bool {
        self.rows.iter().all(|row| row[at].is_number())
    }

    fn pad(&self, line: &[String], widths: &[usize]) -> Vec<String> {
        let pad = |(at, text): (usize, &String)| {
            let gap = " ".repeat(widths[at] - text.chars().count());
            if self.is_right(at) { gap + text } else { text.clone() + &gap }
        };
        line.iter().enumerate().map(pad).collect()
    }
}

/// The column's name for people.
fn heading(column: &str) -> String {
    printable(column.trim_end_matches(" (bytes)").trim_end_matches(" (ns)"))
}

fn widths(lines: &[Vec<String>]) -> Vec<usize> {
    let width = |at: usize| lines.iter().map(|l| l[at].chars().count()).max().unwrap_or(0);
    (0..lines.first().map_or(0, Vec::len)).map(|at| width(at).max(3)).collect()
}

fn cell_html(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Code(_) => code { (cell.shown()) },
            _ => (cell.shown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "ratio"]);
        table.push(vec![Cell::text("a|b<i>,\"\u{1b}"), Cell::Real(1.25, 1)]);
        table.push(vec![Cell::text("c"), Cell::None]);
        table
    }

    #[test]
    fn csv_keeps_numbers_in_full_and_quotes_what_must_be() {
        let expected = "name,ratio\n\"a|b<i>,\"\"\\u{1b}\",1.25\nc,\n";
        assert_eq!(table().csv(), expected);
    }

    #[test]
    fn html_shows_names_as_text() {
        let html = table().html(1).into_string();
        assert!(html.contains("a|b&lt;i&gt;,&quot;\\u{1b}"), "{html}");
        assert!(html.contains("1 further rows"), "{html}");
        assert!(!html.contains("<i>"), "{html}");
    }

    #[test]
    fn markdown_and_plain_text_are_aligned() {
        let expected = "| name                | ratio |\n\
                        | ------------------- | ----: |\n\
                        | a\\|b&lt;i>,\"\\\\u{1b} |   1.2 |\n\
                        | c                   |     – |\n";
        assert_eq!(table().markdown(), expected);
        assert_eq!(
            table().plain(),
            "name            ratio\na|b<i>,\"\\u{1b}    1.2\nc                   –\n"
        );
    }
}
