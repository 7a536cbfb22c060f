//! Lines of numbers: what StarPU's files are made of.

use super::error::StarpuError;
use std::str::FromStr;

/// The lines of a text that are neither blank nor comments, one by one.
#[derive(Clone)]
pub struct Lines<'a> {
    file: &'a str,
    text: std::iter::Enumerate<std::str::Lines<'a>>,
    /// The last line read, from 1.
    line: usize,
}

/// One line's words.
pub struct Row<'a> {
    file: &'a str,
    line: usize,
    words: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text: text.lines().enumerate(), line: 0 }
    }

    /// The next line, which should hold `expected`.
    pub fn next(&mut self, expected: &str) -> Result<Row<'a>, StarpuError> {
        match self.next_if_any() {
            Some(row) => Ok(row),
            None => Err(StarpuError::Ends {
                file: self.file.to_owned(),
                line: self.line,
                expected: expected.to_owned(),
            }),
        }
    }

    /// The next line, unless the text ends here.
    pub fn next_if_any(&mut self) -> Option<Row<'a>> {
        for (index, text) in self.text.by_ref() {
            self.line = index + 1;
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                let words = match text.split_once('#') {
                    // `12 # Number of CPUs`
                    Some((before, _)) => before.split_whitespace().collect(),
                    None => text.split_whitespace().collect(),
                };
                return Some(Row { file: self.file, line: self.line, words });
            }
        }
        None
    }

    /// Whether there are more of them.
    pub fn has_more(&self) -> bool {
        self.clone().next_if_any().is_some()
    }

    /// The next line, which is a single number.
    pub fn number<T: FromStr>(&mut self, expected: &str) -> Result<T, StarpuError> {
        self.next(expected)?.number(0, expected)
    }
}

impl Row<'_> {
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// The word at `index` as a number.
    pub fn number<T: FromStr>(&self, index: usize, expected: &str) -> Result<T, StarpuError> {
        let word = self.words.get(index).copied();
        let value = word.and_then(|w| w.parse().ok());
        value.ok_or_else(|| self.damaged(expected, word.unwrap_or("nothing")))
    }

    /// The word at `index` as a finite number that is at least 0.
    pub fn quantity(&self, index: usize, expected: &str) -> Result<f64, StarpuError> {
        let value: f64 = self.number(index, expected)?;
        match value.is_finite() && value >= 0.0 {
            true => Ok(value),
            false => Err(self.damaged(expected, self.words[index])),
        }
    }

    /// The mistake that this line is.
    pub fn damaged(&self, expected: &str, found: &str) -> StarpuError {
        StarpuError::Damaged {
            file: self.file.to_owned(),
            line: self.line,
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}
