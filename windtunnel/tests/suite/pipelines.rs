//! Flows that are told first: every scheduler, simulated, measured and emulated.

use runtime::validator::validate;
use windtunnel::cluster::{DeviceSpec, LinkSpec, MemorySpec};
use windtunnel::{
    ClusterSpec, Data, Decisions, DeviceId, Error, Event, Flow, Scheduler, Testbed, Value, View,
};

const PARTS: i64 = 6;
const LEN: usize = 500;

/// Makes, squares and adds up numbers in parts: three kernels.
fn squares() -> Result<(Flow, Data<f64>), Error> {
    let mut flow = Flow::new("squares");
    let make = flow.kernel("make", |args| {
        let [first] = args.params_exactly()?;
        let [out] = args.buffers_exactly()?;
        out.as_mut_slice::<f64>()?.iter_mut().zip(first..).for_each(|(x, i)| *x = i as f64);
        Ok(None)
    })?;
    let square = flow.kernel("square", |args| {
        let [input, output] = args.buffers_exactly()?;
        let pairs = output.as_mut_slice::<f64>()?.iter_mut().zip(input.as_slice::<f64>()?);
        pairs.for_each(|(y, x)| *y = x * x);
        Ok(None)
    })?;
    let add = flow.kernel("add", |args| {
        let [part, sum] = args.buffers_exactly()?;
        sum.as_mut_slice::<f64>()?[0] += part.as_slice::<f64>()?.iter().sum::<f64>();
        Ok(None)
    })?;
    let sum = flow.input("sum", &[0.0])?;
    flow.keep(sum);
    for part in 0..PARTS {
        let (numbers, squared) = (flow.data("numbers", LEN)?, flow.data::<f64>("squares", LEN)?);
        flow.task(make).writes::<f64>(numbers).params(&[part * LEN as i64]).work(1e-4).submit()?;
        flow.task(square).reads(numbers).writes(squared).work(2e-4).submit()?;
        flow.task(add).reads(squared).commutes(sum).work(1e-4).submit()?;
    }
    Ok((flow, sum))
}

/// All sums are whole and below 2^53, so any order of adding gives these bits.
fn expected() -> f64 {
    (0..PARTS * LEN as i64).map(|i| (i * i) as f64).sum()
}

/// Two nodes with a core each, 1 GB/s between them.
fn two_nodes() -> ClusterSpec {
    let memory = |name: &str| MemorySpec { name: name.into(), ..Default::default() };
    let device = |name: &str, memory: &str, speed| DeviceSpec {
        name: name.into(),
        class: "cpu".into(),
        memory: memory.into(),
        lanes: 1,
        speed,
        ..Default::default()
    };
    let link = LinkSpec {
        name: "cable".into(),
        a: "left".into(),
        b: "right".into(),
        bytes_per_s: 1e9,
        latency_ns: 1000,
        ..Default::default()
    };
    ClusterSpec {
        name: "two nodes".into(),
        memories: vec![memory("left"), memory("right")],
        devices: vec![device("slow", "left", 1.0), device("fast", "right", 2.0)],
        links: vec![link],
        ..Default::default()
    }
}

#[test]
fn every_scheduler_computes_the_same_in_both_worlds() {
    let (flow, sum) = squares().unwrap();
    let testbed = Testbed::host(2).unwrap().seed(3).issue_ahead(4);
    for info in schedulers::all() {
        let results = flow.run(&testbed, info.name).unwrap();
        assert_eq!(results.get(sum).unwrap(), [expected()], "{}", info.name);
        assert_eq!(validate(results.trace()), [], "{}", info.name);
        assert_eq!(results.trace().header.scheduler, info.name);
        let simulated = flow.simulate(&testbed, info.name).unwrap();
        assert_eq!(validate(&simulated.trace), [], "{}", info.name);
        assert_eq!(simulated.trace.tasks.len(), results.trace().tasks.len());
    }
}

