//! From a recorded execution to a graph.

use super::REFERENCE_SPEED;
use super::workflow::{Tally, Workflow};
use crate::import::draft::{self, Draft, DraftTask, Sharing};
use crate::import::error::{ImportError, Place};
use crate::import::names::Names;
use crate::import::source::{Source, Step};
use runtime::graph::{Mode, ObjectSpec, TaskGraph};

type Tasks<'a> = Vec<DraftTask<'a>>;

/// Who uses a file.
#[derive(Clone, Copy, Default)]
struct Use {
    /// Tasks that write it.
    writers: u32,
    /// Tasks that write and read it.
    changers: u32,
    /// Tasks that only read it.
    readers: u32,
}

pub(super) fn build(
    source: &Source<'_>,
    workflow: &Workflow<'_>,
    notes: &mut Vec<String>,
) -> Result<TaskGraph, ImportError> {
    let mut kernels = Names::default();
    let mut untimed = Tally::default();
    let mut tasks = Vec::with_capacity(workflow.tasks.len());
    for task in &workflow.tasks {
        if task.runtime_s.is_none() {
            untimed.add(|| format!("{:?}", task.name));
        }
        let kernel = kernels.insert(task.kernel).0;
        tasks.push(DraftTask {
            cores: task.cores,
            scratch_bytes: task.memory_bytes,
            ..DraftTask::new(task.name, kernel, work(task.runtime_s.unwrap_or(0.0)))
        });
    }
    let mut draft = Draft::new(draft::with_kernels(workflow.name, &kernels), tasks);
    draft.sharing = Sharing::AsSorted;
    untimed.note(notes, |n, first| {
        format!("{n} of {} tasks have no runtime; 0 s was taken: {first}", workflow.tasks.len())
    });
    draft.control.clone_from(&workflow.parents);
    let uses = add_files(workflow, &mut draft, notes);
    let (steps, name_key) = workflow.task_path;
    let place_of = |task: usize| -> Place {
        let mut path = steps.to_vec();
        path.extend([Step::Index(task), name_key]);
        source.locate(&path)
    };
    let order = draft.sort(place_of)?;
    settle_shared_files(&mut draft, &order, &uses, notes);
    draft.build(&order, source.file, place_of)
}

/// Recorded seconds as work; the largest are cut off, as the largest durations are.
fn work(runtime_s: f64) -> f64 {
    (runtime_s * REFERENCE_SPEED).min(f64::MAX)
}

/// Objects and accesses; returns the uses by object.
fn add_files<'w>(
    workflow: &'w Workflow<'w>,
    draft: &mut Draft<'w, Tasks<'w>>,
    notes: &mut Vec<String>,
) -> Vec<Use> {
    let mut accesses = modes(workflow);
    let mut uses = vec![Use::default(); workflow.files.len()];
    for &(_, file, mode) in &accesses {
        let file = &mut uses[file as usize];
        file.writers += u32::from(mode.writes());
        file.changers += u32::from(mode == Mode::ReadWrite);
        file.readers += u32::from(mode == Mode::Read);
    }
    let (mut unused, mut changed, mut shared) =
        (Tally::default(), Tally::default(), Tally::default());
    let mut object_of = vec![u32::MAX; workflow.files.len()];
    for (at, (file, used)) in workflow.files.iter().zip(&uses).enumerate() {
        if used.writers + used.readers == 0 {
            unused.add(|| format!("{:?}", file.id));
            continue;
        }
        if used.writers > 1 {
            shared.add(|| format!("{:?} by {}", file.id, used.writers));
        }
        if used.changers > 0 {
            changed.add(|| format!("{:?}", file.id));
        }
        object_of[at] = draft.objects.len() as u32;
        draft.objects.push(ObjectSpec {
            name: file.id,
            bytes: file.bytes,
            // What its only writer reads must have been there before.
            initial: used.writers == 0 || (used.writers == 1 && used.changers == 1),
            keep: used.writers > 0 && used.readers == 0,
            ..ObjectSpec::default()
        });
    }
    unused.note(notes, |n, first| {
        format!("{n} files are used by no task and were left out: {first}")
    });
    changed.note(notes, |n, first| {
        format!("{n} files are read by a task that writes them; it changes them in place: {first}")
    });
    shared.note(notes, |n, first| {
        format!(
            "{n} files are written by several tasks, one after the other in the order that the \
             other dependencies give: {first}"
        )
    });
    accesses.iter_mut().for_each(|access| access.1 = object_of[access.1 as usize]);
    draft.accesses = accesses;
    uses.retain(|used| used.writers + used.readers > 0);
    uses
}

/// (task, file, mode), one per task and file: reading and writing is changing in place.
fn modes(workflow: &Workflow<'_>) -> Vec<(u32, u32, Mode)> {
    let mut accesses: Vec<(u32, u32, Mode)> =
        Vec::with_capacity(workflow.inputs.len() + workflow.outputs.len());
    // The last access of each file; lists are in the order of tasks.
    let mut last_of = vec![usize::MAX; workflow.files.len()];
    let (mut inputs, mut outputs) = (&workflow.inputs[..], &workflow.outputs[..]);
    for task in 0..workflow.tasks.len() as u32 {
        for (list, mode) in [(&mut inputs, Mode::Read), (&mut outputs, Mode::Write)] {
            let count = list.iter().take_while(|(t, _)| *t == task).count();
            let (own, rest) = list.split_at(count);
            *list = rest;
            for &(_, file) in own {
                let last = last_of[file as usize];
                match accesses.get_mut(last).filter(|access| access.0 == task) {
                    Some(access) if access.2 == mode => {}
                    Some(access) => access.2 = Mode::ReadWrite,
                    None => {
                        last_of[file as usize] = accesses.len();
                        accesses.push((task, file, mode));
                    }
                }
            }
        }
    }
    accesses
}

/// A file that is written by several tasks and read before the first of them was there before.
fn settle_shared_files(
    draft: &mut Draft<'_, Tasks<'_>>,
    order: &[u32],
    uses: &[Use],
    notes: &mut Vec<String>,
) {
    let mut position_of = vec![0; order.len()];
    order.iter().enumerate().for_each(|(at, task)| position_of[*task as usize] = at);
    let mut first = vec![(usize::MAX, Mode::Write); draft.objects.len()];
    for &(task, object, mode) in &draft.accesses {
        let earliest = &mut first[object as usize];
        if position_of[task as usize] < earliest.0 {
            *earliest = (position_of[task as usize], mode);
        }
    }
    let mut early = Tally::default();
    for ((object, used), (_, mode)) in draft.objects.iter_mut().zip(uses).zip(first) {
        if used.writers > 1 && mode.reads() {
            early.add(|| format!("{:?}", object.name));
            object.initial = true;
        }
    }
    early.note(notes, |n, first| {
        format!(
            "{n} files that several tasks write are read before the first write; they were taken \
             to exist before the run: {first}"
        )
    });
}
