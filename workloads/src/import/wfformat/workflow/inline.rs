//! The layout up to 1.4: tasks with their files inline, naming each other by name.

use super::{Files, Tally, Task, TaskFaults, Workflow, kernel, lanes, side, to_bytes};
use crate::import::error::ImportError;
use crate::import::names::Names;
use crate::import::source::{Source, Step};
use crate::import::wfformat::SizeUnit;
use crate::import::wfformat::model::{Document, InlineFile, InlineTask};
use std::borrow::Cow;

const TASKS: [Step<'static>; 2] = [Step::Key(&["workflow"]), Step::Key(&["tasks", "jobs"])];
const NAME: Step<'static> = Step::Key(&["name"]);

pub(super) const MAKEFLOW_NOTE: &str = "sizes were taken as the bytes that their key says, but \
    Makeflow's log reader counted kilobytes and conversion to this version kept its numbers; if \
    they are kilobytes here too, say so when importing";

/// The ids of all files as tasks name them, in the order of tasks and of their files.
pub(in super::super) fn file_ids<'d>(document: &'d Document<'d>) -> Vec<Cow<'d, str>> {
    let tasks = document.workflow.tasks.as_deref().unwrap_or_default();
    tasks.iter().flat_map(|task| task.files.iter().flatten()).map(InlineFile::id).collect()
}

pub(super) struct Reader<'s> {
    pub source: &'s Source<'s>,
    /// The workflow system that wrote the file.
    pub writer: &'s str,
    pub file_sizes: Option<SizeUnit>,
    pub is_makeflow: bool,
}

