//! The problem as the exact search sees it: one-core tasks on processors (lanes), flat tables.

use runtime::cluster::Capacity;
use runtime::graph::Mode;
use runtime::{LaneId, Ns, Problem, TaskId};

/// "Never": later than any time that occurs, and far from overflow when added up.
pub const NEVER: i64 = 1 << 58;

/// Pairs of processors, over all dependencies, beyond which a single look at them takes too long.
const MAX_TRANSFERS: usize = 400_000;

/// Why a problem is outside of what the search can prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// Tasks that start together.
    #[error("it has gangs")]
    Gangs,
    /// Tasks of several cores.
    #[error("it has tasks of several cores")]
    Cores,
    /// Accesses that exclude others without an order, or need one memory.
    #[error("it has commutative, reduce or racy accesses")]
    Shared,
    /// Devices whose lanes share one capacity.
    #[error("it has devices whose lanes share one capacity")]
    SharedDevices,
    /// Too many tasks, or dependencies times pairs of processors.
    #[error(
        "it has {tasks} tasks on {processors} processors; the limits are {limit} tasks and \
         {MAX_TRANSFERS} dependencies times pairs of processors"
    )]
    TooLarge {
        /// Tasks to be planned.
        tasks: usize,
        /// Lanes.
        processors: usize,
        /// Most tasks.
        limit: usize,
    },
    /// Times beyond what the search can add up.
    #[error("its times exceed {} ns", NEVER)]
    TooLong,
}

/// A dependency with what it costs between any two processors.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The earlier task.
    pub from: usize,
    /// The later one.
    pub to: usize,
    /// By processor of the earlier and of the later task, in ns.
    pub transfer: Vec<i64>,
}

/// Tasks `0 .. n` in a topological order, processors `0 .. m`.
#[derive(Clone, Debug)]
pub struct Model {
    /// Number of tasks.
    pub n: usize,
    /// Number of processors.
    pub m: usize,
    /// The tasks in the problem's numbering.
    pub tasks: Vec<TaskId>,
    /// By task and processor; [`NEVER`] where it cannot run.
    pub duration: Vec<i64>,
    /// By task and processor: no schedule starts it there earlier.
    pub head: Vec<i64>,
    /// By task and processor: at least this passes after its end there.
    pub tail: Vec<i64>,
    /// By task and processor: what bringing its kept results home takes.
    pub home: Vec<i64>,
    /// All dependencies between tasks to be planned, one per pair of tasks.
    pub edges: Vec<Edge>,
    /// By task: its edges to later tasks.
    pub out: Vec<Vec<u32>>,
    /// By task: its edges from earlier ones.
    pub into: Vec<Vec<u32>>,
    /// By pair of tasks: whether the first must end before the second starts.
    before: Vec<bool>,
}

impl Model {
    /// Reads a problem.
    ///
    /// # Errors
    /// [`Unsupported`] when it holds what the search does not know, or more than `limit` tasks.
    pub fn new(problem: &Problem<'_>, limit: usize) -> Result<Self, Unsupported> {
        let (n, m) = (problem.tasks.len(), problem.cluster.lane_count());
        let transfers = (n + problem.graph.edge_count()).saturating_mul(m * m);
        if n > limit || transfers > MAX_TRANSFERS {
            return Err(Unsupported::TooLarge { tasks: n, processors: m, limit });
        }
        check(problem)?;
        let mut model = Self {
            n,
            m,
            tasks: problem.tasks.clone(),
            duration: vec![NEVER; n * m],
            head: vec![0; n * m],
            tail: vec![0; n * m],
            home: vec![0; n * m],
            edges: Vec::new(),
            out: vec![Vec::new(); n],
            into: vec![Vec::new(); n],
            before: vec![false; n * n],
        };
        model.read_tasks(problem);
        model.read_edges(problem);
        model.close();
        let longest = model.longest();
        if longest >= NEVER / 8 {
            return Err(Unsupported::TooLong);
        }
        model.heads();
        model.tails();
        Ok(model)
    }

    /// Whether task `i` must end before task `j` starts.
    #[inline]
    pub fn is_before(&self, i: usize, j: usize) -> bool {
        self.before[i * self.n + j]
    }

    /// Whether the task can run on the processor.
    #[inline]
    pub fn is_able(&self, i: usize, p: usize) -> bool {
        self.duration[i * self.m + p] != NEVER
    }

    fn read_tasks(&mut self, problem: &Problem<'_>) {
        let cluster = problem.cluster;
        let last_write = last_writes(problem);
        for (i, &task) in problem.tasks.iter().enumerate() {
            for p in 0..self.m {
                let lane = LaneId::from_index(p);
                let device = cluster.device_of(lane);
                let here = cluster.memory_of(device);
                let capacity = cluster.memory(here).capacity_bytes;
                let is_fit = capacity.is_none_or(|c| problem.graph.working_set_bytes(task) <= c);
                let duration = problem.costs.duration_ns(task, device).filter(|_| is_fit);
                let at = i * self.m + p;
                self.duration[at] = duration.map_or(NEVER, time);
                let mut ready_ns = problem.lane_free_ns(lane);
                for edge in problem.graph.incoming(task) {
                    if let Some(fixed) = problem.fixed(edge.from) {
                        let from = cluster.memory_of(fixed.device);
                        let bytes = edge.object.map(|o| problem.graph.object(o).bytes);
                        let transfer = bytes.map_or(0, |b| cluster.transfer_ns(from, here, b));
                        ready_ns = ready_ns.max(fixed.finish_ns.saturating_add(transfer));
                    }
                }
                for access in problem.graph.accesses(task) {
                    let object = problem.graph.object(access.object);
                    let home = cluster.home(object.home);
                    if access.mode.reads() && access.version == 0 {
                        let transfer = cluster.transfer_ns(home, here, object.bytes);
                        ready_ns = ready_ns.max(problem.now_ns.saturating_add(transfer));
                    }
                    let is_last = last_write[access.object.index()] == access.version;
                    if access.mode.writes() && object.keep && is_last {
                        let transfer = time(cluster.transfer_ns(here, home, object.bytes));
                        self.home[at] = self.home[at].max(transfer);
                    }
                }
                self.head[at] = time(ready_ns);
                if self.head[at] == NEVER || self.home[at] == NEVER {
                    self.duration[at] = NEVER;
                }
            }
        }
    }

