//! What serde finds wrong with a node, and how it is told.

use super::yaml::{Content, Node};
use serde::de::{Error, Expected, Unexpected};
use std::fmt;

/// A mistake on its way from the value that does not fit to the reader that reports it.
#[derive(Debug)]
pub struct Fault {
    /// The node or key it belongs to; the innermost one that was being read.
    pub node: Option<u32>,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with a node.
#[derive(Debug, PartialEq)]
pub enum FaultKind {
    /// What a type's own reader says: what is wrong, and what is expected instead.
    Custom {
        /// What is wrong.
        message: String,
        /// What is expected, empty where the message says it.
        expected: String,
    },
    /// Another type was expected.
    Type {
        /// What is expected.
        expected: String,
    },
    /// A key that must be there is not.
    Missing {
        /// The key.
        field: &'static str,
    },
    /// A key that nothing reads.
    UnknownKey {
        /// The key.
        key: String,
        /// The keys that are read.
        known: &'static [&'static str],
    },
    /// A word that is none of the words.
    UnknownWord {
        /// The word.
        word: String,
        /// The words.
        known: &'static [&'static str],
    },
}

/// Separates a message from what is expected in errors made by [`expected`].
const SEPARATOR: char = '\u{1f}';

/// An error that says what is wrong and what is expected instead.
pub fn expected<E: Error>(message: impl fmt::Display, expected: impl fmt::Display) -> E {
    E::custom(format!("{message}{SEPARATOR}{expected}"))
}

impl Fault {
    pub(super) fn new(kind: FaultKind) -> Self {
        Self { node: None, kind }
    }

    /// The fault, belonging to `node` unless it belongs to an inner one.
    pub(super) fn at(mut self, node: u32) -> Self {
        self.node.get_or_insert(node);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        let (message, expected) = text.split_once(SEPARATOR).unwrap_or((&text, ""));
        Self::new(FaultKind::Custom { message: message.to_owned(), expected: expected.to_owned() })
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(FaultKind::Type { expected: in_words(&expected.to_string()) })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(FaultKind::Type { expected: in_words(&expected.to_string()) })
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(FaultKind::Type { expected: in_words(&expected.to_string()) })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownWord { word: word.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(FaultKind::UnknownKey { key: key.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(FaultKind::Missing { field })
    }
}

/// What serde's own readers expect, in words of the file's author.
fn in_words(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" => "text",
        "a sequence" => "a list",
        other => other.strip_prefix("expected ").unwrap_or(other),
    }
    .to_owned()
}

/// What was written, in words.
pub fn described(node: &Node) -> String {
    match &node.value {
        Content::Null => "nothing".to_owned(),
        Content::Bool(value) => format!("`{value}`"),
        Content::Int(value) => format!("the number {value}"),
        Content::Large(value) => format!("the number {value}"),
        Content::Float(value) => format!("the number {value}"),
        Content::Text(text) => format!("the text `{text}`"),
        Content::List(_) => "a list".to_owned(),
        Content::Map(_) => "a map".to_owned(),
    }
}
