//! The executive: a pure state machine between a scheduler and a driver.
//!
//! A driver feeds it timestamped [`Input`]s and carries out the [`Command`]s it answers with. It
//! has no clock, no thread and no I/O; the same inputs in the same order give the same commands.
//!
//! Map: `state` holds the flat arrays; `place` carries out the scheduler's decisions; `memory`
//! evicts, `reserve` reserves; `copies` moves data, `engines` in which order; `lanes` starts and
//! finishes tasks, `queue` holds those that wait for one, `gangs` starts some together; `locks`
//! guards exclusive accesses; `store` keeps track of which memory holds what; `stall` explains why
//! nothing moves; `record` writes the trace. `loss` takes in that devices go and attempts
//! fail, `links` that links do, `lineage` finds what has to run again because of it, `rollback`
//! makes it so.

mod command;
mod copies;
mod engines;
mod gangs;
mod growth;
mod lanes;
mod lineage;
mod links;
mod locks;
mod loss;
mod memory;
mod place;
mod queue;
mod record;
mod reserve;
mod rollback;
mod stall;
mod state;
mod store;

pub use command::{Command, Commands, Input, Outcome};
pub use growth::Feasibility;
pub use loss::Retry;
pub use stall::{Failure, Stall};
pub(crate) use state::{LaneState, State};

use crate::planner::{Schedule, SharedPlanner, Study};
use crate::scheduler::{Decisions, Event, Refusal, Scheduler, View};
use crate::trace::{ThoughtRecord, Trace, TraceHeader};
use crate::{Cluster, Costs, Decision, Ns, TaskGraph, TaskId};
use std::collections::VecDeque;
use std::sync::Arc;

/// A graph that grows: told of every finished task, it may submit more.
pub trait Program: Send {
    /// `outcome` is what the task's kernel returned, or what a model of it supplied.
    fn on_finished(&mut self, task: TaskId, outcome: &Outcome, graph: &mut TaskGraph);

    /// Why the program cannot go on, asked after every [`Program::on_finished`]; ends the run.
    fn failure(&mut self) -> Option<String> {
        None
    }
}

/// How the scheduler's thinking is charged.
pub enum Thinking {
    /// It takes no time.
    Free,
    /// Every call takes this long.
    Fixed(Ns),
    /// As long as it takes by this clock, which returns nanoseconds and never goes back (of the
    /// calling thread's processor time, say).
    Measured(Box<dyn FnMut() -> Ns + Send>),
    /// As long as it took in a recorded run.
    Recorded(VecDeque<Ns>),
}

/// What an executive is made of.
pub struct Setup {
    /// What to run.
    pub graph: TaskGraph,
    /// Where.
    pub cluster: Arc<Cluster>,
    /// Durations that the scheduler is shown.
    pub estimates: Costs,
    /// Who decides.
    pub scheduler: Box<dyn Scheduler>,
    /// What deciding costs.
    pub thinking: Thinking,
    /// Lets the graph grow.
    pub program: Option<Box<dyn Program>>,
    /// Whether to keep a trace.
    pub tracing: bool,
}

/// See the module's documentation.
pub struct Executive {
    state: State,
    scheduler: Box<dyn Scheduler>,
    thinking: Thinking,
    program: Option<Box<dyn Program>>,
    /// Somebody outside may still submit tasks.
    is_open: bool,
    decision_interval_ns: Ns,
    /// No call before this instant, when events are collected.
    next_call_ns: Ns,
    is_call_timed: bool,
    answer: Option<Answer>,
    /// A plan that is asked for, until the driver takes it.
    study: Option<Study>,
    is_studying: bool,
    decisions: Decisions,
    /// Answers of nothing but refused decisions, in a row, and calls, since anything last ended.
    refused_rounds: u32,
    calls: u32,
}

/// Decisions that are still being thought about.
struct Answer {
    decisions: Vec<Decision>,
    /// Recoveries when the scheduler was asked.
    recoveries: u32,
    /// Who is to carry out [`Decision::PlanApart`].
    planner: Option<SharedPlanner>,
    thought: ThoughtRecord,
}

/// Rounds of nothing but refused decisions, between two completions, after which the run is given
/// up.
const MAX_REFUSED_ROUNDS: u32 = 1000;

