//! When what arrives, and what cannot.

use super::*;
use crate::plan::Plan;
use crate::registry::Registry;
use std::path::Path;

fn planned(arrivals: &str, folder: &Path) -> Result<Plan, String> {
    let text = format!(
        "workloads:\n  - arrivals: {arrivals}\nclusters: [star]\nschedulers: [mct]\nvary: {{interval: [1, 2]}}\n"
    );
    let plan = Plan::read(&Registry::new(&[]), &folder.join("x.yaml"), &text);
    plan.map_err(|mistakes| mistakes.render(200, false))
}

/// Tried on the cluster too.
fn read(arrivals: &str, folder: &Path) -> Result<Plan, String> {
    let plan = planned(arrivals, folder)?;
    crate::plan::check_feasible(&plan).map_err(|mistakes| mistakes.render(200, false))?;
    Ok(plan)
}

fn arrivals(text: &str) -> ArrivalsPlan {
    let plan = planned(text, Path::new("")).unwrap();
    plan.workloads[0].arrivals().unwrap().clone()
}

#[test]
fn instants_follow_the_process() {
    let of = "of: [chain]";
    let periodic = arrivals(&format!("{{{of}, periodic: {{count: 3, interval: 10 ns}}}}"));
    assert_eq!(periodic.instants_ns(1, 999), [0, 10, 20]);
    let burst = arrivals(&format!("{{{of}, burst: {{count: 5, size: 2, interval: 0.5}}}}"));
    assert_eq!(burst.instants_ns(1, 100), [0, 0, 50, 50, 100]);
    let poisson = arrivals(&format!("{{{of}, poisson: {{count: 5000, interval: 2}}}}"));
    let (at_ns, later_ns) = (poisson.instants_ns(7, 1000), poisson.instants_ns(7, 3000));
    assert_eq!(at_ns[0], 0);
    assert!(at_ns.windows(2).all(|w| w[0] <= w[1]));
    assert!(at_ns.iter().zip(&later_ns).all(|(a, b)| b.abs_diff(3 * a) <= 2), "not one pattern");
    assert_ne!(at_ns, poisson.instants_ns(8, 1000));
    // Exponential gaps have their mean for deviation: 2000 +- 28 here, so five of those are sure.
    let mean = at_ns[4999] as f64 / 4999.0;
    assert!((mean - 2000.0).abs() < 150.0, "{mean}");
}

#[test]
fn the_axis_scales_the_times_and_not_the_draws() {
    let text = "{of: [chain, fork-join], poisson: {count: 50, interval: 1 us}}";
    let plan = read(text, Path::new("")).unwrap();
    let [once, twice] = [0, 1].map(|at: usize| plan.workloads[at].arrivals().unwrap());
    assert_eq!((once.factor, twice.factor), (1.0, 2.0));
    assert_eq!(once.drawn(3), twice.drawn(3));
    let pairs = once.instants_ns(3, 1).into_iter().zip(twice.instants_ns(3, 1));
    assert!(pairs.into_iter().all(|(a, b)| b.abs_diff(2 * a) <= 1));
}

#[test]
fn draws_follow_the_weights() {
    let text = "{of: [chain, fork-join, cholesky: {n: 256, tile: 128}], weights: [6, 3, 1], \
                poisson: {count: 3000, interval: 1 us}}";
    let drawn = arrivals(text).drawn(1);
    let shares = [0, 1, 2].map(|w| drawn.iter().filter(|d| **d == w).count() as f64 / 3000.0);
    for (share, expected) in shares.into_iter().zip([0.6, 0.3, 0.1]) {
        // Five deviations of a share of 3000 draws.
        assert!((share - expected).abs() < 0.045, "{shares:?}");
    }
}

#[test]
fn equal_graphs_are_one_and_random_ones_differ() {
    let text = "{of: [cholesky: {n: 256, tile: 128}, layered: {tasks: 9}], \
                periodic: {count: 12, interval: 1 us}}";
    let Arriving { whole, parts } = arrivals(text).make(5).unwrap();
    assert_eq!(parts.len(), 12);
    let tasks: usize = parts.iter().map(|p| p.graph.len()).sum();
    assert_eq!(whole.len(), tasks);
    for (at, part) in parts.iter().enumerate() {
        let is_first = parts[..at].iter().all(|p| p.workload != part.workload);
        let is_random = part.workload.starts_with("layered");
        assert_eq!(part.like == at, is_first || is_random, "{at}");
        assert!(Arc::ptr_eq(&part.graph, &parts[part.like].graph));
        let first = runtime::TaskId(part.first_task);
        let (name, own) = (whole.task(first).kernel, part.graph.task(runtime::TaskId(0)).kernel);
        assert_eq!(whole.kernel_name(name), part.graph.kernel_name(own));
    }
}