#[test]
fn a_cluster_is_simulated_and_emulated() {
    let (flow, sum) = squares().unwrap();
    let testbed = Testbed::cluster(two_nodes()).unwrap().emulated();
    let predicted = flow.simulate(&testbed, "heft").unwrap();
    let results = flow.run(&testbed, "heft").unwrap();
    assert_eq!(results.get(sum).unwrap(), [expected()]);
    assert_eq!(validate(results.trace()), []);
    // Nothing ends before its model says so.
    assert!(results.makespan_ns() >= predicted.makespan_ns);
    let places = |t: &runtime::Trace| {
        let mut places: Vec<_> = t.tasks.iter().map(|r| (r.task, r.device)).collect();
        places.sort();
        places
    };
    assert_eq!(places(results.trace()), places(&predicted.trace));
}

#[test]
fn durations_are_learnt_by_kernel_and_shape() {
    let mut flow = Flow::new("learning");
    let spin = flow.kernel("spin", |args| {
        std::thread::sleep(std::time::Duration::from_millis(args.shape[0].into()));
        Ok(None)
    });
    let spin = spin.unwrap();
    for ms in [1, 1, 5] {
        flow.task(spin).shape([ms, 0, 0, 0]).submit().unwrap();
    }
    let mut testbed = Testbed::host(1).unwrap();
    assert_eq!(flow.simulate(&testbed, "mct").unwrap().makespan_ns, 0, "nothing is known yet");
    testbed.learn(flow.run(&testbed, "mct").unwrap().trace());
    let entries = testbed.history().entries();
    assert_eq!(entries.iter().map(|e| e.count).collect::<Vec<_>>(), [2, 1]);
    let predicted_ns = flow.simulate(&testbed, "mct").unwrap().makespan_ns;
    assert!(predicted_ns >= 7_000_000, "{predicted_ns}");
}

/// Alternates between devices.
struct Alternating(u32);

impl Scheduler for Alternating {
    fn decide(&mut self, events: &[Event], view: &View<'_>, out: &mut Decisions) {
        for event in events {
            if let Event::Ready { task } = *event {
                self.0 += 1;
                out.place(task, DeviceId(self.0 % view.cluster().device_count() as u32));
            }
        }
    }
}

#[test]
fn an_own_scheduler_and_one_with_parameters_run_as_named_ones_do() {
    let (flow, sum) = squares().unwrap();
    let testbed = Testbed::cluster(two_nodes()).unwrap().emulated();
    let own = || Box::new(Alternating(0)) as Box<dyn Scheduler>;
    let results = flow.run(&testbed, own()).unwrap();
    assert_eq!(results.get(sum).unwrap(), [expected()]);
    let simulated = flow.simulate(&testbed, own()).unwrap();
    assert_eq!(simulated.trace.header.scheduler, "own");
    let used = |d| simulated.trace.tasks.iter().filter(|t| t.device == DeviceId(d)).count();
    assert_eq!((used(0), used(1)), (9, 9));
    let heft = |insertion| {
        let parameters = [("insertion", Value::Bool(insertion))];
        windtunnel::scheduler("heft", &parameters, 1)
    };
    assert!(flow.simulate(&testbed, heft(false).unwrap()).is_ok());
    let error = windtunnel::scheduler("heft", &[("haste", Value::Int(3))], 1).err().unwrap();
    assert!(error.to_string().starts_with("heft has no parameter \"haste\""), "{error}");
}

#[test]
fn what_cannot_be_is_told() {
    let (mut flow, sum) = squares().unwrap();
    let testbed = Testbed::host(1).unwrap();
    let error = flow.kernel("add", |_| Ok(None)).unwrap_err();
    assert_eq!(error.to_string(), "kernel \"add\" was defined before");
    let error = flow.simulate(&testbed, "heftt").unwrap_err().to_string();
    assert!(error.starts_with("there is no scheduler \"heftt\"; there are: heft, "), "{error}");
    let unwritten = flow.data::<f32>("nothing", 3).unwrap();
    let kernel = flow.kernel_named("add");
    let error = flow.task(kernel).reads(unwritten).submit().unwrap_err();
    assert!(matches!(error, Error::Graph(_)), "{error}");
    let results = flow.run(&testbed, "mct").unwrap();
    let error = results.get(unwritten).unwrap_err().to_string();
    assert!(error.starts_with("\"nothing\" is no result of the run"), "{error}");
    assert_eq!(results.get(sum).unwrap(), [expected()]);
    assert!(matches!(Testbed::host(0), Err(Error::Cluster(_))));
}
