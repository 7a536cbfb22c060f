//! How far a run is: a bar with an estimate of what is left, or plain lines where there is no
//! terminal.

use crate::shown::duration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Least time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress of one phase of a run.
#[derive(Debug)]
pub struct Progress {
    shown: Shown,
    began: Instant,
    what: &'static str,
    total: u64,
    done: u64,
    failed: u64,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    /// Progress over `total` cells, told to the terminal or to the log.
    pub fn new(what: &'static str, total: u64, is_quiet: bool) -> Self {
        let shown = match (is_quiet || total == 0, stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Bar(bar(what, total)),
            (false, false) => Shown::Lines { last: Instant::now() },
        };
        Self { shown, began: Instant::now(), what, total, done: 0, failed: 0 }
    }

    /// One more cell is finished.
    pub fn step(&mut self, has_failed: bool) {
        self.done += 1;
        self.failed += u64::from(has_failed);
        let is_last = self.done == self.total;
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                if self.failed > 0 {
                    bar.set_message(format!("{} failed", self.failed));
                }
                bar.inc(1);
            }
            Shown::Lines { last } => {
                if is_last || last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    self.line();
                }
            }
        }
    }

    /// One line: what is done, what failed, how long the rest will take.
    fn line(&self) {
        let failed = match self.failed {
            0 => String::new(),
            n => format!(", {n} failed"),
        };
        let passed = self.began.elapsed();
        let left = passed.mul_f64((self.total - self.done) as f64 / self.done.max(1) as f64);
        let time = match self.done == self.total {
            true => format!("in {}", duration(passed.as_nanos() as u64)),
            false => format!("about {} left", duration(left.as_nanos() as u64)),
        };
        let Self { what, done, total, .. } = self;
        // Nothing can be done about a log that cannot be written.
        let _ = writeln!(stderr(), "{what}: {done} of {total} cells{failed}, {time}");
    }

    /// Ends the phase.
    pub fn finish(self) {
        if let Shown::Bar(bar) = self.shown {
            bar.finish();
        }
    }
}

fn bar(what: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let template = "{prefix} {bar:30} {pos}/{len} cells, {elapsed} passed, {eta} left {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
