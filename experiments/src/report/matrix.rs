//! The multiple comparison matrix (Ismail-Fawaz et al., 2023): every scheduler against every other
//! one, so that what is said of two does not depend on who else competes.

use super::board::Board;
use super::figure::{Figure, TableView};
use super::grid::{Grid, TIE};
use super::stats::{holm, mean, median, wilcoxon};
use super::style::Style;
use super::table::{Cell, Table};
use crate::shown::printable;
use maud::{Markup, html};

/// More schedulers than this do not fit a page; the first ones are shown.
const MAX_SHOWN: usize = 16;

/// Two schedulers, over the meetings that both finished.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    /// Median of the row's makespan over the column's.
    ratio: f64,
    wins: usize,
    ties: usize,
    losses: usize,
    /// Wilcoxon's signed-rank test over instances; corrected by Holm for all pairs.
    p: Option<f64>,
}

impl Pair {
    fn turned(self) -> Self {
        Self { ratio: 1.0 / self.ratio, wins: self.losses, losses: self.wins, ..self }
    }
}

/// The figure; `None` with fewer than three schedulers: of two the leaderboard says all.
pub fn figure(grid: &Grid<'_>, board: &Board) -> Option<Figure> {
    let shown = board.rows.len().min(MAX_SHOWN);
    if shown < 3 {
        return None;
    }
    let order: Vec<usize> = board.rows[..shown].iter().map(|r| r.scheduler).collect();
    let pairs = pairs(grid, &order);
    let names: Vec<&str> = order.iter().map(|s| grid.schedulers[*s]).collect();
    let left_out = match board.rows.len() - shown {
        0 => String::new(),
        n => format!(" The last {n} of the leaderboard are left out."),
    };
    Some(Figure {
        anchor: "pairs".to_owned(),
        question: "Who beats whom?".to_owned(),
        answer: answer(&names, &pairs),
        n: format!("{} cells per scheduler, {} instances", board.meetings, board.instances),
        body: body(&order, &names, &pairs),
        note: Some(format!(
            "Each cell: the median over cells of the row's makespan over the column's, below 1 when \
             the row is faster; then its wins, ties and losses. In bold where Wilcoxon's signed-rank \
             test over instances, corrected by Holm for all pairs, gives p < 0.05.{left_out}"
        )),
        table: table(&names, &pairs),
        table_view: TableView::Hidden,
    })
}

/// `pairs[a][b]` of the schedulers at `a` and `b` in `order`.
fn pairs(grid: &Grid<'_>, order: &[usize]) -> Vec<Vec<Option<Pair>>> {
    let mut pairs = vec![vec![None; order.len()]; order.len()];
    let mut tested = Vec::new();
    for a in 0..order.len() {
        for b in a + 1..order.len() {
            pairs[a][b] = pair(grid, order[a], order[b]);
            tested.extend(pairs[a][b].and_then(|p| p.p).map(|p| (a, b, p)));
        }
    }
    let corrected = holm(&tested.iter().map(|t| t.2).collect::<Vec<f64>>());
    for ((a, b, _), p) in tested.into_iter().zip(corrected) {
        if let Some(pair) = &mut pairs[a][b] {
            pair.p = Some(p);
        }
    }
    let one = |a: usize, b: usize| if a < b { pairs[a][b] } else { pairs[b][a].map(Pair::turned) };
    let row = |a: usize| (0..order.len()).map(|b| one(a, b)).collect();
    (0..order.len()).map(row).collect()
}

fn pair(grid: &Grid<'_>, row: usize, column: usize) -> Option<Pair> {
    let logs = grid.by_instance(|m| m.log_over(row, column));
    let flat: Vec<f64> = logs.iter().flatten().copied().collect();
    let means: Vec<f64> = logs.iter().filter_map(|seeds| mean(seeds)).collect();
    Some(Pair {
        ratio: libm::exp(median(&flat)?),
        wins: flat.iter().filter(|l| **l < -TIE).count(),
        ties: flat.iter().filter(|l| l.abs() <= TIE).count(),
        losses: flat.iter().filter(|l| **l > TIE).count(),
        p: wilcoxon(&means, TIE).map(|test| test.p),
    })
}

fn is_clear(pair: &Pair) -> bool {
    pair.p.is_some_and(|p| p < 0.05)
}

fn answer(names: &[&str], pairs: &[Vec<Option<Pair>>]) -> String {
    let all = names.len() * (names.len() - 1) / 2;
    let clear = pairs.iter().flatten().flatten().filter(|p| is_clear(p)).count() / 2;
    let beaten = |row: &Vec<Option<Pair>>| {
        row.iter().flatten().filter(|p| is_clear(p) && p.wins > p.losses).count()
    };
    let most = (0..names.len()).max_by_key(|i| (beaten(&pairs[*i]), std::cmp::Reverse(*i)));
    let mut text = format!("{clear} of {all} pairs differ clearly (p < 0.05).");
    if let Some(i) = most
        && beaten(&pairs[i]) > 0
    {
        text += &format!(" {} beats the most others: {}.", names[i], beaten(&pairs[i]));
    }
    text
}

fn body(order: &[usize], names: &[&str], pairs: &[Vec<Option<Pair>>]) -> Markup {
    let head = |scheduler: usize, name: &str| {
        let colour = Style::of(scheduler).colour;
        html! { span.swatch style=(format!("background:{colour}")) {} (printable(name)) }
    };
    html! {
        div.scroll {
            table.heatmap.pairs {
                thead { tr {
                    th scope="col" { "row / column" }
                    @for (scheduler, name) in order.iter().zip(names) {
                        th.num scope="col" { (head(*scheduler, name)) }
                    }
                } }
                tbody {
                    @for ((scheduler, name), row) in order.iter().zip(names).zip(pairs) {
                        tr {
                            th scope="row" { (head(*scheduler, name)) }
                            @for pair in row { (pair_html(pair.as_ref())) }
                        }
                    }
                }
            }
        }
    }
}

/// Darker the longer the row takes, up to twice as long.
fn pair_html(pair: Option<&Pair>) -> Markup {
    let Some(pair) = pair else { return html! { td.num { "–" } } };
    let heat = (libm::log2(pair.ratio) * 100.0).clamp(0.0, 100.0).round();
    let p = pair.p.map_or("all tied".to_owned(), super::verdict::p_value);
    html! {
        td.num.best[is_clear(pair)] style=(format!("--heat:{heat}%")) title=(p) {
            (format!("{:.2}", pair.ratio))
            small { (pair.wins) "/" (pair.ties) "/" (pair.losses) }
        }
    }
}

fn table(names: &[&str], pairs: &[Vec<Option<Pair>>]) -> Table {
    let columns = ["row", "column", "median ratio", "wins", "ties", "losses", "p (Holm)"];
    let mut table = Table::new(&columns);
    for (a, row) in names.iter().zip(pairs) {
        for (b, pair) in names.iter().zip(row) {
            let Some(pair) = pair else { continue };
            table.push(vec![
                Cell::text(*a),
                Cell::text(*b),
                Cell::Real(pair.ratio, 4),
                Cell::Count(pair.wins as u64),
                Cell::Count(pair.ties as u64),
                Cell::Count(pair.losses as u64),
                Cell::real(pair.p, 4),
            ]);
        }
    }
    table
}
