//! What is used of HiGHS's C interface (`highs_c_api.h` of version 1.15), declared by hand: with a
//! dozen functions that saves a generator, libclang and their build. `scripts/ensure-tools` builds
//! the very version that Cargo.lock names.

use std::ffi::{c_char, c_double, c_int, c_void};

pub(super) const STATUS_ERROR: c_int = -1;
pub(super) const ROW_WISE: c_int = 2;
pub(super) const MINIMIZE: c_int = 1;
pub(super) const CONTINUOUS: c_int = 0;
pub(super) const INTEGER: c_int = 1;
pub(super) const SOLUTION_FEASIBLE: c_int = 2;

/// Values of `HighsModelStatus`.
pub(super) mod model_status {
    use std::ffi::c_int;

    pub const EMPTY: c_int = 6;
    pub const OPTIMAL: c_int = 7;
    pub const INFEASIBLE: c_int = 8;
    pub const UNBOUNDED: c_int = 10;
    pub const TIME_LIMIT: c_int = 13;
    pub const ITERATION_LIMIT: c_int = 14;
    pub const SOLUTION_LIMIT: c_int = 16;
    pub const INTERRUPT: c_int = 17;
    pub const MEMORY_LIMIT: c_int = 18;
}

/// Kinds of callback.
pub(super) mod callback {
    use std::ffi::c_int;

    pub const SIMPLEX_INTERRUPT: c_int = 1;
    pub const IPM_INTERRUPT: c_int = 2;
    pub const MIP_IMPROVING_SOLUTION: c_int = 4;
    pub const MIP_INTERRUPT: c_int = 6;
}

/// The beginning of what a callback may answer; the solver owns the rest of it.
#[repr(C)]
pub(super) struct CallbackAnswer {
    /// Not 0 = end the run.
    pub user_interrupt: c_int,
}

/// What a callback is told: read with [`Highs_getCallbackDataOutItem`] alone.
#[repr(C)]
pub(super) struct CallbackNews {
    _private: [u8; 0],
}

/// `HighsCCallbackType`.
pub(super) type Callback = unsafe extern "C" fn(
    kind: c_int,
    message: *const c_char,
    news: *const CallbackNews,
    answer: *mut CallbackAnswer,
    data: *mut c_void,
);

// SAFETY: signatures as in highs_c_api.h 1.15.0, `HighsInt` being `int` (HIGHSINT64 is off).
#[allow(non_snake_case, reason = "names of the C interface")]
unsafe extern "C" {
    pub(super) fn Highs_create() -> *mut c_void;
    pub(super) fn Highs_destroy(highs: *mut c_void);
    pub(super) fn Highs_versionMajor() -> c_int;
    pub(super) fn Highs_versionMinor() -> c_int;
    pub(super) fn Highs_run(highs: *mut c_void) -> c_int;
    pub(super) fn Highs_getModelStatus(highs: *const c_void) -> c_int;
    pub(super) fn Highs_setBoolOptionValue(
        highs: *mut c_void,
        option: *const c_char,
        value: c_int,
    ) -> c_int;
    pub(super) fn Highs_setIntOptionValue(
        highs: *mut c_void,
        option: *const c_char,
        value: c_int,
    ) -> c_int;
    pub(super) fn Highs_setDoubleOptionValue(
        highs: *mut c_void,
        option: *const c_char,
        value: c_double,
    ) -> c_int;
    pub(super) fn Highs_passMip(
        highs: *mut c_void,
        num_col: c_int,
        num_row: c_int,
        num_nz: c_int,
        a_format: c_int,
        sense: c_int,
        offset: c_double,
        col_cost: *const c_double,
        col_lower: *const c_double,
        col_upper: *const c_double,
        row_lower: *const c_double,
        row_upper: *const c_double,
        a_start: *const c_int,
        a_index: *const c_int,
        a_value: *const c_double,
        integrality: *const c_int,
    ) -> c_int;
    pub(super) fn Highs_setSolution(
        highs: *mut c_void,
        col_value: *const c_double,
        row_value: *const c_double,
        col_dual: *const c_double,
        row_dual: *const c_double,
    ) -> c_int;
    pub(super) fn Highs_getSolution(
        highs: *const c_void,
        col_value: *mut c_double,
        col_dual: *mut c_double,
        row_value: *mut c_double,
        row_dual: *mut c_double,
    ) -> c_int;
    pub(super) fn Highs_setCallback(
        highs: *mut c_void,
        callback: Callback,
        data: *mut c_void,
    ) -> c_int;
    pub(super) fn Highs_startCallback(highs: *mut c_void, kind: c_int) -> c_int;
    pub(super) fn Highs_getCallbackDataOutItem(
        news: *const CallbackNews,
        item: *const c_char,
    ) -> *const c_void;
    pub(super) fn Highs_getIntInfoValue(
        highs: *const c_void,
        info: *const c_char,
        value: *mut c_int,
    ) -> c_int;
    pub(super) fn Highs_getInt64InfoValue(
        highs: *const c_void,
        info: *const c_char,
        value: *mut i64,
    ) -> c_int;
    pub(super) fn Highs_getDoubleInfoValue(
        highs: *const c_void,
        info: *const c_char,
        value: *mut c_double,
    ) -> c_int;
}
