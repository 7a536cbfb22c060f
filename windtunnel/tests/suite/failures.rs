//! What a user's mistakes look like.

use real_backend::RunError;
use runtime::trace::{read_trace, write_trace};
use windtunnel::{Data, Error, Flow, KernelError, Testbed};

/// A chain over one number with a task `bad` in the middle, and independent tasks.
fn flow(bad: impl Fn() -> Result<(), KernelError> + Send + Sync + 'static) -> (Flow, Data<i64>) {
    let mut flow = Flow::new("one bad task");
    let bad = flow.kernel("bad", move |_| bad().map(|()| None)).unwrap();
    let add = flow.kernel("add", |args| {
        args.buffers[0].as_mut_slice::<i64>()?[0] += 1;
        Ok(None)
    });
    let add = add.unwrap();
    let x = flow.input("x", &[0i64]).unwrap();
    flow.keep(x);
    for at in 0..20 {
        let (kernel, name) = if at == 10 { (bad, "the bad one") } else { (add, "") };
        flow.task(kernel).updates(x).name(name).submit().unwrap();
    }
    (flow, x)
}

#[test]
fn a_panic_fails_its_task_by_name_and_leaves_a_readable_trace() {
    for scheduler in ["heft", "mct"] {
        let (flow, _) = flow(|| panic!("index {} out of bounds", 7));
        let error = flow.run(&Testbed::host(2).unwrap(), scheduler).unwrap_err();
        let expected = "task \"the bad one\" failed: the kernel panicked: index 7 out of bounds";
        assert_eq!(error.to_string(), expected);
        let Error::Run(RunError::Failed { trace, .. }) = error else { panic!("{error}") };
        assert_eq!(trace.tasks.len(), 10, "what came before it");
        let mut file = Vec::new();
        write_trace(&trace, &mut file).unwrap();
        let back = read_trace(&mut file.as_slice()).unwrap();
        assert_eq!((back.tasks, back.inputs), (trace.tasks.clone(), trace.inputs.clone()));
    }
}

#[test]
fn an_error_of_a_kernel_fails_its_task() {
    let (flow, _) = flow(|| Err(KernelError::Data("no root is real".into())));
    let error = flow.run(&Testbed::host(1).unwrap(), "mct").unwrap_err();
    assert_eq!(error.to_string(), "task \"the bad one\" failed: no root is real");
}

#[test]
fn an_error_of_a_continuation_ends_the_run_in_both_worlds() {
    let mut flow = Flow::new("bad continuation");
    let kernel = flow.kernel("k", |_| Ok(None)).unwrap();
    let go_on = |_: &[i64], flow: &mut Flow| flow.kernel("late", |_| Ok(None)).map(|_| ());
    flow.task(kernel).then(go_on).submit().unwrap();
    let testbed = Testbed::host(1).unwrap();
    for error in [
        flow.run(&testbed, "mct").unwrap_err().to_string(),
        flow.simulate(&testbed, "mct").unwrap_err().to_string(),
    ] {
        assert!(error.contains("kernel \"late\" is defined while the flow runs"), "{error}");
    }
}

#[test]
#[should_panic(expected = "not today")]
fn a_panic_of_a_continuation_is_the_callers() {
    let mut flow = Flow::new("panic");
    let kernel = flow.kernel("k", |_| Ok(None)).unwrap();
    flow.task(kernel).then(|_, _| panic!("not today")).submit().unwrap();
    _ = flow.run(&Testbed::host(1).unwrap(), "mct");
}

#[test]
fn futures_of_a_live_run_that_fails_end_with_the_reason() {
    let (flow, x) = flow(|| panic!("oh"));
    let live = flow.start(&Testbed::host(2).unwrap(), "mct").unwrap();
    let read = live.read(x);
    // The run may have failed before the submission.
    match read {
        Ok(read) => {
            let error = read.wait().unwrap_err().to_string();
            assert!(error.contains("task \"the bad one\" failed: the kernel panicked: oh"));
        }
        Err(error) => assert!(matches!(error, Error::Over)),
    }
    let error = live.finish().unwrap_err();
    assert!(matches!(error, Error::Run(RunError::Failed { .. })), "{error}");
}
