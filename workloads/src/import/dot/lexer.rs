//! Words and marks of DOT.

use super::Fault;
use std::borrow::Cow;

/// One word or mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// A name without quotes, which may be a keyword.
    Word(&'t str),
    /// A quoted or HTML name or a number, never a keyword.
    Name(Cow<'t, str>),
    /// One of `{ } [ ] = ; , : +`.
    Mark(char),
    /// `->` or `--`.
    Arrow { directed: bool },
    /// The end of the text.
    End,
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token, and where it begins.
    pub fn next(&mut self) -> Result<(Token<'t>, usize), Fault> {
        self.skip_space()?;
        let at = self.at;
        let rest = &self.text[at..];
        let Some(first) = rest.chars().next() else { return Ok((Token::End, at)) };
        let token = match first {
            '{' | '}' | '[' | ']' | '=' | ';' | ',' | ':' | '+' => {
                self.at += 1;
                Token::Mark(first)
            }
            '-' if rest.starts_with("->") || rest.starts_with("--") => {
                self.at += 2;
                Token::Arrow { directed: rest.starts_with("->") }
            }
            '"' => self.quoted()?,
            '<' => self.html()?,
            '-' | '.' | '0'..='9' => self.number()?,
            c if is_name(c) => {
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                self.at += end;
                Token::Word(&rest[..end])
            }
            c => return Err(fault(at, format!("unexpected character {c:?}"))),
        };
        Ok((token, at))
    }

    fn skip_space(&mut self) -> Result<(), Fault> {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            let is_line_start = self.at == 0 || self.text[..self.at].ends_with('\n');
            let skip = if trimmed.starts_with("//") || (trimmed.starts_with('#') && is_line_start) {
                trimmed.find('\n').unwrap_or(trimmed.len())
            } else if trimmed.starts_with("/*") {
                let end = trimmed.find("*/");
                end.ok_or_else(|| fault(self.at, "a comment that never ends".to_owned()))? + 2
            } else {
                return Ok(());
            };
            self.at += skip;
        }
    }

    /// Within quotes only `\"` and a backslash at a line's end have a meaning of their own.
    fn quoted(&mut self) -> Result<Token<'t>, Fault> {
        let start = self.at;
        let body = &self.text[start + 1..];
        let mut escaped = false;
        let end = body.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.ok_or_else(|| fault(start, "a text in quotes that never ends".to_owned()))?;
        self.at += end + 2;
        let raw = &body[..end];
        Ok(Token::Name(match raw.contains('\\') {
            true => Cow::Owned(raw.replace("\\\"", "\"").replace("\\\n", "")),
            false => Cow::Borrowed(raw),
        }))
    }

    fn html(&mut self) -> Result<Token<'t>, Fault> {
        let start = self.at;
        let mut depth = 0usize;
        for (offset, c) in self.text[start..].char_indices() {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += offset + 1;
                return Ok(Token::Name(Cow::Borrowed(&self.text[start + 1..start + offset])));
            }
        }
        Err(fault(start, "an HTML text that never ends".to_owned()))
    }

    fn number(&mut self) -> Result<Token<'t>, Fault> {
        let rest = &self.text[self.at..];
        let unsigned = rest.strip_prefix('-').unwrap_or(rest);
        // Graphviz has no exponents, but programs that print floats write them.
        let mut end =
            unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let exponent = &unsigned[end..];
        if let Some(power) = exponent.strip_prefix(['e', 'E']) {
            let digits = power.strip_prefix(['-', '+']).unwrap_or(power);
            let count = digits.bytes().take_while(u8::is_ascii_digit).count();
            if count > 0 && !digits[count..].starts_with(is_name) {
                end += exponent.len() - digits.len() + count;
            }
        }
        let word = &rest[..rest.len() - unsigned.len() + end];
        if word.parse::<f64>().is_err() {
            return Err(fault(self.at, format!("{word:?} is no number")));
        }
        self.at += word.len();
        Ok(Token::Name(Cow::Borrowed(word)))
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(super) fn fault(at: usize, message: String) -> Fault {
    Fault { at, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            match lexer.next().unwrap().0 {
                Token::End => return tokens,
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn every_way_to_write_a_name() {
        let name = |text: &'static str| Token::Name(Cow::Borrowed(text));
        assert_eq!(tokens("a_1 // c\n/* d */"), [Token::Word("a_1")]);
        assert_eq!(tokens("# line\nb"), [Token::Word("b")]);
        assert_eq!(tokens(r#""say \"x\" \n""#), [name(r#"say "x" \n"#)]);
        assert_eq!(tokens("<<b>x</b>>"), [name("<b>x</b>")]);
        assert_eq!(tokens("-1.5 2e-3 .5 7"), [name("-1.5"), name("2e-3"), name(".5"), name("7")]);
        assert_eq!(tokens("größe"), [Token::Word("größe")]);
        let arrow = Token::Arrow { directed: true };
        assert_eq!(tokens("a->1"), [Token::Word("a"), arrow, name("1")]);
    }

    #[test]
    fn what_never_ends_is_a_fault_where_it_begins() {
        for text in ["a \"b", "a <b", "a /* b", "a ?", "a -x"] {
            let mut lexer = Lexer::new(text);
            assert!(lexer.next().is_ok());
            assert_eq!(lexer.next().unwrap_err().at, 2, "{text}");
        }
    }
}
