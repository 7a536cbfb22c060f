//! The layout since 1.5: a specification and what its execution measured, joined by id.

use super::{Files, Tally, Task, TaskFaults, Workflow, describe_machines, kernel, lanes, to_bytes};
use crate::import::error::ImportError;
use crate::import::names::Names;
use crate::import::source::{Source, Step};
use crate::import::wfformat::SizeUnit;
use crate::import::wfformat::model::{ExecutedTask, Execution, Specification, SpecifiedTask};

const WORKFLOW: Step<'static> = Step::Key(&["workflow"]);
const SPECIFICATION: Step<'static> = Step::Key(&["specification"]);
const TASKS: Step<'static> = Step::Key(&["tasks"]);
const ID: Step<'static> = Step::Key(&["id"]);
const SPECIFIED: [Step<'static>; 3] = [WORKFLOW, SPECIFICATION, TASKS];
const EXECUTED: [Step<'static>; 3] = [WORKFLOW, Step::Key(&["execution"]), TASKS];

pub(super) struct Reader<'s> {
    pub source: &'s Source<'s>,
    pub file_sizes: Option<SizeUnit>,
    pub is_makeflow: bool,
}

impl Reader<'_> {
    pub fn read<'d>(
        &self,
        name: &'d str,
        specification: &'d Specification<'d>,
        execution: Option<&'d Execution<'d>>,
        notes: &mut Vec<String>,
    ) -> Result<Workflow<'d>, ImportError> {
        let files = self.files(specification, notes)?;
        let (file_names, files) = (files.names, files.files);
        let mut ids = Names::with_capacity(specification.tasks.len());
        for (i, task) in specification.tasks.iter().enumerate() {
            if !ids.insert(&*task.id).1 {
                return Err(self.duplicate(&SPECIFIED, i, &task.id));
            }
        }
        let executed = execution.and_then(|e| e.tasks.as_deref()).unwrap_or_default();
        let mut workflow = Workflow {
            name,
            tasks: self.tasks(specification, executed, &ids, notes)?,
            files,
            inputs: Vec::new(),
            outputs: Vec::new(),
            parents: Vec::new(),
            task_path: (&SPECIFIED, ID),
            makespan_s: execution.and_then(|e| e.makespan_s).map(|amount| amount.0),
            machines: Vec::new(),
        };
        for (i, task) in specification.tasks.iter().enumerate() {
            self.link(&mut workflow, i, task, &ids, &file_names)?;
        }
        let machines = execution.and_then(|e| e.machines.as_deref()).unwrap_or_default();
        let ran_on = executed.iter().filter_map(|task| task.machines.as_ref()).flatten();
        workflow.machines = describe_machines(machines, ran_on.map(|machine| &**machine));
        Ok(workflow)
    }

    fn files<'d>(
        &self,
        specification: &'d Specification<'d>,
        notes: &mut Vec<String>,
    ) -> Result<FileTable<'d>, ImportError> {
        let listed = specification.files.as_deref().unwrap_or_default();
        let unit = self.file_sizes.unwrap_or(SizeUnit::Bytes);
        if self.is_makeflow && self.file_sizes.is_none() && !listed.is_empty() {
            notes.push(super::inline::MAKEFLOW_NOTE.to_owned());
        }
        let mut files = Files::with_capacity(listed.len());
        for (i, file) in listed.iter().enumerate() {
            let bytes = to_bytes(file.size_bytes, unit, |found| {
                let path = [
                    WORKFLOW,
                    SPECIFICATION,
                    Step::Key(&["files"]),
                    Step::Index(i),
                    Step::Key(&["sizeInBytes"]),
                ];
                ImportError::BadNumber {
                    place: self.source.locate(&path),
                    owner: format!("file {:?}", &*file.id),
                    what: "the size",
                    found,
                    expected: super::SIZE_RANGE,
                }
            })?;
            files.add(&file.id, bytes);
        }
        let mut names = Names::default();
        std::mem::swap(&mut names, &mut files.names);
        Ok(FileTable { names, files: files.finish(notes) })
    }

    /// The tasks with what the execution says about them.
    fn tasks<'d>(
        &self,
        specification: &'d Specification<'d>,
        executed: &'d [ExecutedTask<'d>],
        ids: &Names<'d>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Task<'d>>, ImportError> {
        let mut measured: Vec<Option<usize>> = vec![None; specification.tasks.len()];
        let mut strangers = Tally::default();
        for (at, task) in executed.iter().enumerate() {
            let Some(i) = ids.get(&task.id) else {
                strangers.add(|| format!("{:?}", &*task.id));
                continue;
            };
            if measured[i as usize].replace(at).is_some() {
                return Err(self.duplicate(&EXECUTED, at, &task.id));
            }
        }
        strangers.note(notes, |n, first| {
            format!("{n} executed tasks are not in the specification and were left out: {first}")
        });
        let mut tasks = Vec::with_capacity(specification.tasks.len());
        for (task, at) in specification.tasks.iter().zip(measured) {
            let run = at.map(|at| &executed[at]);
            let memory = run.and_then(|run| run.memory_bytes);
            let memory_bytes = match memory {
                None => 0,
                Some(memory) => to_bytes(memory, SizeUnit::Bytes, |found| {
                    let at = at.unwrap_or_default();
                    let faults = self.faults(&EXECUTED, at, &task.id);
                    faults.number(&[Step::Key(&["memoryInBytes"])], "the memory", found)
                })?,
            };
            let program = run.and_then(|run| run.command.as_ref());
            let program = program.and_then(|command| command.program.as_deref());
            let name = task.name.as_deref().unwrap_or("");
            let name = if name.is_empty() { &task.id } else { name };
            tasks.push(Task {
                name: &task.id,
                kernel: kernel(None, name, &task.id, program),
                runtime_s: run.and_then(|run| run.runtime_s).map(|amount| amount.0),
                cores: lanes(run.and_then(|run| run.cores)),
                memory_bytes,
            });
        }
        Ok(tasks)
    }

    /// The files and the relatives of one task.
    fn link<'d>(
        &self,
        workflow: &mut Workflow<'d>,
        i: usize,
        task: &'d SpecifiedTask<'d>,
        ids: &Names<'d>,
        files: &Names<'d>,
    ) -> Result<(), ImportError> {
        let faults = self.faults(&SPECIFIED, i, &task.id);
        let child = i as u32;
        for (key, list) in
            [(&["inputFiles"], &task.input_files), (&["outputFiles"], &task.output_files)]
        {
            for (at, name) in list.iter().flatten().enumerate() {
                let path = [Step::Key(key), Step::Index(at)];
                let file = files.get(name);
                let file = file.ok_or_else(|| faults.unknown(&path, "file", name, files))?;
                let is_input = key[0] == "inputFiles";
                let side = if is_input { &mut workflow.inputs } else { &mut workflow.outputs };
                side.push((child, file));
            }
        }
        for (key, list) in [(&["parents"], &task.parents), (&["children"], &task.children)] {
            for (at, name) in list.iter().flatten().enumerate() {
                let path = [Step::Key(key), Step::Index(at)];
                let other = ids.get(name);
                let other = other.ok_or_else(|| faults.unknown(&path, "task", name, ids))?;
                let is_parent = key[0] == "parents";
                workflow.parents.push(if is_parent { (other, child) } else { (child, other) });
            }
        }
        Ok(())
    }

    fn faults<'f>(&'f self, tasks: &'f [Step<'f>], task: usize, name: &'f str) -> TaskFaults<'f> {
        TaskFaults { source: self.source, tasks, task, name }
    }

    fn duplicate(&self, tasks: &[Step<'_>], at: usize, id: &str) -> ImportError {
        let place = self.faults(tasks, at, id).place(&[ID]);
        ImportError::Duplicate { place, what: "task", name: id.to_owned() }
    }
}

struct FileTable<'d> {
    names: Names<'d>,
    files: Vec<super::File<'d>>,
}
