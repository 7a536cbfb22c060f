//! YAML text to a tree of nodes with places. The only module that knows the YAML library.
//!
//! The tree keeps every entry of a map, repeated keys too, so that all mistakes of a file can be
//! told at once; what the values mean is the business of [`super::reader`].

use crate::mistake::{Mistake, Mistakes, Source, Span};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};
use std::fmt;
use std::sync::Arc;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Position in the order of reading; unique in its tree.
    pub id: u32,
    /// Where it stands; a list or map is represented by its first character.
    pub span: Span,
    /// What it is.
    pub value: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing was written.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond the range of [`Content::Int`].
    Large(u64),
    /// A number; may be infinite or not a number.
    Float(f64),
    /// Anything else.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map: keys, with their own nodes, and values.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug)]
pub struct Key {
    /// See [`Node::id`].
    pub id: u32,
    /// Where it stands.
    pub span: Span,
    /// The key as written.
    pub text: String,
}

/// Reads a text.
///
/// # Errors
/// Syntax errors (the parser stops at the first), and every repeated key or key that is no word.
pub fn parse(source: &Arc<Source>) -> Result<Node, Mistakes> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        strict_booleans: true,
    };
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(&source.text, options)
        .map_err(|error| syntax(source, &error))?;
    let mut builder = Builder { source, next_id: 0, mistakes: Mistakes::default() };
    let node = builder.node(raw);
    builder.mistakes.into_result(node)
}

fn syntax(source: &Arc<Source>, error: &serde_saphyr::Error) -> Mistakes {
    let span = error.location().map_or_else(Span::default, |l| span_of(&source.text, &l));
    let message = error.without_snippet().to_string();
    // The library repeats the position, which the snippet shows.
    let message = message.split(" at line ").next().unwrap_or(&message);
    Mistake::new(source, span, format!("this is not YAML: {message}")).into()
}

fn span_of(text: &str, location: &Location) -> Span {
    let span = location.span();
    let start = match span.byte_offset() {
        Some(offset) => offset as usize,
        None => offset_of(text, location.line() as usize, location.column() as usize),
    };
    let start = floor(text, start.min(text.len()));
    let length = span.byte_len().unwrap_or(1).max(1) as usize;
    let end = floor(text, (start + length).min(text.len()));
    // A place is shown on one line.
    let line_end = text[start..end].find('\n').map_or(end, |at| start + at);
    Span { start, end: line_end.max(start) }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let columns = text[start..].chars().take(column.saturating_sub(1));
    start + columns.map(char::len_utf8).sum::<usize>()
}

/// What the YAML library hands over.
enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Large(u64),
    Float(f64),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

struct RawVisitor;

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(i64::try_from(value).map_or(Raw::Large(value), Raw::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key()? {
            entries.push((key, map.next_value()?));
        }
        Ok(Raw::Map(entries))
    }
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    next_id: u32,
    mistakes: Mistakes,
}

impl Builder<'_> {
    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let span = span_of(&self.source.text, &raw.referenced);
        let id = self.id();
        let value = match raw.value {
            Raw::Null => Content::Null,
            Raw::Bool(value) => Content::Bool(value),
            Raw::Int(value) => Content::Int(value),
            Raw::Large(value) => Content::Large(value),
            Raw::Float(value) => Content::Float(value),
            Raw::Text(value) => Content::Text(value),
            Raw::List(list) => Content::List(list.into_iter().map(|r| self.node(r)).collect()),
            Raw::Map(entries) => Content::Map(self.map(entries)),
        };
        Node { id, span, value }
    }

    fn map(&mut self, entries: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Vec<(Key, Node)> {
        let mut map: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let span = span_of(&self.source.text, &key.referenced);
            let text = match key.value {
                Raw::Text(text) => text,
                Raw::List(_) | Raw::Map(_) | Raw::Null => {
                    let message = "a key must be a word";
                    self.mistakes.push(Mistake::new(self.source, span, message));
                    continue;
                }
                _ => self.source.text[span.start..span.end].to_owned(),
            };
            if let Some((first, _)) = map.iter().find(|(k, _)| k.text == text) {
                let (line, _) = Mistake::new(self.source, first.span, "").position();
                let message = format!("the key `{text}` is there twice");
                let mistake = Mistake::new(self.source, span, message);
                self.mistakes.push(mistake.label(format!("first given in line {line}")));
                continue;
            }
            let id = self.id();
            let value = self.node(value);
            map.push((Key { id, span, text }, value));
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Result<Node, Mistakes> {
        parse(&Source::new("test.yaml", text))
    }

    /// The tree as text with the underlined source of every scalar.
    fn show(node: &Node, text: &str) -> String {
        let place = &text[node.span.start..node.span.end];
        match &node.value {
            Content::List(list) => {
                let items: Vec<_> = list.iter().map(|n| show(n, text)).collect();
                format!("[{}]", items.join(", "))
            }
            Content::Map(map) => {
                let entry = |(k, v): &(Key, Node)| {
                    assert_eq!(&text[k.span.start..k.span.end], k.text);
                    format!("{}: {}", k.text, show(v, text))
                };
                format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            other => format!("{other:?}@{place}"),
        }
    }

    #[test]
    fn scalars_have_types_and_places() {
        let text = "a: [1, -2.5, true, ~, é x, \"q\", .nan, 18446744073709551615]\nb:\n  c: yes\n";
        let shown = show(&tree(text).unwrap(), text);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn all_repeated_keys_are_told() {
        let mistakes = tree("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n").unwrap_err();
        let messages: Vec<_> = mistakes.iter().map(Mistake::message).collect();
        assert_eq!(messages, ["the key `a` is there twice", "the key `d` is there twice"]);
    }

    #[test]
    fn bad_syntax_has_a_place() {
        let mistakes = tree("a: [1, 2\nb: 3\n").unwrap_err();
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes.iter().all(|m| m.position().0 >= 1));
        insta::assert_snapshot!(mistakes.render(80, false));
    }
}
