//! Looking for GPUs, and what each call needs.

use crate::{Call, GpuError, Gpus};

/// Least version of the driver, as the driver tells it.
pub const NEEDED_DRIVER: u32 = 13_000;

/// A library of the toolkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Library {
    /// Its file.
    pub file: &'static str,
    /// What needs it.
    pub what: &'static str,
    /// The Python package that has it, without `nvidia-`.
    pub package: &'static str,
}

/// Libraries that calls need besides the driver's own.
pub const LIBRARIES: [Library; 3] = [
    Library { file: "libcublas.so.13", what: "gemm, trsm and syrk", package: "cublas" },
    Library { file: "libcusolver.so.12", what: "potrf", package: "cusolver" },
    Library {
        file: "libnvrtc.so.13",
        what: "compiling the kernels of this program",
        package: "cuda-nvrtc",
    },
];

impl Library {
    /// The error of its absence.
    pub fn missing(&self) -> GpuError {
        let Self { file: library, what, package } = *self;
        GpuError::LibraryMissing { library, what, package }
    }
}

/// The error of a library's absence, if the call needs it.
pub(crate) fn needs(call: &Call, file: &str) -> Option<GpuError> {
    let at = match call {
        Call::Gemm { .. } | Call::Trsm { .. } | Call::Syrk { .. } => 0,
        Call::Potrf { .. } => 1,
        Call::Kernel { .. } => 2,
        Call::Zero { .. } | Call::Copy { .. } => return None,
    };
    (LIBRARIES[at].file == file).then(|| LIBRARIES[at].missing())
}

/// The GPUs of this machine.
///
/// # Errors
/// [`GpuError`] saying why there are none.
pub fn open() -> Result<Box<dyn Gpus>, GpuError> {
    #[cfg(feature = "cuda")]
    return Ok(Box::new(crate::cuda::CudaGpus::open()?));
    #[cfg(not(feature = "cuda"))]
    Err(GpuError::NotBuilt)
}

/// What a look around finds: GPUs, or why there are none, and libraries that cannot be loaded.
pub fn look() -> (Result<Vec<crate::Facts>, GpuError>, Vec<Library>) {
    #[cfg(feature = "cuda")]
    let missing = crate::cuda::missing_libraries();
    #[cfg(not(feature = "cuda"))]
    let missing = LIBRARIES.to_vec();
    (open().map(|gpus| gpus.facts().to_vec()), missing)
}
