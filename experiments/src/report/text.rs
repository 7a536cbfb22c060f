//! The leaderboard as CSV, Markdown and text for a terminal, and the whole report as JSON.

use super::Contents;
use super::board::{Board, Row};
use super::grid::Grid;
use super::page::world;
use super::table::{Cell, Table};
use super::verdict::{count, percent};
use super::versus::Rival;
use crate::shown::{printable, significant};
use serde_json::{Value, json};

/// A leaderboard with all its numbers; energy only where it is asked for.
pub fn board_table(board: &Board, rivals: &[Rival], has_energy: bool) -> Table {
    let mut table = Table::new(&[
        "backend",
        "rank",
        "scheduler",
        "makespan / bound",
        "low",
        "high",
        "makespan / best",
        "makespan / first",
        "low vs first",
        "high vs first",
        "p (Holm)",
        "wins",
        "ties",
        "losses",
        "failed",
        "not run",
        "moved per run (bytes)",
        "peak memory (bytes)",
        "planning p50 of this machine (ns)",
        "planning p99 of this machine (ns)",
    ]);
    if has_energy {
        let columns = ["energy per run (J)", "energy x delay per run (J s)", "energy / least"];
        table.columns.extend(columns.map(str::to_owned));
    }
    for row in &board.rows {
        let interval = row.over_bound_interval;
        let rival = rivals.iter().find(|r| r.scheduler == row.scheduler);
        let against = rival.and_then(|r| r.interval);
        let mut cells = vec![
            Cell::text(&board.backend),
            Cell::Count(row.rank as u64),
            Cell::text(&row.label),
            Cell::real(row.over_bound, 4),
            Cell::real(interval.map(|i| i.low), 4),
            Cell::real(interval.map(|i| i.high), 4),
            Cell::real(row.over_best, 4),
            Cell::real(rival.map(|r| r.ratio), 4),
            Cell::real(against.map(|i| i.low), 4),
            Cell::real(against.map(|i| i.high), 4),
            Cell::real(rival.and_then(|r| r.p_holm), 4),
            Cell::Count(row.wins as u64),
            Cell::Count(row.ties as u64),
            Cell::Count(row.losses as u64),
            Cell::Count(row.failed as u64),
            Cell::Count(row.missing as u64),
            row.bytes_moved.map_or(Cell::None, |b| Cell::Bytes(b as u64)),
            row.peak_bytes.map_or(Cell::None, Cell::Bytes),
            time(row.planning_p50_ns),
            time(row.planning_p99_ns),
        ];
        if has_energy {
            cells.extend(energy_cells(row));
        }
        table.push(cells);
    }
    table
}

/// Joules, joule seconds, and joules over the least.
fn energy_cells(row: &Row) -> [Cell; 3] {
    [
        Cell::real(row.energy.map(|e| e.energy_j), 3),
        Cell::real(row.energy.map(|e| e.energy_delay_js), 3),
        Cell::real(row.energy.and_then(|e| e.over_least), 3),
    ]
}

fn time(ns: Option<f64>) -> Cell {
    ns.map_or(Cell::None, |ns| Cell::Time(ns as u64))
}

/// The columns that fit a terminal or a page of Markdown.
fn short_table(board: &Board, rivals: &[Rival]) -> Table {
    let mut table = Table::new(&[
        "rank",
        "scheduler",
        "makespan/bound",
        "95 % interval",
        "longer",
        "wins",
        "ties",
        "losses",
        "failed",
        "planning p50",
        "p99",
    ]);
    if board.has_energy() {
        table.columns.push("energy".to_owned());
    }
    for row in &board.rows {
        let rival = rivals.iter().find(|r| r.scheduler == row.scheduler);
        let interval = row.over_bound_interval.map(|i| format!("{:.3} to {:.3}", i.low, i.high));
        let mut cells = vec![
            Cell::Count(row.rank as u64),
            Cell::text(&row.label),
            Cell::real(row.over_bound, 3),
            interval.map_or(Cell::None, Cell::Text),
            rival.map_or(Cell::None, |r| Cell::text(percent(r.ratio))),
            Cell::Count(row.wins as u64),
            Cell::Count(row.ties as u64),
            Cell::Count(row.losses as u64),
            Cell::Count(row.failed as u64),
            time(row.planning_p50_ns),
            time(row.planning_p99_ns),
        ];
        if board.has_energy() {
            let joules = row.energy.map(|e| significant(e.energy_j, "J"));
            cells.push(joules.map_or(Cell::None, Cell::Text));
        }
        table.push(cells);
    }
    table
}

/// All leaderboards, as comma-separated values.
pub fn csv(contents: &Contents<'_>) -> String {
    let has_energy = contents.boards.iter().any(Board::has_energy);
    let mut all = Table::default();
    for (board, rivals) in contents.boards.iter().zip(&contents.rivals) {
        let table = board_table(board, rivals, has_energy);
        all.columns = table.columns;
        all.rows.extend(table.rows);
    }
    all.csv()
}

/// Verdict and leaderboards as Markdown.
pub fn markdown(contents: &Contents<'_>) -> String {
    let escape = |text: &str| printable(text).replace('&', "&amp;").replace('<', "&lt;");
    let mut out = format!("# {}\n\n", escape(&contents.run.manifest.name));
    for sentence in &contents.verdict {
        out += &format!("{}\n", escape(sentence));
    }
    for (at, grid) in contents.grids.iter().enumerate() {
        let board = &contents.boards[at];
        out += &format!("\n## Leaderboard {}\n\n", world(grid));
        out += &short_table(board, &contents.rivals[at]).markdown();
        out += &format!("\n{}\n", legend(grid, board));
    }
    out
}

/// Verdict and leaderboards for a terminal.
pub fn terminal(contents: &Contents<'_>) -> String {
    let mut out = format!("{}\n\n", printable(&contents.run.manifest.name));
    for sentence in &contents.verdict {
        out += &format!("{}\n", printable(sentence));
    }
    for (at, grid) in contents.grids.iter().enumerate() {
        let board = &contents.boards[at];
        out += &format!("\nLeaderboard {}\n", world(grid));
        out += &short_table(board, &contents.rivals[at]).plain();
        out += &format!("{}\n", legend(grid, board));
    }
    out
}

fn legend(grid: &Grid<'_>, board: &Board) -> String {
    let left_out = match grid.left_out {
        0 => String::new(),
        n => format!(" {} in which not all schedulers took part are left out.", count(n, "cell")),
    };
    format!(
        "Geometric mean over {} ({} per scheduler); \"longer\" is against the first row; planning \
         times depend on the machine.{left_out}",
        count(board.instances, "instance"),
        count(board.meetings, "cell")
    )
}

/// The numbers of all figures for programs.
pub fn json(contents: &Contents<'_>) -> String {
    let boards: Vec<Value> = (contents.boards.iter().zip(&contents.rivals))
        .map(|(board, rivals)| json!({ "board": board, "against_first": rivals }))
        .collect();
    let value = json!({
        "windtunnel_report": 1,
        "name": contents.run.manifest.name,
        "spec_digest": contents.run.manifest.spec_digest,
        "provenance": contents.run.manifest.provenance,
        "verdict": contents.verdict,
        "leaderboards": boards,
        "figures": contents.figures.iter().map(|f| f.json()).collect::<Vec<_>>(),
        "cells": super::facts::cells(contents.run).json(),
    });
    // Keys of objects are sorted, so the text is a function of the values.
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}
