//! Every scheduler of the registry, on this machine's cores, and one that plans apart.

use windtunnel_tests::conformance::{check_emulated, check_real, everyone};

/// Few seeds of many: a real run takes real time, and starts a thread per lane.
const SEEDS: std::ops::Range<u64> = 0..12;

#[test]
fn runs_are_valid_bounded_and_replayable() {
    for seed in SEEDS {
        everyone().for_each(|info| check_real(info, seed));
    }
}

#[test]
fn emulated_runs_are_no_faster_than_their_model() {
    for seed in SEEDS {
        everyone().for_each(|info| check_emulated(info, seed));
    }
}

#[test]
fn runs_of_the_milp_planners_are_too() {
    for seed in 0..2 {
        milp::all().iter().for_each(|info| check_real(info, seed));
    }
}
