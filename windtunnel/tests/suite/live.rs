//! Runs that are submitted to while they go on.

use runtime::executive::{Setup, Thinking};
use runtime::replay::replay_setup;
use runtime::validator::validate;
use runtime::{Cluster, Costs, Input};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use windtunnel::{Data, Error, Flow, KernelId, Live, Testbed};

fn adding() -> (Flow, KernelId) {
    let mut flow = Flow::new("adding");
    let add = flow.kernel("add", |args| {
        let [by] = args.params_exactly()?;
        args.buffers[0].as_mut_slice::<i64>()?[0] += by;
        Ok(Some([by].into()))
    });
    (flow, add.unwrap())
}

fn start(workers: u32, scheduler: &str) -> (Live, KernelId) {
    let (flow, add) = adding();
    (flow.start(&Testbed::host(workers).unwrap(), scheduler).unwrap(), add)
}

#[test]
fn many_threads_submit_and_read() {
    for scheduler in ["mct", "heft", "work-stealing"] {
        let (live, add) = start(2, scheduler);
        let total = live.submit(|flow| {
            let total = flow.input("total", &[0i64])?;
            flow.keep(total);
            Ok(total)
        });
        let total = total.unwrap();
        std::thread::scope(|scope| {
            for thread in 0..3_i64 {
                let live = &live;
                scope.spawn(move || {
                    let own = live.submit(|flow| flow.input("own", &[thread])).unwrap();
                    for by in 0..20 {
                        let submit = |flow: &mut Flow| {
                            flow.task(add).updates(own).params(&[by]).submit()?;
                            flow.task(add).commutes(total).params(&[by]).submit()
                        };
                        let task = live.submit(submit).unwrap();
                        if by % 7 == 0 {
                            let outcome = live.outcome(task).wait().unwrap();
                            assert_eq!(outcome.as_deref(), Some(&[by][..]));
                        }
                    }
                    assert_eq!(live.read(own).unwrap().wait().unwrap(), [thread + 190]);
                    live.release(own).unwrap();
                });
            }
        });
        let results = live.finish().unwrap();
        assert_eq!(results.get(total).unwrap(), [3 * 190]);
        assert_eq!(validate(results.trace()), []);
        assert_eq!(results.trace().tasks.len(), 3 * (20 * 2 + 1));
    }
}

/// Counts how often it was woken.
struct Bell(AtomicU32, std::thread::Thread);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.unpark();
    }
}

#[test]
fn futures_are_woken_when_they_are_ready() {
    let (live, add) = start(1, "mct");
    let bell = Arc::new(Bell(AtomicU32::new(0), std::thread::current()));
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    let x = live.submit(|flow| flow.input("x", &[1i64])).unwrap();
    live.submit(|flow| flow.task(add).updates(x).params(&[41]).submit()).unwrap();
    let mut future = pin!(live.read(x).unwrap());
    let content = loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(content) => break content.unwrap(),
            Poll::Pending => {
                let before = bell.0.load(Ordering::SeqCst);
                while bell.0.load(Ordering::SeqCst) == before {
                    std::thread::park();
                }
            }
        }
    };
    assert_eq!(content, [42]);
    live.finish().unwrap();
}

#[test]
fn the_makespan_ends_with_the_last_result() {
    let (live, add) = start(1, "mct");
    let x = live.submit(|flow| {
        let x = flow.input("x", &[1i64])?;
        flow.keep(x);
        Ok(x)
    });
    let x: Data<i64> = x.unwrap();
    let submit = |flow: &mut Flow| flow.task(add).updates(x).params(&[1]).submit();
    let first = live.submit(submit).unwrap();
    live.outcome(first).wait().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    live.submit(submit).unwrap();
    let results = live.finish().unwrap();
    let ends: Vec<u64> = results.trace().tasks.iter().map(|t| t.finished_ns).collect();
    assert!(ends[1] > ends[0] + 15_000_000, "it waited for the second submission: {ends:?}");
    assert!(results.makespan_ns() >= ends[1]);
    assert_eq!(results.get(x).unwrap(), [3]);
}

#[test]
fn a_live_run_replays_from_its_trace() {
    for scheduler in ["mct", "heft"] {
        let (flow, add) = adding();
        let testbed = Testbed::host(2).unwrap();
        let live = flow.start(&testbed, scheduler).unwrap();
        for round in 0..5 {
            let x = live.submit(|flow| {
                let x = flow.input("x", &[0i64, round])?;
                for by in 0..10 {
                    flow.task(add).updates(x).params(&[by]).submit()?;
                }
                Ok(x)
            });
            let x = x.unwrap();
            assert_eq!(live.read(x).unwrap().wait().unwrap(), [45, round]);
            if round % 2 == 0 {
                live.release(x).unwrap();
            }
        }
        let results = live.finish().unwrap();
        let trace = results.trace();
        let is_submitted =
            |i: &&runtime::trace::InputRecord| matches!(i.input, Input::Submitted { .. });
        assert!(trace.inputs.iter().filter(is_submitted).count() >= 13);
        let graph = flow.graph().clone();
        let cluster = Arc::new(Cluster::new(trace.header.cluster.clone()).unwrap());
        let setup = Setup {
            estimates: Costs::resolve(&graph, &cluster, None).unwrap(),
            graph,
            cluster,
            scheduler: windtunnel::scheduler(scheduler, &[], 0).unwrap().scheduler,
            thinking: Thinking::Free,
            program: None,
            tracing: true,
        };
        let replayed = replay_setup(trace, setup).unwrap();
        assert_eq!(replayed.digest, results.output().digest);
        assert_eq!(replayed.trace_digest, Some(trace.digest()));
        assert_eq!((replayed.makespan_ns, replayed.is_done), (trace.makespan_ns, true));
    }
}

#[test]
fn a_panic_of_a_submission_is_its_callers_and_ends_the_run() {
    let (live, add) = start(1, "mct");
    let panics = AssertUnwindSafe(|| {
        live.submit(|flow| {
            flow.task(add).submit()?;
            if flow.graph().len() == 1 {
                panic!("changed my mind");
            }
            Ok(())
        })
    });
    let payload = catch_unwind(panics).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"changed my mind"));
    assert!(matches!(live.submit(|_| Ok(())), Err(Error::Over)));
    assert_eq!(live.finish().unwrap_err().to_string(), "a submission panicked");
}

#[test]
fn a_run_that_is_dropped_ends_with_what_was_submitted() {
    static RAN: AtomicU32 = AtomicU32::new(0);
    let mut flow = Flow::new("dropped");
    let count = flow.kernel("count", |_| {
        RAN.fetch_add(1, Ordering::SeqCst);
        Ok(None)
    });
    let count = count.unwrap();
    let live = flow.start(&Testbed::host(1).unwrap(), "mct").unwrap();
    let last = live.submit(|flow| {
        (0..50).try_for_each(|_| flow.task(count).submit().map(|_| ()))?;
        flow.task(count).submit()
    });
    let last = live.outcome(last.unwrap());
    drop(live);
    last.wait().unwrap();
    assert_eq!(RAN.load(Ordering::SeqCst), 51);
}
