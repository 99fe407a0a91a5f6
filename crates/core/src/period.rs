//! Periods: what an allowance is counted in, one after the other, in a time zone.
//!
//! A boundary is a date and time of day on the wall, counted from the anchor and never from the
//! boundary before it: a cycle from 31 January has one on 28 February and the next on 31 March.
//! A zone then says when a clock on that wall first shows it or something later. So a boundary
//! that daylight saving skips is the first instant after the gap, one that comes twice is the
//! earlier, and boundaries never overtake each other: every instant lies in exactly one period.
//!
//! Where a zone once skipped a whole day, two boundaries of a daily cycle are one instant and the
//! period between them does not exist: it is neither answered nor counted.
//!
//! All of it depends on what the database of time zones says. A newer one may move boundaries
//! that lie ahead and, rarely, corrects past ones: what was closed is kept, not computed again.

mod civil;
pub mod span;
pub mod zone;

use crate::limits::CALENDAR_MS_MIN;
use crate::time::{HOUR_MS, Timestamp};

use self::civil::DAY_MS;
use self::zone::Zone;

/// How often a cycle begins again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Every {
    /// Every 60 minutes that pass, whatever the clocks do.
    Hour,
    /// Every day.
    Day,
    /// Every seven days.
    Week,
    /// Every month.
    Month,
    /// Every three months.
    Quarter,
    /// Every twelve months.
    Year,
}

impl Every {
    /// All of them, the shortest first.
    pub const ALL: [Self; 6] =
        [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|every| every.word() == word)
    }
}

/// Where cycles are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// Midnight, Monday, the first of the month, 1 January.
    ///
    /// Hours are the full hours of UTC; in a zone whose offset has minutes they are the full
    /// hours of its own clocks, as these stood in July 2025 (`limits::HOUR_OFFSET_AT_MS`).
    Calendar,
    /// An instant whose local date and time of day recur.
    At(Timestamp),
}

/// A span between two instants: the first is in it, the second is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Period {
    /// When it begins.
    pub from: Timestamp,
    /// When it has ended.
    pub to: Timestamp,
}

impl Period {
    /// Whether `at` lies in it.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// Periods that follow each other without a gap.
///
/// They fill the years 1 to 9999. An instant before or after these counts as the first or last of
/// them, and the first and the last period are cut off there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// How often it begins again.
    pub every: Every,
    /// Where it is counted from.
    pub anchor: Anchor,
    /// Whose clocks and calendar it follows.
    pub zone: Zone,
}

impl Cycle {
    /// The period that holds `at`.
    ///
    /// ```
    /// use usance_core::period::{Anchor, Cycle, Every, zone::Zone};
    /// use usance_core::time::Timestamp;
    ///
    /// let zone = Zone::parse("zone", "Europe/Berlin")?;
    /// let cycle = Cycle { every: Every::Month, anchor: Anchor::Calendar, zone };
    /// let march = cycle.period_at(Timestamp(1_774_000_000_000));
    /// assert_eq!(march.from, Timestamp(1_772_319_600_000)); // 2026-03-01T00:00+01:00
    /// assert_eq!(march.to, Timestamp(1_774_994_400_000)); // 2026-04-01T00:00+02:00
    /// # Ok::<(), usance_core::refusal::Refusal>(())
    /// ```
    #[must_use]
    pub fn period_at(&self, at: Timestamp) -> Period {
        let steps = self.steps();
        let index = self.index_at(&steps, instant_ms(at));
        Period {
            from: within(self.boundary_ms(&steps, index)),
            to: within(self.boundary_ms(&steps, index.saturating_add(1))),
        }
    }

    /// How many periods begin after `earlier`, up to and including the one that holds `later`.
    ///
    /// None do if both lie in the same one, or `later` is the earlier. What it takes does not grow
    /// with the number of periods.
    #[must_use]
    pub fn periods_between(&self, earlier: Timestamp, later: Timestamp) -> u64 {
        let (earlier_ms, later_ms) = (instant_ms(earlier), instant_ms(later));
        if later_ms <= earlier_ms {
            return 0;
        }
        let steps = self.steps();
        let begun = self
            .index_at(&steps, later_ms)
            .saturating_sub(self.index_at(&steps, earlier_ms))
            .saturating_sub(self.skipped(&steps, earlier_ms, later_ms));
        u64::try_from(begun).unwrap_or(0)
    }

