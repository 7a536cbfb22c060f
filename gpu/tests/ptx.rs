//! Every kernel file compiles to PTX that has its kernels, where NVRTC can be had.
#![cfg(feature = "cuda")]
#![expect(clippy::print_stdout, reason = "a test that was skipped says so")]

use gpu::GpuError;
use gpu::sources::SOURCES;

#[test]
fn every_kernel_compiles_to_ptx() {
    for source in &SOURCES {
        let ptx = match gpu::cuda::compile(source) {
            Ok(ptx) => ptx,
            Err(GpuError::LibraryMissing { library, .. }) => {
                println!("skipped: no {library}; scripts/nvrtc fetches it, scripts/test uses it");
                return;
            }
            Err(error) => panic!("{}: {error}", source.file),
        };
        for kernel in source.kernels {
            assert!(ptx.contains(&format!(".visible .entry {kernel}(")), "{kernel}: {ptx}");
        }
        assert!(ptx.contains(".target sm_75"), "{}", source.file);
    }
}

#[test]
fn code_that_does_not_compile_is_refused_with_the_compilers_words() {
    let wrong = gpu::sources::Source {
        file: "wrong.cu",
        text: "extern \"C\" __global__ void f() { no_such_thing(); }",
        kernels: &["f"],
    };
    match gpu::cuda::compile(&wrong) {
        Err(GpuError::LibraryMissing { library, .. }) => println!("skipped: no {library}"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains("wrong.cu") && text.contains("no_such_thing"), "{text}");
        }
        Ok(ptx) => panic!("it compiled: {ptx}"),
    }
}

/// Without a GPU the probe must answer, not panic; with one there is nothing to see here.
#[test]
fn looking_for_gpus_answers() {
    let (found, missing) = gpu::probe::look();
    match found {
        Ok(facts) => assert!(!facts.is_empty()),
        Err(error) => assert!(error.to_string().contains("CUDA"), "{error}"),
    }
    assert!(missing.len() <= gpu::probe::LIBRARIES.len());
}
