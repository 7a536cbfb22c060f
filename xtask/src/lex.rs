//! Cuts Rust text into tokens, far enough to tell code from comments and string literals.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name, keyword or number.
    Word,
    /// A string, byte string, C string or raw string, with its quotes.
    Text,
    /// A line or block comment, doc comments included, without the line's end.
    Comment,
    /// A character literal or a lifetime.
    Quote,
    /// One character of punctuation.
    Mark,
}

/// A token: `start..end` are bytes of the text, `line` counts from 1 and is where it starts.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
}

/// All tokens of `text`. Never fails: an unclosed literal or comment reaches to the end.
pub fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            line += usize::from(bytes[at] == b'\n');
            at += 1;
            continue;
        }
        let (kind, length) = next(&text[at..]);
        let end = at + length;
        tokens.push(Token { kind, start: at, end, line });
        line += bytes[at..end].iter().filter(|&&byte| byte == b'\n').count();
        at = end;
    }
    tokens
}

/// Kind and length in bytes of the token that `rest` begins with; `rest` is not empty.
fn next(rest: &str) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(length) = string(rest) {
        return (Kind::Text, length);
    }
    let bare = rest.strip_prefix('b').unwrap_or(rest);
    if bare.starts_with('\'') {
        return (Kind::Quote, rest.len() - bare.len() + quote(bare));
    }
    // A raw name such as `r#type` is one word.
    let prefix = if rest.starts_with("r#") { 2 } else { 0 };
    let word = rest[prefix..].find(|c: char| !c.is_alphanumeric() && c != '_');
    match word.unwrap_or(rest.len() - prefix) {
        0 => (Kind::Mark, rest.chars().next().map_or(1, char::len_utf8)),
        length => (Kind::Word, prefix + length),
    }
}

/// Length of the block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of the string literal that `rest` begins with, if it begins with one.
fn string(rest: &str) -> Option<usize> {
    let bare = rest.trim_start_matches(['b', 'c']);
    if rest.len() - bare.len() > 1 {
        return None;
    }
    let (raw, bare) = bare.strip_prefix('r').map_or((false, bare), |bare| (true, bare));
    let hashes = bare.len() - bare.trim_start_matches('#').len();
    if (hashes > 0 && !raw) || bare.as_bytes().get(hashes) != Some(&b'"') {
        return None;
    }
    let open = rest.len() - bare.len() + hashes + 1;
    if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        return Some(rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len()));
    }
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(open) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// Length of the character literal or lifetime that `rest` begins with.
fn quote(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        // The escaped character itself may be a quote, so the closing one comes after it.
        (Some((_, '\\')), Some((escape, _))) => {
            rest[escape + 1..].find('\'').map_or(rest.len(), |at| escape + 1 + at + 1)
        }
        (Some(_), Some((close, '\''))) => close + 1,
        _ => {
            let name = rest[1..].find(|c: char| !c.is_alphanumeric() && c != '_');
            name.map_or(rest.len(), |at| at + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).iter().map(|t| (t.kind, &text[t.start..t.end])).collect()
    }

    #[test]
    fn strings_comments_and_code_are_told_apart() {
        use Kind::{Comment, Mark, Text, Word};
        let text = "a(\"// no\\\"\", r#\"x\"y\"#) // \"yes\"\n/* b /* c */ */ d";
        let expected = [
            (Word, "a"),
            (Mark, "("),
            (Text, "\"// no\\\"\""),
            (Mark, ","),
            (Text, "r#\"x\"y\"#"),
            (Mark, ")"),
            (Comment, "// \"yes\""),
            (Comment, "/* b /* c */ */"),
            (Word, "d"),
        ];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn quotes_are_characters_or_lifetimes() {
        use Kind::{Mark, Quote, Word};
        let text = "'\"' '\\'' '\\u{41}' b'x' &'a str '/' 'é'";
        let expected = [
            (Quote, "'\"'"),
            (Quote, "'\\''"),
            (Quote, "'\\u{41}'"),
            (Quote, "b'x'"),
            (Mark, "&"),
            (Quote, "'a"),
            (Word, "str"),
            (Quote, "'/'"),
            (Quote, "'é'"),
        ];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn prefixed_strings_and_raw_names() {
        use Kind::{Mark, Text, Word};
        let text = "br\"\\\" c\"x\" r#type bar#b cb";
        let expected = [
            (Text, "br\"\\\""),
            (Text, "c\"x\""),
            (Word, "r#type"),
            (Word, "bar"),
            (Mark, "#"),
            (Word, "b"),
            (Word, "cb"),
        ];
        assert_eq!(cut(text), expected);
    }

    #[test]
    fn lines_count_through_multi_line_tokens() {
        let text = "a\n/* \n */ b\n\"\n\n\" c";
        let lines: Vec<usize> = tokens(text).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 6]);
    }

    #[test]
    fn what_is_never_closed_reaches_to_the_end() {
        for text in ["\"abc", "r#\"abc\"", "/* abc", "'", "'\\", "b'", "'a", "r#", "/*"] {
            assert_eq!(tokens(text).last().map(|token| token.end), Some(text.len()), "{text}");
        }
    }
}
