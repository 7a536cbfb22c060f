//! The wrapper of the solver.

use milp::solver::{Interrupt, Kind, Limits, Program, SolverError, Status, solve};
use std::time::{Duration, Instant};

/// `min -5a - 4b - 3c`, `2a + 3b + c <= 5`, `4a + b + 2c <= 11`, `3a + 4b + 2c <= 8`: the LP of
/// Chvatal, Linear Programming (1983), chapter 2; optimum -13 at (2, 0, 1).
fn chvatal(kind: Kind) -> Program {
    let mut program = Program::new();
    let costs = [-5.0, -4.0, -3.0];
    let [a, b, c] = costs.map(|cost| program.column(cost, 0.0, f64::INFINITY, kind));
    program.at_most(5.0, &[(a, 2.0), (b, 3.0), (c, 1.0)]);
    program.at_most(11.0, &[(a, 4.0), (b, 1.0), (c, 2.0)]);
    program.at_most(8.0, &[(a, 3.0), (b, 4.0), (c, 2.0)]);
    program
}

/// Market split (Cornuejols and Dawande, IPCO 1998): infeasible or hard, with the bound at 0 for a
/// long time.
fn hard(columns: u64) -> Program {
    let mut program = Program::new();
    let mut state = 1u64;
    let mut dice = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % 100
    };
    let binaries: Vec<_> = (0..columns).map(|_| program.binary()).collect();
    for _ in 0..columns / 10 + 1 {
        let over = program.column(1.0, 0.0, f64::INFINITY, Kind::Continuous);
        let under = program.column(1.0, 0.0, f64::INFINITY, Kind::Continuous);
        let weights: Vec<f64> = binaries.iter().map(|_| dice() as f64).collect();
        let half = (weights.iter().sum::<f64>() / 2.0).floor();
        let mut terms: Vec<_> = binaries.iter().copied().zip(weights).collect();
        terms.extend([(over, -1.0), (under, 1.0)]);
        program.row(half, half, &terms);
    }
    program
}

#[test]
fn linear_and_whole_programs_are_solved() {
    for kind in [Kind::Continuous, Kind::Integer] {
        let program = chvatal(kind);
        let outcome = solve(&program, &Limits::default(), None).expect("it is solved");
        assert_eq!(outcome.status, Status::Optimal);
        assert!((outcome.objective + 13.0).abs() < 1e-6 && (outcome.bound + 13.0).abs() < 1e-6);
        let x = outcome.solution.expect("there is one");
        assert!(x.iter().zip([2.0, 0.0, 1.0]).all(|(x, want)| (x - want).abs() < 1e-6));
        assert!(program.violation(&x, 1e-6) < 1e-6);
        assert!(program.violation(&[2.0, 1.0, 1.0], 1e-6) > 2.9);
    }
}

#[test]
fn a_repeated_column_is_summed() {
    let mut program = Program::new();
    let x = program.column(1.0, 0.0, f64::INFINITY, Kind::Continuous);
    program.at_least(6.0, &[(x, 1.0), (x, 2.0)]);
    assert_eq!(program.nonzeros(), 1);
    let outcome = solve(&program, &Limits::default(), None).expect("it is solved");
    assert!((outcome.objective - 2.0).abs() < 1e-6);
}

#[test]
fn infeasible_and_unbounded_programs_say_so() {
    let mut program = chvatal(Kind::Integer);
    let extra = program.column(0.0, 0.0, 1.0, Kind::Integer);
    program.at_least(2.0, &[(extra, 1.0)]);
    let outcome = solve(&program, &Limits::default(), None).expect("it is an answer");
    assert_eq!((outcome.status, outcome.solution), (Status::Infeasible, None));
    assert_eq!(outcome.bound, f64::INFINITY);

    let mut program = Program::new();
    let x = program.column(-1.0, 0.0, f64::INFINITY, Kind::Continuous);
    program.at_least(0.0, &[(x, 1.0)]);
    let failed = solve(&program, &Limits::default(), None).expect_err("there is no least value");
    assert_eq!(failed, SolverError::Unbounded);
}

#[test]
fn an_empty_program_is_optimal() {
    let outcome = solve(&Program::new(), &Limits::default(), None).expect("it is an answer");
    assert_eq!(outcome.status, Status::Optimal);
}

