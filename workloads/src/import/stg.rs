//! The Standard Task Graph set of Tobita and Kasahara: identical processors, no communication.
//!
//! The file is a sequence of whole numbers, `#` begins a comment. First the number of tasks without
//! two dummies (an entry and an exit that cost nothing), then for each task, dummies included, its
//! number, its processing time, the number of its predecessors and their numbers. The dummies
//! become tasks like all others. One unit of processing time becomes one unit of
//! [`Cost::Work`](runtime::Cost::Work);
//! precedence becomes control edges; every task is of kernel `task`.
//!
//! T. Tobita, H. Kasahara: A standard task graph set for fair evaluation of multiprocessor
//! scheduling algorithms. Journal of Scheduling 5 (2002), 379-394.

use super::draft::{self, Draft, DraftTask};
use super::error::{ImportError, Place, Position};
use super::names::Names;
use super::{Format, Imported, Recorded};

/// Reads a text in STG's format; `file` is named in errors.
///
/// # Errors
/// Any [`ImportError`].
pub fn read(file: &str, text: &str) -> Result<Imported, ImportError> {
    if text.trim().is_empty() {
        return Err(ImportError::Empty { file: file.to_owned() });
    }
    let mut numbers = Numbers { file, words: words(text).peekable(), end: end_of(text) };
    let count = numbers.next("the number of tasks")?.0;
    // Each task takes three numbers at least: a false count must not reserve much.
    let mut names = Vec::with_capacity((count as usize).min(text.len() / 6) + 2);
    let mut costs = Vec::with_capacity(names.capacity());
    let mut predecessors = Vec::new();
    for at in 0..count.saturating_add(2) {
        let (id, position) = numbers.next("the number of a task")?;
        if id != at {
            let place = numbers.place(position);
            let message = format!("task {id}, expected task {at}: tasks are numbered from 0");
            return Err(ImportError::Syntax { place, format: Format::Stg, message });
        }
        names.push((id.to_string(), position));
        let (cost, _) = numbers.next("a processing time")?;
        costs.push(cost as f64);
        let (inputs, _) = numbers.next("the number of predecessors")?;
        for _ in 0..inputs {
            let (from, position) = numbers.next("a predecessor")?;
            predecessors.push((from, at, position));
        }
    }
    if let Some((word, position)) = numbers.words.next() {
        let place = numbers.place(position);
        let message = format!("{word:?} after the last of {count} + 2 tasks");
        return Err(ImportError::Syntax { place, format: Format::Stg, message });
    }
    let mut kernels = Names::default();
    kernels.insert("task");
    let tasks: Vec<DraftTask<'_>> =
        (names.iter().zip(costs)).map(|((name, _), cost)| DraftTask::new(name, 0, cost)).collect();
    let mut draft = Draft::new(draft::with_kernels("", &kernels), tasks);
    for (from, to, position) in predecessors {
        if from as usize >= names.len() {
            return Err(ImportError::Unknown {
                place: numbers.place(position),
                owner: format!("task \"{to}\""),
                what: "task",
                name: from.to_string(),
                nearest: None,
            });
        }
        draft.control.push((from as u32, to as u32));
    }
    let place_of = |task: usize| numbers.place(names[task].1);
    let order = draft.sort(place_of)?;
    let graph = draft.build(&order, file, place_of)?;
    Ok(Imported { graph, format: Format::Stg, notes: Vec::new(), recorded: Recorded::default() })
}

/// The words of a text with their places, comments left out.
fn words(text: &str) -> impl Iterator<Item = (&str, Position)> {
    text.lines().enumerate().flat_map(|(line, content)| {
        let content = content.split('#').next().unwrap_or("");
        content.split_whitespace().map(move |word| {
            let bytes = word.as_ptr() as usize - content.as_ptr() as usize;
            let column = content[..bytes].chars().count() + 1;
            (word, Position { line: line + 1, column })
        })
    })
}

/// Behind the last character.
fn end_of(text: &str) -> Position {
    let last = text.lines().last().unwrap_or("");
    Position { line: text.lines().count().max(1), column: last.chars().count() + 1 }
}

struct Numbers<'t, I: Iterator<Item = (&'t str, Position)>> {
    file: &'t str,
    words: std::iter::Peekable<I>,
    end: Position,
}

impl<'t, I: Iterator<Item = (&'t str, Position)>> Numbers<'t, I> {
    fn place(&self, position: Position) -> Place {
        Place { file: self.file.to_owned(), position: Some(position) }
    }

    /// The next whole number, and where it is.
    fn next(&mut self, what: &str) -> Result<(u64, Position), ImportError> {
        let Some((word, position)) = self.words.next() else {
            return Err(ImportError::Syntax {
                place: self.place(self.end),
                format: Format::Stg,
                message: format!("the text ends too early: expected {what}"),
            });
        };
        match word.parse::<u64>() {
            Ok(number) if number <= u64::from(u32::MAX) => Ok((number, position)),
            _ => Err(ImportError::Syntax {
                place: self.place(position),
                format: Format::Stg,
                message: format!("{word:?}, expected {what}, a whole number below 2^32"),
            }),
        }
    }
}