/// Calls of the scheduler after which the run is given up, if nothing is under way or they are all
/// at one instant.
const MAX_FRUITLESS_CALLS: u32 = 100_000;

impl Executive {
    /// An executive at time 0, before its [`Input::Start`].
    ///
    /// # Errors
    /// [`Feasibility`] when a task can fit in no memory or a home cannot hold its initial data.
    pub fn new(setup: Setup) -> Result<Self, Feasibility> {
        let options = setup.scheduler.options();
        let state =
            State::new(setup.graph, setup.cluster, setup.estimates, options, setup.tracing)?;
        Ok(Self {
            state,
            scheduler: setup.scheduler,
            thinking: setup.thinking,
            program: setup.program,
            is_open: false,
            decision_interval_ns: options.decision_interval_ns,
            next_call_ns: 0,
            is_call_timed: false,
            answer: None,
            study: None,
            is_studying: false,
            decisions: Decisions::default(),
            refused_rounds: 0,
            calls: 0,
        })
    }

    /// Gives strict lanes up to so many tasks besides the one that they run, as soon as those could
    /// run: drivers then need not wait for the executive between two tasks. Lanes carry out what
    /// they are given in that order. Tasks of several lanes, of gangs, and with exclusive or racy
    /// accesses are issued to idle lanes all the same, and so is everything where lanes are not
    /// strict: whichever lane is free first is to take it. Said before the start.
    pub fn issue_ahead(&mut self, tasks: u32) {
        self.state.issue_ahead = tasks as usize;
    }

    /// Lets tasks be submitted from outside until [`Input::Closed`]: the run is not done before.
    /// Said before the start.
    pub fn open(&mut self) {
        self.is_open = true;
    }

    /// Whether tasks may be submitted from outside.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Takes what `add` adds to the graph, as a step of its own in the input log. Objects that
    /// later submissions may use must be held.
    pub fn submit<R>(
        &mut self,
        now_ns: Ns,
        out: &mut Commands,
        add: impl FnOnce(&mut TaskGraph) -> R,
    ) -> R {
        assert!(now_ns >= self.state.now_ns, "inputs come in time order");
        self.state.now_ns = now_ns;
        let graph = &mut self.state.graph;
        let (tasks, objects) = (graph.len(), graph.object_count());
        let added = add(graph);
        let input = Input::Submitted {
            tasks: (graph.len() - tasks) as u32,
            objects: (graph.object_count() - objects) as u32,
            released: graph.released().to_vec(),
        };
        self.state.record_input(&input);
        self.refused_rounds = 0;
        self.calls = 0;
        self.accept_growth(tasks, out);
        self.state.progress(out);
        self.consult(out);
        self.state.note_end();
        added
    }

    /// What is to follow failed attempts; to be said before [`Input::Start`].
    pub fn set_retry(&mut self, retry: Retry) {
        self.state.losses.retry = retry;
    }

    /// Takes one input and appends the commands that follow from it. Inputs come in time order;
    /// at one instant copies before tasks before timers.
    pub fn step(&mut self, now_ns: Ns, input: Input, out: &mut Commands) {
        assert!(now_ns >= self.state.now_ns, "inputs come in time order");
        self.state.now_ns = now_ns;
        self.state.record_input(&input);
        if matches!(input, Input::Finished { .. } | Input::Copied { .. } | Input::Planned { .. }) {
            self.refused_rounds = 0;
            self.calls = 0;
        }
        match input {
            Input::Start => self.state.start(out),
            Input::Finished { task, started_ns, outcome } => {
                if self.state.finish(task, started_ns, out) {
                    self.grow(task, &outcome, out);
                }
            }
            Input::Copied { copy, started_ns } => self.state.copied(copy, started_ns, out),
            Input::Timer => {
                self.ring();
                self.state.end_back_offs(out);
            }
            Input::AttemptFailed { task, started_ns } => {
                self.state.attempt_failed(task, started_ns, out);
            }
            Input::DeviceLost { device } => self.state.lose_device(device, out),
            Input::DeviceJoined { device } => self.state.join_device(device),
            Input::LinkChanged { link, state } => self.state.change_link(link, state, out),
            Input::Decided => self.take_answer(out),
            Input::Planned { plan } => self.take_plan(plan),
            Input::Submitted { .. } => {}
            Input::Closed => self.is_open = false,
            Input::Failed { task, message } => {
                let task = self.state.graph.task_name(task);
                self.state.fail(Failure::Task { task, message });
            }
        }
        self.state.progress(out);
        self.consult(out);
        self.state.note_end();
    }

