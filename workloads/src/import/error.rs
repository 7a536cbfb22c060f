//! What can be wrong with a file, and where in it.

use super::Format;
use runtime::graph::GraphError;
use runtime::trace::TraceError;
use std::fmt;

/// A place in a file, shown as `file:line:column`, or as `file` where only that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named to the reader.
    pub file: String,
    /// Where in it.
    pub position: Option<Position>,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(at) => write!(f, "{}:{}:{}", self.file, at.line, at.column),
            None => f.write_str(&self.file),
        }
    }
}

/// Why a file cannot be imported. Messages begin with the place.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing but white space in it.
    #[error("{file}: the file is empty")]
    Empty {
        /// The file.
        file: String,
    },
    /// Some other kind of file.
    #[error("{file}: this is no task graph: {found}; known are {}", Format::list())]
    Foreign {
        /// The file.
        file: String,
        /// What it looks like.
        found: String,
    },
    /// The text does not follow its format.
    #[error("{place}: not a valid {format}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// The format it was read as.
        format: Format,
        /// What was found, what was expected.
        message: String,
    },
    /// Written for another version of the format.
    #[error("{place}: {format} of version {found:?}; this program reads {known}")]
    Version {
        /// Where the version is stated.
        place: Place,
        /// The format.
        format: Format,
        /// The file's version.
        found: String,
        /// Versions that can be read.
        known: &'static str,
    },
    /// A name that nothing has.
    #[error(
        "{place}: {owner} names {what} {name:?}, which does not exist{}",
        nearest.as_ref().map_or(String::new(), |n| format!("; did you mean {n:?}?"))
    )]
    Unknown {
        /// Where it is named.
        place: Place,
        /// Who names it, for instance `task "a"`.
        owner: String,
        /// What kind of thing.
        what: &'static str,
        /// What was named.
        name: String,
        /// The most similar name that exists.
        nearest: Option<String>,
    },
    /// A name that two things have.
    #[error("{place}: {what} {name:?} is there twice; {what} names must be unique")]
    Duplicate {
        /// The second one.
        place: Place,
        /// What kind of thing.
        what: &'static str,
        /// Their name.
        name: String,
    },
    /// A number outside its range.
    #[error("{place}: {what} of {owner} is {found}; expected {expected}")]
    BadNumber {
        /// Where.
        place: Place,
        /// Whose, for instance `task "a"`.
        owner: String,
        /// Which.
        what: &'static str,
        /// What was given.
        found: String,
        /// What may be given.
        expected: &'static str,
    },
    /// Tasks that wait for each other.
    #[error("{place}: the tasks wait for each other: {}", show_cycle(cycle))]
    Cycle {
        /// Where the first of them is.
        place: Place,
        /// Each waits for the one before it, the first for the last.
        cycle: Vec<String>,
    },
    /// A file that asks for its own order has a task before one that it waits for.
    #[error("{place}: task {task:?} comes after {after:?}, which is listed later; {hint}")]
    Order {
        /// Where the task is.
        place: Place,
        /// The task.
        task: String,
        /// What it waits for.
        after: String,
        /// How to mend it.
        hint: &'static str,
    },
    /// More than 64-bit sums can hold.
    #[error("{file}: all objects and accesses together are {bytes} bytes, more than fit 63 bits")]
    TooLarge {
        /// The file.
        file: String,
        /// Their sum.
        bytes: u128,
    },
    /// The graph refuses a task.
    #[error("{place}: {source}")]
    Graph {
        /// Where the task is.
        place: Place,
        /// Why.
        source: GraphError,
    },
    /// The project's own trace is not one.
    #[error("{file}: {source}")]
    Trace {
        /// The file.
        file: String,
        /// Why.
        source: TraceError,
    },
}

impl ImportError {
    /// Where in the file, when that is known.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Io { .. }
            | Self::Empty { .. }
            | Self::Foreign { .. }
            | Self::TooLarge { .. }
            | Self::Trace { .. } => None,
            Self::Syntax { place, .. }
            | Self::Version { place, .. }
            | Self::Unknown { place, .. }
            | Self::Duplicate { place, .. }
            | Self::BadNumber { place, .. }
            | Self::Cycle { place, .. }
            | Self::Order { place, .. }
            | Self::Graph { place, .. } => place.position,
        }
    }
}

/// `a -> b -> a`; the middle of a long one is left out.
fn show_cycle(cycle: &[String]) -> String {
    const ENDS: usize = 6;
    let mut parts: Vec<String> = Vec::new();
    if cycle.len() > 2 * ENDS {
        parts.extend_from_slice(&cycle[..ENDS]);
        parts.push(format!("... {} more ...", cycle.len() - 2 * ENDS));
        parts.extend_from_slice(&cycle[cycle.len() - ENDS..]);
    } else {
        parts.extend_from_slice(cycle);
    }
    parts.extend(cycle.first().cloned());
    parts.join(" -> ")
}

/// The name most like `name`, if any is at all like it.
pub(super) fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    // Longer names may have more slips; of very short ones, all are like each other.
    let limit = name.chars().count() / 3;
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = match candidate.eq_ignore_ascii_case(name) {
            true => 0,
            // Names too long or too short to be near need no closer look.
            false if candidate.len().abs_diff(name.len()) > 4 * limit => continue,
            false => strsim::osa_distance(name, candidate),
        };
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_shown_closed_and_a_long_one_is_cut() {
        let names = |n: usize| (0..n).map(|i| format!("t{i}")).collect::<Vec<_>>();
        assert_eq!(show_cycle(&names(1)), "t0 -> t0");
        assert_eq!(show_cycle(&names(2)), "t0 -> t1 -> t0");
        let long = show_cycle(&names(100));
        assert_eq!(
            long,
            "t0 -> t1 -> t2 -> t3 -> t4 -> t5 -> ... 88 more ... -> \
             t94 -> t95 -> t96 -> t97 -> t98 -> t99 -> t0"
        );
    }

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["split", "merge", "count_1", "count_2"];
        assert_eq!(nearest("splitt", known), Some("split".to_owned()));
        assert_eq!(nearest("count_3", known), Some("count_1".to_owned()));
        assert_eq!(nearest("gather", known), None);
        assert_eq!(nearest("a", ["b", "A"]), Some("A".to_owned()));
        assert_eq!(nearest("a", ["b"]), None);
    }
}
