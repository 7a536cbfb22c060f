//! Both layouts as one: tasks, files, who reads and writes what, who waits for whom.

use super::SizeUnit;
use super::model::{Document, Link, Machine};
use crate::import::error::{ImportError, nearest};
use crate::import::names::Names;
use crate::import::numbers::{Amount, MAX_BYTES};
use crate::import::source::{Source, Step};
use crate::import::{Recorded, RecordedMachine};
use std::borrow::Cow;

mod inline;
mod specified;

pub(super) use inline::file_ids as inline_file_ids;

/// A recorded execution, free of versions and units.
pub(super) struct Workflow<'a> {
    pub name: &'a str,
    pub tasks: Vec<Task<'a>>,
    pub files: Vec<File<'a>>,
    /// (task, file), by task; a task's inputs in the order of the file.
    pub inputs: Vec<(u32, u32)>,
    /// (task, file), likewise.
    pub outputs: Vec<(u32, u32)>,
    /// (parent, child), whether a file flows between them or not.
    pub parents: Vec<(u32, u32)>,
    /// Where the list of tasks is, and which key names a task.
    pub task_path: (&'static [Step<'static>], Step<'static>),
    makespan_s: Option<f64>,
    machines: Vec<RecordedMachine>,
}

pub(super) struct Task<'a> {
    pub name: &'a str,
    pub kernel: &'a str,
    pub runtime_s: Option<f64>,
    pub cores: u32,
    pub memory_bytes: u64,
}

pub(super) struct File<'a> {
    pub id: &'a str,
    pub bytes: u64,
}

impl Workflow<'_> {
    pub fn recorded(&self) -> Recorded {
        let (makespan_s, machines) = (self.makespan_s, self.machines.clone());
        Recorded { makespan_s, machines, cluster: None }
    }
}

/// Brings either layout into the common form.
pub(super) fn normalise<'d>(
    source: &Source<'_>,
    document: &'d Document<'d>,
    inline_ids: &'d [Cow<'d, str>],
    file_sizes: Option<SizeUnit>,
    notes: &mut Vec<String>,
) -> Result<Workflow<'d>, ImportError> {
    let name = document.name.as_deref().unwrap_or("");
    let workflow = &document.workflow;
    let is_makeflow = document.writer().to_ascii_lowercase().contains("makeflow");
    if let Some(specification) = &workflow.specification {
        let reader = specified::Reader { source, file_sizes, is_makeflow };
        return reader.read(name, specification, workflow.execution.as_ref(), notes);
    }
    let Some(tasks) = &workflow.tasks else {
        return Err(ImportError::Syntax {
            place: source.locate(&[Step::Key(&["workflow"])]),
            format: source.format,
            message: "expected `specification` (since 1.5), or `tasks` or `jobs` (before) in it"
                .to_owned(),
        });
    };
    let reader = inline::Reader { source, writer: document.writer(), file_sizes, is_makeflow };
    let mut read = reader.read(name, tasks, inline_ids, notes)?;
    read.makespan_s = workflow.makespan_s.or(workflow.makespan).map(|amount| amount.0);
    let machines = workflow.machines.as_deref().unwrap_or_default();
    let ran_on = tasks.iter().filter_map(|task| task.machine.as_deref());
    read.machines = describe_machines(machines, ran_on);
    Ok(read)
}

fn describe_machines<'m>(
    machines: &[Machine],
    ran_on: impl Iterator<Item = &'m str> + Clone,
) -> Vec<RecordedMachine> {
    let describe = |machine: &Machine| {
        let name = machine.name.0.clone().unwrap_or_default();
        let memory = machine.memory.number().map(|kilobytes| kilobytes * 1000.0);
        let memory = machine.memory_bytes.number().or(memory);
        let cpu = machine.cpu.as_ref();
        RecordedMachine {
            cores: cpu.and_then(|cpu| cpu.cores.number()),
            clock_mhz: cpu.and_then(|cpu| cpu.clock_mhz.number()),
            memory_bytes: memory.map(|bytes| bytes as u64),
            tasks: ran_on.clone().filter(|on| *on == name).count(),
            name,
        }
    };
    machines.iter().map(describe).collect()
}

/// Files by id; one that is there twice has the larger of its sizes.
struct Files<'a> {
    names: Names<'a>,
    files: Vec<File<'a>>,
    differing: Tally,
}

impl<'a> Files<'a> {
    fn with_capacity(count: usize) -> Self {
        let names = Names::with_capacity(count);
        Self { names, files: Vec::with_capacity(count), differing: Tally::default() }
    }

    fn add(&mut self, id: &'a str, bytes: u64) -> u32 {
        let (file, is_new) = self.names.insert(id);
        if is_new {
            self.files.push(File { id, bytes });
            return file;
        }
        let known = &mut self.files[file as usize].bytes;
        if *known != bytes {
            self.differing.add(|| format!("{id:?} of {known} and {bytes} bytes"));
            *known = (*known).max(bytes);
        }
        file
    }

