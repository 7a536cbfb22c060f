//! How well an emulated run keeps to its model: what took longer than it should have.

use runtime::Ns;
use std::sync::atomic::{AtomicU64, Ordering};

/// Overruns of the tasks and of the transfers of a run.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pub tasks: Overruns,
    pub transfers: Overruns,
}

/// How often the host was too slow to keep to the model, and by how much.
#[derive(Debug, Default)]
pub(crate) struct Overruns {
    all: AtomicU64,
    late: AtomicU64,
    total_ns: AtomicU64,
    largest_ns: AtomicU64,
}

impl Overruns {
    /// The host has done its part at `done_ns` of what ends at `due_ns`.
    pub fn note(&self, done_ns: Ns, due_ns: Ns) {
        self.all.fetch_add(1, Ordering::Relaxed);
        let late_ns = done_ns.saturating_sub(due_ns);
        if late_ns > 0 {
            self.late.fetch_add(1, Ordering::Relaxed);
            self.total_ns.fetch_add(late_ns, Ordering::Relaxed);
            self.largest_ns.fetch_max(late_ns, Ordering::Relaxed);
        }
    }

    /// What a reader of the result must know; `None` when everything was in time.
    fn in_words(&self, what: &str) -> Option<String> {
        let [all, late, total_ns, largest_ns] =
            [&self.all, &self.late, &self.total_ns, &self.largest_ns]
                .map(|n| n.load(Ordering::Relaxed));
        let ms = |ns: u64| ns as f64 / 1e6;
        let text = || {
            format!(
                "{late} of {all} {what} took this host longer than modelled: {:.3} ms in all, at \
                 most {:.3} ms",
                ms(total_ns),
                ms(largest_ns)
            )
        };
        (late > 0).then(text)
    }
}

impl Pace {
    /// Notes for the result.
    pub fn notes(&self) -> Vec<String> {
        let both = [(&self.tasks, "tasks"), (&self.transfers, "transfers")];
        both.into_iter().filter_map(|(overruns, what)| overruns.in_words(what)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_late_is_told() {
        let pace = Pace::default();
        pace.tasks.note(5, 5);
        assert_eq!(pace.notes(), Vec::<String>::new());
        pace.tasks.note(2_000_005, 5);
        pace.tasks.note(1_000_005, 5);
        pace.transfers.note(1, 2);
        assert_eq!(
            pace.notes(),
            ["2 of 3 tasks took this host longer than modelled: 3.000 ms in all, at most 2.000 ms"]
        );
    }
}