    fn grow(&mut self, task: TaskId, outcome: &Outcome, out: &mut Commands) {
        let Some(program) = self.program.as_mut() else { return };
        let before = self.state.graph.len();
        program.on_finished(task, outcome, &mut self.state.graph);
        if let Some(message) = program.failure() {
            self.state.fail(Failure::Growth { message });
        }
        self.accept_growth(before, out);
    }

    /// Takes note of tasks from `before` on, of new objects and of those let go.
    fn accept_growth(&mut self, before: usize, out: &mut Commands) {
        let graph = &self.state.graph;
        if graph.len() > before || graph.object_count() > self.state.objects.len() {
            self.state.grown(before, out);
        }
        self.state.drop_released(out);
    }

    fn ring(&mut self) {
        let now_ns = self.state.now_ns;
        if self.is_call_timed && now_ns >= self.next_call_ns {
            self.is_call_timed = false;
        }
        if self.state.ring_timers() {
            self.state.events.push(Event::Timer);
        }
    }

    /// Asks the scheduler as long as there is something to ask and it is not thinking.
    fn consult(&mut self, out: &mut Commands) {
        let mut calls = 0;
        while self.answer.is_none()
            && !self.state.events.is_empty()
            && self.state.failure.is_none()
            && self.may_call(out)
        {
            calls += 1;
            self.count_call(calls);
            let events = std::mem::take(&mut self.state.events);
            let before_ns = self.clock();
            self.scheduler.decide(&events, &View::new(&self.state), &mut self.decisions);
            let thinking_ns = self.charge(before_ns);
            self.state.put_events_back(events);
            let (decisions, planner) = (self.decisions.take(), self.decisions.take_planner());
            let thought = ThoughtRecord {
                asked_ns: self.state.now_ns,
                thinking_ns,
                decisions: decisions.len() as u32,
                refused: 0,
            };
            let recoveries = self.state.losses.recoveries;
            let answer = Answer { decisions, recoveries, planner, thought };
            if thinking_ns > 0 {
                self.answer = Some(answer);
                out.push(Command::Think { thinking_ns });
                return;
            }
            self.carry_out(answer, out);
            self.state.progress(out);
        }
    }

    /// Counts a call of the scheduler, the `at_once`-th in this step, and gives the run up when
    /// it asks for calls without end.
    fn count_call(&mut self, at_once: u32) {
        self.calls += 1;
        let is_idle = self.state.under_way == 0 && self.calls > MAX_FRUITLESS_CALLS;
        if is_idle || at_once > MAX_FRUITLESS_CALLS {
            self.state.fail(Failure::Fruitless { calls: self.calls });
        }
    }

    /// Whether the decision interval lets the scheduler be asked now; asks for a timer if not.
    fn may_call(&mut self, out: &mut Commands) -> bool {
        if self.decision_interval_ns == 0 {
            return true;
        }
        if self.is_call_timed {
            return false;
        }
        if self.state.now_ns >= self.next_call_ns && self.next_call_ns > 0 {
            self.next_call_ns = 0;
            return true;
        }
        self.next_call_ns = self.state.now_ns + self.decision_interval_ns;
        self.is_call_timed = true;
        out.push(Command::Wake { at_ns: self.next_call_ns });
        false
    }

    fn clock(&mut self) -> Ns {
        match &mut self.thinking {
            Thinking::Measured(clock) => clock(),
            _ => 0,
        }
    }

    fn charge(&mut self, before_ns: Ns) -> Ns {
        match &mut self.thinking {
            Thinking::Free => 0,
            Thinking::Fixed(ns) => *ns,
            Thinking::Measured(clock) => clock().saturating_sub(before_ns),
            Thinking::Recorded(list) => list.pop_front().unwrap_or(0),
        }
    }

