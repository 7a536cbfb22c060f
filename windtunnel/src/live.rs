//! A run that is submitted to while it goes on.

use crate::board::Board;
use crate::flow::Phase;
use crate::growth::Growth;
use crate::{Data, Element, Error, Flow, Results};
use real_backend::{RunError, RunOutput, Running, Submitter};
use runtime::executive::Outcome;
use runtime::{KernelId, TaskId};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

/// A flow that runs and can be added to, by any thread, kernels included. Dropping it lets what was
/// submitted run to its end.
///
/// Data stays there until [`Flow::release`] or the end, since a later task may use it.
pub struct Live {
    submitter: Submitter,
    growth: Growth,
    board: Arc<Board>,
    fetch: KernelId,
    thread: Option<JoinHandle<Result<RunOutput, RunError>>>,
}

impl Live {
    pub(crate) fn new(
        running: Running,
        growth: Growth,
        board: Arc<Board>,
        fetch: KernelId,
    ) -> Self {
        let submitter = running.submitter();
        let theirs = Arc::clone(&board);
        let wait = move || {
            let ended = catch_unwind(AssertUnwindSafe(|| running.join()));
            match &ended {
                Ok(Ok(_)) => theirs.end("it was finished before"),
                Ok(Err(error)) => theirs.end(&error.to_string()),
                Err(_) => theirs.end("the scheduler or a continuation panicked"),
            }
            ended.unwrap_or_else(|payload| resume_unwind(payload))
        };
        let thread = Some(std::thread::spawn(wait));
        Self { submitter, growth, board, fetch, thread }
    }

    /// Adds to the flow: data, tasks, continuations. All that one call adds the scheduler learns of
    /// at once.
    ///
    /// # Errors
    /// [`Error::Over`] when the run has ended; whatever `add` fails with, though what it added
    /// before that stays.
    pub fn submit<R>(&self, add: impl FnOnce(&mut Flow) -> Result<R, Error>) -> Result<R, Error> {
        let added = self.submitter.submit(|graph| self.growth.with(graph, add));
        added.unwrap_or(Err(Error::Over))
    }

    /// Promises that nothing submitted from now on uses this data, see [`Flow::release`].
    ///
    /// # Errors
    /// [`Error::Over`] when the run has ended.
    pub fn release<T>(&self, data: Data<T>) -> Result<(), Error> {
        self.submit(|flow| {
            flow.release(data);
            Ok(())
        })
    }

    /// What a task's kernel returns, once it has.
    pub fn outcome(&self, task: TaskId) -> OutcomeFuture {
        OutcomeFuture { board: Arc::clone(&self.board), task }
    }

    /// The content that data has after all tasks submitted so far.
    ///
    /// # Errors
    /// As [`Live::submit`]: reading is a task too.
    pub fn read<T: Element>(&self, data: Data<T>) -> Result<DataFuture<T>, Error> {
        let slot = self.board.slot();
        let submit = |flow: &mut Flow| flow.task(self.fetch).reads(data).params(&[slot]).submit();
        let outcome = self.outcome(self.submit(submit)?);
        Ok(DataFuture { outcome, slot, element: PhantomData })
    }

    /// Waits for everything submitted and takes the results.
    ///
    /// # Errors
    /// As [`Flow::run`].
    ///
    /// # Panics
    /// When the scheduler or a continuation panicked, with their panic.
    pub fn finish(mut self) -> Result<Results, Error> {
        self.close();
        let thread = self.thread.take().expect("it is taken once, here");
        Results::new(thread.join().unwrap_or_else(|payload| resume_unwind(payload))?)
    }

    fn close(&self) {
        // A run that has ended needs no closing.
        _ = self.submit(|flow| {
            if flow.phase == Phase::Live {
                flow.phase = Phase::Running;
            }
            Ok(())
        });
        self.submitter.close();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.close();
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("submitter", &self.submitter).finish_non_exhaustive()
    }
}

/// The outcome of a task of a [`Live`] run.
#[derive(Clone)]
pub struct OutcomeFuture {
    board: Arc<Board>,
    task: TaskId,
}

impl OutcomeFuture {
    /// Which task.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// Waits for it. Not to be called by kernels: a worker that waits runs nothing.
    ///
    /// # Errors
    /// [`Error::Ended`] when the run ended before the task.
    pub fn wait(&self) -> Result<Outcome, Error> {
        self.board.wait(self.task)
    }
}

impl Future for OutcomeFuture {
    type Output = Result<Outcome, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.board.poll(self.task, context.waker()) {
            Some(outcome) => Poll::Ready(outcome),
            None => Poll::Pending,
        }
    }
}

/// The content of data of a [`Live`] run.
pub struct DataFuture<T> {
    outcome: OutcomeFuture,
    slot: i64,
    element: PhantomData<fn() -> T>,
}

impl<T: Element> DataFuture<T> {
    /// Waits for it. Not to be called by kernels: a worker that waits runs nothing.
    ///
    /// # Errors
    /// [`Error::Ended`] when the run ended before.
    pub fn wait(self) -> Result<Vec<T>, Error> {
        self.outcome.wait()?;
        Ok(self.content())
    }

    fn content(&self) -> Vec<T> {
        let bytes = self.outcome.board.take(self.slot);
        bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned).collect()
    }
}

impl<T: Element> Future for DataFuture<T> {
    type Output = Result<Vec<T>, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match Pin::new(&mut self.outcome).poll(context) {
            Poll::Ready(outcome) => Poll::Ready(outcome.map(|_| self.content())),
            Poll::Pending => Poll::Pending,
        }
    }
}
