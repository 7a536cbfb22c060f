//! cuBLAS and cuSOLVER: one pair of handles per stream, with workspaces of their own.

use super::context::Context;
use crate::probe::{LIBRARIES, Library};
use crate::{Call, GpuError, Precision};
use cudarc::cublas::sys::{self as blas, cublasOperation_t as Operation};
use cudarc::cusolver::sys as solver;
use cudarc::driver::sys;
use std::ffi::c_int;

/// What cuBLAS may use for itself on each stream: what NVIDIA recommends for Hopper.
pub const BLAS_WORKSPACE_BYTES: u64 = 32 << 20;

/// Addresses of a call's matrices, in the order of [`Call::spans`].
pub type Addresses = [sys::CUdeviceptr; 3];

/// The handles of one stream; what is missing stays `None`.
#[derive(Default)]
pub struct Handles {
    blas: Option<blas::cublasHandle_t>,
    solver: Option<solver::cusolverDnHandle_t>,
}

// SAFETY: handles may be used by any thread, one at a time.
unsafe impl Send for Handles {}

fn blas_says(call: &'static str, status: blas::cublasStatus_t) -> Result<(), GpuError> {
    match status {
        blas::cublasStatus_t::CUBLAS_STATUS_SUCCESS => Ok(()),
        _ => Err(GpuError::Call { call, why: format!("{status:?}") }),
    }
}

fn solver_says(call: &'static str, status: solver::cusolverStatus_t) -> Result<(), GpuError> {
    match status {
        solver::cusolverStatus_t::CUSOLVER_STATUS_SUCCESS => Ok(()),
        _ => Err(GpuError::Call { call, why: format!("{status:?}") }),
    }
}

impl Handles {
    /// Handles for a stream; `workspace` is device memory of [`BLAS_WORKSPACE_BYTES`].
    pub fn new(
        context: &Context,
        stream: sys::CUstream,
        workspace: sys::CUdeviceptr,
        missing: &[Library],
    ) -> Result<Self, GpuError> {
        context.bind()?;
        let is_there = |library: &Library| !missing.contains(library);
        let mut handles = Self::default();
        if is_there(&LIBRARIES[0]) {
            let mut handle = std::ptr::null_mut();
            // SAFETY: the library is there and the context current; the stream and the workspace
            // are the context's and live as long as the handle.
            unsafe {
                blas_says("cublasCreate", blas::cublasCreate_v2(&mut handle))?;
                blas_says("cublasSetStream", blas::cublasSetStream_v2(handle, stream.cast()))?;
                let bytes = BLAS_WORKSPACE_BYTES as usize;
                let set = blas::cublasSetWorkspace_v2(handle, workspace as *mut _, bytes);
                blas_says("cublasSetWorkspace", set)?;
                // No TF32, no reduced precision anywhere.
                let pedantic = blas::cublasMath_t::CUBLAS_PEDANTIC_MATH;
                blas_says("cublasSetMathMode", blas::cublasSetMathMode(handle, pedantic))?;
            }
            handles.blas = Some(handle);
        }
        if is_there(&LIBRARIES[1]) {
            let mut handle = std::ptr::null_mut();
            // SAFETY: as above.
            unsafe {
                solver_says("cusolverDnCreate", solver::cusolverDnCreate(&mut handle))?;
                let set = solver::cusolverDnSetStream(handle, stream.cast());
                solver_says("cusolverDnSetStream", set)?;
            }
            handles.solver = Some(handle);
        }
        Ok(handles)
    }

    /// Bytes of workspace that a factorisation of that order needs.
    pub fn potrf_workspace(&self, precision: Precision, n: u32) -> Result<u64, GpuError> {
        let handle = self.solver.ok_or_else(|| LIBRARIES[1].missing())?;
        let (lower, n) = (solver::cublasFillMode_t::CUBLAS_FILL_MODE_LOWER, n as c_int);
        let (none, lda, mut elements) = (std::ptr::null_mut(), n.max(1), 0);
        // SAFETY: the matrix itself is not looked at.
        let status = unsafe {
            match precision {
                Precision::F32 => {
                    let none: *mut f32 = none;
                    solver::cusolverDnSpotrf_bufferSize(handle, lower, n, none, lda, &mut elements)
                }
                Precision::F64 => {
                    let none = none.cast();
                    solver::cusolverDnDpotrf_bufferSize(handle, lower, n, none, lda, &mut elements)
                }
            }
        };
        solver_says("cusolverDnPotrf_bufferSize", status)?;
        Ok(elements.max(0) as u64 * precision.bytes())
    }

