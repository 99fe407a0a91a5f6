//! Counts of how large things were.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper ends of the buckets: powers of four from 1 to about a million.
pub const BOUNDS: [u64; 11] = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

/// How often something was how large.
#[derive(Debug, Default)]
pub struct Histogram {
    /// A count for each bound, and one for what is beyond all.
    counts: [AtomicU64; BOUNDS.len() + 1],
    sum: AtomicU64,
}

/// A histogram at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Distribution {
    /// How many were at most as large as each of [`BOUNDS`].
    pub up_to: [u64; BOUNDS.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together.
    pub sum: u64,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&self, value: u64) {
        let bucket = BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted.
    #[must_use]
    pub fn read(&self) -> Distribution {
        let mut read = Distribution { sum: self.sum.load(Ordering::Relaxed), ..<_>::default() };
        for (index, count) in self.counts.iter().enumerate() {
            read.count += count.load(Ordering::Relaxed);
            if let Some(up_to) = read.up_to.get_mut(index) {
                *up_to = read.count;
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_up_to_their_bounds() {
        let histogram = Histogram::default();
        for value in [0, 1, 2, 4, 5, 2_000_000] {
            histogram.observe(value);
        }
        let read = histogram.read();
        assert_eq!(read.up_to[..4], [2, 4, 5, 5]);
        assert_eq!((read.count, read.sum), (6, 2_000_012));
    }
}
