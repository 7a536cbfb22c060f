//! A text with its file name: parsing it, and finding places in it afterwards.
//!
//! Parsed values carry no positions, which would cost memory and time in every good file. When a
//! value turns out to be wrong, the text is parsed once more along the path to it, and the parser
//! says where that ends.

use super::error::{ImportError, Place, Position};
use super::{Format, suggest};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

/// How a structured text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Yaml,
}

/// One step from the top of a structured text towards a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'k> {
    /// The value under the first of these keys that is there.
    Key(&'k [&'k str]),
    /// An element of a list.
    Index(usize),
}

/// A text, its file's name and what it is read as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub format: Format,
    pub syntax: Syntax,
}

impl<'a> Source<'a> {
    /// Parses the whole text.
    pub fn parse<T: Deserialize<'a>>(&self) -> Result<T, ImportError> {
        self.parse_seed(PhantomData)
    }

    /// Parses the whole text by a seed.
    pub fn parse_seed<S: DeserializeSeed<'a>>(&self, seed: S) -> Result<S::Value, ImportError> {
        let parsed = match self.syntax {
            Syntax::Json => {
                let mut parser = serde_json::Deserializer::from_str(self.text);
                let value = seed.deserialize(&mut parser);
                value
                    .and_then(|value| parser.end().map(|()| value))
                    .map_err(|e| json_fault(self.text, &e))
            }
            Syntax::Yaml => serde_saphyr::with_deserializer_from_str_with_options(
                self.text,
                yaml_options(),
                |parser| seed.deserialize(parser),
            )
            .map_err(|e| yaml_fault(&e)),
        };
        parsed.map_err(|(position, message)| {
            let place = Place { file: self.file.to_owned(), position };
            ImportError::Syntax {
                place,
                format: self.format,
                message: suggest::for_parser(message),
            }
        })
    }

    /// Where the value at the end of `path` begins; the file alone when there is none.
    pub fn locate(&self, path: &[Step<'_>]) -> Place {
        let position = match self.syntax {
            Syntax::Json => {
                let mut parser = serde_json::Deserializer::from_str(self.text);
                let found = Locate { path, found: None }.deserialize(&mut parser).err();
                found.and_then(|e| start_of_json_value(self.text, &e))
            }
            Syntax::Yaml => {
                let found = Cell::new(None);
                let seed = Locate { path, found: Some(&found) };
                // What is wrong behind the value does not matter here.
                let _ = serde_saphyr::with_deserializer_from_str_with_options(
                    self.text,
                    yaml_options(),
                    |parser| seed.deserialize(parser),
                );
                found.get()
            }
        };
        Place { file: self.file.to_owned(), position }
    }
}

/// The defaults limit the number of values to 250 000; a graph may have more. Aliases stay limited.
fn yaml_options() -> serde_saphyr::Options {
    let budget = serde_saphyr::budget! {
        max_events: usize::MAX,
        max_nodes: usize::MAX,
        max_total_scalar_bytes: usize::MAX,
    };
    serde_saphyr::options! {
        budget: budget,
        strict_booleans: true,
        // They are refused here, with what was expected instead.
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::PassThrough,
    }
}

type Fault = (Option<Position>, String);

fn json_fault(text: &str, error: &serde_json::Error) -> Fault {
    // The parser counts columns in bytes.
    let line = error.line().checked_sub(1).and_then(|line| text.split('\n').nth(line));
    let before = line.map(|line| &line.as_bytes()[..error.column().min(line.len())]);
    let position = before.map(|before| Position {
        line: error.line(),
        column: String::from_utf8_lossy(before).chars().count().max(1),
    });
    let message = error.to_string();
    let at = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&at).unwrap_or(&message);
    match error.is_eof() {
        true => (position, format!("the text ends too early: {message}")),
        false => (position, message.to_owned()),
    }
}

fn yaml_fault(error: &serde_saphyr::Error) -> Fault {
    let error = error.without_snippet();
    let position = error.location().and_then(position_of);
    let message = error.to_string();
    // The message repeats the place, which is shown in front of it.
    let tail =
        position.map_or(String::new(), |p| format!(" at line {}, column {}", p.line, p.column));
    let message = message.strip_suffix(&tail).unwrap_or(&message);
    (position, message.to_owned())
}

