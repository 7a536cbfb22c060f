//! The report as one HTML file that needs no network.

use super::Contents;
use super::board::{Board, Row};
use super::figure::{Figure, download};
use super::grid::Grid;
use super::style::Style;
use super::text;
use super::verdict::count;
use super::versus::Rival;
use crate::shown::{duration, printable, significant, size};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The whole page.
pub fn page(contents: &Contents<'_>) -> String {
    let run = contents.run;
    let name = printable(&run.manifest.name);
    let title = format!("{name} · Windtunnel report");
    let links = links(contents);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(include_str!("report.css"))) }
                (PreEscaped(plotly_script()))
            }
            body {
                div.page {
                    nav.contents { ol { @for (anchor, text) in &links {
                        li { a href=(format!("#{anchor}")) { (printable(text)) } }
                    } } }
                    main {
                        header.top {
                            h1 { (name) }
                            p.sub { (subtitle(contents)) }
                        }
                        div.verdict.warning[contents.has_failures()] #verdict {
                            @for sentence in &contents.verdict { p { (printable(sentence)) } }
                        }
                        @for (at, grid) in contents.grids.iter().enumerate() {
                            (board(grid, &contents.boards[at], &contents.rivals[at]))
                        }
                        @for figure in &contents.figures { (figure.html()) }
                        (contents.data)
                        (super::facts::provenance(run, &contents.boards))
                    }
                }
            }
        }
    }
    .into_string()
}

/// Plotly's script alone: the crate's sources hold a formula renderer too, which nothing here uses.
pub(super) fn plotly_script() -> String {
    let all = plotly::Plot::offline_js_sources();
    let end = all.find("</script>").map_or(all.len(), |at| at + "</script>".len());
    all[..end].to_owned()
}

fn links(contents: &Contents<'_>) -> Vec<(String, String)> {
    let mut links = vec![("verdict".to_owned(), "Verdict".to_owned())];
    for grid in &contents.grids {
        links.push((board_anchor(grid), board_question(grid)));
    }
    links.extend(contents.figures.iter().map(|f: &Figure| (f.anchor.clone(), f.question.clone())));
    links.push(("provenance".to_owned(), "Where does this come from?".to_owned()));
    links
}

fn subtitle(contents: &Contents<'_>) -> String {
    let run = contents.run;
    let schedulers = contents.grids.first().map_or(0, |g| g.schedulers.len());
    let finished = run.records.iter().filter(|r| r.outcome.is_ok()).count();
    let cells = match finished == run.manifest.cells {
        true => format!("{} finished", count(finished, "cell")),
        false => format!("{finished} of {} finished", count(run.manifest.cells, "cell")),
    };
    let mut parts = vec![count(schedulers, "scheduler"), cells];
    parts.extend(
        contents
            .grids
            .iter()
            .map(|g| format!("{} {}", count(g.instances.len(), "instance"), world(g))),
    );
    parts.join(" · ")
}

/// Where a grid's cells ran, for people.
pub fn world(grid: &Grid<'_>) -> String {
    match grid.backend {
        "sim" => "in simulation".to_owned(),
        "cpu" => "on real processors".to_owned(),
        "emulated" => "on emulated clusters".to_owned(),
        "cuda" => "on real processors and GPUs".to_owned(),
        "fake-gpu" => "on GPUs that are made up".to_owned(),
        other => format!("on {other}"),
    }
}

fn board_anchor(grid: &Grid<'_>) -> String {
    format!("leaderboard-{}", grid.backend)
}

fn board_question(grid: &Grid<'_>) -> String {
    format!("Which scheduler is fastest {}?", world(grid))
}

