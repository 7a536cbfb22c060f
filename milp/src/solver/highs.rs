//! HiGHS behind safe functions: with its declarations in `ffi.rs` the only `unsafe` code of this
//! crate.
//!
//! One [`Highs`] owns one solver object from creation to destruction and never leaves the thread
//! that made it (a raw pointer is not `Send`). Every array passed is checked to have the length
//! that goes with it before the call.

use super::ffi::{self, CallbackAnswer, CallbackNews, callback, model_status};
use super::{Improvement, Interrupt, Limits, Outcome, Program, SolverError, Status};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::time::{Duration, Instant};

/// Absolute tolerance of whole columns and of rows; smaller than the solver's own default, because
/// rows with a large constant multiply an error of whole columns.
const TOLERANCE: f64 = 1e-7;

/// See [`super::solve`], which has checked the lengths.
pub(super) fn solve(
    program: &Program,
    limits: &Limits,
    start: Option<&[f64]>,
) -> Result<Outcome, SolverError> {
    let started = Instant::now();
    let mut watch = Watch {
        started,
        interrupt: limits.interrupt.clone(),
        iterations: limits.iterations.unwrap_or(u64::MAX),
        is_spent: false,
        seen: Vec::new(),
    };
    let mut highs = Highs::new()?;
    highs.set_options(limits)?;
    highs.pass(program)?;
    if let Some(start) = start {
        highs.set_start(start)?;
    }
    let model_status = highs.run(&mut watch)?;
    let status = match status_of(model_status, watch.wants_end())? {
        Status::Interrupted if watch.is_spent => Status::Limit,
        status => status,
    };
    let is_mip = program.integers() > 0;
    let mut outcome = Outcome {
        status,
        solution: None,
        objective: f64::INFINITY,
        bound: f64::NEG_INFINITY,
        nodes: 0,
        improvements: watch.seen,
        wall: Duration::ZERO,
    };
    if highs.int_info(c"primal_solution_status")? == i64::from(ffi::SOLUTION_FEASIBLE) {
        outcome.objective = highs.double_info(c"objective_function_value")?;
        outcome.solution = Some(highs.solution(program)?);
    }
    outcome.bound = match status {
        Status::Infeasible => f64::INFINITY,
        _ if is_mip => highs.double_info(c"mip_dual_bound")?,
        Status::Optimal => outcome.objective,
        _ => f64::NEG_INFINITY,
    };
    if is_mip {
        outcome.nodes = highs.long_info(c"mip_node_count")?.max(0) as u64;
    }
    outcome.wall = started.elapsed();
    Ok(outcome)
}

fn status_of(status: i32, wanted: bool) -> Result<Status, SolverError> {
    match status {
        model_status::OPTIMAL | model_status::EMPTY => Ok(Status::Optimal),
        model_status::INFEASIBLE => Ok(Status::Infeasible),
        model_status::TIME_LIMIT
        | model_status::ITERATION_LIMIT
        | model_status::SOLUTION_LIMIT
        | model_status::MEMORY_LIMIT => Ok(Status::Limit),
        model_status::INTERRUPT => Ok(Status::Interrupted),
        // An interrupt inside an LP of the tree may surface as any of the inner states.
        _ if wanted => Ok(Status::Interrupted),
        model_status::UNBOUNDED => Err(SolverError::Unbounded),
        other => Err(SolverError::Failed(other)),
    }
}

/// What the callback reads and writes.
struct Watch {
    started: Instant,
    interrupt: Interrupt,
    /// Iterations at which to end.
    iterations: u64,
    /// Whether they were reached.
    is_spent: bool,
    seen: Vec<Improvement>,
}

impl Watch {
    fn wants_end(&self) -> bool {
        self.is_spent || self.interrupt.is_raised()
    }
}