/// The parser stops behind a scalar; this steps back to its first character.
fn start_of_json_value(text: &str, error: &serde_json::Error) -> Option<Position> {
    let line = text.split('\n').nth(error.line().checked_sub(1)?)?.as_bytes();
    let mut at = error.column().min(line.len());
    match line[..at].last() {
        Some(b'"') => {
            at -= 1;
            let opens = |at: usize| line[at] == b'"' && (at == 0 || line[at - 1] != b'\\');
            while at > 0 && !opens(at - 1) {
                at -= 1;
            }
            at = at.saturating_sub(1);
        }
        Some(b'{' | b'[') => at -= 1,
        _ => {
            let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-');
            while at > 0 && inside(line[at - 1]) {
                at -= 1;
            }
        }
    }
    let column = String::from_utf8_lossy(&line[..at]).chars().count() + 1;
    Some(Position { line: error.line(), column })
}

/// Walks a path. At its end the parser is asked for the place where it can tell (YAML); otherwise
/// (JSON) the walk fails on purpose, and the error has the place.
#[derive(Clone, Copy)]
struct Locate<'p, 'k> {
    path: &'p [Step<'k>],
    found: Option<&'p Cell<Option<Position>>>,
}

const FOUND: &str = "found";

impl<'de> DeserializeSeed<'de> for Locate<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Some(found) = self.found.filter(|_| self.path.is_empty()) else {
            return deserializer.deserialize_any(self);
        };
        let value = serde_saphyr::Spanned::<IgnoredAny>::deserialize(deserializer)?;
        found.set(position_of(value.referenced));
        Ok(())
    }
}

impl<'de> Visitor<'de> for Locate<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FOUND)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(keys), path)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        while let Some(key) = map.next_key::<std::borrow::Cow<'_, str>>()? {
            if keys.contains(&key.as_ref()) {
                return map.next_value_seed(Locate { path, ..self });
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Index(index), path)) = self.path.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        for _ in 0..*index {
            list.next_element::<IgnoredAny>()?;
        }
        list.next_element_seed(Locate { path, ..self })?;
        Ok(())
    }
}

fn position_of(location: serde_saphyr::Location) -> Option<Position> {
    let (line, column) = (location.line() as usize, location.column() as usize);
    (line > 0).then_some(Position { line, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(syntax: Syntax, text: &str, path: &[Step<'_>]) -> Option<(usize, usize)> {
        let source = Source { file: "f", text, format: Format::TaskGraphFile, syntax };
        source.locate(path).position.map(|p| (p.line, p.column))
    }

    const TASKS: Step<'static> = Step::Key(&["jobs", "tasks"]);

    #[test]
    fn json_values_are_found_where_they_begin() {
        let text =
            "{\"a\": [1, {}],\n \"tasks\": [{\"name\": \"é\\\"x\"},\n  {\"cost\": -12.5}, 7]}";
        let find = |path: &[Step<'_>]| at(Syntax::Json, text, path);
        assert_eq!(find(&[TASKS, Step::Index(0), Step::Key(&["name"])]), Some((2, 21)));
        assert_eq!(find(&[TASKS, Step::Index(1), Step::Key(&["cost"])]), Some((3, 12)));
        assert_eq!(find(&[TASKS, Step::Index(1)]), Some((3, 3)));
        assert_eq!(find(&[TASKS, Step::Index(2)]), Some((3, 20)));
        assert_eq!(find(&[TASKS]), Some((2, 11)));
        assert_eq!(find(&[Step::Key(&["b"])]), None);
    }

    #[test]
    fn yaml_values_are_found_where_they_begin() {
        let text = "a: 1\ntasks:\n  - name: x\n    after: [y, zed]\n  - { cost: -1 }\n";
        let find = |path: &[Step<'_>]| at(Syntax::Yaml, text, path);
        let after = [TASKS, Step::Index(0), Step::Key(&["after"]), Step::Index(1)];
        assert_eq!(find(&after), Some((4, 16)));
        assert_eq!(find(&[TASKS, Step::Index(1), Step::Key(&["cost"])]), Some((5, 13)));
        assert_eq!(find(&[TASKS, Step::Index(9)]), None);
    }
}
