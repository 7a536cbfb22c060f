//! From the file's names to a graph.

use super::spec::{Order, TaskEntry, TaskGraphFile};
use crate::import::draft::{Draft, DraftTask};
use crate::import::error::{ImportError, Place, nearest};
use crate::import::names::Names;
use crate::import::numbers::{CostEntry, Text};
use crate::import::source::{Source, Step};
use runtime::graph::{Mode, ObjectSpec, TaskGraph};
use runtime::{Cost, GangId, KernelId, Ns};

/// The kernel of tasks that name none.
const DEFAULT_KERNEL: &str = "task";

const TASKS: Step<'static> = Step::Key(&["tasks"]);
const NAME: Step<'static> = Step::Key(&["name"]);
/// The object of an access, whatever the mode.
const OBJECT: Step<'static> =
    Step::Key(&["read", "write", "read_write", "commutative", "reduce", "racy"]);

/// The graph that a file describes.
pub(super) fn graph(
    source: &Source<'_>,
    spec: &TaskGraphFile<'_>,
) -> Result<TaskGraph, ImportError> {
    let resolver = Resolver::new(source, spec)?;
    let edge_names = edge_names(spec);
    let draft = resolver.draft(&edge_names)?;
    let place_of = |task: usize| source.locate(&[TASKS, Step::Index(task), NAME]);
    let order = match spec.order {
        Order::Sorted => draft.sort_or_fail(place_of)?,
        Order::Listed => resolver.listed(&draft)?,
    };
    draft.build(&order, source.file, place_of)
}

/// `from->to` of all edges that are objects, one after the other in one text.
fn edge_names(spec: &TaskGraphFile<'_>) -> String {
    let mut names = String::new();
    for edge in spec.edges.iter().filter(|e| e.bytes.is_some()) {
        names.push_str(&edge.from);
        names.push_str("->");
        names.push_str(&edge.to);
    }
    names
}

/// Names to numbers.
struct Resolver<'s> {
    source: &'s Source<'s>,
    spec: &'s TaskGraphFile<'s>,
    tasks: Names<'s>,
    objects: Names<'s>,
    kernels: Names<'s>,
    gangs: Names<'s>,
    columns: Names<'s>,
}

impl<'s> Resolver<'s> {
    fn new(source: &'s Source<'s>, spec: &'s TaskGraphFile<'s>) -> Result<Self, ImportError> {
        let mut resolver = Self {
            source,
            spec,
            tasks: Names::with_capacity(spec.tasks.len()),
            objects: Names::with_capacity(spec.objects.len()),
            kernels: Names::with_capacity(0),
            gangs: Names::with_capacity(0),
            columns: Names::with_capacity(spec.columns.len()),
        };
        let duplicate = |what, path: &[Step<'_>], name: &str| {
            let place = source.locate(path);
            Err(ImportError::Duplicate { place, what, name: name.to_owned() })
        };
        for (i, column) in spec.columns.iter().enumerate() {
            if !resolver.columns.insert(column).1 {
                let path = [Step::Key(&["columns"]), Step::Index(i)];
                return duplicate("column", &path, column);
            }
        }
        for (i, object) in spec.objects.iter().enumerate() {
            if !resolver.objects.insert(&object.name).1 {
                let path = [Step::Key(&["objects"]), Step::Index(i), NAME];
                return duplicate("object", &path, &object.name);
            }
        }
        for (i, task) in spec.tasks.iter().enumerate() {
            if !resolver.tasks.insert(&task.name).1 {
                return duplicate("task", &[TASKS, Step::Index(i), NAME], &task.name);
            }
            resolver.kernels.insert(kernel_of(task));
            if let Some(gang) = &task.gang {
                resolver.gangs.insert(gang);
            }
            resolver.add_columns(i, task)?;
        }
        Ok(resolver)
    }

    /// The columns of a task's cost table; new ones only when the file does not list them itself.
    fn add_columns(&mut self, i: usize, task: &'s TaskEntry<'s>) -> Result<(), ImportError> {
        let CostEntry::Table(table) = &task.cost else { return Ok(()) };
        let is_open = self.spec.columns.is_empty();
        for (name, _) in table {
            if !is_open && self.columns.get(name).is_none() {
                let place = self.source.locate(&[TASKS, Step::Index(i), Step::Key(&["cost"])]);
                return Err(unknown(place, task, "column", name, &self.columns));
            }
            self.columns.insert(name);
        }
        Ok(())
    }

