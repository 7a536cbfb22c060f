//! A figure of the report: a question, its answer in a sentence, a picture, and the numbers.

use super::table::Table;
use crate::shown::printable;
use maud::{Markup, html};
use serde_json::{Value, json};

/// Rows of a figure's table in the page; the download has all.
const SHOWN_ROWS: usize = 200;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Names it in links and files; does not change between versions.
    pub anchor: String,
    /// Its title.
    pub question: String,
    /// One generated sentence.
    pub answer: String,
    /// What was counted, e.g. `24 cells`.
    pub n: String,
    /// The picture.
    pub body: Markup,
    /// How to read it.
    pub note: Option<String>,
    /// The numbers.
    pub table: Table,
    /// Whether the table is shown at once: where it is the picture itself it is not repeated.
    pub table_view: TableView,
}

/// Where a figure's table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableView {
    /// Unfolded by a click.
    Folded,
    /// In sight.
    Open,
    /// In the downloads only: the body shows the same numbers.
    Hidden,
}

impl Figure {
    /// As a section of the page.
    pub fn html(&self) -> Markup {
        html! {
            section.figure id=(self.anchor) {
                h2 { a href=(format!("#{}", self.anchor)) { (printable(&self.question)) } }
                p.answer { (printable(&self.answer)) }
                (self.body)
                @match self.table_view {
                    TableView::Open => (self.table.html(SHOWN_ROWS)),
                    TableView::Folded => details {
                        summary { "The numbers as a table" }
                        (self.table.html(SHOWN_ROWS))
                    },
                    TableView::Hidden => {},
                }
                footer {
                    @if let Some(note) = &self.note { p.note { (printable(note)) } }
                    p.meta {
                        span { "n = " (printable(&self.n)) }
                        (download(&self.table, &self.anchor))
                        a href=(format!("#{}", self.anchor)) { "Link to this figure" }
                    }
                }
            }
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "anchor": self.anchor,
            "question": self.question,
            "answer": self.answer,
            "n": self.n,
            "rows": self.table.json(),
        })
    }
}

/// A link that holds a table as a file.
pub fn download(table: &Table, name: &str) -> Markup {
    let uri = format!("data:text/csv;charset=utf-8,{}", percent_encoded(&table.csv()));
    html! { a.download href=(uri) download=(format!("{name}.csv")) { "Download the data (CSV)" } }
}

/// Everything but letters, digits and a few marks as `%XX` (RFC 3986).
fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b',' => {
                out.push(char::from(byte));
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::Cell;
    use super::*;

    #[test]
    fn downloads_hold_the_table() {
        let mut table = Table::new(&["a", "b"]);
        table.push(vec![Cell::text("é \"<"), Cell::Count(3)]);
        let html = download(&table, "x").into_string();
        let expected = "data:text/csv;charset=utf-8,a,b%0A%22%C3%A9%20%22%22%3C%22,3%0A";
        assert!(html.contains(expected), "{html}");
    }
}
