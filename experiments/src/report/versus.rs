//! The winner against each rival, in pairs.

use super::board::Board;
use super::grid::{Grid, TIE};
use super::stats::{Interval, bootstrap, holm, mean, median, nested_mean, wilcoxon};
use serde::Serialize;

/// A rival against the winner, over the meetings that both finished.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rival {
    /// Index into the grid's schedulers.
    #[serde(skip)]
    pub scheduler: usize,
    /// The rival's label.
    pub label: String,
    /// Meetings that both finished.
    pub meetings: usize,
    /// Instances of these.
    pub instances: usize,
    /// Geometric mean of the rival's makespan over the winner's.
    pub ratio: f64,
    /// Its 95 % interval, over instances with seeds nested.
    pub interval: Option<Interval>,
    /// Median over meetings.
    pub median_ratio: f64,
    /// Meetings in which the winner, neither, or the rival is faster.
    pub winner_faster: usize,
    /// See above.
    pub tied: usize,
    /// See above.
    pub rival_faster: usize,
    /// Two-sided p of Wilcoxon's signed-rank test over instances; `None` when all are tied.
    pub p: Option<f64>,
    /// The same after Holm's correction for all rivals.
    pub p_holm: Option<f64>,
}

/// All rivals in the board's order; those that share no finished meeting with the winner are left
/// out.
pub fn rivals(grid: &Grid<'_>, board: &Board) -> Vec<Rival> {
    let Some(winner) = board.winner() else { return Vec::new() };
    let others = board.rows.iter().skip(1);
    let mut rivals: Vec<Rival> =
        others.filter_map(|row| rival(grid, winner.scheduler, row.scheduler)).collect();
    let tested: Vec<f64> = rivals.iter().filter_map(|r| r.p).collect();
    let corrected = holm(&tested);
    let tests = rivals.iter_mut().filter(|r| r.p.is_some());
    tests.zip(corrected).for_each(|(rival, p)| rival.p_holm = Some(p));
    rivals
}

fn rival(grid: &Grid<'_>, winner: usize, scheduler: usize) -> Option<Rival> {
    let logs = grid.by_instance(|m| m.log_over(scheduler, winner));
    let label = grid.schedulers[scheduler].to_owned();
    let stream = format!("versus/{}/{label}", grid.backend);
    let flat: Vec<f64> = logs.iter().flatten().copied().collect();
    let means: Vec<f64> = logs.iter().filter_map(|seeds| mean(seeds)).collect();
    Some(Rival {
        scheduler,
        label,
        meetings: flat.len(),
        instances: means.len(),
        ratio: libm::exp(nested_mean(&logs)?),
        interval: bootstrap(&logs, &stream).map(|i| i.map(libm::exp)),
        median_ratio: libm::exp(median(&flat)?),
        winner_faster: flat.iter().filter(|l| **l > TIE).count(),
        tied: flat.iter().filter(|l| l.abs() <= TIE).count(),
        rival_faster: flat.iter().filter(|l| **l < -TIE).count(),
        p: wilcoxon(&means, TIE).map(|test| test.p),
        p_holm: None,
    })
}

/// The winner of each family, where it is not the board's: family, label, and how many times
/// longer the board's winner takes there. Largest first.
pub fn lost_families(grid: &Grid<'_>, board: &Board) -> Vec<(String, String, f64)> {
    let Some(winner) = board.winner() else { return Vec::new() };
    let mut families = grid.families.clone();
    families.sort_unstable();
    families.dedup();
    let mut lost = Vec::new();
    for family in families {
        let over = |scheduler: usize| {
            let logs = grid.by_instance(|m| {
                let is_here = grid.families[m.instance] == family;
                is_here.then(|| m.log_over(winner.scheduler, scheduler))?
            });
            nested_mean(&logs)
        };
        let rivals = board.rows.iter().skip(1).filter(|r| r.failed == 0);
        let ahead = rivals.filter_map(|r| Some((over(r.scheduler)?, &r.label)));
        if let Some((log, label)) = ahead.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
            && log > TIE
        {
            lost.push((family.to_owned(), label.clone(), libm::exp(log)));
        }
    }
    lost.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    lost
}