    fn read_edges(&mut self, problem: &Problem<'_>) {
        let cluster = problem.cluster;
        let mut number = vec![usize::MAX; problem.graph.len()];
        problem.tasks.iter().enumerate().for_each(|(i, t)| number[t.index()] = i);
        let memory = |p| cluster.memory_of(cluster.device_of(LaneId::from_index(p)));
        for (to, &task) in problem.tasks.iter().enumerate() {
            for edge in problem.graph.incoming(task) {
                let from = number[edge.from.index()];
                if from == usize::MAX {
                    continue;
                }
                // Edges of one pair stand side by side.
                let is_new = self.edges.last().is_none_or(|e| (e.from, e.to) != (from, to));
                if is_new {
                    let at = self.edges.len() as u32;
                    self.out[from].push(at);
                    self.into[to].push(at);
                    let transfer = vec![0; self.m * self.m];
                    self.edges.push(Edge { from, to, transfer });
                }
                let Some(object) = edge.object else { continue };
                let bytes = problem.graph.object(object).bytes;
                let last = self.edges.last_mut().expect("it was just put there");
                for (at, transfer) in last.transfer.iter_mut().enumerate() {
                    let (p, q) = (at / self.m, at % self.m);
                    let ns = cluster.transfer_ns(memory(p), memory(q), bytes);
                    *transfer = (*transfer).max(time(ns));
                }
            }
        }
    }

    /// The transitive closure of the dependencies.
    fn close(&mut self) {
        let n = self.n;
        for j in 0..n {
            for &e in &self.into[j] {
                let i = self.edges[e as usize].from;
                for h in 0..n {
                    if h == i || self.before[h * n + i] {
                        self.before[h * n + j] = true;
                    }
                }
            }
        }
    }

    fn heads(&mut self) {
        let m = self.m;
        for j in 0..self.n {
            for &e in &self.into[j] {
                let edge = &self.edges[e as usize];
                for q in 0..m {
                    let able = (0..m).filter(|p| self.is_able(edge.from, *p));
                    let arrival = able.map(|p| {
                        let at = edge.from * m + p;
                        self.head[at] + self.duration[at] + edge.transfer[p * m + q]
                    });
                    let least = arrival.min().unwrap_or(NEVER).min(NEVER);
                    self.head[j * m + q] = self.head[j * m + q].max(least);
                }
            }
        }
    }

    fn tails(&mut self) {
        let m = self.m;
        for i in (0..self.n).rev() {
            for p in 0..m {
                let mut tail = self.home[i * m + p];
                for &e in &self.out[i] {
                    let edge = &self.edges[e as usize];
                    let able = (0..m).filter(|q| self.is_able(edge.to, *q));
                    let rest = able.map(|q| {
                        let at = edge.to * m + q;
                        edge.transfer[p * m + q] + self.duration[at] + self.tail[at]
                    });
                    tail = tail.max(rest.min().unwrap_or(NEVER)).min(NEVER);
                }
                self.tail[i * m + p] = tail;
            }
        }
    }

    /// A time by which everything could be done, one task after the other in the slowest way.
    fn longest(&self) -> i64 {
        let slowest = |row: &[i64]| row.iter().copied().filter(|d| *d != NEVER).max().unwrap_or(0);
        let all = |table: &Vec<i64>| table.chunks(self.m.max(1)).map(slowest).fold(0, add);
        let moves = self.edges.iter().map(|e| slowest(&e.transfer)).fold(0, add);
        let heads = slowest(&self.head);
        [all(&self.duration), all(&self.home), moves, heads].into_iter().fold(0, add)
    }
}

fn add(a: i64, b: i64) -> i64 {
    a.saturating_add(b)
}

fn time(ns: Ns) -> i64 {
    i64::try_from(ns).unwrap_or(NEVER).min(NEVER)
}

fn check(problem: &Problem<'_>) -> Result<(), Unsupported> {
    let Problem { graph, cluster, .. } = *problem;
    let devices = cluster.device_ids().map(|d| cluster.device(d));
    if devices.into_iter().any(|d| d.capacity == Capacity::Shared && d.lanes > 1) {
        return Err(Unsupported::SharedDevices);
    }
    for &task in &problem.tasks {
        if graph.task(task).gang.is_some() {
            return Err(Unsupported::Gangs);
        }
        if graph.task(task).cores != 1 {
            return Err(Unsupported::Cores);
        }
        if graph.accesses(task).iter().any(|a| Mode::is_group(a.mode)) {
            return Err(Unsupported::Shared);
        }
    }
    Ok(())
}

/// By object: the version that its last writer sees.
fn last_writes(problem: &Problem<'_>) -> Vec<u32> {
    let mut last = vec![0; problem.graph.object_count()];
    for task in problem.graph.task_ids() {
        for access in problem.graph.accesses(task).iter().filter(|a| a.mode.writes()) {
            let version = &mut last[access.object.index()];
            *version = access.version.max(*version);
        }
    }
    last
}