fn board(grid: &Grid<'_>, board: &Board, rivals: &[Rival]) -> Markup {
    let anchor = board_anchor(grid);
    let table = text::board_table(board, rivals, board.has_energy());
    html! {
        section.figure id=(anchor) {
            h2 { a href=(format!("#{anchor}")) { (board_question(grid)) } }
            p.answer { (printable(&board_answer(board, rivals))) }
            div.scroll { (board_html(board, rivals)) }
            footer {
                p.note {
                    "Makespan over the best lower bound: geometric mean over instances of the \
                     geometric mean over seeds, on a logarithmic axis; intervals are of a bootstrap \
                     over instances with seeds nested. “Longer than first” is the geometric mean of \
                     the makespan over that of the first row on the cells that both finished; p is of \
                     Wilcoxon's signed-rank test over instances, corrected by Holm for all rows. \
                     A win is the shortest makespan alone, a tie (to 1e-9) shares it. Schedulers with \
                     fewer failures rank first. Grey columns depend on the machine that ran the \
                     experiment: processor time inside the scheduler per run, median and 99 % quantile."
                }
                @if grid.left_out > 0 {
                    p.note { "Compared on the cells in which all schedulers took part; " (count(grid.left_out, "cell")) " per scheduler left out." }
                }
                @if board.has_energy() {
                    p.note {
                        "Energy is of the parts of a cluster that state their powers, in the mean \
                         per run; “energy / least” is the geometric mean of a run's joules over \
                         the least of its cell."
                    }
                }
                @if !grid.is_simulated() {
                    p.note {
                        "Real runs differ from repetition to repetition; a cell is the geometric mean \
                         of its repetitions. The bound is the least of those on the durations measured \
                         in any of these runs."
                     }
                }
                p.meta {
                    span { "n = " (count(board.instances, "instance")) ", " (count(board.meetings, "cell")) " per scheduler" }
                    (download(&table, &anchor))
                    a href=(format!("#{anchor}")) { "Link to this table" }
                }
            }
        }
    }
}

fn board_answer(board: &Board, rivals: &[Rival]) -> String {
    let Some(winner) = board.winner() else { return "No cell finished.".to_owned() };
    let sure = rivals.iter().filter(|r| r.p_holm.is_some_and(|p| p < 0.05)).count();
    match rivals.len() {
        0 => format!("{} ran alone.", winner.label),
        n => format!(
            "{}; it wins {} of {} alone, and its lead is statistically clear (p < 0.05) over {sure} \
             of {}.",
            winner.label,
            winner.wins,
            count(board.meetings, "cell"),
            count(n, "rival")
        ),
    }
}

/// The range of the whiskers' axis, which is logarithmic.
fn reach(board: &Board) -> Option<(f64, f64)> {
    let ends = board.rows.iter().filter_map(|r| {
        let value = r.over_bound?;
        Some(r.over_bound_interval.map_or((value, value), |i| (i.low, i.high)))
    });
    let (low, high) = ends.fold((f64::MAX, 0.0_f64), |(l, h), (a, b)| (l.min(a), h.max(b)));
    // Below 1 only where a bound is none.
    (high > 0.0).then(|| (low.min(1.0), (high * 1.02).max(1.05)))
}

fn board_html(board: &Board, rivals: &[Rival]) -> Markup {
    let reach = reach(board);
    html! {
        table.board {
            thead { tr {
                th.num scope="col" { "rank" }
                th scope="col" { "scheduler" }
                th.num scope="col" { "makespan / bound" }
                th scope="col" { "95 % interval" @if let Some(reach) = reach { (axis(reach)) } }
                th.num scope="col" { "longer than first" }
                th.num scope="col" { "95 % interval" }
                th.num scope="col" { "p" }
                th.num scope="col" title="cells with the shortest makespan alone / shared / not" { "wins / ties / losses" }
                th.num scope="col" { "failed" }
                @if board.has_missing() { th.num scope="col" { "not run" } }
                th.num scope="col" { "moved per run" }
                th.num scope="col" { "peak memory" }
                @if board.has_energy() {
                    th.num scope="col" { "energy per run" }
                    th.num scope="col" title="geometric mean over the least of each cell" { "energy / least" }
                    th.num scope="col" { "energy × delay" }
                }
                th.num.machine scope="col" { "planning p50 / p99" }
            } }
            tbody { @for row in &board.rows {
                @let rival = rivals.iter().find(|r| r.scheduler == row.scheduler);
                (board_row(board, row, rival, reach))
            } }
        }
    }
}