impl Reader<'_> {
    pub fn read<'d>(
        &self,
        name: &'d str,
        tasks: &'d [InlineTask<'d>],
        file_ids: &'d [Cow<'d, str>],
        notes: &mut Vec<String>,
    ) -> Result<Workflow<'d>, ImportError> {
        let mut workflow = Workflow {
            name,
            tasks: Vec::with_capacity(tasks.len()),
            files: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parents: Vec::new(),
            task_path: (&TASKS, NAME),
            makespan_s: None,
            machines: Vec::new(),
        };
        let mut files = Files::with_capacity(file_ids.len());
        let mut bare = 0;
        let mut file_ids = file_ids.iter();
        for (i, task) in tasks.iter().enumerate() {
            workflow.tasks.push(self.task(i, task)?);
            for (at, file) in task.files.iter().flatten().enumerate() {
                bare += usize::from(file.size_bytes.is_none());
                let bytes = self.file_bytes(i, task, at, file)?;
                let id = file_ids.next().expect("one id per file of a task");
                let file_number = files.add(id, bytes);
                side(&mut workflow, file.link).push((i as u32, file_number));
            }
        }
        self.note_units(files.files.len(), bare, notes);
        workflow.files = files.finish(notes);
        self.link(tasks, &mut workflow, notes)?;
        Ok(workflow)
    }

    /// What the bare `size` counts, see the table of the module.
    fn bare_unit(&self) -> SizeUnit {
        let is_pegasus = self.writer.to_ascii_lowercase().contains("pegasus");
        let by_writer = if is_pegasus { SizeUnit::Bytes } else { SizeUnit::Kilobytes };
        self.file_sizes.unwrap_or(by_writer)
    }

    fn note_units(&self, files: usize, bare: usize, notes: &mut Vec<String>) {
        if self.file_sizes.is_some() || files == 0 {
            return;
        }
        if bare > 0 {
            let unit = match self.bare_unit() {
                SizeUnit::Bytes => "bytes",
                SizeUnit::Kilobytes => "kilobytes of 1000 bytes",
            };
            let writer = if self.writer.is_empty() { "an unnamed writer" } else { self.writer };
            notes.push(format!("file sizes without a unit, from {writer}, were taken as {unit}"));
        } else if self.is_makeflow {
            notes.push(MAKEFLOW_NOTE.to_owned());
        }
    }

    fn file_bytes(
        &self,
        i: usize,
        task: &InlineTask<'_>,
        at: usize,
        file: &InlineFile<'_>,
    ) -> Result<u64, ImportError> {
        let (amount, key, unit) = match (file.size_bytes, file.size) {
            (Some(amount), _) => {
                (amount, "sizeInBytes", self.file_sizes.unwrap_or(SizeUnit::Bytes))
            }
            (None, Some(amount)) => (amount, "size", self.bare_unit()),
            (None, None) => {
                let path = [Step::Key(&["files"]), Step::Index(at)];
                return Err(ImportError::Syntax {
                    place: self.faults(i, &task.name).place(&path),
                    format: self.source.format,
                    message: "a file without `sizeInBytes` or `size`".to_owned(),
                });
            }
        };
        to_bytes(amount, unit, |found| {
            let path = [Step::Key(&["files"]), Step::Index(at), Step::Key(&[key])];
            self.faults(i, &task.name).number(&path, "the size of a file", found)
        })
    }

    fn task<'d>(&self, i: usize, task: &'d InlineTask<'d>) -> Result<Task<'d>, ImportError> {
        let memory = match (task.memory_bytes, task.memory) {
            (Some(memory), _) => Some((memory, SizeUnit::Bytes)),
            (None, memory) => memory.map(|memory| (memory, SizeUnit::Kilobytes)),
        };
        let memory_bytes = match memory {
            None => 0,
            Some((memory, unit)) => to_bytes(memory, unit, |found| {
                let key = Step::Key(&["memoryInBytes", "memory"]);
                self.faults(i, &task.name).number(&[key], "the memory", found)
            })?,
        };
        let program = task.command.as_ref().and_then(|command| command.program.as_deref());
        Ok(Task {
            name: &task.name,
            kernel: kernel(task.category.as_deref(), &task.name, &task.name, program),
            runtime_s: task.runtime_s.or(task.runtime).map(|amount| amount.0),
            cores: lanes(task.cores),
            memory_bytes,
        })
    }

    /// Parents and children. Several tasks may have one name as long as their ids differ; a name
    /// that means several tasks means those of them that share a file with the one that names it,
    /// or all of them where none does.
    fn link<'d>(
        &self,
        tasks: &'d [InlineTask<'d>],
        workflow: &mut Workflow<'d>,
        notes: &mut Vec<String>,
    ) -> Result<(), ImportError> {
        let namesakes = self.namesakes(tasks)?;
        let mut shared = Tally::default();
        for (i, task) in tasks.iter().enumerate() {
            let faults = self.faults(i, &task.name);
            for (key, list) in [(&["parents"], &task.parents), (&["children"], &task.children)] {
                for (at, name) in list.iter().flatten().enumerate() {
                    let Some(meant) = namesakes.get(name) else {
                        let path = [Step::Key(key), Step::Index(at)];
                        return Err(faults.unknown(&path, "task", name, &namesakes.by_name));
                    };
                    let is_parent = key[0] == "parents";
                    let pair = |other: u32| {
                        let this = i as u32;
                        if is_parent { (other, this) } else { (this, other) }
                    };
                    if let [one] = meant {
                        workflow.parents.push(pair(*one));
                        continue;
                    }
                    shared.add(|| format!("{:?} names {:?}", &*task.name, &**name));
                    let pairs = meant.iter().filter(|other| **other != i as u32).map(|o| pair(*o));
                    let by_file: Vec<_> =
                        pairs.clone().filter(|pair| shares_file(workflow, *pair)).collect();
                    match by_file.is_empty() {
                        true => workflow.parents.extend(pairs),
                        false => workflow.parents.extend(by_file),
                    }
                }
            }
        }
        shared.note(notes, |n, first| {
            format!(
                "{n} times a parent or child is named that several tasks are called; those that \
                 share a file were meant, or all where none does: {first}"
            )
        });
        Ok(())
    }

    fn namesakes<'d>(&self, tasks: &'d [InlineTask<'d>]) -> Result<Namesakes<'d>, ImportError> {
        let mut by_name = Names::with_capacity(tasks.len());
        let mut by_id = Names::with_capacity(tasks.len());
        let (mut named, mut with_id): (Vec<Vec<u32>>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
        for (i, task) in tasks.iter().enumerate() {
            let (number, is_new) = by_name.insert(&*task.name);
            if is_new {
                named.push(Vec::new());
            }
            let others = &mut named[number as usize];
            let id = |task: &'d InlineTask<'d>| task.id.as_deref();
            if others.iter().any(|other| id(&tasks[*other as usize]) == id(task)) {
                let place = self.faults(i, &task.name).place(&[NAME]);
                return Err(ImportError::Duplicate {
                    place,
                    what: "task",
                    name: task.name.to_string(),
                });
            }
            others.push(i as u32);
            if let Some(id) = id(task) {
                let (number, is_new) = by_id.insert(id);
                if is_new {
                    with_id.push(Vec::new());
                }
                with_id[number as usize].push(i as u32);
            }
        }
        Ok(Namesakes { by_name, named, by_id, with_id })
    }

    fn faults<'f>(&'f self, task: usize, name: &'f str) -> TaskFaults<'f> {
        TaskFaults { source: self.source, tasks: &TASKS, task, name }
    }
}

/// Tasks by name, and by id for writers that refer by id.
struct Namesakes<'d> {
    by_name: Names<'d>,
    named: Vec<Vec<u32>>,
    by_id: Names<'d>,
    with_id: Vec<Vec<u32>>,
}

impl Namesakes<'_> {
    fn get(&self, name: &str) -> Option<&[u32]> {
        let named = self.by_name.get(name).map(|number| &self.named[number as usize]);
        let with_id = || self.by_id.get(name).map(|number| &self.with_id[number as usize]);
        named.or_else(with_id).map(Vec::as_slice)
    }
}

/// Whether the parent writes a file that the child reads.
fn shares_file(workflow: &Workflow<'_>, (parent, child): (u32, u32)) -> bool {
    let of = |list: &[(u32, u32)], task: u32| {
        let start = list.partition_point(|(t, _)| *t < task);
        let end = list.partition_point(|(t, _)| *t <= task);
        start..end
    };
    let outputs = &workflow.outputs[of(&workflow.outputs, parent)];
    let inputs = &workflow.inputs[of(&workflow.inputs, child)];
    outputs.iter().any(|(_, written)| inputs.iter().any(|(_, read)| read == written))
}
