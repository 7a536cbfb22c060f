//! Sorting tasks topologically.

use super::draft::{Draft, Sharing, TaskList};
use runtime::graph::Mode;

/// Lists of values per key, in one array; within a list the values keep their order.
pub(super) struct Grouped<T> {
    starts: Vec<u32>,
    values: Vec<T>,
}

impl<T> Grouped<T> {
    pub fn of(&self, key: u32) -> &[T] {
        let (start, end) = (self.starts[key as usize], self.starts[key as usize + 1]);
        &self.values[start as usize..end as usize]
    }
}

/// Groups (key, value) pairs by key, which is below `keys`: one counting sort.
pub(super) fn group<T: Copy>(
    keys: usize,
    pairs: impl Iterator<Item = (u32, T)> + Clone,
) -> Grouped<T> {
    // Shifted by one while counting, so that the second pass ends with the starts in place.
    let mut starts = vec![0u32; keys + 2];
    let mut any = None;
    for (key, value) in pairs.clone() {
        starts[key as usize + 2] += 1;
        any = Some(value);
    }
    for key in 2..starts.len() {
        starts[key] += starts[key - 1];
    }
    let mut values = Vec::new();
    if let Some(any) = any {
        values.resize(starts[keys + 1] as usize, any);
    }
    for (key, value) in pairs {
        let at = &mut starts[key as usize + 1];
        values[*at as usize] = value;
        *at += 1;
    }
    Grouped { starts, values }
}

/// Kahn's algorithm with a first-in first-out queue; sources and successors in ascending order.
///
/// # Errors
/// A cycle when there is no order.
pub(super) fn kahn(tasks: usize, edges: &[(u32, u32)]) -> Result<Vec<u32>, Vec<u32>> {
    // Grouped by end first, so that grouping by start leaves every list in ascending order.
    let by_end = group(tasks, edges.iter().map(|e| (e.1, e.0)));
    let ends = (0..tasks as u32).flat_map(|to| by_end.of(to).iter().map(move |from| (*from, to)));
    let successors = group(tasks, ends);
    let mut waiting: Vec<u32> =
        (0..tasks as u32).map(|task| by_end.of(task).len() as u32).collect();
    let mut order: Vec<u32> = Vec::with_capacity(tasks);
    order.extend((0..tasks as u32).filter(|task| waiting[*task as usize] == 0));
    let mut done = 0;
    while let Some(&task) = order.get(done) {
        done += 1;
        for &next in successors.of(task) {
            waiting[next as usize] -= 1;
            if waiting[next as usize] == 0 {
                order.push(next);
            }
        }
    }
    match order.len() == tasks {
        true => Ok(order),
        false => Err(cycle(&by_end, &waiting)),
    }
}

/// A cycle among the tasks that never became ready: each of them waits for another one, so walking
/// backwards must come round.
fn cycle(predecessors: &Grouped<u32>, waiting: &[u32]) -> Vec<u32> {
    let is_stuck = |task: &u32| waiting[*task as usize] > 0;
    let mut seen_at = vec![u32::MAX; waiting.len()];
    let mut path = Vec::new();
    let mut task = (0..waiting.len() as u32).find(is_stuck).expect("some task never became ready");
    while seen_at[task as usize] == u32::MAX {
        seen_at[task as usize] = path.len() as u32;
        path.push(task);
        let before = predecessors.of(task).iter().copied().filter(is_stuck).min();
        task = before.expect("a stuck task waits for a stuck task");
    }
    // The walk went against the edges; the cycle starts with its first task in the file.
    let mut cycle = path.split_off(seen_at[task as usize] as usize);
    cycle.reverse();
    let first = (0..cycle.len()).min_by_key(|at| cycle[*at]).unwrap_or(0);
    cycle.rotate_left(first);
    cycle
}