/// Called by the solver on the thread that runs it.
///
/// # Safety
/// `watch` is the pointer given to `Highs_setCallback`; `news` and `answer` are the solver's own,
/// each null or valid during the call.
unsafe extern "C" fn on_callback(
    kind: c_int,
    _message: *const c_char,
    news: *const CallbackNews,
    answer: *mut CallbackAnswer,
    watch: *mut c_void,
) {
    // SAFETY: `Highs::run` passes a `Watch` that outlives the run and is used by nobody else
    // meanwhile: the solver calls back on the running thread only.
    let Some(watch) = (unsafe { watch.cast::<Watch>().as_mut() }) else { return };
    // SAFETY: `news` is null or valid for the length of this call; these items have these types
    // (HighsCallbackStruct.h).
    let count = |name: &CStr| unsafe { item::<i64>(news, name) }.unwrap_or(0).max(0) as u64;
    // SAFETY: as above.
    let number = |name: &CStr| unsafe { item::<f64>(news, name) };
    if kind == callback::MIP_IMPROVING_SOLUTION {
        watch.seen.push(Improvement {
            at: watch.started.elapsed(),
            nodes: count(c"mip_node_count"),
            objective: number(c"objective_function_value").unwrap_or(f64::INFINITY),
            bound: number(c"mip_dual_bound").unwrap_or(f64::NEG_INFINITY),
        });
        return;
    }
    if kind == callback::MIP_INTERRUPT {
        watch.is_spent |= count(c"mip_total_lp_iterations") >= watch.iterations;
    }
    // SAFETY: null or valid for the length of this call, and nobody else's meanwhile.
    if let Some(answer) = unsafe { answer.as_mut() } {
        answer.user_interrupt = c_int::from(watch.wants_end());
    }
}

/// A value of a callback's news.
///
/// # Safety
/// `news` is null or valid, and the item of that name, where there is one, is a `T`.
unsafe fn item<T: Copy>(news: *const CallbackNews, name: &CStr) -> Option<T> {
    if news.is_null() {
        return None;
    }
    // SAFETY: valid news and a string that ends in 0.
    let place = unsafe { ffi::Highs_getCallbackDataOutItem(news, name.as_ptr()) };
    // SAFETY: null, or a place inside the news that holds a `T`, as the caller says.
    unsafe { place.cast::<T>().as_ref() }.copied()
}

/// One solver object.
struct Highs(*mut c_void);

impl Drop for Highs {
    fn drop(&mut self) {
        // SAFETY: made by `Highs_create`, destroyed once.
        unsafe { ffi::Highs_destroy(self.0) }
    }
}

impl Highs {
    fn new() -> Result<Self, SolverError> {
        // SAFETY: take nothing.
        let version = unsafe { (ffi::Highs_versionMajor(), ffi::Highs_versionMinor()) };
        if version != (1, 15) {
            return Err(SolverError::Version { found: version });
        }
        // SAFETY: takes nothing.
        let raw = unsafe { ffi::Highs_create() };
        if raw.is_null() { Err(SolverError::Refused("to start")) } else { Ok(Self(raw)) }
    }

    fn set_options(&mut self, limits: &Limits) -> Result<(), SolverError> {
        self.set_bool(c"output_flag", false)?;
        self.set_int(c"threads", limits.threads.clamp(1, 1024) as i32)?;
        self.set_int(c"random_seed", (limits.seed & i32::MAX as u32) as i32)?;
        self.set_double(c"mip_rel_gap", limits.gap)?;
        self.set_double(c"mip_abs_gap", 1e-6)?;
        self.set_double(c"mip_feasibility_tolerance", TOLERANCE)?;
        self.set_double(c"primal_feasibility_tolerance", TOLERANCE)?;
        if let Some(wall) = limits.wall {
            self.set_double(c"time_limit", wall.as_secs_f64())?;
        }
        if let Some(iterations) = limits.iterations {
            // Of an LP that is no part of a tree.
            let most = i32::try_from(iterations).unwrap_or(i32::MAX);
            self.set_int(c"simplex_iteration_limit", most)?;
        }
        if let Some(nodes) = limits.nodes {
            self.set_int(c"mip_max_nodes", i32::try_from(nodes).unwrap_or(i32::MAX))?;
        }
        Ok(())
    }

    fn set_bool(&mut self, name: &'static CStr, value: bool) -> Result<(), SolverError> {
        // SAFETY: a live solver and a string that ends in 0.
        let status = unsafe { ffi::Highs_setBoolOptionValue(self.0, name.as_ptr(), value.into()) };
        accepted(status, "an option")
    }

    fn set_int(&mut self, name: &'static CStr, value: i32) -> Result<(), SolverError> {
        // SAFETY: a live solver and a string that ends in 0.
        let status = unsafe { ffi::Highs_setIntOptionValue(self.0, name.as_ptr(), value) };
        accepted(status, "an option")
    }

    fn set_double(&mut self, name: &'static CStr, value: f64) -> Result<(), SolverError> {
        // SAFETY: a live solver and a string that ends in 0.
        let status = unsafe { ffi::Highs_setDoubleOptionValue(self.0, name.as_ptr(), value) };
        accepted(status, "an option")
    }