    /// Factors on the handle's stream.
    pub fn potrf(
        &self,
        (precision, n): (Precision, u32),
        a: sys::CUdeviceptr,
        (workspace, workspace_bytes): (sys::CUdeviceptr, u64),
        info: sys::CUdeviceptr,
    ) -> Result<(), GpuError> {
        let handle = self.solver.ok_or_else(|| LIBRARIES[1].missing())?;
        let (lower, n) = (solver::cublasFillMode_t::CUBLAS_FILL_MODE_LOWER, n as c_int);
        let (lda, info) = (n.max(1), info as *mut c_int);
        let elements = (workspace_bytes / precision.bytes()) as c_int;
        // SAFETY: the addresses are of live blocks of the sizes that the call needs (checked where
        // the span was made), and the operation's slot keeps the stream's order.
        let status = unsafe {
            match precision {
                Precision::F32 => {
                    let (a, w) = (a as *mut f32, workspace as *mut f32);
                    solver::cusolverDnSpotrf(handle, lower, n, a, lda, w, elements, info)
                }
                Precision::F64 => {
                    let (a, w) = (a as *mut f64, workspace as *mut f64);
                    solver::cusolverDnDpotrf(handle, lower, n, a, lda, w, elements, info)
                }
            }
        };
        solver_says("cusolverDnPotrf", status)
    }

    /// Multiplies or solves on the handle's stream.
    pub fn blas(&self, call: &Call, at: Addresses) -> Result<(), GpuError> {
        let handle = self.blas.ok_or_else(|| LIBRARIES[0].missing())?;
        let op = |is_transposed| match is_transposed {
            true => Operation::CUBLAS_OP_T,
            false => Operation::CUBLAS_OP_N,
        };
        let lower = blas::cublasFillMode_t::CUBLAS_FILL_MODE_LOWER;
        let int = |x: u32| x as c_int;
        // A leading dimension is at least 1, also of an empty matrix.
        let lead = |x: u32| x.max(1) as c_int;
        match *call {
            Call::Gemm { precision, transposed, size: [m, n, k], factors, .. } => {
                let (ta, tb) = (op(transposed.0), op(transposed.1));
                let lda = lead(if transposed.0 { k } else { m });
                let ldb = lead(if transposed.1 { n } else { k });
                let (ldc, [mi, ni, ki]) = (lead(m), [m, n, k].map(int));
                // SAFETY: as for `potrf`; the factors are read during the call.
                let status = unsafe {
                    match precision {
                        Precision::F32 => {
                            let (alpha, beta) = (factors.0 as f32, factors.1 as f32);
                            let (a, b, c) =
                                (at[0] as *const f32, at[1] as *const f32, at[2] as *mut f32);
                            blas::cublasSgemm_v2(
                                handle, ta, tb, mi, ni, ki, &alpha, a, lda, b, ldb, &beta, c, ldc,
                            )
                        }
                        Precision::F64 => {
                            let (alpha, beta) = factors;
                            let (a, b, c) =
                                (at[0] as *const f64, at[1] as *const f64, at[2] as *mut f64);
                            blas::cublasDgemm_v2(
                                handle, ta, tb, mi, ni, ki, &alpha, a, lda, b, ldb, &beta, c, ldc,
                            )
                        }
                    }
                };
                blas_says("cublasGemm", status)
            }
            Call::Trsm { precision, size: [m, n], .. } => {
                let right = blas::cublasSideMode_t::CUBLAS_SIDE_RIGHT;
                let (t, diagonal) =
                    (Operation::CUBLAS_OP_T, blas::cublasDiagType_t::CUBLAS_DIAG_NON_UNIT);
                let (mi, ni, ldl, ldb) = (int(m), int(n), lead(n), lead(m));
                // SAFETY: as above.
                let status = unsafe {
                    match precision {
                        Precision::F32 => {
                            let (l, b, one) = (at[0] as *const f32, at[1] as *mut f32, 1.0f32);
                            blas::cublasStrsm_v2(
                                handle, right, lower, t, diagonal, mi, ni, &one, l, ldl, b, ldb,
                            )
                        }
                        Precision::F64 => {
                            let (l, b, one) = (at[0] as *const f64, at[1] as *mut f64, 1.0f64);
                            blas::cublasDtrsm_v2(
                                handle, right, lower, t, diagonal, mi, ni, &one, l, ldl, b, ldb,
                            )
                        }
                    }
                };
                blas_says("cublasTrsm", status)
            }
            Call::Syrk { precision, size: [n, k], factors, .. } => {
                let (none, ni, ki, lda) = (Operation::CUBLAS_OP_N, int(n), int(k), lead(n));
                // SAFETY: as above.
                let status = unsafe {
                    match precision {
                        Precision::F32 => {
                            let (alpha, beta) = (factors.0 as f32, factors.1 as f32);
                            let (a, c) = (at[0] as *const f32, at[1] as *mut f32);
                            blas::cublasSsyrk_v2(
                                handle, lower, none, ni, ki, &alpha, a, lda, &beta, c, lda,
                            )
                        }
                        Precision::F64 => {
                            let (alpha, beta) = factors;
                            let (a, c) = (at[0] as *const f64, at[1] as *mut f64);
                            blas::cublasDsyrk_v2(
                                handle, lower, none, ni, ki, &alpha, a, lda, &beta, c, lda,
                            )
                        }
                    }
                };
                blas_says("cublasSyrk", status)
            }
            Call::Potrf { .. } | Call::Kernel { .. } | Call::Zero { .. } | Call::Copy { .. } => {
                Ok(())
            }
        }
    }
}
