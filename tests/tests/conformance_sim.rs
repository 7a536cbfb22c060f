//! Every scheduler of the registry, in simulation, and one that plans apart from the run.

use proptest::prelude::*;
use windtunnel_tests::conformance::{
    check_ahead, check_disturbed, check_extinction, check_losses, check_shared, check_simulated,
    check_threads, check_tight_memory, everyone,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn runs_are_valid_bounded_repeatable_and_replayable(seed: u64) {
        everyone().for_each(|info| check_simulated(info, seed));
    }

    #[test]
    fn runs_on_streams_are_too(seed: u64) {
        everyone().for_each(|info| check_shared(info, seed));
    }

    #[test]
    fn disturbed_runs_are_too(seed: u64) {
        everyone().for_each(|info| check_disturbed(info, seed));
    }

    #[test]
    fn memories_of_exactly_the_largest_working_set_suffice(seed: u64) {
        everyone().for_each(|info| check_tight_memory(info, seed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn runs_with_tasks_issued_ahead_are_too(seed: u64) {
        everyone().for_each(|info| check_ahead(info, seed));
    }
}

proptest! {
    // Each case is several runs, with many plans.
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    #[test]
    fn runs_with_losses_are_too(seed: u64) {
        everyone().for_each(|info| check_losses(info, seed));
    }

    #[test]
    fn runs_that_lose_all_devices_end(seed: u64) {
        everyone().for_each(|info| check_extinction(info, seed));
    }
}

proptest! {
    // Few cases: each plan runs a solver.
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    #[test]
    fn the_milp_planners_conform(seed: u64) {
        for info in milp::all() {
            check_simulated(info, seed);
            check_disturbed(info, seed);
            check_losses(info, seed);
            check_tight_memory(info, seed);
            check_shared(info, seed);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    for info in everyone().chain(&milp::all()[1..2]) {
        check_threads(info, 11);
    }
}
