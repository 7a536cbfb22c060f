//! Which windows of time the work of all tasks is summed over, and with which weights.
//!
//! For each window the processors get the weights under which divisible tasks fill it best (see
//! [`runtime::bounds`]); the search then excludes processors by reduced cost.

use super::load::Row;
use super::model::Model;

/// Most rows that the search looks after.
const ROWS: usize = 24;
/// Most heads, and tails, that windows begin and end at.
const EDGES: usize = 16;
/// Steps of ascent per window.
const STEPS: usize = 80;
/// The largest weight.
const SCALE: f64 = 4096.0;

/// The rows that bound most, and the best bound of any, knowing that no makespan is below `bound`.
pub fn rows(model: &Model, bound: i64) -> (Vec<Row>, i64) {
    let m = model.m;
    if model.n == 0 || m < 2 {
        return (Vec::new(), bound);
    }
    let least = |table: &[i64], i: usize| {
        let able = (0..m).filter(|p| model.is_able(i, *p));
        able.map(|p| table[i * m + p]).min().unwrap_or(0)
    };
    let heads = spread((0..model.n).map(|i| least(&model.head, i)).collect());
    let tails = spread((0..model.n).map(|i| least(&model.tail, i)).collect());
    let mut found: Vec<(i64, Row)> = Vec::new();
    for &head in &heads {
        for &tail in &tails {
            if bound - head - tail > 0 {
                let work = Work::new(model, head, tail, bound);
                let row = work.row();
                found.push((work.makespan(&row), row));
            }
        }
    }
    found.sort_by_key(|(makespan, row)| (-makespan, row.outside));
    let best = found.first().map_or(bound, |f| f.0.max(bound));
    let mut rows: Vec<Row> = Vec::new();
    for (_, row) in found {
        let is_new = rows.iter().all(|r| r.weight != row.weight || r.outside != row.outside);
        if is_new && rows.len() < ROWS {
            rows.push(row);
        }
    }
    (rows, best)
}

/// What each task must do inside of a window.
struct Work<'a> {
    model: &'a Model,
    /// By task and processor; meaningless where the task cannot run.
    part: Vec<i64>,
    outside: i64,
}

impl<'a> Work<'a> {
    fn new(model: &'a Model, head: i64, tail: i64, bound: i64) -> Self {
        let part = |at: usize| {
            let duration = model.duration[at];
            let after = model.head[at] + duration - head;
            let before = model.tail[at] + duration - tail;
            duration.min(after).min(before).min(bound - head - tail).max(0)
        };
        let part = (0..model.n * model.m).map(part).collect();
        Self { model, part, outside: head + tail }
    }

    fn able(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.model.m).filter(move |p| self.model.is_able(i, *p))
    }

    /// The row of nearly the best weights.
    fn row(&self) -> Row {
        let m = self.model.m;
        let mut y = vec![1.0; m];
        let mut best = (self.weighted(&y), y.clone());
        let mut load = vec![0.0; m];
        for step in 0..STEPS {
            self.loads(&y, &mut load);
            let mean = load.iter().sum::<f64>() / m as f64;
            if mean <= 0.0 {
                break;
            }
            let rate = 1.0 / (2.0 + step as f64 / 4.0);
            for (y, load) in y.iter_mut().zip(&load) {
                *y = (*y * (1.0 + rate * (load / mean - 1.0).clamp(-0.9, 2.0))).max(1e-6);
            }
            let sum = y.iter().sum::<f64>();
            y.iter_mut().for_each(|y| *y /= sum);
            let value = self.weighted(&y);
            if value > best.0 {
                best = (value, y.clone());
            }
        }
        let most = best.1.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let scale = SCALE.min(((1i64 << 60) / self.all().max(1)) as f64).max(1.0);
        let whole: Vec<i64> = best.1.iter().map(|y| (y / most * scale).round() as i64).collect();
        let cells = self.part.iter().enumerate();
        let weight = cells.map(|(at, part)| match self.model.is_able(at / m, at % m) {
            true => part * whole[at % m],
            false => 0,
        });
        Row { weight: weight.collect(), capacity: whole.iter().sum(), outside: self.outside }
    }

    /// All work of all tasks, at their slowest.
    fn all(&self) -> i64 {
        let slowest = |i| self.able(i).map(|p| self.part[i * self.model.m + p]).max().unwrap_or(0);
        (0..self.model.n).map(slowest).sum()
    }

    fn weighted(&self, y: &[f64]) -> f64 {
        let least = |i: usize| {
            let able = self.able(i).map(|p| self.part[i * self.model.m + p] as f64 * y[p]);
            able.fold(f64::INFINITY, f64::min)
        };
        (0..self.model.n).map(least).sum::<f64>() / y.iter().sum::<f64>()
    }

    /// By processor: the work of the tasks that count there.
    fn loads(&self, y: &[f64], load: &mut [f64]) {
        load.fill(0.0);
        for i in 0..self.model.n {
            let part = |p: usize| self.part[i * self.model.m + p] as f64;
            let cheapest = self
                .able(i)
                .min_by(|a, b| (part(*a) * y[*a]).total_cmp(&(part(*b) * y[*b])).then(a.cmp(b)));
            if let Some(p) = cheapest {
                load[p] += part(p);
            }
        }
    }

    /// No schedule is shorter, by this row.
    fn makespan(&self, row: &Row) -> i64 {
        let m = self.model.m;
        let least = |i: usize| self.able(i).map(|p| row.weight[i * m + p]).min().unwrap_or(0);
        let sum: i64 = (0..self.model.n).map(least).sum();
        row.outside + (sum + row.capacity - 1) / row.capacity.max(1)
    }
}

fn spread(mut values: Vec<i64>) -> Vec<i64> {
    values.sort_unstable();
    values.dedup();
    if values.len() <= EDGES {
        return values;
    }
    (0..EDGES).map(|i| values[i * values.len() / EDGES]).collect()
}
