//! What can go wrong on a fake device.

use crate::{Call, GpuError, GpuId};

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no CUDA.
    Absent,
    /// The driver is of this version.
    OldDriver(u32),
    /// After so many allocations on a GPU, so many are refused.
    Allocation {
        /// Which GPU.
        gpu: GpuId,
        /// How many succeed before.
        after: u32,
        /// How many fail then.
        times: u32,
    },
    /// After so many launches on a GPU, one loses the device.
    Launch {
        /// Which GPU.
        gpu: GpuId,
        /// How many succeed before.
        after: u32,
    },
    /// A library is missing: `libcublas.so.13`, `libcusolver.so.12`, `libnvrtc.so.13`.
    Library(&'static str),
    /// The driver does not take the kernels' code.
    Code,
    /// GPUs do not reach each other.
    Peers,
    /// There is no page-locked memory.
    Pinned,
}

/// What looking for GPUs says.
pub(super) fn probe(faults: &[Fault]) -> Result<(), GpuError> {
    for fault in faults {
        match fault {
            Fault::Absent => {
                return Err(GpuError::Absent { why: "libcuda.so cannot be loaded".to_owned() });
            }
            Fault::OldDriver(found) => {
                let needed = crate::probe::NEEDED_DRIVER;
                return Err(GpuError::DriverTooOld { found: *found, needed });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Counts an allocation; whether it is to fail.
pub(super) fn allocation_fails(faults: &mut [Fault], on: GpuId) -> bool {
    let mut fails = false;
    for fault in faults {
        if let Fault::Allocation { gpu, after, times } = fault
            && *gpu == on
        {
            match (*after, *times) {
                (0, 0) => {}
                (0, _) => {
                    *times -= 1;
                    fails = true;
                }
                _ => *after -= 1,
            }
        }
    }
    fails
}

/// Counts a launch; what loses the device, if it does.
pub(super) fn launch_faults(faults: &mut [Fault], on: GpuId) -> Option<String> {
    let mut why = None;
    for fault in faults {
        if let Fault::Launch { gpu, after } = fault
            && *gpu == on
        {
            match *after {
                0 => why = Some("CUDA_ERROR_ILLEGAL_ADDRESS".to_owned()),
                _ => *after -= 1,
            }
        }
    }
    why
}

/// Why a launch cannot begin, if so.
pub(super) fn launch_refused(faults: &[Fault], calls: &[Call]) -> Option<GpuError> {
    faults.iter().find_map(|fault| match fault {
        Fault::Library(library) => calls.iter().find_map(|call| crate::probe::needs(call, library)),
        Fault::Code => {
            let is_kernel = calls.iter().any(|call| matches!(call, Call::Kernel { .. }));
            is_kernel.then(|| GpuError::CodeRefused {
                module: "elementwise.cu".to_owned(),
                why: "CUDA_ERROR_UNSUPPORTED_PTX_VERSION".to_owned(),
                needed: crate::sources::NEEDED_CAPABILITY,
            })
        }
        _ => None,
    })
}

pub(super) fn no_peers(faults: &[Fault]) -> bool {
    faults.contains(&Fault::Peers)
}

pub(super) fn no_pinned(faults: &[Fault]) -> bool {
    faults.contains(&Fault::Pinned)
}
