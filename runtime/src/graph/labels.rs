//! The names of tasks and objects, one after the other in one text: most graphs of a million tasks
//! name millions of things, and a box for each costs more than the name.

/// Names in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<usize>,
}

impl Labels {
    /// Adds a name, which may be empty.
    pub fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    /// The name that came as number `at`, from 0.
    pub fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn names_stay_apart() {
        let mut labels = Labels::default();
        ["a", "", "ße", ""].iter().for_each(|name| labels.push(name));
        let all: Vec<&str> = (0..4).map(|at| labels.get(at)).collect();
        assert_eq!(all, ["a", "", "ße", ""]);
    }
}