    fn pass(&mut self, p: &Program) -> Result<(), SolverError> {
        let starts: Vec<c_int> = p.row_start.iter().map(|s| *s as i32).collect();
        let index: Vec<c_int> = p.index.iter().map(|i| *i as i32).collect();
        let kind = |is_integer: &bool| match is_integer {
            true => ffi::INTEGER,
            false => ffi::CONTINUOUS,
        };
        let kinds: Vec<c_int> = p.is_integer.iter().map(kind).collect();
        let (columns, rows) = (p.columns() as i32, p.rows() as i32);
        // SAFETY: a live solver; column arrays have `columns` entries, row arrays `rows`, index and
        // value `nonzeros`, as `Program` keeps them and `check` bounds them; all are copied.
        let status = unsafe {
            ffi::Highs_passMip(
                self.0,
                columns,
                rows,
                p.nonzeros() as i32,
                ffi::ROW_WISE,
                ffi::MINIMIZE,
                0.0,
                p.cost.as_ptr(),
                p.lower.as_ptr(),
                p.upper.as_ptr(),
                p.row_lower.as_ptr(),
                p.row_upper.as_ptr(),
                starts.as_ptr(),
                index.as_ptr(),
                p.value.as_ptr(),
                kinds.as_ptr(),
            )
        };
        accepted(status, "the program")
    }

    fn set_start(&mut self, start: &[f64]) -> Result<(), SolverError> {
        let none = std::ptr::null();
        // SAFETY: a live solver; `start` has one value per column (checked by `check`), it is
        // copied; null means "not given".
        let status = unsafe { ffi::Highs_setSolution(self.0, start.as_ptr(), none, none, none) };
        accepted(status, "the start")
    }

    /// Runs with the watch; returns the model status.
    fn run(&mut self, watch: &mut Watch) -> Result<i32, SolverError> {
        let data: *mut Watch = watch;
        // SAFETY: a live solver; the callback has the type asked for and `data` outlives the run.
        let status = unsafe { ffi::Highs_setCallback(self.0, on_callback, data.cast::<c_void>()) };
        accepted(status, "the callback")?;
        let kinds = [
            callback::MIP_INTERRUPT,
            callback::SIMPLEX_INTERRUPT,
            callback::IPM_INTERRUPT,
            callback::MIP_IMPROVING_SOLUTION,
        ];
        for kind in kinds {
            // SAFETY: a live solver.
            accepted(unsafe { ffi::Highs_startCallback(self.0, kind) }, "the callback")?;
        }
        // SAFETY: a live solver with a program; the callback's data is alive, see above.
        let status = unsafe { ffi::Highs_run(self.0) };
        // SAFETY: a live solver.
        let model_status = unsafe { ffi::Highs_getModelStatus(self.0) };
        // An interrupt is a warning, sometimes an error: the model status tells.
        match status {
            ffi::STATUS_ERROR if !watch.wants_end() => Err(SolverError::Failed(model_status)),
            _ => Ok(model_status),
        }
    }

    fn int_info(&self, name: &'static CStr) -> Result<i64, SolverError> {
        let mut value: c_int = 0;
        // SAFETY: a live solver, a string that ends in 0, a place to write.
        let status = unsafe { ffi::Highs_getIntInfoValue(self.0, name.as_ptr(), &mut value) };
        accepted(status, "to tell its result").map(|()| i64::from(value))
    }

    fn long_info(&self, name: &'static CStr) -> Result<i64, SolverError> {
        let mut value = 0;
        // SAFETY: a live solver, a string that ends in 0, a place to write.
        let status = unsafe { ffi::Highs_getInt64InfoValue(self.0, name.as_ptr(), &mut value) };
        accepted(status, "to tell its result").map(|()| value)
    }

    fn double_info(&self, name: &'static CStr) -> Result<f64, SolverError> {
        let mut value = 0.0;
        // SAFETY: a live solver, a string that ends in 0, a place to write.
        let status = unsafe { ffi::Highs_getDoubleInfoValue(self.0, name.as_ptr(), &mut value) };
        accepted(status, "to tell its result").map(|()| value)
    }

    fn solution(&self, program: &Program) -> Result<Vec<f64>, SolverError> {
        let mut columns = vec![0.0; program.columns()];
        let mut rows = vec![0.0; program.rows()];
        let none = std::ptr::null_mut();
        // SAFETY: a live solver that holds this program; the arrays have its columns and rows; the
        // duals are not wanted.
        let status = unsafe {
            ffi::Highs_getSolution(self.0, columns.as_mut_ptr(), none, rows.as_mut_ptr(), none)
        };
        accepted(status, "to tell its solution").map(|()| columns)
    }
}

fn accepted(status: c_int, what: &'static str) -> Result<(), SolverError> {
    if status == ffi::STATUS_ERROR { Err(SolverError::Refused(what)) } else { Ok(()) }
}
