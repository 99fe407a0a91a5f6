//! Randomness that can be had again: every random test prints its seed, and `USANCE_TEST_SEED`
//! repeats it.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The seed of this run, printed under the name of its test.
#[expect(clippy::print_stdout, reason = "a failing test shows its seed with its output")]
pub fn seed(test: &str) -> u64 {
    let seed = match std::env::var("USANCE_TEST_SEED") {
        Ok(text) => text.parse().expect("USANCE_TEST_SEED is a whole number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    };
    println!("{test}: USANCE_TEST_SEED={seed}");
    seed
}

/// A whole number from the environment, for tests that can do more than they usually do.
pub fn knob(name: &str, usual: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is a whole number")),
        Err(_) => usual,
    }
}

/// SplitMix64.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream of the same seed.
    pub fn fork(&self, name: u64) -> Self {
        let mut other = Self(self.0 ^ name.wrapping_mul(0xd134_2543_de82_ef95));
        other.next();
        other
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
