//! Corrupted traces of valid runs: each corruption is caught, wherever it can be made, with a
//! violation of its own kind that names what was corrupted.

mod data;
mod lives;
mod network;
mod order;

use crate::machines::simulated;
use runtime::graph::Access;
use runtime::trace::{BufferRecord, InstanceId, TaskRecord, Trace};
use runtime::validator::{Violation, validate};
use runtime::{Cluster, Ns, ObjectId, TaskId};
use windtunnel_tests::cases::Dice;

/// Tells whether a violation is the expected one.
pub type Expected = Box<dyn Fn(&Violation) -> bool>;

/// Corrupts a trace where it can, and says what must be found.
pub type Corrupt = fn(&mut Trace, &mut Dice) -> Option<Expected>;

/// Kinds of corruption, each with the name of the violation that it must lead to.
fn all() -> Vec<(&'static str, &'static str, Corrupt)> {
    [lives::ALL, order::ALL, data::ALL, network::ALL].concat()
}

/// The expectation that a pattern matches.
#[macro_export]
macro_rules! expect {
    ($pattern:pat $(if $guard:expr)?) => {
        Some(Box::new(move |v: &runtime::validator::Violation| matches!(v, $pattern $(if $guard)?))
            as $crate::mutations::Expected)
    };
}

/// The name of a violation's kind. There is no `_`, so that a new kind must be listed here, and
/// then needs a corruption that leads to it.
fn kind(violation: &Violation) -> &'static str {
    macro_rules! names {
        ($($name:ident),* $(,)?) => {
            match violation {
                $(Violation::$name { .. } => stringify!($name),)*
            }
        };
    }
    names!(
        UnusableCluster,
        Dangling,
        TaskMissing,
        TaskRepeated,
        RanWhileAway,
        HeldWhileAway,
        StampsOutOfOrder,
        LaneOfOtherDevice,
        WrongLaneCount,
        CannotRunThere,
        LaneDoubleBooked,
        GangApart,
        StartedBeforeInput,
        WrittenWhileRead,
        WrittenOutOfOrder,
        ControlBroken,
        ReadyTooEarly,
        BeforeSubmission,
        ExclusiveOverlap,
        RacyApart,
        UnknownBuffer,
        BufferRepeated,
        BufferBackwards,
        WrongBufferSize,
        WrongBuffer,
        BufferNotHeld,
        InputMissing,
        InputStale,
        InputOverwritten,
        BufferWrittenTwice,
        CopyMismatch,
        SourceNotHeld,
        TargetNotHeld,
        SourceMissing,
        SourceStale,
        SourceOverwritten,
        MemoryExceeded,
        ScratchMismatch,
        NoRoute,
        TransferTooFast,
        ChannelExceeded,
        TooManyCopies,
        ResultNotHome,
        WrongMakespan,
    )
}

/// Number of kinds in [`kind`].
const KINDS: usize = 44;

fn valid_traces() -> Vec<(String, Trace)> {
    let mut traces = Vec::new();
    for seed in 0..120 {
        for name in ["heft", "mct", "first-fit"] {
            let info = schedulers::find(name).expect("it is registered");
            let trace = simulated(info, seed, 40);
            assert_eq!(validate(&trace), [], "{name}, seed {seed}");
            traces.push((format!("{name}, seed {seed}"), trace));
        }
    }
    traces
}

#[test]
fn every_corruption_is_caught_by_its_own_violation() {
    let traces = valid_traces();
    let mut missed = Vec::new();
    for (corruption, violation, corrupt) in all() {
        let mut times = 0;
        for (at, (run, valid)) in traces.iter().enumerate() {
            let mut trace = valid.clone();
            let Some(expected) = corrupt(&mut trace, &mut Dice::new(at as u64, 6)) else {
                continue;
            };
            times += 1;
            let found = validate(&trace);
            if !found.iter().any(|v| expected(v) && kind(v) == violation) {
                let shown: Vec<String> = found.iter().take(5).map(ToString::to_string).collect();
                missed.push(format!("{corruption} in {run}: no {violation} among {shown:#?}"));
                break;
            }
        }
        if times < 3 {
            missed.push(format!("{corruption} could be made in {times} traces only"));
        }
    }
    assert!(missed.is_empty(), "{} missed:\n{}", missed.len(), missed.join("\n"));
}

#[test]
fn every_kind_of_violation_has_a_corruption() {
    let mut kinds: Vec<&str> = all().iter().map(|c| c.1).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), KINDS, "{kinds:?}");
}

/// Any element that fits, at random.
pub fn pick<T: Clone>(dice: &mut Dice, all: impl IntoIterator<Item = T>) -> Option<T> {
    let all: Vec<T> = all.into_iter().collect();
    (!all.is_empty()).then(|| all[dice.below(all.len() as u64) as usize].clone())
}

/// Positions of records that fit.
pub fn where_<T>(records: &[T], fits: impl Fn(&T) -> bool) -> Vec<usize> {
    (0..records.len()).filter(|at| fits(&records[*at])).collect()
}

/// The machine of a trace.
pub fn cluster(trace: &Trace) -> Cluster {
    Cluster::new(trace.header.cluster.clone()).expect("it was valid before")
}

/// The attempt at a task.
pub fn attempt(trace: &Trace, task: TaskId) -> &TaskRecord {
    trace.tasks.iter().find(|t| t.task == task).expect("every task has been run")
}

/// The record of a buffer.
pub fn buffer(trace: &Trace, instance: InstanceId) -> &BufferRecord {
    let own = |b: &&BufferRecord| b.object.is_some() && b.instance == instance;
    trace.buffers.iter().find(own).expect("every buffer is recorded")
}

/// The same, to be changed.
pub fn buffer_mut(trace: &mut Trace, instance: InstanceId) -> &mut BufferRecord {
    let own = |b: &&mut BufferRecord| b.object.is_some() && b.instance == instance;
    trace.buffers.iter_mut().find(own).expect("every buffer is recorded")
}

/// Every access of every attempt: the position of the record, the access, its buffer.
pub fn uses(trace: &Trace) -> Vec<(usize, Access, InstanceId)> {
    let mut uses = Vec::new();
    for (at, record) in trace.tasks.iter().enumerate() {
        let accesses = trace.graph.accesses(record.task).iter();
        uses.extend(accesses.zip(trace.buffers_of(record)).map(|(a, b)| (at, *a, *b)));
    }
    uses
}

/// Users of an object, in submission order.
pub fn users(trace: &Trace, object: ObjectId) -> Vec<(TaskId, Access)> {
    let tasks = trace.graph.task_ids();
    let access = |t| trace.graph.accesses(t).iter().find(|a| a.object == object);
    tasks.filter_map(|t| access(t).map(|a| (t, *a))).collect()
}

/// Moves an attempt so that it starts at an instant and lasts as long as before.
pub fn move_to(record: &mut TaskRecord, start_ns: Ns) {
    let lasts_ns = record.finished_ns - record.started_ns;
    record.started_ns = start_ns;
    record.finished_ns = start_ns + lasts_ns;
    for stamp in [
        &mut record.ready_ns,
        &mut record.placed_ns,
        &mut record.reserved_ns,
        &mut record.data_ns,
        &mut record.locked_ns,
        &mut record.issued_ns,
    ] {
        *stamp = (*stamp).min(start_ns);
    }
}

/// Whether an attempt takes any time.
pub fn lasts(record: &TaskRecord) -> bool {
    record.finished_ns > record.started_ns
}