    fn steps(&self) -> Steps {
        let wall_ms = |otherwise_ms: i64| match self.anchor {
            Anchor::Calendar => otherwise_ms,
            Anchor::At(at) => self.zone.wall_ms(within(at.0).0),
        };
        match self.every {
            Every::Hour => Steps::Hours { phase_ms: self.hour_phase_ms() },
            Every::Day => Steps::Days { first_ms: wall_ms(0), days: 1 },
            Every::Week => Steps::Days { first_ms: wall_ms(civil::MONDAY_MS), days: 7 },
            Every::Month => Steps::Months { first_ms: wall_ms(0), months: 1 },
            Every::Quarter => Steps::Months { first_ms: wall_ms(0), months: 3 },
            Every::Year => Steps::Months { first_ms: wall_ms(0), months: 12 },
        }
    }

    fn hour_phase_ms(&self) -> i64 {
        match self.anchor {
            Anchor::Calendar => self.zone.hour_begins_ms(),
            Anchor::At(at) => at.0.rem_euclid(HOUR_MS),
        }
    }

    /// When period number `index` begins; several may begin at once, where a day was skipped.
    fn boundary_ms(&self, steps: &Steps, index: i64) -> i64 {
        match *steps {
            Steps::Hours { phase_ms } => index.saturating_mul(HOUR_MS).saturating_add(phase_ms),
            Steps::Days { first_ms, days } => {
                let walked_ms = index.saturating_mul(days).saturating_mul(DAY_MS);
                self.zone.first_instant_ms(first_ms.saturating_add(walked_ms))
            }
            Steps::Months { first_ms, months } => {
                let wall_ms = civil::plus_months(first_ms, index.saturating_mul(months));
                self.zone.first_instant_ms(wall_ms)
            }
        }
    }

    /// The last index whose boundary is not after the instant.
    fn index_at(&self, steps: &Steps, at_ms: i64) -> i64 {
        let wall_ms = self.zone.wall_ms(at_ms);
        let index = match *steps {
            Steps::Hours { phase_ms } => return (at_ms - phase_ms).div_euclid(HOUR_MS),
            Steps::Days { first_ms, days } => (wall_ms - first_ms).div_euclid(days * DAY_MS),
            Steps::Months { first_ms, months } => {
                let begun = civil::month(wall_ms) - civil::month(first_ms);
                let index = begun.div_euclid(months);
                let is_ahead = civil::plus_months(first_ms, index * months) > wall_ms;
                if is_ahead { index - 1 } else { index }
            }
        };
        // The wall shows this boundary or more, so it has passed. In a fold the wall has shown
        // more before: one more boundary at most, since no clock was set back by over a day.
        let is_in_fold = self.boundary_ms(steps, index + 1) <= at_ms;
        if is_in_fold { index + 1 } else { index }
    }

    /// How many periods after `earlier_ms` and up to `later_ms` do not exist: only of those of a
    /// day can more than one boundary lie in a gap.
    fn skipped(&self, steps: &Steps, earlier_ms: i64, later_ms: i64) -> i64 {
        let Steps::Days { first_ms, days: 1 } = *steps else {
            return 0;
        };
        self.zone
            .days_skipped(earlier_ms, later_ms)
            .map(|gap| {
                let last = (gap.wall_to_ms - first_ms).div_euclid(DAY_MS);
                let before_first = (gap.wall_from_ms - 1 - first_ms).div_euclid(DAY_MS);
                (last - before_first - 1).max(0)
            })
            .sum()
    }
}

/// What lies between the boundaries of a cycle, and where number zero is: on the wall, except
/// for hours.
enum Steps {
    Hours { phase_ms: i64 },
    Days { first_ms: i64, days: i64 },
    Months { first_ms: i64, months: i64 },
}

/// The instant, or the one of the calendar nearest to it: its end is in no period.
fn instant_ms(at: Timestamp) -> i64 {
    at.0.clamp(CALENDAR_MS_MIN, Timestamp::MAX.0 - 1)
}

/// The instant, or the end of the calendar nearest to it.
fn within(at_ms: i64) -> Timestamp {
    Timestamp(at_ms.clamp(CALENDAR_MS_MIN, Timestamp::MAX.0))
}

#[cfg(test)]
mod tests;