    fn take_answer(&mut self, out: &mut Commands) {
        if let Some(answer) = self.answer.take() {
            self.carry_out(answer, out);
        }
    }

    /// Carries decisions out in order.
    fn carry_out(&mut self, mut answer: Answer, out: &mut Commands) {
        let is_late = answer.recoveries != self.state.losses.recoveries;
        for decision in answer.decisions.drain(..) {
            let done = match decision {
                Decision::Place { task, .. } if is_late && self.state.waits_again(task) => {
                    Err(Refusal::WaitsAgain(task))
                }
                Decision::PlanApart => self.start_study(answer.planner.take(), out),
                _ => self.state.decide(&decision, out),
            };
            if let Err(reason) = done {
                answer.thought.refused += 1;
                self.state.events.push(Event::Refused { decision, reason });
            }
        }
        self.state.record_thought(answer.thought);
        self.decisions.put_back(answer.decisions);
        let ThoughtRecord { decisions, refused, .. } = answer.thought;
        let is_refused = decisions > 0 && refused == decisions;
        self.refused_rounds = if is_refused { self.refused_rounds + 1 } else { 0 };
        if self.refused_rounds > MAX_REFUSED_ROUNDS {
            self.state.fail(Failure::RefusedForever { rounds: self.refused_rounds });
        }
    }

    /// Asks the driver for a plan of what is left now.
    fn start_study(
        &mut self,
        planner: Option<SharedPlanner>,
        out: &mut Commands,
    ) -> Result<(), Refusal> {
        let planner = planner.filter(|_| !self.is_studying).ok_or(Refusal::CannotPlan)?;
        let problem = View::new(&self.state).problem();
        self.study = Some(Study::new(planner, problem, Arc::clone(&self.state.cluster)));
        self.is_studying = true;
        out.push(Command::Plan);
        Ok(())
    }

    /// A plan that nobody asked for is dropped.
    fn take_plan(&mut self, plan: Result<Schedule, String>) {
        if std::mem::take(&mut self.is_studying) {
            self.study = None;
            self.state.events.push(Event::Planned { plan });
        }
    }

    /// What [`Command::Plan`] asks for; there once after each such command.
    pub fn take_study(&mut self) -> Option<Study> {
        self.study.take()
    }

    /// Carries a study out here and now, and tells how long it is charged for: for drivers whose
    /// time does not pass by itself.
    pub fn charged(&mut self, study: Study) -> (Result<Schedule, String>, Ns) {
        let before_ns = self.clock();
        let plan = study.plan();
        (plan, self.charge(before_ns))
    }

    /// Whether all tasks have finished, all results are at home, and nobody outside may submit
    /// more.
    pub fn is_done(&self) -> bool {
        !self.is_open && self.state.is_done()
    }

    /// Whether there is nothing to do until somebody outside submits more.
    pub fn is_idle(&self) -> bool {
        self.is_open && self.state.is_done()
    }

    /// Why the run cannot go on, if so; no further commands are to be expected.
    pub fn failure(&self) -> Option<&Failure> {
        self.state.failure.as_ref()
    }

    /// When the last task finished and the last result was home; 0 before that.
    pub fn makespan_ns(&self) -> Ns {
        self.state.end_ns.unwrap_or(0)
    }

    /// The graph as it is now.
    pub fn graph(&self) -> &TaskGraph {
        &self.state.graph
    }

    /// Tasks finished so far.
    pub fn finished_tasks(&self) -> usize {
        self.state.finished
    }

    /// The machine.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.state.cluster
    }

    /// The view that the scheduler is shown.
    pub fn view(&self) -> View<'_> {
        View::new(&self.state)
    }

    /// Explains why nothing can happen, for a driver that has no command under way.
    pub fn stall(&self) -> Stall {
        self.state.stall()
    }

    /// Takes the trace out; it is empty but for header and graph without tracing. Thinking that
    /// was charged and is not over is in it, so that a replay charges it too.
    pub fn into_trace(mut self, header: TraceHeader) -> Trace {
        if let Some(answer) = self.answer.take() {
            self.state.record_thought(answer.thought);
        }
        self.state.into_trace(header)
    }
}
