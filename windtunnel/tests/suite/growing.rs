//! Tasks that submit tasks.

use proptest::prelude::*;
use runtime::validator::validate;
use windtunnel::{Data, Error, Flow, KernelId, Testbed};

/// Sorts a range by splitting it until pieces are short: each split says where, each piece is a
/// task of its own, so the graph depends on the data.
fn quicksort(
    flow: &mut Flow,
    kernel: KernelId,
    x: Data<i64>,
    (first, end): (i64, i64),
) -> Result<(), Error> {
    let go_on = move |outcome: &[i64], flow: &mut Flow| {
        if let [middle] = *outcome {
            quicksort(flow, kernel, x, (first, middle))?;
            quicksort(flow, kernel, x, (middle + 1, end))?;
        }
        Ok(())
    };
    flow.task(kernel).commutes(x).params(&[first, end]).then(go_on).submit()?;
    Ok(())
}

fn sorting(numbers: &[i64]) -> Result<(Flow, Data<i64>), Error> {
    let mut flow = Flow::new("quicksort");
    let kernel = flow.kernel("split", |args| {
        let [first, end] = args.params_exactly()?;
        let [x] = args.buffers_exactly()?;
        let part = &mut x.as_mut_slice::<i64>()?[first as usize..end as usize];
        let Some((&mut pivot, _)) = part.split_last_mut() else { return Ok(None) };
        let last = part.len() - 1;
        let mut middle = 0;
        for at in 0..last {
            if part[at] < pivot {
                part.swap(at, middle);
                middle += 1;
            }
        }
        part.swap(middle, last);
        Ok((part.len() > 1).then(|| [first + middle as i64].into()))
    })?;
    let x = flow.input("numbers", numbers)?;
    flow.keep(x);
    quicksort(&mut flow, kernel, x, (0, numbers.len() as i64))?;
    Ok((flow, x))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..Default::default() })]

    #[test]
    fn a_sort_that_grows_with_its_data_sorts(numbers in prop::collection::vec(-9i64..9, 1..60)) {
        let (flow, x) = sorting(&numbers).unwrap();
        for scheduler in ["heft", "mct", "work-stealing"] {
            let results = flow.run(&Testbed::host(3).unwrap(), scheduler).unwrap();
            prop_assert_eq!(validate(results.trace()), []);
            let mut expected = numbers.clone();
            expected.sort_unstable();
            prop_assert_eq!(results.get(x).unwrap(), expected);
        }
    }
}

#[test]
fn a_simulation_takes_expected_outcomes() {
    let mut flow = Flow::new("countdown");
    let kernel = flow.kernel("tick", |_| Ok(Some([0].into()))).unwrap();
    fn tick(flow: &mut Flow, kernel: KernelId, left: i64) -> Result<(), Error> {
        let go_on = move |outcome: &[i64], flow: &mut Flow| match outcome {
            [0] => Ok(()),
            [left] => tick(flow, kernel, *left),
            _ => unreachable!("one number is expected"),
        };
        flow.task(kernel).expects(&[left - 1]).work(1.0).then(go_on).submit()?;
        Ok(())
    }
    tick(&mut flow, kernel, 7).unwrap();
    let testbed = Testbed::host(2).unwrap();
    let simulated = flow.simulate(&testbed, "heft").unwrap();
    assert_eq!((simulated.makespan_ns, simulated.trace.tasks.len()), (7_000_000_000, 7));
    // The real kernel returns 0 at once.
    assert_eq!(flow.run(&testbed, "heft").unwrap().trace().tasks.len(), 1);
}

#[test]
fn data_of_before_lives_as_long_as_somebody_may_go_on() {
    let mut flow = Flow::new("late reader");
    let copy = flow.kernel("copy", |args| {
        let [from, to] = args.buffers_exactly()?;
        to.as_mut_slice::<u8>()?.copy_from_slice(from.as_slice()?);
        Ok(None)
    });
    let copy = copy.unwrap();
    let early = flow.input("early", b"early").unwrap();
    let middle = flow.data::<u8>("middle", 5).unwrap();
    let late = flow.result::<u8>("late", 5).unwrap();
    let go_on = move |_: &[i64], flow: &mut Flow| {
        // Its last use was long ago.
        flow.task(copy).reads(middle).writes(late).submit()?;
        Ok(())
    };
    let done = flow.task(copy).reads(early).writes(middle).submit().unwrap();
    let idle = flow.kernel("idle", |_| Ok(None)).unwrap();
    flow.task(idle).after(done).then(go_on).submit().unwrap();
    let results = flow.run(&Testbed::host(1).unwrap(), "mct").unwrap();
    assert_eq!(results.get(late).unwrap(), b"early");
    let death = results.trace().buffers.iter().find(|b| b.object == Some(middle.object()));
    assert_ne!(death.unwrap().released_ns, u64::MAX, "it was let go after its last reader");
}
