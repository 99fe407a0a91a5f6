//! Properties on random inputs.

use std::hash::{BuildHasher as _, RandomState};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How much more than usual is tried: `USANCE_TEST_SCALE`, 1 if it is not set.
pub fn scale() -> u32 {
    std::env::var("USANCE_TEST_SCALE").map_or(1, |text| text.parse().expect("a whole number"))
}

/// Checks a property on `cases` random inputs. A failure shows the smallest input that was found,
/// and the seed; `USANCE_TEST_SEED` runs from that seed again.
pub fn property<S: Strategy>(cases: u32, inputs: &S, check: impl Fn(S::Value)) {
    let given = std::env::var("USANCE_TEST_SEED").map(|text| text.parse().expect("a seed"));
    let seed: u64 = given.unwrap_or_else(|_| RandomState::new().hash_one(0));
    println!("USANCE_TEST_SEED={seed}");
    let bytes: Vec<u8> = seed.to_le_bytes().repeat(4);
    let config = Config {
        cases: cases * scale(),
        failure_persistence: None,
        max_shrink_iters: 2000,
        max_shrink_time: 20_000,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let checked = TestRunner::new_with_rng(config, rng).run(inputs, |input| {
        check(input);
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}
