//! Every entry of the registry: what it accepts, what it refuses, and that seeds pin graphs.

use proptest::prelude::*;
use runtime::registry::{Kind, ParameterInfo, Value};
use workloads::registry::{Family, WorkloadError, all, find};

#[test]
fn names_are_unique_and_found() {
    for info in all() {
        assert_eq!(all().iter().filter(|other| other.name == info.name).count(), 1);
        assert_eq!(find(info.name).unwrap().summary, info.summary);
        for parameter in info.parameters {
            let same = info.parameters.iter().filter(|other| other.name == parameter.name);
            assert_eq!(same.count(), 1, "{}.{}", info.name, parameter.name);
        }
    }
    assert!(find("nothing").is_none());
}

#[test]
fn defaults_build_and_apps_have_a_body_for_every_kernel() {
    for info in all() {
        let workload = info.make(&[], 1).unwrap();
        assert!(!workload.graph.is_empty(), "{}", info.name);
        assert_eq!(workload.app.is_some(), info.family == Family::Application, "{}", info.name);
        if let Some(app) = workload.app {
            let bodies = app.kernels().resolve(&workload.graph);
            assert!(bodies.iter().all(Option::is_some), "{}", info.name);
            let keeps = |o| workload.graph.object(o).keep;
            assert!(workload.graph.object_ids().any(keeps), "{} has a result", info.name);
        }
    }
}

#[test]
fn the_seed_pins_the_graph() {
    for info in all() {
        let plain = |seed| info.make(&[], seed).unwrap().graph.to_plain();
        assert_eq!(plain(7), plain(7), "{}", info.name);
        if info.family == Family::Classic {
            assert_ne!(plain(7), plain(8), "{}", info.name);
        }
    }
}

#[test]
fn too_much_is_refused_before_anything_is_allocated() {
    for (name, given) in [
        ("cholesky", vec![("n", 1_000_000), ("tile", 1)]),
        ("layered", vec![("tasks", 20_000_000), ("max_parents", 256)]),
        ("fork-join", vec![("stages", 1_000_000), ("width", 1_000_000)]),
        ("in-tree", vec![("levels", 1_000_000), ("degree", 100_000)]),
        ("out-tree", vec![("levels", 1_000_000), ("degree", 2)]),
        ("gaussian-elimination", vec![("size", 100_000)]),
        ("fft", vec![("points", 1 << 20)]),
        ("stencil", vec![("blocks", 1_000_000), ("steps", 1_000_000)]),
        ("stencil", vec![("blocks", 10_000), ("steps", 1000), ("radius", 100)]),
    ] {
        let info = find(name).unwrap();
        let value = |(key, value): (&str, i64)| (key.to_owned(), Value::Int(value));
        let given: Vec<_> = given.into_iter().map(value).collect();
        let error = info.make(&given, 1).err().expect(name);
        assert!(matches!(error, WorkloadError::TooLarge { .. }), "{name}: {error}");
    }
}

/// Anything at all.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        prop::sample::select(vec!["", "10 ms", "-1 s", "NaN", "1e99 B/s"])
            .prop_map(|text| Value::Text(text.to_owned())),
    ]
}

/// What the kind allows, but few of anything that is counted.
fn fitting(info: &ParameterInfo) -> BoxedStrategy<(String, Value)> {
    let name = info.name.to_owned();
    let value = match info.kind {
        Kind::Bool { .. } => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Int { min, max, .. } => (min..=max.min(min + 5)).prop_map(Value::Int).boxed(),
        Kind::Float { min, max, .. } => (min..=max).prop_map(Value::Float).boxed(),
        Kind::Choice { options, .. } => {
            prop::sample::select(options).prop_map(|o| Value::Text(o.to_owned())).boxed()
        }
        Kind::Quantity { default, dimension } => {
            let unit = dimension.unit_names()[0];
            let other = (0u32..2000).prop_map(move |n| Value::Text(format!("{n} {unit}")));
            prop_oneof![Just(Value::Text(default.to_owned())), other].boxed()
        }
    };
    value.prop_map(move |value| (name.clone(), value)).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn values_that_do_not_fit_are_typed_errors(
        workload in 0..all().len(),
        parameter in 0usize..64,
        value in any_value(),
    ) {
        let info = &all()[workload];
        let parameter = &info.parameters[parameter % info.parameters.len()];
        let given = [(parameter.name.to_owned(), value.clone())];
        if info.parameters(&given).is_err() {
            let error = info.make(&given, 1).err();
            prop_assert!(matches!(error, Some(WorkloadError::Parameter(_))));
        } else {
            // Accepted: then it is of the declared type and in range.
            match (parameter.kind, value) {
                (Kind::Int { min, max, .. }, Value::Int(i)) => prop_assert!(min <= i && i <= max),
                (Kind::Float { min, max, .. }, Value::Float(f)) => {
                    prop_assert!(min <= f && f <= max);
                }
                (Kind::Float { min, max, .. }, Value::Int(i)) => {
                    prop_assert!(min <= i as f64 && i as f64 <= max);
                }
                (Kind::Bool { .. }, Value::Bool(_))
                | (Kind::Choice { .. } | Kind::Quantity { .. }, Value::Text(_)) => {}
                (kind, value) => prop_assert!(false, "{kind:?} took {value:?}"),
            }
        }
    }

    #[test]
    fn whatever_fits_builds_or_says_why_not(
        (workload, given) in (0..all().len()).prop_flat_map(|workload| {
            let all: Vec<_> = all()[workload].parameters.iter().map(fitting).collect();
            (Just(workload), all)
        }),
        seed in any::<u64>(),
    ) {
        let info = &all()[workload];
        match info.make(&given, seed) {
            Ok(made) => {
                prop_assert!(!made.graph.is_empty());
                let again = info.make(&given, seed).unwrap();
                prop_assert_eq!(made.graph.to_plain(), again.graph.to_plain());
            }
            Err(error @ (WorkloadError::Graph(_) | WorkloadError::Grows { .. })) => {
                prop_assert!(false, "{}", error);
            }
            Err(WorkloadError::Parameter(_) | WorkloadError::TooLarge { .. }) => {}
        }
    }
}
