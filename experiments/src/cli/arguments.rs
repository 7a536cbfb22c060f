//! Workloads, clusters and schedulers as arguments: a name, a name with parameters
//! (`cholesky:{n: 512}`), or a path.

use super::{CliError, Context, Result};
use crate::mistake::{Mistake, Mistakes, Source};
use crate::plan::{ClusterPlan, CostModelPlan, Names, SchedulerPlan, WorkloadPlan};
use crate::spec::{Argument, At, ClusterEntry, CostsText, Entries, Entry, read_as};
use std::path::Path;
use std::sync::Arc;

impl Context {
    /// The workload that `--workload` names.
    pub(super) fn workload(&self, text: &str) -> Result<WorkloadPlan> {
        let is_known = |name: &str| self.registry.workloads().iter().any(|w| w.name == name);
        let source = source("--workload", text);
        let entry = match path_entry(&source, text, is_known) {
            Some(entry) => entry,
            None => read(&source)?,
        };
        let names = Names::new(&self.registry, &source, Path::new(""));
        let mut mistakes = Mistakes::default();
        let found = names.workloads(&Entries::Listed(vec![entry]), &mut mistakes);
        one(&source, found, mistakes)
    }

    /// The workload in a file, whatever its name looks like.
    pub(super) fn workload_file(&self, path: &str) -> Result<WorkloadPlan> {
        let source = Source::new(path, path);
        let span = crate::mistake::Span { start: 0, end: path.len() };
        let path = At::new(path.to_owned(), span);
        let name = At::new("file".to_owned(), span);
        let entry = Entry { name, argument: Argument::Path(path) };
        let names = Names::new(&self.registry, &source, Path::new(""));
        let mut mistakes = Mistakes::default();
        let found = names.workloads(&Entries::Listed(vec![entry]), &mut mistakes);
        one(&source, found, mistakes)
    }

    /// The cluster that `--cluster` names.
    pub(super) fn cluster(&self, text: &str) -> Result<ClusterPlan> {
        let is_known = |name: &str| self.registry.clusters().iter().any(|c| c.name == name);
        let source = source("--cluster", text);
        let entry = match path_entry(&source, text, is_known) {
            Some(entry) => ClusterEntry::Named(entry),
            None => read(&source)?,
        };
        let names = Names::new(&self.registry, &source, Path::new(""));
        let mut mistakes = Mistakes::default();
        let found = names.clusters(&Entries::Listed(vec![entry]), &mut mistakes);
        one(&source, found, mistakes)
    }

    /// The cost model in a file.
    pub(super) fn cost_model(&self, path: &str) -> Result<CostModelPlan> {
        let source = Source::new("--costs", path);
        let span = crate::mistake::Span { start: 0, end: path.len() };
        let given = CostsText::File(At::new(path.to_owned(), span));
        let names = Names::new(&self.registry, &source, Path::new(""));
        let mut mistakes = Mistakes::default();
        match names.cost_model(Some(&given), &mut mistakes) {
            Some(model) if mistakes.is_empty() => Ok(model),
            _ => Err(mistakes.into()),
        }
    }

    /// The scheduler that `--scheduler` names.
    pub(super) fn scheduler(&self, text: &str) -> Result<SchedulerPlan> {
        let source = source("--scheduler", text);
        let entry = read(&source)?;
        let names = Names::new(&self.registry, &source, Path::new(""));
        let mut mistakes = Mistakes::default();
        let found = names.schedulers(&Entries::Listed(vec![entry]), &mut mistakes);
        one(&source, found, mistakes)
    }
}

/// The argument as YAML, which needs a blank after the colon of a key; people leave it out of
/// `name:{key:value}`.
fn source(option: &str, text: &str) -> Arc<Source> {
    let mut spaced = String::with_capacity(text.len() + 8);
    // Whether only a key has been read since the beginning, a brace or a comma.
    let mut is_key = true;
    for (at, c) in text.char_indices() {
        spaced.push(c);
        match c {
            '{' | ',' => is_key = true,
            ':' if is_key => {
                is_key = false;
                if !text[at + 1..].starts_with(char::is_whitespace) {
                    spaced.push(' ');
                }
            }
            c => is_key &= c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' '),
        }
    }
    Source::new(option, &spaced)
}

/// An entry for a path: anything with a separator or an ending that is no known name.
fn path_entry(source: &Arc<Source>, text: &str, is_known: impl Fn(&str) -> bool) -> Option<Entry> {
    let looks_like_path = text.contains('/') || Path::new(text).extension().is_some();
    if is_known(text) || text.contains('{') || !(looks_like_path || Path::new(text).is_file()) {
        return None;
    }
    let span = crate::mistake::Span { start: 0, end: source.text.len() };
    let path = At::new(text.to_owned(), span);
    Some(Entry { name: At::new("file".to_owned(), span), argument: Argument::Path(path) })
}

fn read<T: serde::de::DeserializeOwned>(source: &Arc<Source>) -> Result<T> {
    let (entry, mistakes) = read_as(source);
    match entry {
        Some(entry) if mistakes.is_empty() => Ok(entry),
        _ => Err(mistakes.into()),
    }
}

fn one<T>(source: &Arc<Source>, mut found: Vec<T>, mistakes: Mistakes) -> Result<T> {
    if !mistakes.is_empty() {
        return Err(mistakes.into());
    }
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => {
            let span = crate::mistake::Span { start: 0, end: source.text.len() };
            let message = "this names several; a single one is expected";
            Err(CliError::Mistakes(Mistake::new(source, span, message).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn blanks_are_put_where_yaml_needs_them() {
        let spaced = |text: &str| source("", text).text.clone();
        assert_eq!(spaced("cholesky:{n:512, tile: 64}"), "cholesky: {n: 512, tile: 64}");
        assert_eq!(spaced("heft"), "heft");
        assert_eq!(spaced("x:{t:\"a:b\"}"), "x: {t: \"a:b\"}");
    }
}
