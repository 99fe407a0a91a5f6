//! Time zones: what a clock on the wall shows at an instant, and when it first shows something.

use core::fmt;

use jiff::Timestamp as Instant;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

use super::civil::DAY_MS;
use crate::limits::{DAY_SKIPPED_MS_MAX, HOUR_OFFSET_AT_MS, ZONE_NAME_BYTES_MAX};
use crate::refusal::Refusal;
use crate::time::HOUR_MS;

/// A time zone that is known to exist. A clone shares its data; UTC is the default.
#[derive(Clone)]
pub struct Zone(TimeZone);

/// What the clocks of a zone left out when they were put forward.
pub(super) struct Gap {
    /// The first time on the wall that was left out.
    pub(super) wall_from_ms: i64,
    /// What the wall showed instead.
    pub(super) wall_to_ms: i64,
}

impl Zone {
    /// Reads the IANA name of a zone in any case; `field` names it in the refusal.
    ///
    /// Only the database inside this program is asked, so that the answer is the same everywhere.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is no such zone.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let unknown =
            || Refusal::invalid(field, "must be the IANA name of a time zone, as Europe/Berlin");
        if text.len() > ZONE_NAME_BYTES_MAX {
            return Err(unknown());
        }
        // Not `jiff::tz::db`, which asks the system first if another crate turns that on.
        let zone = TimeZoneDatabase::bundled().get(text).map_err(|_| unknown())?;
        // The database also knows "Etc/Unknown", which is no zone and has no name.
        zone.iana_name().ok_or_else(unknown)?;
        Ok(Self(zone))
    }

    /// The name, in the case that the database has it in.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.iana_name().expect("only zones with a name are made")
    }

    /// What a clock on the wall shows at an instant.
    pub(super) fn wall_ms(&self, at_ms: i64) -> i64 {
        at_ms.saturating_add(offset_ms(self.0.to_offset(instant(at_ms))))
    }

    /// The first instant at which a clock on the wall shows this or something later.
    pub(super) fn first_instant_ms(&self, wall_ms: i64) -> i64 {
        let Ok(as_if_utc) = Instant::from_millisecond(wall_ms) else {
            // Beyond the years of the database clocks are left as they are at its end.
            return wall_ms.saturating_sub(offset_ms(self.0.to_offset(instant(wall_ms))));
        };
        let ambiguous = self.0.to_ambiguous_timestamp(Offset::UTC.to_datetime(as_if_utc));
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => wall_ms - offset_ms(offset),
            AmbiguousOffset::Fold { before, .. } => wall_ms - offset_ms(before),
            AmbiguousOffset::Gap { before, after } => {
                let before_gap_ms = wall_ms - offset_ms(after);
                let after_gap_ms = wall_ms - offset_ms(before);
                self.changes(before_gap_ms, after_gap_ms)
                    .find(|change_ms| self.wall_ms(*change_ms) >= wall_ms)
                    .unwrap_or(after_gap_ms)
            }
        }
    }

    /// How long after the full hour of UTC the hours of this zone begin.
    pub(super) fn hour_begins_ms(&self) -> i64 {
        (-offset_ms(self.0.to_offset(instant(HOUR_OFFSET_AT_MS)))).rem_euclid(HOUR_MS)
    }

    /// The gaps of a whole day after the one instant and not after the other.
    pub(super) fn days_skipped(&self, after_ms: i64, to_ms: i64) -> impl Iterator<Item = Gap> {
        self.changes(after_ms, to_ms.min(DAY_SKIPPED_MS_MAX)).filter_map(|change_ms| {
            let gap = Gap {
                wall_from_ms: self.wall_ms(change_ms - 1) + 1,
                wall_to_ms: self.wall_ms(change_ms),
            };
            (gap.wall_to_ms - gap.wall_from_ms >= DAY_MS).then_some(gap)
        })
    }

    /// When clocks were changed, after the one instant and not after the other.
    fn changes(&self, after_ms: i64, to_ms: i64) -> impl Iterator<Item = i64> {
        self.0
            .following(instant(after_ms))
            .map(|change| change.timestamp().as_millisecond())
            .take_while(move |change_ms| *change_ms <= to_ms)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// The instant, or the one of the database nearest to it.
fn instant(at_ms: i64) -> Instant {
    let nearest = if at_ms < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(at_ms).unwrap_or(nearest)
}

fn offset_ms(offset: Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}