#[test]
fn files_say_when_what_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "a.csv",
        "at, workload\n20 us,\"layered:{tasks: 9, ccr: 0.5}\"\n\n5 us,chain\n20 us,chain\n",
    );
    let of = "of: [chain, layered: {tasks: 9, ccr: 0.5}]";
    let plan = read(&format!("{{{of}, file: a.csv}}"), folder.path()).unwrap();
    let plan = plan.workloads[0].arrivals().unwrap();
    assert_eq!(plan.instants_ns(1, 1), [5_000, 20_000, 20_000]);
    assert_eq!(plan.drawn(1), [0, 1, 0]);
    write("b.json", r#"[{"at": 0.5, "workload": "layered"}, {"at": 0, "workload": "chain"}]"#);
    let plan = read(&format!("{{{of}, file: b.json}}"), folder.path()).unwrap();
    let plan = plan.workloads[0].arrivals().unwrap();
    assert_eq!((plan.instants_ns(1, 100), plan.drawn(1)), (vec![0, 50], vec![0, 1]));
    let cases = [
        ("when,what\n", "expected the columns \"at,workload\""),
        ("at,workload\n", "nothing arrives"),
        ("at,workload\n5 us\n", "line 2 is \"5 us\""),
        ("at,workload\nsoon,chain\n", "line 2: \"soon\" is no instant"),
        ("at,workload\n-1,chain\n", "line 2: \"-1\" is no instant"),
        ("at,workload\n1,heft\n", "line 2: \"heft\" is none of those in `of`: chain; layered"),
        ("at,workload\n1,chain\n1 us,chain\n", "some instants have a unit"),
        ("[{\"at\": 1}]", "missing field `workload`"),
    ];
    for (text, expected) in cases {
        write("bad", text);
        let mistakes = read(&format!("{{{of}, file: bad}}"), folder.path()).unwrap_err();
        assert!(mistakes.contains(expected), "{text:?}: {mistakes}");
    }
}

#[test]
fn what_cannot_arrive_is_told() {
    let each = "poisson: {count: 2, interval: 1}";
    let cases = [
        (format!("{{of: [], {each}}}"), "the list `of` is empty"),
        ("{of: [chain]}".to_owned(), "one of: poisson, periodic, burst, file"),
        (
            format!("{{of: [chain], {each}, periodic: {{count: 2, interval: 1}}}}"),
            "one of: poisson, periodic, burst, file",
        ),
        (format!("{{of: [chain], weights: [1, 2], {each}}}"), "2 weights for 1 workloads"),
        (format!("{{of: [chain], weights: [0], {each}}}"), "above 0"),
        (format!("{{of: [chian], {each}}}"), "there is no workload `chian`"),
        (format!("{{of: [arrivals: {{of: [chain], {each}}}], {each}}}"), "drawn from arrivals"),
        ("{of: [chain], poisson: {count: 200000, interval: 1}}".to_owned(), "too many"),
        ("{of: [chain], poisson: {count: 2}}".to_owned(), "interval"),
        ("{of: [chain], poisson: {count: 2, interval: 0}}".to_owned(), "above 0"),
        (format!("{{of: [chain], rate: 2, {each}}}"), "rate"),
        ("{of: [chain], file: nowhere.csv}".to_owned(), "there is no file `nowhere.csv`"),
    ];
    for (text, expected) in cases {
        let mistakes = read(&text, Path::new("")).unwrap_err();
        assert!(mistakes.contains(expected), "{text}: {mistakes}");
    }
    let text = "workloads: [arrivals: {of: [chain], poisson: {count: 2, interval: 1}}]\n\
                clusters: [host]\nschedulers: [mct]\nbackends: [cpu]\n";
    let plan = Plan::read(&Registry::new(&[]), Path::new("x.yaml"), text).unwrap();
    let mistakes = crate::plan::check_feasible(&plan).unwrap_err().render(200, false);
    assert!(mistakes.contains("only simulated"), "{mistakes}");
}
