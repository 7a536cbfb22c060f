//! Compiling kernels at run time, and loading them.

use super::context::{self, Context};
use crate::GpuError;
use crate::probe::LIBRARIES;
use crate::sources::{NEEDED_CAPABILITY, OPTIONS, SOURCES, Source};
use cudarc::driver::{result, sys};
use cudarc::nvrtc;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::{Mutex, PoisonError};

/// The kernels of one context, in the order of the tables in [`SOURCES`].
pub struct Functions(Vec<(&'static str, sys::CUfunction)>);

// SAFETY: functions are handles of a context, which any thread may use that has it current.
unsafe impl Send for Functions {}
// SAFETY: as above; they are only read.
unsafe impl Sync for Functions {}

impl Functions {
    /// Compiles and loads all kernels; the context is current.
    pub fn load(context: &Context) -> Result<Self, GpuError> {
        context.bind()?;
        let mut functions = Vec::new();
        for source in &SOURCES {
            let refused = |why: String| GpuError::CodeRefused {
                module: source.file.to_owned(),
                why,
                needed: NEEDED_CAPABILITY,
            };
            let ptx = compile_once(source)?;
            // SAFETY: it is PTX, ended by a zero.
            let module = unsafe { result::module::load_data(ptx.as_ptr().cast()) };
            let module = module.map_err(|e| refused(context::words(e)))?;
            for name in source.kernels {
                let text = CString::new(*name).expect("names have no zero in them");
                // SAFETY: the module was just loaded, and is never unloaded.
                let function = unsafe { result::module::get_function(module, text) };
                functions.push((*name, function.map_err(|e| refused(context::words(e)))?));
            }
        }
        Ok(Self(functions))
    }

    /// The kernel of that name.
    pub fn get(&self, name: &str) -> Option<sys::CUfunction> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }
}

/// PTX by file: a process that opens its GPUs again does not compile again.
static COMPILED: Mutex<BTreeMap<&'static str, CString>> = Mutex::new(BTreeMap::new());

fn compile_once(source: &Source) -> Result<CString, GpuError> {
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ptx) = compiled.get(source.file) {
        return Ok(ptx.clone());
    }
    let ptx = compile(source)?;
    compiled.insert(source.file, ptx.clone());
    Ok(ptx)
}

/// The PTX of a source.
pub fn compile(source: &Source) -> Result<CString, GpuError> {
    // SAFETY: loading NVIDIA's library runs its initialisers.
    if !unsafe { nvrtc::sys::is_culib_present() } {
        return Err(LIBRARIES[2].missing());
    }
    let refused = |why: String| GpuError::CodeRefused {
        module: source.file.to_owned(),
        why,
        needed: NEEDED_CAPABILITY,
    };
    let text = CString::new(source.text).map_err(|e| refused(e.to_string()))?;
    let file = CString::new(source.file).map_err(|e| refused(e.to_string()))?;
    let program = nvrtc::result::create_program(text.as_c_str(), Some(file.as_c_str()));
    let program = program.map_err(|e| refused(format!("{e:?}")))?;
    // SAFETY: the program was made above and is destroyed below, once.
    let compiled = unsafe {
        let done = nvrtc::result::compile_program(program, &OPTIONS);
        let compiled = match done {
            Ok(()) => nvrtc::result::get_ptx(program).map_err(|e| format!("{e:?}")),
            Err(error) => {
                let log = nvrtc::result::get_program_log(program).unwrap_or_default();
                let log = CStr::from_bytes_until_nul(bytemuck::cast_slice(&log));
                let log = log.map(|l| l.to_string_lossy().into_owned()).unwrap_or_default();
                Err(format!("{error:?}: {log}"))
            }
        };
        _ = nvrtc::result::destroy_program(program);
        compiled
    };
    let ptx: Vec<u8> = compiled.map_err(refused)?.into_iter().map(|c| c as u8).collect();
    let ptx = CStr::from_bytes_until_nul(&ptx).map_err(|e| refused(e.to_string()))?;
    Ok(ptx.to_owned())
}
