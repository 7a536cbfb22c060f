//! Graphs whose kernels check that they see the data a sequential run would show them.
//!
//! Every object holds one value, repeated in all of its words. The graph is run sequentially while
//! it is built; what each task must find is among its parameters.

use crate::schedulers::Random;
use runtime::graph::ObjectSpec;
use runtime::kernel::{KernelArgs, KernelBuffer, KernelError, KernelResult, KernelSet};
use runtime::{KernelId, Mode, ObjectId, TaskGraph, TaskId, TaskSpec};
use std::sync::atomic::Ordering;

const CHECK: i64 = 0;
const WRITE: i64 = 1;
const CHANGE: i64 = 2;
const ADD: i64 = 3;

/// A graph under construction and the values that its objects have by now.
pub struct Stamped {
    pub graph: TaskGraph,
    pub values: Vec<i64>,
    is_written: Vec<bool>,
    kernel: KernelId,
}

/// The value that an initial object has.
fn initial_value(object: ObjectId) -> i64 {
    1000 + i64::from(object.0)
}

/// Content of initial objects.
pub fn fill(object: ObjectId, bytes: &mut [u8]) {
    for word in bytes.chunks_exact_mut(8) {
        word.copy_from_slice(&initial_value(object).to_ne_bytes());
    }
}

/// The kernel `stamp`.
pub fn kernels() -> KernelSet {
    let mut kernels = KernelSet::default();
    kernels.insert("stamp", stamp);
    kernels
}

impl Stamped {
    pub fn new() -> Self {
        let mut graph = TaskGraph::new("stamps");
        let kernel = graph.kernel("stamp");
        Self { graph, values: Vec::new(), is_written: Vec::new(), kernel }
    }

    pub fn object(&mut self, spec: ObjectSpec<'_>) -> ObjectId {
        let object = self.graph.add_object(spec).unwrap();
        self.values.push(initial_value(object));
        self.is_written.push(spec.initial);
        object
    }

    /// Submits a task of these accesses to different objects; a read of nothing becomes a write.
    pub fn submit(&mut self, accesses: &[(ObjectId, Mode)], spec: TaskSpec<'_>) -> TaskId {
        let mut params = Vec::new();
        let mut possible = Vec::new();
        for &(object, mode) in accesses {
            let at = object.index();
            let mode = if self.is_written[at] { mode } else { Mode::Write };
            let value = &mut self.values[at];
            let (operation, operand) = match mode {
                Mode::Read => (CHECK, *value),
                Mode::Write => (WRITE, value.wrapping_mul(3) + 1),
                Mode::ReadWrite => (CHANGE, *value),
                Mode::Commutative | Mode::Reduce | Mode::Racy => (ADD, *value % 97 + 1),
            };
            *value = after(operation, operand, *value);
            self.is_written[at] = true;
            params.extend([operation, operand]);
            possible.push((object, mode));
        }
        let spec = TaskSpec { kernel: self.kernel, params: &params, accesses: &possible, ..spec };
        self.graph.submit(spec).unwrap()
    }

    pub fn plain(&mut self, accesses: &[(ObjectId, Mode)]) -> TaskId {
        let spec = TaskSpec::new(self.kernel);
        self.submit(accesses, spec)
    }

    /// A random graph: sizes from none to several cache lines and more than a page, all modes,
    /// tasks of several cores, gangs.
    pub fn random(random: &mut Random, tasks: u64, max_cores: u32, modes: &[Mode]) -> Self {
        let mut it = Self::new();
        let objects: Vec<ObjectId> = (0..2 + tasks / 4)
            .map(|_| {
                let words = [0, 1, 3, 8, 9, 700, 40_000][random.below(7) as usize];
                let initial = random.below(2) == 0;
                let bytes = words * 8;
                it.object(ObjectSpec { bytes, initial, keep: true, ..Default::default() })
            })
            .collect();
        for _ in 0..tasks {
            let mut accesses: Vec<(ObjectId, Mode)> = Vec::new();
            for _ in 0..random.below(4) {
                let object = objects[random.below(objects.len() as u64) as usize];
                let mode = modes[random.below(modes.len() as u64) as usize];
                if accesses.iter().all(|a| a.0 != object) {
                    accesses.push((object, mode));
                }
            }
            let cores = 1 + random.below(u64::from(max_cores)) as u32;
            let spec = TaskSpec { cores, scratch_bytes: 256, ..TaskSpec::new(it.kernel) };
            it.submit(&accesses, spec);
        }
        it
    }

    /// What all words of an object are at the end.
    pub fn words(&self, object: ObjectId) -> i64 {
        self.values[object.index()]
    }
}

fn after(operation: i64, operand: i64, value: i64) -> i64 {
    match operation {
        WRITE => operand,
        CHANGE => operand ^ 0x55,
        ADD => value.wrapping_add(operand),
        _ => value,
    }
}

fn stamp(args: &mut KernelArgs<'_, '_>) -> KernelResult {
    assert!(args.scratch.as_ptr().addr().is_multiple_of(64), "scratch is aligned");
    args.scratch.fill(0xff);
    for (buffer, change) in args.buffers.iter_mut().zip(args.params.chunks_exact(2)) {
        let (operation, operand) = (change[0], change[1]);
        if let KernelBuffer::Racy(words) = buffer {
            words.iter().for_each(|w| _ = w.fetch_add(operand as u64, Ordering::Relaxed));
            continue;
        }
        let found = buffer.as_slice::<i64>()?.first().copied();
        let is_known = matches!(operation, CHECK | CHANGE);
        if let Some(found) = found.filter(|found| is_known && *found != operand) {
            return Err(KernelError::Data(format!("found {found}, not {operand}")));
        }
        if operation != WRITE && buffer.as_slice::<i64>()?.iter().any(|w| Some(*w) != found) {
            return Err(KernelError::Data("torn content".to_owned()));
        }
        if operation != CHECK {
            let words = buffer.as_mut_slice::<i64>()?;
            words.iter_mut().for_each(|w| *w = after(operation, operand, *w));
        }
    }
    Ok(None)
}