    fn draft<'n>(&self, edge_names: &'n str) -> Result<Draft<'n>, ImportError>
    where
        's: 'n,
    {
        let (kernels, columns) = (self.kernels.all(), self.columns.all());
        let gangs = self.gangs.all().len() as u32;
        let mut draft = Draft::new(&self.spec.name, kernels, columns, gangs);
        draft.objects.reserve_exact(self.spec.objects.len() + self.spec.edges.len());
        draft.objects.extend(self.spec.objects.iter().map(|object| ObjectSpec {
            name: &object.name,
            bytes: object.bytes.0,
            home: object.home,
            initial: object.initial,
            keep: object.keep,
            held: false,
        }));
        draft.tasks.reserve_exact(self.spec.tasks.len());
        for (i, task) in self.spec.tasks.iter().enumerate() {
            self.add_task(i, task, &mut draft)?;
        }
        self.add_edges(&mut draft, edge_names)?;
        Ok(draft)
    }

    fn add_task<'n>(
        &self,
        i: usize,
        task: &'s TaskEntry<'s>,
        draft: &mut Draft<'n>,
    ) -> Result<(), ImportError>
    where
        's: 'n,
    {
        let known = "the first pass found it";
        let cost = self.cost(&task.cost, &mut draft.graph);
        draft.tasks.push(DraftTask {
            name: &task.name,
            kernel: KernelId(self.kernels.get(kernel_of(task)).expect(known)),
            shape: task.shape.0,
            params: &task.params,
            cost,
            cores: task.cores,
            scratch_bytes: task.scratch_bytes.0,
            gang: task.gang.as_ref().map(|gang| GangId(self.gangs.get(gang).expect(known))),
        });
        let list = |key| [TASKS, Step::Index(i), Step::Key(key)];
        for (at, access) in task.accesses.iter().enumerate() {
            let (object, mode) = access.parts();
            let Some(object) = self.objects.get(object) else {
                let path = [&list(&["accesses"])[..], &[Step::Index(at), OBJECT]].concat();
                let place = self.source.locate(&path);
                return Err(unknown(place, task, "object", object, &self.objects));
            };
            draft.accesses.push((i as u32, object, mode));
        }
        for (at, before) in task.after.iter().enumerate() {
            let Some(before) = self.tasks.get(before) else {
                let path = [&list(&["after"])[..], &[Step::Index(at)]].concat();
                let place = self.source.locate(&path);
                return Err(unknown(place, task, "task", before, &self.tasks));
            };
            draft.control.push((before, i as u32));
        }
        Ok(())
    }

    fn cost(&self, cost: &CostEntry<'_>, graph: &mut TaskGraph) -> Cost {
        match cost {
            CostEntry::Work(work) => Cost::Work(*work),
            CostEntry::Table(table) => {
                let mut row = vec![Ns::MAX; self.columns.all().len()];
                for (name, ns) in table {
                    let column = self.columns.get(name).expect("the first pass found it");
                    row[column as usize] = *ns;
                }
                graph.add_cost_row(&row).expect("the row is as wide as there are columns")
            }
        }
    }

    fn add_edges<'n>(&self, draft: &mut Draft<'n>, mut names: &'n str) -> Result<(), ImportError> {
        for (i, edge) in self.spec.edges.iter().enumerate() {
            let end = |key: &'static [&'static str], name: &Text<'_>| {
                self.tasks.get(name).ok_or_else(|| ImportError::Unknown {
                    place: self.source.locate(&[
                        Step::Key(&["edges"]),
                        Step::Index(i),
                        Step::Key(key),
                    ]),
                    owner: format!("edge {}", i + 1),
                    what: "task",
                    name: name.to_string(),
                    nearest: nearest(name, self.tasks.all().iter().copied()),
                })
            };
            let (from, to) = (end(&["from"], &edge.from)?, end(&["to"], &edge.to)?);
            let Some(bytes) = edge.bytes else {
                draft.control.push((from, to));
                continue;
            };
            let (name, rest) = names.split_at(edge.from.len() + "->".len() + edge.to.len());
            names = rest;
            if from == to {
                // A loop, which sorting is to find.
                draft.control.push((from, to));
            }
            let object = draft.objects.len() as u32;
            draft.objects.push(ObjectSpec { name, bytes: bytes.0, ..ObjectSpec::default() });
            draft.accesses.push((from, object, Mode::Write));
            draft.accesses.push((to, object, Mode::Read));
        }
        Ok(())
    }

    /// The order of the file, where no task comes before one that it names.
    fn listed(&self, draft: &Draft<'_>) -> Result<Vec<u32>, ImportError> {
        if let Some(&(from, to)) = draft.control.iter().find(|(from, to)| from >= to) {
            let name = |task: u32| self.tasks.all()[task as usize].to_owned();
            let place = self.source.locate(&[TASKS, Step::Index(to as usize), NAME]);
            let hint = "list it first, or leave out \"order: listed\"";
            return Err(ImportError::Order { place, task: name(to), after: name(from), hint });
        }
        Ok((0..draft.tasks.len() as u32).collect())
    }
}

fn kernel_of<'t>(task: &'t TaskEntry<'_>) -> &'t str {
    task.kernel.as_ref().map_or(DEFAULT_KERNEL, |kernel| kernel)
}

fn unknown(
    place: Place,
    task: &TaskEntry<'_>,
    what: &'static str,
    name: &str,
    known: &Names<'_>,
) -> ImportError {
    ImportError::Unknown {
        place,
        owner: format!("task {:?}", &*task.name),
        what,
        name: name.to_owned(),
        nearest: nearest(name, known.all().iter().copied()),
    }
}
