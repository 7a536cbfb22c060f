//! What goes wrong with GPUs, and what to do about it.

use crate::GpuId;

/// Why a GPU does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is no CUDA on this machine.
    #[error(
        "CUDA is absent: {why}; install NVIDIA's driver, or choose another backend (`sim`, `cpu`)"
    )]
    Absent {
        /// What was looked for.
        why: String,
    },
    /// This program was built without it.
    #[error("this program was built without CUDA; build it with the feature `cuda`")]
    NotBuilt,
    /// The driver is older than what this program calls.
    #[error(
        "the NVIDIA driver speaks CUDA {}.{}, this program needs {}.{} or newer; update the driver",
        .found / 1000, .found % 1000 / 10, .needed / 1000, .needed % 1000 / 10
    )]
    DriverTooOld {
        /// As 12040.
        found: u32,
        /// As 13000.
        needed: u32,
    },
    /// A library of the toolkit cannot be loaded.
    #[error(
        "{library} cannot be loaded, and {what} needs it; add its folder to LD_LIBRARY_PATH (the \
         Python package nvidia-{package} has it)"
    )]
    LibraryMissing {
        /// As `libcublas.so.13`.
        library: &'static str,
        /// What was to be done with it.
        what: &'static str,
        /// Where it can be had.
        package: &'static str,
    },
    /// The device has not so much memory left.
    #[error(
        "GPU {} has no {bytes} bytes left: {live_bytes} are in use and {idle_bytes} were kept for \
         reuse and given back before the second try; lower the capacity of its memory in the \
         cluster file, so that more is evicted, or use smaller tiles", .gpu.0
    )]
    OutOfMemory {
        /// Which GPU.
        gpu: GpuId,
        /// What was asked for.
        bytes: u64,
        /// In use by this run.
        live_bytes: u64,
        /// Kept by this run, not in use, before they were given back.
        idle_bytes: u64,
    },
    /// A kernel broke the device: everything on it is lost.
    #[error(
        "GPU {} is lost: {why}; run the kernel alone under `compute-sanitizer` to find the fault; \
         other devices of the machine are not affected", .gpu.0
    )]
    Faulted {
        /// Which GPU.
        gpu: GpuId,
        /// In the device's words.
        why: String,
    },
    /// The driver does not take a kernel's code.
    #[error(
        "the driver refuses the code of {module:?}: {why}; the code needs a GPU of capability \
         {needed} or newer and a driver of CUDA 13"
    )]
    CodeRefused {
        /// The file that it was compiled from.
        module: String,
        /// In the driver's words.
        why: String,
        /// Least capability, as 7.5.
        needed: &'static str,
    },
    /// Two GPUs cannot reach each other.
    #[error(
        "GPU {} has no access to the memory of GPU {}; leave the link between them out of the \
         cluster file, and data goes by way of main memory", .to.0, .from.0
    )]
    PeerRefused {
        /// Whose memory.
        from: GpuId,
        /// Who wanted it.
        to: GpuId,
    },
    /// No page-locked memory.
    #[error("the system gives no {bytes} bytes of page-locked memory; raise `ulimit -l`")]
    NoPinned {
        /// What was asked for.
        bytes: u64,
    },
    /// There is no kernel of that name in the code.
    #[error("the code of this program has no kernel {name:?}")]
    NoKernel {
        /// Which.
        name: String,
    },
    /// Anything else that the driver or a library says.
    #[error("{call} failed: {why}")]
    Call {
        /// What was called.
        call: &'static str,
        /// In its words.
        why: String,
    },
}
