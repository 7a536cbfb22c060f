//! What goes wrong on GPUs, and what a run says of it.

use crate::gpus::{Anywhere, Machine, Sums, fill};
use crate::schedulers::Random;
use gpu::GpuId;
use gpu::fake::{FakeSpec, Fault};
use real_backend::{RunError, RunOutput, run};
use runtime::executive::Failure;

const GPU: GpuId = GpuId(0);

fn run_with(machine: &Machine, faults: &[Fault]) -> Result<RunOutput, RunError> {
    let sums = Sums::new(6, 60, 256, &mut Random(5));
    let fake = FakeSpec { longest_ns: 20_000, faults: faults.to_vec(), ..FakeSpec::default() };
    let mut spec = machine.spec(sums.graph.clone(), fake, Anywhere(Random(6)));
    spec.inputs = Some(Box::new(fill));
    let output = run(spec)?;
    sums.check(&output);
    Ok(output)
}

fn failed(machine: &Machine, fault: Fault) -> RunError {
    let error = run_with(machine, &[fault]).expect_err("it fails");
    assert!(error.trace().is_some_and(|trace| trace.tasks.len() < 60), "{error}");
    error
}

#[test]
fn an_allocation_that_fails_once_is_tried_again() {
    let once = Fault::Allocation { gpu: GPU, after: 2, times: 1 };
    run_with(&Machine::default(), &[once]).unwrap();
}

#[test]
fn out_of_device_memory_says_what_to_do() {
    let error = failed(&Machine::default(), Fault::Allocation { gpu: GPU, after: 2, times: 2 });
    assert!(matches!(error, RunError::Gpu { .. }));
    let text = error.to_string();
    assert!(text.contains("of 1024 bytes failed: GPU 0 has no 1024 bytes left"), "{text}");
    assert!(text.contains("lower the capacity of its memory in the cluster file"), "{text}");
}

#[test]
fn a_kernel_that_faults_is_named_and_the_rest_of_the_machine_works_on() {
    let machine = Machine { gpus: 2, ..Machine::default() };
    let error = failed(&machine, Fault::Launch { gpu: GPU, after: 5 });
    let RunError::Failed { failure: Failure::Task { task, message }, .. } = &error else {
        panic!("{error}")
    };
    assert!(task.starts_with("axpy"), "{task}");
    assert!(message.contains("GPU 0 is lost: CUDA_ERROR_ILLEGAL_ADDRESS"), "{message}");
    assert!(message.contains("compute-sanitizer"), "{message}");
    // The process is fit for the next run.
    run_with(&machine, &[]).unwrap();
}

#[test]
fn a_lost_device_ends_a_run_whose_copies_are_under_way() {
    for after in 0..12 {
        let machine = Machine { capacity_bytes: Some(3072), ..Machine::default() };
        let error = failed(&machine, Fault::Launch { gpu: GPU, after });
        assert!(error.to_string().contains("GPU 0 is lost"), "{error}");
    }
}

#[test]
fn a_missing_library_and_refused_code_fail_the_task_that_needs_them() {
    let error = failed(&Machine::default(), Fault::Library("libnvrtc.so.13"));
    let text = error.to_string();
    assert!(text.contains("axpy") && text.contains("add its folder to LD_LIBRARY_PATH"), "{text}");
    let error = failed(&Machine::default(), Fault::Code);
    assert!(error.to_string().contains("capability 7.5 or newer"), "{error}");
}

#[test]
fn refused_access_between_gpus_says_how_to_go_around_it() {
    let machine = Machine { cpu_lanes: 0, gpus: 2, home: "hbm0", ..Machine::default() };
    let error = failed(&machine, Fault::Peers);
    assert!(error.to_string().contains("leave the link between them out"), "{error}");
}

#[test]
fn without_page_locked_memory_copies_wait_and_the_run_says_so() {
    let output = run_with(&Machine::default(), &[Fault::Pinned]).unwrap();
    let notes = output.notes.join("\n");
    assert!(notes.contains("no page-locked memory"), "{notes}");
}

#[test]
fn clusters_that_the_gpus_cannot_be_are_refused_before_the_run() {
    let refused = |machine: &Machine, gpus: u32, memory_bytes: u64| {
        let sums = Sums::new(2, 2, 8, &mut Random(1));
        let fake = FakeSpec { memory_bytes, ..FakeSpec::default() };
        let mut spec = machine.spec(sums.graph, fake.clone(), Anywhere(Random(1)));
        let fewer = gpu::fake::FakeGpus::new(FakeSpec { gpus, ..fake }).unwrap();
        spec.gpus.as_mut().unwrap().gpus = Box::new(fewer);
        run(spec).expect_err("it is refused").to_string()
    };
    let two = Machine { gpus: 2, ..Machine::default() };
    let text = refused(&two, 1, 1 << 20);
    assert!(text.contains("\"hbm1\" is a GPU's, and this machine has 1"), "{text}");
    let large = Machine { capacity_bytes: Some(1 << 21), ..Machine::default() };
    let text = refused(&large, 1, 1 << 20);
    assert!(text.contains("2097152 bytes in the cluster file and 1048576 bytes free"), "{text}");
}
