//! Mistakes in what was typed: every one with file, line, column, the underlined place, what was
//! expected and the nearest valid name. They are collected, so that all are shown at once.

use crate::shown::printable_same_length;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use std::fmt;
use std::sync::Arc;

/// A range of bytes in a [`Source`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A text that was read: a file, or an argument of the command line.
#[derive(Debug)]
pub struct Source {
    /// The path as given, or the option's name.
    pub name: String,
    /// Its content.
    pub text: String,
    shown: NamedSource<String>,
}

impl Source {
    /// A text and where it comes from.
    pub fn new(name: &str, text: &str) -> Arc<Self> {
        let shown = NamedSource::new(crate::shown::printable(name), printable_same_length(text));
        Arc::new(Self { name: name.to_owned(), text: text.to_owned(), shown })
    }
}

/// One mistake.
#[derive(Clone, Debug)]
pub struct Mistake {
    source: Arc<Source>,
    span: Span,
    message: String,
    label: String,
    help: Option<String>,
}

impl Mistake {
    /// A mistake at `span`: `message` says what is wrong.
    pub fn new(source: &Arc<Source>, span: Span, message: impl Into<String>) -> Self {
        let end = source.text.len();
        let span = Span { start: span.start.min(end), end: span.end.min(end).max(span.start) };
        Self {
            source: Arc::clone(source),
            span,
            message: crate::shown::printable(&message.into()),
            label: "here".to_owned(),
            help: None,
        }
    }

    /// What stands under the underlined text.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = crate::shown::printable(&label.into());
        self
    }

    /// What is expected, or how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(crate::shown::printable(&help.into()));
        self
    }

    /// Says "did you mean", where a known name is near `given`, and lists the known names.
    pub fn expected_names<'a>(self, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let mended = match nearest(given, known.iter().copied()) {
            Some(name) => self.label(format!("did you mean `{name}`?")),
            None => self,
        };
        mended.help(format!("expected one of: {}", known.join(", ")))
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Line and column of the place, from 1.
    pub fn position(&self) -> (usize, usize) {
        let before = &self.source.text[..self.span.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// The mistake with its snippet, for a terminal of `width` columns.
    pub fn render(&self, width: usize, is_coloured: bool) -> String {
        let theme = match is_coloured {
            true => GraphicalTheme::unicode(),
            false => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width)
            .with_links(false)
            .with_context_lines(1);
        let mut text = String::new();
        match handler.render_report(&mut text, self) {
            Ok(()) => text,
            Err(_) => format!("{self}\n"),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl Diagnostic for Mistake {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source.shown)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let length = self.span.end - self.span.start;
        let label = LabeledSpan::new(Some(self.label.clone()), self.span.start, length);
        Some(Box::new(std::iter::once(label)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

/// Mistakes found so far.
#[derive(Clone, Debug, Default)]
pub struct Mistakes {
    list: Vec<Mistake>,
    /// Found beyond those that are kept.
    more: usize,
}

/// More than this are only counted.
const MAX_MISTAKES: usize = 200;

impl Mistakes {
    /// Adds one, unless it is there already: parts of a file may be read more than once.
    pub fn push(&mut self, mistake: Mistake) {
        let is_same = |m: &Mistake| {
            m.span == mistake.span
                && m.message == mistake.message
                && m.source.name == mistake.source.name
        };
        match self.list.iter().any(is_same) {
            false if self.list.len() < MAX_MISTAKES => self.list.push(mistake),
            false => self.more += 1,
            true => {}
        }
    }

    /// Adds those of another check.
    pub fn append(&mut self, other: Self) {
        self.more += other.more;
        other.list.into_iter().for_each(|mistake| self.push(mistake));
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.list.len() + self.more
    }

    /// All of them, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        let mut sorted: Vec<&Mistake> = self.list.iter().collect();
        sorted.sort_by(|a, b| {
            (&a.source.name, a.span, &a.message).cmp(&(&b.source.name, b.span, &b.message))
        });
        sorted.into_iter()
    }

    /// `Ok` when there is none.
    ///
    /// # Errors
    /// The mistakes.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// All of them with snippets, and how many there are.
    pub fn render(&self, width: usize, is_coloured: bool) -> String {
        let mut text: String = self.iter().map(|m| m.render(width, is_coloured) + "\n").collect();
        text += &match self.len() {
            1 => "1 mistake\n".to_owned(),
            n => format!("{n} mistakes\n"),
        };
        text
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self { list: vec![mistake], more: 0 }
    }
}

/// The known name that is nearest to what was given, if it is near enough to be meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = given.to_lowercase().replace('_', "-");
    let distance =
        |name: &str| strsim::damerau_levenshtein(&folded, &name.to_lowercase().replace('_', "-"));
    let known: Vec<&str> = known.into_iter().collect();
    let best = known.iter().map(|name| (distance(name), *name)).min()?;
    let limit = (given.chars().count().max(best.1.chars().count()) / 3).max(1);
    if best.0 <= limit {
        return Some(best.1);
    }
    // A name that was cut short.
    known.into_iter().find(|name| given.len() >= 3 && name.starts_with(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("heff", ["heft", "peft", "mct"]), Some("heft"));
        assert_eq!(nearest("Min_Min", ["min-min", "mct"]), Some("min-min"));
        assert_eq!(nearest("zzz", ["heft", "mct"]), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest("sched", ["seeds", "schedulers"]), Some("schedulers"));
    }

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("f", "é: 1\nab: 2\n");
        let at = |start| Mistake::new(&source, Span { start, end: start + 1 }, "m").position();
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (1, 4));
        assert_eq!(at(6), (2, 1));
        assert_eq!(at(99), (3, 1));
    }
}
