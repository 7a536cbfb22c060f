//! Task graphs at random, known at once or growing while they run.

use runtime::executive::{Outcome, Program};
use runtime::graph::ObjectSpec;
use runtime::{Cost, Mode, Ns, ObjectId, TaskGraph, TaskId, TaskSpec};

/// SplitMix64 (Steele, Lea, Flood 2014), one stream per seed and purpose.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64, purpose: &str) -> Self {
        let hash = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        Self(purpose.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, hash))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end.max(1))) as u32
    }

    pub fn chance(&mut self, wins: u32, of: u32) -> bool {
        self.below(of) < wins
    }
}

/// What a random graph may have.
#[derive(Clone, Debug)]
pub struct GraphKnobs {
    pub seed: u64,
    pub tasks: u32,
    pub objects: u32,
    pub max_accesses: u32,
    pub has_commutative: bool,
    pub has_reduce: bool,
    pub has_racy: bool,
    pub has_control: bool,
    pub has_gangs: bool,
    pub has_scratch: bool,
    /// Some tasks run on one class of devices only.
    pub has_tables: bool,
    /// Most cores of a task, at most the lanes of the first device.
    pub max_cores: u32,
    /// Lanes of the cluster, at least: what a gang may take.
    pub lanes: u32,
    /// Tasks submitted per growth; `None` = all at once.
    pub growth: Option<u32>,
}

/// Submits random tasks, as many as asked for.
pub struct Grower {
    knobs: GraphKnobs,
    random: Random,
    /// When to grow; apart, so that the tasks are the same however they come.
    timing: Random,
    objects: Vec<ObjectId>,
    is_written: Vec<bool>,
    is_racy: Vec<bool>,
    submitted: u32,
}

impl Grower {
    /// An empty graph with its objects, and the grower of it.
    pub fn new(knobs: &GraphKnobs) -> (TaskGraph, Self) {
        let mut random = Random::new(knobs.seed, "graph");
        let mut graph = TaskGraph::new("random");
        graph.set_columns(&["a", "b"]);
        let mut grower = Self {
            knobs: knobs.clone(),
            random: random.clone(),
            timing: Random::new(knobs.seed, "growth"),
            objects: Vec::new(),
            is_written: Vec::new(),
            is_racy: Vec::new(),
            submitted: 0,
        };
        for _ in 0..knobs.objects {
            let initial = random.chance(2, 3);
            grower.is_written.push(initial);
            grower.is_racy.push(knobs.has_racy && random.chance(1, 4));
            let spec = ObjectSpec {
                name: "",
                bytes: u64::from(random.below(20)) * 10,
                home: random.below(3),
                initial,
                keep: random.chance(1, 2),
                held: knobs.growth.is_some(),
            };
            grower.objects.push(graph.add_object(spec).expect("no limits"));
        }
        grower.random = random;
        let first = knobs.growth.map_or(knobs.tasks, |g| g.max(1));
        grower.grow(&mut graph, first);
        (graph, grower)
    }

    fn grow(&mut self, graph: &mut TaskGraph, count: u32) {
        let end = self.knobs.tasks.min(self.submitted.saturating_add(count));
        while self.submitted < end {
            if self.knobs.has_gangs && self.random.chance(1, 6) {
                self.submit_gang(graph);
            } else {
                self.submit(graph);
            }
        }
        if self.submitted >= self.knobs.tasks {
            self.objects.iter().for_each(|o| graph.release(*o));
        }
    }

    fn submit(&mut self, graph: &mut TaskGraph) {
        let mut accesses = Vec::new();
        let mut has_racy = false;
        for _ in 0..self.random.below(self.knobs.max_accesses + 1) {
            let at = self.random.below(self.knobs.objects) as usize;
            let object = self.objects[at];
            if accesses.iter().any(|(o, _)| *o == object) {
                continue;
            }
            let mode = self.mode(at, has_racy);
            has_racy |= mode == Mode::Racy;
            self.is_written[at] |= mode.writes();
            accesses.push((object, mode));
        }
        let random = &mut self.random;
        let mut after = Vec::new();
        if self.knobs.has_control && self.submitted > 0 && random.chance(1, 4) {
            after.push(TaskId(random.below(self.submitted)));
        }
        let scratch = self.knobs.has_scratch && random.chance(1, 3);
        let cores = if has_racy { 1 } else { 1 + random.below(self.knobs.max_cores) };
        let scratch_bytes = if scratch { u64::from(random.below(100)) } else { 0 };
        let (work, row, dice) = (random.below(100), random.below(100), random.below(4));
        let cost = match dice {
            0 if self.knobs.has_tables && !has_racy && cores == 1 => {
                let row = [Ns::from(row), if row % 2 == 0 { Ns::MAX } else { 7 }];
                graph.add_cost_row(&row).expect("two columns")
            }
            _ => Cost::Work(f64::from(work)),
        };
        let kernel = graph.kernel("k");
        let (accesses, after) = (&accesses[..], &after[..]);
        let spec =
            TaskSpec { cost, cores, scratch_bytes, accesses, after, ..TaskSpec::new(kernel) };
        graph.submit(spec).expect("a valid task");
        self.submitted += 1;
    }

    fn mode(&mut self, object: usize, has_racy: bool) -> Mode {
        if !self.is_written[object] {
            return Mode::Write;
        }
        let knobs = &self.knobs;
        match self.random.below(9) {
            0..=2 => Mode::Read,
            3 => Mode::Write,
            4 => Mode::ReadWrite,
            5 | 6 if knobs.has_commutative => Mode::Commutative,
            7 if knobs.has_reduce => Mode::Reduce,
            // One racy object per task, so that one rule places all of its users together.
            8 if self.is_racy[object] && !has_racy => Mode::Racy,
            _ => Mode::Read,
        }
    }

    /// Members read at random and write objects of their own, so none waits for another.
    fn submit_gang(&mut self, graph: &mut TaskGraph) {
        let members = 1 + self.random.below(self.knobs.lanes.min(4));
        let gang = graph.add_gang();
        let kernel = graph.kernel("gang");
        for _ in 0..members {
            let at = self.random.below(self.knobs.objects) as usize;
            let bytes = u64::from(self.random.below(10)) * 10;
            let keep = self.random.chance(1, 2);
            let own = ObjectSpec { bytes, keep, ..Default::default() };
            let own = graph.add_object(own).expect("no limits");
            let mut accesses = vec![(own, Mode::Write)];
            if self.is_written[at] {
                accesses.push((self.objects[at], Mode::Read));
            }
            let cost = Cost::Work(f64::from(self.random.below(50)));
            let (accesses, gang) = (&accesses[..], Some(gang));
            let spec = TaskSpec { cost, accesses, gang, ..TaskSpec::new(kernel) };
            graph.submit(spec).expect("a valid task");
            self.submitted += 1;
        }
    }
}

impl Program for Grower {
    fn on_finished(&mut self, task: TaskId, _: &Outcome, graph: &mut TaskGraph) {
        // Grows when the last task known so far ends, and now and then before.
        let is_last = task.index() + 1 == graph.len();
        if self.submitted < self.knobs.tasks && (is_last || self.timing.chance(1, 3)) {
            self.grow(graph, self.knobs.growth.unwrap_or(u32::MAX));
        }
    }
}