fn board_row(board: &Board, row: &Row, rival: Option<&Rival>, reach: Option<(f64, f64)>) -> Markup {
    let style = Style::of(row.scheduler);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let time = |ns: Option<f64>| or_dash(ns.map(|ns| duration(ns as u64)));
    let over_least = row.energy.and_then(|e| e.over_least);
    let between = rival.and_then(|r| r.interval).map(super::verdict::percent_interval);
    html! {
        tr.first[row.rank == 1] {
            td.num { (row.rank) }
            th.label.short[row.label.chars().count() <= 22] scope="row" {
                div { (line_swatch(style)) span { (printable(&row.label)) } }
            }
            td.num { (or_dash(row.over_bound.map(|v| format!("{v:.3}")))) }
            td { @if let Some(reach) = reach { (whisker(row, style, reach)) } }
            td.num { (or_dash(rival.map(|r| super::verdict::percent(r.ratio)))) }
            td.num.small { (or_dash(between)) }
            td.num { (or_dash(rival.and_then(|r| r.p_holm).map(short_p))) }
            td.num { (row.wins) " / " (row.ties) " / " (row.losses) }
            td.num { @if row.failed > 0 { span.failed { (row.failed) } } @else { "0" } }
            @if board.has_missing() { td.num { (row.missing) } }
            td.num { (or_dash(row.bytes_moved.map(|b| size(b as u64)))) }
            td.num { (or_dash(row.peak_bytes.map(size))) }
            @if board.has_energy() {
                td.num { (or_dash(row.energy.map(|e| significant(e.energy_j, "J")))) }
                td.num { (or_dash(over_least.map(|v| format!("{v:.3}")))) }
                td.num { (or_dash(row.energy.map(|e| significant(e.energy_delay_js, "J s")))) }
            }
            td.num.machine { (time(row.planning_p50_ns)) " / " (time(row.planning_p99_ns)) }
        }
    }
}

fn short_p(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// The scheduler's colour and dash, as in the charts.
fn line_swatch(style: Style) -> Markup {
    html! {
        svg.line width="30" height="10" aria-hidden="true" {
            line x1="1" y1="5" x2="29" y2="5" stroke=(style.colour) stroke-width="3"
                stroke-dasharray=(style.dash_array()) {}
        }
    }
}

const WIDTH: f64 = 112.0;

fn at(value: f64, reach: (f64, f64)) -> f64 {
    5.0 + (WIDTH - 10.0) * libm::log(value / reach.0) / libm::log(reach.1 / reach.0)
}

/// A dot with its interval; the thin line is at 1, the bound itself.
fn whisker(row: &Row, style: Style, reach: (f64, f64)) -> Markup {
    let interval = row.over_bound_interval;
    let text = interval.map(|i| format!("{:.3} to {:.3}", i.low, i.high)).unwrap_or_default();
    let x = |value: f64| format!("{:.1}", at(value, reach));
    html! {
        svg width=(WIDTH) height="20" role="img" aria-label=(text) {
            title { (text) }
            line.one x1=(x(1.0)) x2=(x(1.0)) y1="0" y2="20" {}
            @if let Some(i) = interval {
                line.whisker x1=(x(i.low)) x2=(x(i.high)) y1="10" y2="10" {}
                line.whisker x1=(x(i.low)) x2=(x(i.low)) y1="6" y2="14" {}
                line.whisker x1=(x(i.high)) x2=(x(i.high)) y1="6" y2="14" {}
            }
            @if let Some(value) = row.over_bound {
                circle cx=(x(value)) cy="10" r="4.5" fill=(style.colour) {}
            }
        }
    }
}

/// The whiskers' axis: its two ends.
fn axis(reach: (f64, f64)) -> Markup {
    html! {
        svg width=(WIDTH) height="14" aria-hidden="true" {
            text.axis x="2" y="11" { (format!("{:.2}", reach.0)) }
            text.axis x=(WIDTH) y="11" text-anchor="end" { (format!("{:.2}", reach.1)) }
        }
    }
}
