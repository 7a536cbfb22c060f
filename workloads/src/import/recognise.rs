//! Which format a file has.

use super::Format;
use super::error::ImportError;
use flate2::read::MultiGzDecoder;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::path::Path;

/// The text of a file, unpacked where it is compressed with gzip.
pub(super) fn text(file: &str, bytes: Vec<u8>) -> Result<String, ImportError> {
    /// More than this comes from a damaged or hostile archive.
    const MAX_TEXT_BYTES: u64 = 8 << 30;
    let mut plain = bytes;
    if plain.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let mut limited = MultiGzDecoder::new(plain.as_slice()).take(MAX_TEXT_BYTES + 1);
        let read = limited.read_to_end(&mut unpacked);
        read.map_err(|source| ImportError::Io { file: file.to_owned(), source })?;
        if unpacked.len() as u64 > MAX_TEXT_BYTES {
            let found = "it unpacks to more than 8 GiB".to_owned();
            return Err(ImportError::Foreign { file: file.to_owned(), found });
        }
        plain = unpacked;
    }
    String::from_utf8(plain).map_err(|e| {
        let found = format!("byte {} is not UTF-8 text", e.utf8_error().valid_up_to());
        ImportError::Foreign { file: file.to_owned(), found }
    })
}

/// The format of a text, or what else it looks like.
pub(super) fn format(path: &Path, text: &str) -> Result<Format, String> {
    let start = text.trim_start();
    if start.starts_with('{') {
        return json(start);
    }
    if let Some(first) = first_code(start)
        && ["digraph", "graph", "strict"].iter().any(|word| has_word(first, word))
    {
        return Ok(Format::Dot);
    }
    if text.lines().any(|line| line.starts_with("windtunnel_graph")) {
        return Ok(Format::TaskGraphFile);
    }
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("yaml" | "yml") => return Ok(Format::TaskGraphFile),
        Some("dot" | "gv") => return Ok(Format::Dot),
        Some("stg") => return Ok(Format::Stg),
        _ => {}
    }
    let mut words = start.split_ascii_whitespace();
    if words.by_ref().take(4).all(|word| word.parse::<f64>().is_ok()) {
        return Ok(Format::Stg);
    }
    Err(format!("it begins with {:?}", start.chars().take(40).collect::<String>()))
}

/// The first word after comments of the C and of the preprocessor kind.
fn first_code(mut text: &str) -> Option<&str> {
    loop {
        text = text.trim_start();
        let end = match text.as_bytes() {
            [b'/', b'/', ..] | [b'#', ..] => text.find('\n')? + 1,
            [b'/', b'*', ..] => text.find("*/")? + 2,
            [] => return None,
            _ => return Some(text),
        };
        text = &text[end..];
    }
}

fn has_word(text: &str, word: &str) -> bool {
    // DOT's keywords are case-insensitive.
    let head = text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let next = text.get(word.len()..).and_then(|rest| rest.chars().next());
    head && !next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
}

/// Which JSON format, by the first telling key at the top; the rest is not parsed.
fn json(text: &str) -> Result<Format, String> {
    struct Keys(Vec<String>);

    impl<'de> Visitor<'de> for &mut Keys {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(key) = map.next_key::<Cow<'_, str>>()? {
                let tells = format_of_key(&key).is_some();
                self.0.push(key.into_owned());
                if tells {
                    return Err(A::Error::custom("found"));
                }
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }
    let mut keys = Keys(Vec::new());
    let parsed = serde_json::Deserializer::from_str(text).deserialize_map(&mut keys);
    if let Some(format) = keys.0.last().and_then(|key| format_of_key(key)) {
        return Ok(format);
    }
    match parsed {
        Err(e) => Err(format!("it begins as JSON, but {e}")),
        Ok(()) => Err(format!("it is JSON with {}", keys_shown(&keys.0))),
    }
}

fn format_of_key(key: &str) -> Option<Format> {
    match key {
        "windtunnel_graph" => Some(Format::TaskGraphFile),
        "windtunnel_trace" => Some(Format::Trace),
        "schemaVersion" | "workflow" => Some(Format::WfFormat),
        _ => None,
    }
}

fn keys_shown(keys: &[String]) -> String {
    match keys {
        [] => "nothing in it".to_owned(),
        _ => {
            let more = if keys.len() > 5 { ", ..." } else { "" };
            format!("the keys {}{more}", keys[..keys.len().min(5)].join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Result<Format, String> {
        format(Path::new(path), text)
    }

    #[test]
    fn content_decides() {
        assert_eq!(of("a", "{\"windtunnel_graph\": 1}"), Ok(Format::TaskGraphFile));
        assert_eq!(
            of("a", "{\"name\": \"x\", \"windtunnel_graph\": 1, bro"),
            Ok(Format::TaskGraphFile)
        );
        assert_eq!(of("a", "{\"windtunnel_trace\":1,"), Ok(Format::Trace));
        assert_eq!(of("a.yaml", " {\"schemaVersion\": \"1.4\"}"), Ok(Format::WfFormat));
        assert_eq!(of("a", "# made by hand\nwindtunnel_graph: 1\n"), Ok(Format::TaskGraphFile));
        assert_eq!(of("a", "/* c */ // d\nstrict digraph {}"), Ok(Format::Dot));
        assert_eq!(of("a", "DiGraph{}"), Ok(Format::Dot));
        assert_eq!(of("a", "  2\n 0 0 0\n"), Ok(Format::Stg));
    }

    #[test]
    fn the_extension_helps_where_content_says_nothing() {
        assert_eq!(of("a.yml", "tasks: []"), Ok(Format::TaskGraphFile));
        assert_eq!(of("a.STG", "broken"), Ok(Format::Stg));
        assert_eq!(of("a.gv", "broken"), Ok(Format::Dot));
    }

    #[test]
    fn foreign_files_are_described() {
        assert_eq!(of("a", "graph_like: 1"), Err("it begins with \"graph_like: 1\"".to_owned()));
        let json = "{\"nodes\": [], \"links\": []}";
        assert_eq!(of("a.json", json), Err("it is JSON with the keys nodes, links".to_owned()));
        assert!(of("a.json", "{\"nodes\": [").unwrap_err().contains("EOF"));
    }
}
