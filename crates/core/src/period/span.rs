//! Spans of the calendar, such as a month, whose length depends on where they are laid.

use core::fmt;

use super::civil::{self, DAY_MS};
use super::within;
use super::zone::Zone;
use crate::limits::SPAN_SECONDS_MAX;
use crate::refusal::Refusal;
use crate::time::{HOUR_MS, Timestamp};

/// What a span is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpanUnit {
    /// A second that passes.
    Second,
    /// 60 seconds that pass.
    Minute,
    /// 60 minutes that pass, whatever the clocks do.
    Hour,
    /// To the same time on the next day.
    Day,
    /// Seven days.
    Week,
    /// To the same day of the next month, or its last.
    Month,
    /// Twelve months.
    Year,
}

impl SpanUnit {
    /// All of them, the shortest first.
    pub const ALL: [Self; 7] =
        [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// The word for one of it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Second => "second",
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word() == word)
    }

    /// About how long it is: only to bound what is accepted.
    const fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
            Self::Week => 7 * 24 * 60 * 60,
            Self::Month => 365 * 24 * 60 * 60 / 12,
            Self::Year => 365 * 24 * 60 * 60,
        }
    }
}

/// A number of units of the calendar or the clock.
///
/// To repeat one without drifting, multiply its count and lay it from where it began: a month
/// after 31 January is 28 February, two months after it are 31 March.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// What it is measured in.
    pub unit: SpanUnit,
    /// How many of them; those that were read have at least one.
    pub count: u32,
}

impl Span {
    /// Reads a span as it is shown, such as "1 month" or "30 days", or one of ISO 8601 that has a
    /// single unit, such as "P1M" or "PT36H"; `field` names it in the refusal.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the text has another form, or says nothing or over 1000 years.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let malformed = "must be a whole number and a unit, as '30 days', '1 month' or 'P1M'";
        let span = read_iso(text)
            .or_else(|| read_words(text))
            .ok_or_else(|| Refusal::invalid(field, malformed))?;
        let seconds = u64::from(span.count).saturating_mul(span.unit.seconds());
        if seconds == 0 || seconds > SPAN_SECONDS_MAX {
            return Err(Refusal::invalid(
                field,
                "must be more than nothing and at most 1000 years",
            ));
        }
        Ok(span)
    }

    /// The instant this span after another, or the end of the calendar.
    ///
    /// From a day upwards the time on the wall is kept: in a gap it is the first instant after
    /// it, in a fold the earlier of the two.
    #[must_use]
    pub fn after(&self, at: Timestamp, zone: &Zone) -> Timestamp {
        self.away(at, zone, i64::from(self.count))
    }

    /// The instant this span before another, or the beginning of the calendar; as [`Self::after`].
    #[must_use]
    pub fn before(&self, at: Timestamp, zone: &Zone) -> Timestamp {
        self.away(at, zone, -i64::from(self.count))
    }

    fn away(&self, at: Timestamp, zone: &Zone, count: i64) -> Timestamp {
        let at = within(at.0);
        if count == 0 {
            return at;
        }
        let passed = |unit_ms: i64| at.0.saturating_add(count.saturating_mul(unit_ms));
        let wall_ms = zone.wall_ms(at.0);
        let days = |count: i64| {
            let away_ms = count.saturating_mul(DAY_MS);
            zone.first_instant_ms(wall_ms.saturating_add(away_ms))
        };
        let months = |count: i64| zone.first_instant_ms(civil::plus_months(wall_ms, count));
        within(match self.unit {
            SpanUnit::Second => passed(1000),
            SpanUnit::Minute => passed(60 * 1000),
            SpanUnit::Hour => passed(HOUR_MS),
            SpanUnit::Day => days(count),
            SpanUnit::Week => days(count.saturating_mul(7)),
            SpanUnit::Month => months(count),
            SpanUnit::Year => months(count.saturating_mul(12)),
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.count, self.unit.word())
    }
}

fn read_words(text: &str) -> Option<Span> {
    let (count, word) = text.split_once(' ')?;
    let unit = SpanUnit::from_word(word.strip_suffix('s').unwrap_or(word))?;
    Some(Span { unit, count: read_count(count)? })
}

fn read_iso(text: &str) -> Option<Span> {
    let rest = text.strip_prefix('P')?;
    let (rest, units): (&str, &[(char, SpanUnit)]) = match rest.strip_prefix('T') {
        Some(rest) => {
            (rest, &[('S', SpanUnit::Second), ('M', SpanUnit::Minute), ('H', SpanUnit::Hour)])
        }
        None => (
            rest,
            &[
                ('D', SpanUnit::Day),
                ('W', SpanUnit::Week),
                ('M', SpanUnit::Month),
                ('Y', SpanUnit::Year),
            ],
        ),
    };
    let (letter, unit) = units.iter().find(|(letter, _)| rest.ends_with(*letter))?;
    Some(Span { unit: *unit, count: read_count(rest.strip_suffix(*letter)?)? })
}

/// Digits only: `str::parse` would also take a sign.
fn read_count(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
