//! The report: what a run directory shows, as a function of the directory alone.
//!
//! Map: `grid` arranges records so that schedulers meet on equal terms; `stats` has the
//! statistics; `board` and `versus` are the leaderboard, `verdict` its sentences. Every
//! figure is a question, an answer, a picture and a table: `profile`, `matrix`, `heatmap`,
//! `sensitivity`, `pareto`, `anytime`, `arrivals`, `shares`, `gantt`, `predicted`,
//! `facts`. `page` puts them into one HTML file, `text` into CSV, Markdown, JSON and the terminal.
//!
//! What is absent: clocks and unseeded random numbers; equal directories give equal reports.

mod anytime;
mod arrivals;
mod axis;
pub mod board;
mod chart;
mod facts;
mod figure;
mod gantt;
pub mod grid;
mod heatmap;
mod matrix;
mod mispredicted;
mod page;
mod pareto;
mod predicted;
mod profile;
mod recoveries;
mod sensitivity;
mod shares;
pub mod stats;
pub(crate) mod style;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
pub mod versus;

use crate::store::{Run, StoreError, load, write_whole};
use board::Board;
use figure::Figure;
use grid::Grid;
use maud::Markup;
use std::path::{Path, PathBuf};
use versus::Rival;

/// What a reader may choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Ids of the two runs that are drawn side by side at first; chosen by the report when `None`.
    pub gantt: Option<(String, String)>,
}

/// The files of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportPaths {
    /// The page.
    pub html: PathBuf,
    /// The leaderboard with all its numbers.
    pub csv: PathBuf,
    /// Verdict and leaderboard.
    pub markdown: PathBuf,
    /// All numbers of the page.
    pub json: PathBuf,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The run directory cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing has finished yet.
    #[error("{path} holds no finished cell: there is nothing to report")]
    Empty {
        /// The run directory.
        path: PathBuf,
    },
    /// A run that was to be drawn has no trace.
    #[error("run {id:?} is not in the directory, failed, or has no trace in `traces/`")]
    UnknownRun {
        /// The id.
        id: String,
    },
}

/// Everything that the report shows, computed once.
pub(crate) struct Contents<'a> {
    run: &'a Run,
    /// All records, one grid per backend, simulation first.
    whole: Vec<Grid<'a>>,
    /// The meetings in which all schedulers took part.
    grids: Vec<Grid<'a>>,
    boards: Vec<Board>,
    rivals: Vec<Vec<Rival>>,
    verdict: Vec<String>,
    figures: Vec<Figure>,
    /// What the scripts of the page read.
    data: Markup,
}

impl<'a> Contents<'a> {
    fn new(run: &'a Run, options: &Options) -> Result<Self, ReportError> {
        if run.records.is_empty() {
            return Err(ReportError::Empty { path: run.path.clone() });
        }
        let mut contents = Self::summary(run);
        let (grids, boards) = (&contents.grids, &contents.boards);
        let mut figures = Vec::new();
        let mut data = Markup::default();
        if let (Some(grid), Some(board)) = (grids.first(), boards.first()) {
            figures.extend(profile::figure(grid, board));
            figures.extend(matrix::figure(grid, board));
            figures.extend(heatmap::figures(grid, board, &run.manifest.axes));
            figures.extend(sensitivity::figures(grid, board));
            figures.extend(pareto::figure(board));
            figures.extend(anytime::figures(run, grid, board));
            figures.extend(arrivals::figure(grid, board));
            figures.extend(shares::figure(grid, board));
            if let Some(gantt) = gantt::figures(run, &contents.whole, boards, options)? {
                figures.extend([gantt.lanes, gantt.memory]);
                data = gantt.data;
            }
        }
        let predictions = predicted::grids(&contents.whole);
        for (simulated, measured) in predictions {
            figures.extend(predicted::figure(simulated, measured));
            figures.extend(mispredicted::figure(simulated, measured));
        }
        figures.extend(recoveries::figure(run));
        figures.extend(facts::workloads(run));
        figures.extend(facts::failures(run));
        contents.figures = figures;
        contents.data = data;
        Ok(contents)
    }

    /// Leaderboards and verdict without figures.
    fn summary(run: &'a Run) -> Self {
        let mut schedulers: Vec<&str> =
            run.records.iter().map(|r| r.key.scheduler.as_str()).collect();
        schedulers.sort_unstable();
        schedulers.dedup();
        let mut backends: Vec<&str> = run.records.iter().map(|r| r.key.backend.as_str()).collect();
        // Simulation first, others by name.
        backends.sort_unstable_by_key(|b| (*b != "sim", *b));
        backends.dedup();
        let whole: Vec<Grid<'a>> =
            backends.iter().map(|backend| Grid::new(run, &schedulers, backend)).collect();
        let grids: Vec<Grid<'a>> = whole.iter().map(Grid::fair).collect();
        let boards: Vec<Board> = grids.iter().map(|grid| Board::new(run, grid)).collect();
        let rivals: Vec<Vec<Rival>> =
            grids.iter().zip(&boards).map(|(grid, board)| versus::rivals(grid, board)).collect();
        let mut contents = Self {
            run,
            whole,
            grids,
            boards,
            rivals,
            verdict: Vec::new(),
            figures: Vec::new(),
            data: Markup::default(),
        };
        contents.verdict = verdict::sentences(&contents);
        contents
    }

    fn has_failures(&self) -> bool {
        self.run.records.iter().any(|r| r.outcome.is_err())
    }
}

/// Writes `report.html`, `leaderboard.csv`, `leaderboard.md` and `report.json` into a run
/// directory.
///
/// # Errors
/// [`ReportError`] when the directory cannot be read, holds nothing, or cannot be written.
pub fn write(dir: &Path, options: &Options) -> Result<ReportPaths, ReportError> {
    let run = load(dir)?;
    let contents = Contents::new(&run, options)?;
    let put = |name: &str, text: String| {
        let path = dir.join(name);
        write_whole(&path, |out| out.write_all(text.as_bytes())).map(|()| path)
    };
    Ok(ReportPaths {
        html: put("report.html", page::page(&contents))?,
        csv: put("leaderboard.csv", text::csv(&contents))?,
        markdown: put("leaderboard.md", text::markdown(&contents))?,
        json: put("report.json", text::json(&contents))?,
    })
}

/// Verdict and leaderboards of a run directory, for a terminal.
///
/// # Errors
/// As [`write()`].
pub fn terminal(dir: &Path) -> Result<String, ReportError> {
    let run = load(dir)?;
    if run.records.is_empty() {
        return Err(ReportError::Empty { path: run.path });
    }
    Ok(text::terminal(&Contents::summary(&run)))
}
