//! Instants, as data.

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * 60 * 1000;

impl Timestamp {
    /// The latest instant that is accepted anywhere: the end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The hour it lies in, counted from 1970; the hours before that are negative.
    #[must_use]
    pub const fn hour(self) -> i64 {
        self.0.div_euclid(HOUR_MS)
    }

    /// The instant `ms` milliseconds later, or the representable one nearest to it.
    #[must_use]
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}