    fn finish(self, notes: &mut Vec<String>) -> Vec<File<'a>> {
        self.differing.note(notes, |n, first| {
            format!("{n} files are listed with different sizes; the larger one counts: {first}")
        });
        self.files
    }
}

/// How often something odd was met, and the first case of it.
#[derive(Default)]
pub(super) struct Tally {
    count: usize,
    first: Option<String>,
}

impl Tally {
    pub fn add(&mut self, describe: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(describe());
        }
    }

    pub fn note(self, notes: &mut Vec<String>, sentence: impl FnOnce(usize, &str) -> String) {
        if let Some(first) = self.first {
            notes.push(sentence(self.count, &first));
        }
    }
}

/// A size or memory in whole bytes, rounded up.
fn to_bytes(
    amount: Amount,
    unit: SizeUnit,
    refuse: impl FnOnce(String) -> ImportError,
) -> Result<u64, ImportError> {
    let scale = match unit {
        SizeUnit::Bytes => 1.0,
        SizeUnit::Kilobytes => 1000.0,
    };
    let bytes = (amount.0 * scale).ceil();
    match bytes <= MAX_BYTES as f64 {
        true => Ok(bytes as u64),
        false => Err(refuse(format!("{bytes:e} bytes"))),
    }
}

const SIZE_RANGE: &str = "at most 2^53 bytes";

/// Lanes for a number of cores that may have a fraction; workflow systems write 0 for "unknown".
fn lanes(cores: Option<Amount>) -> u32 {
    cores.map_or(1, |cores| cores.0.ceil().max(1.0) as u32)
}

/// What a task runs: its category, or its own name where that is not just its id, or its program,
/// or its name without number.
fn kernel<'a>(
    category: Option<&'a str>,
    name: &'a str,
    id: &str,
    program: Option<&'a str>,
) -> &'a str {
    if let Some(category) = category.filter(|c| !c.is_empty()) {
        return category;
    }
    let own = without_number(name);
    if !name.is_empty() && name != id {
        return own;
    }
    let is_word = |p: &&str| !p.is_empty() && p.len() <= 64 && !p.contains(char::is_whitespace);
    match program.filter(is_word) {
        Some(program) => program.rsplit('/').next().filter(|p| !p.is_empty()).unwrap_or(program),
        None => own,
    }
}

/// `blastall` of `blastall_ID000002`, `filter` of `filter_12`.
fn without_number(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() == name.len() {
        return name;
    }
    let stem = stem.strip_suffix("ID").unwrap_or(stem);
    let stem = stem.trim_end_matches(['_', '-', '.']);
    if stem.is_empty() { name } else { stem }
}

/// Errors about one task of the file.
struct TaskFaults<'s> {
    source: &'s Source<'s>,
    tasks: &'s [Step<'s>],
    task: usize,
    name: &'s str,
}

impl TaskFaults<'_> {
    fn place(&self, steps: &[Step<'_>]) -> crate::import::Place {
        let mut path = self.tasks.to_vec();
        path.push(Step::Index(self.task));
        path.extend(steps.iter().copied());
        self.source.locate(&path)
    }

    fn unknown(
        &self,
        steps: &[Step<'_>],
        what: &'static str,
        name: &str,
        known: &Names<'_>,
    ) -> ImportError {
        ImportError::Unknown {
            place: self.place(steps),
            owner: format!("task {:?}", self.name),
            what,
            name: name.to_owned(),
            nearest: nearest(name, known.iter()),
        }
    }

    fn number(&self, steps: &[Step<'_>], what: &'static str, found: String) -> ImportError {
        let owner = format!("task {:?}", self.name);
        ImportError::BadNumber {
            place: self.place(steps),
            owner,
            what,
            found,
            expected: SIZE_RANGE,
        }
    }
}

/// The key that says whether a file is read or written, as a list of the common form.
fn side<'w, 'a>(workflow: &'w mut Workflow<'a>, link: Link) -> &'w mut Vec<(u32, u32)> {
    match link {
        Link::Input => &mut workflow.inputs,
        Link::Output => &mut workflow.outputs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_what_tasks_have_in_common() {
        let of = |name, id, program| kernel(None, name, id, program);
        assert_eq!(kernel(Some("chr21"), "chr21_chr21_ID01", "ID01", Some("x")), "chr21");
        assert_eq!(
            of("blastall_ID000002", "blastall_ID000002", Some("/usr/bin/blastall")),
            "blastall"
        );
        assert_eq!(of("A.GUNZIP", "A.GUNZIP_3", Some("gunzip -f\n x")), "A.GUNZIP");
        assert_eq!(of("filter_12", "filter_12", None), "filter");
        assert_eq!(of("12", "12", Some("")), "12");
    }
}
