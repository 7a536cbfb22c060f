//! From what was read to a graph: the names that had to wait, the cost tables, the order.

use super::load::{Loaded, Tasks};
use super::spec::Order;
use crate::import::draft::{self, Draft, DraftEdge, TaskList};
use crate::import::error::{ImportError, Place, nearest};
use crate::import::names::Names;
use crate::import::source::{Source, Step};
use runtime::Ns;
use runtime::graph::{ObjectSpec, TaskGraph};

pub(super) const TASKS: Step<'static> = Step::Key(&["tasks"]);
pub(super) const NAME: Step<'static> = Step::Key(&["name"]);
/// The object of an access, whatever the mode.
const OBJECT: Step<'static> =
    Step::Key(&["read", "write", "read_write", "commutative", "reduce", "racy"]);

/// The graph that a file describes.
pub(super) fn graph(source: &Source<'_>, mut loaded: Loaded<'_>) -> Result<TaskGraph, ImportError> {
    resolve_accesses(source, &mut loaded)?;
    resolve_control(source, &mut loaded)?;
    resolve_edges(source, &mut loaded)?;
    let columns = Columns::new(source, &loaded)?;
    let Loaded { name, order, objects, object_rows, tasks, accesses, control, edges, .. } = loaded;
    let (kernels, gangs) = (&tasks.kernels, tasks.gangs.len());
    let graph = draft::with_names(&name, kernels, columns.names.clone(), gangs);
    let mut draft = Draft::new(graph, tasks);
    columns.add_rows(&draft.tasks, &mut draft.graph);
    draft.objects = (objects.iter().zip(&object_rows))
        .map(|(name, row)| ObjectSpec {
            name,
            bytes: row.bytes,
            home: row.home,
            initial: row.initial,
            keep: row.keep,
            held: false,
        })
        .collect();
    (draft.accesses, draft.control, draft.edges) = (accesses, control, edges);
    let place_of = |task: usize| source.locate(&[TASKS, Step::Index(task), NAME]);
    let order = match order {
        Order::Sorted => draft.sort(place_of)?,
        Order::Listed => listed(&draft, place_of)?,
    };
    draft.build(&order, source.file, place_of)
}

fn resolve_accesses(source: &Source<'_>, loaded: &mut Loaded<'_>) -> Result<(), ImportError> {
    for (position, at, name) in std::mem::take(&mut loaded.late_accesses) {
        let access = &mut loaded.accesses[position as usize];
        let Some(object) = loaded.objects.get(&name) else {
            let task = access.0;
            let path = [
                TASKS,
                Step::Index(task as usize),
                Step::Key(&["accesses"]),
                Step::Index(at as usize),
                OBJECT,
            ];
            return Err(unknown(
                source,
                &path,
                &loaded.tasks,
                task,
                "object",
                &name,
                &loaded.objects,
            ));
        };
        access.1 = object;
    }
    Ok(())
}

fn resolve_control(source: &Source<'_>, loaded: &mut Loaded<'_>) -> Result<(), ImportError> {
    for (position, at, name) in std::mem::take(&mut loaded.late_control) {
        let pair = &mut loaded.control[position as usize];
        let tasks = &loaded.tasks;
        let Some(before) = tasks.names.get(&name) else {
            let path = [
                TASKS,
                Step::Index(pair.1 as usize),
                Step::Key(&["after"]),
                Step::Index(at as usize),
            ];
            return Err(unknown(source, &path, tasks, pair.1, "task", &name, &tasks.names));
        };
        pair.0 = before;
    }
    Ok(())
}

fn resolve_edges(source: &Source<'_>, loaded: &mut Loaded<'_>) -> Result<(), ImportError> {
    let tasks = &loaded.tasks.names;
    for (number, edge) in std::mem::take(&mut loaded.late_edges) {
        let end = |key: &'static [&'static str], name: &str| {
            tasks.get(name).ok_or_else(|| ImportError::Unknown {
                place: source.locate(&[
                    Step::Key(&["edges"]),
                    Step::Index(number as usize),
                    Step::Key(key),
                ]),
                owner: format!("edge {}", number + 1),
                what: "task",
                name: name.to_owned(),
                nearest: nearest(name, tasks.iter()),
            })
        };
        let (from, to) = (end(&["from"], &edge.from)?, end(&["to"], &edge.to)?);
        match edge.bytes {
            None => loaded.control.push((from, to)),
            Some(bytes) => loaded.edges.push(DraftEdge { from, to, bytes: bytes.0 }),
        }
    }
    Ok(())
}

fn unknown(
    source: &Source<'_>,
    path: &[Step<'_>],
    tasks: &Tasks<'_>,
    task: u32,
    what: &'static str,
    name: &str,
    known: &Names<'_>,
) -> ImportError {
    ImportError::Unknown {
        place: source.locate(path),
        owner: format!("task {:?}", tasks.names.name(task)),
        what,
        name: name.to_owned(),
        nearest: nearest(name, known.iter()),
    }
}

/// The columns of the graph's cost tables.
struct Columns {
    names: Vec<String>,
    /// For each column that a table names its number among all.
    number_of: Vec<u32>,
}

impl Columns {
    /// Those that the file lists, or else those that tables name.
    fn new(source: &Source<'_>, loaded: &Loaded<'_>) -> Result<Self, ImportError> {
        let mut listed = Names::with_capacity(loaded.columns.len());
        for (i, column) in loaded.columns.iter().enumerate() {
            if !listed.insert(&**column).1 {
                let place = source.locate(&[Step::Key(&["columns"]), Step::Index(i)]);
                let name = column.to_string();
                return Err(ImportError::Duplicate { place, what: "column", name });
            }
        }
        let tasks = &loaded.tasks;
        let all = if listed.len() == 0 { &tasks.columns } else { &listed };
        let number = |(used, name): (u32, &str)| {
            all.get(name).ok_or_else(|| {
                let task = tasks.first_with_column(used);
                let path = [TASKS, Step::Index(task as usize), Step::Key(&["cost"])];
                unknown(source, &path, tasks, task, "column", name, &listed)
            })
        };
        let number_of = (0..).zip(tasks.columns.iter()).map(number).collect::<Result<_, _>>()?;
        Ok(Self { names: all.iter().map(str::to_owned).collect(), number_of })
    }

    /// Adds the rows of all tables.
    fn add_rows(&self, tasks: &Tasks<'_>, graph: &mut TaskGraph) {
        let mut row = vec![Ns::MAX; self.names.len()];
        for entries in tasks.tables() {
            row.fill(Ns::MAX);
            for (used, ns) in entries {
                row[self.number_of[*used as usize] as usize] = *ns;
            }
            graph.add_cost_row(&row).expect("the row is as wide as there are columns");
        }
    }
}

/// The order of the file, where no task comes before one that it names.
fn listed(
    draft: &Draft<'_, Tasks<'_>>,
    place_of: impl Fn(usize) -> Place,
) -> Result<Vec<u32>, ImportError> {
    let edges = draft.edges.iter().map(|edge| (edge.from, edge.to));
    if let Some((from, to)) = draft.control.iter().copied().chain(edges).find(|(a, b)| a >= b) {
        let name = |task: u32| draft.tasks.names.name(task).to_owned();
        let hint = "list it first, or leave out \"order: listed\"";
        let place = place_of(to as usize);
        return Err(ImportError::Order { place, task: name(to), after: name(from), hint });
    }
    Ok((0..draft.tasks.len() as u32).collect())
}
