//! Dependencies from accesses: what each object's last accesses were.
//!
//! Per object there is the last *write phase* (one writer, or a group of commutative, reduce or
//! racy tasks), the readers since, and the tasks that the phase itself waited for (a later member
//! of the group waits for the same ones). Lists are linked through one arena: an object costs 20
//! bytes here and an access 8.

use super::model::{END, Mode};
use crate::TaskId;

/// The last accesses of every object.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    nodes: Vec<(TaskId, u32)>,
}

#[derive(Clone, Debug)]
struct Track {
    /// Members of the last write phase.
    writers: u32,
    /// Readers since that phase began.
    readers: u32,
    /// The phase before and its readers: what every member of this phase waits for.
    before_writers: u32,
    before_readers: u32,
    mode: Mode,
    /// Writes before the phase began, and writes in all.
    writes_before: u32,
    writes: u32,
}

/// A predecessor found for an access, and whether data flows from it.
pub(super) struct Found {
    pub from: TaskId,
    pub flows: bool,
}

impl Tracks {
    pub fn add_object(&mut self) {
        self.tracks.push(Track {
            writers: END,
            readers: END,
            before_readers: END,
            before_writers: END,
            mode: Mode::Write,
            writes_before: 0,
            writes: 0,
        });
    }

    /// Whether any task writes the object so far.
    pub fn is_written(&self, object: usize) -> bool {
        self.tracks[object].writes > 0
    }

    /// Records an access; calls `found` for each predecessor and returns the version it meets.
    pub fn access(
        &mut self,
        object: usize,
        task: TaskId,
        mode: Mode,
        mut found: impl FnMut(Found),
    ) -> u32 {
        let track = &mut self.tracks[object];
        if mode == Mode::Read {
            each(&self.nodes, track.writers, |from| found(Found { from, flows: true }));
            push(&mut self.nodes, &mut track.readers, task);
            return track.writes;
        }
        let joins = mode.is_group() && track.mode == mode && track.writers != END;
        if !joins || track.readers != END {
            // A new phase: it waits for the last phase and for that phase's readers.
            track.before_writers = track.writers;
            track.before_readers = track.readers;
            track.writers = END;
            track.readers = END;
            track.mode = mode;
            track.writes_before = track.writes;
        }
        let flows = mode.reads();
        // A plain write after readers follows the last phase through them already.
        if flows || track.before_readers == END {
            each(&self.nodes, track.before_writers, |from| found(Found { from, flows }));
        }
        each(&self.nodes, track.before_readers, |from| found(Found { from, flows: false }));
        push(&mut self.nodes, &mut track.writers, task);
        track.writes += 1;
        track.writes_before
    }
}

fn each(nodes: &[(TaskId, u32)], mut at: u32, mut f: impl FnMut(TaskId)) {
    while at != END {
        let (task, next) = nodes[at as usize];
        f(task);
        at = next;
    }
}

fn push(nodes: &mut Vec<(TaskId, u32)>, head: &mut u32, task: TaskId) {
    let at = u32::try_from(nodes.len()).expect("more than 2^32 accesses");
    nodes.push((task, *head));
    *head = at;
}
