//! Randomness that can be had again.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The seed of this run: `USANCE_TEST_SEED`, or a new one.
pub fn seed() -> u64 {
    match std::env::var("USANCE_TEST_SEED") {
        Ok(text) => text.parse().expect("USANCE_TEST_SEED is a whole number"),
        Err(_) => RandomState::new().build_hasher().finish(),
    }
}

/// `SplitMix64`.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub const fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
