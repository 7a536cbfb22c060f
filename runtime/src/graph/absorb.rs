//! Several graphs as one.

use super::{GraphError, ObjectSpec, TaskGraph, TaskSpec};
use crate::cost::Cost;
use crate::{GangId, KernelId, Ns, ObjectId, TaskId};

impl TaskGraph {
    /// Adds everything that another graph has, apart from what is there: its objects and tasks
    /// follow in their order, and nothing of one graph depends on the other. Kernels and columns of
    /// cost tables that have one name are one; where a graph has no column of a device or class
    /// that the other one has, its tabled tasks cannot run there, as they could not before.
    ///
    /// Linear in the graph that is added, and in the cost tables of both where columns are new.
    ///
    /// # Errors
    /// Any [`GraphError`]; none for a graph that was itself built by submission.
    pub fn absorb(&mut self, other: &TaskGraph) -> Result<(), GraphError> {
        let kernels: Vec<KernelId> = other.kernels.iter().map(|name| self.kernel(name)).collect();
        let first_row = self.absorb_tables(other);
        let (first_object, first_task, first_gang) =
            (self.object_count() as u32, self.len() as u32, self.gangs);
        self.gangs += other.gangs;
        for id in other.object_ids() {
            let object = other.object(id);
            self.add_object(ObjectSpec {
                name: other.object_names.get(id.index()),
                bytes: object.bytes,
                home: object.home,
                initial: object.initial,
                keep: object.keep,
                held: object.held,
            })?;
        }
        let (mut accesses, mut after) = (Vec::new(), Vec::new());
        for id in other.task_ids() {
            let task = other.task(id);
            accesses.clear();
            let moved = |o: ObjectId| ObjectId(o.0 + first_object);
            accesses.extend(other.accesses(id).iter().map(|a| (moved(a.object), a.mode)));
            // Inferred order-only edges come back by inference; listing them too changes nothing.
            after.clear();
            let control = other.incoming(id).iter().filter(|e| e.object.is_none());
            after.extend(control.map(|e| TaskId(e.from.0 + first_task)));
            self.submit(TaskSpec {
                name: other.task_names.get(id.index()),
                kernel: kernels[task.kernel.index()],
                shape: task.shape,
                params: other.params(id),
                cost: match task.cost {
                    Cost::Table(row) => Cost::Table(row + first_row),
                    work @ Cost::Work(_) => work,
                },
                cores: task.cores,
                scratch_bytes: task.scratch_bytes,
                occupancy_ppm: task.occupancy_ppm,
                gang: task.gang.map(|gang| GangId(gang.0 + first_gang)),
                accesses: &accesses,
                after: &after,
            })?;
        }
        Ok(())
    }

    /// Adds the cost tables of another graph; returns the number of its first row.
    fn absorb_tables(&mut self, other: &TaskGraph) -> u32 {
        let mut columns = self.columns.clone();
        let is_new = |name: &&String| !self.columns.contains(name);
        columns.extend(other.columns.iter().filter(is_new).cloned());
        let rows = |graph: &TaskGraph| graph.tables.len().checked_div(graph.columns.len());
        let (own, more) = (rows(self).unwrap_or(0), rows(other).unwrap_or(0));
        if columns.len() > self.columns.len() {
            self.tables = (0..own).flat_map(|row| widened(self, row as u32, &columns)).collect();
            self.columns = columns;
        }
        for row in 0..more {
            let widened = widened(other, row as u32, &self.columns);
            self.tables.extend(widened);
        }
        own as u32
    }
}

/// A row of a graph's cost tables under other columns.
fn widened(graph: &TaskGraph, row: u32, columns: &[String]) -> Vec<Ns> {
    let durations_ns = graph.cost_row(row);
    let at = |name: &String| graph.columns.iter().position(|c| c == name);
    columns.iter().map(|name| at(name).map_or(Ns::MAX, |at| durations_ns[at])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    /// Three tasks over two objects, one of them tabled, two of them a gang.
    fn graph(kernel: &str, columns: &[&str]) -> TaskGraph {
        let mut graph = TaskGraph::new("g");
        graph.set_columns(columns);
        let kernel = graph.kernel(kernel);
        let rows: Vec<Ns> = (1..=columns.len() as Ns).collect();
        let table = graph.add_cost_row(&rows).unwrap();
        let spec = ObjectSpec { bytes: 8, initial: true, ..Default::default() };
        let (a, b) = (graph.add_object(spec).unwrap(), graph.add_object(spec).unwrap());
        let first = [(a, Mode::Write)];
        let spec = TaskSpec { cost: table, accesses: &first, ..TaskSpec::new(kernel) };
        let start = graph.submit(spec).unwrap();
        let gang = Some(graph.add_gang());
        for object in [a, b] {
            let accesses = [(object, Mode::Read)];
            let after = [start];
            let cost = Cost::Work(2.0);
            let spec = TaskSpec { cost, gang, accesses: &accesses, ..TaskSpec::new(kernel) };
            graph.submit(TaskSpec { after: &after, params: &[7], ..spec }).unwrap();
        }
        graph
    }

    #[test]
    fn absorbed_graphs_stand_side_by_side() {
        let (first, second) = (graph("k", &["cpu", "gpu"]), graph("other", &["tpu", "cpu"]));
        let mut both = TaskGraph::new("both");
        both.absorb(&first).unwrap();
        assert_eq!(both.to_plain().tasks, first.to_plain().tasks);
        both.absorb(&second).unwrap();
        both.absorb(&first).unwrap();
        assert_eq!((both.len(), both.object_count(), both.gang_count()), (9, 6, 3));
        assert_eq!(both.kernel_names(), ["k", "other"]);
        for (at, part) in [&first, &second, &first].into_iter().enumerate() {
            let (tasks, objects) = (3 * at as u32, 2 * at as u32);
            for id in part.task_ids() {
                let moved = TaskId(id.0 + tasks);
                let before: Vec<_> = both.predecessors(moved).map(|t| t.0 - tasks).collect();
                assert_eq!(before, part.predecessors(id).map(|t| t.0).collect::<Vec<_>>());
                let named = |g: &TaskGraph, t| g.kernel_name(g.task(t).kernel).to_owned();
                assert_eq!(named(&both, moved), named(part, id));
                let objects_of = both.accesses(moved).iter().map(|a| a.object.0 - objects);
                assert!(objects_of.eq(part.accesses(id).iter().map(|a| a.object.0)));
            }
            assert_eq!(both.task(TaskId(tasks + 1)).gang, Some(GangId(at as u32)));
        }
        assert_eq!(both.columns(), ["cpu", "gpu", "tpu"]);
        assert_eq!(both.cost_row(0), [1, 2, Ns::MAX]);
        assert_eq!(both.cost_row(1), [2, Ns::MAX, 1]);
        assert_eq!(both.task(TaskId(3)).cost, Cost::Table(1));
        assert_eq!(both.cost_row(2), both.cost_row(0));
    }
}