/// Appends the order that accesses impose, as [`runtime::TaskGraph`] will infer it.
///
/// The accesses of an object count in the order of the file, except that the content of an object
/// that is not initial begins with its first plain write, wherever that is listed. Sorting keeps
/// the order of any two accesses that conflict, so the graph infers the same dependencies from the
/// sorted tasks.
pub(super) fn data_edges<T: TaskList>(draft: &Draft<'_, T>, edges: &mut Vec<(u32, u32)>) {
    let pairs = draft.accesses.iter().map(|&(task, object, mode)| (object, (task, mode)));
    let by_object = group(draft.objects.len(), pairs);
    let mut phases = Phases::default();
    for (object, spec) in draft.objects.iter().enumerate() {
        let accesses = by_object.of(object as u32);
        let first_write = accesses.iter().position(|a| a.1 == Mode::Write);
        let first = if spec.initial { None } else { first_write };
        let writers = accesses.iter().filter(|a| a.1.writes()).count();
        let writer = accesses.iter().find(|a| a.1.writes()).map(|a| a.0);
        let comes_first = first.is_some() || draft.sharing == Sharing::AsSorted;
        if let Some(writer) = writer.filter(|_| writers == 1 && comes_first) {
            let readers = accesses.iter().filter(|a| a.0 != writer);
            edges.extend(readers.map(|a| (writer, a.0)));
            continue;
        }
        if writers == 0 || (writers > 1 && draft.sharing == Sharing::AsSorted) {
            continue;
        }
        phases.clear();
        let rest = (0..accesses.len()).filter(|at| Some(*at) != first);
        for at in first.into_iter().chain(rest) {
            phases.add(accesses[at], edges);
        }
    }
}

/// The last accesses of one object: its last writer or group of writers, and the readers since.
#[derive(Default)]
struct Phases {
    writers: Vec<u32>,
    readers: Vec<u32>,
    /// What every member of the last group waits for.
    before: Vec<u32>,
    mode: Option<Mode>,
}

impl Phases {
    fn clear(&mut self) {
        self.writers.clear();
        self.readers.clear();
        self.before.clear();
        self.mode = None;
    }

    fn add(&mut self, (task, mode): (u32, Mode), edges: &mut Vec<(u32, u32)>) {
        // A task that names an object twice has both accesses joined and waits for nobody then.
        let mut wait = |from: &[u32]| {
            edges.extend(from.iter().filter(|from| **from != task).map(|from| (*from, task)));
        };
        if mode == Mode::Read {
            wait(&self.writers);
            self.readers.push(task);
            return;
        }
        let joins = mode.is_group() && self.mode == Some(mode) && self.readers.is_empty();
        if !joins {
            self.before.clear();
            self.before.append(&mut self.writers);
            self.before.append(&mut self.readers);
            self.mode = Some(mode);
        }
        wait(&self.before);
        self.writers.push(task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_first_in_first_out_in_file_order() {
        // 3 and 0 are sources; 2 waits for 3, 1 for both, 4 for 1.
        let edges = [(3, 2), (0, 1), (3, 1), (1, 4)];
        assert_eq!(kahn(5, &edges), Ok(vec![0, 3, 1, 2, 4]));
        assert_eq!(kahn(2, &[]), Ok(vec![0, 1]));
        assert_eq!(kahn(0, &[]), Ok(vec![]));
        // An edge that is there twice counts twice on both sides.
        assert_eq!(kahn(2, &[(1, 0), (1, 0)]), Ok(vec![1, 0]));
    }

    #[test]
    fn a_cycle_runs_along_its_edges_from_its_first_task() {
        assert_eq!(kahn(1, &[(0, 0)]), Err(vec![0]));
        // 0 -> 3 -> 1 -> 2 -> 3, and 4 behind it.
        let edges = [(0, 3), (3, 1), (1, 2), (2, 3), (2, 4)];
        assert_eq!(kahn(5, &edges), Err(vec![1, 2, 3]));
    }
}