#[test]
fn limits_of_nothing_and_bad_starts_are_refused() {
    let program = chvatal(Kind::Integer);
    let refused = |limits: Limits| solve(&program, &limits, None).expect_err("it is refused");
    let nodes = Limits { nodes: Some(0), ..Limits::default() };
    assert_eq!(refused(nodes), SolverError::ZeroLimit("node"));
    let iterations = Limits { iterations: Some(0), ..Limits::default() };
    assert_eq!(refused(iterations), SolverError::ZeroLimit("iteration"));
    let wall = Limits { wall: Some(Duration::ZERO), ..Limits::default() };
    assert_eq!(refused(wall), SolverError::ZeroLimit("wall"));
    assert_eq!(refused(Limits { gap: f64::NAN, ..Limits::default() }), SolverError::BadGap);
    let short = solve(&program, &Limits::default(), Some(&[1.0]));
    assert_eq!(short.expect_err("refused"), SolverError::BadStart { given: 1, columns: 3 });
}

#[test]
fn node_limits_are_kept_and_repeatable() {
    let program = hard(40);
    let limits = Limits { nodes: Some(200), ..Limits::default() };
    let first = solve(&program, &limits, None).expect("a limit is an answer");
    let second = solve(&program, &limits, None).expect("a limit is an answer");
    assert_eq!(first.status, Status::Limit);
    assert!((200..1000).contains(&first.nodes), "{}", first.nodes);
    assert_eq!(
        (first.nodes, first.objective, first.bound),
        (second.nodes, second.objective, second.bound)
    );
    assert_eq!(first.solution, second.solution);
    assert!(first.bound <= first.objective + 1e-6);
    let objectives: Vec<f64> = first.improvements.iter().map(|i| i.objective).collect();
    assert!(!objectives.is_empty() && objectives.windows(2).all(|w| w[1] < w[0]), "{objectives:?}");
    assert!((objectives.last().expect("one") - first.objective).abs() < 1e-6);
}

#[test]
fn iteration_limits_end_a_solve_where_they_ended_it_before() {
    let program = hard(50);
    let limits = Limits { iterations: Some(3000), ..Limits::default() };
    let ends = [1, 2].map(|_| {
        let outcome = solve(&program, &limits, None).expect("a limit is an answer");
        assert_eq!(outcome.status, Status::Limit);
        (outcome.nodes, outcome.objective, outcome.bound, outcome.solution)
    });
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn a_start_is_the_first_incumbent() {
    let program = chvatal(Kind::Integer);
    let limits = Limits { nodes: Some(1), ..Limits::default() };
    let outcome = solve(&program, &limits, Some(&[1.0, 1.0, 0.0])).expect("it is solved");
    assert!(outcome.objective <= -9.0 + 1e-6);
}

#[test]
fn another_thread_interrupts() {
    let program = hard(60);
    let interrupt = Interrupt::new();
    let limits = Limits { interrupt: interrupt.clone(), ..Limits::default() };
    let raiser = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        interrupt.raise();
        Instant::now()
    });
    let outcome = solve(&program, &limits, None).expect("an interrupt is an answer");
    let late = raiser.join().expect("it ends").elapsed();
    assert_eq!(outcome.status, Status::Interrupted);
    println!("returned {late:?} after the interrupt, {} nodes", outcome.nodes);
}

#[test]
fn a_raised_interrupt_ends_the_solve_at_once_and_a_wall_limit_ends_it_soon() {
    let interrupt = Interrupt::new();
    interrupt.raise();
    let limits = Limits { interrupt, ..Limits::default() };
    assert_eq!(solve(&hard(60), &limits, None).expect("an answer").status, Status::Interrupted);
    let limits = Limits { wall: Some(Duration::from_millis(200)), ..Limits::default() };
    assert_eq!(solve(&hard(60), &limits, None).expect("an answer").status, Status::Limit);
}

#[test]
fn several_threads_solve_side_by_side() {
    let solve_with = |threads: u32| {
        let limits = Limits { threads, ..Limits::default() };
        solve(&chvatal(Kind::Integer), &limits, None).expect("it is solved").objective
    };
    for threads in [1, 2, 1, 3] {
        assert!((solve_with(threads) + 13.0).abs() < 1e-6);
    }
    std::thread::scope(|scope| {
        let solving: Vec<_> = (0..3).map(|_| scope.spawn(|| solve_with(1))).collect();
        solving.into_iter().for_each(|s| assert!((s.join().expect("it ends") + 13.0).abs() < 1e-6));
    });
}
