//! Where threads that wait for a live run look.

use crate::{Error, Flow};
use runtime::executive::Outcome;
use runtime::kernel::KernelArgs;
use runtime::{KernelId, TaskId};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

/// The kernel of tasks that bring data to a waiting thread.
const FETCH: &str = "windtunnel.fetch";

/// What has ended so far, and who waits.
#[derive(Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    rings: Condvar,
}

#[derive(Default)]
struct State {
    /// By task, once it has finished.
    outcomes: Vec<Option<Outcome>>,
    /// Bytes that were fetched and not taken, by slot.
    fetched: BTreeMap<i64, Vec<u8>>,
    slots: i64,
    wakers: Vec<(TaskId, Waker)>,
    /// How many threads sleep.
    sleepers: u32,
    /// Why nothing more will come.
    ended: Option<Arc<str>>,
}

impl State {
    fn outcome(&self, task: TaskId) -> Option<Result<Outcome, Error>> {
        if let Some(Some(outcome)) = self.outcomes.get(task.index()) {
            return Some(Ok(outcome.clone()));
        }
        let reason = self.ended.clone()?;
        Some(Err(Error::Ended { task, reason }))
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Defines the kernel that fetches data to this board: its parameter is the slot.
    pub fn kernel(self: &Arc<Self>, flow: &mut Flow) -> Result<KernelId, Error> {
        let board = Arc::clone(self);
        flow.kernel(FETCH, move |args: &mut KernelArgs<'_, '_>| {
            let [slot] = args.params_exactly()?;
            let [data] = args.buffers_exactly()?;
            let bytes = data.bytes()?.to_vec();
            board.lock().fetched.insert(slot, bytes);
            Ok(None)
        })
    }

    /// A slot that nobody else fetches to.
    pub fn slot(&self) -> i64 {
        let mut state = self.lock();
        state.slots += 1;
        state.slots
    }

    /// What was fetched to a slot.
    pub fn take(&self, slot: i64) -> Vec<u8> {
        self.lock().fetched.remove(&slot).unwrap_or_default()
    }

    pub fn finished(&self, task: TaskId, outcome: &Outcome) {
        let mut state = self.lock();
        if state.outcomes.len() <= task.index() {
            state.outcomes.resize(task.index() + 1, None);
        }
        state.outcomes[task.index()] = Some(outcome.clone());
        let mut at = 0;
        while at < state.wakers.len() {
            match state.wakers[at].0 == task {
                true => state.wakers.swap_remove(at).1.wake(),
                false => at += 1,
            }
        }
        if state.sleepers > 0 {
            self.rings.notify_all();
        }
    }

    /// Nothing more will come.
    pub fn end(&self, reason: &str) {
        let mut state = self.lock();
        state.ended = Some(reason.into());
        state.wakers.drain(..).for_each(|(_, waker)| waker.wake());
        self.rings.notify_all();
    }

    /// Waits until a task has finished or never will.
    pub fn wait(&self, task: TaskId) -> Result<Outcome, Error> {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = state.outcome(task) {
                return outcome;
            }
            state.sleepers += 1;
            state = self.rings.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.sleepers -= 1;
        }
    }

    /// The same for a future, whose waker is called when it is worth asking again.
    pub fn poll(&self, task: TaskId, waker: &Waker) -> Option<Result<Outcome, Error>> {
        let mut state = self.lock();
        let outcome = state.outcome(task);
        if outcome.is_none() {
            state.wakers.push((task, waker.clone()));
        }
        outcome
    }
}
