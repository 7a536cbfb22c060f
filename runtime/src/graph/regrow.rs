//! Growing a graph as a recorded one grew.

use super::{GraphError, ObjectSpec, TaskGraph, TaskSpec};
use crate::{KernelId, ObjectId, TaskId};

impl TaskGraph {
    /// Adds the next `objects` objects and the next `tasks` tasks that `grown` has, a graph that
    /// began like this one; of the new objects those of `held`, which is sorted, are held. Less is
    /// added where `grown` ends before.
    ///
    /// # Errors
    /// Any [`GraphError`], when `grown` did not begin like this graph.
    pub fn regrow(
        &mut self,
        grown: &TaskGraph,
        (tasks, objects): (usize, usize),
        held: &[ObjectId],
    ) -> Result<(), GraphError> {
        for at in self.kernels.len()..grown.kernels.len() {
            self.kernel(grown.kernel_name(KernelId::from_index(at)));
        }
        if self.columns.is_empty() {
            self.columns.clone_from(&grown.columns);
        }
        let rows = grown.tables.get(self.tables.len()..).unwrap_or_default();
        self.tables.extend_from_slice(rows);
        self.gangs = self.gangs.max(grown.gangs);
        let first = self.object_count();
        for at in first..(first + objects).min(grown.object_count()) {
            let id = ObjectId::from_index(at);
            let object = grown.object(id);
            self.add_object(ObjectSpec {
                name: grown.object_names.get(at),
                bytes: object.bytes,
                home: object.home,
                initial: object.initial,
                keep: object.keep,
                held: object.held || held.binary_search(&id).is_ok(),
            })?;
        }
        let first = self.len();
        for at in first..(first + tasks).min(grown.len()) {
            self.submit_copy(grown, TaskId::from_index(at))?;
        }
        Ok(())
    }

    fn submit_copy(&mut self, from: &TaskGraph, id: TaskId) -> Result<TaskId, GraphError> {
        let task = from.task(id);
        let accesses: Vec<_> = from.accesses(id).iter().map(|a| (a.object, a.mode)).collect();
        // Inferred order-only edges come back by inference; listing them too changes nothing.
        let control = from.incoming(id).iter().filter(|e| e.object.is_none());
        let after: Vec<TaskId> = control.map(|e| e.from).collect();
        self.submit(TaskSpec {
            name: from.task_names.get(id.index()),
            kernel: task.kernel,
            shape: task.shape,
            params: from.params(id),
            cost: task.cost,
            cores: task.cores,
            scratch_bytes: task.scratch_bytes,
            occupancy_ppm: task.occupancy_ppm,
            gang: task.gang,
            accesses: &accesses,
            after: &after,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mode;

    #[test]
    fn a_graph_that_grows_in_pieces_ends_as_the_recorded_one() {
        let mut whole = TaskGraph::new("g");
        let kernel = whole.kernel("k");
        let mut counts = Vec::new();
        for at in 0..4u32 {
            let spec = ObjectSpec { bytes: 8, initial: at % 2 == 0, ..Default::default() };
            let object = whole.add_object(spec).unwrap();
            let first = ObjectId(0);
            let accesses = [(first, Mode::ReadWrite), (object, Mode::Write)];
            whole.submit(TaskSpec { accesses: &accesses, ..TaskSpec::new(kernel) }).unwrap();
            let read = [(object, Mode::Read)];
            let after = [TaskId(0)];
            let spec = TaskSpec { accesses: &read, after: &after, ..TaskSpec::new(kernel) };
            whole.submit(spec).unwrap();
            counts.push((2, 1));
        }
        let mut pieces = TaskGraph::new("g");
        for count in counts {
            pieces.regrow(&whole, count, &[ObjectId(2)]).unwrap();
        }
        assert_eq!(pieces.to_plain(), whole.to_plain());
        for task in whole.task_ids() {
            assert_eq!(pieces.incoming(task), whole.incoming(task));
        }
        assert!(pieces.object(ObjectId(2)).held && !pieces.object(ObjectId(1)).held);
        pieces.regrow(&whole, (5, 5), &[]).unwrap();
        assert_eq!(pieces.len(), whole.len(), "there is nothing more to copy");
    }
}
